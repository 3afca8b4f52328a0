"""A disputed visit: flag, her answer, her correction, approved by another person, kin's doubt, and the line that goes out."""

from __future__ import annotations

import csv
import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import come_in, desk, phone, watch
from tests.visits.test_correcting import came, now, yesterday
from webapp.kit import clock
from webapp.store import db
from webapp.visits import watching
from webapp.visits.models import Visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_disputed_visit_from_its_flag_to_its_line(app, world, server, browser, tmp_path):
    key = came(world, method="card_missing")
    db.settle()
    watching.look_over_station(world.place("songling").id, clock.today() - timedelta(days=1), clock.now())
    db.undo()
    hers, head, kin = (each(browser, server, accept_downloads=True) for each in (phone, desk, phone))
    for context, name in ((hers, "wang"), (head, "zhou"), (kin, "limin")):
        come_in(context, server, app, name)
    page = hers.new_page()
    wrong = watch(page)
    page.goto("/record")
    expect(page.locator("main")).to_contain_text("没有签退")
    look(page, "record")
    flag = page.locator("section div.stack", has_text="卡找不到").first
    flag.get_by_role("link", name="我来说明").click()
    page.locator("textarea[name=words]").fill("卡在女儿那里")
    look(page, "answer")
    page.get_by_role("button", name="交给站里").click()
    expect(page.locator("main")).to_contain_text("您说：卡在女儿那里")

    page.get_by_role("link", name="时间不对").first.click()
    page.locator("label", has_text="走的时间").last.click()
    page.locator("input[name=time]").fill("10:30")
    page.locator("select[name=reason]").select_option("05")
    page.locator("textarea[name=memo]").fill("走的时候忘了扫码")
    look(page, "correct")
    page.get_by_role("button", name="请站里改").click()
    expect(page.locator("main")).to_contain_text("等回话")

    page.goto(f"/visits/{key}/word")
    page.locator("label", has_text="手指签名").click()
    pad = page.locator("[data-sign-pad]").bounding_box()
    assert pad is not None
    page.mouse.move(pad["x"] + 20, pad["y"] + 30)
    page.mouse.down()
    for n in range(20):
        page.mouse.move(pad["x"] + 20 + 10 * n, pad["y"] + 30 + (n % 4) * 20)
    page.mouse.up()
    look(page, "attest")
    page.get_by_role("button", name="确认好了").click()
    expect(page.locator("main")).to_contain_text("李秀兰")

    office = head.new_page()
    wrong_too = watch(office)
    office.goto("/exceptions")
    expect(office.locator("main")).to_contain_text("她说：卡在女儿那里")
    look(office, "exceptions")
    office.get_by_role("link", name="请改的时间").click()
    office.get_by_role("link", name="李秀兰").click()
    expect(office.locator("main")).to_contain_text("改以后")
    office.locator("label", has_text="同意").first.click()
    office.locator("select[name=action]").select_option("A")
    look(office, "correction")
    office.get_by_role("button", name="就这样定").click()
    expect(office.locator("main")).to_contain_text("没有等回话的")

    family = kin.new_page()
    family.goto("/family")
    family.locator(f"#visit-{key}").get_by_role("button", name="有疑问").click()
    expect(family.locator(f"#visit-{key}")).to_contain_text("您说过：有疑问")
    look(family, "family")
    office.goto(f"/visits/{key}")
    expect(office.locator("main")).to_contain_text("家属或老人有疑问")
    expect(office.locator("main")).to_contain_text("手指签名")
    look(office, "evidence")

    office.goto("/visits/export")
    office.locator("input[name=month]").fill(yesterday(9).strftime("%Y-%m"))
    with office.expect_download() as coming:
        office.get_by_role("button", name="导出").click()
    line = next(each for each in csv.DictReader(io.StringIO(_text(coming.value.path()))) if each["visit_no"] == str(key))
    assert line["adj_out"] == yesterday(10, 30).strftime("%Y-%m-%dT%H:%M:%SZ") and line["call_out"] == ""
    assert line["approved_by"] == world.person("zhou").number and "doubt" in line["confirm_method"]
    assert "KIN_DOUBT" in line["exceptions"]
    assert now().get(Visit, key).left_at == yesterday(10, 30)
    assert wrong == [] and wrong_too == []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def look(page: Page, name: str) -> None:
    """A picture of the page at both widths where one is asked for (PICTURES: a folder)."""
    folder = os.environ.get("PICTURES")
    if folder:
        size = page.viewport_size
        for width in (360, 1200):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        page.set_viewport_size(size)
