"""Pages and pieces, languages, CSRF, errors, assets: on the bare house, without a database."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader
from werkzeug.routing import AnyConverter, IntegerConverter

from tests.conftest import app_of, settings
from tests.world import World
from webapp.kit.refusal import Busy, Conflict, Missing, Refusal
from webapp.web import assets, page
from webapp.web.guard import open_door

WHOLE, PIECE = "<html><p>whole</p><div>piece 好</div></html>", "<div>piece 好</div>"
TEMPLATE = "<html><p>whole</p>{% block piece %}<div>piece {{ word }}</div>{% endblock %}</html>"
TROUBLE = {
    "refusal": Refusal("no", "不行，请再看一下"),
    "missing": Missing("none", "没找到"),
    "conflict": Conflict("changed", "别人刚改过"),
    "busy": Busy("busy", "人太多"),
    "often": Refusal("often", "太多次", status=429, wait_s=7),
    "bug": ZeroDivisionError("secret detail"),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The house with a room of its own."""
    folder: Path = tmp_path_factory.mktemp("small")
    app = app_of(settings(folder), PROPAGATE_EXCEPTIONS=False)
    assert app.jinja_env.loader is not None
    app.jinja_env.loader = ChoiceLoader([DictLoader({"t/page.html": TEMPLATE}), app.jinja_env.loader])

    def show():
        return page.render("t/page.html", piece="piece", word="好")

    def fail(what: str):
        raise TROUBLE[what]

    def go():
        return page.go(page.safe_next("/home"), "好了")

    for url, view in (("/t/page", show), ("/t/fail/<what>", fail), ("/t/go", go)):
        app.add_url_rule(url, view.__name__, open_door(view), methods=["GET", "POST"])
    app.add_url_rule("/t/unlisted", "unlisted", lambda: "never")
    yield app
    app.extensions["db"].engine.dispose()


def said(answer) -> str:
    return answer.get_data(as_text=True).strip()


def test_htmx_gets_the_piece_and_everybody_else_the_page(small: Flask) -> None:
    client = small.test_client()
    assert said(client.get("/t/page")) == WHOLE
    assert said(client.get("/t/page", headers={"HX-Request": "true"})) == PIECE
    for more in ("HX-Boosted", "HX-History-Restore-Request"):
        assert said(client.get("/t/page", headers={"HX-Request": "true", more: "true"})) == WHOLE, more


def test_a_page_varies_by_what_it_depends_on(small: Flask) -> None:
    vary = {each.strip() for each in small.test_client().get("/t/page").headers["Vary"].split(",")}
    assert {"HX-Request", "Cookie", "Accept-Language"} <= vary


def test_going_elsewhere_is_303_and_a_header_for_htmx(small: Flask) -> None:
    client = small.test_client()
    assert client.post("/t/go").status_code == 303
    piece = client.post("/t/go", headers={"HX-Request": "true"})
    assert (piece.status_code, piece.headers["HX-Redirect"]) == (204, "/home")


@pytest.mark.parametrize(
    ("wish", "there"),
    [
        ("/book?x=1", "/book?x=1"),
        ("//evil.example", "/home"),
        ("https://evil.example", "/home"),
        ("/\\evil.example", "/home"),
        ("javascript:alert(1)", "/home"),
        ("/a\r\nSet-Cookie: x=1", "/home"),
        ("", "/home"),
        ("\\\\evil", "/home"),
        ("/\t/evil.example", "/home"),
    ],
)
def test_nobody_is_sent_to_another_host(small: Flask, wish: str, there: str) -> None:
    assert small.test_client().post("/t/go", data={"next": wish}).headers["Location"] == there


@pytest.mark.parametrize(
    ("what", "status"), [("refusal", 422), ("missing", 404), ("conflict", 409), ("busy", 503), ("often", 429), ("bug", 500)]
)
def test_trouble_is_said_in_words(small: Flask, what: str, status: int) -> None:
    client = small.test_client()
    whole, piece = client.get(f"/t/fail/{what}"), client.get(f"/t/fail/{what}", headers={"HX-Request": "true"})
    assert whole.status_code == piece.status_code == status
    assert "<html" in said(whole) and "<html" not in said(piece)
    assert (piece.headers["HX-Retarget"], piece.headers["HX-Reswap"]) == ("#messages", "innerHTML")
    for answer in (whole, piece):
        assert not re.search(r"Traceback|secret detail|ZeroDivision|\b422\b|\b500\b|Refusal", said(answer))
    if what != "bug":
        assert str(TROUBLE[what].say) in said(piece)  # type: ignore[union-attr]
    if status in (429, 503):
        assert int(whole.headers["Retry-After"]) == (7 if what == "often" else 5)


def test_scripts_that_speak_json_are_answered_in_json(small: Flask) -> None:
    answer = small.test_client().post("/t/fail/refusal", json={})
    assert (answer.status_code, answer.json) == (422, {"say": "不行，请再看一下"})


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_room_that_says_nothing_about_who_may_is_shut(small: Flask, method: str) -> None:
    answer = getattr(small.test_client(), method)("/t/unlisted")
    assert answer.status_code in (403, 405) and said(answer) != "never"


@pytest.mark.parametrize(
    "url", ["/no/such/page", "/people/not-a-key", "/" + "x" * 3000, "/%00", "/..%2f..%2fetc/passwd", "/c/%F0%9F%91%B5"]
)
def test_a_page_that_is_not_there_is_said_plainly(small: Flask, url: str) -> None:
    client = small.test_client()
    if not url.startswith("/c/"):
        assert client.get(url).status_code == 404


