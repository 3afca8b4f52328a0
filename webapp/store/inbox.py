"""The one way in for what people record: store first, judge after, answer with a receipt (docs/protocol.md).

Knows no feature: create_app registers the kinds (how to read a body, which verb applies it) and the finder of device keys.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as lite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.kit import canonical, clock
from webapp.kit.refusal import Busy, Refusal
from webapp.store import audit, db, files, secrets
from webapp.store.db import Base
from webapp.store.types import Instant, Serial, Uuid

log = structlog.get_logger()

RETRY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_CANTOPEN", "SQLITE_READONLY")
APPLIED, WAITING, QUARANTINED, CONFLICT = "applied", "waiting", "quarantined", "conflict"
SAYS = {
    APPLIED: "站里已收到",
    WAITING: "站里已收到，等前面一条到了再记上",
    CONFLICT: "同一条记了两样内容，站里会来问您",
}


class UnknownDevice(Exception):
    """The device is not ours or the signature is wrong: answered 403."""


class Kept(Base):
    """An envelope that arrived. `raw` is sealed with the row's own `key`, which retention deletes; the rest stays."""

    __tablename__ = "inbox"
    seq: Mapped[int] = mapped_column(Serial, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), unique=True)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    kind: Mapped[str] = mapped_column(sa.String(60))
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    courier_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    device_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    gen: Mapped[int | None]
    dseq: Mapped[int | None]
    chain: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    prev: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    made_at: Mapped[datetime] = mapped_column(Instant())
    received_at: Mapped[datetime] = mapped_column(Instant())
    state: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    say: Mapped[str | None] = mapped_column(sa.Text())
    key: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    raw: Mapped[bytes] = mapped_column(sa.LargeBinary())
    __table_args__ = (
        sa.Index("ix_inbox_device_id_gen_dseq", "device_id", "gen", "dseq"),
        sa.Index("ix_inbox_author_id_received_at", "author_id", "received_at"),
        sa.Index(
            "ix_inbox_waiting", "prev", sqlite_where=sa.text("state = 'waiting'"), postgresql_where=sa.text("state = 'waiting'")
        ),
        sa.Index(
            "ix_inbox_open",
            "author_id",
            sqlite_where=sa.text("state in ('waiting', 'quarantined', 'conflict')"),
            postgresql_where=sa.text("state in ('waiting', 'quarantined', 'conflict')"),
        ),
    )


class Conflict(Base):
    """A second content under a known id, kept so that both can be shown side by side."""

    __tablename__ = "inbox_conflict"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Instant())
    key: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    raw: Mapped[bytes] = mapped_column(sa.LargeBinary())


@dataclass(frozen=True)
class DeviceKey:
    """What delivery needs to know of a device: P-256 public point (base64url x, y), whose it is, when it was revoked."""

    x: str
    y: str
    account_id: uuid.UUID
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class Act:
    """One record on its way to its verb. Times are evidence: `at` is the best guess, never after receipt."""

    id: uuid.UUID
    kind: str
    author_id: uuid.UUID
    courier_id: uuid.UUID | None
    device_id: uuid.UUID | None
    chain: uuid.UUID | None
    made_at: datetime
    beacon_at: datetime | None
    received_at: datetime
    app: str
    photos: tuple[dict[str, Any], ...] = ()
    """[{field, sha256, size, type}] as the envelope names them."""

    @property
    def at(self) -> datetime:
        """When it happened: the phone's clock, held between the last beacon and receipt."""
        return max(min(self.made_at, self.received_at), self.beacon_at or self.made_at)

    @property
    def day(self) -> Any:
        """The household day of `at`."""
        return clock.day_of(self.at)

    @property
    def skew_s(self) -> int:
        """Seconds by which the phone's clock contradicts the server's bounds: above 0 ahead, below 0 behind."""
        if self.made_at > self.received_at:
            return int((self.made_at - self.received_at).total_seconds())
        if self.beacon_at and self.made_at < self.beacon_at:
            return -int((self.beacon_at - self.made_at).total_seconds())
        return 0

    def photo(self, name: str) -> list[str]:
        """Digests of the photos of one field."""
        return [each["sha256"] for each in self.photos if each["field"] == name]


@dataclass(frozen=True)
class Kind:
    """A kept form as the inbox sees it."""

    name: str
    schema: int
    read: Callable[[Mapping[str, Any]], Any]
    """Body → values; raises Refusal with one plain sentence."""
    apply: Callable[[Act, Any], str | None]
    """The feature's verb; returns a sentence for the receipt or nothing."""
    body: Mapping[str, Any]
    """JSON Schema of the body."""
    lift: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    """Older schema → the next newer one."""
    waits: bool = True
    """Whether it waits for its predecessor; visits.arrive never does."""


