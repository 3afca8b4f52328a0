"""How a self-scoring form speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.kit import show
from webapp.kit.words import _, _l
from webapp.selfscores.models import CHECKED, OPEN, SENT

STATES: dict[str | None, Any] = {None: _l("还没填"), OPEN: _l("还在填"), SENT: _l("等上级核"), CHECKED: _l("核过了")}
TONES: dict[str | None, str] = {None: "plain", OPEN: "plain", SENT: "info", CHECKED: "ok"}


def name(row: Mapping[str, Any]) -> str:
    """A form or an item, in the reader's language."""
    return str(row["zh" if show.chinese() else "en"])


def points(tenths: int | None) -> str:
    """35 → 3.5, 40 → 4; — for none."""
    return "—" if tenths is None else f"{tenths / 10:g}"


def marks(item: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    """（4分，自评4分，核定3.5分）, as far as it goes."""
    said = [_("%(n)s分", n=item["full"])]
    if line.get("own") is not None:
        said.append(_("自评%(n)s分", n=points(line["own"])))
    if line.get("checked") is not None:
        said.append(_("核定%(n)s分", n=points(line["checked"])))
    return _("（%(marks)s）", marks=_("，").join(said))
