"""The station's review: what waits for a person, corrections to decide, call-backs, a word by telephone, the home point."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.store import audit, db
from webapp.visits import (
    calling_back,
    commands,
    confirming,
    correcting,
    exporting,
    findings,
    forms,
    models,
    placing,
    queries,
    settling,
    words,
)
from webapp.visits.correcting import Correction
from webapp.visits.exporting import Wanted
from webapp.visits.settling import Said
from webapp.web import guard, page
from webapp.web.guard import allow

bp = Blueprint("review", __name__)
KINDS = ("fix", "ack")
COMMANDS = commands.COMMANDS
MIMES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _named() -> Callable[[str], str]:
    masked = guard.me().role in MASKED
    return lambda name: words.name_shown(name, masked)


def settle_form() -> forms.SettleForm:
    """Why it was so, and what was done about it."""
    form = forms.SettleForm(request.form if request.method == "POST" else None)
    facts = models.limits()
    form.reason.choices = [("", _("请选")), *((code, _(said)) for code, said in facts["reasons"])]
    form.action.choices = [("", _("不用处理")), *((code, _(said)) for code, said in facts["actions"])]
    return form


# -- what was found --


@bp.get("/exceptions")
@allow("visits.settle")
def index() -> ResponseReturnValue:
    """Everything that waits, of one cause together, what must be put right first."""
    return _exceptions(settle_form())


def _exceptions(form: forms.SettleForm, status: int = 200, at_fault: str | None = None) -> ResponseReturnValue:
    kind = request.args.get("kind")
    groups, more = findings.waiting(guard.me(), models.limits(), kind if kind in KINDS else None)
    return page.render(
        "visits/exceptions.html", status=status, groups=groups, more=more, kind=kind, form=form, words=words, named=_named(),
        at_fault=at_fault,
    )  # fmt: skip


@bp.post("/exceptions")
@allow("visits.settle")
def settle() -> ResponseReturnValue:
    """One word for some findings of one cause: all or none."""
    who, form = guard.me(), settle_form()
    keys = [key for text in request.form.getlist("key") if (key := ids.parse(text))]
    rows = findings.rows_of(who, keys)
    first = str(rows[0].id)
    if form.validate():
        try:
            many = settling.settle_all(rows, who, Said(form.reason.data, form.action.data or "", form.memo.data or ""))
            return page.go(url_for("review.index", kind=request.args.get("kind")), _("记下了，%(n)s 项", n=many))
        except Refusal as refusal:
            form[refusal.facts.get("field", "reason")].errors = [refusal.words(_)]
    return _exceptions(form, 422, first)


# -- corrections --


@bp.get("/corrections")
@allow("visits.settle")
def corrections() -> ResponseReturnValue:
    """What was asked and is not decided."""
    rows = findings.corrections(guard.me())
    return page.render("visits/corrections.html", rows=rows, words=words, named=_named(), now=clock.now())


@bp.get("/corrections/<uuid:correction_id>")
@allow("visits.settle")
def correction(correction_id: uuid.UUID) -> ResponseReturnValue:
    """Before and after, side by side, with what the phone captured."""
    return _correction(findings.correction(guard.me(), correction_id))


@bp.get("/corrections/<uuid:correction_id>/photos/<sha256>")
@allow("visits.settle")
def correction_photo(correction_id: uuid.UUID, sha256: str) -> ResponseReturnValue:
    """A picture that came with the asking."""
    return page.photo(sha256 if sha256 in findings.correction(guard.me(), correction_id).photos else None)


def _correction(row: Correction, status: int = 200, **given: Any) -> ResponseReturnValue:
    decide = given.get("decide") or _decide_form(None)
    return page.render(
        "visits/correction.html", status=status, row=row, calls=queries.calls(row.visit_id), words=words, named=_named(),
        shut=row.shut(clock.now()), opening=given.get("opening") or forms.OpenForm(formdata=None), decide=decide,
        visit=queries.find(row.visit_id), own=row.asked_by == guard.me().account_id,
    )  # fmt: skip


def _decide_form(data: Any) -> forms.DecideForm:
    form = forms.DecideForm(formdata=data)
    form.action.choices = [("", _("请选")), *((code, _(said)) for code, said in models.limits()["actions"])]
    return form


@bp.post("/corrections/<uuid:correction_id>")
@allow("visits.settle")
def decide(correction_id: uuid.UUID) -> ResponseReturnValue:
    """Approve or not; nobody their own."""
    who = guard.me()
    row, form = findings.correction(who, correction_id), _decide_form(request.form)
    deed = lambda: correcting.decide(row, who, form.says.data == "yes", form.action.data or "", form.answer.data or "")  # noqa: E731
    if taken(form, deed):
        return page.go(url_for("review.corrections"), _("改好了") if form.says.data == "yes" else _("记下了，不改"))
    return _correction(row, 422, decide=form)


@bp.post("/corrections/<uuid:correction_id>/open")
@allow("visits.unlock")
def open_correction(correction_id: uuid.UUID) -> ResponseReturnValue:
    """The street lets the station decide what came late."""
    who = guard.me()
    row, form = findings.correction(who, correction_id), forms.OpenForm(request.form)
    if taken(form, lambda: correcting.open_again(row, who, form.why.data or "")):
        return page.go(url_for("review.correction", correction_id=correction_id), _("好，站里可以办了"))
    return _correction(row, 422, opening=form)


# -- asking --


@bp.route("/visits/<uuid:visit_id>/phoned", methods=["GET", "POST"])
@allow("visits.settle")
def phoned_word(visit_id: uuid.UUID) -> ResponseReturnValue:
    """电话里说的: the station rang about a visit."""
    who = guard.me()
    visit = queries.visit(who, visit_id)
    form = forms.PhonedWordForm()
    back = url_for("visits.show", visit_id=visit_id)
    if request.method == "POST" and taken(
        form, lambda: confirming.by_phone(visit, who, form.whom.data or "", form.words.data or "")
    ):
        return page.go(back, _("记下了"))
    status = 422 if request.method == "POST" else 200
    return page.render(
        "people/form.html", status=status, form=form, title=_("电话里说的"), sub=_named()(visit.household.name), back=back,
        deed=_("记下"),
    )  # fmt: skip


@bp.post("/visits/<uuid:visit_id>/home")
@allow("visits.settle")
def confirm_home(visit_id: uuid.UUID) -> ResponseReturnValue:
    """This arrival was at the home."""
    who = guard.me()
    visit = queries.visit(who, visit_id)
    back = url_for("visits.show", visit_id=visit_id)
    try:
        spot = placing.confirm_home(visit, who)
    except Refusal as refusal:
        return page.go(back, refusal.words(_))
    return page.go(back, _("老人家的位置定好了") if spot else _("记下了，还要几次才能定"))


@bp.get("/call-backs")
@allow("visits.settle")
def call_backs() -> ResponseReturnValue:
    """Who should be asked how it was."""
    return _call_backs()


def _call_backs(
    status: int = 200, form: forms.CallBackForm | None = None, at_fault: uuid.UUID | None = None
) -> ResponseReturnValue:
    rows = calling_back.open_ones(guard.me())
    return page.render(
        "visits/call_backs.html", status=status, rows=rows, form=form or forms.CallBackForm(formdata=None), words=words,
        named=_named(), at_fault=at_fault,
    )  # fmt: skip


@bp.post("/call-backs/<uuid:call_back_id>")
@allow("visits.settle")
def called_back(call_back_id: uuid.UUID) -> ResponseReturnValue:
    """What came of it."""
    who = guard.me()
    row, form = calling_back.one(who, call_back_id), forms.CallBackForm(request.form)
    deed = lambda: row.answer(who, form.way.data, form.outcome.data, form.words.data or "")  # noqa: E731
    if taken(form, deed):
        return page.go(url_for("review.call_backs"), _("记下了"))
    return _call_backs(422, form, row.id)


# -- taking visits out --


@bp.route("/visits/export", methods=["GET", "POST"])
@allow("visits.export")
def take_out() -> ResponseReturnValue:
    """Visits of a month as a sheet. That they were taken out is written down."""
    who = guard.me()
    form = forms.ExportForm(data={"month": clock.today().strftime("%Y-%m"), "form": "csv", "station": ""})
    stations = [("", _("全部")), *((str(each.id), each.name) for each in people.stations(who))]
    form.station.choices = stations
    if request.method == "GET" or not form.validate():
        status = 422 if request.method == "POST" else 200
        return page.render("visits/export.html", status=status, form=form)
    first = form.month.data
    chosen = [uuid.UUID(form.station.data)] if form.station.data else None
    wanted = Wanted(first, Month.of(first).last, chosen)
    kind = form.form.data
    out = tempfile.TemporaryFile()  # noqa: SIM115  # sent, then gone
    with db.reads():
        many = exporting.WRITERS[kind](exporting.lines(wanted, exporting.reach_of(who)), out)
    audit.note("visits.export", f"month:{first:%Y-%m}", form=kind, many=many)
    db.settle()
    out.seek(0)
    name = f"visits-{first:%Y-%m}.{kind}"
    return send_file(out, MIMES[kind], as_attachment=True, download_name=name, max_age=0)
