"""An inspection and its findings (H53 M02-M04): drawn or begun by scanning a plate, recorded once, put right in order."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, Role
from webapp.cards import queries as cards
from webapp.inspections import rules
from webapp.kit import clock, ids
from webapp.kit.refusal import Conflict, Refusal
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as tasks
from webapp.people.models import Grant, Household, Place
from webapp.store import audit, db, rulebook
from webapp.store.db import Base
from webapp.store.inbox import Act
from webapp.store.traits import Keyed, Made, append_only, told
from webapp.store.types import Instant, Uuid

PLANNED, DONE = "planned", "done"
OPEN, FIXED, VERIFIED = "open", "fixed", "verified"
INSPECTS = (Role.INSPECTOR, Role.STREET_MANAGER, Role.DISTRICT_OFFICER)
"""Who may record what was found: nobody of the station itself."""
TASK = "repair"

rulebook.ship("inspection", Path(__file__).parent / "inspection.json")
tasks.say(TASK, _l("检查发现要马上整改"), "alert-triangle")


def settings(day: date) -> dict[str, Any]:
    """The checklists of a day."""
    return rulebook.current("inspection", day)


class Drawing(Keyed, Made, Base):
    """双随机: a draw as it was published. units: [{"id": household number, "never_inspected", "open_critical", "not"}];
    inspectors: numbers of persons; drawn: [{"unit", "inspectors"}]."""

    __tablename__ = "inspection_draw"
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    seed: Mapped[str] = mapped_column(sa.String(80))
    units: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON())
    inspectors: Mapped[list[str]] = mapped_column(sa.JSON())
    many: Mapped[int]
    drawn: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON())
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    place: Mapped[Place] = relationship()

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the place it was drawn in is within reach."""
        return actor.reaches_station(cls.place_id)


append_only("inspection_draw", "a draw is never changed")


