"""What a daughter reads and may do; consent narrowed takes effect on the next request."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests.people.browsers import Apart, said
from tests.visits.kit import arrive, send
from tests.world import World
from webapp.cards import models as cards
from webapp.family import rules
from webapp.family.rules import Told
from webapp.health import models as health
from webapp.kit import clock, ids
from webapp.logs.models import Log, LogPhoto, LogResident, LogStationNote
from webapp.people import models as people
from webapp.people.models import Kin
from webapp.store import db, files

MONDAY = date(2026, 11, 16)


@pytest.fixture
def kin(app: Flask, world: World) -> str:
    app.test_client_class = Apart
    return f"/family/{db.reading().scalars(sa.select(Kin.id).where(Kin.person_id == world.person('limin').id)).one()}"


def visit(world: World) -> object:
    key = ids.new()
    arrive(world, visit=key, household=world.household("李秀兰").id, method="card_missing", ago_min=50)
    send(world, "visits.leave", visit=key, method="card_missing")
    db.undo()
    return key


def narrow(world: World, *scopes: str) -> None:
    with db.transaction() as session:
        tie = session.scalars(sa.select(Kin).where(Kin.person_id == world.person("limin").id)).one()
        people.consent(tie, world.household("李秀兰").id, set(scopes), "老人当面说的", world.account("zhou").id)


def test_consent_that_is_narrowed_holds_on_the_next_request_and_nothing_is_kept(kin: str, world: World) -> None:
    key, limin = visit(world), world.client("limin")
    before = limin.get(kin)
    assert "王桂芳" in said(before) and "钱花在哪里" in said(before) and "这一周" in said(before)
    assert "no-store" in before.headers["Cache-Control"], "no phone and no proxy may keep it"
    narrow(world, "money")
    page = said(limin.get(kin))
    assert "老人还没同意给您看谁来过" in page and "这一周" not in page and "手里还有" in page
    for deed in ("", "/thanks"):
        assert limin.post(f"{kin}/visits/{key}{deed}", data={"says": "yes"}).status_code == 404, "nor may one act on it"
    narrow(world)
    assert "手里还有" not in said(limin.get(kin))


def test_nobody_is_told_who_may_see_nothing(kin: str, world: World) -> None:
    """Push follows consent: only kin to whom something is shown are told of an emergency, and only they may agree."""
    with db.transaction() as session:
        card = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("李秀兰"))
        row, _key = health.ask(card, world.resident("李秀兰"), "120急救员", "13800002222")
        told = set(session.scalars(health._kin_accounts(row.resident_id)))
        window, limin_id = row.id, world.account("limin").id
    assert told == {limin_id}
    limin = world.client("limin")
    assert "要看急救信息" in said(limin.get(kin))
    narrow(world)
    with db.transaction() as session:
        assert not session.scalars(health._kin_accounts(world.resident("李秀兰").id)).all()
    assert limin.post(f"{kin}/rescues/{window}", data={"says": "yes"}).status_code == 404
    narrow(world, "visits")
    assert limin.post(f"{kin}/rescues/{window}", data={"says": "yes"}).status_code == 303
    db.undo()
    assert db.session().get_one(health.RescueWindow, window).state == "open"
    assert "马上停" in said(limin.get(kin))
    assert limin.post(f"{kin}/rescues/{window}", data={"says": "no"}).status_code == 303
    db.undo()
    assert db.session().get_one(health.RescueWindow, window).state == "stopped"


def test_thanks_are_read_on_the_caregivers_day_once(kin: str, world: World) -> None:
    key, limin = visit(world), world.client("limin")
    for _ in range(2):
        assert limin.post(f"{kin}/visits/{key}/thanks").status_code == 303
    assert said(world.client("wang").get("/")).count("家属谢谢您") == 1
    assert "谢过了" in said(limin.get(kin))


def test_who_scanned_the_card_is_told_to_kin_by_role(kin: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.transaction():
        token = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("李秀兰")).token
    world.client().get(f"/c/{token}", headers={"User-Agent": "another phone"})
    assert world.client("chen").get(f"/c/{token}").headers["Location"].endswith("/emergency-sheet")
    limin = world.client("limin")
    assert "路人" in said(limin.get(kin)) and "家庭医生" not in said(limin.get(kin)), "not while the visit lasts"
    later = clock.now() + timedelta(hours=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    page = said(limin.get(kin))
    assert "路人" in page and "家庭医生" in page and "陈医生" not in page


def test_the_station_forwards_the_week_only_where_it_may_be_seen(kin: str, world: World) -> None:
    visit(world)
    there = f"/residents/{world.resident('李秀兰').id}/week"
    page = said(world.client("zhou").get(there))
    assert "李秀兰这一周" in page and "王桂芳来了1次" in page
    assert world.client("he").get(there).status_code == 404
    narrow(world, "money")
    assert "李秀兰这一周" not in said(world.client("zhou").get(there))


def test_the_digest_has_at_most_a_hundred_characters() -> None:
    many = [Told(MONDAY - timedelta(days=n), 95, "王桂芳", ("买菜做饭", "打扫卫生", "陪聊天"), "吃得好，" * 40) for n in range(6)]
    text = rules.digest("李秀兰", MONDAY, many)
    assert len(text) <= 100 and "来了6次，6天，共9.5小时" in text and text.endswith("”")
    assert rules.digest("李秀兰", MONDAY, []) == "李秀兰这7天没有上门记录。"
    assert [n for _day, n, _minutes in rules.week(MONDAY, many)] == [0, 1, 1, 1, 1, 1, 1]


# -- consent by scope --


@pytest.fixture
def picture(world: World) -> str:
    """A photo of today's diary."""
    key = visit(world)
    send(world, "logs.write", visit=key, mood="good", story="晒了太阳")
    drawn = io.BytesIO()
    Image.new("RGB", (320, 240), "#0f5b46").save(drawn, "JPEG")
    with db.transaction() as session:
        sha256 = files.take(drawn.getvalue())
        log = session.scalars(sa.select(Log.id)).one()
        session.add(LogPhoto(log_id=log, sha256=sha256, at=clock.now()))
    return sha256


