"""What every page's frame needs to know: the bar of the reader's role, text size, the demo mark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request, url_for
from markupsafe import Markup

from webapp.access import OFFICE, Role
from webapp.kit import money, show
from webapp.kit.settings import Settings
from webapp.kit.words import _l
from webapp.web.guard import actor
from webapp.web.language import LANGUAGES

VERSION = "0.1.0"
STILL = 500
"""Drawn pieces a process keeps, a few kilobytes each."""

# endpoint, icon, words, verb
PHONE = (
    ("today.index", "home", _l("今天")),
    ("today.scan", "scan-line", _l("扫码")),
    ("ledger.index", "notebook-text", _l("账本")),
    ("doors.me", "user", _l("我的")),
)
DESK = (
    ("today.index", "home", _l("今天")),
    ("visits.live", "activity", _l("实时在岗")),
    ("people.index", "users", _l("老人和人员")),
    ("roster.index", "calendar", _l("排班")),
    ("evaluations.index", "clipboard-check", _l("月考核")),
    ("inspections.index", "clipboard-list", _l("检查")),
    ("training.index", "graduation-cap", _l("培训")),
    ("doors.me", "user", _l("我的")),
)
CHECK = (
    ("inspections.index", "clipboard-list", _l("检查")),
    ("inspections.scan", "scan-line", _l("扫门牌")),
    ("evaluations.index", "clipboard-check", _l("月考核")),
    ("doors.me", "user", _l("我的")),
)
KIN = (("today.index", "home", _l("老人")), ("doors.me", "user", _l("我的")))

BARS = {"phone": PHONE, "desk": DESK, "check": CHECK, "kin": KIN}


@dataclass(frozen=True)
class Door:
    """One entry of the bar."""

    url: str
    icon: str
    label: object
    active: bool


def init_app(app: Flask) -> None:
    """Give templates their frame."""
    app.context_processor(_facts)
    app.jinja_env.filters["money"] = money.show
    app.jinja_env.globals.update(bar_kind=bar_kind, bar_doors=bar_doors, languages=LANGUAGES, app_version=VERSION, still=still)
    app.extensions["still"] = {}


def still(name: str, *key: object, caller: Callable[[], Markup], unless: object = False) -> Markup:
    """What a template's `call` block draws, drawn once for all readers of a language with the same `key`.

    For the large parts of forms that nobody has typed into. Whatever the block reads must be in `key`; `unless` (errors,
    something typed) draws it anew.
    """
    here, shelf = show.chinese(), current_app.extensions["still"]
    whole = (name, here, key)
    if unless or current_app.debug:
        return caller()
    if whole not in shelf:
        if len(shelf) >= STILL:
            shelf.clear()
        shelf[whole] = caller()
    drawn: Markup = shelf[whole]
    return drawn


def bar_kind() -> tuple[str, str] | None:
    """Which bar the page has and which of its entries one stands in; None when nobody is signed in."""
    who = actor()
    if who is None:
        return None
    kind = {Role.CAREGIVER: "phone", Role.KIN: "kin", Role.INSPECTOR: "check"}.get(who.role, "desk")
    here = request.endpoint or ""
    return kind, here if here in {entry[0] for entry in BARS[kind]} else ""


def bar_doors(kind: str, here: str) -> list[Door]:
    """The entries of a bar, as `bar_kind` names it."""
    known = current_app.view_functions
    return [Door(url_for(e), icon, label, e == here) for e, icon, label in BARS[kind] if e in known]


def _facts() -> dict[str, Any]:
    who = actor()
    chosen: Settings = current_app.extensions["settings"]
    return {
        "who": who,
        "office": who is not None and who.role in OFFICE,
        "scale": getattr(who, "scale", 100),
        "carries": who is not None and who.role == Role.INSPECTOR and bool(getattr(who, "device_id", None)),
        "is_sample": chosen.sample,
    }
