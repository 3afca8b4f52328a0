"""The end of a resident's care: death, moving away, or that it simply ends; with the last resident the household ends too."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import Assignment, HomeCareUnit, Household, Kin, Resident, tell
from webapp.store import audit, db, rulebook
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed
from webapp.store.types import Instant, Uuid

DEATH, AWAY, OVER = "death", "away", "over"
_HOLDS = sa.text("undone_at is null")


class Ending(Keyed, Homed, Base):
    """A resident is no longer cared for from `day`: why, who said so, who wrote it down. At most one holds.

    Kin may read until `kin_until`, whoever cared for them may settle the book until `settle_until`.
    """

    __tablename__ = "ending"
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(6))
    day: Mapped[date]
    reason: Mapped[str] = mapped_column(sa.String(10), default="")
    words: Mapped[str] = mapped_column(sa.String(200), default="")
    told_by: Mapped[str] = mapped_column(sa.String(40))
    last: Mapped[bool]
    """The household ended with it."""
    at: Mapped[datetime] = mapped_column(Instant())
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    kin_until: Mapped[datetime] = mapped_column(Instant())
    settle_until: Mapped[datetime] = mapped_column(Instant())
    undone_at: Mapped[datetime | None] = mapped_column(Instant())
    undone_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    resident: Mapped[Resident] = relationship()
    household: Mapped[Household] = relationship()
    __table_args__ = (
        sa.Index("uq_ending_resident_id", "resident_id", unique=True, sqlite_where=_HOLDS, postgresql_where=_HOLDS),
    )


def end_care(
    resident: Resident,
    household: Household,
    kind: str,
    day: date,
    *,
    by: uuid.UUID,
    told_by: str = "",
    reason: str = "",
    words: str = "",
    key: uuid.UUID | None = None,
) -> Ending:
    """The resident is no longer cared for from `day` (P38); with the last one the household and its unit end too.

    Refuses a day to come, and a resident whose care has ended before.
    """
    if resident.ended_on is not None:
        raise Refusal("ended_before", "已经记过了，请返回看一看")
    if day > clock.today():
        raise Refusal("end_ahead", "请写今天或以前的日子", field="day")
    settings = rulebook.current("people", clock.today(), household.station_id)
    resident.ended_on = day
    last = all(each.ended_on for each in household.residents)
    now = clock.now()
    ending = Ending(
        id=key or ids.new(), resident_id=resident.id, household_id=household.id, kind=kind, day=day, reason=reason,
        words=words.strip()[:200], told_by=told_by.strip()[:40], last=last, at=now, by_id=by,
        kin_until=clock.day_bounds(max(day, clock.today()) + timedelta(days=settings["kin_days"]))[0],
        settle_until=now + timedelta(days=settings["settle_days"]),
    )  # fmt: skip
    session = db.session()
    session.add(ending)
    session.flush()
    open_kin = sa.and_(Kin.resident_id == resident.id, Kin.until.is_(None))
    session.execute(sa.update(Kin).where(open_kin).values(until=ending.kin_until))
    if last:
        household.ended_on = day
        _end_unit(ending)
    else:
        household.rename()
    audit.note("resident.end_care", resident, household.id, kind=kind, day=day, last=last)
    tell(household.station_id)
    return ending


def _end_unit(ending: Ending) -> None:
    """The unit and every way in end at once, but for the main caregiver's: the book is still to be settled."""
    session, home = db.session(), ending.household_id
    units = sa.and_(HomeCareUnit.household_id == home, HomeCareUnit.until.is_(None))
    session.execute(sa.update(HomeCareUnit).where(units).values(until=ending.at))
    mine = sa.and_(Assignment.household_id == home, Assignment.until.is_(None))
    session.execute(sa.update(Assignment).where(mine, Assignment.part == "main").values(until=ending.settle_until))
    reliefs = sa.and_(Assignment.household_id == home, Assignment.part != "main")
    later = sa.or_(Assignment.until.is_(None), Assignment.until > ending.at)
    session.execute(sa.update(Assignment).where(reliefs, later).values(until=ending.at))


def undo(ending: Ending, by: uuid.UUID) -> None:
    """It was a mistake: care, unit and kin's way in are as before. Cards stay revoked. Twice is once."""
    if ending.undone_at is not None:
        return
    session, resident, household = db.session(), ending.resident, ending.household
    ending.undone_at, ending.undone_by = clock.now(), by
    resident.ended_on = None
    session.execute(sa.update(Kin).where(Kin.resident_id == resident.id, Kin.until == ending.kin_until).values(until=None))
    if ending.last:
        household.ended_on = None
        taken = sa.exists().where(HomeCareUnit.household_id == household.id, HomeCareUnit.until.is_(None))
        if not session.scalar(sa.select(taken)):
            for table, until in ((HomeCareUnit, ending.at), (Assignment, ending.settle_until)):
                same = sa.and_(table.household_id == household.id, table.until == until)
                session.execute(sa.update(table).where(same).values(until=None))
    household.rename()
    audit.note("resident.undo_end", resident, household.id)
    tell(household.station_id)
