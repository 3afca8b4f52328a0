"""Plans become shifts, and stay shifts when plans change."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.people import models as people
from webapp.people import queries as who
from webapp.people.models import Assignment
from webapp.roster import laying, models, queries
from webapp.roster.models import CANCELLED, PLANNED, Shift
from webapp.store import audit, db

DAILY = range(7)


def daily(world, name="李秀兰", start=510, **more):
    return models.plan(world.household(name), DAILY, start, 90, ["MEAL-01", "MIND-01"], **more)


def shifts(world, name="李秀兰"):
    key = world.household(name).id
    return db.session().scalars(sa.select(Shift).where(Shift.household_id == key).order_by(Shift.day, Shift.start_min)).all()


def test_a_plan_lays_a_fortnight_for_the_main_caregiver(app, world):
    with db.transaction():
        daily(world)
    laid = shifts(world)
    assert [each.day for each in laid] == [clock.today() + timedelta(days=n) for n in range(15)]
    assert {each.caregiver_id for each in laid} == {world.person("wang").id}
    assert len({each.visit_id for each in laid}) == 15


def test_extending_twice_changes_nothing(app, world):
    with db.transaction():
        daily(world)
    before = [(each.id, each.visit_id) for each in shifts(world)]
    with db.transaction():
        assert laying.extend(clock.today() + timedelta(days=14)) == 0
    with db.transaction():
        assert laying.extend(clock.today() + timedelta(days=15)) == 1
    assert [(each.id, each.visit_id) for each in shifts(world)][:-1] == before


def test_a_moved_day_keeps_the_visit_id_that_phones_already_hold(app, world):
    tomorrow = clock.today() + timedelta(days=1)
    with db.transaction():
        plan = daily(world)
        before = shifts(world)[1].visit_id
        models.change_day(plan, tomorrow, start_min=600, items=["CLEAN-01"], why="老人要求")
    moved = shifts(world)[1]
    assert (moved.visit_id, moved.start_min, moved.items) == (before, 600, ["CLEAN-01"])
    assert shifts(world)[2].start_min == 510


def test_a_skipped_day_is_cancelled_and_can_come_back(app, world):
    tomorrow = clock.today() + timedelta(days=1)
    with db.transaction():
        plan = daily(world)
        models.change_day(plan, tomorrow, skip=True)
    assert shifts(world)[1].state == CANCELLED
    with db.transaction():
        models.change_day(queries_plan(world, plan), tomorrow)
    assert shifts(world)[1].state == PLANNED


def queries_plan(world, plan):
    return next(p for p in queries.plans_of(plan.household_id, clock.today()) if p.id == plan.id)


def test_a_stand_in_may_enter_on_her_day_and_only_then(app, world):
    tomorrow = clock.today() + timedelta(days=1)
    with db.transaction():
        plan = daily(world)
        models.change_day(plan, tomorrow, caregiver=world.person("qian"))
    home, qian = world.household("李秀兰").id, world.account("qian").id
    assert who.may_enter(qian, home, clock.instant(tomorrow, 600))
    assert not who.may_enter(qian, home, clock.now())
    assert [each.household_id for each in queries.shifts_of(world.person("qian").id, tomorrow)] == [home]


def test_the_main_caregiver_needs_no_second_assignment(app, world):
    with db.transaction():
        plan = daily(world)
        models.change_day(plan, clock.today(), caregiver=world.person("wang"))
        rows = db.session().scalars(sa.select(Assignment).where(Assignment.household_id == plan.household_id)).all()
        assert len(rows) == 1


def test_a_new_main_caregiver_takes_over_the_coming_shifts(app, world):
    with db.transaction():
        daily(world)
        people.pair(world.household("李秀兰"), world.person("qian"), since=clock.instant(clock.today() + timedelta(days=2), 0))
        laying.extend(clock.today() + timedelta(days=14))
    names = [each.caregiver_id for each in shifts(world)]
    assert names[1] == world.person("wang").id
    assert names[2] == world.person("qian").id


def test_a_household_without_a_caregiver_gets_shifts_that_nobody_has(app, world):
    with db.transaction():
        home = people.settle_household(world.place("songling"), "5号")
        people.take_in(home, "陈玉梅")
        models.plan(home, DAILY, 420, 60, [])
    assert {each.caregiver_id for each in shifts(world, "陈玉梅")} == {None}


def test_the_same_time_twice_is_refused(app, world):
    with db.transaction():
        daily(world)
        with pytest.raises(Refusal, match="plan_clash"):
            daily(world, start=540)
        daily(world, start=900)


def test_moving_onto_another_visit_is_refused_and_nothing_moves(app, world):
    with db.transaction():
        daily(world)
        second = daily(world, start=900)
    with pytest.raises(Refusal, match="plan_clash"), db.transaction():
        models.change_day(queries_plan(world, second), clock.today(), start_min=510)
    assert [each.start_min for each in shifts(world)][:2] == [510, 900]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"weekdays": []}, "no_weekday"),
        ({"minutes": 5}, "plan_minutes"),
        ({"start_min": 1440}, "plan_start"),
        ({"items": ["NO-99"]}, "unknown_item"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(app, world, changes, code):
    facts = {"weekdays": DAILY, "start_min": 510, "minutes": 60, "items": []} | changes
    with db.transaction(), pytest.raises(Refusal, match=code):
        models.plan(world.household("李秀兰"), **facts)


def test_yesterday_cannot_be_planned_anew(app, world):
    with db.transaction():
        plan = daily(world)
        with pytest.raises(Refusal, match="day_over"):
            models.change_day(plan, clock.today() - timedelta(days=1), skip=True)


def test_planning_is_in_the_audit_chain(app, world):
    with db.transaction():
        daily(world)
    assert audit.verify(db.reading()) == []
    assert db.reading().scalar(sa.select(audit.Entry.verb).where(audit.Entry.verb == "roster.plan")) == "roster.plan"
