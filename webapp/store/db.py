"""One engine, one session per request, the one commit point.

Readers (GET, HEAD) begin deferred so that they never take SQLite's write lock; writers begin immediate and end soon.
Nobody else commits: `settle()` does it for requests, `transaction()` for commands and jobs.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, g, has_request_context, request
from sqlalchemy import event, orm
from sqlalchemy.dialects import postgresql, sqlite

from webapp.store import cursors, seen

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SAFE = ("GET", "HEAD", "OPTIONS")
MIGRATIONS = Path(__file__).parents[2] / "migrations"
PATIENCE_S = 5
"""How long a writer waits for SQLite's lock before the phone is told to come again."""


RESTED_S = 1.0
"""A connection unused for longer is asked whether it lives before it is used."""
AT_ONCE = 16
"""Pages that one process works on at the same time."""
POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 2 * AT_ONCE - 8, "pool_timeout": PATIENCE_S}
"""Two for each of them: who writes may look into the rules meanwhile, and must not wait for those who wait for it."""


PRAGMAS = ("journal_mode=wal", "synchronous=full", "foreign_keys=on", f"busy_timeout={PATIENCE_S * 1000}", "cache_size=-500")
"""Half a megabyte of pages for each connection: the system keeps the file in memory once for all of them."""


class Base(orm.DeclarativeBase):
    """Every table of the house."""

    metadata = sa.MetaData(naming_convention=NAMING)


class Database:
    """The app's engine and sessions; `app.extensions["db"]`."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.writer = orm.sessionmaker(self.engine, expire_on_commit=False)
        if self.engine.dialect.name == "postgresql":
            event.listen(self.writer, "before_flush", seen.check)
        self.reader = orm.sessionmaker(self.engine.execution_options(read_only=True), expire_on_commit=False, autoflush=False)
        self.before_commit: list[Callable[[orm.Session], None]] = []


def init_app(app: Flask, url: str) -> Database:
    """Give `app` its database; sessions close with the app context, uncommitted work is rolled back."""
    database = app.extensions["db"] = Database(url)

    @app.teardown_appcontext
    def close(_error: BaseException | None) -> None:
        for name in ("session", "reading"):
            if (session := g.pop(name, None)) is not None:
                session.close()

    return database


def _woken(engine: sa.Engine) -> sa.Engine:
    """`engine`, which asks a connection that has rested whether it still lives; one used just now is not asked."""

    @event.listens_for(engine, "checkin")
    def checkin(_connection: Any, record: Any) -> None:
        record.info["rests"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("rests", math.inf) > RESTED_S:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise sa.exc.InvalidatePoolError from error

    return engine


def _spoken(engine: sa.Engine) -> sa.Engine:
    """`engine`, whose statements go out as they were compiled (see `store/cursors.py`). Only who writes says BEGIN: who
    reads sees as much without it, and saves the ways there and back.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.cursor_factory, connection.server_cursor_factory = cursors.Cursor, cursors.ServerCursor

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if driver.autocommit and not connection.get_execution_options().get("read_only"):
            connection.exec_driver_sql("begin")

    return engine


def make_engine(url: str) -> sa.Engine:
    """An engine for `url`: SQLite in WAL with full sync, or PostgreSQL."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        ours = {"paramstyle": "numeric_dollar", "use_native_hstore": False, "isolation_level": "AUTOCOMMIT"}
        return _spoken(_woken(sa.create_engine(url, **ours, **POOL)))
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE_S, "check_same_thread": False}, **POOL)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own
        connection.create_function("chained", 2, lambda head, link: hashlib.sha256(head + link).digest(), deterministic=True)
        for pragma in PRAGMAS:
            connection.execute(f"pragma {pragma}")

    turn = threading.Lock()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("read_only"):
            connection.exec_driver_sql("begin")
        else:
            _begin_writing(connection, turn)

    @event.listens_for(engine, "checkin")
    def checkin(_connection: Any, record: Any) -> None:
        if record.info.pop("turn", False):
            turn.release()

    @event.listens_for(engine, "commit")
    def commit(connection: sa.Connection) -> None:
        # A full disk makes SQLite roll back by itself; its driver then calls a COMMIT of nothing a success.
        if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            raise sa.exc.OperationalError("commit", {}, sqlite3.OperationalError("the transaction is gone"))

    @event.listens_for(engine, "reset")
    def reset(connection: Any, _record: Any, _state: Any) -> None:
        if connection.in_transaction:  # a refused COMMIT leaves it open, and everybody else locked out
            connection.rollback()

    return engine


def _begin_writing(connection: sa.Connection, turn: threading.Lock) -> None:
    """Take SQLite's write lock within five seconds, one thread of this process at a time.

    Its own waiting sleeps longer and longer: of sixteen threads the unlucky ones never got a turn. So threads queue here,
    and the one whose turn it is asks every two milliseconds.
    """
    until = time.monotonic() + PATIENCE_S
    if not connection.info.get("turn"):
        if not turn.acquire(timeout=PATIENCE_S):
            raise sa.exc.OperationalError("begin immediate", {}, sqlite3.OperationalError("database is locked"))
        connection.info["turn"] = True
    driver: Any = connection.connection.driver_connection
    driver.execute("pragma busy_timeout=0")
    try:
        while not _begun(driver, last=time.monotonic() >= until):
            time.sleep(0.002)
    except sqlite3.OperationalError as error:
        raise sa.exc.OperationalError("begin immediate", {}, error) from error
    finally:
        driver.execute(f"pragma busy_timeout={PATIENCE_S * 1000}")


def _begun(driver: Any, *, last: bool) -> bool:
    try:
        driver.execute("begin immediate")
    except sqlite3.OperationalError as error:
        if last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def behind(connection: sa.Connection) -> list[str]:
    """What keeps the database from being current: [] or English words for operators. The newest revision has the last number."""
    newest = max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    told = sa.inspect(connection).has_table("alembic_version")
    here = connection.scalar(sa.text("select version_num from alembic_version")) if told else None
    return [] if here == newest else [f"database is at {here}, code is at {newest}: run flask db upgrade"]


def database() -> Database:
    """The current app's database."""
    found: Database = current_app.extensions["db"]
    return found


