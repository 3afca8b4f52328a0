"""One history for both databases: up, the same as the models, down; the triggers are those that are listed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.util.exc import CommandError

from webapp.store import db, migrate, traits
from webapp.store.db import Base


def test_models_and_history_agree(app):
    migrate.differs(db.database().engine)


def test_a_column_without_a_revision_is_noticed(app):
    table = Base.metadata.tables["place"]
    column = sa.Column("planted", sa.Integer())
    table.append_column(column)
    try:
        with pytest.raises(CommandError):
            migrate.differs(db.database().engine)
    finally:
        table._columns.remove(column)


def test_the_live_triggers_are_the_listed_ones(app):
    with db.database().engine.connect() as connection:
        assert traits.live(connection) == {each.name: each.table for each in traits.TRIGGERS.values()}


def test_migrating_again_changes_nothing_and_keeps_the_triggers(app):
    engine = db.database().engine
    with engine.connect() as connection:
        before = traits.live(connection), sorted(sa.inspect(connection).get_table_names())
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert (traits.live(connection), sorted(sa.inspect(connection).get_table_names())) == before
        assert migrate.behind(connection) == []


def test_down_leaves_nothing(app):
    engine = db.database().engine
    migrate.downgrade(engine, "base")
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
        assert migrate.behind(connection)


def test_up_says_what_is_missing(app, world):
    client = world.client()
    assert client.get("/up").status_code == 200
    migrate.downgrade(db.database().engine, "base")
    answer = client.get("/up")
    assert answer.status_code == 503
    assert "db upgrade" in answer.json["missing"][0]


@pytest.mark.parametrize("table", sorted({each.table for each in traits.TRIGGERS.values() if each.name.endswith("_no_delete")}))
def test_what_is_append_only_refuses_change(app, table):
    """Rows are not needed: SQLite and PostgreSQL both keep row triggers, so an empty table is filled by the features' tests."""
    with db.database().engine.connect() as connection:
        names = traits.live(connection)
    assert {f"{table}_no_update", f"{table}_no_delete"} <= set(names)
