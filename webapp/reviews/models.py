"""One caregiver's quarter: gathered, spoken over, decided at a meeting with minutes, confirmed by the street; and the talk
with her (业务讲评, H42) with what to get better at and the day somebody looks again."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Conflict, Refusal
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as tasks
from webapp.people.models import Account, Household, Person, Place, on_post
from webapp.reviews import rules
from webapp.reviews.rules import Quarter
from webapp.store import audit, db, jobs, rulebook
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made, append_only
from webapp.store.types import Instant, Uuid
from webapp.voices import models as voices

OPEN, HELD, CONFIRMED = "open", "held", "confirmed"
OUTCOMES = (rules.COMMEND, rules.GO_ON, rules.COACH, rules.REPLACE, rules.END)
TASK, DUE = "look_again", "review_due"
tasks.say(TASK, _l("%(name)s：评议后说好今天再看，改了没有"), "message-circle", settled_there=True)
tasks.say(DUE, _l("季评议该开会了"), "users", settled_there=True)


class QuarterReview(Keyed, Made, Base):
    """季评议 of one caregiver and quarter. facts: {"totals" tenths, "rates" thousandths, "held", "attended", "scores", "vetoed"}.

    points: tenths by indicator. total: tenths, None with too little. outcome: what the meeting decided.
    """

    __tablename__ = "quarter_review"
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    quarter: Mapped[str] = mapped_column(sa.String(7))
    state: Mapped[str] = mapped_column(sa.String(10), default=OPEN)
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    points: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    total: Mapped[int | None]
    grade: Mapped[str | None] = mapped_column(sa.String(10))
    held_on: Mapped[date | None]
    present: Mapped[str] = mapped_column(sa.String(200), default="")
    minutes: Mapped[str] = mapped_column(sa.String(2000), default="")
    outcome: Mapped[str | None] = mapped_column(sa.String(10))
    outcome_words: Mapped[str] = mapped_column(sa.String(300), default="")
    follow_up: Mapped[date | None]
    held_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant())
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    caregiver: Mapped[Person] = relationship()
    station: Mapped[Place] = relationship()
    voices: Mapped[list[QuarterVoice]] = relationship(order_by="QuarterVoice.made_at")
    talks: Mapped[list[Talk]] = relationship(order_by="Talk.made_at")
    __table_args__ = (
        sa.Index("uq_quarter_review_caregiver_id_quarter", "caregiver_id", "quarter", unique=True),
        sa.Index("ix_quarter_review_station_id_quarter", "station_id", "quarter"),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: her own, or the station is within reach."""
        return sa.or_(cls.caregiver_id == actor.person_id, actor.reaches_station(cls.station_id))

    @property
    def of(self) -> Quarter:
        """Its quarter."""
        return Quarter.parse(self.quarter)

    @property
    def said(self) -> list[rules.Said]:
        """The voices as the rules take them."""
        return [rules.Said(each.side, each.stars, each.keep) for each in self.voices]

    @property
    def shares(self) -> dict[str, Any]:
        """The share of each indicator's weight, as it stands."""
        f = self.facts
        return dict(rules.ratios(f["totals"], f["rates"], f["held"], f["attended"], f["scores"], self.said))

    @property
    def advised(self) -> str:
        """The outcome the rules advise."""
        found = rules.Points(self.points, self.total, self.grade)
        return rules.advised(settings(self.of), found, self.shares, self.said, vetoed=self.facts["vetoed"])

    def reckon(self) -> None:
        """Points, total and grade from what stands now."""
        found = rules.score(settings(self.of), self.shares, vetoed=self.facts["vetoed"])
        self.points, self.total, self.grade = dict(found.points), found.total, found.grade

    def hear(self, actor: Any, side: str, name: str, stars: int, words: str, keep: str, home: Household | None) -> QuarterVoice:
        """Somebody is asked about her. An elder or family who wants another caregiver asks for one by that, whatever the points.

        Refuses one's own review, once the meeting is over, a resident's voice without a home, and stars that are none.
        """
        self._open(actor)
        if side not in rules.SIDES or not 1 <= stars <= 5:
            raise Refusal("choice", "请选一个", field="side" if side not in rules.SIDES else "stars")
        ours = side in (rules.RESIDENT, rules.KIN)
        if ours and keep not in (rules.KEEP, rules.STOP, rules.CHANGE):
            raise Refusal("keep", "请问一句：愿意继续用她吗？", field="keep")
        if ours and home is None:
            raise Refusal("home", "请选是哪一户", field="household")
        row = QuarterVoice(
            id=ids.new(), review_id=self.id, side=side, name=name.strip()[:40], stars=stars, words=words.strip()[:300],
            keep=keep if ours else "", household_id=home.id if home and ours else None, by_id=actor.account_id,
        )  # fmt: skip
        self.voices.append(row)
        self.reckon()
        audit.note("reviews.hear", self, side=side)
        if ours and keep == rules.CHANGE and home is not None:
            _ask_for_change(home, actor.account_id, side, words)
        return row

    def meet(self, actor: Any, day: date, present: str, minutes: str, outcome: str, words: str, follow_up: date | None) -> None:
        """The meeting is over: who was there, what was said, what becomes of it, and when somebody looks again.

        Refuses a day to come, no minutes, a meeting without a resident's or family's voice, coaching without a day to look again,
        and the end of the agreement without a veto the street confirmed.
        """
        self._open(actor)
        if day > clock.today() or day <= self.of.last:
            raise Refusal("day", "评议会在季度过完以后开，日子不能在今天以后", field="day")
        if len(present.strip()) < 2:
            raise Refusal("present", "请写谁到了会", field="present")
        if len(minutes.strip()) < 10:
            raise Refusal("minutes", "请写会上说了什么，至少一句", field="minutes")
        if not any(each.side in (rules.RESIDENT, rules.KIN) for each in self.voices):
            raise Refusal("no_voice", "还没有老人或家属的话，请先问过再定")
        if outcome not in OUTCOMES:
            raise Refusal("choice", "请选一个", field="outcome")
        if outcome == rules.END and not self.facts["vetoed"]:
            raise Refusal("end", "解聘要先有街道确认的一票否决", field="outcome")
        if outcome != self.advised and len(words.strip()) < 4:
            raise Refusal("why", "和规则建议的不一样，请写为什么", field="outcome_words")
        if outcome in (rules.COACH, rules.REPLACE) and follow_up is None:
            raise Refusal("follow_up", "请定哪天再看", field="follow_up")
        if follow_up is not None and follow_up <= day:
            raise Refusal("follow_up", "再看的日子要在开会以后", field="follow_up")
        self.state, self.held_on, self.present, self.minutes = HELD, day, present.strip()[:200], minutes.strip()[:2000]
        self.outcome, self.outcome_words, self.follow_up = outcome, words.strip()[:300], follow_up
        self.held_by = actor.account_id
        audit.note("reviews.meet", self, total=self.total, grade=self.grade, outcome=outcome)
        others = waiting(self.quarter, self.station_id).where(QuarterReview.id != self.id)
        if db.session().scalar(others.limit(1)) is None:
            messages.resolve(due_key(self.of, self.station_id))
        if follow_up is not None:
            jobs.ask("reviews.remind", due_at=clock.day_bounds(follow_up)[0], review=str(self.id))

    def confirm(self, actor: Any) -> None:
        """The street confirms. A second time is nothing. Refuses before the meeting, and whoever held it."""
        if self.state == CONFIRMED:
            return
        if self.state != HELD:
            raise Refusal("not_held", "评议会还没开，先不定")
        if self.held_by == actor.account_id:
            raise Refusal("own", "开会的人不能自己确认，请街道另一位来定")
        self.state, self.confirmed_at, self.confirmed_by = CONFIRMED, clock.now(), actor.account_id
        audit.note("reviews.confirm", self, outcome=self.outcome)

    def talk(self, actor: Any, day: date, words: str, better: str) -> Talk:
        """业务讲评: somebody talked it over with her. Refuses before the meeting, a day to come, and nothing to get better at."""
        if self.caregiver_id == actor.person_id:
            raise Refusal("own_sheet", "自己的考核要请别人来评")
        if self.state == OPEN or self.held_on is None:
            raise Refusal("not_held", "评议会还没开，先不定")
        if not self.held_on <= day <= clock.today():
            raise Refusal("day", "谈话在会后，日子不能在今天以后", field="day")
        if len(words.strip()) < 4:
            raise Refusal("no_words", "请写谈了什么", field="words")
        if len(better.strip()) < 2:
            raise Refusal("no_words", "请写要改进的地方，没有就写“没有”", field="better")
        row = Talk(
            id=ids.new(), review_id=self.id, day=day, words=words.strip()[:1000], better=better.strip()[:500],
            by_id=actor.account_id,
        )  # fmt: skip
        self.talks.append(row)
        audit.note("reviews.talk", self)
        return row

    def look_again(self, actor: Any, talk: Talk, better: bool, words: str) -> None:
        """The day has come: did it get better? Refuses without words, and a second answer."""
        if self.caregiver_id == actor.person_id:
            raise Refusal("own_sheet", "自己的考核要请别人来评")
        if talk.looked_at is not None:
            raise Conflict("looked", "已经看过了")
        if len(words.strip()) < 2:
            raise Refusal("no_words", "请写一句看到了什么", field="seen_words")
        talk.looked_at, talk.looked_by, talk.better_now, talk.seen_words = (
            clock.now(),
            actor.account_id,
            better,
            words.strip()[:300],
        )
        messages.resolve(f"review:{self.id}")
        audit.note("reviews.look_again", self, better=better)

    def _open(self, actor: Any) -> None:
        if self.caregiver_id == actor.person_id:
            raise Refusal("own_sheet", "自己的考核要请别人来评")
        if self.state != OPEN:
            raise Conflict("held", "评议会开过了，不能再改")


