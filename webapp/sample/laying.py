"""Writing in bulk: rows as plain tuples of the driver's own values. Constraints and triggers hold as for everything else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from webapp.store.types import Instant, Uuid

Table = type[Any]


class Ink:
    """Turns keys, instants and days into what the driver takes, once a value instead of once a cell."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self.key = _bound(Uuid(), dialect)
        self.at = _bound(Instant(), dialect)
        self.day = _bound(sa.Date(), dialect)
        self.json: Callable[[Any], str] = json.dumps


def _bound(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any]:
    return kind.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)


class Shelf:
    """Rows waiting to be written, by table; tables are written in the order they were named."""

    def __init__(self, columns: dict[Table, str]) -> None:
        self.columns = {table: names.split() for table, names in columns.items()}
        self.rows: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in columns}

    def write(self, connection: sa.Connection) -> None:
        """Write all, the first table first: parents before children, postings before their entries."""
        lay = _copy if connection.dialect.name == "postgresql" else _insert
        for table, rows in self.rows.items():
            if rows:
                lay(connection, table.__tablename__, self.columns[table], rows)
                rows.clear()


def _insert(connection: sa.Connection, table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(columns))
    connection.exec_driver_sql(f"insert into {table} ({', '.join(columns)}) values ({marks})", rows)


def _copy(connection: sa.Connection, table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)
