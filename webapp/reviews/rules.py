"""From three months, inspections, tests and voices to the points of a quarter (H13; evaluation.json, quarterly). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from webapp.kit import cases
from webapp.kit.month import Month

LEAST_WEIGHT = 60
LEAST_MONTHS = 2
HALF = Fraction(1, 2)
RESIDENT, KIN, INSPECTOR, DOCTOR, STATION, COLLEAGUE = "resident", "kin", "inspector", "doctor", "station", "colleague"
SIDES = {RESIDENT: "Q02", KIN: "Q02", DOCTOR: "Q04", STATION: "Q06", COLLEAGUE: "Q06", INSPECTOR: None}
"""Who speaks → the indicator their stars go to. An inspector's words stand; their figure is the pass rates (Q03)."""
KEEP, STOP, CHANGE = "yes", "no", "change"
COMMEND, GO_ON, COACH, REPLACE, END = "commend", "keep", "coach", "replace", "end"


@dataclass(frozen=True, order=True)
class Quarter:
    """A quarter of a year; written 2026-Q3."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Quarter:
        """The quarter `day` lies in."""
        return cls(day.year, (day.month + 2) // 3)

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """From "2026-Q3". Raises ValueError when it is none."""
        year, sign, number = text.partition("-Q")
        if not sign or len(text) != 7 or not (1900 <= int(year) <= 2200 and 1 <= int(number) <= 4):
            raise ValueError(text)
        return cls(int(year), int(number))

    @property
    def months(self) -> tuple[Month, Month, Month]:
        """Its three months."""
        first = Month(self.year, self.number * 3 - 2)
        return first, first.next(), first.next().next()

    @property
    def first(self) -> date:
        """Its first day."""
        return self.months[0].first

    @property
    def last(self) -> date:
        """Its last day."""
        return self.months[2].last

    def previous(self) -> Quarter:
        """The one before."""
        return Quarter.of(self.months[0].previous().first)

    def next(self) -> Quarter:
        """The one after."""
        return Quarter.of(self.months[2].next().first)

    def __str__(self) -> str:
        return f"{self.year:04d}-Q{self.number}"


@dataclass(frozen=True)
class Said:
    """One voice: who (a side), how many stars, and whether they would keep her."""

    side: str
    stars: int
    keep: str = ""


@dataclass(frozen=True)
class Points:
    """points: tenths by indicator, None where it is left out. total: tenths, None with too little."""

    points: Mapping[str, int | None]
    total: int | None
    grade: str | None


def ratios(
    totals: Sequence[int], rates: Sequence[int], held: int, attended: int, scores: Sequence[int], said: Sequence[Said]
) -> dict[str, Fraction | None]:
    """The share of each indicator's weight. totals: of the months, tenths; rates: of inspections, thousandths; scores: 0-100."""
    stars = {code: [each.stars for each in said if SIDES[each.side] == code] for code in ("Q02", "Q04", "Q06")}
    found: dict[str, Fraction | None] = {code: _felt(given) for code, given in stars.items()}
    found["Q01"] = Fraction(sum(totals), 1000 * len(totals)) if len(totals) >= LEAST_MONTHS else None
    found["Q03"] = Fraction(sum(rates), 1000 * len(rates)) if rates else None
    there = Fraction(attended, held) if held else None
    test = Fraction(sum(scores), 100 * len(scores)) if scores else there
    found["Q05"] = None if there is None or test is None else HALF * there + HALF * test
    return found


def _felt(stars: Sequence[int]) -> Fraction | None:
    return Fraction(sum(stars) - len(stars), 4 * len(stars)) if stars else None


def score(rules: Mapping[str, Any], shares: Mapping[str, Fraction | None], *, vetoed: bool = False) -> Points:
    """Points, total and grade of a quarter: what is None is left out and the rest scaled to 100, as in the month."""
    indicators = rules["quarterly"]["indicators"]
    earned = {each["code"]: _times(each["weight"], shares.get(each["code"])) for each in indicators}
    weights = sum(each["weight"] for each in indicators if earned[each["code"]] is not None)
    tenths = {code: None if value is None else int(cases.half_up(value) * 10) for code, value in earned.items()}
    if weights < rules["monthly"]["scoring"].get("least_weight", LEAST_WEIGHT):
        return Points(tenths, None, None)
    exact = sum((value for value in earned.values() if value is not None), Fraction(0)) * 100 / weights
    total = cases.half_up(exact)
    bands = sorted(rules["grades"]["bands"], key=lambda band: -Fraction(str(band["min"])))
    grade = bands[-1] if vetoed else next(band for band in bands if Fraction(total) >= Fraction(str(band["min"])))
    return Points(tenths, int(total * 10), str(grade["code"]))


def _times(weight: int, share: Fraction | None) -> Fraction | None:
    return None if share is None else weight * share


def advised(
    rules: Mapping[str, Any], found: Points, shares: Mapping[str, Fraction | None], said: Collection[Said], *, vetoed: bool
) -> str:
    """The outcome the rules advise; the meeting decides. A veto, a fail, or an elder or family that asks: another caregiver."""
    asks = any(each.keep == CHANGE for each in said if each.side in (RESIDENT, KIN))
    if vetoed or asks or found.grade == "fail":
        return REPLACE
    if found.grade == "excellent":
        return COMMEND
    low = any(share is not None and share < HALF for share in shares.values())
    return COACH if found.grade == "pass" and low else GO_ON
