"""What waits for whom, what was cleared, how a notice climbed, who has read what."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import url_for
from werkzeug.routing import BuildError

from webapp.access import Actor, Role, within
from webapp.messages.announcing import Announcement, Reading, audiences, for_me, meant_for, unread
from webapp.messages.models import Climb, Notice, Sending, Task
from webapp.people.login import anyone, ids_of
from webapp.people.models import Account, Contact, Grant, HomeCareUnit, Household, Kin, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.store import db, secrets
from webapp.store.strands import asked, strand, together

Cursor = tuple[datetime, uuid.UUID]


def task(actor: Actor, key: uuid.UUID) -> Task:
    """The task, the actor's own or of an office within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Task)).where(Task.id == key).with_for_update())
    if found is None:
        raise nothing()
    return found


def notice(actor: Actor, key: uuid.UUID) -> Notice:
    """The notice, to the actor or of a place within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Notice)).where(Notice.id == key))
    if found is None:
        raise nothing()
    return found


LEVELS = sa.bindparam("levels", expanding=True, type_=sa.String())
"""Levels that somebody sees of places below their own."""


def open_tasks(actor: Actor, *which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Strand `task`: the open tasks for which `which` holds; a household is named only where it is within reach.

    key, other (household), third (whom to ring), fourth (notice), at (opened), due, a kind, b household, c level, d whom,
    e endpoint, one (facts), two (args), three (numbers), sealed (number).
    """
    return (
        strand(
            "task", key=Task.id, other=Task.household_id, third=Task.person_id, fourth=Task.notice_id, at=Task.opened_at,
            due=Task.due_at, a=Task.kind, b=Household.name, c=Task.level, d=Person.name, e=Task.endpoint, one=Task.facts,
            two=Task.args, three=Task.numbers, sealed=Person.phone_sealed,
        )
        .select_from(Task)
        .outerjoin(Household, sa.and_(Household.id == Task.household_id, actor.reaches_household(Household.id)))
        .outerjoin(Person, Person.id == Task.person_id)
        .where(Task.cleared_at.is_(None), *which)
    )  # fmt: skip


def own_tasks(actor: Actor) -> sa.Select[Any]:
    """Strand `task`: what is open for this account alone."""
    return open_tasks(actor, Task.account_id == actor.account_id)


def office_tasks(actor: Actor) -> sa.Select[Any]:
    """Strand `task`: what is open for the offices within reach, of those below only `LEVELS`."""
    here = sa.or_(Task.place_id == actor.place_id, Task.level.in_(LEVELS))
    return open_tasks(actor, Task.account_id.is_(None), actor.reaches_station(Task.place_id), here)


def handled(actor: Actor, since: Any) -> sa.Select[Any]:
    """Strand `handled`: causes that were dealt with since an instant. a key, at (when), one (facts)."""
    return strand("handled", a=Task.key, at=Task.cleared_at, one=Task.facts).where(
        actor.reaches_station(Task.place_id), Task.cleared_at > since
    )


def announced(actor: Actor) -> sa.Select[Any]:
    """Strand `announcement`: what the actor has not read. key, at, a title, b words, c place, n must."""
    return (
        strand(
            "announcement", key=Announcement.id, at=Announcement.made_at, a=Announcement.title, b=Announcement.words,
            c=Place.name, n=sa.cast(Announcement.must, sa.Integer()),
        )
        .select_from(Announcement)
        .join(Place, Place.id == Announcement.place_id)
        .where(*for_me(actor), unread(actor))
    )  # fmt: skip


def _told_her() -> tuple[sa.Select[Any], ...]:
    """Notices to a caregiver, her own tasks, and announcements."""
    her = anyone(Role.CAREGIVER)
    mine = sa.and_(Notice.to_id == her.account_id, Notice.acknowledged_at.is_(None), Notice.ended_at.is_(None))
    notices = (
        strand(
            "notice", key=Notice.id, other=Notice.household_id, at=Notice.made_at, a=Notice.kind, b=Household.name,
            c=Notice.level, e=Notice.endpoint, two=Notice.args,
        )
        .select_from(Notice)
        .outerjoin(Household, sa.and_(Household.id == Notice.household_id, her.reaches_household(Household.id)))
        .where(mine)
    )  # fmt: skip
    return notices, own_tasks(her), announced(her)


TOLD_HER = _told_her()
"""What waits for a caregiver (parameters audiences and those of `ids_of`); `told_in` reads it."""
_TOLD_HER = together(*TOLD_HER)


@dataclass(frozen=True)
class Told:
    """What a caregiver should see on her day: rows of the strands above."""

    notices: Sequence[Any]
    tasks: Sequence[Any]
    announcements: Sequence[Any]

    def __bool__(self) -> bool:
        return bool(self.notices or self.tasks or self.announcements)


