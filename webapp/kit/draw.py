"""Drawing lots that anybody can draw again: the same seed and the same list give the same lots."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def draw(seed: str, population: Iterable[str], n: int) -> list[str]:
    """`n` of `population` (fewer when there are fewer), those whose SHA-256 with the seed comes first; order does not matter."""
    return sorted(set(population), key=lambda each: hashlib.sha256(f"{seed}:{each}".encode()).digest())[: max(n, 0)]


def fingerprint(population: Iterable[str]) -> str:
    """SHA-256 of the list that was drawn from, hex: shows later that nobody was left out."""
    return hashlib.sha256("\n".join(sorted(set(population))).encode()).hexdigest()
