"""What waits for whom today. A caregiver's day costs six questions, however many households she has."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor, Role
from webapp.kit import clock
from webapp.kit.words import _
from webapp.ledger import lines as ledger
from webapp.ledger.models import SPEND, Book, Entry
from webapp.ledger.queries import Balance
from webapp.logs import queries as logs
from webapp.logs.models import Log
from webapp.messages import queries as messages
from webapp.messages.announcing import audiences
from webapp.messages.queries import Told
from webapp.people import queries as people
from webapp.people.login import anyone, ids_of
from webapp.people.models import Account, Alert, Contact, Household, Kin, Person, Place, Resident, Spot
from webapp.requests.models import ServiceRequest
from webapp.requests.rules import OPEN as OPEN_REQUESTS
from webapp.roster import models as roster
from webapp.roster.absences import Leave, Relief
from webapp.roster.models import Shift
from webapp.store import db, secrets
from webapp.store.strands import asked, strand, together
from webapp.store.types import Instant, Uuid
from webapp.visits import queries as visits
from webapp.visits.models import DONE, OPEN, VOID, NobodyHome, Service, Visit

PLANNED, NOBODY = "planned", "nobody"
LONGEST = timedelta(hours=36)
"""A visit open for longer was forgotten, not lived in."""


@dataclass
class Stop:
    """One household of a caregiver's day: what was planned and what has happened so far."""

    visit_id: uuid.UUID
    household: Household
    shift: Shift | None
    visit: Visit | None
    nobody: bool = False
    done: list[str] = field(default_factory=list)
    spent_fen: int = 0
    elsewhere: str | None = None
    """Where she is expected instead of at home: a kind of place, or its name."""
    relief: bool = False
    """She stands in for somebody: there is a handover."""
    born: date | None = None
    """The birthday of who lives there alone."""

    @property
    def state(self) -> str:
        """planned, open, done, void, nobody."""
        if self.visit is not None:
            return self.visit.state
        return NOBODY if self.nobody else PLANNED

    @property
    def start_min(self) -> int:
        """Minutes after midnight, for the order of the day."""
        return self.shift.start_min if self.shift else clock.minute_of(self.visit.arrived_at) if self.visit else 0


@dataclass(frozen=True)
class Front:
    """A caregiver's day, and what waits for her word: calls rung in and leave written down for her; who pauses today."""

    stops: list[Stop]
    phoned: Sequence[Any]
    """key: the call, at, a: in or out, b: the household."""
    leaves: Sequence[Any]
    """key: the leave, a and b: its first and last day."""
    paused: Sequence[Any]
    """a: the household, b: why, a code."""
    told: Told
    """What she should see."""


def day_of(actor: Actor, day: date) -> list[Stop]:
    """The caregiver's households of `day`, planned or visited, in order of time; also a visit still open from before."""
    return front(actor, day).stops


def front(actor: Actor, day: date) -> Front:
    """What a caregiver's front page shows of a day."""
    stops = [*_planned(actor, day), *_unplanned(actor, day)]
    over = {stop.visit_id: stop for stop in stops if stop.state == DONE}
    recent = {"recent": day - timedelta(days=RECENT_DAYS), "day": day}
    found = asked(_DEEDS, over=list(over) or [uuid.UUID(int=0)], audiences=audiences(actor.role), **ids_of(actor), **recent)
    for row in found.get("done", ()):
        over[row.key].done.append(row.a)
    for row in found.get("spent", ()):
        over[row.key].spent_fen -= row.n
    stops.sort(key=lambda stop: stop.start_min)
    return Front(stops, found.get("phoned", ()), found.get("leave", ()), found.get("paused", ()), messages.told_in(found))


RECENT_DAYS = 31


def _planned(actor: Actor, day: date) -> list[Stop]:
    """The shifts, each with the visit that has its id and whether its door stayed shut."""
    rows = db.session().execute(_SHIFTS, _on(actor, day))
    return [
        Stop(shift.visit_id, home, shift, visit, shut, elsewhere=(name or kind) if kind else None, relief=bool(relief), born=born)
        for shift, home, visit, shut, born, name, kind, relief in rows
    ]


def _unplanned(actor: Actor, day: date) -> list[Stop]:
    """Her visits that are no shift of today: she was called, stood in, or never left yesterday."""
    rows = db.session().execute(_CALLED, _on(actor, day))
    return [Stop(visit.id, home, None, visit, shut, born=born) for visit, home, shut, born in rows]


def _on(actor: Actor, day: date) -> dict[str, Any]:
    return ids_of(actor) | {"day": day, "morning": clock.day_bounds(day)[0]}


_PERSON, _DAY = anyone(Role.CAREGIVER).person_id, sa.bindparam("day", type_=sa.Date())
_OF_TODAY = (Shift.caregiver_id == _PERSON, Shift.day == _DAY, Shift.state == roster.PLANNED)


def _shut(household: Any) -> sa.Label[bool]:
    shut = sa.exists().where(
        NobodyHome.household_id == household,
        NobodyHome.at >= sa.bindparam("morning", type_=Instant()),
        NobodyHome.day == _DAY,
        NobodyHome.caregiver_id == _PERSON,
    )
    return shut.label("nobody")


