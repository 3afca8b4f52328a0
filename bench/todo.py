"""python -m bench.todo [--days 28] [--seed 7] [--lines]: what a month of a street asks of its station heads.

The street-size demo world goes on for a month: every visit comes from a phone through the inbox, with the mishaps of honest
days (a place not found, no network, a diary or the money forgotten, a door that opens later, somebody who is ill). Each head
looks at the list at 8, 12, 16 and 20 o'clock; every line is counted when it first stands there, and dealt with.

A phone sends as ours do: all that waits goes in the order it was made as soon as there is a network again, what is made
after that at once. (An earlier version delayed each record by the same hours, so that an arrival came hours before the
leaving that lay beside it in the same phone; no phone does that. And it began on the morrow of the demo world's own day, whose
visits nobody made. That day is played out now, and not counted.) Whom a head asks for a diary writes it in the
evening, four times of five.

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
from webapp.visits.models import Visit, VisitException

LOOKS, SECONDS, DAY_MIN, MUST_PER_100 = (8, 12, 16, 20), 20, 15, 3
LIFE = {
    "no_fix": 0.01, "no_fix_without_signal": 0.10, "pocket": 0.20, "days_late": 0.002, "late": 0.07, "diary_late": 0.06,
    "no_diary": 0.02, "no_money": 0.02, "asked": 0.8, "door": 0.005, "ill": 0.004, "leave_late": 0.004,
    "no_leave": 0.002, "no_card": 0.004,
}  # fmt: skip
"""How often, of honest visits.

From domain/org_example.json: late (late_over_15_min_share), diary_late and no_diary (log: 92 % in time, 6 % late), the homes
without signal of the demo world (12 %). ill: nobody said so and nobody came in her place; there 1.2 days of leave a month, 6 %
without relief, are 0.24 % of days. Guesses on the high side, no source: all others; no_fix as in bench/fraud. pocket: of
visits without signal, how many are sent only hours after she left (the phone stays in the bag; there is no background sync
outside Chromium, study/dependencies), the others within half an hour of leaving the house. leave_late: she signs out in the
evening; no_leave: never.
"""


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
    lines: list[str] = field(default_factory=list)


HOUSES: dict[uuid.UUID, House] = {}
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
        start, draw = clock.instant(shift.day, shift.start_min), self.draw
        at = start + timedelta(minutes=draw.randint(16, 45) if self.chance("late") else draw.randint(-8, 8))
        left = at + timedelta(minutes=shift.minutes + round(draw.gauss(0, 4)))
        online = self._online(house, left)

        def sent(made: datetime) -> datetime:
            return max(made, online) if online else made

        chain, about = shift.visit_id, {"household": str(house.key), "visit": str(shift.visit_id)}
        if self.chance("door"):
            shut = {"household": str(house.key), "shift": str(shift.id), "rang": True, "phoned": True, "told": True}
            yield sent(at), at, house, "visits.nobody", shut, None
            at += timedelta(minutes=20)
        card = {"method": "card_missing"} if self.chance("no_card") else {"method": "scan", "token": house.token}
        yield sent(at), at, house, "visits.arrive", about | {"shift": str(shift.id)} | card | self._fix(house), chain
        step = {"visit": str(shift.visit_id)}
        yield sent(left), left, house, "visits.services", step | {"done": sorted(shift.items)}, chain
        if not self.chance("no_diary"):
            said = left + timedelta(hours=16 if self.chance("diary_late") else 0)
            yield sent(said), said, house, "logs.write", step | {"mood": "good", "story": "今天不错"}, chain
        if not self.chance("no_money"):
            yield sent(left), left, house, "ledger.none_today", about, None
        if not self.chance("no_leave"):
            gone = left + timedelta(hours=9 if self.chance("leave_late") else 0)
            yield sent(gone), gone, house, "visits.leave", step | card | self._fix(house), chain

    def _online(self, house: House, left: datetime) -> datetime | None:
        """When the phone has a network again; None: it had one all the time."""
        if self.chance("days_late"):
            return left + timedelta(hours=self.draw.randint(20, 71))
        if not house.no_signal:
            return None
        return left + timedelta(minutes=self.draw.randint(60, 300) if self.chance("pocket") else self.draw.randint(2, 30))

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
    parser.add_argument("--lines", action="store_true", help="every line that was counted, on stderr")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(_settings(Path(folder)))
        with app.app_context():
            migrate.upgrade(db.database().engine)
            commands.build("street", None)
            began = time.monotonic()
            counted = play(app, chosen.days, Life(chosen.seed))
            if chosen.lines:
                print(*counted.lines, sep="\n", file=sys.stderr)
            sys.exit(not _told(counted, chosen.days, time.monotonic() - began))


def _settings(folder: Path) -> installed.Settings:
    return installed.read({"DATA_DIR": str(folder), "SECRET_KEY": "bench", "DATABASE_URL": f"sqlite:///{folder / 'nuanchao.db'}"})


def play(app: Flask, days: int, life: Life) -> Month:
    """So many days from tomorrow on, with every head looking four times a day."""
    HOUSES.update(_houses())
    houses, heads, counted = HOUSES, _heads(), Month()
    hand = Hand(clock.now())
    clock.now = hand.now  # type: ignore[assignment]
    for actor, name in heads:
        _look(app, actor, name, Month(), life)  # what the demo world brings along is dealt with first
    waiting: list[Deed] = []
    whole = counted
    for n in range(days + 1):
        counted = whole if n else Month()
        today = clock.today()
        jobs.ask_nightly()
        _drain()
        planned = sa.select(Shift).where(Shift.day == today, Shift.state == PLANNED)
        begun = sa.exists().where(Visit.shift_id == Shift.id)
        shifts = db.session().scalars(planned if n else planned.where(~begun, Shift.start_min > clock.minute_of(hand.at))).all()
        waiting += [
            deed for shift in shifts if shift.household_id in houses for deed in life.visit(houses[shift.household_id], shift)
        ]
        counted.visits += len(shifts)
        db.settle()
        for hour in (*LOOKS, 24):
            until = max(clock.instant(today, hour * 60), hand.at)
            due = sorted((deed for deed in waiting if deed[0] <= until), key=lambda deed: deed[0])
            waiting = [deed for deed in waiting if deed[0] > until]
            for deed in due:
                _send(app, hand, deed, counted)
            hand.at = until
            _drain()
            for actor, name in heads if hour != 24 else ():
                waiting += _look(app, actor, name, counted, life)
        hand.at = clock.instant(today + timedelta(days=1), 10)
    return whole


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


def _look(app: Flask, actor: SignedIn, name: str, counted: Month, life: Life) -> list[Deed]:
    """A head reads the list, and deals with every line of it; what is written in the evening because the head asked."""
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
                counted.lines.append(f"{clock.now():%d %H} {item.level} {item.kind} {item.who} {item.about} {item.key}")
        with db.transaction():
            for item in items:
                _deal(item, actor)
    return [deed for item in items if item.kind == "log" for deed in _asked(item, life)]


def _asked(item: Item, life: Life) -> Iterator[Deed]:
    """She is asked for what she forgot, and mostly writes it."""
    visit = db.session().get(Visit, uuid.UUID(item.key.partition(":")[2]))
    house = HOUSES.get(visit.household_id) if visit else None
    db.settle()
    if visit is None or house is None or not life.chance("asked"):
        return
    at = clock.instant(clock.today(), 19 * 60)
    yield at, at, house, "logs.write", {"visit": str(visit.id), "mood": "good", "story": "补写"}, visit.id


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
