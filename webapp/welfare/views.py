"""Pages of 走访: whom to go to see, a household's diary, and what was found."""

from __future__ import annotations

import uuid
from datetime import date

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from webapp.access import MASKED, STAFF, Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people.desk import taken
from webapp.people.rules import mask_name
from webapp.web import intake, page
from webapp.web.guard import allow, me
from webapp.web.intake import Kept
from webapp.welfare import models, queries, words
from webapp.welfare.forms import RiskForm, VisitForm

bp = Blueprint("welfare", __name__)
KEPT = [Kept(VisitForm, models.visit)]
PAGE = 40


@bp.get("/welfare")
@allow("welfare.see")
def index() -> ResponseReturnValue:
    """Whom to go to see, what is overdue first."""
    rows = queries.watches(me(), _after(request.args.get("after")), PAGE + 1)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    onward = last and url_for("welfare.index", after=f"{last.next_on}_{last.id}")
    return page.render("welfare/index.html", rows=rows[:PAGE], onward=onward, today=clock.today(), words=words, named=_named())


def _after(text: str | None) -> tuple[date, uuid.UUID] | None:
    day, _sep, key = (text or "").partition("_")
    known = ids.parse(key)
    try:
        return (date.fromisoformat(day), known) if known else None
    except ValueError:
        return None


def _named() -> object:
    return mask_name if me().role in MASKED else str


@bp.route("/households/<uuid:household_id>/welfare", methods=["GET", "POST"])
@allow("welfare.write")
def home(household_id: uuid.UUID) -> ResponseReturnValue:
    """The diary of a household; what was found is kept before anybody judges it."""
    if request.method == "GET":
        return _home(me(), household_id)
    typed = MultiDict(request.form)
    typed["household"] = str(household_id)
    form = VisitForm(typed)
    if form.seen.data == "trouble" and len(form.words.data or "") < 2:
        form.validate()
        form.words.errors = (_("请写几个字，有什么困难"),)
        return _home(me(), household_id, form)
    if not form.validate():
        return _home(me(), household_id, form)
    queries.home(me(), household_id)
    return page.go(url_for("welfare.home", household_id=household_id), _(intake.receive(form).say))


@bp.post("/households/<uuid:household_id>/welfare/risk")
@allow("welfare.plan")
def risk(household_id: uuid.UUID) -> ResponseReturnValue:
    """How often one goes to see a resident, or that nobody needs to."""
    who, form = me(), RiskForm()
    found = queries.home(who, household_id)
    here = {each.id: each for each in found.residents}

    def write() -> None:
        resident = here.get(form.resident.data)
        if resident is None:
            raise Refusal("no_resident", "请选一个", field="resident")
        row = models.watched(resident.id)
        if form.risk.data != "none":
            models.watch(resident, form.risk.data, who.account_id)
        elif row is not None:
            row.end()

    if taken(form, write):
        return page.go(url_for("welfare.home", household_id=household_id), _("记下了"))
    return _home(who, household_id, risk=form)


def _home(who: Actor, key: uuid.UUID, form: VisitForm | None = None, risk: RiskForm | None = None) -> ResponseReturnValue:
    found = queries.home(who, key)
    here = [each for each in found.residents if each.ended_on is None]
    only = here[0].id if len(here) == 1 else None
    rows = queries.diary(key)
    return page.render(
        "welfare/home.html", status=422 if form or risk else 200, home=found, residents=here, watched=queries.watched(key),
        form=form or VisitForm(data={"household": key, "resident": only, "way": "door"}), rows=rows, words=words,
        risk=(risk or RiskForm(formdata=None, data={"resident": only})) if who.role in STAFF else None, named=_named(),
        today=clock.today(), every=models.settings(found.station_id)["every_days"], acts=[row.id for row, _who, _by in rows],
        masked=who.role in MASKED,
    )  # fmt: skip
