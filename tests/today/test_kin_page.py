"""What a daughter reads and may do; consent narrowed takes effect on the next request."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests.ledger.acts import act as money
from tests.people.browsers import said
from tests.visits.kit import arrive, send
from tests.world import World
from webapp.cards import models as cards
from webapp.family import rules
from webapp.family.rules import Told
from webapp.health import models as health
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.ledger import models as ledger
from webapp.ledger.rows import Book, Closing, Count
from webapp.logs.models import Log, LogPhoto, LogResident, LogStationNote
from webapp.people import models as people
from webapp.people import queries as people_queries
from webapp.people.models import Assignment, Kin
from webapp.store import db, files

MONDAY = date(2026, 11, 16)


@pytest.fixture
def kin(app: Flask, world: World) -> str:
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
        told = set(session.scalars(people_queries.kin_accounts(row.resident_id)))
        window, limin_id = row.id, world.account("limin").id
    assert told == {limin_id}
    limin = world.client("limin")
    assert "要看急救信息" in said(limin.get(kin))
    narrow(world)
    with db.transaction() as session:
        assert not session.scalars(people_queries.kin_accounts(world.resident("李秀兰").id)).all()
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
    assert "李秀兰这一周" in page and "王桂芳来了1次" in page and 'data-copy="digest"' in page
    assert 'data-copy="line"' in page and "王桂芳来了" in page[page.index('id="line"') :], "the line of the day too"
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


def test_his_children_do_not_read_her_lines_of_the_book(kin: str, world: World) -> None:
    zhang, mine = world.household("张福贵").id, []
    with db.transaction():
        for name, words in (("张福贵", "他的烟"), ("刘淑珍", "她的膏药"), (None, "全家的米")):
            deed = money(world.account("wang").id)
            resident = world.resident(name).id if name else None
            ledger.spend(deed, zhang, 1_200, "EX-VEG", "cash", words=words, resident=resident)
            mine.append(deed.id)
        son = people.relate(world.resident("张福贵"), world.person("liqiang"), "儿子")
        son.since = clock.now() - timedelta(days=1)
        people.consent(son, zhang, {"money"}, "老人当面说的", world.account("zhou").id)
        there = f"/family/{son.id}"
    him = world.client("liqiang")
    for url in (there, f"{there}/book"):
        page = said(him.get(url))
        assert "他的烟" in page and "全家的米" in page and "她的膏药" not in page, url
    assert "这里不列" in page and "余 " not in page.replace("\xa0", " "), "nor is it told by what is left after each line"
    assert him.get(f"{there}/book/{mine[0]}").status_code == 200
    assert him.get(f"{there}/book/{mine[1]}").status_code == 404
    assert him.post(f"{there}/book/{mine[1]}/ask", data={"words": "这是什么"}).status_code == 404
    with db.transaction():
        both = people.relate(world.resident("刘淑珍"), world.person("liqiang"), "儿子")
        both.since = clock.now() - timedelta(days=1)
        people.consent(both, zhang, {"money"}, "老人当面说的", world.account("zhou").id)
    page = said(him.get(f"{there}/book"))
    assert "她的膏药" in page and "这里不列" not in page, "she shows him hers too"


@pytest.mark.parametrize("whose", ["刘淑珍", None])
def test_a_statement_that_tells_of_her_is_not_his_to_take(kin: str, world: World, whose: str | None) -> None:
    zhang, last = world.household("张福贵").id, Month.of(clock.today()).previous()
    wang, noon = world.account("wang").id, clock.instant(last.last - timedelta(days=3), 720)
    with db.transaction() as session:
        session.execute(sa.update(Book).where(Book.household_id == zhang).values(opened_on=last.first))
        session.execute(sa.update(Assignment).where(Assignment.household_id == zhang).values(since=noon - timedelta(days=9)))
        resident = world.resident(whose).id if whose else None
        ledger.spend(money(wang, at=noon), zhang, 1_200, "EX-VEG", "cash", words="膏药", resident=resident)
        row = Closing(
            id=ids.new(), book_id=session.scalars(sa.select(Book.id).where(Book.household_id == zhang)).one(), household_id=zhang,
            month=str(last), since=last.first, last_day=last.last, count_id=counted(session, zhang, wang, noon), opening_fen=0,
            in_fen=0, out_fen=1_200, repaid_fen=0, closing_fen=-1_200, differ_fen=0, confirmed=[], digest="0" * 64,
            by_id=world.account("zhou").id,
        )  # fmt: skip
        session.add(row)
        son = people.relate(world.resident("张福贵"), world.person("liqiang"), "儿子")
        son.since = clock.now() - timedelta(days=1)
        people.consent(son, zhang, {"money"}, "老人当面说的", world.account("zhou").id)
        there, key = f"/family/{son.id}", row.id
    him = world.client("liqiang")
    page = said(him.get(f"{there}/book/counts"))
    assert ("账单请到站里看" in page) is bool(whose)
    assert him.get(f"{there}/statements/{key}").status_code == (404 if whose else 200)


def counted(session: Any, home: Any, by: Any, at: Any) -> Any:
    """A count of the month's end, laid down as it is."""
    row = Count(
        id=ids.new(), household_id=home, book_id=session.scalars(sa.select(Book.id).where(Book.household_id == home)).one(),
        kind="month", month=str(Month.of(clock.today()).previous()), cash_fen=-1_200, booked_cash_fen=-1_200,
        booked_wallet_fen=0, day=clock.day_of(at), author_id=by, at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


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
