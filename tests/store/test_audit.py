"""The chain names what was done to it."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa
from flask import Flask

from webapp.kit import ids
from webapp.store import audit, db, traits
from webapp.store.audit import GENESIS, Entry, Head, Link


@pytest.fixture(autouse=True)
def chain(app: Flask) -> None:
    """Five deeds on top of what the cast has done."""
    for n in range(5):
        with db.transaction():
            audit.note("test.deed", f"thing:{n}", number=n)


def wrong(**more) -> list[str]:
    db.undo()
    return audit.verify(db.reading(), **more)


def forge(statement: sa.Executable, values=None) -> None:
    """What somebody with the whole database may do: the triggers are in nobody's way."""
    db.undo()
    with db.database().engine.begin() as connection:
        traits.remove(connection)
        connection.execute(statement, values) if values else connection.execute(statement)


def newest() -> Link:
    return db.reading().scalars(sa.select(Link).order_by(Link.seq.desc()).limit(1)).one()


def entry_of(link: Link) -> Entry:
    return db.reading().scalars(sa.select(Entry).where(Entry.digest == link.digest)).one()


def test_an_honest_chain_is_sound() -> None:
    assert wrong() == []
    link = newest()
    assert wrong(anchors={link.seq: link.head}) == []


@pytest.mark.parametrize(
    "values",
    [{"body": "{}"}, {"verb": "test.other"}, {"actor_id": ids.new()}],
    ids=["body", "verb", "actor"],
)
def test_an_altered_entry_is_named(values) -> None:
    entry = entry_of(newest())
    if "body" in values:
        values = {"body": entry.body.replace("thing:4", "thing:9")}
    forge(sa.update(Entry).where(Entry.id == entry.id).values(**values))
    assert [each.split(":")[0] for each in wrong()] == ["altered"]


def test_a_removed_entry_is_named() -> None:
    forge(sa.delete(Entry).where(Entry.id == entry_of(newest()).id))
    assert [each.split(":")[0] for each in wrong()] == ["removed"]


def test_a_removed_link_is_named() -> None:
    top = newest().seq
    forge(sa.delete(Link).where(Link.seq == top - 2))
    told = wrong()
    assert f"removed: links {top - 2} to {top - 2}" in told
    assert any(each.startswith("inserted") for each in told)  # its entry now hangs in the air


def test_an_inserted_entry_is_named() -> None:
    entry = entry_of(newest())
    facts = {"id": ids.new(), "at": entry.at, "verb": "test.lie", "body": "{}", "digest": hashlib.sha256(b"{}").digest()}
    forge(sa.insert(Entry), facts)
    assert [each.split(":")[0] for each in wrong()] == ["inserted"]


def test_a_truncated_chain_is_named_by_its_head_and_an_older_state_by_an_anchor() -> None:
    last = newest()
    anchors = {last.seq: last.head}
    digest = entry_of(last).digest
    forge(sa.delete(Link).where(Link.seq == last.seq))
    forge(sa.delete(Entry).where(Entry.digest == digest))
    assert any("the head says" in each for each in wrong())
    top = newest()
    forge(sa.update(Head).values(seq=top.seq, head=top.head, digest=top.digest))
    assert wrong() == []  # a forger with the whole database is consistent ...
    assert [each.split(":")[0] for each in wrong(anchors=anchors)] == ["restored"]  # ... but a receipt remembers


def test_a_chain_written_anew_is_named_by_an_anchor() -> None:
    links = db.reading().scalars(sa.select(Link).order_by(Link.seq)).all()
    anchors = {links[-1].seq: links[-1].head}
    first = entry_of(links[0])
    told = first.body[:-1] + ',"z":1}'
    digests = [hashlib.sha256(told.encode()).digest(), *[link.digest for link in links[1:]]]
    forge(sa.update(Entry).where(Entry.id == first.id).values(body=told, digest=digests[0]))
    head = GENESIS
    for link, digest in zip(links, digests, strict=True):
        head = hashlib.sha256(head + digest).digest()
        forge(sa.update(Link).where(Link.seq == link.seq).values(digest=digest, head=head))
    forge(sa.update(Head).values(head=head, digest=digests[-1]))
    assert wrong() == []
    assert [each.split(":")[0] for each in wrong(anchors=anchors)] == ["rewritten"]


def test_a_transaction_is_one_entry_with_all_its_deeds_and_nothing_noted_is_none() -> None:
    before = newest().seq
    with db.transaction():
        audit.note("test.first", "thing:a")
        audit.note("test.second", "thing:b", at=None, many=(1, "x"))
    with db.transaction() as session:
        session.execute(sa.select(1))
    db.undo()
    assert newest().seq == before + 1
    entry = entry_of(newest())
    assert entry.verb == "test.first" and '"test.second"' in entry.body and '"many":[1,"x"]' in entry.body


def test_what_is_rolled_back_is_not_told() -> None:
    before = newest().seq
    db.undo()
    audit.note("test.deed", "thing:x")
    db.undo()
    assert newest().seq == before
