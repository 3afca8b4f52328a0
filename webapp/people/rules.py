"""What can be worked out on paper about people: ages, masks, initials, cover of a duty table."""

from __future__ import annotations

import ipaddress
import itertools
import math
import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")  # names are read letter by letter: 48 MB of phrases stay out

import pypinyin

from webapp.kit import clock
from webapp.people.sheets.facts import Birth

WEEK_MINUTES = 7 * 1440
READINGS = 16


def age(birth: date, on: date) -> int:
    """Whole years lived on a day."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def initials(name: str) -> str:
    """Every reading of a name by first letters, space-separated: 单田芳 → "ctf dtf stf". At most 16 readings."""
    letters = [
        sorted({reading[0].lower() for reading in readings if reading and reading[0].isascii() and reading[0].isalnum()})
        for readings in pypinyin.pinyin(name.replace(" ", ""), style=pypinyin.Style.FIRST_LETTER, heteronym=True)
    ]
    ways = itertools.product(*[each for each in letters if each])
    return " ".join(sorted({"".join(way) for way in itertools.islice(ways, READINGS)}))


def born(birth: Birth | None) -> dict[str, Any]:
    """A birth as the columns `birth_date` and `birth_precision` keep it: an unknown month or day is 1."""
    if birth is None:
        return {"birth_date": None, "birth_precision": "day"}
    return {"birth_date": date(birth.year, birth.month or 1, birth.day or 1), "birth_precision": birth.precision}


def birth_of(day: date | None, precision: str) -> Birth | None:
    """The birth that `born` keeps."""
    if day is None:
        return None
    return Birth(day.year, day.month if precision != "year" else None, day.day if precision == "day" else None)


def is_number(text: str) -> bool:
    """Whether it is a short number: H00012, r00003."""
    return re.fullmatch(r"[HRP]\d{1,7}", text, re.IGNORECASE | re.ASCII) is not None


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


@dataclass(frozen=True)
class Phone:
    """What a phone's PIN lock depends on: whose phone it is, when the PIN was last given, when it was last touched."""

    shared: bool
    unlocked_at: datetime
    used_at: datetime


def needs_pin(phone: Phone, now: datetime, *, private: bool, working: bool, idle_minutes: int, private_minutes: int) -> bool:
    """Whether the PIN is asked for now. `private`: the book or the health history is asked for; `working`: a visit is open.

    Own phone: once a household day, and for what is private when the PIN is older than `private_minutes`. Shared phone:
    also after `idle_minutes` untouched. Never in the middle of a visit.
    """
    if working:
        return False
    old = now - phone.unlocked_at
    idle = now - max(phone.used_at, phone.unlocked_at)
    return (
        clock.day_of(phone.unlocked_at) != clock.day_of(now)
        or (private and old >= timedelta(minutes=private_minutes))
        or (phone.shared and idle >= timedelta(minutes=idle_minutes))
    )


def missing_numbers(known: Iterable[int], first: int = 1) -> list[tuple[int, int]]:
    """Stretches (from, to) left out of `known` since `first`: records a phone made and has not delivered."""
    found, expected = [], first
    for number in sorted(set(known)):
        if number > expected:
            found.append((expected, number - 1))
        expected = max(expected, number + 1)
    return found


