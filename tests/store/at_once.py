"""Two at once: one transaction is still open when the other begins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from flask import Flask

from webapp.store import db

PATIENCE_S = 20


@contextmanager
def meanwhile(app: Flask, other: Callable[[], int]) -> Iterator[list[int]]:
    """Inside a transaction that is still open, `other` runs in a thread; it goes on when the transaction has ended."""
    answers: list[int] = []

    def run() -> None:
        with app.app_context():
            answers.append(other())

    thread = threading.Thread(target=run)
    with db.transaction() as session:
        yield answers
        session.flush()
        thread.start()
        _until_it_waits(app)
    thread.join(PATIENCE_S)
    assert answers, "the other never came back"


def _until_it_waits(app: Flask) -> None:
    """SQLite lets nobody begin; on PostgreSQL the other must have come as far as a lock."""
    engine, until = app.extensions["db"].engine, time.monotonic() + PATIENCE_S
    if engine.dialect.name != "postgresql":
        return
    waits = sa.text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
    with engine.connect() as looking:
        while not looking.scalar(waits) and time.monotonic() < until:
            looking.rollback()
            time.sleep(0.01)