def test_a_wrong_method_names_the_right_ones(small: Flask) -> None:
    answer = small.test_client().delete("/t/page")
    assert answer.status_code == 405 and "POST" in answer.headers["Allow"]


# ---- language ----


@pytest.mark.parametrize(
    ("header", "cookie", "lang"),
    [
        (None, None, "zh-CN"),
        ("en-GB,en;q=0.8", None, "en"),
        ("zh-TW", None, "zh-CN"),
        ("de,fr", None, "zh-CN"),
        ("en", "zh", "zh-CN"),
        ("zh", "en", "en"),
        ("zh", "xx", "zh-CN"),
        (";;;q=9", None, "zh-CN"),
    ],
)
def test_the_reader_chooses_then_the_browser_then_chinese(
    small: Flask, header: str | None, cookie: str | None, lang: str
) -> None:
    client = small.test_client()
    if cookie:
        client.set_cookie("lang", cookie)
    answer = client.get("/t/fail/missing", headers={"Accept-Language": header} if header else {})
    assert f'lang="{lang}"' in said(answer)


def test_choosing_a_language_is_remembered_and_nonsense_is_not(small: Flask) -> None:
    client = small.test_client()
    answer = client.post("/language/en", data={"next": "//evil.example"})
    assert answer.headers["Location"] == "/"
    cookie = client.get_cookie("lang")
    assert cookie is not None and cookie.value == "en" and cookie.http_only
    other = small.test_client()
    other.post("/language/<script>")
    other.post("/language/xx")
    assert other.get_cookie("lang") is None


# ---- CSRF ----


@pytest.fixture
def guarded(app: Flask, world: World) -> World:
    """The app as it runs: CSRF on."""
    app.config["WTF_CSRF_ENABLED"] = True
    return world


def test_a_post_without_a_token_changes_nothing_and_says_what_to_do(guarded: World) -> None:
    client = guarded.client("wang")
    answer = client.post("/me/scale", data={"scale": "160"})
    assert answer.status_code == 422
    assert "刷新" in said(answer)


def test_the_token_works_as_field_and_as_header_and_only_for_its_browser(guarded: World) -> None:
    client = guarded.client("wang")
    token = re.search(r'name="csrf-token" content="([^"]+)"', said(client.get("/me")))
    assert token
    assert client.post("/me/scale", data={"scale": "125", "csrf_token": token[1]}).status_code in (204, 303)
    assert client.post("/me/scale", data={"scale": "125"}, headers={"X-CSRFToken": token[1]}).status_code in (204, 303)
    assert guarded.client("qian").post("/me/scale", data={"scale": "125", "csrf_token": token[1]}).status_code == 422


def _some(converter: object, nobody: str) -> object:
    """A value that the converter takes."""
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return 1 if isinstance(converter, IntegerConverter) else nobody


def test_every_post_route_asks_for_the_token_but_those_that_carry_no_authority(guarded: World) -> None:
    """Exempt are the inbox (its signature is the permission), a stranger's report, a helper's question (no authority)."""
    client, free = guarded.client("zhou"), set()
    for rule in guarded.app.url_map.iter_rules():
        if "POST" in (rule.methods or ()):
            nobody = "00000000-0000-7000-8000-000000000000"
            args = {name: _some(rule._converters[name], nobody) for name in rule.arguments}
            with guarded.app.test_request_context():
                url = guarded.app.url_map.bind("localhost").build(rule.endpoint, args, method="POST")
            answer = client.post(url)
            text = str(answer.json["say"]) if answer.is_json else said(answer)
            if "刷新" not in text:
                free.add(rule.endpoint)
    assert free == {"inbox.post", "inbox.post_many", "inbox.unseal", "faces.report", "faces.report_capital", "rescue.ask"}


# ---- assets ----


def test_assets_carry_their_digest_and_are_kept_for_a_year(small: Flask) -> None:
    client = small.test_client()
    with small.test_request_context():
        url = small.jinja_env.globals["asset"]("app.css")  # type: ignore[operator]
    answer = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert gzip.decompress(answer.data).startswith(b"") and answer.headers["Content-Encoding"] == "gzip"
    old = client.get("/assets/000000000000/app.css")
    assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "name",
    [
        "no.css",
        "../webapp/access.py",
        "..%2fwebapp%2faccess.py",
        "css/../../wsgi.py",
        "vendor",
        "",
        "x.py",
        "js/../../.git/config",
    ],
)
def test_nothing_outside_the_shelf_is_sent(small: Flask, name: str) -> None:
    assert small.test_client().get(f"/assets/000000000000/{name}").status_code in (404, 308)


def test_first_pages_of_a_cold_start_make_small_in_turn(monkeypatch):
    """The minifier has one configuration for all threads, and knows no kind of file while it takes one in."""
    real, mid, met = assets.minify, threading.Lock(), []

    def config(given):
        met.append(mid.acquire(blocking=False))
        real.config(given)

    def string(kind, text):
        said = real.string(kind, text)
        mid.release()
        return said

    monkeypatch.setattr(assets, "minify", SimpleNamespace(config=config, string=string))
    with ThreadPoolExecutor(8) as pool:
        small = set(pool.map(lambda _: assets._small("text/css", b"/* said */ .a { color : red ; }\n" * 50), range(80)))
    assert small == {b".a{color:red}" * 50}
    assert met == [True] * 80
