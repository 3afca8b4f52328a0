"""What could be worked out on paper: when a certificate ends, and whether enough were trained. Pure."""

from __future__ import annotations

import calendar
from datetime import date


def ends(passed: date, months: int | None) -> date | None:
    """The last day of a certificate: the day before the same day so many months later; None when it does not end.

    The 31st of a shorter month is its last day.
    """
    if months is None:
        return None
    year, month = divmod(passed.year * 12 + passed.month - 1 + months, 12)
    same = date(year, month + 1, min(passed.day, calendar.monthrange(year, month + 1)[1]))
    return date.fromordinal(same.toordinal() - 1)


def rate(trained: int, on_post: int) -> int | None:
    """Percent, cut off, so that 59.9 is not yet 60; None where nobody is on post."""
    return trained * 100 // on_post if on_post else None
