"""An application for the subsidy with every step of it, and what is put up for everybody to read (H25 P18 P41)."""

from __future__ import annotations

import re
import secrets as random
import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, Role
from webapp.applications import rules
from webapp.kit import clock, days, ids
from webapp.kit.refusal import Refusal
from webapp.people import rules as people_rules
from webapp.people.models import HomeCareUnit, Household, Person
from webapp.store import audit, db, rulebook, secrets
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made, append_only
from webapp.store.types import Instant, Uuid

_OPEN = sa.text(f"state not in ({', '.join(repr(each) for each in rules.OVER)})")


class Application(Keyed, Made, Homed, Base):
    """A household asks for a tier. With number and telephone whoever asked finds out how far it is."""

    __tablename__ = "application"
    number: Mapped[str] = mapped_column(sa.String(8), unique=True)
    """Not to be guessed, and of no use without the telephone."""
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    tier: Mapped[str] = mapped_column(sa.String(1))
    phone_sealed: Mapped[bytes] = mapped_column(sa.LargeBinary())
    phone_blind: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    state: Mapped[str] = mapped_column(sa.String(13), default=rules.SUBMITTED)
    state_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    household: Mapped[Household] = relationship()
    __table_args__ = (
        sa.Index("uq_application_open", "household_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        sa.Index("ix_application_station_id_state_at", "station_id", "state_at"),
        sa.Index("ix_application_household_id_made_at", "household_id", "made_at"),
    )

    @property
    def phone(self) -> str:
        """The number that was left."""
        return secrets.unseal(self.phone_sealed, f"application.phone:{self.id}")

    def move(self, role: Role, to: str, by: uuid.UUID, words: str) -> None:
        """The next state, by whoever may say so. Refuses what does not follow, a no without a reason, and a notice that
        still hangs.
        """
        db.hold(self)
        if to not in rules.next_states(transitions(), self.state, role):
            raise Refusal("state", "这件事已经往下走了，请看一下现在怎么样")
        if to in rules.NEED_WORDS and len(words.strip()) < 2:
            raise Refusal("no_words", "请写几个字，为什么", field="words")
        hangs = hanging(self.id)
        if to == "street_passed" and hangs is not None:
            last = hangs.last_day
            raise Refusal("on_notice", "公示到%(month)s月%(day)s日才满，满了再通过", month=last.month, day=last.day)
        if hangs is not None and to != "objected":
            hangs.take_down(by)
        self._step(to, by, words)

    def publish(self, by: uuid.UUID) -> PublicNotice:
        """张榜公示: from today, the day itself not counted, for the days of the setting. Refuses before the home was seen."""
        db.hold(self)
        if self.state not in rules.MAY_PUBLISH:
            raise Refusal("state", "入户调查过了才能公示")
        today, shown = clock.today(), _shown(self)
        if (up := hanging(self.id)) is not None:
            up.take_down(by)  # after an objection it begins anew
        last = days.deadline(rulebook.current("calendars", today), today, shown.pop("days"))
        row = PublicNotice(
            id=ids.new(), application_id=self.id, station_id=self.station_id, posted_on=today, last_day=last, by_id=by, **shown
        )
        db.session().add(row)
        db.session().flush()
        self._step("on_notice", by, "")
        audit.note("applications.publish", row, self.household_id)
        return row

    def _step(self, to: str, by: uuid.UUID, words: str) -> None:
        self.state, self.state_at = to, clock.now()
        db.session().add(ApplicationStep(application_id=self.id, state=to, by_id=by, words=words.strip()[:200] or None))
        audit.note("applications.move", self, self.household_id, to=to)


class ApplicationStep(Keyed, Base):
    """How an application went on: to which state, by whom, with which words."""

    __tablename__ = "application_step"
    application_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("application.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    state: Mapped[str] = mapped_column(sa.String(13))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    words: Mapped[str | None] = mapped_column(sa.String(200))


append_only("application_step", "what was decided is never changed")


class PublicNotice(Keyed, Made, Base):
    """What hangs out for everybody about one application: masked when it was put up, and gone after its last day.

    Only what the rules let show is in the row at all: no number, address, illness or income (subsidy_rules.json, notice).
    """

    __tablename__ = "public_notice"
    application_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("application.id"), index=True)
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    name: Mapped[str] = mapped_column(sa.String(40))
    tier: Mapped[str] = mapped_column(sa.String(1))
    yuan: Mapped[int]
    caregiver: Mapped[str | None] = mapped_column(sa.String(40))
    relative: Mapped[bool] = mapped_column(default=False)
    """The caregiver is one of the family (H18)."""
    posted_on: Mapped[date]
    last_day: Mapped[date] = mapped_column(index=True)
    taken_down_at: Mapped[datetime | None] = mapped_column(Instant())
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))

    @classmethod
    def hangs(cls, day: date) -> sa.ColumnElement[bool]:
        """Condition: anybody may read it on `day`."""
        return sa.and_(cls.posted_on <= day, cls.last_day >= day, cls.taken_down_at.is_(None))

    def take_down(self, by: uuid.UUID) -> None:
        """Before its time: what it was about is decided otherwise."""
        self.taken_down_at = clock.now()
        audit.note("applications.take_down", self, by=by)


