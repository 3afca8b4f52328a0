"""A supervisor without network: the checklists are on the phone, a surprise plate is scanned, photos wait, all arrives once."""

from __future__ import annotations

import io
import re

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Page, expect

from tests.journeys.conftest import come_in, desk, phone, watch
from tests.journeys.test_a_day import PIN
from tests.journeys.test_offline import LOUD
from tests.js.conftest import until
from webapp.access import Role
from webapp.cards import models as cards
from webapp.cards.models import CardKind
from webapp.cards.printing import CardFace, card_png
from webapp.inspections import drawing
from webapp.inspections.models import DONE, Inspection, InspectionPhoto
from webapp.people import models as people
from webapp.store import db, files

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("template", ["sqlite"], indirect=True)]


@pytest.fixture
def plate(app, world, server) -> bytes:
    """张福贵's plate; 楚 was drawn to go to 李秀兰. A picture of the plate."""
    with db.transaction():
        made = cards.issue(CardKind.PLATE, household=world.household("张福贵"))
        other = people.welcome("卢监督", None, phone="10000004321")
        people.open_account(other, Role.INSPECTOR, world.place("street"), login="lu")
        db.session().flush()
        drawing.draw(_Wu(world), world.place("street"), 3, "home_quick")
        url = f"{server}/c/{made.token}".replace("http://", "https://")
    return card_png(CardFace(kind="plate", number=made.number, url=url, name="", organisation="松岭一社区"))


class _Wu:
    """吴, drawing."""

    def __init__(self, world) -> None:
        self.account_id, self.person_id = world.account("wu").id, world.person("wu").id


def test_checklists_are_filled_in_without_network_and_a_surprise_scan_finds_its_home(
    app, world, server, browser, camera, plate, tmp_path
):
    office = desk(browser, server)
    come_in(office, server, app, "wu")
    head = office.new_page()
    head.goto(f"/people/{world.person('chu').id}/phone")
    head.get_by_role("button", name=re.compile("开通|给")).first.click()
    code = "".join(re.search(r"\b(\d{4}) ?(\d{4})\b", head.locator("main").inner_text()).groups())

    context = phone(camera(plate), server)
    page = context.new_page()
    wrong = watch(page)
    page.goto(f"/enrol?code={code}")
    page.locator("[data-check-start]").click()
    expect(page.locator("main")).to_contain_text("这部手机可以用", timeout=30000)
    page.fill("[name=pin]", PIN)
    page.locator("form[data-enrol] button[type=submit]").click()
    expect(page.locator("h1")).to_contain_text("监督检查")
    expect(page.locator("[data-ready=yes]")).to_be_visible(timeout=30000)

    context.set_offline(True)
    li, zhang = world.household("李秀兰"), world.household("张福贵")
    _fill(page, f"/households/{li.id}/inspect", tmp_path)
    page.goto("/inspections/scan")
    expect(page.locator("[data-card-shown=scan]")).to_be_visible(timeout=30000)
    assert "/inspections/plate" in page.url
    page.locator("#saf_06 label", has_text="没做到").click()
    page.get_by_role("button", name="做完了，交上去").click()
    expect(page.locator("h1")).to_contain_text("监督检查")
    page.goto("/outbox")
    expect(page.locator("[data-outbox-list] li")).to_have_count(2)
    assert [line for line in wrong if not any(word in line for word in LOUD)] == []

    context.set_offline(False)
    expect(page.locator("[data-outbox-list] [data-when-kept=delivered]:visible")).to_have_count(2, timeout=30000)
    until(lambda: _photos() == 1, 30)
    db.undo()
    rows = db.reading().scalars(sa.select(Inspection).where(Inspection.state == DONE)).all()
    assert {row.household_id for row in rows} == {li.id, zhang.id}
    drawn = next(row for row in rows if row.household_id == li.id)
    assert drawn.draw_id is not None and drawn.alone and not drawn.paper, "it is the one she was drawn for"
    assert next(row for row in rows if row.household_id == zhang.id).band == "needs repair"


def _fill(page: Page, path: str, tmp_path) -> None:
    page.goto(path)
    expect(page.locator("[data-kept-page]")).to_be_visible()
    page.locator("#rec_02 label", has_text="做到了").first.click()
    page.locator("label.check", has_text="单独").click()
    picture, out = tmp_path / "home.jpg", io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(out, "JPEG")
    picture.write_bytes(out.getvalue())
    page.locator("input[name=photo]").set_input_files(picture)
    expect(page.locator("[data-photo-thumbs] img")).to_have_count(1)
    page.get_by_role("button", name="做完了，交上去").click()
    expect(page.locator("h1")).to_contain_text("监督检查")


def _photos() -> int:
    """Pictures of inspections that are whole on the server."""
    db.undo()
    known = db.reading().scalars(sa.select(InspectionPhoto.sha256)).all()
    return sum(files.path(each).exists() for each in known)
