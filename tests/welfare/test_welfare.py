"""Somebody without daily care is gone to see: seen, not seen, in trouble; overdue; moved away; ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.messages.kit import Clock, drain, tasks
from tests.people.browsers import hidden, said
from tests.today.test_todo import _actor
from tests.visits.kit import send
from webapp.endings import care
from webapp.kit import clock, ids
from webapp.store import db, jobs
from webapp.welfare import models, rules
from webapp.welfare.models import Watch, WelfareVisit

LAN = "李秀兰"


@pytest.fixture(autouse=True)
def hand(monkeypatch):
    """Ten in the morning, long after the cast came."""
    made = Clock(10)
    made.at += timedelta(days=30)
    monkeypatch.setattr(clock, "now", made.now)
    return made


def goes(world, risk="high", name=LAN):
    url = f"/households/{world.household(name).id}/welfare/risk"
    return world.client("zhou").post(url, data={"resident": str(world.resident(name).id), "risk": risk}).status_code


def visits(world, who="zhou", name=LAN, **more):
    body = {"way": "door", "seen": "yes"} | more
    home = world.household(name).id
    return send(world, "welfare.visit", who, household=home, resident=world.resident(name).id, **body)


def row(table=Watch):
    db.undo()
    return db.session().scalars(sa.select(table)).one()


def night(hand, days=1):
    hand.at += timedelta(days=days)
    db.undo()
    jobs.ask_nightly()
    drain()


def kinds():
    db.undo()
    return sorted(each.kind for each in tasks() if each.kind in ("welfare_due", "unseen_elder", "hardship"))


def test_when_again_hangs_on_the_risk():
    chosen = models.rulebook.default("welfare")
    day = clock.today()
    assert [(rules.next_day(day, risk, True, chosen) - day).days for risk in rules.RISKS] == [7, 15, 30]
    assert (rules.next_day(day, "low", False, chosen) - day).days == 1, "not seen: soon again"


def test_gone_to_see_in_time_nobody_is_asked_and_overdue_the_station_is(world, hand):
    assert goes(world) == 303
    night(hand, 5)
    assert visits(world).say == "记下了"
    night(hand, 7)
    assert kinds() == []
    night(hand)
    assert kinds() == ["welfare_due"] and "过了 1 天" in said(world.client("zhou").get("/welfare"))
    night(hand)
    assert kinds() == ["welfare_due"], "once"
    visits(world, way="phone")
    assert kinds() == [] and row().next_on == clock.today() + timedelta(days=7)


def test_not_seen_somebody_goes_again_and_seen_it_is_over(world, hand):
    goes(world)
    visits(world, seen="no")
    assert kinds() == ["unseen_elder"] and row().next_on == clock.today() + timedelta(days=1)
    visits(world)
    assert kinds() == []


def test_a_difficulty_goes_to_whoever_sees_to_it(world, hand):
    assert visits(world, seen="trouble").state == "quarantined", "which one?"
    visits(world, seen="trouble", words="水管漏水", owner="street")
    found = [each for each in tasks() if each.kind == "hardship"]
    assert [each.place_id for each in found] == [world.place("street").id]


def test_the_diary_is_written_on_the_page_and_by_the_liaison_with_names_masked(world, hand):
    goes(world)
    url = f"/households/{world.household(LAN).id}/welfare"
    client = world.client("wei")
    page = said(client.get(url))
    assert LAN not in page and "李**" in page
    marks = {name: hidden(page, name) for name in ("id", "made_at", "seal")}
    given = marks | {"resident": str(world.resident(LAN).id), "way": "door", "seen": "trouble", "words": "", "owner": "station"}
    bad = client.post(url, data=given)
    assert bad.status_code == 422 and "有什么困难" in said(bad)
    for _twice in range(2):
        assert client.post(url, data=given | {"words": "灯坏了"}).status_code == 303
    assert row(WelfareVisit).words == "灯坏了"
    assert "灯坏了" in said(world.client("zhou").get(url))
    assert world.client("he").get(url).status_code == 404 and visits(world, "he").state == "quarantined"


def test_with_a_move_the_days_go_along_without_a_gap(world, hand):
    goes(world)
    with db.transaction():
        world.household(LAN).station_id = world.place("wanghai").id
    night(hand, 8)
    assert [each.place_id for each in tasks() if each.kind == "welfare_due"] == [world.place("wanghai").id]
    assert LAN in said(world.client("he").get("/welfare")) and LAN not in said(world.client("zhou").get("/welfare"))


def test_when_care_ends_nobody_goes(world, hand):
    goes(world)
    with db.transaction():
        who = world.resident(LAN)
        care.end(who, who.household, "death", clock.today(), _actor(world, world.account("zhou")), told_by="女儿", key=ids.new())
    night(hand, 20)
    assert kinds() == [] and LAN not in said(world.client("zhou").get("/welfare"))
    assert goes(world) == 422 and visits(world).state == "quarantined"


def test_nobody_needs_to_go_any_more(world, hand):
    goes(world)
    assert goes(world, "none") == 303
    night(hand, 20)
    assert kinds() == []
