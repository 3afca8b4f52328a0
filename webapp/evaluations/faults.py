"""What counts against a caregiver in M08: a complaint that was found true, a serious thing she could have prevented. The station
says so on her sheet, in words that she reads; it may be taken back while the sheet is open."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor, within
from webapp.evaluations.models import Evaluation
from webapp.kit import clock, ids
from webapp.kit.refusal import Conflict, Refusal
from webapp.store import audit, db
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made
from webapp.store.types import Instant, Uuid
from webapp.voices.models import Complaint

COMPLAINT, SERIOUS = "complaint", "serious"
KINDS = (COMPLAINT, SERIOUS)


class Fault(Keyed, Made, Base):
    """One thing found true against a caregiver in a month. complaint_id: the complaint it answers, each once."""

    __tablename__ = "evaluation_fault"
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    month: Mapped[str] = mapped_column(sa.String(7))
    kind: Mapped[str] = mapped_column(sa.String(10))
    complaint_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("complaint.id"), unique=True)
    words: Mapped[str] = mapped_column(sa.String(300))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant())
    withdrawn_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    __table_args__ = (
        sa.Index("ix_evaluation_fault_caregiver_id_month", "caregiver_id", "month"),
        sa.Index("ix_evaluation_fault_month", "month"),
    )


def find(sheet: Evaluation, actor: Any, kind: str, words: str, complaint: Complaint | None = None) -> Fault:
    """It was looked into and is true. Refuses without words, a complaint about somebody else, and a signed sheet."""
    sheet.still_open(actor)
    if kind not in KINDS:
        raise Refusal("choice", "请选一个", field="kind")
    if len(words.strip()) < 4:
        raise Refusal("no_words", "请写明查下来是怎么回事", field="words")
    if complaint is not None and (kind != COMPLAINT or complaint.about_id != sheet.caregiver_id):
        raise Refusal("other", "这条投诉说的不是她", field="complaint")
    if complaint is not None and db.session().scalar(sa.select(Fault.id).where(Fault.complaint_id == complaint.id)):
        raise Conflict("twice", "这条投诉已经记过了")
    row = Fault(
        id=ids.new(), caregiver_id=sheet.caregiver_id, month=sheet.month, kind=kind, words=words.strip()[:300],
        by_id=actor.account_id, complaint_id=complaint.id if complaint else None,
    )  # fmt: skip
    db.session().add(row)
    audit.note("evaluations.fault", sheet, kind=kind, complaint=complaint.id if complaint else None)
    _again(sheet)
    return row


def withdraw(fault: Fault, sheet: Evaluation, actor: Any) -> None:
    """It was not so after all. A second time is nothing. Refuses a signed sheet."""
    sheet.still_open(actor)
    if fault.withdrawn_at is None:
        fault.withdrawn_at, fault.withdrawn_by, fault.complaint_id = clock.now(), actor.account_id, None
        audit.note("evaluations.withdraw", sheet, fault=fault.id)
        _again(sheet)


def _again(sheet: Evaluation) -> None:
    db.session().flush()
    held = [each.kind for each in of(sheet) if each.withdrawn_at is None]
    sheet.facts = sheet.facts | {"complaints": held.count(COMPLAINT), "serious": held.count(SERIOUS)}
    sheet.reckon()


def of(sheet: Evaluation) -> Sequence[Fault]:
    """What was found against her in the month, what was taken back too."""
    ask = sa.select(Fault).where(Fault.caregiver_id == sheet.caregiver_id, Fault.month == sheet.month)
    return db.session().scalars(ask.order_by(Fault.made_at, Fault.id)).all()


def one(sheet: Evaluation, key: uuid.UUID | None) -> Fault | None:
    """One of them."""
    return next((each for each in of(sheet) if each.id == key), None)


def complaints(actor: Actor, sheet: Evaluation, limit: int = 20) -> Sequence[Complaint]:
    """The complaints about her up to the end of the month that lie within reach and were not found true yet."""
    known = sa.exists().where(Fault.complaint_id == Complaint.id)
    _since, until = clock.day_bounds(sheet.of.last)
    ask = within(actor, sa.select(Complaint)).where(
        Complaint.about_id == sheet.caregiver_id, Complaint.made_at < until, Complaint.kind != "suggestion", ~known
    )
    return db.session().scalars(ask.order_by(Complaint.made_at.desc()).limit(limit)).all()
