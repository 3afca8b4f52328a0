"""The one way in for what people record: store first, judge after, answer with a receipt (docs/protocol.md).

Knows no feature: create_app registers the kinds (how to read a body, which verb applies it) and the finder of device keys.
"""

from __future__ import annotations

import base64
import binascii
import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, cast

import sqlalchemy as sa
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from flask import Flask, current_app
from sqlalchemy.orm import Session

from webapp.kit import canonical, clock
from webapp.kit.refusal import Busy, Refusal
from webapp.store import arrivals, audit, db, files, secrets, seen
from webapp.store.acts import Act as Act
from webapp.store.acts import Arrival, Told
from webapp.store.acts import DeviceKey as DeviceKey
from webapp.store.acts import Kind as Kind
from webapp.store.acts import Receipt as Receipt
from webapp.store.arrivals import APPLIED as APPLIED
from webapp.store.arrivals import CONFLICT as CONFLICT
from webapp.store.arrivals import QUARANTINED as QUARANTINED
from webapp.store.arrivals import WAITING as WAITING
from webapp.store.arrivals import Conflict as Conflict
from webapp.store.arrivals import Kept as Kept
from webapp.store.arrivals import opened as opened
from webapp.store.types import Uuid

log = structlog.get_logger()
NOTHING = Told()

RETRY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_CANTOPEN", "SQLITE_READONLY")
SAYS = {
    APPLIED: "站里已收到",
    WAITING: "站里已收到，等前面一条到了再记上",
    CONFLICT: "同一条记了两样内容，站里会来问您",
}


KEPT = cast(sa.Table, Kept.__table__)
_WAITS = (
    sa.select(Kept)
    .where(Kept.prev == sa.bindparam("done", type_=Uuid()), Kept.state == WAITING, Kept.settled_at.is_(None))
    .execution_options(populate_existing=True)
)


class UnknownDevice(Exception):
    """The device is not ours or the signature is wrong: answered 403."""


FindKey = Callable[[uuid.UUID], DeviceKey | None]
Hear = Callable[[uuid.UUID, Told], None]


class Registry:
    """The kinds of one app, its key finder, and who writes down what a device tells of itself."""

    def __init__(self, kinds: list[Kind], find_key: FindKey, hear: Hear) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.find_key = find_key
        self.hear = hear


def init_app(app: Flask, kinds: list[Kind], find_key: FindKey, hear: Hear = lambda _device, _told: None) -> None:
    """Hand the app's kinds, key finder and listener to the inbox."""
    app.extensions["inbox"] = Registry(kinds, find_key, hear)


def registry() -> Registry:
    """The current app's kinds and key finder."""
    found: Registry = current_app.extensions["inbox"]
    return found


def authorise(envelope: Mapping[str, Any]) -> DeviceKey:
    """The key that signed `envelope`. Raises UnknownDevice."""
    device = envelope["device"] and registry().find_key(uuid.UUID(envelope["device"]))
    if not device or not envelope["sig"]:
        raise UnknownDevice("device")
    try:
        raw = base64.urlsafe_b64decode(envelope["sig"] + "==")
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        message = bytes.fromhex(envelope["hash"])
        _point(device.x, device.y).verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise UnknownDevice("signature") from error
    return device


@lru_cache(maxsize=4096)
def _point(x: str, y: str) -> ec.EllipticCurvePublicKey:
    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=="), "big")

    return ec.EllipticCurvePublicNumbers(number(x), number(y), ec.SECP256R1()).public_key()


def plain(
    kind: str, body: dict[str, Any], photos: list[dict[str, Any]], *, author: uuid.UUID, key: uuid.UUID, made_at: datetime
) -> dict[str, Any]:
    """The envelope of a form posted without our scripts: no device, no signature; `key` and `made_at` were signed at GET."""
    made = registry().kinds[kind]
    envelope: dict[str, Any] = {
        "v": 1, "id": str(key), "kind": kind, "schema": made.schema, "app": "plain", "author": str(author),
        "device": None, "gen": None, "dseq": None, "chain": None, "prev": None, "made_at": clock.to_wire(made_at),
        "mono_ms": None, "beacon": None, "body": body, "photos": photos, "sig": None,
    }  # fmt: skip
    envelope["hash"] = canonical.envelope_digest(envelope).hex()
    return envelope


