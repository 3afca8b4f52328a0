"""Pages of roster: the station's week, and a household's plan."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED, Actor
from webapp.kit import clock, ids, show
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.models import Household, Person, Place
from webapp.people.rules import mask_name
from webapp.roster import models, queries, rules
from webapp.roster.forms import ChangeForm, PlanForm
from webapp.store import db, rulebook
from webapp.web import guard, page
from webapp.web.guard import allow

bp = Blueprint("roster", __name__)


@bp.app_template_filter("item_word")
def item_word(code: str) -> str:
    """A catalogue item's name in the reader's language; the code itself when the catalogue no longer has it."""
    found = next((item for item in rulebook.default("services")["items"] if item["code"] == code), None)
    return code if found is None else str(found["zh" if show.chinese() else "en"])


@bp.app_template_filter("weekdays_word")
def weekdays_word(mask: int) -> str:
    """每天, or 周一、周三."""
    days = rules.days_of(mask)
    return _("每天") if len(days) == 7 else _("、").join(str(show.WEEKDAYS[day]) for day in days)


@bp.get("/roster")
@allow("roster.see")
def index() -> ResponseReturnValue:
    """The week of a station: a line per caregiver, what nobody has first."""
    who = guard.me()
    stations = people.stations(who)
    chosen = next((each for each in stations if str(each.id) == request.args.get("station")), None)
    station = chosen or (stations[0] if stations else None)
    first = rules.monday(_day(request.args.get("week")) or clock.today())
    days = rules.span(first, first + timedelta(days=6))
    lines = _lines(queries.week_of_station(station.id, days[0], days[-1]), days) if station else []
    named = mask_name if who.role in MASKED else str
    return page.render(
        "roster/index.html", stations=stations, station=station, days=days, lines=lines, today=clock.today(), named=named,
        before=first - timedelta(days=7), after=first + timedelta(days=7),
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _lines(shifts: Sequence[models.Shift], days: list[date]) -> list[tuple[Person | None, list[list[models.Shift]], int]]:
    """(caregiver, shifts by day, minutes in the week), nobody first, then by name."""
    found: dict[uuid.UUID | None, tuple[Person | None, list[list[models.Shift]]]] = {}
    for shift in shifts:
        _person, cells = found.setdefault(shift.caregiver_id, (shift.caregiver, [[] for _ in days]))
        cells[(shift.day - days[0]).days].append(shift)
    lines = [(person, cells, sum(each.minutes for cell in cells for each in cell)) for person, cells in found.values()]
    return sorted(lines, key=lambda line: (line[0] is not None, line[0].initials if line[0] else ""))


@bp.get("/households/<uuid:household_id>/plan")
@allow("roster.see")
def plan(household_id: uuid.UUID) -> ResponseReturnValue:
    """A household's weekly plans and its coming fortnight."""
    who = guard.me()
    household = people.household(who, household_id)
    return page.render("roster/plan.html", **_about(who, household), form=_plan_form(who, household, None))


@bp.post("/households/<uuid:household_id>/plan")
@allow("roster.plan")
def add(household_id: uuid.UUID) -> ResponseReturnValue:
    """One more weekly plan."""
    who = guard.me()
    household = people.household(who, household_id)
    form = _plan_form(who, household, request.form)
    if not form.validate():
        return page.render("roster/plan.html", status=422, **_about(who, household), form=form)
    try:
        models.plan(
            household,
            [int(day) for day in form.weekdays.data or ()],
            form.start.data,
            form.minutes.data,
            form.items.data,
            form.valid_from.data,
            form.valid_until.data,
            _person(form.caregiver.data),
            by=who.account_id,
        )
    except Refusal as refusal:
        _mark(form, refusal)
        return page.render("roster/plan.html", status=422, **_about(who, household), form=form)
    return page.go(url_for("roster.plan", household_id=household_id), _("排好了"))


