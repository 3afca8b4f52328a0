"""Leave asked where there is no network; the head decides; the stand-in has the handover, goes, and it counts for her."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.journeys.conftest import come_in, phone, watch
from tests.journeys.test_a_day import _code_for_the_phone, _enrol, _head
from webapp.kit import clock
from webapp.roster import models as roster
from webapp.roster.absences import Leave
from webapp.roster.models import Shift
from webapp.store import db
from webapp.visits import queries
from webapp.visits.queries import Attendance

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_leave_asked_offline_is_decided_and_the_visit_counts_for_the_stand_in(app, world, server, browser):
    start = min(max(clock.minute_of(clock.now()) - 2, 0), 1400)
    with db.transaction():
        roster.plan(world.household("李秀兰"), range(7), start, 30, ["MEAL-01"])
    head = _head(browser, server, app)
    hers = phone(browser, server).new_page()
    _enrol(hers, _code_for_the_phone(head, world))
    expect(hers.locator("[data-ready=yes]")).to_be_visible()
    _ask_offline(hers)

    wrong = watch(head)
    head.goto("/leaves")
    head.get_by_role("link", name="王桂芳").click()
    expect(head.locator("main")).to_contain_text("李秀兰")
    expect(head.locator("select option:checked").first).to_contain_text("钱桂兰")
    head.get_by_role("button", name="同意").click()
    expect(head.locator("main")).to_contain_text("没到，请打电话说清过敏")

    theirs = phone(browser, server)
    come_in(theirs, server, app, "qian")
    page = theirs.new_page()
    page.goto("/")
    page.get_by_role("link", name="接替须知").click()
    expect(page.locator("main")).to_contain_text("青霉素过敏")
    head.reload()
    expect(head.locator("main")).to_contain_text("已到他手机")

    page.goto("/")
    page.get_by_role("heading", name="李秀兰").get_by_role("link").click()
    _arrive_without_card(page)
    expect(page.locator("[data-state=open]").first).to_be_visible()
    head.goto("/live")
    expect(head.locator("tr").filter(has_text="钱桂兰").first).to_contain_text("在岗")
    hers.goto("/leave")
    expect(hers.locator("#list")).to_contain_text("站长同意了")
    assert wrong == []

    db.undo()
    today = clock.today()
    assert queries.attendance(world.person("qian").id, today, today) == Attendance(1, 1)
    assert queries.attendance(world.person("wang").id, today, today) == Attendance(0, 0)


def _ask_offline(page: Page) -> None:
    page.context.set_offline(True)
    page.goto("/leave")
    form = page.locator("form[data-kept='roster.leave']")
    form.locator("label", has_text="生病").click()
    form.locator("input[name=since]").fill(clock.today().isoformat())
    form.locator("input[name=why]").fill("发烧")
    form.get_by_role("button", name="请假").click()
    expect(page.locator("#list")).to_contain_text("手机已存")
    page.context.set_offline(False)
    page.goto("/outbox")
    expect(page.locator("[data-outbox-list] [data-when-kept=delivered]:visible")).to_have_count(1)
    db.undo()
    assert db.reading().scalars(sa.select(Leave.why)).all() == ["发烧"]


def _arrive_without_card(page: Page) -> None:
    form = page.locator("form[data-kept='visits.arrive']").first
    form.locator("summary").first.click()
    form.get_by_role("button", name="卡找不到").click()


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_the_live_roster_goes_by_keyboard(app, world, server, browser):
    late = min(max(clock.minute_of(clock.now()) - 30, 0), 1350)
    with db.transaction():
        roster.plan(world.household("李秀兰"), range(7), late, 60, ["MEAL-01"])
        roster.plan(world.household("李秀兰"), range(7), 1425, 10, ["MEAL-01"], caregiver=world.person("qian"))
    head = _head(browser, server, app)
    head.goto("/live")
    head.keyboard.press("j")
    expect(head.locator("tr[aria-current]")).to_contain_text("王桂芳")
    head.keyboard.press("j")
    expect(head.locator("tr[aria-current]")).to_contain_text("钱桂兰")
    head.keyboard.press("k")
    head.keyboard.press("Enter")
    expect(head).to_have_url(f"{server}/shifts/{_shift_today(world, late)}")


def _shift_today(world, start_min):
    db.undo()
    mine = sa.select(Shift.id).where(Shift.day == clock.today(), Shift.start_min == start_min)
    return db.reading().scalars(mine).one()
