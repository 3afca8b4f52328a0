"""Leave and relief (H08 H09): asked on the phone or rung in, decided by the head, each shift covered or said to be a gap."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from webapp.access import Actor
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.people import models as people
from webapp.people.models import Account, Assignment, Household, Person
from webapp.roster import laying, models, rules
from webapp.roster.absences import APPROVED, ASKED, BY_HERSELF, BY_PHONE, REFUSED, WITHDRAWN, Leave, Relief
from webapp.roster.models import PLANNED, Shift
from webapp.store import audit, db, topics
from webapp.store.inbox import Act

KINDS = ("sick", "family", "rest", "other")
UNKNOWN = "没找到这张请假条，先放在站里"


@dataclass(frozen=True)
class Choice:
    """What the head says about one shift: who goes, or nobody and why."""

    caregiver: Person | None
    why: str = ""


def ask(act: Act, *, kind: str, since: date, until: date | None, why: str | None) -> str | None:
    """A caregiver asks for leave on her phone. Refuses days out of order, too many or too long ago, and days asked before."""
    person = db.session().scalar(
        sa.select(Person).join(Account, Account.person_id == Person.id).where(Account.id == act.author_id)
    )
    if person is None or person.station_id is None:
        raise Refusal("no_person", "没找到您的站，先放在站里")
    _write(person, kind, since, until or since, why or "", act.day, key=act.id, via=BY_HERSELF, by=act.author_id)
    return "请假交上去了，等站长回话"


def record(person: Person, kind: str, since: date, until: date | None, why: str, *, by: uuid.UUID, key: uuid.UUID) -> Leave:
    """She rang: the head writes it down for her (代记). Refuses what `ask` refuses."""
    return _write(person, kind, since, until or since, why, clock.today(), key=key, via=BY_PHONE, by=by)


def _write(
    person: Person, kind: str, since: date, until: date, why: str, asked_on: date, *, key: uuid.UUID, via: str, by: uuid.UUID
) -> Leave:
    bounds = models.settings()
    if kind not in KINDS:
        raise Refusal("leave_kind", "请选什么原因", field="kind")
    if until < since:
        raise Refusal("leave_span", "最后一天要在第一天之后", field="until")
    if (until - since).days >= bounds["leave_longest_days"]:
        raise Refusal("leave_long", "一次最多请 %(most)s 天", field="until", most=bounds["leave_longest_days"])
    if since < asked_on - timedelta(days=bounds["leave_back_days"]):
        raise Refusal("leave_long_ago", "太早了，请打给服务站", field="since")
    session = db.session()
    same = sa.select(Leave.id).where(
        Leave.person_id == person.id, Leave.state.in_((ASKED, APPROVED)), Leave.since <= until, Leave.until >= since
    )
    if session.scalar(same.limit(1)) is not None:
        raise Refusal("leave_twice", "这几天已经请过假了", field="since")
    row = Leave(
        id=key, person_id=person.id, station_id=person.station_id, kind=kind, why=why.strip()[:200], since=since, until=until,
        asked_until=until, via=via, by_id=by, confirmed_at=clock.now() if via == BY_HERSELF else None, state=ASKED,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note("roster.ask_leave", row, kind=kind, since=since, until=until, via=via)
    _tell(row)
    return row


def confirm(act: Act, *, leave: uuid.UUID) -> str | None:
    """What the head wrote down for her is right, says the caregiver. Twice is once. Refuses another's leave."""
    mine = sa.select(Leave).join(Account, Account.person_id == Leave.person_id).where(Account.id == act.author_id)
    row = db.session().scalar(mine.where(Leave.id == leave))
    if row is None:
        raise Refusal("no_leave", UNKNOWN)
    if row.confirmed_at is None:
        row.confirmed_at = act.at
        audit.note("roster.confirm_leave", row)
        _tell(row)
    return None


def withdraw(act: Act, *, leave: uuid.UUID) -> str | None:
    """She does not need it any more, says the caregiver herself, while nobody has answered. Twice is once.

    Refuses another's leave and one that was decided: somebody may have been sent, so she rings the station.
    """
    mine = sa.select(Leave).join(Account, Account.person_id == Leave.person_id).where(Account.id == act.author_id)
    row = db.session().scalar(mine.where(Leave.id == leave))
    if row is None:
        raise Refusal("no_leave", UNKNOWN)
    if row.state == WITHDRAWN:
        return None
    if row.state != ASKED:
        raise Refusal("leave_decided", "站长已经回话了，要改请打给服务站")
    row.state, row.confirmed_at = WITHDRAWN, row.confirmed_at or act.at
    audit.note("roster.withdraw_leave", row)
    _tell(row)
    return "好，这次不请了"


