"""The week in a hundred characters, and drawn: worked out on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from webapp.kit.words import _

LONGEST = 100
STORY = 40
"""So much of what was written goes into the line of a day."""


@dataclass(frozen=True)
class Told:
    """One visit as the week tells it: its day, minutes, who came, the names of what was done, what was written."""

    day: date
    minutes: int
    caregiver: str
    deeds: tuple[str, ...] = ()
    story: str = ""
    felt: str = ""
    """How the resident was, in words."""


def each_day(until: date, visits: Sequence[Told]) -> list[tuple[date, str]]:
    """The last seven days with a visit, newest first, each told in one line, Chinese, ready to forward; visits newest first."""
    found: dict[date, list[Told]] = {}
    for each in visits:
        if each.day > until - timedelta(days=7):
            found.setdefault(each.day, []).append(each)
    return [(day, _line(day, came)) for day, came in sorted(found.items(), reverse=True)]


def _line(day: date, came: Sequence[Told]) -> str:
    """Who came, how long, what was done, how it was, and what was written, as far as it fits."""
    who = _("、").join(dict.fromkeys(each.caregiver for each in came))
    minutes = sum(each.minutes for each in came)
    text = _("%(month)s月%(day)s日：%(who)s来了%(n)s分钟。", month=day.month, day=day.day, who=who, n=minutes)
    if not minutes:
        text = _("%(month)s月%(day)s日：%(who)s来了，还在家里。", month=day.month, day=day.day, who=who)
    deeds = list(dict.fromkeys(name for each in came for name in each.deeds))[:4]
    felt = next((each.felt for each in came if each.felt), "")
    story = next((each.story for each in came if each.story), "")
    said = f"“{story if len(story) <= STORY else story[: STORY - 1] + '…'}”" if story else ""
    return (
        text
        + (_("做了%(what)s。", what=_("、").join(deeds)) if deeds else "")
        + (_("%(felt)s。", felt=felt) if felt else "")
        + said
    )


def digest(resident: str, until: date, visits: Sequence[Told]) -> str:
    """The seven days up to `until` in at most a hundred characters, Chinese, ready to forward; visits newest first."""
    days = {each.day for each in visits}
    if not visits:
        return _("%(name)s这7天没有上门记录。", name=resident)[:LONGEST]
    hours = sum(each.minutes for each in visits) / 60
    who = _("、").join(dict.fromkeys(each.caregiver for each in visits))
    text = _(
        "%(name)s这一周（到%(month)s月%(day)s日）：%(who)s来了%(n)s次，%(days)s天，共%(hours)s小时。",
        name=resident, month=until.month, day=until.day, who=who, n=len(visits), days=len(days), hours=f"{hours:.1f}",
    )  # fmt: skip
    deeds = list(dict.fromkeys(name for each in visits for name in each.deeds))
    story = next((each.story for each in visits if each.story), "")
    for more in (_("做了%(what)s。", what=_("、").join(deeds[:5])) if deeds else "", f"“{story}”" if story else ""):
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
