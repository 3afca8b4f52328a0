"""The month on paper and as a table."""

from __future__ import annotations

import uuid

from flask import request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from webapp.access import Actor
from webapp.evaluations import binding, models, printing, queries, words
from webapp.evaluations.desk import bp, month_asked, named, station_asked
from webapp.evaluations.models import Evaluation
from webapp.people import queries as people
from webapp.web import guard
from webapp.web.guard import allow

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/evaluations/<uuid:evaluation_id>/form.pdf")
@allow("evaluations.see")
def form_pdf(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """The printed form of one sheet, A4, with places to sign."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    return _file(printing.forms_pdf([_paper(found, who)]), "application/pdf", f"{found.month}-{found.caregiver.number}.pdf")


def _paper(found: Evaluation, who: Actor) -> printing.Paper:
    own, stands = found.caregiver_id == who.person_id, found.stands
    held = models.settings(found.of)
    facts = found.counted if stands is found else models.counted(stands.facts, found.corrections, stands.home, stands.attitude)
    with printing.in_chinese():
        lines = [(each["code"], each["name"], each["points"], each["weight"], each["why"])
                 for each in words.rows(held, facts, stands.points, own=own)]  # fmt: skip
        return printing.Paper(
            found.of, named()(found.caregiver.name), found.station.name, lines, stands.total, words.grade(held, stands.grade),
            found.words, [(each.words, each.reply, each.upheld) for each in found.objections], bool(found.reviews),
        )  # fmt: skip


@bp.get("/evaluations/month.pdf")
@allow("evaluations.print")
def month_pdf() -> ResponseReturnValue:
    """The printed forms of a station's month."""
    who, month = guard.me(), month_asked()
    sheets = queries.of_station(who, month, [station_asked(who)])
    if not sheets:
        raise people.nothing()
    return _file(printing.forms_pdf([_paper(each, who) for each in sheets]), "application/pdf", f"{month}.pdf")


@bp.get("/evaluations/bound.pdf")
@allow("evaluations.bind")
def bound_pdf() -> ResponseReturnValue:
    """月底成册: a station's whole month in one file."""
    who, month = guard.me(), month_asked()
    with printing.in_chinese():
        bound = binding.bind(month, people.place(who, station_asked(who)))
        papers = [_paper(each, who) for each in bound.sheets]
    return _file(printing.bound_pdf(bound, papers), "application/pdf", f"{month}-bound.pdf")


@bp.get("/evaluations/month.xlsx")
@allow("evaluations.print")
def month_xlsx() -> ResponseReturnValue:
    """A station's month as a table; without a station, all within reach."""
    who, month = guard.me(), month_asked()
    wanted = [station_asked(who)] if request.args.get("station") else [each.id for each in people.stations(who)]
    held = models.settings(month)
    names = [(each["code"], each["zh"]) for each in held["monthly"]["indicators"]]
    with printing.in_chinese():
        lines = [
            (each.station.name, named()(each.caregiver.name), each.stands.points, each.stands.total,
             words.grade(held, each.stands.grade), str(words.STATES[each.state]))
            for each in queries.of_station(who, month, wanted)
        ]  # fmt: skip
        return _file(printing.month_xlsx(month, names, lines), XLSX, f"{month}.xlsx")


def _file(body: bytes, kind: str, name: str) -> Response:
    return Response(body, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="evaluation-{name}"'})
