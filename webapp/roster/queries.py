"""What is planned: for a caregiver's day, for a station's day and week, for a household."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, within
from webapp.people.models import Account, HomeCareUnit, Household, Look, Person, Place, Resident, on_post
from webapp.people.queries import nothing
from webapp.roster.absences import APPROVED, ASKED, WITHDRAWN, Leave, Pause, Relief
from webapp.roster.models import CANCELLED, PAUSED, PLANNED, ServicePlan, Shift
from webapp.store import db


def shifts_of(person_id: uuid.UUID, day: date) -> Sequence[Shift]:
    """A caregiver's planned shifts of a day in order, each with its household and residents."""
    return (
        db.session()
        .scalars(
            sa.select(Shift)
            .where(Shift.caregiver_id == person_id, Shift.day == day, Shift.state == PLANNED)
            .order_by(Shift.start_min)
            .options(joinedload(Shift.household).selectinload(Household.residents))
        )
        .all()
    )


def shift_by_visit(visit_id: uuid.UUID) -> Shift | None:
    """The shift that minted a visit's id, with its household and residents; None for an unplanned visit."""
    return db.session().scalar(
        sa.select(Shift).where(Shift.visit_id == visit_id).options(joinedload(Shift.household).selectinload(Household.residents))
    )


def day_of_station(station_id: uuid.UUID, day: date) -> Sequence[Shift]:
    """A station's planned shifts of a day, by caregiver and time, with household and caregiver."""
    return _shifts(Shift.station_id == station_id, Shift.day == day)


def week_of_station(station_id: uuid.UUID, first: date, last: date) -> Sequence[Shift]:
    """A station's shifts from `first` to `last`, cancelled and paused ones included, with household and caregiver."""
    return _shifts(Shift.station_id == station_id, Shift.day.between(first, last), states=(PLANNED, PAUSED, CANCELLED))


def _shifts(*conditions: sa.ColumnElement[bool], states: Sequence[str] = (PLANNED,)) -> Sequence[Shift]:
    return (
        db.session()
        .scalars(
            sa.select(Shift)
            .where(*conditions, Shift.state.in_(states))
            .order_by(Shift.day, Shift.start_min)
            .options(joinedload(Shift.household), joinedload(Shift.caregiver))
        )
        .all()
    )


def plans_of(household_id: uuid.UUID, on: date) -> Sequence[ServicePlan]:
    """The plans of a household that hold on or after a day, with their changes."""
    return (
        db.session()
        .scalars(
            sa.select(ServicePlan)
            .where(
                ServicePlan.household_id == household_id,
                sa.or_(ServicePlan.valid_until.is_(None), ServicePlan.valid_until >= on),
            )
            .order_by(ServicePlan.start_min)
            .options(selectinload(ServicePlan.changes))
        )
        .all()
    )


def plan(actor: Actor, key: uuid.UUID) -> ServicePlan:
    """The plan with its changes, within reach. Raises Missing."""
    found = db.session().scalar(
        within(actor, sa.select(ServicePlan)).where(ServicePlan.id == key).options(selectinload(ServicePlan.changes))
    )
    if found is None:
        raise nothing()
    return found


def home(actor: Actor, key: uuid.UUID) -> tuple[Household, str]:
    """The household and the name of its station, within reach. Raises Missing."""
    ask = within(actor, sa.select(Household)).add_columns(Place.name).join(Place, Place.id == Household.station_id)
    found = db.session().execute(ask.where(Household.id == key)).one_or_none()
    if found is None:
        raise nothing()
    return found[0], found[1]


def team(actor: Actor, household: Household) -> list[tuple[Person, bool]]:
    """Who may be planned for a household: the caregivers of its station by name, each with whether she is its main one."""
    unit = sa.exists().where(
        HomeCareUnit.caregiver_id == Person.id, HomeCareUnit.household_id == household.id, HomeCareUnit.until.is_(None)
    )
    ask = within(actor, sa.select(Person)).add_columns(unit).where(Person.station_id == household.station_id, on_post(Person.id))
    return [(person, bool(main)) for person, main in db.session().execute(ask.order_by(Person.initials))]


def coming(household_id: uuid.UUID, first: date, last: date) -> Sequence[Shift]:
    """A household's shifts from `first` to `last`, cancelled ones included, with their caregivers."""
    return (
        db.session()
        .scalars(
            sa.select(Shift)
            .where(Shift.household_id == household_id, Shift.day.between(first, last))
            .order_by(Shift.day, Shift.start_min)
            .options(joinedload(Shift.caregiver))
        )
        .all()
    )


