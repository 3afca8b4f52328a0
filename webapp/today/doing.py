"""The taps that clear what the day itself told: who was rung and what they said, or simply done."""

from __future__ import annotations

import uuid

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.kit.words import _
from webapp.messages import calling, words
from webapp.messages import models as messages
from webapp.messages import queries as told
from webapp.messages.forms import CallForm
from webapp.people.desk import taken
from webapp.people.queries import nothing
from webapp.today import causes
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("todo", __name__)


@bp.route("/households/<uuid:household_id>/call", methods=["GET", "POST"])
@allow("messages.settle")
def call(household_id: uuid.UUID) -> ResponseReturnValue:
    """Whom to ring about a household, and what they said. Who did not answer leaves the matter open.

    Without a cause in the address it is a call like any other: written down, and nothing is cleared by it.
    """
    who, form = me(), CallForm()
    found = causes.cause(who, household_id, request.values.get("about", ""))
    said, memo = form.said.data or "", form.words.data or ""
    ring = lambda: calling.note_call(  # noqa: E731
        household_id, found.key, found.subject_id, form.whom.data, said, who.account_id, memo
    )
    if request.method == "GET" or not taken(form, ring):
        status, numbers = 200 if request.method == "GET" else 422, told.numbers(household_id)
        return page.render("today/call.html", status=status, form=form, cause=found, numbers=numbers, words=words)
    if found.kind == causes.TALK:
        return page.go(url_for("people.household", household_id=household_id), _("记下了"))
    if said in messages.settings(found.station_id)["open"]:
        again = url_for("todo.call", household_id=household_id, about=found.key)
        bad = _("记下了。请马上派人去看，急了先打 120") if said == words.TROUBLE else _("记下了。没人接，请再打给别人")
        return page.go(again, bad)
    messages.handle(
        found.kind, found.key, found.station_id, household_id, found.since, who.account_id, "called", memo, {"said": said}
    )
    return page.go(url_for("today.index"), _("记下了"))


@bp.post("/households/<uuid:household_id>/done")
@allow("messages.settle")
def done(household_id: uuid.UUID) -> ResponseReturnValue:
    """One tap: dealt with, or rung and told. What needs a call is not cleared this way."""
    who = me()
    found = causes.cause(who, household_id, request.values.get("about", ""))
    if found.kind in causes.CALLED:
        raise nothing()
    how = "called" if request.form.get("how") == "called" else "done"
    messages.handle(found.kind, found.key, found.station_id, household_id, found.since, who.account_id, how)
    return page.go(url_for("today.index"), _("记下了"))
