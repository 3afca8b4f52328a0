"""In which state of a request which deed may be done: worked out on paper."""

from __future__ import annotations

ASKED, SENT, ACCEPTED, DONE, CONFIRMED, UNMET, WITHDRAWN = (
    "asked", "sent", "accepted", "done", "confirmed", "unmet", "withdrawn",
)  # fmt: skip
OPEN = (SENT, ACCEPTED)
"""Somebody was sent, and it is not done."""
TOLD = frozenset({*OPEN, DONE, CONFIRMED})
"""Whoever was sent may say that it is done, or has said it."""
OVER = frozenset({CONFIRMED, UNMET, WITHDRAWN})
MAY = {
    "send": frozenset({ASKED, SENT, ACCEPTED}),
    "accept": frozenset({SENT}),
    "decline": frozenset({SENT, ACCEPTED}),
    "done": frozenset({SENT, ACCEPTED}),
    "confirm": frozenset({DONE}),
    "redo": frozenset({DONE}),
    "unmet": frozenset({ASKED, SENT, ACCEPTED}),
    "withdraw": frozenset({ASKED, SENT, ACCEPTED}),
}
MAKES = {
    "send": SENT, "accept": ACCEPTED, "decline": ASKED, "done": DONE, "confirm": CONFIRMED, "redo": ASKED,
    "unmet": UNMET, "withdraw": WITHDRAWN,
}  # fmt: skip
TO = ("caregiver", "volunteer", "provider")
"""Whom a station may send."""


def may(state: str, deed: str) -> bool:
    """Whether `deed` may be done to a request in `state`. Raises KeyError for a deed that does not exist."""
    return state in MAY[deed]