def receive(
    envelope: dict[str, Any], device: DeviceKey | None, courier: uuid.UUID | None = None, told: Told = NOTHING
) -> Receipt:
    """Keep `envelope` and judge it, in one transaction; commits. Raises Busy when nothing could be kept.

    Told twice is harmless: the same id and hash get the same receipt with the current state. `told`: what the phone tells
    of itself beside it.
    """
    verdict: Verdict | None = None
    again = False
    try:
        while True:
            try:
                return _once(envelope, device, courier, told, verdict)
            except Judged as judged:
                db.undo()
                first = isinstance(judged.__cause__, sa.exc.DBAPIError) and db.elsewhere(judged.__cause__)
                if again or not first:
                    verdict = judged.verdict
                again = again or first
            except sa.exc.OperationalError as error:
                if again or not seen.overtaken(error):
                    raise
                db.undo()
                again = True
    except (OSError, MemoryError) as error:
        db.undo()
        raise Busy("busy", "人太多，请等一下再试") from error
    except (sa.exc.DBAPIError, sa.exc.PendingRollbackError) as error:
        db.undo()
        if _from_passing(error):
            raise Busy("busy", "人太多，请等一下再试") from error
        raise


Verdict = tuple[str, str | None, str | None]
"""State, reason, sentence."""


class Judged(Exception):
    """What was written in this transaction cannot stay: it is begun anew, and keeps the record with `verdict`."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def _once(
    envelope: dict[str, Any], device: DeviceKey | None, courier: uuid.UUID | None, told: Told, verdict: Verdict | None
) -> Receipt:
    values = _read_ahead(envelope)
    session = db.session()
    alone = not session.in_transaction()
    received = clock.now()
    came = Arrival(courier, received, told.off_s)
    audit.by(session, uuid.UUID(envelope["author"]), courier)
    if device and told.news_of(device):
        registry().hear(uuid.UUID(envelope["device"]), told)
    arrivals.in_turn(session, envelope["chain"] and uuid.UUID(envelope["chain"]))
    row = _keep(session, envelope, came)
    if row is None:
        return _again(session, envelope, received)
    state, say = _take(session, row, envelope, device, came, verdict, alone=alone, values=values)
    try:
        db.commit(session)
    except sa.exc.IntegrityError as error:
        if verdict:
            raise
        raise Judged((QUARANTINED, "refused_by_data", "这条先放在站里，站里会来问您")) from error
    return _receipt(session.info["head"], envelope, state, row.seq, received, say, new=True, final=state == APPLIED)


def _read_ahead(envelope: dict[str, Any]) -> Any:
    """What the body says, read before the transaction begins, for which others wait. None: to be read where it is judged."""
    kind = registry().kinds.get(envelope["kind"])
    if kind is None or envelope["schema"] > kind.schema:
        return None
    try:
        return kind.read(lifted(kind, envelope))
    except Exception:  # the judge will meet it again, and says so
        return None


def _take(
    session: Session,
    row: Any,
    envelope: dict[str, Any],
    device: DeviceKey | None,
    came: Arrival,
    verdict: Verdict | None = None,
    *,
    alone: bool = False,
    values: Any = None,
) -> tuple[str, str | None]:
    """Judge what was just kept as `row`, and let go what waited for it. Its state and sentence.

    `alone`: see `_apply`; `values`: what `_read_ahead` found.
    """
    for photo in envelope["photos"]:
        files.want(photo["sha256"], photo["size"])
    state, reason, say = verdict or _judge(session, row, envelope, device, came, alone=alone, values=values)
    if (state, say) != (APPLIED, None):
        session.execute(sa.update(Kept).where(Kept.seq == row.seq).values(state=state, reason=reason, say=say))
    audit.note("inbox.receive", f"inbox:{envelope['id']}", kind=envelope["kind"], state=state, reason=reason)
    if state != WAITING and row.awaited:
        release(session, uuid.UUID(envelope["id"]))
    return state, say


def add(envelope: dict[str, Any], courier: uuid.UUID | None) -> Kept:
    """Keep and judge an envelope the server itself made of one that arrived, inside the caller's transaction."""
    session, came = db.session(), Arrival(courier, clock.now())
    row = _keep(session, envelope, came)
    if row is not None:
        _take(session, row, envelope, None, came)
    return session.scalars(sa.select(Kept).where(Kept.id == uuid.UUID(envelope["id"]))).one()


def _keep(session: Session, envelope: dict[str, Any], came: Arrival) -> Any:
    """Insert the envelope; None when the id is known. Never check-then-insert: two posts race.

    Else its `seq`, whether the act before it has `ended` (is here, and waits no more), and whether others have `awaited` it.
    """
    key = os.urandom(32)
    values = {
        "id": uuid.UUID(envelope["id"]),
        "hash": bytes.fromhex(envelope["hash"]),
        "kind": envelope["kind"],
        "author_id": uuid.UUID(envelope["author"]),
        "courier_id": came.courier_id,
        "device_id": envelope["device"] and uuid.UUID(envelope["device"]),
        "gen": envelope["gen"],
        "dseq": envelope["dseq"],
        "chain": envelope["chain"] and uuid.UUID(envelope["chain"]),
        "prev": envelope["prev"] and uuid.UUID(envelope["prev"]),
        "made_at": clock.from_wire(envelope["made_at"]),
        "received_at": came.received_at,
        "off_s": came.off_s,
        "state": APPLIED,
        "twice": False,
        "key": key,
        "raw": arrivals.sealed(envelope, key),
    }
    return db.line().execute(_keeping(session.get_bind().dialect.name, **ASKED), values).first()


