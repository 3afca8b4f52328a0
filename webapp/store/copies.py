"""Keys for the copies a phone keeps of what was delivered: it may seal with them, and open them only after a restore."""

from __future__ import annotations

import base64
import json
import os
import uuid

import sqlalchemy as sa

from webapp.store import audit, db, secrets

PLACE = "phone.copies"


def sealing_key(device: uuid.UUID) -> dict[str, str]:
    """A new key (base64), and the same key sealed for this phone and this life of the database."""
    key = base64.b64encode(os.urandom(32)).decode()
    wrapped = secrets.seal(json.dumps({"key": key, "epoch": _epoch()}), f"{PLACE}:{device}")
    return {"key": key, "wrapped": base64.b64encode(wrapped).decode()}


def reopened(wrapped: str, device: uuid.UUID) -> str | None:
    """The key inside `wrapped` once the database has begun a new life; None while the copies need not be read.

    Raises ValueError for what is no base64, Refusal for what was not sealed here for this phone.
    """
    known = json.loads(secrets.unseal(base64.b64decode(wrapped, validate=True), f"{PLACE}:{device}"))
    return None if known["epoch"] == _epoch() else str(known["key"])


def _epoch() -> str:
    return str(db.session().scalar(sa.select(audit.Head.epoch)))