@dataclass(frozen=True)
class Receipt:
    """What the phone may believe."""

    id: uuid.UUID
    hash: str
    state: str
    seq: int
    epoch: uuid.UUID
    audit_head: str
    backup_seq: int
    at: datetime
    say: str
    new: bool

    def wire(self, translate: Callable[[str], str] = str) -> dict[str, Any]:
        """As JSON; `say` in the reader's language."""
        return {
            "id": str(self.id),
            "hash": self.hash,
            "state": self.state,
            "seq": self.seq,
            "epoch": str(self.epoch),
            "audit_head": self.audit_head,
            "backup_seq": self.backup_seq,
            "beacon": secrets.beacon(clock.now()),
            "at": clock.to_wire(self.at),
            "say": translate(self.say),
        }


class Registry:
    """The kinds and the key finder of one app."""

    def __init__(self, kinds: list[Kind], find_key: Callable[[uuid.UUID], DeviceKey | None]) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.find_key = find_key


def init_app(app: Flask, kinds: list[Kind], find_key: Callable[[uuid.UUID], DeviceKey | None]) -> None:
    """Hand the app's kinds and key finder to the inbox."""
    app.extensions["inbox"] = Registry(kinds, find_key)


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


def receive(envelope: dict[str, Any], device: DeviceKey | None, courier: uuid.UUID | None = None) -> Receipt:
    """Keep `envelope` and judge it, in one transaction; commits. Raises Busy when nothing could be kept.

    Told twice is harmless: the same id and hash get the same receipt with the current state.
    """
    try:
        return _once(envelope, device, courier, trust=True)
    except Refused:
        return _once(envelope, device, courier, trust=False)
    except (OSError, MemoryError) as error:
        db.undo()
        raise Busy("busy", "人太多，请等一下再试") from error
    except sa.exc.DBAPIError as error:
        db.undo()
        if _passing(error):
            raise Busy("busy", "人太多，请等一下再试") from error
        raise


class Refused(Exception):
    """COMMIT itself was refused because of the data."""


def _once(envelope: dict[str, Any], device: DeviceKey | None, courier: uuid.UUID | None, *, trust: bool) -> Receipt:
    session = db.session()
    received = clock.now()
    audit.by(session, uuid.UUID(envelope["author"]), courier)
    row = _keep(session, envelope, courier, received)
    if row is None:
        return _again(session, envelope, received)
    if envelope["photos"]:
        for photo in envelope["photos"]:
            files.want(photo["sha256"], photo["size"])
    state, reason, say = _judge(session, row, envelope, device, trust=trust)
    if (state, say) != (APPLIED, None):
        session.execute(sa.update(Kept).where(Kept.seq == row).values(state=state, reason=reason, say=say))
    if state != WAITING and envelope["chain"]:
        _release(session, uuid.UUID(envelope["id"]))
    audit.note("inbox.receive", f"inbox:{envelope['id']}", kind=envelope["kind"], state=state, reason=reason)
    try:
        db.commit(session)
    except sa.exc.IntegrityError as error:
        db.undo()
        raise Refused from error
    return _receipt(session.info["head"], envelope, state, row, received, say, new=True)


def _keep(session: Session, envelope: dict[str, Any], courier: uuid.UUID | None, received: datetime) -> int | None:
    """Insert the envelope; its seq, or None when the id is known. Never check-then-insert: two posts race."""
    key = os.urandom(32)
    insert = pg_insert if session.get_bind().dialect.name == "postgresql" else lite_insert
    values = {
        "id": uuid.UUID(envelope["id"]),
        "hash": bytes.fromhex(envelope["hash"]),
        "kind": envelope["kind"],
        "author_id": uuid.UUID(envelope["author"]),
        "courier_id": courier,
        "device_id": envelope["device"] and uuid.UUID(envelope["device"]),
        "gen": envelope["gen"],
        "dseq": envelope["dseq"],
        "chain": envelope["chain"] and uuid.UUID(envelope["chain"]),
        "prev": envelope["prev"] and uuid.UUID(envelope["prev"]),
        "made_at": clock.from_wire(envelope["made_at"]),
        "received_at": received,
        "state": APPLIED,
        "key": key,
        "raw": _sealed(envelope, key),
    }
    return session.scalar(insert(Kept).values(values).on_conflict_do_nothing(index_elements=["id"]).returning(Kept.seq))


def _sealed(envelope: dict[str, Any], key: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, json.dumps(envelope).encode(), envelope["id"].encode())


def opened(row: Kept | Conflict) -> dict[str, Any] | None:
    """The envelope as it arrived, or None once retention has thrown its key away."""
    if row.key is None:
        return None
    envelope: dict[str, Any] = json.loads(AESGCM(row.key).decrypt(row.raw[:12], row.raw[12:], str(row.id).encode()))
    return envelope


