"""办事公开: what everybody may read without signing in (P17)."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from webapp.applications import queries
from webapp.people import queries as people
from webapp.web import page
from webapp.web.guard import open_door

bp = Blueprint("applications", __name__)


@bp.get("/open")
@open_door
def published() -> ResponseReturnValue:
    """Who gets what, what to bring, whom to ring, and where to complain."""
    return page.render("applications/published.html", tiers=queries.published(), places=people.every_station())
