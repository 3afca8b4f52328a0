"""Before something is planned: what stands against it, gathered from shifts, leave, pauses, clearances and accounts."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from webapp.kit import clock, show
from webapp.kit.words import _
from webapp.people.models import Account, Clearance, Household, Person
from webapp.roster import calendar, laying, models, queries, rules
from webapp.roster.absences import absent
from webapp.roster.conflicts import Busy, Conflict, Known, Wish, conflicts
from webapp.roster.models import PLANNED, Shift
from webapp.roster.rules import Planned
from webapp.store import db

LOOKED_AHEAD = timedelta(days=14)
"""A plan without an end is weighed for so long: what lies further ahead will be laid, and said, later."""


@dataclass(frozen=True)
class Foreseen:
    """What stands against a plan, as sentences: what must be changed first, and what may be overruled."""

    must: list[str]
    may: list[str]

    @property
    def clear(self) -> bool:
        """Nothing at all."""
        return not self.must and not self.may


NOTHING = Foreseen([], [])


def foresee(household: Household, wanted: Mapping[date, Planned], plan_id: uuid.UUID | None, *, one_day: bool) -> Foreseen:
    """What stands against `wanted` visits of a household, by day; `plan_id`: the plan they replace."""
    wishes = _wishes(household, wanted)
    if not wishes:
        return NOTHING
    known = _known(household, wishes, plan_id)
    chosen = models.settings(station_id=household.station_id)
    found = conflicts(wishes, known, chosen["day_most_min"], chosen["week_most_min"], one_day=one_day)
    names = queries.names([each.caregiver_id for each in found if each.caregiver_id])
    said: dict[bool, list[str]] = {True: [], False: []}
    for each in found:
        said[each.code in chosen["anyway"]].append(sentence(each, names.get(each.caregiver_id or uuid.UUID(int=0), "")))
    return Foreseen(said[False], said[True])


def _wishes(household: Household, wanted: Mapping[date, Planned]) -> list[Wish]:
    homes, wishes = laying.homes_of({household.id}), []
    for day, plan in wanted.items():
        main = plan.caregiver_id or homes.main(household.id, day, plan.start_min)
        wishes.append(Wish(day, plan.start_min, plan.minutes, main))
        if plan.second_id is not None:
            wishes.append(Wish(day, plan.start_min, plan.minutes, plan.second_id))
    return wishes


def _known(household: Household, wishes: list[Wish], plan_id: uuid.UUID | None) -> Known:
    team = {wish.caregiver_id for wish in wishes if wish.caregiver_id}
    days = sorted({wish.day for wish in wishes})
    first, last = rules.monday(days[0]), rules.monday(days[-1]) + timedelta(days=6)
    mine, here = Shift.caregiver_id.in_(team), Shift.household_id == household.id
    ask = (
        sa.select(Shift.day, Shift.start_min, Shift.minutes, Shift.caregiver_id, Household.name, Shift.household_id)
        .join(Household, Household.id == Shift.household_id)
        .where(Shift.day.between(first, last), Shift.state == PLANNED, sa.or_(mine, here))
        .where(sa.or_(Shift.plan_id.is_(None), Shift.plan_id != plan_id) if plan_id else sa.true())
    )
    rows = db.session().execute(ask.order_by(Shift.day, Shift.start_min)).all()
    away = absent({household.id}, days[0], days[-1])
    return Known(
        theirs=[Busy(*row[:5]) for row in rows if row.caregiver_id in team],
        at_home=[Busy(*row[:5]) for row in rows if row.household_id == household.id],
        away=queries.away_on(list(team), days) if team else (),
        paused={day for day in days if away.standing(household.id, day).out},
        ended=_ended(team), cleared=_cleared(team, household), home_ended=household.ended_on,
    )  # fmt: skip


def _ended(team: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Whose work here has ended: no account of theirs goes on."""
    live = sa.exists().where(Account.person_id == Person.id, Account.ended_at.is_(None))
    return set(db.session().scalars(sa.select(Person.id).where(Person.id.in_(team), ~live)))


def _cleared(team: Collection[uuid.UUID], household: Household) -> set[uuid.UUID]:
    course = models.settings(station_id=household.station_id)["clearance_course"]
    passed = sa.select(Clearance.person_id).where(Clearance.person_id.in_(team), Clearance.course == course)
    return set(db.session().scalars(passed))


def sentence(each: Conflict, name: str) -> str:
    """One conflict in words: what, and when first."""
    first = show.day(each.day, weekday=True) if each.day else ""
    when = _("%(day)s等 %(n)s 天", day=first, n=each.days) if each.days > 1 else first
    minute = each.more.get("start_min")
    at = show.minute(minute) if isinstance(minute, int) else ""
    long = each.more.get("minutes")
    facts = {
        "name": name, "when": when, "time": at, "home": each.more.get("home", ""),
        "long": show.length(long) if isinstance(long, int) else "",
    }  # fmt: skip
    return {
        "same_person": _("两个人不能都是%(name)s", **facts),
        "ended": _("%(name)s已经不在站里了，请换一位", **facts),
        "clash": _("%(when)s %(time)s 这一户已经排了人", **facts),
        "overlap": _("%(when)s，%(name)s %(time)s 在%(home)s家", **facts),
        "away": _("%(when)s，%(name)s请假，请换一位", **facts),
        "away_some": _("%(when)s，%(name)s请假，到时候要人替", **facts),
        "home_ended": _("%(when)s，这一户已经结束了", **facts),
        "paused": _("%(when)s，老人停一停，不会上门", **facts),
        "clearance": _("%(name)s还没有上岗培训记录", **facts),
        "day_hours": _("%(when)s，%(name)s一天要做 %(long)s，太长了", **facts),
        "week_hours": _("%(name)s %(when)s起的一周要做 %(long)s，太长了", **facts),
        "rest_day": _("%(name)s %(when)s起的一周没有休息日", **facts),
    }[each.code]


def days_of(pattern: rules.Pattern, changes: list[rules.Change], first: date, last: date | None) -> dict[date, Planned]:
    """What a plan with its changes says of the days that are weighed: from `first` for a fortnight, `last` at most."""
    until = min(last or date.max, max(first, clock.today()) + LOOKED_AHEAD)
    off = calendar.days_off(first, until) if until >= first else set()
    found = {day: rules.planned(pattern, changes, day, day in off) for day in rules.span(max(first, clock.today()), until)}
    return {day: plan for day, plan in found.items() if plan is not None}
