"""python -m bench.faults: the long form of tests/faults. Ten minutes, 20,000 records, 100 faults and more, on each database.

One JSON line for each database; the exit is 1 when the checker found anything or a goal was missed.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from tests.faults.nemesis import Nemesis
from tests.faults.run import run
from tests.faults.stage import stage
from webapp.web import language


def main() -> None:
    """The command."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    ask.add_argument("--seconds", type=float, default=600)
    ask.add_argument("--submissions", type=int, default=20_000)
    ask.add_argument("--faults", type=int, default=100)
    ask.add_argument("--phones", type=int, default=24)
    ask.add_argument("--seed", type=int, default=1)
    chosen = ask.parse_args()
    language.compile_words()
    kinds = ("sqlite", "postgresql") if chosen.database == "both" else (chosen.database,)
    if not all([play(kind, chosen) for kind in kinds]):
        raise SystemExit(1)


def play(kind: str, chosen: argparse.Namespace) -> bool:
    """One database; prints its line. Whether nothing was found and the goals were met."""

    def faults(nemesis: Nemesis) -> Any:
        return nemesis.seasons(chosen.seconds, chosen.faults)

    with stage(kind, homes=chosen.phones, disk_mebi=256, moves_clock=True, seed=chosen.seed) as laid:
        verdict = run(laid, acts=chosen.submissions, seconds=chosen.seconds, faults=faults, seed=chosen.seed, pause_s=1.0)
    told = {"bench": "faults", "database": kind, "seed": chosen.seed} | verdict.told()
    print(json.dumps(told, ensure_ascii=False), flush=True)
    enough = told["submissions"] >= chosen.submissions and told["faults"] >= chosen.faults and told["seconds"] >= chosen.seconds
    return not verdict.findings and enough


if __name__ == "__main__":
    main()
