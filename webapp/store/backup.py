"""Backups: the database as it was at one moment, tried before it counts; and how one is put back.

A backup is a folder in BACKUP_DIR, named after its time: the database (SQLite's file, or what pg_dump wrote) and `manifest.json`.
Photos never change, so they lie there once, in `photos`. Keys are not in it: keep DATA_DIR/keys elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app

from webapp.kit import clock, ids
from webapp.store import audit, db, jobs, migrate

MANIFEST, LITE, DUMP, PHOTOS = "manifest.json", "nuanchao.db", "nuanchao.dump", "photos"
KEEP = 14
"""So many are kept of those that lie together."""
FACTS = (
    "select h.epoch, h.seq, h.head, (select count(*) from inbox), (select version_num from alembic_version) "
    "from audit_head h where h.id = 1"
)


class BackupError(Exception):
    """A backup that cannot be made, is not whole or must not be put back; English, for operators."""


@dataclass(frozen=True)
class Manifest:
    """What is in a backup. `seq`: records up to this receipt are in it; `audit_head`: hex at `audit_seq`; `size`: bytes."""

    at: str
    revision: str
    seq: int
    audit_seq: int
    audit_head: str
    records: int
    size: int
    sha256: str


def make(root: Path) -> Path:
    """A backup of now in a new folder of `root`. It is read again before phones are told what it covers. Raises BackupError."""
    name = clock.now().strftime("%Y%m%dT%H%M%S%fZ")
    draft, done = root / f"{name}.draft", root / name
    draft.mkdir(parents=True)
    try:
        covered = _last_receipt()
        manifest = _taken(draft, covered)
        _gather(_photos(), root / PHOTOS)
        _write(draft / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
        _must_be_whole(draft)
        draft.rename(done)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    with db.transaction() as session:
        session.execute(sa.update(audit.Head).values(backup_seq=covered, backup_at=clock.now()))
        audit.note("backup.make", f"backup:{name}", None, seq=covered, size=manifest.size)
    for old in sorted(each.parent for each in root.glob(f"*Z/{MANIFEST}"))[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return done


def check(folder: Path) -> list[str]:
    """What is wrong with a backup, in English; [] when it is whole."""
    try:
        manifest = read(folder)
        file = _file(folder)
        if file.stat().st_size != manifest.size or _digest(file) != manifest.sha256:
            return [f"{file.name} is not the file that was written"]
        if file.name == DUMP:
            _pg("pg_restore", "-f", os.devnull, str(file))
            return []
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as copy:
            wrong = [row[0] for row in copy.execute("pragma integrity_check") if row[0] != "ok"]
            epoch, seq, head, records, revision = copy.execute(FACTS).fetchone()
        if (seq, head.hex(), records, revision) != (manifest.audit_seq, manifest.audit_head, manifest.records, manifest.revision):
            wrong.append("the database says something else than its manifest")
    except (OSError, sqlite3.Error, BackupError) as error:
        return [str(error)]
    return wrong


def read(folder: Path) -> Manifest:
    """The manifest of a backup. Raises BackupError."""
    try:
        return Manifest(**json.loads((folder / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{folder} is no backup: {error}") from error


def put_back(folder: Path) -> list[str]:
    """Make a backup the database of this installation, for phones a new life of it: they offer again what they still hold.

    Nothing is written over: SQLite's former file is laid aside, a PostgreSQL database must be empty. The server must not run.
    Gives what the audit chain finds wrong: []. Raises BackupError.
    """
    _must_be_whole(folder)
    manifest, engine = read(folder), db.database().engine
    db.undo()
    engine.dispose()
    if engine.dialect.name == "sqlite":
        _lay(folder / LITE, Path(str(engine.url.database)))
    elif sa.inspect(engine).get_table_names():
        raise BackupError("the database is not empty: create a new one and name it in DATABASE_URL")
    else:
        _pg("pg_restore", "--no-owner", "--exit-on-error", "-d", _address(engine.url), str(folder / DUMP))
    _gather(folder.parent / PHOTOS, _photos())
    migrate.upgrade(engine)
    with db.transaction() as session:
        wrong = audit.verify(session, {manifest.audit_seq: bytes.fromhex(manifest.audit_head)} if manifest.audit_seq else {})
        session.execute(sa.update(audit.Head).values(epoch=ids.new(), backup_seq=manifest.seq, backup_at=clock.now()))
        audit.note("backup.restore", f"backup:{folder.name}", None, seq=manifest.seq)
    return wrong


@jobs.job("backup.make", nightly=True, alone=True)
def nightly() -> None:
    """Tonight's backup, where a folder for them is named."""
    root = current_app.extensions["settings"].backup_dir
    if root:
        make(root)


