"""The only reader of the wall clock. Instants are aware UTC datetimes; the day is the household's day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_zone = ZoneInfo("Asia/Shanghai")
_ahead = timedelta()
_WIRE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def set_zone(name: str) -> None:
    """Use `name` (IANA, setting TIME_ZONE) for every household day."""
    global _zone
    _zone = ZoneInfo(name)


def set_ahead(by: timedelta) -> timedelta:
    """Let the clock of this process go ahead of the machine's, a rehearsal of another hour; by how much it did before."""
    global _ahead
    before, _ahead = _ahead, by
    return before


def zone() -> ZoneInfo:
    """The households' time zone."""
    return _zone


def now() -> datetime:
    """This instant, UTC, to the millisecond (what phones and receipts carry)."""
    t = datetime.now(UTC) + _ahead
    return t.replace(microsecond=t.microsecond // 1000 * 1000)


def local(at: datetime) -> datetime:
    """`at` on the household's clock."""
    return at.astimezone(_zone)


def day_of(at: datetime) -> date:
    """The household day that `at` falls on."""
    return local(at).date()


def today() -> date:
    """The household day of now."""
    return day_of(now())


def instant(day: date, minute: int) -> datetime:
    """UTC instant of `minute` minutes after midnight of household day `day`; 1440 and more reach into the next."""
    return datetime.combine(day, time(), _zone).astimezone(UTC) + timedelta(minutes=minute)


def minute_of(at: datetime) -> int:
    """Minutes since midnight on the household's clock, 0 to 1439."""
    t = local(at)
    return t.hour * 60 + t.minute


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First instant of `day` and first instant of the next, UTC."""
    return instant(day, 0), datetime.combine(day + timedelta(days=1), time(), _zone).astimezone(UTC)


def to_wire(at: datetime) -> str:
    """RFC 3339, UTC, milliseconds: 2026-11-21T00:31:07.250Z, as envelopes carry it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_wire(text: str) -> datetime:
    """The instant in `text` as `to_wire` writes it. Raises ValueError otherwise."""
    if not _WIRE.fullmatch(text):
        raise ValueError(f"no instant: {text[:40]!r}")
    return datetime.fromisoformat(text)
