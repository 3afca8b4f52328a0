"""A caregiver leaves: one sequence of steps, each settled by somebody and somehow, also when she cannot be reached."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, Role
from webapp.cards import models as cards
from webapp.cards.models import Card
from webapp.endings import words as said
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.messages import models as messages
from webapp.people import models as people
from webapp.people.models import Account, Assignment, Device, Grant, Household, Person
from webapp.roster import closing
from webapp.store import audit, db
from webapp.store.db import Base
from webapp.store.traits import Keyed
from webapp.store.types import Instant, Uuid

HOMES, CASH, KEYS, BADGE, PHONE, RECORDS = "homes", "cash", "keys", "badge", "phone", "records"
STEPS = (HOMES, CASH, KEYS, BADGE, PHONE, RECORDS)
_STANDS = sa.text("withdrawn_at is null")


class Departure(Keyed, Base):
    """A caregiver's leaving, taken up and laid down again as often as needed until it is done. `day`: her last."""

    __tablename__ = "departure"
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    day: Mapped[date]
    why: Mapped[str] = mapped_column(sa.String(100), default="")
    reached: Mapped[bool]
    """Whether she hands over herself."""
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    done_at: Mapped[datetime | None] = mapped_column(Instant())
    done_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant())
    steps: Mapped[list[DepartureStep]] = relationship(order_by="DepartureStep.at")
    __table_args__ = (
        sa.Index("uq_departure_person_id", "person_id", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the station is within reach."""
        return actor.reaches_station(cls.station_id)

    def settled(self, code: str, subject: uuid.UUID | None = None) -> DepartureStep | None:
        """How a step was settled last; None when it is open."""
        return next((each for each in reversed(self.steps) if (each.code, each.subject_id) == (code, subject)), None)


class DepartureStep(Keyed, Base):
    """One step, settled: how (words.HOW), by whom. subject_id: the household it is about. facts: what was found, fen."""

    __tablename__ = "departure_step"
    departure_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("departure.id"), index=True)
    code: Mapped[str] = mapped_column(sa.String(8))
    subject_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    how: Mapped[str] = mapped_column(sa.String(8))
    words: Mapped[str] = mapped_column(sa.String(200), default="")
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    by: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)


def begin(person: Person, day: date, why: str, reached: bool, actor: Actor, key: uuid.UUID) -> Departure:
    """Take up the sequence. Refuses one's own, and a second while one is under way."""
    if person.id == actor.person_id:
        raise Refusal("own_departure", "自己离岗要请上一级来办")
    if person.station_id is None:
        raise Refusal("no_station", "她不属于哪个站，请到街道办")
    session = db.session()
    again = sa.select(Departure.id).where(Departure.person_id == person.id, Departure.withdrawn_at.is_(None))
    if session.scalar(again) is not None:
        raise Refusal("departs_already", "已经在办了，请返回看一看")
    row = Departure(
        id=key, person_id=person.id, station_id=person.station_id, day=day, why=why.strip()[:100], reached=reached,
        by_id=actor.account_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note("endings.depart", row, person=person.id, day=day, reached=reached)
    return row


def hand_on(departure: Departure, household: Household, person: Person, note: str, actor: Actor) -> None:
    """A household of hers goes to `person` from now on. Refuses herself and what pairing refuses."""
    if person.id == departure.person_id:
        raise Refusal("same_person", "请选另外一位", field="caregiver")
    people.pair(household, person)
    closing.hand_on(household, departure.person_id, person, clock.today(), actor.account_id)
    _end_ways_in(departure.person_id, household.id)
    _note(departure, HOMES, "handed", note, actor, household.id, {"to": person.name})


def settle(
    departure: Departure, code: str, how: str, note: str, actor: Actor, subject: uuid.UUID | None = None, **facts: Any
) -> None:
    """A step is settled. What can be stopped is stopped here: badges, phones. Refuses an unknown way and a done sequence."""
    if departure.done_at is not None:
        raise Refusal("departed", "已经办完了")
    if how not in said.HOW.get(code, {}) or code == HOMES:
        raise Refusal("how", "请选一个", field="how")
    if how == "away" and len(note.strip()) < 2:
        raise Refusal("no_words", "请写一句：怎么办的，谁在场", field="words")
    if code == BADGE:
        cards.revoke_all(Card.person_id == departure.person_id, actor.account_id, str(said.CARD_STOPPED))
    if code == PHONE:
        _stop_phones(departure.person_id)
    _note(departure, code, how, note, actor, subject, facts)


def finish(departure: Departure, person: Person, account: Account, actor: Actor) -> None:
    """Every step is settled: no shift, way in, message or sign-in of hers is left. Refuses while a household is hers."""
    if departure.done_at is not None:
        return
    for role in db.session().scalars(sa.select(Grant.role).where(Grant.account_id == account.id, Grant.holds())):
        people.refuse_above(actor, Role(role))
    closing.gone(person.id, max(clock.today(), departure.day), actor.account_id)
    _end_ways_in(person.id)
    messages.dismiss(account.id)
    people.retire(actor, account)
    departure.done_at, departure.done_by = clock.now(), actor.account_id
    audit.note("endings.departed", departure, person=person.id)


def withdraw(departure: Departure, actor: Actor) -> None:
    """She stays after all: what was handed on stays where it is. Refuses one that is done."""
    if departure.done_at is not None:
        raise Refusal("departed", "已经办完了")
    departure.withdrawn_at = clock.now()
    audit.note("endings.stays", departure, by=actor.account_id)


def _note(
    departure: Departure, code: str, how: str, note: str, actor: Actor, subject: uuid.UUID | None, facts: dict[str, Any]
) -> None:
    session = db.session()
    name = session.scalar(sa.select(Person.name).where(Person.id == actor.person_id)) or ""
    departure.steps.append(
        DepartureStep(
            departure_id=departure.id, code=code, subject_id=subject, how=how, words=note.strip()[:200], by_id=actor.account_id,
            by=name[:40], at=clock.now(), facts=facts,
        )
    )  # fmt: skip
    session.flush()
    audit.note("endings.step", departure, subject, code=code, how=how)


def _stop_phones(person_id: uuid.UUID) -> None:
    mine = sa.select(Device).join(Account, Account.id == Device.account_id).where(Account.person_id == person_id)
    for device in db.session().scalars(mine.where(Device.revoked_at.is_(None))):
        device.revoke()


def _end_ways_in(person_id: uuid.UUID, household_id: uuid.UUID | None = None) -> None:
    """She may enter no longer: one household, or any."""
    now = clock.now()
    which = sa.and_(
        Assignment.caregiver_id == person_id,
        sa.or_(Assignment.until.is_(None), Assignment.until > now),
        Assignment.household_id == household_id if household_id else sa.true(),
    )
    db.session().execute(sa.update(Assignment).where(which).values(until=now))
