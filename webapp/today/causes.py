"""What a line of the list that was worked out from the day is about, and when it began: what its one tap clears."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from webapp.access import Actor, within
from webapp.kit import clock, ids
from webapp.messages import words
from webapp.people.models import Household
from webapp.people.queries import nothing
from webapp.roster.absences import Relief
from webapp.roster.models import Shift
from webapp.store import db
from webapp.visits.models import NobodyHome, Visit

CALLED = (words.TROUBLE, "gap", "silent", "nobody")
"""Kinds that only a recorded call clears."""
TALK = "talk"
"""A call without a cause."""


@dataclass(frozen=True)
class Cause:
    """Something the day told about a household: its key, where it belongs, since when, who should have come."""

    kind: str
    key: str
    station_id: uuid.UUID
    home: Household
    since: datetime
    subject_id: uuid.UUID
    """What calls about it are about: the shift, where there is one."""


def cause(actor: Actor, household_id: uuid.UUID, about: str) -> Cause:
    """The cause that `about` (kind:id) names, at a household within reach; nothing named: a mere call. Raises Missing."""
    kind, _sep, text = about.partition(":")
    key = ids.parse(text)
    home = db.session().scalar(within(actor, sa.select(Household)).where(Household.id == household_id))
    if not about and home is not None:
        return Cause(TALK, f"{TALK}:{household_id}", home.station_id, home, clock.now(), household_id)
    known = _began(kind, key, household_id) if home is not None and key is not None else None
    if home is None or known is None:
        raise nothing()
    return Cause(kind, f"{kind}:{key}", home.station_id, home, *known)


def _began(kind: str, key: uuid.UUID, household_id: uuid.UUID) -> tuple[datetime, uuid.UUID] | None:
    """When a cause began and what it is about, if there is such a one at this household."""
    session = db.session()
    if kind in (words.TROUBLE, "gap", "silent"):
        shift = session.scalar(sa.select(Shift).where(Shift.id == key, Shift.household_id == household_id))
        return (clock.instant(shift.day, shift.start_min), key) if shift else None
    if kind == "nobody":
        stood = session.get(NobodyHome, key)
        return (stood.at, stood.shift_id or key) if stood and stood.household_id == household_id else None
    if kind == "relief":
        sent = session.scalar(sa.select(Relief).where(Relief.id == key, Relief.household_id == household_id))
        return (sent.made_at, sent.shift_id) if sent else None
    if kind in ("log", "money"):
        visit = session.get(Visit, key)
        return (visit.arrived_at, key) if visit and visit.household_id == household_id else None
    return None
