"""Random histories of calls and corrections: time order holds, what was captured never changes, and the derived visit is what
somebody else works out from the same history with other code."""

from __future__ import annotations

import random
from datetime import timedelta

import sqlalchemy as sa

from tests.visits.kit import send
from tests.visits.test_correcting import As, now, yesterday
from webapp.kit import ids
from webapp.kit.refusal import Refusal
from webapp.store import db
from webapp.visits import correcting
from webapp.visits.correcting import Correction
from webapp.visits.deriving import Adjusted, Heard, derive, in_order
from webapp.visits.models import Call, Visit

MANY, LIVED = 10_000, 12


def worked_out(history):
    """The same by hand: go through it from the end, field by field."""
    told = {}
    for field in ("in", "out"):
        newest = ranked = None
        for kind, way, at, method in history:
            if way == field and kind == "adjust":
                newest = (at, "HAND")
            elif way == field and kind == "call":
                rank = 1 if method == "PHONE" else 0
                if ranked is None or rank < ranked[0]:
                    ranked = (rank, at, method)
        told[field] = newest or (ranked and ranked[1:]) or (None, None)
    (arrived, arrive_by), (left, leave_by) = told["in"], told["out"]
    minutes = None
    if arrived is not None and left is not None:
        minutes = max((left - arrived) // timedelta(minutes=1), 0)
    return arrived, left, minutes, arrive_by, leave_by


def lived(draw):
    """A history of calls and approved corrections; a correction that would turn the order is not approved."""
    history = []
    for _ in range(draw.randint(1, 9)):
        at, way = yesterday(6) + timedelta(seconds=draw.randint(0, 50_000)), draw.choice(("in", "out"))
        if draw.random() < 0.6:
            history.append(("call", way, at, draw.choice(("QR", "CODE", "NONE", "PHONE"))))
        else:
            trial = [*history, ("adjust", way, at, None)]
            arrived, left, *_rest = worked_out(trial)
            if arrived is None or left is None or arrived < left:
                history = trial
    return history


def test_ten_thousand_histories_give_what_another_works_out():
    draw = random.Random(20261122)
    for _ in range(MANY):
        history = lived(draw)
        before = list(history)
        calls = [Heard(way, at, method) for kind, way, at, method in history if kind == "call"]
        adjusted = [Adjusted(way, at) for kind, way, at, _ in history if kind == "adjust"]
        told = derive(calls, adjusted)
        assert (told.arrived_at, told.left_at, told.minutes, told.arrive_by, told.leave_by) == worked_out(history)
        assert history == before
        if adjusted and history[-1][0] == "adjust":
            assert in_order(told.arrived_at, told.left_at)


def test_the_four_rows_of_the_time_order():
    nine, ten = yesterday(9), yesterday(10)
    for adjusted in ([], [Adjusted("out", ten)], [Adjusted("in", nine)], [Adjusted("in", nine), Adjusted("out", ten)]):
        told = derive([Heard("in", nine, "QR"), Heard("out", ten, "QR")], adjusted)
        assert in_order(told.arrived_at, told.left_at) and told.minutes == 60
    assert not in_order(nine, nine) and not in_order(ten, nine) and in_order(None, nine) and in_order(nine, None)


def test_histories_lived_through_the_inbox_end_the_same_way(app, world):
    draw = random.Random(7)
    home, refused = world.household("李秀兰").id, set()
    for _ in range(LIVED):
        key, history = ids.new(), []
        at = yesterday(6) + timedelta(seconds=draw.randint(0, 9_000))
        send(world, "visits.arrive", visit=key, household=home, method="card_missing", at=at)
        history.append(("call", "in", at, "NONE"))
        for _ in range(draw.randint(0, 4)):
            at = yesterday(9) + timedelta(minutes=draw.randint(0, 500))
            way = draw.choice(("in", "out"))
            if draw.random() < 0.4:
                send(world, "visits.leave", visit=key, method="card_missing", at=at)
                history.append(("call", "out", at, "NONE"))
                continue
            captured = now().execute(sa.select(Call.__table__).order_by(Call.id)).all()
            try:
                with db.transaction() as session:
                    row = correcting.ask_for(As(world, "zhou"), session.get(Visit, key), way, at, "08", "她打电话来说的")
                    correcting.decide(session.get(Correction, row.id), As(world, "wu"), True, "A")
                history.append(("adjust", way, at, None))
            except Refusal as refusal:
                refused.add(refusal.code)
            assert now().execute(sa.select(Call.__table__).order_by(Call.id)).all() == captured
        found = now().get(Visit, key)
        arrived, left, minutes, arrive_by, leave_by = worked_out(history)
        assert (found.arrived_at, found.left_at, found.minutes) == (arrived, left, minutes), history
        assert (found.arrive_by, found.leave_by) == (arrive_by, leave_by)
    assert refused <= {"time_order", "no_change"}
