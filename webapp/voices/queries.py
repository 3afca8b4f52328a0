"""Who was asked, what was said, how far a complaint is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from webapp.access import Actor, Role, within
from webapp.kit import clock
from webapp.people.models import Account, Household, Person, Place, PlaceKind, Resident
from webapp.people.queries import nothing
from webapp.store import db
from webapp.voices import rules
from webapp.voices.models import ChangeOfCaregiver, Complaint, Opinion
from webapp.voices.rules import Satisfaction


def this_month() -> date:
    """The first day of the month people are asked in."""
    return clock.today().replace(day=1)


def unasked(actor: Actor, limit: int = 100) -> list[tuple[Resident, str]]:
    """Residents within reach whom nobody has asked this month, with their station."""
    asked = sa.exists().where(Opinion.resident_id == Resident.id, Opinion.month == this_month())
    ask = (
        within(actor, sa.select(Resident, Place.name))
        .join(Household, Household.id == Resident.household_id)
        .join(Place, Place.id == Household.station_id)
        .where(Resident.ended_on.is_(None), Household.ended_on.is_(None), ~asked)
        .order_by(Household.number, Resident.number)
        .limit(limit)
    )
    return [(resident, station) for resident, station in db.session().execute(ask)]


def said(actor: Actor, limit: int = 60) -> list[tuple[Opinion, str, str]]:
    """What residents within reach answered this month, newest first, with whose words and who asked."""
    ask = within(actor, sa.select(Opinion, Resident.name, Person.name)).join(Resident, Resident.id == Opinion.resident_id)
    ask = ask.join(Account, Account.id == Opinion.by_id).join(Person, Person.id == Account.person_id)
    told = ask.where(Opinion.month == this_month()).order_by(Opinion.made_at.desc(), Opinion.id).limit(limit)
    return [(row, resident, asker) for row, resident, asker in db.session().execute(told)]


def by_place(actor: Actor) -> list[tuple[str, str, Satisfaction]]:
    """(street, station, satisfaction of this month with answers and how many should be asked), by code."""
    street = orm.aliased(Place)
    n, total = sa.func.sum(1), sa.func.sum(Opinion.stars)
    said = sa.select(Opinion.station_id, n.label("n"), total.label("total")).where(Opinion.month == this_month())
    said_by = said.group_by(Opinion.station_id).subquery()
    living = sa.select(Household.station_id, n.label("of")).join(Resident, Resident.household_id == Household.id)
    living = living.where(Household.ended_on.is_(None), Resident.ended_on.is_(None))
    all_of = living.group_by(Household.station_id).subquery()
    ask = (
        sa.select(street.name, Place.name, said_by.c.n, said_by.c.total, all_of.c.of)
        .outerjoin(street, street.id == Place.street_id)
        .outerjoin(said_by, said_by.c.station_id == Place.id)
        .outerjoin(all_of, all_of.c.station_id == Place.id)
        .where(Place.kind == PlaceKind.STATION, Place.reach(actor))
        .order_by(Place.code)
    )
    return [
        (above or "", name, Satisfaction(n or 0, round(total / n, 1) if n else None, of or 0, int(total or 0)))
        for above, name, n, total, of in db.session().execute(ask)
    ]


def of_caregiver(person_id: uuid.UUID) -> Satisfaction:
    """What residents said of a caregiver in the last three months."""
    first = (this_month().replace(day=1).toordinal()) - 62
    since = date.fromordinal(first).replace(day=1)
    ask = sa.select(Opinion.stars).where(Opinion.caregiver_id == person_id, Opinion.month >= since).limit(1000)
    return rules.satisfaction(db.session().scalars(ask))


def complaints(actor: Actor, *, open_: bool, limit: int = 60) -> Sequence[tuple[Complaint, str, str | None]]:
    """(complaint, office, owner) within reach: those that wait, what is due first; or those answered, newest first."""
    order = Complaint.due_at if open_ else Complaint.answered_at.desc()
    waits = Complaint.waiting()
    ask = _of_complaint(within(actor, sa.select(Complaint, Place.name, Person.name)).where(waits if open_ else ~waits))
    return [tuple(row) for row in db.session().execute(ask.order_by(order, Complaint.id).limit(limit))]


def complaint(actor: Actor, key: uuid.UUID) -> tuple[Complaint, str, str | None]:
    """One, with its office and owner, within reach. Raises Missing."""
    row = db.session().execute(
        _of_complaint(within(actor, sa.select(Complaint, Place.name, Person.name)).where(Complaint.id == key))
    ).first()  # fmt: skip
    if row is None:
        raise nothing()
    return row[0], row[1], row[2]


def _of_complaint(ask: Any) -> Any:
    return (
        ask.join(Place, Place.id == Complaint.place_id)
        .outerjoin(Account, Account.id == Complaint.owner_id)
        .outerjoin(Person, Person.id == Account.person_id)
    )


def by_number(text: str) -> Complaint | None:
    """The complaint of a number somebody was given."""
    return db.session().scalar(sa.select(Complaint).where(Complaint.number == text.strip().upper()[:8]))


def of_asker(actor: Actor, household_id: uuid.UUID) -> Sequence[Complaint]:
    """What this account said about a home, newest first."""
    mine = Complaint.by_id == actor.account_id, Complaint.household_id == household_id
    return db.session().scalars(sa.select(Complaint).where(*mine).order_by(Complaint.made_at.desc()).limit(20)).all()


def change(actor: Actor, key: uuid.UUID) -> ChangeOfCaregiver:
    """A change asked for, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(ChangeOfCaregiver)).where(ChangeOfCaregiver.id == key))
    if found is None:
        raise nothing()
    return found


def changes(actor: Actor, household_id: uuid.UUID) -> Sequence[ChangeOfCaregiver]:
    """A home's changes that were asked for, newest first; of kin those they asked for."""
    ask = within(actor, sa.select(ChangeOfCaregiver)).where(ChangeOfCaregiver.household_id == household_id)
    if actor.role == Role.KIN:
        ask = ask.where(ChangeOfCaregiver.by_id == actor.account_id)
    return db.session().scalars(ask.order_by(ChangeOfCaregiver.made_at.desc()).limit(10)).all()
