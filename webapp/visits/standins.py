"""Who might go instead: for the shifts of a leave or one shift, gathered in one question for a station's caregivers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock
from webapp.people.models import HomeCareUnit, Person, Spot
from webapp.roster import leaving
from webapp.roster import models as roster
from webapp.roster import rules as planning
from webapp.roster.absences import APPROVED, Leave
from webapp.roster.models import PLANNED, Shift
from webapp.store.strands import asked, strand, together
from webapp.store.types import Instant, Uuid
from webapp.visits import rules
from webapp.visits.models import VOID, Visit
from webapp.visits.rules import Point, StandIn


@dataclass(frozen=True)
class Facts:
    """What is known of a station's caregivers around some homes and days."""

    shifts: Mapping[tuple[uuid.UUID, str], Sequence[tuple[int, int]]]
    """(caregiver, day) → (start, minutes) of each planned shift."""
    homes: Mapping[uuid.UUID, Sequence[Point]]
    """Caregiver → points of the homes she usually goes to."""
    spots: Mapping[uuid.UUID, Sequence[Point]]
    been: Mapping[tuple[uuid.UUID, uuid.UUID], int]
    away: frozenset[tuple[uuid.UUID, str]]
    attended: frozenset[uuid.UUID]
    """Shifts of the homes that a visit has answered already."""


_TEAM = sa.bindparam("team", expanding=True, type_=Uuid())
_HOMES = sa.bindparam("homes", expanding=True, type_=Uuid())
_FIRST, _LAST = sa.bindparam("first", type_=sa.Date()), sa.bindparam("last", type_=sa.Date())
_SINCE = sa.bindparam("since", type_=Instant())


def _text(column: Any) -> Any:
    return sa.cast(column, sa.Text())


_FACTS = together(
    strand("shift", key=Shift.caregiver_id, a=_text(Shift.day), n=Shift.start_min, m=Shift.minutes).where(
        Shift.caregiver_id.in_(_TEAM), Shift.day.between(_FIRST, _LAST), Shift.state == PLANNED
    ),
    strand("home", key=HomeCareUnit.caregiver_id, n=Spot.lat_e6, m=Spot.lon_e6)
    .join_from(HomeCareUnit, Spot, Spot.household_id == HomeCareUnit.household_id)
    .where(HomeCareUnit.caregiver_id.in_(_TEAM), HomeCareUnit.until.is_(None)),
    strand("spot", key=Spot.household_id, n=Spot.lat_e6, m=Spot.lon_e6).where(Spot.household_id.in_(_HOMES)),
    strand("been", key=Visit.caregiver_id, other=Visit.household_id, n=sa.func.count(Visit.id))
    .where(Visit.household_id.in_(_HOMES), Visit.arrived_at >= _SINCE, Visit.state != VOID)
    .group_by(Visit.caregiver_id, Visit.household_id),
    strand("away", key=Leave.person_id, a=_text(Leave.since), b=_text(Leave.until)).where(
        Leave.person_id.in_(_TEAM), Leave.until >= _FIRST, Leave.since <= _LAST, Leave.state == APPROVED
    ),
    strand("came", key=Visit.shift_id).where(
        Visit.household_id.in_(_HOMES), Visit.arrived_at >= sa.bindparam("morning", type_=Instant()),
        Visit.state != VOID, Visit.shift_id.is_not(None),
    ),
)  # fmt: skip


def facts(team: Sequence[Person], homes: Sequence[uuid.UUID], first: date, last: date) -> Facts:
    """One question for a team (its persons), some homes and the days from `first` to `last`."""
    since = clock.instant(clock.today() - timedelta(days=roster.settings()["been_days"]), 0)
    morning = clock.day_bounds(clock.today())[0]
    keys = [each.id for each in team]
    rows = asked(_FACTS, team=keys, homes=list(homes), first=first, last=last, since=since, morning=morning)
    shifts: dict[tuple[uuid.UUID, str], list[tuple[int, int]]] = {}
    for row in rows.get("shift", ()):
        shifts.setdefault((row.key, row.a), []).append((row.n, row.m))
    usual: dict[uuid.UUID, list[Point]] = {}
    spots: dict[uuid.UUID, list[Point]] = {}
    for kind, found in (("home", usual), ("spot", spots)):
        for row in rows.get(kind, ()):
            found.setdefault(row.key, []).append(Point(row.n, row.m))
    away = set()
    for row in rows.get("away", ()):
        span = planning.span(max(date.fromisoformat(row.a), first), min(date.fromisoformat(row.b), last))
        away |= {(row.key, day.isoformat()) for day in span}
    been = {(row.key, row.other): row.n for row in rows.get("been", ())}
    return Facts(shifts, usual, spots, been, frozenset(away), frozenset(row.key for row in rows.get("came", ())))


def of_shift(shift: Shift, team: Sequence[Person], known: Facts, but: uuid.UUID | None) -> list[StandIn]:
    """Everybody of a team as a stand-in for one shift; `but`: whoever should have gone."""
    day, start = shift.day.isoformat(), leaving.goes_at(shift)
    found = []
    for person in team:
        if person.id in (but, shift.caregiver_id):
            continue
        hers = known.shifts.get((person.id, day), ())
        busy = (person.id, day) in known.away or any(planning.meets(start, shift.minutes, *each) for each in hers)
        near = [rules.distance_m(a, b) for a in known.homes.get(person.id, ()) for b in known.spots.get(shift.household_id, ())]
        been = known.been.get((person.id, shift.household_id), 0)
        found.append(StandIn(person.id, person.name, len(hers), min(near, default=None), been, busy))
    return found
