"""Pages of visits: arriving, serving, leaving, nobody home; a household's history; one visit; the live roster."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from webapp.access import MASKED, Actor, can, within
from webapp.kit import clock, ids
from webapp.kit.refusal import Missing, Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.models import Place, PlaceKind
from webapp.roster import models as roster
from webapp.roster import queries as shifts
from webapp.store import db
from webapp.store.inbox import Receipt
from webapp.visits import findings, forms, live, models, queries, recording, review, ringing, settling, straying, words
from webapp.visits.board import board, levels_of
from webapp.web import guard, intake, page
from webapp.web.forms import KeptForm
from webapp.web.guard import allow
from webapp.web.intake import Kept

bp = Blueprint("visits", __name__)
KEPT = [
    Kept(forms.ArriveForm, recording.arrive),
    Kept(forms.SeenForm, recording.see),
    Kept(forms.ServicesForm, recording.serve),
    Kept(forms.LeaveForm, recording.leave),
    Kept(forms.VoidForm, recording.void),
    Kept(forms.NobodyForm, recording.nobody),
    Kept(forms.ConfirmCallForm, ringing.confirm),
]
HISTORY_PAGE = 30
TOPICS = 8  # what one stream carries; a place with more stations asks every few seconds instead

bp.add_app_template_filter(words.exception, "exception_word")
bp.add_app_template_filter(clock.day_of, "day_of")
bp.add_app_template_filter(words.category_icon, "category_icon")
bp.add_app_template_filter(words.name_shown, "name_shown")
bp.add_app_template_global(words.refusals, "refusals")
bp.add_app_template_global(words.tile, "service_tile")


# -- the caregiver's steps, for phones without our scripts --


@bp.route("/households/<uuid:household_id>/arrive", methods=["GET", "POST"])
@allow("visits.record")
def arrive(household_id: uuid.UUID) -> ResponseReturnValue:
    """我到了. An arrival that was posted is always kept."""
    if request.method == "POST":
        form = forms.ArriveForm.from_body(_typed(household=household_id))
        form["visit"].data = form["visit"].data or ids.new()
        receipt = intake.receive(form)
        return _onward(form["visit"].data, receipt)
    who = guard.me()
    household = people.household(who, household_id)
    shift = _shift_today(who, household_id)
    form = forms.ArriveForm(data=_arrival(household_id, shift))
    gate = models.limits(clock.today(), household.station_id)["fix_age_no_signal_s"] if household.no_signal else None
    return page.render("visits/arrive.html", form=form, household=household, shift=shift, gate=gate)


def _typed(**known: uuid.UUID) -> MultiDict[str, str]:
    """What was typed, with what the address says already."""
    typed = MultiDict(request.form)
    for name, key in known.items():
        typed[name] = str(key)
    return typed


def _shift_today(who: Actor, household_id: uuid.UUID) -> roster.Shift | None:
    """Her shift at this household today that has no visit yet."""
    here = [each for each in shifts.shifts_of(who.person_id, clock.today()) if each.household_id == household_id]
    taken = {visit.shift_id for visit in queries.day_of(who.person_id, clock.today())}
    return next((each for each in here if each.id not in taken), None)


def _arrival(household_id: uuid.UUID, shift: roster.Shift | None) -> dict[str, Any]:
    return {
        "visit": shift.visit_id if shift else ids.new(),
        "shift": shift.id if shift else None,
        "household": household_id,
    }


@bp.route("/visits/<uuid:visit_id>/leave", methods=["GET", "POST"])
@allow("visits.record")
def leave(visit_id: uuid.UUID) -> ResponseReturnValue:
    """我走了."""
    return _step(forms.LeaveForm, "visits/leave.html", visit_id)


@bp.route("/visits/<uuid:visit_id>/services", methods=["GET", "POST"])
@allow("visits.record")
def services(visit_id: uuid.UUID) -> ResponseReturnValue:
    """What was done today."""
    if request.method == "POST":
        return _step(forms.ServicesForm, "visits/services.html", visit_id)
    visit = queries.visit(guard.me(), visit_id)
    kept = queries.services(visit_id)
    form = forms.ServicesForm(data={"visit": visit_id, **said(kept)})
    return page.render("visits/services.html", form=form, visit=visit, **tiles(visit))


def said(kept: Sequence[models.Service]) -> dict[str, Any]:
    """What a services form is filled with from what was said before."""
    return {
        "done": [row.code for row in kept if row.outcome == "done"],
        "refused": [row.code for row in kept if row.outcome == "refused"],
        "reason": next((row.reason for row in kept if row.reason), None),
    }


def tiles(visit: models.Visit | None, shift: roster.Shift | None = None) -> dict[str, Any]:
    """For `visits/_services_form.html`: planned items first, the rest of the catalogue by category."""
    shift = shift or (visit.shift if visit else None)
    book = roster.catalogue(visit.day if visit else None)
    known = {item["code"]: item for item in book["items"] if "caregiver" in item["done_by"]}
    planned = [known[code] for code in (shift.items if shift else ()) if code in known]
    if not planned:
        planned = [item for item in known.values() if item["daily_core"]]
    rest = [item for item in known.values() if item not in planned]
    groups = [(each, [item for item in rest if item["category"] == each["code"]]) for each in book["categories"]]
    return {
        "planned": planned,
        "groups": [(each, items) for each, items in groups if items],
        "edition": roster.edition(visit.day if visit else None),
    }


@bp.route("/visits/<uuid:visit_id>/seen", methods=["GET", "POST"])
@allow("visits.record")
def seen(visit_id: uuid.UUID) -> ResponseReturnValue:
    """The second resident's card."""
    return _step(forms.SeenForm, "visits/seen.html", visit_id)


