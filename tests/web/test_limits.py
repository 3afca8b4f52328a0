"""How often something may be tried: a delay that grows and passes, never a lock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.store import db
from webapp.web import limits
from webapp.web.limits import Tries


class Hands:
    """A clock that can be turned."""

    def __init__(self) -> None:
        self.at = clock.now()

    def now(self) -> datetime:
        return self.at

    def on(self, **spell: float) -> None:
        self.at += timedelta(**spell)


@pytest.fixture
def hands(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(clock, "now", made.now)
    return made


def wrong(times: int, who: str = "a") -> None:
    for _n in range(times):
        with db.transaction():
            limits.wrong("door", who)
    db.undo()


def waits(who: str = "a", free: int = 3, most: timedelta = timedelta(minutes=1)) -> int:
    """Seconds to wait, 0 when free."""
    db.undo()
    told: list[Refusal] = []
    try:
        limits.wait("door", who, free=free, most=most)
    except Refusal as refusal:
        told.append(refusal)
    assert all(each.facts["status"] == 429 for each in told)
    return int(told[0].facts["wait_s"]) if told else 0


def test_the_wait_grows_with_each_wrong_try_and_passes(hands: Hands) -> None:
    wrong(2)
    assert waits() == 0
    wrong(1)
    assert 1 < waits() <= 3
    wrong(1)
    assert 3 < waits() <= 5
    hands.on(seconds=6)
    assert waits() == 0


def test_the_wait_never_grows_beyond_its_most(hands: Hands) -> None:
    wrong(40)
    assert 60 <= waits() <= 61
    hands.on(seconds=62)
    assert waits() == 0


def test_one_persons_wrong_tries_are_nobody_elses(hands: Hands) -> None:
    wrong(9)
    assert waits("b") == 0


def test_a_success_and_an_hour_make_one_start_afresh(hands: Hands) -> None:
    wrong(9)
    with db.transaction():
        limits.right("door", "a")
    assert waits() == 0
    wrong(9)
    hands.on(hours=1, seconds=1)
    wrong(1)
    assert waits() == 0


def test_a_window_fills_and_empties(hands: Hands) -> None:
    for expected in (1, 2, 3):
        with db.transaction():
            assert limits.count("scan", "a", within=timedelta(minutes=10)) == expected
    db.undo()
    limits.check("scan", "a", most=4)
    with pytest.raises(Refusal) as refusal:
        limits.check("scan", "a", most=3)
    assert 0 < refusal.value.facts["wait_s"] <= 601
    hands.on(minutes=10, seconds=1)
    db.undo()
    limits.check("scan", "a", most=3)
    with db.transaction():
        assert limits.count("scan", "a", within=timedelta(minutes=10)) == 1


def test_who_tried_is_kept_as_a_digest_only(hands: Hands) -> None:
    wrong(1, "13900001111")
    assert b"1390000" not in b"".join(db.reading().scalars(sa.select(Tries.key)))
