"""python -m bench.roster [--visits 10000 1000000] [--only sqlite]: the live roster by how many visits the district has.

A station of 200 caregivers with a day in full swing is looked at by its head; so many visits in all lie around it, its own of
earlier days and those of other stations. The piece that an open page fetches is asked for 100 times, put together anew each
time (what others who look are given from the same making is taken away), on both databases.

Goals: the 95th of 100 under 60 ms, and under 1.3 times that of the first size, at 10 million visits. Prints one JSON object a
size: milliseconds by the clock (p50, p95) and of this process's processor time (p95; that of a PostgreSQL server is not in it),
and the ratios of all three to the first size: on a busy machine the clock's tail is the machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from bench.month import databases
from tests import world as cast
from tests.conftest import settings
from webapp import create_app
from webapp.kit import clock, ids
from webapp.people.models import Household, Person, Place
from webapp.roster.models import Shift
from webapp.sample.laying import Ink, Shelf
from webapp.store import db, migrate
from webapp.visits.models import DONE, OPEN, Visit, VisitException

HERE, ROUNDS, P95_MS, RATIO = 200, 100, 60, 1.3
OTHERS = 200_000
"""Visits to one more station."""
COLUMNS: dict[type[Any], str] = {
    Place: "id made_at kind code name",
    Person: "id made_at number name initials station_id birth_precision",
    Household: "id made_at station_id number name no_signal",
    Shift: "id made_at visit_id household_id station_id caregiver_id day start_min minutes items state",
    Visit: "id household_id station_id caregiver_id shift_id day arrived_at left_at state minutes planned_start_min"
    " planned_minutes grade changed_at",
    VisitException: "id made_at visit_id household_id station_id day code kind facts",
}
BEGAN = datetime(2020, 1, 1, tzinfo=UTC)


class Layer:
    """Writes a district in bulk: each station has 200 caregivers with a home each."""

    def __init__(self) -> None:
        self.ink, self.shelf = Ink(db.session().get_bind().dialect), Shelf(COLUMNS)
        self.since, self.plan = self.ink.at(BEGAN), self.ink.json(["MEAL-01", "CLEAN-01", "MIND-01"])

    def station(self, n: int, key: uuid.UUID | None) -> list[tuple[Any, Any, Any]]:
        """(station, home, caregiver) of each of its homes; `key`: one that is there already."""
        ink, rows = self.ink, self.shelf.rows
        station = ink.key(key or ids.new())
        if key is None:
            rows[Place].append((station, self.since, "station", f"B{n:04d}", f"站{n}"))
        found = []
        for each in range(HERE):
            who, home = ink.key(ids.new()), ink.key(ids.new())
            rows[Person].append((who, self.since, f"P{n:04d}{each:03d}", f"王芳{each}", "wf", station, "day"))
            rows[Household].append((home, self.since, station, f"H{n:04d}{each:03d}", f"李秀兰{each}", each % 8 == 0))
            found.append((station, home, who))
        return found

    def day(self, day: date, homes: list[tuple[Any, Any, Any]], most: int) -> int:
        """A past day's shifts and visits of up to so many homes; how many."""
        ink, rows, on = self.ink, self.shelf.rows, self.ink.day(day)
        times = [(start, *self._times(day, start)) for start in range(300, 1100, 20)]
        for n, (station, home, who) in enumerate(homes[:most]):
            shift, visit = ink.key(ids.new()), ink.key(ids.new())
            start, came, left = times[n % 40]
            rows[Shift].append((shift, self.since, visit, home, station, who, on, start, 60, self.plan, "planned"))
            rows[Visit].append((visit, home, station, who, shift, on, came, left, DONE, 60, start, 60, "A", came))
        return min(most, len(homes))

    def _times(self, day: date, start: int) -> tuple[Any, Any]:
        at = clock.instant(day, start)
        return self.ink.at(at), self.ink.at(at + timedelta(minutes=60))

    def today(self, homes: list[tuple[Any, Any, Any]], now: datetime) -> None:
        """The day in full swing: one home in ten is late, of one in twenty something is to be looked at."""
        ink, rows, day = self.ink, self.shelf.rows, clock.day_of(now)
        on = ink.day(day)
        for n, (station, home, who) in enumerate(homes):
            shift, visit = ink.key(ids.new()), ink.key(ids.new())
            at = now + timedelta(minutes=n % 40 * 12 - 240)
            start = min(max(clock.minute_of(at), 0), 1380) if clock.day_of(at) == day else 0
            rows[Shift].append((shift, self.since, visit, home, station, who, on, start, 60, self.plan, "planned"))
            if at > now or n % 10 == 0:
                continue
            left, told = at + timedelta(minutes=60), ink.at(at)
            end = (ink.at(left), DONE, 60) if left <= now else (None, OPEN, None)
            rows[Visit].append((visit, home, station, who, shift, on, told, *end, start, 60, "A", told))
            if n % 20 == 3:
                found = (ink.key(ids.new()), told, visit, home, station, on, "LATE_IN", "ack", ink.json({"minutes": 20}))
                rows[VisitException].append(found)

    def write(self) -> None:
        """What was laid so far, in a transaction of its own: one of ten million rows would lie twice on the disk."""
        with db.transaction() as session:
            for words in HASTE[session.get_bind().dialect.name]:
                session.execute(sa.text(words))
            self.shelf.write(session.connection())


