"""Calls frozen at capture, visits derived from them, and what was done, seen or found wrong."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor
from webapp.kit import clock
from webapp.people.models import Household, Person
from webapp.roster.models import Shift
from webapp.store import audit, rulebook, topics
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made, append_only, told
from webapp.store.types import Instant, Uuid

OPEN, DONE, VOID = "open", "done", "void"
IN, OUT = "in", "out"
FIX, ACK = "fix", "ack"
PHONED = {IN: "PHONED_IN", OUT: "PHONED_OUT"}
"""What waits for the caregiver's word, by direction."""


class Visit(Homed, Base):
    """One caregiver in one household, derived from its calls. Belongs to the household day of arrival.

    `id` is the chain of its acts: minted with the shift, or by the phone for an unplanned visit. What was planned is
    copied at arrival, so that a plan changed later does not change what happened.
    """

    __tablename__ = "visit"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    shift_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("shift.id"))
    day: Mapped[date]
    arrived_at: Mapped[datetime] = mapped_column(Instant())
    left_at: Mapped[datetime | None] = mapped_column(Instant())
    voided_at: Mapped[datetime | None] = mapped_column(Instant())
    state: Mapped[str] = mapped_column(sa.String(4), default=OPEN)
    minutes: Mapped[int | None]
    """Whole minutes between arrival and leaving, once left."""
    planned_start_min: Mapped[int | None]
    planned_minutes: Mapped[int | None]
    partner_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """The visit this one is paired with: two homes on one stair, or two caregivers lifting together."""
    grade: Mapped[str] = mapped_column(sa.String(1))
    """A to C, X: what the evidence is worth. Never a refusal, never a deduction by itself."""
    arrive_by: Mapped[str | None] = mapped_column(sa.String(5))
    """Method of the call that `arrived_at` derives from; her own record outweighs one that was rung in (PHONE)."""
    leave_by: Mapped[str | None] = mapped_column(sa.String(5))
    opened_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """The call that opened it; of calls before it nothing counts (扫错了, and scanned anew)."""
    counted: Mapped[bool] = mapped_column(default=True, server_default=sa.text("true"))
    """False: a person decided that it counts for nothing (不计入); it stays to be read."""
    adjusted_in_at: Mapped[datetime | None] = mapped_column(Instant())
    adjusted_out_at: Mapped[datetime | None] = mapped_column(Instant())
    """Approved corrections; `arrived_at` and `left_at` follow them, the calls stay as captured."""
    verified_at: Mapped[datetime | None] = mapped_column(Instant())
    """Nothing is open about it any more; from then on its place is kept roughly only."""
    seq: Mapped[int] = mapped_column(default=1, server_default=sa.text("1"))
    """Grows by one with whatever changes about it, findings and confirmations included: exports carry it."""
    changed_at: Mapped[datetime | None] = mapped_column(Instant(), default=clock.now)
    """When `seq` grew last."""
    into_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """Rung in, then recorded on her phone under another id: the visit this one turned out to be."""
    household: Mapped[Household] = relationship()
    caregiver: Mapped[Person] = relationship()
    shift: Mapped[Shift | None] = relationship()
    __table_args__ = (
        told("ix_visit_into_id", "into_id"),
        sa.Index("ix_visit_shift_id", "shift_id"),
        sa.Index("ix_visit_changed_at", "changed_at"),
        sa.Index("ix_visit_station_id_day", "station_id", "day"),
        sa.Index("ix_visit_household_id_arrived_at", "household_id", "arrived_at"),
        sa.Index("ix_visit_caregiver_id_day", "caregiver_id", "day"),
        sa.Index(
            "ix_visit_open", "caregiver_id", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
        ),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the household is within reach, or it is the caregiver's own visit (a stand-in's last evening)."""
        return sa.or_(actor.reaches_household(cls.household_id), cls.caregiver_id == actor.person_id)

    @property
    def planned_at(self) -> datetime | None:
        """When it should have begun."""
        return None if self.planned_start_min is None else clock.instant(self.day, self.planned_start_min)


class Call(Base):
    """An arrival or a leaving as the phone captured it: never changed, never deleted. `id` is the act's.

    household_id is empty while nobody knows which home it was (an unknown code); then there is no visit yet either.
    """

    __tablename__ = "call"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), index=True)
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    direction: Mapped[str] = mapped_column(sa.String(3))
    method: Mapped[str] = mapped_column(sa.String(5))
    """QR, CODE (typed number), NONE (no card to be had), PHONE."""
    why: Mapped[str | None] = mapped_column(sa.String(12))
    """card_missing or refuses_scan, where the method is NONE; whose line (resident, own, other), where it is PHONE."""
    card_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    card_state: Mapped[str | None] = mapped_column(sa.String(8))
    """live, revoked or unknown when it arrived here; empty when no card was shown."""
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """Whose card it was: that resident was seen."""
    place_state: Mapped[str] = mapped_column(sa.String(8))
    """ok, denied, timeout or none."""
    device_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    app: Mapped[str] = mapped_column(sa.String(60))
    made_at: Mapped[datetime] = mapped_column(Instant())
    beacon_at: Mapped[datetime | None] = mapped_column(Instant())
    at: Mapped[datetime] = mapped_column(Instant())
    received_at: Mapped[datetime] = mapped_column(Instant())
    skew_s: Mapped[int]

    __table_args__ = (
        sa.Index(
            "ix_call_stray",
            "author_id",
            sqlite_where=sa.text("household_id is null"),
            postgresql_where=sa.text("household_id is null"),
        ),
    )


append_only("call", "calls are never changed")


class Confirmation(Base):
    """The caregiver's own word about a call that was rung in and written down for her."""

    __tablename__ = "call_confirmation"
    call_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("call.id"), primary_key=True)
    act_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    agrees: Mapped[bool]
    at: Mapped[datetime] = mapped_column(Instant())