def to_cover(leave: Leave, attended: Collection[uuid.UUID] = ()) -> list[Shift]:
    """The shifts of today and later that the leave leaves open: still hers, or nobody's because of it; without `attended`."""
    session = db.session()
    first = max(leave.since, clock.today())
    hers = sa.or_(Shift.caregiver_id == leave.person_id, sa.and_(Shift.caregiver_id.is_(None), Shift.note == models.ON_LEAVE))
    ask = sa.select(Shift).where(Shift.day.between(first, leave.until), Shift.state == PLANNED, hers)
    homes = sa.select(people.HomeCareUnit.household_id).where(
        people.HomeCareUnit.caregiver_id == leave.person_id, people.HomeCareUnit.until.is_(None)
    )
    ask = ask.where(sa.or_(Shift.caregiver_id == leave.person_id, Shift.household_id.in_(homes)))
    found = session.scalars(
        ask.order_by(Shift.household_id, Shift.day, Shift.start_min).options(sa.orm.joinedload(Shift.household))
    )
    return [shift for shift in found if shift.id not in attended]


def approve(leave: Leave, chosen: Mapping[uuid.UUID, Choice], actor: Actor, attended: Collection[uuid.UUID] = ()) -> None:
    """The head agrees, and says for every shift who goes, or that nobody does and why: none is left out silently.

    Also for a leave agreed to before, when later shifts have come. Refuses one's own leave and a refused one.
    """
    if leave.person_id == actor.person_id:
        raise Refusal("own_leave", "自己的假要请别人来批")
    if leave.state == WITHDRAWN:
        raise Refusal("leave_undone", "她自己不请了，不用再批")
    if leave.state == REFUSED:
        raise Refusal("leave_refused", "这张请假条已经回绝了")
    shifts = to_cover(leave, attended)
    open_ones = [shift for shift in shifts if shift.id not in chosen]
    if open_ones:
        raise Refusal("uncovered", "还有 %(n)s 次上门没说谁去", field="shifts", n=len(open_ones))
    if leave.state == ASKED:
        leave.state, leave.decided_at, leave.decided_by = APPROVED, clock.now(), actor.account_id
    for shift in shifts:
        send(shift, chosen[shift.id], actor, leave)
    audit.note("roster.approve_leave", leave, shifts=len(shifts), gaps=sum(chosen[s.id].caregiver is None for s in shifts))
    _tell(leave)


def refuse(leave: Leave, answer: str, actor: Actor) -> None:
    """The head says no, and why. Refuses an empty reason, one's own leave, and one decided before."""
    if leave.person_id == actor.person_id:
        raise Refusal("own_leave", "自己的假要请别人来批")
    if leave.state != ASKED:
        raise Refusal("leave_decided", "这张请假条已经有回话了")
    if len(answer.strip()) < 2:
        raise Refusal("no_answer", "请写明为什么不同意", field="answer")
    leave.state, leave.decided_at, leave.decided_by = REFUSED, clock.now(), actor.account_id
    leave.answer = answer.strip()[:200]
    audit.note("roster.refuse_leave", leave, answer=leave.answer)
    _tell(leave)


def send(shift: Shift, choice: Choice, actor: Actor, leave: Leave | None = None) -> Relief:
    """Who goes to a shift instead. Whoever was sent before no longer goes.

    Refuses whoever is on leave herself or elsewhere at that time, a day that is over, and nobody without a reason.
    """
    session, who = db.session(), choice.caregiver
    if shift.day < clock.today():
        raise Refusal("day_over", "过去的日子不能再改排班", field="day")
    if who is None and len(choice.why.strip()) < 2:
        raise Refusal("no_why", "没有人替，请写明原因", field=f"why-{shift.id}")
    if who is not None:
        _refuse_busy(who, shift, leave)
    former = session.scalar(sa.select(Relief).where(Relief.shift_id == shift.id, Relief.ended_at.is_(None)))
    if former is not None:
        end_relief(former)
    row = Relief(
        shift_id=shift.id, household_id=shift.household_id, station_id=shift.station_id, day=shift.day,
        planned_id=former.planned_id if former else leave.person_id if leave else shift.caregiver_id,
        caregiver_id=who.id if who else None, leave_id=leave.id if leave else former.leave_id if former else None,
        why=choice.why.strip()[:60], by_id=actor.account_id,
    )  # fmt: skip
    session.add(row)
    shift.caregiver_id, shift.note = row.caregiver_id, laying.nobody(row) or _partial(shift)
    session.flush()
    if who is not None:
        _let_in(row, who)
    audit.note("roster.relief", row, shift.household_id, shift=shift.id, caregiver=row.caregiver_id, why=row.why)
    topics.tell(f"roster:{shift.station_id}", f"household:{shift.household_id}")
    return row


