"""Four stories around one card: a daughter far away, a stranger, a paramedic, a resident who asks for another caregiver."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from tests.journeys.conftest import come_in, desk, phone, watch
from tests.journeys.test_dispute import look
from tests.visits.kit import card_of, send
from tests.visits.test_correcting import came
from webapp.health import models as health
from webapp.health.models import RescueWindow
from webapp.kit import clock
from webapp.people.models import Kin
from webapp.requests.models import ServiceRequest
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store import db
from webapp.visits.confirming import KinWord

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("template", ["sqlite"], indirect=True)]


def one(table: type[Any]) -> Any:
    db.undo()
    return db.reading().scalars(sa.select(table)).one()


def test_a_daughter_in_another_city_doubts_asks_orders_and_rates(app, world, server, browser):
    key = came(world, leave=11)
    home = {"household": world.household("李秀兰").id, "source": "cash"}
    send(world, "ledger.receive", **home, amount_fen=30_000, category="IN-FAM", giver="", words="")
    send(world, "ledger.spend", **home, amount_fen=8_800, category="EX-VEG", words="螃蟹两只")
    head, far = desk(browser, server), phone(browser, server)
    come_in(head, server, app, "zhou")
    office = head.new_page()
    office.goto(f"/residents/{world.resident('李秀兰').id}")
    office.get_by_role("button", name="请他来看").first.click()
    link = office.locator("#link").input_value().replace(app.extensions["settings"].public_url, server)
    far.request.get(link)  # WeChat looks at every link by itself
    page = far.new_page()
    wrong = watch(page)
    page.goto(link)
    page.get_by_role("button", name="打开").click()
    told = page.locator(f"#visit-{key}")
    told.get_by_role("button", name="有疑问").click()
    expect(told).to_contain_text("您说过：有疑问")
    assert one(KinWord).agrees is False

    page.get_by_role("link", name="螃蟹两只").click()
    page.get_by_label("这一笔有什么要问的").fill("是谁要吃的？")
    page.get_by_role("button", name="问", exact=True).click()
    expect(page.locator("main")).to_contain_text("还没回")

    page.goto("/family")
    page.get_by_role("link", name="请人帮忙").click()
    page.locator("label:has(input[value=bath])").click()
    page.locator("textarea[name=words]").fill("想洗个澡，家里没有扶手")
    look(page, "ask")
    page.get_by_role("button", name="交上去").click()
    expect(page.locator("main")).to_contain_text("等站里派人")
    with db.transaction() as session:
        row, wang = session.scalars(sa.select(ServiceRequest)).one(), world.account("wang").id
        row.send(world.account("zhou").id, "caregiver", world.person("wang"), "", clock.now() + timedelta(days=1))
        row.accept(wang)
        row.finish(wang, "洗好了")
    page.reload()
    page.get_by_role("link", name="想洗个澡").click()
    page.locator("label", has_text="5 颗星").click()
    page.get_by_role("button", name="就这么评", exact=True).click()
    expect(page.locator("main")).to_contain_text("办好了")
    look(page, "rated")
    assert one(ServiceRequest).stars == 5 and wrong == []
    page.goto(link)
    expect(page).to_have_url(f"{server}/family/{_kin(world)}")
    other = phone(browser, server).new_page()
    other.goto(link)
    expect(other.locator("main")).to_contain_text("这个链接用过了")


def _kin(world: Any) -> Any:
    db.undo()
    return db.reading().scalars(sa.select(Kin.id).where(Kin.person_id == world.person("limin").id)).one()


def test_a_stranger_reports_and_the_duty_room_brings_the_elder_home(app, world, server, browser):
    _card, token = card_of(world)
    found, office = phone(browser, server, java_script_enabled=False).new_page(), desk(browser, server)
    come_in(office, server, app, "zhou")
    found.goto(f"/c/{token}")
    found.get_by_label("在哪里？比如路名、店名").fill("菜市场门口")
    found.get_by_label("您的电话").fill("13800001111")
    found.get_by_role("button", name="告诉值班室").click()
    expect(found.locator("main")).to_contain_text("记下了，值班室马上看")
    duty = office.new_page()
    wrong = watch(duty)
    duty.goto("/")
    duty.locator("li[id^=todo]", has_text="有人遇到老人了").get_by_role("link", name="李秀兰").click()
    expect(duty.locator("main")).to_contain_text("菜市场门口")
    for button, said in (("我来管", "值班室看到了"), ("派人去了", "有人来了"), ("已平安到家", "已平安到家，谢谢您")):
        duty.get_by_role("button", name=button).click()
        expect(duty.get_by_role("button", name=button)).to_have_count(0 if button != "派人去了" else 1)
        found.goto(found.url)
        expect(found.locator("main")).to_contain_text(said)
        assert "李秀兰" not in found.content()
    expect(duty.locator("main")).not_to_contain_text("13800001111")
    look(found, "home")
    assert wrong == []


def test_a_paramedics_window_is_agreed_to_stopped_and_ends_by_itself(app, world, server, browser):
    _card, token = card_of(world)
    with db.transaction():
        health.write_sheet(world.resident("李秀兰"), "冠心病，放过支架", "阿司匹林，一天一次")
    helper, kin, office = phone(browser, server).new_page(), phone(browser, server), desk(browser, server)
    for context, name in ((kin, "limin"), (office, "zhou")):
        come_in(context, server, app, name)
    duty, daughter = office.new_page(), kin.new_page()

    def ask() -> None:
        helper.goto(f"/c/{token}/rescue")
        helper.get_by_label("您是谁").fill("120急救员")
        helper.get_by_label("您的电话").fill("13800002222")
        helper.get_by_role("button", name="请他们同意").click()
        expect(helper.locator("main")).to_contain_text("等他们点同意")

    def reads(words: str, *, ill: bool) -> None:
        helper.goto(helper.url)
        expect(helper.locator("main")).to_contain_text(words)
        assert ("冠心病" in helper.content()) is ill

    ask()
    duty.goto("/")
    duty.locator("li[id^=todo]", has_text="要看急救信息").get_by_role("link", name="看一看").click()
    duty.get_by_role("button", name="同意", exact=True).click()
    expect(duty.locator("main")).to_contain_text("正在给看")
    reads("同意给您看", ill=True)
    daughter.goto("/family")
    daughter.get_by_role("button", name="马上停").click()
    expect(daughter.locator("main")).not_to_contain_text("马上停")
    reads("值班室或家属停了", ill=False)

    ask()
    daughter.goto("/family")
    daughter.get_by_role("button", name="同意", exact=True).click()
    reads("同意给您看", ill=True)
    with db.transaction() as session:
        last = session.scalars(sa.select(RescueWindow).order_by(RescueWindow.made_at.desc()).limit(1)).one()
        assert last.until - last.agreed_at == timedelta(minutes=30)
        last.until = clock.now()
    reads("时间到了", ill=False)
    look(helper, "expired")


def test_a_resident_asks_for_another_caregiver_and_no_day_is_without_one(app, world, server, browser):
    with db.transaction():
        roster.plan(world.household("李秀兰"), range(7), 9 * 60, 60, ["MEAL-01"])
    office = desk(browser, server)
    come_in(office, server, app, "zhou")
    page = office.new_page()
    wrong = watch(page)
    page.goto(f"/households/{world.household('李秀兰').id}/another")
    page.locator("label", has_text="老人自己").click()
    page.get_by_label("为什么想换").fill("口音听不懂")
    page.get_by_role("button", name="存好").click()
    page.goto("/")
    page.locator("li[id^=todo]", has_text="有人想换养护员").get_by_role("link", name="看一看").click()
    expect(page.locator("main")).to_contain_text("口音听不懂")
    page.locator("select[name=caregiver]").select_option(label="钱桂兰")
    page.locator("label", has_text="钥匙说好怎么交了").click()
    page.get_by_role("button", name="同意换人").click()
    expect(page.locator("main")).to_contain_text("钥匙和现金先说好怎么交")
    look(page, "swap_wrong")
    page.locator("label", has_text="手里的现金点清了").click()
    page.get_by_role("button", name="同意换人").click()
    expect(page.locator("main")).to_contain_text("同意换人，从")
    db.undo()
    home, today = world.household("李秀兰").id, clock.today()
    rows = (
        db.session().execute(sa.select(Shift.day, Shift.caregiver_id).where(Shift.household_id == home, Shift.day > today)).all()
    )
    whose = {world.person("qian").id}
    assert {key for _day, key in rows} == whose and len(rows) >= 7
    days = {day for day, _key in rows}
    assert all(today + timedelta(days=n) in days for n in range(1, len(days) + 1)), "no day without somebody"
    assert [each for each in wrong if "422" not in each] == []
