"""The week in a hundred characters, and drawn: worked out on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from webapp.kit.words import _

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
