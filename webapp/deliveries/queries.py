"""Records within reach: those that wait for a person, one by its number, one person's; and stopped phones that owe some."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.access import Actor, within
from webapp.kit import clock, ids
from webapp.people.accounts import OWING
from webapp.people.delivered import Delivered, delivered
from webapp.people.models import Account, Device, Household, Person, Resident
from webapp.people.queries import nothing
from webapp.store import arrivals, db
from webapp.store.arrivals import OPEN, WAITING, Conflict, Kept, Ruling
from webapp.store.files import Photo
from webapp.store.strands import strand
from webapp.store.types import Instant

PATIENCE = timedelta(days=1)
"""So long a record may wait for the one before it until somebody should look."""
FAR = 8
"""How many acts before a record are looked through for its household."""
Cursor = tuple[datetime, int]


@dataclass(frozen=True)
class Record:
    """A record in a list: its number, what kind, whose, when, and how it stands."""

    seq: int
    kind: str
    name: str
    state: str
    say: str | None
    made_at: datetime
    received_at: datetime
    twice: bool = False
    settled: bool = False
    person_id: uuid.UUID | None = None


_COLUMNS = (
    Kept.seq, Kept.kind, Person.name, Kept.state, Kept.say, Kept.made_at, Kept.received_at, Kept.twice,
    Kept.settled_at.is_not(None), Person.id,
)  # fmt: skip


def _records() -> Any:
    return sa.select(*_COLUMNS).join(Account, Account.id == Kept.author_id).join(Person, Person.id == Account.person_id)


def put_aside(actor: Actor, limit: int, before: Cursor | None = None, person: uuid.UUID | None = None) -> list[Record]:
    """Records that wait for a person, newest first: held, with two contents, or waiting for longer than a day."""
    return _page(_waiting(actor), limit, before, person)


def records_of(actor: Actor, person: uuid.UUID, limit: int, before: Cursor | None = None) -> list[Record]:
    """All records of one person within reach, newest first."""
    return _page(_records().where(Person.reach(actor)), limit, before, person)


def _waiting(actor: Actor) -> Any:
    patience = sa.bindparam("patience", callable_=lambda: clock.now() - PATIENCE, type_=Instant(), unique=True)
    long_enough = sa.or_(Kept.state != WAITING, Kept.received_at < patience, Kept.twice)
    return _records().where(OPEN, long_enough, Person.reach(actor))


def _page(ask: sa.Select[Any], limit: int, before: Cursor | None, person: uuid.UUID | None) -> list[Record]:
    if before is not None:
        at, seq = before
        ask = ask.where(Kept.received_at <= at, sa.or_(Kept.received_at < at, Kept.seq < seq))
    if person is not None:
        ask = ask.where(Person.id == person)
    rows = db.session().execute(ask.order_by(Kept.received_at.desc(), Kept.seq.desc()).limit(limit))
    return [Record(*row) for row in rows]


@dataclass(frozen=True)
class Front:
    """What the front page tells: the newest records put aside, and who has a stopped phone that still holds some."""

    records: list[Record]
    owing: list[tuple[str, str, datetime]]
    """(person's name, phone's label, when it was stopped)"""

    def __bool__(self) -> bool:
        return bool(self.records or self.owing)


def front(actor: Actor, limit: int) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Both lists as strands of a question that is asked anyway, and may be made long before: `front_in` reads the answer."""
    aside = _waiting(actor).order_by(Kept.received_at.desc(), Kept.seq.desc()).limit(limit).subquery()
    phones = _owing(actor, Device.label, Person.name, Device.revoked_at).limit(limit).subquery()
    columns: dict[str, Any] = dict(zip(("n", "a", "b", "c", "d", "at"), aside.c, strict=False))
    return (
        strand("record", **columns, m=sa.cast(aside.c.twice, sa.Integer())),
        strand("phone", a=phones.c.label, b=phones.c.name, at=phones.c.revoked_at),
    )


def front_in(found: Mapping[str, Sequence[Any]]) -> Front:
    """What the strands of `front` brought."""
    records = [Record(r.n, r.a, r.b, r.c, r.d, r.at, r.at, bool(r.m)) for r in found.get("record", ())]
    return Front(sorted(records, key=lambda r: -r.seq), [(r.b, r.a, r.at) for r in reversed(found.get("phone", ()))])


@dataclass(frozen=True)
class Found:
    """One record with who wrote it and, if somebody decided about it, what and who."""

    kept: Kept
    author: Person
    ruling: Ruling | None
    ruled_by: str | None


def record(actor: Actor, seq: int) -> Found:
    """The record of a receipt number, within reach. Raises Missing."""
    judge, judge_person = aliased(Account), aliased(Person)
    row = (
        db.session()
        .execute(
            sa.select(Kept, Person, Ruling, judge_person.name)
            .join(Account, Account.id == Kept.author_id)
            .join(Person, Person.id == Account.person_id)
            .outerjoin(Ruling, sa.and_(Ruling.id == Kept.id, Ruling.hash == Kept.hash))
            .outerjoin(judge, judge.id == Ruling.by_id)
            .outerjoin(judge_person, judge_person.id == judge.person_id)
            .where(Kept.seq == seq, Person.reach(actor))
        )
        .first()
    )
    if row is None:
        raise nothing()
    return Found(*row)


