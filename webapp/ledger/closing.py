"""Closing: a month after its count and two confirmations, sealed by the hash of its statement; a book when care ends."""

from __future__ import annotations

import hashlib
import uuid
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.kit import canonical, clock, ids, money
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.ledger import confirming, counting, rules
from webapp.ledger.agreeing import by_relative
from webapp.ledger.posting import MOVE, Found, Stamp, post, raise_flags
from webapp.ledger.rows import Book, BookEnd, Closing, Count, Entry, Posting
from webapp.ledger.rules import RESIDENT, STATION, Leg
from webapp.months.models import shut
from webapp.people.models import Household
from webapp.store import audit, db, rulebook

GIVE_BACK, FROM_FAMILY = "back", "IN-FAM"
FROM_CASH, BY_FAMILY, WAIVED = "cash", "family", "waived"
ADVANCE = (FROM_CASH, BY_FAMILY, WAIVED)
"""How what the caregiver laid out is settled when a book ends."""


def close(household: uuid.UUID, month: Month, by: uuid.UUID, words: str = "") -> Closing:
    """Close a month: all lines up to its last day are shut, and the statement is sealed. `by`: account; `words`: why it differs.

    Refuses a month that is not over or is closed, one without count, without two confirmations, or with a difference that
    nobody has explained.
    """
    deed = Stamp(by)
    found = counting.book_of(deed, household)
    if month.last >= clock.today():
        raise Refusal("not_over", _l("这个月还没过完"))
    if found.shut and found.shut >= month.last:
        raise Refusal("closed", _l("这个月已经关账了"))
    counted = counting.latest_month(household, month)
    if counted is None:
        raise Refusal("not_counted", _l("这个月还没点钱"))
    said = confirming.of([counted.id]).get(counted.id, [])
    if not rules.confirmed(confirming.said(said), counted.author_id, relative=by_relative(household)):
        raise Refusal("not_confirmed", _l("还差一个人确认"))
    gap, why = counting.gap(found, counted), words or counted.words
    if unexplained(gap, why, found.station_id, month.last):
        raise Refusal("words", _l("数不一样，请写明原因"), field="words")
    counting.write_off(found, deed, gap, why, onto=rules.GAP, day=month.last)
    since = found.shut + timedelta(days=1) if found.shut else first_day(household, found.opened_on)
    return _seal(household, found.book_id, str(month), since, month.last, counted, gap.cash + gap.wallet, why, by)


def unexplained(gap: counting.Gap, words: str, station: uuid.UUID, day: date) -> bool:
    """Whether a count is off by more than counts as equal and nobody has said why."""
    figures = rulebook.current("money", day, station)["thresholds"]["reconcile_tolerance"]
    off = any(rules.differs(each, 0, figures["value_fen"]) for each in (gap.cash, gap.wallet))
    return off and len(words.strip()) < 2


def first_day(household: uuid.UUID, opened_on: date) -> date:
    """Where a book's first statement begins: the day it opened, or its first line if that is older."""
    first = db.session().scalar(sa.select(sa.func.min(Entry.day)).where(Entry.household_id == household))
    return min(opened_on, first) if first else opened_on


def _seal(
    household: uuid.UUID, book: uuid.UUID, month: str, since: date, last: date, counted: Count, differ: int, why: str,
    by: uuid.UUID,
) -> Closing:  # fmt: skip
    said = confirming.of([counted.id]).get(counted.id, [])
    made = Closing(
        id=ids.new(), book_id=book, household_id=household, month=month, since=since, last_day=last, count_id=counted.id,
        opening_fen=0, in_fen=0, out_fen=0, repaid_fen=0, closing_fen=0, differ_fen=differ, words=why, at=clock.now(), by_id=by,
        confirmed=[[row.side, row.name, row.how, row.witness or ""] for row in said], digest="",
    )  # fmt: skip
    told = statement(made)
    for name in ("opening", "in", "out", "repaid", "closing"):
        setattr(made, f"{name}_fen", told[name])
    made.digest = digest(told)
    session = db.session()
    session.add(made)
    shut(household, last, by)
    session.flush()
    audit.note("ledger.close", made, household, month=month, closing=made.closing_fen, digest=made.digest)
    return made


