"""Questions about counts and closings: one book's, and a month of all books within reach."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor, Role, within
from webapp.kit.month import Month
from webapp.ledger import confirming, rules
from webapp.ledger.rows import Agreement, Book, BookEnd, BookSeen, Closing, Confirmation, Count, Handover
from webapp.people.models import Account, Grant, HomeCareUnit, Household, Person
from webapp.store import db


@dataclass(frozen=True)
class Stand:
    """A book in a month: what was counted, who has confirmed, whether it is closed. Fen."""

    household_id: uuid.UUID
    name: str
    number: str
    cash_fen: int
    owed_fen: int
    count_id: uuid.UUID | None
    counted_fen: int | None
    differ_fen: int | None
    wallet_differ_fen: int
    """What was declared on her phone, less what the book says of it."""
    words: str
    counted_at: datetime | None
    closed: bool
    ended: bool
    ready: bool
    """Counted and confirmed by two."""


def month(actor: Actor, wanted: Month, after: str = "", limit: int = 40, *, left: bool = False) -> list[Stand]:
    """The books within reach in a month, by household number; `left`: those not closed only."""
    latest = (
        sa.select(Count.id)
        .where(Count.household_id == Household.id, Count.kind == "month", Count.month == str(wanted))
        .order_by(Count.at.desc(), Count.id.desc())
        .limit(1)
        .correlate(Household)
        .scalar_subquery()
    )
    shut = sa.exists().where(Closing.household_id == Household.id, Closing.last_day >= wanted.last)
    relative = (
        sa.select(HomeCareUnit.relative)
        .where(HomeCareUnit.household_id == Household.id, HomeCareUnit.until.is_(None))
        .correlate(Household)
        .scalar_subquery()
    )
    ask = (
        within(actor, sa.select(Household))
        .with_only_columns(
            Household.id, Household.name, Household.number, Book.cash_fen, Book.owed_fen, Count, shut.label("closed"),
            sa.exists().where(BookEnd.household_id == Household.id).label("ended"), relative.label("relative"),
        )
        .join(Book, Book.household_id == Household.id)
        .outerjoin(Count, Count.id == latest)
        .where(Household.number > after, Book.opened_on <= wanted.last)
        .order_by(Household.number)
        .limit(limit)
    )  # fmt: skip
    rows = db.session().execute(ask.where(~shut) if left else ask).all()
    said = confirming.of([row.Count.id for row in rows if row.Count])
    return [_stand(row, said) for row in rows]


def _stand(row: Any, said: dict[uuid.UUID, list[Confirmation]]) -> Stand:
    count = row.Count
    ready = count is not None and rules.confirmed(
        confirming.said(said.get(count.id, [])), count.author_id, relative=bool(row.relative)
    )
    differ = count.cash_fen - count.booked_cash_fen if count else None
    told = count is not None and count.wallet_fen is not None
    wallet = count.wallet_fen - count.booked_wallet_fen if told else 0
    return Stand(
        row.id, row.name, row.number, row.cash_fen, row.owed_fen, count.id if count else None,
        count.cash_fen if count else None, differ, wallet, count.words if count else "", count.at if count else None,
        bool(row.closed), bool(row.ended), ready,
    )  # fmt: skip


def closings(household_id: uuid.UUID, limit: int = 24) -> Sequence[Closing]:
    """The closed months of a book, newest first."""
    ask = sa.select(Closing).where(Closing.household_id == household_id).order_by(Closing.last_day.desc())
    return db.session().scalars(ask.limit(limit)).all()


@dataclass(frozen=True)
class Standing:
    """What else a book's page says: what was agreed, who holds the cash, the last shut day, whether it has ended."""

    agreement: Agreement | None
    holder: str
    holder_since: datetime | None
    shut: date | None
    ended: BookEnd | None
    owed_fen: int
    opened_on: date | None
    read: BookSeen | None
    """Who of the household's side has read the book last."""


def standing(household_id: uuid.UUID) -> Standing:
    """In one question. The cash is with whoever took it over last, else with the main caregiver."""
    taken = (
        sa.select(Handover.id)
        .where(Handover.household_id == household_id)
        .order_by(Handover.at.desc(), Handover.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    read = (
        sa.select(BookSeen.id)
        .where(BookSeen.household_id == household_id)
        .order_by(BookSeen.at.desc(), BookSeen.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    main = sa.select(HomeCareUnit.caregiver_id).where(HomeCareUnit.household_id == household_id, HomeCareUnit.until.is_(None))
    holder = sa.func.coalesce(
        sa.select(Account.person_id).where(Account.id == Handover.to_id).scalar_subquery(), main.scalar_subquery()
    )
    shut = sa.select(sa.func.max(Closing.last_day)).where(Closing.household_id == household_id).scalar_subquery()
    row = (
        db.session()
        .execute(
            sa.select(Agreement, Person.name, Handover.at, shut, BookEnd, Book.owed_fen, Book.opened_on, BookSeen)
            .select_from(Household)
            .outerjoin(Book, Book.household_id == Household.id)
            .outerjoin(Agreement, sa.and_(Agreement.household_id == Household.id, Agreement.until.is_(None)))
            .outerjoin(Handover, Handover.id == taken)
            .outerjoin(BookSeen, BookSeen.id == read)
            .outerjoin(Person, Person.id == holder)
            .outerjoin(BookEnd, BookEnd.household_id == Household.id)
            .where(Household.id == household_id)
        )
        .one()
    )
    agreement, name, since, last, ended, owed, opened, seen = row
    return Standing(agreement, name or "", since, last, ended, owed or 0, opened, seen)


def keepers(station_id: uuid.UUID) -> list[tuple[str, str]]:
    """Who may have kept a book of a station or may take it over: (account, name) of all who were or are caregivers there."""
    rows = db.session().execute(
        sa.select(Account.id, Person.name)
        .join(Person, Person.id == Account.person_id)
        .join(Grant, Grant.account_id == Account.id)
        .where(Grant.place_id == station_id, Grant.role == Role.CAREGIVER)
        .distinct()
        .order_by(Person.name)
        .limit(300)
    )
    return [(str(key), name) for key, name in rows]
