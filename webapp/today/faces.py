"""/c/<token>: one code, five faces. Who asks decides what is shown; every opening is written down."""

from __future__ import annotations

import ipaddress
import uuid

import sqlalchemy as sa
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from webapp.access import STAFF, Actor, Role, within
from webapp.cards import models as cards
from webapp.cards import queries as card_queries
from webapp.cards.models import Card, CardKind, Sighting
from webapp.family import own
from webapp.family import queries as family
from webapp.kit import clock, ids
from webapp.people import queries as people
from webapp.people.models import Household, Place, PlaceKind
from webapp.requests import queries as requests
from webapp.store import db
from webapp.today.forms import SightingForm
from webapp.web import limits, page
from webapp.web.guard import actor, csrf, open_door

bp = Blueprint("faces", __name__)
NOBODY = uuid.UUID(int=0)

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
    cards.log_scan(found, who, face, network(), agent())
    if found is not None and face in ("caregiver", "kin", "doctor", "inspector", "station", "helper"):
        return closed(page.go(_inside(face, found, who)))
    # both answers are made, whichever is given: how long it takes must not tell whether there is such a card
    open_, nobodys = found if face == "stranger" else None, _decoy()
    shown = closed(_stranger(open_ or nobodys, SightingForm(formdata=None), followed=_followed(open_)))
    nothing = unknown()
    return shown if open_ else nothing


def _decoy() -> Card:
    """A card that is nobody's, to do the work of one with."""
    station = db.session().scalar(sa.select(Place.id).where(Place.kind == PlaceKind.STATION).order_by(Place.code).limit(1))
    return Card(kind=CardKind.RESIDENT, station_id=station, household_id=NOBODY)


def _inside(face: str, found: Card, who: Actor | None) -> str:
    """Where somebody who is known lands: on their task for this household; the elder on a page of their own, where the
    phone or tablet is theirs to use.
    """
    if found.resident_id and face in ("kin", "station") and own.is_here():
        return url_for("own.show", resident_id=found.resident_id)
    if face == "kin" and who and (tie := family.of_card(who, found.resident_id)):
        return url_for("family.show", kin_id=tie)
    if face == "helper" and who:
        return errand(who, found) or "/"
    if face == "caregiver":
        return url_for("today.household", household_id=found.household_id)
    if face == "doctor":
        return url_for("health.sheet", resident_id=found.resident_id)
    if face == "inspector":
        return url_for("inspections.home", household_id=found.household_id)
    return url_for("family.index") if face == "kin" else url_for("people.household", household_id=found.household_id)


def _face(found: Card | None, who: Actor | None) -> str:
    if found is None or not found.live:
        return "unknown"
    if who is not None and found.household_id and _reaches(who, found):
        if who.role == Role.CAREGIVER:
            return "caregiver"
        if who.role == Role.KIN:
            return "kin"
        if who.role == Role.DOCTOR and found.resident_id:
            return "doctor"
        if who.role == Role.INSPECTOR:
            return "inspector"
        if who.role in STAFF:
            return "station"
    if who is not None and errand(who, found):
        return "helper"
    # a plate hangs inside a home: outside it tells nobody anything
    return "unknown" if found.kind == CardKind.PLATE else "stranger"


def errand(who: Actor, found: Card) -> str | None:
    """The page of what somebody was sent to do at the home of a card, what is due first."""
    sent = requests.sent_to(who, found.household_id, 1) if found.household_id else ()
    return url_for("requests.show", request_id=sent[0].id) if sent else None


def _reaches(who: Actor, found: Card) -> bool:
    return db.session().scalar(within(who, sa.select(Household)).where(Household.id == found.household_id)) is not None


def _followed(found: Card | None) -> Sighting | None:
    """The report that the address of this page follows (`?r=`), if it is one of this card."""
    if found is None:
        return None
    key = ids.parse(request.args.get("r"))
    row = db.session().get(Sighting, key) if key else None
    return row if row is not None and row.card_id == found.id else None


def _stranger(found: Card, form: SightingForm, status: int = 200, followed: Sighting | None = None) -> Response:
    station, token = card_queries.station_of(found), (request.view_args or {}).get("token")
    state = followed.state if followed else None
    return page.render(
        "today/stranger.html", status=status, station=station, duty=people.duty_now(station), form=form, state=state,
        waits=bool(followed and not followed.closed_at), now=clock.now(), badge=found.kind == CardKind.BADGE,
        token=token, within=url_for("faces.enter", token=token),
    )  # fmt: skip


@bp.post("/c/<token>")
@bp.post("/C/<token>", endpoint="report_capital")
@open_door
def report(token: str) -> ResponseReturnValue:
    """A stranger says where the bearer is. Too many reports from one network only lose the form, never the number."""
    found = worn(token)
    if found is None:
        db.undo()
        return unknown()
    form = SightingForm()
    if not form.validate():
        return closed(_stranger(found, form, 422))
    row = None
    if limits.count("sighting", network(), within=limits.DAY) <= REPORTS_A_DAY:
        station, mark = card_queries.station_of(found), cards.mark_of(network(), agent())
        row = cards.report(found, station.id, form.words.data or "", form.phone.data or None, mark)
    return closed(page.go(url_for("faces.card", token=token, r=row.id if row else None, lang=request.args.get("lang"))))


csrf.exempt(report)  # it carries no authority, and the page must be the same for everybody


@bp.get("/c/<token>/in")
@open_door
def enter(token: str) -> ResponseReturnValue:
    """我是养护员或家属: sign in and come back to this card. Says nothing about the token."""
    return closed(page.go(url_for("doors.sign_in", next=url_for("faces.card", token=token[:60]))))


def worn(token: str) -> Card | None:
    """The live card of a resident that a token stands for; nothing for plates, badges and what is unknown."""
    found = card_queries.by_token(token)
    return found if found is not None and found.live and found.resident_id else None


def unknown() -> ResponseReturnValue:
    """The one page for tokens that open nothing."""
    return closed(page.render("today/unknown.html", duty=None, district=_district()))


def closed(answer: ResponseReturnValue) -> ResponseReturnValue:
    """No cache, no referrer, no index."""
    answer.headers["Referrer-Policy"] = "no-referrer"  # type: ignore[union-attr]
    answer.headers["X-Robots-Tag"] = "noindex"  # type: ignore[union-attr]
    return answer


def _district() -> Place | None:
    return db.session().scalar(sa.select(Place).where(Place.kind == PlaceKind.DISTRICT).order_by(Place.code).limit(1))


def network() -> str:
    """The coarse network of whoever asks: /24 or /48."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def agent() -> str:
    """What the browser says it is, with its languages: tells two phones of one network apart without a cookie."""
    return f"{request.user_agent.string[:300]} {request.headers.get('Accept-Language', '')[:60]}"
