"""The doors of the inbox over HTTP: real signatures, garbage, pieces of photos, double taps without scripts."""

from __future__ import annotations

import hashlib
import io
import json
import re
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests.store.kit import Phone, know, scribble, teach
from tests.world import World
from webapp.kit import clock, ids
from webapp.people.models import Device
from webapp.store import db
from webapp.store.inbox import Kept
from webapp.web import intake

MEMBERS = ("id", "hash", "state", "seq", "epoch", "audit_head", "backup_seq", "beacon", "at", "say", "final")
GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "no json": b"hello",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "nan": b'{"v":NaN}',
    "infinity": b'{"v":-Infinity}',
    "deep": b"[" * 100_000,
    "deeper objects": b'{"a":' * 50_000,
    "not utf-8": b"\xff\xfe\x00",
    "lone surrogate bytes": b'{"v":"\xed\xa0\x80"}',
    "utf-16": '{"v":1}'.encode("utf-16"),
    "huge number": b'{"v":' + b"9" * 5000 + b"}",
    "twice the same member": b'{"v":1,"v":2}',
}
WRONG: list[Any] = [None, True, 0, -1, 1.5, "", "x", "锁", "\x00", "\ud800", [], {}, [None], {"a": None}, 2**60, "9" * 300]


@pytest.fixture
def phone(app: Flask, world: World) -> Phone:
    """王桂芳's phone, enrolled for real: its key lies in the database."""
    made = Phone(world.account("wang").id)
    key = made.public
    with db.transaction() as session:
        device = Device(account_id=made.account, label="测试机", x=key.x, y=key.y, gen=1)
        session.add(device)
        session.flush()
        made.device = device.id
    teach(app, "test.scribble", scribble)
    return made


def post(app: Flask, envelope: Any) -> Any:
    data = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
    return app.test_client().post("/inbox", data=data, content_type="application/json")


def kept() -> int:
    db.undo()
    return db.reading().scalar(sa.select(sa.func.count()).select_from(Kept)) or 0


def test_a_signed_record_is_kept_without_any_sign_in(app: Flask, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {"words": "好"})
    first, again = post(app, envelope), post(app, envelope)
    assert (first.status_code, again.status_code) == (201, 200)
    assert set(first.json) == set(MEMBERS)
    assert all(first.json[name] == again.json[name] for name in ("id", "hash", "seq", "at", "state"))
    assert first.json["hash"] == envelope["hash"]
    assert "Set-Cookie" not in first.headers
    assert kept() == 1


def test_a_held_record_is_answered_with_a_receipt_in_the_readers_language(app: Flask, phone: Phone) -> None:
    client, envelope = app.test_client(), phone.seal("test.not_yet", {})
    answer = client.post("/inbox", json=envelope, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json["state"]) == (201, "quarantined")
    assert re.fullmatch(r"[\x20-\x7e’…]+", answer.json["say"]), answer.json["say"]


def test_garbage_is_answered_and_never_breaks(app: Flask, phone: Phone) -> None:
    for name, data in GARBAGE.items():
        answer = post(app, data)
        assert answer.status_code in (400, 413), name
        assert answer.json["say"], name
    assert kept() == 0


def test_no_wrong_member_breaks_the_door(app: Flask, phone: Phone) -> None:
    good = phone.seal("test.scribble", {})
    for member in good:
        for value in WRONG:
            if value == good[member]:
                continue
            for envelope in (
                good | {member: value},
                phone.seal("test.scribble", {}, **{member: value}) if sealable(value) else None,
            ):
                if envelope is not None:
                    answer = post(app, envelope)
                    assert answer.status_code in (200, 201, 400, 403), (member, value, answer.status_code)
                    assert answer.is_json and answer.json["say"]


def sealable(value: Any) -> bool:
    return not isinstance(value, float) and value != 2**60


def test_a_missing_or_unknown_member_is_unreadable(app: Flask, phone: Phone) -> None:
    good = phone.seal("test.scribble", {})
    for name in good:
        assert post(app, {key: value for key, value in good.items() if key != name}).status_code == 400
    assert post(app, good | {"more": 1}).status_code == 400


def test_a_record_changed_on_the_way_is_not_ours(app: Flask, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {"words": "好"})
    assert post(app, envelope | {"body": {"words": "坏"}}).status_code == 400
    stranger = Phone(phone.account)
    assert post(app, stranger.seal("test.scribble", {})).status_code == 403
    assert post(app, stranger.seal("test.scribble", {}, device=str(phone.device))).status_code == 403
    assert kept() == 0


