"""What can be worked out on paper about cards: what there is to print, and scans told in few lines."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from webapp.kit import clock


@dataclass(frozen=True)
class Tally:
    """Of some bearers: how many have no card in use, and how many cards wait, are printed, are with their bearers."""

    missing: int = 0
    fresh: int = 0
    printed: int = 0
    out: int = 0


def tally(standings: Iterable[Sequence[str]]) -> Tally:
    """Counted from the standings of each bearer's live cards."""
    counts = {"missing": 0, "fresh": 0, "printed": 0, "out": 0}
    for held in standings:
        for standing in held or ("missing",):
            counts[standing] += 1
    return Tally(**counts)


@dataclass(frozen=True)
class Opening:
    """A token was opened: when, of which card, which face was shown to whom, from which coarse network."""

    id: uuid.UUID
    at: datetime
    card_id: uuid.UUID
    face: str
    who: str | None
    network: str
    times: int = 1
    networks: int = 1


def told(openings: Sequence[Opening]) -> list[Opening]:
    """The same, newest first, with the nameless ones of one card, face and day told once: how often, from how many networks."""
    lines: dict[object, Opening] = {}
    seen: dict[object, set[str]] = {}
    for index, each in enumerate(openings):
        key: object = index if each.who else (each.card_id, each.face, clock.day_of(each.at))
        seen.setdefault(key, set()).add(each.network)
        first = lines.setdefault(key, replace(each, times=0))
        lines[key] = replace(first, times=first.times + 1, networks=len(seen[key]))
    return list(lines.values())
