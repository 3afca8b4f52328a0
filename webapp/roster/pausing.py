"""停一停: a resident or a whole household pauses, goes on pausing, is back."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import Household, Resident, Spot
from webapp.roster import laying, models
from webapp.roster.absences import Pause
from webapp.store import audit, db, topics

REASONS = ("hospital", "child", "trip", "other")


def pause(
    household: Household,
    resident: Resident | None,
    reason: str,
    told_by: str,
    since: date,
    until: date | None = None,
    *,
    by: uuid.UUID,
    words: str = "",
    spot_id: uuid.UUID | None = None,
    key: uuid.UUID | None = None,
) -> Pause:
    """Take out the shifts of `household` (of one resident: only when nobody else is at home) from `since` to `until`.

    With `spot_id` they go on at that place of the household. Refuses days out of order, a beginning too long ago,
    a second pause of the same days, and another household's place.
    """
    if until is not None and until < since:
        raise Refusal("pause_span", "最后一天要在第一天之后", field="until")
    if since < clock.today() - timedelta(days=models.settings()["pause_back_days"]):
        raise Refusal("pause_long_ago", "太早了，请从最近的日子写起", field="since")
    if reason not in REASONS:
        raise Refusal("pause_reason", "请选一个原因", field="reason")
    session = db.session()
    if spot_id is not None and session.scalar(sa.select(Spot.household_id).where(Spot.id == spot_id)) != household.id:
        raise Refusal("pause_spot", "这个地方不是这一户的，请重新选", field="spot")
    if _meets(household.id, resident.id if resident else None, since, until):
        raise Refusal("pause_twice", "这几天已经在停了，先看看原来写的", field="since")
    row = Pause(
        id=key or ids.new(), household_id=household.id, resident_id=resident.id if resident else None, reason=reason,
        words=words.strip()[:60], told_by=told_by.strip()[:40], since=since, until=until, spot_id=spot_id,
        asked_on=max(since, clock.today()), by_id=by,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note("roster.pause", row, household.id, resident=row.resident_id, reason=reason, since=since, until=until)
    laying.lay_again(household.id, since)
    _tell(household)
    return row


def _meets(household_id: uuid.UUID, resident_id: uuid.UUID | None, since: date, until: date | None) -> bool:
    same = Pause.resident_id.is_(None) if resident_id is None else Pause.resident_id == resident_id
    open_or_later = sa.or_(Pause.until.is_(None), Pause.until >= since)
    ask = sa.select(Pause.id).where(Pause.household_id == household_id, same, open_or_later, Pause.ended_at.is_(None))
    return db.session().scalar((ask.where(Pause.since <= until) if until else ask).limit(1)) is not None


def still(pause: Pause, by: uuid.UUID) -> None:
    """Somebody asked and it goes on; it is asked again after the setting's days. Refuses one that has ended."""
    if pause.ended_at is not None:
        raise Refusal("pause_over", "已经不停了")
    pause.asked_on = clock.today()
    audit.note("roster.still_paused", pause, pause.household_id, by=by)
    _tell(db.session().get_one(Household, pause.household_id))


def end(pause: Pause, by: uuid.UUID, back_on: date | None = None) -> None:
    """They are back on `back_on` (default today): from that day on shifts stand again. Twice is once."""
    if pause.ended_at is not None:
        return
    back_on = back_on or clock.today()
    pause.ended_at, pause.ended_by = clock.now(), by
    pause.until = min(pause.until or date.max, back_on - timedelta(days=1))
    db.session().flush()
    audit.note("roster.back", pause, pause.household_id, day=back_on)
    laying.lay_again(pause.household_id, back_on)
    _tell(db.session().get_one(Household, pause.household_id))


def _tell(household: Household) -> None:
    topics.tell(f"roster:{household.station_id}", f"household:{household.id}")
