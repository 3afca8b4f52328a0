"""The rows of a household's book: what the verbs of models, agreeing, counting and closing write."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor
from webapp.kit import clock
from webapp.ledger import sealed  # noqa: F401  # what the database refuses comes with the tables
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made, told
from webapp.store.types import Fen, Instant, Uuid


class Book(Keyed, Made, Homed, Base):
    """One household's book. The `_fen` columns are what the postings sum to, kept so by a trigger."""

    __tablename__ = "book"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), unique=True)
    opened_on: Mapped[date]
    cash_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """The elder's cash that the caregiver holds."""
    advance_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """Below zero: what the caregiver has laid out of her own (垫付)."""
    wallet_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """The family's money on the caregiver's phone."""
    org_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """What the organisation holds for the household."""
    owed_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """What a former caregiver owes (前养护员欠)."""


HELD = ("cash", "advance", "wallet", "org", "owed")
"""The accounts whose balance a book carries."""


class BookMonth(Homed, Base):
    """What the entries of a book's month sum to, kept so by a trigger: a page need not add up the years. Fen."""

    __tablename__ = "book_month"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    """Its first day."""
    last_day: Mapped[date]
    cash_fen: Mapped[Fen]
    in_fen: Mapped[Fen]
    out_fen: Mapped[Fen]
    """Above zero: what went out."""


class Agreement(Keyed, Made, Homed, Base):
    """What was agreed with a household about its money; a new one ends the one before. Without one there is no book."""

    __tablename__ = "book_agreement"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    since: Mapped[date]
    until: Mapped[date | None]
    """The first day on which it no longer holds."""
    giver: Mapped[str] = mapped_column(sa.String(60))
    """Who hands over money."""
    confirmer: Mapped[str] = mapped_column(sa.String(60))
    """Who confirms counts and large sums for the household."""
    receipt_fen: Mapped[Fen]
    entry_fen: Mapped[Fen]
    month_fen: Mapped[Fen]
    cash_fen: Mapped[Fen]
    how: Mapped[str] = mapped_column(sa.String(8))
    """paper, thumb, phone, witness."""
    witness: Mapped[str | None] = mapped_column(sa.String(60))
    asked_by: Mapped[str | None] = mapped_column(sa.String(60))
    """Who asked that a relative who lives there keeps the book."""
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    __table_args__ = (sa.Index("ix_book_agreement_household_id", "household_id", "since"),)


class Entry(Homed, Base):
    """One line of the book, sealed. `fen` is what it does to its `source`: below zero out, above zero in."""

    __tablename__ = "book_entry"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    """The id of the act that recorded it."""
    book_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book.id"))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(sa.String(10))
    side: Mapped[str] = mapped_column(sa.String(3))
    """in, out: where it stands in the month's sums; own: between the household's own purses. A reversal: as its target."""
    category: Mapped[str] = mapped_column(sa.String(10))
    source: Mapped[str] = mapped_column(sa.String(8))
    fen: Mapped[Fen]
    words: Mapped[str] = mapped_column(sa.Text(), default="")
    shop: Mapped[str | None] = mapped_column(sa.String(20))
    giver: Mapped[str | None] = mapped_column(sa.String(60))
    """Who gave the money that came in."""
    agreed: Mapped[str | None] = mapped_column(sa.String(8))
    """Who said yes to a large spend: elder, family, station."""
    seen: Mapped[bool] = mapped_column(default=False)
    """老人看过: stands for the slip a market stall does not give."""
    slip: Mapped[bool] = mapped_column(default=False)
    """Whether a slip or screenshot was wanted when it was written."""
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    visit_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """The visit it was written in. No foreign key: money is never refused because an arrival is late."""
    reversal_of: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"))
    at: Mapped[datetime] = mapped_column(Instant())
    made_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    """The account that wrote it: whose cash, advance or phone is meant."""
    __table_args__ = (
        sa.Index("ix_book_entry_household_id_day", "household_id", "day", "at"),
        sa.Index("ix_book_entry_household_id_made_at", "household_id", "made_at"),
        sa.Index("ix_book_entry_visit_id", "visit_id"),
        told("uq_book_entry_reversal_of", "reversal_of", unique=True),
    )


class Posting(Base):
    """One leg of an entry. Every entry has two or more; they sum to zero."""

    __tablename__ = "posting"
    entry_id: Mapped[uuid.UUID] = mapped_column(
        Uuid(), sa.ForeignKey("book_entry.id", deferrable=True, initially="DEFERRED"), primary_key=True
    )
    account: Mapped[str] = mapped_column(sa.String(14), primary_key=True)
    book_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book.id"), index=True)
    fen: Mapped[Fen]


class EntryReceipt(Base):
    """A slip or screenshot of an entry, with it or later."""

    __tablename__ = "entry_receipt"
    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(Instant())
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class EntryFlag(Keyed, Made, Homed, Base):
    """Something about an entry that the station should look at; settled by a later act or a person."""

    __tablename__ = "entry_flag"
    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"), index=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    code: Mapped[str] = mapped_column(sa.String(12))
    settled_at: Mapped[datetime | None] = mapped_column(Instant())
    settled_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    settled_words: Mapped[str | None] = mapped_column(sa.String(200))
    __table_args__ = (
        sa.Index(
            "ix_entry_flag_open",
            "household_id",
            sqlite_where=sa.text("settled_at is null"),
            postgresql_where=sa.text("settled_at is null"),
        ),
    )


