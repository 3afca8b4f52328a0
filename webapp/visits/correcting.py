"""Corrections of a visit's times: asked for, opened by the street when late, decided by another person. Calls stay frozen.

Each is its own row (who, when, field, old, new, why); deciding and opening are rows too. Nobody approves their own.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import Account, Household, Person
from webapp.roster.models import Shift
from webapp.store import audit, db
from webapp.store.db import Base
from webapp.store.inbox import Act
from webapp.store.traits import Homed, append_only
from webapp.store.types import Instant, Uuid
from webapp.visits import rules, settling
from webapp.visits.deriving import HAND, IN, OUT, Adjusted, Heard, derive, in_order
from webapp.visits.models import DONE, OPEN, VOID, Call, Visit, VisitException, limits, tell
from webapp.visits.writing import find, touch

FIELDS = (IN, OUT)
ANSWERED = {IN: {"LATE_IN", "NO_IN", "MISSED"}, OUT: {"NO_OUT"}}
"""Findings a correction may answer, by what it corrects; those about order and length may be answered by either."""
MEASURED = {"TIME_ORDER", "SHORT", "LONG", "TOO_LONG"}


class Correction(Homed, Base):
    """Somebody asks that a visit began or ended at another time. `id` is the act's when she asked on her phone."""

    __tablename__ = "correction"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), index=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    field: Mapped[str] = mapped_column(sa.String(3))
    old: Mapped[datetime | None] = mapped_column(Instant())
    new: Mapped[datetime] = mapped_column(Instant())
    reason: Mapped[str] = mapped_column(sa.String(2))
    memo: Mapped[str] = mapped_column(sa.String(200))
    photos: Mapped[list[str]] = mapped_column(sa.JSON())
    late: Mapped[bool]
    """Asked after the setting's hours: the street must open it first."""
    asked_by: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())
    received_at: Mapped[datetime] = mapped_column(Instant())
    household: Mapped[Household] = relationship()
    caregiver: Mapped[Person] = relationship()
    ruling: Mapped[CorrectionRuling | None] = relationship(viewonly=True)
    openings: Mapped[list[CorrectionOpening]] = relationship(viewonly=True, order_by="CorrectionOpening.at")
    __table_args__ = (sa.Index("ix_correction_station_id_received_at", "station_id", "received_at"),)

    def shut(self, now: datetime) -> bool:
        """Whether the station may not decide it (any more) before the street has opened it."""
        begun = self.openings[-1].at if self.openings else None if self.late else self.received_at
        return begun is None or now - begun > timedelta(days=limits(clock.day_of(self.new), self.station_id)["decide_days"])


class CorrectionRuling(Base):
    """What another person decided about a correction."""

    __tablename__ = "correction_ruling"
    correction_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("correction.id"), primary_key=True)
    approves: Mapped[bool]
    action: Mapped[str | None] = mapped_column(sa.String(1))
    answer: Mapped[str] = mapped_column(sa.String(200), default="")
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())


class CorrectionOpening(Base):
    """The street lets the station decide a correction after its time."""

    __tablename__ = "correction_opening"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    correction_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("correction.id"), index=True)
    why: Mapped[str] = mapped_column(sa.String(200))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())


class FlagReached(Base):
    """When a finding first stood before the caregiver: from then on her time to ask runs."""

    __tablename__ = "flag_reached"
    exception_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit_exception.id"), primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())


class FlagAnswer(Base):
    """What the caregiver says to a finding. `id` is the act's."""

    __tablename__ = "flag_answer"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    exception_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit_exception.id"), index=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    words: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[datetime] = mapped_column(Instant())


append_only("correction", "what was asked is never changed")
append_only("correction_ruling", "what was decided is never changed")
append_only("correction_opening", "an opening is never changed")
append_only("flag_reached", "when a flag reached somebody is never changed")
append_only("flag_answer", "an answer is never changed")


# -- her side --


