"""How a quarterly review speaks."""

from __future__ import annotations

from typing import Any

from webapp.kit import show
from webapp.kit.words import _, _l
from webapp.reviews.models import CONFIRMED, HELD, OPEN, QuarterReview
from webapp.reviews.rules import KIN, RESIDENT, Quarter
from webapp.voices import rules as voiced
from webapp.voices import words as voices

STATES: dict[str, Any] = {OPEN: _l("还没开会"), HELD: _l("等街道定"), CONFIRMED: _l("已定")}
TONES = {OPEN: "plain", HELD: "info", CONFIRMED: "ok"}
LEAST = 5


def quarter(which: Quarter) -> str:
    """2026年第3季度, 3rd quarter of 2026."""
    return _("%(year)s年第%(n)s季度", year=which.year, n=which.number)


def outcome(held: dict[str, Any], code: str | None) -> str:
    """表扬, 继续, 谈话、补课, 更换, 解聘."""
    found = next((each for each in held["quarterly"]["outcomes"] if each["code"] == code), None)
    return str(found["zh" if show.chinese() else "en"]) if found else ""


def why(code: str, found: QuarterReview, *, own: bool = False) -> str:
    """What stands behind a figure. own: she learns no single voice."""
    f, n = found.facts, {code: sum(_counts(code, each.side) for each in found.voices) for code in ("Q02", "Q04", "Q06")}
    if code == "Q01":
        totals = _("、").join(f"{each // 10}.{each % 10}" for each in f["totals"])
        return _("三个月：%(totals)s", totals=totals) if f["totals"] else _("这个季度没有月考核")
    if code == "Q03":
        return _("检查了 %(n)s 次", n=len(f["rates"])) if f["rates"] else _("这个季度没有检查")
    if code == "Q05":
        return _("%(held)s 次课，到了 %(n)s 次", held=f["held"], n=f["attended"]) if f["held"] else _("这个季度没有课")
    if own and code == "Q02":
        return felt(found)
    return _("%(n)s 位说了", n=n[code]) if n[code] else _("还没问")


def _counts(code: str, side: str) -> bool:
    return code == ("Q02" if side in (RESIDENT, KIN) else "Q04" if side == "doctor" else "Q06" if side != "inspector" else "")


def felt(found: QuarterReview) -> str:
    """What she learns of residents' and families' stars: a word, from five answers on."""
    stars = [each.stars for each in found.voices if each.side in (RESIDENT, KIN)]
    if len(stars) < LEAST:
        return _("问到的还不多，先不说")
    mean = sum(stars) / len(stars)
    return str(voices.FELT[voiced.felt(mean)])


def rows(held: dict[str, Any], found: QuarterReview, *, own: bool) -> list[dict[str, Any]]:
    """The six lines. To herself voices are told in words only."""
    return [
        {"name": each["zh" if show.chinese() else "en"], "weight": each["weight"], "points": found.points.get(each["code"]),
         "hidden": own and each["code"] in ("Q02", "Q04", "Q06"), "why": why(each["code"], found, own=own)}
        for each in held["quarterly"]["indicators"]
    ]  # fmt: skip