@cache
def _keeping(dialect: str, **asked: str) -> Any:
    """The statement that keeps an envelope, made once: to make it costs more than to run it."""
    made = db.insert(KEPT, dialect).on_conflict_do_nothing(index_elements=["id"])
    answers = (sa.literal_column(f"exists ({ask})", sa.Boolean()).label(name) for name, ask in asked.items())
    return made.returning(KEPT.c.seq, *answers)


ASKED = {
    "ended": "select 1 from inbox b where b.id = inbox.prev and (b.state <> 'waiting' or b.settled_at is not null)",
    "awaited": "select 1 from inbox a where a.prev = inbox.id and a.state = 'waiting' and a.settled_at is null",
}
"""What is asked of every record in the breath that keeps it: of the one before it, and of those after it."""


def _again(session: Session, envelope: dict[str, Any], received: datetime) -> Receipt:
    row = session.scalars(sa.select(Kept).where(Kept.id == uuid.UUID(envelope["id"]))).one()
    state, say, final = row.state, row.say, row.final
    if row.hash.hex() != envelope["hash"]:
        state, (say, final) = CONFLICT, _beside(session, row, envelope, received)
    db.commit(session)
    head = (
        session.info.get("head")
        or session.execute(sa.select(audit.Head.seq, audit.Head.head, audit.Head.epoch, audit.Head.backup_seq)).one()
    )
    return _receipt(head, envelope, state, row.seq, row.received_at, say, new=False, final=final)


def _beside(session: Session, row: Kept, envelope: dict[str, Any], received: datetime) -> tuple[str | None, bool]:
    """Keep another content beside the first; what was decided about it, and whether anything was."""
    key = os.urandom(32)
    values = {
        "id": row.id,
        "hash": bytes.fromhex(envelope["hash"]),
        "received_at": received,
        "device_id": envelope["device"] and uuid.UUID(envelope["device"]),
        "gen": envelope["gen"],
        "dseq": envelope["dseq"],
        "key": key,
        "raw": arrivals.sealed(envelope, key),
    }
    if session.scalar(db.insert(Conflict).values(values).on_conflict_do_nothing().returning(Conflict.hash)) is not None:
        session.execute(sa.update(Kept).where(Kept.seq == row.seq).values(twice=True))
        for photo in envelope["photos"]:
            files.want(photo["sha256"], photo["size"])
        audit.note("inbox.conflict", f"inbox:{row.id}")
        return None, False
    mine = sa.and_(Conflict.id == row.id, Conflict.hash == values["hash"])
    told = session.execute(sa.select(Conflict.say, Conflict.settled_at).where(mine)).one()
    return told.say, told.settled_at is not None


def _judge(
    session: Session,
    row: Any,
    envelope: dict[str, Any],
    device: DeviceKey | None,
    came: Arrival,
    *,
    alone: bool,
    values: Any,
) -> Verdict:
    kind = registry().kinds.get(envelope["kind"])
    if canonical.poisoned(envelope["body"]) or canonical.poisoned(envelope["photos"]):
        return QUARANTINED, "poison", "这条里有看不懂的字，先放在站里"
    if device and str(device.account_id) != envelope["author"]:
        return QUARANTINED, "other_author", "这部手机不是本人的，先放在站里核对"
    if device and device.revoked_at:
        return QUARANTINED, "revoked_device", "这部手机已停用，先放在站里核对"
    if kind is None or envelope["schema"] > kind.schema:
        return QUARANTINED, "newer_app", "手机上的版本更新，先放在站里，过后会记上"
    if envelope["prev"] and kind.waits and not row.ended:
        return WAITING, None, None
    return _apply(session, kind, envelope, came, alone=alone, values=values)


