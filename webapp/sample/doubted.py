"""What is asked about visits in the demo world: corrections, how one was confirmed, a doubt of kin, who is called back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.people.models import Account, Kin, Resident
from webapp.sample.frame import Home
from webapp.sample.months import Doer
from webapp.store import db
from webapp.store.inbox import Act
from webapp.visits import calling_back, confirming, correcting
from webapp.visits.correcting import Correction
from webapp.visits.models import DONE, OUT, Visit

MEMO = "走的时候手机没电了，回家才充上"
LATER_MIN = 20
"""So much later she says she left."""


def begin(homes: Sequence[Home]) -> None:
    """In the first homes: one correction waits, one was approved; a visit was confirmed on the phone, another is doubted."""
    for n, home in enumerate(homes[:3]):
        head: Any = Doer(home.head.id, home.head.person_id)
        visits = _lately(home.household.id)
        if n < 2 and visits:
            row = _asked(visits[0], home.account.id)
            if n == 1:
                correcting.decide(row, head, approves=True, action="A")
        if len(visits) > 1:
            confirming.by_phone(visits[1], head, home.household.residents[0].name, "说来过了，饭也做好了")
        if n == 2 and len(visits) > 2:
            _doubted(visits[2])
    for station in sorted({home.household.station_id for home in homes}):
        calling_back.draw_station(station, clock.today(), seed="sample")


def _lately(household: uuid.UUID) -> Sequence[Visit]:
    """Its whole visits of the last days, the newest first."""
    ask = sa.select(Visit).where(Visit.household_id == household, Visit.state == DONE, Visit.day < clock.today())
    return db.session().scalars(ask.order_by(Visit.day.desc(), Visit.id).limit(3)).all()


def _asked(visit: Visit, author: uuid.UUID) -> Correction:
    at = clock.now() - timedelta(minutes=50)
    act: Any = Act(
        id=ids.new(), kind="visits.correct", author_id=author, courier_id=None, device_id=None, chain=None, made_at=at,
        beacon_at=None, received_at=at, app="",
    )  # fmt: skip
    assert visit.left_at is not None
    minutes = clock.minute_of(visit.left_at) + LATER_MIN
    correcting.ask(act, visit=visit.id, field=OUT, time=minutes, next_day=False, reason="06", memo=MEMO)
    return db.session().get_one(Correction, act.id)


def _doubted(visit: Visit) -> None:
    ask = (
        sa.select(Kin, Account.id)
        .join(Account, Account.person_id == Kin.person_id)
        .join(Resident, Resident.id == Kin.resident_id)
        .where(Resident.household_id == visit.household_id)
    )
    for kin, account in db.session().execute(ask.order_by(Kin.id).limit(1)).all():
        says: Any = Doer(account, kin.person_id)
        confirming.say(kin, visit, says, agrees=False, words="妈妈说那天没看到人")
