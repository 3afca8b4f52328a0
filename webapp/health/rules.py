"""The weekly check: the level of one reading (health_check.json). Pure. A reminder, never a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from webapp.kit import cases
from webapp.kit.refusal import Refusal

REJECT = "reject"
LEVELS = ("ok", "watch", "call", "urgent")


def level(field: Mapping[str, Any], value: Decimal, context: str | None = None, *, diabetic: bool = False) -> str:
    """The level of a reading: reject outside what can be, else the level of the band that holds it.

    context: fasting, after_meal_2h or random, where the field asks for it.
    """
    if not _exact(field["reject_below"]) <= value <= _exact(field["reject_above"]):
        return REJECT
    value = cases.half_up(value, int(field["decimals"]))
    if diabetic and field["name"] == "glucose":
        if value <= Decimal("3.9"):
            return "urgent"
        if context == "fasting" and Decimal("6.1") <= value < 7:
            return "ok"
    bands = field["bands_by_context"][context] if "bands_by_context" in field else field.get("bands") or ()
    return next((str(b["level"]) for b in bands if _exact(b["min"]) <= value <= _exact(b["max"])), "ok")


def worst(levels: Sequence[str]) -> str:
    """The level of a whole check: the worst of its fields."""
    return max(levels, key=LEVELS.index, default="ok")


def slip(field: Mapping[str, Any], value: Decimal) -> Decimal | None:
    """What was probably meant by an impossible reading: the point slipped by one place (365 or 3.65 → 36.5)."""
    for meant in (value * 10, value / 10):
        near = meant.quantize(Decimal(1).scaleb(-int(field["decimals"])))
        if near == meant and field["decimals"] and level(field, near) != REJECT:
            return near
    return None


def body_mass(field: Mapping[str, Any], kg: Decimal, cm: Decimal, age: int) -> tuple[Decimal, str]:
    """Body mass index to one place and its level, by age."""
    index = cases.half_up(kg * 10_000 / (cm * cm))
    old = next(band for band in field["normal_by_age"] if ("age_from" in band) == (age >= 80))
    inside = _exact(old["min"]) <= index <= _exact(old["max"])
    return index, "ok" if inside else str(field["outside"])


def change(field: Mapping[str, Any], now: Decimal, month_ago: Decimal | None, week_ago: Decimal | None) -> str:
    """The level of a change of weight, kg: 5 % in 30 days or 2 kg more in 7 days call the doctor, 3 % is watched."""
    share = abs(now - month_ago) / month_ago if month_ago else Decimal(0)
    if share >= Decimal("0.05") or (week_ago is not None and now - week_ago >= 2):
        return "call"
    return "watch" if share >= Decimal("0.03") else "ok"


def _exact(value: Any) -> Decimal:
    return Decimal(str(value))


def answer(rules: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    """{"field", "value", "context", "diabetic"} → its level; a slip of the point is offered back."""
    known = {each["name"]: each for each in rules["fields"]}
    field = known[cases.one_of(cases.need(case, "field"), "field", known)]
    if field["type"] == "choice":
        options = {each["code"]: each["level"] for each in field["options"]}
        return {"level": options[cases.one_of(cases.need(case, "value"), "value", options)]}
    if field["type"] == "computed":
        index, found = body_mass(
            field,
            cases.number(cases.need(case, "weight"), "weight", 1, 500),
            cases.number(cases.need(case, "height"), "height", 50, 250),
            cases.whole(cases.need(case, "age"), "age", 0, 130),
        )
        return {"value": index, "level": found}
    value, context = cases.number(cases.need(case, "value"), "value"), case.get("context")
    if "bands_by_context" in field:
        context = cases.one_of(cases.need(case, "context"), "context", field["bands_by_context"])
    diabetic = case.get("diabetic") or False
    if not isinstance(diabetic, bool):
        raise Refusal("yes_no", "%(name)s 要写 true 或 false", name="diabetic")
    found = level(field, value, context, diabetic=diabetic)
    meant = slip(field, value) if found == REJECT else None
    offer = (
        {} if meant is None else {"zh": "是不是%(meant)s？".replace("%(meant)s", str(meant)), "en": f"probably {meant}: offer it"}
    )
    return {"level": found, **offer}
