"""The diary of a visit. What only the station may read lies in a table of its own, so that no page can take it along."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.logs import rules
from webapp.people import queries as people
from webapp.people.models import Account, Resident
from webapp.store import audit, db, rulebook, seen, topics
from webapp.store.db import Base
from webapp.store.inbox import Act
from webapp.store.traits import Homed, Keyed, append_only
from webapp.store.types import Instant, Uuid
from webapp.visits.models import VOID, Visit

rulebook.ship("logs", Path(__file__).parent / "logs.json")


class Log(Homed, Base):
    """What was written about one visit. `id` is the id of the act that wrote it first."""

    __tablename__ = "log"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit.id"), unique=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    day: Mapped[date]
    """The day of the visit, also when it was written later."""
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    mood: Mapped[str | None] = mapped_column(sa.String(4))
    meals: Mapped[str | None] = mapped_column(sa.String(6))
    slept: Mapped[str | None] = mapped_column(sa.String(4))
    story: Mapped[str] = mapped_column(sa.Text(), default="")
    handover: Mapped[str] = mapped_column(sa.Text(), default="")
    """For whoever comes next; kin do not read it."""
    at: Mapped[datetime] = mapped_column(Instant())
    received_at: Mapped[datetime] = mapped_column(Instant())
    late: Mapped[bool] = mapped_column(default=False)
    """Written first when it could no longer be replaced: 补记."""
    __table_args__ = (sa.Index("ix_log_household_id_day", "household_id", "day", "at"),)

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the household is within reach, or one's own words (a stand-in's last evening)."""
        return sa.or_(actor.reaches_household(cls.household_id), cls.author_id == actor.account_id)


class LogResident(Base):
    """How one resident of several was, where it differs."""

    __tablename__ = "log_resident"
    log_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("log.id"), primary_key=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"), primary_key=True)
    mood: Mapped[str | None] = mapped_column(sa.String(4))
    meals: Mapped[str | None] = mapped_column(sa.String(6))
    slept: Mapped[str | None] = mapped_column(sa.String(4))
    story: Mapped[str] = mapped_column(sa.Text(), default="")


class LogPhoto(Base):
    """A picture in the diary."""

    __tablename__ = "log_photo"
    log_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("log.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(Instant())


class LogStationNote(Base):
    """只告诉站里: never on a page of residents or kin, in an export or read aloud. `id` is the act's."""

    __tablename__ = "log_station_note"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    log_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("log.id"), index=True)
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    words: Mapped[str] = mapped_column(sa.Text())
    at: Mapped[datetime] = mapped_column(Instant())
    __table_args__ = (sa.Index("ix_log_station_note_station_id_at", "station_id", "at"),)

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the station is within reach, or one's own words. Kin and other caregivers reach no station."""
        return sa.or_(actor.reaches_station(cls.station_id), cls.author_id == actor.account_id)


class Amendment(Keyed, Base):
    """Words that were replaced, with what replaced them. `late`: after the lock, so it is shown with the diary."""

    __tablename__ = "log_amendment"
    act_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    log_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("log.id"), index=True)
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())
    received_at: Mapped[datetime] = mapped_column(Instant())
    late: Mapped[bool]
    before: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    after: Mapped[dict[str, Any]] = mapped_column(sa.JSON())


append_only("log_amendment", "amendments are never changed")
append_only("log_station_note", "notes to the station are never changed")


@dataclass(frozen=True)
class Found:
    """What a diary's act meets: the visit, the log written so far, and that resident's part of it."""

    visit: Visit
    log: Log | None
    part: LogResident | None
    resident_id: uuid.UUID | None


def write(
    act: Act,
    visit: uuid.UUID,
    mood: str | None = None,
    meals: str | None = None,
    slept: str | None = None,
    story: str | None = None,
    handover: str | None = None,
    station_only: str | None = None,
    resident: uuid.UUID | None = None,
) -> str | None:
    """The diary of `visit`, once or again. Again: the words are replaced and the old ones kept; after the lock the change
    is shown with the diary. With `resident`, mood, meals, sleep and story are that resident's.

    What is left empty stays as it was. Refuses a visit that is not there, or an author with no part in it.
    """
    found = _find(act, visit, resident)
    state = {"mood": mood, "meals": meals, "slept": slept, "story": story}
    given = {name: words for name, words in state.items() if words}
    late = act.at >= _locked_at(found.visit)
    if found.log is None:
        _begin(act, found, {} if found.resident_id else given, handover or "", late)
    elif not found.resident_id:
        _replace(act, found.log.id, found.log, given | ({"handover": handover} if handover else {}), late)
    elif handover:
        _replace(act, found.log.id, found.log, {"handover": handover}, late)
    log_id = found.log.id if found.log else act.id
    if found.resident_id:
        _write_part(act, found, log_id, given, late)
    _add(act, found, log_id, station_only)
    audit.note(
        "logs.write", f"log:{log_id}", found.visit.household_id, visit=visit, again=found.log is not None, late=late,
        station_only=bool(station_only), photos=act.photo("photo"),
    )  # fmt: skip
    topics.tell(f"household:{found.visit.household_id}")
    return None