def statement(closing: Closing) -> dict[str, Any]:
    """What a closed month says, in whole fen and words: the sums of the cash, what she laid out, what was owed and on her phone
    at its end, every line, the count, who confirmed. Made anew it must come out the same.
    """
    session, home = db.session(), closing.household_id
    ask = sa.select(Entry).where(Entry.household_id == home, Entry.day >= closing.since, Entry.day <= closing.last_day)
    rows = session.scalars(ask.order_by(Entry.at, Entry.id)).all()
    number = session.scalar(sa.select(Household.number).where(Household.id == home))
    since = sa.select(sa.func.sum(Entry.fen)).where(Entry.household_id == home, Entry.source == "cash")
    later = int(session.scalar(since.where(Entry.day >= closing.since)) or 0)
    held = session.scalar(sa.select(Book.cash_fen).where(Book.id == closing.book_id)) or 0
    cash = [row for row in rows if row.source == "cash"]
    came = {side: sum(row.fen for row in cash if row.side == side) for side in ("in", "out", "own")}
    counted = session.get_one(Count, closing.count_id)
    opening = held - later
    return {
        "household": number,
        "month": closing.month,
        "since": str(closing.since),
        "last_day": str(closing.last_day),
        "opening": opening,
        "in": came["in"],
        "out": -came["out"],
        "repaid": -came["own"],
        "closing": opening + sum(came.values()),
        "laid_out": -sum(row.fen for row in rows if row.source == "advance" and row.side == "out"),
        **_beside_cash(closing),
        "lines": [
            [str(row.id), clock.to_wire(row.at), str(row.day), row.kind, row.side, row.category, row.source, row.fen, row.words,
             str(row.reversal_of or "")]
            for row in rows
        ],
        "counted": [counted.cash_fen, counted.wallet_fen, str(counted.day)],
        "differ": closing.differ_fen,
        "why": closing.words,
        "confirmed": closing.confirmed,
    }  # fmt: skip


def _beside_cash(closing: Closing) -> dict[str, int]:
    """At the end of the month: what the household owes her (`advance`), and what is on her phone (`wallet`)."""
    session = db.session()
    held = session.execute(sa.select(Book.advance_fen, Book.wallet_fen).where(Book.id == closing.book_id)).one()
    since = (
        sa.select(Posting.account, sa.func.sum(Posting.fen))
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Entry.household_id == closing.household_id, Entry.day > closing.last_day)
        .where(Posting.account.in_(("advance", "wallet")))
        .group_by(Posting.account)
    )
    later = {account: int(fen) for account, fen in session.execute(since)}
    return {
        "advance": later.get("advance", 0) - held.advance_fen,
        "wallet": held.wallet_fen - later.get("wallet", 0),
    }


def digest(told: dict[str, Any]) -> str:
    """SHA-256 of a statement's canonical form, hex."""
    return hashlib.sha256(canonical.canonical(told)).hexdigest()


def broken(household: uuid.UUID) -> list[str]:
    """The closed months of a household whose statement no longer gives the sealed hash. Always empty."""
    rows = db.session().scalars(sa.select(Closing).where(Closing.household_id == household))
    return [row.month for row in rows if digest(statement(row)) != row.digest]


