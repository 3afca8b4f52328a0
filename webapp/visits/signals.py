"""Signals that a visit may not have been made, worked out on paper from what many calls say together (reliability 3.1).

None of them refuses or deducts anything: each is a finding that a person reads beside the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

from webapp.visits.rules import Finding, Point, distance_m, named


@dataclass(frozen=True)
class Mark:
    """One arriving or leaving as a signal sees it. home_at: the household's known point, None while there is none."""

    visit: Any
    home: Any
    who: Any
    direction: str
    at: datetime
    fix: Point | None
    accuracy_m: int
    place_state: str
    home_at: Point | None


@dataclass(frozen=True)
class Span:
    """One visit from arriving to leaving. partner: the visit it was paired with."""

    visit: Any
    home: Any
    who: Any
    since: datetime
    until: datetime | None
    partner: Any = None
    on_leave: bool = False


Found = dict[Any, list[tuple[str, dict[str, Any]]]]


def of_day(marks: Sequence[Mark], spans: Sequence[Span], limits: Mapping[str, Any]) -> dict[Any, list[Finding]]:
    """What the calls and visits of one day say together: visit → findings."""
    found: Found = defaultdict(list)
    by_who: dict[Any, list[Mark]] = defaultdict(list)
    for mark in sorted(marks, key=lambda each: each.at):
        by_who[mark.who].append(mark)
    for hers in by_who.values():
        _same_spot(hers, limits, found)
        _album(hers, limits, found)
        _travel(hers, limits, found)
    _overlaps(spans, marks, limits, found)
    _two_here(spans, found)
    for span in spans:
        if span.on_leave:
            found[span.visit].append(("ON_LEAVE", {}))
    return _named(found, limits)


def of_past(marks: Sequence[Mark], limits: Mapping[str, Any]) -> dict[Any, list[Finding]]:
    """What one caregiver's calls of the last days say about the newest visits: visit → findings. Oldest first."""
    found: Found = defaultdict(list)
    by_home: dict[Any, list[Mark]] = defaultdict(list)
    for mark in marks:
        if mark.fix is not None:
            by_home[mark.home].append(mark)
    for hers in by_home.values():
        _constant(hers, limits, found)
        _steady(hers, limits, found)
    _no_place(marks, limits, found)
    return _named(found, limits)


def _named(found: Found, limits: Mapping[str, Any]) -> dict[Any, list[Finding]]:
    return {visit: named(dict(told).items(), limits) for visit, told in found.items()}


def _apart(one: Mark, other: Mark, limits: Mapping[str, Any]) -> bool:
    """Whether two homes are known to lie in different houses."""
    if one.home == other.home or one.home_at is None or other.home_at is None:
        return False
    return bool(distance_m(one.home_at, other.home_at) > limits["near_m"])


