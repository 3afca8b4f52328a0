"""What is urgent rings at browsers whose page is not open: without a word, only where it was asked for."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from playwright.sync_api import Playwright, expect
from werkzeug.serving import make_server

from tests.messages.kit import drain, notice, sendings, urgent
from webapp.kit import clock, settings
from webapp.messages import ladder, pushing
from webapp.messages.pushing import PushAddress
from webapp.people.models import Consent, Kin, SignIn
from webapp.store import db


class Service:
    """A push service on a port of its own. status: what it answers."""

    def __init__(self) -> None:
        self.status = 201
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        service = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.heard.append((self.path, dict(self.headers), body))
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_said: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{name}"


def pushes(app: Flask, *hosts: str) -> None:
    """Set push up."""
    chosen = {"push_contact": "mailto:it@nuanchao.example", "push_key": "1f" * 32, "push_hosts": hosts}
    app.extensions["settings"] = replace(app.extensions["settings"], **chosen)


@pytest.fixture
def service(app: Flask) -> Iterator[Service]:
    made = Service()
    pushes(app, "127.0.0.1")
    yield made
    made.server.shutdown()
    made.server.server_close()


def ask(world: Any, who: str, endpoint: str, on: str = "1") -> int:
    answer = world.client(who).post("/me/push", data={"endpoint": endpoint, "on": on})
    return int(answer.status_code)


def addresses() -> list[str]:
    db.undo()
    return list(db.reading().scalars(sa.select(PushAddress.endpoint).order_by(PushAddress.endpoint)))


def test_nothing_is_pushed_and_no_key_is_shown_where_nobody_set_it_up(world, hand, gateway):
    assert ask(world, "wang", "https://fcm.googleapis.com/fcm/send/x") == 422
    urgent(world)
    assert [each.way for each in sendings()] == ["adapter"]
    assert 'data-push="' not in world.client("wang").get("/me").text


def test_a_red_notice_rings_without_a_word_and_is_signed_for(world, hand, service, app):
    assert ask(world, "wang", service.address("w")) == 204
    urgent(world)
    [(path, headers, body)] = service.heard
    assert (path, body, headers["Urgency"], headers["TTL"]) == ("/w", b"", "high", "600")
    token, key = (part.split("=", 1)[1] for part in headers["Authorization"].removeprefix("vapid ").split(","))
    assert key == pushing.public_key(app.extensions["settings"]) in world.client("wang").get("/me").text
    head, claims, signed = token.split(".")
    told = json.loads(raw(claims))
    assert (told["aud"], told["sub"]) == (service.address("")[:-1], "mailto:it@nuanchao.example")
    both = utils.encode_dss_signature(*(int.from_bytes(raw(signed)[part], "big") for part in (slice(32), slice(32, 64))))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(key))
    point.verify(both, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    assert [(each.way, each.outcome, each.account_id) for each in sendings()] == [("push", "sent", world.account("wang").id)]
    assert "手机提醒" in world.client("zhou").get(f"/notices/{notice().id}").text


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_duty_room_is_told_through_those_who_head_it(world, hand, service):
    for who in ("zhou", "wang", "he"):
        ask(world, who, service.address(who))
    urgent(world, to=None)
    assert [path for path, _headers, _body in service.heard] == ["/zhou"]


def test_what_was_seen_in_time_is_not_rung_about(world, hand, service):
    ask(world, "wang", service.address("w"))
    service.status = 500
    row = urgent(world)
    assert len(service.heard) == 1
    world.client("wang").post(f"/notices/{row.id}/see")
    service.status = 201
    hand.go(4)
    assert len(service.heard) == 1 and [each.outcome for each in sendings()] == ["unneeded"]


def test_it_is_tried_again_and_an_address_that_is_gone_is_forgotten(world, hand, service):
    for name in ("a", "b"):
        ask(world, "wang", service.address(name))
    service.status = 503
    urgent(world)
    assert len(service.heard) == 2 and len(addresses()) == 2
    service.status = 410
    hand.go(2)
    assert len(service.heard) == 4 and addresses() == []
    hand.go(4.5)
    assert len(service.heard) == 4


def test_whoever_signs_out_or_turns_it_off_is_not_told(world, hand, service):
    ask(world, "wang", service.address("w"))
    ask(world, "zhou", service.address("z"))
    ask(world, "zhou", service.address("z"), on="0")
    assert addresses() == [service.address("w")]
    ask(world, "qian", service.address("w"), on="0")
    assert addresses() == [service.address("w")], "nobody turns off another's"
    with db.transaction() as session:
        session.execute(sa.update(SignIn).where(SignIn.account_id == world.account("wang").id).values(ended_at=clock.now()))
    urgent(world)
    assert service.heard == []


def test_a_browser_belongs_to_whoever_asked_last(world, hand, service):
    ask(world, "qian", service.address("tablet"))
    ask(world, "wang", service.address("tablet"))
    assert addresses() == [service.address("tablet")]
    urgent(world)
    assert len(service.heard) == 1 and sendings()[0].account_id == world.account("wang").id


@pytest.mark.parametrize(
    "endpoint",
    [
        "", "fcm.googleapis.com", "https://nuanchao.example/x", "https://fcm.googleapis.com.evil.example/x",
        "http://fcm.googleapis.com/x", "https://evilgoogleapis.com/", "https://fcm.googleapis.com/" + "x" * 500,
        "https://[::1", "https://169.254.169.254/latest", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_only_push_services_are_rung_at(world, app, endpoint):
    pushes(app, *settings.PUSH_HOSTS.split(","))
    assert ask(world, "wang", endpoint) == 422
    assert addresses() == []
    assert ask(world, "wang", "https://updates.push.services.mozilla.com/wpush/v2/abc") == 204


def test_what_is_withdrawn_is_withdrawn_in_push_and_in_messages(world, service, gateway, app):
    pushes(app, "127.0.0.1")
    ask(world, "limin", service.address("m"))
    kin, resident = world.account("limin").id, world.resident("李秀兰").id

    def told(withdrawn: bool) -> list[str]:
        with db.transaction() as session:
            ladder.tell_kin(kin, resident)
            session.flush()
            if withdrawn:
                ties = sa.select(Kin.id).where(Kin.resident_id == resident)
                session.execute(sa.update(Consent).where(Consent.kin_id.in_(ties)).values(until=clock.now()))
        drain()
        return [each.outcome for each in sendings()]

    assert told(withdrawn=False) == ["sent", "sent"]
    assert (len(service.heard), len(gateway.heard)) == (1, 1)
    assert told(withdrawn=True) == ["sent", "sent", "unneeded", "unneeded"]
    assert (len(service.heard), len(gateway.heard)) == (1, 1)


STUB = """(() => {  // the push service behind this browser: Debian's Chromium has none
  let kept = null;
  const made = () => ({endpoint: '%s', unsubscribe: async () => { kept = null; return true; }});
  PushManager.prototype.subscribe = async wish => { self.wished = wish.applicationServerKey.length; return kept = made(); };
  PushManager.prototype.getSubscription = async () => kept;
})();"""


@pytest.mark.browser
def test_a_head_turns_it_on_is_told_and_turns_it_off(app, world, service, playwright_: Playwright):
    if db.database().engine.dialect.name != "sqlite":
        pytest.skip("the phone does not see which database it talks to")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{server.server_port}"
    cookie = app.session_interface.get_signing_serializer(app).dumps({"_user_id": "token-zhou", "_fresh": True})
    browser = playwright_.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
    )
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN", permissions=["notifications"])
    context.add_cookies([{"name": "session", "value": cookie, "url": site}])
    context.add_init_script(STUB % service.address("desk"))
    page = context.new_page()
    try:
        page.goto(f"{site}/me")
        page.get_by_role("button", name="打开提醒").click()
        expect(page.get_by_text("提醒开着")).to_be_visible()
        assert page.evaluate("wished") == 65 and addresses() == [service.address("desk")]

        shown = pushed(page, site)
        assert shown == [["暖巢", "有一件急事要您看，请打开暖巢"]]

        page.get_by_role("button", name="关掉").click()
        expect(page.get_by_role("button", name="打开提醒")).to_be_visible()
        assert addresses() == []
    finally:
        browser.close()
        server.shutdown()


def pushed(page: Any, site: str) -> list[list[str]]:
    """What the browser shows when its push service rings."""
    line = page.context.new_cdp_session(page)
    known: list[str] = []
    line.on("ServiceWorker.workerRegistrationUpdated", lambda told: known.extend(
        each["registrationId"] for each in told["registrations"] if each["scopeURL"].endswith("/told/")))  # fmt: skip
    line.send("ServiceWorker.enable")
    page.wait_for_function("() => navigator.serviceWorker.getRegistration('/told/').then(each => each && !!each.active)")
    line.send("ServiceWorker.deliverPushMessage", {"origin": f"{site}/", "registrationId": known[-1], "data": ""})
    asked = "navigator.serviceWorker.getRegistration('/told/').then(each => each.getNotifications())"
    page.wait_for_function(f"() => {asked}.then(all => all.length)")
    found: list[list[str]] = page.evaluate(f"{asked}.then(all => all.map(each => [each.title, each.body]))")
    return found
