"""From records to points (H12 H13): ratios, curves, weights, the null rule, grades and vetoes of evaluation.json. Pure.

Everything is exact (Fraction) until the one rounding at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from webapp.kit import cases
from webapp.kit.refusal import Refusal
from webapp.voices import rules as voices

COMPUTED, JUDGED = "computed", "judged"
STARS = "elder_opinion"
"""The one indicator that is read in stars."""
LEAST_WEIGHT = 60
"""Below this sum of remaining weights there is no total, unless the rules say another (scoring.least_weight)."""
Ratios = Mapping[str, Fraction | None]
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Score:
    """points: exact, by indicator, None where it is left out. total: rounded once, None with too few records."""

    points: Mapping[str, Fraction | None]
    total: Decimal | None
    grade: str | None


def curve(points: Sequence[Sequence[Any]], ratio: Fraction) -> Fraction:
    """The share of the weight that a ratio earns: linear between the points, clamped outside."""
    known = _exact(tuple(map(tuple, points)))
    if ratio <= known[0][0]:
        return known[0][1]
    for (left, low), (right, high) in zip(known, known[1:], strict=False):
        if ratio <= right:
            return low + (high - low) * (ratio - left) / (right - left)
    return known[-1][1]


@cache
def _exact(points: tuple[tuple[Any, ...], ...]) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(str(x)), Fraction(str(y))) for x, y in points]


def points(indicator: Mapping[str, Any], ratio: Fraction | None) -> Fraction | None:
    """What one indicator earns: weight times curve, or the points given by hand; None stays None."""
    if ratio is None or indicator["kind"] == JUDGED:
        return ratio
    return Fraction(str(indicator["weight"])) * curve(indicator["curve"], ratio)


def score(rules: Mapping[str, Any], ratios: Ratios, adjustment: Fraction = Fraction(0), vetoes: Collection[str] = ()) -> Score:
    """The points and total of a month. What is None is left out and the rest scaled to 100; a veto caps the grade at fail.

    adjustment: points added at the end, of which the caller knows the reason.
    """
    earned = {each["code"]: points(each, ratios.get(each["code"])) for each in rules["monthly"]["indicators"]}
    exact = scaled(rules["monthly"]["indicators"], earned, rules["monthly"]["scoring"].get("least_weight", LEAST_WEIGHT))
    if exact is None:
        return Score(earned, None, None)
    total = cases.half_up(min(max(exact + adjustment, Fraction(0)), Fraction(100)))
    return Score(earned, total, grade(rules, total, vetoed=bool(vetoes)))


def scaled(
    indicators: Sequence[Mapping[str, Any]], earned: Mapping[str, Fraction | None], least: int = LEAST_WEIGHT
) -> Fraction | None:
    """The exact sum scaled to 100 over the weights that remain; None when they are below `least`."""
    weights = sum(Fraction(str(each["weight"])) for each in indicators if earned.get(each["code"]) is not None)
    if weights < least:
        return None
    return sum((found for found in earned.values() if found is not None), Fraction(0)) * 100 / weights


def grade(rules: Mapping[str, Any], total: Decimal, *, vetoed: bool = False) -> str:
    """The band that holds the rounded total."""
    bands = sorted(rules["grades"]["bands"], key=lambda band: -band["min"])
    if vetoed:
        return str(bands[-1]["code"])
    return str(next(band["code"] for band in bands if total >= Decimal(str(band["min"]))))


# -- ratios from what was counted --


def _share(done: str, due: str) -> Callable[[Facts], Fraction | None]:
    return lambda facts: Fraction(facts[done], facts[due]) if facts.get(due) else None


def _plan(facts: Facts) -> Fraction | None:
    if not facts.get("items_planned"):
        return None
    return Fraction(facts["items_done"] + facts["items_declined"], facts["items_planned"])


def _logs(facts: Facts) -> Fraction | None:
    if not facts.get("service_days"):
        return None
    return Fraction(2 * facts["logs_on_time"] + facts["logs_late"], 2 * facts["service_days"])


def _book(facts: Facts) -> Fraction | None:
    """Half for days written, three tenths for slips, two tenths for counting; null where no money is kept."""
    if not facts.get("book_days"):
        return None
    slips = Fraction(facts["receipts_attached"], facts["receipts_needed"]) if facts["receipts_needed"] else Fraction(1)
    written = Fraction(facts["book_days_written"], facts["book_days"])
    exact = Fraction(5, 10) * written + Fraction(3, 10) * slips
    if facts["differences_fen"] is None:  # no cash is counted here yet: the other two parts stand for it
        return exact / Fraction(8, 10)
    return exact + Fraction(2, 10) * reconciled(facts["differences_fen"])


CLOSE_FEN, NEAR_FEN = 100, 1000
"""How far a count may lie from the book to be whole, and to be half."""


def reconciled(differences_fen: Sequence[int | None]) -> Fraction:
    """How well the households' counts agreed, the mean: within 1 yuan whole, within 10 half, else or not counted nothing."""
    marks = [
        Fraction(0) if d is None or abs(d) > NEAR_FEN else Fraction(1) if abs(d) <= CLOSE_FEN else Fraction(1, 2)
        for d in differences_fen
    ]
    return sum(marks, Fraction(0)) / len(marks) if marks else Fraction(0)


