"""Satisfaction worked out on paper: never a figure without the number of answers beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Satisfaction:
    """Mean stars to one place, of how many answers; of how many residents who should have been asked."""

    answers: int
    mean: float | None
    asked_of: int = 0


def satisfaction(stars: Iterable[int], asked_of: int = 0) -> Satisfaction:
    """The mean of what was answered; None where nobody has."""
    given = list(stars)
    return Satisfaction(len(given), round(sum(given) / len(given), 1) if given else None, asked_of)


def shown_to_caregiver(found: Satisfaction, least: int) -> bool:
    """Whether a caregiver may read it: of few answers she would know whose they are."""
    return found.answers >= least
