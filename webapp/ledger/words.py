"""What stands in a book, in the reader's language: categories, sources, what to look at, kinds of counts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from webapp.kit import show
from webapp.kit.words import _, _l
from webapp.ledger import forms, rules
from webapp.ledger.rules import Flag
from webapp.store import rulebook

FLAGS = {
    Flag.NEGATIVE: _l("钱不够"),
    Flag.OVER_LIMIT: _l("数目大"),
    Flag.NO_RECEIPT: _l("待补票"),
    Flag.SAME_PHOTO: _l("同一张票"),
    Flag.ASK_FIRST: _l("等人同意"),
    Flag.OVER_MONTH: _l("超过这个月说好的"),
    Flag.TWICE: _l("像记了两遍"),
    Flag.ROUND: _l("整数没票的多"),
    Flag.SPLIT: _l("分成几笔花的"),
    Flag.EARLY: _l("账本开之前的"),
    Flag.SHUT: _l("上个月的，记在这里"),
    Flag.OWED: _l("前养护员欠"),
    Flag.OVER_BACK: _l("拿回的比垫的多"),
}
COUNTS = {
    "any": _l("平时点一点"),
    "month": _l("月底关账"),
    "handover": _l("交给下一位养护员"),
    "surprise": _l("站里突然点"),
    "alone": _l("前养护员不在，站里点"),
    "end": _l("结账"),
}
SIDES = {
    rules.KEEPER: _l("养护员"),
    rules.RESIDENT: _l("老人"),
    rules.KIN: _l("家属"),
    rules.STATION: _l("服务站"),
    rules.WITNESS: _l("见证人"),
}
HOWS = {
    rules.OWN: _l("自己点的"),
    rules.THUMB: _l("手印"),
    rules.PHONE: _l("电话里说的"),
    rules.BESIDE: _l("有见证人"),
}
SETTLED = {"reversed": _l("已冲掉"), "receipt": _l("票补上了"), "agreed": _l("有人同意了")}
_OWN = {rules.DIFFER: _l("点钱的差额"), rules.BACK: _l("还给家里"), rules.REPAID: _l("还养护员垫的")}


def name(each: Mapping[str, Any]) -> str:
    """A category as the reader says it."""
    return str(each["zh"] if show.chinese() else each["en"])


def category(code: str) -> str:
    """A category's name by its code, whoever offers it or did."""
    return _names(None).get(code) or str(_OWN.get(code) or _("其他"))


def _names(place: uuid.UUID | None) -> dict[str, str]:
    """Names by code, as last said: what is written under a category that is offered no more keeps its name."""
    every = rulebook.ever("money", place)
    return {each["code"]: name(each) for money in every for side in ("expense", "income") for each in money[side]}


def of(station_id: uuid.UUID) -> dict[str, Any]:
    """Names of a station's categories by code, and of sources: what every page of a book needs."""
    names = _names(station_id) | {code: str(said) for code, said in _OWN.items()}
    return {"names": names, "sources": sources()}


def sources() -> dict[str, str]:
    """Where money is, by source."""
    own = {"advance": _("养护员垫的"), rules.OWED: _("前养护员欠"), rules.GAP: _("点钱的差额")}
    return {code: str(said) for code, said in {**dict(forms.SOURCE_WORDS), **own}.items()}
