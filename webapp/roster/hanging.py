"""The weekly sheet for the fridge: gathered for one household or a whole station, and given out as one PDF."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from flask import current_app, request, send_file
from flask.wrappers import Response
from sqlalchemy.orm import joinedload

from webapp.access import within
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.settings import Settings
from webapp.kit.words import _, in_chinese
from webapp.people.models import Household, Person, Place
from webapp.people.queries import nothing, place
from webapp.roster import calendar, daysheets, fridge, publishing
from webapp.roster.models import PAUSED, PLANNED, Shift, catalogue
from webapp.roster.week import as_day, bp
from webapp.store import audit, db, files
from webapp.web import guard
from webapp.web.guard import allow


@bp.get("/households/<uuid:household_id>/fridge")
@allow("roster.plan")
def fridge_home(household_id: uuid.UUID) -> Response:
    """一户一张."""
    ask = within(guard.me(), sa.select(Household)).where(Household.id == household_id)
    return _file(db.session().scalars(ask).all())


@bp.get("/roster/<uuid:place_id>/fridge")
@allow("roster.plan")
def fridge_station(place_id: uuid.UUID) -> Response:
    """A whole station, a sheet for every household that goes on."""
    ask = within(guard.me(), sa.select(Household)).where(Household.station_id == place_id, Household.ended_on.is_(None))
    return _file(db.session().scalars(ask.order_by(Household.number)).all())


BLANK = 4
"""Sheets without a name that lie beside those of the plan."""


@bp.get("/roster/<uuid:place_id>/day-sheets")
@allow("roster.plan")
def day_sheets(place_id: uuid.UUID) -> Response:
    """A station's day on paper (`day`, else today), for when telephones or the house are down; a few without a name too."""
    who, day = guard.me(), as_day(request.args.get("day")) or clock.today()
    station = place(who, place_id)
    rows = (
        db.session()
        .scalars(
            within(who, sa.select(Shift))
            .where(Shift.station_id == station.id, Shift.day == day, Shift.state == PLANNED)
            .order_by(Shift.start_min, Shift.household_id, Shift.seat)
            .options(joinedload(Shift.caregiver), joinedload(Shift.household))
        )
        .all()
    )
    with in_chinese():
        known = {item["code"]: item["zh"] for item in catalogue(day)["items"]}
        visits = [
            daysheets.Visit(
                each.household.name, each.household.number, each.caregiver.name if each.caregiver else "", each.start_min,
                [known.get(code, code) for code in each.items],
            )
            for each in rows
        ]  # fmt: skip
        audit.note("roster.print_day", station, day=day, sheets=len(visits))
        db.settle()
        made = daysheets.pdf(station.name, day, [*visits, *[daysheets.Visit()] * BLANK])
    response = send_file(io.BytesIO(made), mimetype="application/pdf", download_name=f"{station.name} {day}.pdf")
    response.headers["Cache-Control"] = "no-store"
    return response


def _file(homes: Sequence[Household]) -> Response:
    if not homes:
        raise nothing()
    days = publishing.week_of(as_day(request.args.get("week")) or clock.today())
    station = db.session().get_one(Place, homes[0].station_id)
    street = db.session().get(Place, station.street_id) if station.street_id else None
    phone = (street or station).phone or station.phone
    if not phone:
        raise Refusal("no_duty_phone", "%(place)s还没有对外电话，写上了才能印", place=station.name)
    shifts = _shifts([home.id for home in homes], days)
    chosen: Settings = current_app.extensions["settings"]
    with in_chinese():
        sheets = [
            fridge.Sheet(home.name, _days(shifts.get(home.id, ()), days), station.name, phone, chosen.sample) for home in homes
        ]
        audit.note("roster.print_week", station, homes[0].id if len(homes) == 1 else None, monday=days[0], sheets=len(sheets))
        db.settle()  # drawing takes a while: nobody waits for it at the database
        made = fridge.pdf(sheets)
        name = f"{homes[0].name if len(homes) == 1 else station.name} {days[0]}.pdf"
    response = send_file(io.BytesIO(made), mimetype="application/pdf", as_attachment=False, download_name=name)
    response.headers["Cache-Control"] = "no-store"
    return response


def _shifts(homes: Sequence[uuid.UUID], days: Sequence[date]) -> dict[uuid.UUID, list[Shift]]:
    ask = sa.select(Shift).where(
        Shift.household_id.in_(homes), Shift.day.between(days[0], days[-1]), Shift.state.in_((PLANNED, PAUSED))
    )
    found: dict[uuid.UUID, list[Shift]] = {}
    for shift in db.session().scalars(ask.order_by(Shift.day, Shift.start_min, Shift.seat).options(joinedload(Shift.caregiver))):
        found.setdefault(shift.household_id, []).append(shift)
    return found


def _days(shifts: Sequence[Shift], days: Sequence[date]) -> list[fridge.Day]:
    special, made = calendar.table(days[0], days[-1]), []
    for day in days:
        here = [shift for shift in shifts if shift.day == day]
        visits: dict[int, list[Shift]] = {}
        for shift in here:
            if shift.state == PLANNED:
                visits.setdefault(shift.start_min, []).append(shift)
        coming = [
            fridge.Coming(
                start, max(each.end_min for each in them), tuple(each.caregiver.name if each.caregiver else "" for each in them),
                tuple(_face(each.caregiver) for each in them),
            )
            for start, them in visits.items()
        ]  # fmt: skip
        why = _("停一停") if here and not coming else ""
        made.append(fridge.Day(day, coming, why, special[day].words if day in special else ""))
    return made


def _face(person: Person | None) -> bytes | None:
    """Her portrait, if she agreed that it is shown."""
    sha256 = person.portrait if person and person.portrait_consent_on else None
    path = files.path(sha256) if sha256 else None
    return path.read_bytes() if path and path.exists() else None
