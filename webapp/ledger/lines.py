"""The lines of a book as pages show them: a month page by page, one line and what stands behind it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.access import Actor
from webapp.kit.month import Month
from webapp.ledger import queries
from webapp.ledger.queries import Hidden
from webapp.ledger.rows import Closing, Confirmation, Entry, EntryFlag, EntryReceipt, EntryShare, Question
from webapp.people.models import Account, Household, Person, Resident
from webapp.people.queries import nothing
from webapp.store import db
from webapp.store.files import Photo
from webapp.store.strands import asked, strand, together
from webapp.store.types import Uuid


@dataclass(frozen=True)
class Line:
    """One entry as a page shows it. `fen` is signed; `after_fen` is the cash in hand after it."""

    id: uuid.UUID
    at: datetime
    day: date
    kind: str
    side: str
    category: str
    source: str
    fen: int
    words: str
    giver: str | None
    seen: bool
    slip: bool
    reversal_of: uuid.UUID | None
    reversed_by: uuid.UUID | None
    photos: int
    flags: tuple[str, ...]
    after_fen: int


def entries(
    household_id: uuid.UUID, month: Month, closing_fen: int, before: uuid.UUID | None = None, limit: int = 40,
    hidden: Hidden = None,
) -> list[Line]:  # fmt: skip
    """The month's entries, newest first, those before the entry `before` only. `closing_fen`: the cash after the month.

    The cash after each line is counted back from there, so a page costs the same however long the book is; where lines
    are hidden it says nothing.
    """
    here = sa.and_(Entry.household_id == household_id, Entry.day >= month.first, Entry.day <= month.last)
    ask = _lines().where(here, _told(hidden)).order_by(*(each.desc() for each in _ORDER)).limit(limit)
    if before:
        mark = db.session().execute(sa.select(*_ORDER).where(Entry.id == before, here)).first()
        if mark is None:
            return []
        spot = sa.tuple_(*(sa.literal(value, each.type) for value, each in zip(mark, _ORDER, strict=True)))
        newer = sa.select(sa.func.sum(Entry.fen)).where(here, Entry.source == "cash", sa.tuple_(*_ORDER) >= spot)
        closing_fen -= int(db.session().scalar(newer) or 0)
        ask = ask.where(sa.tuple_(*_ORDER) < spot)
    found = []
    for row in db.session().execute(ask):
        found.append(_line(row, closing_fen))
        closing_fen -= row.fen if row.source == "cash" else 0
    return found


_ORDER: tuple[Any, ...] = (Entry.day, Entry.at, Entry.id)


def entry(actor: Actor, key: uuid.UUID) -> Line:
    """One entry within reach; `after_fen` says nothing here. Raises Missing."""
    row = db.session().execute(_lines().where(Entry.id == key, Entry.reach(actor))).first()
    if row is None:
        raise nothing()
    return _line(row)


def line(key: uuid.UUID, household_id: uuid.UUID, hidden: Hidden = None) -> Line:
    """One entry of a household that was found another way; `after_fen` says nothing here. Raises Missing."""
    row = db.session().execute(_lines().where(Entry.id == key, Entry.household_id == household_id, _told(hidden))).first()
    if row is None:
        raise nothing()
    return _line(row)


@dataclass(frozen=True)
class Story:
    """What stands behind one entry: where it belongs, who wrote it and when it came, its pictures and its flags."""

    household_id: uuid.UUID
    household: str
    station_id: uuid.UUID
    author: str
    resident: str | None
    agreed: str | None
    visit_id: uuid.UUID | None
    made_at: datetime
    photos: tuple[tuple[str, bool], ...]
    """Digest, and whether the picture itself has come."""
    flags: Sequence[EntryFlag]


def story(key: uuid.UUID) -> Story:
    """The story of an entry that was found through `entry`."""
    row = (
        db.session()
        .execute(
            sa.select(Entry, Household.name, Household.station_id, Person.name.label("author"), Resident.name.label("resident"))
            .join(Household, Household.id == Entry.household_id)
            .outerjoin(Account, Account.id == Entry.author_id)
            .outerjoin(Person, Person.id == Account.person_id)
            .outerjoin(Resident, Resident.id == Entry.resident_id)
            .where(Entry.id == key)
        )
        .one()
    )
    photos = db.session().execute(
        sa.select(EntryReceipt.sha256, sa.and_(Photo.done_at.is_not(None), Photo.refused.is_(None)))
        .outerjoin(Photo, Photo.sha256 == EntryReceipt.sha256)
        .where(EntryReceipt.entry_id == key)
        .order_by(EntryReceipt.at)
    )
    flags = db.session().scalars(sa.select(EntryFlag).where(EntryFlag.entry_id == key).order_by(EntryFlag.made_at)).all()
    told = row.Entry
    return Story(
        told.household_id, row.name, row.station_id, row.author or "", row.resident, told.agreed, told.visit_id, told.made_at,
        tuple((sha, bool(done)) for sha, done in photos), flags,
    )  # fmt: skip


@dataclass(frozen=True)
class Beside:
    """What people said about an entry: who confirmed it (key: account, a side, b name, c how), what kin asked (key, at, a words,
    b answer, due when answered), for whom of several it was (name, fen)."""

    confirmed: Sequence[Any]
    questions: Sequence[Any]
    shares: Sequence[tuple[str, int]]


def beside(key: uuid.UUID) -> Beside:
    """What hangs on an entry that was found through `entry`, in one question."""
    found = asked(_BESIDE, entry=key)
    shares = [(row.a, row.n) for row in sorted(found.get("share", ()), key=lambda row: row.b)]
    return Beside(found.get("confirmed", ()), found.get("question", ()), shares)


_HERE = sa.bindparam("entry", type_=Uuid())
_BESIDE = together(
    strand(
        "confirmed", key=Confirmation.author_id, at=Confirmation.at, a=Confirmation.side, b=Confirmation.name, c=Confirmation.how
    ).where(Confirmation.subject_id == _HERE),
    strand("question", key=Question.id, at=Question.made_at, due=Question.answered_at, a=Question.words, b=Question.answer).where(
        Question.entry_id == _HERE
    ),
    strand("share", key=EntryShare.resident_id, a=Resident.name, b=Resident.number, n=EntryShare.fen)
    .join(Resident, Resident.id == EntryShare.resident_id)
    .where(EntryShare.entry_id == _HERE),
)


def receipt(actor: Actor, sha256: str) -> str:
    """The digest of a slip of an entry within reach. Raises Missing."""
    found = db.session().scalar(
        sa.select(EntryReceipt.sha256)
        .join(Entry, Entry.id == EntryReceipt.entry_id)
        .where(EntryReceipt.sha256 == sha256, Entry.reach(actor))
        .limit(1)
    )
    if found is None:
        raise nothing()
    return found


STRAND = strand("entry", key=Entry.id, at=Entry.at, a=Entry.category, b=Entry.words, n=Entry.fen).where(
    Entry.visit_id == sa.bindparam("visit", type_=Uuid())
)
"""What was written in the book during a visit (parameter visit): entry (key, a category, b words, n fen)."""


def for_kin(household_id: uuid.UUID, since: date, limit: int = 60, hidden: Hidden = None) -> list[Line]:
    """What families read of a book from a day on, newest first. Consent is asked by the caller."""
    ask = _lines().where(Entry.household_id == household_id, Entry.day >= since, _told(hidden))
    return [_line(row) for row in db.session().execute(ask.order_by(Entry.day.desc(), Entry.at.desc()).limit(limit))]


def closed_over(household_id: uuid.UUID, hidden: Hidden) -> frozenset[uuid.UUID]:
    """The closings of months in which a line is `hidden`: their statements tell of somebody else."""
    told = queries.hides(household_id, Closing.since, Closing.last_day, hidden)
    return frozenset(db.session().scalars(sa.select(Closing.id).where(Closing.household_id == household_id, told)))


def _told(hidden: Hidden) -> sa.ColumnElement[bool]:
    return sa.true() if hidden is None else sa.or_(Entry.resident_id.is_(None), Entry.resident_id.not_in(hidden))


def _lines() -> Any:
    undoing = aliased(Entry)
    photos = sa.select(sa.func.count(EntryReceipt.sha256)).where(EntryReceipt.entry_id == Entry.id).scalar_subquery()
    flags = (
        sa.select(sa.func.aggregate_strings(EntryFlag.code, ","))
        .where(EntryFlag.entry_id == Entry.id, EntryFlag.settled_at.is_(None))
        .scalar_subquery()
    )
    return sa.select(
        Entry.id, Entry.at, Entry.day, Entry.kind, Entry.side, Entry.category, Entry.source, Entry.fen, Entry.words, Entry.giver,
        Entry.seen, Entry.slip, Entry.reversal_of, undoing.id.label("reversed_by"), photos.label("photos"), flags.label("flags"),
    ).outerjoin(undoing, undoing.reversal_of == Entry.id)  # fmt: skip


def _line(row: Any, after_fen: int = 0) -> Line:
    *facts, flags = row
    marks = tuple(sorted(flags.split(","))) if flags else ()
    return Line(*[*facts, marks, after_fen])
