"""The one list: what the day tells and what was opened, the worst for a resident first, each gone with one tap."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.messages.kit import Clock, tasks, urgent
from tests.visits.kit import send
from webapp.access import Role
from webapp.cards import models as cards
from webapp.kit import clock, ids
from webapp.ledger import models as ledger
from webapp.messages import models as messages
from webapp.messages.calling import PhoneCall
from webapp.messages.models import Task
from webapp.people.login import SignedIn, grants_of
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store import db
from webapp.today import carrying, todo
from webapp.visits import live, models
from webapp.visits import rules as evidence
from webapp.visits.writing import find


@pytest.fixture
def hand(monkeypatch):
    """Ten in the morning of a Wednesday."""
    made = Clock()
    monkeypatch.setattr(clock, "now", made.now)
    return made


def listed(world, who="zhou"):
    """The kinds and homes of somebody's list."""
    account = world.account(who)
    db.undo()
    with world.app.test_request_context("/"):
        return [(each.kind, each.who) for each in todo.todo(_actor(world, account)).items]


def _actor(world, account):
    grant, name = grants_of(account.id)[0]
    return SignedIn(
        "", account.id, account.id, account.person_id, "", Role(grant.role), grant.place_id, None, 100, None, False, clock.now(),
        place_name=name or "",
    )  # fmt: skip


def plan(world, name, start_min, minutes=60, **more):
    with db.transaction():
        return roster.plan(world.household(name), range(7), start_min, minutes, ["MEAL-01"], valid_from=clock.today(), **more)


def shift_of(world, name):
    db.undo()
    home = world.household(name)
    return db.reading().scalars(sa.select(Shift).where(Shift.household_id == home.id, Shift.day == clock.today())).one()


def live_lines(station_id):
    """The lines of a station's live roster."""
    db.undo()
    day = clock.today()
    moment = live.Moment(clock.now(), day, {}, models.limits(day), messages.settings())
    return live.lines(live.plans_on([station_id], day), live.facts_on([station_id], day), moment)


def nobody(world, name="李秀兰", **more):
    return send(world, "visits.nobody", household=world.household(name).id, rang=True, phoned=True, told=False, **more)


def deed(page, words):
    """The address and hidden fields of the form that holds a button."""
    found = next(form for form in re.findall(r"<form.*?</form>", page, re.S) if words in form)
    action = re.search(r'action="([^"]+)"', found)[1].replace("&amp;", "&")
    return action, dict(re.findall(r'name="(\w+)" value="([^"]*)"', found))


# -- what the day tells --


def test_an_hour_after_the_planned_end_somebody_must_ring_and_only_a_call_clears_it(world, hand):
    plan(world, "李秀兰", 8 * 60 + 5, 55)
    assert listed(world) == []
    hand.go(1)
    assert listed(world) == [("silent", "李秀兰")]
    page = world.client("zhou").get("/").text
    assert "没有消息，请打电话" in page and "tel:10000005678" in page and "今天 8:05 应到 · 王桂芳" in page
    home, shift = world.household("李秀兰"), shift_of(world, "李秀兰")
    about = {"about": f"silent:{shift.id}"}
    assert world.client("zhou").post(f"/households/{home.id}/done", data=about).status_code == 404
    assert listed(world) == [("silent", "李秀兰")]
    action, fields = deed(page, "打通了，人都好")
    assert world.client("zhou").post(action, data=fields | {"whom": "neighbour"}).status_code == 303
    assert listed(world) == []
    call = db.reading().scalars(sa.select(PhoneCall)).one()
    assert (call.whom, call.said, call.about, call.household_id) == ("neighbour", "fine", f"silent:{shift.id}", home.id)
    history = world.client("zhou").get("/tasks").text
    assert "打给邻居：人都好" in history and "周建国" in history
    hand.go(24 * 60)
    assert listed(world) == [("silent", "李秀兰")], "the next day's is another cause"


def test_of_two_who_go_together_one_missing_is_no_alarm(world, hand):
    plan(world, "李秀兰", 8 * 60, 55, second=world.person("qian"))
    shifts = [key for (key,) in db.reading().execute(sa.select(Shift.id).where(Shift.day == clock.today()))]
    home = world.household("李秀兰").id
    assert len(shifts) == 2 and listed(world) == [("silent", "李秀兰")] * 2
    at = clock.instant(clock.today(), 8 * 60)
    visit = ids.new()
    mine = shift_of_her(world, "wang")
    assert send(world, "visits.arrive", visit=visit, household=home, shift=mine, method="card_missing", at=at).state == "applied"
    assert [line for line in listed(world) if line[0] == "silent"] == []
    hand.go(2 * 24 * 60)
    with db.transaction():
        carrying.carry()
    began = [each.facts["about"] for each in tasks() if each.kind == "silent"]
    assert not [key for key in began if key.partition(":")[2] in {str(each) for each in shifts}]