@bp.post("/visits/<uuid:visit_id>/void")
@allow("visits.record")
def void(visit_id: uuid.UUID) -> ResponseReturnValue:
    """扫错了."""
    return _step(forms.VoidForm, "visits/leave.html", visit_id)


def _step(kind: type[KeptForm], template: str, visit_id: uuid.UUID) -> ResponseReturnValue:
    """A step of a visit: the page with its form, or the record kept and back to the visit."""
    if request.method == "GET":
        visit = queries.visit(guard.me(), visit_id)
        return page.render(template, form=kind(data={"visit": visit_id}), visit=visit)
    form = kind(_typed(visit=visit_id))
    if not form.validate():
        visit = queries.visit(guard.me(), visit_id)
        return page.render(template, status=422, form=form, visit=visit, **tiles(visit))
    return _onward(visit_id, intake.receive(form))


def _onward(visit_id: uuid.UUID, receipt: Receipt) -> ResponseReturnValue:
    """To the visit the record belongs to; to the day's page when the station has yet to find out which that is."""
    found = queries.find(visit_id)
    hers = found is not None and found.caregiver_id == guard.me().person_id
    return page.go(url_for("today.visit", visit_id=visit_id) if hers else url_for("today.index"), receipt.say)


@bp.route("/households/<uuid:household_id>/nobody", methods=["GET", "POST"])
@allow("visits.record")
def nobody(household_id: uuid.UUID) -> ResponseReturnValue:
    """没人应."""
    household = people.household(guard.me(), household_id)
    station = db.session().get_one(Place, household.station_id)
    shift = _shift_today(guard.me(), household_id)
    if request.method == "GET":
        form = forms.NobodyForm(data={"household": household_id, "shift": shift.id if shift else None})
        return page.render("visits/nobody.html", form=form, household=household, station=station)
    form = forms.NobodyForm(_typed(household=household_id))
    if not form.validate():
        return page.render("visits/nobody.html", status=422, form=form, household=household, station=station)
    receipt = intake.receive(form)
    return page.go(url_for("today.index"), receipt.say)


@bp.post("/visits/confirm")
@allow("visits.record")
def confirm() -> ResponseReturnValue:
    """Her word about what was rung in, without our scripts."""
    form = forms.ConfirmCallForm(request.form)
    said = intake.receive(form).say if form.validate() else _("这一页不对，请返回再来")
    return page.go(url_for("today.index"), said)


# -- what was recorded --


@bp.get("/households/<uuid:household_id>/visits")
@allow("visits.see")
def history(household_id: uuid.UUID) -> ResponseReturnValue:
    """The household's visits of the last 30 days, newest first."""
    household = people.household(guard.me(), household_id)
    since = clock.now() - timedelta(days=models.limits()["history_days"])
    rows = queries.history(household_id, since, page.place_in(request.args.get("before")), HISTORY_PAGE + 1)
    more = rows[HISTORY_PAGE - 1] if len(rows) > HISTORY_PAGE else None
    onward = more and url_for("visits.history", household_id=household_id, before=page.place_of(more.arrived_at, more.id))
    return page.render("visits/history.html", household=household, rows=rows[:HISTORY_PAGE], onward=onward, named=_named())


def _named() -> Callable[[str], str]:
    """How the reader may see names."""
    masked = guard.me().role in MASKED
    return lambda name: words.name_shown(name, masked)


