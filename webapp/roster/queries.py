"""What is planned: for a caregiver's day, for a station's day and week, for a household."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, within
from webapp.people.models import Household, Person
from webapp.people.queries import nothing
from webapp.roster.models import PLANNED, ServicePlan, Shift
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
    """A station's planned shifts from `first` to `last`, with household and caregiver."""
    return _shifts(Shift.station_id == station_id, Shift.day.between(first, last))


def _shifts(*conditions: sa.ColumnElement[bool]) -> Sequence[Shift]:
    return (
        db.session()
        .scalars(
            sa.select(Shift)
            .where(*conditions, Shift.state == PLANNED)
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
