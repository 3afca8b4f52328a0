"""Migrations by command, never at the import of a worker: two workers racing would fail to boot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from webapp.store import audit, traits
from webapp.store.db import Base

HERE = Path(__file__).parents[2] / "migrations"


def config(engine: sa.Engine | None = None) -> Config:
    """Alembic's configuration for an engine."""
    made = Config()
    made.set_main_option("script_location", str(HERE))
    made.set_main_option("path_separator", "os")
    made.attributes["engine"] = engine
    made.attributes["metadata"] = Base.metadata
    return made


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest revision; triggers are dropped before and made after."""
    with engine.begin() as connection:
        traits.remove(connection)
    try:
        command.upgrade(config(engine), "head")
    finally:
        with engine.begin() as connection:
            traits.install(connection)
    with engine.begin() as connection:
        audit.begin_chain(connection)


def downgrade(engine: sa.Engine, to: str) -> None:
    """Back to a revision, or "base"."""
    with engine.begin() as connection:
        traits.remove(connection)
    command.downgrade(config(engine), to)
    with engine.begin() as connection:
        traits.install(connection)


def behind(connection: sa.Connection) -> list[str]:
    """What keeps the database from being current: [] or English words for operators."""
    newest = ScriptDirectory.from_config(config()).get_heads()
    here: Any = MigrationContext.configure(connection).get_current_heads()
    return [] if set(here) == set(newest) else [f"database is at {list(here)}, code is at {newest}: run flask db upgrade"]


def differs(engine: sa.Engine) -> None:
    """Raise when models and history disagree."""
    command.check(config(engine))


def revise(engine: sa.Engine, words: str, number: str) -> None:
    """Write a revision from the difference between models and database."""
    command.revision(config(engine), words, autogenerate=True, rev_id=number)
