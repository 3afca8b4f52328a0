"""How a line comes into a book: the book is found and locked, postings are written first and the entry last."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.kit import clock, ids
from webapp.ledger import rules
from webapp.ledger.rows import Agreement, Book, BookEnd, Entry, EntryFlag, EntryReceipt, Handover, Posting
from webapp.ledger.rules import Leg
from webapp.months.models import shut_through
from webapp.people.models import Account, Assignment, Household, Resident
from webapp.store import audit, db, rulebook
from webapp.store.types import Instant, Uuid

_POST, _ENTER, _FLAG = (sa.insert(cast(sa.Table, each.__table__)) for each in (Posting, Entry, EntryFlag))


MOVE = "move"
"""Kind of an entry between the accounts of a book."""


class Deed(Protocol):
    """What makes an entry: an act from a phone, or an office's own `Stamp`. Its id is the entry's."""

    @property
    def id(self) -> uuid.UUID:
        """The entry's key."""

    @property
    def author_id(self) -> uuid.UUID:
        """The account."""

    @property
    def at(self) -> datetime:
        """When it happened."""

    @property
    def day(self) -> Any:
        """The household day of it."""


@dataclass(frozen=True)
class Stamp:
    """A deed of an office, made now."""

    author_id: uuid.UUID
    id: uuid.UUID = field(default_factory=ids.new)
    at: datetime = field(default_factory=clock.now)

    @property
    def day(self) -> date:
        """The household day of it."""
        return clock.day_of(self.at)


@dataclass(frozen=True)
class Found:
    """A book as a verb meets it, locked: what each source holds, and what the database knows of the act's facts."""

    book_id: uuid.UUID
    household_id: uuid.UUID
    station_id: uuid.UUID
    held: Mapping[str, int]
    resident_id: uuid.UUID | None
    again: bool
    opened_on: date
    shut: date | None
    """The last shut day."""
    terms: rules.Terms | None
    gone_at: datetime | None
    """When the author's cash was counted without her: what she spent before that lowers what she owes."""
    ended_at: datetime | None
    """When all was given back: what is told of the time before explains what was counted then."""
    enters: bool
    """Whether the author was assigned to the household then."""

    def day_of(self, deed: Deed) -> date:
        """The day it is written on: its own, or the first after the shut month (with its reversals and corrections)."""
        day: date = deed.day
        return self.shut + timedelta(days=1) if self.shut and day <= self.shut else day

    def purse(self, source: str, at: datetime, gone_at: datetime | None) -> str:
        """Where money of `source` was at an instant, told now. What was counted since stands: without her (`gone_at`), it is
        hers to answer for; at the end of the book, it explains the difference.
        """
        if source not in rules.KEPT:
            return source
        if gone_at is not None and at < gone_at:
            return rules.OWED
        return rules.GAP if self.ended_at is not None and at < self.ended_at else source


def figures(day: date, place: uuid.UUID | None) -> dict[str, Any]:
    """The settings of a day at a place; what an older version of a district's does not say, the shipped one does."""
    return rulebook.default("money") | rulebook.current("money", day, place)


def locked(
    deed: Deed,
    household: uuid.UUID,
    resident: uuid.UUID | None = None,
    entry: uuid.UUID | None = None,
    photos: Sequence[str] = (),
) -> Found | None:
    """A household's book, locked until commit; None where there is none."""
    facts: dict[str, Any] = {
        "household": household, "resident": resident, "entry": entry or deed.id, "author": deed.author_id, "day": deed.day,
        "at": deed.at,
    }  # fmt: skip
    row = db.line().execute(_book(bool(photos)), facts | ({"photos": list(photos)} if photos else {})).first()
    if row is None:
        return None
    rulebook.heard(row.newest_rules)
    held = {"cash": row.cash_fen, "advance": row.advance_fen, "wallet": row.wallet_fen, "owed": row.owed_fen}
    terms = rules.Terms(row.receipt_fen, row.entry_fen, row.month_fen, row.terms_cash) if row.entry_fen is not None else None
    return Found(
        row.id,
        household,
        row.station_id,
        held,
        row.resident,
        bool(row.again),
        row.opened_on,
        row.shut,
        terms,
        row.gone_at,
        row.ended_at,
        bool(row.enters),
    )


