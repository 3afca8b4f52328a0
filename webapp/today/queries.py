"""What waits for whom today. A caregiver's day costs six questions, however many households she has."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, within
from webapp.cards.models import Sighting
from webapp.kit import clock
from webapp.ledger.models import SPEND, Entry
from webapp.people.models import Account, Alert, Contact, Household, Kin, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.roster import queries as roster
from webapp.roster.models import Shift
from webapp.store import db
from webapp.store.inbox import CONFLICT, QUARANTINED, Kept
from webapp.visits import queries as visits
from webapp.visits.models import DONE, OPEN, VOID, Call, NobodyHome, Service, Visit, VisitException

PLANNED, NOBODY = "planned", "nobody"


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


def day_of(actor: Actor, day: date) -> list[Stop]:
    """The caregiver's households of `day`, planned or visited, in order of time; also a visit still open from before."""
    shifts = roster.shifts_of(actor.person_id, day)
    visits = {
        visit.id: visit
        for visit in db.session().scalars(
            sa.select(Visit)
            .where(Visit.caregiver_id == actor.person_id, sa.or_(Visit.day == day, Visit.state == OPEN))
            .options(joinedload(Visit.household).selectinload(Household.residents))
        )
    }
    stops = [Stop(shift.visit_id, shift.household, shift, visits.pop(shift.visit_id, None)) for shift in shifts]
    stops += [Stop(visit.id, visit.household, None, visit) for visit in visits.values() if visit.state != VOID]
    _add_deeds(stops)
    _add_nobody(stops, actor, day)
    return sorted(stops, key=lambda stop: stop.start_min)


def _add_deeds(stops: list[Stop]) -> None:
    over = {stop.visit_id: stop for stop in stops if stop.state == DONE}
    if not over:
        return
    for visit_id, code in db.session().execute(
        sa.select(Service.visit_id, Service.code).where(Service.visit_id.in_(over), Service.outcome == "done")
    ):
        over[visit_id].done.append(code)
    for spent_in, fen in db.session().execute(
        sa.select(Entry.visit_id, sa.func.sum(Entry.fen))
        .where(Entry.visit_id.in_(over), Entry.kind == SPEND)
        .group_by(Entry.visit_id)
    ):
        if spent_in:
            over[spent_in].spent_fen = -int(fen)


def _add_nobody(stops: list[Stop], actor: Actor, day: date) -> None:
    found = db.session().scalars(
        sa.select(NobodyHome.household_id).where(NobodyHome.caregiver_id == actor.person_id, NobodyHome.day == day)
    )
    doors = set(found)
    for stop in stops:
        stop.nobody = stop.household.id in doors


def next_stop(stops: Sequence[Stop]) -> Stop | None:
    """What to do now: the open visit, else the first one not begun."""
    return next((s for s in stops if s.state == OPEN), None) or next((s for s in stops if s.state == PLANNED), None)


def household(actor: Actor, key: uuid.UUID) -> Household | None:
    """The household with residents and the alerts that hold, if within reach."""
    return db.session().scalar(
        within(actor, sa.select(Household))
        .where(Household.id == key)
        .options(selectinload(Household.residents).selectinload(Resident.alerts.and_(Alert.holds())))
    )


@dataclass(frozen=True)
class Numbers:
    """Whom to ring in an emergency: (words, number)."""

    duty: tuple[str, str] | None
    kin: list[tuple[str, str]]
    near: list[tuple[str, str]]


def numbers(home: Household, duty: tuple[str, str] | None) -> Numbers:
    """The numbers of a household for its emergency block: kin, neighbour, key holder."""
    kin = db.session().scalars(
        sa.select(Kin)
        .join(Resident, Resident.id == Kin.resident_id)
        .where(Resident.household_id == home.id, Kin.holds())
        .options(joinedload(Kin.person))
    )
    near = db.session().scalars(sa.select(Contact).where(Contact.household_id == home.id))
    return Numbers(
        duty=duty,
        kin=[(f"{each.relation} {each.person.name}", phone) for each in kin if (phone := each.person.phone)],
        near=[(each.name, each.phone) for each in near if each.phone],
    )


def sightings(actor: Actor) -> Sequence[Sighting]:
    """What strangers reported and nobody has taken up, newest first."""
    return (
        db.session()
        .scalars(
            within(actor, sa.select(Sighting)).where(Sighting.taken_at.is_(None)).order_by(Sighting.made_at.desc()).limit(20)
        )
        .all()
    )


def place_name(actor: Actor) -> str:
    """The name of the place the actor works at."""
    return db.session().scalar(sa.select(Place.name).where(Place.id == actor.place_id)) or ""


@dataclass(frozen=True)
class Todo:
    """What a station should look at now, worst for a resident first."""

    sightings: Sequence[Sighting]
    nobody: Sequence[tuple[NobodyHome, str]]
    exceptions: Sequence[tuple[VisitException, str]]
    aside: Sequence[tuple[Kept, str]]
    strays: Sequence[Call]

    @property
    def empty(self) -> bool:
        """Nothing waits."""
        return not (self.sightings or self.nobody or self.exceptions or self.aside or self.strays)


def todo(actor: Actor, day: date, limit: int = 20) -> Todo:
    """The station's list: reports of strangers, doors that nobody opened today, exceptions and records put aside."""
    session = db.session()
    doors = session.execute(
        within(actor, sa.select(NobodyHome, Household.name))
        .join(Household, Household.id == NobodyHome.household_id)
        .where(NobodyHome.day == day)
        .order_by(NobodyHome.at.desc())
        .limit(limit)
    )
    found = session.execute(
        within(actor, sa.select(VisitException, Household.name))
        .join(Household, Household.id == VisitException.household_id)
        .where(VisitException.settled_at.is_(None), VisitException.day >= day - timedelta(days=7))
        .order_by(VisitException.day.desc(), VisitException.made_at.desc())
        .limit(limit)
    )
    return Todo(
        sightings=sightings(actor),
        nobody=[(row, name) for row, name in doors],
        exceptions=[(row, name) for row, name in found],
        aside=put_aside(actor, limit),
        strays=visits.strays(actor, limit),
    )


def put_aside(actor: Actor, limit: int) -> list[tuple[Kept, str]]:
    """Records that arrived and wait for a person, by people within reach, with who wrote them."""
    rows = db.session().execute(
        sa.select(Kept, Person.name)
        .join(Account, Account.id == Kept.author_id)
        .join(Person, Person.id == Account.person_id)
        .where(Kept.state.in_((QUARANTINED, CONFLICT)), Person.reach(actor))
        .order_by(Kept.seq.desc())
        .limit(limit)
    )
    return [(row, name) for row, name in rows]


def sighting(actor: Actor, key: uuid.UUID) -> Sighting:
    """The report of a stranger, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Sighting)).where(Sighting.id == key))
    if found is None:
        raise nothing()
    return found
