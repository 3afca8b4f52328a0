"""The emergency sheet of a resident, written by the station or the doctor."""

from __future__ import annotations

import uuid

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from webapp.health import models, queries
from webapp.health.forms import EmergencySheetForm
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.desk import form_page, fresh, look, stale_page, taken
from webapp.web import page
from webapp.web.guard import allow, may, me

bp = Blueprint("health", __name__)


@bp.route("/residents/<uuid:resident_id>/emergency-sheet", methods=["GET", "POST"])
@allow("health.sheet")
def sheet(resident_id: uuid.UUID) -> ResponseReturnValue:
    """What a rescuer must know; the look is written down."""
    who = me()
    resident = people.resident(who, resident_id)
    found = queries.sheet(resident_id)
    now = {"illnesses": found.illnesses if found else "", "medicines": found.medicines if found else ""}
    form = EmergencySheetForm(data=now)
    back = url_for("people.resident", resident_id=resident_id) if may("people.see") else url_for("today.index")
    look(who, resident.household_id, "sheet")
    title, opens = _("急救信息"), models.minutes()
    note = _("平时谁也看不到。有人救老人时，值班室或家属同意后给看%(minutes)s分钟", minutes=opens)
    if not fresh(form, now):
        return stale_page(form, [(form[name].label.text, value) for name, value in now.items() if value], title=title, back=back)
    if taken(form, lambda: models.write_sheet(resident, form.illnesses.data or "", form.medicines.data or "")):
        return page.go(back, _("存好了"))
    return form_page(form, title=title, sub=resident.name, back=back, note=note)
