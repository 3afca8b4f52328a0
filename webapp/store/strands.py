"""One question for rows of several tables: strands of one shape, laid together by UNION ALL.

A page that wants a handful of rows from each of many tables pays one way to the database instead of many.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from webapp.store import db
from webapp.store.types import Instant, Uuid

SHAPE: dict[str, sa.types.TypeEngine[Any]] = {
    "key": Uuid(),
    **{name: Uuid() for name in ("other", "third", "fourth")},
    "at": Instant(),
    "due": Instant(),
    **{name: sa.Text() for name in "abcde"},
    **{name: sa.BigInteger() for name in "nmk"},
    "sealed": sa.LargeBinary(),
    **{name: sa.JSON() for name in ("one", "two", "three")},
}
"""What a row may carry beside its kind: four keys, two instants, words, whole numbers, sealed bytes, facts."""
_BLANK = {name: sa.cast(sa.null(), kind).label(name) for name, kind in SHAPE.items()}

_NEVER = datetime.min.replace(tzinfo=UTC)
Strand = sa.Select[*tuple[Any, ...]]
Question = sa.CompoundSelect[*tuple[Any, ...]]


def strand(kind: str, **columns: Any) -> Strand:
    """A select of `columns` in the common shape; what is not named is null. `kind` tells its rows apart."""
    shaped = [
        sa.type_coerce(columns[name], SHAPE[name]).label(name) if name in columns else blank for name, blank in _BLANK.items()
    ]
    return sa.select(sa.literal(kind, sa.Text()).label("kind"), *shaped)


def together(*strands: Strand) -> Question:
    """All strands as one question. Made once, with parameters for what changes: making it costs more than asking."""
    return sa.union_all(*strands)


def asked(question: Question, **given: Any) -> dict[str, list[Any]]:
    """The rows of all strands by kind, in order of `at` where it is told."""
    rows = db.session().connection().execute(question, given).all()  # rows, no entities: past the session is half the way
    found: dict[str, list[Any]] = {}
    for row in sorted(rows, key=lambda row: row.at or _NEVER):
        found.setdefault(row.kind, []).append(row)
    return found
