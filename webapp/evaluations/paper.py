"""The month on paper and as a table."""

from __future__ import annotations

import uuid

from flask import request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from webapp.access import Actor
from webapp.evaluations import binding, filling, models, printing, queries, words
from webapp.evaluations.desk import bp, month_asked, named, station_asked
from webapp.evaluations.forms import OwnForm
from webapp.evaluations.models import Evaluation
from webapp.kit import ids, show
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, _l
from webapp.people import queries as people
from webapp.people.forms import wrong
from webapp.people.models import Place
from webapp.people.sheets import opening
from webapp.web import guard, page
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
    street = ids.parse(request.args.get("street", ""))
    wanted = [station_asked(who)] if request.args.get("station") else [
        each.id for each in people.stations(who) if street is None or each.street_id == street
    ]  # fmt: skip
    held = models.settings(month)
    names = [(each["code"], each["zh"]) for each in held["monthly"]["indicators"]]
    with printing.in_chinese():
        lines = [
            (each.station.name, named()(each.caregiver.name), each.stands.points, each.stands.total,
             words.grade(held, each.stands.grade), str(words.STATES[each.state]))
            for each in queries.of_station(who, month, wanted)
        ]  # fmt: skip
        return _file(printing.month_xlsx(month, names, lines), XLSX, f"{month}.xlsx")


SINGLE = {
    "街道": _l("街道"),
    "服务站": _l("服务站"),
    "月份": _l("哪个月"),
    "人数": _l("人数"),
    "平均分": _l("平均分"),
    "优秀人数": _l("优秀人数"),
    "良好人数": _l("良好人数"),
    "合格人数": _l("合格人数"),
    "不合格人数": _l("不合格人数"),
    "上门次数": _l("上门次数"),
    "应到次数": _l("应到次数"),
}
"""Names of cells that hold one figure of the station."""
EACH = {
    "养护员": _l("养护员"),
    "总分": _l("总分"),
    "等级": _l("等级"),
    "评语": _l("评语"),
    "到": _l("到（次）"),
    "应到": _l("应到（次）"),
}
"""Names of cells with which a column begins, one line a caregiver; beside them M01 to M11."""
GRADES = {"excellent": "优秀人数", "good": "良好人数", "pass": "合格人数", "fail": "不合格人数"}


@bp.route("/evaluations/own-form", methods=["GET", "POST"])
@allow("evaluations.print")
def own_form() -> ResponseReturnValue:
    """The street's own form comes back with the month in its named cells."""
    who, month = guard.me(), month_asked()
    form = OwnForm(data={"month": str(month)})
    form.station.choices = [(str(each.id), each.name) for each in people.stations(who)]
    codes = [(each["code"], words.name(each)) for each in models.settings(month)["monthly"]["indicators"]]
    if form.is_submitted() and form.validate():
        try:
            body = next((each.read(opening.MAX_BYTES + 1) for each in form.form.data or () if each.filename), b"")
            opening.sound(body)
            station = people.place(who, station_asked(who))
            filled, _found = filling.fill(body, _filling(who, month, station))
            return _file(filled, XLSX, f"{month}-{station.code}-form.xlsx")
        except Refusal as refusal:
            wrong(form["form"], refusal.words(_))
    return page.render(
        "evaluations/own_form.html", status=422 if form.is_submitted() else 200, form=form, month=month, single=SINGLE,
        each=EACH, codes=codes,
    )  # fmt: skip


@bp.get("/evaluations/own-form.xlsx")
@allow("evaluations.print")
def specimen() -> ResponseReturnValue:
    """A form with every name in it, to begin with."""
    with printing.in_chinese():
        names = {each["code"]: each["zh"] for each in models.settings(month_asked())["monthly"]["indicators"]}
        columns = {name: str(said) for name, said in EACH.items()} | {f"{code}_": said for code, said in names.items()}
        return _file(filling.specimen({name: str(said) for name, said in SINGLE.items()}, columns), XLSX, "form.xlsx")


def _filling(who: Actor, month: Month, station: Place) -> filling.Filling:
    sheets = queries.of_station(who, month, [station.id])
    held, read = models.settings(month), named()
    stand = [each.stands for each in sheets]
    totals = [each.total for each in stand if each.total is not None]
    grades = {name: sum(each.grade == code for each in stand) for code, name in GRADES.items()}
    codes = [each["code"] for each in held["monthly"]["indicators"]]
    with printing.in_chinese():
        single = {
            "街道": people.place_name(station.street_id),
            "服务站": station.name,
            "月份": show.month(month),
            "人数": len(sheets),
            "平均分": round(sum(totals) / len(totals)) / 10 if totals else None,
            "上门次数": sum(each.facts["visits_kept"] for each in sheets),
            "应到次数": sum(each.facts["visits_due"] for each in sheets),
        }
        columns: dict[str, list[filling.Figure]] = {
            "养护员": [read(each.caregiver.name) for each in sheets], "总分": [_points(each.total) for each in stand],
            "等级": [words.grade(held, each.grade) for each in stand], "评语": [each.words for each in sheets],
            "到": [each.facts["visits_kept"] for each in sheets], "应到": [each.facts["visits_due"] for each in sheets],
        }  # fmt: skip
    # M01 is the address of a cell: a name has a sign behind it
    columns |= {f"{code}_": [_points(each.points.get(code)) for each in stand] for code in codes}
    return filling.Filling(single | grades, columns)


def _points(tenths: int | None) -> float | None:
    return None if tenths is None else tenths / 10


def _file(body: bytes, kind: str, name: str) -> Response:
    return Response(body, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="evaluation-{name}"'})
