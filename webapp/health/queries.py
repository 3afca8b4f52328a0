"""Emergency sheets and rescue windows, through whoever asks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from webapp.access import Actor, within
from webapp.health.models import EmergencySheet, RescueWindow
from webapp.kit import clock
from webapp.people.queries import nothing
from webapp.store import db, secrets


def sheet(resident_id: uuid.UUID) -> EmergencySheet | None:
    """The emergency sheet of a resident whom the caller has found already."""
    return db.session().scalar(sa.select(EmergencySheet).where(EmergencySheet.resident_id == resident_id))


def window(actor: Actor, key: uuid.UUID) -> RescueWindow:
    """The window, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(RescueWindow)).where(RescueWindow.id == key))
    if found is None:
        raise nothing()
    return found


def window_by_key(card_id: uuid.UUID, key: str) -> RescueWindow | None:
    """The window that a helper's address opens, if it is of this card."""
    found = db.session().scalar(sa.select(RescueWindow).where(RescueWindow.key_digest == secrets.one_way(key)))
    return found if found is not None and found.card_id == card_id else None


def windows(resident_id: uuid.UUID, limit: int = 10) -> Sequence[RescueWindow]:
    """Who asked to read a resident's sheet in the last thirty days, newest first."""
    since = clock.now() - timedelta(days=30)
    ask = sa.select(RescueWindow).where(RescueWindow.resident_id == resident_id, RescueWindow.made_at > since)
    return db.session().scalars(ask.order_by(RescueWindow.made_at.desc()).limit(limit)).all()
