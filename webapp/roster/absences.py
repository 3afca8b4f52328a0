"""Rows of who is not there: residents' pauses (停一停), caregivers' leave and relief; and what they mean for laying shifts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor
from webapp.people.models import Household, Person, Resident
from webapp.roster import rules
from webapp.roster.rules import Rest, Standing
from webapp.store import db
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made
from webapp.store.types import Instant, Uuid

ASKED, APPROVED, REFUSED, WITHDRAWN = "asked", "approved", "refused", "undone"
BY_HERSELF, BY_PHONE = "form", "phone"
_GOES_ON = sa.text("ended_at is null")


class Pause(Keyed, Made, Homed, Base):
    """停一停 of one resident, or of the whole household when resident_id is empty. until: its last day; empty: open.

    `spot_id`: visits go on meanwhile, at that place. `asked_on`: the day somebody last said that it goes on.
    """

    __tablename__ = "pause"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    reason: Mapped[str] = mapped_column(sa.String(8))
    """hospital, child, trip or other."""
    words: Mapped[str] = mapped_column(sa.String(60), default="")
    told_by: Mapped[str] = mapped_column(sa.String(40))
    """Who said so, as people say it: 女儿李敏."""
    since: Mapped[date]
    until: Mapped[date | None]
    spot_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    asked_on: Mapped[date]
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    ended_at: Mapped[datetime | None] = mapped_column(Instant())
    ended_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    household: Mapped[Household] = relationship()
    resident: Mapped[Resident | None] = relationship()
    __table_args__ = (sa.Index("ix_pause_goes_on", "household_id", sqlite_where=_GOES_ON, postgresql_where=_GOES_ON),)

    @property
    def rest(self) -> Rest:
        """As rules take it."""
        return Rest(self.resident_id, self.since, self.until, self.reason, self.spot_id)


class Leave(Keyed, Made, Base):
    """A caregiver's leave, both days included (H08). `id` is the act's when she asked on her phone.

    Rung in (`via` phone), it is written down by the head and waits for her own word (`confirmed_at`).
    """

    __tablename__ = "leave"
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    kind: Mapped[str] = mapped_column(sa.String(8))
    """sick, family, rest or other."""
    why: Mapped[str] = mapped_column(sa.String(200), default="")
    since: Mapped[date]
    until: Mapped[date]
    asked_until: Mapped[date]
    """The last day as asked: coming back early shortens `until` only."""
    state: Mapped[str] = mapped_column(sa.String(8), default=ASKED)
    via: Mapped[str] = mapped_column(sa.String(5), default=BY_HERSELF)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant())
    decided_at: Mapped[datetime | None] = mapped_column(Instant())
    decided_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    answer: Mapped[str] = mapped_column(sa.String(200), default="")
    person: Mapped[Person] = relationship()
    __table_args__ = (
        sa.Index("ix_leave_person_id_until", "person_id", "until"),
        sa.Index("ix_leave_station_id_until", "station_id", "until"),
        sa.Index("ix_leave_until", "until"),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: it is one's own, or the station is within reach."""
        return sa.or_(cls.person_id == actor.person_id, actor.reaches_station(cls.station_id))


class Relief(Keyed, Made, Homed, Base):
    """Who goes to one shift instead (H09); caregiver empty: nobody does, and `why` says it. At most one goes on per shift."""

    __tablename__ = "relief"
    shift_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("shift.id"))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    day: Mapped[date]
    planned_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    """Who should have gone."""
    caregiver_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    leave_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("leave.id"), index=True)
    assignment_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("assignment.id"))
    why: Mapped[str] = mapped_column(sa.String(60), default="")
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    ended_at: Mapped[datetime | None] = mapped_column(Instant())
    caregiver: Mapped[Person | None] = relationship(foreign_keys=caregiver_id)
    household: Mapped[Household] = relationship()
    __table_args__ = (
        sa.Index("uq_relief_shift_id", "shift_id", unique=True, sqlite_where=_GOES_ON, postgresql_where=_GOES_ON),
        sa.Index("ix_relief_station_id_day", "station_id", "day"),
        sa.Index("ix_relief_caregiver_id_day", "caregiver_id", "day"),
    )


@dataclass(frozen=True)
class Absent:
    """All that bears on some households' shifts within some days."""

    rests: Mapping[uuid.UUID, Sequence[Rest]]
    living: Mapping[uuid.UUID, Sequence[tuple[uuid.UUID, str, date | None]]]
    leaves: Mapping[uuid.UUID, Sequence[tuple[date, date]]]
    reliefs: Mapping[uuid.UUID, Relief]

    def standing(self, household_id: uuid.UUID, day: date) -> Standing:
        """What the household's pauses make of a day."""
        rests = self.rests.get(household_id, ())
        if not rests:
            return rules.AT_HOME
        living = [(key, name) for key, name, ended in self.living.get(household_id, ()) if ended is None or ended > day]
        return rules.standing(rests, living, day)

    def on_leave(self, caregiver_id: uuid.UUID | None, day: date) -> bool:
        """Whether an approved leave of hers covers a day."""
        return caregiver_id is not None and any(a <= day <= b for a, b in self.leaves.get(caregiver_id, ()))


def absent(household_ids: set[uuid.UUID], since: date, until: date) -> Absent:
    """Pauses, leave and relief that touch the days from `since` to `until`."""
    session = db.session()
    rests: dict[uuid.UUID, list[Rest]] = {}
    holds = sa.and_(Pause.since <= until, sa.or_(Pause.until.is_(None), Pause.until >= since))
    paused = sa.select(Pause).where(Pause.household_id.in_(household_ids), holds).order_by(Pause.made_at, Pause.id)
    for pause in session.scalars(paused):
        rests.setdefault(pause.household_id, []).append(pause.rest)
    living: dict[uuid.UUID, list[tuple[uuid.UUID, str, date | None]]] = {}
    if rests:
        ask = sa.select(Resident.household_id, Resident.id, Resident.name, Resident.ended_on)
        for home, key, name, ended in session.execute(ask.where(Resident.household_id.in_(rests)).order_by(Resident.number)):
            living.setdefault(home, []).append((key, name, ended))
    leaves: dict[uuid.UUID, list[tuple[date, date]]] = {}
    spans = sa.select(Leave.person_id, Leave.since, Leave.until).where(
        Leave.until >= since, Leave.since <= until, Leave.state == APPROVED
    )
    for person, first, last in session.execute(spans):
        leaves.setdefault(person, []).append((first, last))
    sent = sa.select(Relief).where(
        Relief.household_id.in_(household_ids), Relief.day.between(since, until), Relief.ended_at.is_(None)
    )
    return Absent(rests, living, leaves, {row.shift_id: row for row in session.scalars(sent)})
