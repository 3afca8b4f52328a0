"""Weekly plans, their changes, and the shifts laid from them; a shift mints the id of its visit."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people import models as people
from webapp.people.models import Assignment, HomeCareUnit, Household, Person
from webapp.roster import calendar, rules
from webapp.roster.absences import Absent, Relief, absent
from webapp.roster.plans import CANCELLED as CANCELLED
from webapp.roster.plans import NOBODY as NOBODY
from webapp.roster.plans import ON_LEAVE as ON_LEAVE
from webapp.roster.plans import PAUSED as PAUSED
from webapp.roster.plans import PLANNED as PLANNED
from webapp.roster.plans import PlanChange as PlanChange
from webapp.roster.plans import ServicePlan as ServicePlan
from webapp.roster.plans import Shift as Shift
from webapp.store import audit, db, jobs, rulebook, topics


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
    _lay([row], max(row.valid_from, clock.today()), _horizon())
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
    _lay([plan], since, until or _horizon(), strict=True)
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


def _horizon() -> date:
    return clock.today() + timedelta(days=int(settings()["horizon_days"]))


def _tell(household: Household) -> None:
    topics.tell(f"roster:{household.station_id}", f"household:{household.id}")


@jobs.job("roster.extend", nightly=True)
def extend_nightly() -> None:
    """Lay the shifts of the coming days; repeating it changes nothing."""
    extend(_horizon())


BATCH = 500


def extend(until_day: date, since: date | None = None) -> int:
    """Lay what is missing from `since` (default today) to `until_day` and bring what stands into line with its plan.

    Returns how many shifts were new. Repeating it changes nothing.
    """
    since, new, last = since or clock.today(), 0, uuid.UUID(int=0)
    session = db.session()
    while True:
        batch = session.scalars(
            sa.select(ServicePlan)
            .where(ServicePlan.id > last, sa.or_(ServicePlan.valid_until.is_(None), ServicePlan.valid_until >= since))
            .order_by(ServicePlan.id)
            .limit(BATCH)
            .options(sa.orm.selectinload(ServicePlan.changes))
        ).all()
        if not batch:
            break
        new += _lay(batch, since, until_day)
        last = batch[-1].id
    if new:
        audit.note("roster.extend", f"roster:{until_day}", shifts=new)
    return new


@dataclass(frozen=True)
class Homes:
    """Of some households: their stations, those that ended, and who was main caregiver when."""

    stations: dict[uuid.UUID, uuid.UUID]
    ended: dict[uuid.UUID, date | None]
    units: dict[uuid.UUID, list[tuple[Any, Any, uuid.UUID]]]

    def main(self, household_id: uuid.UUID, day: date, start_min: int) -> uuid.UUID | None:
        """The main caregiver at that moment."""
        at = clock.instant(day, start_min)
        held = (key for since, until, key in self.units.get(household_id, ()) if since <= at and (until is None or until > at))
        return next(held, None)


def homes_of(keys: set[uuid.UUID]) -> Homes:
    """What laying shifts must know of some households."""
    session = db.session()
    homes = session.execute(sa.select(Household.id, Household.station_id, Household.ended_on).where(Household.id.in_(keys))).all()
    units: dict[uuid.UUID, list[tuple[Any, Any, uuid.UUID]]] = {}
    asked = sa.select(HomeCareUnit.household_id, HomeCareUnit.since, HomeCareUnit.until, HomeCareUnit.caregiver_id)
    for key, since, until, caregiver in session.execute(asked.where(HomeCareUnit.household_id.in_(keys))):
        units.setdefault(key, []).append((since, until, caregiver))
    return Homes({row[0]: row[1] for row in homes}, {row[0]: row[2] for row in homes}, units)


def lay_again(household_id: uuid.UUID, since: date) -> None:
    """Bring a household's shifts from `since` on into line with plans, pauses, leave and relief.

    Days that are over get no new shift, and what has begun today stays as it is.
    """
    plans = db.session().scalars(
        sa.select(ServicePlan).where(ServicePlan.household_id == household_id).options(sa.orm.selectinload(ServicePlan.changes))
    )
    _lay(plans.all(), since, _horizon(), fresh_from=clock.today())


def _lay(plans: Sequence[ServicePlan], since: date, until: date, *, strict: bool = False, fresh_from: date | None = None) -> int:
    """Insert missing shifts, move or cancel those that differ. `strict`: refuse a time the household has already."""
    keys = {each.household_id for each in plans}
    homes, away = homes_of(keys), absent(keys, since, until)
    standing, off = _standing(plans, since, until), calendar.days_off(since, until)
    fresh, altered = [], []
    for each in plans:
        changes = [change.fact for change in each.changes]
        ended = homes.ended[each.household_id]
        for day in rules.span(max(since, each.valid_from), until):
            if ended == day:
                continue  # whoever wrote the end down said what becomes of that day's shifts
            wanted = None if ended is not None and day > ended else rules.planned(each.pattern, changes, day, day in off)
            for seat in SEATS:
                here = standing.get((each.id, day, seat))
                goes = wanted is not None and (seat == 0 or wanted.second_id is not None)
                values = _values(each, homes, day, wanted, away, here, seat) if wanted is not None and goes else None
                if here is None and values:
                    if fresh_from is None or day >= fresh_from:
                        fresh.append(values | {"id": ids.new(), "visit_id": ids.new(), "made_at": clock.now(), "day": day})
                elif here is not None and (change := _difference(here, values)):
                    altered.append({"shift_key": here.id} | change)
    _alter(altered, strict)
    return _insert(fresh)


SEATS = (0, 1)


def _standing(plans: Sequence[ServicePlan], since: date, until: date) -> dict[tuple[uuid.UUID | None, date, int], Any]:
    movable = [getattr(Shift, name) for name in MOVABLE]
    rows = db.session().execute(
        sa.select(Shift.id, Shift.plan_id, Shift.day, Shift.seat, *movable).where(
            Shift.plan_id.in_([each.id for each in plans]), Shift.day.between(since, until)
        )
    )
    return {(row.plan_id, row.day, row.seat): row for row in rows}


MOVABLE = ("start_min", "minutes", "items", "caregiver_id", "state", "note", "spot_id")


def _values(
    plan: ServicePlan, homes: Homes, day: date, wanted: rules.Planned, away: Absent, here: Any, seat: int
) -> dict[str, Any]:
    main = wanted.second_id if seat else wanted.caregiver_id or homes.main(plan.household_id, day, wanted.start_min)
    caregiver, note = main, None
    sent = away.reliefs.get(here.id) if here is not None else None
    if sent is not None:
        caregiver, note = sent.caregiver_id, nobody(sent)
    elif away.on_leave(caregiver, day) and not _hers(here, caregiver, day):
        caregiver, note = None, ON_LEAVE
    rest = away.standing(plan.household_id, day)
    begun = here is not None and here.state == PAUSED and clock.instant(day, here.start_min) < clock.now()
    return {
        "plan_id": plan.id,
        "household_id": plan.household_id,
        "station_id": homes.stations[plan.household_id],
        "caregiver_id": caregiver,
        "start_min": wanted.start_min,
        "minutes": wanted.minutes,
        "items": list(wanted.items),
        "state": PAUSED if rest.out or begun else PLANNED,
        "note": here.note if begun and not rest.out else rest.note if rest.out else note or rest.note,
        "spot_id": rest.spot_id,
        "seat": seat,
    }


def _hers(here: Any, caregiver: uuid.UUID | None, day: date) -> bool:
    """Whether the shift had begun as hers before her leave was agreed to: it was covered then or she went."""
    return here is not None and here.caregiver_id == caregiver and clock.instant(day, here.start_min) <= clock.now()


def nobody(sent: Relief) -> str | None:
    """The note of a shift by who is sent to it: nothing when somebody is."""
    return None if sent.caregiver_id else f"{NOBODY}:{sent.why}"


def _difference(here: Any, values: dict[str, Any] | None) -> dict[str, Any] | None:
    """What must be written on a standing shift: all its movable fields, or nothing."""
    now = {name: getattr(here, name) for name in MOVABLE}
    then = now | {"state": CANCELLED, "note": None} if values is None else {name: values[name] for name in now}
    return then if then != now else None


def _alter(rows: list[dict[str, Any]], strict: bool) -> None:
    if not rows:
        return
    session = db.session()
    change = sa.update(Shift).where(Shift.id == sa.bindparam("shift_key")).values({n: sa.bindparam(f"to_{n}") for n in MOVABLE})
    told = [{"shift_key": row["shift_key"]} | {f"to_{n}": row[n] for n in MOVABLE} for row in rows]
    try:
        with session.begin_nested():
            session.connection().execute(change, told)
    except sa.exc.IntegrityError as error:
        if strict:
            raise Refusal("plan_clash", "这个时间已经排过了，请换个时间", field="start") from error
    for row in list(session.identity_map.values()):
        if isinstance(row, Shift):
            session.expire(row)


def _insert(rows: list[dict[str, Any]]) -> int:
    session = db.session()
    new = 0
    for start in range(0, len(rows), 50):
        told = db.insert(Shift).values(rows[start : start + 50]).on_conflict_do_nothing().returning(Shift.id)
        new += len(session.scalars(told).all())
    return new


rulebook.ship("services", Path(__file__).parent / "service_catalog.json")
rulebook.ship("roster", Path(__file__).parent / "roster.json")
