"""Chinese or English: the reader's choice, else the account's, else the browser's; Chinese when in doubt.

The catalogue is one .po file per feature under translations/en; `compile_words` joins them for gettext.
"""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Blueprint, Flask, has_request_context, request
from flask_babel import Babel, gettext
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from webapp.kit import show
from webapp.web import page
from webapp.web.guard import actor, open_door

LANGUAGES = {"zh": "中文", "en": "English"}
WORDS = Path(__file__).parents[1] / "translations"
MADE = WORDS / "en" / "LC_MESSAGES" / "messages.mo"
bp = Blueprint("language", __name__)


def init_app(app: Flask) -> None:
    """Let `app` speak."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(WORDS)
    app.config["BABEL_DEFAULT_LOCALE"] = "zh"
    Babel(app, locale_selector=chosen)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.globals["_"] = said
    app.jinja_env.globals.update(show=show, lang=lambda: "zh-CN" if show.chinese() else "en")
    app.register_blueprint(bp)


def chosen() -> str:
    """The language of this request: the address (`?lang=`, where no cookie may be left), cookie, account, Accept-Language,
    Chinese. Commands and jobs speak Chinese.
    """
    if not has_request_context():
        return "zh"
    wish = request.args.get("lang") or request.cookies.get("lang") or getattr(actor(), "language", None)
    return wish if wish in LANGUAGES else request.accept_languages.best_match(["zh", "en"], "zh")


def said(text: object, **facts: object) -> Markup:
    """`text` in the reader's language, for templates; `facts` are escaped. Sentences without facts
    are part of the compiled templates (`web.templates`)."""
    words = Markup(text if show.chinese() else gettext(str(text)))  # noqa: S704  # ours, not typed
    return words % facts if "%" in words else words


@bp.post("/language/<code>")
@open_door
def choose(code: str) -> AnyResponse:
    """Remember the reader's language on this device for a year."""
    response = page.go(page.safe_next("/"))
    if code in LANGUAGES:
        response.set_cookie("lang", code, max_age=365 * 86400, samesite="Lax", httponly=True, secure=request.is_secure)
    return response


def catalogue() -> Catalog:
    """All English words, joined. Raises ValueError when two features translate one sentence differently."""
    joined = Catalog(locale="en", charset="utf-8")
    for path in sorted((WORDS / "en").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="en"):
                if message.id:
                    known = joined.get(message.id, context=message.context)
                    if known and known.string != message.string:
                        raise ValueError(f"{path.name}: {message.id!r} is {known.string!r} elsewhere")
                    joined.add(message.id, message.string, context=message.context, flags=message.flags)
    return joined


def compile_words() -> Path:
    """Write the joined catalogue where gettext looks for it."""
    target = MADE
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_mo(file, catalogue())
    return target