def reach_her(exception_ids: list[uuid.UUID], account_id: uuid.UUID) -> None:
    """These findings stand before the caregiver now, the first time."""
    now = clock.now()
    db.session().add_all(FlagReached(exception_id=key, account_id=account_id, at=now) for key in exception_ids)


def answer(act: Act, *, exception: uuid.UUID, words: str) -> str | None:
    """Her own words about a finding. Refuses another's visit."""
    session = db.session()
    row = session.get(VisitException, exception)
    if row is None or _hers(act.author_id, row.visit_id) is None:
        raise Refusal("no_visit", "没找到这一条，先放在站里")
    session.add(FlagAnswer(id=act.id, exception_id=row.id, account_id=act.author_id, words=words.strip()[:200], at=act.at))
    touch(row.visit_id)
    audit.note("visits.answer", row, row.household_id, code=row.code)
    tell(row.station_id, row.household_id)
    return None


def ask(act: Act, *, visit: uuid.UUID, field: str, time: int, next_day: bool, reason: str, memo: str) -> str | None:
    """She asks for another time (`time`: minutes after midnight of the visit's day). Refuses what `check` refuses."""
    target = _hers(act.author_id, visit)
    if target is None:
        raise Refusal("no_visit", "没找到这次上门，先放在站里")
    new = clock.instant(target.day, time + (1440 if next_day else 0))
    _put(target, act.id, field, new, reason, memo, act.photo("photo"), act.author_id, act.at, act.received_at)
    late = _too_late(visit, act.received_at, target)
    return "过了可以问的时间，要请街道先同意" if late else "站里会在7天里回话"


def ask_for(actor: Actor, visit: Visit | Shift, field: str, new: datetime, reason: str, memo: str) -> Correction:
    """The station asks on her behalf; somebody else must decide. Refuses what `check` refuses."""
    now = clock.now()
    return _put(visit, ids.new(), field, new, reason, memo, [], actor.account_id, now, now)


def _hers(account_id: uuid.UUID, visit_id: uuid.UUID) -> Visit | Shift | None:
    """Her visit, or her shift that nobody came to."""
    session = db.session()
    mine = sa.select(Account.person_id).where(Account.id == account_id).scalar_subquery()
    found = session.scalar(sa.select(Visit).where(Visit.id == visit_id, Visit.caregiver_id == mine))
    if found is not None or session.get(Visit, visit_id) is not None:
        return found
    return session.scalar(sa.select(Shift).where(Shift.visit_id == visit_id, Shift.caregiver_id == mine))


def _key(target: Visit | Shift) -> uuid.UUID:
    return target.id if isinstance(target, Visit) else target.visit_id


def check(target: Visit | Shift, field: str, new: datetime, reason: str, memo: str, now: datetime) -> None:
    """Refuse an unknown field or reason, no words, a time to come, one that holds already, and leaving before arriving."""
    facts = limits(target.day, target.station_id)
    if field not in FIELDS:
        raise Refusal("no_field", "请选改哪一个", field="field")
    if reason not in dict(facts["reasons"]):
        raise Refusal("no_reason", "请选一个原因", field="reason")
    if len(memo.strip()) < 6:
        raise Refusal("no_memo", "请写几个字说明，至少6个字", field="memo")
    if new > now:
        raise Refusal("future", "这个时间还没到，请看一下", field="time")
    arrived, left = (target.arrived_at, target.left_at) if isinstance(target, Visit) else (None, None)
    if new == (arrived if field == IN else left):
        raise Refusal("no_change", "时间和现在记的一样，不用改", field="time")
    if isinstance(target, Shift) and field == OUT:
        raise Refusal("no_arrival", "还没有到的时间，请先补到的时间", field="field")
    if not in_order(*((new, left) if field == IN else (arrived, new))):
        raise Refusal("time_order", "走的时间要比到的晚，请看一下", field="time")


