"""What a record is on its way: who signed, which act, which kind it is of, what the phone is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webapp.kit import clock
from webapp.store import secrets


@dataclass(frozen=True)
class DeviceKey:
    """What delivery needs to know of a device: P-256 public point (base64url x, y), whose it is, when it was revoked.

    `unsent`: how many records it last said it still holds.
    """

    x: str
    y: str
    account_id: uuid.UUID
    revoked_at: datetime | None = None
    unsent: int | None = None


@dataclass(frozen=True)
class Act:
    """One record on its way to its verb. Times are evidence: `at` is the best guess, never after receipt."""

    id: uuid.UUID
    kind: str
    author_id: uuid.UUID
    courier_id: uuid.UUID | None
    device_id: uuid.UUID | None
    chain: uuid.UUID | None
    made_at: datetime
    beacon_at: datetime | None
    received_at: datetime
    app: str
    photos: tuple[dict[str, Any], ...] = ()
    """[{field, sha256, size, type}] as the envelope names them."""

    @property
    def at(self) -> datetime:
        """When it happened: the phone's clock, held between the last beacon and receipt."""
        return min(max(self.made_at, self.beacon_at or self.made_at), self.received_at)

    @property
    def day(self) -> Any:
        """The household day of `at`."""
        return clock.day_of(self.at)

    @property
    def skew_s(self) -> int:
        """Seconds by which the phone's clock contradicts the server's bounds: above 0 ahead, below 0 behind."""
        if self.made_at > self.received_at:
            return int((self.made_at - self.received_at).total_seconds())
        if self.beacon_at and self.made_at < self.beacon_at:
            return -int((self.beacon_at - self.made_at).total_seconds())
        return 0

    def photo(self, name: str) -> list[str]:
        """Digests of the photos of one field."""
        return [each["sha256"] for each in self.photos if each["field"] == name]


@dataclass(frozen=True)
class Kind:
    """A kept form as the inbox sees it."""

    name: str
    schema: int
    read: Callable[[Mapping[str, Any]], Any]
    """Body → values; raises Refusal with one plain sentence."""
    apply: Callable[[Act, Any], str | None]
    """The feature's verb; returns a sentence for the receipt or nothing."""
    body: Mapping[str, Any]
    """JSON Schema of the body."""
    lift: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    """Older schema → the next newer one."""
    waits: bool = True
    """Whether it waits for its predecessor; visits.arrive never does."""


@dataclass(frozen=True)
class Receipt:
    """What the phone may believe."""

    id: uuid.UUID
    hash: str
    state: str
    seq: int
    epoch: uuid.UUID
    audit_head: str
    backup_seq: int
    at: datetime
    say: str
    new: bool
    final: bool
    """Whether state and say will stay: booked, or decided on by a person. The phone need not ask again."""

    def wire(self, translate: Callable[[str], str] = str) -> dict[str, Any]:
        """As JSON; `say` in the reader's language."""
        return {
            "id": str(self.id),
            "hash": self.hash,
            "state": self.state,
            "seq": self.seq,
            "epoch": str(self.epoch),
            "audit_head": self.audit_head,
            "backup_seq": self.backup_seq,
            "beacon": secrets.beacon(clock.now()),
            "at": clock.to_wire(self.at),
            "say": translate(self.say),
            "final": self.final,
        }
