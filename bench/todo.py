"""python -m bench.todo [--days 28] [--seed 7]: what a month of a street asks of its station heads.

The street-size demo world goes on for a month: every visit comes from a phone through the inbox, with the mishaps of honest
days (a place not found, no network, a diary or the money forgotten, a door that opens later, somebody who is ill). Each head
looks at the list at 8, 12, 16 and 20 o'clock; every line is counted when it first stands there, and dealt with.

Goals: at 20 seconds a line at most 15 minutes a day; at most 3 lines that must be handled (red or amber) per 100 visits.
Prints one JSON object. Nothing is laid down by hand in the list: the rules find what they find.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from bench.phone import Phone
from webapp import create_app
from webapp.access import Role
from webapp.cards.models import Card
from webapp.kit import clock, ids
from webapp.kit import settings as installed
from webapp.ledger.models import EntryFlag
from webapp.messages import models as messages
from webapp.messages.models import Task
from webapp.messages.rules import AMBER, RED, Item
from webapp.people.login import SignedIn
from webapp.people.models import Account, Device, Grant, HomeCareUnit, Household, Place, Spot
from webapp.roster.models import PLANNED, Shift
from webapp.sample import commands
from webapp.store import db, inbox, jobs, migrate, secrets
from webapp.store import envelope as envelopes
from webapp.today import todo
from webapp.visits.models import VisitException

LOOKS, SECONDS, DAY_MIN, MUST_PER_100 = (8, 12, 16, 20), 20, 15, 3
LIFE = {
    "no_fix": 0.01, "no_fix_without_signal": 0.10, "days_late": 0.002, "no_diary": 0.02, "no_money": 0.02, "door": 0.005,
    "ill": 0.004, "late": 0.03, "no_leave": 0.005, "no_card": 0.004,
}  # fmt: skip
"""How often, of honest visits: guesses on the high side; no_fix, upload and stay are those of bench/fraud."""


class Hand:
    """Stands in for the wall clock."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """What time it is in the month that is played."""
        return self.at


@dataclass
class House:
    """One home with what a phone knows of it."""

    key: uuid.UUID
    station: uuid.UUID
    phone: Phone
    token: str
    spot: tuple[int, int]
    no_signal: bool


@dataclass
class Month:
    """What was counted. new: lines by head and day; kinds, must: how many of which kind; visits: made."""

    visits: int = 0
    new: dict[tuple[str, date], int] = field(default_factory=lambda: defaultdict(int))
    kinds: Counter[str] = field(default_factory=Counter)
    must: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[str, datetime]] = field(default_factory=set)


Deed = tuple[datetime, datetime, House, str, dict[str, Any], uuid.UUID | None]
"""When it reaches the station, when it was done, where, kind, body, chain."""


class Life:
    """Honest days, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def chance(self, name: str) -> bool:
        """Whether a mishap happens this time."""
        return self.draw.random() < LIFE[name]

    def visit(self, house: House, shift: Shift) -> Iterator[Deed]:
        """Everything a phone records of one planned visit; nothing when she is ill."""
        if self.chance("ill"):
            return
        start = clock.instant(shift.day, shift.start_min)
        at = start + timedelta(minutes=self.draw.randint(16, 45) if self.chance("late") else self.draw.randint(-8, 8))
        upload = timedelta(hours=self.draw.randint(1, 5)) if house.no_signal else timedelta()
        upload = timedelta(hours=self.draw.randint(20, 71)) if self.chance("days_late") else upload
        chain, about = shift.visit_id, {"household": str(house.key), "visit": str(shift.visit_id)}
        if self.chance("door"):
            yield at + upload, at, house, "visits.nobody", {"household": str(house.key), "shift": str(shift.id), "rang": True,
                                                            "phoned": True, "told": True}, None  # fmt: skip
            at += timedelta(minutes=20)
        card = {"method": "card_missing"} if self.chance("no_card") else {"method": "scan", "token": house.token}
        yield at + upload, at, house, "visits.arrive", about | {"shift": str(shift.id)} | card | self._fix(house), chain
        left = at + timedelta(minutes=shift.minutes + round(self.draw.gauss(0, 4)))
        step = {"visit": str(shift.visit_id)}
        late = timedelta() if not self.chance("no_diary") else timedelta(hours=16)
        yield left + upload, left, house, "visits.services", step | {"done": sorted(shift.items)}, chain
        said = left + late
        yield said + upload, said, house, "logs.write", step | {"mood": "good", "story": "今天不错"}, chain
        if not self.chance("no_money"):
            yield left + upload, left, house, "ledger.none_today", about, None
        gone = left if not self.chance("no_leave") else left + timedelta(hours=9)
        yield gone + upload, gone, house, "visits.leave", step | card | self._fix(house), chain

    def _fix(self, house: House) -> dict[str, Any]:
        if self.chance("no_fix_without_signal" if house.no_signal else "no_fix"):
            return {"place_state": "timeout"}
        lat, lon = (each + self.draw.randint(-150, 150) for each in house.spot)
        return {"lat_e6": lat, "lon_e6": lon, "accuracy_m": self.draw.randint(8, 40), "fix_age_ms": 2000, "place_state": "ok"}


