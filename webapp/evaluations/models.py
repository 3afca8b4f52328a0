"""The sheet of one caregiver and month, what is said about it, and the verbs in their one order (evaluation.json, calendar):
gathered, judged, shown, disputed, signed, sealed. A sealed sheet is never written again; a review stands beside it."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor
from webapp.evaluations import rules
from webapp.kit import cases, clock, days, ids
from webapp.kit.month import Month
from webapp.kit.refusal import Conflict, Refusal
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as tasks
from webapp.people.models import Account, Person, Place
from webapp.store import audit, db, rulebook
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made, append_only
from webapp.store.types import Instant, Uuid

GATHERED, SHOWN, JUDGED, DISPUTED, SIGNED, SEALED = "gathered", "shown", "judged", "disputed", "signed", "sealed"
OPEN = (GATHERED, JUDGED, SHOWN, DISPUTED)
"""Until it is signed, late records still change it."""
CORRECTABLE = {
    "M01": "visits_kept", "M02": "visits_on_time", "M03": "items_declined", "M04": "logs_on_time", "M05": "book_days_written",
    "M06": "weeks_checked", "M08": "complaints", "M09": "sessions_attended",
}  # fmt: skip
"""Indicator → the figure that an upheld objection may put right."""
FULL = {
    "M01": "visits_due", "M02": "visits_started", "M03": "items_planned", "M04": "service_days", "M05": "book_days",
    "M06": "weeks_due", "M09": "sessions_held",
}  # fmt: skip
"""Indicator → what its figure is out of."""

JUDGE, SEAL, LOOK = "judge_month", "seal_month", "month_judged"
"""What waits: for the head to judge, for the street to confirm, for her to look at."""
LAST_MINUTE = 1439
tasks.say(JUDGE, _l("上个月的考核算好了，请评一评"), "clipboard-check", settled_there=True)
tasks.say(SEAL, _l("签好的月考核等您定"), "clipboard-check", settled_there=True)
tasks.say(LOOK, _l("您的月考核出来了，请看一看，有不同意见可以提"), "clipboard-check")

rulebook.ship("evaluation", Path(__file__).parent / "evaluation.json")


class Doing(Protocol):
    """Whoever does a deed of a sheet."""

    @property
    def account_id(self) -> uuid.UUID:
        """Under which account."""
        ...

    @property
    def person_id(self) -> uuid.UUID:
        """Which person."""
        ...


class Evaluation(Keyed, Made, Base):
    """月考核 of one caregiver and month. facts: what was counted; corrections: figures put right after an objection.

    points: by indicator in tenths, None where the null rule holds. total: tenths of a point, None with too few records.
    """

    __tablename__ = "evaluation"
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    month: Mapped[str] = mapped_column(sa.String(7))
    state: Mapped[str] = mapped_column(sa.String(8), default=GATHERED)
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    corrections: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)
    """Fact → {"to", "from", "why"}."""
    home: Mapped[int | None]
    attitude: Mapped[int | None]
    home_words: Mapped[str] = mapped_column(sa.String(200), default="")
    attitude_words: Mapped[str] = mapped_column(sa.String(200), default="")
    words: Mapped[str] = mapped_column(sa.String(300), default="")
    """评语."""
    adjustment: Mapped[int] = mapped_column(default=0)
    """Tenths of a point, at most 50 either way, once, with a reason."""
    adjustment_words: Mapped[str] = mapped_column(sa.String(200), default="")
    points: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    total: Mapped[int | None]
    grade: Mapped[str | None] = mapped_column(sa.String(10))
    gathered_at: Mapped[datetime] = mapped_column(Instant())
    judged_at: Mapped[datetime | None] = mapped_column(Instant())
    judged_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    answer_by: Mapped[date | None]
    """The last day on which she may object."""
    seen_at: Mapped[datetime | None] = mapped_column(Instant())
    signed_at: Mapped[datetime | None] = mapped_column(Instant())
    signed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    sealed_at: Mapped[datetime | None] = mapped_column(Instant())
    sealed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    caregiver: Mapped[Person] = relationship()
    station: Mapped[Place] = relationship()
    objections: Mapped[list[Objection]] = relationship(order_by="Objection.made_at")
    vetoes: Mapped[list[Veto]] = relationship(order_by="Veto.made_at")
    reviews: Mapped[list[Review]] = relationship(order_by="Review.made_at")
    __table_args__ = (
        sa.Index("uq_evaluation_caregiver_id_month", "caregiver_id", "month", unique=True),
        sa.Index("ix_evaluation_station_id_month", "station_id", "month"),
        sa.Index("ix_evaluation_month", "month"),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: her own sheet, or the station is within reach."""
        return sa.or_(cls.caregiver_id == actor.person_id, actor.reaches_station(cls.station_id))

    @property
    def of(self) -> Month:
        """Its month."""
        return Month.parse(self.month)

    @property
    def counted(self) -> dict[str, Any]:
        """The facts as they stand: gathered, put right where an objection was upheld, with the marks given."""
        return counted(self.facts, self.corrections, self.home, self.attitude)

    @property
    def vetoed(self) -> bool:
        """Whether two people confirmed a veto."""
        return any(veto.confirmed_at is not None for veto in self.vetoes)

    @property
    def waits(self) -> list[Objection]:
        """Objections nobody has answered."""
        return [each for each in self.objections if each.replied_at is None]

    @property
    def stands(self) -> Evaluation | Review:
        """What counts: the last review, else the sheet itself."""
        return self.reviews[-1] if self.reviews else self

    # -- the order of signing --

    def judge(self, actor: Doing, home: int | None, attitude: int, texts: dict[str, str], tenths: int = 0) -> None:
        """The head's marks and words. texts: home, attitude, words, adjustment. home None: nobody went to look this month.

        A sentence is asked for at the ends of a scale and with an adjustment. Refuses one's own sheet and a signed one.
        """
        self.still_open(actor)
        indicators = {each["name"]: each for each in settings(self.of)["monthly"]["indicators"]}
        for field, name, given in (("home", "home_condition", home), ("attitude", "attitude", attitude)):
            if rules.needs_sentence(indicators[name], given) and len(texts.get(field, "").strip()) < 2:
                raise Refusal("sentence", "最高分和最低分，请写一句为什么", field=f"{field}_words")
        most = 10 * settings(self.of)["monthly"]["adjustment"]["max_points"]
        if abs(tenths) > most:
            raise Refusal("adjustment", "加减分最多 %(most)s 分", field="adjustment", most=most // 10)
        if tenths and len(texts.get("adjustment", "").strip()) < 2:
            raise Refusal("sentence", "加分、减分要写明原因", field="adjustment_words")
        if self.adjustment and tenths != self.adjustment:
            raise Refusal("twice", "加减分只能一次，不能再改", field="adjustment")
        self.home, self.attitude, self.adjustment = home, attitude, tenths
        self.home_words, self.attitude_words, self.words, self.adjustment_words = (
            texts.get(name, "").strip() for name in ("home", "attitude", "words", "adjustment")
        )
        self.judged_at, self.judged_by = clock.now(), actor.account_id
        span = settings(self.of)["monthly"]["settings"]["object_days"]
        self.answer_by = self.answer_by or days.deadline(calendar(), clock.today(), span)
        first, self.state = self.state == GATHERED, JUDGED if self.state == GATHERED else self.state
        self.reckon()
        if first:
            self._tell_her()
            self._less(JUDGE, GATHERED)
        audit.note("evaluations.judge", self, home=home, attitude=attitude, adjustment=tenths)

    def see(self, actor: Doing) -> None:
        """我看过了. A second time is nothing; before it is judged there is nothing to see yet."""
        if self.caregiver_id != actor.person_id:
            raise Refusal("not_hers", "要本人来点“我看过了”")
        if self.state == GATHERED:
            raise Refusal("not_judged", "站长还没评，请过几天再看")
        if self.seen_at is None and self.state in OPEN:
            self.seen_at = clock.now()
            self.state = SHOWN if self.state == JUDGED else self.state
            messages.resolve(f"judged:{self.id}")
            audit.note("evaluations.see", self)

    def object(self, actor: Doing, code: str, words: str) -> Objection:
        """我有不同意见, about one indicator or "" for the whole. Refuses others' sheets, after the term, and once signed."""
        if self.caregiver_id != actor.person_id:
            raise Refusal("not_hers", "要本人提意见")
        if self.state not in OPEN or self.answer_by is None:
            raise Refusal("too_soon_or_late", "现在不能提意见：要在站长评过以后、签字以前")
        if clock.today() > self.answer_by:
            raise Refusal("too_late", "提意见的日子过了，有事请找站长")
        if len(words.strip()) < 2:
            raise Refusal("no_words", "请写一句哪里不对", field="words")
        known = [each["code"] for each in settings(self.of)["monthly"]["indicators"]]
        if code and code not in known:
            raise Refusal("choice", "请选一项", field="code")
        row = Objection(id=ids.new(), evaluation_id=self.id, code=code, words=words.strip()[:300], by_id=actor.account_id)
        self.objections.append(row)
        self.seen_at = self.seen_at or clock.now()
        self.state = DISPUTED
        audit.note("evaluations.object", self, code=code)
        return row

    def reply(self, objection: Objection, actor: Doing, upheld: bool, words: str, figure: int | None = None) -> None:
        """The head answers. Upheld: the figure of its indicator is put right (`figure`), or the marks are given anew.

        Refuses without words, a figure that cannot be, and a second answer.
        """
        self.still_open(actor)
        if objection.replied_at is not None:
            raise Conflict("answered", "这条意见已经回过了")
        if len(words.strip()) < 2:
            raise Refusal("no_words", "请写一句答复", field="words")
        fact = CORRECTABLE.get(objection.code)
        if upheld and fact is not None and figure is not None:
            most = self.facts.get(FULL.get(objection.code, ""), 99)
            if not 0 <= figure <= most:
                raise Refusal("figure", "数要在 0 到 %(most)s 之间", field="figure", most=most)
            was = self.facts.get(fact, 0)
            self.corrections = self.corrections | {fact: {"from": was, "to": figure, "why": words.strip()[:200]}}
        objection.upheld, objection.reply, objection.replied_at = upheld, words.strip()[:300], clock.now()
        objection.replied_by = actor.account_id
        if not self.waits:
            self.state = SHOWN
        self.reckon()
        audit.note("evaluations.reply", self, objection=objection.id, upheld=upheld, figure=figure)

    def sign(self, actor: Doing) -> None:
        """The head signs: judged, seen (or the three days are over), and no objection without an answer."""
        self.still_open(actor)
        if self.state == GATHERED or self.answer_by is None:
            raise Refusal("not_judged", "还没评：请先给“屋里干净”和“态度”打分")
        if self.waits:
            raise Refusal("disputed", "她有不同意见，请先答复再签字")
        if self.seen_at is None and clock.today() <= self.answer_by:
            raise Refusal("not_seen", "她还没看，请等她看过，或等到 %(day)s 以后", day=self.answer_by.isoformat())
        self.state, self.signed_at, self.signed_by = SIGNED, clock.now(), actor.account_id
        messages.resolve(f"judged:{self.id}")
        if self.station.street_id is not None:
            ask(SEAL, self.of, self.station_id, self.station.street_id)
        audit.note("evaluations.sign", self, total=self.total, grade=self.grade)

    def seal(self, actor: Doing) -> None:
        """The street confirms. From now on only a review changes anything. Whoever signed does not confirm."""
        if self.state == SEALED:
            return
        if self.state != SIGNED:
            raise Refusal("not_signed", "站长还没签字")
        if self.signed_by == actor.account_id:
            raise Refusal("own_signature", "签字的人不能自己确认，请街道另一位来定")
        self.state, self.sealed_at, self.sealed_by = SEALED, clock.now(), actor.account_id
        self._less(SEAL, SIGNED)
        audit.note("evaluations.seal", self, total=self.total, grade=self.grade)

    def review(self, actor: Doing, why: str, facts: dict[str, Any], home: int | None, attitude: int | None) -> Review:
        """A sealed sheet seen again: the facts counted anew and the marks, with a reason; both stand side by side."""
        if self.state != SEALED:
            raise Refusal("not_sealed", "还没定，用不着复核，直接改就行")
        if len(why.strip()) < 4:
            raise Refusal("no_words", "请写明为什么复核", field="why")
        found = reckoned(self.of, counted(facts, self.corrections, home, attitude), self.adjustment, self.vetoed)
        row = Review(
            id=ids.new(), evaluation_id=self.id, why=why.strip()[:300], by_id=actor.account_id, facts=facts, home=home,
            attitude=attitude, **found,
        )  # fmt: skip
        self.reviews.append(row)
        audit.note("evaluations.review", self, before=self.total, after=row.total)
        return row

    def reckon(self) -> None:
        """Points, total and grade from what stands now."""
        found = reckoned(self.of, self.counted, self.adjustment, self.vetoed)
        self.points, self.total, self.grade = found["points"], found["total"], found["grade"]

    def veto(self, actor: Doing, code: str, words: str, heard: str) -> Veto:
        """一票否决, put forward by the head after hearing her; it counts once the street confirms it."""
        self.still_open(actor)
        if code not in [each["code"] for each in settings(self.of)["vetoes"]["items"]]:
            raise Refusal("choice", "请选一项", field="code")
        if len(words.strip()) < 4 or len(heard.strip()) < 2:
            raise Refusal("no_words", "请写明事实，也写下她怎么说", field="words")
        row = Veto(
            id=ids.new(), evaluation_id=self.id, code=code, words=words.strip()[:300], heard=heard.strip()[:300],
            by_id=actor.account_id,
        )  # fmt: skip
        self.vetoes.append(row)
        audit.note("evaluations.veto", self, code=code)
        return row

    def confirm_veto(self, veto: Veto, actor: Doing) -> None:
        """The second person. Refuses whoever put it forward."""
        if veto.by_id == actor.account_id:
            raise Refusal("own_veto", "要另一位来确认")
        if self.state == SEALED:
            raise Refusal("sealed", "已经定了，只能复核")
        veto.confirmed_at, veto.confirmed_by = clock.now(), actor.account_id
        self.reckon()
        audit.note("evaluations.confirm_veto", self, code=veto.code)

    def _tell_her(self) -> None:
        """She has days to look and to object: it stands on her front page until she has."""
        hers = sa.select(Account.id).where(Account.person_id == self.caregiver_id, Account.ended_at.is_(None))
        if (account := db.session().scalar(hers.limit(1))) is not None:
            args = {"evaluation_id": self.id}
            messages.notify(
                LOOK, self.station_id, f"judged:{self.id}", to=account, level="plain", endpoint="evaluations.show", args=args
            )

    def _less(self, what: str, state: str) -> None:
        """One sheet less waits; with the last of the station's month the line goes away."""
        others = waiting(self.of, state).where(Evaluation.station_id == self.station_id, Evaluation.id != self.id)
        if db.session().scalar(others.limit(1)) is None:
            messages.resolve(f"{what}:{self.month}:{self.station_id}")

    def still_open(self, actor: Doing) -> None:
        """Refuses one's own sheet, and a signed one."""
        if self.caregiver_id == actor.person_id:
            raise Refusal("own_sheet", "自己的考核要请别人来评")
        if self.state not in OPEN:
            raise Conflict("signed", "已经签字了，只能复核")


class Objection(Keyed, Made, Base):
    """我有不同意见, with the head's answer."""

    __tablename__ = "evaluation_objection"
    evaluation_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("evaluation.id"), index=True)
    code: Mapped[str] = mapped_column(sa.String(4))
    words: Mapped[str] = mapped_column(sa.String(300))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    upheld: Mapped[bool | None]
    reply: Mapped[str] = mapped_column(sa.String(300), default="")
    replied_at: Mapped[datetime | None] = mapped_column(Instant())
    replied_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())


