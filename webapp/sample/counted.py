"""The end of last month in the demo world: some books counted and closed, one with a difference, some not counted yet; what kin
asked about a line."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from webapp.kit import clock
from webapp.kit.month import Month
from webapp.ledger import agreeing, asking, closing, confirming, counting, rules
from webapp.ledger.posting import Stamp
from webapp.ledger.rows import Entry
from webapp.people.models import Account, Consent, Kin, Resident
from webapp.sample.frame import Home
from webapp.store import db

COUNTED, CLOSED, ASKED = 6, 3, 2


def begin(homes: Sequence[Home]) -> None:
    """Count the first books at the end of last month, and close some of them. Not where a relative keeps the book."""
    month = Month.of(clock.today()).previous()
    kept = [home for home in homes if not agreeing.by_relative(home.household.id)]
    for n, home in enumerate(kept[:COUNTED]):
        if home.plan.valid_from <= month.last:
            _count(home, month, short=200 if n == 1 else 0)
            if n < CLOSED:
                closing.close(home.household.id, month, home.head.id)
    for n, home in enumerate(kept[:ASKED]):
        _ask(home, answered=n == 0)


def _ask(home: Home, *, answered: bool) -> None:
    """A relative asks about the last thing bought."""
    session, key = db.session(), home.household.id
    bought = sa.select(Entry.id).where(Entry.household_id == key, Entry.kind == "spend").order_by(Entry.at.desc(), Entry.id)
    theirs = (
        sa.select(Account.id)
        .join(Kin, Kin.person_id == Account.person_id)
        .join(Resident, Resident.id == Kin.resident_id)
        .join(Consent, sa.and_(Consent.kin_id == Kin.id, Consent.scope == "money", Consent.holds()))
        .where(Resident.household_id == key)
        .order_by(Resident.number, Account.login)
    )
    entry, kin = session.scalar(bought.limit(1)), session.scalar(theirs.limit(1))
    if entry and kin:
        row = asking.ask(entry, key, "这一笔是给妈妈买的吗？", kin)
        if answered:
            asking.answer(row, "是，您母亲说想吃", home.account.id)


def _count(home: Home, month: Month, short: int) -> None:
    deed = Stamp(home.account.id, at=clock.instant(month.last, 1000))
    found = counting.book_of(deed, home.household.id)
    booked = counting.as_of(found, deed.at)
    words = "找零少给了两块" if short else ""
    row = counting.record(deed, home.household.id, counting.MONTH, booked["cash"] - short, booked["wallet"], str(month), words)
    elder = home.household.residents[0].name
    confirming.write(home.household.id, row.id, rules.KEEPER, home.caregiver.name, rules.OWN, home.account.id, deed.at)
    confirming.write(
        home.household.id, row.id, rules.RESIDENT, elder, rules.BESIDE, home.account.id, deed.at, witness="邻居"
    )  # fmt: skip
