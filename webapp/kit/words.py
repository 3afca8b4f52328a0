"""Chinese in the source, English in the catalogue. `_` now, `_l` later (module level), `ngettext` never."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

__all__ = ["_", "_l"]
