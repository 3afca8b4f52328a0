"""What can be worked out on paper about people: ages, masks, initials, cover of a duty table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pypinyin import Style, pinyin

WEEK_MINUTES = 7 * 1440
READINGS = 16


def age(birth: date, on: date) -> int:
    """Whole years lived on a day."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def initials(name: str) -> str:
    """Every reading of a name by first letters, space-separated: 单田芳 → "ctf dtf stf". At most 16 readings."""
    letters = [
        sorted({reading[0].lower() for reading in readings if reading and reading[0].isascii() and reading[0].isalnum()})
        for readings in pinyin(name.replace(" ", ""), style=Style.FIRST_LETTER, heteronym=True)
    ]
    ways = itertools.product(*[each for each in letters if each])
    return " ".join(sorted({"".join(way) for way in itertools.islice(ways, READINGS)}))


def mask_name(name: str) -> str:
    """张福贵 → 张**."""
    return name[:1] + "*" * max(len(name) - 1, 1)


def mask_phone(phone: str) -> str:
    """13812345678 → 138****5678."""
    return phone[:3] + "*" * max(len(phone) - 7, 1) + phone[-4:] if len(phone) >= 8 else "*" * len(phone)


def mask_national_id(number: str) -> str:
    """First 3 and last 4 stay."""
    return number[:3] + "*" * max(len(number) - 7, 1) + number[-4:]


@dataclass(frozen=True)
class Span:
    """A weekly stretch of duty: weekday 0 = Monday, minutes 0-1440; `until` ≤ `since` reaches into the next day."""

    weekday: int
    since: int
    until: int


def holes(spans: Iterable[Span]) -> list[tuple[int, int, int]]:
    """Stretches of the week nobody is on duty: (weekday, from minute, to minute). Empty = a person day and night."""
    covered = bytearray(WEEK_MINUTES)
    for span in spans:
        start = span.weekday * 1440 + span.since
        length = span.until - span.since if span.until > span.since else span.until - span.since + 1440
        for minute in range(start, start + length):
            covered[minute % WEEK_MINUTES] = 1
    found = []
    for weekday in range(7):
        day = covered[weekday * 1440 : (weekday + 1) * 1440]
        minute = 0
        while (gap := day.find(0, minute)) >= 0:
            end = day.find(1, gap)
            end = 1440 if end < 0 else end
            found.append((weekday, gap, end))
            minute = end
    return found
