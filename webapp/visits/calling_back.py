"""Call-backs (N18): after the first week, monthly, and by surprise; by telephone or at the door; the result beside the visit.

Which ones is drawn: weighted by what the visits show, by a seed that is written down, so that anybody can draw again.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, within
from webapp.kit import clock, draw, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import HomeCareUnit, Household, Person, Place, PlaceKind
from webapp.people.queries import nothing
from webapp.roster.absences import Pause
from webapp.store import audit, db, jobs
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made, append_only
from webapp.store.types import Instant, Uuid
from webapp.visits import rules, signals
from webapp.visits.models import DONE, Visit, VisitException, limits, tell
from webapp.visits.writing import find, touch

FIRST_WEEK, MONTHLY, SURPRISE, DOOR = "first_week", "monthly", "surprise", "door"
WAYS = ("phone", "door")
OUTCOMES = ("well", "doubt", "unanswered")


class CallBack(Keyed, Made, Homed, Base):
    """Somebody should ask a household how a visit was."""

    __tablename__ = "call_back"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    visit_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("visit.id"), index=True)
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(sa.String(10))
    due_on: Mapped[date]
    seed: Mapped[str] = mapped_column(sa.String(64))
    """Of the draw that chose it: `kit.draw` gives the same again."""
    once: Mapped[str] = mapped_column(sa.String(80), unique=True)
    done_at: Mapped[datetime | None] = mapped_column(Instant())
    household: Mapped[Household] = relationship()
    caregiver: Mapped[Person] = relationship()
    results: Mapped[list[CallBackResult]] = relationship(viewonly=True, order_by="CallBackResult.at")
    __table_args__ = (
        sa.Index(
            "ix_call_back_open", "station_id", "due_on", sqlite_where=sa.text("done_at is null"),
            postgresql_where=sa.text("done_at is null"),
        ),
    )  # fmt: skip

    def answer(self, actor: Actor, way: str, outcome: str, words: str) -> None:
        """What came of it. Refuses the caregiver's own, a second answer, a doubt without words, a door check by telephone.

        没人接 leaves it open. A doubt becomes something to be put right at the visit.
        """
        if actor.person_id == self.caregiver_id:
            raise Refusal("own_visit", "自己的上门要请别人来回访")
        if self.done_at is not None:
            raise Refusal("settled", "这一条已经回访过了")
        if way not in WAYS:
            raise Refusal("no_way", "请选怎么回访的", field="way")
        if self.kind == DOOR and way != "door":
            raise Refusal("at_door", "这一条要上门去看", field="way")
        if outcome not in OUTCOMES:
            raise Refusal("no_outcome", "请选怎么样", field="outcome")
        if outcome == "doubt" and len(words.strip()) < 2:
            raise Refusal("no_words", "请写对方怎么说的", field="words")
        now = clock.now()
        row = CallBackResult(
            id=ids.new(),
            call_back_id=self.id,
            way=way,
            outcome=outcome,
            words=words.strip()[:200],
            by_id=actor.account_id,
            at=now,
        )
        db.session().add(row)
        self.done_at = None if outcome == "unanswered" else now
        audit.note("visits.call_back", self, self.household_id, way=way, outcome=outcome)
        if self.visit_id:
            touch(self.visit_id)
            visit = db.session().get_one(Visit, self.visit_id)
            if outcome == "doubt":
                facts = limits(visit.day, visit.station_id)
                find(visit.id, visit.household_id, visit.station_id, visit.day, rules.named([("KIN_DOUBT", {})], facts))
        tell(self.station_id, self.household_id)


class CallBackResult(Base):
    """What was said, or that nobody answered."""

    __tablename__ = "call_back_result"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    call_back_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("call_back.id"), index=True)
    way: Mapped[str] = mapped_column(sa.String(5))
    outcome: Mapped[str] = mapped_column(sa.String(10))
    words: Mapped[str] = mapped_column(sa.String(200))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())


append_only("call_back_result", "what a call-back brought is never changed")


def open_ones(actor: Actor, limit: int = 60) -> Sequence[CallBack]:
    """Those that wait within reach, the oldest first, with household, caregiver and what was tried."""
    return (
        db.session()
        .scalars(
            sa.select(CallBack)
            .where(actor.reaches_station(CallBack.station_id), CallBack.done_at.is_(None))
            .order_by(CallBack.due_on, CallBack.id)
            .limit(limit)
            .options(
                sa.orm.joinedload(CallBack.household),
                sa.orm.joinedload(CallBack.caregiver),
                sa.orm.selectinload(CallBack.results),
            )
        )
        .all()
    )


def one(actor: Actor, key: uuid.UUID) -> CallBack:
    """The call-back, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(CallBack)).where(CallBack.id == key))
    if found is None:
        raise nothing()
    return found


