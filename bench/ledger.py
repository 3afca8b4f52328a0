"""python -m bench.ledger: books by size. One JSON line for each measure.

Pages of a book of 500 and of 50,000 postings (balance and month: p50, p95 and p95 of processor time in milliseconds, and the
ratio of the last), closing 500 books (seconds by the clock and of processor time), and with `--histories N` so many random
histories (sum zero, carried = summed, closed months unchanged).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from tests import world as cast
from tests.conftest import settings
from tests.ledger.histories import History
from webapp import create_app
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.ledger import agreeing, closing, confirming, counting, queries, rules
from webapp.ledger.posting import Stamp
from webapp.ledger.rows import Book, Entry, Posting
from webapp.ledger.rules import Terms
from webapp.people import models as people
from webapp.store import db, migrate

ROUNDS, BOOKS = 60, 500


def main() -> None:
    """Measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--histories", type=int, default=0)
    asked.add_argument("--first", type=int, default=0, help="the first seed of the histories")
    asked.add_argument("--deeds", type=int, default=16, help="to each history")
    asked.add_argument("--url", default=None, help="a PostgreSQL database instead of a new SQLite file")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(Path(folder), given.url))
        app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
        with app.app_context():
            migrate.upgrade(db.database().engine)
            cast.build()
        world = cast.World(app)
        if given.histories:
            tell(histories(app, world, given.first, given.histories, given.deeds))
            return
        small = pages(app, world, "李秀兰", 250, 120)
        large = pages(app, world, "张福贵", 25_000, 720)
        for name in small:
            tell({"page": name, "small": small[name], "large": large[name], "ratio": round(large[name][2] / small[name][2], 2)})
        tell(closings(app, world))


def tell(facts: dict[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(facts, ensure_ascii=False), flush=True)


def pages(app: Flask, world: cast.World, resident: str, entries: int, days: int) -> dict[str, tuple[float, float, float]]:
    """What a book's pages cost, with so many entries of two postings each over so many days: a full page of lines either way."""
    with app.app_context():
        home, author = world.household(resident).id, world.account("wang").id
        db.settle()
        fill(home, author, entries, days)
    last = Month.of(clock.today()).previous()
    asked = {"book": f"/households/{home}/book", "month": f"/households/{home}/book?month={last}"}
    readers = {"book": "zhou", "month": "zhou", "book, the caregiver's": "wang"}
    found = {name: timed(visited(world, who, asked.get(name, asked["book"]))) for name, who in readers.items()}

    def balance() -> None:
        with app.app_context():
            queries.sums(home, last, queries.balance(home))
            db.settle()

    return found | {"balance and sums": timed(balance)}


def visited(world: cast.World, who: str, path: str) -> Any:
    """One request for a page, by somebody signed in."""
    client = world.client(who)

    def deed() -> None:
        assert client.get(path).status_code == 200

    return deed


def timed(deed: Any) -> tuple[float, float, float]:
    """p50 and p95 in ms by the clock, and p95 of processor time, which holds on a busy machine too."""
    for _n in range(5):
        deed()
    spans, worked = [], []
    for _n in range(ROUNDS):
        began, busy = time.perf_counter(), time.process_time()
        deed()
        spans.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    return round(statistics.median(spans), 1), _p95(spans), _p95(worked)


def _p95(spans: list[float]) -> float:
    return round(statistics.quantiles(spans, n=20)[-1], 1)


def fill(home: uuid.UUID, author: uuid.UUID, entries: int, days: int) -> None:
    """So many entries over the last days, in bulk; the triggers hold for them."""
    with db.transaction() as session:
        book = session.scalars(sa.select(Book.id).where(Book.household_id == home)).one()
        began = clock.now() - timedelta(days=days)
        for start in range(0, entries, 1000):
            rows, legs = [], []
            for n in range(start, min(start + 1000, entries)):
                key, at = ids.new(), began + timedelta(seconds=n * days * 86400 // entries)
                fen = 100 + n % 5000
                rows.append(
                    {"id": key, "book_id": book, "household_id": home, "day": clock.day_of(at), "kind": "receive", "side": "in",
                     "category": "IN-FAM", "source": "cash", "fen": fen, "words": "", "seen": False, "slip": False, "at": at,
                     "made_at": at, "author_id": author}
                )  # fmt: skip
                legs += [
                    {"entry_id": key, "account": a, "book_id": book, "fen": f} for a, f in (("cash", fen), ("in:IN-FAM", -fen))
                ]
            session.execute(sa.insert(Posting.__table__), legs)
            session.execute(sa.insert(Entry.__table__), rows)


def closings(app: Flask, world: cast.World) -> dict[str, Any]:
    """Closing so many books of thirty entries each, counted and confirmed; seconds, each in its own transaction."""
    last, homes = Month.of(clock.today()).previous(), []
    with app.app_context():
        head, wang = world.account("zhou").id, world.account("wang").id
        db.settle()
        for n in range(BOOKS):
            with db.transaction():
                home = people.settle_household(world.place("songling"), f"{n}号")
                db.session().flush()
                agreeing.agree(home.id, "家属", "老人", Terms(2000, 20000, 0, 50000), head, since=last.first)
                homes.append(home.id)
            with db.transaction():
                found = counting.book_of(Stamp(wang), home.id)
                for k in range(30):
                    deed = Stamp(wang, at=clock.instant(last.first + timedelta(days=k % 27), 600 + k))
                    counting.post(
                        found, deed, "receive", rules.received("cash", "IN-FAM", 100 + k), side="in", category="IN-FAM",
                        source="cash", fen=100 + k, words="", seen=False, slip=False,
                    )  # fmt: skip
                stamp = Stamp(wang, at=clock.instant(last.last, 900))
                row = counting.record(stamp, home.id, "month", sum(range(100, 130)), None, str(last), "")
                confirming.write(home.id, row.id, rules.KEEPER, "王", rules.OWN, wang, stamp.at)
                confirming.write(home.id, row.id, rules.KIN, "李", rules.OWN, head, stamp.at)
        began, busy = time.perf_counter(), time.process_time()
        for key in homes:
            with db.transaction():
                closing.close(key, last, head)
        worked = round(time.process_time() - busy, 1)
        return {"closing": BOOKS, "seconds": round(time.perf_counter() - began, 1), "cpu": worked}


def histories(app: Flask, world: cast.World, first: int, n: int, deeds: int) -> dict[str, Any]:
    """So many random histories; raises at the first that does not add up. Says how far it is every five hundred."""
    began = time.perf_counter()
    for seed in range(first, first + n):
        if seed > first and (seed - first) % 500 == 0:
            tell({"histories": seed - first, "first": first, "seconds": round(time.perf_counter() - began, 1)})
        with app.app_context():
            history = History(world, random.Random(seed))
            with history.tried():
                history.live(deeds)
    return {"histories": n, "first": first, "seconds": round(time.perf_counter() - began, 1)}


if __name__ == "__main__":
    main()