@bp.get("/visits/<uuid:visit_id>", endpoint="show")
@allow("visits.see")
def show_visit(visit_id: uuid.UUID) -> ResponseReturnValue:
    """One visit with all its evidence: captured values as captured, findings in words."""
    try:
        visit = queries.visit(guard.me(), visit_id)
    except Missing:
        missed = shifts.shift_by_visit(visit_id) if queries.find(visit_id) is None else None
        if missed is None or not can(guard.me(), "roster.see"):
            raise
        return page.go(url_for("desk.shift", shift_id=shifts.shift(guard.me(), missed.id).id))
    return page.render("visits/show.html", **_all_about(visit), form=review.settle_form())


def _all_about(visit: models.Visit) -> dict[str, Any]:
    told = findings.about(visit.id)
    facts = models.limits(visit.day)
    calls = queries.calls(visit.id)
    return {
        "visit": visit,
        "calls": calls,
        "unplaced": any(place and place.distance_m is None and not place.rough for _call, place in calls),
        "services": told.services,
        "seen": told.seen,
        "told": told,
        "exceptions": queries.exceptions(visit.id),
        "words": words,
        "named": _named(),
        "masked": guard.me().role in MASKED,
        "reasons": dict(facts["reasons"]),
        "actions": dict(facts["actions"]),
    }


@bp.post("/visits/exceptions/<uuid:exception_id>")
@allow("visits.settle")
def settle(exception_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody of the station has looked at a finding, and with it at all that waits for the same cause."""
    who = guard.me()
    row = queries.exception(who, exception_id)
    form = review.settle_form()
    if form.validate():
        try:
            said = settling.Said(form.reason.data, form.action.data or "", form.memo.data or "")
            settling.settle_all(settling.alike(row), who, said)
            return page.go(url_for("visits.show", visit_id=row.visit_id), _("记下了"))
        except Refusal as refusal:
            wrong = form[refusal.facts.get("field", "reason")]
            wrong.errors = [refusal.words(_)]
    visit = queries.visit(who, row.visit_id)
    return page.render("visits/show.html", status=422, **_all_about(visit), form=form, at_fault=row.id)


@bp.get("/visits/strays")
@allow("visits.settle")
def strays() -> ResponseReturnValue:
    """Arrivals that belong to no known home."""
    who = guard.me()
    calls = straying.strays(who)
    names = straying.authors([call.author_id for call in calls])
    return page.render("visits/strays.html", calls=calls, names=names, words=words)


@bp.post("/visits/strays/<uuid:call_id>")
@allow("visits.settle")
def name_home(call_id: uuid.UUID) -> ResponseReturnValue:
    """The station says which household it was, by its number (H00012)."""
    who = guard.me()
    call = next((each for each in straying.strays(who) if each.id == call_id), None)
    household = straying.household_by_number(who, request.form.get("number", ""))
    if call is None:
        raise people.nothing()
    if household is None:
        return page.go(url_for("visits.strays"), _("没找到这个户号，请再看一下"))
    straying.name_home(call, household, who.account_id)
    return page.go(url_for("visits.show", visit_id=call.visit_id), _("记到这一户了"))


# -- the live roster --


@bp.get("/live", endpoint="live")
@allow("visits.live")
def live_roster() -> ResponseReturnValue:
    """Who is where now: plan against fact, one line per caregiver."""
    who = guard.me()
    places = _places(who)
    chosen = next((each for each in places if str(each.id) == request.args.get("place")), None)
    top = chosen or next((each for each in places if each.id == who.place_id), places[0] if places else None)
    if top is None:
        raise people.nothing()
    stations = [
        each.id for each in places if each.kind == PlaceKind.STATION and top.id in (each.id, each.street_id, each.district_id)
    ]
    asked = request.args.get("show")
    levels = levels_of(top, places)
    draw = page.macro("visits/_live_row.html", "drawn")
    told = board(stations, asked if asked in live.SHOWS else None, draw, _count(request.args.get("from")), levels=levels)
    filters: dict[str, Any] = {name: request.args.get(name) for name in ("place", "show", "from")}
    address = url_for("visits.live", **filters)
    return page.render(
        "visits/live.html", piece="board", top=top, choices=places, topics=[f"roster:{key}" for key in stations],
        most_topics=TOPICS, address=address, chosen=chosen, asked=asked, **told,
    )  # fmt: skip


def _count(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else 0


def _places(who: Actor) -> Sequence[Any]:
    """The places within reach as plain rows: id, kind, name, street_id, district_id."""
    ask = within(who, sa.select(Place)).with_only_columns(Place.id, Place.kind, Place.name, Place.street_id, Place.district_id)
    order = sa.case({"district": 0, "street": 1}, value=Place.kind, else_=2)
    return db.session().execute(ask.order_by(order, Place.code)).all()
