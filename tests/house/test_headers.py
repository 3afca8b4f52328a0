"""The header set on every answer there is: pages, pieces, errors, assets, cards."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.house import rooms
from tests.world import World
from webapp.web.headers import CSP, HEADERS

STREAMS = {"live.events"}
SHARED = {"assets.send", "pwa.worker", "pwa.told"}
"""What may lie in a shelf shared by people: it holds nothing about anybody."""


def answers(app: Flask, sides: Any, who: str | None) -> Any:
    """One answer of every route, GET where there is one."""
    client = World(app).client(who)
    for rule in rooms.rules_of(app):
        if rule.endpoint not in STREAMS:
            method = "GET" if "GET" in (rule.methods or ()) else rooms.methods(rule)[0]
            url = rooms.address(app, rule, sides["li"])
            yield rule, client.open(url, method=method)


@pytest.mark.parametrize("who", ["zhou", "wang", "limin", None])
def test_every_answer_carries_the_header_set(furnished: Any, who: str | None) -> None:
    app, sides = furnished
    missing = []
    with app.app_context(), rooms.dry():
        for rule, answer in answers(app, sides, who):
            for name, value in HEADERS.items():
                own = answer.headers.get(name)
                if own != value and not (name == "Referrer-Policy" and own == "no-referrer"):
                    missing.append((rule.endpoint, name, own))
            if not answer.headers.get("X-Request-Id"):
                missing.append((rule.endpoint, "X-Request-Id", None))
            for name in ("Server", "X-Powered-By"):
                if name in answer.headers:
                    missing.append((rule.endpoint, name, answer.headers[name]))
    assert missing == []


@pytest.mark.parametrize("who", ["zhou", "wang", "limin", None])
def test_nothing_about_anybody_is_kept_in_a_shelf(furnished: Any, who: str | None) -> None:
    app, sides = furnished
    with app.app_context(), rooms.dry():
        kept = [
            (rule.endpoint, answer.headers.get("Cache-Control"))
            for rule, answer in answers(app, sides, who)
            if rule.endpoint not in SHARED and "no-store" not in (answer.headers.get("Cache-Control") or "")
        ]
    assert kept == []


def test_the_policy_lets_nothing_inline_run() -> None:
    assert "'unsafe-inline'" not in CSP and "'unsafe-eval'" not in CSP.replace("'wasm-unsafe-eval'", "")
    assert CSP.startswith("default-src 'none'") and "frame-ancestors 'none'" in CSP and "base-uri 'none'" in CSP


@pytest.mark.parametrize(
    "url", ["/no/such/page", "/people/not-a-key", "/assets/000000000000/none.css", "/inbox", "/devices", "/%ff"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
def test_errors_carry_it_too(furnished: Any, url: str, method: str) -> None:
    app, _sides = furnished
    with app.app_context():
        answer = World(app).client().open(url, method=method)
    assert answer.headers["Content-Security-Policy"] == CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.status_code < 500


CARDS = ("card", "unknown", "malformed", "long", "emoji")


def tokens(sides: Any) -> dict[str, str]:
    return {"card": sides["li"].args["token"], "unknown": "Z" * 26, "malformed": "x", "long": "A" * 500, "emoji": "👵"}


@pytest.mark.parametrize("which", CARDS)
@pytest.mark.parametrize("door", ["/c/", "/C/"])
def test_a_card_page_leaves_no_trace_at_a_stranger(furnished: Any, which: str, door: str) -> None:
    app, sides = furnished
    with app.app_context(), rooms.dry():
        answer = World(app).client().get(door + tokens(sides)[which])
    assert answer.status_code in (200, 404)
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]
    assert "noindex" in answer.headers.get("X-Robots-Tag", "")


def test_unknown_and_malformed_tokens_give_the_same_bytes(furnished: Any) -> None:
    app, sides = furnished
    with app.app_context(), rooms.dry():
        pages = {name: World(app).client().get("/c/" + token) for name, token in tokens(sides).items() if name != "card"}
        assert len({page.data for page in pages.values()}) == 1
        assert len({page.status_code for page in pages.values()}) == 1
        plain = {"X-Request-Id", "Date"}
        assert len({repr(sorted((k, v) for k, v in page.headers if k not in plain)) for page in pages.values()}) == 1


def test_the_strangers_page_tells_neither_name_nor_home(furnished: Any) -> None:
    app, sides = furnished
    with app.app_context(), rooms.dry():
        said = World(app).client().get("/c/" + sides["li"].args["token"]).get_data(as_text=True)
    for secret in ("李秀兰", "秀兰", "和平里", "青霉素", "10000009999", "王桂芳", "李敏"):
        assert secret not in said, secret


def test_a_signed_in_cookie_is_http_only_and_lax(furnished: Any) -> None:
    app, _sides = furnished
    with app.app_context():
        answer = World(app).client("zhou").get("/people")
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie, cookie


def test_a_long_page_is_packed_and_says_so(furnished: Any) -> None:
    app, _sides = furnished
    with app.app_context():
        answer = World(app).client("zhou").get("/people", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] in ("gzip", "br")
    assert "Accept-Encoding" in answer.headers["Vary"]
