"""Pages of who is not there: pauses of a household, leave asked by the caregiver, leave rung in, the station's list."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED, Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import forms as places
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.models import Household, Person, Spot
from webapp.people.rules import mask_name
from webapp.roster import forms, leaving, pausing, queries, words
from webapp.store import db
from webapp.web import guard, intake, page
from webapp.web.guard import allow
from webapp.web.intake import Kept

bp = Blueprint("away", __name__)
KEPT = [
    Kept(forms.AskLeaveForm, leaving.ask),
    Kept(forms.ConfirmLeaveForm, leaving.confirm),
    Kept(forms.WithdrawLeaveForm, leaving.withdraw),
]
WHOLE = "all"
AT_HOME = ""
SHOWN_BACK = timedelta(days=14)

bp.add_app_template_filter(words.note, "shift_note")
bp.add_app_template_filter(words.kind, "leave_kind")
bp.add_app_template_filter(words.pause, "pause_reason")


def named() -> Callable[[str], str]:
    """How the reader may see names."""
    return mask_name if guard.me().role in MASKED else str


# -- 停一停 --


@bp.get("/households/<uuid:household_id>/pauses")
@allow("roster.see")
def pauses(household_id: uuid.UUID) -> ResponseReturnValue:
    """A household's pauses, and the form for one more."""
    who = guard.me()
    household = people.household(who, household_id)
    spots = people.spots(household_id)
    return page.render("roster/pauses.html", **_pauses(household, spots), form=_pause_form(household, spots))


def _pauses(household: Household, spots: Sequence[Spot]) -> dict[str, Any]:
    return {
        "household": household,
        "pauses": queries.pauses_of(household.id),
        "spots": {each.id: each.name or dict(places.SPOTS).get(each.kind, each.kind) for each in spots},
        "named": named(),
        "today": clock.today(),
    }


def _pause_form(household: Household, spots: Sequence[Spot]) -> forms.PauseForm:
    here = [each for each in household.residents if each.ended_on is None]
    asked = request.args.get("resident", "")
    alone = str(here[0].id) if len(here) == 1 else None
    usual = {"since": clock.today(), "who": asked or alone, "spot": AT_HOME}
    form = forms.PauseForm(data=usual)
    whole = [] if len(here) == 1 else [(WHOLE, _("全家"))]
    form.who.choices = [*whole, *((str(each.id), each.name) for each in here)]
    kinds = dict(places.SPOTS)
    others = [each for each in spots if each.kind != "home"]
    going = [(str(each.id), _("到%(place)s上门", place=each.name or kinds.get(each.kind, each.kind))) for each in others]
    form.spot.choices = [(AT_HOME, _("不用上门")), *going]
    return form


@bp.post("/households/<uuid:household_id>/pauses")
@allow("roster.plan")
def add_pause(household_id: uuid.UUID) -> ResponseReturnValue:
    """One more pause."""
    who = guard.me()
    household = people.household(who, household_id)
    spots = people.spots(household_id)
    form = _pause_form(household, spots)
    back = url_for("away.pauses", household_id=household_id)

    def write() -> None:
        resident = next((each for each in household.residents if str(each.id) == form.who.data), None)
        pausing.pause(
            household, resident, form.reason.data, form.told_by.data, form.since.data, form.until.data,
            by=who.account_id, words=form.words.data or "", spot_id=ids.parse(form.spot.data), key=form.key.data,
        )  # fmt: skip

    if taken(form, write):
        return page.go(page.safe_next(back), _("记下了，这几天不算缺"))
    return page.render("roster/pauses.html", status=422, **_pauses(household, spots), form=form)


@bp.post("/pauses/<uuid:pause_id>/end")
@allow("roster.plan")
def end_pause(pause_id: uuid.UUID) -> ResponseReturnValue:
    """回来了: they are back from today."""
    who = guard.me()
    row = queries.pause(who, pause_id)
    pausing.end(row, who.account_id)
    return page.go(page.safe_next(url_for("away.pauses", household_id=row.household_id)), _("好，从今天起照常上门"))


