"""What open pages should fetch again. A verb tells a topic in its own transaction; only the topic travels."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock
from webapp.store import db
from webapp.store.db import Base
from webapp.store.types import Instant, Serial


class Event(Base):
    """A topic told at a time; purged after an hour."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(60))
    at: Mapped[datetime] = mapped_column(Instant(), index=True)


def tell(*topics: str) -> None:
    """Make pages that listen to `topics` fetch their piece again once this transaction commits. Twice is once."""
    session = db.session()
    told = session.info.setdefault("told", set())
    news = [topic for topic in dict.fromkeys(topics) if topic not in told]
    told.update(news)
    if news and session.get_bind().dialect.name == "postgresql":
        db.line().execute(_NOTIFY, {"topics": news})
    elif news:
        db.line().execute(_INSERT, [{"topic": topic, "at": clock.now()} for topic in news])


_NOTIFY = sa.text("select pg_notify('events', topic) from unnest(cast(:topics as text[])) as topic")
_INSERT = sa.insert(cast(sa.Table, Event.__table__))


def purge() -> None:
    """Forget events older than an hour, but never the newest: SQLite would number the next from 1, and no ear hears that."""
    newest = sa.select(sa.func.max(Event.id)).scalar_subquery()
    db.session().execute(sa.delete(Event).where(Event.at < clock.now() - timedelta(hours=1), Event.id < newest))
