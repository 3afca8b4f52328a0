"""The station's desk: one shift that needs a hand (ring, write down, send somebody), and a leave to decide."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, _l
from webapp.messages import calling
from webapp.messages import words as saying
from webapp.messages.forms import CallForm
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.models import Person
from webapp.people.rules import mask_name
from webapp.roster import leaving
from webapp.roster import models as roster
from webapp.roster import queries as planned
from webapp.roster import words as planning
from webapp.roster.absences import Leave
from webapp.roster.forms import DayField
from webapp.roster.leaving import Choice
from webapp.roster.models import Shift
from webapp.visits import forms, queries, ringing, rules, standins, words
from webapp.visits.models import tell
from webapp.visits.rules import StandIn
from webapp.web import guard, page
from webapp.web.forms import PlainForm, TextField, required
from webapp.web.guard import allow

bp = Blueprint("desk", __name__)
NOBODY = "nobody"


@dataclass(frozen=True)
class Home:
    """One household of a leave: its shifts, who can go to all of them, and who to each."""

    id: uuid.UUID
    name: str
    shifts: Sequence[Shift]
    whole: Sequence[tuple[str, str]]
    single: Mapping[uuid.UUID, Sequence[tuple[str, str]]]


class RefuseForm(PlainForm):
    """Why not."""

    answer = TextField(_l("为什么不同意"), [required()], most=200)


class BackForm(PlainForm):
    """She is back earlier."""

    day = DayField(_l("哪天起回来上班"), [required()], render_kw={"type": "date"})


# -- a leave --


@bp.get("/leaves/<uuid:leave_id>")
@allow("roster.plan")
def leave(leave_id: uuid.UUID) -> ResponseReturnValue:
    """One leave: who asks, which visits it leaves open, who could go, and what was decided."""
    found = planned.leave(guard.me(), leave_id)
    return page.render("visits/leave_desk.html", **_about(found), given={})


def _about(found: Leave) -> dict[str, Any]:
    who = guard.me()
    team = people.caregivers(who, found.station_id)
    shifts = leaving.to_cover(found)
    homes = list(dict.fromkeys(shift.household_id for shift in shifts))
    known = standins.facts(team, homes, max(found.since, clock.today()), max(found.until, clock.today()))
    shifts = [shift for shift in shifts if shift.id not in known.attended]
    sent = planned.reliefs(found.station_id, found.since, found.asked_until, found.id)
    return {
        "leave": found, "homes": _homes(shifts, team, known, found), "sent": sent, "words": planning, "named": _named(),
        "back": BackForm(formdata=None, data={"day": clock.today()}), "refusal": RefuseForm(formdata=None),
        "today": clock.today(),
        "attended": known.attended, "team": team, "phones": _phones(sent), "NOBODY": NOBODY,
    }  # fmt: skip


def _phones(sent: Sequence[Any]) -> dict[uuid.UUID, str | None]:
    """Numbers of stand-ins whose phones have not fetched the handover: unsealed only for those who should be rung."""
    wanted = {each.relief.caregiver_id: each.relief.caregiver for each in sent if each.relief.caregiver and not each.arrived}
    return {key: person.phone for key, person in wanted.items()}


def _named() -> Any:
    return mask_name if guard.me().role in MASKED else str


def _homes(shifts: Sequence[Shift], team: Sequence[Person], known: standins.Facts, found: Leave) -> list[Home]:
    near, most = roster.settings()["near_m"], roster.settings()["offered"]
    by_home: dict[uuid.UUID, list[Shift]] = {}
    for shift in shifts:
        by_home.setdefault(shift.household_id, []).append(shift)
    homes = []
    for key, here in by_home.items():
        each = {shift.id: standins.of_shift(shift, team, known, found.person_id) for shift in here}
        whole = rules.over_days(list(each.values()), near)[:most]
        single = {sid: _options(rules.stand_ins(people_, near)[:most]) for sid, people_ in each.items()}
        homes.append(Home(key, here[0].household.name, here, _options(whole), single))
    return homes


def _options(found: Sequence[StandIn]) -> list[tuple[str, str]]:
    return [(str(each.id), told(each)) for each in found]


def told(each: StandIn) -> str:
    """王芳 · 当天 2 户 · 约 500 米 · 去过 12 次."""
    far = "" if each.away_m is None else _("约 %(n)s 米", n=max(round(each.away_m, -2), 100))
    been = _("去过 %(n)s 次", n=each.been) if each.been else _("没去过")
    return " · ".join(part for part in (each.name, _("当天 %(n)s 户", n=each.visits), far, been) if part)


@bp.post("/leaves/<uuid:leave_id>")
@allow("roster.plan")
def approve(leave_id: uuid.UUID) -> ResponseReturnValue:
    """The head agrees and says for each visit who goes."""
    who = guard.me()
    found = planned.leave(who, leave_id)
    facts = _about(found)
    try:
        chosen = _chosen(facts["homes"], {str(each.id): each for each in facts["team"]})
        leaving.approve(found, chosen, who, facts["attended"])
        return page.go(url_for("desk.leave", leave_id=leave_id), _("同意了。替班的人手机上就有交接"))
    except Refusal as refusal:
        wrong = {"say": refusal.words(_), "field": str(refusal.facts.get("field", ""))}
        return page.render("visits/leave_desk.html", status=422, **facts, given=request.form, wrong=wrong)


def _chosen(homes: Sequence[Home], team: Mapping[str, Person]) -> dict[uuid.UUID, Choice]:
    """What the form says for each shift: the day's own word, else the home's. What is not said stays out."""
    chosen: dict[uuid.UUID, Choice] = {}
    for home in homes:
        why = request.form.get(f"why-{home.id}", "")
        for shift in home.shifts:
            said = request.form.get(f"who-{shift.id}") or request.form.get(f"home-{home.id}", "")
            if said == NOBODY:
                if len(why.strip()) < 2:
                    raise Refusal("no_why", "没有人替，请写明原因", field=f"why-{home.id}")
                chosen[shift.id] = Choice(None, why)
            elif said in team:
                chosen[shift.id] = Choice(team[said])
    return chosen


@bp.post("/leaves/<uuid:leave_id>/refuse")
@allow("roster.plan")
def refuse(leave_id: uuid.UUID) -> ResponseReturnValue:
    """The head says no, and why."""
    who = guard.me()
    found = planned.leave(who, leave_id)
    form = RefuseForm()
    if taken(form, lambda: leaving.refuse(found, form.answer.data, who)):
        return page.go(url_for("away.leaves"), _("回她了"))
    return page.render("visits/leave_desk.html", status=422, **_about(found) | {"refusal": form}, given={})


@bp.post("/leaves/<uuid:leave_id>/back")
@allow("roster.plan")
def come_back(leave_id: uuid.UUID) -> ResponseReturnValue:
    """She is back earlier: relief from then on ends."""
    who = guard.me()
    found = planned.leave(who, leave_id)
    form = BackForm()
    if taken(form, lambda: leaving.come_back(found, form.day.data, who)):
        return page.go(url_for("desk.leave", leave_id=leave_id), _("记下了，从那天起还是她去"))
    return page.render("visits/leave_desk.html", status=422, **_about(found) | {"back": form}, given={})


# -- one shift --


@bp.get("/shifts/<uuid:shift_id>")
@allow("visits.live")
def shift(shift_id: uuid.UUID) -> ResponseReturnValue:
    """One planned visit that needs a hand: whom to ring, what was said, and what can be written down or changed."""
    return _shift(planned.shift(guard.me(), shift_id))


def _shift(found: Shift, status: int = 200, **given: PlainForm) -> ResponseReturnValue:
    who = guard.me()
    team = people.caregivers(who, found.station_id)
    known = standins.facts(team, [found.household_id], found.day, found.day)
    near, most = roster.settings()["near_m"], roster.settings()["offered"]
    fitting = rules.stand_ins(standins.of_shift(found, team, known, found.caregiver_id), near)[:most]
    around = queries.around(found)
    facts: dict[str, Any] = {
        "shift": found, "visit": around.visit, "rings": around.rings, "numbers": around.numbers, "named": _named(),
        "options": _options(fitting), "words": words, "said": saying, "calls": around.calls, "NOBODY": NOBODY,
        "phoned": _phoned_form(found, around.visit, team), "ring": CallForm(formdata=None), "wrong": None,
    }  # fmt: skip
    return page.render("visits/shift_desk.html", status=status, **facts | given)


def _phoned_form(found: Shift, visit: Any, team: Sequence[Person]) -> forms.PhonedForm:
    usual = {
        "deed": "out" if visit is not None and visit.state == "open" else "in", "at": clock.minute_of(clock.now()),
        "caregiver": str(found.caregiver_id or ""), "line": "paper" if found.day < clock.today() else "resident",
    }  # fmt: skip
    form = forms.PhonedForm(formdata=request.form if request.endpoint == "desk.phoned" else None, data=usual)
    form.caregiver.choices = [(str(each.id), each.name) for each in team]
    return form


@bp.post("/shifts/<uuid:shift_id>/ring")
@allow("visits.settle")
def ring(shift_id: uuid.UUID) -> ResponseReturnValue:
    """Whom the station rang, and what came of it."""
    who = guard.me()
    found = planned.shift(who, shift_id)
    form = CallForm()
    deed = lambda: calling.note_call(  # noqa: E731
        found.household_id, f"shift:{found.id}", found.id, form.whom.data, form.said.data, who.account_id, form.words.data or ""
    )
    if taken(form, deed):
        tell(found.station_id, found.household_id)
        return page.go(url_for("desk.shift", shift_id=shift_id), _("记下了"))
    return _shift(found, 422, ring=form)


@bp.post("/shifts/<uuid:shift_id>/phoned")
@allow("visits.settle")
def phoned(shift_id: uuid.UUID) -> ResponseReturnValue:
    """She rang from the home: her arriving or leaving is written down."""
    who = guard.me()
    found = planned.shift(who, shift_id)
    team = people.caregivers(who, found.station_id)
    visit = queries.around(found).visit
    form = _phoned_form(found, visit, team)

    def write() -> None:
        at = clock.instant(found.day, form.at.data)
        if form.deed.data == "in":
            person = next(each for each in team if str(each.id) == form.caregiver.data)
            ringing.arrived(found, person, at, form.line.data, who)
        elif visit is None:
            raise Refusal("no_arrival", "她还没签到，先记到了", field="deed")
        else:
            ringing.left(visit, at, form.line.data, who)

    if taken(form, write):
        return page.go(url_for("desk.shift", shift_id=shift_id), _("记下了，等她自己确认一下"))
    return _shift(found, 422, phoned=form)


@bp.post("/shifts/<uuid:shift_id>/relief")
@allow("roster.plan")
def send(shift_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody else goes to this one shift, or nobody does and why."""
    who = guard.me()
    found = planned.shift(who, shift_id)
    team = {str(each.id): each for each in people.caregivers(who, found.station_id)}
    said = request.form.get("who", "")
    try:
        if said not in team and said != NOBODY:
            raise Refusal("no_choice", "请选谁去")
        leaving.send(found, Choice(team.get(said), request.form.get("why", "")), who)
        return page.go(url_for("desk.shift", shift_id=shift_id), _("派好了。替班的人手机上就有交接"))
    except Refusal as refusal:
        return _shift(found, 422, wrong=refusal.words(_))  # type: ignore[arg-type]