@bp.post("/pauses/<uuid:pause_id>/still")
@allow("roster.plan")
def still_paused(pause_id: uuid.UUID) -> ResponseReturnValue:
    """还停: somebody asked, and it goes on."""
    who = guard.me()
    row = queries.pause(who, pause_id)
    try:
        pausing.still(row, who.account_id)
        said = _("记下了，过几天再问")
    except Refusal as refusal:
        said = refusal.words(_)
    return page.go(page.safe_next(url_for("away.pauses", household_id=row.household_id)), said)


# -- 请假 --


@bp.route("/leave", methods=["GET", "POST"])
@allow("roster.ask")
def mine() -> ResponseReturnValue:
    """A caregiver's own leave: ask, and what was said."""
    who = guard.me()
    if request.method == "GET":
        return page.render("roster/my_leave.html", piece="list", form=forms.AskLeaveForm(), **_mine(who))
    form = forms.AskLeaveForm(request.form)
    if not form.validate():
        return page.render("roster/my_leave.html", status=422, form=form, **_mine(who))
    receipt = intake.receive(form)
    return page.go(url_for("away.mine"), _(receipt.say))


def _mine(who: Actor) -> dict[str, Any]:
    return {
        "leaves": queries.leaves_of(who.person_id),
        "words": words,
        "confirm": _confirm,
        "withdraw": _withdraw,
        "today": clock.today(),
    }


def _confirm(key: uuid.UUID) -> forms.ConfirmLeaveForm:
    form = forms.ConfirmLeaveForm(data={"leave": key})
    form.leave.id = f"leave-{key}"  # several stand on one page
    return form


def _withdraw(key: uuid.UUID) -> forms.WithdrawLeaveForm:
    form = forms.WithdrawLeaveForm(data={"leave": key})
    form.leave.id = f"withdraw-{key}"
    return form


@bp.post("/leave/withdraw")
@allow("roster.ask")
def withdraw() -> ResponseReturnValue:
    """She takes back what she asked for, without our scripts."""
    form = forms.WithdrawLeaveForm(request.form)
    said = intake.receive(form).say if form.validate() else _("没找到这张请假条，先放在站里")
    return page.go(url_for("away.mine"), _(said))


@bp.post("/leave/confirm")
@allow("roster.ask")
def confirm() -> ResponseReturnValue:
    """What the head wrote down is right, without our scripts."""
    form = forms.ConfirmLeaveForm(request.form)
    said = intake.receive(form).say if form.validate() else _("没找到这张请假条，先放在站里")
    return page.go(page.safe_next(url_for("away.mine")), said)


@bp.get("/leaves")
@allow("roster.plan")
def leaves() -> ResponseReturnValue:
    """The station's leaves: what waits first; who pauses; who stands in and whether the handover has come."""
    who = guard.me()
    today = clock.today()
    place = who.place_id or uuid.UUID(int=0)
    return page.render(
        "roster/leaves.html", leaves=queries.leaves(who, today), pauses=queries.pauses_on(place, today), words=words,
        reliefs=queries.reliefs(place, today, today + timedelta(days=7)), today=today, named=named(),
    )  # fmt: skip


@bp.route("/leaves/new", methods=["GET", "POST"])
@allow("roster.plan")
def record() -> ResponseReturnValue:
    """代记: she rang."""
    who = guard.me()
    form = forms.RungLeaveForm(data={"since": clock.today(), "caregiver": request.args.get("person")})
    team = {str(each.id): each for each in people.caregivers(who)}
    form.caregiver.choices = [(key, each.name) for key, each in team.items()]

    def write() -> None:
        person: Person = team[form.caregiver.data]
        leaving.record(
            person, form.kind.data, form.since.data, form.until.data, form.why.data or "", by=who.account_id, key=form.key.data
        )

    if request.method == "POST" and taken(form, write):
        db.session().flush()
        return page.go(url_for("desk.leave", leave_id=form.key.data), _("记下了。现在看谁替她"))
    status = 422 if request.method == "POST" else 200
    return page.render("roster/rung.html", status=status, form=form)
