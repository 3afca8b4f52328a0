"""The demo world is what was asked for, adds up, lets one of each role in, and repeats itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import conftest
from tests.ledger.test_ledger_going_out import checked
from webapp.access import Role
from webapp.kit import clock
from webapp.ledger import exporting
from webapp.ledger import queries as ledger
from webapp.ledger.exporting import Home
from webapp.ledger.models import Book, Entry, Posting
from webapp.ledger.rows import HELD
from webapp.people.models import Grant, HomeCareUnit, Household, Place, Resident
from webapp.roster.models import Shift
from webapp.sample import commands, frame
from webapp.sample.rules import DAYS_OF
from webapp.store import audit, db, migrate
from webapp.visits.models import Call, Service, Visit

CARED_FOR = Resident.ended_on.is_(None)
MONEY = (Entry.day, Entry.kind, Entry.category, Entry.fen, Entry.words)


@pytest.fixture(params=conftest.KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app whose database has tables and no row."""
    yield from _empty(request, tmp_path, request.param)


@pytest.fixture
def empty_lite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The same on SQLite alone, for what takes long."""
    yield from _empty(request, tmp_path, "sqlite")


def _empty(request: pytest.FixtureRequest, folder: Path, kind: str) -> Iterator[Flask]:
    url, name = None, f"empty_{folder.name}".lower().replace("[", "_").replace("]", "_").replace("-", "_")
    if kind == "postgresql":
        uri = request.getfixturevalue("pg_server")
        conftest._admin(uri, f'create database "{name}"')
        url = conftest.pg_url(uri, name)
    made = conftest.app_of(conftest.settings(folder, url))
    with made.app_context():
        migrate.upgrade(db.database().engine)
        yield made
    made.extensions["db"].engine.dispose()
    if kind == "postgresql":
        conftest._admin(uri, f'drop database "{name}" with (force)')


def count(table: type[Any], *where: Any) -> int:
    return db.reading().scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0


def test_the_small_world_is_what_was_asked_for(empty: Flask) -> None:
    commands.build("small", None)
    assert (count(Household), count(Resident, CARED_FOR), count(Resident)) == (8, 9, 10)  # two of them without daily care
    held = db.reading().execute(sa.select(sa.func.count(HomeCareUnit.id)).group_by(HomeCareUnit.caregiver_id)).scalars().all()
    assert sorted(held) == [1, 2, 3]
    assert count(Household, Household.no_signal) == 1
    past = Visit.day < clock.today()
    assert count(Visit, past) == 6 * DAYS_OF["small"]
    assert count(Call, Call.at < clock.day_bounds(clock.today())[0]) == 2 * 6 * DAYS_OF["small"]
    assert count(Service) > 6 * DAYS_OF["small"] * 2
    assert count(Shift, Shift.day == clock.today()) == 6


def test_the_books_of_the_small_world_add_up(empty: Flask) -> None:
    commands.build("small", None)
    assert count(Entry) > 50
    assert db.reading().scalar(sa.select(sa.func.sum(Posting.fen))) == 0
    assert ledger.disagreements() == []


def test_the_audit_of_the_small_world_verifies(empty: Flask) -> None:
    commands.build("small", None)
    assert audit.verify(db.reading()) == []


def test_everybody_named_by_logins_gets_in(empty: Flask) -> None:
    commands.build("small", None)
    ways = commands.ways_in()
    assert {way["role"] for way in ways} == {str(role) for role in Role}
    for way in ways:
        client = empty.test_client()
        path = way["open"].split("8000", 1)[1]
        if "login" not in way:
            assert client.get(path).status_code == 200, way["role"]
            continue
        answer = client.post(path, data={"name": way["login"], "password": way["password"]})
        assert answer.status_code == 303, way["role"]
        assert client.get("/me").status_code == 200, way["role"]


def test_first_does_nothing_the_second_time(empty_lite: Flask) -> None:
    run = empty_lite.test_cli_runner()
    told = run.invoke(args=["sample", "first"])
    assert told.exit_code == 0 and frame.PASSWORD in told.output
    before = digest()
    assert run.invoke(args=["sample", "first"]).exit_code == 0
    assert digest() == before


def test_nothing_is_loaded_beside_a_district_that_is_there(app: Flask) -> None:
    places = count(Place)
    told = app.test_cli_runner().invoke(args=["sample", "load"])
    assert told.exit_code != 0 and "DATA_DIR" in told.output
    assert count(Place) == places


def test_the_same_seed_makes_the_same_people_visits_and_money(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    found = []
    for seed, name in ((7, "one"), (7, "two"), (8, "other")):
        folder = tmp_path / name
        folder.mkdir()
        for _app in _empty(request, folder, "sqlite"):
            commands.build("small", seed)
            found.append(digest())
    assert found[0] == found[1] != found[2]


def digest() -> str:
    """People, past visits and past money as one figure."""
    start, session = clock.today(), db.reading()
    residents = session.execute(sa.select(Resident.number, Resident.name, Resident.birth_date).order_by(Resident.number))
    visits = session.execute(sa.select(Visit.id, Visit.arrived_at, Visit.minutes).where(Visit.day < start).order_by(Visit.id))
    money = session.execute(sa.select(*MONEY).where(Entry.day < start))
    return hashlib.sha256(repr([residents.all(), visits.all(), sorted(map(tuple, money))]).encode()).hexdigest()


def test_a_street_has_77_households_and_118_residents(empty_lite: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(commands.rules.DAYS_OF, "street", 3)
    assert empty_lite.test_cli_runner().invoke(args=["sample", "load", "--size", "street"]).exit_code == 0
    assert (count(Household), count(Resident, CARED_FOR)) == (77, 118)
    assert count(Visit, Visit.day < clock.today()) == 77 * 3
    assert count(Grant, Grant.role == Role.CAREGIVER) == 77
    assert ledger.disagreements() == [] and audit.verify(db.reading()) == []


def test_beancount_accepts_every_demo_households_book_with_our_balances(empty_lite: Flask) -> None:
    commands.build("small", None)
    kept = sa.select(Household.id, Household.number, Household.name).join(Book, Book.household_id == Household.id)
    homes = [Home(*row) for row in db.reading().execute(kept)]
    for home in homes:
        told = checked(exporting.write("beancount", [home], None, clock.today()).decode())
        held = db.reading().execute(sa.select(Book).where(Book.household_id == home.id)).scalar_one()
        for name in HELD:
            assert told.get(exporting.account_of(home.number, name), 0) == getattr(held, f"{name}_fen")
    assert len(homes) == 6
