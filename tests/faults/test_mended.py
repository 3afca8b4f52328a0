"""What the nemesis found once, each as small as it can be told."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sqlite3
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests.store.kit import Phone, know, receive, scribble, teach
from tests.world import World
from webapp.kit import clock, ids
from webapp.kit.refusal import Busy
from webapp.store import db, files, inbox
from webapp.store.acts import Act
from webapp.store.files import Photo


@pytest.fixture
def phone(app: Flask, world: World) -> Phone:
    """王桂芳's phone, and a kind whose verb leaves a trace."""
    made = Phone(world.account("wang").id)
    know(app, made)
    teach(app, "test.scribble", scribble)
    db.undo()
    return made


def test_two_acts_of_one_visit_at_the_same_moment_do_not_wait_for_each_other_for_ever(app: Flask, phone: Phone) -> None:
    if db.database().engine.dialect.name == "sqlite":
        pytest.skip("writers take turns there")
    both = threading.Barrier(2)

    def slow(act: Act, body: Any) -> str | None:
        if body["n"] == 0:
            with_patience(both)  # the first is being judged when the second comes
        return scribble(act, body)

    teach(app, "test.slow", slow)
    chain = str(ids.new())
    first = phone.seal("test.slow", {"n": 0}, chain=chain)
    second = phone.seal("test.slow", {"n": 1}, chain=chain, prev=first["id"])

    def post(envelope: dict[str, Any]) -> None:
        with app.app_context():
            receive(app, envelope, phone.public)

    one = threading.Thread(target=post, args=(first,))
    one.start()
    other = threading.Thread(target=lambda: (with_patience(both), post(second)))
    other.start()
    one.join(60)
    other.join(60)
    db.undo()
    states = dict(db.reading().execute(sa.select(inbox.Kept.id, inbox.Kept.state)).all())
    assert {states[uuid.UUID(each["id"])] for each in (first, second)} == {"applied"}


def test_a_full_disk_in_the_middle_of_a_verb_keeps_nothing_and_acknowledges_nothing(app: Flask, phone: Phone) -> None:
    if db.database().engine.dialect.name != "sqlite":
        pytest.skip("SQLite alone takes a whole transaction back by itself")

    def full(_act: Act, _body: Any) -> str | None:
        driver: Any = db.session().connection().connection.driver_connection
        driver.execute("rollback")  # as SQLite does when it finds no room for a page
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise sa.exc.OperationalError("insert", {}, error)

    teach(app, "test.full", full)
    with pytest.raises(Busy):
        receive(app, phone.seal("test.full", {}), phone.public)
    db.undo()
    assert db.reading().scalar(sa.select(inbox.Kept.id)) is None


def with_patience(barrier: threading.Barrier) -> None:
    """Meet the other, but not for ever: where writers take turns the second cannot come in between."""
    try:
        barrier.wait(5)
    except threading.BrokenBarrierError:
        return


def test_whoever_waits_to_write_holds_no_old_view_of_the_database(app: Flask) -> None:
    if db.database().engine.dialect.name != "sqlite":
        pytest.skip("only SQLite's log grows by it")
    db.undo()
    with app.test_request_context("/inbox", method="POST"):
        db.reading().scalar(sa.text("select count(*) from place"))
        db.session().execute(sa.text("update audit_head set backup_seq = backup_seq"))
        assert not db.reading().in_transaction()
        db.undo()


def test_sixteen_who_write_at_once_leave_a_connection_to_whoever_has_the_turn(app: Flask) -> None:
    engine = db.database().engine
    db.undo()

    def write() -> None:
        with app.test_request_context("/inbox", method="POST"), contextlib.suppress(sa.exc.OperationalError):
            db.session().execute(sa.text("update audit_head set backup_seq = backup_seq"))
            db.undo()

    with app.test_request_context("/inbox", method="POST"):
        db.session().execute(sa.text("update audit_head set backup_seq = backup_seq"))
        others = [threading.Thread(target=write) for _ in range(15)]
        for other in others:
            other.start()
        until = time.monotonic() + 30
        while engine.pool.checkedout() < 16 and time.monotonic() < until:  # type: ignore[attr-defined]
            time.sleep(0.01)
        db.reading().scalar(sa.text("select count(*) from place"))  # raises where all connections are with those who wait
        assert engine.pool.checkedout() == 17  # type: ignore[attr-defined]
        db.undo()
    for other in others:
        other.join(30)


