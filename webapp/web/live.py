"""Live pages: a stream carries only topics; the page fetches its piece through its normal route.

One listener thread per process wakes bounded queues: SQLite's data_version, PostgreSQL's LISTEN. Streams are capped.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import psycopg
import sqlalchemy as sa
from flask import Blueprint, Flask, Response, current_app, request

from webapp.store import db
from webapp.web.guard import allow

bp = Blueprint("live", __name__)
BEAT_S, LIFE_S, POLL_S, START_S = 15.0, 600.0, 0.25, 2.0


class Hub:
    """Hears topics from the database and passes them to the open streams of this process."""

    def __init__(self, url: sa.URL, streams: int) -> None:
        self.url = url
        self.slots = threading.BoundedSemaphore(streams)
        self.lock = threading.Lock()
        self.ears: set[queue.Queue[str]] = set()
        self.started = False
        self.hearing = threading.Event()

    def listen(self) -> queue.Queue[str]:
        """A new ear; the listener starts with the first one, so after a fork, and hears before the page is told it is open."""
        ear: queue.Queue[str] = queue.Queue(maxsize=100)
        with self.lock:
            self.ears.add(ear)
            if not self.started:
                self.started = True
                threading.Thread(target=self._hear, daemon=True, name="live").start()
        self.hearing.wait(START_S)
        return ear

    def forget(self, ear: queue.Queue[str]) -> None:
        """Drop an ear."""
        with self.lock:
            self.ears.discard(ear)

    def pass_on(self, topic: str) -> None:
        """Put `topic` into every ear; one that is full is cut off and will reconnect."""
        with self.lock:
            for ear in list(self.ears):
                try:
                    ear.put_nowait(topic)
                except queue.Full:
                    self.ears.discard(ear)

    def _hear(self) -> None:
        while True:
            try:
                self._sqlite() if self.url.get_backend_name() == "sqlite" else self._postgresql()
            except (sqlite3.Error, psycopg.Error, OSError):
                time.sleep(1)

    def _hears(self) -> None:
        """From here on nothing is missed; after a break everybody looks once, for what was told meanwhile."""
        if self.hearing.is_set():
            self.pass_on("resync")
        self.hearing.set()

    def _sqlite(self) -> None:
        connection = sqlite3.connect(self.url.database or "", isolation_level=None)
        last = connection.execute("select coalesce(max(id), 0) from event").fetchone()[0]
        self._hears()
        seen = -1
        while True:
            version = connection.execute("pragma data_version").fetchone()[0]
            if version != seen:
                seen = version
                for key, topic in connection.execute("select id, topic from event where id > ? order by id", (last,)).fetchall():
                    last = key
                    self.pass_on(topic)
            time.sleep(POLL_S)

    def _postgresql(self) -> None:
        url = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("listen events")
            self._hears()
            for notice in connection.notifies():
                self.pass_on(notice.payload)


class Gate:
    """So many pages at once are worked on in one process, however many threads it has for streams: the others wait their turn.

    A stream passes as soon as it is open. Without the gate a burst would take all connections of the database, and who writes
    would wait for one that is held by who waits for the writer.
    """

    def __init__(self, inner: WSGIApplication, most: int) -> None:
        self.inner, self.turns = inner, threading.BoundedSemaphore(most)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The answer of the app; what it streams is read outside the gate."""
        with self.turns:
            return self.inner(environ, start)


def init_app(app: Flask, streams: int) -> None:
    """Give `app` its hub; at most `streams` open streams per process, and `db.AT_ONCE` pages at once."""
    app.extensions["live"] = Hub(app.extensions["db"].engine.url, streams)
    app.register_blueprint(bp)
    app.wsgi_app = Gate(app.wsgi_app, db.AT_ONCE)  # type: ignore[assignment]


@bp.get("/events")
@allow("people.self")
def events() -> Response:
    """A stream of the topics asked for (`t=`, repeated). 503 with Retry-After when too many are open: poll instead."""
    hub: Hub = current_app.extensions["live"]
    if not hub.slots.acquire(blocking=False):
        return Response("", 503, {"Retry-After": "10"})
    db.settle()
    response = Response(_stream(hub, set(request.args.getlist("t")[:8])), mimetype="text/event-stream")
    response.call_on_close(hub.slots.release)
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _stream(hub: Hub, topics: set[str]) -> Iterator[str]:
    ear, end = hub.listen(), time.monotonic() + LIFE_S
    try:
        yield "retry: 2000\n\n: open\n\n"
        while time.monotonic() < end and ear in hub.ears:
            try:
                topic = ear.get(timeout=BEAT_S)
            except queue.Empty:
                yield ": beat\n\n"
                continue
            if topic == "resync":
                yield from (f"event: {each}\ndata: .\n\n" for each in topics)
            elif topic in topics:
                yield f"event: {topic}\ndata: .\n\n"
    finally:
        hub.forget(ear)