def let_go(household_id: uuid.UUID) -> None:
    """Nobody is asked any more how it was: the household's care has ended."""
    waiting = sa.and_(CallBack.household_id == household_id, CallBack.done_at.is_(None))
    done = sa.update(CallBack).where(waiting).values(done_at=clock.now())
    db.session().execute(done.execution_options(synchronize_session=False))


@jobs.job("visits.draw_call_backs", nightly=True, alone=True)
def draw_all() -> None:
    """Tonight's draws, station by station."""
    today = clock.today()
    for station in db.reading().scalars(sa.select(Place.id).where(Place.kind == PlaceKind.STATION).order_by(Place.code)).all():
        with db.transaction():
            draw_station(station, today)


def draw_station(station: uuid.UUID, today: date, seed: str | None = None) -> list[CallBack]:
    """Who is asked: homes a week old, one draw of homes a month, of yesterday's visits some by surprise, and each quarter
    the door of every home whose caregiver is a child of the resident."""
    facts, seed = limits(today, station), seed or secrets.token_hex(16)
    yesterday = today - timedelta(days=1)
    units = (
        db.session()
        .execute(
            sa.select(HomeCareUnit.household_id, HomeCareUnit.caregiver_id, HomeCareUnit.since, HomeCareUnit.relative)
            .join(Household, Household.id == HomeCareUnit.household_id)
            .where(Household.station_id == station, HomeCareUnit.until.is_(None), ~_pauses(today))
        )
        .all()
    )
    made: list[CallBack] = []

    def ask(home: uuid.UUID, caregiver: uuid.UUID, kind: str, once: str, visit: uuid.UUID | None = None) -> None:
        if db.session().scalar(sa.select(CallBack.id).where(CallBack.once == once)) is None:
            made.append(
                CallBack(
                    id=ids.new(), household_id=home, station_id=station, visit_id=visit, caregiver_id=caregiver, kind=kind,
                    due_on=today, seed=seed, once=once,
                )
            )  # fmt: skip
            db.session().add(made[-1])

    for home, caregiver, since, relative in units:
        begun = clock.day_of(since)
        if today - timedelta(days=31) <= begun <= today - timedelta(days=facts["callback_first_days"]):
            ask(home, caregiver, FIRST_WEEK, f"first:{home}:{caregiver}")
        if relative and (today - begun).days >= facts["door_check_days"]:
            quarter = (today - begun).days // facts["door_check_days"]
            ask(home, caregiver, DOOR, f"door:{home}:{caregiver}:{quarter}")
    if today.day == 1:
        by_home = {home: caregiver for home, caregiver, _since, _relative in units}
        for home in draw.share(seed, dict.fromkeys(by_home, 1), facts["callback_percent"]):
            ask(home, by_home[home], MONTHLY, f"month:{home}:{today:%Y-%m}")
    for visit in draw.share(seed, _weights(station, yesterday, facts), facts["callback_percent"]):
        row = db.session().get_one(Visit, visit)
        ask(row.household_id, row.caregiver_id, SURPRISE, f"visit:{visit}", visit)
    if made:
        audit.note("visits.draw_call_backs", f"place:{station}", seed=seed, drawn=[row.once for row in made])
    return made


def _pauses(day: date) -> sa.ColumnElement[bool]:
    """Condition: the whole household pauses (住院, 出门): nobody there is asked."""
    held = (Pause.since <= day, sa.or_(Pause.until.is_(None), Pause.until >= day))
    return sa.exists().where(Pause.household_id == HomeCareUnit.household_id, Pause.resident_id.is_(None), *held)


def _weights(station: uuid.UUID, day: date, facts: dict[str, Any]) -> dict[uuid.UUID, int]:
    """Yesterday's visits by risk: 1, and 4 more for every signal."""
    rows = db.session().execute(
        sa.select(Visit.id, VisitException.code)
        .join(Household, Household.id == Visit.household_id)
        .outerjoin(VisitException, VisitException.visit_id == Visit.id)
        .where(Visit.station_id == station, Visit.day == day, Visit.state == DONE, Household.ended_on.is_(None))
    )
    codes: dict[uuid.UUID, list[str]] = {}
    for key, code in rows:
        codes.setdefault(key, []).extend([code] if code else [])
    return {key: signals.risk(found, facts) for key, found in codes.items()}
