"""A city of visits with fraud planted in it: what the rules and signals find, by kind, and how often honest ones are flagged.

    python -m bench.fraud [--visits 20000] [--seed 7]

Pure: the rules of `webapp/visits/rules.py` and `signals.py` over made-up calls; no database. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from webapp.visits import rules, signals
from webapp.visits.rules import Evidence, Fix, Point
from webapp.visits.signals import Mark, Span

LIMITS: dict[str, Any] = json.loads((Path(rules.__file__).parent / "visits.json").read_text())
PLANTED = 50
KINDS = (
    "photographed_card", "place_denied", "mock_place", "skilled_spoof", "other_phone", "moved_clock", "impossible_travel",
    "overlap", "album_run", "length", "same_photo", "on_leave", "late_upload",
)  # fmt: skip
"""Twelve kinds, T1 to T11 and T14 of study/reliability 3.1, and the skilled form of T3 beside them."""
SKILLED = {"skilled_spoof"}
START = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)  # a Monday, 8:00 in Shanghai
HOMES_EACH, E6_PER_M = 3, 8.993


@dataclass
class Home:
    """A household on the grid."""

    key: int
    at: Point
    no_signal: bool


@dataclass
class Made:
    """One visit with its two calls, and what was planted in it."""

    key: int
    home: Home
    who: int
    since: datetime
    until: datetime | None
    planned: int
    fixes: list[Fix | None]
    states: list[str]
    upload_h: int = 0
    skew_s: int = 0
    other_phone: bool = False
    photo: str = ""
    on_leave: bool = False
    planted: str = ""
    codes: set[str] = field(default_factory=set)


class City:
    """A grid of streets with caregivers who walk and ride from home to home, day after day."""

    def __init__(self, visits: int, seed: int) -> None:
        self.draw = random.Random(seed)
        self.days = 20
        self.people = max(visits // (self.days * HOMES_EACH), 20)
        self.homes = [self._home(n) for n in range(self.people * HOMES_EACH)]
        self.made: list[Made] = []
        for who in range(self.people):
            for day in range(self.days):
                self._day(who, day)

    def _home(self, n: int) -> Home:
        """Homes of one caregiver lie in one neighbourhood; every seventh is in the same house as the one before."""
        block = Point(38_900_000 + n // 3 % 40 * 14_000, 121_500_000 + n // 120 * 18_000)
        if n % 3 and n % 7 == 0:
            return Home(n, replace(self.homes_before[-1].at), self.draw.random() < 0.12)
        at = Point(block.lat_e6 + self.draw.randint(-5000, 5000), block.lon_e6 + self.draw.randint(-6000, 6000))
        home = Home(n, at, self.draw.random() < 0.12)
        self.homes_before.append(home)
        return home

    homes_before: list[Home] = []

    def fix(self, at: Point, sigma: float | None = None) -> Fix:
        """A fix as phones give them: accuracy 8 to 60 m, scattered by half of it, now and then in a canyon of houses."""
        accuracy = self.draw.choice((8, 10, 12, 15, 20, 25, 30, 45, 60))
        spread = accuracy / 2 if sigma is None else sigma
        lat = at.lat_e6 + round(self.draw.gauss(0, spread) * E6_PER_M)
        lon = at.lon_e6 + round(self.draw.gauss(0, spread) * E6_PER_M * 1.28)
        return Fix(Point(lat, lon), accuracy + self.draw.randint(0, 4), self.draw.randint(1, 20))

    def _day(self, who: int, day: int) -> None:
        at = START + timedelta(days=day, minutes=self.draw.randint(0, 20))
        for n in range(HOMES_EACH):
            home = self.homes[who * HOMES_EACH + n]
            planned = self.draw.choice((60, 90, 120))
            stay = planned + round(self.draw.gauss(0, 4))
            self.made.append(self._honest(home, who, at, at + timedelta(minutes=stay), planned))
            at += timedelta(minutes=stay + self.draw.randint(12, 40))

    def _honest(self, home: Home, who: int, since: datetime, until: datetime, planned: int) -> Made:
        """12 % of homes have no network: their calls come hours later, and now and then without a place."""
        fixes: list[Fix | None] = [self.fix(home.at), self.fix(home.at)]
        states = ["ok", "ok"]
        for n in (0, 1):
            if self.draw.random() < (0.10 if home.no_signal else 0.01):
                fixes[n], states[n] = None, "timeout"
        upload = self.draw.randint(1, 9) if home.no_signal else 0
        if self.draw.random() < 0.002:
            upload = self.draw.randint(20, 71)
        return Made(len(self.made), home, who, since, until, planned, fixes, states, upload, photo=f"p{len(self.made)}")

    # -- planting --

    def plant(self) -> None:
        """So many of each kind, each where nothing else was planted."""
        for kind in KINDS:
            getattr(self, f"_{kind}")()

    def _free(self, many: int, last_day: bool = False) -> list[Made]:
        free = [each for each in self.made if not each.planted and (not last_day or (each.since - START).days >= 8)]
        return self.draw.sample(free, many)

    @property
    def by_day(self) -> dict[tuple[int, int], list[Made]]:
        """Visits by caregiver and day."""
        found: dict[tuple[int, int], list[Made]] = defaultdict(list)
        for each in self.made:
            found[each.who, (each.since - START).days].append(each)
        return found

    def _away(self, home: Home) -> Point:
        return Point(home.at.lat_e6 + self.draw.randint(5_000, 40_000), home.at.lon_e6 + self.draw.randint(5_000, 40_000))

    def _photographed_card(self) -> None:
        """Scanned from her own kitchen."""
        for each in self._free(PLANTED):
            away = self._away(each.home)
            each.fixes, each.planted = [self.fix(away), self.fix(away)], "photographed_card"

    def _place_denied(self) -> None:
        """Week after week without a place: 50 visits of few people, each refused three times and more before."""
        people = self.draw.sample(range(self.people), PLANTED // 5)
        for who in people:
            hers = [each for each in self.made if each.who == who and not each.planted]
            for n, each in enumerate(hers[-7:]):
                each.fixes, each.states = [None, None], ["denied", "denied"]
                each.planted = "place_denied" if n >= 2 else "before"

    def _spoofed(self, kind: str, sigma: float | None) -> None:
        people = [who for who in range(self.people) if not any(each.planted for each in self.made if each.who == who)]
        for who in self.draw.sample(people, PLANTED // 5):
            hers = [each for each in self.made if each.who == who and each.home.key == who * HOMES_EACH]
            skill = self.draw.uniform(0.5, 4.0) if sigma is None else sigma
            same = self.fix(hers[0].home.at, 1)
            for n, each in enumerate(hers[-9:]):
                each.fixes = [same, same] if kind == "mock_place" else [self.fix(each.home.at, skill) for _ in range(2)]
                each.states, each.planted = ["ok", "ok"], kind if n >= 4 else "before"

    def _mock_place(self) -> None:
        self._spoofed("mock_place", 0)

    def _skilled_spoof(self) -> None:
        self._spoofed("skilled_spoof", None)

    def _other_phone(self) -> None:
        for each in self._free(PLANTED):
            each.other_phone, each.planted = True, "other_phone"

    def _moved_clock(self) -> None:
        for each in self._free(PLANTED):
            each.skew_s, each.planted = self.draw.choice((-1, 1)) * self.draw.randint(360, 7200), "moved_clock"

    def _impossible_travel(self) -> None:
        """The next home lies further away than anybody rides in that time: 60 to 150 km/h."""
        done = 0
        for hers in self.by_day.values():
            if len(hers) < 2 or done == PLANTED or any(each.planted for each in hers) or self.draw.random() < 0.5:
                continue
            before, each = hers[-2], hers[-1]
            hours = (each.since - before.until).total_seconds() / 3600  # type: ignore[operator]
            metres = 1500 + self.draw.uniform(60, 150) * 1000 * (hours + LIMITS["travel_slack_min"] / 60)
            far = Point(before.home.at.lat_e6 + round(metres * E6_PER_M), before.home.at.lon_e6)
            each.home, each.fixes = replace(each.home, at=far, key=each.home.key + 10**6), [self.fix(far), self.fix(far)]
            each.states, each.planted = ["ok", "ok"], "impossible_travel"
            done += 1

    def _overlap(self) -> None:
        """The next home while the one before is still open."""
        done = 0
        for hers in self.by_day.values():
            if len(hers) < 2 or done == PLANTED or any(each.planted for each in hers) or self.draw.random() < 0.5:
                continue
            before, each = hers[-2], hers[-1]
            if before.until is not None and rules.distance_m(before.home.at, each.home.at) > LIMITS["near_m"]:
                stay = each.until - each.since  # type: ignore[operator]
                each.since = before.until - timedelta(minutes=self.draw.randint(5, 30))
                each.until, each.planted, before.planted = each.since + stay, "overlap", "before"
                done += 1

    def _album_run(self) -> None:
        """Three cards within ten minutes, out of an album; she then stays at home."""
        done = 0
        for hers in self.by_day.values():
            apart = all(rules.distance_m(a.home.at, b.home.at) > LIMITS["near_m"] for a in hers for b in hers if a is not b)
            if len(hers) == 3 and apart and not any(each.planted for each in hers) and done < PLANTED:
                for n, each in enumerate(hers):
                    each.since = hers[0].since + timedelta(minutes=3 * n)
                    each.planted = "album_run"
                    done += 1

    def _length(self) -> None:
        """Half as long, twice as long, or never left."""
        for n, each in enumerate(self._free(PLANTED)):
            stay = (each.planned * 0.4, each.planned * 2.3, None)[n % 3]
            each.until, each.planted = (None if stay is None else each.since + timedelta(minutes=stay)), "length"
            if n % 3 == 1:
                each.planned, each.until = 60, each.since + timedelta(minutes=80)

    def _same_photo(self) -> None:
        for each in self._free(PLANTED, last_day=True):
            earlier = self.draw.choice([one for one in self.made if one.home is each.home and one.since < each.since])
            each.photo, each.planted = earlier.photo, "same_photo"

    def _on_leave(self) -> None:
        for each in self._free(PLANTED):
            each.on_leave, each.planted = True, "on_leave"

    def _late_upload(self) -> None:
        for each in self._free(PLANTED):
            each.upload_h, each.planted = self.draw.randint(72, 200), "late_upload"

    # -- judging --

    def judge(self) -> None:
        """What production finds: each call alone, each day together, each caregiver's last days together."""
        photos: dict[str, int] = {}
        by_day: dict[int, list[Made]] = defaultdict(list)
        by_who: dict[int, list[Made]] = defaultdict(list)
        for each in sorted(self.made, key=lambda one: one.since):
            self._alone(each)
            if each.photo in photos:
                each.codes.add("SAME_PHOTO")
            photos[each.photo] = each.key
            by_day[(each.since - START).days].append(each)
            by_who[each.who].append(each)
        for day in by_day.values():
            self._told(signals.of_day([mark for each in day for mark in _marks(each)], [_span(each) for each in day], LIMITS))
        for hers in by_who.values():
            for n in range(0, self.days):
                lately = [each for each in hers if n - 7 <= (each.since - START).days <= n]
                told = signals.of_past([mark for each in lately for mark in _marks(each)], LIMITS)
                today = {each.key for each in lately if (each.since - START).days == n}
                self._told({key: found for key, found in told.items() if key in today})

    def _told(self, found: dict[Any, list[rules.Finding]]) -> None:
        for key, told in found.items():
            self.made[key].codes |= {each.code for each in told}

    def _alone(self, each: Made) -> None:
        for n in (0, 1):
            evidence = Evidence(
                method="scan", card="live", other_home=False, assigned=True, place_state=each.states[n], fix=each.fixes[n],
                homes=(replace(each.home.at, radius_m=LIMITS["radius_m"]),), no_signal=each.home.no_signal, known_device=True,
                skew_s=each.skew_s, width_min=5, upload_h=each.upload_h, other_phone=each.other_phone,
            )  # fmt: skip
            each.codes |= {finding.code for finding in rules.findings(evidence, LIMITS)}
        if each.until is None:
            each.codes.add("NO_OUT")
        else:
            minutes = rules.minutes_between(each.since, each.until)
            each.codes |= {finding.code for finding in rules.length_findings(minutes, each.planned, LIMITS)}


