"""What a daughter reads and may do; consent narrowed takes effect on the next request."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.people.browsers import Apart, said
from tests.visits.kit import arrive, send
from tests.world import World
from webapp.cards import models as cards
from webapp.family import rules
from webapp.family.rules import Told
from webapp.health import models as health
from webapp.kit import ids
from webapp.people import models as people
from webapp.people.models import Kin
from webapp.store import db

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


def test_who_scanned_the_card_is_told_to_kin_by_role(kin: str, world: World) -> None:
    with db.transaction():
        token = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("李秀兰")).token
    world.client().get(f"/c/{token}", headers={"User-Agent": "another phone"})
    assert world.client("chen").get(f"/c/{token}").headers["Location"].endswith("/emergency-sheet")
    page = said(world.client("limin").get(kin))
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
