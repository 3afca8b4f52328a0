"""Whom one goes to see and how often, and the diary of it."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.people.models import Account, Grant, Household, Place, Resident
from webapp.store import audit, db, jobs, rulebook
from webapp.store.db import Base
from webapp.store.inbox import Act
from webapp.store.traits import Homed, Keyed, append_only
from webapp.store.types import Instant, Uuid
from webapp.welfare import rules

rulebook.ship("welfare", Path(__file__).parent / "welfare.json")
kinds.say("unseen_elder", _l("走访没见到老人，请再去看"), "door-open")
kinds.say("hardship", _l("走访发现困难，请办"), "hand-heart")
kinds.say("welfare_due", _l("该走访了，还没去"), "footprints", settled_there=True)
_OPEN = sa.text("ended_at is null")


class Watch(Keyed, Homed, Base):
    """A resident without daily care is gone to see; `next_on`: by when again."""

    __tablename__ = "welfare_watch"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    risk: Mapped[str] = mapped_column(sa.String(6))
    next_on: Mapped[date]
    made_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    ended_at: Mapped[datetime | None] = mapped_column(Instant())
    household: Mapped[Household] = relationship()
    resident: Mapped[Resident] = relationship()
    __table_args__ = (
        sa.Index("uq_welfare_watch_open", "resident_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        sa.Index("ix_welfare_watch_next_on", "next_on", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    def end(self) -> None:
        """Nobody goes to see them any more: daily care began, or care ended. A second time is nothing."""
        if self.ended_at is None:
            self.ended_at = clock.now()
            messages.resolve(f"welfare:{self.id}")
            audit.note("welfare.end", self, self.household_id)


class WelfareVisit(Keyed, Homed, Base):
    """One visit or call: seen or not, what is difficult, who sees to it, and when again. `id` is the act's."""

    __tablename__ = "welfare_visit"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    at: Mapped[datetime] = mapped_column(Instant())
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    way: Mapped[str] = mapped_column(sa.String(5))
    seen: Mapped[str] = mapped_column(sa.String(7))
    words: Mapped[str] = mapped_column(sa.String(300), default="")
    owner: Mapped[str] = mapped_column(sa.String(7), default="none")
    next_on: Mapped[date]
    __table_args__ = (sa.Index("ix_welfare_visit_household_id_at", "household_id", "at"),)


append_only("welfare_visit", "what was found on a visit is never changed")


def settings(station_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The dated figures of welfare.json."""
    return rulebook.current("welfare", clock.today(), station_id)


def watch(who: Resident, risk: str, by: uuid.UUID) -> Watch:
    """Go to see a resident from now on, so often as the risk asks; or change how often. Refuses whose care has ended."""
    if risk not in rules.RISKS:
        raise Refusal("risk", "请选一个", field="risk")
    if who.ended_on is not None:
        raise Refusal("no_longer_here", "这位老人已经不由我们照看")
    row = watched(who.id)
    day = rules.next_day(clock.today(), risk, True, settings(who.household.station_id))
    if row is None:
        row = Watch(id=ids.new(), household_id=who.household_id, resident_id=who.id, risk=risk, next_on=day, by_id=by)
        db.session().add(row)
    else:
        row.risk, row.next_on = risk, min(row.next_on, day)
    db.session().flush()
    audit.note("welfare.watch", row, row.household_id, risk=risk)
    return row


def watched(resident_id: uuid.UUID) -> Watch | None:
    """Whether, and how often, one goes to see a resident."""
    return db.session().scalar(sa.select(Watch).where(Watch.resident_id == resident_id, Watch.ended_at.is_(None)))


def visit(
    act: Act, *, household: uuid.UUID, resident: uuid.UUID, way: str, seen: str, words: str | None = None,
    owner: str | None = None,
) -> str | None:  # fmt: skip
    """Somebody went or rang. Refuses who has no say there, whoever does not live there, a difficulty without a word."""
    session = db.session()
    ask = sa.select(Resident).where(Resident.id == resident, Resident.household_id == household, Resident.ended_on.is_(None))
    who = session.scalar(ask)
    if who is None or not _may(act.author_id, who.household):
        raise Refusal("no_resident", "没找到这位老人，先放在站里")
    said = (words or "").strip()[:300]
    if seen == "trouble" and len(said) < 2:
        raise Refusal("no_words", "请写几个字，有什么困难", field="words")
    row, chosen = watched(who.id), settings(who.household.station_id)
    again = rules.next_day(act.day, row.risk if row else "middle", seen != "no", chosen)
    told = WelfareVisit(
        id=act.id, household_id=household, resident_id=resident, at=act.at, by_id=act.author_id, way=way, seen=seen, words=said,
        owner=owner or "none", next_on=again,
    )  # fmt: skip
    session.add(told)
    session.flush()
    audit.note("welfare.visit", told, household, seen=seen, way=way)
    if row is not None and (row.next_on <= again or seen == "no"):
        row.next_on = again
        messages.resolve(f"welfare:{row.id}")
    _ask(told, who.household, chosen)
    return "记下了"


def _may(account: uuid.UUID, home: Household) -> bool:
    """Whether an office or liaison reaches the household's station; nobody else goes there for welfare."""
    place = db.session().get_one(Place, home.station_id)
    above = [key for key in (place.id, place.street_id, place.district_id) if key]
    ask = sa.select(Account.id).join(Grant, Grant.account_id == Account.id)
    return db.session().scalar(ask.where(Account.id == account, Grant.holds(), Grant.place_id.in_(above)).limit(1)) is not None


def _ask(told: WelfareVisit, home: Household, chosen: dict[str, Any]) -> None:
    """Not seen: somebody goes again. A difficulty: whoever is named sees to it in good time."""
    place = db.session().get_one(Place, home.station_id)
    about: dict[str, Any] = {
        "household_id": home.id, "resident_id": told.resident_id, "endpoint": "welfare.home", "args": {"household_id": home.id},
    }  # fmt: skip
    if told.seen == "no":
        due = clock.now() + timedelta(days=chosen["again_days"])
        messages.open_task("unseen_elder", place.id, f"unseen_elder:{told.resident_id}", due_at=due, **about)
    else:
        messages.resolve(f"unseen_elder:{told.resident_id}")
    if told.seen == "trouble" and told.owner != "self":
        due = clock.now() + timedelta(days=chosen["problem_days"])
        where = place.street_id if told.owner == "street" and place.street_id else place.id
        messages.open_task("hardship", where, f"hardship:{told.id}", due_at=due, **about)


@jobs.job("welfare.overdue", nightly=True)
def overdue() -> None:
    """Whoever should have been gone to see by yesterday is asked about at their station, once."""
    late = sa.select(Watch).where(Watch.ended_at.is_(None), Watch.next_on < clock.today())
    for row in db.session().scalars(late):
        messages.open_task(
            "welfare_due", row.household.station_id, f"welfare:{row.id}", household_id=row.household_id,
            resident_id=row.resident_id, endpoint="welfare.home", args={"household_id": row.household_id},
        )  # fmt: skip


def end_for(household_id: uuid.UUID, resident_id: uuid.UUID | None) -> None:
    """Care has ended, of one resident or of all: nobody goes to see them."""
    whose = Watch.household_id == household_id if resident_id is None else Watch.resident_id == resident_id
    for row in db.session().scalars(sa.select(Watch).where(whose, Watch.ended_at.is_(None))):
        row.end()
