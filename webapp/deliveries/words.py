"""A record in plain words: the labels of its kept form, values as a person writes them; what cannot be read, as it came."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from wtforms import Field, SelectField, SelectMultipleField

from webapp.kit import canonical, clock, ids, money, show
from webapp.kit.words import _, _l
from webapp.store import arrivals, inbox, rulebook
from webapp.store.arrivals import Kept
from webapp.web import intake
from webapp.web.forms import FenField, KeptForm, PhotoField

CODES = (("services", "items"), ("money", "expense"), ("money", "income"))
"""Dated lists whose codes stand in records, by the name of their rules: their rooms lie further down the street."""
LONGEST = 4000
WHY = {
    "refused_by_data": _l("和已经记上的对不上，没记进去。请问问本人，再点“再记一次”"),
    "poison": _l("里面有看不懂的字，记不上。请本人重新记一条"),
    "other_author": _l("是在别人的手机上记的。请问清是谁记的，没错就点“再记一次”"),
    "revoked_device": _l("从停用的手机来的。请问清手机在谁手里，没错就点“再记一次”"),
    "newer_app": _l("手机上的版本比这里新，这里还读不懂。等系统更新以后，再点“再记一次”"),
    "bug": _l("没能记上，不怪本人。等系统修好，再点“再记一次”"),
}
"""Why a record waits, said to whoever must see to it; other reasons are a verb's own sentence."""


@dataclass(frozen=True)
class Told:
    """What a record says: lines of (label, value), or, when it cannot be read, the text as it came."""

    title: str
    lines: list[tuple[str, str]]
    raw: str | None
    photos: list[tuple[str, str]]
    """(digest, what it is a picture of)"""


@dataclass(frozen=True)
class Pair:
    """One line of two contents side by side."""

    label: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether the two say different things."""
        return self.first != self.second


def title_of(kind: str) -> str:
    """What the outbox calls a kind of record."""
    form = intake.form_of(kind)
    return str(form.keep.title) if form else _("这里还不认识的记录")


def why(row: Kept) -> str:
    """Why a record waits, and what to do."""
    if row.twice:
        return _("同一条收到两样内容，不知道哪样对。请问问本人")
    if row.state == arrivals.WAITING:
        return _("前面一条还没到，这条等着。请让那部手机联网；一直不来，就点“再记一次”")
    if row.reason in WHY:
        return str(WHY[row.reason])
    if row.reason == "form":
        return _("有一处没填对：%(say)s。请本人重新记一条", say=_(row.say) if row.say else "")
    return _(row.say) if row.say else ""


def named(envelope: Mapping[str, Any]) -> list[uuid.UUID]:
    """The households and residents a record names."""
    body = envelope["body"]
    return [key for name in ("household", "resident") if (key := ids.parse(body.get(name)))]


def told(envelope: Mapping[str, Any], names: Mapping[uuid.UUID, str]) -> Told:
    """The record in words. `names`: of households and residents within reach."""
    form = intake.form_of(envelope["kind"])
    lines = None if form is None or canonical.poisoned(envelope["body"]) else _lines(form, envelope, names)
    photos = [(str(each["sha256"]), _field_words(form, each["field"])) for each in envelope["photos"]]
    return Told(title_of(envelope["kind"]), lines or [], None if lines is not None else raw(envelope["body"]), photos)


def raw(body: Any) -> str:
    """The text as it came, what no screen can show written out."""
    text = json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True)
    return "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)[:LONGEST]


def _lines(form: type[KeptForm], envelope: Mapping[str, Any], names: Mapping[uuid.UUID, str]) -> list[tuple[str, str]] | None:
    kind = inbox.registry().kinds[envelope["kind"]]
    if envelope["schema"] > kind.schema:
        return None
    try:
        body = inbox.lifted(kind, envelope)
    except Exception:  # a body that never was of its schema: shown as it came
        return None
    codes = _codes()
    told = [(_("哪一家"), names.get(key) or _("不归您看的一家"))] if (key := ids.parse(body.get("household"))) else []
    for each in form():
        if each.name in body and not isinstance(each, PhotoField) and _labelled(each):
            told.append((str(each.label.text), _said(each, body[each.name], names, codes)))
    return told + _around(body)


def _around(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What no person typed: a card held before the camera, where it was."""
    inside = body.get("place")
    place = inside if isinstance(inside, Mapping) else body
    found = [(_("卡"), _("扫到了"))] if body.get("token") else []
    if place.get("lat_e6") is not None:
        metres = place.get("accuracy_m")
        found.append((_("位置"), _("有，误差 %(n)s 米", n=metres) if isinstance(metres, int) else _("有")))
    return found


def _labelled(each: Field) -> bool:
    """Whether somebody gave the field words: the others are the form's own wires."""
    return bool(str(each.label.text) != each.name.replace("_", " ").title())


def _field_words(form: type[KeptForm] | None, name: str) -> str:
    each = form()[name] if form is not None and hasattr(form, name) else None
    return str(each.label.text) if each is not None else _("照片")


def _said(each: Field, value: Any, names: Mapping[uuid.UUID, str], codes: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return _("是") if value else _("不是")
    if isinstance(value, int):
        return f"¥{money.show(value)}" if isinstance(each, FenField) else str(value)
    if isinstance(value, list):
        return "、".join(_said(each, item, names, codes) for item in value)
    if not isinstance(value, str):
        return raw(value)
    if (key := ids.parse(value)) is not None:
        return names.get(key) or _("不归您看的一位")
    choices: Any = each.choices if isinstance(each, SelectField | SelectMultipleField) else ()
    words = {str(choice.value): str(choice.label) for choice in choices or ()}
    return (words.get(value) or codes.get(value) or value)[:LONGEST]


def _codes() -> Mapping[str, str]:
    word = "zh" if show.chinese() else "en"
    found: dict[str, str] = {}
    for kind, part in CODES:
        if kind in rulebook.kinds():
            found |= {each["code"]: each[word] for each in rulebook.current(kind, clock.today())[part]}
    return found


def side_by_side(first: Told, second: Told, when: tuple[str, str]) -> list[Pair]:
    """Two contents, line by line; what only one of them says stands alone."""
    pairs = [Pair(_("什么"), first.title, second.title), Pair(_("什么时候记的"), *when)]
    left, right = dict(first.lines), dict(second.lines)
    pairs += [Pair(label, left.get(label, "—"), right.get(label, "—")) for label in {**left, **right}]
    if first.raw or second.raw:
        texts = [(text or "").split("\n") for text in (first.raw, second.raw)]
        pairs += [Pair(_("原文"), one, two) for one, two in zip_longest(*texts, fillvalue="")]
    pictures = [_("%(n)s 张", n=len(each.photos)) if each.photos else "—" for each in (first, second)]
    same = {each[0] for each in first.photos} == {each[0] for each in second.photos}
    if first.photos or second.photos:
        pairs.append(Pair(_("照片"), pictures[0], pictures[1] if same else f"{pictures[1]}{_('，不一样的')}"))
    return pairs