class Veto(Keyed, Made, Base):
    """一票否决: what happened, what she said to it, and who the two were."""

    __tablename__ = "evaluation_veto"
    evaluation_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("evaluation.id"), index=True)
    code: Mapped[str] = mapped_column(sa.String(10))
    words: Mapped[str] = mapped_column(sa.String(300))
    heard: Mapped[str] = mapped_column(sa.String(300))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant())
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())


class Review(Keyed, Made, Base):
    """What a review found beside a sealed sheet."""

    __tablename__ = "evaluation_review"
    evaluation_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("evaluation.id"), index=True)
    why: Mapped[str] = mapped_column(sa.String(300))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    facts: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    home: Mapped[int | None]
    attitude: Mapped[int | None]
    points: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    total: Mapped[int | None]
    grade: Mapped[str | None] = mapped_column(sa.String(10))


append_only("evaluation", "a sealed evaluation is never changed", but="old.sealed_at is null")
append_only("evaluation_review", "a review is never changed")


def settings(month: Month) -> dict[str, Any]:
    """The rules of evaluation.json that held at the end of a month."""
    return rulebook.current("evaluation", month.last)


def waiting(month: Month, state: str) -> sa.Select[uuid.UUID]:
    """The stations that have sheets of a month in a state, one for each sheet; where there is nothing to score nobody waits."""
    scored = Evaluation.points.is_not(None) if state != GATHERED else Evaluation.total.is_not(None)
    return sa.select(Evaluation.station_id).where(Evaluation.month == str(month), Evaluation.state == state, scored)