def _stars(facts: Facts) -> Fraction | None:
    return Fraction(sum(facts["stars"]), len(facts["stars"])) if facts.get("stars") else None


def _faults(facts: Facts) -> Fraction | None:
    if facts.get("complaints") is None:
        return None
    lost = 4 * facts["complaints"] + 8 * facts["serious"] + 2 * facts["minor"]
    return Fraction(max(0, 8 - lost), 8)


def _given(name: str) -> Callable[[Facts], Fraction | None]:
    return lambda facts: None if facts.get(name) is None else Fraction(facts[name])


RATIOS: dict[str, Callable[[Facts], Fraction | None]] = {
    "attendance": _share("visits_kept", "visits_due"),
    "punctuality": _share("visits_on_time", "visits_started"),
    "plan_completion": _plan,
    "daily_log": _logs,
    "account_book": _book,
    "health_check_support": _share("weeks_checked", "weeks_due"),
    "elder_opinion": _stars,
    "complaints_incidents": _faults,
    "training": _share("sessions_attended", "sessions_held"),
    "home_condition": _given("home"),
    "attitude": _given("attitude"),
}
"""Indicator by name → its ratio (or points given) from the counted facts; None where the null rule holds."""


def ratios(rules: Mapping[str, Any], facts: Facts) -> dict[str, Fraction | None]:
    """The ratio of every indicator, by code."""
    return {each["code"]: RATIOS[each["name"]](facts) for each in rules["monthly"]["indicators"]}


def needs_sentence(indicator: Mapping[str, Any], given: int | None) -> bool:
    """Whether a judged mark asks for a sentence: the lowest or the highest of its scale."""
    return given is not None and given in (indicator["scale"][0], indicator["scale"][-1])


def felt(stars: Sequence[int], least: int = 5) -> str | None:
    """What a caregiver learns of the residents' stars over three months: good, fair, poor; nothing below five answers."""
    if len(stars) < least:
        return None
    return voices.felt(Fraction(sum(stars), len(stars)))


# -- the calculator --


def answer(rules: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    """{"ratios": {code: number}} → points, total, grade; judged ones are the points given.

    Also taken: "vetoes" (codes), "adjustment" (points). What is missing or null is left out of the total.
    """
    indicators = {each["code"]: each for each in rules["monthly"]["indicators"]}
    told: dict[str, Fraction | None] = {}
    for code, value in cases.table(case, "ratios").items():
        each = indicators[cases.one_of(code, "ratios", indicators)]
        told[code] = None if value is None else Fraction(_checked(each, value))
    most = rules["monthly"]["adjustment"]["max_points"]
    adjustment = Fraction(cases.number(case.get("adjustment") or 0, "adjustment", -most, most))
    known = [each["code"] for each in rules["vetoes"]["items"]]
    vetoes = [cases.one_of(each, "vetoes", known) for each in cases.items(case, "vetoes", must=False)]
    found = score(rules, told, adjustment, vetoes)
    rounded = {code: None if value is None else cases.half_up(value) for code, value in found.points.items()}
    return {"points": rounded, "total": found.total, "grade": found.grade}


def _checked(indicator: Mapping[str, Any], value: Any) -> Decimal:
    code = indicator["code"]
    if indicator["kind"] == JUDGED:
        return Decimal(
            cases.one_of(cases.whole(value, code, indicator["scale"][0], indicator["scale"][-1]), code, indicator["scale"])
        )
    stars = indicator["name"] == STARS
    found = cases.number(value, code, 1 if stars else 0, 5 if stars else 1)
    return found


def check(rules: Mapping[str, Any]) -> None:
    """Refuse a set of rules that cannot be used: weights that are not 100 together, curves that fall or turn back, grades that
    do not lie below one another. The Refusal names the field: the indicator's code, weights, or grades."""
    indicators = rules["monthly"]["indicators"]
    if any(Fraction(str(each["weight"])) <= 0 for each in indicators):
        raise Refusal("weights", "每一项都要有分，至少 1 分", field="weights")
    if sum(Fraction(str(each["weight"])) for each in indicators) != 100:
        raise Refusal("weights", "各项分值加起来要正好 100 分", field="weights")
    for each in indicators:
        xs = [Fraction(str(x)) for x, _y in each.get("curve", ())]
        ys = [Fraction(str(y)) for _x, y in each.get("curve", ())]
        if xs != sorted(set(xs)) or ys != sorted(ys) or any(not 0 <= y <= 1 for y in ys):
            raise Refusal("curve", "%(name)s 的曲线要一路往上，在 0 到 1 之间", name=each["zh"], field=each["code"])
    least = [Decimal(str(band["min"])) for band in rules["grades"]["bands"]]
    if least != sorted(set(least), reverse=True) or least[-1] != 0 or least[0] > 100:
        raise Refusal("grades", "等级的分数线要一级比一级低", field="grades")
