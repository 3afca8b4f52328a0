"""The resident's own page, in large type, at a station tablet or a relative's phone: who comes, how it is, what is wanted."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, Role
from webapp.cards import queries as cards
from webapp.family import queries
from webapp.family.forms import OwnAskForm, OwnCardForm, SmileForm
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.forms import wrong
from webapp.people.models import Household, Kin, Place, Resident
from webapp.people.queries import nothing
from webapp.requests import models as requests
from webapp.requests import words as helps
from webapp.store import db
from webapp.voices import models as voices
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("own", __name__)
HERE, YEAR_S = "elders", 365 * 86400
"""The cookie of a phone or tablet that elders use."""
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


def is_here() -> bool:
    """Whether this phone or tablet was given to the elders: their card opens their page on it."""
    return request.cookies.get(HERE) == "1"


@bp.route("/own", methods=["GET", "POST"])
@allow("family.own")
def door() -> ResponseReturnValue:
    """请扫您的卡: at a station's tablet or a relative's phone; a scanner that types, the seven digits, or the camera."""
    who, form = me(), OwnCardForm()
    if form.is_submitted() and form.validate():
        card = cards.by_number(form.number.data) or cards.by_token(form.number.data)
        if card is not None and card.live and card.resident_id and _known(who, card.resident_id):
            return page.go(url_for("own.show", resident_id=card.resident_id))
        wrong(form.number, _("没认出这张卡，请再扫一次，或请站里的人帮忙"))
    return page.render("family/door.html", status=422 if form.errors else 200, form=form, here=is_here(), scale=LARGE)


def _known(who: Actor, key: uuid.UUID) -> bool:
    try:
        return bool(_elder(who, key))
    except Refusal:
        return False


@bp.post("/own/here")
@allow("family.own")
def here() -> ResponseReturnValue:
    """这台机子给老人用, or not any more. It changes no right: whoever is signed in stays so."""
    answer = page.go(url_for("own.door"))
    given = request.form.get("says") == "yes"
    answer.set_cookie(
        HERE, "1" if given else "", max_age=YEAR_S if given else 0, httponly=True, samesite="Lax", secure=request.is_secure
    )
    return answer


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
        here=is_here(),
    )  # fmt: skip


def _offer(form: OwnAskForm) -> None:
    form.kind.choices = [(code, helps.kind(code)) for code in requests.settings()["kinds"]]


def _back(who: Actor, elder: Resident) -> str:
    kin = who.role == Role.KIN
    if is_here():
        return url_for("own.door")
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
