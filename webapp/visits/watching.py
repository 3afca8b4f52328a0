"""What can only be seen from outside a single call: what is missing, and what many calls say together. Looked over hourly.

What was missing and came settles by itself. Nothing here deducts anything.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock
from webapp.people.models import HomeCareUnit, Household, Place, PlaceKind, Spot
from webapp.roster import queries as roster
from webapp.roster.models import PLANNED, Shift
from webapp.store import audit, db, jobs
from webapp.visits import rules, settling, signals
from webapp.visits.confirming import Attestation, KinWord
from webapp.visits.models import DONE, OPEN, VOID, Call, CallPlace, Service, Visit, VisitException, limits, tell
from webapp.visits.rules import Finding, Point
from webapp.visits.signals import Mark, Span
from webapp.visits.writing import find, update_visit

PAST = timedelta(days=7)


@jobs.job("visits.look_over_day", nightly=True)
def look_over_day() -> None:
    """Ask for a look at every hour of the day."""
    today = clock.today()
    for hour in range(24):
        jobs.ask("visits.look_over", due_at=clock.instant(today, hour * 60 + 5), once=f"visits.look_over:{today}:{hour}")


@jobs.job("visits.look_over", alone=True)
def look_over() -> None:
    """Look over yesterday and today at every station."""
    now = clock.now()
    today = clock.day_of(now)
    stations = db.reading().scalars(sa.select(Place.id).where(Place.kind == PlaceKind.STATION).order_by(Place.code)).all()
    for station in stations:
        for day in (today - timedelta(days=1), today):
            look_over_station(station, day, now)


@dataclass
class Day:
    """One day of one station, as it was read."""

    visits: Sequence[Any]
    shifts: Sequence[Any]
    marks: Sequence[Mark]
    past: Mapping[uuid.UUID, Sequence[Mark]]
    away: set[tuple[uuid.UUID, date]]
    served: set[uuid.UUID]
    confirmed: set[uuid.UUID]
    relatives: set[tuple[uuid.UUID, uuid.UUID]]
    """(household, caregiver) of units where a child is the caregiver: one scan a day."""
    waiting: dict[uuid.UUID, list[VisitException]] = field(default_factory=dict)
    known: set[tuple[uuid.UUID, str]] = field(default_factory=set)
    asked: set[uuid.UUID] = field(default_factory=set)
    """Homes that are not asked for their word: it was missed within the setting's days, and once is enough; or care ended."""


def look_over_station(station: uuid.UUID, day: date, now: datetime) -> None:
    """Find what one day of one station shows, and let settle what is there by now. Read first, then one short write."""
    facts = limits(day, station)
    with db.reads():
        here = _read(station, day, facts)
    found = _found(here, day, now, facts)
    over = [row for rows in here.waiting.values() for row in rows if _is_over(row, here, found)]
    close = [each for each in here.visits if each.state == OPEN and _by_one_scan(each, here) and _ended(each, facts, now)]
    found = {key: news for key, each in found.items() if (news := [one for one in each if (key, one.code) not in here.known])}
    if not (found or over or close):
        return
    homes = {each.id: each.household_id for each in here.visits} | {each.visit_id: each.household_id for each in here.shifts}
    grades = {each.id: each.grade for each in here.visits}
    with db.transaction() as session:
        settling.clear(session.get_one(VisitException, row.id) for row in over)
        for each in close:
            update_visit(each.id, {"state": DONE, "leave_by": "ONCE"})
        for key, news in found.items():
            find(key, homes[key], station, day, news)
            grade = rules.worse(grades.get(key), rules.grade_of([one.code for one in news], facts))
            update_visit(key, {"grade": grade} if key in grades else {})
            tell(station, homes[key])
        audit.note("visits.look_over", f"place:{station}", day=day, found=sum(map(len, found.values())), over=len(over))


def _read(station: uuid.UUID, day: date, facts: Mapping[str, Any]) -> Day:
    ask = db.session().execute
    visits = ask(
        sa.select(
            Visit.id, Visit.household_id, Visit.caregiver_id, Visit.shift_id, Visit.arrived_at, Visit.left_at, Visit.state,
            Visit.minutes, Visit.planned_start_min, Visit.planned_minutes, Visit.partner_id, Visit.grade,
        ).where(Visit.station_id == station, Visit.day == day, Visit.state != VOID)
    ).all()  # fmt: skip
    shifts = ask(
        sa.select(Shift.id, Shift.visit_id, Shift.household_id, Shift.caregiver_id, Shift.start_min, Shift.minutes).where(
            Shift.station_id == station, Shift.day == day, Shift.state == PLANNED
        )
    ).all()
    people = list({each.caregiver_id for each in visits})
    homes = list({each.household_id for each in visits})
    keys = [each.id for each in visits]
    marks = _marks(people, homes, day)
    served = set(db.session().scalars(sa.select(Service.visit_id).where(Service.visit_id.in_(keys)).distinct()))
    units = ask(
        sa.select(HomeCareUnit.household_id, HomeCareUnit.caregiver_id).where(
            HomeCareUnit.household_id.in_(homes), HomeCareUnit.relative, HomeCareUnit.until.is_(None)
        )
    )
    rows = db.session().scalars(sa.select(VisitException).where(VisitException.station_id == station, VisitException.day == day))
    here = Day(
        visits, shifts, [mark for mark in _flat(marks) if clock.day_of(mark.at) == day], marks,
        roster.away_on(people, [day]), served, _confirmed(homes, day, facts), {(home, who) for home, who in units},
    )  # fmt: skip
    here.asked |= _asked(station, day, facts)
    for row in rows:
        here.known.add((row.visit_id, row.code))
        if row.settled_at is None:
            here.waiting.setdefault(row.visit_id, []).append(row)
    return here


