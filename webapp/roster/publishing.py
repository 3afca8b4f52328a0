"""A week is published: caregivers are told that it is fixed, and afterwards only what changed since."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as message_words
from webapp.messages.rules import PLAIN
from webapp.people.models import Account, Household, Place
from webapp.roster import models, rules
from webapp.roster.models import Shift
from webapp.store import audit, db, topics
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made
from webapp.store.types import Uuid

NEW, MOVED, GONE = "new", "moved", "gone"
message_words.say("roster_out", _l("这一周的排班好了，请看一看"), "calendar")
message_words.say("roster_changed", _l("排班改了，请看一看"), "calendar")


class Publication(Keyed, Made, Base):
    """A station's week was published by its head; the newest counts."""

    __tablename__ = "publication"
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    monday: Mapped[date]
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    changes: Mapped[list[PublishedChange]] = relationship(back_populates="publication")
    __table_args__ = (sa.Index("ix_publication_station_id_monday", "station_id", "monday"),)


class PublishedChange(Keyed, Made, Base):
    """What one publication changed for one caregiver: a visit that is new, moved or gone. was: minutes after midnight before."""

    __tablename__ = "published_change"
    publication_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("publication.id"), index=True)
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    kind: Mapped[str] = mapped_column(sa.String(5))
    day: Mapped[date]
    start_min: Mapped[int]
    was_min: Mapped[int | None]
    publication: Mapped[Publication] = relationship(back_populates="changes")
    household: Mapped[Household] = relationship()
    __table_args__ = (sa.Index("ix_published_change_caregiver_id_day", "caregiver_id", "day"),)


@dataclass(frozen=True)
class Changed:
    """One caregiver's difference in one shift."""

    caregiver_id: uuid.UUID
    kind: str
    start_min: int
    was_min: int | None = None


def changed(told: str | None, terms: str) -> list[Changed]:
    """What differs between two terms of a shift (`Shift.terms`), for each caregiver it touches."""
    before, after = _read(told or ""), _read(terms)
    if before == after:
        return []
    found = []
    if before is not None and (after is None or after[0] != before[0]):
        found.append(Changed(before[0], GONE, before[1]))
    if after is not None and (before is None or after[0] != before[0]):
        found.append(Changed(after[0], NEW, after[1]))
    if before is not None and after is not None and before[0] == after[0]:
        found.append(Changed(after[0], MOVED, after[1], before[1]))
    return found


def _read(terms: str) -> tuple[uuid.UUID, int, int] | None:
    """(caregiver, start, minutes); None when nobody was to come."""
    who, _sep, rest = terms.partition("|")
    if not who:
        return None
    start, _sep, minutes = rest.partition("|")
    return uuid.UUID(who), int(start), int(minutes)


def unpublished(shift: Shift, out: bool) -> bool:
    """Whether a shift differs from what was published. out: whether its week was published at all."""
    return out and shift.day >= clock.today() and (shift.told or "") != shift.terms


def publish(station: Place, monday: date, actor: Actor) -> Publication:
    """The week from `monday` on is fixed: what has changed since the last time goes to those it touches.

    Refuses a week that is over, one with nothing planned, and one in which nothing has changed.
    """
    today = clock.today()
    last = monday + timedelta(days=6)
    if last < today:
        raise Refusal("week_over", "这一周已经过去了")
    session = db.session()
    ask = sa.select(Shift).where(Shift.station_id == station.id, Shift.day.between(max(monday, today), last))
    shifts = session.scalars(ask.order_by(Shift.day, Shift.start_min)).all()
    if not any(shift.terms for shift in shifts):
        raise Refusal("week_empty", "这一周还没有排班")
    first = latest(station.id, monday) is None
    altered = [shift for shift in shifts if (shift.told or "") != shift.terms]
    if not first and not altered:
        raise Refusal("week_same", "没有新的改动，不用再发布")
    row = Publication(id=ids.new(), station_id=station.id, monday=monday, by_id=actor.account_id)
    session.add(row)
    session.flush()
    touched: dict[uuid.UUID, None] = {}
    for shift in altered:
        for each in changed(shift.told, shift.terms):
            touched[each.caregiver_id] = None
            if not first:
                session.add(
                    PublishedChange(
                        publication_id=row.id, caregiver_id=each.caregiver_id, household_id=shift.household_id, kind=each.kind,
                        day=shift.day, start_min=each.start_min, was_min=each.was_min,
                    )
                )  # fmt: skip
        shift.told = shift.terms
    _tell(station, monday, list(touched), "roster_out" if first else "roster_changed", actor)
    audit.note("roster.publish", row, monday=monday, first=first, altered=len(altered), caregivers=len(touched))
    topics.tell(f"roster:{station.id}")
    return row


def _tell(station: Place, monday: date, caregivers: Sequence[uuid.UUID], kind: str, actor: Actor) -> None:
    accounts = sa.select(Account.id, Account.person_id).where(Account.person_id.in_(caregivers), Account.ended_at.is_(None))
    for account, person in db.session().execute(accounts):
        key = f"roster:{station.id}:{monday}:{person}"
        messages.notify(
            kind, station.id, key, to=account, level=PLAIN, by=actor.account_id, endpoint="roster.mine", args={"week": monday}
        )


def latest(station_id: uuid.UUID, monday: date) -> Publication | None:
    """The last time a week was published."""
    ask = sa.select(Publication).where(Publication.station_id == station_id, Publication.monday == monday)
    return db.session().scalar(ask.order_by(Publication.made_at.desc()).limit(1))


def changes_of(person_id: uuid.UUID, first: date, last: date) -> Sequence[PublishedChange]:
    """What publications of late changed for a caregiver in some days, the newest word last."""
    since = clock.now() - timedelta(days=models.settings()["publish_back_days"])
    ask = sa.select(PublishedChange).where(
        PublishedChange.caregiver_id == person_id, PublishedChange.day.between(first, last), PublishedChange.made_at >= since
    )
    ask = ask.options(joinedload(PublishedChange.household))
    return db.session().scalars(ask.order_by(PublishedChange.day, PublishedChange.made_at)).all()


def week_of(day: date) -> list[date]:
    """The seven days of the week `day` lies in."""
    first = rules.monday(day)
    return rules.span(first, first + timedelta(days=6))
