"""The pages of kin: read only, without scripts, each look written down."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask.typing import ResponseReturnValue

from webapp.family import models, queries, rules
from webapp.family.queries import Around, Came, Tie
from webapp.family.rules import Told
from webapp.health import queries as health
from webapp.health.models import minutes as rescue_minutes
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, in_chinese
from webapp.ledger import lines as ledger
from webapp.ledger.words import category
from webapp.logs import rules as diary
from webapp.people import queries as people
from webapp.people.desk import look
from webapp.people.models import looked
from webapp.roster.views import item_word
from webapp.store import db, files
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
    if len(ties) == 1 and "all" not in request.args:
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
        "scans": around.scans,
        "rescues": around.rescues,
        "rescue_min": rescue_minutes(tie.station.id),
        "thanked": around.thanked,
        "photos": [each for each in around.photos if tie.shows(clock.day_of(each.at))],
        "now_at": clock.now(),
        "around": around,
        "bounds": clock.day_bounds,
        "day_start": clock.day_bounds(clock.today())[0],
    }
    facts |= _agreed(tie, around)
    home, answer = tie.kin.resident.household_id, page.render("family/show.html", **facts)
    with db.transaction():  # short, and last: reading thirty days must not hold up those who write
        looked(who, home, "family")
    return answer


@bp.get("/family/<uuid:kin_id>/photos/<sha256>")
@allow("family.see")
def photo(kin_id: uuid.UUID, sha256: str) -> ResponseReturnValue:
    """A picture of the diary, only while the resident agrees; no browser keeps it."""
    tie = queries.tie(me(), kin_id)
    if "photos" not in tie.kin.scopes or not tie.shows(clock.day_of(queries.photo(tie.kin, sha256))):
        raise people.nothing()
    path = files.path(sha256)
    if not path.exists():
        raise people.nothing()
    answer = send_file(path, "image/jpeg")
    answer.headers["Cache-Control"] = "no-store"
    return answer


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


@bp.post("/family/<uuid:kin_id>/visits/<uuid:visit_id>/thanks")
@allow("family.say")
def thank(kin_id: uuid.UUID, visit_id: uuid.UUID) -> ResponseReturnValue:
    """谢谢她: she reads it on her day."""
    who = me()
    tie = queries.tie(who, kin_id)
    visit = visits.visit(who, visit_id)
    if "visits" not in tie.kin.scopes or visit.household_id != tie.kin.resident.household_id:
        raise people.nothing()
    models.thank(tie.kin, visit)
    return page.go(url_for("family.show", kin_id=kin_id) + f"#visit-{visit_id}", _("谢谢带到了，她今天就看得到"))


@bp.post("/family/<uuid:kin_id>/rescues/<uuid:window_id>")
@allow("family.say")
def rescue(kin_id: uuid.UUID, window_id: uuid.UUID) -> ResponseReturnValue:
    """同意 or 停止: whether a helper may read the emergency sheet. Only kin to whom the resident shows something."""
    who = me()
    tie = queries.tie(who, kin_id)
    row = health.window(who, window_id)
    if not tie.kin.scopes or row.resident_id != tie.kin.resident_id:
        raise people.nothing()
    agrees = request.form.get("says") == "yes"
    try:
        row.agree(who.account_id) if agrees else row.end(who.account_id)
        said = _("同意了，给看%(minutes)s分钟", minutes=rescue_minutes(row.station_id)) if agrees else _("记下了，不给看了")
    except Refusal as refusal:
        said = refusal.words(_)
    return page.go(url_for("family.show", kin_id=kin_id), said)


@bp.get("/residents/<uuid:resident_id>/week")
@allow("family.digest")
def week(resident_id: uuid.UUID) -> ResponseReturnValue:
    """The week in a hundred characters and the last day in a line, to forward; only where somebody may see visits."""
    who = me()
    resident = people.resident(who, resident_id)
    shown = queries.shows_visits(resident_id)
    found = _lines(queries.came(resident.household_id, None, story=False)) if shown else []
    text = _digest(resident.name, found) if shown else None
    look(who, resident.household_id, "week")
    with in_chinese():
        days = rules.each_day(clock.today(), found)
    return page.render("family/week.html", resident=resident, text=text, week=rules.week(clock.today(), found), days=days)


def _lines(came: Sequence[Came]) -> list[Told]:
    """Visits as the week tells them; the digest is Chinese, it goes to WeChat."""
    with in_chinese():
        return [
            Told(each.day, each.minutes or 0, each.caregiver, tuple(item_word(code) for code, did in each.deeds if did == "done"),
                 (each.story or "").strip(), diary.in_words(*each.felt)) for each in came
        ]  # fmt: skip


def _digest(name: str, lines: Sequence[Told]) -> str:
    with in_chinese():
        return rules.digest(name, clock.today(), [each for each in lines if each.day > clock.today() - timedelta(days=7)])


def _agreed(tie: Tie, around: Around) -> dict[str, Any]:
    """Only what is agreed is asked of the database at all."""
    home, scopes = tie.kin.resident.household_id, tie.kin.scopes
    facts: dict[str, Any] = {}
    if "visits" in scopes:
        found = queries.came(home, tie.kin.id, story="logs" in scopes, resident_id=tie.kin.resident_id)
        visits = [visit for visit in found if tie.shows(visit.day)]
        lines = _lines(visits)
        facts |= {"now": queries.today(visits, around), "visits": visits, "week": rules.week(clock.today(), lines)}
        facts["digest"] = _digest(tie.kin.resident.name, lines)
        with in_chinese():
            facts["days"] = rules.each_day(clock.today(), lines)
        facts["mood"] = next((each.felt[0] for each in facts["now"].came if each.felt[0]), None)
    if "money" in scopes:
        hidden = queries.hidden(tie.kin)
        entries = [entry for entry in ledger.for_kin(home, queries.first_day(), hidden=hidden) if tie.shows(entry.day)]
        facts["called"] = {each.category: category(each.category) for each in entries}  # while the rules are at hand
        facts |= {"entries": entries, "balance": None if tie.others_go_on else tie.held}
    return facts
