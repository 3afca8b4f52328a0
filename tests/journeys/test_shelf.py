"""The pages a phone keeps: opened by the PIN, let go of when they should be, never at the price of unsent work."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_a_day import PIN, card  # noqa: F401
from tests.journeys.test_offline import handset  # noqa: F401
from tests.js.conftest import until
from webapp.store import db
from webapp.web.assets import Asset

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("template", ["sqlite"], indirect=True)]

BACK = """async ([name, patch]) => {
  const key = name + ':' + (await nc.shelf.get('reader'))[0].account, [row] = await nc.shelf.get(key);
  await nc.outbox.use(db => db.put('meta', Object.assign(row, patch), key));
}"""
KEPT = "nc.outbox.use(db => Promise.all([db.count('pages'), db.count('envelopes')]))"
DAY = 86_400_000


def back(page: Page, name: str, **patch: object) -> None:
    """Make a row of the shelf older than it is: `ago` milliseconds for `at`."""
    ago = patch.pop("ago", 0)
    page.evaluate(BACK, [name, {"at": page.evaluate("Date.now()") - ago, **patch}])


def offline(page: Page, path: str) -> None:
    page.context.set_offline(True)
    page.goto(path)


def states(page: Page) -> list[str]:
    """What the server has said about each record."""
    return page.evaluate("nc.outbox.list().then(rows => rows.map(row => row.receipt && row.receipt.state))")


def spend(page: Page, home: str) -> None:
    """Record ¥1.20 of vegetables."""
    page.goto(f"/households/{home}/book/spend")
    for key in "1.20":
        page.locator(f"[data-key='{key}']").click()
    page.locator("label.tile", has_text="蔬菜").click()
    page.locator("label.choice", has_text="老人的现金").click()
    with page.expect_navigation():
        page.get_by_role("button", name="存好").click()


def test_the_next_day_asks_the_pin_and_ten_wrong_ones_take_the_pages_not_the_work(handset: Page, world):  # noqa: F811
    page, home = handset, str(world.household("李秀兰").id)
    back(page, "open", ago=DAY)
    offline(page, "/")
    expect(page.locator("h1")).to_have_text("请输6位密码")
    page.fill("[name=pin]", "000000")
    page.get_by_role("button", name="打开").click()
    expect(page.locator("[data-unlock-wrong]")).to_contain_text("9")
    page.fill("[name=pin]", PIN)
    with page.expect_navigation():
        page.get_by_role("button", name="打开").click()
    expect(page.locator("main")).to_contain_text("李秀兰")

    spend(page, home)
    back(page, "open", ago=DAY)
    page.goto("/")
    for _ in range(10):
        page.fill("[name=pin]", "000001")
        page.get_by_role("button", name="打开").click()
        expect(page.locator("[name=pin]")).to_have_value("")
    expect(page.locator("[data-unlock-gone]")).to_be_visible()
    assert page.evaluate(KEPT) == [0, 1]
    page.goto("/")
    expect(page.locator("h1")).to_have_text("没网，这一页手机里没有")
    page.context.set_offline(False)
    until(lambda: states(page) == ["applied"], 30)


def test_a_visit_nobody_planned_runs_without_network_and_keeps_its_name(handset: Page, world):  # noqa: F811
    page, home = handset, world.household("张福贵").id
    offline(page, f"/today/households/{home}")
    assert "?visit=" in page.url
    page.get_by_text("扫不了？").first.click()
    with page.expect_navigation():
        page.get_by_role("button", name="卡找不到").first.click()
    expect(page.get_by_text("已签到").first).to_be_visible()
    here = page.url
    page.get_by_role("link", name="记支出").click()
    for key in "8":
        page.locator(f"[data-key='{key}']").click()
    page.locator("label.tile", has_text="蔬菜").click()
    page.locator("label.choice", has_text="老人的现金").click()
    with page.expect_navigation():
        page.get_by_role("button", name="存好").click()
    assert page.url == here
    rows = page.evaluate("nc.outbox.list()")
    assert [row["envelope"]["kind"] for row in rows] == ["visits.arrive", "ledger.spend"]
    assert len({row["chain"] for row in rows}) == 1 and rows[1]["envelope"]["prev"] == rows[0]["id"]
    page.context.set_offline(False)
    until(lambda: states(page) == ["applied", "applied"], 30)


def test_signing_out_lets_go_of_the_pages_and_keeps_what_was_recorded(handset: Page, world):  # noqa: F811
    page, home = handset, str(world.household("李秀兰").id)
    page.route("**/inbox", lambda route: route.abort())
    spend(page, home)
    page.goto("/me")
    page.get_by_role("button", name="退出", exact=True).click()
    page.wait_for_timeout(600)  # a second tap sooner than that counts as a double tap
    with page.expect_navigation():
        page.locator("form[data-sign-out] button").click()
    page.goto("/locked")  # any page with our scripts
    assert page.evaluate(KEPT) == [0, 1]


def test_an_ended_account_loses_the_pages_at_the_next_contact_and_after_a_week_anyway(handset: Page, world):  # noqa: F811
    page = handset
    back(page, "packet", ago=8 * DAY)
    offline(page, "/")
    expect(page.locator("h1")).to_have_text("没网，这一页手机里没有")
    assert page.evaluate(KEPT)[0] == 0
    page.context.set_offline(False)
    page.goto("/")
    with db.transaction():
        world.account("wang").end()
    page.goto("/book")
    expect(page.locator("h1")).to_contain_text("登录")
    page.goto("/locked")
    assert page.evaluate("nc.shelf.get('reader')") == [None]


def test_a_strange_network_and_an_ill_server_show_the_kept_page(handset: Page):  # noqa: F811
    page = handset
    context = page.context
    for answer in (
        {"status": 200, "content_type": "text/html", "body": "<h1>请先登录网络</h1>"},
        {"status": 503, "content_type": "text/html", "body": "<h1>busy</h1>"},
    ):
        context.route("**/book", lambda route, _request, answer=answer: route.fulfill(**answer))
        page.goto("/book")
        expect(page.locator("[data-kept-page]")).to_be_visible()
        expect(page.locator("main")).to_contain_text("李秀兰")
        context.unroute("**/book")


def test_a_new_version_waits_for_a_tap_and_for_what_is_being_written(handset: Page, world, app):  # noqa: F811
    page, home = handset, str(world.household("李秀兰").id)
    page.goto(f"/households/{home}/book/spend")
    page.fill("[name=words]", "写了一半")
    old = app.extensions["assets"]["worker.js"]
    app.extensions["assets"]["worker.js"] = Asset(old.body + b"\n// newer", old.kind, "0" * 12)
    try:
        page.evaluate("navigator.serviceWorker.getRegistration().then(r => r.update())")
        expect(page.locator("[data-update]")).to_be_visible()
        page.locator("[data-update-now]").click()
        expect(page.locator("[data-update-first]")).to_be_visible()
        assert page.evaluate("navigator.serviceWorker.getRegistration().then(r => !!r.waiting)")
        expect(page.locator("[name=words]")).to_have_value("写了一半")
        page.goto("/book")
        expect(page.locator("[data-update]")).to_be_visible()
        with page.expect_navigation():
            page.locator("[data-update-now]").click()
        assert not page.evaluate("navigator.serviceWorker.getRegistration().then(r => !!r.waiting)")
        page.goto(f"/households/{home}/book/spend")
        expect(page.locator("[name=words]")).to_have_value("写了一半")
    finally:
        app.extensions["assets"]["worker.js"] = old
