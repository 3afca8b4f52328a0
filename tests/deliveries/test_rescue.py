"""A rescue file is as good as sending: checked, stored and judged alike, twice harmless, broken ones told in words."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tracemalloc
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests.deliveries.acts import enrolled, post, spend
from tests.store.kit import Phone
from tests.world import World
from webapp.deliveries import rescue
from webapp.deliveries.rescue import Broken, parts
from webapp.kit import clock
from webapp.store import db, files
from webapp.store.arrivals import Kept


def file_of(envelopes: list[Any], photos: list[bytes] = (), indent: int | None = None) -> bytes:  # type: ignore[assignment]
    named = [
        {"sha256": hashlib.sha256(data).hexdigest(), "type": "image/jpeg", "data": base64.b64encode(data).decode()}
        for data in photos
    ]
    whole = {"v": 1, "made_at": clock.to_wire(clock.now()), "envelopes": envelopes, "photos": named}
    return json.dumps(whole, ensure_ascii=False, indent=indent).encode()


def upload(world: World, data: bytes, who: str = "zhou") -> Any:
    sent = {"file": (io.BytesIO(data), "nuanchao-2026-11-21.json")}
    return world.client(who).post("/deliveries/rescue", data=sent, content_type="multipart/form-data")


def photo(size: int = 40) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((size, size), 60).save(out, "JPEG")
    return out.getvalue()


def rows() -> dict[str, str]:
    db.undo()
    return {str(row.id): row.state for row in db.reading().scalars(sa.select(Kept))}


def with_photo(phone: Phone, world: World, data: bytes) -> dict[str, Any]:
    named = [{"field": "receipt", "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "type": "image/jpeg"}]
    body = {"household": str(world.household("李秀兰").id), "amount_fen": 500, "category": "EX-VEG", "source": "cash"}
    return phone.seal("ledger.spend", body, photos=named)


@pytest.mark.parametrize("indent", [None, 1])
def test_a_file_is_taken_in_like_sending_and_twice_changes_nothing(app: Flask, world: World, indent: int | None) -> None:
    phone, data = enrolled(world), photo()
    good, bad, pictured = spend(phone, world), spend(phone, world, amount_fen=0), with_photo(phone, world, data)
    forged = spend(phone, world) | {"sig": good["sig"]}
    stranger = spend(Phone(world.account("wang").id), world)
    whole = file_of([good, bad, pictured, forged, stranger, {"v": 2}], [data], indent)
    page = upload(world, whole).get_data(as_text=True)
    assert rows() == {good["id"]: "applied", bad["id"]: "quarantined", pictured["id"]: "applied"}
    assert files.path(hashlib.sha256(data).hexdigest()).exists()
    assert page.count("刚收到</span>") == 2 and page.count("没看懂</span>") == 3 and page.count("站里要看</span>") == 1
    db.undo()
    before = [(row.id, row.seq, row.state) for row in db.reading().scalars(sa.select(Kept).order_by(Kept.seq))]
    again = upload(world, whole).get_data(as_text=True)
    assert again.count("早就有了</span>") == 2 and "刚收到</span>" not in again
    db.undo()
    assert before == [(row.id, row.seq, row.state) for row in db.reading().scalars(sa.select(Kept).order_by(Kept.seq))]
    for _id, seq, _state in before:
        assert f"收条 {seq}" in page


def test_who_uploads_is_the_courier_and_the_author_stays(app: Flask, world: World) -> None:
    envelope = spend(enrolled(world), world)
    upload(world, file_of([envelope]))
    db.undo()
    row = db.reading().scalars(sa.select(Kept)).one()
    assert (row.author_id, row.courier_id) == (world.account("wang").id, world.account("zhou").id)


def test_records_of_another_station_are_taken_in_and_their_author_is_not_named(app: Flask, world: World) -> None:
    page = upload(world, file_of([spend(enrolled(world), world)]), "he").get_data(as_text=True)
    assert list(rows().values()) == ["applied"] and "王桂芳" not in page and "别的站的人" in page


def test_what_came_by_sending_first_is_known(app: Flask, world: World) -> None:
    envelope = spend(enrolled(world), world)
    seq = post(app, envelope).json["seq"]
    page = upload(world, file_of([envelope])).get_data(as_text=True)
    assert "早就有了" in page and f"收条 {seq}" in page


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"[]", b"[{}]", b"\xff\xfe{", b'{"a":' * 100, b'{"envelopes":[{"a":1}', b'{"v":1}]', b'"', b"{]"]
)
def test_what_is_no_such_file_is_told_in_a_sentence(app: Flask, world: World, data: bytes) -> None:
    answer = upload(world, data)
    assert answer.status_code in (200, 422)
    page = answer.get_data(as_text=True)
    assert "存一次" in page or "请先选" in page, page
    assert rows() == {}


def test_no_file_at_all_is_told_in_a_sentence(app: Flask, world: World) -> None:
    assert "请先选手机存下来的那个文件" in world.client("zhou").post("/deliveries/rescue").get_data(as_text=True)


def test_of_a_file_cut_short_what_is_whole_goes_in(app: Flask, world: World) -> None:
    phone = enrolled(world)
    one, two = spend(phone, world), spend(phone, world)
    whole = file_of([one, two])
    page = upload(world, whole[: whole.index(two["id"].encode()) + 40]).get_data(as_text=True)
    assert rows() == {one["id"]: "applied"} and "文件不全" in page


@pytest.mark.parametrize("fault", ["bytes", "unwanted", "letters", "shape", "no picture"])
def test_a_damaged_photo_is_told_and_harms_nothing(app: Flask, world: World, fault: str) -> None:
    phone, data = enrolled(world), b"no picture" if fault == "no picture" else photo()
    envelope = with_photo(phone, world, data) if fault != "unwanted" else spend(phone, world)
    told = json.loads(file_of([envelope], [data]))
    if fault == "bytes":
        told["photos"][0]["data"] = base64.b64encode(data[:-1] + b"x").decode()
    elif fault == "letters":
        told["photos"][0]["data"] = "锁" * 10
    elif fault == "shape":
        told["photos"][0] = {"sha256": ["../../x"], "data": {}}
    page = upload(world, json.dumps(told).encode()).get_data(as_text=True)
    assert rows() == {envelope["id"]: "applied"} and "有 1 张照片没收" in page


def test_a_photo_goes_on_from_the_pieces_that_had_come(app: Flask, world: World) -> None:
    phone, data = enrolled(world), photo(200)
    envelope = with_photo(phone, world, data)
    digest = hashlib.sha256(data).hexdigest()
    post(app, envelope)
    for piece in (data[:100], b"x" * 100):  # a sound beginning, a damaged one
        app.test_client().put(f"/inbox/photos/{digest}", data=piece, headers={"Upload-Offset": "0"})
    upload(world, file_of([envelope], [data]))
    assert files.path(digest).exists()


def test_photos_named_before_the_envelopes_are_taken_too(app: Flask, world: World) -> None:
    data = photo()
    whole = json.loads(file_of([with_photo(enrolled(world), world, data)], [data]))
    turned = {"photos": whole["photos"], "envelopes": whole["envelopes"], "v": 1}
    assert upload(world, b"\xef\xbb\xbf" + json.dumps(turned).encode()).status_code == 200
    assert files.path(hashlib.sha256(data).hexdigest()).exists()


def test_many_records_go_in_by_turns(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "MOST", 3)
    phone = enrolled(world)
    whole = file_of([spend(phone, world) for _n in range(5)])
    assert "后面还有" in upload(world, whole).get_data(as_text=True) and len(rows()) == 3
    assert "后面还有" not in upload(world, whole).get_data(as_text=True) and len(rows()) == 5


def test_a_file_that_is_too_large_is_told_before_it_is_read(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "FILE", 1000)
    answer = upload(world, b"x" * 200_000)
    assert (answer.status_code, "最多 64 MB" in answer.get_data(as_text=True)) == (413, True)


def test_a_page_of_another_site_cannot_upload(app: Flask, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    envelope = spend(enrolled(world), world)
    assert upload(world, file_of([envelope])).status_code == 422 and rows() == {}


@pytest.mark.parametrize("who", ["wang", "feng", "limin", "jiang"])
def test_only_the_office_takes_files_in(app: Flask, world: World, who: str) -> None:
    assert upload(world, file_of([spend(enrolled(world), world)]), who).status_code == 403
    assert rows() == {}


# ---- the reader of the file ----


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1000])
def test_parts_come_the_same_however_the_file_is_cut(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(rescue, "CHUNK", chunk)
    made = [{"a": 'x"{[\\', "b": {"c": [1, {"d": "]}"}]}}, {"锁": "\\"}, {}]
    whole = {"v": 1, "said": "envelopes", "envelopes": made, "deep": {"envelopes": [{"no": 1}]}, "photos": [{"data": "AA=="}]}
    for ascii_only in (True, False):
        found = list(parts(io.BytesIO(json.dumps(whole, ensure_ascii=ascii_only).encode())))
        assert [(name, json.loads(text)) for name, text in found] == [
            *(("envelopes", each) for each in made),
            ("photos", {"data": "AA=="}),
        ]


def test_a_large_file_takes_little_memory() -> None:
    photo_text = b'{"sha256": "0", "data": "' + b"A" * 1_000_000 + b'"}'
    whole = io.BytesIO(b'{"photos": [' + b",".join([photo_text] * 40) + b"]}")
    tracemalloc.start()
    assert sum(1 for _part in parts(whole)) == 40
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000


def test_a_part_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "PART", 1000)
    with pytest.raises(Broken):
        list(parts(io.BytesIO(b'{"photos": [{"data": "' + b"A" * 300_000)))
