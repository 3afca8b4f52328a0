"""Cursors of PostgreSQL that do no work SQLAlchemy does not need: statements come with $1 and are not read again for %s, and a
result is told in names and types only.
"""

from __future__ import annotations

from typing import Any

import psycopg


class _Brief:
    """What a result has: (name, type, and five that nobody asks for) for each column."""

    pgresult: Any

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """None when the statement gave no rows."""
        found = self.pgresult
        if not found or not found.nfields:
            return None
        return [(found.fname(n).decode(), found.ftype(n), None, None, None, None, None) for n in range(found.nfields)]


class Cursor(_Brief, psycopg.RawCursor[Any]):
    """The usual one."""


class ServerCursor(psycopg.RawServerCursor[Any]):
    """One whose rows stay with the server until they are fetched."""
