"""What a visit is, worked out from its calls and the corrections that were approved; nothing captured is ever changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from webapp.visits.rules import CODES, PHONE, minutes_between

IN, OUT = "in", "out"
HAND = "HAND"
"""How a time is known that an approved correction says."""


@dataclass(frozen=True)
class Heard:
    """One call, in the order in which they came in."""

    direction: str
    at: datetime
    method: str


@dataclass(frozen=True)
class Adjusted:
    """One approved correction, in the order of approval."""

    direction: str
    at: datetime


@dataclass(frozen=True)
class Derived:
    """What holds of a visit. minutes: whole ones, None until it is over."""

    arrived_at: datetime | None
    left_at: datetime | None
    minutes: int | None
    arrive_by: str | None
    leave_by: str | None


def derive(calls: Sequence[Heard], adjusted: Sequence[Adjusted] = ()) -> Derived:
    """The newest approved correction holds, else her own first call, else the first that was rung in."""
    arrived, arrive_by = _holding(IN, calls, adjusted)
    left, leave_by = _holding(OUT, calls, adjusted)
    both = arrived is not None and left is not None
    return Derived(arrived, left, minutes_between(arrived, left) if both else None, arrive_by, leave_by)  # type: ignore[arg-type]


def _holding(direction: str, calls: Sequence[Heard], adjusted: Sequence[Adjusted]) -> tuple[datetime | None, str | None]:
    told = [each for each in adjusted if each.direction == direction]
    if told:
        return told[-1].at, HAND
    heard = [each for each in calls if each.direction == direction]
    own = [each for each in heard if each.method != CODES[PHONE]]
    first = next(iter(own or heard), None)
    return (first.at, first.method) if first else (None, None)


def in_order(arrived: datetime | None, left: datetime | None) -> bool:
    """Whether a visit may be like this: whoever leaves has arrived before (all four rows of study/peers 3.2)."""
    return arrived is None or left is None or left > arrived
