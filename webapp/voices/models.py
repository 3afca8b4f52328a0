"""What residents and families say: opinions asked for each month, complaints and suggestions, change of caregiver."""

from __future__ import annotations

import secrets as random
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.people import models as people
from webapp.people.models import Grant, HomeCareUnit, Household, Person, Place, PlaceKind, Resident
from webapp.roster import laying
from webapp.roster.models import PLANNED, Shift
from webapp.store import audit, db, jobs, rulebook, secrets
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made
from webapp.store.types import Instant, Uuid

_OPEN = sa.text("decided_at is null")


class Opinion(Keyed, Made, Homed, Base):
    """A resident was asked in a month (H11): stars and words, by whom and how. The newest of a month counts."""

    __tablename__ = "opinion"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    caregiver_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    """Who cared for the home when it was asked."""
    month: Mapped[date]
    stars: Mapped[int]
    words: Mapped[str] = mapped_column(sa.String(200))
    how: Mapped[str] = mapped_column(sa.String(10))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    __table_args__ = (
        sa.Index("uq_opinion_resident_id_month", "resident_id", "month", unique=True),
        sa.Index("ix_opinion_station_id_month", "station_id", "month"),
        sa.Index("ix_opinion_caregiver_id_month", "caregiver_id", "month"),
        sa.CheckConstraint("stars between 1 and 5", name="stars"),
    )


