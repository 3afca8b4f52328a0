"""A course from its fixing to the certificate: who is signed in, who passes, who may be sent, and how many were trained."""

from __future__ import annotations

import re
import subprocess
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.store.at_once import meanwhile
from tests.world import World
from webapp.access import Role
from webapp.cards import models as cards
from webapp.kit import clock
from webapp.people import models as people
from webapp.people.models import Clearance
from webapp.store import db, rulebook
from webapp.training import models, rules
from webapp.training.models import Attendance, Certificate, Session


def form(**changes: str) -> dict[str, str]:
    """A session of first aid, today, as the street fills it in."""
    filled = {
        "course": "first_aid",
        "day": clock.today().isoformat(),
        "start": "9:00",
        "minutes": "120",
        "where": "街道会议室",
        "teacher": "陈医生",
    }
    return filled | changes


@pytest.fixture
def url(world: World) -> str:
    """A session of first aid, today, held by the street."""
    answer = world.client("wu").post("/training/new", data=form())
    assert answer.status_code == 303
    found: str = answer.headers["Location"]
    return found


def said(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def badge(world: World, name: str) -> cards.Card:
    with db.transaction():
        return cards.issue(cards.CardKind.BADGE, badge=world.person(name))


@pytest.mark.parametrize(
    ("passed", "months", "until"),
    [
        (date(2026, 3, 5), 12, date(2027, 3, 4)),
        (date(2026, 3, 31), 11, date(2027, 2, 27)),
        (date(2024, 2, 29), 12, date(2025, 2, 27)),
        (date(2026, 1, 1), 24, date(2027, 12, 31)),
        (date(2026, 1, 1), None, None),
    ],
)
def test_the_last_day_of_a_certificate(passed: date, months: int | None, until: date | None) -> None:
    assert rules.ends(passed, months) == until


def test_a_rate_is_cut_off_so_that_almost_is_not_enough() -> None:
    assert (rules.rate(599, 1000), rules.rate(3, 5), rules.rate(0, 0)) == (59, 60, None)


def test_badges_sign_in_once_and_the_test_makes_a_certificate(world: World, url: str) -> None:
    wu, card = world.client("wu"), badge(world, "wang")
    assert wu.post(f"{url}/attend", data={"token": card.token}).status_code == 303
    assert wu.post(f"{url}/attend", data={"number": card.number}).status_code == 303
    assert len(db.reading().scalars(sa.select(Attendance)).all()) == 1
    qian = str(world.person("qian").id)
    assert wu.post(f"{url}/attend", data={"person": qian}).status_code == 303
    answer = wu.post(f"{url}/attend", data={"token": "Z" * 26})
    assert answer.status_code == 422 and "这不是我们的工作证" in answer.text
    wang = str(world.person("wang").id)
    assert wu.post(f"{url}/grade", data={"person": wang, "score": "101"}).status_code == 422
    assert wu.post(f"{url}/grade", data={"person": wang, "score": "80"}).status_code == 303
    assert wu.post(f"{url}/grade", data={"person": qian, "score": "79"}).status_code == 303
    assert wu.post(f"{url}/grade", data={"person": wang, "score": "90"}).status_code == 422, "a mark is given once"
    assert wu.post(f"{url}/grade", data={"person": str(world.person("zhao").id), "score": "90"}).status_code == 422
    found = db.reading().scalars(sa.select(Certificate)).all()
    assert [(each.person_id, each.until) for each in found] == [(world.person("wang").id, rules.ends(clock.today(), 12))]
    assert "急救常识" in said(world.client("wang"), "/my-training")
    paper = world.client("wang").get(f"/training/certificates/{found[0].id}.pdf")
    told = subprocess.run(["pdftotext", "-", "-"], input=paper.data, capture_output=True, check=True, timeout=60).stdout.decode()
    assert "王桂芳" in told and found[0].number in told and "急救常识" in told
    assert world.client("zhao").get(f"/training/certificates/{found[0].id}.pdf").status_code == 404
    with pytest.raises(sa.exc.DatabaseError), db.transaction() as session:
        session.execute(sa.update(Certificate).values(until=None))


def test_two_marks_at_once_are_one_mark_and_one_certificate(app: Flask, world: World, url: str) -> None:
    wu, wang = world.client("wu"), world.person("wang").id
    wu.post(f"{url}/attend", data={"person": str(wang)})
    typed = {"person": str(wang), "score": "90"}
    with meanwhile(app, lambda: wu.post(f"{url}/grade", data=typed).status_code) as answers:
        db.session().scalars(sa.select(Session)).one().grade(wang, 80, world.account("wu").id)
    assert answers == [422]
    db.undo()
    assert db.session().scalars(sa.select(Attendance.score)).all() == [80]
    assert len(db.session().scalars(sa.select(Certificate.id)).all()) == 1


def test_two_taps_on_an_answer_are_both_heard(app: Flask, world: World) -> None:
    wang, card = world.client("wang"), models.cards(clock.today())[0]
    typed = {"answer": str(card["ask"]["right"])}
    with meanwhile(app, lambda: wang.post(f"/my-training/cards/{card['code']}", data=typed).status_code) as answers:
        models.learn(world.person("wang").id, card, card["ask"]["right"])
    assert answers == [200]
    db.undo()
    assert db.session().scalars(sa.select(models.Learned.tries)).all() == [1]


def test_only_the_basic_course_lets_her_be_sent(world: World) -> None:
    wu = world.client("wu")
    with db.transaction() as session:
        person = people.welcome("新来的", world.place("songling"), phone="10000003333")
        people.open_account(person, Role.CAREGIVER, world.place("songling"))
        session.flush()
        new = str(person.id)
    for course, cleared in (("care", 0), ("basic", 1)):
        there = wu.post("/training/new", data=form(course=course)).headers["Location"]
        assert wu.post(f"{there}/attend", data={"person": new}).status_code == 303
        assert wu.post(f"{there}/grade", data={"person": new, "score": "100"}).status_code == 303
        db.undo()
        assert len(db.reading().scalars(sa.select(Clearance).where(Clearance.person_id == person.id)).all()) == cleared


def test_the_rate_of_a_year_by_street_and_its_warning(world: World, url: str) -> None:
    wu = world.client("wu")
    assert "0%" in said(wu, "/training") and "不到 60%" in said(wu, "/training")
    for name in ("wang", "qian"):
        wu.post(f"{url}/attend", data={"person": str(world.person(name).id)})
    page = said(wu, "/training")
    assert "66%" in page and "3 人里 2 人学过" in page and "够了" in page
    with db.transaction() as session:
        session.execute(sa.update(Session).values(day=date(clock.today().year - 1, 1, 1)))
    assert "3 人里 0 人学过" in said(wu, "/training")


def test_a_session_of_another_day_is_not_scanned(world: World) -> None:
    wu, card = world.client("wu"), badge(world, "wang")
    there = wu.post("/training/new", data=form(day=(clock.today() + timedelta(days=3)).isoformat())).headers["Location"]
    answer = wu.post(f"{there}/attend", data={"token": card.token})
    assert answer.status_code == 422 and "不是今天的" in answer.text
    assert wu.post(f"{there}/attend", data={"person": str(world.person("wang").id)}).status_code == 422
    assert "要去上的课" in said(world.client("wang"), "/my-training")


def test_what_is_missing_is_said_beside_the_field_and_what_was_typed_stays(world: World) -> None:
    for data, words in (
        ({"course": ""}, "请选一门课"),
        ({"day": "明天"}, "请选一个日子"),
        ({"start": "早上"}, "请填时间"),
        ({"minutes": "5"}, "数不对"),
        ({"where": " "}, "这里要填"),
    ):
        answer = world.client("wu").post("/training/new", data=form(**data))
        assert answer.status_code == 422 and words in answer.text and "陈医生" in answer.text, data


def test_who_may_hold_and_who_may_only_look(world: World, url: str) -> None:
    assert world.client("wang").get("/training").status_code == 403
    assert world.client("jiang").post("/training/new", data=form()).status_code == 403
    assert world.client("he").get(url).status_code == 404, "the street's session is the street's"
    there = world.client("zhou").post("/training/new", data=form()).headers["Location"]
    assert world.client("zhou").post(f"{there}/attend", data={"person": str(world.person("zhao").id)}).status_code == 422


def test_a_learning_card_is_learned_when_its_question_is_answered_right(world: World) -> None:
    wang, head = world.client("wang"), world.client("zhou")
    assert "学会了 0 / 12 张" in said(wang, "/my-training") and "扶老人起身" in said(wang, "/my-training/cards")
    url = "/my-training/cards/rise"
    nothing = wang.post(url)
    assert nothing.status_code == 422 and "请选一个" in nothing.text
    assert "再看一遍" in wang.post(url, data={"answer": "0"}).text
    assert "学会了 0" in said(wang, "/my-training")
    assert "答对了" in wang.post(url, data={"answer": "1"}).text
    assert "再看一遍" in wang.post(url, data={"answer": "0"}).text, "asked again"
    assert "学会了 1 / 12 张" in said(wang, "/my-training"), "once learned it stays"
    assert re.search(r"2 人，平均学会几张\s+0\.5 / 12", said(head, "/training"))
    assert wang.post(url, data={"answer": "7"}).status_code == 422
    assert wang.get("/my-training/cards/none").status_code == 404
    assert head.get(url).status_code == 403


def test_every_learning_card_has_both_languages_and_one_right_answer() -> None:
    held = rulebook.default("learning")["cards"]
    courses = {each["code"] for each in rulebook.default("training")["courses"] if each.get("certificate", True)}
    assert len({each["code"] for each in held}) == len(held) >= 10 and {each["course"] for each in held} == courses
    for each in held:
        words = [each, each["ask"], *each["points"], *each["ask"]["answers"]]
        assert all(row["zh"] and row["en"] for row in words) and each["ask"]["right"] in range(len(each["ask"]["answers"]))


def test_a_course_of_the_year_says_who_came_was_tested_and_passed(world: World, url: str) -> None:
    wu = world.client("wu")
    today, shown = clock.today(), said(wu, "/training")
    assert "今年" not in shown and f"{today.year}年上过的课" not in shown, "today is not over"
    for name, score in (("wang", "90"), ("qian", "79")):
        wu.post(f"{url}/attend", data={"person": str(world.person(name).id)})
        wu.post(f"{url}/grade", data={"person": str(world.person(name).id), "score": score})
    second = wu.post("/training/new", data=form(course="care")).headers["Location"]
    wu.post(f"{second}/attend", data={"person": str(world.person("wang").id)})
    yesterday = today - timedelta(days=1)
    if yesterday.year == today.year:
        with db.transaction() as session:
            session.execute(sa.update(Session).values(day=yesterday))
        page = said(wu, "/training")
        assert "急救常识 到课 66% · 参考 66% · 合格 50% 1 堂" in page
        assert "日常护理 到课 33% · 参考 — · 合格 — 1 堂" in page, "where there was no test nobody missed it"


def test_a_study_session_has_a_topic_and_gives_no_certificate(world: World) -> None:
    wu, study = world.client("wu"), form(course="study")
    answer = wu.post("/training/new", data=study)
    assert answer.status_code == 422 and "请写学什么内容" in answer.text
    there = wu.post("/training/new", data=study | {"topic": "识骗防骗"}).headers["Location"]
    assert "业务学习：识骗防骗" in said(wu, there) and "业务学习：识骗防骗" in said(world.client("wang"), "/my-training")
    wang = str(world.person("wang").id)
    wu.post(f"{there}/attend", data={"person": wang})
    assert wu.post(f"{there}/grade", data={"person": wang, "score": "100"}).status_code == 303
    assert db.reading().scalars(sa.select(Certificate.id)).all() == []


def test_a_station_sees_what_its_street_holds_and_leaves_the_list_to_the_street(world: World, url: str) -> None:
    zhou = world.client("zhou")
    assert "急救常识" in said(zhou, "/training") and url not in zhou.get("/training").text
    assert zhou.get(url).status_code == 404 and url in world.client("wu").get("/training").text


def test_the_register_names_everybody_and_until_when_each_certificate_holds(world: World, url: str) -> None:
    wu, wang = world.client("wu"), str(world.person("wang").id)
    wu.post(f"{url}/attend", data={"person": wang})
    wu.post(f"{url}/grade", data={"person": wang, "score": "80"})
    until = rules.ends(clock.today(), 12)
    assert until is not None
    said(wu, url)  # what was done is said once
    page = said(world.client("zhou"), "/training/certificates")
    assert "王桂芳" in page and f"{until.year}年{until.month}月{until.day}日" in page and "没有证" in page
    assert "王桂芳" not in said(wu, "/training/certificates"), "a street chooses a station first"
    assert "王桂芳" in said(wu, f"/training/certificates?station={world.place('songling').id}")
    assert "王**" in said(world.client("jiang"), f"/training/certificates?station={world.place('songling').id}")