@bp.route("/plans/<uuid:plan_id>/change", methods=["GET", "POST"])
@allow("roster.plan")
def change(plan_id: uuid.UUID) -> ResponseReturnValue:
    """Another word about a day of a plan, or from that day on."""
    who = guard.me()
    found = queries.plan(who, plan_id)
    household = people.household(who, found.household_id)
    form = _change_form(who, household, found, request.form if request.method == "POST" else None)
    if request.method == "POST" and form.validate():
        try:
            _change(found, form, who.account_id)
            return page.go(url_for("roster.plan", household_id=household.id), _("改好了"))
        except Refusal as refusal:
            _mark(form, refusal)
    status = 422 if request.method == "POST" else 200
    return page.render("roster/change.html", status=status, plan=found, household=household, form=form, items=_items())


def _change(plan: models.ServicePlan, form: ChangeForm, by: uuid.UUID) -> None:
    """Only what differs from the plan is a word of its own."""
    day = form.day.data
    planned = plan.on(day) or rules.Planned(plan.start_min, plan.minutes, tuple(plan.items), None)
    told: dict[str, Any] = {"skip": form.skip.data, "why": form.why.data or "", "caregiver": _person(form.caregiver.data)}
    if form.start.data is not None and form.start.data != planned.start_min:
        told["start_min"] = form.start.data
    if form.minutes.data is not None and form.minutes.data != planned.minutes:
        told["minutes"] = form.minutes.data
    if sorted(form.items.data) != sorted(planned.items):
        told["items"] = form.items.data
    if form.scope.data == "day":
        models.change_day(plan, day, by=by, **told)
        return
    weekdays = [int(each) for each in form.weekdays.data or ()]
    models.change_from(plan, day, by=by, weekdays=weekdays if rules.mask(weekdays) != plan.weekdays else None, **told)


def _mark(form: Any, refusal: Refusal) -> None:
    """Put the refusal's sentence beside the field it speaks of."""
    name = refusal.facts.get("field", "")
    field = form[name] if name in form else form[next(iter(form._fields))]
    field.errors = [refusal.words(_)]


def _person(key: str | None) -> Person | None:
    known = ids.parse(key)
    return db.session().get(Person, known) if known else None


def _plan_form(who: Actor, household: Household, given: Any) -> PlanForm:
    usual = {"start": 510, "minutes": models.settings()["usual_min"], "valid_from": clock.today()}
    form = PlanForm(given, data=usual | {"weekdays": [str(n) for n in range(7)], "items": _daily()})
    form.caregiver.choices = _who_may_go(who, household)
    return form


def _daily() -> list[str]:
    return [item["code"] for item in models.catalogue()["items"] if item["daily_core"]]


def _change_form(who: Actor, household: Household, plan: models.ServicePlan, given: Any) -> ChangeForm:
    day = _day(request.args.get("day")) or clock.today()
    planned = plan.on(day) or rules.Planned(plan.start_min, plan.minutes, tuple(plan.items), None)
    facts = {
        "day": day,
        "scope": "day",
        "start": planned.start_min,
        "minutes": planned.minutes,
        "weekdays": [str(each) for each in rules.days_of(plan.weekdays)],
        "items": list(planned.items),
        "caregiver": str(planned.caregiver_id or ""),
    }
    form = ChangeForm(given, data=facts)
    form.caregiver.choices = _who_may_go(who, household)
    return form


def _who_may_go(who: Actor, household: Household) -> list[tuple[str, str]]:
    """The station's caregivers; the empty one is the main caregiver."""
    main = people.main_caregiver(household.id)
    first = _("主要养护员（%(name)s）", name=main.name) if main else _("主要养护员（还没定）")
    return [("", first), *((str(each.id), each.name) for each in people.caregivers(who, household.station_id))]


def _items() -> list[dict[str, Any]]:
    """What a caregiver may be asked to do, daily things first."""
    found = [item for item in models.catalogue()["items"] if "caregiver" in item["done_by"]]
    return sorted(found, key=lambda item: not item["daily_core"])


def _about(who: Actor, household: Household) -> dict[str, Any]:
    today = clock.today()
    return {
        "household": household,
        "station": db.session().get(Place, household.station_id),
        "plans": queries.plans_of(household.id, today),
        "coming": queries.coming(household.id, today, today + timedelta(days=models.settings()["horizon_days"])),
        "items": _items(),
        "named": mask_name if who.role in MASKED else str,
        "today": today,
    }
