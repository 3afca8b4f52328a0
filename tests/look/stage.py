"""A small stage for templates alone: the real templates and css, and the least that stands for a server."""

from __future__ import annotations

import logging
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from werkzeug.serving import make_server
from wtforms import (
    BooleanField,
    DateField,
    Form,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
)

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
SHEETS = ("tokens", "base", "layout", "ui", "print")
WORDS = ROOT / "webapp" / "translations" / "en" / "look.po"
CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CAREGIVER = [
    ("/today", "home", "今天"),
    ("/scan", "scan-line", "扫码"),
    ("/book", "book", "账本"),
    ("/me", "user", "我的"),
]
OFFICE = [
    ("/todo", "bell", "待办"), ("/live", "activity", "实时在岗"), ("/residents", "users", "老人"),
    ("/roster", "calendar", "排班"), ("/look", "alert-triangle", "请看一下"), ("/review", "star", "考核"),
    ("/money", "wallet", "账目"), ("/requests", "hand-heart", "六助"), ("/cards", "id-card", "卡片"),
    ("/settings", "settings", "设置"),
]  # fmt: skip


@dataclass(frozen=True)
class Door:
    """One place of the bar."""

    url: str
    icon: str
    label: str
    active: bool


class Loud(Undefined):
    """An undefined name is falsy, as in the app, but printing it is an error."""

    __str__ = StrictUndefined.__str__
    __iter__ = StrictUndefined.__iter__


class PhotoField(StringField):
    """Stands for the app's field of photos."""

    most = 6


class EverySort(Form):
    """One field of each sort a page uses."""

    name = StringField("姓名", [validators.InputRequired()])
    phone = StringField("手机号", description="十一位数字")
    born = DateField("生日")
    station = SelectField("服务站", choices=[("1", "和平里社区"), ("2", "民政街社区")])
    words = TextAreaField("记几句")
    agreed = BooleanField("老人看过")
    receipt = PhotoField("拍小票")
    mood = RadioField("老人今天", choices=["精神好", "一般", "不舒服"], validators=[validators.InputRequired()])
    money = StringField("多少钱（元）", [validators.InputRequired()])
    done = SelectMultipleField(
        "做了哪些事",
        choices=[
            ("meal", "做饭", {"data-icon": "cooking-pot"}),
            ("clean", "清扫", {"data-icon": "broom"}),
            ("shop", "买菜", {"data-icon": "shopping-bag"}),
            ("talk", "陪聊", {"data-icon": "message-square"}),
            ("pressure", "量血压", {"data-icon": "heart-pulse"}),
            ("bath", "助浴", {"data-icon": "bath"}),
        ],
    )


def filled() -> EverySort:
    """A form with answers in it."""
    given = {"name": "李秀兰", "done": ["meal", "clean", "talk"], "mood": "精神好", "money": "36.50"}
    return EverySort(data=given)


def faulty() -> EverySort:
    """The same form come back with things to change."""
    form = EverySort(data={"name": "", "phone": "123", "done": ["meal"]})
    form.name.errors = ("这里要填",)
    form.phone.errors = ("号码少了几位，请再看一下",)
    form.mood.errors = ("请选一个",)
    return form


def environment(lang: str = "zh-CN") -> Environment:
    """The templates as the app compiles them, with words in `lang` (`zh-CN` or `en`)."""
    env = Environment(
        loader=FileSystemLoader([ROOT / "templates", ROOT / "tests" / "look" / "pages"]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        undefined=Loud,
    )
    words = english() if lang == "en" else NullTranslations()
    env.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    env.globals.update(asset=asset, csrf_token=lambda: "token", kept_marks=lambda form: "")
    env.globals.update(get_flashed_messages=lambda **_: [])
    env.globals["ui"] = env.get_template("ui.html").module
    return env


def english() -> Translations:
    """The English of the shell's own words."""
    with WORDS.open("rb") as source:
        catalogue = read_po(source, locale="en")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def asset(name: str) -> str:
    """Where a static file is served; the stage stamps nothing."""
    return f"/static/{name}"


def page(name: str, lang: str = "zh-CN", scale: str = "100", **given: Any) -> str:
    """One page of tests/look/pages or templates, whole, as a phone would get it."""
    places = OFFICE if name in {"live", "review", "office"} else CAREGIVER
    facts = {
        "lang": lambda: lang, "scale": scale, "who": None, "app_version": "test", "is_sample": False,
        "station_phone": "0411-0000 1234", "filled": filled(), "faulty": faulty(),
        "nav": lambda: [Door(url, icon, word, url == f"/{name}") for url, icon, word in places],
    }  # fmt: skip
    return environment(lang).get_template(f"{name}.html").render({**facts, **given})


def sheet() -> bytes:
    """All css in the order the server joins it."""
    return b"\n".join((STATIC / "css" / f"{name}.css").read_bytes() for name in SHEETS)


def answer(environ: dict[str, Any], start: Any) -> list[bytes]:
    """Serve /static and, for every other address, the page of that name."""
    path = environ["PATH_INFO"].lstrip("/")
    if path == "static/app.css":
        return send(start, sheet(), "text/css")
    if path.startswith("static/") and (STATIC / path[7:]).is_file():
        kind = mimetypes.guess_type(path)[0] or "application/wasm"
        return send(start, (STATIC / path[7:]).read_bytes(), kind)
    if path.startswith(("static/", "manifest", "favicon")):
        return send(start, b"", "text/javascript")
    asked = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    return send(start, page(path, **asked).encode(), "text/html; charset=utf-8")


def send(start: Any, body: bytes, kind: str) -> list[bytes]:
    start("200 OK", [("Content-Type", kind), ("Content-Security-Policy", CSP)])
    return [body]


@contextmanager
def raised() -> Iterator[str]:
    """The stage's address while it stands."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, answer, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
