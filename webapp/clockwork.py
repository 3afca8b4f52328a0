"""The clock and the drain of jobs (huey), and `serve`: web workers and clock together, neither without the other.

Verbs never enqueue into huey: on SQLite that deadlocks inside a write. They write job rows; huey only wakes up and drains.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import FrameType

import structlog
from flask import Flask
from huey.api import SqliteHuey, crontab

from webapp.kit.settings import Settings
from webapp.store import jobs, topics

log = structlog.get_logger()
PR_SET_PDEATHSIG = 1


def make_clock(app: Flask) -> SqliteHuey:
    """A huey with one task a minute; its own file, so that it never meets the app's write lock."""
    chosen: Settings = app.extensions["settings"]
    huey = SqliteHuey("nuanchao", filename=str(chosen.data_dir / "jobs.db"))

    @huey.periodic_task(crontab(minute="*"))  # type: ignore[untyped-decorator]
    def tick() -> None:
        with app.app_context():
            jobs.ask_nightly()
            while jobs.run_due():
                pass

    return huey


@jobs.job("events.purge", nightly=True)
def purge_events() -> None:
    """Forget what open pages were told more than an hour ago."""
    topics.purge()


def gunicorn(settings: Settings, *, bind: str, workers: int, threads: int, extra: tuple[str, ...] = ()) -> list[str]:
    """The command that serves the pages. Loaded once and forked: a worker that dies is replaced at once."""
    return [
        *(sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", bind),
        *("--workers", str(workers), "--worker-class", "gthread", "--threads", str(threads)),
        *("--preload", "--no-control-socket", "--graceful-timeout", "3", "--timeout", "60", "--log-level", "warning"),
        *extra,
    ]


def serve(commands: dict[str, list[str]], folder: Path) -> int:
    """Run the named commands until one ends or we are told to stop; the others are stopped too.

    Returns 0 when told to stop, 1 when one of them ended by itself. Children die with us (parent-death signal).
    """
    few = {"MALLOC_ARENA_MAX": "2", **os.environ}  # or each of a worker's threads keeps a heap of its own
    started = partial(subprocess.Popen, cwd=folder, env=few, preexec_fn=_die_with_parent)
    children = {name: started(command) for name, command in commands.items()}
    told: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ended: str | None = None
    while not told and ended is None:
        time.sleep(0.2)
        ended = next((name for name, child in children.items() if child.poll() is not None), None)
    if ended:
        log.error("serve.ended", name=ended, code=children[ended].returncode)
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    for child in children.values():
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
    return 1 if ended else 0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)