class EntryShare(Base):
    """What part of an entry was for one of several residents, fen above zero."""

    __tablename__ = "entry_share"
    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"), primary_key=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"), primary_key=True)
    fen: Mapped[Fen]


class QuietDay(Homed, Base):
    """今天没花钱: somebody said so; a day without entry and without this is a gap."""

    __tablename__ = "quiet_day"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant())
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class Handover(Homed, Base):
    """The household's cash went from one caregiver to the next. `alone`: the one before could not be reached."""

    __tablename__ = "book_handover"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    from_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    """Accounts."""
    to_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    count_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    alone: Mapped[bool]
    at: Mapped[datetime] = mapped_column(Instant())
    made_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    __table_args__ = (sa.Index("ix_book_handover_household_id", "household_id", "at"),)


class Count(Homed, Base):
    """Somebody counted the cash and said what is on the phone. `booked_*`: what the book said when it came."""

    __tablename__ = "book_count"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    book_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book.id"))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    kind: Mapped[str] = mapped_column(sa.String(10))
    """any, month, handover by her who keeps the book; surprise, alone, end by the station."""
    month: Mapped[str | None] = mapped_column(sa.String(7))
    cash_fen: Mapped[Fen]
    wallet_fen: Mapped[Fen | None]
    """Declared, not counted."""
    booked_cash_fen: Mapped[Fen]
    booked_wallet_fen: Mapped[Fen]
    words: Mapped[str] = mapped_column(sa.Text(), default="")
    """Why it differs."""
    day: Mapped[date]
    at: Mapped[datetime] = mapped_column(Instant())
    made_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    __table_args__ = (sa.Index("ix_book_count_household_id", "household_id", "at"),)


class Confirmation(Keyed, Made, Homed, Base):
    """Somebody said yes to a count, a large spend or money handed over: which side, how, and who wrote it down."""

    __tablename__ = "book_confirmation"
    subject_id: Mapped[uuid.UUID] = mapped_column(Uuid(), index=True)
    """A count or an entry."""
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    side: Mapped[str] = mapped_column(sa.String(10))
    name: Mapped[str] = mapped_column(sa.String(60))
    how: Mapped[str] = mapped_column(sa.String(8))
    witness: Mapped[str | None] = mapped_column(sa.String(60))
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    at: Mapped[datetime] = mapped_column(Instant())
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class Closing(Keyed, Homed, Base):
    """A month of a book, closed: what it came to, after which count, and the hash of its statement."""

    __tablename__ = "book_closing"
    book_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book.id"))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    month: Mapped[str] = mapped_column(sa.String(7))
    since: Mapped[date]
    last_day: Mapped[date]
    count_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_count.id"))
    opening_fen: Mapped[Fen]
    in_fen: Mapped[Fen]
    out_fen: Mapped[Fen]
    repaid_fen: Mapped[Fen]
    """What the caregiver took back of what she had laid out. These are sums of the cash."""
    closing_fen: Mapped[Fen]
    differ_fen: Mapped[Fen]
    words: Mapped[str] = mapped_column(sa.Text(), default="")
    confirmed: Mapped[list[Any]] = mapped_column(sa.JSON())
    """[side, name, how, witness] of each."""
    digest: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    __table_args__ = (sa.Index("uq_book_closing_household_id_month", "household_id", "month", unique=True),)


class BookEnd(Homed, Base):
    """The book ended: why, and to whom what was left went."""

    __tablename__ = "book_end"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), primary_key=True)
    day: Mapped[date]
    why: Mapped[str] = mapped_column(sa.String(8))
    """ended, death."""
    count_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_count.id"))
    back_fen: Mapped[Fen]
    back_to: Mapped[str] = mapped_column(sa.String(60))
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class Question(Keyed, Made, Homed, Base):
    """Kin asked about a line of the book, and what was answered."""

    __tablename__ = "book_question"
    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"), index=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    asked_by: Mapped[uuid.UUID] = mapped_column(Uuid())
    words: Mapped[str] = mapped_column(sa.String(200))
    answer: Mapped[str | None] = mapped_column(sa.String(200))
    answered_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    answered_at: Mapped[datetime | None] = mapped_column(Instant())
    __table_args__ = (
        sa.Index(
            "ix_book_question_open",
            "household_id",
            sqlite_where=sa.text("answered_at is null"),
            postgresql_where=sa.text("answered_at is null"),
        ),
    )


class BookSeen(Keyed, Homed, Base):
    """Somebody of the household's side has read the book up to now: 我看过了."""

    __tablename__ = "book_seen"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    side: Mapped[str] = mapped_column(sa.String(10))
    name: Mapped[str] = mapped_column(sa.String(60))
    at: Mapped[datetime] = mapped_column(Instant())
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    __table_args__ = (sa.Index("ix_book_seen_household_id", "household_id", "at"),)


class SlipCheck(Base):
    """The station has laid an entry beside its slips and they agree."""

    __tablename__ = "slip_check"
    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class BookDraw(Keyed, Made, Base):
    """Books drawn by lot to be looked through (P44): seed and list are kept, so that anybody can draw again."""

    __tablename__ = "book_draw"
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    seed: Mapped[str] = mapped_column(sa.String(64))
    population: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    drawn: Mapped[list[Any]] = mapped_column(sa.JSON())
    """Household numbers, in the order of the lots."""
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: its place is within reach."""
        return actor.reaches_station(cls.place_id)
