"""Public holidays, days off and make-up working days: a table a year, entered each November, dated like every setting.

Bridge days are never worked out: a year without a table says so, and one whose notice is not out knows its statutory days only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from webapp.kit import show
from webapp.kit.words import _
from webapp.store import rulebook

STATUTORY, OFF, MAKEUP = "statutory", "off", "makeup"


@dataclass(frozen=True)
class Special:
    """A day that is not like others. kind: statutory, off (arranged), makeup (a weekend that is worked)."""

    kind: str
    zh: str
    en: str

    @property
    def words(self) -> str:
        """元旦, 春节放假, 调休上班, in the reader's language."""
        name = self.zh if show.chinese() else self.en
        return _("调休上班") if self.kind == MAKEUP else name


def table(since: date, until: date) -> dict[date, Special]:
    """The special days from `since` to `until`."""
    found: dict[date, Special] = {}
    for year in _years(since, until).values():
        for each in year["holidays"]:
            statutory = set(each["statutory_days"])
            for text in each["off_days"]:
                found[date.fromisoformat(text)] = Special(STATUTORY if text in statutory else OFF, each["zh"], each["en"])
        for text in year["makeup_workdays"] or ():
            found[date.fromisoformat(text)] = Special(MAKEUP, "", "")
    return {day: special for day, special in found.items() if since <= day <= until}


def days_off(since: date, until: date) -> set[date]:
    """The public holidays from `since` to `until`: statutory days and the days off arranged around them."""
    return {day for day, special in table(since, until).items() if special.kind != MAKEUP}


def is_off(day: date) -> bool:
    """Whether a day is a public holiday."""
    return day in days_off(day, day)


def unknown(since: date, until: date) -> str:
    """What is not known of these days, in a sentence; empty when the year's notice is entered."""
    years = _years(since, until)
    for number in range(since.year, until.year + 1):
        if number not in years:
            return _("%(year)s年的放假安排还没录入", year=number)
        if years[number]["arrangement"] != "published" and table(since, until):
            return _("%(year)s年的调休还没公布，先按法定节日排", year=number)
    return ""


def _years(since: date, until: date) -> dict[int, Any]:
    wanted = range(since.year, until.year + 1)
    return {each["year"]: each for each in rulebook.current("calendars", since)["years"] if each["year"] in wanted}


rulebook.ship("calendars", Path(rulebook.__file__).parent / "calendars.json")
