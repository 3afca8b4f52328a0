"""Trouble turned into words in one place: what happened, then what to do. Never a code, never a trace."""

from __future__ import annotations

import sqlalchemy as sa
import structlog
from flask import Flask, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from webapp.kit.refusal import Busy, Refusal
from webapp.kit.words import _, _l
from webapp.store import db
from webapp.web.guard import htmx, login

log = structlog.get_logger()

SAYS = {
    400: _l("没看懂这一步，请返回再试一次"),
    401: _l("请先登录"),
    403: _l("这一项您不能看，有事请问服务站"),
    404: _l("没找到这一页。可能已经换了地方，或者不归您看"),
    405: _l("没看懂这一步，请返回再试一次"),
    409: _l("别人刚改过，请看一下新的"),
    413: _l("太大了，请换小一点的"),
    422: _l("有一处要改一改"),
    429: _l("试的次数太多，请等一会儿再来，或打给服务站"),
    500: _l("出了点问题，请再试；不行就打给服务站"),
    503: _l("人太多，请等一下再试"),
}
AWAY = (sa.exc.OperationalError, sa.exc.TimeoutError, sa.exc.InterfaceError, sa.exc.PendingRollbackError)
"""The database does not answer, or not now."""
PAGES = (403, 404, 409, 413, 422, 429, 500, 503)


def init_app(app: Flask) -> None:
    """Answer every kind of trouble."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def answer(status: int, say: object | None = None, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    """The page, piece or JSON for `status`; writes are rolled back."""
    db.undo()
    said = str(say or SAYS.get(status, SAYS[500]))
    headers = dict(headers or {})
    if request.path.startswith(("/inbox", "/devices")) or request.is_json:
        response = jsonify(say=said)
    elif htmx and not htmx.boosted:
        response = make_response(render_template("errors/_said.html", said=said))
        headers |= {"HX-Retarget": "#messages", "HX-Reswap": "innerHTML"}
    else:
        page = status if status in PAGES else 422 if status < 500 else 500
        response = make_response(render_template(f"errors/{page}.html", said=said))
    response.status_code = status
    response.headers.update(headers)
    return response


def _refused(refusal: Refusal) -> ResponseReturnValue:
    status = refusal.facts.get("status", refusal.status)
    headers = {"Retry-After": str(refusal.facts.get("wait_s", 5))} if status in (429, 503) else {}
    return answer(status, refusal.words(_), headers)


def _stale(_error: CSRFError) -> ResponseReturnValue:
    return answer(422, _("这一页放太久了，请返回刷新后再试"))


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code and error.code < 400:
        return error.get_response()
    headers = {"Allow": ", ".join(error.valid_methods or ())} if error.code == 405 else {}  # type: ignore[attr-defined]
    return answer(error.code or 500, None, headers)


def _broken(error: Exception) -> ResponseReturnValue:
    if isinstance(error, AWAY):
        log.warning("store.busy", error=str(error.__cause__ or error)[:300])
        db.undo()
        g._login_user = login.anonymous_user()  # who is asking, and in which language, is written in the database
        return _refused(Busy("busy", str(SAYS[503])))
    log.exception("request.broken", path=request.path)
    return answer(500)
