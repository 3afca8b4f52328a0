"""A whole day without network: today, card, visit, diary, money, leaving; everything arrives later, exactly once."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.journeys.conftest import phone, watch
from tests.journeys.test_a_day import PIN, _code_for_the_phone, _enrol, _head, card  # noqa: F401
from webapp.ledger.models import Entry
from webapp.logs.models import Log
from webapp.store import audit, db
from webapp.store.inbox import APPLIED, Kept
from webapp.visits.models import Visit

pytestmark = pytest.mark.browser
LOUD = ("ERR_INTERNET_DISCONNECTED", "Failed to load resource", "ERR_FAILED")


@pytest.fixture
def handset(app, world, server, browser, camera, card):  # noqa: F811
    """Wang's phone, enrolled, with 李秀兰's card before its camera; today's pages are on it."""
    code = _code_for_the_phone(_head(browser, server, app), world)
    context = phone(camera(card[1]), server)
    page = context.new_page()
    _enrol(page, code)
    expect(page.locator("[data-ready=yes]")).to_be_visible()
    return page


def test_a_day_without_network_is_all_there_afterwards(handset: Page, world):
    page, context = handset, handset.context
    wrong = watch(page)
    context.set_offline(True)
    page.goto("/")
    expect(page.locator("[data-kept-page]")).to_be_visible()
    expect(page.locator("main")).to_contain_text("李秀兰")

    page.goto("/scan")
    expect(page.get_by_text("码扫好了").first).to_be_visible()
    expect(page.locator("main")).to_contain_text("青霉素过敏")
    _tap(page, "我到了")
    expect(page.get_by_text("已签到").first).to_be_visible()
    page.reload()
    expect(page.locator("#steps").get_by_text("手机已存").first).to_be_visible()
    expect(page.locator("#steps")).to_contain_text(re.compile(r"\d:\d\d 已签到"))

    for item in ("买菜做饭", "打扫房间"):
        page.locator("label.tile", has_text=item).first.click()
    page.locator("form[data-kept='visits.services'] button[type=submit]").click()
    diary = page.locator("form[data-kept='logs.write']")
    diary.locator("label", has_text="精神好").click()
    diary.locator("textarea[name=story]").fill("没有信号的一天")
    diary.get_by_role("button", name="写好了").click()
    expect(page.locator("#steps")).to_contain_text("没有信号的一天")
    page.reload()
    ticked = page.locator("label.tile:has(input:checked)")
    expect(ticked).to_have_count(2)
    assert sorted(ticked.all_inner_texts()) == ["买菜做饭", "打扫房间"]
    expect(diary).to_be_hidden()
    expect(page.get_by_text("再写几句")).to_be_visible()

    page.get_by_role("link", name="记支出").click()
    for key in "36.50":
        page.locator(f"[data-key='{key}']").click()
    page.locator("label.tile", has_text="蔬菜").click()
    page.locator("label.choice", has_text="老人的现金").click()
    page.get_by_role("button", name="存好").click()
    expect(page.locator("#steps")).to_contain_text("36.50")

    page.goto("/scan")
    leave = page.get_by_role("button", name="我走了", exact=True)
    expect(leave).to_be_visible()
    expect(page.get_by_role("link", name="扫码签退")).to_be_hidden()
    assert leave.bounding_box()["y"] < page.locator("form[data-kept='visits.services']").bounding_box()["y"], (
        "what is due comes first"
    )
    _tap(page, "我走了")
    expect(page.get_by_text("已签退").first).to_be_visible()
    page.goto("/")
    expect(page.locator("main").get_by_text("已完成").first).to_be_visible()
    expect(page.get_by_role("link", name="扫码签到")).to_be_hidden()
    page.goto("/outbox")
    expect(page.locator("[data-outbox-list] li")).to_have_count(5)
    expect(page.get_by_role("button", name="现在就交")).to_be_visible()
    assert [line for line in wrong if not any(word in line for word in LOUD)] == []

    context.set_offline(False)
    expect(page.locator("[data-outbox-list] [data-when-kept=delivered]:visible")).to_have_count(5)
    expect(page.get_by_role("button", name="现在就交")).to_be_hidden()
    db.undo()
    rows = db.reading().scalars(sa.select(Kept).order_by(Kept.seq)).all()
    assert [row.state for row in rows] == [APPLIED] * 5, [(row.kind, row.say) for row in rows]
    assert db.reading().scalars(sa.select(Visit.state)).all() == ["done"]
    assert db.reading().scalars(sa.select(Entry.fen)).all() == [-3650]
    assert len(db.reading().scalars(sa.select(Log.id)).all()) == 1
    assert audit.verify(db.reading()) == []


def _tap(page: Page, words: str) -> None:
    """Tap a button that leads to another page, or to this one anew."""
    with page.expect_navigation():
        page.get_by_role("button", name=words, exact=True).click()
