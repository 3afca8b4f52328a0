"""Answers: a whole page, or the piece htmx asked for; and where to go next."""

from __future__ import annotations

import uuid
from contextvars import copy_context
from datetime import datetime
from typing import Any

from flask import current_app, flash, make_response, redirect, render_template, request, send_file
from flask.wrappers import Response
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response as AnyResponse

from webapp.kit import clock, ids
from webapp.kit.refusal import Missing
from webapp.store import db, files
from webapp.web.guard import htmx


def render(template: str, piece: str | None = None, status: int = 200, **facts: Any) -> Response:
    """`template` with `facts`; only its block `piece` when htmx asked for a piece. Commits first: no page inside a write.

    With status 4xx nothing is committed: the form comes back with what was typed.
    """
    db.settle() if status < 400 else db.undo()
    if piece and wants_piece():
        body = _block(template, piece, facts)
    else:
        body = render_template(template, **facts)
    response = make_response(body, status)
    response.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
    return response


def photo(sha256: str | None, keep: str = "private, max-age=3600") -> Response:
    """A photo that has come in; `keep`: how long the browser may. Raises Missing."""
    path = files.path(sha256) if sha256 else None
    if path is None or not path.exists():
        raise Missing("missing", "照片还没传上来")
    response = send_file(path, "image/jpeg")
    response.headers["Cache-Control"] = keep
    return response


def macro(template: str, name: str) -> Any:
    """A macro of `template` in the reader's language, for what is drawn in Python."""
    return getattr(current_app.jinja_env.get_template(template).module, name)


def place_of(at: datetime, key: uuid.UUID) -> str:
    """The last line of a page, for the address of the next one."""
    return f"{clock.to_wire(at)}_{key}"


def place_in(text: str | None) -> tuple[datetime, uuid.UUID] | None:
    """The last line of the page before, as `place_of` named it; anything else is the first page."""
    at, _sep, key = (text or "").partition("_")
    known = ids.parse(key)
    try:
        return (clock.from_wire(at), known) if known else None
    except ValueError:
        return None


INSIDE = "nuanchao.inside"


def whole(path: str) -> Response:
    """What our own GET of `path` answers the reader of this request. The PIN was asked for the request around it."""
    copied = {name: request.headers[name] for name in ("Cookie", "Accept-Language", "User-Agent") if name in request.headers}
    built = EnvironBuilder(path=path, base_url=request.host_url, headers=list(copied.items()), environ_overrides={INSIDE: True})

    def inside() -> Response:
        # contexts of their own: nothing of the page's session, log or database work mixes with the request around it
        with current_app.app_context(), current_app.request_context(built.get_environ()):
            return current_app.full_dispatch_request()

    return copy_context().run(inside)


def inside() -> bool:
    """Whether this page is asked for by `whole`."""
    return bool(request.environ.get(INSIDE))


def wants_piece() -> bool:
    """Whether htmx asks for a piece (not boosted, not restoring history)."""
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def _block(template: str, piece: str, facts: dict[str, Any]) -> str:
    made = current_app.jinja_env.get_template(template)
    current_app.update_template_context(facts)
    return "".join(made.blocks[piece](made.new_context(facts)))


def go(url: str, say: object | None = None) -> AnyResponse:
    """303 to `url`, with one plain sentence shown there. Commits first."""
    db.settle()
    if say is not None:
        flash(str(say))
    if htmx and not htmx.boosted:
        return Response("", 204, {"HX-Redirect": url})
    return redirect(url, 303)


def safe_next(default: str) -> str:
    """The page to return to, if it is one of ours; never another host."""
    there = request.values.get("next", "")
    # browsers drop tabs and line ends from an address: /<tab>/evil is //evil
    ours = there.startswith("/") and not there.startswith(("//", "/\\")) and there.isprintable() and " " not in there
    return there if ours else default
