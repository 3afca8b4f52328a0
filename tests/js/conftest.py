"""A real Chromium at phone size in front of the stub; every page error fails the test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.js.pages import PAGES
from tests.js.stub import ACCOUNT, DEVICE, Stub

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
ENROL = """async ([account, device]) => { await nc.keys.fresh(); await nc.keys.adopt({account, device});
    return (await nc.keys.of(account)).jwk; }"""


@pytest.fixture(scope="session")
def chromium(playwright_: Playwright) -> Iterator[Browser]:
    browser = playwright_.chromium.launch(executable_path=CHROMIUM, args=ARGS)
    yield browser
    browser.close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub(dict(PAGES))
    yield server
    server.close()
    assert not server.wrong, "an envelope went out whose hash or signature is wrong"


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport={"width": 360, "height": 740},
        accept_downloads=True,
        permissions=["geolocation"],
        geolocation={"latitude": 31.230416, "longitude": 121.473701, "accuracy": 18},
    )
    errors: list[str] = []
    context.on("weberror", lambda e: errors.append(str(e.error)))
    context.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
    yield context
    context.close()
    assert not errors, errors


def until(true: Callable[[], Any], seconds: float = 8) -> None:
    """Look again and again; the test goes on the moment it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.05)


def enrol(page: Page, stub: Stub, account: str = ACCOUNT, device: str = DEVICE) -> None:
    """Make this browser a known device of `account`."""
    stub.keys[device] = page.evaluate(ENROL, [account, device])


@pytest.fixture
def page(phone: BrowserContext, stub: Stub) -> Page:
    page = phone.new_page()
    page.goto(stub.url + "/")
    enrol(page, stub)
    return page
