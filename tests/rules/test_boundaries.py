"""The edge of every curve, band, weight and veto, worked out here by hand and by nobody else."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from webapp.applications import rules as applications
from webapp.evaluations import rules as evaluations
from webapp.health import ability
from webapp.health import rules as health
from webapp.inspections import rules as inspections
from webapp.kit import cases, days
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal

HERE = Path(__file__).resolve().parents[2] / "webapp"
EVALUATION, INSPECTION, HEALTH, ABILITY, SUBSIDY, CALENDAR = (
    json.loads((HERE / path).read_text())
    for path in (
        "evaluations/evaluation.json", "inspections/inspection.json", "health/health_check.json", "health/assessment.json",
        "applications/subsidy_rules.json", "store/calendars.json",
    )
)  # fmt: skip
INDICATORS = {each["code"]: each for each in EVALUATION["monthly"]["indicators"]}


@pytest.mark.parametrize("code", [code for code, each in INDICATORS.items() if "curve" in each])
def test_a_curve_passes_its_points_is_straight_between_and_clamped_outside(code: str) -> None:
    each = INDICATORS[code]
    for x, y in each["curve"]:
        assert evaluations.points(each, Fraction(str(x))) == Fraction(str(y)) * each["weight"]
    for (x, y), (right, high) in zip(each["curve"], each["curve"][1:], strict=False):
        middle = (Fraction(str(x)) + Fraction(str(right))) / 2
        assert evaluations.points(each, middle) == (Fraction(str(y)) + Fraction(str(high))) / 2 * each["weight"]
    assert evaluations.points(each, Fraction(-1)) == 0
    assert evaluations.points(each, Fraction(9)) == each["weight"]


@pytest.mark.parametrize(
    ("total", "grade"),
    [("100", "excellent"), ("90.0", "excellent"), ("89.9", "good"), ("80.0", "good"), ("79.9", "pass"), ("60.0", "pass"),
     ("59.9", "fail"), ("0", "fail")],
)  # fmt: skip
def test_a_grade_is_read_from_the_rounded_total(total: str, grade: str) -> None:
    assert evaluations.grade(EVALUATION, Decimal(total)) == grade


FULL = {code: Fraction(each["weight"]) if each["kind"] == "judged" else Fraction(5) for code, each in INDICATORS.items()}


@pytest.mark.parametrize("veto", [each["code"] for each in EVALUATION["vetoes"]["items"]])
def test_a_veto_caps_the_grade_and_leaves_the_points(veto: str) -> None:
    found = evaluations.score(EVALUATION, FULL, vetoes=[veto])
    assert (found.total, found.grade) == (Decimal("100.0"), "fail")
    assert evaluations.score(EVALUATION, FULL).grade == "excellent"


def test_what_is_left_out_is_spread_over_the_rest_until_sixty_remain() -> None:
    def left(*out: str) -> evaluations.Score:
        return evaluations.score(EVALUATION, FULL | dict.fromkeys(out))

    assert left("M07").total == Decimal("100.0")
    sixty = left("M01", "M07", "M06", "M10")  # 15 + 15 + 6 + 4 = 40 leave
    assert sixty.total == Decimal("100.0") and sixty.grade == "excellent"
    less = left("M01", "M07", "M08", "M11")  # 41 leave
    assert (less.total, less.grade) == (None, None)


def test_a_total_is_rounded_half_up_once() -> None:
    assert [cases.half_up(Fraction(n, 100)) for n in (7995, 7994, 8005, 9025)] == [
        Decimal("80.0"), Decimal("79.9"), Decimal("80.1"), Decimal("90.3"),
    ]  # fmt: skip
    third = FULL | {"M02": Fraction(7, 10) + Fraction(25, 100) * Fraction(1, 3)}
    assert evaluations.score(EVALUATION, third).total == Decimal("94.7")


def test_an_adjustment_never_leaves_the_scale() -> None:
    assert evaluations.score(EVALUATION, FULL, Fraction(5)).total == Decimal("100.0")
    none = dict.fromkeys(FULL, Fraction(0)) | {"M07": Fraction(1)}
    assert evaluations.score(EVALUATION, none, Fraction(-5)).total == Decimal("0.0")


@pytest.mark.parametrize(
    ("differences", "share"),
    [([0], 1), ([100], 1), ([-100], 1), ([101], Fraction(1, 2)), ([1000], Fraction(1, 2)), ([1001], 0), ([None], 0), ([], 0),
     ([0, None], Fraction(1, 2))],
)  # fmt: skip
def test_a_count_is_judged_by_the_yuan(differences: list[int | None], share: Any) -> None:
    assert evaluations.reconciled(differences) == share


def test_the_null_rules_of_every_indicator() -> None:
    assert set(evaluations.ratios(EVALUATION, {}).values()) == {None}
    counted = {
        "visits_due": 4, "visits_kept": 3, "visits_started": 2, "visits_on_time": 1, "items_planned": 4, "items_done": 2,
        "items_declined": 1, "service_days": 4, "logs_on_time": 2, "logs_late": 1, "book_days": 4, "book_days_written": 2,
        "receipts_needed": 0, "receipts_attached": 0, "differences_fen": [50], "weeks_due": 4, "weeks_checked": 1,
        "stars": [4, 5], "complaints": 1, "serious": 0, "minor": 1, "sessions_held": 2, "sessions_attended": 1, "home": 3,
        "attitude": 2,
    }  # fmt: skip
    assert list(evaluations.ratios(EVALUATION, counted).values()) == [
        Fraction(3, 4), Fraction(1, 2), Fraction(3, 4), Fraction(5, 8), Fraction(3, 4), Fraction(1, 4), Fraction(9, 2),
        Fraction(1, 4), Fraction(1, 2), 3, 2,
    ]  # fmt: skip
    assert evaluations.RATIOS["complaints_incidents"]({"complaints": 0, "serious": 1, "minor": 4}) == 0


def test_stars_are_felt_from_five_answers_on() -> None:
    assert [evaluations.felt(stars) for stars in ([5] * 4, [4] * 5, [3] * 5, [3, 3, 3, 3, 2])] == [None, "good", "fair", "poor"]


def test_only_the_ends_of_a_scale_ask_for_a_sentence() -> None:
    home = INDICATORS["M10"]
    assert [evaluations.needs_sentence(home, given) for given in (None, 0, 1, 3, 4)] == [False, True, False, False, True]


def test_rules_that_cannot_be_used_are_refused() -> None:
    evaluations.check(EVALUATION)
    for spoil in ({"weight": 16}, {"curve": [[0.9, 0], [0.8, 1]]}, {"curve": [[0.8, 1], [0.9, 0]]}, {"curve": [[0, 0], [1, 2]]}):
        broken = json.loads(json.dumps(EVALUATION))
        broken["monthly"]["indicators"][0] |= spoil
        with pytest.raises(Refusal):
            evaluations.check(broken)


# -- health --

NUMBERS = [each for each in HEALTH["fields"] if each["type"] == "number"]


@pytest.mark.parametrize("field", NUMBERS, ids=lambda each: each["name"])
def test_every_band_begins_and_ends_where_it_says_and_no_reading_falls_between(field: dict[str, Any]) -> None:
    step = Decimal(1).scaleb(-field["decimals"])
    tables = field.get("bands_by_context") or {None: field.get("bands") or []}
    for context, bands in tables.items():
        for band in bands:
            low, high = Decimal(str(band["min"])), Decimal(str(band["max"]))
            assert {health.level(field, value, context) for value in (low, high)} == {band["level"]}
        covered = sorted((Decimal(str(band["min"])), Decimal(str(band["max"]))) for band in bands)
        assert all(after[0] - before[1] == step for before, after in zip(covered, covered[1:], strict=False))
        for edge, beyond in (("reject_below", -step), ("reject_above", step)):
            limit = Decimal(str(field[edge]))
            assert health.level(field, limit + beyond, context) == health.REJECT
            assert health.level(field, limit, context) != health.REJECT


def test_sugar_of_a_diabetic_is_read_by_the_override() -> None:
    sugar = next(each for each in NUMBERS if each["name"] == "glucose")
    read = [health.level(sugar, Decimal(v), "fasting", diabetic=True) for v in ("3.9", "4.0", "6.1", "6.9", "7.0")]
    assert read == ["urgent", "ok", "ok", "ok", "watch"]
    assert health.worst(["ok", "call", "watch"]) == "call"


@pytest.mark.parametrize(
    ("now", "month", "week", "level"),
    [("57", "60", None, "call"), ("58.2", "60", None, "watch"), ("58.3", "60", None, "ok"), ("62", "61", "60", "call"),
     ("61.9", "61.5", "60", "ok"), ("60", None, None, "ok")],
)  # fmt: skip
def test_weight_that_changes(now: str, month: str | None, week: str | None, level: str) -> None:
    then = [None if each is None else Decimal(each) for each in (month, week)]
    assert health.change({}, Decimal(now), *then) == level


def test_body_mass_changes_its_limits_at_eighty() -> None:
    bmi = next(each for each in HEALTH["fields"] if each["name"] == "bmi")
    assert [health.body_mass(bmi, Decimal(kg), Decimal(160), age) for kg, age in (("47.4", 79), ("47.3", 79), ("56.3", 80))] == [
        (Decimal("18.5"), "ok"), (Decimal("18.5"), "ok"), (Decimal("22.0"), "ok"),
    ]  # fmt: skip
    assert health.body_mass(bmi, Decimal("56.0"), Decimal(160), 80)[1] == "watch"


# -- ability --


def test_every_level_of_every_form_begins_and_ends_where_it_says() -> None:
    for form in ABILITY["instruments"]:
        for each in form.get("levels", ()):
            if form["id"] == ability.GBT:
                found = {ability.gbt_level(form, points, ()) for points in (each["min"], each["max"])}
                assert found == {each["level"]}
            else:
                low, high = (each.get("min", each.get("failed_min")), each.get("max", each.get("failed_max")))
                assert {ability.named_level(form, points) for points in (low, high)} == {each["name"]}


def test_scores_are_added_and_tell_the_six_items() -> None:
    forms = {form["id"]: form for form in ABILITY["instruments"]}
    best = {item["code"]: item["max"] for group in forms["gbt42195"]["groups"] for item in group["items"]}
    assert ability.total(forms["gbt42195"], best) == 90
    assert ability.self_care(forms["six_item"], best) == ([], "full")
    weak = best | {"B.1.1": 2, "B.1.5": 2, "B.2.2": 2, "B.1.8": 2}
    assert ability.self_care(forms["six_item"], weak) == (["eat", "dress", "bed", "toilet"], "unable")
    assert ability.answer(ABILITY, {"scores": weak, "overrides": []}) == {"total": 82, "level": 1}


# -- inspection --


def test_the_pass_rate_meets_its_bands_and_a_critical_no_outweighs_it() -> None:
    weights = {each["code"]: each["weight"] for each in INSPECTION["severities"]}
    major = [each["code"] for each in INSPECTION["items"] if each["severity"] == "major" and each["answer"] == "yes_no_na"]
    minor = [each["code"] for each in INSPECTION["items"] if each["severity"] == "minor"]
    assert weights == {"critical": 5, "major": 3, "minor": 1, "info": 0}

    def band(yes: list[str], no: list[str]) -> tuple[Fraction | None, str]:
        found = inspections.judge(INSPECTION, dict.fromkeys(yes, "yes") | dict.fromkeys(no, "no"))
        return found.rate, found.band

    assert band(major[:3], minor[:1]) == (Fraction(9, 10), "good")
    assert band([*major[:2], *minor[1:3]], minor[:1]) == (Fraction(8, 9), "fair")
    assert band(major[:1], minor[:1]) == (Fraction(3, 4), "fair")
    assert band(minor[1:3], minor[:1]) == (Fraction(2, 3), "needs repair")
    assert band([*major[:15]], ["SAF-11"])[1] == "needs repair"
    assert inspections.judge(INSPECTION, {"REC-01": "na", "OPI-01": 3, "OPI-02": "好"}).rate is None


@pytest.mark.parametrize(("code", "value", "word"), [
    ("REC-05", Decimal("1"), "yes"), ("REC-05", Decimal("-1"), "yes"), ("REC-05", Decimal("1.01"), "no"),
    ("STR-02", 60, "yes"), ("STR-02", Decimal("59.9"), "no"),
])  # fmt: skip
def test_differences_and_percentages_are_answers_too(code: str, value: Any, word: str) -> None:
    item = next(each for each in INSPECTION["items"] if each["code"] == code)
    assert inspections.verdict(INSPECTION, item, value) == word


# -- subsidy --

HOME = {"hukou_local": True, "resides_local": True, "elder_structure": "single", "monthly_income": 600, "on_dibao": False,
        "better_off": None, "wants_service": True}  # fmt: skip
ELDER = {"age": 70, "sex": "male", "needs_care": True, "self_care": "partial", "three_noes": False, "has_children": True,
         "serious_illness_certified": False, "unemployed": False}  # fmt: skip


def tier(home: dict[str, Any], *members: dict[str, Any]) -> applications.Decision:
    return applications.decide(SUBSIDY, HOME | home, [ELDER | each for each in members or ({},)])


def test_the_edges_of_every_tier() -> None:
    poor = {
        "three_noes": True,
        "self_care": "unable",
        "has_children": True,
        "needs_care": False,
        "serious_illness_certified": False,
    }
    assert [tier({"monthly_income": 9999}, poor | {"age": age}).tier for age in (80, 79)] == ["A", "D"]
    assert [tier({"monthly_income": 9999}, poor | {"age": age}).review for age in (80, 79, 75, 74)] == [
        (),
        ("A1R",),
        ("A1R",),
        (),
    ]
    assert [tier({"on_dibao": True}, {"has_children": False, "age": age}).tier for age in (60, 59)] == ["A", "NONE"]
    assert [tier({}, {"age": 70}).tier, tier({}, {"age": 69}).tier] == ["B", "C"]
    assert [tier({}, {"sex": "female", "age": age}).tier for age in (65, 64)] == ["B", "C"]
    assert [tier({"monthly_income": yuan}).tier for yuan in (600, 601)] == ["B", "C"]
    assert [tier({"elder_structure": "couple", "monthly_income": yuan}).tier for yuan in (1000, 1001)] == ["B", "C"]
    assert [tier({"better_off": judged}, {"age": 60}).tier for judged in (None, False, True)] == ["C", "C", "D"]
    ill = {"serious_illness_certified": True, "self_care": "unable"}
    assert [tier({"monthly_income": 9999}, ill | {"age": age}).tier for age in (70, 69)] == ["B", "C"]
    assert tier({"wants_service": False, "monthly_income": 9999}, {"needs_care": False}).tier == "NONE"


def test_facts_nobody_told_are_named_while_they_could_raise_the_tier() -> None:
    assert tier({"monthly_income": None}).missing == ("household.monthly_income",)
    assert tier({}).missing == ()
    assert tier({"monthly_income": None, "hukou_local": False}).missing == ()


# -- days --


def test_the_fourth_and_tenth_working_day_step_over_holidays() -> None:
    october, february = Month(2026, 10), Month(2026, 2)
    assert days.working_day(CALENDAR, october, 4) == date(2026, 10, 12)  # 8, 9, 10 (make-up), 12
    assert days.working_day(CALENDAR, february, 10) == date(2026, 2, 13)
    assert days.working_day(CALENDAR, february, 11) == date(2026, 2, 14)
    assert days.working_day(CALENDAR, Month(2031, 1), 1) == date(2031, 1, 1), "no table: weekends only"


def test_a_term_that_ends_on_a_statutory_day_moves_on() -> None:
    assert days.deadline(CALENDAR, date(2026, 6, 1), 3) == date(2026, 6, 4)
    assert days.deadline(CALENDAR, date(2026, 9, 28), 3) == date(2026, 10, 4)
    assert days.deadline(CALENDAR, date(2026, 2, 20), 3) == date(2026, 2, 23), "arranged days off are no statutory days"


def test_every_listed_day_has_its_kind() -> None:
    for year in CALENDAR["years"]:
        for name, kind in (("makeup_workdays", days.MAKEUP), ("statutory_days", days.STATUTORY)):
            for told in year[name]:
                day = date.fromisoformat(told)
                assert days.kind(CALENDAR, day) == kind and days.works(CALENDAR, day) == (kind == days.MAKEUP)
    assert days.kind(CALENDAR, date(2026, 4, 5)) == days.STATUTORY, "a Sunday, and statutory"
    assert not days.works(CALENDAR, date(2026, 2, 15)) and days.works(CALENDAR, date(2026, 2, 14) - timedelta(days=1))
