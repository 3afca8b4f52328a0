"""The first full working day, from enrolling to check-out; seen by the station head, the daughter, a stranger."""

from __future__ import annotations

import io
import random
import re

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import come_in, desk, phone, watch
from webapp.cards import models as cards
from webapp.cards.models import CardKind
from webapp.cards.printing import CardFace, card_png
from webapp.kit import clock
from webapp.roster import models as roster
from webapp.sample.morning import receipt
from webapp.store import audit, db

pytestmark = pytest.mark.browser
PIN = "482913"


@pytest.fixture
def card(app, world, server) -> tuple[str, bytes]:
    """李秀兰's card, and a plan for today; the address printed on it and its picture."""
    with db.transaction() as session:
        made = cards.issue(CardKind.RESIDENT, resident=world.resident("李秀兰"))
        url = f"{server}/c/{made.token}"
        start = max(clock.minute_of(clock.now()) - 5, 0)
        roster.plan(world.household("李秀兰"), range(7), start, 90, ["MEAL-01", "CLEAN-01", "MIND-01"])
        session.flush()
        face = CardFace(
            kind="resident", number=made.number, url=url.replace("http://", "https://"), name="李秀兰", organisation="松岭一社区"
        )
    return url, card_png(face)


def test_the_day_runs_from_scan_to_check_out_and_everybody_sees_their_part(app, world, server, browser, camera, card, tmp_path):
    url, picture = card
    head_page = _head(browser, server, app)
    code = _code_for_the_phone(head_page, world)
    head_page.goto("/live")
    row = head_page.locator("tr, section, li").filter(has_text="王桂芳").first
    expect(row).not_to_contain_text("在岗")

    handset = phone(camera(picture), server)
    page = handset.new_page()
    wrong = watch(page)
    _enrol(page, code)

    _scan(page)
    expect(page.locator("main")).to_contain_text("李秀兰")
    expect(page.locator("main")).to_contain_text("青霉素过敏")
    page.get_by_role("button", name="我到了").click()
    expect(page.get_by_role("checkbox", name="买菜做饭").first).to_be_visible()

    # the station sees it without anybody pressing reload
    expect(row).to_contain_text("在岗")

    for item in ("买菜做饭", "打扫房间", "谈心聊天"):
        page.locator("label.tile", has_text=item).first.click()
    page.locator("form[data-kept='visits.services'] button[type=submit]").click()
    expect(page.locator("#steps")).to_contain_text("站里已收到")

    diary = page.locator("form[data-kept='logs.write']")
    diary.locator("label", has_text="精神好").click()
    diary.locator("textarea[name=story]").fill("吃了半碗粥，说膝盖疼")
    diary.locator("summary", has_text="只告诉站里").click()
    diary.locator("textarea[name=station_only]").fill("女儿昨天没来电话")
    photo = tmp_path / "room.jpg"
    photo.write_bytes(_picture())
    diary.locator("input[type=file]").set_input_files(photo)
    expect(diary.locator("[data-photo-thumbs] img")).to_have_count(1)
    diary.get_by_role("button", name="写好了").click()
    expect(page.locator("#steps")).to_contain_text("膝盖疼")

    _spend(page, tmp_path)
    expect(page.locator("#steps")).to_contain_text("36.50")

    _scan(page)
    page.get_by_role("button", name="我走了").click()
    expect(page.locator("[data-state=done]").first).to_be_visible()
    page.goto("/outbox")
    expect(page.locator("[data-outbox-list] [data-when-kept=delivered]:visible")).to_have_count(5)
    expect(page.locator("[data-outbox-list] li")).to_have_count(5)
    assert wrong == []
    expect(row).to_contain_text("已完成")

    daughter = _browse(browser, server, app, "limin", "/family")
    expect(daughter.locator("main")).to_contain_text("王桂芳")
    expect(daughter.locator("main")).to_contain_text("膝盖疼")
    expect(daughter.locator("main")).to_contain_text("36.50")
    expect(daughter.locator("main")).not_to_contain_text("女儿昨天没来电话")

    stranger = phone(browser, server).new_page()
    stranger.goto(url)
    shown = stranger.content()
    expect(stranger.locator("main")).to_contain_text("街道值班室")
    assert not re.search("李秀兰|王桂芳|膝盖|36.50|青霉素|和平里", shown)

    assert audit.verify(db.reading()) == []


def _head(browser: Browser, server: str, app) -> Page:
    context = desk(browser, server)
    come_in(context, server, app, "zhou")
    return context.new_page()


def _browse(browser: Browser, server: str, app, name: str, path: str) -> Page:
    context: BrowserContext = phone(browser, server)
    come_in(context, server, app, name)
    page = context.new_page()
    page.goto(path)
    return page


def _code_for_the_phone(head: Page, world) -> str:
    head.goto(f"/people/{world.person('wang').id}/phone")
    head.get_by_role("button", name=re.compile("开通|给")).first.click()
    shown = head.locator("main").inner_text()
    found = re.search(r"\b(\d{4}) ?(\d{4})\b", shown)
    assert found, shown
    return "".join(found.groups())


def _enrol(page: Page, code: str) -> None:
    page.goto(f"/enrol?code={code}")
    page.locator("[data-check-start]").click()
    expect(page.locator("main")).to_contain_text("这部手机可以用", timeout=30000)
    page.fill("[name=pin]", PIN)
    page.locator("form[data-enrol] button[type=submit]").click()
    expect(page.locator("h1")).to_contain_text("月")


def _scan(page: Page) -> None:
    page.goto("/scan")
    expect(page.locator("[data-chain]").first).to_be_attached(timeout=30000)


def _spend(page: Page, tmp_path) -> None:
    page.get_by_role("link", name="记支出").click()
    for key in "36.50":
        page.locator(f"[data-key='{key}']").click()
    page.locator("label.tile", has_text="蔬菜").click()
    page.locator("label.choice", has_text="老人的现金").click()
    slip = tmp_path / "slip.jpg"
    slip.write_bytes(receipt(3650, ("青菜",), random.Random(1)))
    page.locator("input[name=receipt]").set_input_files(slip)
    expect(page.locator("[data-photo-thumbs] img")).to_have_count(1)
    page.get_by_role("button", name="存好").click()
    expect(page.locator("#steps")).to_be_visible()


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1200, 900), "#c8b48a").save(out, "JPEG")
    return out.getvalue()