def jpeg() -> bytes:
    """A picture."""
    out = io.BytesIO()
    Image.new("RGB", (60, 40), (10, 90, 200)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def wanted(app: Flask) -> tuple[str, bytes]:
    """A photo that a record names; its digest and bytes."""
    data = jpeg()
    sha256 = hashlib.sha256(data).hexdigest()
    with db.transaction():
        files.want(sha256, len(data))
    return sha256, data


def done(sha256: str) -> bool:
    """Whether the photo can be shown."""
    db.undo()
    row = db.reading().get(Photo, sha256)
    return row is not None and row.done_at is not None and files.path(sha256).exists()


def test_a_photo_whose_worker_died_at_the_last_byte_is_finished_by_the_next_try(app: Flask, wanted: tuple[str, bytes]) -> None:
    sha256, data = wanted
    files.coming(sha256).parent.mkdir(parents=True, exist_ok=True)
    files.coming(sha256).write_bytes(data)  # every byte was written, then the process was killed
    url, client = f"/inbox/photos/{sha256}", app.test_client()
    at = int(client.head(url).headers["Upload-Offset"])
    assert at < len(data), "the phone would think that all is well"
    answer = client.put(url, data=data[at:], headers={"Upload-Offset": str(at)})
    assert answer.headers["Upload-Offset"] == str(len(data)) and done(sha256)


def test_a_photo_that_another_tab_is_just_finishing_is_finished_in_any_case(
    app: Flask, wanted: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256, data = wanted
    really, wrote = files._done, threading.Event()
    monkeypatch.setattr(
        files, "_done", lambda *told: really(*told) if wrote.is_set() else wrote.set()
    )  # the first dies before commit
    url, client = f"/inbox/photos/{sha256}", app.test_client()
    client.put(url, data=data, headers={"Upload-Offset": "0"})
    assert wrote.is_set() and not done(sha256)
    at = int(client.head(url).headers["Upload-Offset"])
    assert client.put(url, data=data[at:], headers={"Upload-Offset": str(at)}).headers["Upload-Offset"] == str(len(data))
    assert done(sha256)


def test_a_full_disk_is_told_as_a_pause_and_leaves_no_halves(
    app: Flask, wanted: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256, data = wanted

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        answer = app.test_client().put(f"/inbox/photos/{sha256}", data=data, headers={"Upload-Offset": "0"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert not list(files.path(sha256).parent.glob("*.tmp"))
    client, url = app.test_client(), f"/inbox/photos/{sha256}"
    at = int(client.head(url).headers["Upload-Offset"])
    client.put(url, data=data[at:], headers={"Upload-Offset": str(at)})
    assert done(sha256)


def test_when_the_database_is_away_a_signed_in_person_is_told_in_words(app: Flask, world: World) -> None:
    client = world.client("wang")
    app.config["PROPAGATE_EXCEPTIONS"] = app.config["TESTING"] = False

    def gone(*_told: Any) -> None:
        raise sa.exc.OperationalError("select 1", {}, Exception("the database system is starting up"))

    engine = db.database().engine
    db.undo()
    sa.event.listen(engine, "before_cursor_execute", gone)
    try:
        page, record = client.get("/"), client.post("/inbox", data=b"{}", content_type="application/json")
    finally:
        sa.event.remove(engine, "before_cursor_execute", gone)
    assert page.status_code == 503 and "请等一下再试" in page.get_data(as_text=True)
    assert record.status_code in (400, 503) and record.is_json


def test_a_beacon_from_a_server_clock_that_was_ahead_dates_nothing_into_the_future() -> None:
    now = clock.now()
    ahead = clock.instant(clock.today(), 0).replace(year=now.year + 1)
    act = Act(
        id=ids.new(), kind="test", author_id=ids.new(), courier_id=None, device_id=None, chain=None, made_at=now,
        beacon_at=ahead, received_at=now, app="test",
    )  # fmt: skip
    assert act.at == now
