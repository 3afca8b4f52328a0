"""A helper beside an elder: at once what the elder let print on the card, the rest for half an hour once somebody agrees."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from sqlalchemy.orm import selectinload

from webapp.cards import models as cards
from webapp.cards import queries as card_queries
from webapp.cards.models import Card
from webapp.health import models, queries
from webapp.health.models import RescueWindow
from webapp.kit import clock
from webapp.kit.words import _
from webapp.messages import queries as told
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.models import Resident
from webapp.store import db, rulebook
from webapp.today import faces
from webapp.today.forms import RescueForm
from webapp.web import limits, page
from webapp.web.forms import PlainForm
from webapp.web.guard import allow, csrf, me, open_door

bp = Blueprint("rescue", __name__)


@bp.get("/c/<token>/rescue")
@open_door
def card(token: str) -> ResponseReturnValue:
    """What stands on the card by the elder's own consent, and the way to ask for the rest."""
    db.writes()
    found = faces.worn(token)
    cards.log_scan(found, None, "rescue" if found else "unknown", faces.network(), faces.agent())
    if found is None:
        return faces.unknown()
    return faces.closed(_page(found, RescueForm(formdata=None)))


@bp.post("/c/<token>/rescue")
@open_door
def ask(token: str) -> ResponseReturnValue:
    """Ask the duty room and kin to let one read on. Too often from one network only loses the form, never the number."""
    found = faces.worn(token)
    if found is None:
        db.undo()
        return faces.unknown()
    form = RescueForm()
    if not form.validate():
        return faces.closed(_page(found, form, 422))
    resident = db.session().get_one(Resident, found.resident_id)
    most = rulebook.current("rescue", clock.today())["asks_a_day"]
    if limits.count("rescue", faces.network(), within=limits.DAY) > most:
        return faces.closed(page.go(url_for("rescue.card", token=token)))
    _window, key = models.ask(found, resident, form.who.data, form.phone.data)
    return faces.closed(page.go(url_for("rescue.window", token=token, key=key, lang=request.args.get("lang"))))


csrf.exempt(ask)  # it carries no authority: a person of the house agrees or does not


@bp.get("/c/<token>/rescue/<key>")
@open_door
def window(token: str, key: str) -> ResponseReturnValue:
    """Waiting, open with illnesses and medicines, or over: the helper's own page, which asks again by itself."""
    db.writes()
    found = faces.worn(token)
    row = queries.window_by_key(found.id, key) if found else None
    if found is None or row is None:
        return faces.unknown()
    if row.state == "open":
        row.read()
    return faces.closed(_page(found, RescueForm(formdata=None), row=row))


def _page(found: Card, form: RescueForm, status: int = 200, row: RescueWindow | None = None) -> Response:
    resident = db.session().scalars(
        sa.select(Resident).where(Resident.id == found.resident_id).options(selectinload(Resident.alerts))
    ).one()  # fmt: skip
    station = card_queries.station_of(found)
    given, token = resident.card_consent_on is not None, (request.view_args or {}).get("token")
    allergies = [each.words for each in resident.alerts if each.kind == "allergy" and each.until is None]
    return page.render(
        "today/rescue.html", status=status, form=form, station=station, duty=people.duty_now(station), given=given,
        allergies=allergies if given else [], blood=resident.blood_type if given else None, row=row,
        sheet=queries.sheet(resident.id) if row is not None and row.state == "open" else None,
        minutes=models.minutes(station.id), token=token, back=url_for("faces.card", token=token),
    )  # fmt: skip


# -- the duty room's side --


@bp.get("/rescues/<uuid:window_id>")
@allow("messages.settle")
def show(window_id: uuid.UUID) -> ResponseReturnValue:
    """Who asks to read, whom to ring, 同意 or 不同意, and the way to shut it again."""
    row = queries.window(me(), window_id)
    resident = db.session().get_one(Resident, row.resident_id)
    return page.render(
        "today/rescue_asked.html", row=row, resident=resident, numbers=told.numbers(row.household_id),
        sheet=queries.sheet(resident.id), minutes=models.minutes(row.station_id),
    )  # fmt: skip


@bp.post("/rescues/<uuid:window_id>")
@allow("messages.settle")
def settle(window_id: uuid.UUID) -> ResponseReturnValue:
    """同意, 不同意 or 停止, one tap."""
    who, form = me(), PlainForm()
    row = queries.window(who, window_id)
    agrees = request.form.get("says") == "yes"
    if taken(form, lambda: row.agree(who.account_id) if agrees else row.end(who.account_id)):
        said = _("同意了，给看%(minutes)s分钟", minutes=models.minutes(row.station_id)) if agrees else _("记下了，不给看了")
        return page.go(url_for("rescue.show", window_id=window_id), said)
    return page.go(url_for("rescue.show", window_id=window_id), next(iter(form.form_errors), None))
