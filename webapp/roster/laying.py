"""Shifts laid from plans, pauses, leave and relief; a shift mints the id of its visit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import HomeCareUnit, Household
from webapp.roster import calendar, rules
from webapp.roster.absences import Absent, Relief, absent
from webapp.roster.plans import CANCELLED, NOBODY, ON_LEAVE, PAUSED, PLANNED, ServicePlan, Shift
from webapp.store import audit, db, jobs, rulebook


def horizon() -> date:
    """How far shifts are laid ahead."""
    return clock.today() + timedelta(days=int(rulebook.current("roster", clock.today())["horizon_days"]))


@jobs.job("roster.extend", nightly=True)
def extend_nightly() -> None:
    """Lay the shifts of the coming days; repeating it changes nothing."""
    extend(horizon())


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
        new += lay(batch, since, until_day)
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
    lay(plans.all(), since, horizon(), fresh_from=clock.today())


def lay(plans: Sequence[ServicePlan], since: date, until: date, *, strict: bool = False, fresh_from: date | None = None) -> int:
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
