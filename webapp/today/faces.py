"""/c/<token>: one code, five faces. Who asks decides what is shown; every opening is written down."""

from __future__ import annotations

import ipaddress

import sqlalchemy as sa
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from webapp.access import STAFF, Actor, Role, within
from webapp.cards import models as cards
from webapp.cards import queries as card_queries
from webapp.cards.models import Card, CardKind
from webapp.people import queries as people
from webapp.people.models import Household, Place, PlaceKind
from webapp.store import db
from webapp.today.forms import SightingForm
from webapp.web import limits, page
from webapp.web.guard import actor, csrf, open_door

bp = Blueprint("faces", __name__)

REPORTS_A_DAY = 20


@bp.get("/c/<token>")
@bp.get("/C/<token>", endpoint="card_capital")
@open_door
def card(token: str) -> ResponseReturnValue:
    """The face of a card for whoever asks. Unknown, revoked and malformed tokens get one and the same page."""
    db.writes()
    found = card_queries.by_token(token)
    who = actor()
    face = _face(found, who)
    cards.log_scan(found, who, face, _network())
    if found is None or face == "unknown":
        return _closed(page.render("today/unknown.html", duty=None, district=_district()))
    if face == "caregiver":
        return _closed(page.go(url_for("today.household", household_id=found.household_id)))
    if face == "kin":
        return _closed(page.go(url_for("family.index")))
    if face == "inspector":
        return _closed(page.go(url_for("inspections.home", household_id=found.household_id)))
    if face == "station":
        return _closed(page.go(url_for("people.household", household_id=found.household_id)))
    return _closed(_stranger(found, SightingForm()))


def _face(found: Card | None, who: Actor | None) -> str:
    if found is None or not found.live:
        return "unknown"
    if who is not None and found.household_id and _reaches(who, found):
        if who.role == Role.CAREGIVER:
            return "caregiver"
        if who.role == Role.KIN:
            return "kin"
        if who.role == Role.INSPECTOR:
            return "inspector"
        if who.role in STAFF:
            return "station"
    # a plate hangs inside a home: outside it tells nobody anything
    return "unknown" if found.kind == CardKind.PLATE else "stranger"


def _reaches(who: Actor, found: Card) -> bool:
    return db.session().scalar(within(who, sa.select(Household)).where(Household.id == found.household_id)) is not None


def _stranger(found: Card, form: SightingForm, status: int = 200, told: bool = False) -> Response:
    station = card_queries.station_of(found)
    duty = people.duty_now(station)
    return page.render(
        "today/stranger.html", status=status, station=station, duty=duty, form=form, told=told, badge=found.kind == CardKind.BADGE
    )


@bp.post("/c/<token>")
@open_door
def report(token: str) -> ResponseReturnValue:
    """A stranger says where the bearer is. Too many reports from one network only lose the form, never the number."""
    found = card_queries.by_token(token)
    if found is None or not found.live or found.kind in (CardKind.PLATE, CardKind.BADGE):
        db.undo()
        return _closed(page.render("today/unknown.html", duty=None, district=_district()))
    form = SightingForm()
    if not form.validate():
        return _closed(_stranger(found, form, 422))
    if limits.count("sighting", _network(), within=limits.DAY) <= REPORTS_A_DAY:
        station = card_queries.station_of(found)
        cards.report(found, station.id, form.words.data or "", form.phone.data or None, form.lat_e6.data, form.lon_e6.data)
    db.settle()
    db.writes()
    return _closed(_stranger(card_queries.by_token(token) or found, SightingForm(formdata=None), told=True))


csrf.exempt(report)  # it carries no authority, and the page must be the same for everybody


def _closed(answer: ResponseReturnValue) -> ResponseReturnValue:
    """No cache, no referrer, no index."""
    answer.headers["Referrer-Policy"] = "no-referrer"  # type: ignore[union-attr]
    answer.headers["X-Robots-Tag"] = "noindex"  # type: ignore[union-attr]
    return answer


def _district() -> Place | None:
    return db.session().scalar(sa.select(Place).where(Place.kind == PlaceKind.DISTRICT).order_by(Place.code).limit(1))


def _network() -> str:
    try:
        address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))