class QuarterVoice(Keyed, Made, Base):
    """What somebody said of her in a quarter. keep: yes, no or change, of elders and families. Never shown to her singly."""

    __tablename__ = "quarter_voice"
    review_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("quarter_review.id"), index=True)
    side: Mapped[str] = mapped_column(sa.String(10))
    name: Mapped[str] = mapped_column(sa.String(40))
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    stars: Mapped[int]
    keep: Mapped[str] = mapped_column(sa.String(6))
    words: Mapped[str] = mapped_column(sa.String(300))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class Talk(Keyed, Made, Base):
    """A talk with her about her work: what was said, what to get better at, and whether it did."""

    __tablename__ = "quarter_talk"
    review_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("quarter_review.id"), index=True)
    day: Mapped[date]
    words: Mapped[str] = mapped_column(sa.String(1000))
    better: Mapped[str] = mapped_column(sa.String(500))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    looked_at: Mapped[datetime | None] = mapped_column(Instant())
    looked_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    better_now: Mapped[bool | None]
    seen_words: Mapped[str] = mapped_column(sa.String(300), default="")


append_only("quarter_review", "a confirmed review is never changed", but="old.confirmed_at is null")
append_only("quarter_voice", "a voice is never changed")


def settings(quarter: Quarter) -> dict[str, Any]:
    """The rules of evaluation.json that held at the end of a quarter."""
    return rulebook.current("evaluation", quarter.last)