def told(actor: Actor) -> Told:
    """What waits for a caregiver."""
    return told_in(asked(_TOLD_HER, **ids_of(actor), audiences=audiences(actor.role)))


def told_in(found: Mapping[str, Sequence[Any]]) -> Told:
    """What waits for a caregiver, red first, then in order of time."""
    notices = sorted(found.get("notice", ()), key=lambda row: row.c != "red")
    return Told(notices, found.get("task", ()), found.get("announcement", ()))


def address(endpoint: str | None, args: Mapping[str, Any] | None) -> str | None:
    """Where a task or notice leads; None when there is no such page any more."""
    try:
        return url_for(endpoint, **(args or {})) if endpoint else None
    except BuildError:
        return None


# -- what was cleared --


@dataclass(frozen=True)
class Cleared:
    """A line of the history."""

    task: Task
    home: str | None
    by: str | None
    place: str


def cleared(actor: Actor, before: Cursor | None, limit: int) -> list[Cleared]:
    """What was cleared within reach, newest first; those before (cleared_at, id) only."""
    ask = (
        sa.select(Task, Household.name, Person.name, Place.name)
        .select_from(Task)
        .outerjoin(Household, Household.id == Task.household_id)
        .outerjoin(Account, Account.id == Task.cleared_by)
        .outerjoin(Person, Person.id == Account.person_id)
        .join(Place, Place.id == Task.place_id)
        .where(Task.cleared_at.is_not(None), actor.reaches_station(Task.place_id))
        .order_by(Task.cleared_at.desc(), Task.id.desc())
        .limit(limit)
    )
    if before:
        at, key = before
        ask = ask.where(sa.or_(Task.cleared_at < at, sa.and_(Task.cleared_at == at, Task.id < key)))
    return [Cleared(*row) for row in db.session().execute(ask)]


# -- how a notice climbed --


@dataclass(frozen=True)
class Way:
    """A notice with every step of it: rungs reached and messages sent, in order of time."""

    notice: Notice
    home: str | None
    place: str
    to: str | None
    seen_by: str | None
    climbs: Sequence[tuple[Climb, str]]
    sendings: Sequence[Sending]


def way(actor: Actor, key: uuid.UUID) -> Way:
    """How a notice went, within reach. Raises Missing."""
    session, to, seer = db.session(), sa.orm.aliased(Account), sa.orm.aliased(Account)
    receiver, seen_by = sa.orm.aliased(Person), sa.orm.aliased(Person)
    row = session.execute(
        within(actor, sa.select(Notice, Household.name, Place.name, receiver.name, seen_by.name).select_from(Notice))
        .outerjoin(Household, sa.and_(Household.id == Notice.household_id, actor.reaches_household(Household.id)))
        .join(Place, Place.id == Notice.place_id)
        .outerjoin(to, to.id == Notice.to_id)
        .outerjoin(receiver, receiver.id == to.person_id)
        .outerjoin(seer, seer.id == Notice.seen_by)
        .outerjoin(seen_by, seen_by.id == seer.person_id)
        .where(Notice.id == key)
    ).first()
    if row is None:
        raise nothing()
    climbs = session.execute(
        sa.select(Climb, Place.name).join(Place, Place.id == Climb.place_id).where(Climb.notice_id == key).order_by(Climb.at)
    )
    sendings = session.scalars(sa.select(Sending).where(Sending.notice_id == key).order_by(Sending.made_at)).all()
    return Way(*row, climbs=[(climb, name) for climb, name in climbs], sendings=sendings)


# -- whom to ring --


@dataclass(frozen=True)
class Number:
    """Somebody who may be rung: which of words.WHOM, what they are called, the number."""

    whom: str
    name: str
    phone: str


def numbers(household_id: uuid.UUID) -> list[Number]:
    """Whoever could say how a household is: residents, who is near, the caregiver, kin."""
    return numbers_in(asked(_NUMBERS, home=household_id))


def numbers_in(found: Mapping[str, Sequence[Any]]) -> list[Number]:
    """The numbers in the answer to a question with NEAR and caregivers."""
    order = (
        ("resident", "resident.phone"),
        ("neighbour", "contact.phone"),
        ("caregiver", "person.phone"),
        ("kin", "person.phone"),
    )
    return [
        Number(whom, row.a, secrets.unseal(row.sealed, f"{seal}:{row.key}"))
        for whom, seal in order
        for row in found.get(whom, ())
    ]


