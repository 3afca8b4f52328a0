"""A phone whose clock is wrong: measured when it sends, put right in the best guess, shown to the station and the owner."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.deliveries.acts import enrolled, kept, post
from tests.deliveries.test_phones import page
from tests.store.kit import Phone
from tests.world import World
from webapp.kit import clock, ids
from webapp.ledger.models import Entry
from webapp.store import db
from webapp.visits.models import Call

FAST = "手机的时间快了2 小时。请在手机的“设置”里打开“自动设置时间”"


def written(app: Flask, phone: Phone, world: World, off: timedelta, sent: str | None = None) -> tuple[timedelta, int]:
    """A spending of an hour ago, written and sent by a clock that is `off`: how far its booked time is from the true one."""
    home = {"household": str(world.household("李秀兰").id)}
    body = home | {"amount_fen": 3650, "category": "EX-VEG", "source": "cash", "words": "豆腐"}
    true = clock.now() - timedelta(hours=1)
    envelope = phone.seal("ledger.spend", body, made_at=clock.to_wire(true + off))
    answer = post(app, envelope, X_Sent_At=clock.to_wire(clock.now() + off) if sent is None else sent)
    assert answer.json["state"] == "applied", answer.json
    db.undo()
    at = db.reading().scalars(sa.select(Entry.at).where(Entry.id == ids.parse(envelope["id"]))).one()
    return at - true, answer.json["seq"]


@pytest.mark.parametrize("off", [timedelta(hours=2), timedelta(hours=-5), timedelta(days=-400), timedelta(0)])
def test_a_wrong_clock_is_put_right_by_what_it_was_off(app: Flask, world: World, off: timedelta) -> None:
    wrong, seq = written(app, enrolled(world), world, off)
    assert abs(wrong) < timedelta(seconds=10)
    told = kept(seq).off_s
    assert told is not None and abs(told + off.total_seconds()) < 10


def test_a_line_that_was_slow_moves_nothing(app: Flask, world: World) -> None:
    late = clock.to_wire(clock.now() - timedelta(seconds=40))
    wrong, _seq = written(app, enrolled(world), world, timedelta(0), late)
    assert abs(wrong) < timedelta(seconds=2)


@pytest.mark.parametrize(
    "told", ["", "yesterday", "2026-13-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]
)
def test_nonsense_about_the_clock_stops_nothing(app: Flask, world: World, told: str) -> None:
    written(app, enrolled(world), world, timedelta(0), told)


def test_the_guess_never_leaves_what_is_certain(app: Flask, world: World) -> None:
    """Written by a wrong clock that was set right before it sent, and the other way round: not after receipt."""
    now = clock.to_wire(clock.now() - timedelta(hours=9))
    wrong, _seq = written(app, enrolled(world), world, timedelta(0), now)
    assert timedelta(0) <= wrong <= timedelta(hours=1, seconds=10)


def test_a_record_that_waited_is_put_right_too(app: Flask, world: World) -> None:
    phone, off, chain = enrolled(world), timedelta(hours=3), str(ids.new())
    true = clock.now() - timedelta(hours=1)
    made, sent = clock.to_wire(true + off), {"X_Sent_At": clock.to_wire(clock.now() + off)}
    scan = {"visit": chain, "method": "card_missing", "place_state": "denied", "household": str(world.household("李秀兰").id)}
    arrive = phone.seal("visits.arrive", scan, chain=chain, made_at=made)
    leave = phone.seal("visits.leave", scan, chain=chain, prev=arrive["id"], made_at=made)
    assert post(app, leave, **sent).json["state"] == "waiting"
    assert post(app, arrive, **sent).json["state"] == "applied"
    db.undo()
    calls = db.reading().scalars(sa.select(Call)).all()
    assert len(calls) == 2
    for call in calls:
        assert abs(call.at - true) < timedelta(seconds=10) and abs(call.skew_s - off.total_seconds()) < 10


def test_more_than_ten_minutes_are_shown_until_the_clock_is_right(app: Flask, world: World) -> None:
    phone = enrolled(world)
    pages = (
        ("zhou", f"/people/{world.person('wang').id}"),
        ("wang", "/me/devices"),
        ("zhou", f"/people/{world.person('wang').id}/phone"),
    )
    for off, shown in (
        (timedelta(hours=2), True),
        (timedelta(minutes=9), False),
        (timedelta(hours=2), True),
        (timedelta(0), False),
    ):
        written(app, phone, world, off)
        for who, path in pages:
            assert (FAST in page(world, who, path)) is shown, (off, path)
    written(app, phone, world, timedelta(minutes=-45))
    assert "手机的时间慢了45 分钟" in page(world, "wang", "/me/devices")
