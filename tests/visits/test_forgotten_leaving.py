"""A leaving that was forgotten, or comes late, is one matter: it makes no second one, and what it settled stays settled."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.today.test_todo import hand, listed
from tests.visits.kit import arrive, send
from webapp.kit import clock
from webapp.people.models import HomeCareUnit
from webapp.store import db
from webapp.visits import watching
from webapp.visits.models import Visit, VisitException

__all__ = ["hand"]


def at(hour, minute=0, days_ago=1):
    return clock.instant(clock.today() - timedelta(days=days_ago), hour * 60 + minute)


def now():
    db.settle()
    return db.reading()


def codes(key):
    waits = sa.select(VisitException.code).where(VisitException.visit_id == key, VisitException.settled_at.is_(None))
    return set(now().scalars(waits))


def look(world, days_ago=1):
    db.undo()
    watching.look_over_station(world.place("songling").id, clock.today() - timedelta(days=days_ago), clock.now())


def came(world, name="李秀兰", **when):
    key, receipt = arrive(world, name=name, method="card_missing", at=at(**when))
    assert receipt.state == "applied"
    return key


def went(world, key, **when):
    assert send(world, "visits.leave", visit=key, method="card_missing", at=at(**when)).state == "applied"


def test_a_visit_that_was_never_left_makes_no_overlap_of_the_next_day(world):
    came(world, hour=8, days_ago=2)
    assert "OVERLAP" not in codes(came(world, "张福贵", hour=8))
    assert "OVERLAP" in codes(came(world, hour=8, minute=30)), "the newest that is open is looked at, and it goes on"


def test_what_began_later_and_came_earlier_is_no_overlap(world):
    came(world, "张福贵", hour=10)
    assert "OVERLAP" not in codes(came(world, hour=8)), "its leaving is on its way"


def test_an_overlap_that_is_none_any_more_settles_by_itself(world):
    one, other = came(world, hour=8), came(world, "张福贵", hour=8, minute=40)
    assert "OVERLAP" in codes(other)
    look(world)
    assert "OVERLAP" in codes(other)
    went(world, one, hour=8, minute=35)
    look(world)
    assert "OVERLAP" not in codes(other)


@pytest.mark.parametrize(("minute", "stays"), [(35, False), (59, True)])
def test_one_that_is_an_overlap_stays(world, minute, stays):
    one, other = came(world, hour=8), came(world, "张福贵", hour=8, minute=40)
    went(world, one, hour=8, minute=minute)
    went(world, other, hour=9)
    look(world)
    assert ("OVERLAP" in codes(other)) is stays


def test_a_child_who_scans_once_may_still_leave(world):
    with db.transaction() as session:
        session.execute(sa.update(HomeCareUnit).values(relative=True))
    key = came(world, hour=8)
    look(world)
    assert (now().get(Visit, key).state, now().get(Visit, key).left_at) == ("done", None)
    went(world, key, hour=9)
    assert "DUPLICATE" not in codes(key)
    assert (now().get(Visit, key).left_at, now().get(Visit, key).minutes) == (at(9), 60)
    went(world, key, hour=10)
    assert "DUPLICATE" in codes(key)


def test_a_missing_leaving_waits_for_the_phone_until_the_next_morning(world, hand):
    key = came(world, hour=7, days_ago=0)
    hand.go(10 * 60)
    look(world, days_ago=0)
    assert "NO_OUT" in codes(key)
    fixes = lambda: [line for line in listed(world) if line[0] == "fix"]  # noqa: E731
    assert fixes() == []
    hand.go(12 * 60)
    assert fixes() == [("fix", "李秀兰")]
    assert send(world, "visits.services", visit=key, done=["MEAL-01"], at=at(9)).state == "applied"
    went(world, key, hour=9)
    look(world)
    assert fixes() == []
