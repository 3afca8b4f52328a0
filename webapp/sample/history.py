"""The past of the demo world, laid down in bulk: the same rows the bedside writes, thousands at a time.

The triggers of the book and the frozen calls hold for it like for everything else.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.ledger import rules as money
from webapp.ledger.models import Book, Entry, Posting, QuietDay
from webapp.logs.models import Log
from webapp.roster.models import Shift
from webapp.sample import rules
from webapp.sample.frame import Home
from webapp.store import db
from webapp.visits.models import ACK, DONE, IN, OUT, Call, CallPlace, Service, Visit, VisitException

BATCH = 400  # household days to a round of inserts
TOP_UP_FEN, LOW_FEN = 30_000, 6_000
ORDER: tuple[type[Any], ...] = (Shift, Visit, Call, CallPlace, Service, VisitException, Log, QuietDay, Posting, Entry)


@dataclass
class Shelf:
    """Rows waiting to be written, by table."""

    rows: dict[type[Any], list[dict[str, Any]]] = field(default_factory=lambda: {table: [] for table in ORDER})

    def put(self, table: type[Any], **row: Any) -> None:
        """One more row."""
        self.rows[table].append(row)

    def write(self) -> None:
        """Write all, parents before children and postings before their entries."""
        session = db.session()
        for table in ORDER:
            if self.rows[table]:
                session.execute(sa.insert(table), self.rows[table])
                self.rows[table] = []


def live(homes: list[Home], figures: dict[str, Any], draw: random.Random, days: int) -> Iterator[int]:
    """Let `days` days go by up to yesterday; yields household days written so far."""
    shelf, written = Shelf(), 0
    books = dict(db.session().execute(sa.select(Book.household_id, Book.id)).all())
    cash = dict.fromkeys((home.household.id for home in homes), 0)
    for back in range(days, 0, -1):
        day = clock.today() - timedelta(days=back)
        for home in homes:
            _day(shelf, home, day, books[home.household.id], cash, figures, draw)
            written += 1
            if written % BATCH == 0:
                shelf.write()
                yield written
    shelf.write()
    yield written


def _day(
    shelf: Shelf, home: Home, day: date, book: uuid.UUID, cash: dict[uuid.UUID, int], figures: dict[str, Any], draw: random.Random
) -> None:
    plan, house = home.plan, home.household
    told = rules.day(draw, figures, plan.start_min, plan.minutes, tuple(plan.items))
    arrived = clock.instant(day, told.arrived_min)
    left = arrived + timedelta(minutes=told.minutes)
    ms = int(arrived.timestamp() * 1000)

    def key() -> uuid.UUID:
        return ids.seeded(ms, draw.getrandbits(80))

    visit_id, shift_id = key(), key()
    shelf.put(
        Shift, id=shift_id, made_at=arrived, visit_id=visit_id, plan_id=plan.id, household_id=house.id,
        station_id=house.station_id, caregiver_id=home.caregiver.id, day=day, start_min=plan.start_min,
        minutes=plan.minutes, items=plan.items, state="planned",
    )  # fmt: skip
    shelf.put(
        Visit, id=visit_id, household_id=house.id, station_id=house.station_id, caregiver_id=home.caregiver.id,
        shift_id=shift_id, day=day, arrived_at=arrived, left_at=left, voided_at=None, state=DONE, minutes=told.minutes,
        planned_start_min=plan.start_min, planned_minutes=plan.minutes, partner_id=None, grade="A",
    )  # fmt: skip
    for direction, at in ((IN, arrived), (OUT, left)):
        call = key()
        shelf.put(
            Call, id=call, visit_id=visit_id, household_id=house.id, author_id=home.account.id, direction=direction,
            method="QR", why=None, card_id=None, card_state="live", resident_id=None, place_state="ok", device_id=None,
            app="sample", made_at=at, beacon_at=None, at=at, received_at=at, skew_s=0,
        )  # fmt: skip
        if day > clock.today() - timedelta(days=30):
            shelf.put(
                CallPlace, id=call, lat_e6=home.spot.lat_e6 + draw.randint(-200, 200),
                lon_e6=home.spot.lon_e6 + draw.randint(-200, 200), accuracy_m=draw.randint(8, 40),
                fix_age_ms=draw.randint(0, 9000), distance_m=draw.randint(2, 30),
            )  # fmt: skip
    for outcome, codes in (("done", told.done), ("refused", told.refused)):
        for code in codes:
            why = "老人今天不想要" if outcome == "refused" else None
            shelf.put(Service, visit_id=visit_id, code=code, outcome=outcome, reason=why, at=left, act_id=visit_id)
    if told.late:
        recent = day >= clock.today() - timedelta(days=2)
        shelf.put(
            VisitException, id=key(), made_at=arrived, visit_id=visit_id, household_id=house.id, station_id=house.station_id,
            day=day, code="LATE_IN", kind=ACK, facts={"late_min": told.arrived_min - plan.start_min},
            settled_at=None if recent else left, settled_by=None if recent else home.account.id,
            reason=None if recent else "01", memo=None,
        )  # fmt: skip
    shelf.put(
        Log, id=key(), visit_id=visit_id, household_id=house.id, day=day, author_id=home.account.id, mood=told.mood,
        meals=told.meals, slept=None, story=told.story, handover="", at=left, received_at=left, late=False,
    )  # fmt: skip
    if not told.spent_fen:
        shelf.put(QuietDay, household_id=house.id, day=day, at=left, author_id=home.account.id)
    if cash[house.id] < max(LOW_FEN, told.spent_fen):
        _entry(shelf, home, book, key(), day, arrived, "in", "IN-FAM", TOP_UP_FEN, "这个月的买菜钱", visit_id, told.seen)
        cash[house.id] += TOP_UP_FEN
    if told.spent_fen:
        _entry(shelf, home, book, key(), day, left, "out", told.category, -told.spent_fen, told.things, visit_id, told.seen)
        cash[house.id] -= told.spent_fen


def _entry(
    shelf: Shelf, home: Home, book: uuid.UUID, key: uuid.UUID, day: date, at: Any, side: str, category: str, fen: int,
    words: str, visit_id: uuid.UUID, seen: bool,
) -> None:  # fmt: skip
    legs = money.received("cash", category, fen) if fen > 0 else money.spent("cash", category, -fen)
    for leg in legs:
        shelf.put(Posting, entry_id=key, account=leg.account, book_id=book, fen=leg.fen)
    shelf.put(
        Entry, id=key, book_id=book, household_id=home.household.id, side=side, day=day,
        kind="receive" if fen > 0 else "spend", category=category, source="cash", fen=fen, words=words,
        giver="家属" if fen > 0 else None, agreed=None, seen=seen and fen < 0, slip=False, resident_id=None,
        visit_id=visit_id, reversal_of=None, at=at, made_at=at, author_id=home.account.id,
    )  # fmt: skip