MARKS = {"visits": "这一周", "logs": "晒了太阳", "money": "手里还有", "photos": "/photos/"}


@pytest.mark.parametrize("scope", MARKS)
def test_what_is_withdrawn_is_gone_on_the_next_request(kin: str, world: World, picture: str, scope: str) -> None:
    limin, other = world.client("limin"), {name for name in MARKS if name != scope}
    shown = said(limin.get(kin))
    assert all(mark in shown for mark in MARKS.values())
    narrow(world, *other)
    answer = limin.get(kin)
    page = said(answer)
    assert MARKS[scope] not in page and "no-store" in answer.headers["Cache-Control"]
    for name in other - ({"logs"} if scope == "visits" else set()):  # the diary stands with its visit
        assert MARKS[name] in page, name


def test_a_photo_opens_only_while_it_is_agreed_to_and_no_browser_keeps_it(kin: str, world: World, picture: str) -> None:
    limin, there = world.client("limin"), f"{kin}/photos/{picture}"
    answer = limin.get(there)
    assert answer.status_code == 200 and answer.mimetype == "image/jpeg" and answer.headers["Cache-Control"] == "no-store"
    assert world.client("liqiang").get(there).status_code == 404, "not his"
    assert limin.get(f"{kin}/photos/{'0' * 64}").status_code == 404
    narrow(world, "visits", "logs", "money")
    assert limin.get(there).status_code == 404


def test_a_phone_keeps_no_page_of_kin(kin: str, world: World) -> None:
    """Only who records at the bedside gets a worker and a packet: what is withdrawn is withdrawn without network too."""
    page = said(world.client("limin").get(kin))
    assert "data-worker" not in page and "data-packet" not in page
    assert world.client("limin").get("/today/packet").status_code == 403