def network_of(address: str | None) -> str:
    """The network an address counts under: IPv4 whole, IPv6 by its first 64 bits (one home has them all)."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "none"
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


# --- places on the map --------------------

SYSTEMS = ("wgs84", "gcj02", "bd09")
"""GPS itself; 高德, 腾讯 and 微信; 百度. Within China the last two are shifted by some hundred metres."""
_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323
_BAIDU = math.pi * 3000.0 / 180.0
_DEGREES = re.compile(
    r"(?<![\d.])(\d{1,3}(?:\.\d{1,12})?)\s*(?:°|度)?(?:\s*(\d{1,2})\s*['′分]\s*(\d{1,2}(?:\.\d+)?)\s*(?:\"|″|秒)?)?"
)

Point = tuple[float, float]
"""Latitude, longitude in degrees."""


def point(text: str) -> Point | None:
    """Latitude and longitude from what people paste: "38.914, 121.614", "121.614,38.914", 北纬38.914 东经121.614, 38°54′50″.

    Nowhere in China can the two be mistaken for each other: latitudes end at 54, longitudes begin at 73. Else None.
    """
    found = [_degrees(hit) for hit in _DEGREES.finditer(unicodedata.normalize("NFKC", text))]
    if len(found) != 2:
        return None
    lat, lon = sorted(found)
    return (lat, lon) if 3 <= lat <= 54 and 73 <= lon <= 136 else None


def _degrees(hit: re.Match[str]) -> float:
    return float(hit[1]) + float(hit[2] or 0) / 60 + float(hit[3] or 0) / 3600


def to_wgs84(place: Point, system: str) -> Point:
    """The same place in WGS-84. Right to a few centimetres."""
    if system == "bd09":
        place = _from_baidu(place)
    if system == "wgs84":
        return place
    lat, lon = place
    for _round in range(8):  # the shift is known only forwards: walk back until it fits
        ahead = shifted((lat, lon))
        lat, lon = lat + place[0] - ahead[0], lon + place[1] - ahead[1]
    return lat, lon


def _from_baidu(place: Point) -> Point:
    y, x = place[0] - 0.006, place[1] - 0.0065
    far = math.hypot(x, y) - 0.00002 * math.sin(y * _BAIDU)
    turn = math.atan2(y, x) - 0.000003 * math.cos(x * _BAIDU)
    return far * math.sin(turn), far * math.cos(turn)


def shifted(place: Point) -> Point:
    """WGS-84 → GCJ-02, as Chinese maps show it."""
    lat, lon = place
    x, y = lon - 105.0, lat - 35.0
    waves = 20 * math.sin(6 * x * math.pi) + 20 * math.sin(2 * x * math.pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + (
        waves
        + 20 * math.sin(y * math.pi)
        + 40 * math.sin(y / 3 * math.pi)
        + 160 * math.sin(y / 12 * math.pi)
        + 320 * math.sin(y * math.pi / 30)
    ) * 2 / 3  # fmt: skip
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + (
        waves
        + 20 * math.sin(x * math.pi)
        + 40 * math.sin(x / 3 * math.pi)
        + 150 * math.sin(x / 12 * math.pi)
        + 300 * math.sin(x / 30 * math.pi)
    ) * 2 / 3  # fmt: skip
    flat = 1 - _ECCENTRICITY * math.sin(math.radians(lat)) ** 2
    north = math.degrees(north) / (_AXIS * (1 - _ECCENTRICITY) / (flat * math.sqrt(flat)))
    east = math.degrees(east) / (_AXIS / math.sqrt(flat) * math.cos(math.radians(lat)))
    return lat + north, lon + east


# --- alerts --------------------

_ALERTS = (
    (("过敏",), "allergy", "danger"),
    (("跌", "摔", "要扶", "骨折"), "fall", "watch"),
    (("听力", "耳聋", "耳背", "聋"), "hearing", "watch"),
    (("走失", "失智", "痴呆"), "other", "danger"),
)


def alert_kind(words: str) -> tuple[str, str]:
    """(kind, level) of an alert by its words: 青霉素过敏 → allergy, danger."""
    return next(((kind, level) for marks, kind, level in _ALERTS if any(mark in words for mark in marks)), ("other", "watch"))


# --- the week of duty, as people write it --------------------


@dataclass(frozen=True)
class Stretch:
    """One line of a duty table: the same hours and the same people on several days of the week."""

    days: tuple[int, ...]
    since: int
    until: int
    name: str
    phone: str
    next_name: str = ""
    next_phone: str = ""


def gathered(lines: Iterable[Stretch], sets: Iterable[tuple[int, ...]]) -> list[Stretch]:
    """Lines of single days joined where one of `sets` of days (the largest first) shares hours and people."""
    days: dict[tuple[int, int, str, str, str, str], set[int]] = {}
    for line in lines:
        same = (line.since, line.until, line.name, line.phone, line.next_name, line.next_phone)
        days.setdefault(same, set()).update(line.days)
    found = []
    for same, left in days.items():
        for group in sorted(sets, key=len, reverse=True):
            if left.issuperset(group):
                found.append(Stretch(group, *same))
                left -= set(group)
    return sorted(found, key=lambda line: (line.days[0], line.since))
