"""What the live roster shows: the figures, one line per caregiver, and the figures of each place below."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import current_app
from markupsafe import Markup

from webapp.kit import clock, show
from webapp.messages import models as messages
from webapp.people.models import PlaceKind
from webapp.roster import words as planning
from webapp.store import audit, secrets
from webapp.visits import live, models, words


class Level(NamedTuple):
    """A place one step below the one that is looked at, and the stations in it."""

    id: uuid.UUID
    name: str
    stations: frozenset[uuid.UUID]


def levels_of(top: Any, places: Sequence[Any]) -> list[Level]:
    """The streets of a district or the stations of a street, with their stations; none below a station."""
    below = {PlaceKind.DISTRICT: PlaceKind.STREET, PlaceKind.STREET: PlaceKind.STATION}.get(top.kind)
    under = [each for each in places if each.kind == below and top.id in (each.street_id, each.district_id)]
    stations = [each for each in places if each.kind == PlaceKind.STATION]
    return [
        Level(each.id, each.name, frozenset(one.id for one in stations if each.id in (one.id, one.street_id))) for each in under
    ]


def _levels(levels: Sequence[Level], plans: Any, facts: Any, moment: live.Moment) -> list[tuple[Level, live.Figures]]:
    """The figures of each place below, what alarms first."""
    told = []
    for level in levels:
        here = [plan for plan in plans if live.key(plan.station_id) in level.stations]
        came = [fact for fact in facts if live.key(fact.station_id) in level.stations]
        told.append((level, live.figures(here, live.lines(here, came, moment), came, moment)))
    return sorted(told, key=lambda each: (-each[1].gap, -each[1].look, each[0].name))


def board(
    stations: Sequence[uuid.UUID],
    asked: str | None,
    draw: Draw,
    start: int = 0,
    day: date | None = None,
    levels: Sequence[Level] = (),
) -> dict[str, Any]:
    """What the live roster shows of some stations; `draw` writes a line.

    Put together once for all who look, until somebody writes something, but for STAYS_S seconds at most.
    """
    now = clock.now()
    asking = (show.chinese(), *stations, asked, start, day, *levels, audit.reached(), now.timestamp() // STAYS_S)
    known: dict[Any, dict[str, Any]] = current_app.extensions.setdefault("boards", {})
    found = known.get(asking)
    if found is None:
        if len(known) >= BOARDS:
            known.clear()
        found = known[asking] = _made(stations, asked, draw, start, now, day or clock.day_of(now), levels)
    return found


STAYS_S, BOARDS = 5, 40


def _made(
    stations: Sequence[uuid.UUID],
    asked: str | None,
    draw: Draw,
    start: int,
    now: datetime,
    day: date,
    levels: Sequence[Level],
) -> dict[str, Any]:
    plans, facts = live.plans_on(stations, day), live.facts_on(stations, day)
    keys = dict.fromkeys([plan.caregiver_id for plan in plans] + [fact.caregiver_id for fact in facts])
    known = live.people_of(keys, clock.instant(day, 0))
    heard = {key: at for key, (_name, _phone_sealed, at) in known.items() if at}
    moment = live.Moment(now, day, heard, models.limits(day, stations[0] if len(stations) == 1 else None), messages.settings())
    every = live.lines(plans, facts, moment)
    wanted = live.shown(every, asked)
    rows = wanted[start : start + live.PAGE]
    low, high = live.hours(every)
    tell, chinese = words.teller(), show.chinese()
    return {
        "figures": live.figures(plans, every, facts, moment),
        "levels": _levels(levels, plans, facts, moment),
        "rows": [_drawn(line, known, tell, low, high, draw, chinese=chinese) for line in rows],
        "now": now,
        "day": day,
        "minute": moment.minute,
        "hours": (low, high),
        "onward": start + live.PAGE if len(wanted) > start + live.PAGE else None,
    }


class Row(NamedTuple):
    """A line as the template writes it: nothing is worked out or translated there, it is read two hundred times a page."""

    name: str | None
    homes: str
    tone: str
    said: str
    visit_id: uuid.UUID | None
    bars: Markup
    look: bool
    checked: bool
    stand_in: bool
    phone: str | None
    shift_id: uuid.UUID | None
    note: str


Draw = Callable[[Row], Markup]
MOST = 4000
_kept: dict[Any, Markup] = {}
"""Lines as they were drawn last: most say the same a minute later, and to whoever else looks."""


def _drawn(
    line: live.Line, known: dict[live.Key, Any], tell: words.Teller, low: int, high: int, draw: Draw, *, chinese: bool
) -> Markup:
    who = known[line.caregiver_id][:2] if line.caregiver_id else None
    same = (chinese, line, who, low, high)
    if (found := _kept.get(same)) is None:
        if len(_kept) >= MOST:
            _kept.clear()
        found = _kept[same] = draw(_row(line, known, tell, low, high))
    return found


def _row(line: live.Line, known: dict[live.Key, Any], tell: words.Teller, low: int, high: int) -> Row:
    name = known[line.caregiver_id][0] if line.caregiver_id else None
    bars = Markup(live.drawing(line.bars, low, high))  # noqa: S704 - our own words and numbers
    tone = words.LINE_TONES[line.state]
    phone = _phone(line, known)
    return Row(
        name,
        tell.homes(line),
        tone,
        tell.line(line),
        live.key(line.visit_id) if line.visit_id else None,
        bars,
        line.look,
        line.checked,
        line.stand_in,
        phone,
        live.key(line.shift_id) if line.shift_id else None,
        planning.note(line.note) if line.note else "",
    )


CALL = (live.TROUBLE, live.SILENT, live.ALONE, live.LATE, live.NOBODY)


def _phone(line: live.Line, known: dict[live.Key, Any]) -> str | None:
    """The number to ring, unsealed only for those who should be rung."""
    if line.caregiver_id is None or line.state not in CALL:
        return None
    sealed = known[line.caregiver_id][1]
    return secrets.unseal(sealed, f"person.phone:{live.key(line.caregiver_id)}") if sealed else None
