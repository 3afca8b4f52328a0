"""What can be worked out on paper about people: places on the map, births, duty lines, who appoints whom."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.access import APPOINTS, GRANTS, Role, appoints
from webapp.people import rules
from webapp.people.rules import Stretch
from webapp.people.sheets.facts import Birth

METRE = 1 / 111_320
TIANANMEN = (39.915, 116.404)


def test_the_published_pairs_come_out():
    """Known pairs of the widely used conversion tables."""
    assert rules.shifted(TIANANMEN) == pytest.approx((39.91640428150164, 116.41024449916938), abs=1e-9)
    assert rules.to_wgs84((39.91640428150164, 116.41024449916938), "gcj02") == pytest.approx(TIANANMEN, abs=1e-7)
    assert rules.to_wgs84(TIANANMEN, "wgs84") == TIANANMEN
    # BD-09 (39.915, 116.404) is GCJ-02 (39.90865673957631, 116.39762729119315)
    by_hand = rules.to_wgs84((39.90865673957631, 116.39762729119315), "gcj02")
    assert rules.to_wgs84(TIANANMEN, "bd09") == pytest.approx(by_hand, abs=1e-9)


@given(st.floats(20, 50), st.floats(80, 130))
def test_a_place_shifted_and_brought_back_is_where_it_was(lat, lon):
    assert rules.to_wgs84(rules.shifted((lat, lon)), "gcj02") == pytest.approx((lat, lon), abs=METRE / 10)


@pytest.mark.parametrize("system", ["gcj02", "bd09"])
def test_the_wrong_system_would_be_hundreds_of_metres_off(system):
    lat, lon = rules.to_wgs84((38.914, 121.614), system)
    assert abs(lat - 38.914) + abs(lon - 121.614) > 200 * METRE


@pytest.mark.parametrize(
    "text",
    [
        "38.914, 121.614",
        "121.614，38.914",
        "北纬38.914度，东经121.614度",
        "38°54′50.4″ 121°36′50.4″",
        "３８．９１４ １２１．６１４",
    ],
)
def test_a_place_is_read_as_people_paste_it(text):
    assert rules.point(text) == pytest.approx((38.914, 121.614), abs=1e-9)


@pytest.mark.parametrize("text", ["", "38.914", "家", "38.914, 38.914", "121.6, 121.7", "51.5, -0.12", "38.914,121.614,15"])
def test_what_is_no_place_here_is_none(text):
    assert rules.point(text) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_places(text):
    rules.point(text)


@pytest.mark.parametrize("birth", [Birth(1942), Birth(1942, 3), Birth(1942, 3, 5)])
def test_a_birth_is_kept_as_exactly_as_it_is_known(birth):
    kept = rules.born(birth)
    assert rules.birth_of(kept["birth_date"], kept["birth_precision"]) == birth


def test_no_birth_is_none():
    assert rules.birth_of(rules.born(None)["birth_date"], "day") is None
    assert rules.born(Birth(1942, 3)) == {"birth_date": date(1942, 3, 1), "birth_precision": "month"}


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("青霉素过敏", ("allergy", "danger")),
        ("起身要扶", ("fall", "watch")),
        ("耳背", ("hearing", "watch")),
        ("怕狗", ("other", "watch")),
        ("走失过", ("other", "danger")),
    ],
)
def test_an_alert_is_sorted_by_its_words(words, kind):
    assert rules.alert_kind(words) == kind


DAYS = [tuple(range(7)), tuple(range(5)), (5, 6), *((day,) for day in range(7))]


def _single(days, *rest):
    return [Stretch((day,), *rest) for day in days]


def test_single_days_are_gathered_into_the_lines_people_wrote():
    office = (480, 1020, "值班室", "1234")
    found = rules.gathered([*_single(range(5), *office), *_single((5, 6), 480, 1020, "周末班", "1234")], DAYS)
    assert [(line.days, line.name) for line in found] == [(tuple(range(5)), "值班室"), ((5, 6), "周末班")]


@given(st.sets(st.integers(0, 6), min_size=1))
def test_gathering_loses_no_day_and_doubles_none(days):
    found = rules.gathered(_single(days, 0, 1440, "甲", "1"), DAYS)
    assert sorted(day for line in found for day in line.days) == sorted(days)


def test_nobody_appoints_an_equal_or_somebody_above():
    order = [Role.CAREGIVER, Role.STATION_HEAD, Role.STREET_MANAGER, Role.DISTRICT_OFFICER, Role.ADMINISTRATOR]
    for n, role in enumerate(order):
        assert not any(appoints(role, above) for above in order[n:])
    assert not any(Role.KIN in roles or Role.ADMINISTRATOR in roles for roles in APPOINTS.values())
    assert set(APPOINTS) <= GRANTS["people.staff"]