def _last_receipt() -> int:
    """The newest receipt of which no earlier one is still being written: whoever writes now is waited for."""
    with db.database().engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("lock table inbox in share mode")
        return int(connection.exec_driver_sql("select coalesce(max(seq), 0) from inbox").scalar_one())


def _taken(draft: Path, covered: int) -> Manifest:
    """The copy, and what it holds: both of the same moment."""
    engine = db.database().engine
    if engine.dialect.name == "sqlite":
        file = draft / LITE
        with engine.connect() as here, contextlib.closing(sqlite3.connect(file)) as copy:
            driver: Any = here.connection.driver_connection
            driver.backup(copy)
            copy.execute("pragma journal_mode = delete")
            facts = copy.execute(FACTS).fetchone()
    else:
        file = draft / DUMP
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as here:
            snapshot = here.exec_driver_sql("select pg_export_snapshot()").scalar_one()
            facts = tuple(here.exec_driver_sql(FACTS).one())
            _pg("pg_dump", "-Fc", f"--snapshot={snapshot}", "-f", str(file), _address(engine.url))
            here.rollback()
    _sync(file)
    _epoch, seq, head, records, revision = facts
    return Manifest(
        clock.to_wire(clock.now()), revision, covered, seq, bytes(head).hex(), records, file.stat().st_size, _digest(file)
    )


def _must_be_whole(folder: Path) -> None:
    wrong = check(folder)
    if wrong:
        raise BackupError("; ".join(wrong))


def _lay(copy: Path, place: Path) -> None:
    """The copy in the database's place; what lies there is renamed, with its log."""
    if holders := _holders(place):
        raise BackupError(f"stop the server first: {place} is open in process {', '.join(map(str, holders))}")
    for end in ("", "-wal", "-shm"):
        former = place.with_name(place.name + end)
        if former.exists():
            former.rename(place.with_name(f"{place.name}.before-{clock.now():%Y%m%dT%H%M%S}{end}"))
    draft = place.with_name(place.name + ".draft")
    shutil.copyfile(copy, draft)
    _sync(draft)
    draft.rename(place)


def _holders(file: Path) -> list[int]:
    """Processes other than this one that have `file` open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == str(file.resolve()):
                found.add(int(link.parts[2]))
    return sorted(found - {os.getpid()})


def _gather(here: Path, there: Path) -> None:
    """Photos that `there` does not have yet. Each is whole or not there at all."""
    for picture in here.glob("[0-9a-f][0-9a-f]/*.jpg"):
        copy = there / picture.parent.name / picture.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            draft = copy.with_suffix(".draft")
            shutil.copyfile(picture, draft)
            _sync(draft)
            draft.rename(copy)


def _photos() -> Path:
    root: Path = current_app.extensions["photos"]
    return root


def _file(folder: Path) -> Path:
    return folder / (LITE if (folder / LITE).exists() else DUMP)


def _address(url: sa.URL) -> str:
    return url.set(drivername="postgresql", password=None).render_as_string()


def _pg(program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs. The password goes by the environment: a command line can be read by everybody."""
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is not installed: it is in Debian's postgresql-client")
    env = {**os.environ, "PGPASSWORD": str(db.database().engine.url.password or "")}
    done = subprocess.run([found, *words], capture_output=True, text=True, env=env)  # noqa: S603 - our own words
    if done.returncode:
        raise BackupError(f"{program}: {done.stderr.strip()[:500]}")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    _sync(file)


def _sync(file: Path) -> None:
    for each, flags in ((file, os.O_RDONLY), (file.parent, os.O_RDONLY | os.O_DIRECTORY)):
        handle = os.open(each, flags)
        os.fsync(handle)
        os.close(handle)
