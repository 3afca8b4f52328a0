"""What tasks and notices are called on a screen. Nothing here names a person: it may be sent out as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.kit.words import _, _l

UNANSWERED, TROUBLE = "silent", "trouble"
KINDS: dict[str, Any] = {
    "found": _l("有人遇到老人了"),
    "ring": _l("还没人看到，请打电话"),
    "notice": _l("有一件急事，请看一下"),
    TROUBLE: _l("电话里说出事了"),
    "gap": _l("没人去"),
    "silent": _l("没有消息，请打电话"),
    "nobody": _l("没人应，还没有下文"),
    "unseen": _l("您发的还没人看到，请打电话"),
    "fix": _l("上门记录要改"),
    "aside": _l("放在站里等人看的记录"),
    "stray": _l("扫了不认识的卡"),
    "owing": _l("旧手机还有没交的"),
    "money": _l("昨天的账没记，也没说没花钱"),
    "log": _l("昨天的日记还没写"),
    "ack": _l("上门记录请看一下"),
    "todo": _l("要办的事"),
    "talk": _l("打电话"),
    "call_back": _l("请马上给站里回电话"),
    "look_plan": _l("安排变了，请看一下今天的安排"),
    "come_in": _l("请今天到站里来一趟"),
}
ICONS = {
    "found": "siren", "ring": "phone", "notice": "bell", TROUBLE: "siren", "gap": "user", "silent": "phone",
    "nobody": "door-open", "unseen": "phone", "fix": "edit", "aside": "file-text", "stray": "id-card", "owing": "smartphone",
    "money": "wallet", "log": "book", "ack": "eye",
}  # fmt: skip
LEVELS = {"red": _l("马上办"), "amber": _l("今天办"), "plain": _l("看一下")}
TONES = {"red": "danger", "amber": "wait", "plain": "plain"}
HOW = {
    "done": _l("办好了"),
    "called": _l("打过电话了"),
    "seen": _l("看到了"),
    "gone": _l("自己好了"),
    "up": _l("交给上一级了"),
}
RUNGS = {
    "caregiver": _l("本人"),
    "station": _l("服务站"),
    "street": _l("街道"),
    "district": _l("区里"),
    "top": _l("都没看到，打电话找人"),
}
SENT = {
    "waiting": _l("正在发"),
    "sent": _l("发出去了"),
    "failed": _l("没发出去"),
    "unneeded": _l("有人看到了，不用再发"),
}
WHOM = (
    ("resident", _l("老人")),
    ("neighbour", _l("邻居")),
    ("caregiver", _l("养护员")),
    ("kin", _l("家属")),
    ("duty", _l("值班室")),
)
SAID = (
    ("fine", _l("人都好")),
    ("coming", _l("养护员正在路上")),
    ("there", _l("养护员已经到了")),
    ("going", _l("派人去看了")),
    ("out", _l("老人不在家")),
    (UNANSWERED, _l("没人接")),
    (TROUBLE, _l("出事了")),
)
URGENT = _l("暖巢：有一件急事要您看，请马上打开暖巢。")


SETTLED_THERE: set[str] = set()
"""Kinds that a page of their own settles: the one tap in the list opens it, and nobody taps them away unread."""


def say(kind: str, words: object, icon: str = "list", *, settled_there: bool = False) -> None:
    """A later room names a kind of its own; its level and place in the list stand in the settings."""
    KINDS[kind], ICONS[kind] = words, icon
    if settled_there:
        SETTLED_THERE.add(kind)


def title(kind: str, facts: Mapping[str, Any] | None = None) -> str:
    """What a kind is called, with its facts; a kind that is no longer known is plainly something to do."""
    text = str(KINDS.get(kind, KINDS["todo"]))
    return text % facts if facts and "%(" in text else text


def digest(n: int) -> str:
    """What goes out once a day."""
    return _("暖巢：您有 %(n)s 条消息，请打开暖巢看一下。", n=n)


def named(pairs: tuple[tuple[str, Any], ...], code: str) -> str:
    """The word of one of WHOM or SAID."""
    return str(dict(pairs).get(code, code))
