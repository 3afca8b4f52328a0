"""The pages of kin: read only, without scripts, each look written down."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from webapp.family import queries
from webapp.kit import clock
from webapp.ledger import queries as ledger
from webapp.logs import queries as logs
from webapp.people.models import Kin, looked
from webapp.people.queries import duty_now
from webapp.store import db
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
    db.writes()
    who = me()
    kin = queries.tie(who, kin_id)
    home = kin.resident.household_id
    looked(who, home, "family")
    station = queries.station(kin)
    duty = duty_now(station)
    facts: dict[str, Any] = {"kin": kin, "scopes": kin.scopes, "station": station, "duty": duty, "today": clock.today()}
    return page.render("family/show.html", **facts, looks=queries.looks(home), **_agreed(kin))


def _agreed(kin: Kin) -> dict[str, Any]:
    """Only what is agreed is asked of the database at all."""
    home = kin.resident.household_id
    facts: dict[str, Any] = {}
    if "visits" in kin.scopes:
        facts |= {"now": queries.today(home), "visits": visits.for_kin([home], queries.since())}
        facts["services"] = visits.services_of([row.id for row in facts["visits"]])
    if "logs" in kin.scopes:
        facts["logs"] = {row.visit_id: row for row in logs.for_kin([home], queries.first_day())}
    if "money" in kin.scopes:
        facts |= {"entries": ledger.for_kin(home, queries.first_day()), "balance": ledger.balance(home)}
    return facts
