"""The agreement first: who hands over money, limits, receipts, who confirms, how much may be held. Without it, no book."""

from __future__ import annotations

import uuid
from datetime import date

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.ledger.models import open_book
from webapp.ledger.rows import Agreement, Book
from webapp.ledger.rules import Terms
from webapp.people.models import HomeCareUnit
from webapp.store import audit, db


def agree(
    household: uuid.UUID,
    giver: str,
    confirmer: str,
    terms: Terms,
    by: uuid.UUID,
    *,
    since: date | None = None,
    how: str = "paper",
    witness: str | None = None,
    asked_by: str | None = None,
) -> Agreement:
    """Write down what was agreed, from `since` (today) on; the first one opens the book. `by`: account.

    Refuses a day before the agreement that holds, and a relative who keeps the book when nobody asked for that.
    """
    session, since = db.session(), since or clock.today()
    before = session.scalar(sa.select(Agreement).where(Agreement.household_id == household, Agreement.until.is_(None)))
    if before is not None and since < before.since:
        raise Refusal("since", _l("比现在的约定还早，请看一下日子"), field="since")
    if by_relative(household) and not asked_by:
        raise Refusal("asked_by", _l("亲属自己记账，要写明是谁请她记的"), field="asked_by")
    if how == "witness" and not witness:
        raise Refusal("witness", _l("请写见证人的名字"), field="witness")
    if before is not None:
        before.until = since
        session.flush()
    made = Agreement(
        id=ids.new(), household_id=household, since=since, giver=giver, confirmer=confirmer, receipt_fen=terms.receipt,
        entry_fen=terms.entry, month_fen=terms.month, cash_fen=terms.cash, how=how, witness=witness, asked_by=asked_by,
        author_id=by,
    )  # fmt: skip
    session.add(made)
    session.flush()
    open_book(household, since)
    audit.note("ledger.agree", made, household, since=since, entry=terms.entry, month=terms.month, cash=terms.cash, how=how)
    return made


def by_relative(household: uuid.UUID) -> bool:
    """Whether a relative who lives there is the caregiver now."""
    ask = sa.select(HomeCareUnit.relative).where(HomeCareUnit.household_id == household, HomeCareUnit.until.is_(None))
    return bool(db.session().scalar(ask))


def latest(household: uuid.UUID) -> Agreement | None:
    """The agreement that holds, or will."""
    return db.session().scalar(sa.select(Agreement).where(Agreement.household_id == household, Agreement.until.is_(None)))


def has_book(household: uuid.UUID) -> bool:
    """Whether there is a book."""
    return db.session().scalar(sa.select(Book.id).where(Book.household_id == household)) is not None
