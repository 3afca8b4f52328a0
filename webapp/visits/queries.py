"""Visits by their author, by household and by day; what belongs to one visit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.access import Actor, within
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.messages import queries as told
from webapp.messages.calling import PhoneCall
from webapp.messages.queries import Number
from webapp.people.models import Account, Household, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.roster.models import PLANNED, Shift
from webapp.store import db
from webapp.store.strands import asked, strand, together
from webapp.store.types import Uuid
from webapp.visits.models import (
    IN,
    OPEN,
    VOID,
    Call,
    CallPlace,
    Confirmation,
    NobodyHome,
    Seen,
    Service,
    Visit,
    VisitException,
)

GONE = "没找到这次上门，先放在站里，站里会来问您"


def visit_of(account_id: uuid.UUID, visit_id: uuid.UUID) -> Visit:
    """The visit, if it is that account's own: how verbs of kept forms find it. Refuses (quarantines) anything else."""
    found = db.session().scalar(
        sa.select(Visit)
        .join(Account, Account.person_id == Visit.caregiver_id)
        .where(Visit.id == visit_id, Account.id == account_id)
    )
    if found is None:
        raise Refusal("no_visit", GONE)
    return found


def visit(actor: Actor, key: uuid.UUID) -> Visit:
    """The visit with household, residents, caregiver and shift, within reach. Raises Missing."""
    found = (
        db.session()
        .scalars(
            within(actor, sa.select(Visit))
            .where(Visit.id == key)
            .options(
                joinedload(Visit.household).joinedload(Household.residents), joinedload(Visit.caregiver), joinedload(Visit.shift)
            )
        )
        .unique()
        .one_or_none()
    )
    if found is None:
        raise nothing()
    return found


def find(key: uuid.UUID) -> Visit | None:
    """The visit with its household and residents, reach not asked; None when nobody has arrived yet."""
    return db.session().scalar(
        sa.select(Visit).where(Visit.id == key).options(joinedload(Visit.household).selectinload(Household.residents))
    )


def day_of(person_id: uuid.UUID, day: date) -> Sequence[Visit]:
    """A caregiver's visits of a day in order of arrival, with households; visits taken back are not among them."""
    return (
        db.session()
        .scalars(
            sa.select(Visit)
            .where(Visit.caregiver_id == person_id, Visit.day == day, Visit.state != VOID)
            .order_by(Visit.arrived_at)
            .options(joinedload(Visit.household))
        )
        .all()
    )


def open_of(person_id: uuid.UUID) -> Visit | None:
    """The caregiver's newest open visit of the last day and a half; older ones were forgotten, not lived in."""
    return db.session().scalar(
        sa.select(Visit)
        .where(Visit.caregiver_id == person_id, Visit.state == OPEN, Visit.arrived_at > clock.now() - timedelta(hours=36))
        .order_by(Visit.arrived_at.desc())
        .limit(1)
        .options(joinedload(Visit.household))
    )


def has_open(account_id: uuid.UUID) -> bool:
    """Whether the account's person is in the middle of a visit."""
    key = db.session().scalar(
        sa.select(Visit.id)
        .join(Account, Account.person_id == Visit.caregiver_id)
        .where(Account.id == account_id, Visit.state == OPEN, Visit.arrived_at > clock.now() - timedelta(hours=36))
        .limit(1)
    )
    return key is not None


def services(visit_id: uuid.UUID) -> Sequence[Service]:
    """The items of a visit, by code."""
    return db.session().scalars(sa.select(Service).where(Service.visit_id == visit_id).order_by(Service.code)).all()


def services_of(visit_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Service]]:
    """The items of several visits."""
    found: dict[uuid.UUID, list[Service]] = {}
    if visit_ids:
        for row in db.session().scalars(sa.select(Service).where(Service.visit_id.in_(visit_ids)).order_by(Service.code)):
            found.setdefault(row.visit_id, []).append(row)
    return found


_VISIT = sa.bindparam("visit", type_=Uuid())
STRANDS = (
    strand("service", key=Service.act_id, a=Service.code, b=Service.outcome, c=Service.reason).where(Service.visit_id == _VISIT),
    strand("call", key=Call.id, other=Call.resident_id).where(Call.visit_id == _VISIT),
    strand("seen", key=Seen.act_id, other=Seen.resident_id).where(Seen.visit_id == _VISIT),
)
"""What belongs to a visit (parameter visit), for a page that gathers much: service (a code, b outcome, c reason), call
and seen (other: the resident met); `key` is the act."""


def seen(visit_id: uuid.UUID) -> set[uuid.UUID]:
    """The residents met: whose card opened or closed the visit, and whose was shown in between."""
    called = sa.select(Call.resident_id).where(Call.visit_id == visit_id, Call.resident_id.is_not(None))
    shown = sa.select(Seen.resident_id).where(Seen.visit_id == visit_id)
    return {key for key in db.session().scalars(called.union(shown)) if key is not None}


