"""python -m bench.durable: a minute of whole visits through POST /inbox of `flask serve`, each record on disk when answered.

One JSON line for each database: at least 100 a second, p99 under a second, no failure. Everything is sealed beforehand; the
load comes from one process on the same machine and takes its share of the cores.
"""

from __future__ import annotations

import argparse
import json
import selectors
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from bench.client import Run, Wire, request
from tests.faults.stage import Home, Stage, stage
from webapp.kit import ids
from webapp.store import audit, db
from webapp.store.inbox import Kept
from webapp.web import language

RATE, P99_MS = 100, 1000
ACTS = 6
"""Records of one visit."""


def main() -> None:
    """The command."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    ask.add_argument("--seconds", type=float, default=60)
    ask.add_argument("--connections", type=int, default=8)
    ask.add_argument("--phones", type=int, default=48)
    ask.add_argument("--most", type=int, default=600, help="records a second to seal beforehand")
    chosen = ask.parse_args()
    language.compile_words()
    kinds = ("sqlite", "postgresql") if chosen.database == "both" else (chosen.database,)
    if not all([measure(kind, chosen) for kind in kinds]):
        raise SystemExit(1)


def measure(kind: str, chosen: argparse.Namespace) -> bool:
    """One database; prints its line. Whether the goals were met."""
    with stage(kind, homes=chosen.phones) as laid:
        visits = -(-int(chosen.most * chosen.seconds) // (ACTS * chosen.phones))
        shares = [laid.homes[n :: chosen.connections] for n in range(chosen.connections)]
        laden = [_sealed(share, visits) for share in shares]
        run = drive(laid.server.port, laden, chosen.seconds)
        stored, sound = _kept(laid)
    cuts = statistics.quantiles(run.waits_ms, n=100)
    failures = sum(times for status, times in run.statuses.items() if status != 201)
    told: dict[str, Any] = {
        "bench": "durable", "database": kind, "seconds": round(run.seconds, 1), "connections": chosen.connections,
        "answered": len(run.waits_ms), "per_second": round(run.rate, 1),
        "p50_ms": round(cuts[49], 1), "p99_ms": round(cuts[98], 1),
        "longest_ms": round(max(run.waits_ms), 1), "failures": failures, "stored": dict(stored), "audit": sound or "sound",
    }  # fmt: skip
    print(json.dumps(told), flush=True)
    exact = stored == {"applied": len(run.waits_ms) - failures} and not sound
    return exact and not failures and run.rate >= RATE and cuts[98] < P99_MS


def _sealed(homes: Sequence[Home], visits: int) -> list[bytes]:
    """The records of one connection: its homes in turn, act by act, visit after visit."""
    lives = [_visits(home, visits) for home in homes]
    return [record for turn in zip(*lives, strict=True) for record in turn]


def _visits(home: Home, times: int) -> Iterator[bytes]:
    place = {"lat_e6": home.lat_e6, "lon_e6": home.lon_e6, "accuracy_m": 12, "fix_age_ms": 900, "place_state": "ok"}
    for n in range(times):
        visit = str(home.planned if n == 0 else ids.new())
        here = {"household": str(home.household), "visit": visit}
        scan = {"visit": visit, "token": home.token, "method": "scan", **place}
        paid = {"amount_fen": 1200 + n, "category": "EX-VEG", "source": "cash", "words": "白菜", "market_seen": True}
        got = {"amount_fen": 1300 + n, "category": "IN-FAM", "source": "cash"}
        prev = None
        for kind, body in (
            ("visits.arrive", scan | {"household": str(home.household)}),
            ("visits.services", {"visit": visit, "done": ["MEAL-01", "MIND-01"], "refused": []}),
            ("ledger.spend", here | paid),
            ("ledger.receive", here | got),
            ("logs.write", {"visit": visit, "mood": "good", "story": "吃得好，说了会儿话"}),
            ("visits.leave", scan),
        ):
            chained = not kind.startswith("ledger.")
            envelope = home.devices[0].seal(kind, body, chain=visit if chained else None, prev=prev if chained else None)
            prev = envelope["id"] if chained else prev
            yield request("POST", "/inbox", body=json.dumps(envelope).encode())


def drive(port: int, laden: Sequence[Sequence[bytes]], seconds: float) -> Run:
    """Each connection sends its own records in order, the next as soon as it is answered, until time is over."""
    run, wires = Run(), [(Wire(port), iter(share)) for share in laden]
    with selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        for wire, share in wires:
            wire.send(next(share))
            selector.register(wire.socket, selectors.EVENT_READ, (wire, share))
        while selector.get_map():
            for key, _mask in selector.select(60):
                wire, share = key.data
                if (status := wire.done()) is None:
                    continue
                run.statuses[status] = run.statuses.get(status, 0) + 1
                run.waits_ms.append((time.perf_counter() - wire.began) * 1000)
                record = next(share, None) if time.perf_counter() - began < seconds else None
                if record is None:
                    selector.unregister(wire.socket)
                else:
                    wire.send(record)
        run.seconds = time.perf_counter() - began
    for wire, _share in wires:
        wire.socket.close()
    return run


def _kept(laid: Stage) -> tuple[Counter[str], list[str]]:
    """The records by state, and what is wrong with the audit chain."""
    with laid.app.app_context():
        states = Counter(db.reading().scalars(sa.select(Kept.state)))
        wrong = audit.verify(db.reading())
        db.undo()
    laid.let_go()
    return states, wrong


if __name__ == "__main__":
    main()