def lay(visits: int, station: uuid.UUID) -> None:
    """A day in full swing at `station`, and so many visits around it, backwards day by day."""
    with db.reads():
        layer, now = Layer(), clock.now()
        stations = [layer.station(0, station), *(layer.station(n + 1, None) for n in range(visits // OTHERS))]
    layer.today(stations[0], now)
    layer.write()
    with without_indexes():
        made, back = 0, 0
        while made < visits:
            back += 1
            for homes in stations:
                made += layer.day(clock.today() - timedelta(days=back), homes, visits - made)
            if made >= visits or sum(map(len, layer.shelf.rows.values())) > 100_000:
                layer.write()


HASTE = {
    "sqlite": ("pragma cache_size = -400000",),
    "postgresql": ("set local session_replication_role = replica",),
}
"""The rows are right: parents need not be looked for again."""
INDEXES = {
    "sqlite": "select name, sql from sqlite_master where type = 'index' and sql is not null and tbl_name in ('shift', 'visit')",
    "postgresql": "select indexname, indexdef from pg_indexes where tablename in ('shift', 'visit')"
    " and indexname not in (select conname from pg_constraint)",
}


@contextlib.contextmanager
def without_indexes() -> Iterator[None]:
    """Indexes that are not keys are away meanwhile and made anew afterwards: that takes a fraction of keeping them."""
    with db.transaction() as session:
        made = session.execute(sa.text(INDEXES[session.get_bind().dialect.name])).all()
        for name, _words in made:
            session.execute(sa.text(f'drop index "{name}"'))
    yield
    for _name, words in made:
        with db.transaction() as session:
            session.connection().exec_driver_sql(words)


def measure(app: Flask) -> dict[str, float]:
    """The piece, as the head's open page fetches it."""
    client = cast.World(app).client("zhou")
    took, spent = list[float](), list[float]()
    for _round in range(ROUNDS + 5):
        app.extensions.pop("boards", None)
        began, busy = time.perf_counter(), time.process_time()
        answer = client.get("/live", headers={"HX-Request": "true"})
        took.append(1000 * (time.perf_counter() - began))
        spent.append(1000 * (time.process_time() - busy))
        assert answer.status_code == 200 and "<html" not in answer.text and answer.text.count("王芳") >= HERE
    cuts = statistics.quantiles(took[5:], n=20)
    return {"p50_ms": cuts[9], "p95_ms": cuts[18], "cpu_p95_ms": statistics.quantiles(spent[5:], n=20)[18]}


def sizes(name: str, folder: Path, url: str | None, visits: int) -> dict[str, Any]:
    """One database of one size."""
    app = create_app(settings(folder, url))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    with app.app_context():
        engine = db.database().engine
        migrate.upgrade(engine)
        cast.build()
        station = cast.World(app).place("songling").id
        db.undo()
        began = time.monotonic()
        lay(visits, station)
        with db.transaction() as session:
            session.execute(sa.text("analyze"))
        laid = time.monotonic() - began
        found = measure(app)
        db.undo()
        engine.dispose()
    return {"database": name, "visits": visits, "laid_s": round(laid)} | {key: round(n, 1) for key, n in found.items()}


def everywhere(only: str, asked: list[int]) -> Iterator[dict[str, Any]]:
    """Each size on each database."""
    for visits in asked:
        with databases() as found, tempfile.TemporaryDirectory() as folder:
            for name, _folder, url in found:
                if only in ("", name):
                    here = Path(folder) / name
                    here.mkdir()
                    yield sizes(name, here, url, visits)


def main() -> None:
    """The command; exit 1 when a goal is missed."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--visits", type=int, nargs="+", default=[10_000, 1_000_000])
    ask.add_argument("--only", default="", choices=["", "sqlite", "postgresql"])
    given = ask.parse_args()
    first: dict[str, dict[str, Any]] = {}
    good = True
    for told in everywhere(given.only, given.visits):
        before = first.setdefault(told["database"], told)
        ratios = {f"{key}_ratio": round(told[key] / before[key], 2) for key in ("p50_ms", "p95_ms", "cpu_p95_ms")}
        good = good and told["p95_ms"] < P95_MS and ratios["p95_ms_ratio"] < RATIO
        told = told | ratios
        print(json.dumps(told, ensure_ascii=False), flush=True)
    sys.exit(not good)


if __name__ == "__main__":
    main()
