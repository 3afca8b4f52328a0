"""Tasks and notices, and the verbs that open, clear and see them. ladder.py lets notices climb, calling.py keeps calls."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.messages import rules, words
from webapp.messages.rules import CAREGIVER, DISTRICT, RED, STATION, STREET
from webapp.people.models import Place, PlaceKind
from webapp.store import audit, db, jobs, rulebook, topics
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made, append_only
from webapp.store.types import Instant, Uuid

rulebook.ship("messages", Path(__file__).parent / "messages.json")
_OPEN = sa.text("cleared_at is null")
ADAPTER, PUSH = "adapter", "push"
TWICE = timedelta(minutes=1)
_UNSEEN = sa.text("acknowledged_at is null and ended_at is null")


class Task(Base):
    """One thing a person must do, said by its kind (words.py) and facts, so that everybody reads it in their language.

    For the office of `place_id`, or with `account_id` for that account alone. What was worked out from the day and then
    handled lies here too, cleared from the start: that keeps it away, and one history tells of both.
    """

    __tablename__ = "task"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True, default=ids.new)
    kind: Mapped[str] = mapped_column(sa.String(20))
    level: Mapped[str] = mapped_column(sa.String(5))
    key: Mapped[str] = mapped_column(sa.String(120))
    """Of the cause: while one is open, the same cause makes no second."""
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    account_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    person_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    """Who should be rung about it."""
    notice_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("notice.id"))
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)
    """What fills the kind's words, and "what": the kind of the notice it is about."""
    numbers: Mapped[list[Any]] = mapped_column(sa.JSON(), default=list)
    """Whom else to ring: [name, number], public numbers of places and duty rooms only."""
    endpoint: Mapped[str | None] = mapped_column(sa.String(60))
    args: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)
    due_at: Mapped[datetime | None] = mapped_column(Instant())
    opened_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    cleared_at: Mapped[datetime | None] = mapped_column(Instant())
    cleared_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """The account; empty when the cause went away by itself."""
    how: Mapped[str | None] = mapped_column(sa.String(10))
    """done, called, seen, gone, up: words.HOW."""
    memo: Mapped[str | None] = mapped_column(sa.String(200))
    __table_args__ = (
        sa.Index("uq_task_open_key", "key", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        sa.Index("ix_task_open_place", "place_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        sa.Index("ix_task_open_account", "account_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        sa.Index("ix_task_place_id_cleared_at", "place_id", "cleared_at", "id"),
        sa.Index("ix_task_notice_id", "notice_id"),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: it is the actor's own, or of an office within reach."""
        office = sa.and_(cls.account_id.is_(None), actor.reaches_station(cls.place_id))
        return sa.or_(cls.account_id == actor.account_id, office)

    def clear(self, by: uuid.UUID | None, how: str = "done", memo: str = "") -> None:
        """It is dealt with; `by` None when the cause went away. A second time is nothing. A notice behind it was seen."""
        if self.cleared_at is not None:
            return
        self.cleared_at, self.cleared_by, self.how, self.memo = clock.now(), by, how, memo.strip()[:200] or None
        audit.note("messages.clear", self, self.household_id, kind=self.kind, how=how)
        tell(self.place_id, self.account_id)
        if by is not None and self.notice_id is not None:
            db.session().get_one(Notice, self.notice_id).acknowledge(by)


class Notice(Keyed, Made, Base):
    """Something a person must see: one account, or the duty room of a place. Its words are generic, without names.

    A red one climbs the ladder until somebody has seen it. Seen means that a human tapped, not that a page lay open.
    """

    __tablename__ = "notice"
    kind: Mapped[str] = mapped_column(sa.String(20))
    level: Mapped[str] = mapped_column(sa.String(5))
    key: Mapped[str] = mapped_column(sa.String(120))
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    """The station (or street) it belongs to: where it climbs from."""
    to_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    """Empty: the duty room of the place."""
    from_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    endpoint: Mapped[str | None] = mapped_column(sa.String(60))
    args: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)
    rung: Mapped[str] = mapped_column(sa.String(10))
    rung_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    seen_at: Mapped[datetime | None] = mapped_column(Instant())
    seen_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant())
    acknowledged_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    ended_at: Mapped[datetime | None] = mapped_column(Instant())
    """The cause went away before anybody had to do anything."""
    digested_at: Mapped[datetime | None] = mapped_column(Instant())
    __table_args__ = (
        sa.Index("uq_notice_open_key", "key", unique=True, sqlite_where=_UNSEEN, postgresql_where=_UNSEEN),
        sa.Index("ix_notice_open_to", "to_id", sqlite_where=_UNSEEN, postgresql_where=_UNSEEN),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: it is to the actor, or its place is within reach."""
        return sa.or_(cls.to_id == actor.account_id, actor.reaches_station(cls.place_id))

    @property
    def waits(self) -> bool:
        """Whether nobody has seen it and its cause is still there."""
        return self.seen_at is None and self.ended_at is None

    def see(self, by: uuid.UUID) -> None:
        """A human has seen it: it climbs no further, and nobody needs to ring about it. The sender's own look is none."""
        if self.seen_at is None and by != self.from_id:
            self.seen_at, self.seen_by = clock.now(), by
            audit.note("messages.see", self, self.household_id, kind=self.kind, rung=self.rung)
            _take_away(Task.notice_id == self.id, Task.kind != "notice", how="seen")
            tell(self.place_id, self.to_id)

    def acknowledge(self, by: uuid.UUID) -> None:
        """知道了: whoever it reached takes it on. A second time is nothing."""
        self.see(by)
        if self.acknowledged_at is None:
            self.acknowledged_at, self.acknowledged_by = clock.now(), by
            audit.note("messages.acknowledge", self, self.household_id, kind=self.kind)
            _take_away(Task.notice_id == self.id, how="seen")
            tell(self.place_id, self.to_id)

    def end(self) -> None:
        """The cause is gone."""
        self.ended_at = clock.now()
        _take_away(Task.notice_id == self.id, how="gone")
        audit.note("messages.end", self, self.household_id, kind=self.kind)
        tell(self.place_id, self.to_id)


class Climb(Keyed, Base):
    """A notice reached a rung: every step can be read later. `numbers`: who could be rung about the rung below."""

    __tablename__ = "notice_climb"
    notice_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("notice.id"))
    rung: Mapped[str] = mapped_column(sa.String(10))
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    __table_args__ = (sa.Index("uq_notice_climb_notice_id_rung", "notice_id", "rung", unique=True),)


append_only("notice_climb", "what climbed has climbed")


class Sending(Keyed, Made, Base):
    """One message on its way through the adapter: to an account, or to the duty room of a place. Generic words only."""

    __tablename__ = "sending"
    notice_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("notice.id"), index=True)
    """Empty: the digest of the day, or kin who have no list of notices."""
    way: Mapped[str] = mapped_column(sa.String(7), default=ADAPTER)
    """ADAPTER, or PUSH to the browsers of `account_id`."""
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    """Told as kin of this resident: no longer once that is withdrawn."""
    account_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    place_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    rung: Mapped[str | None] = mapped_column(sa.String(10))
    text: Mapped[str] = mapped_column(sa.String(200))
    tries: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    """waiting, sent, failed, unneeded."""
    trouble: Mapped[str | None] = mapped_column(sa.String(200))
    done_at: Mapped[datetime | None] = mapped_column(Instant())


