"""Counting the money: two figures, the cash that was counted and what she says is on her phone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.ledger import confirming, rules
from webapp.ledger.posting import MOVE, Deed, Found, Stamp, locked, post, raise_flags
from webapp.ledger.rows import Book, Count, Entry, EntryFlag, Handover
from webapp.ledger.rules import KEEPER, OWN, RESIDENT, STATION, WITNESS, Leg
from webapp.people import queries as people
from webapp.people.models import Account, Person
from webapp.store import audit, db
from webapp.store.inbox import Act

ANY, MONTH, HANDOVER, SURPRISE, ALONE, END = "any", "month", "handover", "surprise", "alone", "end"
DIFFER = "differ"


def count(
    act: Act,
    household: uuid.UUID,
    kind: str,
    cash_fen: int,
    wallet_fen: int | None = None,
    month: str | None = None,
    words: str | None = None,
    side: str | None = None,
    name: str | None = None,
    how: str | None = None,
    witness: str | None = None,
) -> str | None:
    """点钱 by her who keeps the book, with the resident or a relative beside her (`side`, `name`, `how`). Never refused for
    what it found, nor because the other one's word is not told as it must be: then the count waits for it.

    Refuses an author who may not enter, a household without a book.
    """
    if not people.may_enter(act.author_id, household, act.at):
        raise Refusal("not_assigned", "这户现在不归您，先放在站里，站里会来问您")
    proof = act.photo("proof")
    row = record(act, household, kind, cash_fen, wallet_fen, month or None, words or "")
    confirming.write(household, row.id, KEEPER, name_of(act.author_id), OWN, act.author_id, act.at)
    if side and not confirming.heard(how or "", witness, bool(proof)):
        return "数记下了，还差一个人确认：按手印拍下来，或找见证人"
    if side:
        sha256 = proof[0] if proof else None
        confirming.write(household, row.id, side, name or "", how or "", act.author_id, act.at, witness=witness, sha256=sha256)
    equal = row.cash_fen == row.booked_cash_fen and row.wallet_fen in (None, row.booked_wallet_fen)
    return "钱账对上了" if equal else "点的数和账上不一样，请想一想，写明原因"


def recount(household: uuid.UUID, cash_fen: int, wallet_fen: int | None, words: str, witness: str, by: uuid.UUID) -> Count:
    """The station counts unannounced, before a witness. `by`: account. Refuses a household without a book."""
    row = record(Stamp(by), household, SURPRISE, cash_fen, wallet_fen, None, words)
    confirming.write(household, row.id, STATION, name_of(by), OWN, by, row.at)
    confirming.write(household, row.id, WITNESS, witness, rules.BESIDE, by, row.at, witness=witness)
    return row


def record(
    deed: Deed, household: uuid.UUID, kind: str, cash_fen: int, wallet_fen: int | None, month: str | None, words: str
) -> Count:
    """Keep a count beside what the book says of that moment."""
    found = book_of(deed, household)
    booked = as_of(found, deed.at)
    row = Count(
        id=deed.id, book_id=found.book_id, household_id=household, kind=kind, month=month, cash_fen=cash_fen,
        wallet_fen=wallet_fen, booked_cash_fen=booked["cash"], booked_wallet_fen=booked["wallet"], words=words, day=deed.day,
        at=deed.at, author_id=deed.author_id,
    )  # fmt: skip
    db.session().add(row)
    db.session().flush()
    audit.note("ledger.count", row, household, kind=kind, cash=cash_fen, wallet=wallet_fen, booked=booked["cash"])
    return row


def book_of(deed: Deed, household: uuid.UUID) -> Found:
    """The book, locked. Refuses a household without one."""
    found = locked(deed, household)
    if found is None:
        raise Refusal("no_agreement", _l("这户还没有约定钱的事，先放在站里，约定好就记上"))
    return found


def as_of(found: Found, at: Any) -> dict[str, int]:
    """What the book holds at an instant, by source: what it holds now less what happened since. Late lines move it."""
    session = db.session()
    since = sa.select(Entry.source, sa.func.sum(Entry.fen)).where(
        Entry.household_id == found.household_id, Entry.day >= clock.day_of(at), Entry.at > at
    )
    moved = {source: int(fen) for source, fen in session.execute(since.group_by(Entry.source))}
    held = session.execute(sa.select(Book.cash_fen, Book.wallet_fen).where(Book.id == found.book_id)).one()
    return {"cash": held.cash_fen - moved.get("cash", 0), "wallet": held.wallet_fen - moved.get("wallet", 0)}


@dataclass(frozen=True)
class Gap:
    """How far a count is from the book now, fen: above zero, more was counted."""

    cash: int
    wallet: int

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.cash or self.wallet)


def gap(found: Found, counted: Count) -> Gap:
    """The difference of a count, with all that has come since and happened before it."""
    booked = as_of(found, counted.at)
    return Gap(counted.cash_fen - booked["cash"], 0 if counted.wallet_fen is None else counted.wallet_fen - booked["wallet"])


def write_off(found: Found, deed: Deed, found_gap: Gap, words: str, *, onto: str, day: Any = None) -> list[uuid.UUID]:
    """Put the book right by what a count found: onto 点钱差额, or onto what the former caregiver owes. Ids of the entries."""
    made = []
    for source, fen in (("cash", found_gap.cash), ("wallet", found_gap.wallet)):
        if fen:
            stamp = Stamp(deed.author_id, at=deed.at)
            legs = [Leg(source, fen), Leg(onto, -fen)]
            post(
                found, stamp, DIFFER, legs, day=day, side="in" if fen > 0 else "out", category=rules.DIFFER, source=source,
                fen=fen, words=words,
            )  # fmt: skip
            made.append(stamp.id)
    return made


# -- from one caregiver to the next --


def take_over(counted: Count, by: uuid.UUID) -> Handover:
    """The next caregiver has counted with her and confirms: the cash is hers to keep. `by`: her account.

    Refuses her own count, one that is no handover's, and one that was taken over already.
    """
    if counted.kind != HANDOVER or counted.author_id == by:
        raise Refusal("own", _l("自己记的，要别人来确认"))
    found = book_of(Stamp(by), counted.household_id)
    if db.session().scalar(sa.select(Handover.id).where(Handover.count_id == counted.id)):
        raise Refusal("taken_over", _l("这笔钱已经交接过了"))
    confirming.write(counted.household_id, counted.id, KEEPER, name_of(by), OWN, by, clock.now())
    write_off(found, Stamp(by), gap(found, counted), counted.words, onto=rules.GAP)
    return _hand_over(counted, counted.author_id, by, by, alone=False)


def take_over_alone(
    household: uuid.UUID,
    former: uuid.UUID,
    to: uuid.UUID,
    cash_fen: int,
    wallet_fen: int,
    words: str,
    resident: str,
    witness: str,
    by: uuid.UUID,
) -> Handover:
    """The former caregiver cannot be reached: the head counts with the resident and a witness. What is short, she owes.

    Accounts: `former`, `to`, `by`. What she recorded before and sends later still arrives and lowers it.
    """
    deed = Stamp(by)
    counted = record(deed, household, ALONE, cash_fen, wallet_fen, None, words)
    confirming.write(household, counted.id, STATION, name_of(by), OWN, by, deed.at)
    confirming.write(household, counted.id, RESIDENT, resident, rules.BESIDE, by, deed.at, witness=witness)
    found = book_of(deed, household)
    made = write_off(found, deed, gap(found, counted), words, onto=rules.OWED)
    for entry in made:
        raise_flags(found, entry, [rules.Flag.OWED])
    return _hand_over(counted, former, to, by, alone=True)


def _hand_over(counted: Count, former: uuid.UUID, to: uuid.UUID, by: uuid.UUID, *, alone: bool) -> Handover:
    row = Handover(
        id=Stamp(by).id, household_id=counted.household_id, from_id=former, to_id=to, count_id=counted.id, alone=alone,
        at=counted.at, by_id=by,
    )  # fmt: skip
    db.session().add(row)
    db.session().flush()
    audit.note("ledger.hand_over", row, counted.household_id, former=former, to=to, alone=alone)
    return row


def pay_back(household: uuid.UUID, fen: int, words: str, by: uuid.UUID) -> None:
    """The former caregiver brought back `fen` of what she owes: into the cash, or home where the book has ended.

    Refuses more than she owes.
    """
    deed = Stamp(by)
    found = book_of(deed, household)
    if fen > found.held["owed"]:
        raise Refusal("amount_fen", _l("比她欠的还多，请看一下"), field="amount_fen")
    if found.ended_at:
        legs = [Leg(rules.OWED, -fen), Leg(f"out:{rules.BACK}", fen)]
        post(found, deed, MOVE, legs, side="own", category=rules.BACK, source=rules.OWED, fen=-fen, words=words)
    else:
        legs = [Leg("cash", fen), Leg(rules.OWED, -fen)]
        post(found, deed, MOVE, legs, side="in", category=rules.DIFFER, source="cash", fen=fen, words=words)


# -- who --


def name_of(account: uuid.UUID) -> str:
    """The name of whoever has the account."""
    ask = sa.select(Person.name).join(Account, Account.person_id == Person.id).where(Account.id == account)
    return db.session().scalar(ask) or ""


def latest_month(household: uuid.UUID, month: Month) -> Count | None:
    """The last count that was made for closing a month."""
    ask = sa.select(Count).where(Count.household_id == household, Count.kind == MONTH, Count.month == str(month))
    return db.session().scalar(ask.order_by(Count.at.desc(), Count.id.desc()).limit(1))


def recent(household: uuid.UUID, limit: int = 12) -> Sequence[Count]:
    """The last counts of a book, newest first."""
    ask = sa.select(Count).where(Count.household_id == household).order_by(Count.at.desc(), Count.id.desc())
    return db.session().scalars(ask.limit(limit)).all()


def open_flags(household: uuid.UUID) -> Sequence[str]:
    """Codes of what is still to be looked at."""
    ask = sa.select(EntryFlag.code).where(EntryFlag.household_id == household, EntryFlag.settled_at.is_(None))
    return db.session().scalars(ask).all()
