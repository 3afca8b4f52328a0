"""One commit point: readers read on, a refused commit leaves nothing locked."""

from __future__ import annotations

import ast
import contextvars
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.store.kit import counted
from tests.world import World
from webapp import create_app
from webapp.kit import settings
from webapp.people.models import Place
from webapp.store import audit, db, jobs
from webapp.store.jobs import Job
from webapp.store.types import Instant, Uuid

WEBAPP = Path(__file__).parents[2] / "webapp"


def apart(deed):
    """Run `deed` in a context of its own, as another request would."""
    return contextvars.Context().run(deed)


def count_jobs(app: Flask) -> int:
    def ask() -> int:
        with app.test_request_context("/"):
            return db.session().scalar(sa.select(sa.func.count()).select_from(Job))

    return apart(ask)


def test_a_reader_reads_on_while_a_writer_writes_and_sees_nothing_unfinished(app: Flask) -> None:
    before = count_jobs(app)
    with db.transaction() as session:
        jobs.ask("events.purge")
        session.flush()
        assert count_jobs(app) == before
    assert count_jobs(app) == before + 1


def test_an_error_inside_a_transaction_undoes_all_of_it(app: Flask) -> None:
    before = count_jobs(app)

    def break_down() -> None:
        with db.transaction() as session:
            jobs.ask("events.purge")
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    assert count_jobs(app) == before


def test_a_refused_commit_leaves_nothing_locked(app: Flask) -> None:
    def refuse(session) -> None:
        session.execute(sa.text("select no_such_column from no_such_table"))

    hooks = db.database().before_commit
    hooks.append(refuse)
    try:
        with pytest.raises(sa.exc.DBAPIError), db.transaction():
            jobs.ask("events.purge")
    finally:
        hooks.remove(refuse)
    written = threading.Event()

    def other() -> None:
        with app.app_context(), db.transaction():
            jobs.ask("events.purge")
        written.set()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join(10)
    assert written.is_set()


def test_a_commit_refused_by_the_data_leaves_nothing_locked(app: Flask, world: World) -> None:
    """On SQLite a refused COMMIT leaves the transaction open: the pool must end it."""
    if db.database().engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL ends a refused transaction by itself")
    engine = db.database().engine
    db.undo()
    with engine.connect() as connection:
        connection.exec_driver_sql("pragma defer_foreign_keys = on")
        connection.exec_driver_sql("update person set station_id = zeroblob(16) where station_id is not null")
        with pytest.raises(sa.exc.IntegrityError):
            connection.commit()
    with engine.connect() as again:
        again.exec_driver_sql("update job set tries = tries")
        again.commit()


def test_settle_keeps_and_undo_forgets(app: Flask) -> None:
    before = count_jobs(app)
    with app.test_request_context("/", method="POST"):
        jobs.ask("events.purge")
        db.session().flush()
        db.undo()
        jobs.ask("events.purge")
        db.settle()
        jobs.ask("events.purge")
        db.session().flush()
        db.undo()
    assert count_jobs(app) == before + 1


def test_a_get_reads_and_cannot_lock_others_out(app: Flask) -> None:
    with app.test_request_context("/"):
        assert db.session() is db.reading()
    db.undo()
    with app.test_request_context("/"):
        db.writes()
        assert db.session() is not db.reading()
        db.undo()
    db.undo()


def test_what_was_read_before_settling_can_still_be_shown(app: Flask) -> None:
    db.undo()
    with app.test_request_context("/", method="POST"):
        place = db.session().scalars(sa.select(Place).where(Place.code == "songling")).one()
        db.settle()
        assert place.name == "松岭一社区居家养老服务站"


def test_the_audit_head_is_the_last_statement_before_commit(app: Flask) -> None:
    db.undo()
    with counted() as sent, db.transaction():
        jobs.ask("events.purge")
        audit.note("test.deed", "job:1")
    assert sent[-1].lower().startswith("update audit_head")


def test_instants_and_keys_come_back_as_they_went(app: Flask, world: World) -> None:
    at = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    with db.transaction() as session:
        session.add(Job(name="events.purge", args={}, due_at=at))
    row = db.reading().scalars(sa.select(Job).where(Job.due_at == at)).one()
    assert row.due_at == at and row.due_at.tzinfo is not None
    assert db.reading().scalars(sa.select(Job).where(Job.due_at > at - timedelta(milliseconds=1))).all() == [row]


def test_a_naive_datetime_is_no_instant() -> None:
    with pytest.raises(ValueError, match="naive"):
        Instant().process_bind_param(datetime(2026, 1, 1), sa.create_engine("sqlite://").dialect)
    assert Uuid().process_bind_param(None, sa.create_engine("sqlite://").dialect) is None


def commits(source: str) -> list[int]:
    """Lines of `source` that commit."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]


def test_only_the_commit_point_commits() -> None:
    guilty = {
        f"{path.relative_to(WEBAPP)}:{line}"
        for path in WEBAPP.rglob("*.py")
        if path != WEBAPP / "store" / "db.py"
        for line in commits(path.read_text())
        if "db.commit(" not in path.read_text().splitlines()[line - 1]
    }
    assert guilty == set()
    asking = {
        str(path.relative_to(WEBAPP))
        for path in WEBAPP.rglob("*.py")
        if path != WEBAPP / "store" / "db.py" and commits(path.read_text())
    }
    assert asking <= {"store/inbox.py"}, "only the inbox asks for a commit in the middle of its work"


def test_a_planted_commit_is_found() -> None:
    assert commits("session.commit()") == [1]


def test_a_new_app_holds_no_connection_and_no_thread(app: Flask, tmp_path: Path) -> None:
    """The pages' workers are forks of one loaded process (webapp/clockwork.py): what it held, they would share."""
    before = threading.active_count()
    new = create_app(settings.read({"DATA_DIR": str(tmp_path), "DATABASE_URL": app.extensions["settings"].database_url}))
    assert new.extensions["db"].engine.pool.checkedin() == 0
    assert threading.active_count() == before
