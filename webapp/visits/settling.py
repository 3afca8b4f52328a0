"""A person has looked at what was found: why it was so, and what was done about it. What was captured stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.store import audit, db
from webapp.visits.models import FIX, PHONED, Visit, VisitException, limits, tell
from webapp.visits.writing import touch

OTHER, NOT_COUNTED = "99", "H"


@dataclass(frozen=True)
class Said:
    """Why it was so (reason code), what was done (action code), and words."""

    reason: str
    action: str = ""
    memo: str = ""


def cause_of(code: str, facts: dict[str, Any]) -> str:
    """Which cause a finding belongs to; findings of one cause are acknowledged together."""
    return next((cause for cause, codes in facts["causes"].items() if code in codes), code)


def alike(row: VisitException) -> Sequence[VisitException]:
    """What waits at the same visit for the same cause, `row` first; what must be put right stands for itself."""
    facts = limits(row.day, row.station_id)
    waiting = db.session().scalars(
        sa.select(VisitException).where(
            VisitException.visit_id == row.visit_id, VisitException.settled_at.is_(None), VisitException.kind == row.kind
        )
    )
    cause = cause_of(row.code, facts)
    return [row, *(each for each in waiting if each.id != row.id and cause_of(each.code, facts) == cause)]


def settle(row: VisitException, actor: Actor, said: Said) -> None:
    """Put one finding right or acknowledge it.

    Refuses a second time, an unknown reason or action, 其他 and a typed number without words, one's own visit and words,
    and what must be put right as long as nothing was done that mends it.
    """
    memo = said.memo.strip()[:200]
    facts = limits(row.day, row.station_id)
    visit = db.session().get(Visit, row.visit_id)
    if row.settled_at is not None:
        raise Refusal("settled", "这一项已经有人看过了")
    if row.code in PHONED.values() and row.facts.get("by") == str(actor.account_id):
        raise Refusal("own_word", "这一条是您替她记的，等她自己确认")
    if visit is not None and visit.caregiver_id == actor.person_id:
        raise Refusal("own_visit", "自己的上门要请别人来看")
    if said.reason not in dict(facts["reasons"]):
        raise Refusal("no_reason", "请选一个原因", field="reason")
    if said.action and said.action not in dict(facts["actions"]):
        raise Refusal("no_action", "请选怎么处理的", field="action")
    if len(memo) < 6 and (said.reason == OTHER or row.code in facts["memo_codes"]):
        raise Refusal("no_memo", "请写几个字说明，至少6个字", field="memo")
    if row.kind == FIX and said.action not in facts["mends"].get(row.code, ()):
        raise Refusal("not_mended", "这一项光说明不够：要先改好，或者选一个能了结它的处理办法", field="action")
    row.settled_at, row.settled_by = clock.now(), actor.account_id
    row.reason, row.action, row.memo = said.reason, said.action or None, memo or None
    if said.action == NOT_COUNTED and visit is not None:
        visit.counted = False
    audit.note("visits.settle", row, row.household_id, code=row.code, reason=said.reason, action=said.action)
    touch(row.visit_id)
    tell(row.station_id, row.household_id)


def settle_all(rows: Iterable[VisitException], actor: Actor, said: Said) -> int:
    """All of them with one word, all or none; how many there were."""
    told = list(rows)
    for row in told:
        settle(row, actor, said)
    return len(told)


def clear(rows: Iterable[VisitException], reason: str | None = None, action: str | None = None) -> None:
    """They settle by themselves: what was missing came, or a correction that was approved says otherwise."""
    for row in rows:
        row.settled_at, row.reason, row.action = clock.now(), reason, action
        touch(row.visit_id)
        tell(row.station_id, row.household_id)