def shift_of_her(world, who):
    db.undo()
    hers = Shift.caregiver_id == world.person(who).id, Shift.day == clock.today()
    return db.reading().scalar(sa.select(Shift.id).where(*hers))


@pytest.mark.parametrize(("code", "shown"), [("NO_CONFIRM", []), ("LATE_IN", [("ack", "李秀兰")])])
def test_what_one_word_answers_for_many_waits_on_its_own_page(world, hand, code, shown):
    home = world.household("李秀兰")
    visit = send(world, "visits.arrive", visit=ids.new(), household=home.id, method="number")
    with db.transaction() as session:
        session.execute(sa.delete(models.VisitException))
        row = session.scalars(sa.select(models.Visit)).one()
        find(row.id, home.id, home.station_id, row.day, evidence.named([(code, {"days": 7, "minutes": 20})], models.limits()))
    assert visit and [line for line in listed(world) if line[0] in ("ack", "fix")] == shown


def test_a_call_is_one_fact_wherever_it_is_written_down(world, hand):
    plan(world, "李秀兰", 8 * 60, 55)
    zhou, shift = world.client("zhou"), shift_of(world, "李秀兰")
    state = lambda: [line.state for line in live_lines(shift.station_id)]  # noqa: E731
    assert (state(), listed(world)) == (["silent"], [("silent", "李秀兰")])
    assert zhou.post(f"/shifts/{shift.id}/ring", data={"whom": "neighbour", "said": "fine"}).status_code == 303
    assert (state(), listed(world)) == (["rung"], []), "rung from the shift, gone from the list"
    hand.go(2)
    assert zhou.post(f"/shifts/{shift.id}/ring", data={"whom": "kin", "said": "trouble", "words": "摔了"}).status_code == 303
    assert (state(), listed(world)) == (["trouble"], [("trouble", "李秀兰")])
    action, fields = deed(zhou.get("/").text, "打通了，人都好")
    for _tap in range(2):
        assert zhou.post(action, data=fields | {"whom": "resident", "said": "fine"}).status_code == 303
    assert (state(), listed(world)) == (["rung"], []), "rung from the list, quiet on the live roster"
    assert len(db.reading().scalars(sa.select(PhoneCall)).all()) == 3, "two taps are one call"


def test_who_does_not_answer_leaves_the_matter_open(world, hand):
    plan(world, "李秀兰", 8 * 60, 55)
    page = world.client("zhou").get("/").text
    action, fields = deed(page, "打通了，人都好")
    answer = world.client("zhou").post(action, data=fields | {"whom": "resident", "said": "silent"})
    assert "/call?about=silent" in answer.headers["Location"] and listed(world) == [("silent", "李秀兰")]
    assert db.reading().scalars(sa.select(PhoneCall.said)).all() == ["silent"]


def test_a_caregiver_on_the_way_who_does_not_come_is_asked_for_again(world, hand):
    plan(world, "李秀兰", 8 * 60, 55)
    action, fields = deed(world.client("zhou").get("/").text, "打通了，人都好")
    world.client("zhou").post(action, data=fields | {"whom": "caregiver", "said": "coming"})
    assert listed(world) == []
    hand.go(59)
    assert listed(world) == []
    hand.go(1)
    assert listed(world) == [("silent", "李秀兰")]
    world.client("zhou").post(action, data=fields | {"whom": "caregiver", "said": "coming"})
    assert listed(world) == [] and len(tasks(still=False)) == 2


def test_a_shift_without_anybody_is_said_when_its_time_is_over_and_gone_when_somebody_came(world, hand):
    plan(world, "李秀兰", 9 * 60 + 45)
    row = shift_of(world, "李秀兰")
    with db.transaction() as session:
        session.execute(sa.update(Shift).where(Shift.id == row.id).values(caregiver_id=None))
    assert listed(world) == [("gap", "李秀兰")]
    shift = shift_of(world, "李秀兰")
    arrived = send(world, "visits.arrive", visit=shift.visit_id, household=shift.household_id, method="card_missing")
    assert arrived.state == "applied"
    assert ("gap", "李秀兰") not in listed(world)


def test_nobody_answered_waits_until_somebody_came_or_rang(world, hand):
    nobody(world)
    nobody(world, "张福贵")
    assert sorted(listed(world)) == [("nobody", "张福贵 · 刘淑珍"), ("nobody", "李秀兰")]
    hand.go(5)
    send(world, "visits.arrive", visit=ids.new(), household=world.household("张福贵").id, method="card_missing")
    assert [each for each in listed(world) if each[0] == "nobody"] == [("nobody", "李秀兰")]
    action, fields = deed(world.client("zhou").get("/").text, "打通了，人都好")
    world.client("zhou").post(action, data=fields | {"whom": "resident"})
    assert [each for each in listed(world) if each[0] == "nobody"] == []


