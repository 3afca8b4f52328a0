"""A real browser at the doors: a phone is checked and enrolled, its key signs, WeChat is turned away."""

import contextvars
import os
import threading
from pathlib import Path

import pytest
from pylopdf_fonts_zh_cn import sans_path
from werkzeug.serving import make_server

from webapp.people.models import Device, Slip
from webapp.store import db, inbox

pytestmark = pytest.mark.browser
FONTS = "<fontconfig><dir>{folder}</dir><cachedir>{cache}</cachedir></fontconfig>"
WECHAT = "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 Chrome/86 Mobile MicroMessenger/8.0"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, playwright_):
    """A browser that has Chinese letters."""
    folder = tmp_path_factory.mktemp("fonts")
    conf = folder / "fonts.conf"
    conf.write_text(FONTS.format(folder=Path(sans_path()).parent, cache=folder / "cache"))
    browser = playwright_.chromium.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox"], env={**os.environ, "FONTCONFIG_FILE": str(conf)}
    )
    yield browser
    browser.close()


@pytest.fixture
def house(app):
    """The address where the app answers."""
    app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=lambda: contextvars.Context().run(server.serve_forever), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def slip_for(world):
    with db.transaction():
        _slip, code = Slip.write(Slip.ENROL, world.account("wang"), world.account("zhou").id)
    return code


SIGN = """async () => {
  const db = await new Promise(done => {
    const asked = indexedDB.open('nuanchao');
    asked.onsuccess = () => done(asked.result);
  });
  const meta = db.transaction('meta').objectStore('meta');
  const mine = await new Promise(done => {
    const asked = meta.get('device:' + document.body.dataset.account);
    asked.onsuccess = () => done(asked.result);
  });
  const hash = new Uint8Array(32).fill(7);
  const raw = await crypto.subtle.sign({name: 'ECDSA', hash: 'SHA-256'}, mine.key, hash);
  const sig = btoa(String.fromCharCode(...new Uint8Array(raw))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '');
  return {device: mine.device, sig, readable: mine.key.extractable};
}"""


def test_a_phone_is_checked_and_enrolled_and_its_key_signs(house, world, chromium):
    context = chromium.new_context(
        viewport={"width": 360, "height": 780},
        locale="zh-CN",
        permissions=["geolocation"],
        geolocation={"latitude": 39, "longitude": 121},
    )
    page = context.new_page()
    page.set_default_timeout(90_000)  # the machine may be busy
    troubles = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(f"{house}/enrol?code={slip_for(world)}")
    page.click("[data-check-start]")
    page.wait_for_selector("[data-verdict]:not([hidden])")
    results = {
        name: page.get_attribute(f'[data-check="{name}"]', "data-result")
        for name in ("browser", "key", "clock", "scanner", "place")
    }
    assert set(results.values()) == {"ok"}, results
    assert page.get_attribute("[data-verdict]:not([hidden])", "data-verdict") == "part"  # there is no camera here
    page.fill("[name=pin]", "280591")
    with page.expect_navigation():
        page.click("button.primary")
    page.goto(f"{house}/me")
    assert "王桂芳" in page.inner_text("main")
    signed = page.evaluate(SIGN)
    assert signed["readable"] is False
    assert inbox.authorise({"device": signed["device"], "sig": signed["sig"], "hash": "07" * 32}).revoked_at is None
    assert [said for said in troubles if "Content Security" in said] == []
    context.close()


def test_a_wrong_code_is_said_and_what_was_typed_stays(house, world, chromium):
    page = chromium.new_page(locale="zh-CN")
    page.goto(f"{house}/enrol?code=00000000")
    page.fill("[name=pin]", "280591")
    page.click("button.primary")
    page.wait_for_selector("[data-enrol-say]:not([hidden])")
    assert "这个码不对" in page.inner_text("[data-enrol-say]")
    assert page.input_value("[name=slip]") == "00000000"
    page.close()


def test_wechat_is_told_how_to_leave(house, world, chromium):
    context = chromium.new_context(user_agent=WECHAT, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(90_000)  # the machine may be busy
    page.goto(f"{house}/enrol")
    assert "在浏览器打开" in page.inner_text("[data-wechat]")
    assert not page.is_visible("form[data-enrol]")
    context.close()


def test_without_scripts_a_phone_still_opens(house, world, chromium):
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(90_000)  # the machine may be busy
    page.goto(f"{house}/enrol?code={slip_for(world)}")
    page.fill("[name=pin]", "280591")
    page.click("button.primary")
    page.goto(f"{house}/me")
    assert "王桂芳" in page.inner_text("main")
    context.close()


def test_the_heads_page_sees_the_phone_open_by_itself(house, world, chromium):
    context = chromium.new_context(locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(90_000)  # the machine may be busy
    page.goto(f"{house}/sign-in?next=/people/{world.person('wang').id}/phone")
    db.undo()
    page.fill("[name=name]", "zhou")
    page.fill("[name=password]", "nuan-chao-2026")
    page.click("button.primary")
    page.click("button.primary")
    code = page.inner_text(".card.next .figure").replace(" ", "")
    with db.transaction():
        Device.enrol(code, "280591", x="", y="", gen=1, label="红米")
    page.wait_for_selector("#slip_state .notice.ok", timeout=15000)
    assert "hx-get" not in page.inner_html("#slip_state")
    context.close()
