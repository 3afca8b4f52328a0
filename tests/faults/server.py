"""The real server as a process tree of its own: started as `flask serve` starts it, ended by process id, any way one likes."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from webapp import clockwork
from webapp.kit import settings

ROOT = Path(__file__).resolve().parents[2]
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
PATIENCE_S = 300
"""How long anything may take that must happen in the end."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Server:
    """`flask serve` over the settings in `env`; with a planted `bug`, its pages alone from tests/faults/bugs.py."""

    def __init__(self, folder: Path, env: dict[str, str], *, bug: str = "", workers: int = 2, moves_clock: bool = False) -> None:
        self.port, self.log, self.workers, self.bug = int(env["PORT"]), folder / "server.log", workers, bug
        self.ahead = folder / "ahead"
        self.env = os.environ | env | {"PYTHONUNBUFFERED": "1"} | ({"PLANTED_BUG": bug} if bug else {})
        self.env.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of its processes compiles every page of code at each start
        self.moves_clock = moves_clock and FAKETIME is not None
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it can work."""
        env = self.env
        if self.moves_clock:
            if not self.ahead.exists():
                self.move_clock(0)
            env = env | {
                "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.ahead), "FAKETIME_NO_CACHE": "1",
            }  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command(), cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
        self.wait_up()

    def _command(self) -> list[str]:
        if not self.bug:
            return [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--workers", str(self.workers)]
        made = clockwork.gunicorn(settings.read(self.env), bind=f"127.0.0.1:{self.port}", workers=self.workers, threads=16)
        return ["tests.faults.bugs:app" if word == "wsgi:app" else word for word in made]

    def move_clock(self, days: int) -> None:
        """Let the server's clock be so many days off from now on."""
        draft = self.ahead.with_suffix(".new")
        draft.write_text(f"{days:+d}d")
        draft.replace(self.ahead)

    def wait_up(self) -> None:
        """Return once /up says that work can be done. Raises when the server ended or time is up."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if self.ended:
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", "/up")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.05)
        how = f"ended with {self.process and self.process.returncode}" if self.ended else "does not answer"
        raise RuntimeError(f"the server {how}: {self.log.read_text()[-2000:]}")

    @property
    def ended(self) -> bool:
        """Whether it is no longer there although nobody stopped it."""
        return self.process is None or self.process.poll() is not None

    def kill_worker(self, pick: int) -> None:
        """SIGKILL for one of the processes that answer requests; gunicorn makes another."""
        workers = self._workers()
        if workers:
            _kill(workers[pick % len(workers)])

    def _workers(self) -> list[int]:
        """Those whose parent is gunicorn and who are gunicorn."""
        assert self.process is not None
        tree = _tree(self.process.pid)
        named = {pid for pid in tree if b"gunicorn" in _words(pid)}
        return sorted(pid for pid in named if _parent(pid) in named)

    def kill_all(self) -> None:
        """SIGKILL for every process of it at once."""
        assert self.process is not None
        for pid in _tree(self.process.pid):
            _kill(pid)
        self.process.wait(PATIENCE_S)
        _gone(self.port)

    def stop(self) -> None:
        """Ask it to end; insist."""
        if self.process is None:
            return
        tree = _tree(self.process.pid)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        for pid in tree:
            _kill(pid)
        self.process.wait(PATIENCE_S)
        self.process = None
        _gone(self.port)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _gone(port: int) -> None:
    """Wait until nobody listens on `port`: the killed need a moment to die."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"somebody still listens on {port}")


def _tree(root: int) -> list[int]:
    """A process and its descendants, parents first."""
    found = [root]
    parents = {int(path.name): _parent(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
