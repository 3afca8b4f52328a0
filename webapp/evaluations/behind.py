"""The records behind a figure of a sheet: what an indicator was counted from, one line each, with the page it stands on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.evaluations import faults
from webapp.evaluations.models import Evaluation, settings
from webapp.inspections.models import Finding
from webapp.kit import clock
from webapp.ledger.models import Book, Entry, EntryReceipt, QuietDay
from webapp.logs.models import Log
from webapp.people.models import Account, HomeCareUnit, Household, Person, Place
from webapp.roster.models import PLANNED, Shift
from webapp.store import db
from webapp.training.models import Attendance, Session
from webapp.visits.models import VOID, Service, Visit
from webapp.voices.models import Opinion

GOOD_STARS = 4


@dataclass(frozen=True)
class Record:
    """One record behind a figure. good: whether it speaks for her; what: a word of templates/evaluations/records.html."""

    day: date
    household: str
    good: bool
    what: str
    n: int = 0
    visit_id: uuid.UUID | None = None
    entry_id: uuid.UUID | None = None
    household_id: uuid.UUID | None = None
    inspection_id: uuid.UUID | None = None
    complaint_id: uuid.UUID | None = None
    words: str = ""


def records(found: Evaluation, code: str, limit: int = 200) -> list[Record]:
    """What an indicator was counted from, what speaks against her first, then by day."""
    asked = {
        "M01": _shifts, "M02": _arrivals, "M03": _items, "M04": _diaries, "M05": _book, "M07": _opinions, "M08": _against,
        "M09": _sessions,
    }.get(code)  # fmt: skip
    rows = asked(found) if asked else []
    return sorted(rows, key=lambda each: (each.good, each.day))[:limit]


def _visits(found: Evaluation, *columns: Any) -> sa.Select[Any]:
    month = found.of
    return (
        sa.select(Visit.id, Visit.day, Household.name, *columns)
        .join(Household, Household.id == Visit.household_id)
        .where(Visit.caregiver_id == found.caregiver_id, Visit.day.between(month.first, month.last), Visit.state != VOID)
        .order_by(Visit.day)
    )


def _shifts(found: Evaluation) -> list[Record]:
    came = sa.and_(Visit.shift_id == Shift.id, Visit.state != VOID, Visit.caregiver_id == found.caregiver_id)
    ask = (
        sa.select(Shift.day, Household.name, Visit.id, Shift.caregiver_id, Shift.household_id)
        .join(Household, Household.id == Shift.household_id)
        .outerjoin(Visit, came)
        .where(Shift.day.between(found.of.first, found.of.last), Shift.state == PLANNED)
        .where(sa.or_(Shift.caregiver_id == found.caregiver_id, Visit.id.is_not(None)))
    )
    return [
        Record(day, home, visit is not None, "came" if visit and who == found.caregiver_id else "relief" if visit else "missed",
               visit_id=visit, household_id=key)
        for day, home, visit, who, key in db.session().execute(ask)
    ]  # fmt: skip


def _arrivals(found: Evaluation) -> list[Record]:
    rows = db.session().scalars(
        sa.select(Visit)
        .where(Visit.caregiver_id == found.caregiver_id, Visit.day.between(found.of.first, found.of.last), Visit.state != VOID)
        .where(Visit.planned_start_min.is_not(None))
        .options(joinedload(Visit.household))
    )
    made, in_time = [], settings(found.of)["monthly"]["settings"]["on_time_min"]
    for visit in rows:
        late = int((visit.arrived_at - visit.planned_at).total_seconds() // 60) if visit.planned_at else 0
        made.append(Record(visit.day, visit.household.name, late <= in_time, "late", max(late, 0), visit.id))
    return made


def _items(found: Evaluation) -> list[Record]:
    done = sa.func.sum(sa.case((Service.outcome == "done", 1), else_=0))
    refused = sa.func.sum(sa.case((Service.outcome == "refused", 1), else_=0))
    counted = sa.select(Service.visit_id, done.label("done"), refused.label("refused")).group_by(Service.visit_id).subquery()
    ask = _visits(found, Shift.items, counted.c.done, counted.c.refused).join(Shift, Shift.id == Visit.shift_id)
    rows = db.session().execute(ask.outerjoin(counted, counted.c.visit_id == Visit.id))
    made = []
    for key, day, home, items, n, no in rows:
        gone = max(0, len(items or ()) - int(n or 0) - int(no or 0))
        made.append(Record(day, home, not gone, "undone" if gone else "did", gone or int(n or 0), key))
    return made


def _diaries(found: Evaluation) -> list[Record]:
    rows = db.session().execute(_visits(found, Log.at).outerjoin(Log, sa.and_(Log.visit_id == Visit.id, Log.story != "")))
    made = []
    for key, day, home, at in rows:
        made.append(Record(day, home, at is not None, "wrote" if at else "unwritten", 0, key))
    return made


def _book(found: Evaluation) -> list[Record]:
    month = found.of
    wrote = sa.exists().where(Entry.household_id == Visit.household_id, Entry.day == Visit.day)
    quiet = sa.exists().where(QuietDay.household_id == Visit.household_id, QuietDay.day == Visit.day)
    kept = sa.exists().where(Book.household_id == Visit.household_id, Book.opened_on <= Visit.day)
    days = db.session().execute(_visits(found, Visit.household_id).where(kept, ~wrote, ~quiet))
    made = [Record(day, home, False, "gap", 0, key, household_id=house) for key, day, home, house in days]
    homes = sa.select(Visit.household_id).where(
        Visit.caregiver_id == found.caregiver_id, Visit.day.between(month.first, month.last)
    )
    slip = sa.exists().where(EntryReceipt.entry_id == Entry.id)
    lines = (
        sa.select(Entry.id, Entry.day, Household.name, Entry.fen, Entry.slip, slip)
        .join(Account, Account.id == Entry.author_id)
        .join(Household, Household.id == Entry.household_id)
        .where(Entry.household_id.in_(homes), Account.person_id == found.caregiver_id)
        .where(Entry.day.between(month.first, month.last))
    )
    for key, day, home, fen, wanted, there in db.session().execute(lines):
        missing = wanted and not there
        made.append(Record(day, home, not missing, "slip" if missing else "entry", abs(fen), entry_id=key))
    return made


def _opinions(found: Evaluation) -> list[Record]:
    """What residents gave this month: for the office only, she never learns whose."""
    ask = (
        sa.select(Opinion.made_at, Household.name, Opinion.stars, Opinion.words, Household.id)
        .join(Household, Household.id == Opinion.household_id)
        .where(Opinion.caregiver_id == found.caregiver_id, Opinion.month == found.of.first)
    )
    return [
        Record(clock.day_of(at), home, stars >= GOOD_STARS, "stars", stars, household_id=key, words=words)
        for at, home, stars, words, key in db.session().execute(ask)
    ]


def _against(found: Evaluation) -> list[Record]:
    """What was found true against her, and minor findings of her homes that were not put right in time."""
    made = [
        Record(clock.day_of(each.made_at), "", False, each.kind, words=each.words, complaint_id=each.complaint_id)
        for each in faults.of(found) if each.withdrawn_at is None
    ]  # fmt: skip
    ended = clock.day_bounds(found.of.last)[1]
    hers = (
        sa.select(Finding.due, Household.name, Finding.fixed_at, Finding.inspection_id, Finding.code)
        .join(Household, Household.id == Finding.household_id)
        .join(HomeCareUnit, HomeCareUnit.household_id == Finding.household_id)
        .where(HomeCareUnit.caregiver_id == found.caregiver_id, HomeCareUnit.since < ended)
        .where(sa.or_(HomeCareUnit.until.is_(None), HomeCareUnit.until >= ended), Finding.severity == "minor")
        .where(Finding.due.between(found.of.first, found.of.last))
    )
    for due, home, fixed, key, code in db.session().execute(hers):
        if fixed is None or clock.day_of(fixed) > due:
            made.append(Record(due, home, False, "late_finding", inspection_id=key, words=code))
    return made


def _sessions(found: Evaluation) -> list[Record]:
    """The sessions that were meant for her."""
    there = sa.exists().where(Attendance.session_id == Session.id, Attendance.person_id == found.caregiver_id)
    near = sa.or_(Session.place_id == Place.id, Session.place_id == Place.street_id, Session.place_id == Place.district_id)
    ask = (
        sa.select(Session.day, Session.where, there)
        .join(Place, near)
        .join(Person, Person.station_id == Place.id)
        .where(Person.id == found.caregiver_id, Session.day.between(found.of.first, found.of.last))
    )
    return [Record(day, where, bool(was), "attended" if was else "absent") for day, where, was in db.session().execute(ask)]
