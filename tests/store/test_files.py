"""Photos: only what Pillow wrote is ever shown."""

from __future__ import annotations

import hashlib
import io
import zlib
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from webapp.kit.refusal import Refusal
from webapp.store import db, files
from webapp.store.files import Photo

GPS = 0x8825


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), *, turned: bool = False, gps: bool = False) -> bytes:
    image, out = Image.new("RGB", size, "red"), io.BytesIO()
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6
    if gps:
        exif[0x010F] = "PhoneMaker"
        exif.get_ifd(GPS)[2] = (38.0, 54.0, 0.0)
    image.save(out, kind, **({"exif": exif} if kind != "PNG" else {}))
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60000 × 60000."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = (60000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


GIF = io.BytesIO()
Image.new("RGB", (5, 5)).save(GIF, "GIF")
NO_PHOTOS = {
    "empty": b"",
    "words": "这是一封信".encode(),
    "a page": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "gif": GIF.getvalue(),
    "truncated": picture()[:300],
    "a head and nothing": b"\xff\xd8\xff\xe0" + b"\0" * 50,
    "bomb": bomb(),
    "zip called jpg": b"PK\x03\x04" + b"\0" * 200,
}


@pytest.mark.parametrize("name", NO_PHOTOS)
def test_what_is_no_photo_is_refused_in_words(name: str) -> None:
    with pytest.raises(Refusal) as refusal:
        files.reencode(NO_PHOTOS[name])
    assert refusal.value.code in ("not_a_photo", "photo_too_big")


@pytest.mark.parametrize("kind", files.KINDS)
def test_each_kind_becomes_a_jpeg(kind: str) -> None:
    with Image.open(io.BytesIO(files.reencode(picture(kind)))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (60, 40))


def test_a_photo_stands_upright_and_tells_neither_place_nor_phone() -> None:
    sent = picture(turned=True, gps=True)
    assert b"PhoneMaker" in sent
    kept = files.reencode(sent)
    assert b"PhoneMaker" not in kept and b"Exif" not in kept
    with Image.open(io.BytesIO(kept)) as shown:
        assert shown.size == (40, 60) and not shown.getexif()


def test_bytes_hidden_behind_the_picture_are_gone() -> None:
    assert b"<script>" not in files.reencode(picture() + b"<script>alert(1)</script>")


def test_a_large_photo_is_made_small() -> None:
    with Image.open(io.BytesIO(files.reencode(picture(size=(4000, 2000))))) as shown:
        assert shown.size == (1600, 800)


def test_too_many_bytes_are_refused_before_they_are_read(app: Flask) -> None:
    with pytest.raises(Refusal) as refusal:
        files.take(b"\xff" * (files.BYTES + 1))
    assert refusal.value.code == "photo_too_big"


@pytest.fixture
def coming(app: Flask):
    """A photo a record names, none of whose bytes are here."""
    data = picture(size=(300, 200), gps=True)
    sha256 = hashlib.sha256(data).hexdigest()
    with db.transaction():
        files.want(sha256, len(data))
        files.want(sha256, len(data))
    return data, sha256


def row(sha256: str) -> Photo:
    db.undo()
    found = files.find(sha256)
    assert found is not None
    return found


def put(sha256: str, at: int, piece: bytes) -> int:
    photo = row(sha256)
    with db.transaction():
        return files.add_piece(photo, at, piece)


def test_pieces_go_on_where_they_stopped(coming) -> None:
    data, sha256 = coming
    assert put(sha256, 0, data[:100]) == 100 == files.offset(sha256)
    assert put(sha256, 0, data[:100]) == 100  # told twice
    assert put(sha256, 300, data[300:]) == 100  # ahead of itself
    assert row(sha256).done_at is None
    assert put(sha256, 100, data[100:]) == len(data)
    assert row(sha256).done_at is not None and row(sha256).refused is None
    assert b"PhoneMaker" not in files.path(sha256).read_bytes()
    assert not files.coming(sha256).exists()
    assert put(sha256, 0, b"more") == len(data)  # it is finished


def test_more_bytes_than_named_change_nothing(coming) -> None:
    data, sha256 = coming
    assert put(sha256, 0, data + b"x") == 0


def test_bytes_that_do_not_hash_to_the_name_are_asked_for_again(coming) -> None:
    data, sha256 = coming
    assert put(sha256, 0, b"\0" * len(data)) == 0
    assert files.offset(sha256) == 0 and not files.path(sha256).exists()
    assert put(sha256, 0, data) == len(data)


def test_a_named_file_that_is_no_photo_is_marked_and_never_shown(app: Flask) -> None:
    data = NO_PHOTOS["a page"]
    sha256 = hashlib.sha256(data).hexdigest()
    with db.transaction():
        files.want(sha256, len(data))
    assert put(sha256, 0, data) == len(data)
    assert row(sha256).refused == "not_a_photo"
    assert not files.path(sha256).exists()


def test_a_photo_taken_whole_is_there_and_taking_it_again_is_harmless(app: Flask) -> None:
    data = picture()
    with db.transaction():
        first = files.take(data)
    with db.transaction():
        assert files.take(data) == first == hashlib.sha256(data).hexdigest()
    assert files.path(first).exists() and row(first).done_at is not None


def test_photos_lie_under_the_data_folder(app: Flask, tmp_path: Path) -> None:
    assert files.path("a" * 64).is_relative_to(tmp_path)
