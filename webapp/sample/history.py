"""The past of the demo world, laid down in bulk: the same rows the bedside writes, thousands at a time.

The triggers of the book and the frozen calls hold for it like for everything else.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.ledger import rules as money
from webapp.ledger.models import Book, Entry, Posting, QuietDay
from webapp.logs.models import Log
from webapp.roster.models import Shift
from webapp.sample import rules
from webapp.sample.frame import Home
from webapp.sample.laying import Ink, Shelf
from webapp.store import db
from webapp.visits.models import ACK, DONE, IN, OPEN, OUT, Call, CallPlace, Service, Visit, VisitException

BATCH = 1000  # household days to a round of writing
PLACES_KEPT, LOOKED_AT = timedelta(days=30), timedelta(days=2)
TOP_UP_FEN, LOW_FEN = 30_000, 6_000
COLUMNS: dict[type[Any], str] = {
    Shift: "id made_at visit_id plan_id household_id station_id caregiver_id day start_min minutes items state",
    Visit: (
        "id household_id station_id caregiver_id shift_id day arrived_at left_at state minutes planned_start_min "
        "planned_minutes grade"
    ),
    Call: ("id visit_id household_id author_id direction method card_state place_state app made_at at received_at skew_s"),
    CallPlace: "id lat_e6 lon_e6 accuracy_m fix_age_ms distance_m",
    Service: "visit_id code outcome reason at act_id",
    VisitException: "id made_at visit_id household_id station_id day code kind facts settled_at settled_by reason",
    Log: "id visit_id household_id day author_id mood meals story handover at received_at late",
    QuietDay: "household_id day at author_id",
    Posting: "entry_id account book_id fen",
    Entry: ("id book_id household_id side day kind category source fen words giver seen slip visit_id at made_at author_id"),
}


@dataclass
class Desk:
    """One home with its keys as the driver takes them, and the cash its caregiver holds, fen."""

    home: Home
    house: Any
    station: Any
    caregiver: Any
    author: Any
    head: Any
    book: Any
    plan: Any
    items: str
    cash_fen: int = 0


@dataclass(frozen=True)
class Visited:
    """One visit to be written down: its keys, its instants, and whether it is over."""

    day: date
    visit: Any
    shift: Any
    told: rules.Day
    arrived: datetime
    left: datetime
    over: bool = True


class Past:
    """Lets days go by in the given homes; everything is drawn from one seeded source."""

    def __init__(self, homes: Sequence[Home], figures: dict[str, Any], draw: random.Random) -> None:
        session = db.session()
        self.ink, self.figures, self.draw = Ink(session.get_bind().dialect), figures, draw
        self.shelf, self.today = Shelf(COLUMNS), clock.today()
        books = dict(session.execute(sa.select(Book.household_id, Book.id)).all())
        self.desks = [self._desk(home, books[home.household.id]) for home in homes]

    def _desk(self, home: Home, book: uuid.UUID) -> Desk:
        key = self.ink.key
        return Desk(
            home, key(home.household.id), key(home.household.station_id), key(home.caregiver.id), key(home.account.id),
            key(home.head.id), key(book), key(home.plan.id), self.ink.json(home.plan.items),
        )  # fmt: skip

    def live(self, days: int) -> Iterator[int]:
        """Let `days` days go by up to yesterday; yields the household days written so far, after each commit."""
        waiting, written = 0, 0
        for back in range(days, 0, -1):
            day = self.today - timedelta(days=back)
            for desk in self.desks:
                self._visit(desk, self._shift(desk, day))
            waiting += len(self.desks)
            if waiting >= BATCH or back == 1:
                self.shelf.write(db.session().connection())
                db.settle()
                written, waiting = written + waiting, 0
                yield written

    def begin_today(self) -> None:
        """Today as far as it has come: done and open visits of the shifts that were laid."""
        now, today = clock.now(), self.today
        ask = sa.select(Shift.household_id, Shift.id, Shift.visit_id).where(Shift.day == today)
        planned = {self.ink.key(house): (shift, visit) for house, shift, visit in db.session().execute(ask)}
        for desk in self.desks:
            told = self._told(desk)
            arrived = clock.instant(today, told.arrived_min)
            if desk.house in planned and arrived < now and self.draw.random() > 0.02:
                shift, visit = (self.ink.key(key) for key in planned[desk.house])
                left = arrived + timedelta(minutes=told.minutes)
                self._visit(desk, Visited(today, visit, shift, told, arrived, left, over=left < now))
        self.shelf.write(db.session().connection())

    def _told(self, desk: Desk) -> rules.Day:
        plan = desk.home.plan
        return rules.day(self.draw, self.figures, plan.start_min, plan.minutes, tuple(plan.items))

    def _shift(self, desk: Desk, day: date) -> Visited:
        told, plan = self._told(desk), desk.home.plan
        arrived = clock.instant(day, told.arrived_min)
        visited = Visited(day, self._key(arrived), self._key(arrived), told, arrived, arrived + timedelta(minutes=told.minutes))
        self.shelf.rows[Shift].append(
            (visited.shift, self.ink.at(arrived), visited.visit, desk.plan, desk.house, desk.station, desk.caregiver,
             self.ink.day(day), plan.start_min, plan.minutes, desk.items, "planned")
        )  # fmt: skip
        return visited

    def _key(self, at: datetime) -> Any:
        return self.ink.key(ids.seeded(int(at.timestamp() * 1000), self.draw.getrandbits(80)))

    def _visit(self, desk: Desk, one: Visited) -> None:
        rows, told, plan = self.shelf.rows, one.told, desk.home.plan
        day, arrived, left = self.ink.day(one.day), self.ink.at(one.arrived), self.ink.at(one.left)
        rows[Visit].append(
            (one.visit, desk.house, desk.station, desk.caregiver, one.shift, day, arrived, left if one.over else None,
             DONE if one.over else OPEN, told.minutes if one.over else None, plan.start_min, plan.minutes, "A")
        )  # fmt: skip
        self._call(desk, one, IN, one.arrived, arrived)
        if told.late:
            self._late(desk, one, day, arrived, left)
        if not one.over:
            return
        self._call(desk, one, OUT, one.left, left)
        rows[Service] += [(one.visit, code, "done", None, left, one.visit) for code in told.done]
        rows[Service] += [(one.visit, code, "refused", "老人今天不想要", left, one.visit) for code in told.refused]
        rows[Log].append(
            (self._key(one.left), one.visit, desk.house, day, desk.author, told.mood, told.meals, told.story, "", left, left,
             False)
        )  # fmt: skip
        self._money(desk, one, day, arrived, left)

    def _call(self, desk: Desk, one: Visited, direction: str, at: datetime, told_at: Any) -> None:
        key, draw, spot = self._key(at), self.draw, desk.home.spot
        self.shelf.rows[Call].append(
            (key, one.visit, desk.house, desk.author, direction, "QR", "live", "ok", "sample", told_at, told_at, told_at, 0)
        )
        if one.day > self.today - PLACES_KEPT:
            self.shelf.rows[CallPlace].append(
                (key, spot.lat_e6 + draw.randint(-200, 200), spot.lon_e6 + draw.randint(-200, 200), draw.randint(8, 40),
                 draw.randint(0, 9000), draw.randint(2, 30))
            )  # fmt: skip

    def _late(self, desk: Desk, one: Visited, day: Any, arrived: Any, left: Any) -> None:
        waits = one.day >= self.today - LOOKED_AT
        facts = self.ink.json({"minutes": one.told.arrived_min - desk.home.plan.start_min})
        settled = (None, None, None) if waits else (left, desk.head, "01")
        self.shelf.rows[VisitException].append(
            (self._key(one.arrived), arrived, one.visit, desk.house, desk.station, day, "LATE_IN", ACK, facts, *settled)
        )

    def _money(self, desk: Desk, one: Visited, day: Any, arrived: Any, left: Any) -> None:
        told = one.told
        if desk.cash_fen < max(LOW_FEN, told.spent_fen):
            self._entry(desk, one, day, (one.arrived, arrived), "IN-FAM", TOP_UP_FEN, "这个月的买菜钱")
        if told.spent_fen:
            self._entry(desk, one, day, (one.left, left), told.category, -told.spent_fen, told.things)
        else:
            self.shelf.rows[QuietDay].append((desk.house, day, left, desk.author))

    def _entry(self, desk: Desk, one: Visited, day: Any, at: tuple[datetime, Any], category: str, fen: int, words: str) -> None:
        legs = money.received("cash", category, fen) if fen > 0 else money.spent("cash", category, -fen)
        key, told_at = self._key(at[0]), at[1]
        side, kind, giver = ("in", "receive", "家属") if fen > 0 else ("out", "spend", None)
        self.shelf.rows[Posting] += [(key, leg.account, desk.book, leg.fen) for leg in legs]
        self.shelf.rows[Entry].append(
            (key, desk.book, desk.house, side, day, kind, category, "cash", fen, words, giver, one.told.seen and fen < 0, False,
             one.visit, told_at, told_at, desk.author)
        )  # fmt: skip
        desk.cash_fen += fen
