"""What a record is on its way: who signed, which act, which kind it is of, what the phone is told."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from webapp.kit import clock
from webapp.store import secrets


@dataclass(frozen=True)
class DeviceKey:
    """What delivery needs to know of a device: P-256 public point (base64url x, y), whose it is, when it was revoked.

    `unsent`, `off_s`: what it last told of itself.
    """

    x: str
    y: str
    account_id: uuid.UUID
    revoked_at: datetime | None = None
    unsent: int | None = None
    off_s: int | None = None


BELIEVABLE = timedelta(days=400)
"""No record was on its way for longer."""
LINE_S = 60
"""What a slow line may take: a clock that is less off than this counts as right."""


@dataclass(frozen=True)
class Told:
    """What a phone tells of itself beside a record."""

    unsent: int | None = None
    """How many records it holds after this one."""
    off_s: int | None = None
    """Seconds to be added to its clock to make it right, measured when it sent: above 0 behind, below 0 ahead."""

    def news_of(self, device: DeviceKey) -> bool:
        """Whether this is worth writing down: another number of records, a clock that was set."""
        other = self.off_s is not None and (device.off_s is None or abs(self.off_s - device.off_s) >= LINE_S)
        return other or self.unsent not in (None, device.unsent)


@dataclass(frozen=True)
class Arrival:
    """How a record came: who brought it, when, and how far the phone's clock was off at that moment (`Told.off_s`)."""

    courier_id: uuid.UUID | None
    received_at: datetime
    off_s: int | None = None


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
    off_s: int | None = None
    """`Told.off_s`, when it was sent with this record."""

    @property
    def at(self) -> datetime:
        """When it happened: the phone's clock put right by what it was off, held between the last beacon and receipt."""
        guess = self._put_right()
        return min(max(guess, self.beacon_at or guess), self.received_at)

    def _put_right(self) -> datetime:
        if self.off_s is not None and abs(self.off_s) >= LINE_S:
            with contextlib.suppress(OverflowError):
                guess = self.made_at + timedelta(seconds=self.off_s)
                if self.received_at - guess <= BELIEVABLE:
                    return guess
        return self.made_at

    @property
    def day(self) -> Any:
        """The household day of `at`."""
        return clock.day_of(self.at)

    @property
    def skew_s(self) -> int:
        """Seconds by which the phone's clock is off, as measured or as the server's bounds show: above 0 ahead."""
        if self.off_s is not None and abs(self.off_s) >= LINE_S:
            return -self.off_s
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