def test_yesterdays_diary_and_book_are_missing_until_written_or_settled(world, hand):
    home = world.household("李秀兰")
    with db.transaction():
        ledger.open_book(home.id, clock.today())
    visit = ids.new()
    send(world, "visits.arrive", visit=visit, household=home.id, method="card_missing")
    hand.go(30)
    send(world, "visits.leave", visit=visit, method="card_missing")
    hand.go(60 * 15)
    assert [each for each in listed(world) if each[0] in ("log", "money")] == [("money", "李秀兰"), ("log", "李秀兰")]
    send(world, "logs.write", visit=visit, mood="good", story="都好")
    assert [each for each in listed(world) if each[0] in ("log", "money")] == [("money", "李秀兰")]
    page = world.client("zhou").get("/").text
    action, fields = deed(page, "办好了")
    assert world.client("zhou").post(action, data=fields).status_code == 303
    assert world.client("zhou").post(action, data=fields).status_code == 303
    assert [each for each in listed(world) if each[0] in ("log", "money")] == []
    assert [(each.kind, each.how) for each in tasks(still=False)] == [("money", "done")]


def test_a_strangers_report_is_first_and_climbs_until_somebody_takes_it_on(world, hand):
    with db.transaction():
        card = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("李秀兰"))
        row = cards.report(card, card.station_id, "在菜市场门口", "13800001111")
    nobody(world)
    assert [kind for kind, _who in listed(world)] == ["found", "nobody"]
    assert "tel:13800001111" in world.client("zhou").get("/").text
    hand.go(0)
    hand.go(5.1)
    assert [each.place_id for each in tasks(Task.kind == "ring")] == [world.place("street").id]
    assert world.client("zhou").post(f"/sightings/{row.id}", data={"step": "taken"}).status_code == 303
    assert [kind for kind, _who in listed(world)] == ["nobody", "found"] and tasks() == [], "followed until the elder is home"
    hand.go(61)
    assert [kind for kind, _who in listed(world)] == ["found", "nobody"], "an hour is long for a lost elder"
    assert world.client("zhou").post(f"/sightings/{row.id}", data={"step": "home"}).status_code == 303
    assert [kind for kind, _who in listed(world)] == ["nobody"]


# -- who sees what --


def test_the_street_sees_what_is_red_below_it_and_everything_of_its_own(world, hand):
    nobody(world)
    with db.transaction():
        for place, key in (("songling", "a"), ("street", "b")):
            messages.open_task("todo", world.place(place).id, key)
    assert [kind for kind, _who in listed(world)] == ["nobody", "todo"]
    assert [kind for kind, _who in listed(world, "wu")] == ["nobody", "todo"]
    assert [kind for kind, _who in listed(world, "zheng")] == ["nobody"]
    assert listed(world, "he") == []


def test_somebody_elses_cause_cannot_be_cleared_or_hidden(world, hand):
    nobody(world)
    here, there = world.household("李秀兰"), world.household("孙德胜")
    action, fields = deed(world.client("zhou").get("/").text, "打通了，人都好")
    about = action.partition("about=")[2] or fields["about"]
    for who, home in (("he", here), ("he", there), ("zhou", there)):
        answer = world.client(who).post(f"/households/{home.id}/call?about={about}", data=fields | {"whom": "kin"})
        assert answer.status_code == 404, (who, home.name)
    for wrong in ("nobody:", "nobody:x", f"silent:{about.partition(':')[2]}", f"log:{ids.new()}"):
        answer = world.client("zhou").post(f"/households/{here.id}/call", data=fields | {"about": wrong, "whom": "kin"})
        assert answer.status_code == 404, wrong
    plan(world, "孙德胜", 800)
    elsewhere = f"silent:{shift_of(world, '孙德胜').id}"
    answer = world.client("zhou").post(f"/households/{here.id}/call", data=fields | {"about": elsewhere, "whom": "kin"})
    assert answer.status_code == 404, "another home's shift"
    answer = world.client("zhou").post(f"/households/{here.id}/call", data={"whom": "kin", "said": "fine"})
    assert answer.status_code == 303, "a call without a cause is written down and clears nothing"
    assert listed(world) == [("nobody", "李秀兰")]


def test_what_is_not_chosen_is_said_beside_the_field_and_what_was_typed_stays(world, hand):
    nobody(world)
    action, fields = deed(world.client("zhou").get("/").text, "打通了，人都好")
    answer = world.client("zhou").post(action, data={**fields, "said": "", "words": "邻居说出门了"})
    assert answer.status_code == 422 and "请选一个" in answer.text and "邻居说出门了" in answer.text


# -- tasks --


