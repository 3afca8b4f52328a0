"""Migrations by command, never at the import of a worker: two workers racing would fail to boot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from webapp.store import audit, traits
from webapp.store.db import MIGRATIONS, Base


def config(engine: sa.Engine | None = None) -> Config:
    """Alembic's configuration for an engine."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
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


def differs(engine: sa.Engine) -> None:
    """Raise when models and history disagree."""
    command.check(config(engine))


def revise(engine: sa.Engine, words: str, number: str) -> None:
    """Write a revision from the difference between models and database."""
    command.revision(config(engine), words, autogenerate=True, rev_id=number)
