"""Two people answer, ask or decide in the same moment: one of them is told, nobody meets an error, nothing is said twice."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from tests.people.browsers import hidden, said
from tests.store.at_once import meanwhile
from tests.world import World
from webapp.cards import models as cards
from webapp.cards.models import CardKind
from webapp.health import models as health
from webapp.kit import clock
from webapp.requests import models as requests
from webapp.store import db
from webapp.voices import models
from webapp.voices.models import ChangeOfCaregiver, Complaint, Opinion
from webapp.web import limits


def test_two_answers_of_one_resident_at_once_are_one_opinion(app: Flask, world: World) -> None:
    lan, zhou = world.resident("李秀兰"), world.account("zhou").id
    own = f"/residents/{lan.id}/own/smile"
    limin = world.client("limin")
    with meanwhile(app, lambda: limin.post(own, data={"stars": "1"}).status_code) as answers:
        models.heard(world.resident("李秀兰"), world.household("李秀兰"), 5, "好", "phone", zhou)
    assert answers == [303]
    db.undo()
    assert db.session().scalars(sa.select(Opinion.stars)).all() == [1], "the newer counts"


def test_another_caregiver_is_asked_for_once(app: Flask, world: World) -> None:
    url, limin = f"/households/{world.household('李秀兰').id}/another", world.client("limin")
    typed = {"key": hidden(said(limin.get(url)), "key"), "asked_as": "kin", "words": "合不来"}
    with meanwhile(app, lambda: limin.post(url, data=typed).status_code) as answers:
        models.ask_for_change(world.household("李秀兰"), world.account("zhou").id, "resident", "口音听不懂")
    assert answers == [422]
    db.undo()
    assert db.session().scalars(sa.select(ChangeOfCaregiver.asked_as)).all() == ["resident"]


def test_what_one_decided_nobody_else_decides(app: Flask, world: World) -> None:
    with db.transaction():
        key = models.ask_for_change(world.household("李秀兰"), world.account("limin").id, "kin", "合不来").id
    zhou, there = world.client("zhou"), f"/changes/{key}"
    with meanwhile(app, lambda: zhou.post(there, data={"says": "no", "answer": "再谈谈"}).status_code) as answers:
        db.session().get_one(ChangeOfCaregiver, key).refuse(world.account("wu").id, "先不换")
    assert answers == [422]
    db.undo()
    assert db.session().get_one(ChangeOfCaregiver, key).answer == "先不换"


def test_one_complaint_has_one_answer(app: Flask, world: World) -> None:
    with db.transaction():
        key = models.complain("complaint", world.place("songling"), "昨天没来也没说").id
    zhou, there = world.client("zhou"), f"/complaints/{key}"
    with meanwhile(app, lambda: zhou.post(there, data={"answer": "第二个答复"}).status_code) as answers:
        db.session().get_one(Complaint, key).reply(world.account("wu").id, "第一个答复")
    assert answers == [422]
    db.undo()
    assert db.session().get_one(Complaint, key).answer == "第一个答复"


def test_what_is_withdrawn_is_not_accepted_in_the_same_moment(app: Flask, world: World) -> None:
    with db.transaction():
        home, by = world.household("李秀兰"), world.account("zhou")
        head = type("Head", (), {"account_id": by.id})()
        row = requests.ask(head, home, world.resident("李秀兰").id, "bath", "想洗个澡", clock.today(), "resident")
        row.send(by.id, "caregiver", world.person("wang"), "", clock.now() + timedelta(days=1))
        key, zhou = row.id, by.id
    wang = world.client("wang")
    with meanwhile(app, lambda: wang.post(f"/requests/{key}/accept", data={}).status_code) as answers:
        db.session().get_one(requests.ServiceRequest, key).withdraw(zhou)
    assert answers == [422]
    db.undo()
    assert db.session().get_one(requests.ServiceRequest, key).state == "withdrawn"


def test_what_kin_stopped_the_duty_room_does_not_open(app: Flask, world: World) -> None:
    with db.transaction():
        lan = world.resident("李秀兰")
        card = cards.issue(CardKind.RESIDENT, resident=lan)
        key = health.ask(card, lan, "120急救员", "13800002222")[0].id
    zhou = world.client("zhou")
    with meanwhile(app, lambda: zhou.post(f"/rescues/{key}", data={"says": "yes"}).status_code) as answers:
        db.session().get_one(health.RescueWindow, key).end(world.account("limin").id)
    assert answers == [303]
    db.undo()
    assert db.session().get_one(health.RescueWindow, key).state == "refused"


def test_two_strangers_of_one_network_are_both_heard(app: Flask, world: World) -> None:
    with db.transaction():
        token = cards.issue(CardKind.RESIDENT, resident=world.resident("李秀兰")).token
    stranger = world.client()
    with meanwhile(app, lambda: stranger.post(f"/c/{token}", data={"words": "公园"}).status_code) as answers:
        assert limits.count("sighting", "127.0.0.0/24", within=limits.DAY) == 1
    assert answers == [303]
    with db.transaction():
        assert limits.count("sighting", "127.0.0.0/24", within=limits.DAY) == 3
