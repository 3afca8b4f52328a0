"""Pages of outings: who goes out and comes back; a search from its beginning to its end; the sheet to hand around."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from werkzeug.datastructures import MultiDict

from webapp.access import STAFF, Actor, Role
from webapp.kit import clock, ids
from webapp.kit.settings import Settings
from webapp.kit.words import _, in_chinese
from webapp.messages import queries as told
from webapp.outings import going, lost, printing, queries, words
from webapp.outings.forms import BackForm, FoundForm, GoForm, LostForm, StepForm
from webapp.outings.queries import Home, Search
from webapp.people import queries as people
from webapp.people.desk import look, taken
from webapp.people.models import Resident
from webapp.people.queries import nothing
from webapp.store import db, files
from webapp.web import intake, kept, page
from webapp.web.forms import KeptForm
from webapp.web.guard import allow, me
from webapp.web.intake import Kept

bp = Blueprint("outings", __name__)
KEPT = [Kept(GoForm, going.go), Kept(BackForm, going.back), Kept(LostForm, lost.report)]


# -- out and back --


@bp.route("/households/<uuid:household_id>/outings", methods=["GET", "POST"])
@allow("outings.record")
def home(household_id: uuid.UUID) -> ResponseReturnValue:
    """Who is out, who was lately, and 出门了."""
    return _said(household_id, GoForm, _home, _go)


@bp.post("/households/<uuid:household_id>/outings/back")
@allow("outings.record")
def back(household_id: uuid.UUID) -> ResponseReturnValue:
    """平安回来."""
    return _said(household_id, BackForm, _home, _back)


@bp.post("/outings/<uuid:outing_id>/<any(back, later):turn>")
@allow("outings.search")
def turn(outing_id: uuid.UUID, turn: str) -> ResponseReturnValue:
    """From the list of what must be done: they are back, or somebody rang and they come later."""
    who = me()
    row = queries.outing(who, outing_id)
    if row.back_at is None and turn == "back":
        going.come_back(row.resident, clock.now(), by=who.account_id, key=ids.new())
    elif row.back_at is None:
        going.later(row, who.account_id)
    return page.go(page.safe_next(url_for("today.index")), _("记下了"))


def _said(
    household_id: uuid.UUID,
    kind: type[KeptForm],
    show: Callable[[Actor, uuid.UUID, KeptForm | None], ResponseReturnValue],
    write: Callable[[Actor, KeptForm, Resident, uuid.UUID], str],
) -> ResponseReturnValue:
    """A page with a form that the caregiver's phone keeps and others post: to each its way in."""
    who = me()
    if request.method == "GET":
        return show(who, household_id, None)
    typed = MultiDict(request.form)
    typed["household"] = str(household_id)
    form = kind(typed)
    if who.role == Role.CAREGIVER:
        if not form.validate():
            return show(who, household_id, form)
        return page.go(url_for("today.index"), _(intake.receive(form).say))
    known = {each.id: each for each in queries.home(who, household_id).residents}
    if not form.validate():
        return show(who, household_id, form)
    if form["resident"].data not in known:
        raise nothing()
    return page.go(write(who, form, known[form["resident"].data], kept.marked(kind.keep.kind)[0]), _("记下了"))


def _go(who: Actor, form: Any, resident: Resident, key: uuid.UUID) -> str:
    going.begin(
        resident, clock.now(), int(form.minutes.data), form.company.data, form.place.data, form.words.data or "",
        form.phone.data or "", by=who.account_id, key=key,
    )  # fmt: skip
    return url_for("outings.home", household_id=resident.household_id)


def _back(who: Actor, form: Any, resident: Resident, key: uuid.UUID) -> str:
    going.come_back(resident, clock.now(), by=who.account_id, key=key)
    return url_for("outings.home", household_id=resident.household_id)


def _home(who: Actor, household_id: uuid.UUID, form: KeptForm | None) -> ResponseReturnValue:
    found = queries.home(who, household_id, acts=True)
    only = found.residents[0].id if len(found.residents) == 1 else None
    going_out = form if isinstance(form, GoForm) else GoForm(data={"household": household_id, "resident": only})
    return page.render(
        "outings/home.html", status=422 if form else 200, found=found, form=going_out, words=words, now=clock.now(),
        back=_back_form, office=who.role in STAFF, kin=who.role == Role.KIN,
    )  # fmt: skip


def _back_form(found: Home, resident: Resident) -> BackForm:
    form = BackForm(data={"household": found.row.id, "resident": resident.id})
    for each in form:  # several stand on one page
        each.id = f"{each.name}-{resident.id}"
    return form


@bp.get("/outings")
@allow("outings.search")
def index() -> ResponseReturnValue:
    """Everybody of the station (street, district) who is out or looked for."""
    return page.render("outings/index.html", board=queries.board(me()), words=words)


# -- 走失 --


