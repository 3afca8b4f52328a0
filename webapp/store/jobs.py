"""Work for later. Verbs write job rows in their own transaction; the clock (webapp/clockwork.py) drains them.

Each job may be repeated without harm: a job that ran and was not marked runs again.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock
from webapp.store import db
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made
from webapp.store.types import Instant

TRIES = 8
ALONE_AT_ONCE = 5
"""How many deeds that wait for the outside world are done in one round: others must not wait behind them."""
LEASE = timedelta(minutes=2)


class Job(Keyed, Made, Base):
    """A named deed due at a time. `once`: a key that keeps the same work from being asked twice."""

    __tablename__ = "job"
    name: Mapped[str] = mapped_column(sa.String(60))
    once: Mapped[str | None] = mapped_column(sa.String(120), unique=True)
    args: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    due_at: Mapped[datetime] = mapped_column(Instant())
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(Instant())
    trouble: Mapped[str | None] = mapped_column(sa.Text())
    __table_args__ = (
        sa.Index(
            "ix_job_waiting", "due_at", sqlite_where=sa.text("done_at is null"), postgresql_where=sa.text("done_at is null")
        ),
    )


DEEDS: dict[str, Callable[..., None]] = {}
NIGHTLY: list[str] = []
ALONE: set[str] = set()


def job(name: str, *, nightly: bool = False, alone: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a deed under a name; `nightly` ones are asked for once a household day.

    `alone`: it may wait for the outside world, so it runs outside of any transaction and opens its own.
    """

    def register(deed: Callable[..., None]) -> Callable[..., None]:
        DEEDS[name] = deed
        if nightly:
            NIGHTLY.append(name)
        if alone:
            ALONE.add(name)
        return deed

    return register


def ask(name: str, *, due_at: datetime | None = None, once: str | None = None, **args: Any) -> None:
    """Have `name` done at `due_at` (default: at once) in a transaction of its own. With `once`, a second asking is nothing."""
    session = db.session()
    if once and session.scalar(sa.select(Job.id).where(Job.once == once)):
        return
    session.add(Job(name=name, once=once, args=args, due_at=due_at or clock.now()))


def ask_nightly() -> None:
    """Ask for today's round of the nightly deeds."""
    with db.transaction():
        for name in NIGHTLY:
            ask(name, once=f"{name}:{clock.today()}")


def run_due(limit: int = 100) -> int:
    """Do what is due, each in its own transaction; a job in trouble waits longer each time. Returns how many were tried.

    Deeds that wait for the outside world come last and a few at a time.
    """
    due = sa.select(Job.id).where(Job.done_at.is_(None), Job.due_at <= clock.now()).order_by(Job.due_at)
    with db.transaction() as session:
        own = session.scalars(due.where(Job.name.not_in(ALONE)).limit(limit)).all()
        out = session.scalars(due.where(Job.name.in_(ALONE)).limit(ALONE_AT_ONCE)).all() if ALONE else []
    for key in own:
        _run(key)
    for key in out:
        _run_alone(key)
    return len(own) + len(out)


def _run(key: Any) -> None:
    try:
        with db.transaction() as session:
            row = session.get_one(Job, key)
            if row.done_at is None:
                DEEDS[row.name](**row.args)
                row.done_at = clock.now()
    except Exception:
        _put_off(key)


def _run_alone(key: Any) -> None:
    """Take it for two minutes, so that no other drain does it meanwhile; then do it, and say so."""
    mine = sa.and_(Job.id == key, Job.done_at.is_(None), Job.due_at <= clock.now())
    with db.transaction() as session:
        taken = session.execute(
            sa.update(Job).where(mine).values(due_at=clock.now() + LEASE).returning(Job.name, Job.args)
        ).first()
    if taken is None:
        return
    try:
        DEEDS[taken.name](**taken.args)
        with db.transaction() as session:
            session.get_one(Job, key).done_at = clock.now()
    except Exception:
        _put_off(key)


def _put_off(key: Any) -> None:
    with db.transaction() as session:
        row = session.get_one(Job, key)
        row.tries += 1
        row.trouble = traceback.format_exc()[-4000:]
        row.due_at = clock.now() + timedelta(minutes=2**row.tries)
        if row.tries >= TRIES:
            row.done_at = clock.now()
