"""A month counted again from the exported CSV by a program that shares no code with the product, for a whole street.

It reads evaluation.json's weights and curves as data and works everything else out by itself, in Decimal.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import settings
from webapp import create_app
from webapp.kit import clock
from webapp.store import db, migrate

Row = dict[str, str]


def read(folder: Path, name: str) -> list[Row]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Recount:
    """One month, from files only."""

    def __init__(self, folder: Path) -> None:
        self.month = folder.name
        year, month = map(int, self.month.split("-"))
        self.next = date(year + month // 12, month % 12 + 1, 1).isoformat()
        self.last = (date.fromisoformat(self.next) - timedelta(days=1)).isoformat()
        self.rules = json.loads((folder / "rules.json").read_text(encoding="utf-8"))["monthly"]
        tables = (
            "shifts",
            "visits",
            "services",
            "logs",
            "nobody_home",
            "late_reasons",
            "books",
            "entries",
            "quiet_days",
            "relief",
            "sessions",
            "opinions",
            "faults",
            "findings",
            "units",
            "agreements",
            "counts",
        )
        self.t = {name: read(folder, name) for name in tables}
        self.visits = [row for row in self.t["visits"] if row["state"] != "void"]
        self.by_id = {row["id"]: row for row in self.visits}

    def facts(self, who: str) -> dict[str, Any]:
        mine = [row for row in self.visits if row["caregiver"] == who]
        homes = {(row["household"], row["day"]) for row in mine}
        return {
            **self.attendance(who),
            **self.times(mine),
            **self.items(mine),
            **self.diaries(who, homes),
            **self.book(who, homes),
            **self.training(who),
            **self.said(who),
            **self.against(who),
        }

    def attendance(self, who: str) -> dict[str, Any]:
        came = {row["shift"] for row in self.visits if row["caregiver"] == who and row["shift"]}
        came |= {row["shift"] for row in self.t["nobody_home"] if row["caregiver"] == who and row["followed_up"] == "1"}
        due = kept = 0
        for shift in self.t["shifts"]:
            if shift["state"] == "planned" and (shift["caregiver"] == who or shift["id"] in came):
                due, kept = due + 1, kept + (shift["id"] in came)
        return {"M01": (kept, due)}

    def times(self, mine: list[Row]) -> dict[str, Any]:
        held = self.rules["settings"]
        excused = {row["visit"] for row in self.t["late_reasons"] if row["reason"] in held["excused_reasons"]}
        started = on_time = 0
        for row in mine:
            if row["planned_min"] and row["id"] not in excused:
                planned = datetime.combine(date.fromisoformat(row["day"]), time()) + timedelta(minutes=int(row["planned_min"]))
                arrived = datetime.fromisoformat(row["arrived"]).replace(tzinfo=None)
                started += 1
                on_time += (arrived - planned) < timedelta(minutes=held["on_time_min"] + 1)
        return {"M02": (on_time, started)}

    def items(self, mine: list[Row]) -> dict[str, Any]:
        plan = {row["id"]: len(json.loads(row["items"])) for row in self.t["shifts"] if row["state"] == "planned"}
        told: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in self.t["services"]:
            told[row["visit"]][row["outcome"]] += 1
        owed = met = 0
        for row in mine:
            planned = plan.get(row["shift"], 0)
            done = min(planned, told[row["id"]]["done"])
            owed += planned
            met += done + min(planned - done, told[row["id"]]["refused"])
        return {"M03": (met, owed)}

    def diaries(self, who: str, homes: set[tuple[str, str]]) -> dict[str, Any]:
        soonest: dict[tuple[str, str], int] = {}
        for row in self.t["logs"]:
            visit = self.by_id.get(row["visit"])
            if visit and visit["caregiver"] == who and int(row["words"]):
                behind = (datetime.fromisoformat(row["at"]).date() - date.fromisoformat(row["day"])).days
                key = (row["household"], row["day"])
                soonest[key] = min(behind, soonest.get(key, behind))
        marks = [Decimal(1) if n <= 0 else Decimal("0.5") if n <= self.rules["settings"]["log_late_days"] else Decimal(0)
                 for key, n in soonest.items() if key in homes]  # fmt: skip
        return {"M04": (sum(marks, Decimal(0)), len(homes))}

    def book(self, who: str, homes: set[tuple[str, str]]) -> dict[str, Any]:
        opened = {row["household"]: row["opened"] for row in self.t["books"]}
        written = {(row["household"], row["day"]) for name in ("entries", "quiet_days") for row in self.t[name]}
        days = [home for home in homes if home[0] in opened and opened[home[0]] <= home[1]]
        undone = {row["reversal_of"] for row in self.t["entries"]}
        slips = [row for row in self.t["entries"]
                 if row["caregiver"] == who and row["needs_receipt"] == "1" and row["id"] not in undone]  # fmt: skip
        if not days:
            return {"M05": (0, 0)}
        share = Decimal(sum(home in written for home in days)) / len(days)
        given = Decimal(sum(row["has_receipt"] == "1" for row in slips)) / len(slips) if slips else Decimal(1)
        marks = self.cash(who, {home for home, _day in homes}, opened)
        if not marks:
            return {"M05": ((share * 5 + given * 3) / 8, 1)}
        return {"M05": ((share * 5 + given * 3 + sum(marks) / len(marks) * 2) / 10, 1)}

    def hers(self, who: str) -> dict[str, bool]:
        """The homes that were hers when the month ended → whether she is a relative."""
        mine = [row for row in self.t["units"] if row["caregiver"] == who and row["since"][:10] < self.next]
        return {row["household"]: row["relative"] == "1" for row in mine if not row["until"] or row["until"][:10] >= self.next}

    def cash(self, who: str, homes: set[str], opened: dict[str, str]) -> list[Decimal]:
        agreed = {row["household"] for row in self.t["agreements"]
                  if row["since"] <= self.last and (not row["until"] or row["until"] > self.last)}  # fmt: skip
        latest = {row["household"]: row for row in self.t["counts"] if row["kind"] == "month"}
        marks = []
        for home, relative in self.hers(who).items():
            if relative or home not in homes or home not in agreed or opened.get(home, "9") > self.last:
                continue
            row, mark = latest.get(home), Decimal(0)
            if row:
                off = abs(int(row["cash"]) - int(row["booked_cash"]))
                off += abs(int(row["wallet"]) - int(row["booked_wallet"])) if row["wallet"] else 0
                mark = Decimal(1) if off <= 100 else Decimal("0.5") if off <= 1000 else Decimal(0)
            marks.append(mark)
        return marks

    def said(self, who: str) -> dict[str, Any]:
        stars = [int(row["stars"]) for row in self.t["opinions"] if row["caregiver"] == who]
        return {"M07": (sum(stars), len(stars))}

    def against(self, who: str) -> dict[str, Any]:
        kinds = [row["kind"] for row in self.t["faults"] if row["caregiver"] == who]
        homes = self.hers(who)
        late = [
            row
            for row in self.t["findings"]
            if row["household"] in homes and row["severity"] == "minor" and (not row["fixed"] or row["fixed"][:10] > row["due"])
        ]
        lost = 4 * kinds.count("complaint") + 8 * kinds.count("serious") + 2 * len(late)
        return {"M08": (max(0, 8 - lost), 8)}

    def training(self, who: str) -> dict[str, Any]:
        meant = [row for row in self.t["sessions"] if row["caregiver"] == who and row["on_leave"] == "0"]
        return {"M09": (sum(row["attended"] == "1" for row in meant), len(meant))}

    def points(self, row: Row) -> tuple[dict[str, str], str, str]:
        """(tenths by indicator, total, grade) as the export writes them; "" for what is left out."""
        facts: dict[str, Any] = self.facts(row["caregiver"])
        for fact in json.loads(row["corrections"]):
            raise AssertionError(f"the demo world corrects nothing: {fact}")
        earned: dict[str, Decimal] = {}
        weights = Decimal(0)
        for each in self.rules["indicators"]:
            code, weight = each["code"], Decimal(each["weight"])
            given = {"M10": row["home"], "M11": row["attitude"]}.get(code)
            done, due = facts.get(code, (0, 0))
            if given:
                earned[code] = Decimal(given)
            elif due:
                earned[code] = weight * curve(each["curve"], Decimal(done) / due)
            else:
                continue
            weights += weight
        tenths = {code: str(int(half_up(value) * 10)) for code, value in earned.items()}
        if weights < 60:
            return tenths, "", ""
        total = half_up(sum(earned.values()) * 100 / weights + Decimal(row["adjustment"]) / 10)
        grade = "excellent" if total >= 90 else "good" if total >= 80 else "pass" if total >= 60 else "fail"
        return tenths, str(int(total * 10)), grade


def curve(points: list[list[float]], x: Decimal) -> Decimal:
    known = [(Decimal(str(a)), Decimal(str(b))) for a, b in points]
    below = [point for point in known if point[0] <= x]
    above = [point for point in known if point[0] >= x]
    if not below:
        return known[0][1]
    if not above:
        return known[-1][1]
    (left, low), (right, high) = below[-1], above[0]
    return low if right == left else low + (high - low) * (x - left) / (right - left)


def half_up(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The street-size demo world, three months lived."""
    made = create_app(settings(tmp_path_factory.mktemp("street")))
    with made.app_context():
        migrate.upgrade(db.database().engine)
        done = made.test_cli_runner().invoke(args=["sample", "load", "--size", "street"])
        assert done.exit_code == 0, done.output
    return made


