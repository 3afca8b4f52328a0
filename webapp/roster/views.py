"""Pages of roster: a household's plan, and another word about a day of it, with what stands against it said before."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED, Actor
from webapp.kit import clock, ids, show
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.models import Household, Person
from webapp.people.rules import mask_name
from webapp.roster import calendar, foresight, models, queries, rules
from webapp.roster.foresight import Foreseen
from webapp.roster.forms import ChangeForm, PlanForm
from webapp.roster.week import as_day as _day
from webapp.roster.week import bp as bp
from webapp.store import audit, db, rulebook
from webapp.web import guard, page
from webapp.web.guard import allow


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


@bp.get("/households/<uuid:household_id>/plan")
@allow("roster.see")
def plan(household_id: uuid.UUID) -> ResponseReturnValue:
    """A household's weekly plans and its coming fortnight."""
    who = guard.me()
    household, station = queries.home(who, household_id)
    return page.render("roster/plan.html", **_about(household, station), form=_plan_form(who, household, None))


@bp.post("/households/<uuid:household_id>/plan")
@allow("roster.plan")
def add(household_id: uuid.UUID) -> ResponseReturnValue:
    """One more weekly plan; with `look` only what stands against it."""
    who = guard.me()
    household, station = queries.home(who, household_id)
    form = _plan_form(who, household, request.form)
    looks, good = "look" in request.args, form.validate()
    seen = _foresee_plan(household, form) if good else foresight.NOTHING
    if good and not looks and not _stopped(seen, form):
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
                second=_person(form.second.data),
                holidays=not form.skip_holidays.data,
                by=who.account_id,
            )
            _overruled(seen, household)
            return page.go(url_for("roster.plan", household_id=household_id), _("排好了"))
        except Refusal as refusal:
            _mark(form, refusal)
    facts = _about(household, station) | {"form": form, "seen": seen, "looks": looks}
    return page.render("roster/plan.html", "conflicts", 200 if looks else 422, **facts)


def _foresee_plan(household: Household, form: PlanForm) -> Foreseen:
    pattern = rules.Pattern(
        rules.mask(int(day) for day in form.weekdays.data or ()), form.start.data, form.minutes.data, (),
        ids.parse(form.caregiver.data), form.valid_from.data, form.valid_until.data, ids.parse(form.second.data),
        not form.skip_holidays.data,
    )  # fmt: skip
    wanted = foresight.days_of(pattern, [], pattern.since, pattern.until)
    return foresight.foresee(household, wanted, None, one_day=len(wanted) == 1)


def _stopped(seen: Foreseen, form: Any) -> bool:
    """Whether what stands against it must be answered first: changed, or overruled where that is allowed."""
    return bool(seen.must) or bool(seen.may and not form.anyway.data)


def _overruled(seen: Foreseen, household: Household) -> None:
    """What the head saw and overruled is written down."""
    if seen.may:
        audit.note("roster.anyway", household, household.id, said=seen.may)


@bp.route("/plans/<uuid:plan_id>/change", methods=["GET", "POST"])
@allow("roster.plan")
def change(plan_id: uuid.UUID) -> ResponseReturnValue:
    """Another word about a day of a plan, or from that day on; with `look` only what stands against it."""
    who = guard.me()
    found = queries.plan(who, plan_id)
    household, _station = queries.home(who, found.household_id)
    form = _change_form(who, household, found, request.form if request.method == "POST" else None)
    looks, seen = "look" in request.args, foresight.NOTHING
    if request.method == "POST" and form.validate():
        told = _told(found, form)
        seen = _foresee_change(household, found, form, told)
        try:
            if not looks and not _stopped(seen, form):
                verb = models.change_day if form.scope.data == "day" else models.change_from
                verb(found, form.day.data, by=who.account_id, **told)
                _overruled(seen, household)
                there = url_for("roster.plan", household_id=household.id)
                return page.go(page.safe_next(there), _("改好了"))
        except Refusal as refusal:
            _mark(form, refusal)
    return page.render(
        "roster/change.html", "conflicts", 200 if looks or request.method == "GET" else 422, plan=found, household=household,
        form=form, items=_items(), seen=seen, looks=looks, special=calendar.table(form.day.data, form.day.data)
        if form.day.data else {}, back=page.safe_next(url_for("roster.plan", household_id=household.id)),
    )  # fmt: skip


