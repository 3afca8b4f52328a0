"""A household moves to another station without a gap (P30); a caregiver leaves, reached or not, step by step."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.messages.kit import Clock, tasks, urgent
from tests.today.test_todo import _actor
from tests.visits.kit import arrive, send
from webapp.access import Role
from webapp.cards import models as cards
from webapp.cards.models import Card
from webapp.endings.departure import Departure, DepartureStep
from webapp.endings.moving import Move
from webapp.kit import clock, ids
from webapp.ledger import models as ledger
from webapp.messages import models as messages
from webapp.people import models as people
from webapp.people import queries
from webapp.people.models import Account, Device, Spot
from webapp.requests import models as requests
from webapp.requests.models import ServiceRequest
from webapp.roster import laying, leaving
from webapp.roster import models as roster
from webapp.roster.absences import Leave
from webapp.roster.models import PLANNED, Shift
from webapp.store import db


@pytest.fixture(autouse=True)
def hand(monkeypatch):
    """Ten in the morning of a Wednesday."""
    made = Clock()
    monkeypatch.setattr(clock, "now", made.now)
    return made


def plan(world, name="李秀兰", start=14 * 60, **more):
    with db.transaction():
        return roster.plan(world.household(name), range(7), start, 60, ["MEAL-01"], valid_from=clock.today(), **more)


def moves(world, **more):
    db.undo()
    home = world.household("李秀兰")
    facts = {"station": str(world.place("wanghai").id), "address": "望海街9号102", "told_by": "女儿", "on": day(3)} | more
    key = ids.new()
    answer = world.client("zhou").post(f"/households/{home.id}/move", data={"key": key} | facts)
    return key, answer


def day(n):
    return (clock.today() + timedelta(days=n)).isoformat()


def goers(world, name="李秀兰"):
    """(day, caregiver, station) of each coming shift."""
    db.undo()
    home = world.household(name).id
    rows = db.reading().scalars(sa.select(Shift).where(Shift.household_id == home, Shift.state == PLANNED).order_by(Shift.day))
    places = {world.place(code).id: code for code in ("songling", "wanghai")}
    return [((s.day - clock.today()).days, s.caregiver.name if s.caregiver else None, places[s.station_id]) for s in rows]


def test_until_the_other_station_says_who_comes_nothing_changes(world):
    plan(world)
    _key, answer = moves(world)
    assert answer.status_code == 303
    assert {each[1:] for each in goers(world)} == {("王桂芳", "songling")}
    assert [(each.kind, each.place_id) for each in tasks()] == [("takeover", world.place("wanghai").id)]
    assert "有一户搬来，请接手" in world.client("he").get("/").text
    assert moves(world)[1].status_code == 422, "one at a time"


def test_the_handover_leaves_no_day_without_anybody(world, hand):
    plan(world, caregiver=world.person("wang"))
    with db.transaction():
        messages.open_task("todo", world.place("songling").id, "test:t", household_id=world.household("李秀兰").id)
    key, _answer = moves(world)
    page = world.client("he").get(f"/moves/{key}").text
    assert "望海街9号102" in page and "青霉素过敏" in page and "我们接手" in page
    assert 'name="caregiver"' not in world.client("zhou").get(f"/moves/{key}").text
    zhao = world.person("zhao").id
    assert world.client("zhou").post(f"/moves/{key}", data={"caregiver": zhao, "on": day(3)}).status_code == 422
    assert world.client("he").post(f"/moves/{key}", data={"caregiver": zhao, "on": day(3)}).status_code == 303
    days = goers(world)
    assert [each[0] for each in days] == list(range(len(days))), "every day has its visit"
    assert {each[1] for each in days if each[0] < 3} == {"王桂芳"} and {each[1] for each in days if each[0] >= 3} == {"赵丽华"}
    home = world.household("李秀兰")
    assert home.station_id == world.place("songling").id
    hand.go(3 * 24 * 60)
    with db.transaction():
        laying.extend_nightly()
    home = world.household("李秀兰")
    assert (home.station_id, home.address) == (world.place("wanghai").id, "望海街9号102")
    assert {each[1:] for each in goers(world) if each[0] >= 0} == {("赵丽华", "wanghai")}
    assert [each.place_id for each in tasks()] == [home.station_id], "what is open goes along"
    assert db.reading().scalars(sa.select(Spot).where(Spot.household_id == home.id)).all() == []
    assert world.client("zhou").get(f"/households/{home.id}").status_code == 404
    assert world.client("he").get(f"/households/{home.id}").status_code == 200
    assert "李秀兰" not in world.client("zhou").get("/live").text


def test_taken_over_the_same_day(world):
    plan(world)
    key, _answer = moves(world, on=day(0))
    world.client("he").post(f"/moves/{key}", data={"caregiver": world.person("zhao").id, "on": day(0)})
    assert {each[1:] for each in goers(world)} == {("赵丽华", "wanghai")}
    db.undo()
    assert db.reading().get(Move, key).state == "done" and tasks() == []


def test_what_was_asked_for_goes_along(world, hand):
    with db.transaction():
        home, lan = world.household("李秀兰"), world.resident("李秀兰")
        head = _actor(world, world.account("zhou"))
        waits, sent, over = (requests.ask(head, home, lan.id, "bath", f"第{n}件", clock.today(), "kin") for n in range(3))
        sent.send(head.account_id, "caregiver", world.person("wang"), "", clock.now() + timedelta(days=1))
        over.withdraw(head.account_id)
        keys = [row.id for row in (waits, sent, over)]
    key, _answer = moves(world, on=day(0))
    world.client("he").post(f"/moves/{key}", data={"caregiver": world.person("zhao").id, "on": day(0)})
    db.undo()
    rows = [db.reading().get_one(ServiceRequest, key) for key in keys]
    there, here = world.place("wanghai").id, world.place("songling").id
    assert [(row.station_id, row.state) for row in rows] == [(there, "asked"), (there, "asked"), (here, "withdrawn")]
    page = world.client("he").get("/requests").text
    assert "第0件" in page and "第1件" in page
    assert "第0件" not in world.client("zhou").get("/requests").text
    assert "请您去做一件事" not in world.client("wang").get("/").text, "she goes there no more"
    assert world.client("he").get("/").text.count("有人请帮忙，请派人") == 2


def test_a_day_that_is_over_is_refused_and_what_was_typed_stays(world):
    key, _answer = moves(world)
    answer = world.client("he").post(f"/moves/{key}", data={"caregiver": world.person("zhao").id, "on": day(-1)})
    assert answer.status_code == 422 and "今天或以后" in answer.text and day(-1) in answer.text


def test_they_stay_after_all(world):
    key, _answer = moves(world)
    assert world.client("zhou").post(f"/moves/{key}/withdraw").status_code == 303
    assert tasks() == [] and db.reading().get(Move, key).state == "withdrawn"
    answer = world.client("he").post(f"/moves/{key}", data={"caregiver": world.person("zhao").id, "on": day(3)})
    assert answer.status_code == 422 and "已经接手" in answer.text


# -- a caregiver leaves --


def departs(world, reach="no"):
    wang = world.person("wang").id
    data = {"key": ids.new(), "on": day(0), "reach": reach, "why": "搬去外地"}
    assert world.client("zhou").post(f"/people/{wang}/departure", data=data).status_code == 303
    return f"/people/{wang}/departure"


def furnish(world):
    """What she leaves behind: money, a badge, a phone, a leave, a visit not left, a task and a red notice."""
    plan(world), plan(world, "张福贵", 17 * 60, caregiver=world.person("wang"))
    home = world.household("李秀兰").id
    with db.transaction() as session:
        ledger.open_book(home, clock.today())
        cards.issue(cards.CardKind.BADGE, badge=world.person("wang"))
        session.add(Device(account_id=world.account("wang").id, label="红米", x="", y="", gen=1))
        messages.open_task("todo", world.place("songling").id, "hers", account_id=world.account("wang").id)
        leaving.record(world.person("wang"), "sick", clock.today() + timedelta(days=5), None, "", by=ids.new(), key=ids.new())
    send(world, "ledger.receive", household=home, amount_fen=30_000, category="IN-FAM", source="cash", giver="")
    arrive(world, method="card_missing")
    urgent(world, "wang")


def step(world, url, code, subject="", who="zhou", **more):
    return world.client(who).post(f"{url}/{code}", data={"subject": subject} | more)


def test_a_caregiver_who_cannot_be_reached_leaves_step_by_step(world, hand):
    furnish(world)
    url = departs(world)
    page = world.client("zhou").get(url).text
    for told in ("李秀兰", "张福贵 · 刘淑珍", "300.00", "红米", "没签退：李秀兰", "联系不上"):
        assert told in page, told
    assert step(world, url, "finish").status_code == 422
    li, zhang, qian = world.household("李秀兰").id, world.household("张福贵").id, world.person("qian").id
    assert step(world, url, "homes", li).status_code == 422, "nobody chosen"
    for home in (li, zhang):
        assert step(world, url, "homes", home, caregiver=qian).status_code == 303
    assert {each[1] for each in goers(world)} == {"钱桂兰"} == {each[1] for each in goers(world, "张福贵")}
    hand.go(60 * 24)  # laid down, and taken up again a day later
    page = world.client("wu").get(url).text
    assert "钱桂兰" in page and "周建国" in page, "each step says how and by whom"
    answer = step(world, url, "cash", li, how="away")
    assert answer.status_code == 422 and "谁在场" in answer.text
    assert step(world, url, "cash", li, how="away", words="打了三次没人接，吴志强在场").status_code == 303
    for code, how in (("keys", "lock"), ("badge", "away"), ("phone", "away"), ("records", "away")):
        assert step(world, url, code, how=how, words="站里办的").status_code == 303, code
    assert step(world, url, "finish").status_code == 303
    db.undo()
    gone = db.reading().scalars(sa.select(Account).where(Account.person_id == world.person("wang").id)).one()
    assert gone.ended_at is not None and tasks(messages.Task.account_id == gone.id) == []
    assert db.reading().scalars(sa.select(Device.revoked_at).where(Device.account_id == gone.id)).one() is not None
    assert db.reading().scalars(sa.select(Card.revoked_at).where(Card.person_id == gone.person_id)).one() is not None
    assert [each.state for each in db.reading().scalars(sa.select(Leave))] == ["refused"]
    assert queries.assigned(gone.person_id, clock.now()) == []
    kept = db.reading().scalars(sa.select(DepartureStep).where(DepartureStep.code == "cash")).one()
    assert (kept.facts["cash_fen"], kept.by) == (30_000, "周建国")
    assert "都办好了" in world.client("zhou").get(url).text


def test_finish_waits_for_every_step(world):
    url = departs(world, "yes")
    answer = step(world, url, "finish")
    assert answer.status_code == 422 and "还有几步没办" in answer.text
    db.undo()
    assert world.account("wang").ended_at is None


def test_a_household_goes_to_somebody_of_the_team_and_not_to_herself(world):
    plan(world)
    url = departs(world)
    li = world.household("李秀兰").id
    assert step(world, url, "homes", li, caregiver=world.person("zhao").id).status_code == 422
    assert step(world, url, "homes", li, caregiver=world.person("wang").id).status_code == 422
    assert step(world, url, "homes", ids.new(), caregiver=world.person("qian").id).status_code == 404


def test_she_stays_after_all(world):
    url = departs(world)
    assert world.client("zhou").post(f"{url}/withdraw").status_code == 303
    db.undo()
    assert db.reading().scalars(sa.select(Departure.withdrawn_at)).one() is not None
    assert departs(world) == url, "and may leave another day"


def test_another_stations_head_reaches_neither(world):
    url = departs(world)
    key, _answer = moves(world, station=str(world.place("wanghai").id))
    assert world.client("he").get(url).status_code == 404
    assert world.client("he").get(f"/moves/{key}").status_code == 200
    assert world.client("wang").get(url).status_code == 403
    with db.transaction():
        boss = people.welcome("林站长", world.place("songling"))
        people.open_account(boss, Role.STATION_HEAD, world.place("songling"), login="lin")
