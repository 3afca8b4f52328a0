"""Pass rate and band of one inspection (inspection.json). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from webapp.kit import cases, draw
from webapp.kit.refusal import Refusal

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


def field(code: str) -> str:
    """The name of an item's field in a form: REC-01 → rec_01."""
    return code.lower().replace("-", "_")


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


# -- the draw (双随机): which units, and who goes --


@dataclass(frozen=True)
class Sent:
    """One drawn unit and the two who go there."""

    unit: str
    inspectors: tuple[str, ...]


def risk(unit: Mapping[str, Any]) -> int:
    """The weight of a unit: double when it was never inspected or has a critical finding open."""
    return 2 if unit.get("never_inspected") or unit.get("open_critical") else 1


def sent(seed: str, units: Sequence[Mapping[str, Any]], inspectors: Sequence[str], many: int, together: int = 2) -> list[Sent]:
    """The units drawn from a published list by a published seed, and for each the inspectors who go, drawn by seed:unit.

    A unit names whom it must not meet in "not" (relatives, own station, the same inspector within 90 days). Refuses where
    too few are left for a unit: then somebody from another street is asked for.
    """
    drawn = draw.drawn(seed, {str(unit["id"]): risk(unit) for unit in units}, many)
    apart = {str(unit["id"]): set(unit.get("not", ())) for unit in units}
    found = []
    for key in drawn:
        free = [each for each in inspectors if each not in apart[key]]
        if len(free) < together:
            raise Refusal("too_few", "%(unit)s 没有够两位能去的监督员，请从别的街道请人", unit=key)
        found.append(Sent(key, tuple(draw.drawn(f"{seed}:{key}", dict.fromkeys(free, 1), together))))
    return found


def answer_draw(_rules: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    """{"seed", "units": [{"id", "never_inspected", "open_critical", "not"}], "inspectors", "many"} → "drawn"."""
    units = cases.items(case, "units")
    if not all(isinstance(unit, Mapping) and unit.get("id") and isinstance(unit.get("not", []), list) for unit in units):
        raise Refusal("shape", "%(name)s 要用花括号写成一项一项的", name="units")
    inspectors = [str(each) for each in cases.items(case, "inspectors")]
    many = cases.whole(cases.need(case, "many"), "many", 1, max(len(units), 1))
    found = sent(str(cases.need(case, "seed")), units, inspectors, many)
    return {"drawn": [{"unit": each.unit, "inspectors": list(each.inspectors)} for each in found]}
