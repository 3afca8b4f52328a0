"""A month of a household's money in the browser, from the agreement to the sealed statement; its paper beside its screen."""

from __future__ import annotations

import io
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.journeys.conftest import come_in, desk, phone, watch
from tests.journeys.test_dispute import look
from tests.ledger.test_ledger_phone import enrol
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.ledger import closing, queries
from webapp.people import models as people
from webapp.store import db

pytestmark = pytest.mark.browser

ASKS = ("/spend", "/receive", "/repay", "/receipt", "/reverse", "/count")
SPACE = re.compile(r"\s+")
TAPS = """addEventListener('click', event => {
  if (!event.isTrusted || event.target.closest('[data-key]')) return;
  sessionStorage.taps = +(sessionStorage.taps || 0) + 1;
}, true)"""


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_month_of_a_household_to_the_sealed_statement(app, world, server, browser, tmp_path, monkeypatch):
    home, kin = world.household("张福贵").id, _daughter(world)
    hers, head, daughter = (each(browser, server) for each in (phone, desk, phone))
    for context, name in ((hers, "wang"), (head, "zhou"), (daughter, "limin")):
        come_in(context, server, app, name)
    mine, office, family = hers.new_page(), head.new_page(), daughter.new_page()
    wrong = [watch(each) for each in (mine, office, family)]
    mine.goto(f"/households/{home}/book")
    enrol(mine, world)

    office.goto(f"/households/{home}/book/agreement")
    office.locator("input[name=month_fen]").fill("８００")
    office.locator("label", has_text="签了纸").click()
    office.get_by_role("button", name="存好").click()
    expect(office.locator("main")).to_contain_text("800.00")

    _receive(mine, home, "500", giver="李敏")
    _spend(mine, home, "36.5", "EX-VEG", shared=True, seen=True)
    _spend(mine, home, "58", "EX-MED")
    _spend(mine, home, "15", "EX-FRU", source="advance", who="刘淑珍")
    _spend(mine, home, "12", "EX-DAI")
    _spend(mine, home, "260", "EX-CLO", rest=True)
    _sent(mine, 6)
    mine.goto(f"/households/{home}/book")
    look(mine, "book-full")

    medicine = mine.locator("li", has_text="药")
    expect(medicine).to_contain_text("待补票")
    medicine.get_by_role("link").first.click()
    mine.get_by_role("link", name="补票").click()
    mine.locator("input[name=receipt]").first.set_input_files({"name": "slip.jpg", "mimeType": "image/jpeg", "buffer": _slip()})
    mine.get_by_role("button", name="存好").click()
    _sent(mine, 7)
    mine.goto(f"/households/{home}/book")
    expect(medicine).to_contain_text("有票")
    expect(medicine).not_to_contain_text("待补票")

    _open(mine, home, "12.00")
    mine.get_by_role("link", name="记错了，冲掉").click()
    mine.locator("label", has_text="记错人家").click()
    look(mine, "book-reverse")
    mine.get_by_role("button", name=re.compile("冲掉 12.00")).click()
    mine.wait_for_timeout(600)  # a double tap by a shaking hand is one tap
    mine.locator("button[data-asking]").click()
    _sent(mine, 8)
    _open(mine, home, "12.00")
    expect(mine.locator("main")).to_contain_text("这一笔已经冲掉了")

    family.goto(f"/family/{kin}/book")
    look(family, "book-family")
    family.locator("li", has_text="260.00").get_by_role("link").first.click()
    family.get_by_role("button", name="同意").click()
    expect(family.locator("main")).not_to_contain_text("您同意吗")
    look(family, "book-line")

    mine.goto(f"/households/{home}/book")
    mine.get_by_role("link", name="拿回垫的钱").click()
    _keys(mine, "15")
    mine.locator("label", has_text="老人的现金").click()
    look(mine, "book-repay")
    mine.get_by_role("button", name="存好").click()
    _sent(mine, 9)
    mine.goto(f"/households/{home}/book")
    expect(mine.locator("#book [data-sum=cash_fen]")).to_have_text("130.50")

    mine.goto(f"/households/{home}/book/count")
    mine.locator("label", has_text="月底关账").click()
    _keys(mine, "128.5")
    mine.locator("input[name=words]").fill("找零少了两块")
    mine.locator("input[name=name]").fill("张福贵")
    mine.locator("label", has_text="有见证人在场").click()
    mine.locator("input[name=witness]").fill("邻居吴")
    month = Month.of(clock.today())
    mine.locator("input[name=month]").evaluate("(each, month) => { each.value = month }", str(month))
    look(mine, "book-count")
    mine.get_by_role("button", name="存好").click()
    _sent(mine, 10)
    mine.goto(f"/households/{home}/book/counts")
    expect(mine.locator("main")).to_contain_text("少了 2.00 元")
    look(mine, "book-counts")

    later = month.last + timedelta(days=2) - clock.today()
    here = clock.now
    monkeypatch.setattr(clock, "now", lambda: here() + later)
    office.goto(f"/book/months?month={month}")
    row = office.locator("tr", has_text="刘淑珍")
    expect(row).to_contain_text("可以关")
    look(office, "book-months")
    office.get_by_role("button", name="把打勾的关账").click()
    expect(row).to_contain_text("已关账")

    office.goto(f"/households/{home}/book/counts")
    look(office, "book-closed")
    sums = [each.inner_text() for each in office.locator("section", has_text="封条").locator("dl").locator("dt, dd").all()]
    assert sums[6:8] == ["还养护员垫的", "15.00"] and "128.50" in sums and "−2.00" in sums
    seal = office.locator("p", has_text="封条").inner_text().split()[-1]
    paper = _paper(office, office.get_by_role("link", name="看这个月的账单").get_attribute("href") or "", tmp_path)
    for said in (*("".join(pair) for pair in zip(sums[::2], sums[1::2], strict=True)), seal, "找零少了两块", "张福贵"):
        assert _bare(said) in paper, said
    office.goto(f"/households/{home}/book?month={month}")
    lines = office.locator("#book ul.rows > li").all()[:-1]
    assert len(lines) == 9
    for line in lines:
        title, fen = line.locator("strong").first.inner_text(), line.locator(".amount").inner_text()
        assert _bare(title + fen.lstrip("+")) in paper or _bare(fen.lstrip("+")) in paper, (title, fen)
        assert _bare(title) in paper, title
    mine.goto(f"/households/{home}/book?month={month}")
    expect(mine.locator("main")).to_contain_text("这个月已关账")
    with app.app_context():
        assert closing.broken(home) == [] and queries.disagreements() == []
        assert queries.balance(home).cash_fen == 12850
        db.settle()
    assert wrong == [[], [], []]


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_usual_expense_takes_four_taps_and_the_amount(app, world, server, browser):
    home = world.household("李秀兰").id
    context = phone(browser, server)
    come_in(context, server, app, "wang")
    context.add_init_script(TAPS)
    page = context.new_page()
    page.goto("/book")
    enrol(page, world)
    page.locator("section", has_text="李秀兰").get_by_role("link", name="记支出").click()
    _keys(page, "18.6")
    page.locator("label", has=page.locator("input[name=category][value=EX-VEG]")).click()
    page.get_by_role("button", name="存好").click()
    expect(page.locator("#book [data-sum=cash_fen]")).to_have_text("−18.60")
    assert 2 <= int(page.evaluate("sessionStorage.taps")) <= 4
    _sent(page, 1)
    with app.app_context():
        assert queries.balance(home).cash_fen == -1860
        db.settle()


