"""The units that score themselves and how far each is. Asked through the actor."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.access import Actor, within
from webapp.people import queries as people
from webapp.people.models import Place
from webapp.people.queries import nothing
from webapp.selfscores.models import KINDS, SelfScore
from webapp.store import db


def of_year(actor: Actor, year: int) -> Sequence[tuple[Place, SelfScore | None]]:
    """The units within reach by code, each with its form of the year, None where it has not begun."""
    mine = sa.and_(SelfScore.place_id == Place.id, SelfScore.year == year)
    ask = within(actor, sa.select(Place)).add_columns(SelfScore).outerjoin(SelfScore, mine).where(Place.kind.in_(KINDS))
    ask = ask.options(joinedload(SelfScore.place)).order_by(Place.kind.desc(), Place.code)
    return [(place, row) for place, row in db.session().execute(ask)]


def unit(actor: Actor, key: uuid.UUID) -> Place:
    """A unit within reach that has a form. Raises Missing."""
    found = people.place(actor, key)
    if found.kind not in KINDS:
        raise nothing()
    return found


def scores(actor: Actor, place_id: uuid.UUID, year: int) -> SelfScore | None:
    """A unit's form of a year within reach; None where it has not begun."""
    ask = within(actor, sa.select(SelfScore)).where(SelfScore.place_id == place_id, SelfScore.year == year)
    return db.session().scalars(ask.options(joinedload(SelfScore.place))).one_or_none()
