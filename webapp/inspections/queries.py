"""What is to be inspected, what was found, what waits to be put right, and what is published. Asked through the actor."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.access import Actor, within
from webapp.inspections.models import DONE, OPEN, PLANNED, VERIFIED, Drawing, Finding, Inspection, InspectionPhoto, Sent
from webapp.kit import clock
from webapp.people.models import Household, Person, Place
from webapp.people.queries import nothing
from webapp.store import db

PUBLISHED = timedelta(days=92)


@dataclass(frozen=True)
class Line:
    """One inspection in a list. home: the household's name, None for a place; mine: whether whoever looks was drawn to go."""

    id: uuid.UUID
    household_id: uuid.UUID | None
    home: str | None
    place: str
    day: date
    rate: int | None
    band: str
    open: int
    late: bool
    mine: bool
    template: str


def lines(actor: Actor, state: str, limit: int = 60) -> list[Line]:
    """The inspections within reach that are planned (one's own first) or done (the newest first)."""
    sent = sa.exists().where(Sent.inspection_id == Inspection.id, Sent.person_id == actor.person_id)
    left = sa.select(sa.func.count(Finding.id)).where(Finding.inspection_id == Inspection.id, Finding.state != VERIFIED)
    late = sa.exists().where(Finding.inspection_id == Inspection.id, Finding.state == OPEN, Finding.due < clock.today())
    ask = (
        within(actor, sa.select(Inspection))
        .with_only_columns(
            Inspection.id, Inspection.household_id, Household.name, Place.name, Inspection.day, Inspection.rate,
            Inspection.band, left.scalar_subquery(), late, sent, Inspection.template,
        )
        .outerjoin(Household, Household.id == Inspection.household_id)
        .join(Place, Place.id == Inspection.place_id)
        .where(Inspection.state == state)
        .limit(limit)
    )  # fmt: skip
    order = (sa.desc(sent), Inspection.day, Inspection.id) if state == PLANNED else (Inspection.day.desc(), Inspection.id)
    return [Line(*row) for row in db.session().execute(ask.order_by(*order))]


def one(actor: Actor, key: uuid.UUID) -> Inspection:
    """An inspection within reach with its findings and photos. Raises Missing."""
    whole = [joinedload(getattr(Inspection, name)) for name in ("household", "place", "findings", "photos")]
    found = db.session().scalars(within(actor, sa.select(Inspection)).where(Inspection.id == key).options(*whole)).unique()
    if (row := found.one_or_none()) is None:
        raise nothing()
    return row


def going(key: uuid.UUID) -> Sequence[str]:
    """The names of who was drawn to go."""
    ask = sa.select(Person.name).join(Sent, Sent.person_id == Person.id).where(Sent.inspection_id == key).order_by(Person.number)
    return db.session().scalars(ask).all()


def planned(actor: Actor, household_id: uuid.UUID | None, place_id: uuid.UUID) -> Inspection | None:
    """The inspection of a household or place that whoever scans was drawn for, if it has not been done."""
    ask = (
        sa.select(Inspection)
        .join(Sent, Sent.inspection_id == Inspection.id)
        .where(Sent.person_id == actor.person_id, Inspection.state == PLANNED, Inspection.place_id == place_id)
        .where(Inspection.household_id == household_id if household_id else Inspection.household_id.is_(None))
        .order_by(Inspection.day)
        .limit(1)
    )
    return db.session().scalar(ask)


def finding(actor: Actor, key: uuid.UUID) -> Finding:
    """A finding within reach. Raises Missing."""
    ask = within(actor, sa.select(Finding)).where(Finding.id == key)
    found = db.session().scalars(ask.options(joinedload(Finding.inspection).joinedload(Inspection.findings))).unique()
    if (row := found.one_or_none()) is None:
        raise nothing()
    return row


def photo(actor: Actor, sha256: str) -> str:
    """The name of a picture of an inspection or of what was put right, within reach. Raises Missing."""
    taken = (
        within(actor, sa.select(Inspection))
        .with_only_columns(Inspection.id)
        .join(InspectionPhoto, InspectionPhoto.inspection_id == Inspection.id)
        .where(InspectionPhoto.sha256 == sha256)
    )
    proof = within(actor, sa.select(Finding)).with_only_columns(Finding.id).where(Finding.proof_photo == sha256)
    if db.session().execute(sa.union(taken, proof).limit(1)).first() is None:
        raise nothing()
    return sha256


def draws(actor: Actor, limit: int = 20) -> Sequence[Drawing]:
    """The draws within reach, the newest first."""
    ask = within(actor, sa.select(Drawing)).options(joinedload(Drawing.place)).order_by(Drawing.made_at.desc()).limit(limit)
    return db.session().scalars(ask).all()


def drawing(actor: Actor, key: uuid.UUID) -> Drawing:
    """A draw within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Drawing)).where(Drawing.id == key).options(joinedload(Drawing.place)))
    if found is None:
        raise nothing()
    return found


def published() -> Sequence[Any]:
    """What anybody may read of the last quarter: (street, station, day, rate, band, findings, put right), no name, no address."""
    street = sa.orm.aliased(Place)
    left = sa.select(sa.func.count(Finding.id)).where(Finding.inspection_id == Inspection.id)
    ask = (
        sa.select(
            street.name, Place.name, Inspection.day, Inspection.rate, Inspection.band, left.scalar_subquery(),
            left.where(Finding.state == VERIFIED).scalar_subquery(),
        )
        .join(Place, Place.id == Inspection.place_id)
        .outerjoin(street, street.id == Place.street_id)
        .where(Inspection.state == DONE, Inspection.day >= clock.today() - PUBLISHED)
        .order_by(Inspection.day.desc(), Place.code)
        .limit(200)
    )  # fmt: skip
    return db.session().execute(ask).all()
