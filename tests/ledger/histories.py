"""Random histories of books, lived through the verbs: two writers, late and reordered lines, counts, closings, handovers."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tests.ledger.acts import act
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.ledger import closing, counting, queries
from webapp.ledger import models as ledger
from webapp.ledger.rows import Book, Closing, Count, Entry, Posting
from webapp.people.models import Assignment
from webapp.store import db

ACCOUNTS = ("cash", "advance", "wallet", "owed")
EXPECTED = {
    "entry_reversed", "entry_is_reversal", "entry_is_counted", "not_over", "closed", "not_counted", "not_confirmed", "words",
    "taken_over", "own", "amount_fen", "not_assigned", "advance", "ended",
}  # fmt: skip
"""What a history may be told; anything else is a bug."""


class Undo(Exception):
    """Takes a history back."""


class History:
    """Two caregivers, two homes, three months; every deed at a random time of the past, in any order."""

    def __init__(self, world: Any, draw: random.Random) -> None:
        self.draw, self.now = draw, clock.now()
        self.writers = [world.account("wang").id, world.account("qian").id]
        self.head = world.account("zhou").id
        self.homes = [world.household(name).id for name in ("李秀兰", "张福贵")]
        self.person = world.person("qian").id
        self.seals: dict[uuid.UUID, str] = {}

    @contextmanager
    def tried(self) -> Iterator[None]:
        """A transaction that is taken back at the end."""
        try:
            with db.transaction() as session:
                since = self.now - timedelta(days=400)
                session.add_all(
                    Assignment(household_id=home, caregiver_id=self.person, part="relief", since=since) for home in self.homes
                )
                session.flush()
                yield
                raise Undo
        except Undo:
            pass

    def live(self, deeds: int) -> None:
        """So many deeds; then the books add up, and what was closed is as it was."""
        for _n in range(deeds):
            home = self.draw.choice(self.homes)
            deed = self.draw.choices(
                (self.spend, self.receive, self.repay, self.reverse, self.count, self.close, self.alone, self.back, self.end),
                (16, 8, 4, 8, 6, 8, 2, 2, 1),
            )[0]
            try:
                with db.session().begin_nested():
                    deed(home)
            except Refusal as refusal:
                if refusal.code not in EXPECTED:
                    raise
        self.check()

    def at(self) -> datetime:
        """Any instant of the last three months: records come in any order."""
        return self.now - timedelta(minutes=self.draw.randrange(1, 90 * 1440))

    def spend(self, home: uuid.UUID) -> None:
        fen = self.draw.choice((1, 99, 2000, 3650, 20000, self.draw.randrange(1, 10**7)))
        source = self.draw.choice(("cash", "cash", "advance", "wallet"))
        shared = self.draw.random() < 0.2
        ledger.spend(act(self.draw.choice(self.writers), at=self.at()), home, fen, "EX-VEG", source, shared=shared)

    def receive(self, home: uuid.UUID) -> None:
        source = self.draw.choice(("cash", "advance", "wallet"))
        writer, fen = self.draw.choice(self.writers), self.draw.randrange(1, 10**6)
        ledger.receive(act(writer, at=self.at()), home, fen, "IN-FAM", source)

    def repay(self, home: uuid.UUID) -> None:
        writer, fen = self.draw.choice(self.writers), self.draw.randrange(1, 10**5)
        ledger.repay(act(writer, at=self.at()), home, fen, self.draw.choice(("cash", "wallet")))

    def end(self, home: uuid.UUID) -> None:
        how = self.draw.choice(("", "cash", "family", "waived"))
        counted = self.draw.randrange(0, 10**6), self.draw.randrange(0, 10**4)
        closing.end(home, "ended", *counted, "女儿", "邻居", "说清楚了", self.head, advance=how)

    def reverse(self, home: uuid.UUID) -> None:
        keys = db.session().scalars(sa.select(Entry.id).where(Entry.household_id == home).order_by(Entry.at)).all()
        if keys:
            ledger.reverse(act(self.draw.choice(self.writers), at=self.at()), self.draw.choice(keys), "冲掉")

    def count(self, home: uuid.UUID) -> None:
        month = self.draw.choice(self._months())
        fen, wallet = self.draw.randrange(0, 10**5), self.draw.choice((None, 0, 500))
        deed = act(self.writers[0], at=min(clock.instant(month.last, 900), self.now), kind="ledger.count")
        words = self.draw.choice(("", "想不起来"))
        counting.count(deed, home, "month", fen, wallet, str(month), words, "resident", "老人", "witness", "邻居")

    def close(self, home: uuid.UUID) -> None:
        made = closing.close(home, self.draw.choice(self._months()), self.head, self.draw.choice(("", "找零")))
        self.seals[made.id] = made.digest

    def alone(self, home: uuid.UUID) -> None:
        one, other = self.draw.sample(self.writers, 2)
        cash = self.draw.randrange(0, 10**5)
        counting.take_over_alone(home, one, other, cash, 0, "联系不上", "老人", "邻居", self.head)

    def back(self, home: uuid.UUID) -> None:
        counting.pay_back(home, self.draw.randrange(1, 5000), "送来的", self.head)

    def _months(self) -> list[Month]:
        this = Month.of(clock.day_of(self.now))
        return [this.previous().previous(), this.previous(), this]

    def held(self, home: uuid.UUID) -> dict[str, int]:
        """What the book carries."""
        columns = [getattr(Book, f"{name}_fen") for name in ACCOUNTS]
        row = db.session().execute(sa.select(*columns).where(Book.household_id == home)).one()
        return dict(zip(ACCOUNTS, row, strict=True))

    def check(self) -> None:
        """Each entry sums to zero, carried is summed, closed months give their hash, counts agree with what they saw."""
        session = db.session()
        crooked = sa.select(Posting.entry_id).group_by(Posting.entry_id).having(sa.func.sum(Posting.fen) != 0)
        assert session.execute(crooked).all() == []
        assert queries.disagreements() == []
        for home in self.homes:
            book = session.scalars(sa.select(Book.id).where(Book.household_id == home)).one()
            rows = sa.select(Posting.account, sa.func.sum(Posting.fen)).where(Posting.book_id == book)
            summed = {account: int(fen) for account, fen in session.execute(rows.group_by(Posting.account))}
            assert self.held(home) == {name: summed.get(name, 0) for name in ACCOUNTS}
            assert closing.broken(home) == []
        for row in session.scalars(sa.select(Closing)):
            assert self.seals.get(row.id, row.digest) == row.digest
            assert session.get_one(Count, row.count_id).household_id == row.household_id
