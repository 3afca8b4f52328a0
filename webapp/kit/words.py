"""Chinese in the source, English in the catalogue. `_` now, `_l` later (module level), `ngettext` never."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

__all__ = ["_", "_l", "in_chinese"]


def in_chinese() -> AbstractContextManager[None]:
    """While it holds, words are Chinese whoever reads: what is printed goes out into a Chinese street."""
    held: AbstractContextManager[None] = force_locale("zh")
    return held
