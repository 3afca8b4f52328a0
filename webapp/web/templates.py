"""Templates that already speak when they are compiled: once for each language, their fixed words part of the page.

A page says a hundred sentences; to look each up every time was a third of drawing it. `_('…')` without facts and
`show.chinese()` become constants; sentences with facts are still asked for when the page is drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from flask import Flask
from flask.templating import Environment
from flask_babel import force_locale, gettext
from jinja2 import Environment as AnyEnvironment
from jinja2 import FileSystemBytecodeCache, Template
from jinja2.bccache import Bucket
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context, Macro

from webapp.kit import show

SENTENCE = (("name", "_"), ("lparen", "("), ("string", None), ("rparen", ")"))
ASKED = (("name", "show"), ("dot", "."), ("name", "chinese"), ("lparen", "("), ("rparen", ")"))


def init_app(app: Flask, made: Path, words: Path) -> None:
    """Keep the compiled templates of `app` under `made`, for as long as the English `words` and this module are the same."""
    spoken = hashlib.sha256((words.read_bytes() if words.exists() else b"") + Path(__file__).read_bytes()).hexdigest()[:12]
    folder = made / f"templates-{spoken}"
    folder.mkdir(parents=True, exist_ok=True)
    app.jinja_env.bytecode_cache = Compiled(str(folder))


class Lean(Context):
    """What a template is drawn from. Macros and plain functions, nearly all it calls, are called without being looked through."""

    def call(self, told: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`told` with its arguments, and with the context or environment before them if it wants that."""
        kind = type(told)
        if kind is Macro:
            args = (self.eval_ctx, *args)
        elif kind is not FunctionType and kind is not MethodType or hasattr(told, "jinja_pass_arg"):
            return super().call(told, *args, **kwargs)
        if kwargs:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
        return told(*args, **kwargs)


class Templates(Environment):
    """The app's templates; each language has its own, compiled when first asked for."""

    context_class = Lean
    language = ""

    def of(self, language: str) -> Templates:
        """The templates of `language`, zh or en; what the app adds to its templates must be there by now."""
        kept: dict[str, Templates] = self.__dict__.setdefault("kept", {})
        if language not in kept:
            made = self.overlay()
            made.language, made.globals = language, dict(self.globals)
            made.add_extension(Fixed)
            # a lone block does not run the page's own imports: the macros are a global of every template
            made.globals["ui"] = made.get_template("ui.html").module
            kept[language] = made
        return kept[language]

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:
        """The template in the reader's language; those it includes and extends are in the same."""
        if self.language:
            return super().get_template(name, parent, globals)
        return self.of("zh" if show.chinese() else "en").get_template(name, parent, globals)


class Compiled(FileSystemBytecodeCache):
    """Compiled templates on disk, each language apart: the next worker and the next start need not compile them again."""

    def get_bucket(self, environment: AnyEnvironment, name: str, filename: str | None, source: str) -> Bucket:
        """One template's place."""
        return super().get_bucket(environment, f"{getattr(environment, 'language', '')}/{name}", filename, source)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one; a full disk costs time, not the page."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


class Fixed(Extension):
    """Puts the words where they were asked for, before a template is compiled."""

    environment: Templates

    def filter_stream(self, stream: TokenStream) -> TokenStream | Iterable[Token]:
        """The template's tokens with constants in place of `_('…')` and `show.chinese()`."""
        return self._fixed(list(stream))

    def _fixed(self, tokens: list[Token]) -> Iterator[Token]:
        at, chinese = 0, self.environment.language == "zh"
        while at < len(tokens):
            here = tokens[at]
            if _are(tokens, at, SENTENCE):
                yield Token(here.lineno, "string", tokens[at + 2].value if chinese else _english(tokens[at + 2].value))
                at += len(SENTENCE)
            elif _are(tokens, at, ASKED):
                yield Token(here.lineno, "name", "true" if chinese else "false")
                at += len(ASKED)
            else:
                yield here
                at += 1


def _are(tokens: list[Token], at: int, wanted: tuple[tuple[str, str | None], ...]) -> bool:
    found = tokens[at : at + len(wanted)]
    return len(found) == len(wanted) and all(
        token.type == kind and text in (None, token.value) for token, (kind, text) in zip(found, wanted, strict=True)
    )


def _english(text: str) -> str:
    with force_locale("en"):
        return str(gettext(text))