def _flat(marks: Mapping[uuid.UUID, Sequence[Mark]]) -> Iterable[Mark]:
    return (mark for hers in marks.values() for mark in hers)


def _marks(people: Sequence[uuid.UUID], homes: Sequence[uuid.UUID], day: date) -> dict[uuid.UUID, list[Mark]]:
    """The calls of the last days up to `day` by caregiver, oldest first."""
    session = db.session()
    spots: dict[uuid.UUID, Point] = {}
    rows = session.execute(
        sa.select(
            Call.visit_id, Call.direction, Call.at, Call.place_state, Visit.household_id, Visit.caregiver_id, CallPlace.lat_e6,
            CallPlace.lon_e6, CallPlace.accuracy_m,
        )
        .select_from(Visit)
        .join(Call, Call.visit_id == Visit.id)
        .outerjoin(CallPlace, sa.and_(CallPlace.id == Call.id, CallPlace.rough.is_(False)))
        .where(Visit.caregiver_id.in_(people), Visit.day.between(day - PAST, day), Visit.state != VOID, Call.method != "PHONE")
        .order_by(Call.at)
    ).all()  # fmt: skip
    seen = list({*homes, *(row.household_id for row in rows)})
    known = sa.select(Spot.household_id, Spot.lat_e6, Spot.lon_e6).where(Spot.household_id.in_(seen), Spot.kind == "home")
    for home, lat_e6, lon_e6 in session.execute(known):
        spots[home] = Point(lat_e6, lon_e6)
    marks: dict[uuid.UUID, list[Mark]] = defaultdict(list)
    for row in rows:
        fix = None if row.lat_e6 is None else Point(row.lat_e6, row.lon_e6)
        marks[row.caregiver_id].append(
            Mark(
                row.visit_id, row.household_id, row.caregiver_id, row.direction, row.at, fix, row.accuracy_m or 0,
                row.place_state, spots.get(row.household_id),
            )
        )  # fmt: skip
    return marks


def _confirmed(homes: Sequence[uuid.UUID], day: date, facts: Mapping[str, Any]) -> set[uuid.UUID]:
    """Homes where somebody else than the caregiver said a word within the setting's days, or why nobody could."""
    since = clock.instant(day - timedelta(days=facts["no_confirm_days"]), 0)
    said = sa.select(Attestation.household_id).where(Attestation.household_id.in_(homes), Attestation.at >= since)
    kin = sa.select(KinWord.household_id).where(KinWord.household_id.in_(homes), KinWord.at >= since)
    return set(db.session().scalars(said.union(kin)))


def _asked(station: uuid.UUID, day: date, facts: Mapping[str, Any]) -> set[uuid.UUID]:
    """Homes of which NO_CONFIRM was said within the setting's days, and those whose care has ended: nobody is asked there."""
    lately = VisitException.day.between(day - timedelta(days=facts["no_confirm_days"] - 1), day)
    ask = sa.select(VisitException.household_id).where(
        VisitException.station_id == station, lately, VisitException.code == "NO_CONFIRM"
    )
    over = sa.select(Household.id).where(Household.station_id == station, Household.ended_on >= day - PAST)
    return set(db.session().scalars(sa.union(ask, over)))


def _found(here: Day, day: date, now: datetime, facts: Mapping[str, Any]) -> dict[uuid.UUID, list[Finding]]:
    found: dict[uuid.UUID, list[Finding]] = defaultdict(list)
    for each in here.visits:
        found[each.id] += rules.named(_missing(each, here, now, facts), facts)
    attended = {each.shift_id for each in here.visits} | {each.id for each in here.visits}
    for shift in here.shifts:
        over = clock.instant(day, shift.start_min + shift.minutes + facts["missed_min"])
        if now >= over and shift.id not in attended and shift.visit_id not in attended:
            found[shift.visit_id] += rules.named([("MISSED", {"shift": shift.id})], facts)
    spans = [_span(each, here, day, now) for each in here.visits]
    for key, told in signals.of_day(here.marks, spans, facts).items():
        found[key] += told
    today = {each.id for each in here.visits}
    for hers in here.past.values():
        for key, told in signals.of_past(hers, facts).items():
            found[key] += told if key in today else []
    return {key: told for key, told in found.items() if told and key in today | {each.visit_id for each in here.shifts}}


