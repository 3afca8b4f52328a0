"""The order of the list, the rungs, quiet hours."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import webapp
from webapp.messages import rules, words
from webapp.messages.rules import AMBER, PLAIN, RED, Item

SETTINGS = json.loads((Path(webapp.__file__).parent / "messages" / "messages.json").read_text())
KINDS, LADDER = SETTINGS["kinds"], SETTINGS["ladder"]
NOON = datetime(2026, 11, 18, 4, tzinfo=UTC)


def item(kind: str, *, level: str | None = None, ago: int = 0, **more) -> Item:
    return Item(kind, level or KINDS[kind]["level"], more.pop("key", f"{kind}:{ago}"), NOON - timedelta(minutes=ago), **more)


def test_the_worst_for_a_resident_comes_first_and_then_what_waited_longest():
    found = [item("log"), item("fix"), item("nobody", ago=1), item("silent", ago=5), item("silent", ago=90), item("gap")]
    assert [(each.kind, each.key) for each in rules.in_order(found, KINDS)] == [
        ("gap", "gap:0"), ("silent", "silent:90"), ("silent", "silent:5"), ("nobody", "nobody:1"), ("fix", "fix:0"),
        ("log", "log:0"),
    ]  # fmt: skip


def test_a_level_of_its_own_counts_more_than_the_kind():
    assert [each.level for each in rules.in_order([item("log", level=RED), item("gap", level=PLAIN)], KINDS)] == [RED, PLAIN]


def test_what_is_due_sooner_comes_first():
    soon, late = item("todo", ago=1, due=NOON), item("todo", ago=60, due=NOON + timedelta(days=1))
    assert rules.in_order([late, soon], KINDS) == [soon, late]


def test_one_notice_is_one_line_the_highest_it_climbed():
    key = uuid.uuid4()
    station, street = item("ring", ago=9, notice_id=key), item("ring", ago=4, notice_id=key)
    other = item("ring", ago=7, notice_id=uuid.uuid4())
    assert rules.one_each([street, station, other]) == [street, other]


def test_every_kind_of_the_list_has_words_a_level_and_a_place_of_its_own():
    assert set(KINDS) <= set(words.KINDS) and {each["level"] for each in KINDS.values()} == {RED, AMBER, PLAIN}
    assert len({each["rank"] for each in KINDS.values()}) == len(KINDS)
    levels = [each["level"] for each in sorted(KINDS.values(), key=lambda each: each["rank"])]
    assert levels == sorted(levels, key=rules.LEVELS.index)


def test_a_kind_without_a_place_is_refused():
    with pytest.raises(KeyError):
        rules.level_of("strange", KINDS)


def test_the_ladder_goes_up_by_the_rungs_that_exist():
    assert rules.above("caregiver", LADDER, ["station", "street", "district"]) == "station"
    assert rules.above("caregiver", LADDER, ["street"]) == "street"
    assert rules.above("street", LADDER, ["station", "street"]) == "top"
    assert rules.above("gone", LADDER, ["station"]) == "top"
    assert rules.patience("station", LADDER) == 5 and rules.patience("gone", LADDER) == 0


@pytest.mark.parametrize(("minute", "quiet"), [(1259, False), (1260, True), (0, True), (419, True), (420, False), (720, False)])
def test_quiet_hours_reach_over_midnight(minute, quiet):
    assert rules.is_quiet(minute, SETTINGS["quiet"]) is quiet


def test_the_digest_goes_out_once_a_day_and_never_in_quiet_hours():
    assert rules.until_digest(1380, 450, [1260, 420]) == 510
    assert rules.until_digest(600, 450, [1260, 420]) == 1290
    assert rules.until_digest(450, 450, [1260, 420]) == 1440
    assert rules.until_digest(600, 1380, [1260, 420]) == 1260  # a digest wished for at night waits for the morning


def test_a_caregiver_on_the_way_is_asked_for_again():
    again = SETTINGS["again_min"]
    assert not rules.comes_back("coming", NOON, NOON + timedelta(minutes=59), again)
    assert rules.comes_back("coming", NOON, NOON + timedelta(minutes=60), again)
    assert not rules.comes_back("fine", NOON, NOON + timedelta(days=1), again)
    assert not rules.comes_back(None, NOON, NOON + timedelta(days=1), again)