@bp.route("/households/<uuid:household_id>/lost", methods=["GET", "POST"])
@allow("outings.record")
def report(household_id: uuid.UUID) -> ResponseReturnValue:
    """找不到人了."""
    return _said(household_id, LostForm, _report, _search)


def _report(who: Actor, household_id: uuid.UUID, form: KeptForm | None) -> ResponseReturnValue:
    found = queries.home(who, household_id)
    asked = ids.parse(request.args.get("resident"))
    here = [each.id for each in found.residents]
    first = asked if asked in here else here[0] if len(here) == 1 else None
    outing = found.out.get(first) if first else None
    where = " · ".join(filter(None, (str(words.WHERE[outing.place]), outing.words))) if outing else None
    lost_form = form or LostForm(data={"household": household_id, "resident": first, "seen_where": where})
    return page.render("outings/report.html", status=422 if form else 200, found=found, form=lost_form, duty=_duty(found))


def _duty(found: Home | Search) -> tuple[str, str] | None:
    """(name, number) of whoever answers for the station now."""
    duty = people.duty_now(found.station)
    return (duty.name, duty.phone) if duty else (found.station.name, found.station.phone) if found.station.phone else None


def _search(who: Actor, form: Any, resident: Resident, key: uuid.UUID) -> str:
    seen_at = clock.now() - timedelta(minutes=int(form.minutes.data))
    row = lost.search(
        resident, seen_at, form.seen_where.data, form.clothes.data or "", form.words.data or "", at=clock.now(),
        by=who.account_id, key=key, office=who.role in STAFF,
    )  # fmt: skip
    return url_for("outings.case", case_id=row.id)


@bp.get("/lost/<uuid:case_id>")
@allow("outings.record")
def case(case_id: uuid.UUID) -> ResponseReturnValue:
    """One search: whom to ring, what was done, and found."""
    return _case(me(), case_id)


def _case(who: Actor, key: uuid.UUID, step: StepForm | None = None, found: FoundForm | None = None) -> ResponseReturnValue:
    search, office = queries.case(who, key), who.role in STAFF
    numbers = [] if who.role == Role.KIN or search.row.closed_at else told.numbers(search.row.household_id)
    return page.render(
        "outings/case.html", status=422 if step or found else 200, search=search, words=words, office=office,
        step=step or StepForm(formdata=None), done=found or FoundForm(formdata=None), duty=_duty(search),
        numbers=[each for each in numbers if each.whom != "resident"], shut=search.row.closed_at is not None,
    )  # fmt: skip


@bp.post("/lost/<uuid:case_id>/step")
@allow("outings.record")
def step(case_id: uuid.UUID) -> ResponseReturnValue:
    """One more thing was done or heard."""
    who, form = me(), StepForm()
    row = queries.case(who, case_id).row
    if taken(form, lambda: row.step(form.kind.data, form.words.data or "", who.account_id)):
        return page.go(url_for("outings.case", case_id=case_id), _("记下了"))
    return _case(who, case_id, step=form)


@bp.post("/lost/<uuid:case_id>/found")
@allow("outings.record")
def found(case_id: uuid.UUID) -> ResponseReturnValue:
    """找到了, and how."""
    who, form = me(), FoundForm()
    row = queries.case(who, case_id).row
    if taken(form, lambda: row.close(form.how.data, form.words.data or "", who.account_id)):
        return page.go(url_for("outings.case", case_id=case_id), _("记下了，大家都看得到"))
    return _case(who, case_id, found=form)


@bp.get("/lost/<uuid:case_id>/sheet")
@allow("outings.record")
def print_sheet(case_id: uuid.UUID) -> Response:
    """寻人: one page to print and hand around, while the search is open."""
    who = me()
    search = queries.case(who, case_id)
    duty = _duty(search)
    if search.row.closed_at is not None or duty is None:
        raise nothing()
    look(who, search.row.household_id, "lost_sheet")
    chosen: Settings = current_app.extensions["settings"]
    with in_chinese():
        face = _face(search.resident)
        db.settle()  # drawing takes a while: nobody waits for it at the database
        made = printing.pdf(_on_paper(search, duty[1], chosen.sample), face)
    answer = send_file(io.BytesIO(made), mimetype="application/pdf", as_attachment=False, download_name="search.pdf")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _on_paper(search: Search, phone: str, sample: bool) -> printing.Paper:
    row, resident = search.row, search.resident
    return printing.Paper(
        resident.name, resident.sex, resident.birth_date, row.seen_at, row.seen_where, row.clothes, row.words, phone,
        search.station.name, sample,
    )  # fmt: skip


def _face(resident: Resident) -> bytes | None:
    """The portrait, if they agreed that it is shown."""
    path = files.path(resident.portrait) if resident.portrait and resident.portrait_consent_on else None
    return path.read_bytes() if path and path.exists() else None
