"""Phone forgotten or broken: the head writes down what a caregiver rings in; she confirms it later."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import Account, Person
from webapp.roster.models import Shift
from webapp.store import audit, db
from webapp.store.inbox import Act
from webapp.visits import rules
from webapp.visits.models import IN, OPEN, OUT, PHONED, VOID, Call, Confirmation, Visit, VisitException, limits, tell
from webapp.visits.recording import GONE
from webapp.visits.writing import find, settled

LINES = ("resident", "own", "other", "paper")
"""From where it was told; paper: written down from a day sheet that was filled in by hand."""
PHONE = rules.CODES[rules.PHONE]
AHEAD = timedelta(minutes=5)


def arrived(shift: Shift, caregiver: Person, at: datetime, line: str, actor: Actor) -> Visit:
    """She rang: I am there. Refuses a time to come, another day, and a visit that has begun on her phone or by telephone."""
    session, now = db.session(), clock.now()
    _check_time(at, line, shift, now)
    known = _here(shift, caregiver)
    if known is not None:
        raise Refusal("arrived_already", "这次上门已经签到了，时间是 %(time)s", field="at", time=_time(known.arrived_at))
    facts = limits(shift.day, shift.station_id)
    late = rules.late_by(clock.instant(shift.day, shift.start_min), at)
    found: list[tuple[str, dict[str, Any]]] = [(PHONED[IN], {"by": actor.account_id, "line": line})]
    if late > facts["late_min"]:
        found.append(("LATE_IN", {"minutes": late}))
    if shift.caregiver_id not in (None, caregiver.id):
        found.append(("REPLACEMENT", {"planned": shift.caregiver_id}))
    grade = rules.phone_grade(line, rules.minutes_between(at, now), facts)
    row = session.get(Visit, shift.visit_id)
    if row is None:
        row = Visit(id=shift.visit_id)
        session.add(row)
    row.household_id, row.station_id, row.caregiver_id, row.shift_id = (
        shift.household_id,
        shift.station_id,
        caregiver.id,
        shift.id,
    )
    row.day, row.arrived_at, row.state, row.grade, row.arrive_by = shift.day, at, OPEN, grade, PHONE
    row.left_at = row.voided_at = row.minutes = row.leave_by = row.into_id = None
    row.planned_start_min, row.planned_minutes = shift.start_min, shift.minutes
    session.flush()
    session.execute(sa.delete(VisitException).where(VisitException.visit_id == row.id))
    _call(row, IN, at, line, actor)
    find(row.id, row.household_id, row.station_id, row.day, rules.named(found, facts))
    audit.note("visits.phoned_in", row, row.household_id, caregiver=caregiver.id, at=at, line=line)
    tell(row.station_id, row.household_id)
    return row


def _here(shift: Shift, caregiver: Person) -> Visit | None:
    """The visit that this arrival would double: the shift's own, or hers in that home at about that time."""
    session = db.session()
    own = session.get(Visit, shift.visit_id)
    if own is not None and own.state != VOID:
        return own
    start, end = clock.day_bounds(shift.day)
    hers = sa.select(Visit).where(Visit.household_id == shift.household_id, Visit.arrived_at.between(start, end))
    return session.scalar(
        hers.where(Visit.shift_id == shift.id, Visit.state != VOID, Visit.caregiver_id == caregiver.id).limit(1)
    )


def left(visit: Visit, at: datetime, line: str, actor: Actor) -> None:
    """She rang: I am leaving. Refuses a visit that is over, a time to come and one before her arrival."""
    now = clock.now()
    if visit.state != OPEN:
        raise Refusal("left_already", "这次上门已经签退了", field="at")
    if at < visit.arrived_at:
        raise Refusal("time_order", "走的时间比到的早，请看一下", field="at")
    _check_time(at, line, None, now)
    facts = limits(visit.day, visit.station_id)
    minutes = rules.minutes_between(visit.arrived_at, at)
    told = rules.named([(PHONED[OUT], {"by": actor.account_id, "line": line})], facts)
    told += rules.length_findings(minutes, visit.planned_minutes, facts)
    visit.left_at, visit.minutes, visit.state, visit.leave_by = at, minutes, "done", PHONE
    visit.grade = rules.worse(visit.grade, rules.phone_grade(line, rules.minutes_between(at, now), facts))
    db.session().flush()
    _call(visit, OUT, at, line, actor)
    find(visit.id, visit.household_id, visit.station_id, visit.day, told)
    audit.note("visits.phoned_out", visit, visit.household_id, at=at, line=line)
    tell(visit.station_id, visit.household_id)


def _check_time(at: datetime, line: str, shift: Shift | None, now: datetime) -> None:
    if line not in LINES:
        raise Refusal("line", "请选是哪个电话打来的", field="line")
    if at > now + AHEAD:
        raise Refusal("time_ahead", "这个时间还没到，请看一下", field="at")
    if shift is not None and shift.day != clock.day_of(at):
        raise Refusal("other_day", "只能记当天的", field="at")


def _time(at: datetime) -> str:
    here = clock.local(at)
    return f"{here.hour}:{here.minute:02d}"


def _call(visit: Visit, direction: str, at: datetime, line: str, actor: Actor) -> None:
    now = clock.now()
    row = {
        "id": ids.new(), "visit_id": visit.id, "household_id": visit.household_id, "author_id": actor.account_id,
        "direction": direction, "method": PHONE, "why": line, "place_state": "none", "app": "", "made_at": now, "at": at,
        "received_at": now, "skew_s": 0,
    }  # fmt: skip
    db.session().execute(sa.insert(cast(sa.Table, Call.__table__)), row)


def confirm(act: Act, *, call: uuid.UUID, agrees: str | None) -> str | None:
    """The caregiver's own word about what was written down for her. Twice is once. Refuses another's visit."""
    session = db.session()
    found = session.execute(
        sa.select(Call, Visit)
        .join(Visit, Visit.id == Call.visit_id)
        .join(Account, Account.person_id == Visit.caregiver_id)
        .where(Call.id == call, Call.method == PHONE, Account.id == act.author_id)
    ).first()
    if found is None:
        raise Refusal("no_visit", GONE)
    rung, visit = found
    yes = agrees != "no"
    row = {"call_id": call, "act_id": act.id, "account_id": act.author_id, "agrees": yes, "at": act.at}
    session.execute(db.insert(Confirmation).values(row).on_conflict_do_nothing())
    if yes:
        settled(visit.id, [PHONED[rung.direction]], act)
    else:
        denied = rules.named([("PHONE_DENIED", {"arrived": rung.at})], limits(visit.day, visit.station_id))
        find(visit.id, visit.household_id, visit.station_id, visit.day, denied)
    audit.note("visits.confirm", f"call:{call}", visit.household_id, agrees=yes)
    tell(visit.station_id, visit.household_id)
    return None if yes else "记下了，站长会来问您"
