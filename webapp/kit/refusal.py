"""Failing is part of the vocabulary: one family of refusals, turned into words in one place (web/errors.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Refusal(Exception):
    """Something was asked that cannot be done; nothing was changed.

    `code`: short English word for logs and tests, never shown. `say`: one plain Chinese sentence that says what
    happened and what to do, with %(name)s where a fact stands. `facts`: what fills it, and `field` for the field to mark.
    """

    status = 422

    def __init__(self, code: str, say: object, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.say = say
        self.facts = facts

    def words(self, translate: Callable[[str], str] = str) -> str:
        """The sentence with its facts, in the reader's language when `translate` is gettext."""
        text = translate(str(self.say))
        return text % self.facts if "%(" in text else text

    def __str__(self) -> str:
        return f"{self.code}: {self.words()}"


class Missing(Refusal):
    """There is none, or it is not yours: both answered alike, 404."""

    status = 404


class Forbidden(Refusal):
    """The role may not do this, 403."""

    status = 403


class Conflict(Refusal):
    """Somebody else changed it first, 409."""

    status = 409


class Busy(Refusal):
    """Try again shortly, 503 (or 429 where `facts` say so)."""

    status = 503
