"""The live roster: plan against fact, worked out from plain rows; one line per caregiver."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import sqlalchemy as sa

from webapp.kit import clock
from webapp.messages.calling import last_said
from webapp.messages.rules import rests
from webapp.messages.words import TROUBLE as BAD
from webapp.people.models import Account, Device, Household, Person
from webapp.roster.models import PAUSED as PAUSED_SHIFT
from webapp.roster.models import PLANNED, Shift
from webapp.store import db
from webapp.store.inbox import Kept
from webapp.visits import rules
from webapp.visits.models import DONE, OPEN, VOID, NobodyHome, Visit, VisitException

TROUBLE, GAP, SILENT, NOBODY, ALONE, LATE, OFFLINE, RUNG, OFF, HERE, NEXT, PAUSED, ENDED = (
    "trouble", "gap", "silent", "nobody", "alone", "late", "offline", "rung", "off", "here", "next", "paused", "ended",
)  # fmt: skip
ORDER = (TROUBLE, GAP, SILENT, NOBODY, ALONE, LATE, OFF, OFFLINE, RUNG, HERE, NEXT, PAUSED, ENDED)
ALARMS = (TROUBLE, GAP, SILENT, NOBODY)
UNATTENDED = (TROUBLE, GAP, SILENT)
"""What the figure 没人照看 counts."""
Key = uuid.UUID | bytes
"""An id as the driver gives it: making two thousand UUID objects would cost a quarter of the page."""
RANK = {state: n for n, state in enumerate(ORDER)}
SHOWS = ("look", "gap", "on", "done")
PAGE = 600
"""A street's caregivers on one screen."""


class Plan(NamedTuple):
    """A planned shift of the day. nobody: somebody stood there and nobody answered; rung: what came of the last call about it.

    paused: a pause took it out; note: why it has nobody or is paused, a code (`roster.words.note`).
    home_id: the household; beside: of two who go together the other one came.
    """

    id: Key
    home: str
    no_signal: bool
    caregiver_id: Key | None
    start_min: int
    minutes: int
    nobody: bool = False
    rung: str | None = None
    rung_at: datetime | None = None
    paused: bool = False
    note: str | None = None
    station_id: Key | None = None
    home_id: Key | None = None
    beside: bool = False


@dataclass
class Fact:
    """A visit of the day with what still waits about it."""

    id: Key
    home: str
    caregiver_id: Key
    shift_id: Key | None
    arrived_at: datetime
    left_at: datetime | None
    state: str
    planned_minutes: int | None
    station_id: Key | None = None
    codes: set[str] = field(default_factory=set)
    distance_m: int | None = None


class Bar(NamedTuple):
    """A stretch of the day: state names its look, minutes of the household's day."""

    state: str
    start: int
    end: int


class Line(NamedTuple):
    """One caregiver now. state: one of ORDER; n: its minutes, metres or count; look: something should be looked at."""

    caregiver_id: Key | None
    homes: tuple[str, ...]
    state: str
    n: int
    bars: tuple[Bar, ...]
    look: bool
    checked: bool
    visit_id: Key | None
    stand_in: bool
    on: int
    done: int
    gaps: int
    shift_id: Key | None = None
    """The shift that is spoken of, where somebody should do something about it."""
    note: str | None = None


@dataclass(frozen=True)
class Figures:
    """Shifts planned (paused ones left out), visits open and done, households nobody came to, visits to look at."""

    planned: int
    on: int
    done: int
    gap: int
    look: int


@dataclass(frozen=True)
class Moment:
    """Now, as rules need it: the minute of the day, the day, when each phone was last heard, the figures of visits.json."""

    now: datetime
    day: date
    heard: Mapping[Key, datetime]
    limits: Mapping[str, Any]
    calls: Mapping[str, Any]
    """The figures of messages.json: how long a word on the telephone is believed."""

    @cached_property
    def midnight(self) -> datetime:
        """When `day` began."""
        return clock.instant(self.day, 0)

    @cached_property
    def minute(self) -> int:
        """Minutes since midnight of `day`."""
        return self.minute_at(self.now)

    @cached_property
    def blameless(self) -> frozenset[str]:
        """Findings that are nobody's fault."""
        return frozenset(self.limits["blameless"])

    def minute_at(self, at: datetime) -> int:
        """Minutes from midnight of `day` to `at`."""
        return int((at - self.midnight).total_seconds()) // 60


