"""Pass rate and band of one inspection (inspection.json). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from webapp.kit import cases

YES, NO, NA = "yes", "no", "na"
STARS, DIFFERENCE, PERCENT, TEXT, YES_NO = "stars", "amount_diff", "percent", "text", "yes_no_na"
CLOSE_YUAN = 1
TARGET_PERCENT = 60


@dataclass(frozen=True)
class Judged:
    """What an inspection comes to. rate: None when nothing was weighed. failed: codes answered no, the worst first."""

    rate: Fraction | None
    band: str
    failed: tuple[str, ...]


def verdict(rules: Mapping[str, Any], item: Mapping[str, Any], value: Any) -> str | None:
    """yes, no or na of one answer; None where the answer only stands for the record. Refuses what is no answer."""
    form, code = item["answer"], item["code"]
    if form in (TEXT, STARS):
        if form == STARS:
            cases.whole(value, code, 1, 5)
        return None
    if form == DIFFERENCE:
        return YES if abs(cases.number(value, code)) <= CLOSE_YUAN else NO
    if form == PERCENT:
        return YES if cases.number(value, code, 0, 100) >= item.get("target", TARGET_PERCENT) else NO
    return str(cases.one_of(value, code, rules["answers"]["yes_no_na"]))


def judge(rules: Mapping[str, Any], answers: Mapping[str, Any]) -> Judged:
    """The pass rate and band of answers by item code; any critical no means repair whatever the rate.

    Answers that are None are left out. Refuses unknown items and impossible answers.
    """
    known = {item["code"]: item for item in rules["items"]}
    weights = {each["code"]: each["weight"] for each in rules["severities"]}
    said = {
        code: verdict(rules, known[cases.one_of(code, "answers", known)], value)
        for code, value in answers.items()
        if value is not None or code not in known
    }
    weighed = {code: weights[known[code]["severity"]] for code, word in said.items() if word in (YES, NO)}
    total = sum(weighed.values())
    failed = tuple(
        sorted((code for code in said if said[code] == NO), key=lambda code: (-weights[known[code]["severity"]], code))
    )
    rate = Fraction(sum(weight for code, weight in weighed.items() if said[code] == YES), total) if total else None
    critical = any(known[code]["severity"] == "critical" for code in failed)
    return Judged(rate, _band(rules, rate, critical), failed)


def _band(rules: Mapping[str, Any], rate: Fraction | None, critical: bool) -> str:
    bands = sorted(rules["pass_rate"]["bands"], key=lambda band: -Decimal(str(band["min"])))
    if rate is None:
        return ""
    if critical:
        return str(bands[-1]["en"])
    return str(next(band["en"] for band in bands if rate >= Fraction(str(band["min"]))))


def answer(rules: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    """{"answers": {code: answer}} → pass rate to four places, and the band."""
    found = judge(rules, cases.table(case, "answers"))
    rate = None if found.rate is None else cases.half_up(found.rate, 4)
    return {"pass_rate": rate, "band": found.band or None}
