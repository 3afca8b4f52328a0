"""What stands against a planned visit, worked out on paper: each said once, with its first day and on how many days."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from webapp.roster.rules import meets, monday

SAME_PERSON, ENDED, CLASH, OVERLAP, AWAY = "same_person", "ended", "clash", "overlap", "away"
AWAY_SOME, PAUSED, CLEARANCE = "away_some", "paused", "clearance"
DAY_HOURS, WEEK_HOURS, REST_DAY = "day_hours", "week_hours", "rest_day"


@dataclass(frozen=True)
class Wish:
    """One visit that is to be planned. caregiver None: nobody yet."""

    day: date
    start_min: int
    minutes: int
    caregiver_id: uuid.UUID | None


@dataclass(frozen=True)
class Busy:
    """A visit that is planned already, with the name of its home."""

    day: date
    start_min: int
    minutes: int
    caregiver_id: uuid.UUID | None
    home: str


@dataclass(frozen=True)
class Known:
    """What is known around the wishes: visits of the same caregivers and of the same home, and who may not go."""

    theirs: Sequence[Busy] = ()
    at_home: Sequence[Busy] = ()
    away: Collection[tuple[uuid.UUID, date]] = ()
    paused: Collection[date] = ()
    ended: Collection[uuid.UUID] = ()
    cleared: Collection[uuid.UUID] = ()
    home_ended: date | None = None


@dataclass(frozen=True)
class Conflict:
    """One thing that stands against it. days: on how many; day: the first; more: start_min, home, minutes."""

    code: str
    caregiver_id: uuid.UUID | None
    day: date | None
    days: int = 1
    more: Mapping[str, object] = field(default_factory=dict)


def conflicts(wishes: Sequence[Wish], known: Known, day_most: int, week_most: int, *, one_day: bool) -> list[Conflict]:
    """Everything that stands against `wishes`. one_day: only this day is planned, so that leave cannot be waited out.

    day_most, week_most: minutes of one caregiver beyond which it is too much.
    """
    found: dict[tuple[str, uuid.UUID | None], Conflict] = {}
    for each in _each(wishes, known, day_most, week_most, one_day):
        before = found.get((each.code, each.caregiver_id))
        if before is None:
            found[each.code, each.caregiver_id] = each
        elif each.day != before.day:
            more = Conflict(before.code, before.caregiver_id, before.day, before.days + 1, before.more)
            found[each.code, each.caregiver_id] = more
    return list(found.values())


def _each(wishes: Sequence[Wish], known: Known, day_most: int, week_most: int, one_day: bool) -> Iterator[Conflict]:
    for caregiver in dict.fromkeys(wish.caregiver_id for wish in wishes if wish.caregiver_id):
        if caregiver in known.ended:
            yield Conflict(ENDED, caregiver, None)
        elif caregiver not in known.cleared:
            yield Conflict(CLEARANCE, caregiver, None)
    for n, wish in enumerate(wishes):
        twice = any(other.caregiver_id == wish.caregiver_id and other.day == wish.day for other in wishes[:n])
        if wish.caregiver_id is not None and twice:
            yield Conflict(SAME_PERSON, wish.caregiver_id, wish.day)
    for wish in wishes:
        yield from _of_day(wish, known, one_day)
    yield from _too_much(wishes, known, day_most, week_most)


def _of_day(wish: Wish, known: Known, one_day: bool) -> Iterator[Conflict]:
    """What stands against one wish on its own day."""
    who, day = wish.caregiver_id, wish.day
    if known.home_ended is not None and day > known.home_ended:
        yield Conflict("home_ended", None, day)
    if day in known.paused:
        yield Conflict(PAUSED, None, day)
    for other in known.at_home:
        if other.day == day and meets(wish.start_min, wish.minutes, other.start_min, other.minutes):
            yield Conflict(CLASH, None, day, more={"start_min": other.start_min})
    if who is None:
        return
    if (who, day) in known.away:
        yield Conflict(AWAY if one_day else AWAY_SOME, who, day)
    for other in known.theirs:
        same = other.caregiver_id == who and other.day == day
        if same and meets(wish.start_min, wish.minutes, other.start_min, other.minutes):
            yield Conflict(OVERLAP, who, day, more={"start_min": other.start_min, "home": other.home})


def _too_much(wishes: Sequence[Wish], known: Known, day_most: int, week_most: int) -> Iterator[Conflict]:
    """Too many hours of a day or week, or no day of rest, that the wishes bring about."""
    planned: dict[tuple[uuid.UUID, date], int] = {}
    everything: list[Wish | Busy] = [*wishes, *known.theirs]
    for each in everything:
        if each.caregiver_id is not None:
            planned[each.caregiver_id, each.day] = planned.get((each.caregiver_id, each.day), 0) + each.minutes
    for wish in wishes:
        who, first = wish.caregiver_id, monday(wish.day)
        if who is None:
            continue
        if planned[who, wish.day] > day_most:
            yield Conflict(DAY_HOURS, who, wish.day, more={"minutes": planned[who, wish.day]})
        week = [minutes for (other, day), minutes in planned.items() if other == who and monday(day) == first]
        if sum(week) > week_most:
            yield Conflict(WEEK_HOURS, who, first, more={"minutes": sum(week)})
        elif len(week) == 7 and _takes_the_rest(known.theirs, wishes, who, first):
            yield Conflict(REST_DAY, who, first)


def _takes_the_rest(theirs: Sequence[Busy], wishes: Sequence[Wish], who: uuid.UUID, first: date) -> bool:
    """Whether these wishes take her last free day of a week. A home visited every day leaves none either, but the founding
    text wants that, and relief gives it: it is not said of such a plan."""
    had = {each.day for each in theirs if each.caregiver_id == who and monday(each.day) == first}
    asked = {each.day for each in wishes if each.caregiver_id == who and monday(each.day) == first}
    return len(had) < 7 and len(asked) < 7