def lifted(kind: Kind, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The body as the kind's present schema has it."""
    body = dict(envelope["body"])
    for version in range(envelope["schema"], kind.schema):
        body = kind.lift[version](body)
    return body


def _apply(
    session: Session, kind: Kind, envelope: dict[str, Any], came: Arrival | Kept, *, alone: bool = False, values: Any = None
) -> Verdict:
    """Let the verb do it. What it refuses leaves no trace: where the transaction is this record's `alone` it is begun
    anew (raises Judged), which spares all others a savepoint; else only the verb's part is taken back.
    """
    act = Act(
        id=uuid.UUID(envelope["id"]),
        kind=envelope["kind"],
        author_id=uuid.UUID(envelope["author"]),
        courier_id=came.courier_id,
        device_id=envelope["device"] and uuid.UUID(envelope["device"]),
        chain=envelope["chain"] and uuid.UUID(envelope["chain"]),
        made_at=clock.from_wire(envelope["made_at"]),
        beacon_at=secrets.beacon_time(envelope["beacon"]),
        received_at=came.received_at,
        off_s=came.off_s,
        app=envelope["app"],
        photos=tuple(envelope["photos"]),
    )
    deeds, told = list(session.info.get("deeds", ())), set(session.info.get("told", ()))
    try:
        with nullcontext() if alone else session.begin_nested():
            say = kind.apply(act, kind.read(lifted(kind, envelope)) if values is None else values)
            session.flush()
            if not alone and session.get_bind().dialect.name == "postgresql":
                session.execute(sa.text("set constraints all immediate"))
        return APPLIED, None, say
    except (OSError, MemoryError):
        raise
    except Exception as error:
        if _from_passing(error):
            raise
        verdict = QUARANTINED, "bug", "这条先放在站里，站里会来问您"
        if isinstance(error, Refusal):
            verdict = QUARANTINED, error.code, error.words()
        else:
            log.exception("inbox.bug", kind=kind.name, id=envelope["id"])
        if alone:
            raise Judged(verdict) from error
        session.info["deeds"], session.info["told"] = deeds, told
        session.info.pop("held", None)  # the savepoint let go of them
        return verdict


def _from_passing(error: BaseException | None) -> bool:
    """Whether passing trouble is at the root of it: a full disk takes SQLite's savepoint away, and that is what is told."""
    while error is not None:
        if isinstance(error, sa.exc.DBAPIError) and _passing(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _passing(error: sa.exc.DBAPIError) -> bool:
    """Whether the trouble is the lock, the disk, the memory or the connection, and not this record."""
    if error.connection_invalidated or isinstance(error, sa.exc.InterfaceError):
        return True
    lite = getattr(error.orig, "sqlite_errorname", None)
    return str(lite).startswith(RETRY) if lite else isinstance(error, sa.exc.OperationalError)


def release(session: Session, done: uuid.UUID) -> None:
    """Apply what waited for `done`, and what waited for that."""
    for row in session.scalars(_WAITS, {"done": done}).all():
        envelope = opened(row)
        kind = registry().kinds.get(row.kind)
        if envelope and kind:
            row.state, row.reason, row.say = _apply(session, kind, envelope, row)
            session.flush()
            audit.note("inbox.release", f"inbox:{row.id}", kind=row.kind, state=row.state)
            release(session, row.id)


def apply_again(row: Kept) -> None:
    """Judge a held or waiting record once more after a person has mended what stood in its way.

    Refuses what is booked or decided on, and what this version of the server cannot read.
    """
    session = db.session()
    arrivals.in_turn(session, row.chain)
    row = arrivals.locked(session, row.seq)
    envelope, kind = opened(row), registry().kinds.get(row.kind)
    if row.final or envelope is None:
        raise Refusal("not_quarantined", "这条已经处理过了")
    if kind is None or envelope["schema"] > kind.schema:
        raise Refusal("newer_app", "这里还读不懂这一种，等系统更新以后再来")
    if canonical.poisoned(envelope["body"]) or canonical.poisoned(envelope["photos"]):
        raise Refusal("poison", "里面有看不懂的字，记不上。请让本人重新记一条")
    row.state, row.reason, row.say = _apply(session, kind, envelope, row)
    audit.note("inbox.apply_again", f"inbox:{row.id}", state=row.state)
    release(session, row.id)


def chain_again(chain: uuid.UUID) -> None:
    """Judge what is held of a visit once more, in order: its beginning has found its place."""
    held = sa.select(Kept).where(Kept.chain == chain, Kept.state == QUARANTINED, Kept.settled_at.is_(None)).order_by(Kept.seq)
    for row in db.session().scalars(held).all():
        with suppress(Refusal):  # what this server cannot read goes on waiting for a person
            apply_again(row)


def _receipt(
    head: Any, envelope: dict[str, Any], state: str, seq: int, at: datetime, say: str | None, *, new: bool, final: bool
) -> Receipt:
    return Receipt(
        id=uuid.UUID(envelope["id"]),
        hash=envelope["hash"],
        state=state,
        seq=seq,
        epoch=head.epoch,
        audit_head=f"{head.seq}:{head.head.hex()}",
        backup_seq=head.backup_seq,
        at=at,
        say=say or SAYS.get(state, SAYS[APPLIED]),
        new=new,
        final=final,
    )
