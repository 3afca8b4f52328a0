"""The open page: a notice hangs masked until its last day and no longer; the lookup tells nothing of numbers it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask

from tests.people.browsers import hidden, said
from tests.world import World
from webapp.access import Role
from webapp.applications import models, rules
from webapp.applications.models import Application
from webapp.kit import clock
from webapp.store import db, rulebook

WALL = clock.now
PHONE = "138 0000 1111"
OPEN = "/open?lang=zh"


@pytest.fixture
def home(app: Flask, world: World) -> str:
    return f"/households/{world.household('李秀兰').id}/applications"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[date], None]:
    def go(day: date, minute: int = 600) -> None:
        moment = clock.instant(day, minute)
        monkeypatch.setattr(clock, "now", lambda: moment)

    return go


def take(world: World, home: str, **typed: str) -> Application:
    client = world.client("zhou")
    given = {"key": hidden(said(client.get(home)), "key"), "tier": "A", "phone": PHONE} | typed
    assert client.post(home, data=given).status_code == 303
    db.undo()
    return db.session().query(Application).one()


def move(world: World, who: str, row: Application, to: str, words: str = "") -> int:
    return world.client(who).post(f"/applications/{row.id}", data={"to": to, "words": words}).status_code


def hang(world: World, home: str) -> Application:
    row = take(world, home)
    assert move(world, "zhou", row, "surveyed") == 303
    assert world.client("zhou").post(f"/applications/{row.id}/notice").status_code == 303
    return row


def test_a_notice_hangs_masked_until_its_last_day_and_is_gone_on_the_next(
    home: str, world: World, at: Callable[..., None]
) -> None:
    at(date(2026, 6, 1))
    row = hang(world, home)
    for day, minute, hangs in ((1, 601, True), (4, 1439, True), (5, 0, False), (5, 600, False), (30, 600, False)):
        at(date(2026, 6, day), minute)
        answer = world.client().get(OPEN)
        page = said(answer)
        assert ("李**" in page) is hangs, day
        assert "no-store" in answer.headers["Cache-Control"] and answer.headers["X-Robots-Tag"] == "noindex"
        assert '<meta name="robots" content="noindex">' in page
    at(date(2026, 6, 2))
    page, lan = said(world.client().get(OPEN)), world.resident("李秀兰")
    assert "李**" in page and "王**" in page and "300" in page and "公示到" in page and "6月4日" in page
    hidden_ones = (lan.name, world.household("李秀兰").address, lan.national_id, "青霉素", "王桂芳", row.number, "13800001111")
    assert not [each for each in hidden_ones if each and each in page], "no name, address, number or illness"
    assert "李**" in said(world.client().get("/open?lang=en"))


def test_a_last_day_on_a_holiday_moves_on(home: str, world: World, at: Callable[..., None]) -> None:
    at(date(2026, 9, 28))
    row = hang(world, home)
    db.undo()
    notice = models.hanging(row.id)
    assert notice is not None and notice.last_day == date(2026, 10, 4), "the first three days of October are the nation's"


def test_nobody_passes_what_still_hangs_and_an_objection_begins_it_anew(home: str, world: World, at: Callable[..., None]) -> None:
    at(date(2026, 6, 1))
    row = hang(world, home)
    assert move(world, "wu", row, "street_passed") == 422
    assert move(world, "zhou", row, "objected") == 422, "what is against it?"
    assert move(world, "zhou", row, "objected", "邻居说不住这里") == 303
    assert "李**" in said(world.client().get(OPEN)), "it hangs on while somebody asks"
    at(date(2026, 6, 3))
    assert world.client("zhou").post(f"/applications/{row.id}/notice").status_code == 303
    assert said(world.client().get(OPEN)).count("李**") == 1
    at(date(2026, 6, 6))
    assert "李**" in said(world.client().get(OPEN)), "three whole days again"
    at(date(2026, 6, 7))
    assert move(world, "zhou", row, "street_passed") == 422 and move(world, "wu", row, "street_passed") == 303
    assert move(world, "wu", row, "sent_district") == 303 and move(world, "wu", row, "approved") == 422
    assert move(world, "feng", row, "rejected") == 422 and move(world, "feng", row, "approved") == 303


def test_a_notice_is_taken_down_with_what_it_is_about(home: str, world: World) -> None:
    row = hang(world, home)
    assert move(world, "zhou", row, "withdrawn", "本人不申请了") == 303
    assert "李**" not in said(world.client().get(OPEN))


def test_of_a_home_whose_care_has_ended_nothing_hangs_and_nothing_waits(home: str, world: World) -> None:
    row = hang(world, home)
    with db.transaction():
        world.household("李秀兰").ended_on = clock.today()
    assert "李**" not in said(world.client().get(OPEN)) and row.number not in said(world.client("wu").get("/applications"))


def ask(world: World, number: str, phone: str) -> tuple[int, str]:
    answer = world.client().post("/open/status", data={"number": number, "phone": phone})
    text = said(answer)
    for typed in (number, phone):
        text = text.replace(f'value="{typed}"', 'value=""')
    return answer.status_code, re.sub(r'name="csrf_token"[^>]*', "", text)


def test_the_lookup_gives_nothing_away_about_numbers_it_does_not_know(home: str, world: World) -> None:
    row = take(world, home)
    status, text = ask(world, row.number.lower(), "13800001111")
    assert status == 200 and "已申请" in text and "李" not in text.replace("办理", "") and "松岭" not in text
    unknown = ask(world, "ZZZZZZZZ", "13800001111")
    assert unknown == ask(world, row.number, "13800002222") == ask(world, "YYYYYYYY", "13800009999"), "the very same page"
    assert "没查到" in unknown[1] and "已申请" not in unknown[1]


def test_who_guesses_is_stopped_alike_whatever_the_number(home: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from webapp.applications import views

    row = take(world, home)
    monkeypatch.setattr(views, "LOOKS_AN_HOUR", 3)
    for _ in range(3):
        assert ask(world, "ZZZZZZZZ", "13800001111")[0] == 200
    assert ask(world, row.number, "13800001111") == ask(world, "ZZZZZZZZ", "13800001111")
    assert ask(world, row.number, "13800001111")[0] == 422


def test_one_application_at_a_time_and_what_is_wrong_stands_beside_it(home: str, world: World) -> None:
    client = world.client("zhou")
    page = client.post(home, data={"key": hidden(said(client.get(home)), "key"), "tier": "A", "phone": "abc"})
    assert page.status_code == 422 and "电话好像不对" in said(page) and 'value="abc"' in said(page)
    row = take(world, home)
    again = client.post(home, data={"key": hidden(said(client.get(home)), "key"), "tier": "B", "phone": PHONE})
    assert again.status_code == 422 and "已经有一份申请在办" in said(again)
    assert world.client("he").get(f"/applications/{row.id}").status_code == 404
    assert row.number in said(world.client("wu").get("/applications"))


def test_the_standing_list_is_paper_for_the_board_masked_and_on_no_open_page(home: str, world: World) -> None:
    there = f"/places/{world.place('songling').id}/standing-list"
    page = said(world.client("zhou").get(there))
    assert "李**" in page and "张**" in page and "李秀兰" not in page and "王**" in page
    assert world.client().get(there).status_code in (302, 303) and world.client("he").get(there).status_code == 404
    assert world.client("limin").get(there).status_code == 403
    assert "李**" not in said(world.client().get(OPEN)), "nothing hangs out now"


@pytest.mark.parametrize(
    ("state", "role", "next_"),
    [
        ("submitted", Role.STATION_HEAD, {"surveyed", "withdrawn"}),
        ("surveyed", Role.STATION_HEAD, {"withdrawn"}),
        ("sent_district", Role.DISTRICT_REVIEWER, {"approved", "returned", "rejected"}),
        ("sent_district", Role.STREET_MANAGER, set()),
    ],
)
def test_whose_word_moves_it(state: str, role: Role, next_: set[str]) -> None:
    assert set(rules.next_states(rulebook.default("subsidy")["application_transitions"], state, role)) == next_


def test_the_number_of_days_is_a_setting(home: str, world: World, at: Callable[..., None]) -> None:
    at(date(2026, 6, 1))
    with db.transaction():
        facts = rulebook.default("subsidy")
        five = facts | {"parameters": facts["parameters"] | {"NOTICE_DAYS": facts["parameters"]["NOTICE_DAYS"] | {"value": 5}}}
        rulebook.put("subsidy", five, clock.today())
    row = take(world, home)
    assert move(world, "zhou", row, "surveyed") == 303
    found = world.client().post("/open/status?lang=zh", data={"number": row.number, "phone": PHONE})
    for page in (said(found), said(world.client().get(OPEN))):
        assert "张榜公示5天" in page, "the way of an application is told with today's figures"
    assert world.client("zhou").post(f"/applications/{row.id}/notice").status_code == 303
    notice = models.hanging(row.id)
    assert notice is not None and notice.last_day - notice.posted_on == timedelta(days=5)
    assert isinstance(notice.made_at, datetime)
