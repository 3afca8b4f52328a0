"""A clock that can be put forward, and a gateway on a port of its own that is up, slow, cross or ill."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import sqlalchemy as sa

from webapp.messages import models
from webapp.messages.models import Climb, Notice, Sending, Task
from webapp.store import db, jobs


class Clock:
    """Stands in for the wall clock."""

    def __init__(self, hour: int = 10, day: int = 18) -> None:
        self.at = datetime(2026, 11, day, hour - 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def go(self, minutes: float) -> None:
        """Let time pass, and let the clock's drain do what is due."""
        self.at += timedelta(minutes=minutes)
        drain()


def drain() -> None:
    """What the clock does every minute."""
    db.undo()
    while jobs.run_due():
        pass


class Gateway:
    """An SMS gateway or group robot. mood: up, slow (never answers), drips, cross (an answer that is no yes), ill (500)."""

    def __init__(self) -> None:
        self.mood = "up"
        self.heard: list[dict[str, Any]] = []
        gateway = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gateway.heard.append(json.loads(body) | {"key": self.headers.get("Authorization")})
                gateway._answer(self)

            def log_message(self, *_said: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/send?robot=1"

    def _answer(self, line: BaseHTTPRequestHandler) -> None:
        if self.mood == "slow":
            time.sleep(3)
            return
        if self.mood == "drips":
            try:
                for letter in b"HTTP/1.1 200 OK\r\n" * 200:
                    line.wfile.write(bytes([letter]))
                    line.wfile.flush()
                    time.sleep(0.02)
            except OSError:
                return
            return
        line.send_response(500 if self.mood == "ill" else 200)
        line.end_headers()
        line.wfile.write(b'{"errcode": 93000}' if self.mood == "cross" else b'{"errcode": 0}')

    def shut(self) -> None:
        """Nobody listens there any more."""
        self.server.shutdown()
        self.server.server_close()


def urgent(
    world, to: str | None = "wang", by: str | None = "zhou", key: str = "test:1", home: str | None = "李秀兰", **more
) -> Notice:
    """A red notice to a caregiver (or, without `to`, to Songling's duty room), as an upstream verb would send it."""
    with db.transaction():
        models.notify(
            "call_back", world.place("songling").id, key, to=world.account(to).id if to else None,
            by=world.account(by).id if by else None, household_id=world.household(home).id if home else None, **more,
        )  # fmt: skip
    drain()
    return notice(key)


def notice(key: str = "test:1") -> Notice:
    db.undo()
    return db.reading().scalars(sa.select(Notice).where(Notice.key == key).order_by(Notice.made_at.desc())).first()


def rungs(row: Notice) -> list[str]:
    db.undo()
    return list(db.reading().scalars(sa.select(Climb.rung).where(Climb.notice_id == row.id).order_by(Climb.at, Climb.id)))


def tasks(*which: Any, still: bool = True) -> list[Task]:
    db.undo()
    ask = sa.select(Task).where(*which).order_by(Task.opened_at, Task.id)
    return list(db.reading().scalars(ask.where(Task.cleared_at.is_(None)) if still else ask))


def sendings() -> list[Sending]:
    db.undo()
    return list(db.reading().scalars(sa.select(Sending).order_by(Sending.made_at, Sending.id)))
