"""One history for both databases: it runs up and down, and says what the models say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.conftest import KINDS, _admin, pg_url, settings
from tests.house import rooms
from tests.world import World
from webapp import create_app
from webapp.store import db, migrate, traits
from webapp.store.db import Base


@pytest.fixture(params=KINDS)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The app over an empty database."""
    if request.param == "postgresql":
        uri = request.getfixturevalue("pg_server")
        name = f"bare_{tmp_path.name.replace('-', '_')[-20:].lower()}"
        _admin(uri, f"drop database if exists {name} with (force)")
        _admin(uri, f"create database {name}")
        made = create_app(settings(tmp_path, pg_url(uri, name)))
    else:
        made = create_app(settings(tmp_path))
    with made.app_context():
        yield made
        db.undo()
    made.extensions["db"].engine.dispose()


def shape(engine: sa.Engine) -> dict[str, object]:
    """Tables, columns, indexes, uniques, foreign keys, checks: as the database tells them."""
    look = sa.inspect(engine)
    told: dict[str, object] = {}
    for table in sorted(set(look.get_table_names()) - {"alembic_version"}):
        told[table] = {
            "columns": sorted((c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(table)),
            "key": sorted(look.get_pk_constraint(table)["constrained_columns"]),
            "indexes": sorted(
                (str(i["name"]), tuple(map(str, i["column_names"])), bool(i["unique"]), where(i)) for i in look.get_indexes(table)
            ),
            "uniques": sorted(tuple(u["column_names"]) for u in look.get_unique_constraints(table)),
            "foreign": sorted(
                (tuple(f["constrained_columns"]), f["referred_table"], str(sorted(f["options"].items())))
                for f in look.get_foreign_keys(table)
            ),
            "checks": sorted(re.sub(r"\s+|[()\"]", "", str(c["sqltext"])) for c in look.get_check_constraints(table)),
        }
    return told


def where(index: object) -> str:
    """The condition of a partial index."""
    options = dict(index).get("dialect_options", {})  # type: ignore[call-overload]
    return re.sub(r"\s+|[()\"]", "", str(next((v for k, v in options.items() if k.endswith("_where")), "")))


def test_it_runs_up_and_nothing_is_left_to_do(bare: Flask) -> None:
    engine = db.database().engine
    with engine.connect() as connection:
        assert db.behind(connection)
    migrate.upgrade(engine)
    migrate.upgrade(engine)  # told twice
    migrate.differs(engine)
    with engine.connect() as connection:
        assert db.behind(connection) == []


def test_history_and_models_make_the_same_tables(bare: Flask) -> None:
    engine = db.database().engine
    migrate.upgrade(engine)
    by_history = shape(engine)
    with engine.begin() as connection:
        traits.remove(connection)
    migrate.downgrade(engine, "base")
    left = set(sa.inspect(engine).get_table_names()) - {"alembic_version"}
    assert left == set()
    Base.metadata.create_all(engine)
    assert by_history == shape(engine)


def test_the_live_triggers_are_the_listed_ones(bare: Flask) -> None:
    engine = db.database().engine
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert traits.live(connection) == {name: each.table for name, each in traits.TRIGGERS.items()}


def test_a_missing_column_is_noticed(bare: Flask) -> None:
    engine = db.database().engine
    migrate.upgrade(engine)
    with engine.begin() as connection:
        traits.remove(connection)
        connection.execute(sa.text("alter table job drop column trouble"))
    with pytest.raises(Exception, match=r"New upgrade operations"):
        migrate.differs(engine)


def test_up_says_what_is_missing(bare: Flask) -> None:
    migrate.upgrade(db.database().engine)
    assert bare.test_client().get("/up").status_code == 200
    migrate.downgrade(db.database().engine, "base")
    answer = bare.test_client().get("/up")
    assert answer.status_code == 503
    assert "db upgrade" in answer.json["missing"][0]


APPEND_ONLY = sorted({name.removesuffix("_no_delete") for name in traits.TRIGGERS if name.endswith("_no_delete")})


def test_what_must_never_change_is_listed() -> None:
    assert {"audit_entry", "audit_link", "call", "nobody_home"} <= set(APPEND_ONLY)
    assert len(APPEND_ONLY) >= 6
    assert {f"{table}_no_update" for table in APPEND_ONLY} <= set(traits.TRIGGERS)


def test_rows_that_must_never_change_refuse_to(app: Flask, world: World) -> None:
    rooms.furnish(world)
    engine = db.database().engine
    db.undo()
    tried = set()
    for table in APPEND_ONLY:
        column = next(each.name for each in Base.metadata.tables[table].columns if not each.primary_key)
        with engine.connect() as connection:
            rows = connection.execute(sa.text(f"select count(*) from {table}")).scalar()
        if not rows:
            continue
        tried.add(table)
        for deed in (f"delete from {table}", f"update {table} set {column} = {column}"):
            with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match=r"never|refus|sealed|append|chang"):
                connection.execute(sa.text(deed))
    assert {"audit_entry", "audit_link", "call"} <= tried