def _find(act: Act, visit: uuid.UUID, resident: uuid.UUID | None) -> Found:
    row = db.session().execute(_FIND, {"author": act.author_id, "visit": visit, "resident": resident}).first()
    if row is None:
        raise Refusal("no_visit", "没找到这次上门，日记先放在站里")
    rulebook.heard(row.newest_rules)
    if row.Visit.state == VOID:
        raise Refusal("visit_void", "这次上门记成了扫错，日记先放在站里")
    if row.Visit.caregiver_id != row.person_id and not people.may_enter(act.author_id, row.Visit.household_id, act.at):
        raise Refusal("not_assigned", "这次上门不是您的，日记先放在站里")
    return Found(row.Visit, row.Log, row.LogResident, row.resident)


_FIND = (
    sa.select(Visit, Log, LogResident, Resident.id.label("resident"), Account.person_id, rulebook.newest)
    .select_from(Visit)
    .join(Account, Account.id == sa.bindparam("author", type_=Uuid()))
    .outerjoin(Log, Log.visit_id == Visit.id)
    .outerjoin(
        Resident, sa.and_(Resident.id == sa.bindparam("resident", type_=Uuid()), Resident.household_id == Visit.household_id)
    )
    .outerjoin(LogResident, sa.and_(LogResident.log_id == Log.id, LogResident.resident_id == Resident.id))
    .where(Visit.id == sa.bindparam("visit", type_=Uuid()))
    .options(sa.orm.lazyload("*"))
    .with_for_update(of=Visit)
    # a whole chain may be released in one transaction: leaving between two writings must be seen
    .execution_options(populate_existing=True)
)
"""Asked for every diary: made once."""


def _locked_at(visit: Visit) -> datetime:
    minutes = rulebook.current("logs", visit.day, visit.station_id)["rewrite_minutes_after_leaving"]
    return rules.locked_at(clock.day_bounds(visit.day)[1], visit.left_at, minutes)


_LOG, _PART = (sa.insert(cast(sa.Table, table.__table__)) for table in (Log, LogResident))


def _begin(act: Act, found: Found, given: dict[str, str], handover: str, late: bool) -> None:
    db.line().execute(
        _LOG,
        {
            "id": act.id, "visit_id": found.visit.id, "household_id": found.visit.household_id, "day": found.visit.day,
            "author_id": act.author_id, "at": act.at, "received_at": act.received_at, "late": late, "story": "",
            "handover": handover, **given,
        },
    )  # fmt: skip


def _write_part(act: Act, found: Found, log_id: uuid.UUID, given: dict[str, str], late: bool) -> None:
    if found.part is not None:
        _replace(act, log_id, found.part, given, late)
    elif given:
        db.line().execute(_PART, {"log_id": log_id, "resident_id": found.resident_id, "story": "", **given})


def _replace(act: Act, log_id: uuid.UUID, row: Log | LogResident, given: dict[str, str], late: bool) -> None:
    """New words for `row`; the old ones stay in an amendment. Nothing new: nothing written."""
    before = rules.changed({name: getattr(row, name) or "" for name in given}, given)
    if not before:
        return
    session, new = db.session(), {name: given[name] for name in before}
    seen.change(db.line(), row, new)
    part = row.resident_id if isinstance(row, LogResident) else None
    session.execute(
        sa.insert(Amendment),
        {
            "id": ids.new(), "act_id": act.id, "log_id": log_id, "resident_id": part, "author_id": act.author_id,
            "at": act.at, "received_at": act.received_at, "late": late,
            "before": before, "after": new,
        },
    )  # fmt: skip


def _add(act: Act, found: Found, log_id: uuid.UUID, station_only: str | None) -> None:
    """Photos and the note to the station are added, never replaced."""
    session = db.session()
    if photos := act.photo("photo"):
        rows = [{"log_id": log_id, "sha256": sha, "at": act.at} for sha in dict.fromkeys(photos)]
        session.execute(db.insert(LogPhoto).values(rows).on_conflict_do_nothing())
    if station_only:
        row = {"id": act.id, "log_id": log_id, "station_id": found.visit.station_id, "author_id": act.author_id}
        session.execute(sa.insert(LogStationNote), {**row, "words": station_only, "at": act.at})
