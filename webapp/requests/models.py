"""A request for help with every step of it, and the needs that nobody could meet (H40)."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, Role
from webapp.cards import queries as cards
from webapp.cards.models import Card, Scan
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.people.models import Account, Household, Kin, Person, Resident
from webapp.requests import rules
from webapp.requests.rules import ASKED
from webapp.store import audit, db, jobs, rulebook
from webapp.store.db import Base
from webapp.store.inbox import Act
from webapp.store.traits import Homed, Keyed, Made, append_only
from webapp.store.types import Instant, Uuid
from webapp.visits.models import Call, Visit

MOVED = _l("搬到别的站了，请那边派人")


class ServiceRequest(Keyed, Made, Homed, Base):
    """Somebody asks for help for one resident. Its state is changed by verbs only; each leaves a step."""

    __tablename__ = "service_request"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"), index=True)
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    kind: Mapped[str] = mapped_column(sa.String(12))
    """A category of the service catalogue."""
    words: Mapped[str] = mapped_column(sa.String(200))
    wanted_on: Mapped[date]
    asked_by: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"), index=True)
    asked_as: Mapped[str] = mapped_column(sa.String(10))
    """Who wants it: kin, resident, caregiver or station."""
    state: Mapped[str] = mapped_column(sa.String(10), default=ASKED)
    to_kind: Mapped[str | None] = mapped_column(sa.String(10))
    to_person_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"), index=True)
    to_name: Mapped[str | None] = mapped_column(sa.String(40))
    """A volunteer or provider, as the station calls them."""
    due_at: Mapped[datetime] = mapped_column(Instant())
    """When somebody must be sent; once sent, when it must be done."""
    by_card: Mapped[bool] = mapped_column(default=False)
    """It was reported done with the number of this home's card."""
    stars: Mapped[int | None]
    resident: Mapped[Resident] = relationship()
    __table_args__ = (
        sa.Index("ix_service_request_station_id_state", "station_id", "state", "due_at"),
        sa.CheckConstraint("stars between 1 and 5", name="stars"),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: of kin their own residents' only; of caregivers also what they were sent to do, of volunteers only that."""
        if actor.role == Role.KIN:
            return cls.resident_id.in_(sa.select(Kin.resident_id).where(Kin.person_id == actor.person_id, Kin.holds()))
        home, sent = actor.reaches_household(cls.household_id), cls.to_person_id == actor.person_id
        if actor.role == Role.LIAISON:
            return sent
        return sa.or_(home, sent) if actor.role == Role.CAREGIVER else home

    def send(self, by: uuid.UUID, to_kind: str, person: Person | None, name: str, due_at: datetime) -> None:
        """Give it to somebody, with the time by which it must be done; a caregiver finds it on her day."""
        if due_at <= clock.now():
            raise Refusal("late", "这个时间已经过了，请再看一下", field="due")
        self._may("send")
        self._let_go()
        self.to_kind, self.to_person_id, self.to_name = to_kind, person.id if person else None, person.name if person else name
        self.due_at = due_at
        self._step("send", by, self.to_name or "")
        if account_id := _account(self.to_person_id):
            self._open("request_do", "do", account_id=account_id)
        jobs.ask("requests.remind", due_at=due_at, once=f"requests.remind:{self.id}:{due_at}", request=str(self.id))

    def accept(self, by: uuid.UUID, *, by_card: bool = False) -> None:
        """接单; `by_card`: at the home, with its card before the phone."""
        self._step("accept", by, by_card=by_card)

    def decline(self, by: uuid.UUID, words: str) -> None:
        """做不了: it goes back to the station. Refuses without a reason."""
        _say_why(words)
        self._may("decline")
        self._let_go()
        self.to_kind = self.to_person_id = self.to_name = None
        self._step("decline", by, words)
        self._open("request", "send")

    def finish(self, by: uuid.UUID, words: str, *, by_card: bool = False, at: datetime | None = None) -> None:
        """It is done, now or `at`; whoever asked, or the station, says how it was."""
        self.by_card = by_card
        self._step("done", by, words, by_card=by_card, at=at)
        self._let_go()
        ask = clock.now() + timedelta(days=settings(self.station_id)["ask_days"])
        jobs.ask("requests.remind", due_at=ask, once=f"requests.ask:{self.id}:{ask}", request=str(self.id))

    def confirm(self, by: uuid.UUID, stars: int, words: str) -> None:
        """It was done, and so well: 1 to 5."""
        self.stars = stars
        self._step("confirm", by, words)
        self._let_go()

    def redo(self, by: uuid.UUID, words: str) -> None:
        """没做好: it goes back to the station. Refuses without a reason."""
        _say_why(words)
        self._step("redo", by, words)
        self._let_go()
        self.due_at = clock.now() + timedelta(hours=settings(self.station_id)["send_hours"])
        self._open("request", "send")

    def give_up(self, by: uuid.UUID, words: str) -> None:
        """Nobody can do it here: it becomes a need, counted by kind. Refuses without a reason."""
        _say_why(words)
        self._step("unmet", by, words)
        self._let_go()
        pressing = self.kind == "urgent"
        need(self.station_id, self.household_id, self.resident_id, self.kind, words, by, request_id=self.id, urgent=pressing)

    def withdraw(self, by: uuid.UUID) -> None:
        """不用了."""
        self._step("withdraw", by)
        self._let_go()

    def _may(self, deed: str) -> None:
        db.hold(self)
        if not rules.may(self.state, deed):
            raise Refusal("state", "这件事已经往下走了，请看一下现在怎么样")

    def _step(self, deed: str, by: uuid.UUID, words: str = "", *, by_card: bool = False, at: datetime | None = None) -> None:
        self._may(deed)
        self.state = rules.MAKES[deed]
        said = words.strip()[:200] or None
        db.session().add(RequestStep(request_id=self.id, deed=deed, by_id=by, words=said, by_card=by_card, at=at or clock.now()))
        audit.note(f"requests.{deed}", self, self.household_id)

    def _open(self, kind: str, what: str, **more: Any) -> None:
        messages.open_task(
            kind, self.station_id, f"request:{self.id}:{what}", household_id=self.household_id, due_at=self.due_at,
            endpoint="requests.show", args={"request_id": self.id}, **more,
        )  # fmt: skip

    def _let_go(self) -> None:
        """What waited for somebody waits no longer."""
        for what in ("send", "do", "late"):
            messages.resolve(f"request:{self.id}:{what}")


class RequestStep(Keyed, Base):
    """Something was done about a request: by whom, when, with which words."""

    __tablename__ = "request_step"
    request_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("service_request.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    deed: Mapped[str] = mapped_column(sa.String(10))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    words: Mapped[str | None] = mapped_column(sa.String(200))
    by_card: Mapped[bool] = mapped_column(default=False)
    """With this home's card: scanned a while ago, or its number typed."""


append_only("request_step", "what was done is never changed")


class Need(Keyed, Made, Base):
    """Something people need and nobody here can give (H40): counted by kind, for planning."""

    __tablename__ = "need"
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    request_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("service_request.id"))
    kind: Mapped[str] = mapped_column(sa.String(12))
    words: Mapped[str] = mapped_column(sa.String(200))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    urgent: Mapped[bool] = mapped_column(default=False)
    """It cannot wait until the next plan (H40)."""
    __table_args__ = (sa.Index("ix_need_station_id_made_at", "station_id", "made_at"),)

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the station is within reach."""
        return actor.reaches_station(cls.station_id)


def settings(place_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The dated figures of requests.json."""
    return rulebook.current("requests", clock.today(), place_id)


def ask(
    actor: Actor, household: Household, resident_id: uuid.UUID, kind: str, words: str, wanted_on: date, asked_as: str
) -> ServiceRequest:
    """Ask for help for a resident of `household`: the station must send somebody in good time.

    Refuses a day that is over, and a resident who does not live there.
    """
    if wanted_on < clock.today():
        raise Refusal("past", "日子过了，请选今天或以后", field="wanted_on")
    chosen = settings(household.station_id)
    resident = db.session().get(Resident, resident_id)
    if resident is None or resident.household_id != household.id or resident.ended_on:
        raise Refusal("resident", "请选一个", field="resident")
    hours = chosen["urgent_hours"] if kind == "urgent" else chosen["send_hours"]
    row = ServiceRequest(
        id=ids.new(), household_id=household.id, resident_id=resident_id, station_id=household.station_id, kind=kind,
        words=words.strip(), wanted_on=wanted_on, asked_by=actor.account_id, asked_as=asked_as,
        due_at=clock.now() + timedelta(hours=hours), state=ASKED,
    )  # fmt: skip
    db.session().add(row)
    db.session().flush()
    audit.note("requests.ask", row, household.id, kind=kind)
    row._open("request", "send", level="red" if kind == "urgent" else None)
    return row


def done(act: Act, request: uuid.UUID, words: str | None = None, number: str | None = None) -> str:
    """做完了, said by whoever was sent, now or while there was no network. Told twice is once. Refuses anybody else."""
    row = db.session().get(ServiceRequest, request)
    person = db.session().scalar(sa.select(Account.person_id).where(Account.id == act.author_id))
    if row is None or row.to_person_id != person:
        raise Refusal("not_sent", "这件事不是派给您的，先放在站里，站里会来问您")
    if row.state in (rules.DONE, rules.CONFIRMED):
        return "已经记下了"
    by_card = is_this_homes(number, row.household_id) or was_there(act.author_id, row.household_id, act.at)
    row.finish(act.author_id, words or "", by_card=by_card, at=act.at)
    return "记下了"


def is_this_homes(number: str | None, household_id: uuid.UUID) -> bool:
    """Whether a typed number or token is that of a live card or plate of the household."""
    card = (cards.by_number(number) or cards.by_token(number)) if number else None
    return card is not None and card.live and card.household_id == household_id


def was_there(account_id: uuid.UUID, household_id: uuid.UUID, at: datetime) -> bool:
    """Whether somebody has held a live card or plate of the household before the phone in the minutes before an instant:
    opened it, or came or left with it.
    """
    since = at - timedelta(minutes=settings()["scan_min"])
    opened = sa.exists().where(
        Scan.account_id == account_id, Scan.at > since, Scan.at <= at, Card.id == Scan.card_id,
        Card.household_id == household_id, Card.revoked_at.is_(None),
    )  # fmt: skip
    called = sa.exists().where(
        Call.author_id == account_id, Call.at > since, Call.at <= at, Call.card_state == "live", Visit.id == Call.visit_id,
        Visit.household_id == household_id, Visit.arrived_at > since - timedelta(days=1),
    )  # fmt: skip
    return bool(db.session().scalar(sa.select(sa.or_(opened, called))))


def need(
    station_id: uuid.UUID, household_id: uuid.UUID | None, resident_id: uuid.UUID | None, kind: str, words: str, by: uuid.UUID,
    request_id: uuid.UUID | None = None, *, urgent: bool = False,
) -> Need:  # fmt: skip
    """Write down what somebody needs and nobody here can give."""
    row = Need(
        id=ids.new(), station_id=station_id, household_id=household_id, resident_id=resident_id, kind=kind,
        words=words.strip()[:200], by_id=by, request_id=request_id, urgent=urgent,
    )  # fmt: skip
    db.session().add(row)
    audit.note("requests.need", row, household_id, kind=kind)
    return row


def end_for(household_id: uuid.UUID, resident_id: uuid.UUID | None, by: uuid.UUID) -> None:
    """Care has ended, of one resident or of all: what was asked for is withdrawn, and nobody is asked how it was."""
    whose = ServiceRequest.household_id == household_id if resident_id is None else ServiceRequest.resident_id == resident_id
    for row in db.session().scalars(sa.select(ServiceRequest).where(whose, ServiceRequest.state.not_in(rules.OVER))):
        if rules.may(row.state, "withdraw"):
            row.withdraw(by)
        else:
            row._let_go()


def rehome(household_id: uuid.UUID, station_id: uuid.UUID, by: uuid.UUID) -> None:
    """The household is another station's now: what is not over is asked there; whoever was sent from here goes no more."""
    ask = sa.select(ServiceRequest).where(ServiceRequest.household_id == household_id, ServiceRequest.state.not_in(rules.OVER))
    for row in db.session().scalars(ask):
        row.station_id = station_id
        if rules.may(row.state, "decline"):
            row.decline(by, str(MOVED))


@jobs.job("requests.remind")
def remind(request: str) -> None:
    """Its time is over: not done yet, or nobody has said how it was. The station is told, once; of the dead nothing is said."""
    row = db.session().get_one(ServiceRequest, uuid.UUID(request))
    if row.resident.ended_on:
        return
    if row.state in rules.OPEN and row.due_at <= clock.now():
        row._open("request_late", "late")
    elif row.state == rules.DONE:
        row._open("request_ask", "late")


def _say_why(words: str) -> None:
    if len(words.strip()) < 2:
        raise Refusal("no_words", "请写几个字，为什么", field="words")


def _account(person_id: uuid.UUID | None) -> uuid.UUID | None:
    return db.session().scalar(sa.select(Account.id).where(Account.person_id == person_id)) if person_id else None


rulebook.ship("requests", Path(__file__).parent / "requests.json")
kinds.say("request", _l("有人请帮忙，请派人"), "hand-helping", settled_there=True)
kinds.say("request_do", _l("请您去做一件事"), "hand-helping", settled_there=True)
kinds.say("request_late", _l("要帮的忙过了时间还没做"), "clock", settled_there=True)
kinds.say("request_ask", _l("服务做了，请问一问好不好"), "star", settled_there=True)
