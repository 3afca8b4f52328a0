"""What requests are called on a screen."""

from __future__ import annotations

from webapp.kit import show
from webapp.kit.words import _l
from webapp.roster import models as roster

STATES = {
    "asked": _l("等站里派人"),
    "sent": _l("派好了，等接单"),
    "accepted": _l("有人接了"),
    "done": _l("做完了，等评一评"),
    "confirmed": _l("办好了"),
    "unmet": _l("现在办不了，记下了"),
    "withdrawn": _l("不用了"),
}
TONES = {"asked": "wait", "sent": "info", "accepted": "info", "done": "wait", "confirmed": "ok"}
TO = {"caregiver": _l("养护员"), "volunteer": _l("志愿者"), "provider": _l("服务商")}
AS = {"resident": _l("老人自己"), "kin": _l("家属"), "caregiver": _l("养护员"), "station": _l("站里")}
DEEDS = {
    "send": _l("派给了"),
    "accept": _l("接单"),
    "decline": _l("做不了"),
    "done": _l("做完了"),
    "confirm": _l("说好了"),
    "redo": _l("没做好，请再来"),
    "unmet": _l("现在办不了"),
    "withdraw": _l("不用了"),
}
ICONS = {
    "meal": "utensils", "medical": "stethoscope", "clean": "broom", "bath": "bath", "shop": "shopping-bag",
    "mobility": "footprints", "urgent": "siren", "comfort": "message-circle", "leisure": "star",
}  # fmt: skip


def kind(code: str) -> str:
    """What a kind of help is called: a category of the service catalogue."""
    found = next((each for each in roster.catalogue()["categories"] if each["code"] == code), None)
    return code if found is None else str(found["zh" if show.chinese() else "en"])