class Inspection(Keyed, Made, Base):
    """One inspection of a household, or of `place_id` itself when there is none. rate: thousandths; None when nothing counts.

    answers: by item code as they were given. alone: whether the elder was spoken with alone.
    """

    __tablename__ = "inspection"
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    """The station of the household, or the place that was inspected."""
    draw_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("inspection_draw.id"))
    template: Mapped[str] = mapped_column(sa.String(16))
    state: Mapped[str] = mapped_column(sa.String(8), default=PLANNED)
    day: Mapped[date]
    """When it was done; while planned, until when."""
    answers: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)
    found: Mapped[str] = mapped_column(sa.String(1000), default="")
    suggestion: Mapped[str] = mapped_column(sa.String(500), default="")
    reply: Mapped[str] = mapped_column(sa.String(500), default="")
    alone: Mapped[bool] = mapped_column(default=False)
    paper: Mapped[bool] = mapped_column(default=False)
    rate: Mapped[int | None]
    band: Mapped[str] = mapped_column(sa.String(16), default="")
    by_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    at: Mapped[datetime | None] = mapped_column(Instant())
    household: Mapped[Household | None] = relationship()
    place: Mapped[Place] = relationship()
    findings: Mapped[list[Finding]] = relationship(order_by="Finding.due", back_populates="inspection")
    photos: Mapped[list[InspectionPhoto]] = relationship()
    __table_args__ = (
        sa.Index("ix_inspection_place_id_day", "place_id", "day"),
        sa.Index("ix_inspection_state_day", "state", "day"),
        told("ix_inspection_draw_id", "draw_id"),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the station (or street, district) is within reach. Caregivers and kin reach none."""
        return actor.reaches_station(cls.place_id)

    def answer(self, actor: Any, words: str) -> None:
        """What becomes of a suggestion. Refuses none, and a second answer."""
        if not self.suggestion or self.reply:
            raise Conflict("answered", "这条建议已经回过了")
        if len(words.strip()) < 2:
            raise Refusal("no_words", "请写一句答复", field="words")
        self.reply = words.strip()[:500]
        audit.note("inspections.answer", self, by=actor.account_id)


class InspectionPhoto(Base):
    """A picture taken during an inspection."""

    __tablename__ = "inspection_photo"
    inspection_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("inspection.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True, index=True)


class Sent(Base):
    """Who was drawn to go."""

    __tablename__ = "inspection_sent"
    inspection_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("inspection.id"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"), primary_key=True, index=True)


class Finding(Keyed, Made, Base):
    """What must be put right, until when, with what proof, and who accepted it. `returned`: how often it was not accepted."""

    __tablename__ = "inspection_finding"
    inspection_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("inspection.id"), index=True)
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    code: Mapped[str] = mapped_column(sa.String(8))
    severity: Mapped[str] = mapped_column(sa.String(8))
    due: Mapped[date]
    state: Mapped[str] = mapped_column(sa.String(8), default=OPEN)
    owner: Mapped[str] = mapped_column(sa.String(40), default="")
    """Who puts it right, as people say it."""
    proof: Mapped[str] = mapped_column(sa.String(300), default="")
    proof_photo: Mapped[str | None] = mapped_column(sa.String(64))
    fixed_at: Mapped[datetime | None] = mapped_column(Instant())
    fixed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    returned: Mapped[int] = mapped_column(default=0)
    why: Mapped[str] = mapped_column(sa.String(300), default="")
    """Why it was not accepted the last time."""
    verified_at: Mapped[datetime | None] = mapped_column(Instant())
    verified_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    inspection: Mapped[Inspection] = relationship(back_populates="findings")
    __table_args__ = (
        sa.Index("ix_inspection_finding_place_id_state", "place_id", "state"),
        sa.Index("ix_inspection_finding_household_id_state", "household_id", "state"),
    )

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the station is within reach."""
        return actor.reaches_station(cls.place_id)

    def late(self, today: date) -> bool:
        """已超期: still open after its day."""
        return self.state == OPEN and self.due < today

    def give(self, actor: Any, owner: str) -> None:
        """Somebody is named who puts it right by its day. Refuses nobody, and what is put right already."""
        if self.state != OPEN:
            raise Conflict("fixed", "这一条已经报过改好了")
        if not owner.strip():
            raise Refusal("no_owner", "请写明是谁改的", field="owner")
        self.owner = owner.strip()[:40]
        audit.note("inspections.give", self, self.household_id, code=self.code, by=actor.account_id)

    def fix(self, actor: Any, owner: str, proof: str, photo: str | None = None) -> None:
        """改好了, with words of what was done. Refuses what waits for a look already, and nothing said."""
        if self.state != OPEN:
            raise Conflict("fixed", "这一条已经报过改好了")
        if len(proof.strip()) < 4:
            raise Refusal("no_words", "请写明怎么改的", field="proof")
        if not owner.strip():
            raise Refusal("no_owner", "请写明是谁改的", field="owner")
        self.state, self.owner, self.proof, self.proof_photo = FIXED, owner.strip()[:40], proof.strip()[:300], photo
        self.fixed_at, self.fixed_by = clock.now(), actor.account_id
        audit.note("inspections.fix", self, self.household_id, code=self.code)

    def accept(self, actor: Any, good: bool, why: str = "") -> None:
        """Somebody looks again: put right, or back with a reason. Refuses whoever reported it, and what was not reported."""
        if self.state != FIXED:
            raise Conflict("not_fixed", "还没有报改好，先请站里改")
        if self.fixed_by == actor.account_id:
            raise Refusal("own", "自己报的要另一位来复查")
        if not good and len(why.strip()) < 2:
            raise Refusal("no_words", "没改好的话，请写一句哪里不行", field="why")
        if good:
            self.state, self.verified_at, self.verified_by = VERIFIED, clock.now(), actor.account_id
            if all(each.state == VERIFIED for each in self.inspection.findings if each.severity == "critical"):
                messages.resolve(f"inspection:{self.inspection_id}")
        else:
            self.state, self.why, self.returned = OPEN, why.strip()[:300], self.returned + 1
        audit.note("inspections.accept", self, self.household_id, code=self.code, good=good)


# -- recording --


@dataclass(frozen=True)
class Unit:
    """What is inspected: the household and its station, or a place."""

    household_id: uuid.UUID | None
    place: Place


def record(
    act: Act,
    inspection: uuid.UUID,
    template: str,
    household: uuid.UUID | None = None,
    place: uuid.UUID | None = None,
    token: str | None = None,
    number: str | None = None,
    alone: bool = False,
    found: str | None = None,
    suggestion: str | None = None,
    **answers: Any,
) -> str | None:
    """What a supervisor found. answers: by field name (rec_01 for REC-01), empty ones were not looked at. Without network the
    phone does not know whose plate it scanned: then `token` or `number` says it.

    Refuses authors who do not inspect there, an inspection that is done already, and a list without one answer.
    """
    unit = _unit(household or _of_card(token, number), place)
    by = _inspector(act, unit.place)
    held = settings(act.day)
    said = read(held, template, answers)
    judged = judge(held, said)
    row = db.session().get(Inspection, inspection, populate_existing=True)
    if row is not None and row.state == DONE:
        raise Refusal("done", "这次检查已经记过了，这一份先放着")
    if row is not None and (row.household_id, row.place_id) != (unit.household_id, unit.place.id):
        raise Refusal("other_home", "这次检查是另一户的，先放着")
    if row is None:
        row = Inspection(id=inspection, household_id=unit.household_id, place_id=unit.place.id, template=template)
        db.session().add(row)
    row.state, row.template, row.day, row.at, row.by_id = DONE, template, act.day, act.at, act.author_id
    row.answers, row.found, row.suggestion, row.alone = said, (found or "")[:1000], (suggestion or "")[:500], alone
    row.paper = by != Role.INSPECTOR
    row.rate, row.band = None if judged.rate is None else int(judged.rate * 1000), judged.band
    db.session().flush()
    _keep(act, row, held, judged)
    audit.note("inspections.record", row, row.household_id, rate=row.rate, band=row.band, failed=list(judged.failed))
    return None


def _of_card(token: str | None, number: str | None) -> uuid.UUID | None:
    """The household of a live card or plate."""
    card = cards.by_token(token) if token else cards.by_number(number) if number else None
    return card.household_id if card is not None and card.live else None


def _unit(household: uuid.UUID | None, place: uuid.UUID | None) -> Unit:
    home = db.session().get(Household, household) if household else None
    here = db.session().get(Place, home.station_id if home else place) if home or place else None
    if here is None:
        raise Refusal("no_unit", "没找到要检查的地方，先放在站里")
    return Unit(home.id if home else None, here)


def _inspector(act: Act, place: Place) -> str:
    """The role under which the author inspects there."""
    above = [key for key in (place.id, place.street_id, place.district_id) if key is not None]
    ask = sa.select(Grant.role).where(Grant.account_id == act.author_id, Grant.role.in_(INSPECTS), Grant.place_id.in_(above))
    found = db.session().scalars(ask.where(Grant.holds(act.at))).all()
    if not found:
        raise Refusal("not_inspector", "您不是这里的监督员，这份检查先放在站里")
    return Role.INSPECTOR if Role.INSPECTOR in found else found[0]


def read(held: Mapping[str, Any], template: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Item code → what was answered (sums in fen), of the items of a template. Refuses an unknown or an empty list."""
    known = next((each for each in held["templates"] if each["code"] == template), None)
    if known is None:
        raise Refusal("template", "没有这张检查表，先放着")
    asked = {code: fields.get(rules.field(code)) for code in known["items"]}
    said = {code: value for code, value in asked.items() if value is not None and value != ""}
    kinds = {each["code"]: each["answer"] for each in held["items"]}
    said = {code: int(value) if kinds[code] == rules.STARS else value for code, value in said.items()}
    if not said:
        raise Refusal("empty", "还没有一项看过，请至少点一项")
    return said


def judge(held: Mapping[str, Any], said: Mapping[str, Any]) -> rules.Judged:
    """What the answers come to; a difference of money is kept in fen and judged in yuan."""
    kinds = {each["code"]: each["answer"] for each in held["items"]}
    return rules.judge(
        held, {code: Decimal(value) / 100 if kinds[code] == rules.DIFFERENCE else value for code, value in said.items()}
    )


def _keep(act: Act, row: Inspection, held: Mapping[str, Any], judged: rules.Judged) -> None:
    items = {each["code"]: each for each in held["items"]}
    photos = [{"inspection_id": row.id, "sha256": sha} for sha in dict.fromkeys(act.photo("photo"))]
    if photos:
        db.session().execute(sa.insert(InspectionPhoto), photos)
    findings = [
        {"id": ids.new(), "made_at": clock.now(), "inspection_id": row.id, "household_id": row.household_id,
         "place_id": row.place_id, "code": code, "severity": items[code]["severity"], "state": OPEN, "owner": "", "proof": "",
         "why": "", "returned": 0, "due": row.day + timedelta(days=items[code]["repair_days"])}
        for code in judged.failed
    ]  # fmt: skip
    if findings:
        db.session().execute(sa.insert(Finding), findings)
    critical = [each["due"] for each in findings if each["severity"] == "critical"]
    if critical:  # the head is told at once, of the whole inspection in one line
        messages.open_task(
            TASK, row.place_id, f"inspection:{row.id}", household_id=row.household_id, endpoint="inspections.show",
            args={"inspection_id": row.id}, due_at=clock.day_bounds(min(critical))[1],
        )  # fmt: skip
