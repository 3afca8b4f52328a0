"""Pages of a week: the station's roster as its head sees and publishes it, and a caregiver's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.models import Person, Place
from webapp.people.queries import nothing
from webapp.people.rules import mask_name
from webapp.roster import calendar, publishing, queries, rules
from webapp.roster.absences import APPROVED, Leave
from webapp.roster.models import CANCELLED, PLANNED, Shift
from webapp.web import guard, page
from webapp.web.guard import allow

bp = Blueprint("roster", __name__)
WEEK = timedelta(days=7)
OPEN_SHOWN = 12


@dataclass(frozen=True)
class Line:
    """One caregiver's week: her shifts by day, minutes in all, the days she is away (asked or agreed)."""

    person: Person | None
    cells: Sequence[Sequence[Shift]]
    minutes: int
    away: Mapping[date, str]


def as_day(text: str | None) -> date | None:
    """A day of an address; None for what is none."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


@bp.get("/roster")
@allow("roster.see")
def index() -> ResponseReturnValue:
    """The week of a station, a line per caregiver; on a phone a day at a time. What nobody goes to stands on top."""
    who = guard.me()
    stations = people.stations(who)
    chosen = next((each for each in stations if str(each.id) == request.args.get("station")), None)
    station = chosen or (stations[0] if stations else None)
    today = clock.today()
    asked = as_day(request.args.get("day"))
    days = publishing.week_of(as_day(request.args.get("week")) or asked or today)
    day = asked if asked in days else today if today in days else days[0]
    shifts = queries.week_of_station(station.id, days[0], days[-1]) if station else []
    out = publishing.latest(station.id, days[0]) if station else None
    leaves = queries.leaves_of_station(station.id, days[0], days[-1]) if station else []
    team = people.caregivers(who, station.id) if station else []
    marked = {shift.id for shift in shifts if publishing.unpublished(shift, out is not None)}
    shown = [shift for shift in shifts if shift.state != CANCELLED or shift.id in marked]
    open_ones = [shift for shift in shown if shift.state == PLANNED and not shift.caregiver_id and shift.day >= today]
    lines = _lines(shown, days, team, leaves)
    return page.render(
        "roster/index.html", stations=stations, station=station, days=days, day=day, lines=lines, today=today, out=out,
        marked=marked, open_ones=open_ones, OPEN_SHOWN=OPEN_SHOWN, together=_together(shown), before=days[0] - WEEK,
        after=days[0] + WEEK, special=calendar.table(days[0], days[-1]), unknown=calendar.unknown(days[0], days[-1]),
        of_day=[shift for shift in shown if shift.day == day], named=mask_name if who.role in MASKED else str,
        empty=not any(shift.state == PLANNED for shift in shifts),
    )  # fmt: skip


def _together(shifts: Iterable[Shift]) -> set[tuple[uuid.UUID | None, date]]:
    """(plan, day) of the visits that two go to."""
    return {(shift.plan_id, shift.day) for shift in shifts if shift.seat and shift.state == PLANNED}


def _lines(shifts: Sequence[Shift], days: Sequence[date], team: Sequence[Person], leaves: Sequence[Leave]) -> list[Line]:
    """A line per caregiver of the station, with or without shifts; nobody's first, then by name."""
    found: dict[uuid.UUID | None, tuple[Person | None, list[list[Shift]]]] = {
        each.id: (each, [[] for _day in days]) for each in team
    }
    for shift in shifts:
        _person, cells = found.setdefault(shift.caregiver_id, (shift.caregiver, [[] for _day in days]))
        cells[(shift.day - days[0]).days].append(shift)
    away: dict[uuid.UUID, dict[date, str]] = {}
    for leave in leaves:
        for day in days:
            if leave.since <= day <= leave.until:
                away.setdefault(leave.person_id, {}).setdefault(day, "approved" if leave.state == APPROVED else "asked")
    lines = [
        Line(person, cells, sum(each.minutes for cell in cells for each in cell if each.state == PLANNED),
             away.get(key, {}) if key else {})
        for key, (person, cells) in found.items()
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (line.person is not None, line.person.initials if line.person else ""))


@bp.post("/roster/<uuid:place_id>/publish")
@allow("roster.plan")
def publish(place_id: uuid.UUID) -> ResponseReturnValue:
    """发布: the week is fixed, and whoever it touches is told."""
    who = guard.me()
    station = _station(place_id)
    monday = rules.monday(as_day(request.form.get("week")) or clock.today())
    there = url_for("roster.index", station=place_id, week=monday.isoformat())
    try:
        publishing.publish(station, monday, who)
    except Refusal as refusal:
        return page.go(there, refusal.words(_))
    return page.go(there, _("发布了，有改动的养护员手机上会收到消息"))


def _station(key: uuid.UUID) -> Place:
    found = next((each for each in people.stations(guard.me()) if each.id == key), None)
    if found is None:
        raise nothing()
    return found


@bp.get("/my-week")
@allow("roster.ask")
def mine() -> ResponseReturnValue:
    """A caregiver's own fortnight, with what changed since it was published."""
    who, today = guard.me(), clock.today()
    first = rules.monday(as_day(request.args.get("week")) or today)
    first = max(first, rules.monday(today))
    last = first + timedelta(days=13)
    shifts = queries.week_of(who.person_id, max(first, today), last)
    days = dict.fromkeys(shift.day for shift in shifts)
    return page.render(
        "roster/my_week.html", days=[(day, [shift for shift in shifts if shift.day == day]) for day in days], today=today,
        changes=publishing.changes_of(who.person_id, max(first, today), last), special=calendar.table(first, last),
    )  # fmt: skip
