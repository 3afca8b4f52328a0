"""What stands in the books. Every question of a person is asked through the actor; families are asked for by household."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.access import Actor, within
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.ledger import rules
from webapp.ledger.rows import (
    Agreement,
    Book,
    Confirmation,
    Entry,
    EntryFlag,
    EntryReceipt,
    EntryShare,
    Posting,
    Question,
    QuietDay,
)
from webapp.people.models import Account, Household, Person, Resident
from webapp.people.queries import nothing
from webapp.store import db
from webapp.store.files import Photo
from webapp.store.strands import asked, strand, together
from webapp.store.types import Uuid

PHONES_KEEP = timedelta(days=35)
"""How long a phone may still hold what it has delivered (30 days until a backup covers it, and some)."""


@dataclass(frozen=True)
class Balance:
    """What the household's money comes to now, fen. `advance_fen` below zero: the caregiver has laid that out."""

    cash_fen: int = 0
    advance_fen: int = 0
    wallet_fen: int = 0


@dataclass(frozen=True)
class Shelf:
    """One book in a list."""

    household_id: uuid.UUID
    name: str
    number: str
    balance: Balance
    flags: int
    """How many of its entries somebody should look at."""


@dataclass(frozen=True)
class Sums:
    """A month, fen: what was in hand before it, what came in, what went out (above zero)."""

    opening_fen: int
    in_fen: int
    out_fen: int


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


def shelves(actor: Actor, after: str = "", limit: int = 30, *, look: bool = False) -> list[Shelf]:
    """The households within reach with their books, by number, those after number `after`; `look`: with flags only."""
    flags = (
        sa.select(sa.func.count(EntryFlag.id))
        .where(EntryFlag.household_id == Household.id, EntryFlag.settled_at.is_(None))
        .scalar_subquery()
    )
    open_flag = sa.exists().where(EntryFlag.household_id == Household.id, EntryFlag.settled_at.is_(None))
    ask = (
        within(actor, sa.select(Household))
        .with_only_columns(
            Household.id, Household.name, Household.number, Book.cash_fen, Book.advance_fen, Book.wallet_fen, flags
        )
        .outerjoin(Book, Book.household_id == Household.id)
        .where(Household.number > after, Household.ended_on.is_(None))
        .order_by(Household.number)
        .limit(limit)
    )
    rows = db.session().execute(ask.where(open_flag) if look else ask)
    return [Shelf(key, name, number, Balance(c or 0, a or 0, w or 0), n) for key, name, number, c, a, w, n in rows]


@dataclass(frozen=True)
class House:
    """A household as its book's page meets it."""

    id: uuid.UUID
    name: str
    station_id: uuid.UUID
    balance: Balance
    quiet: bool
    """Somebody has said today that nothing was spent."""
    terms: rules.Terms | None = None


def house(actor: Actor, key: uuid.UUID) -> House:
    """The household within reach, with what its book comes to. Raises Missing."""
    quiet = sa.exists().where(QuietDay.household_id == Household.id, QuietDay.day == clock.today())
    row = (
        db.session()
        .execute(
            within(actor, sa.select(Household))
            .with_only_columns(
                Household.name,
                Household.station_id,
                Book.cash_fen,
                Book.advance_fen,
                Book.wallet_fen,
                quiet.label("quiet"),
                Agreement.receipt_fen,
                Agreement.entry_fen,
                Agreement.month_fen,
                Agreement.cash_fen.label("held_max"),
            )
            .outerjoin(Book, Book.household_id == Household.id)
            .outerjoin(Agreement, sa.and_(Agreement.household_id == Household.id, Agreement.until.is_(None)))
            .where(Household.id == key)
        )
        .first()
    )
    if row is None:
        raise nothing()
    held = Balance(row.cash_fen or 0, row.advance_fen or 0, row.wallet_fen or 0)
    terms = rules.Terms(row.receipt_fen, row.entry_fen, row.month_fen, row.held_max) if row.entry_fen is not None else None
    return House(key, row.name, row.station_id, held, bool(row.quiet), terms)


def balance(household_id: uuid.UUID) -> Balance:
    """What a household's book comes to now."""
    row = (
        db.session()
        .execute(sa.select(Book.cash_fen, Book.advance_fen, Book.wallet_fen).where(Book.household_id == household_id))
        .first()
    )
    return Balance(*row) if row else Balance()


def sums(household_id: uuid.UUID, month: Month, held: Balance) -> Sums:
    """The month's sums over all sources, and the cash before it: what is in hand now (`held`) less all since."""

    def total(*conditions: Any) -> Any:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*conditions), Entry.fen), else_=0)), 0)

    in_month = Entry.day <= month.last
    row = (
        db.session()
        .execute(
            sa.select(
                total(Entry.source == "cash"), total(Entry.side == "in", in_month), total(Entry.side == "out", in_month)
            ).where(Entry.household_id == household_id, Entry.day >= month.first)
        )
        .one()
    )
    since, came, went = (int(each) for each in row)
    return Sums(held.cash_fen - since, came, -went)


