"""What stands in the books. Every question of a person is asked through the actor; families are asked for by household."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor, within
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.ledger import rules
from webapp.ledger.rows import HELD, Agreement, Book, BookMonth, Entry, EntryFlag, Posting, QuietDay
from webapp.people.models import Household, Resident
from webapp.people.queries import nothing
from webapp.store import db

PHONES_KEEP = timedelta(days=35)
"""How long a phone may still hold what it has delivered (30 days until a backup covers it, and some)."""
PHONES_HOLD = 250
"""Acts of one household in that time: seven a day."""


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
    """A month, fen: the cash before it, what came in, what went out (above zero), the cash after it."""

    opening_fen: int
    in_fen: int
    out_fen: int
    closing_fen: int
    hides: bool = False
    """Whether the month has lines the reader may not see."""


Hidden = sa.Select[uuid.UUID] | None
"""The residents whose own lines the reader may not see, as a question; None: all may be seen."""


def hides(household_id: uuid.UUID, since: Any, until: Any, hidden: Hidden) -> sa.ColumnElement[bool]:
    """Condition: from one day until another the book has a line that is `hidden`."""
    if hidden is None:
        return sa.false()
    days = Entry.household_id == household_id, Entry.day >= since, Entry.day <= until
    return sa.exists().where(*days, Entry.resident_id.in_(hidden))


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


def sums(household_id: uuid.UUID, month: Month, held: Balance, hidden: Hidden = None) -> Sums:
    """The month's sums over all sources, and the cash before and after it: what is in hand now (`held`) less all since.

    `hidden` is summed too; the sums say whether there is any.
    """
    here, since = BookMonth.month == month.first, BookMonth.month >= month.first

    def total(column: Any, which: Any) -> Any:
        return sa.func.coalesce(sa.func.sum(sa.case((which, column), else_=0)), 0)

    ask = sa.select(
        total(BookMonth.cash_fen, since), total(BookMonth.cash_fen, here), total(BookMonth.in_fen, here),
        total(BookMonth.out_fen, here), hides(household_id, month.first, month.last, hidden),
    ).where(BookMonth.household_id == household_id, since)  # fmt: skip
    later, cash, came, went, others = (int(each) for each in db.session().execute(ask).one())
    opening = held.cash_fen - later
    return Sums(opening, came, went, opening + cash, bool(others))


def acts(household_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """The ids of the acts a book's page already contains (data-seen), by household, as long as phones keep them."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {key: [] for key in household_ids}
    lately = sa.and_(Entry.household_id.in_(household_ids), Entry.made_at >= clock.now() - PHONES_KEEP)
    ask = sa.select(Entry.household_id, Entry.id).where(lately).order_by(Entry.made_at.desc())
    for household, key in db.session().execute(ask.limit(PHONES_HOLD * len(household_ids))):
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


def disagreements(limit: int = 20) -> list[uuid.UUID]:
    """Households whose carried sums, of the book or of a month, differ from its postings. Always empty, or the disk is broken."""

    def summed(which: Any, fen: Any) -> Any:
        return sa.func.coalesce(sa.func.sum(sa.case((which, fen), else_=0)), 0)

    totals = [(getattr(Book, f"{each}_fen"), summed(Posting.account == each, Posting.fen)) for each in HELD]
    books = (
        sa.select(Book.household_id)
        .outerjoin(Posting, Posting.book_id == Book.id)
        .group_by(Book.id)
        .having(sa.or_(*(carried != total for carried, total in totals)))
    )
    wholes = [(BookMonth.cash_fen, Entry.source == "cash", Entry.fen), (BookMonth.in_fen, Entry.side == "in", Entry.fen),
              (BookMonth.out_fen, Entry.side == "out", -Entry.fen)]  # fmt: skip
    of_month = sa.and_(
        Entry.household_id == BookMonth.household_id, Entry.day >= BookMonth.month, Entry.day <= BookMonth.last_day
    )
    months = (
        sa.select(BookMonth.household_id)
        .outerjoin(Entry, of_month)
        .group_by(BookMonth.household_id, BookMonth.month)
        .having(sa.or_(*(carried != summed(which, fen) for carried, which, fen in wholes)))
    )
    return list(db.session().scalars(books.union(months).limit(limit)))