def due_key(quarter: Quarter, station_id: uuid.UUID) -> str:
    """The key of what a station has to do about a quarter."""
    return f"reviews:{quarter}:{station_id}"


def waiting(quarter: str, station_id: uuid.UUID) -> sa.Select[uuid.UUID]:
    """The reviews of a station's quarter that still need a meeting: nobody meets about somebody who has left."""
    return sa.select(QuarterReview.id).where(
        QuarterReview.station_id == station_id, QuarterReview.quarter == quarter, QuarterReview.state == OPEN,
        on_post(QuarterReview.caregiver_id),
    )  # fmt: skip


def _ask_for_change(home: Household, by: uuid.UUID, side: str, words: str) -> None:
    try:
        voices.ask_for_change(home, by, side, words or "季评议时说想换人")
    except Refusal as refusal:
        if refusal.code != "asked":  # asked for already: the one that is open stands
            raise


@jobs.job("reviews.remind")
def remind(review: str) -> None:
    """The day has come to look again: it stands on the station's list, unless somebody looked before or she has left."""
    session = db.session()
    found = session.get_one(QuarterReview, uuid.UUID(review))
    here = session.scalar(sa.select(Account.id).where(Account.person_id == found.caregiver_id, Account.ended_at.is_(None)))
    if here and not any(talk.looked_at for talk in found.talks):
        messages.open_task(
            TASK, found.station_id, f"review:{found.id}", person_id=found.caregiver_id, endpoint="reviews.show",
            facts={"name": found.caregiver.name}, args={"review_id": str(found.id)},
            due_at=clock.day_bounds(found.follow_up)[1] if found.follow_up else None,
        )  # fmt: skip
