"""Pages of logs: writing the diary of a visit, and a household's diaries."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue

from webapp.kit import clock, ids
from webapp.kit.words import _, _l
from webapp.logs import forms, models, queries
from webapp.logs.queries import Desk, Diary
from webapp.people import queries as people
from webapp.web import intake, page
from webapp.web.guard import allow, me
from webapp.web.intake import Kept

bp = Blueprint("logs", __name__)

KEPT = [Kept(forms.WriteForm, models.write)]
PAGE = 20
WORDS = {
    "mood": dict(forms.MOOD_WORDS) | {"fair": _l("精神一般")},
    "meals": dict(forms.MEALS_WORDS),
    "slept": dict(forms.SLEPT_WORDS) | {"fair": _l("睡得一般")},
}
"""As a diary shows them: 一般 alone would not say what was."""
NAMES = {
    "mood": _l("老人今天"),
    "meals": _l("吃饭怎么样"),
    "slept": _l("睡得怎么样"),
    "story": _l("记几句"),
    "handover": _l("交给下一位的话"),
}


@bp.app_template_global("log_words")
def words(name: str, value: str | None) -> object:
    """What a diary's code means, in the reader's language; words stay words."""
    return WORDS.get(name, {}).get(value or "", value or "")


@bp.route("/visits/<uuid:visit_id>/log", methods=["GET", "POST"])
@allow("logs.write")
def write(visit_id: uuid.UUID) -> ResponseReturnValue:
    """The diary of a visit, or of one resident in it (`resident`)."""
    posted: Any = forms.WriteForm(request.form) if request.method == "POST" else None
    then = _then(visit_id)
    if posted and posted.validate() and posted.visit.data == visit_id:
        # kept before asking whether the visit is hers: what was typed is not lost, the verb judges it
        return page.go(then, _(intake.receive(posted).say))
    resident = ids.parse(request.args.get("resident"))
    desk = queries.desk(me(), visit_id, resident)
    residents = [each for each in desk.visit.household.residents if each.ended_on is None]
    who = next((each for each in residents if each.id == resident), None)
    return page.render(
        "logs/write.html",
        status=422 if posted else 200,
        form=posted or blank(desk, who.id if who else None),
        desk=desk,
        who=who,
        then=then,
        residents=residents,
    )


@bp.get("/households/<uuid:household_id>/logs")
@allow("logs.see")
def history(household_id: uuid.UUID) -> ResponseReturnValue:
    """A household's diaries, newest first."""
    found = queries.diaries(me(), household_id, _cursor(request.args.get("before")), PAGE + 1)
    name = found[0].household if found else people.household(me(), household_id).name
    more = _after(found[PAGE - 1]) if len(found) > PAGE else None
    return page.render("logs/history.html", piece="list", diaries=found[:PAGE], name=name, household_id=household_id, more=more)


@bp.get("/logs/photos/<sha256>")
@allow("logs.see")
def photo(sha256: str) -> ResponseReturnValue:
    """A picture of a diary within reach."""
    return page.photo(queries.photo(me(), sha256))


@bp.app_template_global("log_names")
def names() -> dict[str, object]:
    """What the parts of a diary are called."""
    return dict(NAMES)


def blank(desk: Desk, resident: uuid.UUID | None = None) -> forms.WriteForm:
    """The form as the caregiver first sees it: the words so far, else what the taps already say."""
    part = desk.part if resident else desk.log
    story = (part.story if part else "") or ("" if resident else desk.draft)
    facts = {name: getattr(part, name, None) for name in ("mood", "meals", "slept")}
    handover = desk.log.handover if desk.log else ""
    return forms.WriteForm(data={"visit": desk.visit.id, "resident": resident, "story": story, "handover": handover, **facts})


def _then(visit_id: uuid.UUID) -> str:
    """Back to the visit's own screen, which a later room of the street keeps: known here by name only."""
    known = "today.visit" in current_app.view_functions
    return page.safe_next(url_for("today.visit", visit_id=visit_id) if known else url_for("logs.write", visit_id=visit_id))


def _cursor(text: str | None) -> tuple[datetime, uuid.UUID] | None:
    at, _dot, key = (text or "").partition("_")
    found = ids.parse(key)
    try:
        return (clock.from_wire(at), found) if found else None
    except ValueError:
        return None


def _after(diary: Diary) -> str:
    return f"{clock.to_wire(diary.at)}_{diary.id}"
