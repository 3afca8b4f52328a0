"""The app's addresses. What makes the address of a route is put together when the first one is asked for: of some hundred
routes a worker names a few, and putting all together takes longer than reading most of the code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.routing import Rule


class Route(Rule):
    """A rule whose two builders (with and without what is not in the address) compile themselves when first used."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        name, compiled = "_build_unknown" if append_unknown else "_build", super()._compile_builder

        def first(_rule: Rule, **values: Any) -> tuple[str, str]:
            made = compiled(append_unknown).__get__(self, None)
            setattr(self, name, made)
            address: tuple[str, str] = made(**values)
            return address

        return first


def init_app(app: Flask) -> None:
    """Let all of `app`'s routes be such, those of blueprints too. Before the first of them."""
    app.url_rule_class = Route
