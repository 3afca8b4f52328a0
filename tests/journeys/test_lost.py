"""A lost elder without a card: the daughter begins the search, the head follows it, a stranger's scan ends it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import come_in, desk, phone, watch
from tests.visits.kit import card_of

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_lost_elder_is_found(app, world, server, browser):
    _card, token = card_of(world)
    office, home, street = desk(browser, server), phone(browser, server), phone(browser, server)
    come_in(office, server, app, "zhou")
    come_in(home, server, app, "limin")
    head, daughter, stranger = office.new_page(), home.new_page(), street.new_page()
    wrong = watch(head) + watch(daughter) + watch(stranger)
    head.goto("/")
    expect(head.locator("#todo")).to_contain_text("现在没有要办的事")

    daughter.goto(f"/households/{world.household('李秀兰').id}/outings")
    daughter.get_by_role("link", name="找不到人了").click()
    expect(daughter.get_by_role("link", name="打110")).to_have_attribute("href", "tel:110")
    daughter.get_by_role("radio", name="1小时前").check()
    daughter.get_by_label("最后在哪里看到").fill("早市门口")
    daughter.get_by_label("穿什么衣服、鞋").fill("红棉袄")
    daughter.get_by_role("button", name="开始找").click()
    expect(daughter.locator("h1")).to_contain_text("找李秀兰")

    line = head.locator("#todo li").filter(has_text="老人走失，正在找")  # nobody pressed reload
    expect(line).to_contain_text("李秀兰")
    expect(head.locator("html[data-alarmed]")).to_have_count(1)
    line.get_by_role("link", name="看一看").click()
    expect(head.locator("main")).to_contain_text("红棉袄")
    head.get_by_role("radio", name="有人去找了").check()
    head.get_by_label("谁、在哪里").fill("小王，公园")
    head.get_by_role("button", name="记下来").click()
    expect(head.locator("main")).to_contain_text("有人去找了 · 小王，公园")

    stranger.goto(f"/c/{token}")
    stranger.locator("[name=words]").fill("在火车站候车室")
    stranger.locator("form").filter(has=stranger.locator("[name=words]")).locator("button[type=submit]").click()
    expect(stranger.locator("main")).to_be_visible()

    head.reload()
    expect(head.locator("main")).to_contain_text("在火车站候车室")
    head.get_by_role("link", name="联系遇到老人的人").click()
    head.get_by_role("button", name="派人去了").click()
    head.get_by_role("button", name="已平安到家").click()
    head.goto("/")
    expect(head.locator("#todo")).to_contain_text("现在没有要办的事")
    daughter.reload()
    expect(daughter.locator("main")).to_contain_text("好心人送回来的")
    assert wrong == []