def _put(
    target: Visit | Shift, key: uuid.UUID, field: str, new: datetime, reason: str, memo: str, photos: list[str],
    by: uuid.UUID, at: datetime, received_at: datetime,
) -> Correction:  # fmt: skip
    if isinstance(target, Visit) and target.state == VOID:
        raise Refusal("visit_void", "这次上门已经作废，不能改了")
    check(target, field, new, reason, memo, received_at)
    visit_id = _key(target)
    old = (target.arrived_at if field == IN else target.left_at) if isinstance(target, Visit) else None
    caregiver = target.caregiver_id
    if caregiver is None:
        raise Refusal("nobody", "这一班没有排人，请先派人")
    row = Correction(
        id=key, visit_id=visit_id, household_id=target.household_id, station_id=target.station_id, caregiver_id=caregiver,
        field=field, old=old, new=new, reason=reason, memo=memo.strip()[:200], photos=photos,
        late=_too_late(visit_id, received_at, target), asked_by=by, at=at, received_at=received_at,
    )  # fmt: skip
    db.session().add(row)
    db.session().flush()
    touch(visit_id)
    audit.note("visits.ask_correction", row, row.household_id, visit=visit_id, field=field, old=old, new=new, reason=reason)
    tell(row.station_id, row.household_id)
    return row


def _too_late(visit_id: uuid.UUID, now: datetime, target: Visit | Shift) -> bool:
    """Whether the hours since the newest finding reached her, or since the last call came in, are over."""
    session = db.session()
    flags = session.execute(
        sa.select(VisitException.settled_at, FlagReached.at)
        .outerjoin(FlagReached, FlagReached.exception_id == VisitException.id)
        .where(VisitException.visit_id == visit_id)
    ).all()
    if any(reached is None and settled is None for settled, reached in flags):
        return False
    last = session.scalar(sa.select(sa.func.max(Call.received_at)).where(Call.visit_id == visit_id))
    told = [reached for _settled, reached in flags if reached] + ([last] if last else [])
    since = max(told, default=clock.day_bounds(target.day)[1])
    return now - since > timedelta(hours=limits(target.day, target.station_id)["correct_h"])


# -- the other side --


def open_again(row: Correction, actor: Actor, why: str) -> None:
    """The street lets the station decide it. Refuses one's own, one that is decided or open already, and no reason."""
    if row.ruling is not None or not row.shut(clock.now()):
        raise Refusal("not_shut", "这一条不用开，站里可以直接办")
    _refuse_own(row, actor)
    if len(why.strip()) < 2:
        raise Refusal("no_words", "请写明为什么同意", field="why")
    opening = CorrectionOpening(id=ids.new(), correction_id=row.id, why=why.strip()[:200], by_id=actor.account_id, at=clock.now())
    db.session().add(opening)
    audit.note("visits.open_correction", row, row.household_id, why=why)
    tell(row.station_id, row.household_id)


def decide(row: Correction, actor: Actor, approves: bool, action: str = "", answer: str = "") -> None:
    """Approve or not. Refuses one's own, a second time, one whose time is over, an approval without saying how it was
    checked, a no without words, and times that are out of order by now."""
    now, session = clock.now(), db.session()
    facts = limits(clock.day_of(row.new), row.station_id)
    if row.ruling is not None:
        raise Refusal("settled", "这一条已经有人办过了")
    _refuse_own(row, actor)
    if row.shut(now):
        raise Refusal("shut", "过了时间，要请街道先同意")
    if approves and action not in dict(facts["actions"]):
        raise Refusal("no_action", "请选怎么核实的", field="action")
    if not approves and len(answer.strip()) < 2:
        raise Refusal("no_words", "请写明为什么不改", field="answer")
    if approves:
        _apply(row, action, facts)
    ruling = CorrectionRuling(
        correction_id=row.id,
        approves=approves,
        action=action or None,
        answer=answer.strip()[:200],
        by_id=actor.account_id,
        at=now,
    )
    session.add(ruling)
    touch(row.visit_id)
    audit.note("visits.decide_correction", row, row.household_id, approves=approves, action=action)
    tell(row.station_id, row.household_id)