def _daughter(world) -> str:
    """李敏 is kin of 张福贵 too, and may see the money."""
    with db.transaction() as session:
        resident = next(each for each in session.merge(world.household("张福贵")).residents if each.name == "张福贵")
        made = people.relate(resident, world.person("limin"), "女儿")
        session.flush()
        people.consent(made, resident.household_id, {"money"}, "老人当面说的", world.account("zhou").id)
        session.flush()
        return str(made.id)


def _keys(page: Page, amount: str) -> None:
    for key in amount:
        page.locator(f'[data-key="{key}"]').first.click()


def _receive(page: Page, home: object, amount: str, giver: str) -> None:
    page.goto(f"/households/{home}/book/receive")
    _keys(page, amount)
    page.locator("label", has=page.locator("input[name=category][value=IN-FAM]")).click()
    page.locator("input[name=giver]").fill(giver)
    page.get_by_role("button", name="存好").click()
    page.wait_for_url(f"**/households/{home}/book")


def _spend(page: Page, home: object, amount: str, code: str, *, source: str = "cash", who: str = "", shared: bool = False,
           seen: bool = False, rest: bool = False) -> None:  # fmt: skip
    page.goto(f"/households/{home}/book/spend")
    _keys(page, amount)
    if rest:
        page.locator("summary", has_text="更多").first.click()
    for name, value in (("category", code), ("source", source)):
        page.locator("label", has=page.locator(f"input[name={name}][value={value}]")).click()
    if who:
        page.locator("label", has_text=who).click()
    for name, ticked in (("shared", shared), ("market_seen", seen)):
        if ticked:
            page.locator("label", has=page.locator(f"input[name={name}]")).click()
    page.get_by_role("button", name="存好").click()
    page.wait_for_url(f"**/households/{home}/book")


def _sent(page: Page, n: int) -> None:
    """The station has all `n` that this phone has made."""
    page.wait_for_url(lambda url: not url.endswith(ASKS))
    page.goto("/outbox")
    expect(page.locator("[data-outbox-list] [data-when-kept=delivered]:visible")).to_have_count(n)


def _open(page: Page, home: object, amount: str) -> None:
    page.goto(f"/households/{home}/book")
    page.locator("li", has_text=f"−{amount}").get_by_role("link").first.click()


def _slip() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (600, 800), (240, 236, 228)).save(out, "JPEG")
    return out.getvalue()


def _paper(page: Page, url: str, folder: Path) -> str:
    """What stands on the statement, without spaces."""
    answer = page.request.get(url)
    assert answer.ok and answer.headers["content-type"] == "application/pdf"
    file = folder / "statement.pdf"
    file.write_bytes(answer.body())
    told = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, check=True, timeout=60)
    return _bare(told.stdout.decode())


def _bare(text: str) -> str:
    return SPACE.sub("", text).replace("−", "-")
