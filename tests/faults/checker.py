"""The checker: reads every phone's history and outbox and the database after the end, and names what must not be.

C1 what was acknowledged is stored exactly once, and its deed done exactly once, put aside or waiting. C2 what was made is
acknowledged or still on the phone. C3 nothing is there that nobody made. C4 stored is what was made, by whom it was made.
C5 money adds up to the fen. C6 inside a visit things happen in the order they were made. C7 the audit chain is sound, has
one line for each record, and every head in every receipt lies on it. C8 photos that arrived can be seen, and are those that
were taken. C9 nothing is shown as arrived without a receipt. C10 the counters' gaps are what was wiped. C11 nothing is
blocked: once the trouble is over every outbox empties, and nothing waits for what has come.
"""

from __future__ import annotations

import io
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests.faults.nemesis import Restore
from tests.faults.phones import Handset
from webapp.kit import canonical
from webapp.ledger.models import Book, Entry, Posting
from webapp.logs.models import Amendment, Log
from webapp.people import delivered
from webapp.store import audit, db, files, inbox
from webapp.store.files import Photo
from webapp.store.inbox import Conflict, Kept
from webapp.visits.models import Call, Visit

EXPECTED = {"no_visit", "newer_app"}
"""Reasons for which a record of these phones may be put aside. Anything else is ours to explain."""
MONEY = ("ledger.spend", "ledger.receive")
Key = tuple[str, str]


@dataclass(frozen=True)
class Finding:
    """Something that must not be: the rule, whose id, what was seen."""

    rule: str
    on: str
    seen: str

    def __str__(self) -> str:
        return f"{self.rule} {self.on}: {self.seen}"


