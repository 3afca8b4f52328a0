"""Announcements (H45): an office writes to the people below it and sees who has read it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from webapp.access import Actor, Role
from webapp.kit import clock, ids
from webapp.people.models import Place
from webapp.store import audit, db, topics
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made
from webapp.store.types import Instant, Uuid

CAREGIVERS, HEADS, BOTH = "caregivers", "heads", "both"
AUDIENCES = {CAREGIVERS: (Role.CAREGIVER,), HEADS: (Role.STATION_HEAD,), BOTH: (Role.CAREGIVER, Role.STATION_HEAD)}
RUNS = timedelta(days=30)
"""So long an announcement is shown to those who have not read it."""


class Announcement(Keyed, Made, Base):
    """What an office tells the caregivers, the station heads or both below a place."""

    __tablename__ = "announcement"
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    audience: Mapped[str] = mapped_column(sa.String(10))
    title: Mapped[str] = mapped_column(sa.String(40))
    words: Mapped[str] = mapped_column(sa.Text())
    must: Mapped[bool] = mapped_column(default=False)
    """Whoever it is for must say that they have read it."""
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant())
    __table_args__ = (sa.Index("ix_announcement_place_id_made_at", "place_id", "made_at"),)

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: its place is within reach, so one may see who has read it."""
        return actor.reaches_station(cls.place_id)

    def withdraw(self) -> None:
        """Nobody needs to read it any more; who has, stays written down."""
        if self.withdrawn_at is None:
            self.withdrawn_at = clock.now()
            audit.note("messages.withdraw", self)
            topics.tell(*_told_at(self.place_id))


class Reading(Base):
    """Somebody has read an announcement."""

    __tablename__ = "announcement_reading"
    announcement_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("announcement.id"), primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)


def announce(place: Place, audience: str, title: str, words: str, by: uuid.UUID, *, must: bool = False) -> Announcement:
    """Tell the people below `place`. audience: caregivers, heads, both."""
    row = Announcement(id=ids.new(), place_id=place.id, audience=audience, title=title, words=words, must=must, by_id=by)
    row.made_at = clock.now()
    db.session().add(row)
    audit.note("messages.announce", row, audience=audience, must=must)
    topics.tell(*_told_at(place.id))
    return row


def _told_at(place_id: uuid.UUID) -> list[str]:
    """The lists of the place and of every station below it: a handful."""
    below = sa.select(Place.id).where(sa.or_(Place.id == place_id, Place.street_id == place_id, Place.district_id == place_id))
    return [f"tasks:{key}" for key in db.session().scalars(below)]


def read(announcement: Announcement, account_id: uuid.UUID) -> None:
    """我看过了; a second time is nothing."""
    row = {"announcement_id": announcement.id, "account_id": account_id, "at": clock.now()}
    laid = db.insert(Reading).values(**row).on_conflict_do_nothing().returning(Reading.account_id)
    if db.session().scalar(laid) is not None:
        audit.note("messages.read", announcement)


def over(place_id: sa.ColumnElement[uuid.UUID] | uuid.UUID) -> sa.Select[uuid.UUID]:
    """The keys of a place and of those above it."""
    here, others = aliased(Place), aliased(Place)
    above = sa.or_(others.id == here.id, others.id == here.street_id, others.id == here.district_id)
    return sa.select(others.id).join(here, above).where(here.id == place_id)


AUDIENCE = sa.bindparam("audiences", expanding=True, type_=sa.String())
"""What somebody's role is told."""


def audiences(role: Role) -> list[str]:
    """What fills `AUDIENCE`."""
    return [name for name, roles in AUDIENCES.items() if role in roles]


def for_me(actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions: an announcement that still runs and is meant for `AUDIENCE` at the actor's place."""
    since = sa.bindparam("announced_since", callable_=lambda: clock.now() - RUNS, type_=Instant(), unique=True)
    return (
        Announcement.withdrawn_at.is_(None),
        Announcement.made_at > since,
        Announcement.audience.in_(AUDIENCE),
        Announcement.place_id.in_(over(actor.place_id)),  # type: ignore[arg-type]
    )


def unread(actor: Actor) -> sa.ColumnElement[bool]:
    """Condition: the actor has not said that they have read it."""
    mine = sa.exists().where(Reading.announcement_id == Announcement.id, Reading.account_id == actor.account_id)
    return ~mine


def meant_for(
    told: type[Announcement] | Announcement, grant: Any, account: Any, place: Any
) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on a grant, its account and its place: they are among those an announcement is for."""
    below = sa.or_(place.id == told.place_id, place.street_id == told.place_id, place.district_id == told.place_id)
    if isinstance(told, Announcement):
        meant = grant.role.in_(AUDIENCES[told.audience])
    else:
        meant = sa.or_(*(sa.and_(told.audience == name, grant.role.in_(roles)) for name, roles in AUDIENCES.items()))
    return grant.holds(), account.ended_at.is_(None), below, meant
