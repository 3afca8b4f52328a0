"""Households, units and reach."""

import pytest
import sqlalchemy as sa

from webapp.access import Role
from webapp.kit import ids
from webapp.kit.refusal import Refusal
from webapp.people import models as people
from webapp.people import queries, rules
from webapp.people.models import Assignment, Grant, HomeCareUnit
from webapp.store import audit, db


def test_a_household_has_one_main_caregiver_and_keeps_its_history(app, world):
    with db.transaction() as session:
        people.pair(world.household("李秀兰"), world.person("qian"))
        rows = session.scalars(sa.select(HomeCareUnit).where(HomeCareUnit.household_id == world.household("李秀兰").id)).all()
        assert len(rows) == 2
        assert [r.until is None for r in sorted(rows, key=lambda r: r.since)] == [False, True]


def test_a_fifth_household_is_refused(app, world):
    with db.transaction():
        station = world.place("songling")
        for n in range(2):
            people.pair(people.settle_household(station, f"{n}号"), world.person("wang"))
        with pytest.raises(Refusal, match="too_many_units"):
            people.pair(people.settle_household(station, "5号"), world.person("wang"))


def test_every_reading_of_a_name_is_found():
    assert rules.initials("单田芳").split() == ["ctf", "dtf", "stf"]
    assert "wgf" in rules.initials("王桂芳").split()


def test_a_duty_table_with_a_gap_names_the_gap():
    day_and_night = [rules.Span(day, 480, 480) for day in range(7)]
    assert rules.holes(day_and_night) == []
    assert rules.holes(day_and_night[1:]) == [(0, 480, 1440), (1, 0, 480)]


def test_the_sealed_phone_opens_only_in_its_own_row(app, world):
    lan = world.resident("李秀兰")
    assert lan.phone == "10000009999"
    fu = world.resident("张福贵")
    fu.phone_sealed = lan.phone_sealed
    with pytest.raises(Refusal, match="sealed"):
        _ = fu.phone


def test_the_audit_chain_is_sound_after_building_a_world(app):
    assert audit.verify(db.reading()) == []


def test_who_may_enter_is_asked_for_the_moment_of_the_deed(app, world):
    household, wang = world.household("李秀兰"), world.account("wang")
    row = db.session().scalars(sa.select(Assignment).where(Assignment.household_id == household.id)).one()
    assert queries.may_enter(wang.id, household.id, row.since)
    assert not queries.may_enter(world.account("zhao").id, household.id, row.since)


class Head:
    """A station head, as the verbs see her."""

    role, account_id = Role.STATION_HEAD, ids.new()


def test_no_verb_lets_a_head_make_or_end_an_equal(app, world):
    with db.transaction() as session:
        place, zhou = world.place("songling"), world.account("zhou")
        row = session.scalars(sa.select(Grant).where(Grant.account_id == zhou.id)).one()
        for deed in (
            lambda: people.take_on(Head(), "孙玉兰", Role.STATION_HEAD, place),
            lambda: people.appoint(Head(), world.account("qian"), Role.STATION_HEAD, place),
            lambda: people.end_grant(Head(), row),
            lambda: people.retire(Head(), zhou),
        ):
            with pytest.raises(Refusal, match="role_above"):
                deed()


def test_several_phones_are_sealed_and_the_first_is_found_by(app, world):
    lan = world.resident("李秀兰")
    lan.set_phones(("13800138000", "0411-84601234"))
    assert lan.phones == ("13800138000", "0411-84601234") and lan.phone_tail == "8000"
    assert b"84601234" not in lan.other_phones_sealed
    lan.set_phones(())
    assert lan.phones == () and lan.phone is None
