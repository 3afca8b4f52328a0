"""A household moves into another station's area (P30): its own goes on until the other has said who comes, from which day."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor
from webapp.endings import care
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.messages import models as messages
from webapp.people import models as people
from webapp.people.models import Household, Person, Place, Spot
from webapp.people.queries import main_caregiver
from webapp.requests import models as requests
from webapp.roster import closing
from webapp.store import audit, db, jobs, secrets
from webapp.store.db import Base
from webapp.store.traits import Keyed
from webapp.store.types import Instant, Uuid
from webapp.visits.models import VOID, NobodyHome, Visit

_OPEN = sa.text("done_at is null and withdrawn_at is null")


class Move(Keyed, Base):
    """A household on its way from one station to another. `day`: from when it lives there; `first_day`: from when they go."""

    __tablename__ = "household_move"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    from_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    to_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    address_sealed: Mapped[bytes] = mapped_column(sa.LargeBinary())
    day: Mapped[date]
    told_by: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    caregiver_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    first_day: Mapped[date | None]
    taken_at: Mapped[datetime | None] = mapped_column(Instant())
    taken_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    done_at: Mapped[datetime | None] = mapped_column(Instant())
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant())
    household: Mapped[Household] = relationship()
    caregiver: Mapped[Person | None] = relationship()
    here: Mapped[Place] = relationship(foreign_keys=from_id)
    there: Mapped[Place] = relationship(foreign_keys=to_id)
    __table_args__ = (
        sa.Index("uq_household_move_open", "household_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: one of the two stations is within reach."""
        return sa.or_(actor.reaches_station(cls.from_id), actor.reaches_station(cls.to_id))

    @property
    def address(self) -> str:
        """Where they move to, unsealed."""
        return secrets.unseal(self.address_sealed, f"household_move.address:{self.id}")

    @property
    def state(self) -> str:
        """asked, taken, done, withdrawn."""
        if self.withdrawn_at:
            return "withdrawn"
        return "done" if self.done_at else "taken" if self.taken_at else "asked"


def ask(household: Household, to: Place, address: str, day: date, told_by: str, actor: Actor, key: uuid.UUID) -> Move:
    """The station says that a household moves; nothing changes until the other takes it. Refuses a second move at once."""
    session = db.session()
    under_way = sa.select(Move.id).where(Move.household_id == household.id, Move.done_at.is_(None), Move.withdrawn_at.is_(None))
    if session.scalar(under_way) is not None:
        raise Refusal("moves_already", "这一户已经在办搬家了，请返回看一看")
    row = Move(
        id=key, household_id=household.id, from_id=household.station_id, to_id=to.id, day=day, told_by=told_by.strip()[:40],
        address_sealed=secrets.seal(address, f"household_move.address:{key}"), by_id=actor.account_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note("endings.move", row, household.id, to=to.id, day=day)
    due = clock.now() + timedelta(days=care.settings(to.id)["takeover_days"])
    messages.open_task(
        "takeover", to.id, f"takeover:{row.id}", household_id=household.id, due_at=due, endpoint="endings.moving",
        args={"move_id": row.id},
    )  # fmt: skip
    return row


def take(move: Move, caregiver: Person, first_day: date, actor: Actor) -> None:
    """The other station says who comes from `first_day` on: the former caregiver goes until the day before.

    Refuses what is not asked any more, a day that is over, and a caregiver with too many households.
    """
    if move.state != "asked":
        raise Refusal("move_over", "这一户已经接手了，请返回看一看")
    if first_day < clock.today():
        raise Refusal("move_day", "请写今天或以后的日子", field="on")
    home = move.household
    former = main_caregiver(home.id)
    since = max(clock.instant(first_day, 0), clock.now())
    people.pair(home, caregiver, since=since)
    move.taken_at, move.taken_by, move.caregiver_id, move.first_day = clock.now(), actor.account_id, caregiver.id, first_day
    db.session().flush()
    if former is not None and former.id != caregiver.id:
        closing.hand_on(home, former.id, caregiver, first_day, actor.account_id, everybody=True)
    audit.note("endings.take", move, home.id, caregiver=caregiver.id, day=first_day)
    messages.resolve(f"takeover:{move.id}")
    if first_day == clock.today():
        switch(str(move.id))
    else:
        jobs.ask("endings.switch", due_at=since, once=f"endings.switch:{move.id}", move=str(move.id))


@jobs.job("endings.switch")
def switch(move: str) -> None:
    """The day has come: the household, its shifts and what is open about it belong to the other station. Twice is once."""
    session = db.session()
    row = session.get_one(Move, uuid.UUID(move))
    if row.done_at is not None:
        return
    home, there = row.household, row.there
    row.done_at = clock.now()
    people.change_household(home, row.address, no_signal=home.no_signal, station=there)
    session.flush()
    for spot in session.scalars(sa.select(Spot).where(Spot.household_id == home.id, Spot.kind == "home")):
        people.drop(spot)
    closing.move(home, row.from_id, row.first_day or clock.today())
    if row.taken_by is not None:
        requests.rehome(home.id, there.id, row.taken_by)
    messages.rehome(home.id, there.id)
    _shut_doors(home, there)


def _shut_doors(home: Household, there: Place) -> None:
    """A door that nobody opened, and nobody has come to since, is the other station's to see to."""
    later = sa.exists().where(
        Visit.household_id == NobodyHome.household_id, Visit.arrived_at > NobodyHome.at, Visit.state != VOID
    )
    lately = sa.select(NobodyHome.id).where(
        NobodyHome.household_id == home.id, NobodyHome.day >= clock.today() - timedelta(days=1), ~later
    )
    for key in db.session().scalars(lately):
        messages.open_task("nobody", there.id, f"nobody:{key}", household_id=home.id)


def withdraw(move: Move, actor: Actor) -> None:
    """They do not move after all. Refuses when the other station has taken over."""
    if move.state != "asked":
        raise Refusal("move_over", "这一户已经接手了，请返回看一看")
    move.withdrawn_at = clock.now()
    audit.note("endings.withdraw", move, move.household_id, by=actor.account_id)
    messages.resolve(f"takeover:{move.id}")