def hanging(application_id: uuid.UUID) -> PublicNotice | None:
    """The notice of an application that anybody may still read."""
    ask = sa.select(PublicNotice).where(PublicNotice.application_id == application_id, PublicNotice.hangs(clock.today()))
    return db.session().scalar(ask.limit(1))


def apply(home: Household, tier: str, phone: str, who: Actor) -> Application:
    """A household's application is taken in; its number is for whoever asked. Refuses a second while one is on its way."""
    if home.ended_on:
        raise Refusal("no_longer_here", "这一户已经不由我们照看")
    key, reached = ids.new(), digits(phone)
    asked: dict[str, Any] = {
        "id": key, "number": "".join(random.choice("23456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(8)),
        "household_id": home.id, "station_id": home.station_id, "tier": tier, "by_id": who.account_id,
        "phone_sealed": secrets.seal(phone, f"application.phone:{key}"), "phone_blind": blind(reached),
        "state": rules.SUBMITTED, "state_at": clock.now(), "made_at": clock.now(),
    }  # fmt: skip
    lay = db.insert(Application).values(asked).on_conflict_do_nothing(index_elements=["household_id"], index_where=_OPEN)
    row: Application | None = db.session().scalar(lay.returning(Application))
    if row is None:
        raise Refusal("open", "这一户已经有一份申请在办")
    row._step(rules.SUBMITTED, who.account_id, "")
    return row


def blind(number: str) -> bytes:
    """What a telephone number is looked up by."""
    return secrets.blind(number, "application.phone")


def digits(phone: str) -> str:
    """The last eleven digits of what was typed: 138 0000 1111 and +86 13800001111 are one telephone."""
    return re.sub(r"\D", "", phone)[-11:]


def transitions() -> list[dict[str, Any]]:
    """Which state follows which, by whom: today's setting."""
    found: list[dict[str, Any]] = rulebook.current("subsidy", clock.today())["application_transitions"]
    return found


def _shown(row: Application) -> dict[str, Any]:
    """What a notice says of an application, masked; `days`: how long."""
    facts, home = rulebook.current("subsidy", clock.today()), row.household
    tier = next(each for each in facts["tiers"] if each["code"] == row.tier)
    head = next((each for each in home.residents if each.ended_on is None), None)
    cares = sa.select(Person.name, HomeCareUnit.relative).join(HomeCareUnit, HomeCareUnit.caregiver_id == Person.id)
    held = db.session().execute(cares.where(HomeCareUnit.household_id == home.id, HomeCareUnit.until.is_(None))).first()
    return {
        "name": people_rules.mask_name(head.name if head else ""), "tier": row.tier,
        "yuan": int(facts["parameters"][tier["amount_param"]]["value"]),
        "caregiver": people_rules.mask_name(held.name) if held else None, "relative": bool(held and held.relative),
        "days": int(facts["parameters"]["NOTICE_DAYS"]["value"]),
    }  # fmt: skip
