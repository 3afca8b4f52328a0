"""A random draw that anybody can repeat: by a seed written down, heavier ones more often, the same answer for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from math import ceil, log
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def drawn(seed: str, weights: Mapping[Key, int], many: int) -> list[Key]:
    """`many` of the keys, drawn without putting back, a weight of 2 twice as likely to come first as 1.

    Whatever order the keys come in, the same seed draws the same ones (each key counts as its text).
    """
    return sorted((key for key in weights if weights[key] > 0), key=lambda key: (_late(seed, key, weights[key]), str(key)))[:many]


def share(seed: str, weights: Mapping[Key, int], percent: int) -> list[Key]:
    """So many hundredths of the keys, at least one while there is one."""
    return drawn(seed, weights, ceil(len(weights) * percent / 100))


def fingerprint(population: Iterable[str]) -> str:
    """SHA-256 of the list that was drawn from, hex: shows later that nobody was left out."""
    return hashlib.sha256("\n".join(sorted(set(population))).encode()).hexdigest()


def _late(seed: str, key: Hashable, weight: int) -> float:
    figure = int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8])
    return -log((figure + 1) / (2**64 + 1)) / weight