class Complaint(Keyed, Made, Base):
    """A complaint, a suggestion, or a suspicion of abuse or fraud (P16 M05 M14), with owner, deadline and answer.

    It lies with the office of `place_id`; whoever it is about never reaches it.
    """

    __tablename__ = "complaint"
    number: Mapped[str] = mapped_column(sa.String(8), unique=True)
    """With it whoever complained asks how far it is; not to be guessed."""
    kind: Mapped[str] = mapped_column(sa.String(10))
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    about_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    by_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """The account, unless it came without a name."""
    words_sealed: Mapped[bytes] = mapped_column(sa.LargeBinary())
    phone_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    owner_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    due_at: Mapped[datetime] = mapped_column(Instant())
    answered_at: Mapped[datetime | None] = mapped_column(Instant())
    answer: Mapped[str | None] = mapped_column(sa.String(500))
    satisfied: Mapped[bool | None]
    second: Mapped[str | None] = mapped_column(sa.String(500))
    """The answer of the office above, where the first was not good."""

    KINDS = ("complaint", "suggestion", "abuse", "fraud")
    PAST_THE_STATION = ("abuse", "fraud")

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the office it lies with is within reach, and it is not about the reader."""
        not_hers = sa.or_(cls.about_id.is_(None), cls.about_id != actor.person_id)
        return sa.and_(actor.reaches_station(cls.place_id), not_hers)

    @property
    def words(self) -> str:
        """What was said."""
        return secrets.unseal(self.words_sealed, f"complaint.words:{self.id}")

    @property
    def phone(self) -> str:
        """Where to ring back, if they left it."""
        return secrets.unseal(self.phone_sealed, f"complaint.phone:{self.id}") if self.phone_sealed else ""

    @property
    def waits(self) -> bool:
        """Whether an answer is owed: the first, or after one that was not good a second."""
        return self.answered_at is None or (self.satisfied is False and self.second is None)

    @classmethod
    def waiting(cls) -> sa.ColumnElement[bool]:
        """The same as a condition."""
        return sa.or_(cls.answered_at.is_(None), sa.and_(cls.satisfied.is_(False), cls.second.is_(None)))

    @property
    def task(self) -> str:
        """The key of what is to be done about it."""
        return f"complaint:{self.id}" + (":again" if self.satisfied is False else "")

    def own(self, by: uuid.UUID) -> None:
        """Somebody of the office takes it on."""
        db.hold(self)
        if self.owner_id is None:
            self.owner_id = by
            messages.taken_on(self.task, by)
            audit.note("voices.own", self, self.household_id)

    def reply(self, by: uuid.UUID, answer: str) -> None:
        """The answer that whoever complained reads. Refuses an empty one, and one that nobody waits for."""
        db.hold(self)
        if not self.waits:
            raise Refusal("answered", "已经答复过了")
        if len(answer.strip()) < 2:
            raise Refusal("no_words", "请写清楚怎么办的", field="answer")
        self.own(by)
        if self.answered_at is None:
            self.answer, self.answered_at = answer.strip()[:500], clock.now()
        else:
            self.second = answer.strip()[:500]
        messages.resolve(self.task)
        audit.note("voices.reply", self, self.household_id)

    def judge(self, satisfied: bool) -> None:
        """Whoever complained says whether the answer is good; if not, the office above takes it over and answers."""
        db.hold(self)
        if self.answered_at is None or self.satisfied is not None:
            return
        self.satisfied = satisfied
        audit.note("voices.judge", self, self.household_id, satisfied=satisfied)
        if not satisfied:
            self.place_id = db.session().get_one(Place, self.place_id).parent_id or self.place_id
            self.owner_id, self.due_at = None, clock.now() + timedelta(days=settings(self.place_id)["answer_days"])
            _open_complaint(self)


class ChangeOfCaregiver(Keyed, Made, Homed, Base):
    """更换养护员 (H14): asked for at any time, decided in days, handed over without a day of nobody."""

    __tablename__ = "change_of_caregiver"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    asked_as: Mapped[str] = mapped_column(sa.String(10))
    words: Mapped[str] = mapped_column(sa.String(200))
    due_at: Mapped[datetime] = mapped_column(Instant())
    decided_at: Mapped[datetime | None] = mapped_column(Instant())
    agreed: Mapped[bool | None]
    answer: Mapped[str | None] = mapped_column(sa.String(200))
    to_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    since: Mapped[date | None]
    keys_handed: Mapped[bool] = mapped_column(default=False)
    cash_counted: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (
        sa.Index("uq_change_of_caregiver_open", "household_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    def refuse(self, by: uuid.UUID, answer: str) -> None:
        """Not agreed to, with a reason that they read."""
        if len(answer.strip()) < 2:
            raise Refusal("no_words", "请写几个字，为什么", field="answer")
        self._decide(by, False, answer)

    def agree(self, by: uuid.UUID, home: Household, person: Person, since: date, answer: str, *, keys: bool, cash: bool) -> None:
        """`person` cares for the home from `since`. Refuses the one they have, a day that is over, a handover that is not
        arranged, and any planned visit that would be left without somebody.
        """
        now = db.session().scalar(
            sa.select(HomeCareUnit.caregiver_id).where(HomeCareUnit.household_id == home.id, HomeCareUnit.until.is_(None))
        )
        if now == person.id:
            raise Refusal("same", "还是原来的那一位，请换一位", field="caregiver")
        if since < clock.today():
            raise Refusal("past", "日子过了，请选今天或以后", field="since")
        if not (keys and cash):
            raise Refusal("handover", "钥匙和现金先说好怎么交，再定", field="keys" if not keys else "cash")
        self._decide(by, True, answer)
        self.to_id, self.since, self.keys_handed, self.cash_counted = person.id, since, keys, cash
        begins = clock.instant(since, 0) if since > clock.today() else clock.now()
        people.pair(home, person, since=begins)
        laying.lay_again(home.id, since)
        db.session().flush()
        _refuse_gaps(home.id, since, now)

    def _decide(self, by: uuid.UUID, agreed: bool, answer: str) -> None:
        db.hold(self)
        if self.decided_at:
            raise Refusal("decided", "这件事已经定了")
        self.decided_at, self.agreed, self.answer = clock.now(), agreed, answer.strip()[:200]
        messages.taken_on(f"change:{self.id}", by)
        messages.resolve(f"change:{self.id}")
        audit.note("voices.change_agree" if agreed else "voices.change_refuse", self, self.household_id)


def _refuse_gaps(household_id: uuid.UUID, since: date, former: uuid.UUID | None) -> None:
    """No planned visit from the day on may have nobody, nor still the one who goes."""
    whose = sa.or_(Shift.caregiver_id.is_(None), Shift.caregiver_id == former)
    begins = sa.or_(Shift.day > clock.today(), Shift.start_min > clock.minute_of(clock.now()))
    left = sa.select(Shift.day).where(
        Shift.household_id == household_id, Shift.day >= since, Shift.state == PLANNED, whose, begins
    )
    day = db.session().scalar(left.order_by(Shift.day).limit(1))
    if day is not None:
        raise Refusal("uncovered", "%(month)s月%(day)s日那天还没有人去，请先改好安排", month=day.month, day=day.day)


def settings(place_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The dated figures of voices.json."""
    return rulebook.current("voices", clock.today(), place_id)


def heard(resident: Resident, home: Household, stars: int, words: str, how: str, by: uuid.UUID) -> Opinion:
    """What a resident answered this month; asked again in the month, the newer counts."""
    session, month = db.session(), clock.today().replace(day=1)
    caregiver_id = session.scalar(
        sa.select(HomeCareUnit.caregiver_id).where(HomeCareUnit.household_id == home.id, HomeCareUnit.until.is_(None))
    )
    said = {"stars": stars, "words": words.strip()[:200], "how": how, "by_id": by, "made_at": clock.now()}
    said["caregiver_id"] = caregiver_id
    first = {"id": ids.new(), "household_id": home.id, "resident_id": resident.id, "station_id": home.station_id, "month": month}
    put = db.insert(Opinion).values(first | said).on_conflict_do_update(index_elements=["resident_id", "month"], set_=said)
    row: Opinion = session.scalars(put.returning(Opinion), execution_options={"populate_existing": True}).one()
    audit.note("voices.heard", row, home.id, how=how)
    if session.scalar(_unasked(month).where(Household.station_id == home.station_id).limit(1)) is None:
        messages.resolve(f"ask:{home.station_id}:{month}")
    return row


