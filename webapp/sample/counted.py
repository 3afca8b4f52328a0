"""The end of last month in the demo world: some books counted and closed, one with a difference, some not counted yet."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.kit import clock
from webapp.kit.month import Month
from webapp.ledger import agreeing, closing, confirming, counting, rules
from webapp.ledger.posting import Stamp
from webapp.sample.frame import Home

COUNTED, CLOSED = 6, 3


def begin(homes: Sequence[Home]) -> None:
    """Count the first books at the end of last month, and close some of them. Nothing where the world is kepter."""
    month = Month.of(clock.today()).previous()
    kept = [home for home in homes if not agreeing.by_relative(home.household.id)]
    for n, home in enumerate(kept[:COUNTED]):
        if home.plan.valid_from <= month.last:
            _count(home, month, short=200 if n == 1 else 0)
            if n < CLOSED:
                closing.close(home.household.id, month, home.head.id)


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