def settings(place_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The dated figures of messages.json."""
    return rulebook.current("messages", clock.today(), place_id)


def tell(place_id: uuid.UUID, account_id: uuid.UUID | None = None) -> None:
    """Open lists of the place and of those above it, and the account's own, fetch themselves again."""
    place = db.session().get_one(Place, place_id)
    above = (key for key in (place.id, place.street_id, place.district_id) if key)
    topics.tell(*(f"tasks:{key}" for key in above), *([f"told:{account_id}"] if account_id else []))


# -- tasks --


def open_task(
    kind: str,
    place_id: uuid.UUID,
    key: str,
    *,
    level: str | None = None,
    account_id: uuid.UUID | None = None,
    household_id: uuid.UUID | None = None,
    resident_id: uuid.UUID | None = None,
    person_id: uuid.UUID | None = None,
    notice_id: uuid.UUID | None = None,
    facts: dict[str, Any] | None = None,
    numbers: list[tuple[str, str]] | None = None,
    endpoint: str | None = None,
    args: dict[str, Any] | None = None,
    due_at: datetime | None = None,
) -> None:
    """Something must be done by the office of a place, or by one account. While `key` is open, a second opening is nothing.

    level: of the settings, unless told. Raises KeyError for a kind without a place in the settings.
    """
    row = {
        "id": ids.new(),
        "kind": kind,
        "level": level or rules.level_of(kind, settings(place_id)["kinds"]),
        "key": key,
        "place_id": place_id,
        "account_id": account_id,
        "household_id": household_id,
        "resident_id": resident_id,
        "person_id": person_id,
        "notice_id": notice_id,
        "facts": facts or {},
        "numbers": [list(each) for each in numbers or []],
        "endpoint": endpoint,
        "args": {name: str(value) for name, value in (args or {}).items()},
        "due_at": due_at,
        "opened_at": clock.now(),
    }
    if _once(Task, row, _OPEN):
        audit.note("messages.open_task", f"task:{row['id']}", household_id, kind=kind)
        tell(place_id, account_id)


def _once(table: type[Task] | type[Notice], row: dict[str, Any], where: sa.TextClause) -> bool:
    """Lay down a row unless one with its key is open; whether it was laid."""
    laid = db.insert(table).values(**row).on_conflict_do_nothing(index_elements=["key"], index_where=where)
    return db.session().scalar(laid.returning(table.id)) is not None


def resolve(key: str) -> None:
    """The cause of this key is gone: its open task and its unseen notice go away by themselves."""
    _take_away(Task.key == key, how="gone")
    _end_notices(Notice.key == key)


def withdraw(household_id: uuid.UUID, resident_id: uuid.UUID | None = None) -> None:
    """Nothing more is asked or told about a household; or about one resident of it."""
    about = [table.resident_id == resident_id if resident_id else table.household_id == household_id for table in (Task, Notice)]
    _take_away(about[0], how="gone")
    _end_notices(about[1])


def rehome(household_id: uuid.UUID, place_id: uuid.UUID) -> None:
    """What is open about a household waits at another station from now on."""
    session = db.session()
    for task in session.scalars(sa.select(Task).where(Task.household_id == household_id, Task.cleared_at.is_(None))):
        tell(task.place_id)
        task.place_id = place_id
    unseen = Notice.acknowledged_at.is_(None), Notice.ended_at.is_(None)
    for notice in session.scalars(sa.select(Notice).where(Notice.household_id == household_id, *unseen)):
        notice.place_id = place_id
    tell(place_id)


def dismiss(account_id: uuid.UUID) -> None:
    """Whoever held this account has left: nothing waits for them any more."""
    _take_away(Task.account_id == account_id, how="gone")
    _end_notices(Notice.to_id == account_id)


def _end_notices(which: sa.ColumnElement[bool]) -> None:
    open_ones = sa.select(Notice).where(which, Notice.acknowledged_at.is_(None), Notice.ended_at.is_(None))
    for notice in db.session().scalars(open_ones):
        notice.end()


def _take_away(*which: sa.ColumnElement[bool], how: str) -> None:
    for task in db.session().scalars(sa.select(Task).where(Task.cleared_at.is_(None), *which)):
        task.clear(None, how)


def handle(
    kind: str,
    key: str,
    place_id: uuid.UUID,
    household_id: uuid.UUID | None,
    since: datetime,
    by: uuid.UUID,
    how: str = "done",
    memo: str = "",
    facts: dict[str, Any] | None = None,
) -> None:
    """What was worked out from the day is dealt with: `key` stays away, unless the cause comes again under another key.

    Two taps within a minute are one.
    """
    session = db.session()
    taken_on(key, by)
    carried = session.scalars(sa.select(Task).where(Task.key == key, Task.cleared_at.is_(None))).all()
    for task in carried:
        task.facts = task.facts | (facts or {})
        task.clear(by, how, memo)
    if carried:
        return
    lately = sa.select(Task.id).where(Task.key == key, Task.place_id == place_id, Task.cleared_at > clock.now() - TWICE)
    if session.scalar(lately.limit(1)) is not None:
        return
    level = rules.level_of(kind, settings(place_id)["kinds"])
    row = Task(
        id=ids.new(), kind=kind, level=level, key=key, place_id=place_id, household_id=household_id, opened_at=since,
        facts=facts or {}, numbers=[], args={},
    )  # fmt: skip
    session.add(row)
    row.clear(by, how, memo)


# -- notices --


def notify(
    kind: str,
    place_id: uuid.UUID,
    key: str,
    *,
    to: uuid.UUID | None = None,
    level: str = RED,
    by: uuid.UUID | None = None,
    household_id: uuid.UUID | None = None,
    resident_id: uuid.UUID | None = None,
    endpoint: str | None = None,
    args: dict[str, Any] | None = None,
    listed: bool = True,
) -> None:
    """Somebody must see this: the account `to`, or the duty room of the place. While `key` is open, a second is nothing.

    A red one goes out at once and climbs; others wait for the digest of the day. To a duty room it is a task of the
    place's list too, unless another line of that list says it already (`listed` False).
    """
    session, now = db.session(), clock.now()
    place = session.get_one(Place, place_id)
    row = {
        "id": ids.new(),
        "made_at": now,
        "kind": kind,
        "level": level,
        "key": key,
        "place_id": place_id,
        "to_id": to,
        "from_id": by,
        "household_id": household_id,
        "resident_id": resident_id,
        "endpoint": endpoint,
        "args": {name: str(value) for name, value in (args or {}).items()},
        "rung": CAREGIVER if to else rung_of(place),
        "rung_at": now,
    }
    if not _once(Notice, row, _UNSEEN):
        return
    notice = session.get_one(Notice, row["id"])
    audit.note("messages.notify", notice, household_id, kind=kind, level=level)
    if to is None and listed:
        about: dict[str, Any] = {"facts": {"what": kind}, "endpoint": endpoint, "args": args, "household_id": household_id}
        open_task("notice", place_id, f"notice:{notice.id}", level=level, notice_id=notice.id, **about)
    if level == RED:
        jobs.ask("messages.rise", once=f"messages.rise:{notice.id}:{notice.rung}", notice=str(notice.id), rung=notice.rung)
    else:
        _digest_later(notice)
    tell(place_id, to)


def taken_on(key: str, by: uuid.UUID) -> None:
    """Somebody sees to what a notice of this key is about, on a page of its own."""
    found = db.session().scalars(
        sa.select(Notice).where(Notice.key == key, Notice.acknowledged_at.is_(None), Notice.ended_at.is_(None))
    )
    for notice in found:
        notice.acknowledge(by)


def rung_of(place: Place) -> str:
    """The rung on which a place answers."""
    return {PlaceKind.STREET: STREET, PlaceKind.DISTRICT: DISTRICT}.get(PlaceKind(place.kind), STATION)


def _digest_later(notice: Notice) -> None:
    """Ask for the digest of the day it will stand in, one a person and day."""
    chosen, now = settings(notice.place_id), clock.now()
    due = now + timedelta(minutes=rules.until_digest(clock.minute_of(now), chosen["digest_min"], chosen["quiet"]))
    whom = {"account": str(notice.to_id)} if notice.to_id else {"place": str(notice.place_id)}
    jobs.ask("messages.digest", due_at=due, once=f"messages.digest:{notice.to_id or notice.place_id}:{clock.day_of(due)}", **whom)


def urgent() -> str:
    """What goes out about a red notice: no name, no place, no illness."""
    return str(words.URGENT)