def test_every_point_of_every_caregiver_agrees_for_three_months(street: Flask, tmp_path: Path) -> None:
    today, compared = clock.today(), 0
    first = today.replace(day=1)
    for _ in range(3):
        first = (first - timedelta(days=1)).replace(day=1)
        folder = tmp_path / f"{first:%Y-%m}"
        with street.app_context():
            args = ["export", "evaluations", f"{first:%Y-%m}", str(folder)]
            assert street.test_cli_runner().invoke(args=args).exit_code == 0
        again = Recount(folder)
        for row in read(folder, "evaluations"):
            tenths, total, grade = again.points(row)
            kept = {code: row[code] for code in row if code.startswith("M") and row[code]}
            assert (kept, row["total"], row["grade"]) == (tenths, total, grade), (first, row["caregiver"])
            compared += 1
    assert compared >= 60


def test_a_sealed_month_checked_again_names_no_difference_and_a_changed_record_is_named(street: Flask) -> None:
    last = (clock.today().replace(day=1) - timedelta(days=1)).replace(day=1)
    before = (last - timedelta(days=1)).replace(day=1)
    with street.app_context():
        run = street.test_cli_runner().invoke
        assert "no difference" in run(args=["evaluations", "check", f"{before:%Y-%m}"]).output
        with db.transaction() as session:
            run_sql = session.connection().exec_driver_sql
            row = run_sql("select id from visit where day >= ? and day < ? limit 1", (str(before), str(last))).one()
            run_sql("update visit set state = 'void' where id = ?", tuple(row))
        told = run(args=["evaluations", "check", f"{before:%Y-%m}"])
        assert told.exit_code == 1 and "visits_kept" in told.output
