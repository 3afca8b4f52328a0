"""A stream carries topics within two seconds of their telling, and streams are capped."""

from __future__ import annotations

import contextvars
import queue
import threading
import time

import pytest
from flask import Flask

from tests.world import World
from webapp.store import db, topics
from webapp.web import live


class Reader:
    """A page that listens."""

    def __init__(self, world: World, url: str) -> None:
        self.answer = world.client("zhou").get(url, buffered=False)
        self.heard: queue.Queue[str] = queue.Queue()
        threading.Thread(target=contextvars.Context().run, args=(self._read,), daemon=True).start()

    def _read(self) -> None:
        for piece in self.answer.response:
            self.heard.put(piece.decode() if isinstance(piece, bytes) else piece)

    def next(self, seconds: float) -> str:
        return self.heard.get(timeout=seconds)


@pytest.fixture
def page(world: World) -> Reader:
    """A roster page, told that its stream is open."""
    reader = Reader(world, "/events?t=roster:1&t=roster:2")
    assert "open" in reader.next(10)
    return reader


def tell(*names: str) -> None:
    with db.transaction():
        for name in names:
            topics.tell(name)


def test_a_topic_arrives_within_two_seconds_of_its_commit(page: Reader) -> None:
    tell("roster:1")
    began = time.monotonic()
    assert page.next(2) == "event: roster:1\ndata: .\n\n"
    assert time.monotonic() - began < 2


def test_only_topics_asked_for_arrive_and_twice_is_once(page: Reader) -> None:
    tell("roster:9", "roster:2", "roster:2")
    assert page.next(2).startswith("event: roster:2")
    tell("roster:1")
    assert page.next(2).startswith("event: roster:1")
    assert page.heard.empty()


def test_what_is_rolled_back_is_never_told(page: Reader) -> None:
    db.undo()
    topics.tell("roster:1")
    db.session().flush()
    db.undo()
    tell("roster:2")
    assert page.next(2).startswith("event: roster:2")


def test_streams_are_capped_and_a_closed_one_makes_room(app: Flask, world: World) -> None:
    hub: live.Hub = app.extensions["live"]
    hub.slots = threading.BoundedSemaphore(1)
    client = world.client("zhou")
    first = client.get("/events?t=roster:1", buffered=False)
    full = client.get("/events?t=roster:1", buffered=False)
    assert (first.status_code, full.status_code) == (200, 503)
    assert int(full.headers["Retry-After"]) > 0
    first.close()
    again = client.get("/events?t=roster:1", buffered=False)
    assert again.status_code == 200
    again.close()


def test_a_stream_that_was_never_read_gives_its_place_back(app: Flask, world: World) -> None:
    app.extensions["live"].slots = threading.BoundedSemaphore(1)
    for _n in range(3):
        answer = world.client("zhou").head("/events?t=roster:1")
        assert answer.status_code == 200
        answer.close()


def test_an_ear_that_does_not_listen_is_cut_off(app: Flask) -> None:
    hub: live.Hub = app.extensions["live"]
    ear = hub.listen()
    for n in range(200):
        hub.pass_on(f"t:{n}")
    assert ear not in hub.ears
    hub.forget(ear)


def test_after_a_break_every_open_page_looks_once(app: Flask) -> None:
    hub: live.Hub = app.extensions["live"]
    ear = hub.listen()
    hub._hears()
    assert ear.get(timeout=1) == "resync"


def test_strangers_get_no_stream(world: World) -> None:
    answer = world.client().get("/events?t=roster:1")
    assert answer.status_code == 303


def test_so_many_pages_at_once_and_a_stream_is_none_of_them() -> None:
    """Two turns: the third page waits, and what is read of an answer afterwards holds no turn."""
    inside, go = threading.Semaphore(0), threading.Event()

    def inner(_environ: object, _start: object) -> list[bytes]:
        inside.release()
        go.wait(10)
        return [b"a stream that nobody has read yet"]

    gate = live.Gate(inner, 2)  # type: ignore[arg-type]
    threads = [threading.Thread(target=gate, args=({}, None)) for _ in range(3)]
    for each in threads:
        each.start()
    assert inside.acquire(timeout=10) and inside.acquire(timeout=10)
    assert not inside.acquire(timeout=0.2), "the third waits its turn"
    go.set()
    assert inside.acquire(timeout=10)
    for each in threads:
        each.join(10)
    assert gate.turns.acquire(blocking=False), "answers are out, though none was read"


def test_the_house_is_behind_the_gate(app: Flask) -> None:
    assert isinstance(app.wsgi_app, live.Gate)
