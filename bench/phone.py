"""A caregiver's phone: a key, and envelopes signed with it."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from webapp.kit import canonical, clock, ids


class Phone:
    """One device of one account."""

    def __init__(self, account: uuid.UUID) -> None:
        self.account, self.device, self.key, self.dseq = account, ids.new(), ec.generate_private_key(ec.SECP256R1()), 0
        point = self.key.public_key().public_numbers()
        self.x, self.y = (_text(number.to_bytes(32, "big")) for number in (point.x, point.y))

    def seal(self, kind: str, body: dict[str, Any], *, chain: uuid.UUID | None = None, beacon: str | None = None) -> bytes:
        """A signed envelope of now, as it is posted. beacon: the last server time the phone has heard."""
        self.dseq += 1
        envelope: dict[str, Any] = {
            "v": 1, "id": str(ids.new()), "kind": kind, "schema": 1, "app": "bench", "author": str(self.account),
            "device": str(self.device), "gen": 1, "dseq": self.dseq, "chain": chain and str(chain), "prev": None,
            "made_at": clock.to_wire(clock.now()), "mono_ms": 5, "beacon": beacon, "body": body, "photos": [],
        }  # fmt: skip
        digest = canonical.envelope_digest(envelope)
        r, s = decode_dss_signature(self.key.sign(digest, ec.ECDSA(hashes.SHA256())))
        sealed = envelope | {"hash": digest.hex(), "sig": _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}
        return json.dumps(sealed).encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
