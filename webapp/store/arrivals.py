"""What arrived, as rows: envelopes, second contents under a known id, and what a person decided about either.

`raw` lies sealed with the row's own key, which retention deletes; hash and receipt stay.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.kit import clock
from webapp.store.db import Base
from webapp.store.traits import append_only
from webapp.store.types import Instant, Serial, Uuid

APPLIED, WAITING, QUARANTINED, CONFLICT = "applied", "waiting", "quarantined", "conflict"
OPEN = sa.text("(inbox.state in ('waiting', 'quarantined') and inbox.settled_at is null or inbox.twice)")
"""Condition on `inbox`: not booked and not decided on. Spelled as the partial index spells it, or no database uses it."""
_OPEN = sa.text("state in ('waiting', 'quarantined') and settled_at is null or twice")
_WAITING = sa.text("state = 'waiting'")


class Kept(Base):
    """An envelope that arrived. `raw` is sealed with the row's own `key`, which retention deletes; the rest stays."""

    __tablename__ = "inbox"
    seq: Mapped[int] = mapped_column(Serial, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), unique=True)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    kind: Mapped[str] = mapped_column(sa.String(60))
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    courier_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    device_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    gen: Mapped[int | None]
    dseq: Mapped[int | None]
    chain: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    prev: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    made_at: Mapped[datetime] = mapped_column(Instant())
    received_at: Mapped[datetime] = mapped_column(Instant())
    off_s: Mapped[int | None]
    """By how many seconds the phone's clock was off when it sent this (store/acts.py, Told)."""
    state: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    say: Mapped[str | None] = mapped_column(sa.Text())
    settled_at: Mapped[datetime | None] = mapped_column(Instant())
    """When a person decided that it will not be booked; its state stays, `say` tells the decision."""
    twice: Mapped[bool] = mapped_column(default=False)
    """Another content under the same id is here and nobody has decided about it."""
    key: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    raw: Mapped[bytes] = mapped_column(sa.LargeBinary())
    __table_args__ = (
        sa.Index("ix_inbox_device_id_gen_dseq", "device_id", "gen", "dseq"),
        sa.Index("ix_inbox_author_id_received_at", "author_id", "received_at", "seq"),
        sa.Index("ix_inbox_waiting", "prev", sqlite_where=_WAITING, postgresql_where=_WAITING),
        sa.Index("ix_inbox_open", "author_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    @property
    def final(self) -> bool:
        """Whether nothing will change any more: booked, or decided on."""
        return self.state == APPLIED or self.settled_at is not None


class Conflict(Base):
    """A second content under a known id, kept so that both can be shown side by side."""

    __tablename__ = "inbox_conflict"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Instant())
    device_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    gen: Mapped[int | None]
    dseq: Mapped[int | None]
    say: Mapped[str | None] = mapped_column(sa.Text())
    settled_at: Mapped[datetime | None] = mapped_column(Instant())
    key: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    raw: Mapped[bytes] = mapped_column(sa.LargeBinary())
    __table_args__ = (sa.Index("ix_inbox_conflict_device_id", "device_id"),)


class Ruling(Base):
    """What a person decided about one content (`id`, `hash`): never changed, one for ever. `choice`: store/rulings.py."""

    __tablename__ = "inbox_ruling"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), primary_key=True)
    choice: Mapped[str] = mapped_column(sa.String(12))
    words: Mapped[str] = mapped_column(sa.String(200), default="")
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)


append_only("inbox_ruling", "rulings are never changed")


def sealed(envelope: Mapping[str, Any], key: bytes) -> bytes:
    """The envelope as `raw` keeps it."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, json.dumps(envelope).encode(), envelope["id"].encode())


def opened(row: Kept | Conflict) -> dict[str, Any] | None:
    """The envelope as it arrived, or None once retention has thrown its key away."""
    if row.key is None:
        return None
    envelope: dict[str, Any] = json.loads(AESGCM(row.key).decrypt(row.raw[:12], row.raw[12:], str(row.id).encode()))
    return envelope


def locked(session: Session, seq: int) -> Kept:
    """The row as it is now, held until commit: two people may look at one record at once."""
    ask = sa.select(Kept).where(Kept.seq == seq).with_for_update().execution_options(populate_existing=True)
    return session.scalars(ask).one()


def in_turn(session: Session, chain: uuid.UUID | None) -> None:
    """Hold a visit's chain until commit: one of its acts at a time is kept, judged and lets others go.

    SQLite has one writer anyway. On PostgreSQL an act would else not see the one before it, which is being judged at the
    same moment and does not see its successor either: that would wait for ever. Taken before the lock of any row.
    """
    if chain is not None and session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(chain.bytes[8:], "big", signed=True)
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.literal(key, sa.BigInteger()))))
