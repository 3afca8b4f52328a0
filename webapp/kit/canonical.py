"""One spelling for one record: the canonical JSON that phone and server both hash (docs/protocol.md)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

BIGGEST = 2**53 - 1
DEPTH = 32
_KEY = re.compile(r"[a-z][a-z0-9_]*")


class NotCanonical(ValueError):
    """The value cannot be written canonically; the message names the place."""


def canonical(value: Any) -> bytes:
    """`value` with sorted keys, no spaces, ASCII only, integers only. Raises NotCanonical.

    Lone surrogates are written (as \\udxxx) and judged later; they must not stop a record from being stored.
    """
    _check(value, "$", DEPTH)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).replace("\x7f", "\\u007f").encode("ascii")


def digest(value: Any) -> bytes:
    """SHA-256 of the canonical form, 32 bytes."""
    return hashlib.sha256(canonical(value)).digest()


def envelope_digest(envelope: Mapping[str, Any]) -> bytes:
    """SHA-256 over all members but `hash` and `sig`."""
    return digest({k: v for k, v in envelope.items() if k not in ("hash", "sig")})


def poisoned(value: Any) -> bool:
    """Whether a NUL or a lone surrogate hides anywhere in `value`: no database takes those."""
    if isinstance(value, str):
        return "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, Mapping):
        return any(poisoned(v) for v in value.values())
    if isinstance(value, list):
        return any(poisoned(v) for v in value)
    return False


def _check(value: Any, where: str, depth: int) -> None:
    if depth == 0:
        raise NotCanonical(f"{where}: too deep")
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int):
        if abs(value) > BIGGEST:
            raise NotCanonical(f"{where}: beyond 2^53-1")
    elif isinstance(value, list):
        for n, item in enumerate(value):
            _check(item, f"{where}[{n}]", depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(key, str) and _KEY.fullmatch(key)):
                raise NotCanonical(f"{where}: key {key!r}")
            if type(item) is not str or depth == 1:  # words need no second look, and most members are words
                _check(item, f"{where}.{key}", depth - 1)
    else:
        raise NotCanonical(f"{where}: {type(value).__name__}")
