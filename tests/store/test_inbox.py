"""Stored first, judged after: nothing that arrives is lost, doubled or blocked."""

from __future__ import annotations

import contextvars
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.store.kit import Phone, counted, know, receive, scribble, teach
from tests.world import World
from webapp.kit import clock, ids
from webapp.kit.refusal import Busy, Refusal
from webapp.people.models import Device
from webapp.store import audit, db, inbox, jobs, topics
from webapp.store.audit import Entry
from webapp.store.envelope import parse
from webapp.store.inbox import APPLIED, CONFLICT, QUARANTINED, WAITING, Conflict, Kept
from webapp.store.jobs import Job
from webapp.store.topics import Event

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())


@pytest.fixture
def phone(app: Flask, world: World) -> Phone:
    """王桂芳's phone, and a kind that only scribbles."""
    made = Phone(world.account("wang").id)
    know(app, made)
    teach(app, "test.scribble", scribble)
    return made


def kept(envelope: dict[str, Any]) -> Kept:
    db.undo()
    return db.reading().scalars(sa.select(Kept).where(Kept.id == ids.parse(envelope["id"]))).one()


def how_many(model: Any) -> int:
    db.undo()
    return db.reading().scalar(sa.select(sa.func.count()).select_from(model)) or 0


def scribbles(envelope: dict[str, Any]) -> int:
    """How often the verb did its deed and it stayed done."""
    db.undo()
    return sum(f'"scribble:{envelope["id"]}"' in body for body in db.reading().scalars(sa.select(Entry.body)))


# ---- told once, told twice ----


def test_a_record_is_applied_and_its_receipt_says_so(app: Flask, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {"words": "好"})
    receipt = receive(app, envelope, phone.public)
    assert (str(receipt.id), receipt.hash, receipt.state, receipt.say) == (
        envelope["id"],
        envelope["hash"],
        APPLIED,
        "站里已收到",
    )
    assert receipt.new and scribbles(envelope) == 1
    assert inbox.opened(kept(envelope)) == envelope


def test_told_twice_is_harmless_and_the_receipt_is_the_same(app: Flask, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {})
    first, again = (receive(app, envelope, phone.public) for _n in range(2))
    same = ("id", "hash", "state", "seq", "at", "say", "epoch")
    assert [getattr(first, name) for name in same] == [getattr(again, name) for name in same]
    assert (first.new, again.new) == (True, False)
    assert (how_many(Kept), scribbles(envelope)) == (1, 1)


def test_another_content_under_a_known_id_is_kept_beside_the_first(app: Flask, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {"words": "one"})
    other = phone.seal("test.scribble", {"words": "two"}, id=envelope["id"])
    first = receive(app, envelope, phone.public)
    for _n in range(2):
        answer = receive(app, other, phone.public)
        assert (answer.state, answer.hash, answer.seq) == (CONFLICT, other["hash"], first.seq)
    assert (how_many(Kept), how_many(Conflict), scribbles(envelope)) == (1, 1, 1)
    assert inbox.opened(db.reading().scalars(sa.select(Conflict)).one()) == other
    assert receive(app, envelope, phone.public).state == APPLIED


