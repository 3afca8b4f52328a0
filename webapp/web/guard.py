"""Who is asking, and may they: every endpoint says `@allow(verb)` or `@open_door`; one that says neither is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from flask_htmx import HTMX
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect

from webapp import access
from webapp.access import Actor
from webapp.kit.refusal import Forbidden
from webapp.store import audit, db

View = TypeVar("View", bound=Callable[..., Any])
login = LoginManager()
csrf = CSRFProtect()
htmx = HTMX()


def init_app(app: Flask) -> None:
    """Hang the lock on every door of `app`."""
    login.init_app(app)
    csrf.init_app(app)
    htmx.init_app(app)
    app.before_request(_knock)
    app.after_request(_name_reader)
    app.jinja_env.globals["may"] = may


def allow(verb: str) -> Callable[[View], View]:
    """This endpoint is for those who hold `verb`. Commits what it wrote once it has answered well."""
    access.GRANTS[verb]

    def lock(view: View) -> View:
        @wraps(view)
        def inside(*args: Any, **kwargs: Any) -> Any:
            return _settled(view, args, kwargs)

        inside.verb = verb  # type: ignore[attr-defined]
        return cast(View, inside)

    return lock


def open_door(view: View) -> View:
    """This endpoint is for everybody, signed in or not."""

    @wraps(view)
    def inside(*args: Any, **kwargs: Any) -> Any:
        return _settled(view, args, kwargs)

    inside.verb = None  # type: ignore[attr-defined]
    return cast(View, inside)


def _settled(view: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Do it and commit. Where somebody did the same in the same moment it is done once more, and sees what the other one did."""
    try:
        return _once(view, args, kwargs)
    except sa.exc.DBAPIError as error:
        if not db.elsewhere(error):
            raise
    whose = db.session().info
    db.undo()
    db.session().info.update({name: whose.get(name) for name in ("actor", "courier")})
    for sent in request.files.values():
        sent.stream.seek(0)
    return _once(view, args, kwargs)


def _once(view: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    answer = view(*args, **kwargs)
    status = answer[1] if isinstance(answer, tuple) and len(answer) > 1 else getattr(answer, "status_code", 200)
    if int(status) < 400:
        db.settle()
    else:
        db.undo()
    return answer


def _knock() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None
    verb = getattr(current_app.view_functions[request.endpoint], "verb", "")
    if verb is None:
        return None
    if verb == "":
        abort(403)
    who = actor()
    if who is None:
        return to_sign_in()
    if not access.can(who, verb):
        raise Forbidden("verb", "这一项您不能看，有事请问服务站")
    if request.method not in db.SAFE:
        audit.by(db.session(), who.account_id)
    return None


def _name_reader(response: Response) -> Response:
    """Say on every sound page whose it is: a phone keeps pages by reader, and lets go of them when there is none any more.

    A server that is ill does not know who is asking: what it says must not cost anybody the pages.
    """
    if response.status_code >= 500:
        return response
    if response.mimetype == "text/html" or response.status_code in (301, 302, 303):
        who = actor()
        response.headers["X-Reader"] = str(who.account_id) if who else "none"
    return response


def to_sign_in() -> ResponseReturnValue:
    """Send an unknown visitor to the sign-in page; htmx is told by header, other scripts by 401."""
    where = url_for("doors.sign_in", next=request.full_path.rstrip("?") if request.method == "GET" else None)
    if htmx:
        return "", 401, {"HX-Redirect": where}
    return redirect(where, 303)


def actor() -> Actor | None:
    """Who is asking, or None."""
    who: Any = current_user._get_current_object()
    return cast(Actor, who) if who is not None and who.is_authenticated else None


def me() -> Actor:
    """Who is asking, behind an `@allow` door."""
    who = actor()
    if who is None:
        raise Forbidden("nobody", "请先登录")
    return who


def may(verb: str) -> bool:
    """For templates: does the reader hold `verb`."""
    return access.can(actor(), verb)
