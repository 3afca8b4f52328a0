"""What many rows share, and the list of all triggers (both databases; migrations drop and remake them)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock, ids
from webapp.store.types import Instant, Uuid

if TYPE_CHECKING:
    from webapp.access import Actor


class Keyed:
    """A UUIDv7 key."""

    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True, default=ids.new)


class Made:
    """When the server made the row."""

    made_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)


class Spell:
    """Something that holds from one instant until another; open while `until` is empty."""

    since: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    until: Mapped[datetime | None] = mapped_column(Instant())

    @classmethod
    def holds(cls, at: datetime | None = None) -> sa.ColumnElement[bool]:
        """Condition: it holds at `at` (default now, and that is the moment of asking: a question may be made long before)."""
        moment = sa.bindparam("moment", callable_=clock.now, type_=Instant(), unique=True) if at is None else at
        return sa.and_(cls.since <= moment, sa.or_(cls.until.is_(None), cls.until > moment))


class Homed:
    """A private row of one household: whoever may enter the household reaches it."""

    household_id: Mapped[uuid.UUID]

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the row's household is within `actor`'s reach."""
        return actor.reaches_household(cls.household_id)


def told(name: str, column: str, *, unique: bool = False) -> sa.Index:
    """An index of the rows that say something in `column`, for columns mostly empty.

    SQLite takes an index that is mostly nulls for useless once it has analysed the table, and reads the whole table.
    """
    said = sa.text(f"{column} is not null")
    return sa.Index(name, column, unique=unique, sqlite_where=said, postgresql_where=said)


@dataclass(frozen=True)
class Trigger:
    """One trigger in both dialects. PostgreSQL's names a function made beside it."""

    name: str
    table: str
    sqlite: str
    postgresql: str


TRIGGERS: dict[str, Trigger] = {}


def trigger(name: str, table: str, *, sqlite: str, postgresql: str) -> None:
    """List a trigger. `sqlite`: the whole CREATE TRIGGER. `postgresql`: statements separated by a line `--`."""
    TRIGGERS[name] = Trigger(name, table, sqlite, postgresql)


def append_only(table: str, say: str, *, but: str = "") -> None:
    """Refuse UPDATE and DELETE on `table` with the words `say`. `but`: SQL condition on OLD/NEW that is let through."""
    for deed in ("update", "delete"):
        name = f"{table}_no_{deed}"
        unless = f" when not ({but})" if but and deed == "update" else ""
        trigger(
            name,
            table,
            sqlite=f"create trigger {name} before {deed} on {table}{unless} begin select raise(abort, '{say}'); end",
            postgresql=(
                f"create or replace function {name}() returns trigger language plpgsql as "
                f"$$ begin raise exception '{say}'; end $$\n--\n"
                f"create trigger {name} before {deed} on {table} for each row{unless and f' when (not ({but}))'} "
                f"execute function {name}()"
            ),
        )


def install(connection: sa.Connection) -> None:
    """Make every listed trigger whose table is there."""
    tables = set(sa.inspect(connection).get_table_names())
    for each in TRIGGERS.values():
        if each.table in tables:
            text = each.postgresql if connection.dialect.name == "postgresql" else each.sqlite
            for statement in text.split("\n--\n"):
                connection.exec_driver_sql(statement)


def remove(connection: sa.Connection) -> None:
    """Drop every trigger there is: batch moves of tables must not meet them."""
    for name, table in live(connection).items():
        suffix = f" on {table}" if connection.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"drop trigger {name}{suffix}")


def live(connection: sa.Connection) -> dict[str, str]:
    """The triggers the database has: name → table."""
    if connection.dialect.name == "postgresql":
        ask = "select tgname, tgrelid::regclass::text from pg_trigger where not tgisinternal"
    else:
        ask = "select name, tbl_name from sqlite_master where type = 'trigger'"
    rows: Any = connection.exec_driver_sql(ask).all()
    return {name: table for name, table in rows}
