"""What kin may see: only the residents they are kin to, only the scopes the resident agreed to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor
from webapp.kit import clock
from webapp.people.models import Account, Kin, Look, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.roster import queries as roster
from webapp.store import db
from webapp.visits import queries as visits

DAYS = 30


def ties(actor: Actor) -> Sequence[Kin]:
    """The residents this person is kin to, with what may be shown of each."""
    return (
        db.session()
        .scalars(
            sa.select(Kin)
            .where(Kin.person_id == actor.person_id, Kin.holds())
            .options(joinedload(Kin.resident).joinedload(Resident.household), selectinload(Kin.consents))
            .order_by(Kin.since, Kin.id)
        )
        .all()
    )


def tie(actor: Actor, key: uuid.UUID) -> Kin:
    """One of them. Raises Missing."""
    found = next((each for each in ties(actor) if each.id == key), None)
    if found is None:
        raise nothing()
    return found


@dataclass(frozen=True)
class Today:
    """The sentence of the day: what has happened, else what is planned."""

    came: Sequence[Any]
    planned_min: int | None
    planned_by: str | None


def today(household_id: uuid.UUID) -> Today:
    """Who came today to a household, and who is still to come."""
    day = clock.today()
    came = [row for row in visits.for_kin([household_id], clock.day_bounds(day)[0])]
    done = {row.id for row in came}
    waiting = [s for s in roster.coming(household_id, day, day) if s.state == "planned" and s.visit_id not in done]
    first = waiting[0] if waiting else None
    return Today(came, first.start_min if first else None, first.caregiver.name if first and first.caregiver else None)


def since() -> datetime:
    """From when visits, logs and money are shown."""
    return clock.now() - timedelta(days=DAYS)


def first_day() -> date:
    """The household day of `since`."""
    return clock.day_of(since())


def looks(household_id: uuid.UUID, limit: int = 20) -> Sequence[tuple[Look, str]]:
    """Who looked at the household's record, newest first."""
    rows = db.session().execute(
        sa.select(Look, Person.name)
        .join(Account, Account.id == Look.account_id)
        .join(Person, Person.id == Account.person_id)
        .where(Look.household_id == household_id)
        .order_by(Look.at.desc())
        .limit(limit)
    )
    return [(row, name) for row, name in rows]


def station(kin: Kin) -> Place:
    """The station that looks after the resident."""
    return db.session().get_one(Place, kin.resident.household.station_id)
