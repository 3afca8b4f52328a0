"""Rows of what is planned: weekly plans, their changes, and the shifts laid from them."""

from __future__ import annotations

import uuid
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.kit import ids
from webapp.people.models import Household, Person
from webapp.roster import calendar, rules
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made
from webapp.store.types import Uuid

PLANNED, CANCELLED, PAUSED = "planned", "cancelled", "paused"
NOBODY, ON_LEAVE = "nobody", "leave"
"""Notes of a shift without a caregiver: nobody could be sent (and why, after a colon); its caregiver is on leave."""


class ServicePlan(Keyed, Made, Homed, Base):
    """On which weekdays, when, how long and for what somebody comes to a household (H04). valid_until: the last day."""

    __tablename__ = "service_plan"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    weekdays: Mapped[int]
    """Bits; bit 0 is Monday."""
    start_min: Mapped[int]
    minutes: Mapped[int]
    items: Mapped[list[str]] = mapped_column(sa.JSON())
    """Codes of the service catalogue."""
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    caregiver_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    """None: whoever is the household's main caregiver on the day."""
    second_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    """Goes with her: two caregivers on one visit."""
    holidays: Mapped[bool] = mapped_column(default=True)
    """Whether somebody comes on public holidays too; the founding text asks for every day."""
    by_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    changes: Mapped[list[PlanChange]] = relationship(order_by="PlanChange.made_at, PlanChange.id")

    @property
    def pattern(self) -> rules.Pattern:
        """As rules take it."""
        return rules.Pattern(
            self.weekdays, self.start_min, self.minutes, tuple(self.items), self.caregiver_id, self.valid_from,
            self.valid_until, self.second_id, self.holidays,
        )  # fmt: skip

    def on(self, day: date) -> rules.Planned | None:
        """What it says about a day, changes and holidays included."""
        return rules.planned(self.pattern, [change.fact for change in self.changes], day, calendar.is_off(day))

    def on_holidays(self, day: date) -> bool:
        """Whether somebody comes on public holidays, as said on a day."""
        said = [each.holidays for each in self.changes if each.until is None and each.since <= day and each.holidays is not None]
        return said[-1] if said else self.holidays


class PlanChange(Keyed, Made, Homed, Base):
    """A different word about one day (until = since) or about every day from `since` on (until empty)."""

    __tablename__ = "plan_change"
    plan_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("service_plan.id"), index=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    since: Mapped[date]
    until: Mapped[date | None]
    skip: Mapped[bool] = mapped_column(default=False)
    weekdays: Mapped[int | None]
    start_min: Mapped[int | None]
    minutes: Mapped[int | None]
    items: Mapped[list[str] | None] = mapped_column(sa.JSON(none_as_null=True))
    caregiver_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    second_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    alone: Mapped[bool] = mapped_column(default=False)
    """No second caregiver."""
    holidays: Mapped[bool | None]
    why: Mapped[str] = mapped_column(sa.String(60), default="")
    by_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())

    @property
    def fact(self) -> rules.Change:
        """As rules take it."""
        items = None if self.items is None else tuple(self.items)
        return rules.Change(
            self.since, self.until, self.skip, self.weekdays, self.start_min, self.minutes, items, self.caregiver_id,
            self.second_id, self.alone, self.holidays,
        )  # fmt: skip


class Shift(Keyed, Made, Homed, Base):
    """One planned visit of one day. caregiver None: nobody yet. Its visit's id is minted here, so a phone knows it offline.

    paused: a pause took it out, it is not missing. `note`: why it is as it is, a code (`roster.words.note` says it);
    `spot_id`: visited there instead of at home. `seat` 1: the second of two who go together.
    """

    __tablename__ = "shift"
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), unique=True, default=ids.new)
    plan_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("service_plan.id"))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    caregiver_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    day: Mapped[date]
    start_min: Mapped[int]
    minutes: Mapped[int]
    items: Mapped[list[str]] = mapped_column(sa.JSON())
    state: Mapped[str] = mapped_column(sa.String(10), default=PLANNED)
    note: Mapped[str | None] = mapped_column(sa.String(120))
    spot_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    seat: Mapped[int] = mapped_column(default=0, server_default="0")
    told: Mapped[str | None] = mapped_column(sa.String(64))
    """As it was when its week was last published: `terms`; empty when it never was."""
    household: Mapped[Household] = relationship()
    caregiver: Mapped[Person | None] = relationship()
    __table_args__ = (
        sa.Index("ix_shift_station_id_day_caregiver_id", "station_id", "day", "caregiver_id"),
        sa.Index("ix_shift_caregiver_id_day", "caregiver_id", "day"),
        sa.Index("ix_shift_plan_id_day", "plan_id", "day"),
        sa.Index("uq_shift_household_id_day_start_min", "household_id", "day", "start_min", "seat", unique=True),
    )

    @property
    def end_min(self) -> int:
        """Minutes after midnight at which it should be over."""
        return self.start_min + self.minutes

    @property
    def terms(self) -> str:
        """Who goes when and how long, as publishing compares it; empty when nobody is to come."""
        who = self.caregiver_id.hex if self.caregiver_id else ""
        return f"{who}|{self.start_min}|{self.minutes}" if self.state == PLANNED else ""
