"""The audit log: a hash chain whose head is advanced by one UPDATE, the last statement before COMMIT.

Verbs call `note()`; at commit everything noted in the transaction becomes one entry. A trigger writes the link, so
that reading the head and moving it cannot be torn apart (lock-and-read forks the chain).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.functions import FunctionElement

from webapp.kit import canonical, clock, ids
from webapp.store import db
from webapp.store.db import Base
from webapp.store.traits import append_only, trigger
from webapp.store.types import Instant, Uuid


class Entry(Base):
    """What one transaction did. `body`: canonical JSON {id, at, actor, courier, deeds: [{verb, on, household, facts}]}."""

    __tablename__ = "audit_entry"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant())
    actor_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), index=True)
    verb: Mapped[str] = mapped_column(sa.String(60))
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), index=True)
    body: Mapped[str] = mapped_column(sa.Text())
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class Head(Base):
    """The one row that tells how far the chain reaches, which life of the database this is, and what is backed up."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(sa.Integer(), primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger())
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    head: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    epoch: Mapped[uuid.UUID] = mapped_column(Uuid())
    backup_seq: Mapped[int] = mapped_column(sa.BigInteger())
    backup_at: Mapped[datetime | None] = mapped_column(Instant())
    """When the newest backup was made."""


class Link(Base):
    """head[n] = SHA-256(head[n-1] ‖ digest[n])."""

    __tablename__ = "audit_link"
    seq: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    head: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


trigger(
    "audit_head_link",
    "audit_head",
    sqlite=(
        "create trigger audit_head_link after update on audit_head when new.seq > old.seq "
        "begin insert into audit_link (seq, digest, head) values (new.seq, new.digest, new.head); end"
    ),
    postgresql=(
        "create or replace function audit_head_link() returns trigger language plpgsql as "
        "$$ begin insert into audit_link (seq, digest, head) values (new.seq, new.digest, new.head); return null; end $$"
        "\n--\n"
        "create trigger audit_head_link after update on audit_head for each row when (new.seq > old.seq) "
        "execute function audit_head_link()"
    ),
)
append_only("audit_entry", "audit entries are never changed")
append_only("audit_link", "audit links are never changed")


class Chained(FunctionElement[bytes]):
    """SHA-256(head ‖ digest), computed in the database."""

    name = "chained"
    inherit_cache = True
    type = sa.LargeBinary()

    def __init__(self, head: Any, digest: Any) -> None:
        super().__init__(head, digest)


@compiles(Chained, "sqlite")
def _chained_sqlite(element: Chained, compiler: Any, **kwargs: Any) -> str:
    return f"chained({compiler.process(element.clauses, **kwargs)})"


@compiles(Chained, "postgresql")
def _chained_postgresql(element: Chained, compiler: Any, **kwargs: Any) -> str:
    head, digest = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"sha256({head} || {digest})"


_ENTRY, _HEAD = cast(sa.Table, Entry.__table__), cast(sa.Table, Head.__table__)
_LINKED = sa.bindparam("linked", type_=sa.LargeBinary())
_WRITE = sa.insert(_ENTRY)
_REACHED = sa.select(_HEAD.c.seq)
_ADVANCE = (
    sa.update(_HEAD)
    .values(seq=_HEAD.c.seq + 1, digest=_LINKED, head=Chained(_HEAD.c.head, _LINKED))
    .returning(_HEAD.c.seq, _HEAD.c.head, _HEAD.c.epoch, _HEAD.c.backup_seq)
)
GENESIS = hashlib.sha256(b"nuanchao").digest()


def begin_chain(connection: sa.Connection) -> None:
    """Put the head row in place if it is missing (a new database)."""
    if connection.scalar(sa.select(Head.id)) is None:
        connection.execute(sa.insert(Head).values(id=1, seq=0, digest=GENESIS, head=GENESIS, epoch=ids.new(), backup_seq=0))


def by(session: Session, actor: uuid.UUID | None, courier: uuid.UUID | None = None) -> None:
    """Say whose transaction this is: account ids of the author and of whoever carried it."""
    session.info["actor"], session.info["courier"] = actor, courier


