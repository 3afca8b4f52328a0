"""Forms taken once: a double tap by a shaking hand makes one thing."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock
from webapp.store import db, jobs
from webapp.store.db import Base
from webapp.store.types import Instant, Uuid


class FormTaken(Base):
    """The hidden key of an ordinary form that made something: a double tap finds it here."""

    __tablename__ = "form_taken"
    key: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now, index=True)


def first_tap(key: uuid.UUID) -> bool:
    """Whether the form with this hidden key is sent for the first time; of two taps at once one is first."""
    session = db.session()
    taken = db.insert(FormTaken).values(key=key, at=clock.now()).on_conflict_do_nothing().returning(FormTaken.key)
    return session.scalar(taken) is not None


@jobs.job("people.forget_taps", nightly=True)
def forget_taps() -> None:
    """Forget forms taken more than a month ago."""
    db.session().execute(sa.delete(FormTaken).where(FormTaken.at < clock.now() - timedelta(days=30)))
