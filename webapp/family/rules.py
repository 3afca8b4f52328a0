"""The week in a hundred characters, and drawn: worked out on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

LONGEST = 100


@dataclass(frozen=True)
class Told:
    """One visit as the week tells it: its day, minutes, who came, the names of what was done, what was written."""

    day: date
    minutes: int
    caregiver: str
    deeds: tuple[str, ...] = ()
    story: str = ""


def digest(resident: str, until: date, visits: Sequence[Told]) -> str:
    """The seven days up to `until` in at most a hundred characters, Chinese, ready to forward; visits newest first."""
    days = {each.day for each in visits}
    if not visits:
        return f"{resident}这7天没有上门记录。"[:LONGEST]
    hours = sum(each.minutes for each in visits) / 60
    who = "、".join(dict.fromkeys(each.caregiver for each in visits))
    text = f"{resident}这一周（到{until.month}月{until.day}日）：{who}来了{len(visits)}次，{len(days)}天，共{hours:.1f}小时。"
    deeds = list(dict.fromkeys(name for each in visits for name in each.deeds))
    story = next((each.story for each in visits if each.story), "")
    for more in (f"做了{'、'.join(deeds[:5])}。" if deeds else "", f"“{story}”" if story else ""):
        text = text + more if len(text) + len(more) <= LONGEST else text
    if story and "“" not in text and LONGEST - len(text) > 10:
        text += f"“{story[: LONGEST - len(text) - 3]}…”"
    return text[:LONGEST]


def week(until: date, visits: Iterable[Told]) -> list[tuple[date, int, int]]:
    """(day, visits, minutes) of the seven days up to `until`, oldest first."""
    found = {until - timedelta(days=n): [0, 0] for n in range(6, -1, -1)}
    for each in visits:
        if each.day in found:
            found[each.day][0] += 1
            found[each.day][1] += each.minutes
    return [(day, n, minutes) for day, (n, minutes) in found.items()]
