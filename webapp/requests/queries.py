"""Requests and needs, through whoever asks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, within
from webapp.kit import clock
from webapp.people.models import Account, Household, Kin, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.requests.models import Need, RequestStep, ServiceRequest
from webapp.requests.rules import OPEN, OVER
from webapp.store import db

Cursor = tuple[datetime, uuid.UUID]


def request(actor: Actor, key: uuid.UUID) -> ServiceRequest:
    """One request, within reach. Raises Missing."""
    ask = within(actor, sa.select(ServiceRequest)).where(ServiceRequest.id == key).options(joinedload(ServiceRequest.resident))
    found = db.session().scalar(ask)
    if found is None:
        raise nothing()
    return found


def steps(key: uuid.UUID) -> list[tuple[RequestStep, str]]:
    """What was done about a request, in order, with who."""
    rows = db.session().execute(
        sa.select(RequestStep, Person.name)
        .join(Account, Account.id == RequestStep.by_id)
        .join(Person, Person.id == Account.person_id)
        .where(RequestStep.request_id == key)
        .order_by(RequestStep.at, RequestStep.id)
    )
    return [(step, name) for step, name in rows]


def waiting(actor: Actor, limit: int = 60) -> Sequence[ServiceRequest]:
    """What is not over yet within reach, what is due first."""
    ask = within(actor, sa.select(ServiceRequest)).where(ServiceRequest.state.not_in(OVER))
    return db.session().scalars(_with_names(ask).order_by(ServiceRequest.due_at, ServiceRequest.id).limit(limit)).all()


def over(actor: Actor, before: Cursor | None, limit: int) -> Sequence[ServiceRequest]:
    """What is over within reach, newest first; those before (made_at, id) only."""
    ask = within(actor, sa.select(ServiceRequest)).where(ServiceRequest.state.in_(OVER))
    if before:
        at, key = before
        older = sa.and_(ServiceRequest.made_at == at, ServiceRequest.id < key)
        ask = ask.where(sa.or_(ServiceRequest.made_at < at, older))
    newest = (ServiceRequest.made_at.desc(), ServiceRequest.id.desc())
    return db.session().scalars(_with_names(ask).order_by(*newest).limit(limit)).all()


def of_household(actor: Actor, household_id: uuid.UUID, limit: int = 30) -> Sequence[ServiceRequest]:
    """A household's requests as the actor may read them, newest first."""
    ask = within(actor, sa.select(ServiceRequest)).where(ServiceRequest.household_id == household_id)
    return db.session().scalars(_with_names(ask).order_by(ServiceRequest.made_at.desc()).limit(limit)).all()


def home(actor: Actor, key: uuid.UUID) -> Household:
    """The household with its residents, within reach. Raises Missing."""
    ask = within(actor, sa.select(Household)).where(Household.id == key).options(selectinload(Household.residents))
    if (found := db.session().scalar(ask)) is None:
        raise nothing()
    return found


def residents(actor: Actor, home: Household) -> Sequence[Resident]:
    """For whom of `home` the actor may ask: of kin their own residents only."""
    own = set(db.session().scalars(_ties(actor))) if actor.role == "kin" else None
    return [each for each in home.residents if each.ended_on is None and (own is None or each.id in own)]


def _ties(actor: Actor) -> sa.Select[Any]:
    from_kin = sa.select(Kin.resident_id)
    return from_kin.where(Kin.person_id == actor.person_id, Kin.holds())


def _with_names(ask: sa.Select[Any]) -> sa.Select[Any]:
    return ask.options(joinedload(ServiceRequest.resident))


def sent_to(actor: Actor, household_id: uuid.UUID | None = None, limit: int = 20) -> Sequence[ServiceRequest]:
    """What the actor was sent to do and has not done yet, of one home or of all, what is due first."""
    ask = sa.select(ServiceRequest).where(ServiceRequest.to_person_id == actor.person_id, ServiceRequest.state.in_(OPEN))
    if household_id:
        ask = ask.where(ServiceRequest.household_id == household_id)
    return db.session().scalars(_with_names(ask).order_by(ServiceRequest.due_at, ServiceRequest.id).limit(limit)).all()


def where(row: ServiceRequest) -> tuple[str, str | None]:
    """Where somebody who was sent has to go, and the telephone of the station."""
    ask = sa.select(Household, Place.phone).join(Place, Place.id == Household.station_id)
    home, phone = db.session().execute(ask.where(Household.id == row.household_id)).one()
    return home.address, phone


# -- needs --


@dataclass(frozen=True)
class Counted:
    """How often a kind was needed at a station in twelve months, and how often of it at once."""

    station: str
    kind: str
    n: int
    urgent: int


def counted(actor: Actor) -> list[Counted]:
    """Needs of twelve months by station and kind, the most first."""
    n = sa.func.sum(1).label("n")
    ask = (
        sa.select(Place.name, Need.kind, n, sa.func.sum(sa.case((Need.urgent, 1), else_=0)))
        .select_from(Need)
        .join(Place, Place.id == Need.station_id)
        .where(Need.reach(actor), Need.made_at > clock.now() - timedelta(days=365))
        .group_by(Place.name, Need.kind)
        .order_by(n.desc(), Place.name, Need.kind)
    )
    return [Counted(*row) for row in db.session().execute(ask)]


def needs(actor: Actor, limit: int = 30) -> list[tuple[Need, str | None, str]]:
    """The newest needs within reach: (need, resident, station)."""
    ask = (
        within(actor, sa.select(Need, Resident.name, Place.name))
        .join(Place, Place.id == Need.station_id)
        .outerjoin(Resident, Resident.id == Need.resident_id)
        .order_by(Need.made_at.desc(), Need.id.desc())
        .limit(limit)
    )
    return [(need, resident, station) for need, resident, station in db.session().execute(ask)]
