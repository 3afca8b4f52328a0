"""/up: the database answers and its migrations are current."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify

from webapp.store import db
from webapp.web.guard import open_door

bp = Blueprint("web", __name__)


def init_app(app: Flask) -> None:
    """Give `app` its pulse."""
    app.register_blueprint(bp)


@bp.get("/up")
@open_door
def up() -> Response | tuple[Response, int]:
    """200 {"up": true} when work can be done, else 503 with what is missing, in English for operators."""
    missing = db.behind(db.reading().connection())
    return (jsonify(up=False, missing=missing), 503) if missing else jsonify(up=True)