def ask(what: str, month: Month, station_id: uuid.UUID, place_id: uuid.UUID) -> None:
    """Put a station's month on the list of the office that has to do something: judge (JUDGE) or confirm (SEAL), by its day."""
    name = {JUDGE: "judge_working_day", SEAL: "confirm_working_day"}[what]
    due = days.working_day(calendar(), month.next(), settings(month)["monthly"]["settings"][name])
    messages.open_task(
        what, place_id, f"{what}:{month}:{station_id}", endpoint="evaluations.index", due_at=clock.instant(due, LAST_MINUTE),
        args={"month": month, "station": station_id},
    )  # fmt: skip


def calendar() -> dict[str, Any]:
    """The holidays that are known today."""
    return rulebook.current("calendar", clock.today())


def counted(facts: dict[str, Any], corrections: dict[str, Any], home: int | None, attitude: int | None) -> dict[str, Any]:
    """Facts with what was put right and the marks given."""
    right = {fact: each["to"] for fact, each in corrections.items()}
    return facts | right | {"home": home, "attitude": attitude}


def reckoned(
    month: Month, facts: dict[str, Any], adjustment: int, vetoed: bool, held: dict[str, Any] | None = None
) -> dict[str, Any]:
    """{"points", "total", "grade"} as they are kept: tenths. `held`: other rules than those of the month, to try them."""
    held = held or settings(month)
    found = rules.score(held, rules.ratios(held, facts), Fraction(adjustment, 10), ["veto"] if vetoed else ())
    points = {code: None if value is None else int(cases.half_up(value) * 10) for code, value in found.points.items()}
    return {"points": points, "total": None if found.total is None else int(found.total * 10), "grade": found.grade}
