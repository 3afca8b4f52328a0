"""Browsers for the tests of people's pages, and what a person does with a form."""

from __future__ import annotations

import contextvars
import re
from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient

from webapp.store import db


class Apart(FlaskClient):
    """A browser whose requests share nothing with the test around them, as on a server."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """One request in a context of its own; what the test held open is let go first."""
        if has_app_context():
            db.undo()
        return contextvars.Context().run(super().open, *args, **kwargs)


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, name
    return found[1]


def post(client: FlaskClient, url: str, follow: bool = False, **typed: Any) -> Any:
    """Open the form at `url`, fill it and send it: with its hidden fields, as a browser does."""
    page = said(client.get(url))
    for name in ("key", "seen"):
        if f'name="{name}"' in page:
            typed.setdefault(name, hidden(page, name))
    return client.post(url, data=typed, follow_redirects=follow)


def said(answer: Any) -> str:
    """The page as text."""
    return str(answer.get_data(as_text=True))
