"""Every finding, reason and action: what makes it happen, what just does not, each boundary on both sides."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.visits.test_visits_rules import FAR, HOME, LIMITS, NEAR, SOUND
from webapp.visits import rules, signals, watching
from webapp.visits.rules import Fix, Point
from webapp.visits.signals import Mark, Span

DAY = date(2026, 11, 20)
NINE = datetime(2026, 11, 20, 1, tzinfo=UTC)  # 9:00 in Shanghai
AWAY = Point(HOME.lat_e6 + 20_000, HOME.lon_e6)  # 2.2 km north
NEXT_DOOR = Point(HOME.lat_e6 + 400, HOME.lon_e6)  # 44 m: the same house


def called(**changes) -> set[str]:
    """Codes of one call."""
    return {finding.code for finding in rules.findings(replace(SOUND, **changes), LIMITS)}


def long(minutes: int, planned: int | None = 60) -> set[str]:
    return {finding.code for finding in rules.length_findings(minutes, planned, LIMITS)}


def mark(visit="v1", home="h1", who="w", direction="in", minute=0, fix=NEAR, accuracy=20, state="ok", at=HOME):
    return Mark(visit, home, who, direction, NINE + timedelta(minutes=minute), fix, accuracy, state, at)


def said(*marks, spans=()) -> set[str]:
    """Codes of a day's calls together."""
    return {each.code for told in signals.of_day(marks, list(spans), LIMITS).values() for each in told}


def past(*marks) -> set[str]:
    return {each.code for told in signals.of_past(marks, LIMITS).values() for each in told}


def span(visit, home="h1", who="w", since=0, until=60, **more):
    return Span(visit, home, who, NINE + timedelta(minutes=since), NINE + timedelta(minutes=until), **more)


def visit(**facts):
    usual = {
        "id": "v1", "household_id": "h1", "caregiver_id": "w", "shift_id": "s1", "arrived_at": NINE, "left_at": None,
        "state": "open", "minutes": None, "planned_start_min": 540, "planned_minutes": 60, "partner_id": None, "grade": "A",
    }  # fmt: skip
    return SimpleNamespace(**usual | facts)


def done(**facts):
    return visit(**{"left_at": NINE + timedelta(minutes=60), "state": "done", "minutes": 60} | facts)


def watched(*visits, after_min: int, shifts=(), **day) -> set[str]:
    """Codes of one day as a station's hourly look finds them, so many minutes after nine."""
    usual = {"marks": [], "past": {}, "away": set(), "served": {"v1"}, "confirmed": {"h1"}, "relatives": set()}
    here = watching.Day(list(visits), list(shifts), **usual | day)
    found = watching._found(here, DAY, NINE + timedelta(minutes=after_min), LIMITS)
    return {each.code for told in found.values() for each in told}


SHIFT = SimpleNamespace(id="s1", visit_id="v1", household_id="h1", caregiver_id="w", start_min=540, minutes=60)