def session() -> orm.Session:
    """The session of this request (reading for GET) or command (writing)."""
    if g.get("reads") or (has_request_context() and request.method in SAFE and not g.get("writes")):
        return reading()
    if "session" not in g:
        if (looked := g.get("reading")) is not None:
            looked.commit()  # who waits for the write lock must not hold a snapshot: SQLite's log could never begin anew
        g.session = database().writer()
    found: orm.Session = g.session
    return found


def line() -> sa.Connection:
    """The connection of `session()`, for statements on tables: an ORM that has nothing to do costs a third of them."""
    found = session()
    if found.new or found.dirty or found.deleted:
        found.flush()
    known: sa.Connection | None = found.info.get("line")
    if known is None or known.closed:
        known = found.info["line"] = found.connection()
    return known


def insert(table: Any, dialect: str | None = None) -> Any:
    """An INSERT that may say what it does on conflict, as this database says it (`dialect`: the name of another's)."""
    return (postgresql if (dialect or session().get_bind().dialect.name) == "postgresql" else sqlite).insert(table)


def reading() -> orm.Session:
    """A session that only reads, also inside a POST: who is asking must not take the write lock."""
    if "reading" not in g:
        g.reading = database().reader()
    found: orm.Session = g.reading
    return found


@contextmanager
def reads() -> Iterator[None]:
    """Inside, `session()` only reads, also in a POST: looking long before writing must not hold the write lock."""
    before = g.get("reads")
    g.reads = True
    try:
        yield
    finally:
        g.reads = before


def writes() -> None:
    """Let this GET write (a look is logged); said before its first query."""
    g.writes = True


def hold(row: Base) -> None:
    """Read `row` again and let nobody else change it before this transaction ends: what follows may rely on what it says."""
    held = session()
    held.flush()
    held.refresh(row, with_for_update={"of": type(row)})
    held.info.setdefault("held", set()).add(row)


def elsewhere(error: sa.exc.DBAPIError) -> bool:
    """Whether somebody did the same in the same moment: laid a row of its kind, or changed the one that was read."""
    twice = getattr(error.orig, "sqlstate", None) == "23505" or "UNIQUE" in str(error.orig)
    return seen.overtaken(error) or (isinstance(error, sa.exc.IntegrityError) and twice)


def settle() -> None:
    """Commit what this request wrote; a request that only read just lets go. Later reads see the new state."""
    if (open_reading := g.pop("reading", None)) is not None:
        open_reading.close()
    if (open_session := g.get("session")) is not None:
        commit(open_session)
        open_session.close()
        del g.session


def undo() -> None:
    """Roll back what this request wrote."""
    for name in ("session", "reading"):
        if (session := g.pop(name, None)) is not None:
            session.close()


def commit(session: orm.Session) -> None:
    """Flush, let the audit chain close the transaction as its last statement, commit."""
    try:
        session.flush()
        for finish in database().before_commit:
            finish(session)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("held", None)


@contextmanager
def transaction() -> Iterator[orm.Session]:
    """For commands and jobs: one write, committed at the end, rolled back on any error."""
    settle()
    g.writes = True
    try:
        yield session()
        settle()
    finally:
        undo()
        g.pop("writes", None)
