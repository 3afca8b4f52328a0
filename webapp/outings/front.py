"""Who is not back and who is looked for, as strands of the list of what must be done (today)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.access import Actor
from webapp.cards.models import Card, Sighting
from webapp.outings import models
from webapp.outings.models import LostCase, Outing
from webapp.people.models import Household, Resident
from webapp.store.strands import Strand, strand
from webapp.store.types import Instant

OVERDUE, LOST = "overdue", "lost"


@dataclass(frozen=True)
class Line:
    """One thing about one resident. `met`: a stranger has met them meanwhile; phone: of whoever is with them."""

    kind: str
    key: UUID
    household_id: UUID
    name: str
    since: datetime
    words: str
    phone: str = ""
    met: bool = False


def front(me: Actor, limit: int) -> tuple[Strand, ...]:
    """The strands; parameter `grace_since`: whoever was to be back by then is late."""
    sought = sa.exists().where(LostCase.resident_id == Outing.resident_id, LostCase.closed_at.is_(None))
    late = (
        strand(OVERDUE, key=Outing.id, other=Outing.household_id, at=Outing.back_by, a=Resident.name, b=Outing.company,
               c=Outing.place, d=Outing.words, e=Outing.phone)
        .select_from(Outing)
        .join(Resident, Resident.id == Outing.resident_id)
        .join(Household, Household.id == Outing.household_id)
        .where(
            me.reaches_station(Household.station_id), Outing.back_at.is_(None), ~sought,
            Outing.back_by < sa.bindparam("grace_since", type_=Instant()),
        )
        .order_by(Outing.back_by)
        .limit(limit)
    )  # fmt: skip
    met = (
        sa.exists()
        .where(
            Sighting.station_id == Household.station_id,
            Sighting.closed_at.is_(None),
            Sighting.card_id == Card.id,
            Card.resident_id == LostCase.resident_id,
        )
        .correlate(LostCase, Household)
    )
    lost = (
        strand(LOST, key=LostCase.id, other=LostCase.household_id, at=LostCase.opened_at, a=Resident.name, b=LostCase.seen_where,
               n=sa.case((met, 1), else_=0))
        .select_from(LostCase)
        .join(Resident, Resident.id == LostCase.resident_id)
        .join(Household, Household.id == LostCase.household_id)
        .where(me.reaches_station(Household.station_id), LostCase.closed_at.is_(None))
        .order_by(LostCase.opened_at)
        .limit(limit)
    )  # fmt: skip
    return sa.select(late.subquery()), sa.select(lost.subquery())


def given(now: datetime, place_id: UUID | None) -> dict[str, Any]:
    """The parameter of `front`."""
    return {"grace_since": now - timedelta(minutes=models.settings(place_id)["grace_min"])}


def front_in(found: Mapping[str, Sequence[Any]]) -> Iterator[Line]:
    """What the strands brought; `words` as they were written."""
    for row in found.get(OVERDUE, ()):
        yield Line(OVERDUE, row.key, row.other, row.a, row.at, "|".join((row.b, row.c, row.d or "")), row.e or "")
    for row in found.get(LOST, ()):
        yield Line(LOST, row.key, row.other, row.a, row.at, row.b, met=bool(row.n))