def test_two_posts_of_one_record_at_once_make_one_row(app: Flask, phone: Phone) -> None:
    envelope, start, answers = phone.seal("test.scribble", {}), threading.Barrier(4), []
    db.undo()

    def post() -> None:
        with app.app_context(), app.test_request_context("/inbox", method="POST"):
            start.wait(10)
            answers.append(inbox.receive(envelope, phone.public))

    threads = [threading.Thread(target=contextvars.Context().run, args=(post,)) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 4
    assert {(answer.state, answer.seq) for answer in answers} == {(APPLIED, answers[0].seq)}
    assert sorted(answer.new for answer in answers) == [False, False, False, True]
    assert (how_many(Kept), scribbles(envelope)) == (1, 1)


def test_a_receipt_is_a_witness_of_the_audit_log(app: Flask, phone: Phone) -> None:
    receipt = receive(app, phone.seal("test.scribble", {}), phone.public)
    seq, _colon, head = receipt.audit_head.partition(":")
    db.undo()
    assert audit.verify(db.reading(), {int(seq): bytes.fromhex(head)}) == []
    assert audit.verify(db.reading(), {int(seq): b"\0" * 32}) != []


# ---- order inside a chain ----


def test_acts_of_a_chain_wait_for_those_before_and_are_applied_in_their_order(app: Flask, phone: Phone) -> None:
    done: list[str] = []

    def note_order(act, body):
        done.append(body["words"])
        return scribble(act, body)

    teach(app, "test.order", note_order)
    chain = str(ids.new())
    one = phone.seal("test.order", {"words": "1"}, chain=chain)
    two = phone.seal("test.order", {"words": "2"}, chain=chain, prev=one["id"])
    three = phone.seal("test.order", {"words": "3"}, chain=chain, prev=two["id"])
    assert receive(app, three, phone.public).state == WAITING
    assert receive(app, two, phone.public).state == WAITING
    assert done == []
    assert receive(app, one, phone.public).state == APPLIED
    assert done == ["1", "2", "3"]
    assert [receive(app, each, phone.public).state for each in (two, three)] == [APPLIED, APPLIED]


@pytest.mark.parametrize("end", ["refuse", "unknown", "poison"])
def test_an_act_that_is_held_lets_those_after_it_go(app: Flask, phone: Phone, end: str) -> None:
    def refuse(_act, _body):
        raise Refusal("no", "不行")

    teach(app, "test.refuse", refuse)
    kind = {"refuse": "test.refuse", "unknown": "test.not_yet", "poison": "test.scribble"}[end]
    chain = str(ids.new())
    first = phone.seal(kind, {"words": "\x00"} if end == "poison" else {}, chain=chain)
    second = phone.seal("test.scribble", {}, chain=chain, prev=first["id"])
    assert receive(app, second, phone.public).state == WAITING
    assert receive(app, first, phone.public).state == QUARANTINED
    assert kept(second).state == APPLIED


def test_a_kind_that_never_waits_does_not_wait(app: Flask, phone: Phone) -> None:
    teach(app, "test.arrive", scribble, waits=False)
    envelope = phone.seal("test.arrive", {}, chain=str(ids.new()), prev=str(ids.new()))
    assert receive(app, envelope, phone.public).state == APPLIED


def test_arriving_never_waits(app: Flask) -> None:
    assert not app.extensions["inbox"].kinds["visits.arrive"].waits


# ---- what cannot be applied is held, never lost ----


def held(app: Flask, phone: Phone, envelope: dict[str, Any], device: Any = None) -> str:
    """Receive an envelope that must be held; why."""
    receipt = receive(app, envelope, device or phone.public)
    row = kept(envelope)
    assert receipt.state == row.state == QUARANTINED
    assert inbox.opened(row) == envelope
    assert receipt.say == row.say and receipt.say
    assert scribbles(envelope) == 0
    return str(row.reason)


@pytest.mark.parametrize("words", ["a\x00b", "\ud800", "\udc00\ud800"])
def test_poison_is_held_and_the_verb_never_sees_it(app: Flask, phone: Phone, words: str) -> None:
    assert held(app, phone, phone.seal("test.scribble", {"words": words})) == "poison"
    assert held(app, phone, phone.seal("test.scribble", {"a": {"b": [words]}})) == "poison"


def test_a_kind_or_schema_of_a_newer_app_is_held(app: Flask, phone: Phone) -> None:
    assert held(app, phone, phone.seal("test.not_yet", {})) == "newer_app"
    assert held(app, phone, phone.seal("test.scribble", {}, schema=2)) == "newer_app"


def test_an_older_schema_is_lifted_step_by_step(app: Flask, phone: Phone) -> None:
    seen: list[Any] = []
    lift = {1: lambda body: body | {"b": 1}, 2: lambda body: body | {"c": body["b"] + 1}}
    teach(app, "test.lifted", lambda act, body: seen.append(body), schema=3, lift=lift)
    assert receive(app, phone.seal("test.lifted", {"a": 0}), phone.public).state == APPLIED
    assert seen == [{"a": 0, "b": 1, "c": 2}]


@pytest.mark.parametrize("schema", [0, -5])
def test_a_schema_that_never_was_is_held(app: Flask, phone: Phone, schema: int) -> None:
    assert held(app, phone, phone.seal("test.scribble", {}, schema=schema)) == "bug"


def test_what_a_verb_refuses_is_held_with_its_sentence_and_leaves_no_trace(app: Flask, phone: Phone) -> None:
    def refuse(act, body):
        scribble(act, body)
        jobs.ask("events.purge", once="trace")
        topics.tell("roster:trace")
        db.session().flush()
        raise Refusal("too_late", "过了%(n)s天，站里来补", n=3)

    teach(app, "test.refuse", refuse)
    assert held(app, phone, envelope := phone.seal("test.refuse", {})) == "too_late"
    assert kept(envelope).say == "过了3天，站里来补"
    assert db.reading().scalar(sa.select(Job.id).where(Job.once == "trace")) is None
    assert db.reading().scalar(sa.select(Event.id).where(Event.topic == "roster:trace")) is None


def _break(_act: Any, body: Any) -> str:
    return str(body["no such field"] / 0)


def _bad_sql(_act: Any, _body: Any) -> None:
    db.session().execute(sa.text("insert into job (nothing) values (1)"))


def _twice(_act: Any, _body: Any) -> None:
    now = clock.now()
    for _n in range(2):
        db.session().add(Job(name="events.purge", once="same", args={}, due_at=now))
    db.session().flush()


def _too_long(_act: Any, _body: Any) -> None:
    db.session().add(Job(name="x" * 5000, once=None, args={}, due_at=None))
    db.session().flush()


@pytest.mark.parametrize("verb", [_break, _bad_sql, _twice, _too_long])
def test_a_bug_in_a_verb_holds_the_record_and_the_next_one_gets_through(app: Flask, phone: Phone, verb: Any) -> None:
    teach(app, "test.bug", verb)
    assert held(app, phone, phone.seal("test.bug", {})) == "bug"
    assert receive(app, phone.seal("test.scribble", {}), phone.public).state == APPLIED


def test_a_commit_refused_by_the_data_holds_the_record_in_a_second_transaction(app: Flask, phone: Phone) -> None:
    def refuse_once(session: Any) -> None:
        db.database().before_commit.remove(refuse_once)
        raise sa.exc.IntegrityError("commit", {}, Exception("refused"))

    db.database().before_commit.append(refuse_once)
    assert held(app, phone, phone.seal("test.scribble", {})) == "refused_by_data"


def test_a_real_refused_commit_holds_the_record(app: Flask, phone: Phone) -> None:
    """A reference that leads nowhere is found out at COMMIT on SQLite, before it on PostgreSQL."""

    def orphan(act, _body):
        session = db.session()
        if session.get_bind().dialect.name == "sqlite":
            session.execute(sa.text("pragma defer_foreign_keys = on"))
        device = Device(account_id=ids.new(), label="x", x="", y="", gen=1, pin_hash="")
        session.add(device)
        session.flush()

    teach(app, "test.orphan", orphan)
    assert held(app, phone, phone.seal("test.orphan", {})) in ("refused_by_data", "bug")
    assert receive(app, phone.seal("test.scribble", {}), phone.public).state == APPLIED


def test_another_author_under_a_device_is_held(app: Flask, world: World, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {}, author=str(world.account("qian").id))
    assert held(app, phone, envelope) == "other_author"


def test_a_revoked_device_is_held_and_never_dropped(app: Flask, phone: Phone) -> None:
    revoked = inbox.DeviceKey(phone.public.x, phone.public.y, phone.account, clock.now())
    assert held(app, phone, phone.seal("test.scribble", {}), revoked) == "revoked_device"


def test_a_held_record_is_judged_again_once_it_is_mended(app: Flask, phone: Phone) -> None:
    envelope = phone.seal("test.later", {}, chain=str(ids.new()))
    held(app, phone, envelope)
    teach(app, "test.later", scribble)
    with db.transaction() as session:
        inbox.apply_again(session.scalars(sa.select(Kept).where(Kept.id == ids.parse(envelope["id"]))).one())
    assert kept(envelope).state == APPLIED and scribbles(envelope) == 1
    with db.transaction() as session, pytest.raises(Refusal):
        inbox.apply_again(session.scalars(sa.select(Kept).where(Kept.id == ids.parse(envelope["id"]))).one())


# ---- trouble that passes: nothing is kept, the phone comes again ----


@pytest.mark.parametrize("trouble", [OSError(28, "No space left"), MemoryError()])
def test_disk_and_memory_trouble_keeps_nothing_and_says_come_again(app: Flask, phone: Phone, trouble: Exception) -> None:
    def collapse(_act, _body):
        raise trouble

    teach(app, "test.collapse", collapse)
    envelope = phone.seal("test.collapse", {})
    with pytest.raises(Busy):
        receive(app, envelope, phone.public)
    assert how_many(Kept) == 0
    teach(app, "test.collapse", scribble)
    assert receive(app, envelope, phone.public).state == APPLIED


def test_a_locked_database_or_a_lost_connection_says_come_again(app: Flask, phone: Phone) -> None:
    engine, envelope = db.database().engine, phone.seal("test.scribble", {})
    db.undo()
    if engine.dialect.name == "postgresql":
        teach(app, "test.cut", lambda act, body: db.session().execute(sa.text("select pg_terminate_backend(pg_backend_pid())")))
        envelope = phone.seal("test.cut", {})
        with pytest.raises(Busy):
            receive(app, envelope, phone.public)
    else:
        engine.dispose()
        sa.event.listen(engine, "connect", lambda connection, _record: connection.execute("pragma busy_timeout = 50"))
        with engine.connect() as holder:  # begins immediate: the write lock is ours
            holder.exec_driver_sql("select 1")
            with pytest.raises(Busy):
                receive(app, envelope, phone.public)
            assert know_lock(app, phone, envelope) == 503
    assert how_many(Kept) == 0
    assert receive(app, phone.seal("test.scribble", {}), phone.public).state == APPLIED


def know_lock(app: Flask, phone: Phone, envelope: dict[str, Any]) -> int:
    """What the door answers meanwhile."""
    answer = contextvars.Context().run(lambda: app.test_client().post("/inbox", json=envelope))
    assert int(answer.headers["Retry-After"]) > 0
    return int(answer.status_code)


# ---- costs ----


def test_keeping_costs_few_statements(app: Flask, phone: Phone) -> None:
    receive(app, phone.seal("test.scribble", {}), phone.public)
    with counted() as sent:
        receive(app, phone.seal("test.scribble", {}), phone.public)
    work = [each for each in sent if not each.lower().startswith(("begin", "savepoint", "release", "set constraints"))]
    assert len(work) <= 4, sent


# ---- the device's signature ----


def test_the_worked_example_of_the_protocol_is_signed_by_its_key(app: Flask, phone: Phone) -> None:
    signed = VECTORS["signed"]
    jwk, envelope = signed["jwk"], signed["envelope"]
    key = inbox.DeviceKey(jwk["x"], jwk["y"], ids.parse(envelope["author"]))
    app.extensions["inbox"].find_key = {ids.parse(envelope["device"]): key}.get
    assert inbox.authorise(parse(json.dumps(envelope).encode())) == key


def test_a_wrong_signature_does_not_open(app: Flask, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {})
    for signature in ("", "AAAA", "A" * 86, "锁", "A" * 200, "!!!", None):
        with pytest.raises(inbox.UnknownDevice):
            inbox.authorise(envelope | {"sig": signature})


def test_the_signature_of_another_phone_or_record_does_not_open(app: Flask, phone: Phone) -> None:
    other = Phone(phone.account)
    know(app, phone, other)
    mine, hers = phone.seal("test.scribble", {}), other.seal("test.scribble", {})
    for wrong in (
        mine | {"sig": hers["sig"]},
        mine | {"sig": phone.seal("test.scribble", {})["sig"]},
        mine | {"device": hers["device"]},
    ):
        with pytest.raises(inbox.UnknownDevice):
            inbox.authorise(wrong)
    with pytest.raises(inbox.UnknownDevice):
        inbox.authorise(mine | {"device": str(ids.new())})
    with pytest.raises(inbox.UnknownDevice):
        inbox.authorise(mine | {"device": None})
    assert inbox.authorise(mine) == phone.public


# ---- what is sealed ----


def test_the_raw_record_is_unreadable_once_its_key_is_thrown_away(app: Flask, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {"words": "SECRETWORDS"})
    receive(app, envelope, phone.public)
    assert b"SECRETWORDS" not in kept(envelope).raw
    with db.transaction() as session:
        session.execute(sa.update(Kept).values(key=None))
    assert inbox.opened(kept(envelope)) is None
    again = receive(app, envelope, phone.public)
    assert (again.state, again.new) == (APPLIED, False)  # hash and receipt stay
