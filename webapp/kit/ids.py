"""Keys: UUID version 7. For index locality and reading only; they never order anything and are never secrets."""

from __future__ import annotations

import os
import time
import uuid


def new(at_ms: int | None = None) -> uuid.UUID:
    """A fresh UUIDv7 of now, or of `at_ms` (milliseconds since 1970) for made-up histories."""
    ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    tail = int.from_bytes(os.urandom(10), "big")
    return _pack(ms, tail)


def seeded(at_ms: int, random_80_bits: int) -> uuid.UUID:
    """The UUIDv7 of a given instant and given randomness: the demo world repeats itself."""
    return _pack(at_ms, random_80_bits)


def parse(text: object) -> uuid.UUID | None:
    """The UUID in canonical text form (any version, lower or upper case), or None."""
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _pack(ms: int, tail: int) -> uuid.UUID:
    value = (ms & (1 << 48) - 1) << 80 | tail & (1 << 80) - 1
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