def entries(
    household_id: uuid.UUID,
    month: Month,
    opening_fen: int = 0,
    before: tuple[datetime, uuid.UUID] | None = None,
    limit: int = 40,
) -> list[Line]:
    """The month's entries, newest first, those before (at, id) only. `opening_fen`: the cash before the month (`sums`)."""
    order = (Entry.at, Entry.id)
    moved = sa.func.sum(sa.case((Entry.source == "cash", Entry.fen), else_=0)).over(order_by=order)
    of_month = (
        sa.select(Entry.id, Entry.at, moved.label("moved"))
        .where(Entry.household_id == household_id, Entry.day >= month.first, Entry.day <= month.last)
        .subquery()
    )
    ask = (
        _lines(of_month.c.moved).join(of_month, of_month.c.id == Entry.id).order_by(Entry.at.desc(), Entry.id.desc()).limit(limit)
    )
    if before:
        ask = ask.where(sa.or_(Entry.at < before[0], sa.and_(Entry.at == before[0], Entry.id < before[1])))
    return [_line(row, opening_fen) for row in db.session().execute(ask)]


def entry(actor: Actor, key: uuid.UUID) -> Line:
    """One entry within reach; `after_fen` says nothing here. Raises Missing."""
    row = db.session().execute(_lines(sa.literal(0)).where(Entry.id == key, Entry.reach(actor))).first()
    if row is None:
        raise nothing()
    return _line(row, 0)


def line(key: uuid.UUID, household_id: uuid.UUID) -> Line:
    """One entry of a household that was found another way; `after_fen` says nothing here. Raises Missing."""
    row = db.session().execute(_lines(sa.literal(0)).where(Entry.id == key, Entry.household_id == household_id)).first()
    if row is None:
        raise nothing()
    return _line(row, 0)


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


def question(actor: Actor, key: uuid.UUID) -> Question:
    """What kin asked, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Question)).where(Question.id == key))
    if found is None:
        raise nothing()
    return found


def flag(actor: Actor, key: uuid.UUID) -> EntryFlag:
    """The flag, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(EntryFlag)).where(EntryFlag.id == key))
    if found is None:
        raise nothing()
    return found


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


def acts(household_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """The ids of the acts a book's page already contains (data-seen), by household, as long as phones keep them."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {key: [] for key in household_ids}
    for household, key in db.session().execute(
        sa.select(Entry.household_id, Entry.id).where(
            Entry.household_id.in_(household_ids), Entry.made_at >= clock.now() - PHONES_KEEP
        )
    ):
        found[household].append(key)
    return found


def residents(household_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """Who lives there: id and name."""
    rows = db.session().execute(
        sa.select(Resident.id, Resident.name)
        .where(Resident.household_id == household_id, Resident.ended_on.is_(None))
        .order_by(Resident.number)
    )
    return [(key, name) for key, name in rows]


def learnt(household_id: uuid.UUID, few: int = 6) -> tuple[list[str], list[str]]:
    """Shops and things that were written most in the last lines of this household."""
    rows = db.session().execute(
        sa.select(Entry.shop, Entry.words)
        .where(Entry.household_id == household_id, Entry.kind == "spend")
        .order_by(Entry.day.desc(), Entry.at.desc())
        .limit(60)
    )
    shops, things = Counter[str](), Counter[str]()
    for shop, words in rows:
        shops.update([shop] if shop else [])
        things.update(each for each in words.split("、") if 0 < len(each) <= 6 and each != shop)
    return [name for name, _n in shops.most_common(few)], [name for name, n in things.most_common(few) if n > 1]


STRAND = strand("entry", key=Entry.id, at=Entry.at, a=Entry.category, b=Entry.words, n=Entry.fen).where(
    Entry.visit_id == sa.bindparam("visit", type_=Uuid())
)
"""What was written in the book during a visit (parameter visit): entry (key, a category, b words, n fen)."""


def of_visit(visit_id: uuid.UUID) -> list[Line]:
    """What was written in the book during a visit, in order."""
    ask = _lines(sa.literal(0)).where(Entry.visit_id == visit_id).order_by(Entry.at, Entry.id)
    return [_line(row, 0) for row in db.session().execute(ask)]


def for_kin(household_id: uuid.UUID, since: date, limit: int = 60) -> list[Line]:
    """What families read of a book from a day on, newest first. Consent is asked by the caller."""
    ask = _lines(sa.literal(0)).where(Entry.household_id == household_id, Entry.day >= since)
    return [_line(row, 0) for row in db.session().execute(ask.order_by(Entry.day.desc(), Entry.at.desc()).limit(limit))]


def quiet_days(household_id: uuid.UUID, month: Month) -> set[date]:
    """The days of a month on which somebody said that nothing was spent."""
    return set(
        db.session().scalars(
            sa.select(QuietDay.day).where(
                QuietDay.household_id == household_id, QuietDay.day >= month.first, QuietDay.day <= month.last
            )
        )
    )


def disagreements(limit: int = 20) -> list[uuid.UUID]:
    """Households whose carried balance differs from the sum of their postings. Always empty, or the disk is broken."""

    def summed(account: str) -> Any:
        return sa.func.coalesce(sa.func.sum(sa.case((Posting.account == account, Posting.fen), else_=0)), 0)

    totals = [(getattr(Book, f"{account}_fen"), summed(account)) for account in ("cash", "advance", "wallet", "org", "owed")]
    return list(
        db.session().scalars(
            sa.select(Book.household_id)
            .outerjoin(Posting, Posting.book_id == Book.id)
            .group_by(Book.id)
            .having(sa.or_(*(carried != total for carried, total in totals)))
            .limit(limit)
        )
    )


def _lines(after: Any) -> Any:
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
        after.label("after"),
    ).outerjoin(undoing, undoing.reversal_of == Entry.id)  # fmt: skip


def _line(row: Any, opening_fen: int) -> Line:
    *facts, flags, after = row
    marks = tuple(sorted(flags.split(","))) if flags else ()
    return Line(*[*facts, marks, opening_fen + int(after or 0)])
