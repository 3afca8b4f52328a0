"""A month end: gathered, judged, one objection upheld and one refused, signed, sealed; the paper says what the screen says."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.evaluations.kit import LAST, lay
from tests.journeys.conftest import come_in, desk, phone, watch
from tests.journeys.test_dispute import look
from webapp.evaluations.models import Evaluation
from webapp.store import db

pytestmark = pytest.mark.browser

SPACE = re.compile(r"\s+")


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_month_end_from_gathering_to_the_seal(app, world, server, browser, tmp_path):
    with db.transaction():
        for n, came in enumerate(("wang", "wang", None)):
            lay(world, "李秀兰", LAST.first + timedelta(days=n), came=came, late_min=20 * n)
    head, hers, street = (each(browser, server) for each in (desk, phone, desk))
    for context, name in ((head, "zhou"), (hers, "wang"), (street, "wu")):
        come_in(context, server, app, name)

    office = head.new_page()
    wrong = watch(office)
    office.goto(f"/evaluations?month={LAST}")
    office.get_by_role("button", name="再算一遍").click()
    office.get_by_role("link", name="王桂芳").click()
    expect(office.locator("main")).to_contain_text("应到 3 次，到 2 次")
    office.locator("#home label", has_text="较好").click()
    office.locator("#attitude label", has_text="和气").click()
    office.locator("textarea[name=words]").first.fill("做事细，老人信得过")
    office.get_by_role("button", name="存好评分").click()
    expect(office.locator("main")).to_contain_text("等她看")
    look(office, "month-judged")

    mine = hers.new_page()
    wrong_too = watch(mine)
    mine.goto("/my-month")
    look(mine, "month-mine")
    mine.get_by_role("link", name="等您看").click()
    look(mine, "month-hers")
    url = mine.url
    mine.get_by_role("button", name="我看过了").click()
    for code, words in (("M01", "3日我去了，卡坏了，打过电话"), ("M02", "2日公交车晚了")):
        mine.get_by_role("link", name="我有不同意见").click()
        mine.locator("select[name=code]").select_option(code)
        mine.locator("textarea[name=words]").fill(words)
        look(mine, "month-object")
        mine.get_by_role("button", name="交上去").click()
        expect(mine.locator("main")).to_contain_text(words)

    office.goto(url)
    expect(office.get_by_role("button", name="签字")).to_have_count(0)
    about = office.locator("section", has_text="3日我去了").last
    about.locator("textarea").fill("问过李奶奶，去了")
    about.locator("input[name=figure]").fill("3")
    look(office, "month-disputed")
    about.get_by_role("button", name="采纳", exact=True).click()
    about = office.locator("section", has_text="2日公交车晚了").last
    about.locator("textarea").fill("没有先打电话，还是算晚")
    about.get_by_role("button", name="不采纳").click()
    expect(office.locator("main")).to_contain_text("有一个数改过：2 改成 3")
    office.get_by_role("button", name="签字").click()
    expect(office.locator("main")).to_contain_text("等街道定")

    centre = street.new_page()
    wrong_there = watch(centre)
    centre.goto(url)
    centre.get_by_role("button", name="就这样定").click()
    expect(centre.locator("main")).to_contain_text("已定")
    look(centre, "month-sealed")
    centre.get_by_role("link", name="核对算得对不对").click()
    look(centre, "month-check")
    mine.goto(url)
    for said in ("采纳 问过李奶奶，去了", "没有采纳 没有先打电话，还是算晚"):
        expect(mine.locator("main")).to_contain_text(said)
    assert db.session().scalars(sa.select(Evaluation.state).where(Evaluation.sealed_at.is_not(None))).all() == ["sealed"]
    paper = _paper(centre, f"{url}/form.pdf", tmp_path)
    for said in (*_marks(centre, url), "做事细，老人信得过", "问过李奶奶，去了", "没有先打电话，还是算晚"):
        assert _bare(said) in paper, said
    assert wrong == [] and wrong_too == [] and wrong_there == []


def _marks(page: Page, url: str) -> list[str]:
    """The lines of the sheet on the screen: name, points of weight, and the total with its grade."""
    page.goto(url)
    lines = page.locator("ul.marks > li").all()
    assert len(lines) == 11
    said = [strong.inner_text() for line in lines for strong in line.locator("strong").all()]
    return [*said, "总分" + page.locator(".score").inner_text() + page.locator(".chip").first.inner_text()]


def _paper(page: Page, url: str, folder: Path) -> str:
    """What stands on the printed form, without spaces."""
    answer = page.request.get(url)
    assert answer.ok and answer.headers["content-type"] == "application/pdf"
    file = folder / "form.pdf"
    file.write_bytes(answer.body())
    told = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, check=True, timeout=60)
    return _bare(told.stdout.decode())


def _bare(text: str) -> str:
    return SPACE.sub("", text)