def jumps(n, metres=30):
    """Fixes that scatter as real ones do."""
    return Point(NEAR.lat_e6 + (n * 7919 % 13 - 6) * metres * 3 // 2, NEAR.lon_e6 + (n * 104_729 % 11 - 5) * metres * 3 // 2)


def at_nine(direction="in", days=0):
    return [mark(f"v{n}", direction=direction, minute=1440 * n + days, fix=NEAR) for n in range(8)]


Side = Callable[[], set[str]]
BOTH: dict[str, tuple[Side, Side]] = {
    "MANUAL": (lambda: called(method="number"), lambda: called()),
    "CARD_MISSING": (lambda: called(method="card_missing", card=None), lambda: called()),
    "REFUSES_SCAN": (lambda: called(method="refuses_scan", card=None), lambda: called()),
    "REVOKED_CARD": (lambda: called(card="revoked"), lambda: called()),
    "UNKNOWN_CARD": (lambda: called(card="unknown"), lambda: called()),
    "WRONG_CARD": (lambda: called(other_home=True), lambda: called()),
    "NOT_ASSIGNED": (lambda: called(assigned=False), lambda: called()),
    "OTHER_PHONE": (lambda: called(other_phone=True), lambda: called()),
    "NO_GPS": (lambda: called(fix=None, place_state="timeout"), lambda: called()),
    "LOW_ACCURACY": (lambda: called(fix=Fix(NEAR, 101, 3)), lambda: called(fix=Fix(NEAR, 100, 120))),
    "OUT_OF_RADIUS": (
        lambda: called(fix=Fix(Point(HOME.lat_e6 + 1359, HOME.lon_e6), 20, 3)),  # 151 m
        lambda: called(fix=Fix(Point(HOME.lat_e6 + 1349, HOME.lon_e6), 20, 3)),  # 150 m
    ),
    "CLOCK_SKEW": (lambda: called(skew_s=301), lambda: called(skew_s=-300)),
    "LATE_UPLOAD": (lambda: called(upload_h=72), lambda: called(upload_h=71)),
    "SHORT": (lambda: long(44), lambda: long(45)),
    "LONG": (lambda: long(76), lambda: long(75)),
    "TOO_LONG": (lambda: long(1501), lambda: long(1500)),
    "SAME_SPOT": (
        lambda: said(mark(), mark("v2", "h2", minute=10, at=AWAY)),
        lambda: said(mark(), mark("v2", "h2", minute=11, at=AWAY)),
    ),
    "ALBUM_RUN": (
        lambda: said(*(mark(f"v{n}", f"h{n}", minute=5 * n, at=Point(HOME.lat_e6 + 9000 * n, HOME.lon_e6)) for n in range(3))),
        lambda: said(
            *(mark(f"v{n}", f"h{n}", minute=5 * n + n // 2, at=Point(HOME.lat_e6 + 9000 * n, HOME.lon_e6)) for n in range(3))
        ),
    ),
    "IMPOSSIBLE_TRAVEL": (
        lambda: said(mark(direction="out"), mark("v2", "h2", minute=0, fix=AWAY, at=AWAY)),
        lambda: said(mark(direction="out"), mark("v2", "h2", minute=1, fix=AWAY, at=AWAY)),
    ),
    "OVERLAP": (
        lambda: said(mark(), mark("v2", "h2", at=AWAY), spans=[span("v1"), span("v2", "h2", since=59, until=90)]),
        lambda: said(mark(), mark("v2", "h2", minute=90, at=AWAY), spans=[span("v1"), span("v2", "h2", since=60, until=90)]),
    ),
    "TWO_HERE": (
        lambda: said(spans=[span("v1"), span("v2", who="x", since=59)]),
        lambda: said(spans=[span("v1", partner="v2"), span("v2", who="x", since=59, partner="v1")]),
    ),
    "ON_LEAVE": (lambda: said(spans=[span("v1", on_leave=True)]), lambda: said(spans=[span("v1")])),
    "CONSTANT_PLACE": (
        lambda: past(*(mark(f"v{n // 2}", minute=600 * n) for n in range(4))),
        lambda: past(*(mark(f"v{n // 2}", minute=600 * n) for n in range(3)), mark("v9", minute=9000, accuracy=21)),
    ),
    "STEADY_PLACE": (
        lambda: past(*(mark(f"v{n}", minute=600 * n, fix=jumps(n, 1), accuracy=15 + n) for n in range(6))),
        lambda: past(*(mark(f"v{n}", minute=600 * n, fix=jumps(n), accuracy=15 + n) for n in range(6))),
    ),
    "NO_GPS_AGAIN": (
        lambda: past(*(mark(f"v{n}", minute=1440 * n, fix=None, state="denied") for n in range(3))),
        lambda: past(*(mark(f"v{n}", minute=1440 * 16 * n, fix=None, state="denied") for n in range(3))),
    ),
    "NO_OUT": (lambda: watched(visit(), after_min=120), lambda: watched(visit(), after_min=119)),
    "MISSED": (
        lambda: watched(shifts=[SHIFT], after_min=120),
        lambda: watched(shifts=[SHIFT], after_min=119) | watched(done(), shifts=[SHIFT], after_min=500),
    ),
    "NO_TASKS": (
        lambda: watched(done(), after_min=180, served=set()),
        lambda: watched(done(), after_min=179, served=set()) | watched(done(), after_min=180),
    ),
    "NO_CONFIRM": (
        lambda: watched(done(), after_min=180, confirmed=set()),
        lambda: watched(done(), after_min=179, confirmed=set())
        | watched(done(), after_min=180)
        | watched(done(), after_min=180, confirmed=set(), asked={"h1"}),
    ),
}  # fmt: skip
IN_THE_DATABASE = {
    "LATE_IN", "UNSCHEDULED", "REPLACEMENT", "DUPLICATE", "TIME_ORDER", "PHONED_IN", "PHONED_OUT", "PHONE_APART", "PHONE_DENIED",
    "NO_IN", "NO_LOG", "OVER_AUTH", "SAME_PHOTO", "KIN_DOUBT",
}  # fmt: skip
"""Those that need rows: test_visits_recording, test_ringing, test_correcting, test_watching, test_confirming."""


@pytest.mark.parametrize("code", BOTH)
def test_what_makes_a_finding_and_what_just_does_not(code):
    happens, not_quite = BOTH[code]
    assert code in happens()
    assert code not in not_quite()


def test_every_finding_has_its_two_sides_a_class_a_cause_and_words():
    from webapp.visits import words

    assert set(BOTH) | IN_THE_DATABASE == set(LIMITS["classes"]) == set(words.EXCEPTIONS)
    assert set(BOTH) & IN_THE_DATABASE == set()
    caused = [code for codes in LIMITS["causes"].values() for code in codes]
    assert sorted(caused) == sorted(LIMITS["classes"])
    must = {code for code, kind in LIMITS["classes"].items() if kind == "fix"}
    assert set(LIMITS["mends"]) == must
    assert all(set(actions) <= set(dict(LIMITS["actions"])) for actions in LIMITS["mends"].values())


def test_both_code_lists_have_their_two_classes():
    reasons, actions = dict(LIMITS["reasons"]), dict(LIMITS["actions"])
    assert len(reasons) == 21 and "99" in reasons and set(LIMITS["counts"]) == {"04", "05", "11", "12", "19"}
    assert list(actions) == list("ABCDEFGH") and set(LIMITS["changing"]) == {"F", "G", "H"}


def test_a_child_as_caregiver_scans_once_a_day():
    relatives = {("h1", "w")}
    assert watched(visit(), after_min=600, relatives=relatives) == set()
    assert watched(visit(), after_min=600) == {"NO_OUT"}


def test_neighbours_in_one_house_and_couples_are_no_signal():
    near = [mark(), mark("v2", "h2", minute=3, at=NEXT_DOOR), mark("v3", "h3", minute=6, at=NEXT_DOOR)]
    assert said(*near, spans=[span("v1"), span("v2", "h2", since=30, until=90)]) == set()
    assert said(mark(), mark("v2", minute=2)) == set()


def test_signals_weigh_when_some_are_drawn():
    assert signals.risk([], LIMITS) == 1
    assert signals.risk(["LATE_IN"], LIMITS) == 1
    assert signals.risk(["SAME_SPOT", "SAME_SPOT", "ON_LEAVE"], LIMITS) == 9


def test_a_red_signal_found_later_makes_the_grade_worse_and_never_better():
    assert rules.grade_of(["SAME_SPOT"], LIMITS) == "C"
    assert rules.grade_of(["IMPOSSIBLE_TRAVEL", "SAME_SPOT"], LIMITS) == "X"
    assert rules.grade_of(["LATE_IN"], LIMITS) == "A"
    assert rules.worse("X", rules.grade_of(["LATE_IN"], LIMITS)) == "X"


def test_a_no_signal_home_is_graded_against_what_it_can_give():
    gate = {"fix": Fix(NEAR, 20, 600), "width_min": 480}
    assert called(no_signal=True, **gate) == set()
    assert rules.grade(replace(SOUND, no_signal=True, **gate), [], LIMITS) == "A"
    assert rules.grade(replace(SOUND, **gate), ["LOW_ACCURACY"], LIMITS) == "C"
    assert rules.missing(replace(SOUND, no_signal=True, fix=Fix(NEAR, 20, 601), width_min=481), LIMITS) == 2
    assert called(fix=Fix(FAR, 20, 3), homes=()) == set()  # no home point yet: not known, never off


def test_the_shipped_figures_are_all_there():
    shipped = json.loads((Path(rules.__file__).parent / "visits.json").read_text())
    for name in ("correct_h", "decide_days", "verify_h", "blur_m", "place_days", "home_fixes", "home_accuracy_m"):
        assert shipped[name] > 0
