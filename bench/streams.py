"""python -m bench.streams [--pages 200] [--stations 8] [--rounds 3] [--database sqlite]: what open live pages cost the others.

So many live rosters are open, of several stations in turn; each page holds a stream and fetches the piece, of a station of 200
caregivers, when it is told to; one that got no stream looks once a minute, as a browser does. Meanwhile a caregiver arrives
every five seconds, which the pages of her station hear of (with --stations 1 all of them). Beside them 8 connections ask for
caregivers' front pages, without the open pages and with them, in turn.

Shapes of server: gthread with 16 threads of which 12 hold streams; gthread with 100 more threads for streams; gevent, where it
is installed. Goals: others' median at most 1.3 times as long, by processor time too; a change is heard within 2 seconds. Prints
one JSON object a shape; exit 1 when the shape that `flask serve` takes misses a goal.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.util
import json
import selectors
import shutil
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench import client, world
from bench.client import Wire, request
from bench.run import OURS, SIXTEEN_THREADS, _arrive, _cpu, _database, _memory, _serving, _tree
from webapp import create_app
from webapp.kit import settings
from webapp.people.models import Place
from webapp.store import db, migrate
from webapp.web import language

EVERY_S, LOOKS_S, SOON_S, RATIO = 5.0, 60.0, 2.0, 1.3
TIMES, LEAST_S = 240, 15.0
"""Requests of others at a time, again and again for so many seconds."""


@dataclass(frozen=True)
class Shape:
    """How the pages are served; streams: most in one process."""

    name: str
    words: tuple[str, ...]
    streams: int


SHAPES = (
    Shape("gthread 2 x 16, 12 streams each", SIXTEEN_THREADS, 12),
    Shape("gthread 2 x 116, 100 streams each", ("--worker-class", "gthread", "--threads", "116", "--preload"), 100),
    Shape("gevent 2, 100 streams each", ("--worker-class", "gevent"), 100),
)
TAKEN = SHAPES[1]


@dataclass
class Open:
    """The open pages: how many hold a stream, how soon each heard of a change, answers to what they fetched."""

    cookie: str
    topic: str
    many: int
    stations: int
    heard_s: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    held: int = 0
    told_at: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """They are open meanwhile."""
        with ThreadPoolExecutor(8) as fetchers, selectors.DefaultSelector() as selector:
            wires = [Wire(OURS) for _ in range(self.many)]
            for n, wire in enumerate(wires):
                topic = self.topic if n % self.stations == 0 else f"roster:{uuid.uuid4()}"
                wire.send(request("GET", f"/events?t={topic}", self.cookie))
                selector.register(wire.socket, selectors.EVENT_READ)
            listener = threading.Thread(target=self._listen, args=(selector, fetchers))
            listener.start()
            time.sleep(3)
            try:
                yield
            finally:
                self.over.set()
                listener.join()
                for wire in wires:
                    wire.socket.close()

    def _listen(self, selector: selectors.BaseSelector, fetchers: ThreadPoolExecutor) -> None:
        looks = time.monotonic() + LOOKS_S
        while not self.over.is_set():
            for key, _mask in selector.select(0.2):
                self._read(key, selector, fetchers)
            if time.monotonic() > looks:
                looks += LOOKS_S
                for _page in range(self.many - self.held):
                    fetchers.submit(self._fetch)

    def _read(self, key: selectors.SelectorKey, selector: selectors.BaseSelector, fetchers: ThreadPoolExecutor) -> None:
        chunk = key.fileobj.recv(65_536)  # type: ignore[union-attr]
        if b"HTTP/1.1 200" in chunk:
            self.held += 1
            fetchers.submit(self._fetch)
        if not chunk or b"HTTP/1.1 503" in chunk:
            selector.unregister(key.fileobj)
        for _change in range(chunk.count(b"event: ")):
            self.heard_s.append(time.monotonic() - self.told_at)
            fetchers.submit(self._fetch)

    def _fetch(self) -> None:
        if self.over.is_set():
            return
        line = http.client.HTTPConnection("127.0.0.1", OURS, timeout=60)
        line.request("GET", "/live", headers={"Cookie": self.cookie, "HX-Request": "true", "Accept-Language": "zh"})
        answer = line.getresponse()
        answer.read()
        self.answers[answer.status] += 1
        line.close()


def arriving(here: world.World, told: Open | None, over: threading.Event) -> None:
    """A caregiver arrives every five seconds, until it is over."""
    for carer in here.carers:
        if over.wait(EVERY_S):
            return
        body = _arrive(carer).partition(b"\r\n\r\n")[2]
        line = http.client.HTTPConnection("127.0.0.1", OURS, timeout=60)
        if told is not None:
            told.told_at = time.monotonic()
        line.request("POST", "/inbox", body, {"Cookie": carer.cookie, "Content-Type": "application/json"})
        line.getresponse().read()
        line.close()


def a_round(here: world.World, roots: list[int], pages: Open | None) -> tuple[list[float], float]:
    """(milliseconds each page of the others took, processor milliseconds of the whole server for each of them)."""
    over = threading.Event()
    with pages.looking() if pages else contextlib.nullcontext():
        writer = threading.Thread(target=arriving, args=(here, pages, over))
        writer.start()
        before, waits = sum(map(_cpu, roots)), list[float]()
        began = time.monotonic()
        while time.monotonic() - began < LEAST_S:
            waits += client.drive(OURS, [request("GET", "/", each.cookie) for each in here.carers], times=TIMES).waits_ms
        spent = 1000 * (sum(map(_cpu, roots)) - before) / len(waits)
        over.set()
        writer.join()
    return waits, spent


def measure(shape: Shape, here: world.World, topic: str, url: str, folder: Path, postmaster: int | None, chosen: Any) -> Any:
    """One shape of server: the figures."""
    alone, beside = list[list[float]](), list[list[float]]()
    cpu: list[tuple[float, float]] = []
    heard, answers, held = list[float](), Counter[int](), list[int]()
    with _serving("wsgi:app", OURS, url, folder, shape.words, shape.streams) as server:
        roots = [server, *([postmaster] if postmaster else [])]
        client.drive(OURS, [request("GET", "/", each.cookie) for each in here.carers], times=TIMES)
        for _round in range(chosen.rounds):
            without, spent = a_round(here, roots, None)
            pages = Open(here.head, topic, chosen.pages, chosen.stations)
            with_them, more = a_round(here, roots, pages)
            alone.append(without)
            beside.append(with_them)
            cpu.append((spent, more))
            heard += pages.heard_s
            answers += pages.answers
            held.append(pages.held)
        memory = max(_memory(pid)[0] for pid in _tree(server)[1:])
    one, two = ([statistics.quantiles(each, n=20) for each in them] for them in (alone, beside))
    cuts = statistics.quantiles(heard, n=20) if len(heard) > 1 else [0.0] * 19
    ratios = {
        "p50_ratio": statistics.median(b[9] / a[9] for a, b in zip(one, two, strict=True)),
        "p95_ratio": statistics.median(b[18] / a[18] for a, b in zip(one, two, strict=True)),
        "cpu_ratio": statistics.median(b / a for a, b in cpu),
    }
    figures = {
        "p50_ms": statistics.median(each[9] for each in one), "with_pages_p50_ms": statistics.median(each[9] for each in two),
        "p95_ms": statistics.median(each[18] for each in one), "with_pages_p95_ms": statistics.median(each[18] for each in two),
        "heard_p50_s": cuts[9], "heard_p95_s": cuts[18], "worker_mib": memory,
    }  # fmt: skip
    told = {key: round(number, 2) for key, number in (figures | ratios).items()}
    return {"shape": shape.name, "streams_held": statistics.median(held), **told, "pieces": dict(answers)}


def main() -> None:
    """The command."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--pages", type=int, default=200)
    ask.add_argument("--stations", type=int, default=8)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--only", default="", help="part of the name of a shape")
    ask.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = ask.parse_args()
    language.compile_words()
    folder = Path(tempfile.mkdtemp(prefix="nuanchao-bench-"))
    folder.chmod(0o755)
    good = True
    try:
        with _database(chosen.database, folder) as (url, postmaster):
            app = create_app(settings.read({"DATA_DIR": str(folder), "DATABASE_URL": url}))
            with app.app_context():
                migrate.upgrade(db.database().engine)
                here = world.build(app)
                topic = f"roster:{db.reading().scalar(sa.select(Place.id).where(Place.code == 'BENCH'))}"
                db.undo()
                db.database().engine.dispose()
            for shape in SHAPES:
                if chosen.only not in shape.name:
                    continue
                if "gevent" in shape.words and importlib.util.find_spec("gevent") is None:
                    continue
                told = measure(shape, here, topic, url, folder, postmaster, chosen)
                print(
                    json.dumps({"database": chosen.database, "pages": chosen.pages, "stations": chosen.stations} | told),
                    flush=True,
                )
                if shape is TAKEN:
                    good = told["p50_ratio"] <= RATIO and told["cpu_ratio"] <= RATIO and told["heard_p95_s"] <= SOON_S
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(not good)


if __name__ == "__main__":
    main()
