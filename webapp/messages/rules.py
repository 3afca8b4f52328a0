"""The order of what must be done, the rungs of the ladder, quiet hours: worked out on paper, no clock and no database."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

RED, AMBER, PLAIN = "red", "amber", "plain"
LEVELS = (RED, AMBER, PLAIN)
CAREGIVER, STATION, STREET, DISTRICT, TOP = "caregiver", "station", "street", "district", "top"
CALL, OPEN, DONE, TAKE, RANG, BACK, STILL = "call", "open", "done", "take", "rang", "back", "still"
"""The one tap of an item: say who was rung and is well, go where it is put right, done, take it on, rung, back home, or that
it goes on."""
DAY = 1440


@dataclass(frozen=True)
class Item:
    """One line of the list of what must be done, stored or worked out from the day: to the reader they look the same."""

    kind: str
    level: str
    key: str
    """Of the cause: the same cause has the same key, a new one another."""
    since: datetime
    who: str = ""
    """The household, or whoever it is about."""
    about: str = ""
    """What else is known, in words."""
    where: str = ""
    """The station, for those who look after several."""
    calls: tuple[tuple[str, str], ...] = ()
    """(whose, number) to ring."""
    tap: str = OPEN
    notice_id: uuid.UUID | None = None
    due: datetime | None = None
    title: str = ""
    """What it is, in words."""
    link: str | None = None
    """Where it is put right."""
    deed: str = ""
    """Where the one tap goes that clears it."""


def level_of(kind: str, kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """How bad a kind is for a resident. Raises KeyError for a kind that nobody has given a place."""
    return str(kinds[kind]["level"])


def in_order(items: Iterable[Item], kinds: Mapping[str, Mapping[str, Any]]) -> list[Item]:
    """The worst for a resident first; of one kind what is due first, then what has waited longest."""

    def place(item: Item) -> tuple[int, int, datetime, str]:
        return LEVELS.index(item.level), kinds[item.kind]["rank"], item.due or item.since, item.key

    return sorted(items, key=place)


def one_each(items: Iterable[Item]) -> list[Item]:
    """Of several lines about one notice the one that climbed highest, that is the newest; everything else as it is.

    To whoever sent it and must ring as well, that they must ring.
    """
    found: dict[object, Item] = {}
    for item in items:
        key: object = item.notice_id or item.key
        if key not in found or _says(found[key]) < _says(item):
            found[key] = item
    return list(found.values())


def _says(item: Item) -> tuple[bool, datetime]:
    return item.kind != "unseen", item.since


def comes_back(said: str | None, at: datetime, now: datetime, again_min: Mapping[str, int]) -> bool:
    """Whether what a call answered (`said`, at an instant) is asked again, because nothing has come of it since."""
    return said is not None and said in again_min and now - at >= timedelta(minutes=again_min[said])


def rests(said: str | None, at: datetime | None, now: datetime, settings: Mapping[str, Any]) -> bool:
    """Whether what the last call answered lets its matter rest."""
    if said is None or at is None or said in settings["open"]:
        return False
    return not comes_back(said, at, now, settings["again_min"])


def above(rung: str, ladder: Sequence[Mapping[str, Any]], there: Iterable[str]) -> str:
    """The next rung over `rung` of those that exist for a notice (`there`); TOP when there is none."""
    names = [str(each["rung"]) for each in ladder]
    higher = names[names.index(rung) + 1 :] if rung in names else []
    known = set(there)
    return next((name for name in higher if name in known), TOP)


def patience(rung: str, ladder: Sequence[Mapping[str, Any]]) -> int:
    """Minutes a red notice may stay unseen on a rung; a rung that is no longer in the settings gives none."""
    return next((int(each["minutes"]) for each in ladder if each["rung"] == rung), 0)


def is_quiet(minute: int, quiet: Sequence[int]) -> bool:
    """Whether a minute of the day lies between `quiet` (from, until), which may reach over midnight."""
    begins, ends = quiet
    return begins <= minute < ends if begins <= ends else minute >= begins or minute < ends


def until_digest(minute: int, digest_min: int, quiet: Sequence[int]) -> int:
    """Minutes from `minute` to the next digest: one a day, and never in quiet hours (then when they end)."""
    at = quiet[1] if is_quiet(digest_min, quiet) else digest_min
    return (at - minute) % DAY or DAY
