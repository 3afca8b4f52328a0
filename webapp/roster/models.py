"""Weekly plans and their changes: the verbs. What is planned is laid as shifts in laying.py."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people import models as people
from webapp.people.models import Assignment, Household, Person
from webapp.roster import rules
from webapp.roster.absences import Relief
from webapp.roster.laying import horizon, lay
from webapp.roster.plans import CANCELLED as CANCELLED
from webapp.roster.plans import NOBODY as NOBODY
from webapp.roster.plans import ON_LEAVE as ON_LEAVE
from webapp.roster.plans import PAUSED as PAUSED
from webapp.roster.plans import PLANNED as PLANNED
from webapp.roster.plans import PlanChange as PlanChange
from webapp.roster.plans import ServicePlan as ServicePlan
from webapp.roster.plans import Shift as Shift
from webapp.store import audit, db, rulebook, topics


def settings(day: date | None = None, station_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The dated figures of roster.json."""
    return rulebook.current("roster", day or clock.today(), station_id)


def catalogue(day: date | None = None) -> dict[str, Any]:
    """The service catalogue that holds on a day: {categories, items}."""
    return rulebook.current("services", day or clock.today())


def edition(day: date | None = None) -> datetime | None:
    """Which version of the catalogue holds on a day: when it was put, None for the shipped one."""
    return rulebook.edition("services", day or clock.today())


def plan(
    household: Household,
    weekdays: Iterable[int],
    start_min: int,
    minutes: int,
    items: Sequence[str],
    valid_from: date | None = None,
    valid_until: date | None = None,
    caregiver: Person | None = None,
    *,
    second: Person | None = None,
    holidays: bool = True,
    by: uuid.UUID | None = None,
) -> ServicePlan:
    """A new weekly plan (weekdays: 0 = Monday) and its shifts up to the horizon; `second` goes with her.

    Refuses no weekday, a length outside the setting, unknown items, and a time at which somebody comes already.
    """
    row = ServicePlan(
        id=ids.new(),
        household_id=household.id,
        weekdays=rules.mask(weekdays),
        start_min=start_min,
        minutes=minutes,
        items=_known(items),
        valid_from=valid_from or clock.today(),
        valid_until=valid_until,
        caregiver_id=caregiver.id if caregiver else None,
        second_id=second.id if second else None,
        holidays=holidays,
        by_id=by,
    )
    _check_times(start_min, minutes)
    if not row.weekdays:
        raise Refusal("no_weekday", "请选星期几上门", field="weekdays")
    if valid_until is not None and valid_until < row.valid_from:
        raise Refusal("plan_span", "最后一天要在第一天之后", field="valid_until")
    others = db.session().scalars(sa.select(ServicePlan).where(ServicePlan.household_id == household.id)).all()
    if any(rules.clash(row.pattern, other.pattern) for other in others):
        raise Refusal("plan_clash", "这个时间已经排过了，请换个时间", field="start")
    for who in filter(None, (caregiver, second)):
        _let_in(household.id, who.id, row.valid_from, valid_until)
    db.session().add(row)
    db.session().flush()
    audit.note("roster.plan", row, household.id, weekdays=row.weekdays, start_min=start_min, minutes=minutes, items=row.items)
    lay([row], max(row.valid_from, clock.today()), horizon())
    _tell(household)
    return row


def change_day(plan: ServicePlan, day: date, *, by: uuid.UUID | None = None, **what: Any) -> PlanChange:
    """Another word about one day. what: skip, start_min, minutes, items, caregiver and second (Persons), alone, why.

    Refuses a day that is over.
    """
    return _change(plan, day, day, by, **what)


def change_from(plan: ServicePlan, day: date, *, by: uuid.UUID | None = None, **what: Any) -> PlanChange:
    """Another word about every day from `day` on. what: as `change_day`, weekdays (0 = Monday), holidays."""
    return _change(plan, day, None, by, **what)