def _alone(household: Any) -> sa.Label[date]:
    lives = (Resident.household_id == household, Resident.ended_on.is_(None))
    born = sa.case((sa.func.count() == 1, sa.func.min(Resident.birth_date)))
    return sa.type_coerce(sa.select(born).where(*lives).scalar_subquery(), sa.Date()).label("born")


# Made once: to make a question costs more than to ask it, and a caregiver opens this page all day.
_SHIFTS = (
    sa.select(
        Shift, Household, Visit, _shut(Shift.household_id), _alone(Shift.household_id), Spot.name, Spot.kind,
        sa.exists().where(Relief.shift_id == Shift.id, Relief.ended_at.is_(None), Relief.caregiver_id == _PERSON),
    )
    .join(Household, Household.id == Shift.household_id)
    .outerjoin(Visit, sa.and_(Visit.id == Shift.visit_id, Visit.caregiver_id == _PERSON))
    .outerjoin(Spot, Spot.id == Shift.spot_id)
    .where(*_OF_TODAY)
)  # fmt: skip
_CALLED = (
    sa.select(Visit, Household, _shut(Visit.household_id), _alone(Visit.household_id))
    .join(Household, Household.id == Visit.household_id)
    .where(
        Visit.caregiver_id == _PERSON,
        sa.or_(sa.and_(Visit.day == _DAY, Visit.state != VOID), Visit.state == OPEN),
        ~sa.exists().where(Shift.visit_id == Visit.id, *_OF_TODAY),
    )
)


_OVER = sa.bindparam("over", expanding=True, type_=Uuid())
_DEEDS = together(
    strand("done", key=Service.visit_id, a=Service.code).where(Service.visit_id.in_(_OVER), Service.outcome == "done"),
    strand("spent", key=Entry.visit_id, n=Entry.fen).where(Entry.visit_id.in_(_OVER), Entry.kind == SPEND),
    visits.PHONED_STRAND,
    strand("leave", key=Leave.id, a=sa.cast(Leave.since, sa.Text()), b=sa.cast(Leave.asked_until, sa.Text())).where(
        Leave.person_id == _PERSON, Leave.until >= sa.bindparam("recent", type_=sa.Date()), Leave.confirmed_at.is_(None)
    ),
    strand("paused", key=Shift.id, a=Household.name, b=Shift.note)
    .select_from(Shift)
    .join(Household, Household.id == Shift.household_id)
    .where(Shift.caregiver_id == _PERSON, Shift.day == _DAY, Shift.state == roster.PAUSED),
    *messages.TOLD_HER,
)


def next_stop(stops: Sequence[Stop]) -> Stop | None:
    """What to do now: the open visit, else the first one not begun."""
    return next((s for s in stops if s.state == OPEN), None) or next((s for s in stops if s.state == PLANNED), None)


def waiting_at(actor: Actor, household_id: uuid.UUID, day: date) -> uuid.UUID | None:
    """Her visit at a household that goes on or comes next: the open one, else today's first shift whose visit is not over."""
    mine = (Visit.caregiver_id == actor.person_id, Visit.state == OPEN, Visit.arrived_at > clock.now() - LONGEST)
    now_open = sa.select(Visit.id).where(*mine, Visit.household_id == household_id).order_by(Visit.arrived_at.desc()).limit(1)
    over = sa.exists().where(Visit.id == Shift.visit_id, Visit.state != OPEN)
    planned = (
        sa.select(Shift.visit_id)
        .where(
            Shift.caregiver_id == actor.person_id,
            Shift.day == day,
            Shift.state == roster.PLANNED,
            Shift.household_id == household_id,
            ~over,
        )
        .order_by(Shift.start_min)
        .limit(1)
    )
    return db.session().scalar(sa.select(sa.func.coalesce(now_open.scalar_subquery(), planned.scalar_subquery())))


@dataclass(frozen=True)
class Scene:
    """A visit, planned or begun, with the home it is in. `mine`: the home is within reach now."""

    home: Household
    station: Place
    visit: Visit | None
    shift: Shift | None
    log: Log | None
    author: str
    held: Balance
    mine: bool


def scene(actor: Actor, visit_id: uuid.UUID, home_id: uuid.UUID | None) -> Scene | None:
    """What a caregiver's visit page stands on, in one question; None when there is no such home, visit or shift."""
    row = db.session().execute(_SCENE, ids_of(actor) | {"visit": visit_id, "home": home_id}).first()
    if row is None:
        return None
    home, station, visit, shift, log, author, cash, advance, wallet, mine = row
    return Scene(home, station, visit, shift, log, author or "", Balance(cash or 0, advance or 0, wallet or 0), bool(mine))


