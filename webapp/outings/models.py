"""Who is out and who is looked for: rows, and how each comes to its end."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, Role
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.outings import words
from webapp.people.models import Household, Kin, Resident
from webapp.store import audit, db, rulebook, topics
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made, append_only
from webapp.store.types import Instant, Uuid

rulebook.ship("outings", Path(__file__).parent / "outings.json")
kinds.say("overdue", words.OVERDUE, "alert-triangle")
kinds.say("lost", words.LOST, "siren")
_OUT = sa.text("back_at is null")
_OPEN = sa.text("closed_at is null")


class OfResident(Homed):
    """A row about one resident: of kin only their own reach it."""

    resident_id: Mapped[uuid.UUID]

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the household is within reach; for kin, the resident is theirs."""
        if actor.role == Role.KIN:
            return cls.resident_id.in_(sa.select(Kin.resident_id).where(Kin.person_id == actor.person_id, Kin.holds()))
        return actor.reaches_household(cls.household_id)


class Outing(Keyed, Made, OfResident, Base):
    """A resident is out: with whom, where, back by when (W15). `id` is the act's when it came from a phone."""

    __tablename__ = "outing"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    company: Mapped[str] = mapped_column(sa.String(10))
    place: Mapped[str] = mapped_column(sa.String(10))
    words: Mapped[str] = mapped_column(sa.String(100), default="")
    phone: Mapped[str] = mapped_column(sa.String(30), default="")
    """Of whoever is with them; gone when they are back."""
    left_at: Mapped[datetime] = mapped_column(Instant())
    back_by: Mapped[datetime] = mapped_column(Instant())
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    back_at: Mapped[datetime | None] = mapped_column(Instant())
    back_by_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    household: Mapped[Household] = relationship()
    resident: Mapped[Resident] = relationship()
    __table_args__ = (
        sa.Index("uq_outing_out", "resident_id", unique=True, sqlite_where=_OUT, postgresql_where=_OUT),
        sa.Index("ix_outing_household_id_left_at", "household_id", "left_at"),
        sa.Index("ix_outing_due", "back_by", sqlite_where=_OUT, postgresql_where=_OUT),
    )

    def over(self, at: datetime, by: uuid.UUID) -> None:
        """They are back, or nobody waits any more: the alarm goes away. A second time is nothing."""
        if self.back_at is not None:
            return
        self.back_at, self.back_by_id, self.phone = max(at, self.left_at), by, ""
        db.session().flush()
        audit.note("outings.back", self, self.household_id)
        messages.resolve(f"outing:{self.id}")
        tell(self.household)


class HomeAgain(Keyed, Base):
    """Somebody said that a resident is back; kept because it may come before the outing it ends."""

    __tablename__ = "home_again"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    at: Mapped[datetime] = mapped_column(Instant())
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    __table_args__ = (
        sa.Index("ix_home_again_resident_id_at", "resident_id", "at"),
        sa.Index("ix_home_again_household_id_at", "household_id", "at"),
    )


class LostCase(Keyed, OfResident, Base):
    """A resident is lost: last seen when and where, in which clothes; open until somebody says how they were found."""

    __tablename__ = "lost_case"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    opened_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    seen_at: Mapped[datetime] = mapped_column(Instant())
    seen_where: Mapped[str] = mapped_column(sa.String(100))
    clothes: Mapped[str] = mapped_column(sa.String(100), default="")
    words: Mapped[str] = mapped_column(sa.String(200), default="")
    closed_at: Mapped[datetime | None] = mapped_column(Instant())
    closed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    how: Mapped[str | None] = mapped_column(sa.String(10))
    found_words: Mapped[str] = mapped_column(sa.String(200), default="")
    household: Mapped[Household] = relationship()
    resident: Mapped[Resident] = relationship()
    __table_args__ = (
        sa.Index("uq_lost_case_open", "resident_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        sa.Index("ix_lost_case_household_id_opened_at", "household_id", "opened_at"),
    )

    def step(self, kind: str, said: str, by: uuid.UUID) -> None:
        """One more thing was done or heard. Refuses a search that is over, and who searches where without a word."""
        if self.closed_at is not None:
            raise Refusal("case_closed", "这次已经找到了，请返回看一看")
        if kind in ("searching", "heard") and len(said.strip()) < 2:
            raise Refusal("no_words", "请写几个字：谁、在哪里", field="words")
        db.session().add(CaseStep(id=ids.new(), case_id=self.id, kind=kind, words=said.strip()[:200], by_id=by, at=clock.now()))
        messages.taken_on(f"lost:{self.id}", by)
        audit.note("outings.step", self, self.household_id, kind=kind)
        tell(self.household)

    def close(self, how: str, said: str, by: uuid.UUID) -> None:
        """Found, and how; the outing they did not come back from is over too. Twice is once.

        Refuses "other" and "mistake" without a word about it.
        """
        if self.closed_at is not None:
            return
        if how in ("other", "mistake") and len(said.strip()) < 2:
            raise Refusal("no_words", "请写几个字，怎么回事", field="words")
        self.closed_at, self.closed_by, self.how, self.found_words = clock.now(), by, how, said.strip()[:200]
        audit.note("outings.found", self, self.household_id, how=how)
        for whose in ("", ":hers"):
            messages.resolve(f"lost:{self.id}{whose}")
        for row in out(self.resident_id):
            row.over(self.closed_at, by)
        tell(self.household)


class CaseStep(Keyed, Base):
    """What was done or heard in a search: 110, neighbours, who looks where."""

    __tablename__ = "case_step"
    case_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("lost_case.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    words: Mapped[str] = mapped_column(sa.String(200), default="")
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)


append_only("case_step", "what was done in a search is never changed")


def settings(station_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The dated figures of outings.json."""
    return rulebook.current("outings", clock.today(), station_id)


def resident_of(household_id: uuid.UUID, resident_id: uuid.UUID) -> Resident:
    """The resident of a household. Refuses somebody who does not live there."""
    ask = sa.select(Resident).where(Resident.id == resident_id, Resident.household_id == household_id)
    found = db.session().scalar(ask)
    if found is None:
        raise Refusal("no_resident", "没找到这位老人，先放在站里")
    return found


def out(resident_id: uuid.UUID) -> list[Outing]:
    """The outing a resident is on, if any."""
    return list(db.session().scalars(sa.select(Outing).where(Outing.resident_id == resident_id, Outing.back_at.is_(None))))


def searched(resident_id: uuid.UUID) -> LostCase | None:
    """The open search for a resident, if any."""
    return db.session().scalar(sa.select(LostCase).where(LostCase.resident_id == resident_id, LostCase.closed_at.is_(None)))


def tell(home: Household) -> None:
    """Open lists of the station and those above it fetch themselves again."""
    messages.tell(home.station_id)
    topics.tell(f"household:{home.id}")


def end_for(household_id: uuid.UUID, resident_id: uuid.UUID | None, by: uuid.UUID) -> None:
    """Care has ended, of one resident or of all: nobody waits for them, nobody looks for them here."""
    for row in _open_of(Outing, Outing.back_at, household_id, resident_id):
        row.over(clock.now(), by)
    for case in _open_of(LostCase, LostCase.closed_at, household_id, resident_id):
        case.close("other", str(words.ENDED), by)


def _open_of(table: Any, ended: Any, household_id: uuid.UUID, resident_id: uuid.UUID | None) -> list[Any]:
    whose = table.household_id == household_id if resident_id is None else table.resident_id == resident_id
    return list(db.session().scalars(sa.select(table).where(whose, ended.is_(None))))