_HOME = sa.bindparam("home", type_=Household.id.type)
NEAR = (
    strand("resident", key=Resident.id, at=Resident.made_at, a=Resident.name, sealed=Resident.phone_sealed).where(
        Resident.household_id == _HOME, Resident.ended_on.is_(None), Resident.phone_sealed.is_not(None)
    ),
    strand("neighbour", key=Contact.id, at=Contact.made_at, a=Contact.name, sealed=Contact.phone_sealed).where(
        Contact.household_id == _HOME, Contact.phone_sealed.is_not(None)
    ),
    strand("kin", key=Person.id, at=Kin.since, a=Person.name, sealed=Person.phone_sealed)
    .select_from(Kin)
    .join(Resident, Resident.id == Kin.resident_id)
    .join(Person, Person.id == Kin.person_id)
    .where(Resident.household_id == _HOME, Kin.holds(), Person.phone_sealed.is_not(None)),
)
"""Who is near the household `home`."""
_NUMBERS = together(
    strand("caregiver", key=Person.id, at=Person.made_at, a=Person.name, sealed=Person.phone_sealed)
    .select_from(HomeCareUnit)
    .join(Person, Person.id == HomeCareUnit.caregiver_id)
    .where(HomeCareUnit.household_id == _HOME, HomeCareUnit.until.is_(None), Person.phone_sealed.is_not(None)),
    *NEAR,
)


# -- announcements --


@dataclass(frozen=True)
class Posted:
    """An announcement with how many have read it, of how many it is for."""

    row: Announcement
    place: str
    by: str
    read: int
    of: int


def posted(actor: Actor, before: datetime | None, limit: int) -> list[Posted]:
    """What was announced at places within reach, newest first, with counts."""
    ask = (
        within(
            actor,
            sa.select(Announcement, Place.name, Person.name, _readers(read=True), _readers(read=False)).select_from(Announcement),
        )
        .join(Place, Place.id == Announcement.place_id)
        .join(Account, Account.id == Announcement.by_id)
        .join(Person, Person.id == Account.person_id)
        .order_by(Announcement.made_at.desc(), Announcement.id.desc())
        .limit(limit)
    )
    if before:
        ask = ask.where(Announcement.made_at < before)
    return [Posted(*row) for row in db.session().execute(ask)]


def _readers(*, read: bool) -> sa.ScalarSelect[int]:
    """How many of those an announcement is for have read it; or how many it is for."""
    there = sa.orm.aliased(Place)
    account = sa.orm.aliased(Account)
    grant = sa.orm.aliased(Grant)
    given = meant_for(Announcement, grant, account, there)
    ask = sa.select(sa.func.count(sa.distinct(account.id))).select_from(grant)
    ask = ask.join(account, account.id == grant.account_id).join(there, there.id == grant.place_id)
    if read:
        ask = ask.join(Reading, sa.and_(Reading.account_id == account.id, Reading.announcement_id == Announcement.id))
    return ask.where(*given).correlate(Announcement).scalar_subquery()


def announcement(actor: Actor, key: uuid.UUID) -> tuple[Announcement, str]:
    """An announcement and its place's name, within reach. Raises Missing."""
    row = (
        db.session()
        .execute(
            within(actor, sa.select(Announcement, Place.name))
            .join(Place, Place.id == Announcement.place_id)
            .where(Announcement.id == key)
        )
        .first()
    )
    if row is None:
        raise nothing()
    return row[0], row[1]


def readers(row: Announcement, limit: int = 500) -> list[tuple[str, str, datetime | None]]:
    """(name, place, when read) of everybody an announcement is for, those who have not read it first."""
    ask = (
        sa.select(Person.name, Place.name, Reading.at)
        .select_from(Grant)
        .join(Account, Account.id == Grant.account_id)
        .join(Person, Person.id == Account.person_id)
        .join(Place, Place.id == Grant.place_id)
        .outerjoin(Reading, sa.and_(Reading.account_id == Account.id, Reading.announcement_id == row.id))
        .where(*meant_for(row, Grant, Account, Place))
        .order_by(Reading.at.is_not(None), Place.code, Person.initials)
        .limit(limit)
    )
    return [(name, place, at) for name, place, at in db.session().execute(ask)]


def addressed(actor: Actor, key: uuid.UUID) -> Announcement:
    """An announcement that is meant for the actor. Raises Missing."""
    found = db.session().scalar(
        sa.select(Announcement).where(Announcement.id == key, *for_me(actor)), {"audiences": audiences(actor.role)}
    )
    if found is None:
        raise nothing()
    return found


def account_of(actor: Actor, person_id: uuid.UUID) -> tuple[Account, Person]:
    """The open account of somebody within reach. Raises Missing."""
    row = (
        db.session()
        .execute(
            sa.select(Account, Person)
            .join(Person, Person.id == Account.person_id)
            .where(Person.id == person_id, Account.ended_at.is_(None), Person.reach(actor))
        )
        .first()
    )
    if row is None:
        raise nothing()
    return row[0], row[1]