@cache
def _book(photos: bool) -> sa.Select[*tuple[Any, ...]]:
    """What `locked` asks, made once with photos and once without: to make it costs more than to ask it."""
    household, reversal = sa.bindparam("household", type_=Uuid()), aliased(Entry)
    day = sa.bindparam("day", type_=sa.Date())
    used = (
        sa.select(EntryReceipt.entry_id)
        .where(
            EntryReceipt.sha256.in_(sa.bindparam("photos", expanding=True)),
            EntryReceipt.entry_id != sa.bindparam("entry", type_=Uuid()),
            ~sa.exists().where(reversal.reversal_of == EntryReceipt.entry_id),
        )
        .exists()
    )
    ended = sa.select(BookEnd.at).where(BookEnd.household_id == household).scalar_subquery()
    at = sa.bindparam("at", type_=Instant())
    enters = (
        sa.exists()
        .where(Account.id == sa.bindparam("author", type_=Uuid()), Account.person_id == Assignment.caregiver_id)
        .where(Assignment.household_id == household, Assignment.holds(at))  # type: ignore[arg-type]
    )
    holds = sa.and_(
        Agreement.household_id == Book.household_id,
        Agreement.since <= day,
        sa.or_(Agreement.until.is_(None), Agreement.until > day),
    )
    return (
        sa.select(
            Book.id, Household.station_id, Book.cash_fen, Book.advance_fen, Book.wallet_fen, Book.owed_fen, Book.opened_on,
            Resident.id.label("resident"), (used if photos else sa.false()).label("again"),
            shut_through(household).label("shut"), ended.label("ended_at"),
            gone_at(household, sa.bindparam("author", type_=Uuid())).label("gone_at"), enters.label("enters"), rulebook.newest,
            Agreement.receipt_fen, Agreement.entry_fen, Agreement.month_fen, Agreement.cash_fen.label("terms_cash"),
        )
        .join(Household, Household.id == Book.household_id)
        .outerjoin(Resident, sa.and_(Resident.id == sa.bindparam("resident", type_=Uuid()), Resident.household_id == household))
        .outerjoin(Agreement, holds)
        .where(Book.household_id == household)
        .with_for_update(of=Book)
    )  # fmt: skip


def gone_at(household: Any, author: Any) -> sa.ScalarSelect[datetime]:
    """For a larger question: when the cash of a household was last counted without this account; null where it never was."""
    ask = sa.select(sa.func.max(Handover.at, type_=Instant()))
    return ask.where(Handover.household_id == household, Handover.from_id == author, Handover.alone.is_(True)).scalar_subquery()


def post(found: Found, deed: Deed, kind: str, legs: Sequence[Leg], *, day: date | None = None, **facts: Any) -> None:
    """Postings first, the entry last: its trigger seals them. `day`: when it is not the deed's."""
    line = db.line()
    line.execute(
        _POST,
        [{"entry_id": deed.id, "account": leg.account, "book_id": found.book_id, "fen": leg.fen} for leg in legs],
    )
    line.execute(
        _ENTER,
        {
            "id": deed.id, "book_id": found.book_id, "household_id": found.household_id, "day": day or found.day_of(deed),
            "kind": kind, "at": deed.at, "made_at": clock.now(), "author_id": deed.author_id, **facts,
        },
    )  # fmt: skip
    audit.note(
        f"ledger.{kind}", f"book_entry:{deed.id}", found.household_id,
        fen=facts["fen"], source=facts["source"], category=facts["category"], reversal_of=facts.get("reversal_of"),
    )  # fmt: skip


def raise_flags(found: Found, entry: uuid.UUID, flags: Sequence[rules.Flag]) -> None:
    """Mark an entry as something to look at."""
    if flags:
        row = {"entry_id": entry, "household_id": found.household_id, "made_at": clock.now()}
        db.line().execute(_FLAG, [{"id": ids.new(), "code": flag.value, **row} for flag in flags])


def settle_flags(which: sa.ColumnElement[bool], by: uuid.UUID, words: str) -> None:
    """What was to be looked at has been answered. `by`: account."""
    db.session().execute(
        sa.update(EntryFlag)
        .where(which, EntryFlag.settled_at.is_(None))
        .values(settled_at=clock.now(), settled_by=by, settled_words=words)
        .execution_options(synchronize_session=False)
    )
