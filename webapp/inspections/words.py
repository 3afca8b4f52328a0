"""How an inspection speaks: items and bands in the reader's language, states, and what one may answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.inspections.models import DONE, FIXED, OPEN, PLANNED, VERIFIED
from webapp.kit import money, show
from webapp.kit.words import _, _l

STATES: dict[str, Any] = {PLANNED: _l("还没去"), DONE: _l("做完了")}
MENDING: dict[str, Any] = {OPEN: _l("要整改"), FIXED: _l("等复查"), VERIFIED: _l("改好了")}
TONES = {OPEN: "wait", FIXED: "info", VERIFIED: "ok", "good": "ok", "fair": "info", "needs repair": "wait"}
ANSWERS = (("yes", _l("做到了")), ("no", _l("没做到")), ("na", _l("不适用")))
STARS = tuple((str(n), str(n)) for n in range(1, 6))


def name(row: Mapping[str, Any]) -> str:
    """The name of anything in inspection.json, in the reader's language."""
    return str(row["zh" if show.chinese() else "en"])


def how(item: Mapping[str, Any]) -> str:
    """How an item is looked at."""
    return str(item["how_zh" if show.chinese() else "how_en"])


def answers(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What may be answered; an item that asks for something bad says in its own words what each answer means."""
    said = item.get("says")
    if said is None:
        return [(code, str(text)) for code, text in ANSWERS]
    tongue = "zh" if show.chinese() else "en"
    return [("yes", said["yes"][tongue]), ("no", said["no"][tongue]), ("na", str(_("不适用")))]


def band(held: Mapping[str, Any], code: str) -> str:
    """好, 一般, 要整改; nothing where nothing was weighed."""
    found = next((each for each in held["pass_rate"]["bands"] if each["en"] == code), None)
    return str(found["zh"]) if found and show.chinese() else code.capitalize()


def percent(rate: int | None) -> str:
    """857 → 85.7%."""
    return "—" if rate is None else f"{rate // 10}.{rate % 10}%"


def answered(item: Mapping[str, Any], value: Any) -> str:
    """What was answered, as people say it."""
    if item["answer"] == "yes_no_na":
        return dict(answers(item)).get(value, str(value))
    if item["answer"] == "amount_diff":
        return _("差 %(yuan)s 元", yuan=money.plain(value))
    return f"{value}%" if item["answer"] == "percent" else _("%(n)s 星", n=value) if item["answer"] == "stars" else str(value)
