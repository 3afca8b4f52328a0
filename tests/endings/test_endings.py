"""Death, moving away, the end of care: at once and everywhere, the survivor untouched; undone when it was a mistake."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.messages.kit import Clock, drain, tasks, urgent
from tests.today.test_todo import _actor
from tests.visits.kit import arrive, card_of, plate_of, send
from webapp.cards import models as cards
from webapp.cards.models import Card
from webapp.kit import clock, ids
from webapp.ledger import models as ledger
from webapp.messages import models as messages
from webapp.messages.models import Notice
from webapp.people import queries as people
from webapp.people.ends import Ending
from webapp.people.models import Household, Kin
from webapp.requests import models as requests
from webapp.requests.models import ServiceRequest
from webapp.roster import laying, pausing
from webapp.roster import models as roster
from webapp.roster.absences import Pause
from webapp.roster.models import CANCELLED, PLANNED, Shift
from webapp.store import db


@pytest.fixture(autouse=True)
def hand(monkeypatch):
    """Ten in the morning of a Wednesday."""
    made = Clock()
    monkeypatch.setattr(clock, "now", made.now)
    return made


def plan(world, name="李秀兰", start=8 * 60 + 30):
    with db.transaction():
        return roster.plan(world.household(name), range(7), start, 60, ["MEAL-01"], valid_from=clock.today())


def ends(world, name="李秀兰", kind="death", who="zhou", **more):
    """The head fills in the one page."""
    db.undo()
    resident = world.resident(name)
    data = {"key": ids.new(), "kind": kind, "on": clock.today().isoformat(), "told_by": "女儿打来电话"} | more
    answer = world.client(who).post(f"/residents/{resident.id}/end", data=data)
    db.undo()
    return answer


def ending(world, name="李秀兰"):
    db.undo()
    key = world.resident(name).id
    return db.reading().scalars(sa.select(Ending).where(Ending.resident_id == key, Ending.undone_at.is_(None))).first()


def states(world, name):
    db.undo()
    home = world.resident(name).household_id
    rows = db.reading().execute(sa.select(Shift.day, Shift.state).where(Shift.household_id == home).order_by(Shift.day))
    return [(day - clock.today()).days for day, state in rows if state != CANCELLED]


def test_who_lived_alone_ends_household_unit_shifts_and_cards(world):
    plan(world)
    card_of(world), plate_of(world)
    assert states(world, "李秀兰")[:2] == [0, 1]
    assert ends(world).status_code == 303
    assert states(world, "李秀兰") == [], "not even today's, to which nobody came"
    home = world.resident("李秀兰").household
    assert (home.ended_on, people.main_caregiver(home.id)) == (clock.today(), None)
    assert db.reading().scalars(sa.select(Card.revoked_at).where(Card.household_id == home.id)).all() == [clock.now()] * 2
    assert [each.kind for each in tasks()] == ["condolence"]


def test_what_was_done_that_morning_stays(world):
    plan(world)
    db.undo()
    home = world.household("李秀兰").id
    shift = db.reading().scalars(sa.select(Shift).where(Shift.household_id == home, Shift.day == clock.today())).one()
    arrive(world, visit=shift.visit_id, shift=shift.id, method="card_missing")
    ends(world)
    assert states(world, "李秀兰") == [0]
    with db.transaction():
        laying.extend_nightly()
    assert states(world, "李秀兰") == [0], "the night changes nothing"


def test_the_survivors_care_goes_on_and_the_home_has_their_name(world):
    plan(world, "刘淑珍")
    card_of(world, "张福贵"), card_of(world, "刘淑珍"), plate_of(world, "刘淑珍")
    before = states(world, "刘淑珍")
    assert ends(world, "张福贵").status_code == 303
    assert states(world, "刘淑珍") == before and len(before) > 10
    home = world.resident("刘淑珍").household
    assert (home.name, home.ended_on) == ("刘淑珍", None)
    assert people.main_caregiver(home.id).name == "王桂芳"
    stopped = db.reading().scalars(sa.select(Card).where(Card.revoked_at.is_not(None))).all()
    assert [each.resident_id for each in stopped] == [world.resident("张福贵").id]


def test_pauses_of_the_dead_end_and_those_of_the_survivor_stay(world):
    plan(world, "刘淑珍")
    with db.transaction():
        for name in ("张福贵", "刘淑珍"):
            who = world.resident(name)
            pausing.pause(who.household, who, "hospital", "女儿", clock.today(), by=world.account("zhou").id)
    ends(world, "张福贵")
    db.undo()
    open_ones = db.reading().scalars(sa.select(Pause).where(Pause.ended_at.is_(None))).all()
    assert [each.resident.name for each in open_ones] == ["刘淑珍"]
    tomorrow = clock.today() + timedelta(days=1)
    note = db.reading().scalars(
        sa.select(Shift.note).where(Shift.household_id == open_ones[0].household_id, Shift.day == tomorrow)
    )
    assert note.one() == "hospital", "nobody waits for him"


def test_what_was_asked_for_is_withdrawn_and_the_survivors_stays(world, hand):
    home = world.household("张福贵")
    head = _actor(world, world.account("zhou"))
    with db.transaction():
        made = [
            requests.ask(head, home, world.resident(name).id, kind, "洗个澡", clock.today(), "station")
            for name, kind in (("张福贵", "bath"), ("张福贵", "meal"), ("刘淑珍", "bath"))
        ]
        for row in (made[1], made[2]):
            row.send(head.account_id, "provider", None, "暖家公司", clock.now() + timedelta(hours=2))
        made[1].finish(head.account_id, "")
    ends(world, "张福贵")
    hand.go(60 * 24 * 9)
    drain()
    db.undo()
    told = db.reading().execute(sa.select(ServiceRequest.resident_id, ServiceRequest.state)).all()
    dead, left = world.resident("张福贵").id, world.resident("刘淑珍").id
    assert sorted(told) == sorted([(dead, "withdrawn"), (dead, "done"), (left, "sent")])
    assert sorted(each.kind for each in tasks() if each.key.startswith("request:")) == ["request_late"]


def test_tasks_notices_and_what_a_stranger_said_are_taken_back(world, hand):
    card, _token = card_of(world)
    home = world.household("李秀兰").id
    with db.transaction():
        messages.open_task("todo", world.place("songling").id, "test:t", household_id=home)
        cards.report(db.session().get(Card, card.id), world.place("songling").id, "公园", None)
    urgent(world, "wang")
    ends(world)
    assert [each.kind for each in tasks()] == ["condolence"]
    hand.go(20)
    assert [each.kind for each in tasks()] == ["condolence"], "nothing climbs"
    db.undo()
    open_ones = sa.select(Notice).where(Notice.ended_at.is_(None), Notice.acknowledged_at.is_(None))
    assert db.reading().scalars(open_ones).all() == []


def test_a_book_with_money_in_it_is_to_be_settled(world):
    home = world.household("李秀兰").id
    with db.transaction():
        ledger.open_book(home, clock.today())
    kept = send(world, "ledger.receive", household=home, amount_fen=30_000, category="IN-FAM", source="cash", giver="")
    assert kept.state == "applied"
    ends(world, kind="over", reason="kin")
    assert [each.kind for each in tasks()] == ["settle_book"]
    page = world.client("zhou").get(f"/endings/{ending(world).id}").text
    assert "300.00" in page and "家里人接去照顾" in page
    spent = send(world, "ledger.spend", household=home, amount_fen=900, category="EX-VEG", source="cash", market_seen=True)
    assert spent.state == "applied", "she may still settle it"
    assert world.client("zhou").get(f"/households/{home}/book").status_code == 200


def test_kin_read_on_quietly_for_a_month_and_then_no_more(world, hand):
    plan(world)
    db.undo()
    kin = db.reading().scalars(sa.select(Kin.id).where(Kin.person_id == world.person("limin").id)).one()
    ends(world)
    page = world.client("limin").get(f"/family/{kin}").text
    assert "请节哀" in page and "只能看" in page
    assert "计划" not in page and "今天没有安排上门" not in page
    hand.at += timedelta(days=30)
    assert world.client("limin").get(f"/family/{kin}").status_code == 404
    assert "李秀兰" not in world.client("limin").get("/family").text


def test_kin_of_the_dead_see_nothing_of_the_survivor(world, hand):
    with db.transaction():
        from webapp.people import models

        zhang = world.resident("张福贵")
        tie = models.relate(zhang, world.person("limin"), "女儿")
        models.consent(tie, zhang.household_id, {"visits", "money"}, "老人当面说的", world.account("zhou").id)
        key = tie.id
    ends(world, "张福贵")
    hand.at += timedelta(days=1)
    arrive(world, name="刘淑珍", method="card_missing")
    page = world.client("limin").get(f"/family/{key}").text
    assert "王桂芳" not in page and "手里还有" not in page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": ""}, "请选一个"),
        ({"kind": "over"}, "请选一个原因"),
        ({"on": "2026-11-30"}, "今天或以前"),
        ({"told_by": " "}, "这里要填"),
    ],
)
def test_what_is_missing_is_said_beside_it_and_nothing_ends(world, more, said):
    answer = ends(world, **more)
    assert answer.status_code == 422 and said in answer.text
    assert world.resident("李秀兰").ended_on is None


def test_twice_is_once(world):
    assert ends(world).status_code == 303
    assert ends(world).status_code == 303, "the second is led to the first"
    assert len(tasks()) == 1
    assert world.client("he").post(f"/endings/{ending(world).id}/undo").status_code == 404


def test_a_mistake_is_undone(world):
    plan(world)
    before = states(world, "李秀兰")
    ends(world)
    assert world.client("zhou").post(f"/endings/{ending(world).id}/undo").status_code == 303
    assert states(world, "李秀兰") == before
    home = world.resident("李秀兰").household
    assert (home.ended_on, people.main_caregiver(home.id).name) == (None, "王桂芳")
    assert tasks() == []
    kin = db.reading().scalars(sa.select(Kin.id).where(Kin.person_id == world.person("limin").id, Kin.until.is_(None))).one()
    assert world.client("limin").get(f"/family/{kin}").status_code == 200
    send(world, "visits.arrive", visit=ids.new(), household=home.id, method="card_missing")
    assert db.reading().get(Household, home.id).ended_on is None
    assert ends(world).status_code == 303, "and may end again"


def test_the_day_before_is_written_down_a_day_later(world, hand):
    plan(world)
    hand.at += timedelta(days=1)
    with db.transaction():
        laying.extend_nightly()
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    ends(world, on=yesterday)
    assert states(world, "李秀兰") == []
    assert "没有消息" not in world.client("zhou").get("/").text
    assert PLANNED not in db.reading().scalars(sa.select(Shift.state)).all()
