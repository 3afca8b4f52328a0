"""What came from a phone, by the phone's own counter: what was delivered, and which numbers never came."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from webapp.people import rules
from webapp.store import db
from webapp.store.arrivals import Conflict, Kept

LOOK_BACK = 500


@dataclass(frozen=True)
class Delivered:
    """What the server has of a phone's records: the last number, when one last came, stretches of numbers that did not."""

    last: int
    at: datetime
    missing: list[tuple[int, int]]

    @property
    def lost(self) -> int:
        """How many numbers are missing."""
        return sum(to - since + 1 for since, to in self.missing)

    @property
    def came(self) -> int:
        """How many records came from the phone since its key was made."""
        return self.last - self.lost

    @property
    def missing_words(self) -> str:
        """12、15-18 and so on; the first ten stretches."""
        words = [str(since) if since == to else f"{since}-{to}" for since, to in self.missing]
        return "、".join(words[:10]) + ("…" if len(words) > 10 else "")


def delivered(devices: Sequence[uuid.UUID]) -> dict[uuid.UUID, Delivered]:
    """What came from each of `devices`, over its last 500 records; without those that sent none.

    A second content under a known id has come too: it is not lost, somebody only has to look at it.
    """
    if not devices:
        return {}
    came = sa.union_all(*(_numbers(table, devices) for table in (Kept, Conflict))).subquery()
    turn = sa.func.row_number().over(partition_by=came.c.device_id, order_by=(came.c.gen.desc(), came.c.dseq.desc()))
    numbered = sa.select(came, turn.label("turn")).subquery()
    rows: dict[uuid.UUID, list[Any]] = {}
    for row in db.session().execute(sa.select(numbered).where(numbered.c.turn <= LOOK_BACK).order_by(numbered.c.turn)):
        rows.setdefault(row.device_id, []).append(row)
    return {key: _delivered(found) for key, found in rows.items()}


def _numbers(table: type[Kept] | type[Conflict], devices: Sequence[uuid.UUID]) -> Any:
    columns = (table.device_id, table.gen, table.dseq, table.received_at)
    return sa.select(*columns).where(table.device_id.in_(devices), table.dseq.is_not(None))


def _delivered(rows: list[Any]) -> Delivered:
    numbers = [row.dseq for row in rows if row.gen == rows[0].gen]
    first = numbers[-1] if len(rows) == LOOK_BACK else 1
    return Delivered(numbers[0], max(row.received_at for row in rows), rules.missing_numbers(numbers, first))
