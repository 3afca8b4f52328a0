"""When somebody is gone to see again: worked out on paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

RISKS = ("high", "middle", "low")


def next_day(day: date, risk: str, seen: bool, settings: Mapping[str, Any]) -> date:
    """The day of the next visit: by risk, and soon when they were not seen. Raises KeyError for an unknown risk."""
    days = settings["every_days"][risk]
    return day + timedelta(days=days if seen else min(settings["again_days"], days))
