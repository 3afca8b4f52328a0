"""A red notice in real browsers: unseen on her phone, it climbs before the head's eyes; one tap ends it for everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from tests.journeys.conftest import come_in, desk, phone, watch
from tests.messages.kit import drain
from tests.visits.kit import send
from webapp.kit import clock
from webapp.messages.models import Notice
from webapp.store import db
from webapp.store.jobs import Job

pytestmark = pytest.mark.browser


def five_minutes_later(world) -> None:
    """What the clock would do then: everything that waits is due, for a notice that has stood on its rung for so long."""
    with db.transaction() as session:
        session.execute(sa.update(Notice).values(rung_at=clock.now() - timedelta(minutes=5)))
        session.execute(sa.update(Job).where(Job.done_at.is_(None), Job.name == "messages.climb").values(due_at=clock.now()))
    drain_one()


def drain_one() -> None:
    """One round of the clock."""
    db.undo()
    drain()


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_notice_nobody_sees_climbs_before_the_heads_eyes_and_one_tap_ends_it(app, world, server, browser):
    office, home = desk(browser, server), phone(browser, server)
    come_in(office, server, app, "zhou")
    come_in(home, server, app, "wang")
    head, her = office.new_page(), home.new_page()
    wrong = watch(head) + watch(her)

    head.goto(f"/people/{world.person('wang').id}/notice")
    head.get_by_role("radio", name="请马上给站里回电话").check()
    head.get_by_role("radio", name="急事：没看到就一级一级往上报").check()
    head.get_by_role("button", name="发出去").click()
    expect(head.locator("main")).to_contain_text("没看到的话，会告诉您打电话")
    drain_one()

    head.goto("/")
    expect(head.locator("#todo")).to_contain_text("现在没有要办的事")
    five_minutes_later(world)
    line = head.locator("#todo li").filter(has_text="还没人看到，请打电话")  # nobody pressed reload
    expect(line).to_have_count(1)
    expect(line.get_by_role("link", name="打给王桂芳")).to_have_attribute("href", "tel:10000005678")
    expect(head.locator("html[data-alarmed]")).to_have_count(1)

    her.goto("/")
    expect(her.locator("#told")).to_contain_text("请马上给站里回电话")
    her.get_by_role("button", name="知道了").click()
    expect(her.locator("#told")).not_to_contain_text("请马上给站里回电话")
    expect(head.locator("#todo")).to_contain_text("现在没有要办的事")

    head.get_by_role("link", name="办过的").click()
    head.get_by_role("link", name="经过").first.click()
    expect(head.locator("main")).to_contain_text("王桂芳")
    expect(head.locator("main")).to_contain_text("看到了")
    expect(head.locator("main")).to_contain_text("服务站")
    assert wrong == []


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_door_nobody_opened_is_cleared_from_the_heads_phone_in_one_tap(app, world, server, browser):
    context = phone(browser, server)
    come_in(context, server, app, "zhou")
    page = context.new_page()
    wrong = watch(page)
    page.goto("/")
    expect(page.locator("#todo")).to_contain_text("现在没有要办的事")
    send(world, "visits.nobody", household=world.household("李秀兰").id, rang=True, phoned=True, told=False)
    line = page.locator("#todo li").filter(has_text="没人应")
    expect(line).to_contain_text("李秀兰")
    line.get_by_role("button", name="邻居").click()
    expect(page.locator("#todo")).to_contain_text("现在没有要办的事")
    page.get_by_role("link", name="办过的").click()
    expect(page.locator("main")).to_contain_text("打给邻居：人都好")
    assert wrong == []
