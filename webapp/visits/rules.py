"""What evidence is worth, worked out on paper: distances, lateness, findings and the grade (architecture, section 5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any

EARTH_M = 6_371_008.8
UNPLANNED_MIN = 60
"""How long a visit without a plan is taken to go on, until its leaving says so."""
SCAN, NUMBER, CARD_MISSING, REFUSES_SCAN, PHONE = "scan", "number", "card_missing", "refuses_scan", "phone"
METHODS = (SCAN, NUMBER, CARD_MISSING, REFUSES_SCAN, PHONE)
CODES = {SCAN: "QR", NUMBER: "CODE", CARD_MISSING: "NONE", REFUSES_SCAN: "NONE", PHONE: "PHONE"}
LIVE, REVOKED, UNKNOWN = "live", "revoked", "unknown"
PLACE_STATES = {"ok": "ok", "denied": "denied", "late": "timeout", "timeout": "timeout"}


@dataclass(frozen=True)
class Point:
    """WGS-84 in millionths of a degree, with the radius (metres) within which it counts."""

    lat_e6: int
    lon_e6: int
    radius_m: int = 0


def distance_m(one: Point, other: Point) -> int:
    """Metres between two points along the great circle (haversine), rounded."""
    lat1, lat2 = radians(one.lat_e6 / 1e6), radians(other.lat_e6 / 1e6)
    dlat, dlon = lat2 - lat1, radians((other.lon_e6 - one.lon_e6) / 1e6)
    h = sin(dlat / 2) ** 2 + cos(lat1) * cos(lat2) * sin(dlon / 2) ** 2
    return round(2 * EARTH_M * asin(sqrt(min(h, 1.0))))


def minutes_between(since: datetime, until: datetime) -> int:
    """Whole minutes from `since` to `until`; 0 when `until` is earlier."""
    return max(int((until - since).total_seconds()) // 60, 0)


def late_by(start: datetime, at: datetime) -> int:
    """Whole minutes by which `at` comes after `start`; 0 when in time."""
    return minutes_between(start, at)


@dataclass(frozen=True)
class Finding:
    """Something a person should look at: its code, the facts beside it, whether it must be put right."""

    code: str
    facts: Mapping[str, Any]
    must_fix: bool


@dataclass(frozen=True)
class Fix:
    """Where the phone said it was: metres of accuracy, seconds since it knew."""

    at: Point
    accuracy_m: int
    age_s: int


@dataclass(frozen=True)
class Evidence:
    """All that one call brings with it, measured but not judged."""

    method: str
    card: str | None
    """live, revoked, unknown; None when none was shown."""
    other_home: bool
    """The card belongs to another household than the one the page was opened for."""
    assigned: bool
    place_state: str
    fix: Fix | None
    homes: tuple[Point, ...]
    """The known points of this household; empty: not known, never "off"."""
    no_signal: bool
    known_device: bool
    skew_s: int
    width_min: int | None
    """Minutes between the last signed server time and receipt; None when nothing bounds it below."""
    upload_h: int
    """Hours from the deed to its receipt."""
    other_phone: bool = False
    """Somebody else who was signed in there brought it."""


def away_m(evidence: Evidence) -> int | None:
    """Metres from the nearest known point of the household; None without a fix or a known point."""
    if evidence.fix is None or not evidence.homes:
        return None
    return min(distance_m(evidence.fix.at, home) for home in evidence.homes)


def is_off(evidence: Evidence, limits: Mapping[str, Any]) -> bool:
    """Whether the fix lies outside: further than the home's radius and twice its own accuracy."""
    fix = evidence.fix
    if fix is None or not evidence.homes:
        return False
    reach = max(2 * fix.accuracy_m, 0)
    return all(distance_m(fix.at, home) > max(home.radius_m or limits["radius_m"], reach) for home in evidence.homes)


def is_sharp(evidence: Evidence, limits: Mapping[str, Any]) -> bool:
    """Whether the fix is sharp and fresh enough for this home."""
    age = limits["fix_age_no_signal_s" if evidence.no_signal else "fix_age_s"]
    return evidence.fix is not None and evidence.fix.accuracy_m <= limits["accuracy_m"] and evidence.fix.age_s <= age


def is_timed(evidence: Evidence, limits: Mapping[str, Any]) -> bool:
    """Whether the time is verified: bounded on both sides closely enough for this home, and the clock agrees."""
    width = limits["width_no_signal_min" if evidence.no_signal else "width_min"]
    return evidence.width_min is not None and evidence.width_min <= width and abs(evidence.skew_s) <= limits["skew_s"]


def findings(evidence: Evidence, limits: Mapping[str, Any]) -> list[Finding]:
    """What one call alone gives reason to look at (study/peers 3.3)."""
    found: list[tuple[str, dict[str, Any]]] = []
    if evidence.method == NUMBER:
        found.append(("MANUAL", {}))
    if evidence.method in (CARD_MISSING, REFUSES_SCAN):
        found.append((evidence.method.upper(), {}))
    if evidence.card == REVOKED:
        found.append(("REVOKED_CARD", {}))
    if evidence.card == UNKNOWN:
        found.append(("UNKNOWN_CARD", {}))
    if evidence.other_home:
        found.append(("WRONG_CARD", {}))
    if not evidence.assigned:
        found.append(("NOT_ASSIGNED", {}))
    found += _place(evidence, limits)
    if abs(evidence.skew_s) > limits["skew_s"]:
        found.append(("CLOCK_SKEW", {"minutes": round(evidence.skew_s / 60)}))
    if evidence.upload_h >= limits["late_upload_h"]:
        found.append(("LATE_UPLOAD", {"hours": evidence.upload_h}))
    if evidence.other_phone:
        found.append(("OTHER_PHONE", {}))
    return named(found, limits)