def _partial(shift: Shift) -> str | None:
    """That one of a couple pauses stays said."""
    return shift.note if shift.note and ":" in shift.note and not shift.note.startswith(models.NOBODY) else None


def _refuse_busy(who: Person, shift: Shift, leave: Leave | None) -> None:
    session, facts = db.session(), {"field": f"who-{shift.id}", "name": who.name}
    if leave is not None and who.id == leave.person_id:
        raise Refusal("same_person", "%(name)s自己在请假，请换一位", **facts)
    away = sa.select(Leave.id).where(
        Leave.person_id == who.id, Leave.state == APPROVED, Leave.since <= shift.day, Leave.until >= shift.day
    )
    if session.scalar(away.limit(1)) is not None:
        raise Refusal("relief_away", "%(name)s这天也请假了，请换一位", **facts)
    others = sa.select(Shift.start_min, Shift.minutes, Household.name).join(Household, Household.id == Shift.household_id)
    mine = others.where(Shift.caregiver_id == who.id, Shift.day == shift.day, Shift.state == PLANNED, Shift.id != shift.id)
    for start, minutes, home in session.execute(mine):
        if rules.meets(goes_at(shift), shift.minutes, start, minutes):
            raise Refusal("relief_busy", "%(name)s这个时间在%(home)s家，请换一位", home=home, **facts)


def goes_at(shift: Shift) -> int:
    """When a stand-in would go, minutes after midnight: now, where it should have begun already."""
    late = shift.day == clock.today() and clock.minute_of(clock.now()) > shift.start_min
    return clock.minute_of(clock.now()) if late else shift.start_min


def _let_in(row: Relief, who: Person) -> None:
    """She may enter from the day before her first shift there to the day after her last (roles, T2)."""
    session, bounds = db.session(), models.settings()
    days = _days(row)
    first = clock.instant(min(days) - timedelta(days=bounds["relief_before_days"]), 0)
    last = clock.day_bounds(max(days) + timedelta(days=bounds["relief_after_days"]))[1]
    known = sa.select(Relief.assignment_id).where(
        Relief.caregiver_id == who.id, Relief.household_id == row.household_id, Relief.ended_at.is_(None),
        Relief.assignment_id.is_not(None), Relief.day >= clock.today(),
    )  # fmt: skip
    key = session.scalar(known.limit(1))
    if key is None:
        row.assignment_id = people.relieve(session.get_one(Household, row.household_id), who, first, last).id
    else:
        people.relieve_until(session.get_one(Assignment, key), last, first)
        row.assignment_id = key
    session.flush()


def _days(row: Relief) -> list[date]:
    """The days of today and later on which the same person goes there instead."""
    same = sa.select(Relief.day).where(
        Relief.caregiver_id == row.caregiver_id, Relief.household_id == row.household_id, Relief.ended_at.is_(None),
        Relief.day >= clock.today(),
    )  # fmt: skip
    return list(db.session().scalars(same))


def end_relief(row: Relief) -> None:
    """She no longer goes; with her last shift there her way in ends at once."""
    row.ended_at = clock.now()
    session = db.session()
    session.flush()
    if row.assignment_id is None or row.caregiver_id is None:
        return
    days = _days(row)
    last = clock.day_bounds(max(days) + timedelta(days=models.settings()["relief_after_days"]))[1] if days else clock.now()
    people.relieve_until(session.get_one(Assignment, row.assignment_id), last)


def come_back(leave: Leave, day: date, actor: Actor) -> None:
    """She is back on `day`, earlier than asked: relief from then on ends, what has begun stays. Refuses a day outside."""
    if leave.state != APPROVED or not max(leave.since, clock.today()) <= day <= leave.until:
        raise Refusal("back_day", "请选假期里、今天或以后的一天", field="day")
    session = db.session()
    leave.until = day - timedelta(days=1)
    mine = sa.select(Relief, Shift).join(Shift, Shift.id == Relief.shift_id)
    rows = session.execute(mine.where(Relief.leave_id == leave.id, Relief.ended_at.is_(None), Relief.day >= day)).all()
    homes = set()
    for row, shift in rows:
        if clock.instant(shift.day, shift.start_min) > clock.now():
            end_relief(row)
            homes.add(shift.household_id)
    session.flush()
    later = sa.select(Shift.household_id).where(
        Shift.station_id == leave.station_id, Shift.day.between(day, leave.asked_until), Shift.note == models.ON_LEAVE
    )
    for key in homes | set(session.scalars(later)):
        laying.lay_again(key, day)
    audit.note("roster.come_back", leave, day=day)
    _tell(leave)


def _tell(leave: Leave) -> None:
    topics.tell(f"roster:{leave.station_id}")