def _change(
    plan: ServicePlan,
    since: date,
    until: date | None,
    by: uuid.UUID | None,
    *,
    skip: bool = False,
    weekdays: Iterable[int] | None = None,
    start_min: int | None = None,
    minutes: int | None = None,
    items: Sequence[str] | None = None,
    caregiver: Person | None = None,
    second: Person | None = None,
    alone: bool = False,
    holidays: bool | None = None,
    why: str = "",
) -> PlanChange:
    if since < clock.today():
        raise Refusal("day_over", "过去的日子不能再改排班", field="day")
    planned = plan.on(since)
    _check_times(
        start_min if start_min is not None else planned.start_min if planned else plan.start_min,
        minutes if minutes is not None else planned.minutes if planned else plan.minutes,
    )
    row = PlanChange(
        id=ids.new(),
        plan_id=plan.id,
        household_id=plan.household_id,
        since=since,
        until=until,
        skip=skip,
        weekdays=None if weekdays is None else rules.mask(weekdays),
        start_min=start_min,
        minutes=minutes,
        items=None if items is None else _known(items),
        caregiver_id=caregiver.id if caregiver else None,
        second_id=second.id if second else None,
        alone=alone,
        holidays=holidays,
        why=why.strip()[:60],
        by_id=by,
    )
    if row.weekdays == 0:
        raise Refusal("no_weekday", "请选星期几上门", field="weekdays")
    for seat, who in enumerate((caregiver, second)):
        if who is not None:
            _let_in(plan.household_id, who.id, since, until)
            _overrule(plan, seat, since, until)
    plan.changes.append(row)
    db.session().flush()
    deed = "roster.change_from" if until is None else "roster.change_day"
    audit.note(deed, row, plan.household_id, day=since, skip=skip, caregiver=row.caregiver_id, why=row.why)
    lay([plan], since, until or horizon(), strict=True)
    _tell(db.session().get_one(Household, plan.household_id))
    return row


def _overrule(plan: ServicePlan, seat: int, since: date, until: date | None) -> None:
    """Whoever is named now goes, whoever was sent before."""
    shifts = sa.select(Shift.id).where(
        Shift.plan_id == plan.id, Shift.seat == seat, Shift.day >= since, Shift.day <= (until or date.max)
    )
    ended = sa.update(Relief).where(Relief.shift_id.in_(shifts), Relief.ended_at.is_(None)).values(ended_at=clock.now())
    db.session().execute(ended.execution_options(synchronize_session=False))


def _known(items: Sequence[str]) -> list[str]:
    codes = {item["code"] for item in catalogue()["items"]}
    unknown = [code for code in items if code not in codes]
    if unknown:
        raise Refusal("unknown_item", "有一项不在服务目录里，请重新选", field="items", items=unknown)
    return sorted(set(items))


def _check_times(start_min: int, minutes: int) -> None:
    bounds = settings()
    if not 0 <= start_min < 1440:
        raise Refusal("plan_start", "请填几点上门", field="start")
    if not bounds["shortest_min"] <= minutes <= bounds["longest_min"]:
        raise Refusal(
            "plan_minutes",
            "一次上门要在 %(low)s 到 %(high)s 分钟之间",
            field="minutes",
            low=bounds["shortest_min"],
            high=bounds["longest_min"],
        )


def _let_in(household_id: uuid.UUID, caregiver_id: uuid.UUID, since: date, until: date | None) -> None:
    """Whoever is planned may enter: a stand-in is let in for her days unless she may enter anyway."""
    first = clock.instant(since, 0)
    last = clock.day_bounds(until or since + timedelta(days=settings()["relief_days"]))[1]
    session = db.session()
    known = session.scalar(
        sa.select(Assignment.id).where(
            Assignment.household_id == household_id,
            Assignment.caregiver_id == caregiver_id,
            Assignment.since <= first,
            sa.or_(Assignment.until.is_(None), Assignment.until >= last),
        )
    )
    if known is None:
        people.relieve(session.get_one(Household, household_id), session.get_one(Person, caregiver_id), first, last)


def _tell(household: Household) -> None:
    topics.tell(f"roster:{household.station_id}", f"household:{household.id}")


rulebook.ship("services", Path(__file__).parent / "service_catalog.json")
rulebook.ship("roster", Path(__file__).parent / "roster.json")