def _marks(each: Made) -> Iterator[Mark]:
    for n, (direction, at) in enumerate((("in", each.since), ("out", each.until))):
        if at is not None:
            fix = each.fixes[n]
            yield Mark(
                each.key, each.home.key, each.who, direction, at, fix.at if fix else None, fix.accuracy_m if fix else 0,
                each.states[n], each.home.at,
            )  # fmt: skip


def _span(each: Made) -> Span:
    until = each.until or each.since + timedelta(minutes=each.planned)
    return Span(each.key, each.home.key, each.who, each.since, until, None, each.on_leave)


def run(visits: int, seed: int) -> dict[str, Any]:
    """Recall by kind and the share of honest visits flagged, all of percent."""
    City.homes_before = []
    city = City(visits, seed)
    city.plant()
    city.judge()
    flagged = set(LIMITS["signals"])
    kinds = {}
    for kind in KINDS:
        of = [each for each in city.made if each.planted == kind]
        caught = [each for each in of if each.codes & flagged]
        kinds[kind] = {"planted": len(of), "caught": len(caught), "recall": round(100 * len(caught) / len(of), 1)}
    honest = [each for each in city.made if not each.planted]
    wrong = [each for each in honest if each.codes & flagged]
    plain = [figures for kind, figures in kinds.items() if kind not in SKILLED]
    return {
        "visits": len(city.made), "seed": seed, "kinds": kinds,
        "recall": round(100 * sum(each["caught"] for each in plain) / sum(each["planted"] for each in plain), 2),
        "skilled": kinds["skilled_spoof"]["recall"],
        "honest_flagged": round(100 * len(wrong) / len(honest), 2),
        "honest_codes": dict(Counter(code for each in wrong for code in each.codes & flagged).most_common()),
    }  # fmt: skip


if __name__ == "__main__":
    said = argparse.ArgumentParser()
    said.add_argument("--visits", type=int, default=20_000)
    said.add_argument("--seed", type=int, default=7)
    given = said.parse_args()
    print(json.dumps(run(given.visits, given.seed), indent=1))
