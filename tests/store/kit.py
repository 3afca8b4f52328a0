"""A kind of its own, phones with keys of their own, and a count of statements."""

from __future__ import annotations

import base64
import contextvars
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flask import Flask

from webapp.kit import canonical, clock, ids
from webapp.store import audit, db, inbox
from webapp.store.inbox import Act, DeviceKey, Kind, Receipt


class Phone:
    """A P-256 key and envelopes signed with it."""

    def __init__(self, account: Any) -> None:
        self.account, self.device, self.key = account, ids.new(), ec.generate_private_key(ec.SECP256R1())
        self.dseq = 0

    @property
    def public(self) -> DeviceKey:
        """What the key finder tells of it."""
        point = self.key.public_key().public_numbers()
        x, y = (_text(number.to_bytes(32, "big")) for number in (point.x, point.y))
        return DeviceKey(x, y, self.account)

    def seal(self, kind: str, body: dict[str, Any], /, **changes: Any) -> dict[str, Any]:
        """A signed envelope; `changes` replace members before hashing."""
        self.dseq += 1
        envelope: dict[str, Any] = {
            "v": 1, "id": str(ids.new()), "kind": kind, "schema": 1, "app": "test", "author": str(self.account),
            "device": str(self.device), "gen": 1, "dseq": self.dseq, "chain": None, "prev": None,
            "made_at": clock.to_wire(clock.now()), "mono_ms": 5, "beacon": None, "body": body, "photos": [],
        } | changes  # fmt: skip
        digest = canonical.envelope_digest(envelope)
        r, s = decode_dss_signature(self.key.sign(digest, ec.ECDSA(hashes.SHA256())))
        return envelope | {"hash": digest.hex(), "sig": _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}

    def sign(self, text: str) -> str:
        """The signature of a text's SHA-256."""
        r, s = decode_dss_signature(self.key.sign(hashlib.sha256(text.encode()).digest(), ec.ECDSA(hashes.SHA256())))
        return _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def know(app: Flask, *phones: Phone) -> None:
    """Let the app find the keys of `phones`."""
    found = {phone.device: phone.public for phone in phones}
    app.extensions["inbox"].find_key = found.get


def teach(app: Flask, name: str, apply: Callable[[Act, Any], str | None], **changes: Any) -> None:
    """Give the app a kind whose verb is `apply`; its body is taken as it is."""
    facts = {"schema": 1, "read": dict, "body": {}} | changes
    app.extensions["inbox"].kinds[name] = Kind(name=name, apply=apply, **facts)


def receive(app: Flask, envelope: dict[str, Any], device: DeviceKey | None = None, **more: Any) -> Receipt:
    """As the door does: in a request of its own."""
    db.undo()

    def within() -> Receipt:
        with app.test_request_context("/inbox", method="POST"):
            return inbox.receive(envelope, device, **more)

    return contextvars.Context().run(within)


def scribble(act: Act, body: Any) -> str | None:
    """A verb that leaves a trace: one deed in the audit log."""
    audit.note("test.scribble", f"scribble:{act.id}", words=body.get("words", ""))
    return None


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent meanwhile."""
    sent: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    engine = db.database().engine
    sa.event.listen(engine, "before_cursor_execute", listen)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", listen)
