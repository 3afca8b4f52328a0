"""Satisfaction worked out on paper: never a figure without the number of answers beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Satisfaction:
    """Mean stars to one place, of how many answers; of how many residents who should have been asked."""

    answers: int
    mean: float | None
    asked_of: int = 0
    total: int = 0
    """All stars together, for adding up."""


def by_street(places: Iterable[tuple[str, str, Satisfaction]]) -> list[tuple[str, Satisfaction]]:
    """(street, satisfaction) of stations (street, station, satisfaction), in their order: every answer weighs alike."""
    found: dict[str, Satisfaction] = {}
    for street, _station, each in places:
        so_far = found.get(street, Satisfaction(0, None))
        n, total = so_far.answers + each.answers, so_far.total + each.total
        found[street] = Satisfaction(n, round(total / n, 1) if n else None, so_far.asked_of + each.asked_of, total)
    return list(found.items())


def satisfaction(stars: Iterable[int], asked_of: int = 0) -> Satisfaction:
    """The mean of what was answered; None where nobody has."""
    given = list(stars)
    return Satisfaction(len(given), round(sum(given) / len(given), 1) if given else None, asked_of)


def shown_to_caregiver(found: Satisfaction, least: int) -> bool:
    """Whether a caregiver may read it: of few answers she would know whose they are."""
    return found.answers >= least


def felt(mean: float | Fraction) -> str:
    """What a caregiver learns of the residents' stars, whatever the figure: good, fair, poor."""
    return "good" if mean >= 4 else "fair" if mean >= 3 else "poor"
