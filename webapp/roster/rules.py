"""What a plan and its changes mean for one day, worked out on paper."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta


@dataclass(frozen=True)
class Pattern:
    """A weekly plan. weekdays: bit 0 is Monday; start: minutes after midnight; until: its last day."""

    weekdays: int
    start_min: int
    minutes: int
    items: tuple[str, ...]
    caregiver_id: uuid.UUID | None
    since: date
    until: date | None = None


@dataclass(frozen=True)
class Change:
    """What is different from `since` to `until` (None: from then on). A None field stays as planned."""

    since: date
    until: date | None
    skip: bool = False
    weekdays: int | None = None
    start_min: int | None = None
    minutes: int | None = None
    items: tuple[str, ...] | None = None
    caregiver_id: uuid.UUID | None = None

    def covers(self, day: date) -> bool:
        """Whether it speaks about `day`."""
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Planned:
    """One day's visit of a plan. caregiver None: whoever is the main caregiver."""

    start_min: int
    minutes: int
    items: tuple[str, ...]
    caregiver_id: uuid.UUID | None


def mask(weekdays: Iterable[int]) -> int:
    """Weekdays (0 = Monday) as bits."""
    return sum(1 << day for day in set(weekdays))


def days_of(weekdays: int) -> list[int]:
    """The weekdays (0 = Monday) in a mask."""
    return [day for day in range(7) if weekdays >> day & 1]


def span(since: date, until: date) -> list[date]:
    """The days from `since` to `until`, both included; empty when `until` is earlier."""
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]


def monday(day: date) -> date:
    """The Monday of the week `day` lies in."""
    return day - timedelta(days=day.weekday())


def planned(pattern: Pattern, changes: Sequence[Change], day: date) -> Planned | None:
    """The visit of `day`, or None.

    `changes` in the order they were made: the later word wins; a word about one day beats a word about every day after.
    """
    if day < pattern.since or (pattern.until is not None and day > pattern.until):
        return None
    weekdays, skip = pattern.weekdays, False
    lasting = [change for change in changes if change.until is None and change.covers(day)]
    for change in lasting:
        weekdays = weekdays if change.weekdays is None else change.weekdays
        skip = change.skip
    single = [change for change in changes if change.until is not None and change.covers(day)]
    comes = bool(weekdays >> day.weekday() & 1) and not skip
    if single:
        comes = not single[-1].skip
    if not comes:
        return None
    found = Planned(pattern.start_min, pattern.minutes, pattern.items, pattern.caregiver_id)
    for change in (*lasting, *single):
        found = _with(found, change)
    return found


def _with(found: Planned, change: Change) -> Planned:
    told = {
        "start_min": change.start_min,
        "minutes": change.minutes,
        "items": change.items,
        "caregiver_id": change.caregiver_id,
    }
    return replace(found, **{name: value for name, value in told.items() if value is not None})  # type: ignore[arg-type]


def clash(one: Pattern, other: Pattern) -> bool:
    """Whether two plans of a household would have somebody come twice at the same time."""
    if not one.weekdays & other.weekdays:
        return False
    if one.until is not None and one.until < other.since or other.until is not None and other.until < one.since:
        return False
    return one.start_min < other.start_min + other.minutes and other.start_min < one.start_min + one.minutes
