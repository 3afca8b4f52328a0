"""办事公开: what everybody may read without signing in (P17 P41); and the desk that takes applications in and puts notices up."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from webapp.access import Role
from webapp.applications import models, queries, rules, words
from webapp.applications.forms import ApplyForm, MoveForm, StatusForm
from webapp.applications.models import Application
from webapp.kit import clock
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.rules import network_of
from webapp.store import db
from webapp.web import limits, page
from webapp.web.forms import PlainForm
from webapp.web.guard import allow, me, open_door

bp = Blueprint("applications", __name__)
LOOKS_AN_HOUR = 30


# -- for everybody --


@bp.get("/open")
@open_door
def published() -> ResponseReturnValue:
    """Who gets what, what to bring, whom to ring, what hangs out today, and where to complain."""
    answer = page.render(
        "applications/published.html", tiers=queries.published(), places=people.every_station(), notices=queries.notices(),
        how=[words.filled(each, queries.figures()) for each in words.HOW],
    )  # fmt: skip
    return _unseen(answer)


@bp.route("/open/status", methods=["GET", "POST"])
@open_door
def status() -> ResponseReturnValue:
    """办到哪里了: by number and telephone. One sentence for all that does not fit, and nothing of whose it is."""
    form, found, asked = StatusForm(), None, False
    if request.method == "POST" and form.validate():
        asked = True
        if limits.count("status", network_of(request.remote_addr), within=timedelta(hours=1)) > LOOKS_AN_HOUR:
            form.form_errors.append(_("查得太多了，请过一个钟头再查，或打电话问服务站"))
        else:
            found = queries.status(form.number.data, form.phone.data)
        db.settle()
    facts: dict[str, Any] = {"found": found, "lost": asked and not form.errors and found is None, "words": words}
    if found is not None and found.state in words.NEXT:
        facts["onward"] = words.filled(words.NEXT[found.state], queries.figures())
    return _unseen(page.render("applications/status.html", status=422 if form.errors else 200, form=form, **facts))


def _unseen(answer: Response) -> Response:
    """No search engine keeps what hangs out for three days."""
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


# -- the desk --


@bp.get("/applications")
@allow("applications.see")
def index() -> ResponseReturnValue:
    """What is on its way within reach."""
    who = me()
    stations = people.stations(who)
    return page.render("applications/index.html", rows=queries.waiting(who), words=words, stations=stations)


@bp.route("/households/<uuid:household_id>/applications", methods=["GET", "POST"])
@allow("applications.take")
def home(household_id: uuid.UUID) -> ResponseReturnValue:
    """A home's applications; taking another in."""
    who, form = me(), ApplyForm()
    found = people.household(who, household_id)
    form.tier.choices = [(each.code, each.name) for each in queries.published()]
    made: list[Application] = []
    if taken(form, lambda: made.append(models.apply(found, form.tier.data, form.phone.data, who))):
        there = url_for("applications.show", application_id=made[0].id) if made else request.path
        return page.go(there, _("收下了。把编号告诉申请人"))
    rows, status = queries.of_household(who, household_id), 422 if form.errors else 200
    return page.render("applications/home.html", status=status, form=form, home=found, rows=rows, words=words)


@bp.route("/applications/<uuid:application_id>", methods=["GET", "POST"])
@allow("applications.move")
def show(application_id: uuid.UUID) -> ResponseReturnValue:
    """One: where it is, how it went on, what hangs out, and what the reader may do next."""
    who, form = me(), MoveForm()
    row = queries.application(who, application_id)
    may = rules.next_states(models.transitions(), row.state, who.role)
    form.to.choices = [(code, words.STATES[code]) for code in may if code in words.STATES]
    if taken(form, lambda: row.move(who.role, form.to.data, who.account_id, form.words.data or "")):
        return page.go(request.path, _("记下了"))
    return _one(row, form)


@bp.post("/applications/<uuid:application_id>/notice")
@allow("applications.publish")
def publish(application_id: uuid.UUID) -> ResponseReturnValue:
    """张榜公示 from today."""
    who, form = me(), PlainForm()
    row = queries.application(who, application_id)
    if taken(form, lambda: row.publish(who.account_id)):
        return page.go(url_for("applications.show", application_id=application_id), _("张出去了，办事公开里也看得到"))
    return page.go(url_for("applications.show", application_id=application_id), next(iter(form.form_errors), None))


def _one(row: Application, form: MoveForm) -> ResponseReturnValue:
    who, status = me(), 422 if form.errors else 200
    if form.errors:
        db.undo()
        row = queries.application(who, row.id)
    hangs = models.hanging(row.id)
    may_publish = row.state in rules.MAY_PUBLISH and who.role in (Role.STATION_HEAD, Role.STREET_MANAGER)
    return page.render(
        "applications/show.html", status=status, row=row, form=form, steps=queries.steps(row.id), words=words, hangs=hangs,
        may_publish=may_publish,
    )  # fmt: skip


@bp.get("/places/<uuid:place_id>/standing-list")
@allow("applications.board")
def board(place_id: uuid.UUID) -> ResponseReturnValue:
    """长期公示: who receives the subsidy here, masked, on paper for the board. It stands on no page of everybody's."""
    place = people.place(me(), place_id)
    return page.render("applications/board.html", place=place, rows=queries.standing(place_id), today=clock.today())