@dataclass
class Facts:
    """All that is read, once, before judging."""

    phones: Sequence[Handset]
    restores: Sequence[Restore]
    made: dict[Key, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[Key, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    wiped: set[Key] = field(default_factory=set)
    kept: dict[str, Any] = field(default_factory=dict)
    """By id."""
    rows: Sequence[Any] = ()
    conflicts: set[Key] = field(default_factory=set)
    turns: dict[str, tuple[int, int]] = field(default_factory=dict)
    """When a record came to its final state: (number of the audit link, which deed in it)."""
    noted: Counter[str] = field(default_factory=Counter)

    def stored(self, key: Key) -> bool:
        """Whether this content is kept, as the record or beside it."""
        row = self.kept.get(key[0])
        return (row is not None and row.hash.hex() == key[1]) or key in self.conflicts

    def state(self, key: Key) -> str | None:
        """The state of the record with this id, if it has this content."""
        row = self.kept.get(key[0])
        return row.state if row is not None and row.hash.hex() == key[1] else None


def check(app: Flask, phones: Sequence[Handset], restores: Sequence[Restore] = ()) -> list[Finding]:
    """Every finding, at most twenty of a rule."""
    with app.app_context():
        facts = _read(phones, restores)
        rules = (_stored, _outbox, _strangers, _same, _money, _order, _audit, _photos, _shown, _counters, _blocked)
        found = [finding for rule in rules for finding in _first(rule(facts), 20)]
        db.undo()
    app.extensions["db"].engine.dispose()
    return found


def _first(found: Iterable[Finding], most: int) -> Iterator[Finding]:
    for n, finding in enumerate(found):
        if n == most:
            return
        yield finding


def _read(phones: Sequence[Handset], restores: Sequence[Restore]) -> Facts:
    facts, session = Facts(phones, restores), db.reading()
    for phone in phones:
        facts.made |= {(made["id"], made["hash"]): made for made in phone.history.made}
        facts.wiped |= phone.history.wiped
        for receipt in phone.history.receipts:
            facts.receipts[receipt["id"], receipt["hash"]].append(receipt)
    facts.rows = session.execute(sa.select(Kept.__table__)).all()
    facts.kept = {str(row.id): row for row in facts.rows}
    facts.conflicts = {(str(row.id), row.hash.hex()) for row in session.execute(sa.select(Conflict.id, Conflict.hash))}
    entries = dict(session.execute(sa.select(audit.Entry.digest, audit.Entry.body)).all())
    for link in session.execute(sa.select(audit.Link.seq, audit.Link.digest).order_by(audit.Link.seq)):
        for n, deed in enumerate(json.loads(entries.get(link.digest, '{"deeds":[]}'))["deeds"]):
            if deed["on"].startswith("inbox:") and deed["verb"] in ("inbox.receive", "inbox.release", "inbox.rejudge"):
                key = deed["on"].partition(":")[2]
                facts.noted[key] += deed["verb"] == "inbox.receive"
                if deed["facts"].get("state") != inbox.WAITING:
                    facts.turns.setdefault(key, (link.seq, n))
    return facts


# -- C1 to C4: what is there --


def _stored(facts: Facts) -> Iterator[Finding]:
    for key, receipts in facts.receipts.items():
        if not facts.stored(key):
            last = receipts[-1]
            yield Finding("C1", key[0], f"acknowledged as {last['state']} (seq {last['seq']}), not in the database")
    for key, times in Counter(str(row.id) for row in facts.rows).items():
        if times > 1:
            yield Finding("C1", key, f"stored {times} times")
    yield from _deeds(facts)


def _deeds(facts: Facts) -> Iterator[Finding]:
    """Applied means done, once; put aside or waiting means not done."""
    session = db.reading()
    done = Counter(str(key) for table in (Call, Entry) for key in session.scalars(sa.select(table.id)))
    written = Counter(str(key) for key in (*session.scalars(sa.select(Log.id)), *session.scalars(sa.select(Amendment.act_id))))
    for row in facts.rows:
        here = done if row.kind in (*MONEY, "visits.arrive", "visits.leave") else written if row.kind == "logs.write" else None
        if here is not None and (times := here[str(row.id)]) != (row.state == inbox.APPLIED):
            yield Finding("C1", str(row.id), f"{row.kind} is {row.state}, its deed is there {times} times")
        if row.state == inbox.QUARANTINED and row.reason not in EXPECTED:
            yield Finding("C1", str(row.id), f"{row.kind} put aside for no good reason: {row.reason}")
    arrived = {str(row.chain) for row in facts.rows if row.kind == "visits.arrive" and row.state == inbox.APPLIED}
    visits = {str(key) for key in session.scalars(sa.select(Visit.id))}
    for key in arrived ^ visits:
        yield Finding("C1", key, "arrived without a visit" if key in arrived else "a visit nobody arrived for")


def _outbox(facts: Facts) -> Iterator[Finding]:
    here = {(row.id, row.envelope["hash"]) for phone in facts.phones for row in phone.rows + phone.twins}
    for key, made in facts.made.items():
        if key not in facts.receipts and key not in here and key not in facts.wiped:
            yield Finding("C2", key[0], f"{made['kind']} was made, is not acknowledged and not on the phone")


def _strangers(facts: Facts) -> Iterator[Finding]:
    known = {key[0] for key in facts.made}
    for row in facts.rows:
        if str(row.id) not in known:
            yield Finding("C3", str(row.id), f"{row.kind} in the inbox, made by nobody")
    for table in (Call, Entry, Log):
        for key in db.reading().scalars(sa.select(table.id)):
            if str(key) not in known:
                yield Finding("C3", str(key), f"{table.__tablename__} made by nobody")


def _same(facts: Facts) -> Iterator[Finding]:
    booked = (sa.select(table.id, table.author_id) for table in (Entry, Call, Log))
    authors = {str(row.id): row.author_id for each in booked for row in db.reading().execute(each)}
    for row in facts.rows:
        key = (str(row.id), row.hash.hex())
        made, opened = facts.made.get(key), inbox.opened(row)
        if made is None and key[0] in {known[0] for known in facts.made}:
            yield Finding("C4", key[0], "stored with a hash nobody made")
        if made is None:
            continue
        if opened != made or canonical.envelope_digest(made).hex() != key[1]:
            yield Finding("C4", key[0], "what is stored is not what was made")
        if str(row.author_id) != made["author"] or authors.get(key[0], row.author_id) != row.author_id:
            yield Finding("C4", key[0], f"recorded by {made['author']}, booked on {authors.get(key[0], row.author_id)}")
    for (key, digest), made in facts.made.items():
        if key in facts.kept and (key, digest) in facts.receipts and not facts.stored((key, digest)):
            yield Finding("C4", key, f"{made['kind']} acknowledged with another content than the one that is stored")


# -- C5 money --


def _money(facts: Facts) -> Iterator[Finding]:
    session = db.reading()
    legs: dict[str, list[Any]] = defaultdict(list)
    for leg in session.execute(sa.select(Posting.entry_id, Posting.account, Posting.fen, Posting.book_id)):
        legs[str(leg.entry_id)].append(leg)
    entries = Counter(str(key) for key in session.scalars(sa.select(Entry.id)))
    wanted: Counter[tuple[str, str]] = Counter()
    for row in facts.rows:
        made = facts.made.get((str(row.id), row.hash.hex()))
        if made is None or row.kind not in MONEY or row.state != inbox.APPLIED:
            continue
        fen, source = made["body"]["amount_fen"], made["body"]["source"]
        signed = fen if row.kind == "ledger.receive" else -fen
        wanted[made["body"]["household"], source] += signed
        mine = legs.get(str(row.id), [])
        if entries[str(row.id)] != 1 or len(mine) < 2 or sum(leg.fen for leg in mine) != 0:
            yield Finding("C5", str(row.id), f"{entries[str(row.id)]} entries, postings {[leg.fen for leg in mine]}")
        elif not all(type(leg.fen) is int for leg in mine):
            yield Finding("C5", str(row.id), f"not whole fen: {[leg.fen for leg in mine]}")
        elif next((leg.fen for leg in mine if leg.account == source), None) != signed:
            yield Finding("C5", str(row.id), f"made {signed} fen on {source}, booked {[(leg.account, leg.fen) for leg in mine]}")
    yield from _balances(wanted, legs)


def _balances(wanted: Counter[tuple[str, str]], legs: dict[str, list[Any]]) -> Iterator[Finding]:
    summed: Counter[tuple[Any, str]] = Counter()
    for mine in legs.values():
        for leg in mine:
            summed[leg.book_id, leg.account] += leg.fen
    for book in db.reading().execute(sa.select(Book.__table__)):
        for source in ("cash", "advance", "wallet"):
            told = getattr(book, f"{source}_fen")
            three = (told, summed[book.id, source], wanted[str(book.household_id), source])
            if len(set(three)) > 1:
                yield Finding("C5", str(book.id), f"{source}: balance, sum of postings, sum of what was made: {three}")


# -- C6 order, C7 audit --


def _order(facts: Facts) -> Iterator[Finding]:
    for (key, digest), made in facts.made.items():
        prev = made["prev"]
        mine, before = facts.turns.get(key), facts.turns.get(prev or "")
        if prev is None or facts.state((key, digest)) in (None, inbox.WAITING) or mine is None or made["kind"] == "visits.arrive":
            continue
        if before is None or before > mine:
            yield Finding("C6", key, f"{made['kind']} was judged at {mine}, what was made before it at {before}")


def _audit(facts: Facts) -> Iterator[Finding]:
    anchors: dict[int, bytes] = {}
    reach = {restore.old_epoch: restore.head for restore in facts.restores}
    for phone in facts.phones:
        for receipt in phone.history.receipts:
            number, _, head = receipt["audit_head"].partition(":")
            if int(number) > _reach(receipt["epoch"], facts.restores):
                continue  # the restore went back behind it
            if anchors.setdefault(int(number), bytes.fromhex(head)) != bytes.fromhex(head):
                yield Finding("C7", receipt["id"], f"two receipts tell two heads {number}")
    for wrong in audit.verify(db.reading(), anchors):
        yield Finding("C7", "chain", wrong)
    for row in facts.rows:
        if facts.noted[str(row.id)] != 1:
            yield Finding("C7", str(row.id), f"the audit log has {facts.noted[str(row.id)]} lines for its arrival")
        if row.state != inbox.WAITING and str(row.id) not in facts.turns:
            yield Finding("C7", str(row.id), f"it is {row.state}, and no line says so")
    epochs = {receipt["epoch"] for phone in facts.phones for receipt in phone.history.receipts}
    for epoch in epochs - set(reach) - {str(db.reading().scalar(sa.select(audit.Head.epoch)))}:
        yield Finding("C7", epoch, "receipts of a life of the database that nobody knows")


def _reach(epoch: str, restores: Sequence[Restore]) -> float:
    """How far heads told in an epoch still stand after the restores that followed it."""
    lives = [restore.old_epoch for restore in restores]
    later = restores[lives.index(epoch) :] if epoch in lives else ()
    return min((restore.head for restore in later), default=float("inf"))


# -- C8 to C11: what the phone believes --


def _photos(facts: Facts) -> Iterator[Finding]:
    rows = {row.sha256: row for row in db.reading().execute(sa.select(Photo.__table__))}
    for phone in facts.phones:
        alive = set(phone.photos)
        for sha256 in phone.history.pictures_sent:
            row = rows.get(sha256)
            if row is None and sha256 not in alive and facts.restores:
                continue
            if row is None or row.done_at is None or row.refused:
                yield Finding("C8", sha256, f"delivered, but {'unknown' if row is None else row.refused or 'never finished'}")
            elif (unlike := _unlike(sha256, phone.history.pictures[sha256])) is not None:
                yield Finding("C8", sha256, unlike)


def _unlike(sha256: str, taken: bytes) -> str | None:
    """What is wrong with the picture that is shown, or nothing."""
    path = files.path(sha256)
    if not path.exists():
        return "delivered, but no file is there"
    try:
        with Image.open(path) as shown, Image.open(io.BytesIO(taken)) as original:
            sizes = shown.size, original.size
            pair = [each.convert("RGB").resize((8, 8)).tobytes() for each in (shown, original)]
    except OSError as error:
        return f"the file is no picture: {error}"
    off = max(abs(a - b) for a, b in zip(*pair, strict=True))
    return None if sizes[0] == sizes[1] and off < 40 else f"another picture than was taken (off by {off}, sizes {sizes})"


def _shown(facts: Facts) -> Iterator[Finding]:
    for phone in facts.phones:
        for key in phone.history.shown_sent - set(facts.receipts):
            yield Finding("C9", key[0], "shown as arrived, no receipt ever came")
        for row in phone.rows + phone.twins:
            if row.state in ("delivered", "waiting") and row.receipt is None:
                yield Finding("C9", row.id, f"the outbox says {row.state} without a receipt")


def _counters(facts: Facts) -> Iterator[Finding]:
    here: dict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    for row in facts.rows:
        if row.device_id is not None:
            here[str(row.device_id), row.gen][row.dseq] += 1
    made: dict[tuple[str, int], dict[int, set[Key]]] = defaultdict(lambda: defaultdict(set))
    for key, envelope in facts.made.items():
        made[envelope["device"], envelope["gen"]][envelope["dseq"]].add(key)
    for device, numbers in made.items():
        for number, keys in numbers.items():
            if len({key[0] for key in keys}) > 1:
                yield Finding("C10", f"{device[0]}:{number}", "one number for two records")
            elif not here[device][number] and not keys & facts.wiped and keys & set(facts.receipts):
                yield Finding("C10", f"{device[0]}:{number}", "the number is missing, and nobody wiped it")
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield Finding("C10", device[0], "the phone itself left numbers out")
    yield from _reported(facts, here)


def _reported(facts: Facts, here: dict[tuple[str, int], Counter[int]]) -> Iterator[Finding]:
    """The station's own list of missing numbers names exactly the gaps (it looks back 500 records)."""
    gaps: dict[uuid.UUID, list[int]] = {}
    for (device, _gen), numbers in here.items():
        if numbers and max(numbers) <= delivered.LOOK_BACK:
            gaps[uuid.UUID(device)] = [n for n in range(1, max(numbers) + 1) if not numbers[n]]
    for key, told in delivered.delivered(list(gaps)).items():
        named = [n for since, to in told.missing for n in range(since, to + 1)]
        if named != gaps[key]:
            yield Finding("C10", str(key), f"missing are {gaps[key]}, the station is told {named}")


def _blocked(facts: Facts) -> Iterator[Finding]:
    for phone in facts.phones:
        for row in phone.unsent:
            if row.state != "waiting":
                yield Finding("C11", row.id, f"{row.envelope['kind']} still {row.state} {row.why} after {row.tries} tries")
        for sha256 in phone.unsent_photos:
            yield Finding("C11", sha256, f"photo still {phone.photos[sha256].state}")
    lost = {key[0] for key in facts.wiped}
    for row in facts.rows:
        before = facts.kept.get(str(row.prev))
        if row.state == inbox.WAITING and before is not None and before.state != inbox.WAITING:
            yield Finding("C11", str(row.id), f"{row.kind} waits for {row.prev}, which is {before.state}")
        elif row.state == inbox.WAITING and before is None and str(row.prev) not in lost:
            yield Finding("C11", str(row.id), f"{row.kind} waits for {row.prev}, which is not there")
