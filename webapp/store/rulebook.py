"""Dated, editable settings: figures that a district may change, loaded from JSON, never scattered in code.

Each kind ships with a default file beside the feature that owns it; `flask rules KIND FILE.json --from DAY` adds a newer version.
An old month is recomputed with the rules of its own days.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store import audit, db
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made
from webapp.store.types import Uuid


class RuleSet(Keyed, Made, Base):
    """One version of one kind, for the whole database or one place, from a day on."""

    __tablename__ = "rule_set"
    kind: Mapped[str] = mapped_column(sa.String(40))
    place_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    valid_from: Mapped[date]
    body: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    __table_args__ = (sa.Index("ix_rule_set_kind_valid_from", "kind", "valid_from"),)


_defaults: dict[str, Path] = {}


def ship(kind: str, path: Path) -> None:
    """Name the file that holds the default of `kind`. Raises ValueError where another file holds it already."""
    if _defaults.setdefault(kind, path) != path:
        raise ValueError(f"{kind}: {_defaults[kind]} and {path}")


def kinds() -> list[str]:
    """The kinds there are."""
    return sorted(_defaults)


@cache
def default(kind: str) -> dict[str, Any]:
    """The shipped rules of `kind`."""
    found: dict[str, Any] = json.loads(_defaults[kind].read_text())
    return found


def current(kind: str, on: date, place: uuid.UUID | None = None) -> dict[str, Any]:
    """The rules of `kind` that hold on a day at a place: the place's own, else the district's, else the default.

    Not to be changed by the reader: all readers of a process share it.
    """
    row = _holding(kind, on, place)
    return row.body if row else default(kind)


def ever(kind: str, place: uuid.UUID | None = None) -> list[dict[str, Any]]:
    """Every version of `kind` for a place (all places when left out), the default first, the newest last."""
    rows = [row for row in reversed(_versions()) if row.kind == kind and (place is None or row.place_id in (None, place))]
    return [default(kind), *(row.body for row in rows)]


def own(kind: str, on: date, place: uuid.UUID) -> dict[str, Any] | None:
    """What of `kind` one place or household has of its own on a day; None when nothing is."""
    row = _holding(kind, on, place)
    return row.body if row and row.place_id is not None else None


def edition(kind: str, on: date, place: uuid.UUID | None = None) -> datetime | None:
    """When the version was put that `current` gives; None for the default."""
    row = _holding(kind, on, place)
    return row.made_at if row else None


def _holding(kind: str, on: date, place: uuid.UUID | None) -> Any:
    rows = [row for row in _versions() if row.kind == kind and row.valid_from <= on and row.place_id in (None, place)]
    return next((row for row in rows if row.place_id is not None), None) or next(iter(rows), None)


newest = sa.select(sa.func.max(RuleSet.made_at)).scalar_subquery().label("newest_rules")
"""For a question that is asked anyway (who is signed in): then `heard` spares every later one of the same reading."""


def heard(made_at: datetime | None) -> None:
    """Say what `newest` was in this reading."""
    db.reading().info["newest_rules"] = made_at


def _versions() -> Sequence[Any]:
    """All versions, the newest first, kept by the process until a newer one is there; there are a handful."""
    reading = db.reading()
    if "newest_rules" not in reading.info:
        heard(reading.scalar(sa.select(newest)))
    newest_here = reading.info["newest_rules"]
    known = current_app.extensions.get("rulebook")
    if known is None or known[0] != newest_here:
        ask = sa.select(RuleSet.kind, RuleSet.place_id, RuleSet.valid_from, RuleSet.made_at, RuleSet.body)
        rows = reading.execute(ask.order_by(RuleSet.valid_from.desc(), RuleSet.made_at.desc())).all() if newest_here else []
        known = current_app.extensions["rulebook"] = (newest_here, rows)
    found: Sequence[Any] = known[1]
    return found


def put(kind: str, body: dict[str, Any], valid_from: date, place: uuid.UUID | None = None) -> RuleSet:
    """Add a version. Raises KeyError for an unknown kind."""
    default(kind)
    row = RuleSet(kind=kind, body=body, valid_from=valid_from, place_id=place)
    db.session().add(row)
    current_app.extensions.pop("rulebook", None)  # two versions of one millisecond would look like one
    audit.note("rules.put", row, kind=kind, valid_from=valid_from)
    return row