def state_of(plan: Plan, moment: Moment) -> tuple[str, int]:
    """Where a shift without a visit stands, and by how many minutes it is late.

    没信号 is said only of a home without signal or of a phone heard earlier that day and not since, until the planned
    end + silent_min; after that somebody must phone. Only a call that reached somebody takes the alarm away (打过电话),
    and only until somebody comes or the next call says otherwise. Of two who go together one may be missing: the resident is
    not without anybody, so that is no alarm.
    """
    late = moment.minute - plan.start_min
    if plan.paused:
        return PAUSED, plan.start_min
    if plan.rung == BAD:
        return TROUBLE, max(late, 0)
    told = rests(plan.rung, plan.rung_at, moment.now, moment.calls)
    if plan.nobody:
        return (RUNG if told else NOBODY), max(late, 0)
    if late <= moment.limits["late_min"]:
        return NEXT, 0
    if plan.caregiver_id is None:
        return (ALONE if plan.beside else GAP), late
    if moment.minute > plan.start_min + plan.minutes + moment.limits["silent_min"]:
        return (RUNG if told else ALONE if plan.beside else SILENT), late
    heard = moment.heard.get(plan.caregiver_id)
    quiet = heard is not None and 0 <= moment.minute_at(heard) < plan.start_min
    return (OFFLINE, late) if plan.no_signal or quiet else (LATE, late)


def lines(plans: Sequence[Plan], facts: Sequence[Fact], moment: Moment) -> list[Line]:
    """One line per caregiver with a shift or a visit; shifts nobody has come first, one line each."""
    attended = {fact.shift_id for fact in facts}
    came = {(plan.home_id, plan.start_min) for plan in plans if plan.id in attended and plan.home_id is not None}
    open_plans: dict[Key | None, list[Plan]] = {}
    for plan in plans:
        if plan.id not in attended:
            waits = plan._replace(beside=True) if (plan.home_id, plan.start_min) in came else plan
            open_plans.setdefault(plan.caregiver_id, []).append(waits)
    visits: dict[Key, list[Fact]] = {}
    for fact in facts:
        visits.setdefault(fact.caregiver_id, []).append(fact)
    planned_for = {plan.id: plan.caregiver_id for plan in plans}
    found = [_line(None, [plan], [], planned_for, moment) for plan in open_plans.pop(None, [])]
    known: list[Key] = [key for key in open_plans if key is not None]
    for key in dict.fromkeys([*known, *visits]):
        found.append(_line(key, open_plans.get(key, []), visits.get(key, []), planned_for, moment))
    return found


def _line(key: Key | None, plans: list[Plan], facts: list[Fact], planned_for: Mapping[Any, Any], moment: Moment) -> Line:
    states = [(plan, *state_of(plan, moment)) for plan in plans]
    here = next((fact for fact in facts if fact.state == OPEN), None)
    odd = [fact for fact in facts if fact.codes and fact.codes - moment.blameless]
    state, n, at = _now(states, facts, here, moment)
    spoken = at if isinstance(at, Plan) and state not in (NEXT, PAUSED) else None
    bars = [_visit_bars(fact, fact in odd, moment) for fact in facts] + [[_plan_bar(plan, told)] for plan, told, _n in states]
    first = [at.home] if at else []
    homes = dict.fromkeys(first + [fact.home for fact in facts] + [plan.home for plan in plans])
    newest = here or max((fact for fact in facts), key=lambda fact: fact.arrived_at, default=None)
    shown = next((fact for fact in odd if fact is here), odd[0] if odd else newest)
    return Line(
        caregiver_id=key,
        homes=tuple(homes),
        state=state,
        n=n,
        bars=tuple(sorted((bar for each in bars for bar in each), key=lambda bar: bar.start)),
        look=bool(odd),
        checked=bool(facts),
        visit_id=shown.id if shown else None,
        stand_in=any(planned_for.get(fact.shift_id, key) not in (key, None) for fact in facts),
        on=sum(fact.state == OPEN for fact in facts),
        done=sum(fact.state == DONE for fact in facts),
        gaps=sum(told in UNATTENDED for _plan, told, _n in states),
        shift_id=spoken.id if spoken else None,
        note=at.note if isinstance(at, Plan) else None,
    )


