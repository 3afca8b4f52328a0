"""700 random tamperings of the audit log, each of one of seven kinds, are all named as what they are."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from webapp.kit import canonical, clock, ids
from webapp.store import audit, db, traits
from webapp.store.audit import GENESIS, Entry, Head, Link

KINDS = ("edit", "delete", "insert", "reorder", "truncate", "rewrite", "restore")
EACH = {"sqlite": 100, "postgresql": 10}
DEEDS = 12


@pytest.fixture
def chain(app: Flask) -> sa.Engine:
    """Some deeds, and nothing in a forger's way."""
    for n in range(DEEDS):
        with db.transaction():
            audit.note("test.deed", f"thing:{n}", number=n)
    db.undo()
    with db.database().engine.begin() as connection:
        traits.remove(connection)
    return db.database().engine


def links(connection: sa.Connection) -> list[Any]:
    return list(connection.execute(sa.select(Link.__table__).order_by(Link.seq)).all())


def relink(connection: sa.Connection, digests: list[bytes]) -> None:
    """Lay the whole chain anew over these digests, head included, as a forger with the whole database does."""
    connection.execute(sa.delete(Link.__table__))
    head, rows = GENESIS, []
    for seq, digest in enumerate(digests, 1):
        head = hashlib.sha256(head + digest).digest()
        rows.append({"seq": seq, "digest": digest, "head": head})
    connection.execute(sa.insert(Link.__table__), rows)
    connection.execute(sa.update(Head.__table__).values(seq=len(rows), digest=digests[-1], head=head))


def edit(connection: sa.Connection, draw: random.Random, all_: list[Any]) -> None:
    """Another word in an entry: its body, its verb, its actor or its time."""
    row = connection.execute(sa.select(Entry.__table__).where(Entry.digest == draw.choice(all_).digest)).one()
    what = draw.choice(("body", "verb", "actor_id", "at"))
    news = {"body": row.body.replace(":", ": ", 1), "verb": "test.lie", "actor_id": ids.new(), "at": clock.now()}[what]
    connection.execute(sa.update(Entry.__table__).where(Entry.id == row.id).values({what: news}))


def delete(connection: sa.Connection, draw: random.Random, all_: list[Any]) -> None:
    """An entry gone, or an entry with its link."""
    link = draw.choice(all_[:-1])
    connection.execute(sa.delete(Entry.__table__).where(Entry.digest == link.digest))
    if draw.random() < 0.5:
        connection.execute(sa.delete(Link.__table__).where(Link.seq == link.seq))


def insert(connection: sa.Connection, draw: random.Random, all_: list[Any]) -> None:
    """An entry that nobody made, linked to nothing."""
    _put(connection, draw)


def _put(connection: sa.Connection, draw: random.Random) -> bytes:
    key, at = ids.new(), clock.now()
    deed = {"verb": "test.lie", "on": f"thing:{draw.random()}", "household": None, "facts": {}}
    body = canonical.canonical({"id": str(key), "at": clock.to_wire(at), "actor": None, "courier": None, "deeds": [deed]})
    digest = hashlib.sha256(body).digest()
    row = {
        "id": key,
        "at": at,
        "actor_id": None,
        "verb": "test.lie",
        "household_id": None,
        "body": body.decode(),
        "digest": digest,
    }
    connection.execute(sa.insert(Entry.__table__), row)
    return digest


def reorder(connection: sa.Connection, draw: random.Random, all_: list[Any]) -> None:
    """Two deeds change places."""
    one, other = draw.sample(all_, 2)
    for seq, digest in ((one.seq, other.digest), (other.seq, one.digest)):
        connection.execute(sa.update(Link.__table__).where(Link.seq == seq).values(digest=digest))


def truncate(connection: sa.Connection, draw: random.Random, all_: list[Any]) -> None:
    """The newest deeds gone, with their entries."""
    _cut(connection, all_[-draw.randint(1, 5) :])


def restore(connection: sa.Connection, draw: random.Random, all_: list[Any]) -> None:
    """An older copy of the whole put in place: nothing in it is wrong, but a receipt knows more."""
    gone = all_[-draw.randint(1, 5) :]
    _cut(connection, gone)
    last = all_[-len(gone) - 1]
    connection.execute(sa.update(Head.__table__).values(seq=last.seq, digest=last.digest, head=last.head))


def _cut(connection: sa.Connection, gone: list[Any]) -> None:
    connection.execute(sa.delete(Link.__table__).where(Link.seq.in_([each.seq for each in gone])))
    connection.execute(sa.delete(Entry.__table__).where(Entry.digest.in_([each.digest for each in gone])))


def rewrite(connection: sa.Connection, draw: random.Random, all_: list[Any]) -> None:
    """A history of one's own with all digests and the head right: only somebody who remembers an old head can tell."""
    digests = [each.digest for each in all_]
    at = draw.randrange(len(digests))
    connection.execute(sa.delete(Entry.__table__).where(Entry.digest == digests[at]))
    digests[at] = _put(connection, draw)
    relink(connection, digests)


FORGERS = {
    "edit": edit, "delete": delete, "insert": insert, "reorder": reorder, "truncate": truncate, "rewrite": rewrite,
    "restore": restore,
}  # fmt: skip
NAMED = {
    "edit": {"altered"}, "delete": {"removed"}, "insert": {"inserted"}, "reorder": {"altered"}, "truncate": {"truncated"},
    "rewrite": {"rewritten"}, "restore": {"restored"},
}  # fmt: skip
BESIDE = {"delete": {"removed", "inserted"}, "rewrite": {"rewritten"}, "reorder": {"altered"}}
"""What may be said beside the name."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_tampering_is_named_as_what_it_is(app: Flask, chain: sa.Engine, kind: str) -> None:
    many = EACH[chain.dialect.name]
    wrong = []
    for seed in range(many):
        draw = random.Random(f"{kind}:{seed}")
        with chain.connect() as connection:
            transaction = connection.begin()
            all_ = links(connection)
            anchors = {all_[-1].seq: all_[-1].head}
            FORGERS[kind](connection, draw, all_)
            told = audit._wrongs(sa.orm.Session(connection), anchors)
            transaction.rollback()
        names = {each.split(":")[0] for each in told}
        if not NAMED[kind] <= names or not names <= NAMED[kind] | BESIDE.get(kind, set()):
            wrong.append((seed, told))
    assert wrong == []


def test_an_untouched_chain_has_no_name_for_anything(app: Flask, chain: sa.Engine) -> None:
    db.undo()
    assert audit.verify(db.reading()) == []