def _unasked(month: date) -> sa.Select[uuid.UUID]:
    """The stations of residents whom nobody has asked in `month`, once for each."""
    asked = sa.exists().where(Opinion.resident_id == Resident.id, Opinion.month == month)
    living = sa.select(Household.station_id).join(Resident, Resident.household_id == Household.id)
    return living.where(Household.ended_on.is_(None), Resident.ended_on.is_(None), ~asked)


@jobs.job("voices.remind", nightly=True)
def remind() -> None:
    """Late in the month each station is told once that residents have not been asked."""
    today = clock.today()
    if today.day < settings()["remind_from_day"]:
        return
    month = today.replace(day=1)
    waiting = _unasked(month).distinct().order_by(Household.station_id)
    for station_id in db.session().scalars(waiting).all():
        messages.open_task("ask_elders", station_id, f"ask:{station_id}:{month}", endpoint="voices.opinions")


def complain(
    kind: str, station: Place, words: str, *, by: uuid.UUID | None = None, phone: str = "", household_id: uuid.UUID | None = None,
    about: Person | None = None, about_station: bool = False,
) -> Complaint:  # fmt: skip
    """A complaint or suggestion. Abuse and fraud, and what is about the station itself or its head, go past it to the street."""
    if len(words.strip()) < 4:
        raise Refusal("no_words", "请多写几个字，说清楚", field="words")
    past = kind in Complaint.PAST_THE_STATION or about_station or (about is not None and _heads(about, station))
    place_id = station.parent_id if past and station.kind == PlaceKind.STATION and station.parent_id else station.id
    days = settings(place_id)["abuse_days" if kind in Complaint.PAST_THE_STATION else "answer_days"]
    row = Complaint(
        id=ids.new(), number="".join(random.choice("23456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(8)), kind=kind,
        place_id=place_id, household_id=household_id, about_id=about.id if about else None, by_id=by,
        due_at=clock.now() + timedelta(days=days),
    )  # fmt: skip
    row.words_sealed = secrets.seal(words.strip()[:1000], f"complaint.words:{row.id}")
    row.phone_sealed = secrets.seal(phone, f"complaint.phone:{row.id}") if phone else None
    db.session().add(row)
    db.session().flush()
    audit.note("voices.complain", row, kind=kind)
    _open_complaint(row)
    return row


def _heads(person: Person, station: Place) -> bool:
    """Whether somebody runs the station."""
    held = sa.select(Grant.id).join(people.Account, people.Account.id == Grant.account_id)
    held = held.where(people.Account.person_id == person.id, Grant.place_id == station.id, Grant.role == "station_head")
    return db.session().scalar(held.where(Grant.holds()).limit(1)) is not None


def _open_complaint(row: Complaint) -> None:
    """No household on the line: nobody should guess from a list who complained."""
    kind = "abuse" if row.kind in Complaint.PAST_THE_STATION else "complaint"
    args = {"complaint_id": row.id}
    messages.open_task(kind, row.place_id, row.task, due_at=row.due_at, endpoint="voices.complaint", args=args)


def ask_for_change(home: Household, by: uuid.UUID, asked_as: str, words: str) -> ChangeOfCaregiver:
    """Somebody wants another caregiver for a home. Refuses a second asking while one is open."""
    due = clock.now() + timedelta(days=settings(home.station_id)["change_days"])
    asked = {
        "id": ids.new(), "household_id": home.id, "station_id": home.station_id, "by_id": by, "asked_as": asked_as,
        "words": words.strip()[:200], "due_at": due, "made_at": clock.now(), "keys_handed": False, "cash_counted": False,
    }  # fmt: skip
    lay = db.insert(ChangeOfCaregiver).values(asked).on_conflict_do_nothing(index_elements=["household_id"], index_where=_OPEN)
    row: ChangeOfCaregiver | None = db.session().scalar(lay.returning(ChangeOfCaregiver))
    if row is None:
        raise Refusal("asked", "换人的事已经报上去了，请等答复")
    audit.note("voices.change_ask", row, home.id)
    messages.open_task(
        "change", home.station_id, f"change:{row.id}", household_id=home.id, due_at=due, endpoint="voices.change",
        args={"change_id": row.id},
    )  # fmt: skip
    return row


def end_for(household_id: uuid.UUID, by: uuid.UUID) -> None:
    """Care of a home has ended: nobody has to decide any more who comes. What was complained of is still answered."""
    open_ = ChangeOfCaregiver.household_id == household_id, ChangeOfCaregiver.decided_at.is_(None)
    for row in db.session().scalars(sa.select(ChangeOfCaregiver).where(*open_)):
        row.refuse(by, str(CARE_ENDED))


CARE_ENDED = _l("照看结束了")
rulebook.ship("voices", Path(__file__).parent / "voices.json")
kinds.say("ask_elders", _l("这个月还有老人没问过意见"), "message-circle", settled_there=True)
kinds.say("complaint", _l("有一条投诉或建议，请答复"), "megaphone", settled_there=True)
kinds.say("abuse", _l("有人说老人可能受欺负或受骗，请马上看"), "siren", settled_there=True)
kinds.say("change", _l("有人想换养护员，请决定"), "users", settled_there=True)
