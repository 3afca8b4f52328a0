"""What a phone needs to put the app on its home screen."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify

from webapp.kit.words import _
from webapp.web.assets import asset
from webapp.web.guard import open_door

bp = Blueprint("pwa", __name__)


def init_app(app: Flask) -> None:
    """Let `app` be installed."""
    app.register_blueprint(bp)


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