def acts(visit_id: uuid.UUID) -> list[uuid.UUID]:
    """The ids of the acts a visit's page already contains (data-seen)."""
    called = sa.select(Call.id).where(Call.visit_id == visit_id)
    served = sa.select(Service.act_id).where(Service.visit_id == visit_id)
    shown = sa.select(Seen.act_id).where(Seen.visit_id == visit_id)
    return list(db.session().scalars(called.union(served, shown)))


def calls(visit_id: uuid.UUID) -> Sequence[tuple[Call, CallPlace | None]]:
    """The calls of a visit in order, each with its place while that is kept."""
    rows = db.session().execute(
        sa.select(Call, CallPlace)
        .outerjoin(CallPlace, CallPlace.id == Call.id)
        .where(sa.or_(Call.visit_id == visit_id, Call.visit_id.in_(sa.select(Visit.id).where(Visit.into_id == visit_id))))
        .order_by(Call.at, Call.received_at)
    )
    return [(call, place) for call, place in rows]


def exceptions(visit_id: uuid.UUID) -> Sequence[VisitException]:
    """What was found about a visit, what waits first."""
    return (
        db.session()
        .scalars(
            sa.select(VisitException)
            .where(VisitException.visit_id == visit_id)
            .order_by(VisitException.settled_at.is_not(None), VisitException.made_at, VisitException.code)
        )
        .all()
    )


def exception(actor: Actor, key: uuid.UUID) -> VisitException:
    """The exception, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(VisitException)).where(VisitException.id == key))
    if found is None:
        raise nothing()
    return found


@dataclass(frozen=True)
class Past:
    """One line of a household's history."""

    id: uuid.UUID
    day: date
    caregiver: str
    arrived_at: datetime
    left_at: datetime | None
    state: str
    minutes: int | None
    grade: str
    waiting: int
    """How many of its exceptions wait for a person."""


def history(household_id: uuid.UUID, since: datetime, before: tuple[datetime, uuid.UUID] | None, limit: int) -> list[Past]:
    """A household's visits since an instant, newest first, those before (arrived_at, id) only: one page of `limit`."""
    waiting = (
        sa.select(sa.func.count(VisitException.id))
        .where(VisitException.visit_id == Visit.id, VisitException.settled_at.is_(None))
        .scalar_subquery()
    )
    ask = (
        sa.select(
            Visit.id, Visit.day, Person.name, Visit.arrived_at, Visit.left_at, Visit.state, Visit.minutes, Visit.grade, waiting
        )
        .join(Person, Person.id == Visit.caregiver_id)
        .where(Visit.household_id == household_id, Visit.arrived_at >= since)
        .order_by(Visit.arrived_at.desc(), Visit.id.desc())
        .limit(limit)
    )
    if before:
        ask = ask.where(sa.or_(Visit.arrived_at < before[0], sa.and_(Visit.arrived_at == before[0], Visit.id < before[1])))
    return [Past(*row) for row in db.session().execute(ask)]


def for_kin(household_ids: Sequence[uuid.UUID], since: datetime, limit: int = 50) -> Sequence[Any]:
    """What kin may see of visits: id, household_id, day, arrived_at, left_at, minutes, state, caregiver's name."""
    return (
        db.session()
        .execute(
            sa.select(
                Visit.id, Visit.household_id, Visit.day, Visit.arrived_at, Visit.left_at, Visit.minutes, Visit.state,
                Person.name.label("caregiver"),
            )
            .join(Person, Person.id == Visit.caregiver_id)
            .where(Visit.household_id.in_(household_ids), Visit.arrived_at >= since, Visit.state != VOID)
            .order_by(Visit.arrived_at.desc())
            .limit(limit)
        )
        .all()
    )  # fmt: skip


def nobody_on(household_id: uuid.UUID, day: date) -> Sequence[NobodyHome]:
    """Whether nobody answered at a household on a day."""
    return (
        db.session()
        .scalars(
            sa.select(NobodyHome)
            .where(NobodyHome.household_id == household_id, NobodyHome.at >= clock.day_bounds(day)[0], NobodyHome.day == day)
            .order_by(NobodyHome.at)
        )
        .all()
    )


def residents_of(household_id: uuid.UUID) -> Sequence[Resident]:
    """Who lives there now."""
    return (
        db.session()
        .scalars(
            sa.select(Resident)
            .where(Resident.household_id == household_id, Resident.ended_on.is_(None))
            .order_by(Resident.number)
        )
        .all()
    )


@dataclass(frozen=True)
class Rung:
    """A call of the station about a shift: whom, what they said, more in words, by whom."""

    at: datetime
    whom: str
    said: str
    words: str
    by: str


