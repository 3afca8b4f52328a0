"""Five kinds of day, worked out from a year's table (calendars.md); working days and deadlines of offices.

Holidays never stop the service; they move what offices must do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from webapp.kit import cases
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal

MAKEUP, STATUTORY, ARRANGED, WEEKEND, WORKDAY = (
    "makeup_workday", "statutory_holiday", "arranged_day_off", "weekend", "workday",
)  # fmt: skip


def kind(calendar: Mapping[str, Any], day: date) -> str:
    """The kind of `day`: make-up workday before statutory, arranged, weekend, workday. A year without a table has weekends."""
    year = next((each for each in calendar["years"] if each["year"] == day.year), None)
    told = day.isoformat()
    if year is not None:
        if told in year["makeup_workdays"]:
            return MAKEUP
        if told in year["statutory_days"]:
            return STATUTORY
        if any(told in holiday["off_days"] for holiday in year["holidays"]):
            return ARRANGED
    return WEEKEND if day.weekday() >= 5 else WORKDAY


def works(calendar: Mapping[str, Any], day: date) -> bool:
    """Whether offices work on `day`."""
    return kind(calendar, day) in (MAKEUP, WORKDAY)


def working_day(calendar: Mapping[str, Any], month: Month, n: int) -> date:
    """The `n`th working day of a month (from 1), running on into the next where the month has fewer."""
    day, left = month.first, n
    while True:
        left -= works(calendar, day)
        if not left:
            return day
        day += timedelta(days=1)


def deadline(calendar: Mapping[str, Any], begun: date, days: int) -> date:
    """The last day of a term of `days`: the day of the event does not count; a statutory holiday moves it on."""
    last = begun + timedelta(days=days)
    while kind(calendar, last) == STATUTORY:
        last += timedelta(days=1)
    return last


def answer(calendar: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    """{"date": "2026-02-14"} → its kind."""
    told = cases.need(case, "date")
    try:
        day = date.fromisoformat(told)
    except (TypeError, ValueError) as error:
        raise Refusal("date", "日子要写成 2026-02-14 这样，现在是 %(value)s", value=str(told)[:30]) from error
    return {"kind": kind(calendar, day)}