def _scene() -> Any:
    actor, visit_id = anyone(Role.CAREGIVER), sa.bindparam("visit", type_=Uuid())
    of_shift = sa.select(Shift.id).where(Shift.visit_id == visit_id).scalar_subquery()
    homes = [sa.select(row.household_id).where(key == visit_id).scalar_subquery() for row, key in _KEYS]
    return (
        sa.select(
            Household, Place, Visit, Shift, Log, Person.name, Book.cash_fen, Book.advance_fen, Book.wallet_fen,
            Household.reach(actor),
        )
        .join(Place, Place.id == Household.station_id)
        .outerjoin(Visit, Visit.id == visit_id)
        .outerjoin(Shift, Shift.id == sa.func.coalesce(Visit.shift_id, of_shift))
        .outerjoin(Book, Book.household_id == Household.id)
        .outerjoin(Log, sa.and_(Log.visit_id == visit_id, Log.reach(actor)))
        .outerjoin(Account, Account.id == Log.author_id)
        .outerjoin(Person, Person.id == Account.person_id)
        .where(Household.id == sa.func.coalesce(sa.bindparam("home", type_=Uuid()), *homes))
    )  # fmt: skip


_KEYS: tuple[tuple[Any, Any], ...] = ((Visit, Visit.id), (Shift, Shift.visit_id))
_SCENE = _scene()


@dataclass(frozen=True)
class Living:
    """Somebody of a home, with the words of the alerts that hold; `pictured`: a portrait may be shown."""

    id: uuid.UUID
    name: str
    birth_date: date | None
    pictured: bool
    alerts: Sequence[str]


def living(rows: Mapping[str, Sequence[Any]]) -> list[Living]:
    """Who lives in a home, out of the rows of `LIVING`."""
    words: dict[uuid.UUID, list[str]] = {}
    for row in rows.get("alert", ()):
        words.setdefault(row.other, []).append(row.a)
    found = sorted(rows.get("living", ()), key=lambda row: row.a)
    return [
        Living(row.key, row.b, date.fromisoformat(row.c) if row.c else None, bool(row.n), words.get(row.key, [])) for row in found
    ]


_HOME = sa.bindparam("home", type_=Uuid())
_HERE = (Resident.household_id == _HOME, Resident.ended_on.is_(None))
LIVING = (
    strand(
        "living", key=Resident.id, a=Resident.number, b=Resident.name, c=sa.cast(Resident.birth_date, sa.Text()),
        n=sa.case((sa.and_(Resident.portrait.is_not(None), Resident.portrait_consent_on.is_not(None)), 1), else_=0),
    ).where(*_HERE),
    strand("alert", key=Alert.id, other=Alert.resident_id, at=Alert.made_at, a=Alert.words)
    .select_from(Alert)
    .join(Resident, Resident.id == Alert.resident_id)
    .where(*_HERE, Alert.holds()),
)  # fmt: skip
"""Who lives in a home (parameter home); `living` reads it."""


@dataclass(frozen=True)
class Numbers:
    """Whom to ring in an emergency: (words, number)."""

    duty: tuple[str, str] | None
    kin: list[tuple[str, str]]
    near: list[tuple[str, str]]


def beside(actor: Actor, visit_id: uuid.UUID, home: Household, station: Place) -> dict[str, list[Any]]:
    """Rows by kind of what a visit's page shows beside the scene: what was recorded in it, who lives there, whom to ring."""
    return asked(_BESIDE, **ids_of(actor), visit=visit_id, home=home.id, **people.answering(station))


def numbers(rows: Mapping[str, Sequence[Any]], station: Place) -> Numbers:
    """The numbers of a household for its emergency block, out of the rows of `RINGING`: duty room, kin, neighbour, key holder."""
    return Numbers(
        duty=people.duty_in(rows, station),
        kin=[(f"{row.a} {row.b}", secrets.unseal(row.sealed, f"person.phone:{row.key}")) for row in rows.get("kin", ())],
        near=[
            (
                _("拿钥匙的%(name)s", name=row.a) if row.b == "key" else row.a,
                secrets.unseal(row.sealed, f"contact.phone:{row.key}"),
            )
            for row in rows.get("near", ())
        ],
    )


RINGING = (
    people.DUTY,
    strand("kin", key=Person.id, at=Kin.since, a=Kin.relation, b=Person.name, sealed=Person.phone_sealed)
    .select_from(Kin)
    .join(Resident, Resident.id == Kin.resident_id)
    .join(Person, Person.id == Kin.person_id)
    .where(Resident.household_id == _HOME, Kin.holds(), Person.phone_sealed.is_not(None)),
    strand("near", key=Contact.id, at=Contact.made_at, a=Contact.name, b=Contact.kind, sealed=Contact.phone_sealed).where(
        Contact.household_id == _HOME, Contact.phone_sealed.is_not(None)
    ),
)
"""Whom to ring about a home (parameters home and those of `people.answering`); `numbers` reads them."""
_SENT = strand("sent", key=ServiceRequest.id, due=ServiceRequest.due_at, a=ServiceRequest.kind, b=ServiceRequest.words).where(
    ServiceRequest.household_id == _HOME, ServiceRequest.to_person_id == _PERSON, ServiceRequest.state.in_(OPEN_REQUESTS)
)
"""What she was sent to do here besides."""
_BESIDE = together(*visits.STRANDS, ledger.STRAND, *logs.strands(anyone(Role.CAREGIVER)), *LIVING, *RINGING, _SENT)
