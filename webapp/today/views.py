"""The front page of each role, scanning, and the visit page that gathers a visit's steps."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from webapp.access import STAFF, Actor, Role
from webapp.cards import queries as cards
from webapp.cards.models import Card, log_scan
from webapp.kit import clock, ids
from webapp.kit.words import _
from webapp.messages import queries as messages
from webapp.messages import words
from webapp.people import queries as people
from webapp.people import rules
from webapp.people.desk import look
from webapp.people.forms import SPOTS
from webapp.requests import queries as requests
from webapp.requests import words as helps
from webapp.roster.forms import ConfirmLeaveForm
from webapp.roster.queries import HANDOVER
from webapp.store import db
from webapp.today import carrying, faces, gather, queries, todo
from webapp.today import handover as handovers
from webapp.today.forms import ScanForm
from webapp.today.gather import Shown
from webapp.today.packet import scannable
from webapp.visits.forms import ConfirmCallForm
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
        return _caregiver(who, _day())
    if who.role == Role.KIN:
        return page.go(url_for("family.index"))
    if who.role in STAFF:
        return page.render("today/office.html", piece="todo", **_office(who))
    if who.role == Role.INSPECTOR:
        return page.go(url_for("inspections.index"))
    backed_up = carrying.backed_up() if who.role == Role.ADMINISTRATOR else None
    return page.render("today/plain.html", sent=requests.sent_to(who), helps=helps, backed_up=backed_up)


def _office(who: Actor) -> dict[str, Any]:
    """What an office must do now, and the topics that change it: of many stations below, none."""
    topics = [f"tasks:{who.place_id}", f"told:{who.account_id}"]
    if who.role == Role.STATION_HEAD:
        topics.append(f"roster:{who.place_id}")
    return {"place": who.place_name, "today": clock.today(), "todo": todo.todo(who), "topics": topics, "words": words}


def _day() -> date:
    """Today; a phone that keeps pages asks for tomorrow too."""
    tomorrow = clock.today() + timedelta(days=1)
    return tomorrow if request.args.get("day") == tomorrow.isoformat() else clock.today()


def _caregiver(who: Actor, day: date) -> Response:
    front = queries.front(who, day)
    return page.render(
        "today/caregiver.html", piece="day", told=front.told, front=front,
        stops=front.stops, upcoming=queries.next_stop(front.stops), today=day,
        confirm=_confirm, spots=dict(SPOTS), iso=date.fromisoformat,
    )  # fmt: skip


@bp.get("/today/told")
@allow("visits.record")
def told() -> ResponseReturnValue:
    """What a caregiver should see, for her open page to fetch again."""
    if not page.wants_piece():
        return page.go(url_for("today.index"))
    return page.render("today/caregiver.html", piece="told", told=messages.told(me()))


def _confirm(key: uuid.UUID, leave: bool = False) -> ConfirmCallForm | ConfirmLeaveForm:
    """Her word about what was written down for her, in one tap."""
    form = ConfirmLeaveForm(data={"leave": key}) if leave else ConfirmCallForm(data={"call": key, "agrees": "yes"})
    for field in form:  # several stand on one page
        field.id = f"{field.name}-{key}"
    return form


@bp.get("/today/households/<uuid:household_id>/handover")
@allow("visits.record")
def handover(household_id: uuid.UUID) -> Response:
    """接替须知. That her phone has fetched it is written down: the station sees 已到他手机."""
    who = me()
    told = handovers.handover(who, household_id)
    look(who, household_id, HANDOVER)
    return page.render("today/handover.html", told=told, home=told.home, today=clock.today())


@bp.get("/scan")
@allow("visits.record")
def scan() -> Response:
    """The camera, and the number pad beside it from the start."""
    return page.render("today/scan.html", form=ScanForm(), known=scannable(me(), clock.today()))


@bp.post("/scan")
@allow("visits.record")
def found() -> ResponseReturnValue:
    """What a scanned token or a typed number stands for, for this caregiver: the page of arriving or leaving."""
    who, form = me(), ScanForm()
    if not form.validate():
        return _scan_again(form)
    if form.number.data:
        limits.check("number", str(who.account_id), most=NUMBERS_AN_HOUR)
    card = cards.by_token(form.token.data) if form.token.data else cards.by_number(form.number.data)
    if card is None and form.number.data:
        limits.count("number", str(who.account_id), within=timedelta(hours=1))
    known = card is not None and card.household_id is not None and people.reaches(who, card.household_id)
    if card is not None and card.live and not known and (there := faces.errand(who, card)):
        log_scan(card, who, "helper", faces.network(), faces.agent())
        return page.go(there)
    if card is None or card.household_id is None or not known or not card.live:
        form.number.errors = (*form.number.errors, _said(card, known))
        return _scan_again(form)
    return _visit_at(who, card.household_id, Shown(card, form.token.data, form.number.data))


def _scan_again(form: ScanForm) -> Response:
    with db.reads():
        known = scannable(me(), clock.today())
    return page.render("today/scan.html", status=422, form=form, known=known)


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
    """The visit page of a household: of `visit` in the address (minted by a phone), else of what goes on or comes next."""
    visit_id = ids.parse(request.args.get("visit"))
    return _show(me(), visit_id, household_id, Shown()) if visit_id else _visit_at(me(), household_id, Shown())


@bp.get("/today/unplanned")
@allow("visits.record")
def unplanned() -> Response:
    """The steps of a visit behind a card this phone does not know: the station finds out later whose it is."""
    visit_id = ids.parse(request.args.get("visit")) or ids.new()
    return page.render("today/unplanned.html", **gather.blank(visit_id))


@bp.get("/today/visits/<uuid:visit_id>")
@allow("visits.record")
def visit(visit_id: uuid.UUID) -> Response:
    """One visit with all its steps, in whatever state it is; also before arrival."""
    return _show(me(), visit_id, None, Shown())


def _show(who: Actor, visit_id: uuid.UUID, home_id: uuid.UUID | None, shown: Shown) -> Response:
    return page.render("today/visit.html", piece="steps", **gather.visit(who, visit_id, home_id, shown))
