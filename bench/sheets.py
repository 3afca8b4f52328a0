"""What a sheet of visits costs beside a bare CSV dump of the same rows, and whether memory stays flat.

    python -m bench.sheets [--visits 500000]

On SQLite, in a folder of its own. Prints one JSON object: seconds, their ratio, and peak memory after a tenth and at the end.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.conftest import settings
from tests.world import World, build
from webapp import create_app
from webapp.kit import clock, ids
from webapp.sample.laying import Ink
from webapp.store import db, migrate
from webapp.visits import exporting
from webapp.visits.exporting import Wanted

COLUMNS = {
    "visit": "id household_id station_id caregiver_id day arrived_at left_at state minutes planned_start_min planned_minutes"
    " grade changed_at",
    "call": "id visit_id household_id author_id direction method card_state place_state app made_at at received_at skew_s",
    "call_place": "id lat_e6 lon_e6 accuracy_m fix_age_ms distance_m",
    "service": "visit_id code outcome at act_id",
}


def fill(world: World, many: int) -> None:
    """So many visits with two calls, two places and two services each, over as many days as that takes."""
    session = db.session()
    ink = Ink(session.get_bind().dialect)
    home, who, author = world.household("李秀兰"), world.person("wang"), world.account("wang")
    house, station, caregiver, account = (ink.key(each) for each in (home.id, home.station_id, who.id, author.id))
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    for n in range(many):
        came = clock.instant(clock.today() - timedelta(days=1 + n // 1000), 480 + n % 400)
        at, left, visit = ink.at(came), ink.at(came + timedelta(minutes=60)), ink.key(ids.new())
        day = ink.day(clock.day_of(came))
        rows["visit"].append((visit, house, station, caregiver, day, at, left, "done", 60, 480, 60, "A", at))
        for direction, told in (("in", at), ("out", left)):
            key = ink.key(ids.new())
            rows["call"].append((key, visit, house, account, direction, "QR", "live", "ok", "b", told, told, told, 0))
            rows["call_place"].append((key, 38_914_000 + n % 90, 121_614_000, 15, 900, 8))
        rows["service"] += [(visit, code, "done", left, visit) for code in ("MEAL-01", "CLEAN-01")]
        if n % 20_000 == 19_999 or n == many - 1:
            for name, waiting in rows.items():
                columns = COLUMNS[name].split()
                marks = ", ".join("?" * len(columns))
                session.connection().exec_driver_sql(f"insert into {name} ({', '.join(columns)}) values ({marks})", waiting)
                waiting.clear()


def bare(path: Path) -> float:
    """Seconds of a dump of the same tables as they are."""
    began = time.perf_counter()
    with path.open("w", newline="") as out, db.database().engine.connect() as connection:
        pen = csv.writer(out)
        for name in COLUMNS:
            told = connection.execution_options(stream_results=True).exec_driver_sql(f"select * from {name}")
            pen.writerow(told.keys())
            while part := told.fetchmany(1000):
                pen.writerows(part)
    return time.perf_counter() - began


def run(many: int) -> dict[str, Any]:
    """The figures."""
    peaks: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(Path(folder)))
        with app.app_context():
            migrate.upgrade(db.database().engine)
            build()
            with db.transaction():
                fill(World(app), many)
            dumped = min(bare(Path(folder) / "bare.csv") for _ in range(2))

            def told(n: int) -> None:
                if not peaks and n >= many // 10:
                    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)

            began = time.perf_counter()
            with (Path(folder) / "visits.csv").open("wb") as out, db.reads():
                lines = exporting.write_csv(exporting.lines(Wanted()), out, told)
            took = time.perf_counter() - began
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    return {
        "visits": lines, "bare_s": round(dumped, 1), "export_s": round(took, 1),
        "ratio": round(took / dumped, 2), "peak_mb_at_a_tenth": peaks[0], "peak_mb": peaks[-1],
    }  # fmt: skip


if __name__ == "__main__":
    said = argparse.ArgumentParser()
    said.add_argument("--visits", type=int, default=500_000)
    print(json.dumps(run(said.parse_args().visits)))
