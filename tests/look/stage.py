"""A small stage for parts alone: the real app, and pages that show every part in every state."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.serving import make_server
from wtforms import (
    BooleanField,
    DateField,
    Form,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
)

from tests.conftest import settings
from webapp import create_app
from webapp.web.guard import open_door

PAGES = Path(__file__).parent / "pages"

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


class PhotoField(StringField):
    """Stands for the app's field of photos."""

    most = 6


class EverySort(Form):
    """One field of each sort a page uses."""

    name = StringField("姓名", [validators.InputRequired()])
    phone = StringField("手机号", description="十一位数字")
    born = DateField("生日")
    station = SelectField("服务站", choices=[SelectChoice("1", "和平里社区"), SelectChoice("2", "民政街社区")])
    words = TextAreaField("记几句")
    agreed = BooleanField("老人看过")
    receipt = PhotoField("拍小票")
    mood = RadioField("老人今天", choices=["精神好", "一般", "不舒服"], validators=[validators.InputRequired()])
    money = StringField("多少钱（元）", [validators.InputRequired()])
    done = SelectMultipleField(
        "做了哪些事",
        choices=[
            SelectChoice("meal", "做饭", {"data-icon": "cooking-pot"}),
            SelectChoice("clean", "清扫", {"data-icon": "broom"}),
            SelectChoice("shop", "买菜", {"data-icon": "shopping-bag"}),
            SelectChoice("talk", "陪聊", {"data-icon": "message-square"}),
            SelectChoice("pressure", "量血压", {"data-icon": "heart-pulse"}),
            SelectChoice("bath", "助浴", {"data-icon": "bath"}),
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


def set_up(folder: Path) -> Flask:
    """The app, with the pages of this folder under /look/."""
    app = create_app(settings(folder))
    app.jinja_env.loader = ChoiceLoader([app.jinja_env.loader, FileSystemLoader(PAGES)])  # type: ignore[list-item]

    @app.get("/look/<path:name>")
    @open_door
    def look(name: str) -> str:
        doors = [Door(url, icon, word, url == f"/{name}") for url, icon, word in (OFFICE if name == "review" else CAREGIVER)]
        scale, phone = request.args.get("scale", "100"), "0411-0000 1234"
        return render_template(
            f"{name}.html", bar_kind=lambda: ("look", name), bar_doors=lambda *_bar: doors, scale=scale, station_phone=phone,
            filled=filled(), faulty=faulty(),
        )  # fmt: skip

    return app


@contextmanager
def raised() -> Iterator[str]:
    """The stage's address while it stands."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        server = make_server("127.0.0.1", 0, set_up(Path(folder)), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/look"
        server.shutdown()
