"""Acts as the inbox hands them to the book's verbs, made by hand."""

from __future__ import annotations

import uuid
from datetime import datetime

from webapp.kit import clock, ids
from webapp.store.inbox import Act


def act(author: uuid.UUID, *photos: str, at: datetime | None = None, kind: str = "ledger.spend") -> Act:
    """An act of `author` now, or at an instant; `photos`: digests in the field `receipt`."""
    now = clock.now()
    return Act(
        id=ids.new(), kind=kind, author_id=author, courier_id=author, device_id=None, chain=None, made_at=at or now,
        beacon_at=None, received_at=now, app="test",
        photos=tuple({"field": "receipt", "sha256": each, "size": 9, "type": "image/jpeg"} for each in photos),
    )  # fmt: skip