def end(
    household: uuid.UUID,
    why: str,
    cash_fen: int,
    wallet_fen: int,
    back_to: str,
    witness: str,
    words: str,
    by: uuid.UUID,
    *,
    advance: str = "",
) -> BookEnd:
    """Care has ended, or the resident has died: the station counts before a witness, what the caregiver laid out is settled
    (`advance`: how), the rest is given back, the book is shut.

    Refuses a book that has ended, a difference that nobody has explained, and what she laid out left open.
    """
    deed = Stamp(by)
    found = counting.book_of(deed, household)
    session = db.session()
    if session.scalar(sa.select(BookEnd.household_id).where(BookEnd.household_id == household)):
        raise Refusal("ended", _l("这本账已经结了"))
    if found.shut and found.shut >= deed.day:
        raise Refusal("closed", _l("这个月已经关账了"))
    counted = counting.record(deed, household, counting.END, cash_fen, wallet_fen, None, words)
    confirming.write(household, counted.id, STATION, counting.name_of(by), rules.OWN, by, deed.at)
    confirming.write(household, counted.id, rules.KIN if why == "death" else RESIDENT, back_to, rules.BESIDE, by, deed.at,
                     witness=witness)  # fmt: skip
    gap = counting.gap(found, counted)
    if unexplained(gap, words, found.station_id, deed.day):
        raise Refusal("words", _l("数不一样，请写明原因"), field="words")
    counting.write_off(found, deed, gap, words, onto=rules.GAP)
    cash_fen -= _settle_advance(found, deed, advance, cash_fen)
    for source, fen in (("cash", cash_fen), ("wallet", wallet_fen)):
        if fen:
            legs = [Leg(source, -fen), Leg(f"out:{rules.BACK}", fen)]
            post(found, Stamp(by, at=deed.at), GIVE_BACK, legs, side="out", category=rules.BACK, source=source, fen=-fen,
                 words=back_to)  # fmt: skip
    since = found.shut + timedelta(days=1) if found.shut else first_day(household, found.opened_on)
    _seal(household, found.book_id, str(Month.of(deed.day)), since, deed.day, counted, gap.cash + gap.wallet, words, by)
    made = BookEnd(
        household_id=household, day=deed.day, why=why, count_id=counted.id, back_fen=cash_fen + wallet_fen, back_to=back_to,
        at=deed.at, by_id=by,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.note("ledger.end", f"household:{household}", household, why=why, back=made.back_fen)
    return made


def _settle_advance(found: Found, deed: Stamp, how: str, cash_fen: int) -> int:
    """What she laid out is paid back at the end: out of the cash that was counted, by the family, or she wants none of it.

    What she took back too much, she owes from now on. Gives what goes out of the cash, fen.
    """
    owing = -found.held["advance"]
    if owing > 0 and how not in ADVANCE:
        raise Refusal("advance", _l("还欠养护员垫的 %(sum)s 元，请选怎么还"), field="advance", sum=money.show(owing))
    if owing > cash_fen and how == FROM_CASH:
        raise Refusal("advance", _l("点到的现金不够还，请另选一个"), field="advance")
    if not owing:
        return 0
    facts: dict[str, Any] = {"side": "own", "category": rules.REPAID, "source": "advance", "fen": owing, "words": ""}
    legs = [Leg("advance", owing), Leg(rules.GAP, -owing)]
    if owing < 0:
        legs = [Leg("advance", owing), Leg(rules.OWED, -owing)]
    elif how == FROM_CASH:
        legs, facts = rules.repaid("cash", owing), facts | {"source": "cash", "fen": -owing}
    elif how == BY_FAMILY:
        legs, facts = rules.received("advance", FROM_FAMILY, owing), facts | {"side": "in", "category": FROM_FAMILY}
    stamp = Stamp(deed.author_id, at=deed.at)
    post(found, stamp, MOVE, legs, **facts)
    raise_flags(found, stamp.id, [rules.Flag.OWED] if owing < 0 else [])
    return owing if owing > 0 and how == FROM_CASH else 0


def balanced(book: uuid.UUID) -> bool:
    """Whether the postings of a book sum to zero."""
    return not db.session().scalar(sa.select(sa.func.sum(Posting.fen)).where(Posting.book_id == book))
