"""A red notice is followed through the ladder with the way out up, down, slow and cross; nothing waits inside a transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.messages.kit import drain, notice, rungs, sendings, tasks, urgent
from webapp.kit import clock
from webapp.messages import ladder, models, outgoing
from webapp.messages.models import Task
from webapp.store import audit, db, jobs
from webapp.store.jobs import Job


def test_unseen_it_climbs_a_rung_every_five_minutes_and_somebody_must_ring_at_each(world, hand):
    row = urgent(world)
    assert rungs(row) == ["caregiver"] and tasks() == []
    hand.go(4.9)
    assert rungs(row) == ["caregiver"]
    hand.go(0.2)
    assert rungs(row) == ["caregiver", "station"]
    ring, unseen = tasks(Task.kind == "ring")[0], tasks(Task.kind == "unseen")[0]
    assert (ring.place_id, ring.person_id, ring.level) == (world.place("songling").id, world.person("wang").id, "red")
    assert (unseen.account_id, unseen.person_id) == (world.account("zhou").id, world.person("wang").id)
    hand.go(5.1)
    assert rungs(row) == ["caregiver", "station", "street"]
    assert [each.place_id for each in tasks(Task.kind == "ring")] == [world.place("songling").id, world.place("street").id]
    assert [phone for _name, phone in tasks(Task.kind == "ring")[1].numbers] == ["0411-0000 5678", "0411-0000 1234"]
    hand.go(5.1)
    assert rungs(row) == ["caregiver", "station", "street", "top"]
    assert tasks(Task.kind == "ring")[-1].place_id == world.place("district").id
    hand.go(600)
    assert len(rungs(row)) == 4 and len(tasks(Task.kind == "ring")) == 3


def test_seen_it_stays_where_it_is_and_nobody_needs_to_ring(world, hand):
    row = urgent(world)
    hand.go(5.1)
    assert world.client("wang").post(f"/notices/{row.id}/see").status_code == 303
    assert notice().seen_by == world.account("wang").id
    assert tasks() == []
    assert {each.how for each in tasks(Task.notice_id == row.id, still=False)} == {"seen"}
    hand.go(60)
    assert rungs(row) == ["caregiver", "station"]


def test_the_senders_own_look_is_none(world, hand):
    row = urgent(world)
    with db.transaction() as session:
        session.merge(row).see(world.account("zhou").id)
    assert notice().seen_at is None


def test_to_a_duty_room_it_is_a_line_of_the_list_at_once(world, hand):
    row = urgent(world, to=None)
    assert [(each.kind, each.facts, each.level) for each in tasks()] == [("notice", {"what": "call_back"}, "red")]
    hand.go(5.1)
    assert rungs(row) == ["station", "street"]
    world.client("zhou").post(f"/tasks/{tasks(Task.kind == 'notice')[0].id}/clear")
    assert notice().acknowledged_by == world.account("zhou").id and tasks() == []


def test_the_same_cause_is_said_once_until_somebody_took_it_on(world, hand):
    first = urgent(world)
    again = urgent(world)
    assert first.id == again.id
    with db.transaction() as session:
        session.merge(first).acknowledge(world.account("wang").id)
    hand.go(1)
    assert urgent(world).id != first.id


def test_it_ends_by_itself_when_its_cause_is_gone(world, hand):
    row = urgent(world)
    hand.go(5.1)
    with db.transaction():
        models.resolve("test:1")
    assert notice().ended_at is not None and tasks() == []
    hand.go(60)
    assert rungs(row) == ["caregiver", "station"]


def test_every_step_may_be_done_twice_without_harm(world, hand):
    row = urgent(world)
    hand.go(5.1)
    for deed in (ladder.rise, ladder.climb):
        for rung in ("caregiver", "station"):
            with db.transaction():
                deed(str(row.id), "caregiver" if deed is ladder.climb else rung)
    drain()
    assert rungs(row) == ["caregiver", "station"] and len(tasks(Task.kind == "ring")) == 1


def test_the_minutes_are_a_setting_of_the_district(world, hand):
    body = {**models.settings(), "ladder": [{"rung": "caregiver", "minutes": 1}, {"rung": "street", "minutes": 2}]}
    with db.transaction():
        models.rulebook.put("messages", body, clock.today())
    row = urgent(world)
    hand.go(1.1)
    assert rungs(row) == ["caregiver", "street"]
    hand.go(2.1)
    assert rungs(row) == ["caregiver", "street", "top"]


# -- the way out --


def test_up_every_rung_hears_of_it_in_words_without_names(world, hand, gateway):
    urgent(world)
    hand.go(5.1)
    hand.go(5.1)
    assert [(each.rung, each.outcome, each.tries) for each in sendings()] == [
        ("caregiver", "sent", 1), ("station", "sent", 1), ("street", "sent", 1),
    ]  # fmt: skip
    said = [each["text"]["content"] for each in gateway.heard]
    assert len(said) == 3 and all("李秀兰" not in each and "王桂芳" not in each and "松岭" not in each for each in said)
    assert gateway.heard[0]["key"] == "Bearer k"


@pytest.mark.parametrize("mood", ["cross", "ill", "slow", "drips", "down"])
def test_however_the_way_out_is_the_ladder_climbs_all_the_same(world, hand, gateway, monkeypatch, mood):
    monkeypatch.setattr(outgoing, "SOCKET_S", 0.2)
    monkeypatch.setattr(outgoing, "WHOLE_S", 0.4)
    gateway.mood = mood
    if mood == "down":
        gateway.shut()
    row = urgent(world)
    hand.go(5.1)
    hand.go(5.1)
    hand.go(5.1)
    assert rungs(row) == ["caregiver", "station", "street", "top"]
    assert len(tasks(Task.kind == "ring")) == 3
    assert all(each.trouble and each.outcome == "waiting" for each in sendings())


def test_down_then_slow_then_up_one_notice_is_followed_rung_by_rung(world, hand, gateway, monkeypatch):
    monkeypatch.setattr(outgoing, "SOCKET_S", 0.2)
    monkeypatch.setattr(outgoing, "WHOLE_S", 0.4)
    gateway.mood = "ill"
    row = urgent(world)
    gateway.mood = "slow"
    hand.go(5.1)
    assert rungs(row) == ["caregiver", "station"] and {each.outcome for each in sendings()} == {"waiting"}
    assert len(tasks(Task.kind == "ring")) == 1, "a person rings, whatever the gateway does"
    gateway.mood = "up"
    hand.go(5.1)
    assert rungs(row) == ["caregiver", "station", "street"]
    for _ in range(3):
        hand.go(1)
    assert {each.outcome for each in sendings()} == {"sent"} and len(gateway.heard) >= 3
    world.client("wu").post(f"/notices/{row.id}/acknowledge")
    hand.go(10)
    assert rungs(row) == ["caregiver", "station", "street"] and tasks(Task.kind == "ring") == []


def test_down_and_up_again_it_goes_out_at_the_next_try(world, hand, gateway):
    gateway.mood = "ill"
    urgent(world)
    assert sendings()[0].tries == 1
    gateway.mood = "up"
    hand.go(0.2)
    assert sendings()[0].tries == 1  # the first further try is after twenty seconds
    hand.go(0.2)
    assert (sendings()[0].outcome, sendings()[0].tries, sendings()[0].trouble) == ("sent", 2, None)


def test_down_for_long_it_gives_up_and_says_so(world, hand, gateway):
    gateway.mood = "ill"
    row = urgent(world)
    for _ in range(8):
        hand.go(31)
    first = sendings()[0]
    assert (first.outcome, first.tries, first.trouble) == ("failed", 6, "HTTP 500")
    assert "没发出去" in world.client("zhou").get(f"/notices/{row.id}").text


def test_what_somebody_saw_meanwhile_is_not_sent_any_more(world, hand, gateway):
    gateway.mood = "ill"
    row = urgent(world)
    world.client("wang").post(f"/notices/{row.id}/acknowledge")
    hand.go(30)
    assert [(each.outcome, each.tries) for each in sendings()] == [("unneeded", 1)]


def test_nobody_waits_for_the_gateway_inside_a_transaction(app, world, hand, gateway, monkeypatch):
    wrote = []

    def meanwhile(*_given):
        assert "session" not in models.db.g
        with app.app_context(), db.transaction() as session:
            session.execute(sa.text("update counter set value = value"))
            wrote.append(True)
        return "no answer"

    monkeypatch.setattr(outgoing, "post", meanwhile)
    urgent(world)
    assert wrote == [True]


def test_a_job_that_waits_outside_is_taken_by_one_drain_only(world, hand, gateway, monkeypatch):
    tried = []

    def meanwhile(*_given):
        tried.append(True)
        drain()  # another clock wakes up meanwhile
        return None

    monkeypatch.setattr(outgoing, "post", meanwhile)
    urgent(world)
    assert tried == [True]


def test_an_sms_goes_to_her_number_and_then_to_the_duty_room(app, world, hand, gateway):
    app.extensions["settings"] = replace(app.extensions["settings"], outgoing="sms")
    urgent(world)
    hand.go(5.1)
    assert [each["to"] for each in gateway.heard] == ["10000005678", "0411-0000 1234"]


def test_without_a_way_out_nothing_is_laid_down(world, hand):
    urgent(world)
    assert sendings() == []


# -- quiet hours and the digest --


def test_quiet_hours_never_silence_red(world, hand, gateway):
    hand.go(13 * 60)  # eleven at night
    urgent(world)
    assert len(gateway.heard) == 1


def test_others_wait_for_the_morning_and_go_out_as_one_digest_a_person(world, hand, gateway):
    hand.go(13 * 60)
    urgent(world, key="a", level="plain")
    urgent(world, key="b", level="amber")
    urgent(world, to=None, key="c", level="amber")
    assert gateway.heard == []
    hand.go(8 * 60)  # seven
    assert gateway.heard == []
    hand.go(31)
    assert sorted(each["text"]["content"] for each in gateway.heard) == [
        "暖巢：您有 1 条消息，请打开暖巢看一下。", "暖巢：您有 2 条消息，请打开暖巢看一下。",
    ]  # fmt: skip
    hand.go(24 * 60)
    assert len(gateway.heard) == 2


def test_a_digest_does_not_tell_what_was_seen_or_ended(world, hand, gateway):
    row = urgent(world, key="a", level="plain")
    urgent(world, key="b", level="plain")
    world.client("wang").post(f"/notices/{row.id}/acknowledge")
    with db.transaction():
        models.resolve("b")
    hand.go(24 * 60)
    assert gateway.heard == []


def test_all_of_it_is_in_the_audit_chain_and_no_job_broke(world, hand, gateway):
    row = urgent(world)
    hand.go(5.1)
    world.client("wang").post(f"/notices/{row.id}/acknowledge")
    hand.go(5.1)
    db.undo()
    assert audit.verify(db.reading()) == []
    assert db.reading().scalars(sa.select(Job.trouble).where(Job.trouble.is_not(None))).all() == []
    assert "messages.send" in jobs.ALONE
    assert timedelta(minutes=1) < jobs.LEASE
