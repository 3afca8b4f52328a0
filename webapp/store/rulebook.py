"""Dated, editable settings: figures that a district may change, loaded from JSON, never scattered in code.

Each kind ships with a default file beside the feature that owns it; `flask rules KIND FILE.json` adds a newer version.
An old month is recomputed with the rules of its own days.
"""

from __future__ import annotations

import json
import uuid
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
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
    """Name the file that holds the default of `kind`."""
    _defaults[kind] = path


def kinds() -> list[str]:
    """The kinds there are."""
    return sorted(_defaults)


@cache
def default(kind: str) -> dict[str, Any]:
    """The shipped rules of `kind`."""
    found: dict[str, Any] = json.loads(_defaults[kind].read_text())
    return found


def current(kind: str, on: date, place: uuid.UUID | None = None) -> dict[str, Any]:
    """The rules of `kind` that hold on a day at a place: the place's own, else the district's, else the default."""
    rows = (
        db.reading()
        .execute(
            sa.select(RuleSet.place_id, RuleSet.body)
            .where(RuleSet.kind == kind, RuleSet.valid_from <= on, sa.or_(RuleSet.place_id.is_(None), RuleSet.place_id == place))
            .order_by(RuleSet.valid_from.desc(), RuleSet.made_at.desc())
        )
        .all()
    )
    own = next((row.body for row in rows if row.place_id is not None), None)
    return own or next((row.body for row in rows), None) or default(kind)


def put(kind: str, body: dict[str, Any], valid_from: date, place: uuid.UUID | None = None) -> RuleSet:
    """Add a version. Raises KeyError for an unknown kind."""
    default(kind)
    row = RuleSet(kind=kind, body=body, valid_from=valid_from, place_id=place)
    db.session().add(row)
    audit.note("rules.put", row, kind=kind, valid_from=valid_from)
    return row
