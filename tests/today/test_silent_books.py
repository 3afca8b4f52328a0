"""A home that is visited day after day and about whose money nobody says a word: so many days as the settings say."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from tests.ledger.acts import act
from tests.logs.test_logs import visit_of
from tests.today.test_todo import listed
from webapp.kit import clock
from webapp.ledger import models as ledger
from webapp.store import db, rulebook


@pytest.fixture
def visited(world):
    with db.transaction() as session:
        ledger.open_book(world.household("李秀兰").id, clock.today() - timedelta(days=30))
        for days in (1, 2, 3):
            row = visit_of(world, days_ago=days, state="done")
            row.left_at = row.arrived_at + timedelta(hours=1)
        session.execute(ledger.Book.__table__.update().values(opened_on=clock.today() - timedelta(days=30)))
    return world


def silent(world) -> bool:
    return ("booksilent", "李秀兰") in listed(world)


def test_three_days_of_visits_without_a_word_about_money_are_told(app, visited):
    assert silent(visited)


def test_one_line_or_one_word_that_nothing_was_spent_ends_it(app, visited):
    with db.transaction():
        ledger.spend(act(visited.account("wang").id), visited.household("李秀兰").id, 100, "EX-VEG", "cash")
    assert not silent(visited)


def test_how_many_days_is_a_setting_of_the_place(app, visited):
    body = copy.deepcopy(rulebook.default("money"))
    body["patterns"]["gap_days"] = 5
    with db.transaction():
        rulebook.put("money", body, clock.today(), visited.place("songling").id)
    assert not silent(visited)
