"""The resident's own page, in large type, at a station tablet or a relative's phone: who comes, how it is, what is wanted."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, Role
from webapp.family import queries
from webapp.family.forms import OwnAskForm, SmileForm
from webapp.kit import clock
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.models import Household, Kin, Place, Resident
from webapp.people.queries import nothing
from webapp.requests import models as requests
from webapp.requests import words as helps
from webapp.store import db
from webapp.voices import models as voices
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("own", __name__)
LARGE = 160
"""Per cent of the ordinary size of letters."""


def _elder(who: Actor, key: uuid.UUID) -> tuple[Resident, bool]:
    """The resident whose page it is, and whether the visits may be read on this phone. Raises Missing."""
    if who.role != Role.KIN:
        found, shown = people.one(who, Resident, key), True
    else:
        ask = sa.select(Kin).where(Kin.resident_id == key, Kin.person_id == who.person_id, Kin.holds())
        kin = db.session().scalar(ask.options(joinedload(Kin.resident), selectinload(Kin.consents)))
        if kin is None:
            raise nothing()
        found, shown = kin.resident, "visits" in kin.scopes
    if found.ended_on:
        raise nothing()
    return found, shown


@bp.get("/residents/<uuid:resident_id>/own")
@allow("family.own")
def show(resident_id: uuid.UUID) -> ResponseReturnValue:
    """Today in large letters."""
    return _page(me(), resident_id, SmileForm(formdata=None), OwnAskForm(formdata=None))


def _page(who: Actor, resident_id: uuid.UUID, smile: SmileForm, ask: OwnAskForm) -> ResponseReturnValue:
    elder, shown = _elder(who, resident_id)
    home = people.one(who, Household, elder.household_id)
    _offer(ask)
    return page.render(
        "family/own.html", status=422 if smile.errors or ask.errors else 200, elder=elder, today=clock.today(), shown=shown,
        coming=queries.coming(home.id) if shown else [], smile=smile, ask=ask, icons=helps.ICONS, scale=LARGE,
        station=db.session().get_one(Place, home.station_id), said=request.args.get("said"), back=_back(who, elder),
    )  # fmt: skip


def _offer(form: OwnAskForm) -> None:
    form.kind.choices = [(code, helps.kind(code)) for code in requests.settings()["kinds"]]


def _back(who: Actor, elder: Resident) -> str:
    kin = who.role == Role.KIN
    return url_for("family.index") if kin else url_for("people.resident", resident_id=elder.id)


@bp.post("/residents/<uuid:resident_id>/own/smile")
@allow("family.own")
def smile(resident_id: uuid.UUID) -> ResponseReturnValue:
    """One tap on a face: the resident's opinion of this month."""
    who, form = me(), SmileForm()
    elder, _shown = _elder(who, resident_id)
    home = people.one(who, Household, elder.household_id)
    how = "kin" if who.role == Role.KIN else "station"
    if taken(form, lambda: voices.heard(elder, home, int(form.stars.data), "", how, who.account_id)):
        return page.go(url_for("own.show", resident_id=resident_id, said="smile"))
    return _page(who, resident_id, form, OwnAskForm(formdata=None))


@bp.post("/residents/<uuid:resident_id>/own/ask")
@allow("family.own")
def ask(resident_id: uuid.UUID) -> ResponseReturnValue:
    """One tap on what is wanted: the station rings and sends somebody."""
    who, form = me(), OwnAskForm()
    elder, _shown = _elder(who, resident_id)
    home = people.one(who, Household, elder.household_id)
    _offer(form)
    words = _("老人自己点的，请打电话问清楚")
    if taken(form, lambda: requests.ask(who, home, elder.id, form.kind.data, words, clock.today(), "resident")):
        return page.go(url_for("own.show", resident_id=resident_id, said="ask"))
    return _page(who, resident_id, SmileForm(formdata=None), form)
