"""Confirming without a signature: on one's own account, by a thumb print that is photographed, on the telephone, before a
witness. Never the caregiver alone, and a relative who keeps the book never her own.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from webapp.access import Actor, Role
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.ledger.agreeing import by_relative
from webapp.ledger.posting import settle_flags
from webapp.ledger.rows import Confirmation, Count, Entry, EntryFlag
from webapp.ledger.rules import BESIDE, KEEPER, KIN, OWN, PHONE, STATION, THUMB, Flag, Said
from webapp.people import queries as people
from webapp.store import audit, db
from webapp.store.inbox import Act

SIDE_OF = {Role.KIN: KIN, Role.CAREGIVER: KEEPER}


def take_down(act: Act, subject: uuid.UUID, side: str, name: str, how: str, witness: str | None = None) -> str | None:
    """At the bedside: the resident or a relative confirms a count or an entry, by thumb print or before a witness.

    Refuses what is not there, an author who may not enter, and a word that only she has heard.
    """
    home = _home_of(subject)
    if home is None:
        raise Refusal("subject_unknown", "没找到要确认的那一笔，先放在站里")
    if not people.may_enter(act.author_id, home, act.at):
        raise Refusal("not_assigned", "这户现在不归您，先放在站里，站里会来问您")
    proof = act.photo("proof")
    check(how, witness, bool(proof), alone=True)
    write(home, subject, side, name, how, act.author_id, act.at, witness=witness, sha256=proof[0] if proof else None)
    return None


def check(how: str, witness: str | None, photo: bool, *, alone: bool) -> None:
    """Refuses a thumb print without its photo, a witness without a name, and, `alone`, what only the caregiver heard."""
    if how == THUMB and not photo:
        raise Refusal("proof", _l("手印要拍下来"), field="proof")
    if how == BESIDE and not witness:
        raise Refusal("witness", _l("请写见证人的名字"), field="witness")
    if alone and how not in (THUMB, BESIDE):
        raise Refusal("how", _l("不能只由您一个人说，请按手印或找见证人"), field="how")


def heard(how: str, witness: str | None, photo: bool) -> bool:
    """Whether somebody's word that the caregiver brings was heard by more than her."""
    return (how == THUMB and photo) or (how == BESIDE and bool(witness))


def say(actor: Actor, name: str, subject: uuid.UUID, household: uuid.UUID) -> None:
    """On one's own account. Who keeps the book has said it by counting: refuses her."""
    counted = db.session().scalar(sa.select(Count.author_id).where(Count.id == subject))
    wrote = db.session().scalar(sa.select(Entry.author_id).where(Entry.id == subject))
    if actor.account_id in (counted, wrote):
        raise Refusal("own", _l("自己记的，要别人来确认"))
    write(household, subject, SIDE_OF.get(actor.role, STATION), name, OWN, actor.account_id, clock.now())


def write(
    household: uuid.UUID,
    subject: uuid.UUID,
    side: str,
    name: str,
    how: str,
    by: uuid.UUID,
    at: datetime,
    *,
    witness: str | None = None,
    sha256: str | None = None,
) -> None:
    """Keep one confirmation; the same account for the same side twice is once. A large spend that it answers is settled."""
    session = db.session()
    twice = sa.select(Confirmation.id).where(
        Confirmation.subject_id == subject, Confirmation.author_id == by, Confirmation.side == side
    )
    if session.scalar(twice):
        return
    row = Confirmation(
        id=ids.new(), subject_id=subject, household_id=household, side=side, name=name, how=how, witness=witness or None,
        sha256=sha256, at=at, author_id=by,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note("ledger.confirm", row, household, subject=subject, side=side, how=how)
    answered = [Flag.ASK_FIRST.value] + ([Flag.OVER_LIMIT.value] if side == STATION else [])
    if side != KEEPER and (how in (OWN, PHONE) or not by_relative(household)):
        settle_flags(sa.and_(EntryFlag.entry_id == subject, EntryFlag.code.in_(answered)), by, "agreed")


def of(subjects: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Confirmation]]:
    """The confirmations of counts or entries, in order."""
    found: dict[uuid.UUID, list[Confirmation]] = {}
    ask = sa.select(Confirmation).where(Confirmation.subject_id.in_(subjects)).order_by(Confirmation.made_at, Confirmation.id)
    for row in db.session().scalars(ask):
        found.setdefault(row.subject_id, []).append(row)
    return found


def said(rows: Sequence[Confirmation]) -> list[Said]:
    """As the rule judges them."""
    return [Said(row.side, row.how, row.author_id) for row in rows]


def _home_of(subject: uuid.UUID) -> uuid.UUID | None:
    home = db.session().scalar(sa.select(Entry.household_id).where(Entry.id == subject))
    return home or db.session().scalar(sa.select(Count.household_id).where(Count.id == subject))
