"""Cursors of PostgreSQL that do no work SQLAlchemy does not need: statements come with $1 and are not read again for %s, and a
result is told in names and types only.
"""

from __future__ import annotations

from typing import Any

import psycopg


class Cursor(psycopg.RawCursor[Any]):
    """The usual one."""

    @property
    def description(self) -> Any:
        """(name, type, and five that nobody asks for) for each column; None when the statement gave no rows."""
        found = self.pgresult
        if not found or not found.nfields:
            return None
        return [((found.fname(n) or b"").decode(), found.ftype(n), *[None] * 5) for n in range(found.nfields)]


ServerCursor = psycopg.RawServerCursor
"""One whose rows stay with the server until they are fetched."""