def _refuse_own(row: Correction, actor: Actor) -> None:
    if actor.account_id == row.asked_by or actor.person_id == row.caregiver_id:
        raise Refusal("own_correction", "自己提的，要请别人来定")


def _apply(row: Correction, action: str, facts: dict[str, Any]) -> None:
    session = db.session()
    visit = session.get(Visit, row.visit_id) or _begin(row, facts)
    before = session.scalars(
        sa.select(Correction)
        .join(CorrectionRuling, CorrectionRuling.correction_id == Correction.id)
        .where(Correction.visit_id == visit.id, CorrectionRuling.approves)
        .order_by(CorrectionRuling.at, Correction.id)
    ).all()
    now = derive(_heard(visit), [Adjusted(each.field, each.new) for each in (*before, row)])
    if not in_order(now.arrived_at, now.left_at):
        raise Refusal("time_order", "走的时间要比到的晚，请看一下")
    visit.arrived_at = now.arrived_at or visit.arrived_at
    visit.left_at, visit.minutes, visit.arrive_by, visit.leave_by = now.left_at, now.minutes, now.arrive_by, now.leave_by
    visit.day = clock.day_of(visit.arrived_at)
    if row.field == IN:
        visit.adjusted_in_at = row.new
    else:
        visit.adjusted_out_at = row.new
    if visit.state == OPEN and visit.left_at is not None:
        visit.state = DONE
    visit.grade = rules.worse(visit.grade, "B")
    session.flush()
    _answered(visit, row, action, facts)


def _heard(visit: Visit) -> list[Heard]:
    """The calls that count for it, in the order in which they came in."""
    calls = db.session().scalars(sa.select(Call).where(Call.visit_id == visit.id).order_by(Call.received_at, Call.id)).all()
    first = next((n for n, call in enumerate(calls) if call.id == visit.opened_by), 0)
    return [Heard(call.direction, call.at, call.method) for call in calls[first:]]


def _begin(row: Correction, facts: dict[str, Any]) -> Visit:
    """Nobody checked in and yet she was there: the visit that her shift minted begins with what was approved."""
    session = db.session()
    shift = session.scalars(sa.select(Shift).where(Shift.visit_id == row.visit_id)).one()
    visit = Visit(
        id=row.visit_id, household_id=row.household_id, station_id=row.station_id, caregiver_id=row.caregiver_id,
        shift_id=shift.id, day=shift.day, arrived_at=row.new, state=OPEN, grade="C", arrive_by=HAND,
        planned_start_min=shift.start_min, planned_minutes=shift.minutes,
    )  # fmt: skip
    session.add(visit)
    session.flush()
    find(visit.id, visit.household_id, visit.station_id, visit.day, rules.named([("NO_IN", {})], facts))
    return visit


def _answered(visit: Visit, row: Correction, action: str, facts: dict[str, Any]) -> None:
    """What was found and no longer holds settles with it; what the new times show is found."""
    found = rules.length_findings(visit.minutes, visit.planned_minutes, facts) if visit.minutes is not None else []
    start = visit.planned_at
    if row.field == IN and start is not None and (late := rules.late_by(start, visit.arrived_at)) > facts["late_min"]:
        found += rules.named([("LATE_IN", {"minutes": late})], facts)
    holds = {finding.code for finding in found}
    waiting = db.session().scalars(
        sa.select(VisitException).where(VisitException.visit_id == visit.id, VisitException.settled_at.is_(None))
    )
    over = [each for each in waiting if each.code in (ANSWERED[row.field] | MEASURED) - holds]
    settling.clear(over, row.reason, action)
    find(visit.id, visit.household_id, visit.station_id, visit.day, found)
