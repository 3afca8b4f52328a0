"""Whom one goes to see, and the diary, through whoever asks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, within
from webapp.people.models import Account, Household, Person, Resident
from webapp.people.queries import nothing
from webapp.store import db
from webapp.welfare.models import Watch, WelfareVisit


def watches(actor: Actor, after: tuple[date, uuid.UUID] | None, limit: int) -> Sequence[Watch]:
    """Whom one goes to see within reach, the most overdue first; those after (next_on, id) only."""
    ask = within(actor, sa.select(Watch)).where(Watch.ended_at.is_(None)).options(joinedload(Watch.resident))
    if after:
        day, key = after
        ask = ask.where(sa.or_(Watch.next_on > day, sa.and_(Watch.next_on == day, Watch.id > key)))
    return db.session().scalars(ask.order_by(Watch.next_on, Watch.id).limit(limit)).all()


def home(actor: Actor, key: uuid.UUID) -> Household:
    """The household with its residents, within reach. Raises Missing."""
    ask = within(actor, sa.select(Household)).where(Household.id == key).options(selectinload(Household.residents))
    if (found := db.session().scalar(ask)) is None:
        raise nothing()
    return found


def watched(household_id: uuid.UUID) -> dict[uuid.UUID, Watch]:
    """How often one goes to see each resident of a household."""
    ask = sa.select(Watch).where(Watch.household_id == household_id, Watch.ended_at.is_(None))
    return {row.resident_id: row for row in db.session().scalars(ask)}


def diary(household_id: uuid.UUID, limit: int = 30) -> list[tuple[WelfareVisit, str, str]]:
    """(visit, resident, who went) of a household, newest first."""
    rows = db.session().execute(
        sa.select(WelfareVisit, Resident.name, Person.name)
        .join(Resident, Resident.id == WelfareVisit.resident_id)
        .join(Account, Account.id == WelfareVisit.by_id)
        .join(Person, Person.id == Account.person_id)
        .where(WelfareVisit.household_id == household_id)
        .order_by(WelfareVisit.at.desc())
        .limit(limit)
    )
    return [(visit, resident, by) for visit, resident, by in rows]
