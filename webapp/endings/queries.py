"""What ends, moves and leaves: for the pages that see it through."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, within
from webapp.cards.models import Card
from webapp.endings.departure import Departure, DepartureStep
from webapp.endings.moving import Move
from webapp.ledger.models import Book
from webapp.people.ends import Ending
from webapp.people.models import Account, Device, HomeCareUnit, Household, Person, Place, Resident, on_post
from webapp.people.queries import nothing
from webapp.store import db
from webapp.store.arrivals import QUARANTINED, Kept
from webapp.store.strands import asked, strand, together
from webapp.store.types import Uuid
from webapp.visits.models import OPEN, Visit


def ending(actor: Actor, key: uuid.UUID) -> Ending:
    """An end with its resident and household, within reach. Raises Missing."""
    ask = within(actor, sa.select(Ending)).where(Ending.id == key)
    whole = joinedload(Ending.household).selectinload(Household.residents)
    found = db.session().scalar(ask.options(joinedload(Ending.resident), whole))
    if found is None:
        raise nothing()
    return found


def ending_of(resident_id: uuid.UUID) -> Ending | None:
    """The end of a resident's care that holds."""
    return db.session().scalar(sa.select(Ending).where(Ending.resident_id == resident_id, Ending.undone_at.is_(None)))


def endings(actor: Actor, since: date, limit: int = 60) -> Sequence[Ending]:
    """The ends within reach since a day, the newest first."""
    ask = within(actor, sa.select(Ending)).where(Ending.day >= since, Ending.undone_at.is_(None))
    return (
        db.session().scalars(ask.options(joinedload(Ending.resident)).order_by(Ending.day.desc(), Ending.id).limit(limit)).all()
    )


def household(actor: Actor, key: uuid.UUID) -> Household:
    """A household that is still cared for, with its residents, within reach. Raises Missing."""
    ask = within(actor, sa.select(Household)).where(Household.id == key, Household.ended_on.is_(None))
    found = db.session().scalar(ask.options(selectinload(Household.residents).selectinload(Resident.alerts)))
    if found is None:
        raise nothing()
    return found


def neighbours(station_id: uuid.UUID) -> Sequence[Place]:
    """The other stations of the same district, by code: where a household may move to."""
    here = sa.select(Place.district_id).where(Place.id == station_id).scalar_subquery()
    ask = sa.select(Place).where(Place.kind == "station", Place.id != station_id, Place.district_id == here)
    return db.session().scalars(ask.order_by(Place.code)).all()


def takes_over(actor: Actor, move: Move) -> bool:
    """Whether it is for the actor to take a household over: the station it goes to is within reach."""
    return (
        db.session().scalar(within(actor, sa.select(Place)).with_only_columns(Place.id).where(Place.id == move.to_id)) is not None
    )


def move(actor: Actor, key: uuid.UUID) -> Move:
    """A household's move, for either station. Raises Missing."""
    ask = within(actor, sa.select(Move)).where(Move.id == key)
    whole = joinedload(Move.household).selectinload(Household.residents).selectinload(Resident.alerts)
    found = db.session().scalar(ask.options(whole, joinedload(Move.here), joinedload(Move.there), joinedload(Move.caregiver)))
    if found is None:
        raise nothing()
    return found


def moves(actor: Actor, limit: int = 60) -> Sequence[Move]:
    """The moves under way within reach, the soonest first."""
    ask = within(actor, sa.select(Move)).where(Move.done_at.is_(None), Move.withdrawn_at.is_(None))
    whole = (joinedload(Move.household), joinedload(Move.here), joinedload(Move.there))
    return db.session().scalars(ask.options(*whole).order_by(Move.day, Move.id).limit(limit)).all()


def team(station_id: uuid.UUID) -> Sequence[Person]:
    """The caregivers of a station, by name; those who are leaving left out."""
    leaves = sa.exists().where(Departure.person_id == Person.id, Departure.withdrawn_at.is_(None))
    ask = sa.select(Person).where(on_post(Person.id), Person.station_id == station_id, ~leaves).order_by(Person.initials)
    return db.session().scalars(ask).all()


def departure(actor: Actor, person_id: uuid.UUID) -> Departure | None:
    """The departure of somebody within reach that is under way or done."""
    ask = within(actor, sa.select(Departure)).where(Departure.person_id == person_id, Departure.withdrawn_at.is_(None))
    return db.session().scalar(ask.options(selectinload(Departure.steps)))


def departures(actor: Actor, since: datetime, limit: int = 60) -> list[tuple[Departure, str]]:
    """The departures within reach that are not done, or done since, with names; those under way first."""
    ask = (
        within(actor, sa.select(Departure, Person.name))
        .join(Person, Person.id == Departure.person_id)
        .where(Departure.withdrawn_at.is_(None), sa.or_(Departure.done_at.is_(None), Departure.done_at > since))
        .order_by(Departure.done_at.is_not(None), Departure.day, Departure.id)
    )
    return [(row, name) for row, name in db.session().execute(ask.limit(limit))]


_PERSON = sa.bindparam("person", type_=Uuid())
_HELD = sa.select(HomeCareUnit.household_id).where(HomeCareUnit.caregiver_id == _PERSON, HomeCareUnit.until.is_(None))
_HANDED = sa.select(DepartureStep.subject_id).where(
    DepartureStep.departure_id == sa.bindparam("departure", type_=Uuid()), DepartureStep.code == "homes"
)
_LAST = (
    sa.select(HomeCareUnit.household_id)
    .join(Ending, sa.and_(Ending.household_id == HomeCareUnit.household_id, Ending.at == HomeCareUnit.until))
    .where(HomeCareUnit.caregiver_id == _PERSON)
)
"""Homes whose care ended while she cared for them."""
_ACCOUNT = sa.select(Account.id).where(Account.person_id == _PERSON).scalar_subquery()
_LEFT = together(
    strand("home", key=Household.id, a=Household.name).where(Household.id.in_(_HELD)),
    strand(
        "book", key=Book.household_id, a=Household.name, n=Book.cash_fen, m=Book.advance_fen, k=Book.wallet_fen
    )
    .select_from(Book)
    .join(Household, Household.id == Book.household_id)
    .where(
        sa.or_(*(Book.household_id.in_(hers) for hers in (_HELD, _HANDED, _LAST))),
        sa.or_(Book.cash_fen != 0, Book.advance_fen != 0, Book.wallet_fen != 0),
    ),
    strand("badge", key=Card.id, a=Card.number).where(Card.person_id == _PERSON, Card.revoked_at.is_(None)),
    strand("phone", key=Device.id, a=Device.label, n=Device.unsent).where(
        Device.account_id == _ACCOUNT, Device.revoked_at.is_(None)
    ),
    strand("visit", key=Visit.id, at=Visit.arrived_at, a=Household.name)
    .select_from(Visit)
    .join(Household, Household.id == Visit.household_id)
    .where(Visit.caregiver_id == _PERSON, Visit.state == OPEN),
    strand("aside", key=Kept.id, at=Kept.made_at, a=Kept.kind, n=Kept.seq).where(
        Kept.author_id == _ACCOUNT, Kept.state == QUARANTINED, Kept.settled_at.is_(None)
    ),
)  # fmt: skip


def left(person_id: uuid.UUID, departure_id: uuid.UUID) -> dict[str, list[Any]]:
    """What still hangs on a caregiver who leaves, by kind.

    home; book (n cash, m advance, k wallet, fen); badge; phone (n unsent); visit (open); aside (a record put aside, n number).
    """
    return asked(_LEFT, person=person_id, departure=departure_id)
