"""Style and behaviour, each small file its own, sent as few bundles whose address carries their digest."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import brotli
from flask import Blueprint, Flask, Response, abort, current_app, request
from markupsafe import Markup

from webapp.web.guard import open_door

bp = Blueprint("assets", __name__)

CSS = ("tokens", "base", "layout", "ui", "print")
KEEPING = ("canonical", "keys", "outbox")
APP = (*KEEPING, "send", "keep", "overlay", "draft", "photo", "place", "keypad", "scale", "confirm", "net", "app")
BUNDLES: dict[str, tuple[str, ...]] = {
    "app.css": tuple(f"css/{name}.css" for name in CSS),
    "app.js": ("vendor/htmx.min.js", "vendor/idb.umd.js", *(f"js/{name}.js" for name in APP)),
    "live.js": ("vendor/sse.js", "vendor/idiomorph-ext.min.js", "js/live.js"),
    "scan.js": ("vendor/ponyfill.js", "js/scan.js"),
    "enrol.js": ("vendor/idb.umd.js", *(f"js/{name}.js" for name in KEEPING), "js/enrol.js"),
}
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png", ".wasm": "application/wasm"}
BLOCK = re.compile(rb"/\*.*?\*/", re.DOTALL)
LINE = re.compile(rb"^[ \t]+|(?:^|[ \t]{2,})//.*$", re.MULTILINE)
YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    packed: dict[str, bytes]
    """By encoding, smallest first; empty for pictures."""
    kind: str
    digest: str


def init_app(app: Flask) -> None:
    """Serve the bundles of `app`."""
    app.extensions["assets"], app.extensions["icons"] = {}, {}
    app.jinja_env.globals.update(asset=asset, drawn=drawn)
    app.register_blueprint(bp)


def asset(name: str) -> str:
    """The address of a bundle or of a file under static/, with its digest."""
    return f"/assets/{load(name).digest}/{name}"


def drawn(name: str) -> Markup:
    """An icon of the sheet; every page shows dozens, so each is put together once."""
    icons: dict[str, Markup] = current_app.extensions["icons"]
    if name not in icons or current_app.debug:
        sheet = asset("img/icons.svg")
        icons[name] = Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
            sheet, name
        )
    return icons[name]


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
    packed = {} if name.endswith(".png") else {"br": brotli.compress(body), "gzip": gzip.compress(body, 9, mtime=0)}
    return Asset(body, packed, kind or "", hashlib.sha256(body).hexdigest()[:12])


def _part(path: Path) -> bytes:
    """One file of a bundle; our own scripts without their comments and indentation, which a phone need not pay for."""
    body = path.read_bytes()
    return LINE.sub(b"", BLOCK.sub(b"", body)) if path.parent.name == "js" else body


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