def _span(each: Any, here: Day, day: date, now: datetime) -> Span:
    until = each.left_at or min(now, each.arrived_at + timedelta(minutes=each.planned_minutes or rules.UNPLANNED_MIN))
    away = (each.caregiver_id, day) in here.away
    return Span(each.id, each.household_id, each.caregiver_id, each.arrived_at, until, each.partner_id, away)


def _by_one_scan(each: Any, here: Day) -> bool:
    return (each.household_id, each.caregiver_id) in here.relatives


def _ended(each: Any, facts: Mapping[str, Any], now: datetime) -> bool:
    """Whether it should have been over for the setting's minutes."""
    planned = each.planned_minutes
    start = (
        each.arrived_at
        if each.planned_start_min is None
        else clock.instant(clock.day_of(each.arrived_at), each.planned_start_min)
    )
    ends = max(start, each.arrived_at) + timedelta(minutes=planned if planned is not None else facts["unplanned_long_min"])
    return bool(now >= ends + timedelta(minutes=facts["no_out_min"]))


def _missing(each: Any, here: Day, now: datetime, facts: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What one visit lacks."""
    found: list[tuple[str, dict[str, Any]]] = []
    once = _by_one_scan(each, here)
    if each.state == OPEN and not once and _ended(each, facts, now):
        found.append(("NO_OUT", {"arrived": each.arrived_at}))
    rest = each.left_at and now >= each.left_at + timedelta(minutes=facts["no_tasks_min"])
    if each.state == DONE and rest and each.id not in here.served:
        found.append(("NO_TASKS", {}))
    if each.state == DONE and rest and each.household_id not in here.confirmed | here.asked:
        here.asked.add(each.household_id)
        found.append(("NO_CONFIRM", {"days": facts["no_confirm_days"]}))
    return found


def _is_over(row: VisitException, here: Day, found: Mapping[uuid.UUID, Sequence[Finding]]) -> bool:
    """Whether what was missing is there by now, or what was said of two visits is no longer so."""
    visit = next((each for each in here.visits if each.id == row.visit_id), None)
    if row.code == "MISSED":
        return visit is not None or str(row.facts.get("shift")) in {str(each.shift_id) for each in here.visits}
    if row.code == "NO_OUT":
        return visit is not None and visit.state == DONE and visit.left_at is not None
    if row.code == "NO_TASKS":
        return row.visit_id in here.served
    if row.code == "OVERLAP":
        beside = any(str(each.id) == row.facts.get("visit") and each.left_at is not None for each in here.visits)
        return beside and visit is not None and "OVERLAP" not in {one.code for one in found.get(row.visit_id, ())}
    return row.code == "NO_CONFIRM" and row.household_id in here.confirmed


def over_month(station: uuid.UUID, first: date, last: date) -> None:
    """OVER_AUTH: more minutes in a month than were planned there, by more than the setting's. Named at the last visit."""
    facts = limits(last, station)
    planned = (
        sa.select(Shift.household_id, sa.func.sum(Shift.minutes).label("minutes"))
        .where(Shift.station_id == station, Shift.day.between(first, last), Shift.state == PLANNED)
        .group_by(Shift.household_id)
        .subquery()
    )
    made = (
        sa.select(Visit.household_id, sa.func.sum(Visit.minutes).label("minutes"))
        .where(Visit.station_id == station, Visit.day.between(first, last), Visit.state == DONE, Visit.counted)
        .group_by(Visit.household_id)
        .subquery()
    )
    with db.transaction() as session:
        rows = session.execute(
            sa.select(made.c.household_id, made.c.minutes, sa.func.coalesce(planned.c.minutes, 0))
            .outerjoin(planned, planned.c.household_id == made.c.household_id)
            .where(made.c.minutes > sa.func.coalesce(planned.c.minutes, 0) + facts["over_auth_min"])
        ).all()
        for household, minutes, due in rows:
            newest = session.scalars(
                sa.select(Visit)
                .where(Visit.household_id == household, Visit.day.between(first, last), Visit.state == DONE)
                .order_by(Visit.arrived_at.desc())
                .limit(1)
            ).one()
            told = rules.named([("OVER_AUTH", {"minutes": int(minutes), "planned": int(due)})], facts)
            find(newest.id, household, station, newest.day, told)


@jobs.job("visits.over_month", nightly=True, alone=True)
def look_over_month() -> None:
    """The month up to yesterday, at every station."""
    last = clock.today() - timedelta(days=1)
    for station in db.reading().scalars(sa.select(Place.id).where(Place.kind == PlaceKind.STATION)).all():
        over_month(station, last.replace(day=1), last)
