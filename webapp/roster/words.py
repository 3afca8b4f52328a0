"""What pauses, leave and relief are called on a screen."""

from __future__ import annotations

from webapp.kit.words import _, _l
from webapp.roster import models

PAUSES = {"hospital": _l("住院"), "child": _l("住子女家"), "trip": _l("出门"), "other": _l("别的原因")}
KINDS = {"sick": _l("生病"), "family": _l("家里有事"), "rest": _l("休息日"), "other": _l("别的原因")}
STATES = {"asked": _l("等站长回话"), "approved": _l("站长同意了"), "refused": _l("站长没同意"), "undone": _l("不请了")}
STATE_TONES = {"asked": "wait", "approved": "ok", "refused": "plain", "undone": "plain"}


def note(told: str | None) -> str:
    """Why a shift is as it is: 住院, 张福贵住院, 没有人替：…; empty when nothing is to be said."""
    code, _colon, more = (told or "").partition(":")
    if code == models.NOBODY:
        return _("没有人替：%(why)s", why=more)
    if code == models.ON_LEAVE:
        return _("请假了，还没说谁去")
    reason = PAUSES.get(code)
    if reason is None:
        return ""
    return _("%(name)s停一停（%(reason)s）", name=more, reason=reason) if more else str(reason)


def kind(code: str) -> str:
    """What the leave is for."""
    return str(KINDS.get(code, KINDS["other"]))


def pause(code: str) -> str:
    """Why somebody pauses."""
    return str(PAUSES.get(code, PAUSES["other"]))