@dataclass(frozen=True)
class Around:
    """What a station needs beside one shift: its visit and calls, whom one can ring, who was rung."""

    visit: Visit | None
    calls: Sequence[tuple[Call, bool | None]]
    """Each with the caregiver's word about it; None while she has not said."""
    rings: Sequence[Rung]
    """The newest first."""
    numbers: Sequence[Number]
    """Hers first."""


def around(shift: Shift) -> Around:
    """Everything beside one shift, in two questions."""
    near = sa.and_(Visit.household_id == shift.household_id, Visit.arrived_at >= clock.day_bounds(shift.day)[0])
    found = (
        db.session()
        .execute(
            sa.select(Visit, Call, Confirmation.agrees)
            .outerjoin(Call, Call.visit_id == Visit.id)
            .outerjoin(Confirmation, Confirmation.call_id == Call.id)
            .where(sa.or_(Visit.id == shift.visit_id, sa.and_(near, Visit.shift_id == shift.id)), Visit.state != VOID)
            .order_by(Visit.arrived_at, Call.at)
        )
        .all()
    )
    visit = found[0][0] if found else None
    calls = [(call, agrees) for each, call, agrees in found if each is visit and call is not None]
    rows = asked(_NUMBERS, home=shift.household_id, caregiver=shift.caregiver_id, shift=shift.id)
    numbers = sorted(told.numbers_in(rows), key=lambda each: each.whom != "caregiver")
    rings = [Rung(row.at, row.a, row.b, row.c or "", row.d or "") for row in reversed(rows.get("ring", ()))]
    return Around(visit, calls, rings, numbers)


_NUMBERS = together(
    strand("ring", key=PhoneCall.id, at=PhoneCall.at, a=PhoneCall.whom, b=PhoneCall.said, c=PhoneCall.words, d=Person.name)
    .select_from(PhoneCall)
    .outerjoin(Account, Account.id == PhoneCall.by_id)
    .outerjoin(Person, Person.id == Account.person_id)
    .where(PhoneCall.subject_id == sa.bindparam("shift", type_=Uuid())),
    strand("caregiver", key=Person.id, a=Person.name, sealed=Person.phone_sealed).where(
        Person.id == sa.bindparam("caregiver", type_=Uuid()), Person.phone_sealed.is_not(None)
    ),
    *told.NEAR,
)


PHONED_STRAND = (
    strand("phoned", key=Call.id, other=Visit.id, at=Call.at, a=Call.direction, b=Household.name)
    .select_from(Visit)
    .join(Call, Call.visit_id == Visit.id)
    .join(Household, Household.id == Visit.household_id)
    .outerjoin(Confirmation, Confirmation.call_id == Call.id)
    .where(
        Visit.caregiver_id == sa.bindparam("person", type_=Uuid()),
        Visit.day >= sa.bindparam("recent", type_=sa.Date()),
        Visit.state != VOID,
        Call.method == "PHONE",
        Confirmation.call_id.is_(None),
        sa.case((Call.direction == IN, Visit.arrive_by), else_=Visit.leave_by) == "PHONE",
    )
)
"""What was written down for a caregiver (parameters person, recent) and still stands on it, before she has said a word."""


def phoned_unconfirmed(place_id: uuid.UUID, since: date) -> list[tuple[Call, Visit]]:
    """Calls that were rung in at a place's stations since a day and that the caregiver has not confirmed."""
    under = sa.select(Place.id).where(sa.or_(Place.id == place_id, Place.street_id == place_id, Place.district_id == place_id))
    rows = db.session().execute(
        sa.select(Call, Visit)
        .join(Visit, Visit.id == Call.visit_id)
        .outerjoin(Confirmation, Confirmation.call_id == Call.id)
        .where(
            Visit.station_id.in_(under), Visit.day >= since, Visit.state != VOID, Call.method == "PHONE",
            sa.or_(Confirmation.call_id.is_(None), Confirmation.agrees.is_(False)),
            sa.case((Call.direction == IN, Visit.arrive_by), else_=Visit.leave_by) == "PHONE",
        )
        .order_by(Call.at)
    )  # fmt: skip
    return [(call, visit) for call, visit in rows]


@dataclass(frozen=True)
class Attendance:
    """A caregiver's visits of some days: how many the roster asked of her and how many she made, relief included."""

    due: int
    came: int


def attendance(person_id: uuid.UUID, first: date, last: date) -> Attendance:
    """Visits due and made from `first` to `last`, counted in visits (H09): who stands in is counted, approved leave and
    pauses ask nothing."""
    session = db.session()
    made = sa.exists().where(Visit.shift_id == Shift.id, Visit.caregiver_id == person_id, Visit.state != VOID)
    rows = session.execute(
        sa.select(Shift.id, made).where(Shift.caregiver_id == person_id, Shift.day.between(first, last), Shift.state == PLANNED)
    ).all()
    return Attendance(len(rows), sum(bool(came) for _key, came in rows))
