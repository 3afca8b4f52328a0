"""Pages of requests: asking, the station's list, one request with its steps, needs counted by kind."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from webapp.access import STAFF, Actor, Role
from webapp.kit import clock
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.forms import wrong
from webapp.people.models import Household
from webapp.people.queries import nothing
from webapp.requests import models, queries, rules, words
from webapp.requests.forms import AskForm, DeedForm, DoneForm, NeedForm, SendForm
from webapp.requests.models import ServiceRequest
from webapp.web import intake, page
from webapp.web.guard import allow, me
from webapp.web.intake import Kept
from webapp.web.kept import Blank

bp = Blueprint("requests", __name__)
KEPT = [Kept(DoneForm, models.done)]
PAGE = 30
DEEDS = ("accept", "decline", "done", "confirm", "redo", "withdraw", "unmet")
"""Each has a form of its own on the page of a request, and what is wrong stands in that form alone."""
bp.add_app_template_filter(words.kind, "help_word")


def _kinds() -> list[tuple[str, str]]:
    return [(code, words.kind(code)) for code in models.settings()["kinds"]]


# -- asking --


@bp.route("/households/<uuid:household_id>/requests", methods=["GET", "POST"])
@allow("requests.ask")
def ask(household_id: uuid.UUID) -> ResponseReturnValue:
    """What was asked for at a home, and asking anew."""
    who, form = me(), AskForm()
    home = queries.home(who, household_id)
    living = queries.residents(who, home)
    form.kind.choices = _kinds()
    form.resident.choices = [(str(each.id), each.name) for each in living]
    _offer(form, who)
    if request.method == "GET":
        form.wanted_on.data = clock.today() + timedelta(days=1)
        form.resident.data = str(living[0].id) if len(living) == 1 else None
    if taken(form, lambda: _ask(form, who, home)):
        return page.go(url_for("requests.ask", household_id=household_id), _("交上去了，站里会派人"))
    status = 422 if form.errors else 200
    rows = queries.of_household(who, household_id)
    return page.render("requests/ask.html", status=status, form=form, home=home, rows=rows, words=words, role=who.role)


def _offer(form: AskForm, who: Actor) -> None:
    """Who may say that it is wanted by whom."""
    said = {Role.KIN: ("kin", "resident"), Role.CAREGIVER: ("resident", "kin", "caregiver")}.get(
        who.role, ("resident", "kin", "station")
    )
    form.asked_as.choices = [(code, words.AS[code]) for code in said]
    if not form.is_submitted():
        form.asked_as.data = said[0]


def _ask(form: AskForm, who: Actor, home: Household) -> ServiceRequest:
    return models.ask(
        who, home, uuid.UUID(form.resident.data), form.kind.data, form.words.data, form.wanted_on.data, form.asked_as.data
    )


# -- the station's list --


@bp.get("/requests")
@allow("requests.list")
def index() -> ResponseReturnValue:
    """What waits, what is due first; and below what is over."""
    who = me()
    waiting = queries.waiting(who)
    rows = queries.over(who, page.place_in(request.args.get("before")), PAGE + 1)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    onward = last and url_for("requests.index", before=page.place_of(last.made_at, last.id))
    return page.render("requests/index.html", waiting=waiting, rows=rows[:PAGE], onward=onward, words=words, now=clock.now())


# -- one request --


@bp.get("/requests/<uuid:request_id>")
@allow("requests.see")
def show(request_id: uuid.UUID) -> ResponseReturnValue:
    """One request: where it stands, what was done, and what the reader may do."""
    return _show(me(), request_id, None, None)


def _show(who: Actor, request_id: uuid.UUID, sending: SendForm | None, deed: DeedForm | None) -> ResponseReturnValue:
    row = queries.request(who, request_id)
    heads = who.role in STAFF
    if sending is None and heads and rules.may(row.state, "send"):
        sending = _send_form(who, row)
    deeds = {name: deed if deed and deed.deed == name else DeedForm.of(name, blank=True) for name in DEEDS}
    bad = bool((sending and sending.errors) or (deed and deed.errors))
    hers = row.to_person_id == who.person_id
    goes = hers and row.state in rules.OPEN
    return page.render(
        "requests/show.html", status=422 if bad else 200, row=row, steps=queries.steps(request_id), words=words,
        sending=sending, deeds=deeds, posted=deed, may_do=lambda name: rules.may(row.state, name), heads=heads,
        hers=hers, asker=row.asked_by == who.account_id or who.role == Role.KIN,
        late=row.due_at < clock.now() and row.state not in rules.OVER | {rules.DONE},
        there=goes and _is_there(who, row), where=queries.where(row) if goes else None,
        done=Blank(DoneForm, request=row.id) if goes else None,
    )  # fmt: skip


def _is_there(who: Actor, row: ServiceRequest) -> bool:
    return models.was_there(who.account_id, row.household_id, clock.now())


def _send_form(who: Actor, row: ServiceRequest) -> SendForm:
    form = SendForm()
    known = people.caregivers(who, row.station_id)
    form.caregiver.choices = [("", _("请选一个")), *((str(each.id), each.name) for each in known)]
    helpers = people.volunteers(who, row.station_id)
    form.volunteer.choices = [("", _("没有登记的，在下面写名字")), *((str(each.id), each.name) for each in helpers)]
    if not form.is_submitted():
        form.day.data, form.hour.data = max(row.wanted_on, clock.today()), 18
    return form


@bp.post("/requests/<uuid:request_id>/send")
@allow("requests.send")
def send(request_id: uuid.UUID) -> ResponseReturnValue:
    """派单: to a caregiver of the station, a volunteer or a provider."""
    who = me()
    row = queries.request(who, request_id)
    form = _send_form(who, row)
    if form.validate() and _named(form) and taken(form, lambda: _send(who, row, form)):
        return page.go(url_for("requests.show", request_id=request_id), _("派好了"))
    return _show(who, request_id, form, None)


def _named(form: SendForm) -> bool:
    """Whether somebody is named for the kind that was chosen."""
    if form.chosen or (form.to_kind.data != "caregiver" and form.name.data):
        return True
    if form.to_kind.data == "caregiver":
        wrong(form.caregiver, _("请选一个"))
    else:
        wrong(form.name, _("这里要填"))
    return False


def _send(who: Actor, row: ServiceRequest, form: SendForm) -> None:
    person = people.person(who, uuid.UUID(form.chosen)) if form.chosen else None
    row.send(who.account_id, form.to_kind.data, person, form.name.data or "", form.due)


@bp.post("/requests/<uuid:request_id>/<any(accept, decline, done):deed>")
@allow("requests.do")
def do(request_id: uuid.UUID, deed: str) -> ResponseReturnValue:
    """接单, 做不了, 做完了: by whoever was sent, or the station for somebody without an account."""
    who, form = me(), DeedForm.of(deed)
    row = queries.request(who, request_id)
    if who.role not in STAFF and row.to_person_id != who.person_id:
        raise nothing()
    typed = models.is_this_homes(form.number.data, row.household_id)
    by_card = typed or _is_there(who, row)
    if form.number.data and not typed:
        wrong(form.number, _("这不是这一户的卡，请看清再输"))
        return _show(who, request_id, None, form)
    if deed == "done" and row.to_person_id == who.person_id and row.state in rules.TOLD:
        kept = DoneForm(formdata=MultiDict({**request.form.to_dict(), "request": str(request_id)}))
        if kept.validate():
            return page.go(url_for("requests.show", request_id=request_id), _(intake.receive(kept).say))
    said, by = form.words.data or "", who.account_id
    deeds = {
        "accept": lambda: row.accept(by, by_card=by_card), "decline": lambda: row.decline(by, said),
        "done": lambda: row.finish(by, said, by_card=by_card),
    }  # fmt: skip
    if taken(form, deeds[deed]):
        return page.go(url_for("requests.show", request_id=request_id), _("记下了"))
    return _show(who, request_id, None, form)


@bp.post("/requests/<uuid:request_id>/<any(confirm, redo, withdraw):verdict>")
@allow("requests.rate")
def rate(request_id: uuid.UUID, verdict: str) -> ResponseReturnValue:
    """How it was, or that it is not wanted any more: by kin, or the station after asking."""
    who, form = me(), DeedForm.of(verdict)
    row = queries.request(who, request_id)
    if verdict == "confirm" and form.stars.data is None:
        wrong(form.stars, _("请选一个"))
        return _show(who, request_id, None, form)
    said, by = form.words.data or "", who.account_id
    deeds = {
        "confirm": lambda: row.confirm(by, form.stars.data or 0, said), "redo": lambda: row.redo(by, said),
        "withdraw": lambda: row.withdraw(by),
    }  # fmt: skip
    if taken(form, deeds[verdict]):
        return page.go(url_for("requests.show", request_id=request_id), _("记下了"))
    return _show(who, request_id, None, form)


@bp.post("/requests/<uuid:request_id>/unmet")
@allow("requests.send")
def unmet(request_id: uuid.UUID) -> ResponseReturnValue:
    """现在办不了: it becomes a need."""
    who, form = me(), DeedForm.of("unmet")
    row = queries.request(who, request_id)
    if taken(form, lambda: row.give_up(who.account_id, form.words.data or "")):
        return page.go(url_for("requests.show", request_id=request_id), _("记成需求了，会报上去"))
    return _show(who, request_id, None, form)


# -- needs --


@bp.route("/needs", methods=["GET", "POST"])
@allow("requests.needs")
def needs() -> ResponseReturnValue:
    """Needs of twelve months counted by kind, the newest of them; a head writes down another."""
    who, form = me(), NeedForm()
    form.kind.choices = _kinds()
    heads = who.role == Role.STATION_HEAD and who.place_id is not None
    place = who.place_id
    if heads and place and taken(form, lambda: _need(place, form, who)):
        return page.go(url_for("requests.needs"), _("记下了"))
    status = 422 if form.errors else 200
    return page.render(
        "requests/needs.html", status=status, form=form if heads else None, counted=queries.counted(who),
        rows=queries.needs(who), words=words,
    )  # fmt: skip


def _need(place_id: uuid.UUID, form: NeedForm, who: Actor) -> None:
    models.need(place_id, None, None, form.kind.data, form.words.data, who.account_id, urgent=form.urgent.data)