def _again(session: Session, envelope: dict[str, Any], received: datetime) -> Receipt:
    row = session.scalars(sa.select(Kept).where(Kept.id == uuid.UUID(envelope["id"]))).one()
    state, say = row.state, row.say
    if row.hash.hex() != envelope["hash"]:
        state, say = CONFLICT, None
        key = os.urandom(32)
        insert = pg_insert if session.get_bind().dialect.name == "postgresql" else lite_insert
        values = {
            "id": row.id,
            "hash": bytes.fromhex(envelope["hash"]),
            "received_at": received,
            "key": key,
            "raw": _sealed(envelope, key),
        }
        if session.execute(insert(Conflict).values(values).on_conflict_do_nothing()).rowcount:  # type: ignore[attr-defined]
            audit.note("inbox.conflict", f"inbox:{row.id}")
    db.commit(session)
    head = (
        session.info.get("head")
        or session.execute(sa.select(audit.Head.seq, audit.Head.head, audit.Head.epoch, audit.Head.backup_seq)).one()
    )
    return _receipt(head, envelope, state, row.seq, row.received_at, say, new=False)


def _judge(
    session: Session, seq: int, envelope: dict[str, Any], device: DeviceKey | None, *, trust: bool
) -> tuple[str, str | None, str | None]:
    kind = registry().kinds.get(envelope["kind"])
    prev = envelope["prev"]
    if not trust:
        return QUARANTINED, "refused_by_data", "这条先放在站里，站里会来问您"
    if canonical.poisoned(envelope["body"]) or canonical.poisoned(envelope["photos"]):
        return QUARANTINED, "poison", "这条里有看不懂的字，先放在站里"
    if device and str(device.account_id) != envelope["author"]:
        return QUARANTINED, "other_author", "这部手机不是本人的，先放在站里核对"
    if device and device.revoked_at:
        return QUARANTINED, "revoked_device", "这部手机已停用，先放在站里核对"
    if kind is None or envelope["schema"] > kind.schema:
        return QUARANTINED, "newer_app", "手机上的版本更新，先放在站里，过后会记上"
    if prev and kind.waits and session.scalar(sa.select(Kept.state).where(Kept.id == uuid.UUID(prev))) in (None, WAITING):
        return WAITING, None, None
    return _apply(session, kind, envelope)


def _apply(session: Session, kind: Kind, envelope: dict[str, Any]) -> tuple[str, str | None, str | None]:
    received = clock.now()
    act = Act(
        id=uuid.UUID(envelope["id"]),
        kind=envelope["kind"],
        author_id=uuid.UUID(envelope["author"]),
        courier_id=session.info.get("courier"),
        device_id=envelope["device"] and uuid.UUID(envelope["device"]),
        chain=envelope["chain"] and uuid.UUID(envelope["chain"]),
        made_at=clock.from_wire(envelope["made_at"]),
        beacon_at=secrets.beacon_time(envelope["beacon"]),
        received_at=received,
        app=envelope["app"],
        photos=tuple(envelope["photos"]),
    )
    deeds, told = list(session.info.get("deeds", ())), set(session.info.get("told", ()))
    try:
        with session.begin_nested():
            body = dict(envelope["body"])
            for version in range(envelope["schema"], kind.schema):
                body = kind.lift[version](body)
            say = kind.apply(act, kind.read(body))
            session.flush()
            if session.get_bind().dialect.name == "postgresql":
                session.execute(sa.text("set constraints all immediate"))
        return APPLIED, None, say
    except (OSError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, sa.exc.DBAPIError) and _passing(error):
            raise
        session.info["deeds"], session.info["told"] = deeds, told
        if isinstance(error, Refusal):
            return QUARANTINED, error.code, error.words()
        log.exception("inbox.bug", kind=kind.name, id=envelope["id"])
        return QUARANTINED, "bug", "这条先放在站里，站里会来问您"


def _passing(error: sa.exc.DBAPIError) -> bool:
    """Whether the trouble is the lock, the disk, the memory or the connection, and not this record."""
    if error.connection_invalidated or isinstance(error, sa.exc.InterfaceError):
        return True
    lite = getattr(error.orig, "sqlite_errorname", None)
    return str(lite).startswith(RETRY) if lite else isinstance(error, sa.exc.OperationalError)


def _release(session: Session, done: uuid.UUID) -> None:
    """Apply what waited for `done`, and what waited for that."""
    for row in session.scalars(sa.select(Kept).where(Kept.prev == done, Kept.state == WAITING)).all():
        envelope = opened(row)
        kind = registry().kinds.get(row.kind)
        if envelope and kind:
            row.state, row.reason, row.say = _apply(session, kind, envelope)
            session.flush()
            audit.note("inbox.release", f"inbox:{row.id}", kind=row.kind, state=row.state)
            _release(session, row.id)


def apply_again(row: Kept) -> None:
    """Judge a quarantined record once more after a person has mended what stood in its way."""
    session = db.session()
    envelope, kind = opened(row), registry().kinds.get(row.kind)
    if row.state != QUARANTINED or envelope is None or kind is None:
        raise Refusal("not_quarantined", "这条已经处理过了")
    row.state, row.reason, row.say = _apply(session, kind, envelope)
    audit.note("inbox.apply_again", f"inbox:{row.id}", state=row.state)
    _release(session, row.id)


def _receipt(head: Any, envelope: dict[str, Any], state: str, seq: int, at: datetime, say: str | None, *, new: bool) -> Receipt:
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
    )
