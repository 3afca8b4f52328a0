"""The front page of each role, scanning, and the visit page that gathers a visit's steps."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from webapp.access import STAFF, Actor, Role
from webapp.cards import queries as cards
from webapp.cards.models import Card
from webapp.kit import clock, ids
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people import rules
from webapp.today import gather, queries
from webapp.today.forms import ScanForm
from webapp.today.gather import Shown
from webapp.web import limits, page
from webapp.web.guard import allow, me

bp = Blueprint("today", __name__)

NUMBERS_AN_HOUR = 60


@bp.app_template_filter("age")
def age(birth: date) -> int:
    """Whole years today, for templates."""
    return rules.age(birth, clock.today())


@bp.get("/")
@bp.get("/today", endpoint="start")
@allow("people.self")
def index() -> ResponseReturnValue:
    """The front page of whoever asks."""
    who = me()
    if who.role == Role.CAREGIVER:
        return _caregiver(who)
    if who.role == Role.KIN:
        return page.go(url_for("family.index"))
    if who.role in STAFF:
        facts: dict[str, Any] = {
            "place": who.place_name,
            "today": clock.today(),
            "todo": queries.todo(who, clock.today()),
        }
        return page.render("today/office.html", **facts)
    return page.render("today/plain.html")


def _caregiver(who: Actor) -> Response:
    stops = queries.day_of(who, clock.today())
    return page.render("today/caregiver.html", piece="day", stops=stops, upcoming=queries.next_stop(stops), today=clock.today())


@bp.get("/scan")
@allow("visits.record")
def scan() -> Response:
    """The camera, and the number pad beside it from the start."""
    return page.render("today/scan.html", form=ScanForm())


@bp.post("/scan")
@allow("visits.record")
def found() -> Response:
    """What a scanned token or a typed number stands for, for this caregiver: the page of arriving or leaving."""
    who, form = me(), ScanForm()
    if not form.validate():
        return page.render("today/scan.html", status=422, form=form)
    if form.number.data:
        limits.check("number", str(who.account_id), most=NUMBERS_AN_HOUR)
    card = cards.by_token(form.token.data) if form.token.data else cards.by_number(form.number.data)
    if card is None and form.number.data:
        limits.count("number", str(who.account_id), within=timedelta(hours=1))
    known = card is not None and card.household_id is not None and people.reaches(who, card.household_id)
    if card is None or card.household_id is None or not known or not card.live:
        form.number.errors = (*form.number.errors, _said(card, known))
        return page.render("today/scan.html", status=422, form=form)
    return _visit_at(who, card.household_id, Shown(card, form.token.data, form.number.data))


def _said(card: Card | None, known: bool) -> str:
    if card is not None and known:
        return _("这张卡停用了。请告诉站长，先用“卡找不到”签到")
    return _("这张卡不是您今天要去的人家。请核对一下，或打给服务站")


def _visit_at(who: Actor, household_id: uuid.UUID, shown: Shown) -> Response:
    """The visit page for a household: the open visit, else today's shift, else an unplanned visit minted here."""
    visit_id = queries.waiting_at(who, household_id, clock.today()) or ids.new()
    return _show(who, visit_id, household_id, shown)


@bp.get("/today/households/<uuid:household_id>")
@allow("visits.record")
def household(household_id: uuid.UUID) -> Response:
    """The visit page of a household scanned outside the app: without the card's token, so the number or a reason is asked."""
    return _visit_at(me(), household_id, Shown())


@bp.get("/today/visits/<uuid:visit_id>")
@allow("visits.record")
def visit(visit_id: uuid.UUID) -> Response:
    """One visit with all its steps, in whatever state it is; also before arrival."""
    return _show(me(), visit_id, None, Shown())


def _show(who: Actor, visit_id: uuid.UUID, home_id: uuid.UUID | None, shown: Shown) -> Response:
    return page.render("today/visit.html", piece="steps", **gather.visit(who, visit_id, home_id, shown))


@bp.post("/sightings/<uuid:sighting_id>")
@allow("people.edit")
def take_up(sighting_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody of the station sees to what a stranger reported."""
    who = me()
    queries.sighting(who, sighting_id).take_up(who.account_id)
    return page.go(url_for("today.index"), _("记下了，由您来管"))
