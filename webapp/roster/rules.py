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
    second_id: uuid.UUID | None = None
    holidays: bool = True
    """Whether somebody comes on public holidays too."""


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
    second_id: uuid.UUID | None = None
    alone: bool = False
    """No second caregiver."""
    holidays: bool | None = None

    def covers(self, day: date) -> bool:
        """Whether it speaks about `day`."""
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Planned:
    """One day's visit of a plan. caregiver None: whoever is the main caregiver; second None: she goes alone."""

    start_min: int
    minutes: int
    items: tuple[str, ...]
    caregiver_id: uuid.UUID | None
    second_id: uuid.UUID | None = None


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


def planned(pattern: Pattern, changes: Sequence[Change], day: date, off: bool = False) -> Planned | None:
    """The visit of `day`, or None. off: `day` is a public holiday.

    `changes` in the order they were made: the later word wins; a word about one day beats a word about every day after,
    and a holiday.
    """
    if day < pattern.since or (pattern.until is not None and day > pattern.until):
        return None
    weekdays, skip, holidays = pattern.weekdays, False, pattern.holidays
    lasting = [change for change in changes if change.until is None and change.covers(day)]
    for change in lasting:
        weekdays = weekdays if change.weekdays is None else change.weekdays
        holidays = holidays if change.holidays is None else change.holidays
        skip = change.skip
    single = [change for change in changes if change.until is not None and change.covers(day)]
    comes = bool(weekdays >> day.weekday() & 1) and not skip and (holidays or not off)
    if single:
        comes = not single[-1].skip
    if not comes:
        return None
    found = Planned(pattern.start_min, pattern.minutes, pattern.items, pattern.caregiver_id, pattern.second_id)
    for change in (*lasting, *single):
        found = _with(found, change)
    return found


def _with(found: Planned, change: Change) -> Planned:
    told = {
        "start_min": change.start_min,
        "minutes": change.minutes,
        "items": change.items,
        "caregiver_id": change.caregiver_id,
        "second_id": change.second_id,
    }
    said = {name: value for name, value in told.items() if value is not None}
    return replace(found, **said | ({"second_id": None} if change.alone else {}))  # type: ignore[arg-type]


def clash(one: Pattern, other: Pattern) -> bool:
    """Whether two plans of a household would have somebody come twice at the same time."""
    if not one.weekdays & other.weekdays:
        return False
    if one.until is not None and one.until < other.since or other.until is not None and other.until < one.since:
        return False
    return one.start_min < other.start_min + other.minutes and other.start_min < one.start_min + one.minutes


@dataclass(frozen=True)
class Rest:
    """A pause as rules take it: of one resident, or of the household (None). until: its last day; None: open."""

    resident_id: uuid.UUID | None
    since: date
    until: date | None
    reason: str
    spot_id: uuid.UUID | None = None

    def covers(self, day: date) -> bool:
        """Whether it holds on `day`."""
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Standing:
    """What pauses make of a household's day. out: nobody is to be visited; spot_id: visited there instead of at home.

    `note`: the reason's code, with the names of those who pause after a colon when others go on.
    """

    out: bool
    spot_id: uuid.UUID | None
    note: str | None


AT_HOME = Standing(False, None, None)


def standing(rests: Sequence[Rest], living: Sequence[tuple[uuid.UUID, str]], day: date) -> Standing:
    """`rests` in the order they were made: the latest word wins. `living`: (resident, name) of those cared for that day.

    One of a couple may pause: the visit goes on for the other.
    """
    held = [rest for rest in rests if rest.covers(day)]
    whole = [rest for rest in held if rest.resident_id is None]
    away = {rest.resident_id: rest for rest in held if rest.resident_id is not None}
    names = [name for key, name in living if key in away]
    if not whole and names and len(names) == len(living):
        whole = [rest for rest in held if rest.resident_id is not None]
    if whole:
        last = next((rest for rest in reversed(whole) if rest.spot_id), whole[-1])
        return Standing(last.spot_id is None, last.spot_id, last.reason)
    if names:
        last = [rest for key, rest in away.items() if key in {one for one, _name in living}][-1]
        return Standing(False, None, f"{last.reason}:{'、'.join(names)}")
    return AT_HOME


def meets(start: int, minutes: int, other_start: int, other_minutes: int) -> bool:
    """Whether two stretches of a day (minutes after midnight) overlap; one may begin when the other ends."""
    return start < other_start + other_minutes and other_start < start + minutes
