"""What a phone needs to put the app on its home screen, and to open it without network: manifest, worker, shell pages."""

from __future__ import annotations

import hashlib
import json

from flask import Blueprint, Flask, Response, current_app, jsonify

from webapp.kit.words import _
from webapp.web import page
from webapp.web.assets import asset, load
from webapp.web.guard import open_door

bp = Blueprint("pwa", __name__)

PAGES = ("/offline", "/locked")
FILES = (
    "app.css",
    "app.js",
    "early.js",
    "forms.js",
    "offline.js",
    "scan.js",
    "img/icons.svg",
    "img/icons-more.svg",
    "img/icon-192.png",
    "vendor/zxing_reader.wasm",
)


def init_app(app: Flask) -> None:
    """Let `app` be installed."""
    app.register_blueprint(bp)
    app.jinja_env.globals["worker"] = "/sw.js" if app.extensions["settings"].worker else ""


@bp.get("/manifest.webmanifest")
@open_door
def manifest() -> Response:
    """Name, icons and shortcuts, in the reader's language."""
    sizes = (("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"), ("maskable-512.png", "512x512", "maskable"))
    answer = jsonify(
        name=_("暖巢 居家养老"),
        short_name=_("暖巢"),
        id="/",
        start_url="/",
        scope="/",
        display="standalone",
        background_color="#faf7f2",
        theme_color="#0f5b46",
        icons=[{"src": asset(f"img/{name}"), "sizes": size, "type": "image/png", "purpose": why} for name, size, why in sizes],
        shortcuts=[{"name": _("扫码"), "url": "/scan"}, {"name": _("记一笔"), "url": "/book"}],
    )
    answer.mimetype = "application/manifest+json"
    return answer


@bp.get("/sw.js")
@open_door
def worker() -> Response:
    """The worker, its bytes new whenever anything of the shell is; with WORKER=off the one that ends it."""
    on = current_app.extensions["settings"].worker
    answer = Response(_worker() if on else load("worker-off.js").body, mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _worker() -> bytes:
    shell, code = [*map(asset, FILES), *PAGES], load("worker.js").body
    version = hashlib.sha256(json.dumps(shell).encode() + code).hexdigest()[:12]
    return f"const VERSION = '{version}', SHELL = {json.dumps(shell)};\n".encode() + code


@bp.get("/told.js")
@open_door
def told() -> Response:
    """The worker that shows what is pushed: one sentence, in the reader's language. It keeps nothing and answers no request."""
    says = {"title": _("暖巢"), "body": _("有一件急事要您看，请打开暖巢"), "icon": asset("img/icon-192.png")}
    answer = Response(f"const SAYS = {json.dumps(says)};\n".encode() + load("told.js").body, mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@bp.get("/offline")
@open_door
def offline() -> Response:
    """What is shown without network for a page the phone does not have."""
    return page.render("offline.html")


@bp.get("/locked")
@open_door
def locked() -> Response:
    """The PIN without network."""
    return page.render("locked.html")
