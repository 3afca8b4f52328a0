"""Ability assessment: the level of a total, with what worsens it (GB/T 42195-2022), and the short forms. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from webapp.kit import cases
from webapp.kit.refusal import Refusal

GBT, BARTHEL, SIX, PHQ = "gbt42195", "barthel", "six_item", "phq2"


def gbt_level(form: Mapping[str, Any], total: int, overrides: Collection[str]) -> int:
    """The level 0 (intact) to 4 (lost) of a total of 0 to 90; a coma is 4 at once, anything else worsens once."""
    held = next(int(each["level"]) for each in form["levels"] if each["min"] <= total <= each["max"])
    effects = [each for each in form["overrides"] if each["code"] in overrides]
    least = max((int(each["value"]) for each in effects if each["effect"] == "set_level"), default=0)
    worse = any(each["effect"] == "worsen" for each in effects)
    most = max(int(each["level"]) for each in form["levels"])
    return max(min(held + worse, most), least)


def named_level(form: Mapping[str, Any], points: int) -> str:
    """The named level of a total (Barthel) or of items failed (the six-item check)."""
    low, high = ("failed_min", "failed_max") if "failed_min" in form["levels"][0] else ("min", "max")
    return str(next(each["name"] for each in form["levels"] if each[low] <= points <= each[high]))


def total(form: Mapping[str, Any], scores: Mapping[str, Any]) -> int:
    """The sum of an instrument's item scores. Refuses blanks, unknown items and scores that are no option."""
    items = {each.get("code", each["name"]): each for group in form.get("groups", [form]) for each in group["items"]}
    for code in scores:
        cases.one_of(code, "scores", items)
    left = [code for code in items if scores.get(code) is None]
    if left:
        raise Refusal("blank", "还有 %(n)s 项没填：%(left)s", n=len(left), left="、".join(left[:6]))
    return sum(
        int(cases.one_of(scores[code], code, [option["score"] for option in item.get("options", form.get("options"))]))
        for code, item in items.items()
    )


def self_care(form: Mapping[str, Any], scores: Mapping[str, int]) -> tuple[list[str], str]:
    """From GB/T 42195 scores, the failed ones of the six items and the level of self-care."""
    taken = {
        name: min(scores[code.strip()] for code in rule.removeprefix("min(").removesuffix(")").split(","))
        for name, rule in form["from_gbt42195"]["map"].items()
    }
    failed = [name for name, score in taken.items() if score <= 2]
    return failed, named_level(form, len(failed))


def answer(rules: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    """{"total", "overrides"} (GB/T 42195), {"total"} (Barthel), {"failed"} (six items) → level; "scores" in place of a total.

    "instrument" says which, where the members leave it open.
    """
    forms = {each["id"]: each for each in rules["instruments"]}
    told = case.get("instrument")
    kind = cases.one_of(told, "instrument", forms) if told is not None else _meant(case)
    form = forms[kind]
    if kind == SIX:
        return _six(forms, case)
    found: dict[str, Any] = {}
    if case.get("scores") is not None:
        found["total"] = points = total(form, cases.table(case, "scores"))
    else:
        points = cases.whole(cases.need(case, "total"), "total", 0, form["total_max"])
    if kind == PHQ:
        return found | {"positive": points >= form["positive_from"]}
    if kind == BARTHEL:
        return found | {"level": named_level(form, points)}
    overrides = cases.items(case, "overrides", must=False)
    known = [each["code"] for each in form["overrides"]]
    return found | {"level": gbt_level(form, points, [cases.one_of(each, "overrides", known) for each in overrides])}


def _meant(case: cases.Case) -> str:
    if "failed" in case:
        return SIX
    scores = case.get("scores")
    ours = "overrides" in case or (isinstance(scores, Mapping) and any("." in str(code) for code in scores))
    return GBT if ours else BARTHEL


def _six(forms: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    form = forms[SIX]
    if case.get("scores") is None:
        return {"level": named_level(form, cases.whole(cases.need(case, "failed"), "failed", 0, 6))}
    scores = cases.table(case, "scores")
    total(forms[GBT], scores)
    failed, level = self_care(form, {code: int(score) for code, score in scores.items()})
    return {"failed": len(failed), "level": level}
