"""A household's month, shut once and for all: what comes later stands in the next."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock
from webapp.store import audit, db
from webapp.store.db import Base
from webapp.store.traits import Homed, append_only
from webapp.store.types import Instant, Uuid


class ShutMonth(Homed, Base):
    """All days of a household up to `last_day` are shut."""

    __tablename__ = "shut_month"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), primary_key=True)
    last_day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())


append_only("shut_month", "a shut month is never changed")


def shut(household: uuid.UUID, last_day: date, by: uuid.UUID) -> None:
    """Shut a household's days up to `last_day`. `by`: account."""
    row = {"household_id": household, "last_day": last_day, "at": clock.now(), "by_id": by}
    db.session().execute(sa.insert(ShutMonth), row)
    audit.note("months.shut", f"household:{household}", household, last_day=last_day)


def shut_through(household: Any) -> sa.ScalarSelect[date]:
    """For a larger question: the last shut day of the household in a column; null where none is shut."""
    return sa.select(sa.func.max(ShutMonth.last_day)).where(ShutMonth.household_id == household).scalar_subquery()