def _now(
    states: Sequence[tuple[Plan, str, int]], facts: Sequence[Fact], here: Fact | None, moment: Moment
) -> tuple[str, int, Plan | Fact | None]:
    """What is said of a caregiver: what alarms before where she is, where she is before what comes."""
    alarms = [(told, n, plan) for plan, told, n in states if told in ALARMS]
    if alarms:
        return min(alarms, key=lambda each: (RANK[each[0]], -each[1]))
    if here is not None:
        if here.distance_m is not None:
            return OFF, here.distance_m, here
        return HERE, rules.minutes_between(here.arrived_at, moment.now), here
    waits = [(told, n, plan) for plan, told, n in states if told in (ALONE, LATE, OFFLINE, RUNG)]
    if waits:
        return min(waits, key=lambda each: (RANK[each[0]], -each[1]))
    coming = min((plan for plan, told, _n in states if told == NEXT), key=lambda plan: plan.start_min, default=None)
    if coming is not None:
        return NEXT, coming.start_min, coming
    paused = next((plan for plan, told, _n in states if told == PAUSED), None)
    if paused is not None and not facts:
        return PAUSED, 0, paused
    return ENDED, sum(fact.state == DONE for fact in facts), None


def _visit_bars(fact: Fact, odd: bool, moment: Moment) -> list[Bar]:
    start = moment.minute_at(fact.arrived_at)
    if fact.left_at is not None:
        return [Bar("check" if odd else "done", start, max(moment.minute_at(fact.left_at), start + 1))]
    planned_end = start + (fact.planned_minutes or 0)
    rest = [Bar("check-left" if odd else "left", moment.minute, planned_end)] if planned_end > moment.minute else []
    return [Bar("check" if odd else "now", start, max(moment.minute, start + 1)), *rest]


def _plan_bar(plan: Plan, told: str) -> Bar:
    look = {NEXT: "planned", OFFLINE: "offline", RUNG: "offline", PAUSED: "paused"}.get(told, "late")
    return Bar(look, plan.start_min, plan.start_min + plan.minutes)


def figures(plans: Sequence[Plan], found: Iterable[Line], facts: Sequence[Fact], moment: Moment) -> Figures:
    """The five figures above the table."""
    every = list(found)
    return Figures(
        planned=sum(not plan.paused for plan in plans),
        on=sum(line.on for line in every),
        done=sum(line.done for line in every),
        gap=sum(line.gaps for line in every),
        look=sum(bool(fact.codes - moment.blameless) for fact in facts),
    )


def shown(found: Iterable[Line], show: str | None) -> list[Line]:
    """The lines a filter asks for, what alarms first; of one state who waits longest, and who goes soonest."""

    def asked(line: Line) -> bool:
        return bool({"look": line.look, "gap": line.gaps, "on": line.on, "done": line.done}.get(show or "", True))

    def place(line: Line) -> tuple[int, int, tuple[str, ...]]:
        return RANK[line.state], line.n if line.state == NEXT else -line.n, line.homes

    return sorted(filter(asked, found), key=place)


