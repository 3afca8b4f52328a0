"""What must not be forgotten: a silent visit of earlier days stays in the list until a call about it was answered, a door that
nobody opened and nobody went to becomes a red notice on the ladder, and a night without a backup is told."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app

from webapp.kit import clock, ids
from webapp.kit.settings import Settings
from webapp.kit.words import _l
from webapp.messages import calling, rules
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.messages.models import Task
from webapp.people.models import Household, Place, PlaceKind
from webapp.roster.models import PLANNED, Shift
from webapp.store import audit, db, jobs
from webapp.visits.models import VOID, NobodyHome, Visit

NIGHTS = 3
"""A server that slept some nights catches up for so many days."""


@jobs.job("today.carry", nightly=True)
def carry() -> None:
    """Visits that nobody came to and nobody rang about, as their day leaves the list, become tasks that stay."""
    today = clock.today()
    days = [today - timedelta(days=2 + n) for n in range(NIGHTS)]
    stations = db.session().scalars(sa.select(Place.id).where(Place.kind == PlaceKind.STATION)).all()
    for station in stations:
        _carry(station, days)
    _let_go()


def cared_for(station_id: Any) -> sa.ColumnElement[bool]:
    """Condition on Household: its care has not ended, and no other station has taken it over since `station_id`."""
    return sa.and_(Household.ended_on.is_(None), Household.station_id == station_id)


def attended(since: Any) -> sa.ColumnElement[bool]:
    """Condition on Shift, of days not before the instant `since`: somebody went, be it only one of two who go together."""
    went = Visit.station_id == Shift.station_id, Visit.state != VOID
    near = Visit.household_id == Shift.household_id, Visit.arrived_at >= since
    beside = Visit.day == Shift.day, Visit.planned_start_min == Shift.start_min
    return sa.or_(sa.exists().where(Visit.shift_id == Shift.id, *went), sa.exists().where(*near, *beside, *went))


def _let_go() -> None:
    """Whose visit came in after all, from a phone that was long without a network, is forgotten."""
    session = db.session()
    carried = sa.select(Task.key).where(Task.cleared_at.is_(None), Task.kind.in_(("silent", "gap")))
    keys = {ids.parse(key.partition(":")[2]): key for key in session.scalars(carried)}
    came = sa.select(Visit.shift_id).where(Visit.shift_id.in_(list(keys)), Visit.state != VOID)
    for shift in session.scalars(came) if keys else ():
        messages.resolve(keys[shift])


def _carry(station: uuid.UUID, days: list[date]) -> None:
    session = db.session()
    since = clock.instant(min(days), 0)
    stood = sa.exists().where(NobodyHome.household_id == Shift.household_id, NobodyHome.day == Shift.day)
    ask = sa.select(Shift).where(Shift.station_id == station, Shift.day.in_(days), Shift.state == PLANNED)
    ask = ask.where(~attended(since), ~stood)
    ask = ask.join(Household, Household.id == Shift.household_id).where(cared_for(Shift.station_id))
    shifts = session.scalars(ask.order_by(Shift.day, Shift.start_min)).all()
    chosen = messages.settings(station)
    said = calling.said_of([shift.id for shift in shifts])
    still = sa.select(Task.key).where(Task.place_id == station, Task.cleared_at.is_(None))
    known = set(session.scalars(still)) if shifts else set()
    for shift in shifts:
        answer, at = said.get(shift.id, (None, None))
        if rules.rests(answer, at, clock.now(), chosen):
            continue
        kind = "silent" if shift.caregiver_id else "gap"
        if not {f"silent:{shift.id}", f"gap:{shift.id}"} & known:
            key = f"{kind}:{shift.id}"
            due = clock.instant(shift.day, shift.start_min).isoformat()
            messages.open_task(
                kind, station, key, household_id=shift.household_id, person_id=shift.caregiver_id,
                facts={"about": key, "since": due},
            )  # fmt: skip


NO_BACKUP, BACKUP_AGE, LOOKED_AT = "backup", timedelta(hours=30), 7 * 60
kinds.say(NO_BACKUP, _l("昨晚的备份没做好，请告诉管电脑的人"), "alert-triangle")


@jobs.job("today.backup_day", nightly=True)
def backup_day() -> None:
    """Ask for a look in the morning: by then the night's backup has been made, or tried often enough."""
    today = clock.today()
    jobs.ask("today.look_at_backup", due_at=clock.instant(today, LOOKED_AT), once=f"today.look_at_backup:{today}")


@jobs.job("today.look_at_backup")
def look_at_backup() -> None:
    """No backup of this night: a line for those at the top until one is made."""
    wants, made = backed_up()
    session = db.session()
    here = {row.id: row.kind for row in session.execute(sa.select(Place.id, Place.kind))}
    top = next((kind for kind in (PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.STATION) if kind in here.values()), None)
    for place in (key for key, kind in here.items() if kind == top):
        if wants:
            messages.open_task(NO_BACKUP, place, f"{NO_BACKUP}:{place}", facts={"since": made.isoformat()} if made else None)
        else:
            messages.resolve(f"{NO_BACKUP}:{place}")


def backed_up() -> tuple[bool, datetime | None]:
    """(whether a backup is wanted and overdue, when the newest was made)."""
    chosen: Settings = current_app.extensions["settings"]
    made = db.session().scalar(sa.select(audit.Head.backup_at))
    return chosen.backup_dir is not None and (made is None or clock.now() - made > BACKUP_AGE), made


AGAIN, ROUNDS = timedelta(minutes=5), 24


@jobs.job("today.nobody_left")
def nobody_left(nobody: str, round_: int = 0) -> None:
    """So long after a door stayed shut: has anybody been there, or been rung? If not, it is red and climbs until then."""
    session = db.session()
    row = session.get(NobodyHome, ids.parse(nobody))
    if row is None:
        return
    key = f"nobody:{row.id}"
    later = sa.select(Visit.id).where(Visit.household_id == row.household_id, Visit.arrived_at > row.at, Visit.state != VOID)
    handled = sa.select(Task.id).where(Task.key == key, Task.place_id == row.station_id, Task.cleared_at.is_not(None))
    here = sa.select(Household.id).where(Household.id == row.household_id, cared_for(row.station_id))
    if session.scalar(here) is None or any(session.scalar(each.limit(1)) is not None for each in (later, handled)):
        messages.resolve(key)
        return
    if round_ == 0:
        messages.notify(
            "nobody", row.station_id, key, household_id=row.household_id, endpoint="todo.call",
            args={"household_id": row.household_id, "about": key}, listed=False,
        )  # fmt: skip
    if round_ < ROUNDS:
        once = f"today.nobody_left:{row.id}:{round_ + 1}"
        jobs.ask("today.nobody_left", due_at=clock.now() + AGAIN, once=once, nobody=nobody, round_=round_ + 1)