def _told(plan: models.ServicePlan, form: ChangeForm) -> dict[str, Any]:
    """Only what differs from the plan is a word of its own."""
    day = form.day.data
    planned = plan.on(day) or _as_planned(plan)
    told: dict[str, Any] = {"skip": form.skip.data, "why": form.why.data or ""}
    if form.start.data is not None and form.start.data != planned.start_min:
        told["start_min"] = form.start.data
    if form.minutes.data is not None and form.minutes.data != planned.minutes:
        told["minutes"] = form.minutes.data
    if sorted(form.items.data) != sorted(planned.items):
        told["items"] = form.items.data
    if ids.parse(form.caregiver.data) != planned.caregiver_id:
        told["caregiver"] = _person(form.caregiver.data) or people.main_caregiver(plan.household_id)
    if ids.parse(form.second.data) != planned.second_id:
        told |= {"second": _person(form.second.data)} if form.second.data else {"alone": True}
    if form.scope.data == "from":
        weekdays = [int(each) for each in form.weekdays.data or ()]
        told["weekdays"] = weekdays if rules.mask(weekdays) != plan.weekdays else None
        goes = not form.skip_holidays.data
        told["holidays"] = goes if goes != plan.on_holidays(day) else None
    return told


def _as_planned(plan: models.ServicePlan) -> rules.Planned:
    return rules.Planned(plan.start_min, plan.minutes, tuple(plan.items), plan.caregiver_id, plan.second_id)


def _foresee_change(household: Household, plan: models.ServicePlan, form: ChangeForm, told: dict[str, Any]) -> Foreseen:
    """What stands against a change; nothing when neither time nor people change."""
    bears = {"start_min", "minutes", "caregiver", "second", "holidays"} & {
        name for name, said in told.items() if said is not None
    }
    single, day = form.scope.data == "day", form.day.data
    if told["skip"] or not (bears or told.get("weekdays") or (single and plan.on(day) is None)):
        return foresight.NOTHING
    word = rules.Change(
        day, day if single else None, False, rules.mask(told["weekdays"]) if told.get("weekdays") else None,
        told.get("start_min"), told.get("minutes"), None, told["caregiver"].id if told.get("caregiver") else None,
        told["second"].id if told.get("second") else None, told.get("alone", False), told.get("holidays"),
    )  # fmt: skip
    changes = [*(each.fact for each in plan.changes), word]
    last = day if single else plan.valid_until
    return foresight.foresee(household, foresight.days_of(plan.pattern, changes, day, last), plan.id, one_day=single)


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
    _offer(form, who, household)
    return form


def _daily() -> list[str]:
    return [item["code"] for item in models.catalogue()["items"] if item["daily_core"]]


def _change_form(who: Actor, household: Household, plan: models.ServicePlan, given: Any) -> ChangeForm:
    day = _day(request.args.get("day")) or clock.today()
    planned = plan.on(day) or _as_planned(plan)
    facts = {
        "day": day,
        "scope": "day",
        "start": planned.start_min,
        "minutes": planned.minutes,
        "weekdays": [str(each) for each in rules.days_of(plan.weekdays)],
        "items": list(planned.items),
        "caregiver": str(planned.caregiver_id or ""),
        "second": str(planned.second_id or ""),
        "skip_holidays": not plan.on_holidays(day),
    }
    form = ChangeForm(given, data=facts)
    said = [(plan.caregiver_id, plan.second_id), *((each.caregiver_id, each.second_id) for each in plan.changes)]
    _offer(form, who, household, [key for each in said for key in each])
    return form


def _offer(form: PlanForm | ChangeForm, who: Actor, household: Household, kept: Iterable[uuid.UUID | None] = ()) -> None:
    """The station's caregivers; the empty one is the main caregiver, and for the second that nobody goes with her.

    kept: persons whom the plan names already, though they may have left: what stands against it says so.
    """
    found = queries.team(who, household)
    main = next((person for person, is_main in found if is_main), None)
    first = _("主要养护员（%(name)s）", name=main.name) if main else _("主要养护员（还没定）")
    team = {str(person.id): person.name for person, _main in found}
    gone = {key for key in kept if key and str(key) not in team}
    team |= {str(key): name for key, name in queries.names(list(gone)).items()}
    form.caregiver.choices = [("", first), *team.items()]
    form.second.choices = [("", _("一个人去")), *team.items()]


def _items() -> list[dict[str, Any]]:
    """What a caregiver may be asked to do, daily things first."""
    found = [item for item in models.catalogue()["items"] if "caregiver" in item["done_by"]]
    return sorted(found, key=lambda item: not item["daily_core"])


def _about(household: Household, station: str) -> dict[str, Any]:
    today = clock.today()
    return {
        "household": household,
        "station": station,
        "plans": queries.plans_of(household.id, today),
        "coming": queries.coming(household.id, today, today + timedelta(days=models.settings()["horizon_days"])),
        "items": _items(),
        "named": mask_name if guard.me().role in MASKED else str,
        "today": today,
        "seen": foresight.NOTHING,
        "looks": False,
        "special": calendar.table(today, today + timedelta(days=models.settings()["horizon_days"])),
    }