def hours(found: Iterable[Line], earliest: int = 6, latest: int = 20) -> tuple[int, int]:
    """The hours the drawing spans: at least 6 to 20, wider when somebody works earlier or later."""
    bars = [bar for line in found for bar in line.bars]
    low = min([earliest, *(max(bar.start, 0) // 60 for bar in bars)])
    high = max([latest, *(-(-min(bar.end, 1440) // 60) for bar in bars)])
    return low, high


def drawing(bars: Iterable[Bar], low: int, high: int) -> str:
    """The bars from hour `low` to hour `high` as SVG: each uses the page's symbol of its state, places in per cent."""
    start, scale = low * 60, 100 / ((high - low) * 60)
    drawn = []
    for bar in bars:
        left, right = max(bar.start - start, 0), min(bar.end, high * 60) - start
        if right > left:
            drawn.append(f'<use href="#{bar.state}" x="{left * scale:.1f}%" width="{(right - left) * scale:.1f}%"/>')
    return "".join(drawn)


# -- reading: tables, not entities, and plain rows; the number of queries does not grow with them --

_shift, _visit, _home = sa.inspect(Shift).local_table.c, sa.inspect(Visit).local_table.c, sa.inspect(Household).local_table.c
_found, _nobody = sa.inspect(VisitException).local_table.c, sa.inspect(NobodyHome).local_table.c


def _raw(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(column, sa.types.NullType())


def key(raw: Key) -> uuid.UUID:
    """The id as the rest of the house knows it."""
    return uuid.UUID(bytes=raw) if isinstance(raw, bytes) else raw


def plans_on(stations: Sequence[uuid.UUID], day: date) -> list[Plan]:
    """The planned shifts of some stations on a day."""
    since = clock.day_bounds(day)[0]
    nobody = sa.exists().where(_nobody.household_id == _shift.household_id, _nobody.at >= since, _shift.day == day)
    said, said_at = last_said(_shift.id)
    rows = db.session().execute(
        sa.select(
            _raw(_shift.id),
            _home.name,
            _home.no_signal,
            _raw(_shift.caregiver_id),
            _shift.start_min,
            _shift.minutes,
            nobody.label("nobody"),
            said.label("rung"),
            said_at.label("rung_at"),
            (_shift.state == PAUSED_SHIFT).label("paused"),
            _shift.note,
            _raw(_shift.station_id),
            _raw(_shift.household_id),
        )
        .join_from(sa.inspect(Shift).local_table, sa.inspect(Household).local_table, _home.id == _shift.household_id)
        .where(_shift.station_id.in_(stations), _shift.day == day, _shift.state.in_((PLANNED, PAUSED_SHIFT)))
        .order_by(_shift.start_min)
    )
    return [Plan(*row) for row in rows]


def facts_on(stations: Sequence[uuid.UUID], day: date) -> list[Fact]:
    """The visits of a day and those still open from the evening before, with their waiting exceptions."""
    columns = (
        *(_raw(_visit.id), _home.name, _raw(_visit.caregiver_id), _raw(_visit.shift_id)),
        *(_visit.arrived_at, _visit.left_at, _visit.state, _visit.planned_minutes, _raw(_visit.station_id)),
    )
    visit, home = sa.inspect(Visit).local_table, sa.inspect(Household).local_table
    waiting = sa.inspect(VisitException).local_table
    rows = db.session().execute(
        sa.select(*columns, _found.code, _found.facts)
        .select_from(
            visit.join(home, _home.id == _visit.household_id).outerjoin(
                waiting, sa.and_(_found.visit_id == _visit.id, _found.settled_at.is_(None))
            )
        )
        .where(
            _visit.station_id.in_(stations),
            _visit.day.in_([day, day - timedelta(days=1)]),
            _visit.state != VOID,
            sa.or_(_visit.day == day, _visit.state == OPEN),
        )
        .order_by(_visit.arrived_at)
    )
    found: dict[Key, Fact] = {}
    for *values, code, facts in rows:
        fact = found.get(values[0]) or found.setdefault(values[0], Fact(*values))
        if code:
            fact.codes.add(code)
            if code == "OUT_OF_RADIUS":
                fact.distance_m = facts.get("distance_m")
    return list(found.values())


def people_of(keys: Iterable[Key | None], since: datetime) -> dict[Key, tuple[str, Any, datetime | None]]:
    """Names, sealed numbers and when their phones were last heard since an instant, by person."""
    wanted = [key(raw) for raw in keys if raw is not None]
    if not wanted:
        return {}
    heard = (
        sa.select(sa.func.max(Kept.received_at))
        .where(Kept.author_id == Account.id, Kept.received_at >= since)
        .correlate(Account)
        .scalar_subquery()
    )
    seen = sa.select(sa.func.max(Device.seen_at)).where(Device.account_id == Account.id).correlate(Account).scalar_subquery()
    rows = db.session().execute(
        sa.select(_raw(sa.inspect(Person).local_table.c.id), Person.name, Person.phone_sealed, heard, seen)
        .outerjoin(Account, Account.person_id == Person.id)
        .where(Person.id.in_(wanted))
    )
    return {raw: (name, phone, max((at for at in (one, two) if at), default=None)) for raw, name, phone, one, two in rows}
