"""The camera, the phone check and the live pages, in a real browser with a film for a camera."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import pathlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import qrcode
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.js.conftest import ARGS, CHROMIUM
from tests.js.pages import page as made
from tests.js.stub import ACCOUNT, DEVICE, Stub

pytestmark = pytest.mark.browser
TOKEN = "ABCDEFGHJKMNPQRSTVWXYZ2345"
SALT = "salt-of-the-day"
HOME, VISIT = "019a9f10-0000-7000-8000-00000000beef", "019aa7b0-1c00-7c55-8f6e-3b9d2a4e6f10"
PAGE = f"/today/visits/{VISIT}"


def known(what: str = TOKEN) -> str:
    """data-known: the card of one home, whose visit of today is planned."""
    mac = hmac.new(SALT.encode(), hashlib.sha256(what.encode()).digest(), "sha256").hexdigest()[:32]
    today = datetime.now(UTC).date().isoformat()
    return json.dumps({"salt": SALT, "cards": {mac: [HOME, "李秀兰"]}, "visits": {HOME: [[today, VISIT]]}})


def scanning(attrs: str = "") -> str:
    return made(
        f"""<section data-scan data-wasm="/zxing_reader.wasm" {attrs}><video data-scan-video muted playsinline></video>
        <button data-scan-torch hidden>手电</button><p data-scan-hint hidden>靠近一点</p>
        <p data-scan-other hidden>这不是我们的卡</p>
        <p data-scan-denied hidden>没让用相机</p><div data-scan-number hidden>手输号码</div>
        <form data-scan-form method="post" action="/scan"><input type="hidden" name="token"></form></section>""",
        scripts=("app.js", "scan.js"),
    )


ARRIVING = made("""<form id="arrive" method="post" action="/x" data-kept="visits.arrive" data-chain="new">
    <input type="hidden" name="number"><input type="hidden" name="token" data-card>
    <p data-card-shown="scan" hidden>码扫好了</p><p data-card-shown="number" hidden>号码输好了</p><p data-card-asked>扫码</p>
    <button>签到</button></form>""")


def film(path: pathlib.Path, text: str) -> None:
    """A card held before the camera: JPEG files end to end."""
    code = qrcode.make(text, box_size=8, border=4).convert("RGB")
    frame = Image.new("RGB", (1280, 720), (96, 92, 88))
    frame.paste(code.resize((420, 420)), (420, 150))
    out = io.BytesIO()
    for _ in range(10):
        frame.save(out, "JPEG", quality=85, subsampling="4:2:0")
    path.write_bytes(out.getvalue())


@pytest.fixture
def camera(playwright_: Playwright, tmp_path: pathlib.Path) -> Iterator[Callable[..., BrowserContext]]:
    open_ones: list[Any] = []

    def start(text: str | None, **options: Any) -> BrowserContext:
        args = [*ARGS, "--use-fake-device-for-media-stream"]
        if text:
            film(tmp_path / "card.mjpeg", text)
            args.append(f"--use-file-for-fake-video-capture={tmp_path / 'card.mjpeg'}")
        browser = playwright_.chromium.launch(executable_path=CHROMIUM, args=args)
        open_ones.append(browser)
        return browser.new_context(locale="zh-CN", **options)

    yield start
    for browser in open_ones:
        browser.close()


@pytest.mark.parametrize("path", ["/c/", "/C/"])
def test_a_card_before_the_camera_is_posted(camera: Callable[..., BrowserContext], stub: Stub, path: str) -> None:
    stub.pages["/scan"] = scanning()
    page = camera(f"https://another.example{path}{TOKEN}", permissions=["camera"]).new_page()
    bad: list[str] = []
    page.on("pageerror", lambda e: bad.append(str(e)))
    page.on("console", lambda m: bad.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto(stub.url + "/scan")
    expect(page.locator("h1")).to_have_text("plain", timeout=20000)
    assert stub.forms == [("/scan", f"token={TOKEN}")] and not bad


def test_a_card_of_the_roster_opens_its_page_without_a_network_and_the_token_goes_along(
    camera: Callable[..., BrowserContext], stub: Stub
) -> None:
    stub.pages["/scan"] = scanning(f"data-known='{known()}'")
    stub.pages[PAGE] = ARRIVING
    page = camera(f"https://care.example/c/{TOKEN}", permissions=["camera"]).new_page()
    page.goto(stub.url + "/scan")
    page.wait_for_url("**" + PAGE, timeout=20000)
    expect(page.locator("[name=token]")).to_have_value(TOKEN)
    expect(page.locator("[data-card-shown=scan]")).to_be_visible()
    expect(page.locator("[data-card-asked]")).to_be_hidden()
    assert TOKEN not in page.url and not stub.forms
    page.goto(stub.url + "/bare")
    stub.pages["/today/visits/2"] = ARRIVING
    page.goto(stub.url + "/today/visits/2")
    expect(page.locator("[name=token]")).to_have_value("")


def test_a_code_that_is_not_ours_is_told_and_not_followed(camera: Callable[..., BrowserContext], stub: Stub) -> None:
    stub.pages["/scan"] = scanning()
    page = camera("https://shop.example/buy", permissions=["camera"]).new_page()
    page.goto(stub.url + "/scan")
    expect(page.locator("[data-scan-other]")).to_be_visible(timeout=20000)
    assert page.url.endswith("/scan") and not stub.forms


def test_three_quiet_seconds_bring_a_hint(camera: Callable[..., BrowserContext], stub: Stub) -> None:
    stub.pages["/scan"] = scanning()
    page = camera(None, permissions=["camera"]).new_page()
    page.goto(stub.url + "/scan")
    expect(page.locator("[data-scan-hint]")).to_be_visible(timeout=20000)


def test_without_a_camera_the_number_pad_opens(camera: Callable[..., BrowserContext], stub: Stub) -> None:
    stub.pages["/scan"] = scanning()
    page = camera(None).new_page()  # nobody allowed it
    page.goto(stub.url + "/scan")
    expect(page.locator("[data-scan-number]")).to_be_visible(timeout=20000)
    expect(page.locator("[data-scan-denied]")).to_be_visible()


def test_a_detector_that_cannot_read_the_sample_is_not_believed(camera: Callable[..., BrowserContext], stub: Stub) -> None:
    stub.pages["/scan"] = scanning()
    page = camera(f"https://care.example/c/{TOKEN}", permissions=["camera"]).new_page()
    page.add_init_script("""window.BarcodeDetector = class { async detect() { window.asked = (window.asked || 0) + 1;
        return [{rawValue: 'https://wrong.example/c/WRONGWRONG1'}]; } }""")
    page.goto(stub.url + "/scan")
    expect(page.locator("h1")).to_have_text("plain", timeout=20000)
    assert stub.forms == [("/scan", f"token={TOKEN}")]


def enrolling() -> str:
    weight = {"browser": " data-must", "key": " data-must", "storage": " data-mild"}
    results = '<b data-when-result="ok" hidden>好</b><b data-when-result="not" hidden>不行</b>'
    checks = "".join(
        f'<li data-check="{name}"{weight.get(name, "")}>{name}{results}</li>'
        for name in ("browser", "camera", "place", "storage", "key", "clock", "scanner")
    )
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    return made(
        f"""<ul>{checks}</ul><p data-verdict="ok" hidden>可以</p><p data-verdict="part" hidden>差一点</p>
        <p data-verdict="not" hidden>不行</p>
        <p data-wechat hidden>请用浏览器打开</p><p data-enrol-say hidden></p>
        <p data-enrol-cut hidden>没网了</p>
        <form data-enrol method="post" action="/enrol" data-then="/" data-wasm="/zxing_reader.wasm" data-now="{now}">
        <input name="slip"><input name="pin"><input name="label" value="红米"><button>开通</button></form>""",
        account="",
        scripts=("scan.js", "enrol.js"),
    )


def test_the_phone_check_tells_each_result_and_enrols(camera: Callable[..., BrowserContext], stub: Stub) -> None:
    stub.pages["/enrol"] = enrolling()
    where = {"latitude": 31.2, "longitude": 121.4}
    page = camera(None, permissions=["camera", "geolocation"], geolocation=where).new_page()
    page.goto(stub.url + "/enrol")
    for name in ("browser", "camera", "place", "key", "clock", "scanner"):
        expect(page.locator(f"[data-check={name}]")).to_have_attribute("data-result", "ok", timeout=20000)
        expect(page.locator(f"[data-check={name}] b:visible")).to_have_text("好")
    expect(page.locator("[data-verdict]:visible")).to_have_text("可以")
    page.fill("[name=slip]", "00000000")
    page.fill("[name=pin]", "135790")
    page.click("button")
    expect(page.locator("[data-enrol-say]")).to_have_text("这个码不对，请问站长")
    page.fill("[name=slip]", "12345678")
    page.click("button")
    page.wait_for_url(stub.url + "/")
    page.click("#arrive button")
    expect(page.locator("#arrive [data-kept-note]")).to_be_visible()
    (row,) = page.evaluate("async () => (await nc.outbox.list()).map(r => r.envelope)")
    assert (row["author"], row["device"], row["dseq"], row["beacon"]) == (ACCOUNT, DEVICE, 1, "beacon-0")
    assert not stub.wrong


def test_the_check_says_no_where_it_is_no(camera: Callable[..., BrowserContext], stub: Stub) -> None:
    stub.pages["/enrol"] = enrolling().replace('data-now="2', 'data-now="1')
    page = camera(None).new_page()
    page.goto(stub.url + "/enrol")
    for name in ("camera", "place", "clock"):
        expect(page.locator(f"[data-check={name}]")).to_have_attribute("data-result", "not", timeout=20000)
    expect(page.locator("[data-verdict]:visible")).to_have_text("差一点")


def test_inside_wechat_it_only_says_how_to_leave(camera: Callable[..., BrowserContext], stub: Stub) -> None:
    stub.pages["/enrol"] = enrolling()
    page = camera(None, user_agent="Mozilla/5.0 (Linux; Android 12) MicroMessenger/8.0").new_page()
    page.goto(stub.url + "/enrol")
    expect(page.locator("[data-wechat]")).to_be_visible()
    expect(page.locator("form")).to_be_hidden()


LIVE = made(
    """<main hx-ext="sse" sse-connect="/live"><div id="piece" hx-get="/roster" hx-trigger="sse:roster">0</div></main>""",
    scripts=("app.js", "live.js"),
)


def test_a_live_piece_is_fetched_on_opening_on_a_topic_and_on_opening_again(page: Page, stub: Stub) -> None:
    stub.pages["/live-page"] = LIVE
    stub.pages["/roster"] = "1"
    page.goto(stub.url + "/live-page")
    expect(page.locator("#piece")).to_have_text("1")
    stub.pages["/roster"] = "2"
    stub.topics("roster")
    expect(page.locator("#piece")).to_have_text("2")
    hide = """h => { Object.defineProperty(document, 'hidden', {value: h, configurable: true});
        document.dispatchEvent(new Event('visibilitychange')); }"""
    page.evaluate(hide, True)
    stop = time.monotonic() + 15
    while stub.streams and time.monotonic() < stop:
        stub.topics("nothing")
        time.sleep(0.2)
    assert not stub.streams, "a hidden page kept its stream open"
    stub.pages["/roster"] = "3"
    page.evaluate(hide, False)
    expect(page.locator("#piece")).to_have_text("3")
    stub.pages["/roster"] = "4"
    stub.topics("roster")
    expect(page.locator("#piece")).to_have_text("4")