def note(verb: str, on: object, household: uuid.UUID | None = None, **facts: Any) -> None:
    """Remember a deed for this transaction's entry. `on`: "table:id" or the row; facts: JSON, integers only, no secrets."""
    subject = on if isinstance(on, str) else f"{on.__tablename__}:{on.id}"  # type: ignore[attr-defined]
    deed = {"verb": verb, "on": subject, "household": household and str(household), "facts": _plain(facts)}
    db.session().info.setdefault("deeds", []).append(deed)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return clock.to_wire(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def seal(session: Session) -> None:
    """Write what was noted and advance the head. Called by the commit point, once, last. Returns nothing noted: nothing."""
    deeds = session.info.pop("deeds", None)
    if not deeds:
        return
    entry_id, at = ids.new(), clock.now()
    actor, courier = session.info.get("actor"), session.info.get("courier")
    body = canonical.canonical(
        {
            "id": str(entry_id),
            "at": clock.to_wire(at),
            "actor": actor and str(actor),
            "courier": courier and str(courier),
            "deeds": deeds,
        }
    )
    digest = hashlib.sha256(body).digest()
    household = deeds[0]["household"]
    line = db.line()
    line.execute(
        _WRITE,
        {
            "id": entry_id,
            "at": at,
            "actor_id": actor,
            "verb": deeds[0]["verb"],
            "household_id": household and uuid.UUID(household),
            "body": body.decode(),
            "digest": digest,
        },
    )
    session.info["head"] = line.execute(_ADVANCE, {"linked": digest}).one()


def reached() -> int:
    """How far the chain reaches: another number, and somebody has done something."""
    return int(db.session().scalar(_REACHED) or 0)


def verify(session: Session, anchors: dict[int, bytes] | None = None) -> list[str]:
    """What is wrong with the chain, in words: altered, removed, inserted, truncated, rewritten, restored. Empty when sound.

    `anchors`: heads known from receipts or backups, seq → head.
    """
    engine = session.get_bind().engine
    if engine.dialect.name != "postgresql":
        return _wrongs(session, anchors)
    with engine.connect() as connection:  # all of one moment, while others write
        return _wrongs(Session(connection.execution_options(isolation_level="REPEATABLE READ")), anchors)


def _wrongs(session: Session, anchors: dict[int, bytes] | None) -> list[str]:
    wrong: list[str] = []
    head, last, seen = GENESIS, 0, set()
    bodies = {e.digest: e for e in session.scalars(sa.select(Entry).execution_options(yield_per=1000))}
    for link in session.scalars(sa.select(Link).order_by(Link.seq)):
        if link.seq != last + 1:
            wrong.append(f"removed: links {last + 1} to {link.seq - 1}")
        expected = hashlib.sha256(head + link.digest).digest()
        if link.seq == last + 1 and expected != link.head:
            wrong.append(f"altered: link {link.seq}")
        if link.digest not in bodies:
            wrong.append(f"removed: entry of link {link.seq}")
        elif hashlib.sha256(bodies[link.digest].body.encode()).digest() != link.digest or not _agrees(bodies[link.digest]):
            wrong.append(f"altered: entry of link {link.seq}")
        if anchors and anchors.get(link.seq, link.head) != link.head:
            wrong.append(f"rewritten: link {link.seq} differs from its anchor")
        seen.add(link.digest)
        head, last = link.head, link.seq
    top = session.scalars(sa.select(Head)).one()
    if top.seq != last or top.head != head:
        wrong.append(f"truncated: the head says {top.seq}, the links end at {last}")
    elif anchors and max(anchors) > last:
        wrong.append(f"restored: an anchor says {max(anchors)}, and a sound chain ends at {last}: this is an older state")
    wrong += [f"inserted: entry {e.id}" for digest, e in bodies.items() if digest not in seen]
    return wrong


def _agrees(entry: Entry) -> bool:
    """Whether the columns beside the body say what the body says."""
    told = json.loads(entry.body)
    return bool(
        told["id"] == str(entry.id)
        and told["actor"] == (entry.actor_id and str(entry.actor_id))
        and told["at"] == clock.to_wire(entry.at)
        and told["deeds"][0]["verb"] == entry.verb
    )
