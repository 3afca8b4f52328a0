"""Photos on disk, named by the SHA-256 of what the phone sent; re-encoded, upright, without EXIF.

Only JPEG, PNG and WebP up to 25 megapixels get in. The shown file is always one that Pillow wrote.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import threading
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from flask import Flask, current_app
from PIL import Image, ImageOps
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.store import db
from webapp.store.db import Base
from webapp.store.types import Instant

KINDS = ("JPEG", "PNG", "WEBP")
PIXELS = 25_000_000
BYTES = 8_000_000
SIDE = 1600


class Photo(Base):
    """A photo that a record names. `done_at` is empty while bytes are still coming; `refused` says why it is no photo."""

    __tablename__ = "photo"
    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    size: Mapped[int]
    wanted_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    done_at: Mapped[datetime | None] = mapped_column(Instant())
    refused: Mapped[str | None] = mapped_column(sa.String(40))
    looks: Mapped[int | None] = mapped_column(sa.BigInteger())
    """See `looks`."""


def init_app(app: Flask, data_dir: Path) -> None:
    """Tell `app` where photos lie."""
    app.extensions["photos"] = data_dir / "photos"


def path(sha256: str) -> Path:
    """Where the shown file of a photo lies (it may not be there yet)."""
    root: Path = current_app.extensions["photos"]
    return root / sha256[:2] / f"{sha256}.jpg"


def coming(sha256: str) -> Path:
    """Where a photo's pieces are gathered."""
    root: Path = current_app.extensions["photos"]
    return root / "coming" / sha256


def want(sha256: str, size: int) -> None:
    """Expect a photo that a stored record names. Told twice is harmless."""
    session = db.session()
    session.execute(db.insert(Photo).values(sha256=sha256, size=size, wanted_at=clock.now()).on_conflict_do_nothing())


def find(sha256: str) -> Photo | None:
    """The photo of that name, if a record wants it. Read without the write lock: pieces and Pillow take their time."""
    return db.reading().get(Photo, sha256)


def take(data: bytes) -> str:
    """A whole photo at once (forms without JavaScript). Returns its digest. Raises Refusal when it is none."""
    sha256 = hashlib.sha256(data).hexdigest()
    if len(data) > BYTES:
        raise Refusal("photo_too_big", "照片太大了，请重拍一张")
    row = find(sha256)
    if row is None or row.done_at is None:
        shown = reencode(data)
        _write(path(sha256), shown)
        want(sha256, len(data))
        _done(sha256, None, looks(shown))
    return sha256


def offset(sha256: str) -> int:
    """How many bytes of a coming photo are here."""
    gathered = coming(sha256)
    return gathered.stat().st_size if gathered.exists() else 0


def arrived(photo: Photo) -> int:
    """How many bytes of a photo need not be sent any more; all of them only once it can be shown.

    Who died between the last byte and the end of the work left it undone: the last byte is asked for again.
    """
    return photo.size if photo.done_at is not None else min(offset(photo.sha256), photo.size - 1)


def add_piece(photo: Photo, at: int, piece: bytes) -> int:
    """Append a piece that starts at byte `at`; finishes the photo with its last byte. Returns the bytes now here.

    A piece that starts elsewhere changes nothing: the answer tells the phone where to go on. Bytes that do not hash
    to the name are thrown away and asked for again.
    """
    if photo.done_at is not None:
        return photo.size
    gathered = coming(photo.sha256)
    gathered.parent.mkdir(parents=True, exist_ok=True)
    with gathered.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two tabs may send the same piece
        if os.fstat(file.fileno()).st_nlink == 0:
            return _finished_meanwhile(photo)
        here = file.seek(0, os.SEEK_END)
        if here < photo.size:
            if at != here or here + len(piece) > photo.size:
                return here
            file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            here += len(piece)
        return _finish(photo, gathered) if here == photo.size else here


def _finished_meanwhile(photo: Photo) -> int:
    """Somebody else held the lock and ended the work, but may die before saying so: it is said again."""
    if not path(photo.sha256).exists():
        return 0
    _done(photo.sha256, None, looks(path(photo.sha256).read_bytes()))
    return photo.size


def _finish(photo: Photo, gathered: Path) -> int:
    data = gathered.read_bytes()
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        gathered.unlink()
        return 0
    refused = looked = None
    try:
        shown = reencode(data)
        _write(path(photo.sha256), shown)
        looked = looks(shown)
    except Refusal as refusal:
        refused = refusal.code
    _done(photo.sha256, refused, looked)
    gathered.unlink(missing_ok=True)
    return photo.size


def _done(sha256: str, refused: str | None, looked: int | None = None) -> None:
    news = {"done_at": clock.now(), "refused": refused, "looks": looked}
    db.session().execute(sa.update(Photo).where(Photo.sha256 == sha256).values(news))


def looks(shown: bytes) -> int:
    """What a picture looks like in 64 bits (a difference hash): of 8 by 8 grey fields, which is darker than its neighbour.

    Two pictures of one scene differ in few bits, also after being cut, pressed or brightened a little. A signed number.
    """
    with Image.open(io.BytesIO(shown)) as raw:
        raw.draft("L", (64, 64))
        fields = raw.convert("L").resize((9, 8)).tobytes()
    bits = [fields[row * 9 + n] < fields[row * 9 + n + 1] for row in range(8) for n in range(8)]
    found = sum(bit << n for n, bit in enumerate(bits))
    return found - (1 << 64) if bits[-1] else found


def unlike(one: int, other: int) -> int:
    """In how many of 64 bits two looks differ."""
    return ((one ^ other) & ((1 << 64) - 1)).bit_count()


def plain(looked: int) -> bool:
    """Whether there is next to nothing to see, as in a dark room or of a bare wall: such pictures are all alike."""
    return not 8 <= unlike(looked, 0) <= 56


def reencode(data: bytes) -> bytes:
    """The picture in `data` as a JPEG of at most 1600 px, upright, without EXIF. Raises Refusal when it is no picture."""
    try:
        Image.MAX_IMAGE_PIXELS = PIXELS
        with Image.open(io.BytesIO(data), formats=KINDS) as raw:
            if raw.width * raw.height > PIXELS:
                raise Refusal("photo_too_big", "照片太大了，请重拍一张")
            raw.draft("RGB", (SIDE, SIDE))
            image = ImageOps.exif_transpose(raw).convert("RGB")
            image.thumbnail((SIDE, SIDE))
            out = io.BytesIO()
            image.save(out, "JPEG", quality=82, optimize=True)
            return out.getvalue()
    except Refusal:
        raise
    except Exception as error:  # Pillow raises almost anything on broken input
        raise Refusal("not_a_photo", "这不是照片，请重拍一张") from error


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)  # a full disk must not fill up with halves
