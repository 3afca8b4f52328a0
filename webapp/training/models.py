"""Sessions of a course, who was there and how they did, and the certificates that come of it (H51 H54 P15)."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Conflict, Refusal
from webapp.people.models import Clearance, Person, Place
from webapp.store import audit, db, rulebook
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made, append_only
from webapp.store.types import Instant, Uuid
from webapp.training import rules

BADGE, LIST = "badge", "list"
rulebook.ship("training", Path(__file__).parent / "training.json")
rulebook.ship("learning", Path(__file__).parent / "cards.json")


def settings(day: date) -> dict[str, Any]:
    """The courses of a day."""
    return rulebook.current("training", day)


def course(code: str, day: date) -> dict[str, Any]:
    """One course. Refuses an unknown one."""
    found = next((each for each in settings(day)["courses"] if each["code"] == code), None)
    if found is None:
        raise Refusal("course", "请选一门课", field="course")
    return dict(found)


class Session(Keyed, Made, Base):
    """One meeting of a course, held by a station, street or district; start in minutes after midnight of the day."""

    __tablename__ = "training_session"
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    course: Mapped[str] = mapped_column(sa.String(16))
    topic: Mapped[str] = mapped_column(sa.String(60), default="")
    day: Mapped[date]
    start_min: Mapped[int]
    minutes: Mapped[int]
    where: Mapped[str] = mapped_column(sa.String(60))
    teacher: Mapped[str] = mapped_column(sa.String(40))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    place: Mapped[Place] = relationship()
    attendances: Mapped[list[Attendance]] = relationship(order_by="Attendance.at")
    __table_args__ = (sa.Index("ix_training_session_place_id_day", "place_id", "day"),)

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the place that holds it is within reach."""
        return actor.reaches_station(cls.place_id)

    def attend(self, person: Person, how: str, by: uuid.UUID) -> bool:
        """She is there. True the first time; a second scan is nothing. Refuses a session of another day."""
        if self.day != clock.today() and how == BADGE:
            raise Refusal("other_day", "这堂课不是今天的，扫不了，请从名单里勾")
        if self.day > clock.today():
            raise Refusal("future_date", "日子还没到，请改")
        session = db.session()
        row = {"session_id": self.id, "person_id": person.id, "at": clock.now(), "how": how, "by_id": by}
        laid = db.insert(Attendance).values(row).on_conflict_do_nothing().returning(Attendance.person_id)
        first = session.scalar(laid) is not None
        if first:
            audit.note("training.attend", self, person=person.id, how=how)
        return first

    def grade(self, person_id: uuid.UUID, score: int, by: uuid.UUID) -> Certificate | None:
        """How she did in the test, once; who passes gets the certificate. Refuses who was not there, and a second mark."""
        row = next((each for each in self.attendances if each.person_id == person_id), None)
        if row is None:
            raise Refusal("not_there", "没有签到的人不能打分", field="score")
        if not 0 <= score <= 100:
            raise Refusal("score", "分数要在 0 到 100 之间", field="score")
        db.hold(row)
        if row.score is not None:
            raise Conflict("graded", "已经打过分了")
        held = course(self.course, self.day)
        row.score, row.passed = score, score >= held["pass"]
        audit.note("training.grade", self, person=person_id, score=score)
        return self._certify(person_id, held, by) if row.passed and held.get("certificate", True) else None

    def _certify(self, person_id: uuid.UUID, held: dict[str, Any], by: uuid.UUID) -> Certificate:
        row = Certificate(
            id=ids.new(), person_id=person_id, course=self.course, passed_on=self.day, session_id=self.id, by_id=by,
            until=rules.ends(self.day, held["valid_months"]),
        )  # fmt: skip
        row.number = f"{self.day:%Y%m%d}-{str(row.id)[-6:].upper()}"
        session = db.session()
        session.add(row)
        known = sa.select(Clearance.id).where(Clearance.person_id == person_id, Clearance.course == self.course)
        if held["clears"] and session.scalar(known.limit(1)) is None:
            session.add(Clearance(person_id=person_id, course=self.course, passed_on=self.day))
        session.flush()
        audit.note("training.certify", row, person=person_id, course=self.course)
        return row


class Attendance(Base):
    """Who was at a session. score: of the test, 0 to 100."""

    __tablename__ = "training_attendance"
    session_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("training_session.id"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(Instant())
    how: Mapped[str] = mapped_column(sa.String(8))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    score: Mapped[int | None]
    passed: Mapped[bool | None]
    person: Mapped[Person] = relationship()


class Certificate(Keyed, Made, Base):
    """证书 of one person and course; until: its last day, None when it does not end."""

    __tablename__ = "training_certificate"
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"), index=True)
    course: Mapped[str] = mapped_column(sa.String(16))
    number: Mapped[str] = mapped_column(sa.String(20))
    passed_on: Mapped[date]
    until: Mapped[date | None]
    session_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("training_session.id"))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    person: Mapped[Person] = relationship()

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: one's own, or the person's station is within reach."""
        hers = sa.select(Person.id).where(actor.reaches_station(Person.station_id))
        return sa.or_(cls.person_id == actor.person_id, cls.person_id.in_(hers))


append_only("training_certificate", "a certificate is never changed")


def hold(
    actor: Any, place: Place, code: str, day: date, start_min: int, minutes: int, where: str, teacher: str, topic: str = ""
) -> Session:
    """A session is fixed. Refuses an unknown course, one that nobody knows where to find, and a study session about nothing."""
    if not course(code, day).get("certificate", True) and len(topic.strip()) < 2:
        raise Refusal("topic", "业务学习请写学什么内容", field="topic")
    if not 0 <= start_min < 1440 or not 10 <= minutes <= 600:
        raise Refusal("time", "时间不对，请看一下：10 分钟到 10 小时", field="minutes")
    if not where.strip():
        raise Refusal("required", "这里要填", field="where")
    row = Session(
        id=ids.new(), place_id=place.id, course=code, day=day, start_min=start_min, minutes=minutes,
        where=where.strip()[:60], teacher=teacher.strip()[:40], topic=topic.strip()[:60], by_id=actor.account_id,
    )  # fmt: skip
    db.session().add(row)
    audit.note("training.hold", row, course=code, day=day)
    return row


class Learned(Base):
    """A learning card was read and its question answered. tries: how often until it was right; right_at: when it was."""

    __tablename__ = "training_learned"
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"), primary_key=True)
    card: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant())
    tries: Mapped[int] = mapped_column(default=0)
    right_at: Mapped[datetime | None] = mapped_column(Instant())


def cards(day: date) -> list[dict[str, Any]]:
    """The learning cards of a day (P15)."""
    found: list[dict[str, Any]] = rulebook.current("learning", day)["cards"]
    return found


def learn(person_id: uuid.UUID, card: dict[str, Any], answer: int | None) -> bool:
    """She answered the question of a card; whether it was right. Once right it stays so. Refuses no answer."""
    if answer is None or not 0 <= answer < len(card["ask"]["answers"]):
        raise Refusal("choice", "请选一个", field="answer")
    session, now = db.session(), clock.now()
    fresh = {"person_id": person_id, "card": card["code"], "at": now, "tries": 0}
    session.execute(db.insert(Learned).values(fresh).on_conflict_do_nothing())  # a second tap may be on its way
    row = session.get_one(Learned, (person_id, card["code"]))
    right: bool = answer == card["ask"]["right"]
    if row.right_at is None:
        row.tries += 1
        row.right_at = now if right else None
    return right
