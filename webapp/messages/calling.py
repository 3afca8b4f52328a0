"""Calls by telephone: who was rung about what, and what they said. The one fact that a silence is cleared by."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.messages import words
from webapp.people.models import Account, Person
from webapp.store import audit, db
from webapp.store.db import Base
from webapp.store.traits import Keyed, append_only
from webapp.store.types import Instant, Uuid

TWICE = timedelta(minutes=1)
"""Two taps within are one."""


class PhoneCall(Keyed, Base):
    """Somebody rang somebody about a household: whom, what was said.

    about: the key of the cause; subject_id: what it is about, a shift for most.
    """

    __tablename__ = "phone_call"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    about: Mapped[str] = mapped_column(sa.String(120), index=True)
    subject_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    whom: Mapped[str] = mapped_column(sa.String(10))
    said: Mapped[str] = mapped_column(sa.String(10))
    words: Mapped[str | None] = mapped_column(sa.String(200))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    __table_args__ = (
        sa.Index("ix_phone_call_household_id_at", "household_id", "at"),
        sa.Index("ix_phone_call_subject_id_at", "subject_id", "at"),
    )


append_only("phone_call", "what was said on the phone is never changed")


def note_call(
    household_id: uuid.UUID, about: str, subject_id: uuid.UUID, whom: str, said: str, by: uuid.UUID, memo: str = ""
) -> None:
    """Write down who was rung about a household and what was said. Refuses trouble without a word about it.

    Two taps within a minute are one.
    """
    if said == words.TROUBLE and len(memo.strip()) < 2:
        raise Refusal("no_words", "请写几个字，出了什么事", field="words")
    session = db.session()
    same = PhoneCall.subject_id == subject_id, PhoneCall.whom == whom, PhoneCall.said == said, PhoneCall.by_id == by
    if session.scalar(sa.select(PhoneCall.id).where(*same, PhoneCall.at > clock.now() - TWICE).limit(1)) is not None:
        return
    row = PhoneCall(
        id=ids.new(),
        household_id=household_id,
        about=about,
        subject_id=subject_id,
        whom=whom,
        said=said,
        words=memo.strip()[:200] or None,
        by_id=by,
        at=clock.now(),
    )
    session.add(row)
    audit.note("messages.call", row, household_id, whom=whom, said=said)


def last_said(subject: Any) -> tuple[sa.ScalarSelect[Any], sa.ScalarSelect[Any]]:
    """What the newest call about a subject answered, and when, as columns."""
    newest = sa.select(PhoneCall.said).where(PhoneCall.subject_id == subject).order_by(PhoneCall.at.desc(), PhoneCall.id.desc())
    at = sa.select(sa.func.max(PhoneCall.at)).where(PhoneCall.subject_id == subject)
    return newest.limit(1).scalar_subquery(), at.scalar_subquery()


def said_of(subjects: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[str, datetime]]:
    """What the newest call about each subject answered, and when; who was never rung about is not there."""
    if not subjects:
        return {}
    ask = sa.select(PhoneCall.subject_id, PhoneCall.said, PhoneCall.at).where(PhoneCall.subject_id.in_(subjects))
    return {key: (said, at) for key, said, at in db.session().execute(ask.order_by(PhoneCall.at, PhoneCall.id))}


def calls_about(keys: Sequence[str]) -> dict[str, tuple[PhoneCall, str]]:
    """The newest call about each cause, with who rang."""
    if not keys:
        return {}
    rows = db.session().execute(
        sa.select(PhoneCall, Person.name)
        .join(Account, Account.id == PhoneCall.by_id)
        .join(Person, Person.id == Account.person_id)
        .where(PhoneCall.about.in_(sorted(set(keys))))
        .order_by(PhoneCall.at)
    )
    return {call.about: (call, name) for call, name in rows}