def test_a_task_is_opened_once_cleared_in_one_tap_and_can_come_again(world, hand):
    for _ in range(2):
        with db.transaction():
            messages.open_task("todo", world.place("songling").id, "x", household_id=world.household("李秀兰").id)
    assert listed(world) == [("todo", "李秀兰")]
    action, fields = deed(world.client("zhou").get("/").text, "办好了")
    assert world.client("zhou").post(action, data=fields).status_code == 303
    assert listed(world) == []
    hand.go(2)
    with db.transaction():
        messages.open_task("todo", world.place("songling").id, "x")
    assert listed(world) == [("todo", "")]
    with db.transaction():
        messages.resolve("x")
    assert [each.how for each in tasks(still=False)] == ["done", "gone"]


def test_a_ring_is_one_line_for_whoever_sees_both_rungs_and_rung_means_seen(world, hand):
    row = urgent(world)
    hand.go(5.1)
    assert listed(world) == [("ring", "李秀兰")], "the sender's own line and the station's are one"
    hand.go(5.1)
    assert listed(world, "wu") == [("ring", "李秀兰")]
    page = world.client("wu").get("/").text
    assert "还没人看到，请打电话" in page and "tel:041100005678" in page
    action, fields = deed(page, "打过了")
    world.client("wu").post(action, data={**fields, "how": "called"})
    assert listed(world, "wu") == listed(world) == []
    db.undo()
    assert db.reading().get(messages.Notice, row.id).seen_by == world.account("wu").id


def test_her_own_day_shows_the_notice_until_she_knows_it(world, hand):
    row = urgent(world)
    page = world.client("wang").get("/").text
    assert "请马上给站里回电话" in page and "李秀兰" in page
    assert "请马上给站里回电话" not in world.client("qian").get("/").text
    assert world.client("qian").post(f"/notices/{row.id}/acknowledge").status_code == 404
    action, fields = deed(page, "知道了")
    world.client("wang").post(action, data=fields)
    assert "请马上给站里回电话" not in world.client("wang").get("/").text


def test_the_office_writes_to_one_person_and_hears_when_nobody_saw_it(world, hand):
    wang = world.person("wang").id
    assert world.client("zhou").post(f"/people/{wang}/notice", data={"kind": "call_back"}).status_code == 422
    answer = world.client("zhou").post(f"/people/{wang}/notice", data={"kind": "call_back", "level": "red"})
    assert answer.status_code == 303
    hand.go(0)
    hand.go(5.1)
    assert [each.account_id for each in tasks(Task.kind == "unseen")] == [world.account("zhou").id]
    assert "您发的还没人看到" in world.client("zhou").get("/").text or listed(world) == [("ring", "")]


# -- announcements --


def announce(world, who="zhou", place="songling", **more):
    data = {"place": str(world.place(place).id), "audience": "caregivers", "title": "周五开会", "words": "下午两点在站里", **more}
    return world.client(who).post("/announcements", data=data)


def test_an_announcement_is_shown_until_read_and_the_office_sees_who_has(world, hand):
    assert announce(world, must="y").status_code == 303
    for who, told in (("wang", True), ("qian", True), ("zhao", False), ("zhou", False)):
        assert ("周五开会" in world.client(who).get("/").text) is told, who
    action, fields = deed(world.client("wang").get("/").text, "我看过了")
    for _ in range(2):
        assert world.client("wang").post(action, data=fields).status_code == 303
    assert "周五开会" not in world.client("wang").get("/").text
    assert world.client("zhao").post(action, data=fields).status_code == 404
    assert "1 / 2 人看过" in world.client("zhou").get("/announcements").text
    link = re.search(r"/announcements/[0-9a-f-]{36}", world.client("zhou").get("/announcements").text)[0]
    page = world.client("zhou").get(link).text
    assert page.index("钱桂兰") < page.index("看过的 1 人") < page.index("王桂芳")
    assert world.client("he").get(link).status_code == 404
    world.client("zhou").post(f"{link}/withdraw")
    assert "周五开会" not in world.client("qian").get("/").text


def test_the_street_tells_the_heads_below_it_and_a_head_cannot_tell_the_street(world, hand):
    assert announce(world, "wu", "street", audience="heads").status_code == 303
    assert "周五开会" in world.client("zhou").get("/").text and "周五开会" in world.client("he").get("/").text
    assert "周五开会" not in world.client("wang").get("/").text
    assert "周五开会" not in world.client("wu").get("/").text
    assert "0 / 2 人看过" in world.client("wu").get("/announcements").text
    assert announce(world, "zhou", "street").status_code == 422
    assert announce(world, title="").status_code == 422


def test_what_was_read_is_not_asked_again_and_old_news_is_no_news(world, hand):
    announce(world)
    assert "周五开会" in world.client("wang").get("/").text
    hand.at += timedelta(days=31)
    assert "周五开会" not in world.client("wang").get("/").text
