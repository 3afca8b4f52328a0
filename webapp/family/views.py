"""The pages of kin: read only, without scripts, each look written down."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.family import queries
from webapp.family.queries import Around, Tie
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.ledger import queries as ledger
from webapp.people import queries as people
from webapp.people.models import looked
from webapp.store import db
from webapp.visits import confirming
from webapp.visits import queries as visits
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("family", __name__)


@bp.get("/family")
@allow("family.see")
def index() -> ResponseReturnValue:
    """The one resident, or a choice of several."""
    ties = queries.ties(me())
    if len(ties) == 1:
        return page.go(url_for("family.show", kin_id=ties[0].id))
    return page.render("family/index.html", ties=ties)


@bp.get("/family/<uuid:kin_id>")
@allow("family.see")
def show(kin_id: uuid.UUID) -> ResponseReturnValue:
    """Today in one sentence, and thirty days of what the resident agreed to show."""
    who = me()
    tie = queries.tie(who, kin_id)
    around = queries.around(tie.kin, tie.station)
    facts: dict[str, Any] = {
        "kin": tie.kin,
        "scopes": tie.kin.scopes,
        "station": tie.station,
        "duty": around.duty,
        "today": clock.today(),
        "looks": around.looks,
        "ended": tie.kin.resident.ended_on,
        "ending": queries.ending(tie.kin),
        "pause": around.pause,
        "iso": date.fromisoformat,
    }
    facts |= _agreed(tie, around)
    with db.transaction():  # short, and last: reading thirty days must not hold up those who write
        looked(who, tie.kin.resident.household_id, "family")
    return page.render("family/show.html", **facts)


@bp.post("/family/<uuid:kin_id>/visits/<uuid:visit_id>")
@allow("family.say")
def say(kin_id: uuid.UUID, visit_id: uuid.UUID) -> ResponseReturnValue:
    """属实 or 有疑问, one tap; only where the resident lets this relative see visits."""
    who = me()
    tie = queries.tie(who, kin_id)
    visit = visits.visit(who, visit_id)
    if tie.kin.resident.ended_on or "visits" not in tie.kin.scopes or visit.household_id != tie.kin.resident.household_id:
        raise people.nothing()
    agrees = request.form.get("says") == "yes"
    try:
        confirming.say(tie.kin, visit, who, agrees, request.form.get("words", ""))
        said = _("谢谢，记下了") if agrees else _("记下了，站里会来问您")
    except Refusal as refusal:
        said = refusal.words(_)
    return page.go(url_for("family.show", kin_id=kin_id) + f"#visit-{visit_id}", said)


def _agreed(tie: Tie, around: Around) -> dict[str, Any]:
    """Only what is agreed is asked of the database at all."""
    home, scopes = tie.kin.resident.household_id, tie.kin.scopes
    facts: dict[str, Any] = {}
    if "visits" in scopes:
        visits = [visit for visit in queries.came(tie.kin, story="logs" in scopes) if tie.shows(visit.day)]
        facts |= {"now": queries.today(visits, around), "visits": visits}
    if "money" in scopes:
        entries = [entry for entry in ledger.for_kin(home, queries.first_day()) if tie.shows(entry.day)]
        facts |= {"entries": entries, "balance": None if tie.others_go_on else tie.held}
    return facts
