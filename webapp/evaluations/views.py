"""Pages of a month: a station's sheets and their progress, how stations compare, and a caregiver's own months."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import Role
from webapp.evaluations import commands, gather, models, queries, words
from webapp.evaluations.desk import bp, month_asked, named, station_asked
from webapp.evaluations.models import SIGNED
from webapp.kit import clock, days, ids
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.web import guard, page
from webapp.web.guard import allow

__all__ = ["COMMANDS", "bp"]
COMMANDS = commands.COMMANDS

# -- a station's month --


@bp.get("/evaluations")
@allow("evaluations.see")
def index() -> ResponseReturnValue:
    """The sheets of a station's month with their progress; a street or district sees its stations first."""
    who, month = guard.me(), month_asked()
    if who.role == Role.CAREGIVER:
        return page.go(url_for("evaluations.mine"))
    stations = queries.progress(who, month)
    wanted = ids.parse(request.args.get("station", ""))
    chosen = next((each for each in stations if each.station_id == wanted), stations[0] if len(stations) == 1 else None)
    lines = queries.lines(who, month, chosen.station_id) if chosen else []
    held = models.settings(month)
    return page.render(
        "evaluations/index.html", month=month, before=month.previous(), after=month.next(), stations=stations, chosen=chosen,
        lines=lines, words=words, held=held, named=named(), due=_due(month), this=Month.of(clock.today()),
    )  # fmt: skip


def _due(month: Month) -> dict[str, Any]:
    """The last days of the order of signing, by what is done on them."""
    held, calendar = models.settings(month)["monthly"]["settings"], models.calendar()
    return {
        "judge": days.working_day(calendar, month.next(), held["judge_working_day"]),
        "seal": days.working_day(calendar, month.next(), held["confirm_working_day"]),
    }


@bp.post("/evaluations/gather")
@allow("evaluations.gather")
def count() -> ResponseReturnValue:
    """Count the month again, late records included; signed sheets and those out of reach stay."""
    who, month = guard.me(), month_asked()
    there = url_for("evaluations.index", month=str(month), station=request.form.get("station") or None)
    if month >= Month.of(clock.today()):
        raise Refusal("month_goes_on", "这个月还没过完，下个月1日再算")
    stations = [station_asked(who)] if request.form.get("station") else [each.id for each in people.stations(who)]
    return page.go(there, _("算好了 %(n)s 个人", n=gather.gather(month, stations)))


@bp.post("/evaluations/seal")
@allow("evaluations.seal")
def seal_station() -> ResponseReturnValue:
    """The street confirms every signed sheet of a station's month."""
    who, month = guard.me(), month_asked()
    station = station_asked(who)
    ready = (each for each in queries.of_station(who, month, [station]) if each.state == SIGNED)
    signed = [each for each in ready if each.signed_by != who.account_id]
    for each in signed:
        each.seal(who)
    return page.go(url_for("evaluations.index", month=str(month), station=station), _("定了 %(n)s 张", n=len(signed)))


@bp.get("/evaluations/compare")
@allow("evaluations.compare")
def compare() -> ResponseReturnValue:
    """Stations and streets side by side."""
    who, month = guard.me(), month_asked()
    stations = queries.progress(who, month)
    streets: dict[Any, list[queries.Progress]] = {}
    for each in stations:
        streets.setdefault(each.street_id, []).append(each)
    names = {each.id: each.name for each in people.places(who)}
    rows = [(names.get(key, ""), _sum(group), group) for key, group in streets.items()]
    return page.render(
        "evaluations/compare.html", month=month, before=month.previous(), after=month.next(), rows=rows, words=words,
        held=models.settings(month), this=Month.of(clock.today()),
    )  # fmt: skip


def _sum(group: list[queries.Progress]) -> dict[str, Any]:
    scored, total = sum(each.scored for each in group), sum(each.sum for each in group)
    grades = {band: sum(each.grades[band] for each in group) for band in group[0].grades}
    return {"all": sum(each.all for each in group), "mean": round(total / scored) if scored else None, "grades": grades}


# -- her own --


@bp.get("/my-month")
@allow("evaluations.answer")
def mine() -> ResponseReturnValue:
    """A caregiver's months; the newest that was judged stands on top."""
    who = guard.me()
    past = queries.year(who.person_id, Month.of(clock.today()))
    return page.render("evaluations/mine.html", past=past[::-1], words=words, held=models.settings(Month.of(clock.today())))
