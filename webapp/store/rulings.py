"""What a person decides about a record that cannot be booked as it is: a row that is never changed, and told to the phone."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from webapp.kit import canonical, clock
from webapp.kit.refusal import Conflict as Stale
from webapp.kit.refusal import Forbidden, Refusal
from webapp.store import arrivals, audit, db, inbox
from webapp.store.arrivals import Conflict, Kept, Ruling

FIRST, BOTH = "first", "both"
DISMISSALS = {
    "twice": "站里看过了：这条记重了，不用记",
    "wrong": "站里看过了：这条记错了，不用记",
    "redone": "站里看过了：已经另外补记了",
    "trial": "站里看过了：是试着点的，不用记",
    "other": "站里看过了：这条不用记了",
}
"""Why a record need not be booked, and what its author is told."""
CHOICES = {FIRST: "站里看过了：只算先到的那份", BOTH: "站里看过了：两份都记上了"}


def judge_again(row: Kept, by: uuid.UUID) -> None:
    """Judge a held or waiting record once more. Refuses one's own, and what `inbox.apply_again` refuses."""
    _refuse_own(row, by)
    inbox.apply_again(row)


def dismiss(row: Kept, choice: str, words: str, by: uuid.UUID) -> None:
    """The record will not be booked: `choice` of DISMISSALS, with `words` of one's own. What waited for it goes on.

    Refuses one's own, and what is booked or decided on already.
    """
    _refuse_own(row, by)
    arrivals.in_turn(db.session(), row.chain)
    row = arrivals.locked(db.session(), row.seq)
    if row.final:
        raise Stale("settled", "别人刚看过这条，请看一下新的")
    at = _decide(row.id, row.hash, choice, words, by)
    row.settled_at, row.say = at, DISMISSALS[choice]
    db.session().flush()
    inbox.release(db.session(), row.id)


def choose(row: Kept, other: bytes, choice: str, words: str, by: uuid.UUID) -> Kept | None:
    """Of two contents under one id: only the first counts (FIRST), or both do (BOTH). `other`: hash of the second.

    With BOTH the second is recorded through the same verb under an id made of (id, hash), so that it is the same one
    however often it is told; the new row is returned. Refuses one's own and what is decided on already.
    """
    session = db.session()
    _refuse_own(row, by)
    row = arrivals.locked(session, row.seq)
    second = session.get(Conflict, (row.id, other))
    envelope = arrivals.opened(second) if second else None
    if second is None or envelope is None or second.settled_at is not None:
        raise Stale("settled", "别人刚看过这条，请看一下新的")
    if envelope["author"] == str(by):
        raise _own()
    second.settled_at, second.say = _decide(row.id, other, choice, words, by), CHOICES[choice]
    session.flush()
    row.twice = session.scalar(_open_seconds(row.id)) is not None
    return inbox.add(derived(envelope), row.courier_id) if choice == BOTH else None


def derived(envelope: dict[str, Any]) -> dict[str, Any]:
    """The second content as a record of its own. The server vouches for it: the phone's signature is of the first id."""
    own = uuid.uuid5(uuid.UUID(envelope["id"]), envelope["hash"])
    made = envelope | {"id": str(own), "sig": None}
    return made | {"hash": canonical.envelope_digest(made).hex()}


def _open_seconds(key: uuid.UUID) -> sa.Select[Any]:
    return sa.select(Conflict.hash).where(Conflict.id == key, Conflict.settled_at.is_(None)).limit(1)


def _decide(key: uuid.UUID, hashed: bytes, choice: str, words: str, by: uuid.UUID) -> datetime:
    at = clock.now()
    db.session().execute(sa.insert(Ruling), {"id": key, "hash": hashed, "choice": choice, "words": words, "by_id": by, "at": at})
    audit.note("inbox.rule", f"inbox:{key}", hash=hashed.hex(), choice=choice, words=words)
    return at


def _refuse_own(row: Kept, by: uuid.UUID) -> None:
    if row.author_id == by:
        raise _own()


def _own() -> Refusal:
    return Forbidden("own_record", "自己记的，要请别人来看")
