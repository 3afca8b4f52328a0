"""Who is not there in the demo world: one of a couple in hospital, and a caregiver who asks for leave."""

from __future__ import annotations

from datetime import timedelta

from webapp.kit import clock, ids
from webapp.roster import pausing
from webapp.sample.frame import Home
from webapp.store import db, inbox


def begin(homes: list[Home]) -> None:
    """张 of the couple has been in hospital for eight days, so that it is asked whether it goes on; leave waits for the head."""
    couple = next((home for home in homes if len(home.household.residents) > 1), None)
    if couple is not None:
        first = couple.household.residents[0]
        row = pausing.pause(
            couple.household,
            first,
            "hospital",
            "女儿打来电话",
            clock.today() - timedelta(days=8),
            by=couple.head.id,
            words="市中心医院（虚构）",
        )
        row.asked_on = row.since
    asks = homes[-1]
    first_day = clock.today() + timedelta(days=1)
    body = {
        "kind": "family",
        "since": first_day.isoformat(),
        "until": (first_day + timedelta(days=2)).isoformat(),
        "why": "孩子结婚",
    }
    envelope = inbox.plain("roster.leave", body, [], author=asks.account.id, key=ids.new(), made_at=clock.now())
    db.settle()
    inbox.receive(envelope, None, asks.account.id)
