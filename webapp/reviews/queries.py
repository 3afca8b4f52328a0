"""What a quarter is made of, counted for a station at once; the reviews of a station, one review, a caregiver's own."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, within
from webapp.evaluations.models import LAST_MINUTE, Evaluation, Review, Veto
from webapp.inspections.models import DONE, Inspection
from webapp.kit import clock, days, ids
from webapp.messages import models as messages
from webapp.people.models import HomeCareUnit, Household, Person, Place, PlaceKind, on_post
from webapp.people.queries import nothing
from webapp.reviews.models import DUE, OPEN, QuarterReview, due_key, settings, waiting
from webapp.reviews.rules import Quarter
from webapp.store import audit, db, jobs, rulebook
from webapp.training.models import Attendance, Session


def gather(quarter: Quarter, station: Place) -> int:
    """Count a quarter for every caregiver of a station; reviews whose meeting is over stay. Returns how many were counted."""
    session = db.session()
    known = {row.caregiver_id: row for row in session.scalars(_of(quarter, station.id)).unique()}
    facts = _facts(quarter, station)
    n = 0
    for person in _staff(quarter, station):
        row = known.get(person)
        if row is not None and row.state != OPEN:
            continue
        if row is None:
            row = QuarterReview(
                id=ids.new(), caregiver_id=person, station_id=station.id, quarter=str(quarter), facts={}, points={}, state=OPEN
            )
            session.add(row)
        row.facts = facts[person]
        row.reckon()
        n += 1
    session.flush()
    audit.note("reviews.gather", f"quarter:{quarter}:{station.id}", caregivers=n)
    return n


@jobs.job("reviews.open", nightly=True, alone=True)
def open_quarter() -> None:
    """On the first day of a quarter the one before it is counted for every station, and every night after for what came in late,
    until the meetings are due. Each station has a transaction of its own: nobody waits for all of them."""
    quarter = Quarter.of(clock.today()).previous()
    due = due_on(quarter)
    with db.transaction() as session:
        stations = session.execute(_opening(quarter)).all()
    for key, counted in stations:
        with db.transaction() as session:
            if not counted or clock.today() <= due:
                gather(quarter, session.get_one(Place, key))
            if session.scalar(waiting(str(quarter), key).limit(1)) is None:
                messages.resolve(due_key(quarter, key))
            else:
                messages.open_task(
                    DUE, key, due_key(quarter, key), endpoint="reviews.index", args={"quarter": quarter, "station": key},
                    due_at=clock.instant(due, LAST_MINUTE),
                )  # fmt: skip


def due_on(quarter: Quarter) -> date:
    """The last day for the meetings of a quarter: the rules' day of the next month, later where that is a holiday."""
    days_ = settings(quarter)["quarterly"]["due_day"]
    return days.deadline(rulebook.current("calendar", clock.today()), quarter.last, days_)


def _opening(quarter: Quarter) -> Any:
    """The stations without a review of the quarter, and those where a meeting is still to come: (station, counted already)."""
    mine = sa.and_(QuarterReview.station_id == Place.id, QuarterReview.quarter == str(quarter))
    counted, waits = sa.exists().where(mine), sa.exists().where(mine, QuarterReview.state == OPEN)
    ask = sa.select(Place.id, counted).where(Place.kind == PlaceKind.STATION, sa.or_(~counted, waits))
    return ask.order_by(Place.code)


def _of(quarter: Quarter, station: uuid.UUID) -> Any:
    whole = [selectinload(QuarterReview.voices), joinedload(QuarterReview.caregiver)]
    return (
        sa.select(QuarterReview).where(QuarterReview.station_id == station, QuarterReview.quarter == str(quarter)).options(*whole)
    )


def _staff(quarter: Quarter, station: Place) -> Sequence[uuid.UUID]:
    """Who was a caregiver of the station in the quarter and still is one."""
    last = clock.day_bounds(quarter.last)[1]
    ask = sa.select(Person.id).where(Person.station_id == station.id, on_post(Person.id, before=last))
    return db.session().scalars(ask).all()