append_only("call_confirmation", "a confirmation is never changed")


class CallPlace(Base):
    """Where an act happened: a row of its own, so that retention can delete it. `id` is the act's (a call or nobody home)."""

    __tablename__ = "call_place"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    lat_e6: Mapped[int]
    lon_e6: Mapped[int]
    accuracy_m: Mapped[int]
    fix_age_ms: Mapped[int] = mapped_column(sa.BigInteger())
    rough: Mapped[bool] = mapped_column(default=False, server_default=sa.text("false"))
    """Kept to the setting's metres only."""
    distance_m: Mapped[int | None]
    """Metres from the nearest known point of the household; empty while none is known."""


class Service(Base):
    """One item of a visit, done or refused; the newest word about the whole list wins. at: when that word was said."""

    __tablename__ = "service"
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit.id"), primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    outcome: Mapped[str] = mapped_column(sa.String(7))
    reason: Mapped[str | None] = mapped_column(sa.String(60))
    at: Mapped[datetime] = mapped_column(Instant())
    act_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class Seen(Base):
    """A resident met during a visit by a card of their own, beside whoever's card opened it."""

    __tablename__ = "seen"
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit.id"), primary_key=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"), primary_key=True)
    card_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())
    act_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class NobodyHome(Homed, Base):
    """没人应: the caregiver stood at the door and nobody answered; what she tried. `id` is the act's."""

    __tablename__ = "nobody_home"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    shift_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("shift.id"))
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    day: Mapped[date]
    at: Mapped[datetime] = mapped_column(Instant())
    received_at: Mapped[datetime] = mapped_column(Instant())
    rang: Mapped[bool]
    phoned: Mapped[bool]
    neighbour: Mapped[bool]
    told: Mapped[bool]
    """The station was told by telephone."""
    words: Mapped[str | None] = mapped_column(sa.String(200))
    place_state: Mapped[str] = mapped_column(sa.String(8))
    __table_args__ = (
        sa.Index("ix_nobody_home_station_id_day", "station_id", "day"),
        sa.Index("ix_nobody_home_household_id_at", "household_id", "at"),
    )


append_only("nobody_home", "what was found at the door is never changed")


class VisitException(Keyed, Made, Homed, Base):
    """Something about a visit that a person must put right (fix) or read and explain (ack). One row per visit and code."""

    __tablename__ = "visit_exception"
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    """The visit, or the one a shift minted and nobody made (MISSED)."""
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    day: Mapped[date]
    code: Mapped[str] = mapped_column(sa.String(20))
    kind: Mapped[str] = mapped_column(sa.String(3))
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    settled_at: Mapped[datetime | None] = mapped_column(Instant())
    settled_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """Empty where it settled by itself: what was missing came."""
    reason: Mapped[str | None] = mapped_column(sa.String(2))
    """Reason code of visits.json."""
    action: Mapped[str | None] = mapped_column(sa.String(1))
    """What was done about it: action code of visits.json."""
    memo: Mapped[str | None] = mapped_column(sa.String(200))
    __table_args__ = (
        sa.Index("uq_visit_exception_visit_id_code", "visit_id", "code", unique=True),
        sa.Index("ix_visit_exception_station_id_day", "station_id", "day"),
        sa.Index(
            "ix_visit_exception_open",
            "station_id",
            "day",
            sqlite_where=sa.text("settled_at is null"),
            postgresql_where=sa.text("settled_at is null"),
        ),
    )


def limits(day: date | None = None, station_id: uuid.UUID | None = None, household_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The dated figures of visits.json: the station's or district's, with what a household has of its own over them."""
    day = day or clock.today()
    usual = rulebook.current("visits", day, station_id)
    own = rulebook.own("visits", day, household_id) if household_id else None
    return usual | own if own else usual


def pair_up(one: Visit, other: Visit) -> None:
    """Two visits that rightly overlap belong together: one caregiver in two homes, or two caregivers in one."""
    one.partner_id, other.partner_id = other.id, one.id
    audit.note("visits.pair_up", one, one.household_id, partner=other.id)
    tell(one.station_id, one.household_id)


def tell(station_id: uuid.UUID, household_id: uuid.UUID) -> None:
    """Open pages of the station and of the household fetch their pieces again."""
    topics.tell(f"roster:{station_id}", f"household:{household_id}")


rulebook.ship("visits", Path(__file__).parent / "visits.json")
