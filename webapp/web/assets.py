"""Style and behaviour, each small file its own, sent as few bundles whose address carries their digest."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import brotli
import minify
from flask import Blueprint, Flask, Response, abort, current_app, request
from markupsafe import Markup

from webapp.web.guard import open_door

bp = Blueprint("assets", __name__)

CSS = ("tokens", "base", "layout", "ui", "print")
KEEPING = ("canonical", "keys", "spare", "outbox")
APP = (*KEEPING, "send", "keep", "overlay", "draft", "net", "app")
FORMS = ("photo", "place", "keypad", "scale", "confirm")
OFFLINE = ("copies", "shelf", "packet")
WORKER = ("shell", "pages", "routes", "wiring")


def _ours(*names: str) -> tuple[str, ...]:
    return tuple(f"js/{name}.js" for name in names)


BUNDLES: dict[str, tuple[str, ...]] = {
    "app.css": tuple(f"css/{name}.css" for name in CSS),
    "app.js": ("vendor/htmx.min.js", "vendor/idb.umd.js", *_ours(*APP)),
    "early.js": _ours("early"),
    "forms.js": _ours(*FORMS),
    "offline.js": _ours(*OFFLINE),
    "live.js": ("vendor/sse.js", "vendor/idiomorph-ext.min.js", "js/live.js"),
    "alarm.js": _ours("alarm"),
    "push.js": _ours("push"),
    "told.js": ("../sw/told.js",),
    "print.js": _ours("print"),
    "aloud.js": _ours("aloud"),
    "copy.js": _ours("copy"),
    "sign.js": _ours("sign"),
    "desk.js": _ours("rowkeys"),
    "scan.js": ("vendor/ponyfill.js", "js/scan.js"),
    "enrol.js": ("vendor/idb.umd.js", *_ours(*KEEPING, "shelf", "enrol")),
    "worker.js": ("vendor/idb.umd.js", *_ours(*KEEPING, "copies", "shelf", "send"), *(f"../sw/{name}.js" for name in WORKER)),
    "worker-off.js": ("../sw/off.js",),
}
SHEETS = ("img/icons.svg", "img/icons-more.svg")
"""Icons of a caregiver's front page, and all others: what she needs first is small."""
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png", ".wasm": "application/wasm"}
LARGE = 200_000
YEAR = "public, max-age=31536000, immutable"
_minifying = threading.Lock()


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    kind: str
    digest: str

    @cached_property
    def packed(self) -> dict[str, bytes]:
        """By encoding, smallest first; empty for pictures. Made when it is first sent: packing the large ones takes seconds."""
        if self.kind == "image/png":
            return {}
        return {
            "br": _made(f"{self.digest}.br", lambda: brotli.compress(self.body, quality=11 if len(self.body) < LARGE else 9)),
            "gzip": _made(f"{self.digest}.gz", lambda: gzip.compress(self.body, 9, mtime=0)),
        }


def init_app(app: Flask, made: Path) -> None:
    """Serve the bundles of `app`; what is made of them once is kept under `made`."""
    app.extensions["assets"] = {}
    app.extensions["made"] = made / f"assets-{version('tdewolff-minify')}"
    app.extensions["made"].mkdir(parents=True, exist_ok=True)
    app.extensions["drawn"] = _drawing(app)
    app.jinja_env.globals.update(asset=asset, drawn=app.extensions["drawn"])
    app.register_blueprint(bp)


def asset(name: str) -> str:
    """The address of a bundle or of a file under static/, with its digest."""
    return f"/assets/{load(name).digest}/{name}"


def drawn(name: str) -> Markup:
    """An icon of the sheets."""
    icon: Markup = current_app.extensions["drawn"](name)
    return icon


def _drawing(app: Flask) -> Callable[[str], Markup]:
    """What draws an icon on the pages of `app`; they show dozens, so each is put together once."""
    icons: dict[str, Markup] = {}

    def draw(name: str) -> Markup:
        if name not in icons or app.debug:
            sheet = asset(next(each for each in SHEETS if f'id="{name}"'.encode() in load(each).body))
            icons[name] = Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
                sheet, name
            )
        return icons[name]

    return draw


def load(name: str) -> Asset:
    """A bundle or file, read once (always afresh in debug). Raises KeyError when there is none."""
    shelf: dict[str, Asset] = current_app.extensions["assets"]
    if name not in shelf or current_app.debug:
        shelf[name] = _read(name)
    return shelf[name]


def _read(name: str) -> Asset:
    root = Path(current_app.static_folder or "")
    kind = KINDS.get(Path(name).suffix)
    if name in BUNDLES:
        parts = [_part(root / part) for part in BUNDLES[name]]
        body = (b"\n;\n" if name.endswith(".js") else b"\n").join(parts)
    else:
        path = (root / name).resolve()
        if kind is None or not path.is_relative_to(root.resolve()) or not path.is_file():
            raise KeyError(name)
        body = path.read_bytes()
    return Asset(body, kind or "", hashlib.sha256(body).hexdigest()[:12])


def _part(path: Path) -> bytes:
    """One file of a bundle; our own without comments, spaces and long names, which a phone need not pay for."""
    body = path.read_bytes()
    if path.parent.name == "vendor":
        return body
    return _made(f"{hashlib.sha256(body).hexdigest()[:24]}.min", lambda: _small(KINDS[path.suffix], body))


def _small(kind: str, body: bytes) -> bytes:
    with _minifying:  # it has one configuration for all threads, and none at all while it takes one in
        minify.config({"js-version": 2020})  # the lowest browser knows no later one
        return bytes(minify.string(kind, body.decode()).encode())


def _made(name: str, make: Callable[[], bytes]) -> bytes:
    """What `make` answers, by the folder of made things: the next worker and the next start need not make it again."""
    kept: Path = current_app.extensions["made"] / name
    try:
        return kept.read_bytes()
    except OSError:
        fresh = make()
    with suppress(OSError):  # a full disk costs time, not the page
        beside = kept.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        beside.write_bytes(fresh)
        beside.replace(kept)
    return fresh


@bp.get("/assets/<digest>/<path:name>")
@open_door
def send(digest: str, name: str) -> Response:
    """One asset, for a year; an old digest gets the newest content, uncached."""
    try:
        found = load(name)
    except KeyError:
        abort(404)
    accepted = request.headers.get("Accept-Encoding", "")
    encoding = next((each for each in found.packed if each in accepted), None)
    response = Response(found.packed[encoding] if encoding else found.body, mimetype=found.kind)
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = YEAR if digest == found.digest else "no-cache"
    return response