def _facts(quarter: Quarter, station: Place) -> dict[uuid.UUID, dict[str, Any]]:
    """By caregiver: what the rules take, voices apart. Five questions for the whole station."""
    session = db.session()
    made: dict[uuid.UUID, dict[str, Any]] = defaultdict(
        lambda: {"totals": [], "rates": [], "held": 0, "attended": 0, "scores": [], "vetoed": False}
    )
    here = sa.select(Person.id).where(Person.station_id == station.id)
    newer = sa.orm.aliased(Review)
    latest = sa.and_(
        Review.evaluation_id == Evaluation.id,
        ~sa.exists().where(newer.evaluation_id == Review.evaluation_id, newer.made_at > Review.made_at),
    )
    vetoed = sa.exists().where(Veto.evaluation_id == Evaluation.id, Veto.confirmed_at.is_not(None))
    months = sa.select(
        Evaluation.caregiver_id, sa.case((Review.id.is_not(None), Review.total), else_=Evaluation.total), vetoed
    ).outerjoin(Review, latest)
    names = [str(month) for month in quarter.months]
    for who, total, barred in session.execute(
        months.where(Evaluation.caregiver_id.in_(here), Evaluation.month.in_(names)).order_by(Evaluation.month)
    ):
        made[who]["totals"] += [] if total is None else [total]
        made[who]["vetoed"] |= bool(barred)
    ended = clock.day_bounds(quarter.last)[1]
    rates = (
        sa.select(HomeCareUnit.caregiver_id, Inspection.rate)
        .join(Inspection, Inspection.household_id == HomeCareUnit.household_id)
        .where(HomeCareUnit.caregiver_id.in_(here), HomeCareUnit.since < ended)
        .where(sa.or_(HomeCareUnit.until.is_(None), HomeCareUnit.until >= ended))
        .where(Inspection.state == DONE, Inspection.rate.is_not(None), Inspection.day.between(quarter.first, quarter.last))
        .order_by(Inspection.day, Inspection.rate, Inspection.id)
    )
    for who, rate in session.execute(rates):
        made[who]["rates"].append(rate)
    near = sa.or_(Session.place_id == Place.id, Session.place_id == Place.street_id, Session.place_id == Place.district_id)
    lessons = (
        sa.select(Person.id, Attendance.person_id.is_not(None), Attendance.score)
        .join(Place, Place.id == Person.station_id)
        .join(Session, near)
        .outerjoin(Attendance, sa.and_(Attendance.session_id == Session.id, Attendance.person_id == Person.id))
        .where(Person.station_id == station.id, Session.day.between(quarter.first, quarter.last))
        .order_by(Session.day, Session.id)
    )
    for who, there, mark in session.execute(lessons):
        made[who]["held"] += 1
        made[who]["attended"] += bool(there)
        made[who]["scores"] += [] if mark is None else [mark]
    return made


def of_station(actor: Actor, quarter: Quarter, station_id: uuid.UUID) -> Sequence[QuarterReview]:
    """The reviews of a station's quarter within reach, by name."""
    ask = within(actor, sa.select(QuarterReview)).where(
        QuarterReview.station_id == station_id, QuarterReview.quarter == str(quarter)
    )
    whole = ask.join(QuarterReview.caregiver).options(joinedload(QuarterReview.caregiver))
    return db.session().scalars(whole.order_by(Person.initials, Person.id)).all()


def review(actor: Actor, key: uuid.UUID) -> QuarterReview:
    """One review within reach with its voices and talks. Raises Missing."""
    whole = [joinedload(getattr(QuarterReview, name)) for name in ("caregiver", "station", "voices", "talks")]
    found = db.session().scalars(within(actor, sa.select(QuarterReview)).where(QuarterReview.id == key).options(*whole)).unique()
    if (row := found.one_or_none()) is None:
        raise nothing()
    return row


def homes(found: QuarterReview) -> Sequence[tuple[uuid.UUID, str]]:
    """(key, name) of the homes she cared for in the quarter."""
    first, ended = clock.instant(found.of.first, 0), clock.day_bounds(found.of.last)[1]
    ask = (
        sa.select(Household.id, Household.name)
        .join(HomeCareUnit, HomeCareUnit.household_id == Household.id)
        .where(HomeCareUnit.caregiver_id == found.caregiver_id, HomeCareUnit.since < ended)
        .where(sa.or_(HomeCareUnit.until.is_(None), HomeCareUnit.until > first))
        .order_by(Household.number)
        .distinct()
    )
    return [(key, name) for key, name, *_rest in db.session().execute(ask.add_columns(Household.number))]


def mine(person_id: uuid.UUID, limit: int = 8) -> Sequence[QuarterReview]:
    """A caregiver's quarters whose meeting is over, the newest first."""
    ask = sa.select(QuarterReview).where(QuarterReview.caregiver_id == person_id, QuarterReview.state != OPEN)
    return db.session().scalars(ask.order_by(QuarterReview.quarter.desc()).limit(limit)).all()