HIDES = {
    "with a word to the station": lambda world, row: LogStationNote(
        id=ids.new(), log_id=row.log_id, station_id=world.place("songling").id, author_id=world.account("wang").id,
        words="请看看", at=row.at,
    ),
    "in a diary about somebody else": lambda world, row: LogResident(
        log_id=row.log_id, resident_id=world.resident("张福贵").id, story="他也在"
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", HIDES)
def test_a_photo_that_was_not_meant_for_this_family_is_not_shown(kin: str, world: World, picture: str, how: str) -> None:
    limin = world.client("limin")
    with db.transaction() as session:
        session.add(HIDES[how](world, session.scalars(sa.select(LogPhoto)).one()))
    assert limin.get(f"{kin}/photos/{picture}").status_code == 404 and "/photos/" not in said(limin.get(kin))


def test_where_the_elder_went_is_withdrawn_at_once(kin: str, world: World) -> None:
    home, lan = world.household("李秀兰").id, world.resident("李秀兰").id
    walk = {"company": "alone", "place": "near", "minutes": "60", "words": "江边公园"}
    receipt = send(world, "outings.go", household=home, resident=lan, **walk)
    assert receipt.state == "applied", receipt.say
    limin = world.client("limin")
    assert "江边公园" in said(limin.get(f"/households/{home}/outings"))
    narrow(world, "visits", "logs", "money", "photos")
    assert "江边公园" not in said(limin.get(f"/households/{home}/outings"))


def test_the_body_is_told_in_plain_words_only_by_its_own_consent(kin: str, world: World) -> None:
    with db.transaction():
        health.write_sheet(world.resident("李秀兰"), "冠心病，放过支架", "阿司匹林，一天一次")
    limin = world.client("limin")
    assert "冠心病" not in said(limin.get(kin)) and "青霉素" not in said(limin.get(kin))
    narrow(world, "health")
    page = said(limin.get(kin))
    assert "要当心：" in page and "青霉素过敏" in page and "冠心病" in page and "阿司匹林" in page and "钱花在哪里" in page
    narrow(world, "visits", "logs", "money", "photos")
    assert "冠心病" not in said(limin.get(kin)) and "青霉素" not in said(limin.get(kin)), "gone on the next request"


def test_each_day_has_a_line_and_a_photo_and_today_a_picture(kin: str, world: World, picture: str) -> None:
    page = said(world.client("limin").get(kin))
    days = page[page.index('id="days"') :]
    assert "王桂芳来了" in days and "精神好。“晒了太阳”" in days and f"/photos/{picture}" in days and 'data-copy="line"' in days
    today = page[page.index('id="today"') : page.index('id="carer"')]
    assert "精神好" in today and f"/photos/{picture}" in today and 'data-aloud="today"' in today
    narrow(world, "visits")
    page = said(world.client("limin").get(kin))
    assert "晒了太阳" not in page and "精神好" not in page and "/photos/" not in page and 'id="days"' in page


def test_the_caregiver_stands_there_with_the_number_of_her_badge(kin: str, world: World) -> None:
    limin = world.client("limin")
    assert "还没发工作证" in said(limin.get(kin))
    with db.transaction():
        number = cards.issue(cards.CardKind.BADGE, badge=world.person("wang")).number
    page = said(limin.get(kin))
    assert "谁在照看" in page and number in page
    narrow(world, "money")
    assert number not in said(limin.get(kin))


def test_his_children_do_not_read_his_second_wifes_lines(kin: str, world: World) -> None:
    key = ids.new()
    arrive(world, visit=key, household=world.household("张福贵").id, method="card_missing", ago_min=50)
    send(world, "visits.leave", visit=key, method="card_missing")
    send(world, "logs.write", visit=key, mood="good", story="两位老人都好")
    with db.transaction() as session:
        son = people.relate(world.resident("张福贵"), world.person("liqiang"), "儿子")
        son.since = clock.now() - timedelta(days=1)
        people.consent(son, world.household("张福贵").id, {"visits", "logs", "photos"}, "老人当面说的", world.account("zhou").id)
        log = session.scalars(sa.select(Log.id).where(Log.visit_id == key)).one()
        for name, mood, story in (("张福贵", "fair", "他下棋赢了"), ("刘淑珍", "poor", "她说胸口闷")):
            session.add(LogResident(log_id=log, resident_id=world.resident(name).id, mood=mood, story=story))
        there = f"/family/{son.id}"
    page = said(world.client("liqiang").get(there))
    assert "他下棋赢了" in page and "精神一般" in page and "她说胸口闷" not in page and "不舒服" not in page
    assert world.client("liqiang").get(f"/residents/{world.resident('刘淑珍').id}/own").status_code == 404


def test_a_card_leads_kin_of_several_to_its_own_bearer(kin: str, world: World) -> None:
    with db.transaction():
        people.relate(world.resident("张福贵"), world.person("limin"), "外甥女").since = clock.now() - timedelta(days=1)
        token = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("李秀兰")).token
        plate = cards.issue(cards.CardKind.PLATE, household=world.household("李秀兰")).token
    limin = world.client("limin")
    assert limin.get(f"/c/{token}").headers["Location"] == kin
    assert limin.get(f"/c/{plate}").headers["Location"] == "/family"


def test_the_line_of_a_day_says_who_how_long_what_and_how_it_was() -> None:
    visits = [
        Told(MONDAY, 30, "钱桂兰", ("陪聊天",)),
        Told(MONDAY, 60, "王桂芳", ("买菜做饭",), "晒" * 60, "精神好，吃得好"),
        Told(MONDAY - timedelta(days=1), 0, "王桂芳"),
        Told(MONDAY - timedelta(days=7), 50, "王桂芳"),
    ]
    lines = rules.each_day(MONDAY, visits)
    assert [day for day, _line in lines] == [MONDAY, MONDAY - timedelta(days=1)]
    assert lines[0][1] == f"11月16日：钱桂兰、王桂芳来了90分钟。做了陪聊天、买菜做饭。精神好，吃得好。“{'晒' * 39}…”"
    assert lines[1][1] == "11月15日：王桂芳来了，还在家里。"