def names(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Persons' names by id."""
    if not keys:
        return {}
    return {key: name for key, name in db.session().execute(sa.select(Person.id, Person.name).where(Person.id.in_(keys)))}


# -- pauses, leave, relief: for pages, and for whoever gathers what a station must do --


def _under(place_id: uuid.UUID) -> sa.Select[uuid.UUID]:
    """The place and all below it."""
    return sa.select(Place.id).where(sa.or_(Place.id == place_id, Place.street_id == place_id, Place.district_id == place_id))


def shift(actor: Actor, key: uuid.UUID) -> Shift:
    """The shift with household and caregiver, within reach. Raises Missing."""
    found = db.session().scalar(
        within(actor, sa.select(Shift)).where(Shift.id == key).options(joinedload(Shift.household), joinedload(Shift.caregiver))
    )
    if found is None:
        raise nothing()
    return found


def pause(actor: Actor, key: uuid.UUID) -> Pause:
    """The pause with household and resident, within reach. Raises Missing."""
    ask = within(actor, sa.select(Pause)).where(Pause.id == key)
    found = db.session().scalar(ask.options(joinedload(Pause.household), joinedload(Pause.resident)))
    if found is None:
        raise nothing()
    return found


def pauses_of(household_id: uuid.UUID, limit: int = 20) -> Sequence[Pause]:
    """A household's pauses, those that go on first, then the newest."""
    ask = sa.select(Pause).where(Pause.household_id == household_id).options(joinedload(Pause.resident))
    return db.session().scalars(ask.order_by(Pause.ended_at.is_not(None), Pause.since.desc(), Pause.id).limit(limit)).all()


def pauses_on(place_id: uuid.UUID, day: date) -> Sequence[Pause]:
    """The pauses that hold on a day in the households of a place."""
    held = (Pause.since <= day, sa.or_(Pause.until.is_(None), Pause.until >= day))
    ask = sa.select(Pause).join(Household, Household.id == Pause.household_id)
    ask = ask.where(Household.station_id.in_(_under(place_id)), *held)
    return db.session().scalars(ask.options(joinedload(Pause.household), joinedload(Pause.resident)).order_by(Pause.since)).all()


def is_paused(resident_id: uuid.UUID, day: date) -> bool:
    """Whether a resident pauses on a day, alone or with the household: then no check or reminder is due."""
    whole = sa.and_(Pause.resident_id.is_(None), Pause.household_id == Resident.household_id)
    ask = (
        sa.select(Pause.id)
        .join(Resident, Resident.id == resident_id)
        .where(sa.or_(Pause.resident_id == resident_id, whole))
        .where(Pause.since <= day, sa.or_(Pause.until.is_(None), Pause.until >= day), Pause.household_id == Resident.household_id)
    )
    return db.session().scalar(ask.limit(1)) is not None


def leave(actor: Actor, key: uuid.UUID) -> Leave:
    """The leave with its person, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Leave)).where(Leave.id == key).options(joinedload(Leave.person)))
    if found is None:
        raise nothing()
    return found


def leaves_of(person_id: uuid.UUID, limit: int = 20) -> Sequence[Leave]:
    """A caregiver's leaves, the latest first."""
    ask = sa.select(Leave).where(Leave.person_id == person_id).order_by(Leave.until.desc(), Leave.id.desc())
    return db.session().scalars(ask.limit(limit)).all()


def leaves(actor: Actor, since: date, limit: int = 60) -> Sequence[Leave]:
    """The leaves within reach that end on `since` or later, what waits first."""
    ask = within(actor, sa.select(Leave)).where(Leave.until >= since, Leave.state != WITHDRAWN).options(joinedload(Leave.person))
    return db.session().scalars(ask.order_by(Leave.state != ASKED, Leave.since, Leave.id).limit(limit)).all()


def leaves_of_station(station_id: uuid.UUID, first: date, last: date) -> Sequence[Leave]:
    """Leave asked for or agreed to at a station that touches some days."""
    ask = sa.select(Leave).where(Leave.station_id == station_id, Leave.until >= first, Leave.since <= last)
    return db.session().scalars(ask.where(Leave.state.in_((ASKED, APPROVED)))).all()


@dataclass(frozen=True)
class Sent:
    """One relief and whether its handover has come to her phone since (已到他手机)."""

    relief: Relief
    shift: Shift
    arrived: bool


def reliefs(place_id: uuid.UUID, since: date, until: date, leave_id: uuid.UUID | None = None) -> list[Sent]:
    """The reliefs of a place that go on, by day, with whether the stand-in's phone has fetched the handover since."""
    fetched = sa.exists().where(
        Look.household_id == Relief.household_id, Look.at >= Relief.made_at, Look.what == HANDOVER,
        Look.account_id == Account.id, Account.person_id == Relief.caregiver_id,
    )  # fmt: skip
    ask = (
        sa.select(Relief, Shift, fetched)
        .join(Shift, Shift.id == Relief.shift_id)
        .where(Relief.station_id.in_(_under(place_id)), Relief.day.between(since, until), Relief.ended_at.is_(None))
        .options(joinedload(Relief.caregiver), joinedload(Relief.household))
        .order_by(Relief.day, Shift.start_min)
    )
    rows = db.session().execute(ask if leave_id is None else ask.where(Relief.leave_id == leave_id))
    return [Sent(relief, shift, bool(came)) for relief, shift, came in rows]


HANDOVER = "handover"
"""What the look is called that a stand-in's phone leaves when it fetches the handover."""


def leave_days(person_id: uuid.UUID, first: date, last: date) -> list[tuple[date, date]]:
    """The approved leave of a caregiver that touches some days: (first, last) each."""
    ask = sa.select(Leave.since, Leave.until).where(
        Leave.person_id == person_id, Leave.state == APPROVED, Leave.until >= first, Leave.since <= last
    )
    return [(since, until) for since, until in db.session().execute(ask) if since <= until]


def week_of(person_id: uuid.UUID, first: date, last: date) -> Sequence[Shift]:
    """A caregiver's shifts from `first` to `last`, paused ones included, with their households."""
    ask = sa.select(Shift).where(Shift.caregiver_id == person_id, Shift.day.between(first, last), Shift.state != CANCELLED)
    return db.session().scalars(ask.order_by(Shift.day, Shift.start_min).options(joinedload(Shift.household))).all()


def away_on(person_ids: Sequence[uuid.UUID], days: Sequence[date]) -> set[tuple[uuid.UUID, date]]:
    """Who of some caregivers is on approved leave on which of some days."""
    ask = sa.select(Leave.person_id, Leave.since, Leave.until).where(
        Leave.person_id.in_(person_ids), Leave.state == APPROVED, Leave.until >= min(days), Leave.since <= max(days)
    )
    return {(key, day) for key, since, until in db.session().execute(ask) for day in days if since <= day <= until}
