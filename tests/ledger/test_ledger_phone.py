"""The book on a phone whose messages do not get through, and then do: a real browser against the real app."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Playwright, expect
from werkzeug.serving import make_server

from tests.ledger.acts import act
from webapp.kit import ids
from webapp.ledger import models as ledger
from webapp.ledger import queries
from webapp.people.models import Device
from webapp.store import db

pytestmark = pytest.mark.browser


@pytest.fixture
def site(app) -> Iterator[str]:
    """The app's address while it stands."""
    if db.database().engine.dialect.name != "sqlite":
        pytest.skip("the phone does not see which database it talks to")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def phone(app, site: str, playwright_: Playwright) -> Iterator[Page]:
    """Wang's phone, signed in."""
    cookie = app.session_interface.get_signing_serializer(app).dumps({"_user_id": "token-wang", "_fresh": True})
    browser = playwright_.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
    )
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN")
    context.add_cookies([{"name": "session", "value": cookie, "url": site}])
    yield context.new_page()
    browser.close()


def enrol(phone: Page, world) -> None:
    """Give the phone a key that the station knows."""
    account, device = world.account("wang").id, ids.new()
    jwk = phone.evaluate("async () => (await nc.keys.fresh()).jwk")
    phone.evaluate("([account, device]) => nc.keys.adopt({account, device})", [str(account), str(device)])
    with db.transaction() as session:
        session.add(Device(id=device, account_id=account, x=jwk["x"], y=jwk["y"], label="test"))


def choose(phone: Page, field: str) -> None:
    """Tap a tile or chip where a thumb would find it, above the button that stays."""
    tile = phone.locator("label", has=phone.locator(field))
    tile.evaluate("each => each.scrollIntoView({block: 'center'})")
    tile.click()


def test_what_is_not_sent_yet_stands_in_the_book_and_in_its_sums(app, world, site, phone):
    li = world.household("李秀兰").id
    with db.transaction():
        ledger.receive(act(world.account("wang").id), li, 30000, "IN-FAM", "cash")
    phone.goto(f"{site}/households/{li}/book")
    enrol(phone, world)
    phone.route("**/inbox{,/*}", lambda route: route.abort())

    for keys, source in (("36.5", "cash"), ("15", "advance")):
        phone.goto(f"{site}/households/{li}/book/spend")
        for key in keys:
            phone.locator(f'[data-key="{key}"]').click()
        choose(phone, 'input[name="category"][value="EX-VEG"]')
        choose(phone, f'input[name="source"][value="{source}"]')
        choose(phone, 'input[name="things"][value="豆腐"]')
        phone.get_by_role("button", name="存好").click()
        phone.wait_for_url(f"**/households/{li}/book")

    book = phone.locator("#book")
    expect(book.locator('[data-sum="cash_fen"]')).to_have_text("263.50")
    expect(book.locator('[data-sum="out_fen"]')).to_have_text("51.50")
    expect(book.locator("[data-kept-id]")).to_have_count(2)
    expect(book.locator("[data-kept-id]").first).to_contain_text("蔬菜")
    expect(book.locator("[data-kept-id]").first).to_contain_text("豆腐")
    expect(book.locator("[data-kept-id]").first).to_contain_text("手机已存")
    assert queries.balance(li).cash_fen == 30000
    db.undo()

    phone.unroute("**/inbox{,/*}")
    phone.reload()
    expect(book.locator("[data-kept-id]")).to_have_count(0, timeout=20000)
    expect(book.locator('[data-sum="cash_fen"]')).to_have_text("263.50")
    expect(book.locator('[data-sum="out_fen"]')).to_have_text("51.50")
    expect(book.locator('[data-sum="out_fen"]')).to_have_attribute("data-value", "5150", timeout=20000)
    db.undo()
    assert (queries.balance(li).cash_fen, queries.balance(li).advance_fen) == (26350, -1500)