def test_several_in_one_request_are_each_taken_as_if_alone(app: Flask, phone: Phone) -> None:
    good = [phone.seal("test.scribble", {"words": str(n)}) for n in range(3)]
    changed = {**good[0], "body": {"words": "other"}}
    strange = Phone(phone.account).seal("test.scribble", {"words": "x"})
    sent = [*good, good[1], changed, strange, {"no": "envelope"}]
    answer = app.test_client().post("/inbox/many", json={"envelopes": sent})
    assert [each["status"] for each in answer.json["answers"]] == [201, 201, 201, 200, 400, 403, 400]
    assert [each["id"] for each in answer.json["answers"][:3]] == [each["id"] for each in good]
    assert kept() == 3


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"envelopes": 5}', b"x" * 300_000, b'{"envelopes":' + b"[" * 100_000])
def test_no_list_of_envelopes_is_told_so(app: Flask, data: bytes) -> None:
    answer = app.test_client().post("/inbox/many", data=data, content_type="application/json")
    assert answer.status_code in (200, 400, 413) and (answer.status_code != 200 or answer.json == {"answers": []})


def test_a_record_too_large_is_told_so(app: Flask, phone: Phone) -> None:
    assert post(app, phone.seal("test.scribble", {"words": "x" * intake.LARGEST})).status_code == 413


def test_a_revoked_phone_still_delivers_and_its_record_is_held(app: Flask, phone: Phone, world: World) -> None:
    with db.transaction() as session:
        session.execute(sa.update(Device).where(Device.id == phone.device).values(revoked_at=clock.now()))
    answer = post(app, phone.seal("test.scribble", {}))
    assert (answer.status_code, answer.json["state"]) == (201, "quarantined")


def test_somebody_elses_browser_may_deliver_and_is_noted(app: Flask, world: World, phone: Phone) -> None:
    envelope = phone.seal("test.scribble", {})
    assert world.client("qian").post("/inbox", json=envelope).status_code == 201
    db.undo()
    row = db.reading().scalars(sa.select(Kept)).one()
    assert (row.author_id, row.courier_id) == (phone.account, world.account("qian").id)


def test_no_kind_breaks_on_an_empty_or_strange_body(app: Flask, world: World, phone: Phone) -> None:
    kinds = app.extensions["inbox"].kinds
    for name, kind in kinds.items():
        members = list(kind.body.get("properties", {}))
        bodies = [
            {},
            *[dict.fromkeys(members, value) for value in (None, "", "x", 0, -1, 10**15, [], {}, True, str(ids.new()), ["a"])],
        ]
        for body in bodies:
            answer = post(app, phone.seal(name, body, schema=kind.schema))
            assert answer.status_code == 201, (name, body, answer.get_data(as_text=True)[:200])
            db.undo()
            row = db.reading().scalars(sa.select(Kept).where(Kept.id == ids.parse(answer.json["id"]))).one()
            assert row.reason != "bug", (name, body)


def test_kinds_and_openapi_describe_the_door(app: Flask) -> None:
    client = app.test_client()
    kinds = client.get("/inbox/kinds").json
    assert {"visits.arrive", "visits.leave", "logs.write"} <= set(kinds) or len(kinds) >= 8
    for kind in kinds.values():
        jsonschema.Draft202012Validator.check_schema(kind["body"])
    described = client.get("/openapi.json").json
    envelope = described["paths"]["/inbox"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator.check_schema(envelope)


# ---- photos ----


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((300, 200), 50).save(out, "JPEG")
    return out.getvalue()


def test_a_photo_comes_in_pieces_after_the_record_that_names_it(app: Flask, phone: Phone) -> None:
    data = jpeg()
    sha256 = hashlib.sha256(data).hexdigest()
    url, client, half = f"/inbox/photos/{sha256}", app.test_client(), len(data) // 2
    assert client.head(url).status_code == client.put(url, data=data).status_code == 404
    named = [{"field": "photo", "sha256": sha256, "size": len(data), "type": "image/jpeg"}]
    assert post(app, phone.seal("test.scribble", {}, photos=named)).status_code == 201
    assert client.head(url).headers["Upload-Offset"] == "0"
    assert client.put(url, data=data[:half], headers={"Upload-Offset": "0"}).headers["Upload-Offset"] == str(half)
    assert client.put(url, data=data[:5], headers={"Upload-Offset": "7"}).headers["Upload-Offset"] == str(half)
    done = client.put(url, data=data[half:], headers={"Upload-Offset": str(half)})
    assert (done.status_code, done.headers["Upload-Offset"]) == (204, str(len(data)))
    assert client.head(url).headers["Upload-Offset"] == str(len(data))


@pytest.mark.parametrize("offset", ["-1", "x", "", "１", "9" * 30])
def test_a_strange_offset_changes_nothing(app: Flask, phone: Phone, offset: str) -> None:
    data = jpeg()
    sha256 = hashlib.sha256(data).hexdigest()
    named = [{"field": "photo", "sha256": sha256, "size": len(data), "type": "image/jpeg"}]
    post(app, phone.seal("test.scribble", {}, photos=named))
    answer = app.test_client().put(
        f"/inbox/photos/{sha256}", data=data, headers={"Upload-Offset": offset.encode().decode("latin1")}
    )
    assert answer.status_code in (204, 400, 413)
    assert app.test_client().head(f"/inbox/photos/{sha256}").headers["Upload-Offset"] == "0"


# ---- the same forms without scripts ----


def test_a_double_tap_without_scripts_is_one_record(app: Flask, world: World, phone: Phone) -> None:
    client, url = world.client("wang"), f"/households/{world.household('李秀兰').id}/arrive"
    page = client.get(url).get_data(as_text=True)
    typed = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    before = kept()
    answers = [client.post(url, data=typed | {"method": "card_missing"}) for _n in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert kept() == before + 1
    other = typed | {"method": "card_missing", "seal": "forged", "id": str(ids.new())}
    assert client.post(url, data=other).status_code == 303
    assert kept() == before + 2  # a forged pair is not believed: the record is kept under an id of ours
    db.undo()
    assert db.reading().scalar(sa.select(Kept.id).where(Kept.id == ids.parse(other["id"]))) is None


def test_know_is_not_needed_for_a_real_device(app: Flask, phone: Phone) -> None:
    know(app)
    assert post(app, phone.seal("test.scribble", {})).status_code == 403