def _place(evidence: Evidence, limits: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if evidence.fix is None:
        return [("NO_GPS", {"why": evidence.place_state})]
    found: list[tuple[str, dict[str, Any]]] = []
    if not is_sharp(evidence, limits):
        found.append(("LOW_ACCURACY", {"accuracy_m": evidence.fix.accuracy_m, "age_s": evidence.fix.age_s}))
    if is_off(evidence, limits):
        found.append(("OUT_OF_RADIUS", {"distance_m": away_m(evidence)}))
    return found


def named(found: Iterable[tuple[str, dict[str, Any]]], limits: Mapping[str, Any]) -> list[Finding]:
    """Findings with the class the settings give their code; an unnamed code must be put right."""
    return [Finding(code, facts, limits["classes"].get(code, "fix") == "fix") for code, facts in found]


def missing(evidence: Evidence, limits: Mapping[str, Any]) -> int:
    """How many of the four pieces are missing: live card scanned, place, known device, verified time.

    Graded against what this home can give: where no point is known yet, a sharp fix is all one can ask.
    """
    pieces = (
        evidence.method == SCAN and evidence.card == LIVE and not evidence.other_home,
        is_sharp(evidence, limits) and not is_off(evidence, limits),
        evidence.known_device,
        is_timed(evidence, limits),
    )
    return len(pieces) - sum(pieces)


def grade(evidence: Evidence, codes: Collection[str], limits: Mapping[str, Any]) -> str:
    """A nothing missing; B one piece; C two, or a red rule; X contradiction: two homes at once, times that cannot be,
    or a sharp fix far away. A grade is never a refusal."""
    away = away_m(evidence)
    if is_sharp(evidence, limits) and is_off(evidence, limits) and (away or 0) > limits["far_m"]:
        return "X"
    return worse(grade_of(codes, limits), "ABCCC"[missing(evidence, limits)])


def grade_of(codes: Collection[str], limits: Mapping[str, Any]) -> str:
    """What the findings alone leave of a grade: X where two things cannot both be, C by a red rule, else A."""
    if set(codes) & set(limits["contradictions"]):
        return "X"
    return "C" if set(codes) & set(limits["red"]) else "A"


def phone_grade(line: str, told_after_min: int, limits: Mapping[str, Any]) -> str:
    """What a call that was rung in is worth, B at most: from the resident's own line and at once, else C."""
    return "B" if line == "resident" and 0 <= told_after_min <= limits["phone_near_min"] else "C"


def apart(one: datetime, other: datetime, limits: Mapping[str, Any]) -> bool:
    """Whether what was rung in and what her phone says lie further apart than the setting's minutes."""
    return bool(abs((one - other).total_seconds()) > limits["phone_apart_min"] * 60)


def worse(one: str | None, other: str) -> str:
    """Of two grades the one that weighs: X before C before B before A."""
    return max(one or "A", other)


def length_findings(minutes: int, planned: int | None, limits: Mapping[str, Any]) -> list[Finding]:
    """SHORT or LONG against the plan; unplanned visits only when nobody stays that long. TOO_LONG is no visit any more."""
    if minutes > limits["too_long_min"]:
        return named([("TOO_LONG", {"minutes": minutes})], limits)
    if planned is None:
        long = minutes > limits["unplanned_long_min"]
        return named([("LONG", {"minutes": minutes})] if long else [], limits)
    facts = {"minutes": minutes, "planned": planned}
    if minutes < planned - limits["short_min"]:
        return named([("SHORT", facts)], limits)
    return named([("LONG", facts)] if minutes > planned + limits["long_min"] else [], limits)


@dataclass(frozen=True)
class StandIn:
    """Somebody who might go to a shift: her day so far, how far she usually is, how often she has been there."""

    id: Any
    name: str
    visits: int
    """Planned for her that day."""
    away_m: int | None
    """From the nearest home she usually goes to; None: not known."""
    been: int
    busy: bool = False
    """Elsewhere at that time, or on leave."""


def stand_ins(found: Iterable[StandIn], near_m: int) -> list[StandIn]:
    """Those who can go, the best first: fewest visits that day, then nearest (in steps of `near_m`), then who knows the home."""

    def order(each: StandIn) -> tuple[Any, ...]:
        far = 10**6 if each.away_m is None else each.away_m // near_m
        return (each.visits, far, -each.been, each.name)

    return sorted((each for each in found if not each.busy), key=order)


def over_days(days: Sequence[Sequence[StandIn]], near_m: int) -> list[StandIn]:
    """Of the stand-ins of several shifts of one home those who can go to all of them, judged by their fullest day."""
    least: dict[Any, StandIn] = {}
    for each in (one for day in days for one in day if not one.busy):
        known = least.get(each.id)
        least[each.id] = each if known is None or each.visits > known.visits else known
    free = [key for key in least if all(any(one.id == key and not one.busy for one in day) for day in days)]
    return stand_ins((least[key] for key in free), near_m)


def rough(at: Point, metres: int) -> Point:
    """A point kept to so many metres only: the middle of a square of that size."""
    lat_step = metres / 111_195 * 1e6
    lat = round((at.lat_e6 // lat_step + 0.5) * lat_step)
    lon_step = lat_step / max(cos(radians(lat / 1e6)), 0.01)
    return Point(lat, round((at.lon_e6 // lon_step + 0.5) * lon_step))