@dataclass(frozen=True)
class Second:
    """Another content under the same id, what was decided about it and by whom."""

    row: Conflict
    ruling: Ruling | None
    ruled_by: str | None


def seconds(kept: Kept) -> list[Second]:
    """The other contents under a record's id, in order of arrival."""
    rows = db.session().execute(
        sa.select(Conflict, Ruling, Person.name)
        .outerjoin(Ruling, sa.and_(Ruling.id == Conflict.id, Ruling.hash == Conflict.hash))
        .outerjoin(Account, Account.id == Ruling.by_id)
        .outerjoin(Person, Person.id == Account.person_id)
        .where(Conflict.id == kept.id)
        .order_by(Conflict.received_at, Conflict.hash)
        .limit(10)
    )
    return [Second(*row) for row in rows]


def came(digests: Iterable[str]) -> Mapping[str, bool]:
    """Of these photos those that have come; False: its bytes were no picture."""
    wanted = sorted(set(digests))
    if not wanted:
        return {}
    rows = db.session().execute(
        sa.select(Photo.sha256, Photo.refused).where(Photo.sha256.in_(wanted), Photo.done_at.is_not(None))
    )
    return {sha256: refused is None for sha256, refused in rows}


def names(actor: Actor, keys: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, str]:
    """What households and residents of these keys are called, those within reach."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    homes = within(actor, sa.select(Household)).with_only_columns(Household.id, Household.name).where(Household.id.in_(wanted))
    residents = within(actor, sa.select(Resident)).with_only_columns(Resident.id, Resident.name).where(Resident.id.in_(wanted))
    return {key: name for key, name in db.session().execute(sa.union_all(homes, residents))}


def household_before(kept: Kept) -> uuid.UUID | None:
    """The household that the acts before this one in its chain name: a diary knows only its visit."""
    if kept.prev is None:
        return None
    step = sa.select(Kept.id, Kept.prev, sa.literal(1).label("far")).where(Kept.id == kept.prev).cte("step", recursive=True)
    further = sa.select(Kept.id, Kept.prev, step.c.far + 1).join(step, Kept.id == step.c.prev).where(step.c.far < FAR)
    step = step.union_all(further)
    for row in db.session().scalars(sa.select(Kept).join(step, Kept.id == step.c.id).order_by(step.c.far)):
        envelope = arrivals.opened(row)
        if envelope and (key := ids.parse(envelope["body"].get("household"))):
            return key
    return None


@dataclass(frozen=True)
class Owing:
    """A stopped phone on which something may still be."""

    device: Device
    person: Person
    came: Delivered | None


def owing(actor: Actor, limit: int) -> list[Owing]:
    """Stopped phones within reach that said they hold records, or whose count has gaps; the last stopped first."""
    rows = [(device, person) for device, person in db.session().execute(_owing(actor, Device, Person).limit(limit))]
    counted = delivered([device.id for device, _person in rows])
    found = [Owing(device, person, counted.get(device.id)) for device, person in rows]
    return [each for each in found if each.device.unsent or (each.came and each.came.missing)]


def _owing(actor: Actor, *columns: Any) -> sa.Select[Any]:
    ask = sa.select(*columns).select_from(Device).join(Account, Account.id == Device.account_id)
    ask = ask.join(Person, Person.id == Account.person_id)
    return ask.where(sa.text(OWING), Person.reach(actor)).order_by(Device.revoked_at.desc())


def phone(actor: Actor, key: uuid.UUID) -> Device:
    """A phone of somebody within reach. Raises Missing."""
    ask = sa.select(Device).join(Account, Account.id == Device.account_id).join(Person, Person.id == Account.person_id)
    found = db.session().scalar(ask.where(Device.id == key, Person.reach(actor)))
    if found is None:
        raise nothing()
    return found


def called(actor: Actor, words: str, limit: int = 8) -> Sequence[Person]:
    """People within reach whose name or initials begin like `words`."""
    text = words.strip().lower()
    alike = sa.or_(Person.name.startswith(text, autoescape=True), Person.initials.startswith(text, autoescape=True))
    has_account = Person.id.in_(sa.select(Account.person_id))
    ask = within(actor, sa.select(Person)).where(alike, has_account).order_by(Person.number).limit(limit)
    return db.session().scalars(ask).all() if text else []


def authors(actor: Actor, accounts: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, str]:
    """Account → name, of those within reach."""
    ask = sa.select(Account.id, Person.name).join(Person, Person.id == Account.person_id)
    rows = db.session().execute(ask.where(Account.id.in_(sorted(set(accounts))), Person.reach(actor)))
    return {key: name for key, name in rows}
