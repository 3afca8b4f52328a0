"""Sealing single fields, blind indexes, one-way digests of tokens, signed short texts.

The key list lies outside the database. Each purpose has its own key derived from it: the index key is not the seal key.
Sealing always uses the newest key; opening tries all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app

from webapp.kit.refusal import Refusal


class Keyring:
    """The derived keys of one installation."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self.seals = [AESGCM(_derive(key, b"seal")) for key in keys]
        self.blind = _derive(keys[-1], b"blind")  # the oldest: an index must not change when a key is added
        self.sign = _derive(keys[0], b"sign")
        self.number = _derive(keys[-1], b"number")


def init_app(app: Flask, keys: tuple[bytes, ...]) -> None:
    """Give `app` its keyring."""
    app.extensions["keyring"] = Keyring(keys)


def keyring() -> Keyring:
    """The current app's keyring."""
    found: Keyring = current_app.extensions["keyring"]
    return found


def seal(plain: str, place: str) -> bytes:
    """`plain` sealed for one place, written "table.column:row id"; it opens nowhere else."""
    nonce = os.urandom(12)
    return nonce + keyring().seals[0].encrypt(nonce, plain.encode(), place.encode())


def unseal(sealed: bytes, place: str) -> str:
    """What was sealed for `place`. Raises Refusal("sealed") when moved, altered or sealed by a lost key."""
    for key in keyring().seals:
        try:
            return key.decrypt(sealed[:12], sealed[12:], place.encode()).decode()
        except InvalidTag:
            continue
    raise Refusal("sealed", "这一项打不开了，请找管理员", place=place)


def blind(value: str, field: str) -> bytes:
    """16 bytes that are equal for equal values of one field and tell nothing else."""
    return hmac.digest(keyring().blind, f"{field}:{value}".encode(), "sha256")[:16]


def one_way(token: str) -> bytes:
    """SHA-256 of a random token: the database keeps only this."""
    return hashlib.sha256(token.encode()).digest()


def sign(text: str, purpose: str) -> str:
    """A signature (22 characters) over `text` for one purpose."""
    mac = hmac.digest(keyring().sign, f"{purpose}:{text}".encode(), "sha256")[:16]
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def signed(text: str, signature: str, purpose: str) -> bool:
    """Whether `signature` is ours for `text`."""
    return hmac.compare_digest(sign(text, purpose).encode(), signature.encode("utf-8", "replace"))


def beacon(at: datetime) -> str:
    """Server time that a phone can carry but not make: milliseconds and our signature."""
    ms = str(int(at.timestamp() * 1000))
    return f"{ms}.{sign(ms, 'beacon')}"


def beacon_time(text: str | None) -> datetime | None:
    """The instant of a beacon of ours, else None."""
    ms, _, signature = (text or "").partition(".")
    if not (ms.isascii() and ms.isdigit() and len(ms) < 15 and signed(ms, signature, "beacon")):
        return None
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _derive(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose, "sha256")