def _same_spot(hers: Sequence[Mark], limits: Mapping[str, Any], found: Found) -> None:
    """Calls of several homes from one spot within minutes: cards photographed and scanned from elsewhere."""
    within = timedelta(minutes=limits["same_spot_min"])
    placed = [mark for mark in hers if mark.fix is not None]
    for n, one in enumerate(placed):
        for other in placed[n + 1 :]:
            if other.at - one.at > within:
                break
            if _apart(one, other, limits) and distance_m(one.fix, other.fix) <= limits["same_spot_m"]:  # type: ignore[arg-type]
                for mark in (one, other):
                    found[mark.visit].append(("SAME_SPOT", {"minutes": int((other.at - one.at).total_seconds()) // 60}))


def _album(hers: Sequence[Mark], limits: Mapping[str, Any], found: Found) -> None:
    """One card after the other: so many homes within so many minutes that nobody can have walked there."""
    within = timedelta(minutes=limits["album_min"])
    arrived = [mark for mark in hers if mark.direction == "in"]
    for n, first in enumerate(arrived):
        run = [first]
        for mark in arrived[n + 1 :]:
            if mark.at - first.at > within:
                break
            if all(each.home != mark.home and not _one_house(each, mark, limits) for each in run):
                run.append(mark)
        if len(run) >= limits["album_homes"]:
            for mark in run:
                found[mark.visit].append(("ALBUM_RUN", {"homes": len(run)}))


def _one_house(one: Mark, other: Mark, limits: Mapping[str, Any]) -> bool:
    known = one.home_at is not None and other.home_at is not None
    return bool(known and not _apart(one, other, limits))


def _travel(hers: Sequence[Mark], limits: Mapping[str, Any], found: Found) -> None:
    """From one home to the next quicker than anybody travels: by the fixes where there are any, else by the homes."""
    for one, other in pairwise(hers):
        here, there = one.fix or one.home_at, other.fix or other.home_at
        if one.home == other.home or here is None or there is None:
            continue
        blur = (one.accuracy_m if one.fix else 0) + (other.accuracy_m if other.fix else 0)
        metres = distance_m(here, there) - blur
        slack = timedelta(minutes=limits["travel_slack_min"])
        hours = (other.at - one.at + slack).total_seconds() / 3600
        if metres > limits["travel_m"] and metres / 1000 > limits["travel_kmh"] * max(hours, 0):
            facts = {"metres": metres, "minutes": int((other.at - one.at).total_seconds()) // 60}
            found[other.visit].append(("IMPOSSIBLE_TRAVEL", facts))


def _overlaps(spans: Sequence[Span], marks: Sequence[Mark], limits: Mapping[str, Any], found: Found) -> None:
    """In two homes at once, unless the two are paired or lie in one house."""
    at = {mark.home: mark for mark in marks}
    by_who: dict[Any, list[Span]] = defaultdict(list)
    for span in spans:
        by_who[span.who].append(span)
    for hers in by_who.values():
        hers.sort(key=lambda each: each.since)
        for n, one in enumerate(hers):
            for other in hers[n + 1 :]:
                if one.until is None or other.since >= one.until:
                    break
                near = one.home in at and other.home in at and _one_house(at[one.home], at[other.home], limits)
                if one.home != other.home and other.visit != one.partner and not near:
                    found[other.visit].append(("OVERLAP", {"visit": one.visit}))


def _two_here(spans: Sequence[Span], found: Found) -> None:
    """Two caregivers in one home at once whose visits nobody paired."""
    by_home: dict[Any, list[Span]] = defaultdict(list)
    for span in spans:
        by_home[span.home].append(span)
    for here in by_home.values():
        for one, other in combinations(sorted(here, key=lambda each: each.since), 2):
            ends = one.until
            if one.who != other.who and one.partner != other.visit and ends is not None and other.since < ends:
                found[one.visit].append(("TWO_HERE", {"visit": other.visit}))
                found[other.visit].append(("TWO_HERE", {"visit": one.visit}))


def _constant(hers: Sequence[Mark], limits: Mapping[str, Any], found: Found) -> None:
    """The very same figures time after time, or an accuracy of nothing: no real phone says that."""
    run = 0
    for n, mark in enumerate(hers):
        same = n > 0 and (hers[n - 1].fix, hers[n - 1].accuracy_m) == (mark.fix, mark.accuracy_m)
        run = run + 1 if same else 1
        if mark.accuracy_m <= 0 or run >= limits["constant_calls"]:
            found[mark.visit].append(("CONSTANT_PLACE", {"times": run}))


def _steady(hers: Sequence[Mark], limits: Mapping[str, Any], found: Found) -> None:
    """Fixes that scatter far less than their own accuracy says: real ones jump about by metres."""
    many, most = limits["steady_calls"], limits["steady_percent"] / 100
    for n in range(many, len(hers) + 1):
        last = hers[n - many : n]
        fixes = [mark.fix for mark in last if mark.fix is not None]
        middle = Point(sum(fix.lat_e6 for fix in fixes) // many, sum(fix.lon_e6 for fix in fixes) // many)
        parts = sorted(distance_m(fix, middle) / max(mark.accuracy_m, 1) for fix, mark in zip(fixes, last, strict=True))
        if parts[many * 3 // 4] <= most:
            found[last[-1].visit].append(("STEADY_PLACE", {"times": many}))


def _no_place(marks: Sequence[Mark], limits: Mapping[str, Any], found: Found) -> None:
    """The place refused again and again (the hole of the Jing'an case). A phone that found none in time is no refusal."""
    span = timedelta(days=limits["no_gps_days"])
    denied = [mark for mark in marks if mark.fix is None and mark.place_state == "denied"]
    visits = list(dict.fromkeys((mark.visit, mark.at.date()) for mark in denied))
    first = {mark.visit: mark.at for mark in reversed(denied)}
    for n, (visit, _day) in enumerate(visits):
        back = [each for each, _on in visits[: n + 1] if first[visit] - first[each] <= span]
        if len(back) >= limits["no_gps_times"]:
            found[visit].append(("NO_GPS_AGAIN", {"times": len(back)}))


def risk(codes: Iterable[str], limits: Mapping[str, Any]) -> int:
    """The weight of a visit when some are drawn to be asked about: 1, and 4 more for every signal."""
    return 1 + 4 * len(set(codes) & set(limits["signals"]))
