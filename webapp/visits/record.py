"""A caregiver's own record: every visit, every finding in plain words, her answer, her corrections, the resident's word."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.store import db
from webapp.visits import confirming, correcting, findings, forms, queries, words
from webapp.visits.findings import Target
from webapp.web import guard, intake, page
from webapp.web.guard import allow
from webapp.web.intake import Kept

bp = Blueprint("record", __name__)
KEPT = [
    Kept(forms.AnswerForm, correcting.answer),
    Kept(forms.CorrectForm, correcting.ask),
    Kept(forms.AttestForm, confirming.attest),
]


@bp.get("/record")
@allow("visits.record")
def index() -> ResponseReturnValue:
    """A week of her visits, newest first. That a finding stood before her is written down: her time to ask runs from then."""
    who = guard.me()
    visits, onward, fresh = findings.mine(who.person_id, who.account_id, _day(request.args.get("before")))
    if fresh:
        with db.transaction():
            correcting.reach_her(fresh, who.account_id)
    return page.render("visits/record.html", visits=visits, onward=onward, words=words, today=clock.today())


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@bp.route("/record/exceptions/<uuid:exception_id>", methods=["GET", "POST"])
@allow("visits.record")
def answer(exception_id: uuid.UUID) -> ResponseReturnValue:
    """What she says to one finding."""
    row, home = findings.of_hers(guard.me().person_id, exception_id)
    facts: dict[str, Any] = {"row": row, "home": home, "words": words}
    if request.method == "GET":
        return page.render("visits/answer.html", form=forms.AnswerForm(data={"exception": exception_id}), **facts)
    form = forms.AnswerForm(_typed(exception=exception_id))
    if not form.validate():
        return page.render("visits/answer.html", status=422, form=form, **facts)
    return page.go(url_for("record.index"), _(intake.receive(form).say))


def _typed(**known: uuid.UUID) -> MultiDict[str, str]:
    """What was typed, with what the address says already."""
    typed = MultiDict(request.form)
    for name, key in known.items():
        typed[name] = str(key)
    return typed


@bp.route("/record/visits/<uuid:visit_id>/times", methods=["GET", "POST"])
@allow("visits.record")
def correct(visit_id: uuid.UUID) -> ResponseReturnValue:
    """She asks for another time of arriving or leaving."""
    target = findings.target(guard.me().person_id, visit_id)
    if request.method == "GET":
        form = forms.CorrectForm(data={"visit": visit_id, "field": "out" if target.arrived_at else "in"})
        return page.render("visits/correct.html", form=form, target=target, visit_id=visit_id)
    form = forms.CorrectForm(_typed(visit=visit_id))
    if form.validate() and _in_order(form, target):
        return page.go(url_for("record.index"), _(intake.receive(form).say))
    return page.render("visits/correct.html", status=422, form=form, target=target, visit_id=visit_id)


def _in_order(form: forms.CorrectForm, target: Target) -> bool:
    """Whether what she asks can be at all; without our scripts she hears it at once."""
    new = clock.instant(target.of.day, form.time.data + (1440 if form.next_day.data else 0))
    try:
        correcting.check(target.of, form["field"].data, new, form.reason.data, form.memo.data or "", clock.now())
    except Refusal as refusal:
        field = form[refusal.facts.get("field", "time")]
        field.errors = [refusal.words(_)]
        return False
    return True


@bp.route("/visits/<uuid:visit_id>/word", methods=["GET", "POST"])
@allow("visits.record")
def attest(visit_id: uuid.UUID) -> ResponseReturnValue:
    """老人确认: at the bedside."""
    visit = queries.visit(guard.me(), visit_id)
    facts: dict[str, Any] = {"visit": visit, "words": words}
    if request.method == "GET":
        form = forms.AttestForm(data={"visit": visit_id, "way": "card"})
        return page.render("visits/attest.html", form=form, **facts)
    form = forms.AttestForm(_typed(visit=visit_id))
    if not form.validate():
        return page.render("visits/attest.html", status=422, form=form, **facts)
    return page.go(url_for("today.visit", visit_id=visit_id), _(intake.receive(form).say))
