"""Pages of the import: her own sheet in, its columns matched, a dry run, and then the real one."""

from __future__ import annotations

import uuid
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from flask import request, url_for
from flask.wrappers import Response
from werkzeug.wrappers import Response as AnyResponse

from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import bringing, forms, registering, taps
from webapp.people.desk import blame, bp, form_page
from webapp.people.models import SheetImport
from webapp.people.sheets import columns as heads
from webapp.people.sheets import marking, opening
from webapp.people.sheets.facts import Sheet
from webapp.store import db
from webapp.web import page
from webapp.web.guard import allow, me

SHOWN = 200
"""Faults listed on the page; the marked copy holds all."""
ASKED = 40
"""Questions put at once."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Answer = Response | AnyResponse


@bp.route("/import", methods=["GET", "POST"])
@allow("people.import")
def import_sheet() -> Answer:
    """Bring a sheet. What cannot be opened is said beside the file."""
    who, form = me(), forms.UploadForm()
    if not form.is_submitted() or not form.validate():
        return form_page(form, "people/import.html")
    data, filename = form.sheet.data.read(opening.MAX_BYTES + 1), PurePath(form.sheet.data.filename.replace("\\", "/")).name
    try:
        sheet = registering.opened(data, filename)
    except Refusal as refusal:
        blame(form, Refusal(refusal.code, refusal.say, **{**refusal.facts, "field": "sheet"}))
        return form_page(form, "people/import.html")
    key = form.key.data
    if key is None or taps.first_tap(key):
        row = bringing.bring(who, form.kind.data, filename, data, registering.guessed(sheet, form.kind.data), key)
        key = row.id
    return page.go(url_for("people.import_step", import_id=key))


@bp.get("/import/<uuid:import_id>")
@allow("people.import")
def import_step(import_id: uuid.UUID) -> Answer:
    """Where the import stands: columns, what to mend, what to answer, how far it is."""
    row = bringing.find(me(), import_id)
    return _progress(row) if row.total is not None else _step_page(row)


def _step_page(row: SheetImport, status: int = 200, **facts: Any) -> Answer:
    sheet = bringing.sheet_of(row)
    needed = heads.missing_columns(row.columns, _kind(row), station_known=True)
    outlook = None
    try:
        outlook = bringing.outlook_of(me(), row)
    except Refusal as refusal:
        needed = refusal.facts.get("fields", needed)
    return page.render(
        "people/import_step.html",
        status=status,
        row=row,
        outlook=outlook,
        needed=needed,
        shown=SHOWN,
        asked=ASKED,
        fields=[(name, heads.TITLES[name]) for name in heads.FIELDS[_kind(row)]],
        letters=[(column.index, f"{heads.letter(column.index)}  {column.title}") for column in sheet.columns],
        samples=_samples(sheet),
        required=heads.REQUIRED[_kind(row)],
        skipped=[each for each in outlook.reading.skipped if each.why != "empty"] if outlook else [],
        **facts,
    )


def _kind(row: SheetImport) -> Any:
    return row.kind


def _samples(sheet: Sheet) -> dict[int, str]:
    """For each column the first thing that stands in it, to recognise it by."""
    found: dict[int, str] = {}
    for column in sheet.columns:
        told = (str(sheet.cell(row, column.index) or "").strip() for row in sheet.body[:20])
        found[column.index] = next((text[:16] for text in told if text), "")
    return found


@bp.post("/import/<uuid:import_id>/columns")
@allow("people.import")
def import_columns(import_id: uuid.UUID) -> Answer:
    """Which column is what, by her own word; remembered for this layout."""
    row = bringing.find(me(), import_id)
    _refuse_begun(row)
    sheet = bringing.sheet_of(row)
    known = {column.index for column in sheet.columns}
    chosen = {name: request.form.get(f"column-{name}", "") for name in heads.FIELDS[_kind(row)]}
    columns = {name: int(text) for name, text in chosen.items() if text.isascii() and text.isdecimal() and int(text[:4]) in known}
    twice = sorted(name for name, at in columns.items() if list(columns.values()).count(at) > 1)
    if twice:
        return _step_page(row, 422, twice=twice, picked=columns)
    row.columns, row.answers = columns, {}
    registering.remember(sheet, _kind(row), columns)
    return page.go(url_for("people.import_step", import_id=import_id), _("记住了，下次同样的表不用再对"))


@bp.post("/import/<uuid:import_id>/answers")
@allow("people.import")
def import_answers(import_id: uuid.UUID) -> Answer:
    """What only she can know."""
    row = _looked_up(import_id)
    _refuse_begun(row)
    asked = {question.key: {choice.code for choice in question.choices} for question in bringing.outlook_of(me(), row).questions}
    told = {name: request.form.get(f"answer-{name}", "") for name in asked}
    row = bringing.find(me(), import_id)
    row.answers = {**row.answers, **{name: code for name, code in told.items() if code in asked[name]}}
    return page.go(url_for("people.import_step", import_id=import_id), _("记下了"))


def _looked_up(import_id: uuid.UUID) -> SheetImport:
    """The import, only read: judging the sheet takes a second, and nobody should wait for it with a check-in."""
    with db.reads():
        return bringing.find(me(), import_id)


def _refuse_begun(row: SheetImport) -> None:
    if row.total is not None:
        raise Refusal("import_begun", "这张表已经在导了，请看进度")


@bp.get("/import/<uuid:import_id>/marked")
@allow("people.import")
def import_marked(import_id: uuid.UUID) -> Answer:
    """Her own file back, what to mend in amber."""
    row = bringing.find(me(), import_id)
    outlook = bringing.outlook_of(me(), row)
    data = marking.mark(bringing.sheet_of(row), outlook.problems)
    name = quote(f"{_('要改的地方')}-{PurePath(row.filename).stem}.xlsx")
    return Response(data, mimetype=XLSX, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"})


@bp.post("/import/<uuid:import_id>/run")
@allow("people.import")
def import_run(import_id: uuid.UUID) -> Answer:
    """Begin, when all is mended or she says to leave out what is not."""
    who = me()
    row = _looked_up(import_id)
    if row.total is None:
        outlook = bringing.outlook_of(who, row)
        if not outlook.clean and request.form.get("skip") != "y":
            return _step_page(row, 422, unready=True)
        bringing.begin(import_id, outlook)
        db.settle()
    _next_steps(import_id)
    return page.go(url_for("people.import_step", import_id=import_id))


@bp.post("/import/<uuid:import_id>/more")
@allow("people.import")
def import_more(import_id: uuid.UUID) -> Answer:
    """The next few steps: an open page need not wait for the clock."""
    bringing.find(me(), import_id)
    _next_steps(import_id)
    if not page.wants_piece():
        return page.go(url_for("people.import_step", import_id=import_id))
    return _progress(bringing.find(me(), import_id))


def _next_steps(key: uuid.UUID) -> None:
    bringing.go_on(key)
    db.settle()


def _progress(row: SheetImport) -> Answer:
    return page.render("people/import_progress.html", piece="progress", row=row, over=row.done >= (row.total or 0))
