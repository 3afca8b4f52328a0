"""A month of records laid down in bulk, the way the demo world lays its past, small enough to count by hand."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from tests.world import World
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.ledger.models import Book, QuietDay
from webapp.logs.models import Log
from webapp.roster.models import PLANNED, Shift
from webapp.store import db
from webapp.visits.models import DONE, Service, Visit

LAST = Month.of(clock.today()).previous()


def lay(
    world: World, name: str, day: date, *, by: str = "wang", came: str | None = "wang", late_min: int = 0, **what: Any
) -> Any:
    """One planned visit at 9:00 with two items and what became of it; returns (shift, visit or None).

    what: done, refused (codes), log_days (diary so many days later, None for none), quiet.
    """
    session, home = db.session(), world.household(name)
    shift = Shift(
        id=ids.new(), visit_id=ids.new(), household_id=home.id, station_id=home.station_id, caregiver_id=world.person(by).id,
        day=day, start_min=540, minutes=60, items=["MEAL-01", "CLEAN-01"], state=what.get("state", PLANNED),
    )  # fmt: skip
    session.add(shift)
    if came is None:
        return shift, None
    arrived = clock.instant(day, 540 + late_min)
    visit = Visit(
        id=shift.visit_id, household_id=home.id, station_id=home.station_id, caregiver_id=world.person(came).id,
        shift_id=shift.id, day=day, arrived_at=arrived, left_at=arrived + timedelta(hours=1), state=DONE, minutes=60,
        planned_start_min=540, planned_minutes=60, grade="A",
    )  # fmt: skip
    session.add(visit)
    session.flush()
    act = {"visit_id": visit.id, "at": arrived, "act_id": ids.new()}
    for code in what.get("done", ["MEAL-01", "CLEAN-01"]):
        session.add(Service(code=code, outcome="done", **act))
    for code in what.get("refused", []):
        session.add(Service(code=code, outcome="refused", reason="老人今天不要", **act))
    if (behind := what.get("log_days", 0)) is not None:
        at = arrived + timedelta(days=behind)
        session.add(
            Log(id=ids.new(), visit_id=visit.id, household_id=home.id, day=day, author_id=world.account(came).id, mood="good",
                story="好", handover="", at=at, received_at=at, late=False)
        )  # fmt: skip
    if what.get("quiet", True):
        _quiet(home.id, day, world.account(came).id)
    session.flush()
    return shift, visit


def _quiet(house: uuid.UUID, day: date, author: uuid.UUID) -> None:
    session = db.session()
    if session.get(QuietDay, (house, day)) is None:
        session.add(QuietDay(household_id=house, day=day, at=clock.instant(day, 700), author_id=author))
    if session.scalar(sa.select(Book.id).where(Book.household_id == house)) is None:
        session.add(Book(id=ids.new(), household_id=house, opened_on=date(2026, 1, 1)))


class As:
    """Somebody of the cast, acting."""

    def __init__(self, world: World, name: str) -> None:
        self.account_id, self.person_id = world.account(name).id, world.person(name).id
