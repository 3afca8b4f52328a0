"""The latch of the doors: their blueprint, the PIN lock, which phones a browser knows, codes as pictures."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import qrcode
from flask import Blueprint, Response, after_this_request, current_app, request, session, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from webapp.access import Role
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import login
from webapp.people.models import Grant
from webapp.store import audit, db, secrets
from webapp.web import limits, page
from webapp.web.forms import PlainForm
from webapp.web.guard import actor, htmx

bp = Blueprint("doors", __name__)

PRIVATE_VERBS = frozenset({"ledger.see", "health.see"})
"""Reading these asks for a PIN given lately: the book and the health history."""
UNLOCKED = frozenset({"doors.pin", "doors.sign_out"})
PHONES, MOST_PHONES = "phones", 8
HALF_MINUTE = 30


@bp.record_once
def _cookies(state: BlueprintSetupState) -> None:
    """The rows say how long a sign-in lasts; the cookie must only outlive the longest of them."""
    state.app.config.update(PERMANENT_SESSION_LIFETIME=login.KIN_LIFE, SESSION_REFRESH_EACH_REQUEST=False)


# ---- the PIN lock ----


@bp.before_app_request
def _lock() -> ResponseReturnValue | None:
    """A locked phone shows nothing; what it recorded still goes out (inbox, kept forms), and open doors stay open."""
    who: Any = actor()
    if who is None or who.device_id is None or request.endpoint is None or page.inside():
        return None
    verb = getattr(current_app.view_functions[request.endpoint], "verb", None)
    if verb is None or request.endpoint in UNLOCKED or request.endpoint == "live.events" or _carries_record():
        return None
    if login.locked(who, _used_at(), private=verb in PRIVATE_VERBS and request.method in db.SAFE):
        return _to_pin()
    if who.shared and (request.method == "POST" or not htmx):
        _touch()
    return None


def _carries_record() -> bool:
    """A kept form posted without our scripts: a record is never held up by a lock."""
    return request.method == "POST" and all(name in request.form for name in ("id", "made_at", "seal"))


def _used_at() -> datetime | None:
    seconds = session.get("used")
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _touch() -> None:
    """Note in the cookie that somebody is at it; what a page fetches by itself does not count."""
    now = int(clock.now().timestamp())
    if now - int(session.get("used", 0)) >= HALF_MINUTE:
        session["used"] = now


def _to_pin() -> ResponseReturnValue:
    here = request.full_path.rstrip("?") if request.method == "GET" and not htmx else from_path()
    where = url_for("doors.pin", next=here)
    return page.go(where) if not htmx else Response("", 401, {"HX-Redirect": where})


def from_path() -> str:
    """The page the browser stands on, without its host."""
    root = request.host_url.rstrip("/")
    there = request.referrer or ""
    return there[len(root) :] if there.startswith(root + "/") else "/"


# ---- the phones of this browser: which PINs may be tried here ----


def known_phones() -> list[uuid.UUID]:
    """Devices enrolled on this browser, from the signed cookie; possession only, the PIN is still asked for."""
    pairs = [part.partition(".") for part in request.cookies.get(PHONES, "").split("~")[:MOST_PHONES]]
    keys = [(ids.parse(key), key, seal) for key, _dot, seal in pairs]
    return [found for found, key, seal in keys if found and secrets.signed(key, seal, PHONES)]


def remember_phone(device_id: uuid.UUID) -> None:
    """Let this browser try the PIN of a phone enrolled on it, from now on."""
    keys = [device_id, *(each for each in known_phones() if each != device_id)][:MOST_PHONES]
    value = "~".join(f"{key}.{secrets.sign(str(key), PHONES)}" for key in keys)
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])

    @after_this_request
    def write(response: Response) -> Response:
        response.set_cookie(PHONES, value, max_age=400 * 86400, httponly=True, samesite="Lax", secure=secure)
        return response


# ---- what the doors share ----


OUT = (Role.CAREGIVER, Role.INSPECTOR)


def phone_grants(account_id: uuid.UUID) -> list[tuple[Grant, str | None]]:
    """A PIN opens only what is done on the way: a caregiver's day, a supervisor's checklists. Office roles ask for a password."""
    return [(row, place) for row, place in login.grants_of(account_id) if row.role in OUT]


def wrong_slip(purpose: str, network: str) -> None:
    """Write down a code that opened nothing; the next try from this network waits longer. Commits."""
    limits.wrong("slip", network)
    audit.note("slip.wrong", f"slip:{purpose}", network=network)
    db.settle()


def mark(form: PlainForm, refusal: Refusal, names: dict[str, str] | None = None) -> None:
    """Put a refusal's sentence beside its field, else beside the first one."""
    wish = str(refusal.facts.get("field", ""))
    wish = (names or {}).get(wish, wish)
    field = form[wish] if wish in form else next(iter(form))
    field.errors = (refusal.words(_),)


def public(endpoint: str, **values: Any) -> str:
    """An address that works from another phone."""
    return str(current_app.extensions["settings"].public_url) + url_for(endpoint, **values)


def qr(text: str) -> Markup:
    """`text` as an SVG of black modules on white, quiet zone included."""
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=4)
    code.add_data(text)
    rows = code.get_matrix()
    dots = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, on in enumerate(row) if on)
    return Markup(
        '<svg width="264" height="264" viewBox="0 0 {0} {0}" role="img" aria-label="{1}" shape-rendering="crispEdges">'
        '<rect width="{0}" height="{0}" fill="#fff"/><path d="{2}" fill="#000"/></svg>'
    ).format(len(rows), _("二维码"), dots)