def main() -> None:
    """Play the month, say what was counted; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(_settings(Path(folder)))
        with app.app_context():
            migrate.upgrade(db.database().engine)
            commands.build("street", None)
            began = time.monotonic()
            counted = play(app, chosen.days, Life(chosen.seed))
            sys.exit(not _told(counted, chosen.days, time.monotonic() - began))


def _settings(folder: Path) -> installed.Settings:
    return installed.read({"DATA_DIR": str(folder), "SECRET_KEY": "bench", "DATABASE_URL": f"sqlite:///{folder / 'nuanchao.db'}"})


def play(app: Flask, days: int, life: Life) -> Month:
    """So many days from tomorrow on, with every head looking four times a day."""
    houses, heads, counted = _houses(), _heads(), Month()
    hand = Hand(clock.now())
    clock.now = hand.now  # type: ignore[assignment]
    for actor, name in heads:
        _look(app, actor, name, Month())  # what the demo world brings along is dealt with first
    hand.at = clock.instant(clock.today() + timedelta(days=1), 10)
    waiting: list[Deed] = []
    for _ in range(days):
        today = clock.today()
        jobs.ask_nightly()
        _drain()
        shifts = db.session().scalars(sa.select(Shift).where(Shift.day == today, Shift.state == PLANNED)).all()
        waiting += [
            deed for shift in shifts if shift.household_id in houses for deed in life.visit(houses[shift.household_id], shift)
        ]
        counted.visits += len(shifts)
        db.settle()
        for hour in (*LOOKS, 24):
            until = clock.instant(today, hour * 60)
            due = sorted((deed for deed in waiting if deed[0] <= until), key=lambda deed: deed[0])
            waiting = [deed for deed in waiting if deed[0] > until]
            for deed in due:
                _send(app, hand, deed, counted)
            hand.at = until
            _drain()
            for actor, name in heads if hour != 24 else ():
                _look(app, actor, name, counted)
        hand.at = clock.instant(today + timedelta(days=1), 10)
    return counted


def _send(app: Flask, hand: Hand, deed: Deed, counted: Month) -> None:
    """The phone made it then, and it comes now."""
    arrives, made, house, kind, body, chain = deed
    hand.at = made
    sealed = house.phone.seal(kind, body, chain=chain, beacon=secrets.beacon(made - timedelta(minutes=20)))
    hand.at = arrives
    with app.test_request_context("/inbox", method="POST"):
        envelope = envelopes.parse(sealed)
        receipt = inbox.receive(envelope, inbox.authorise(envelope), None)
        if receipt.state != "applied":
            counted.said[receipt.say] += 1


def _look(app: Flask, actor: SignedIn, name: str, counted: Month) -> None:
    """A head reads the list, and deals with every line of it."""
    with app.test_request_context("/"):
        with db.reads():
            items = list(todo.todo(actor).items)
        for item in items:
            if (item.key, item.since) not in counted.seen:
                counted.seen.add((item.key, item.since))
                counted.new[name, clock.today()] += 1
                counted.kinds[item.kind] += 1
                counted.must[item.kind] += item.level in (RED, AMBER)
                counted.codes[f"{item.kind}: {item.about}" if item.kind in ("fix", "ack") else item.kind] += 1
        with db.transaction():
            for item in items:
                _deal(item, actor)


def _deal(item: Item, actor: SignedIn) -> None:
    session, now = db.session(), clock.now()
    kind, _colon, key = item.key.partition(":")
    if kind in ("fix", "ack"):
        session.execute(
            sa.update(VisitException)
            .where(VisitException.visit_id == uuid.UUID(key), VisitException.settled_at.is_(None))
            .values(settled_at=now, settled_by=actor.account_id, reason="01")
        )
    elif (task := ids.parse(item.key)) is not None and (row := session.get(Task, task)) is not None:
        row.clear(actor.account_id)
    elif kind in ("book", "consent"):
        flags = sa.update(EntryFlag).where(EntryFlag.household_id == uuid.UUID(key), EntryFlag.settled_at.is_(None))
        session.execute(flags.values(settled_at=now))
    elif actor.place_id is not None:
        messages.handle(item.kind, item.key, actor.place_id, None, item.since, actor.account_id)


def _drain() -> None:
    db.undo()
    while jobs.run_due():
        pass


def _heads() -> list[tuple[SignedIn, str]]:
    ask = (
        sa.select(Account, Grant, Place.name)
        .join(Grant, Grant.account_id == Account.id)
        .join(Place, Place.id == Grant.place_id)
        .where(Grant.role == Role.STATION_HEAD)
    )
    found = [
        (SignedIn("", a.id, a.id, a.person_id, "", Role(g.role), g.place_id, None, 100, None, False, clock.now()), name)
        for a, g, name in db.session().execute(ask)
    ]
    db.settle()
    return found


def _houses() -> dict[uuid.UUID, House]:
    """Every home with its caregiver's phone, which is enrolled here, and a token of its first card."""
    with db.transaction() as session:
        phones: dict[uuid.UUID, Phone] = {}
        cards: dict[uuid.UUID, str] = {}
        for card in session.scalars(sa.select(Card).where(Card.resident_id.is_not(None), Card.revoked_at.is_(None))):
            if card.household_id:
                cards.setdefault(card.household_id, card.token or "")
        spots = {spot.household_id: (spot.lat_e6, spot.lon_e6) for spot in session.scalars(sa.select(Spot))}
        ask = (
            sa.select(Household, Account.id)
            .join(HomeCareUnit, HomeCareUnit.household_id == Household.id)
            .join(Account, Account.person_id == HomeCareUnit.caregiver_id)
            .where(HomeCareUnit.until.is_(None), Household.ended_on.is_(None))
        )
        found = {}
        for home, account in session.execute(ask):
            if account not in phones:
                phones[account] = phone = Phone(account)
                session.add(Device(id=phone.device, account_id=account, x=phone.x, y=phone.y, label="bench"))
            found[home.id] = House(home.id, home.station_id, phones[account], cards[home.id], spots[home.id], home.no_signal)
        return found


def _told(counted: Month, days: int, seconds: float) -> bool:
    """Print the figures; whether both goals are met."""
    by_day = sorted(counted.new.values())
    most = by_day[-1] if by_day else 0
    heads = {name for name, _day in counted.new}
    must = 100 * sum(counted.must.values()) / max(counted.visits, 1)
    said = {
        "visits": counted.visits, "days": days, "lines": sum(counted.kinds.values()), "most_lines_a_day": most,
        "most_minutes_a_day": round(most * SECONDS / 60, 1),
        "mean_minutes_a_day": round(sum(by_day) * SECONDS / 60 / max(days * len(heads), 1), 2),
        "must_per_100_visits": round(must, 2), "kinds": dict(counted.kinds.most_common()),
        "must": {kind: n for kind, n in counted.must.most_common() if n}, "codes": dict(counted.codes.most_common(20)),
        "not_applied": dict(counted.said), "seconds": round(seconds),
    }  # fmt: skip
    print(json.dumps(said, ensure_ascii=False, indent=1))
    return most * SECONDS <= DAY_MIN * 60 and must <= MUST_PER_100


if __name__ == "__main__":
    main()
