"""What evidence is worth, on paper."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from webapp.visits import rules
from webapp.visits.rules import Evidence, Fix, Point

LIMITS = json.loads((Path(rules.__file__).parent / "visits.json").read_text())
HOME = Point(38_914_000, 121_614_000, 150)
NEAR = Point(38_914_500, 121_614_000)  # 56 m north
FAR = Point(38_920_000, 121_614_000)  # 667 m north
SOUND = Evidence(
    method="scan", card="live", other_home=False, assigned=True, place_state="ok", fix=Fix(NEAR, 20, 3), homes=(HOME,),
    no_signal=False, known_device=True, skew_s=0, width_min=2, upload_h=0,
)  # fmt: skip


def codes(**changes):
    return [finding.code for finding in rules.findings(replace(SOUND, **changes), LIMITS)]


def graded(*more, **changes):
    evidence = replace(SOUND, **changes)
    return rules.grade(evidence, [*(finding.code for finding in rules.findings(evidence, LIMITS)), *more], LIMITS)


def test_a_degree_of_latitude_is_111_kilometres_and_distance_is_the_same_both_ways():
    one, other = Point(38_000_000, 121_000_000), Point(39_000_000, 121_000_000)
    assert abs(rules.distance_m(one, other) - 111_195) < 5
    assert rules.distance_m(one, other) == rules.distance_m(other, one)
    assert rules.distance_m(one, one) == 0
    assert abs(rules.distance_m(Point(0, 0), Point(0, 180_000_000)) - 20_015_115) < 5


def test_a_scan_at_home_on_a_known_phone_in_time_is_an_a_without_findings():
    assert codes() == []
    assert graded() == "A"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"method": "number"}, "MANUAL"),
        ({"method": "card_missing", "card": None}, "CARD_MISSING"),
        ({"method": "refuses_scan", "card": None}, "REFUSES_SCAN"),
        ({"fix": None, "place_state": "denied"}, "NO_GPS"),
        ({"fix": Fix(NEAR, 400, 3)}, "LOW_ACCURACY"),
        ({"fix": Fix(NEAR, 20, 300)}, "LOW_ACCURACY"),
        ({"fix": Fix(FAR, 20, 3)}, "OUT_OF_RADIUS"),
    ],
)
def test_one_missing_piece_is_named_and_makes_a_b(changes, code):
    assert codes(**changes) == [code]
    assert graded(**changes) == "B"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"card": "revoked"}, "REVOKED_CARD"),
        ({"card": "unknown"}, "UNKNOWN_CARD"),
        ({"other_home": True}, "WRONG_CARD"),
        ({"assigned": False}, "NOT_ASSIGNED"),
        ({"skew_s": -4000}, "CLOCK_SKEW"),
    ],
)
def test_a_red_rule_makes_a_c_whatever_else_is_there(changes, code):
    assert code in codes(**changes)
    assert graded(**changes) == "C"


def test_two_missing_pieces_make_a_c():
    assert graded(method="number", known_device=False) == "C"


def test_contradictions_make_an_x():
    assert graded("OVERLAP") == "X"
    assert graded("TIME_ORDER") == "X"
    assert graded(fix=Fix(Point(38_950_000, 121_614_000), 20, 3)) == "X"


def test_an_unknown_home_point_is_never_off():
    assert codes(homes=(), fix=Fix(FAR, 20, 3)) == []
    assert graded(homes=(), fix=Fix(FAR, 20, 3)) == "A"


def test_a_blurred_fix_is_not_called_off():
    assert codes(fix=Fix(FAR, 400, 3)) == ["LOW_ACCURACY"]


def test_a_home_visited_elsewhere_has_two_points():
    assert codes(homes=(HOME, FAR), fix=Fix(FAR, 20, 3)) == []


def test_a_home_without_signal_is_judged_by_what_it_can_give():
    at_the_gate = {"fix": Fix(NEAR, 20, 500), "width_min": 200}
    assert graded(**at_the_gate) == "C"
    assert graded(no_signal=True, **at_the_gate) == "A"
    assert graded(no_signal=True, fix=Fix(NEAR, 20, 700), width_min=200) == "B"


def test_time_that_nothing_bounds_is_not_verified():
    assert graded(width_min=None) == "B"


def test_an_upload_after_three_days_is_named():
    assert codes(upload_h=71) == []
    assert codes(upload_h=72) == ["LATE_UPLOAD"]


def test_length_is_compared_with_the_plan():
    def told(minutes, planned):
        return [finding.code for finding in rules.length_findings(minutes, planned, LIMITS)]

    assert told(75, 90) == []
    assert told(74, 90) == ["SHORT"]
    assert told(105, 90) == []
    assert told(106, 90) == ["LONG"]
    assert told(300, None) == []
    assert told(721, None) == ["LONG"]


def test_the_worse_grade_counts():
    assert [rules.worse(*pair) for pair in (("A", "B"), ("X", "C"), (None, "A"))] == ["B", "X", "A"]


def test_minutes_never_run_backwards():
    t = datetime(2026, 11, 21, tzinfo=UTC)
    assert rules.minutes_between(t, t + timedelta(seconds=119)) == 1
    assert rules.minutes_between(t, t - timedelta(hours=1)) == 0
