"""What the codes of visits are called on a screen: plain words, never the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from markupsafe import Markup

from webapp.kit import clock, show
from webapp.kit.words import _, _l
from webapp.people.rules import mask_name
from webapp.visits import live, rules
from webapp.web.assets import drawn

EXCEPTIONS = {
    "LATE_IN": _l("来晚了"),
    "SHORT": _l("时间短了"),
    "LONG": _l("时间长了"),
    "OUT_OF_RADIUS": _l("位置对不上"),
    "LOW_ACCURACY": _l("位置不太准"),
    "NO_GPS": _l("没有位置"),
    "REVOKED_CARD": _l("扫的是停用的卡"),
    "UNKNOWN_CARD": _l("扫的码不认识"),
    "WRONG_CARD": _l("扫的是别家的卡"),
    "MANUAL": _l("号码是手输的"),
    "CARD_MISSING": _l("卡找不到"),
    "REFUSES_SCAN": _l("老人不让扫"),
    "UNSCHEDULED": _l("没有排班"),
    "REPLACEMENT": _l("不是排的那位来的"),
    "NOT_ASSIGNED": _l("这一户没排给她"),
    "OVERLAP": _l("上一户还没签退"),
    "CLOCK_SKEW": _l("手机时间不对"),
    "LATE_UPLOAD": _l("交上来晚了"),
    "TIME_ORDER": _l("签退早于签到"),
    "DUPLICATE": _l("签了两次"),
    "PHONED_IN": _l("电话报的到，等她确认"),
    "PHONED_OUT": _l("电话报的走，等她确认"),
    "PHONE_APART": _l("电话里说的和手机记的差得多"),
    "PHONE_DENIED": _l("她说不是这样"),
}
GRADES = {
    "A": _l("都对上了"),
    "B": _l("少一样凭据"),
    "C": _l("少两样凭据，请看一下"),
    "X": _l("前后对不上，请看一下"),
}
METHODS = {
    "QR": _l("扫码"),
    "CODE": _l("手输号码"),
    "PHONE": _l("打电话报的"),
    "resident": _l("用老人家的电话报的"),
    "own": _l("用自己的电话报的"),
    "other": _l("用别的电话报的"),
    rules.CARD_MISSING: _l("卡找不到"),
    rules.REFUSES_SCAN: _l("老人不让扫"),
}
CARDS = {rules.LIVE: _l("有效的卡"), rules.REVOKED: _l("停用的卡"), rules.UNKNOWN: _l("不认识的码")}
PLACES = {
    "ok": _l("有位置"),
    "denied": _l("手机没让用位置"),
    "timeout": _l("没等到位置"),
    "none": _l("没有位置"),
}
LINE_WORDS = {"resident": _l("老人家的电话"), "own": _l("她自己的电话"), "other": _l("别的电话")}
REFUSALS = ("今天不想做", "身体不舒服", "家里人做了", "时间不够")
LINES = {
    live.GAP: _l("没人去"),
    live.SILENT: _l("没有消息，请打电话"),
    live.NOBODY: _l("没人应"),
    live.TROUBLE: _l("出事了"),
    live.RUNG: _l("打过电话"),
    live.PAUSED: _l("停一停"),
    live.LATE: _l("迟到"),
    live.OFFLINE: _l("没信号，等手机联网"),
    live.OFF: _l("位置差"),
    live.HERE: _l("在岗"),
    live.NEXT: _l("下一户"),
    live.ENDED: _l("已完成"),
}
LINE_TONES = {
    live.TROUBLE: "danger", live.GAP: "danger", live.SILENT: "danger", live.NOBODY: "danger", live.LATE: "wait", live.OFF: "wait",
    live.RUNG: "info", live.OFFLINE: "info", live.HERE: "ok", live.NEXT: "plain", live.PAUSED: "plain", live.ENDED: "plain",
}  # fmt: skip
CATEGORY_ICONS = {
    "meal": "cooking-pot", "clean": "broom", "bath": "bath", "medical": "pill", "shop": "shopping-bag", "leisure": "star",
    "mobility": "footprints", "urgent": "siren", "comfort": "message-circle", "care": "hand-helping", "rehab": "activity",
    "health": "heart-pulse", "visit": "home", "errand": "file-text", "home": "wrench",
}  # fmt: skip


def exception(code: str) -> str:
    """What was found, in a few words."""
    return str(EXCEPTIONS.get(code, _l("请看一下")))


def facts(code: str, told: Mapping[str, Any]) -> str:
    """The figures beside a finding; empty when there are none."""
    if code == "LATE_IN" or code == "CLOCK_SKEW":
        return show.length(abs(int(told["minutes"])))
    if code == "OUT_OF_RADIUS":
        return _("差 %(n)s 米", n=told["distance_m"])
    if code == "LOW_ACCURACY":
        return _("误差 %(n)s 米", n=told["accuracy_m"])
    if code == "LATE_UPLOAD":
        return _("过了 %(n)s 小时", n=told["hours"])
    if code == "NO_GPS":
        return str(PLACES.get(told.get("why", ""), ""))
    if code in ("SHORT", "LONG"):
        here = show.length(int(told["minutes"]))
        return _("%(here)s，排的是 %(planned)s", here=here, planned=show.length(told["planned"])) if "planned" in told else here
    if code in ("DUPLICATE", "TIME_ORDER", "PHONE_APART", "PHONE_DENIED"):
        return " · ".join(show.when(_instant(told[name])) for name in ("arrived", "left", "phone") if name in told)
    return ""


def category_icon(category: str) -> str:
    """The drawn sign of a catalogue category."""
    return CATEGORY_ICONS.get(category, "list")


def tile(item: Mapping[str, Any], name: str, on: bool) -> Markup:
    """One item of the catalogue to tick, as the field `name` takes it. A form shows dozens: each is put together once."""
    return _tile(item["code"], item["zh"] if show.chinese() else item["en"], category_icon(item["category"]), name, on)


@cache
def _tile(code: str, said: str, icon: str, name: str, on: bool) -> Markup:
    ticked = Markup(" checked") if on else ""
    return Markup(
        '<label class="tile"><input type="checkbox" name="{}" value="{}" id="{}-{}" data-kind="list"{}><span>{}{}</span></label>'
    ).format(name, code, name, code, ticked, drawn(icon), said)


def refusals() -> list[tuple[str, str]]:
    """Why a resident may not want something today: (what is kept, what is shown)."""
    return [(said, _(said)) for said in REFUSALS]


def name_shown(name: str, masked: bool) -> str:
    """A name, or for those who only see masked ones 张**; two names of a couple each."""
    return " · ".join(mask_name(part) for part in name.split(" · ")) if masked else name


def _instant(text: str) -> datetime:
    return clock.from_wire(text)


@dataclass(frozen=True)
class Teller:
    """Says the lines of one page: translated once, not once a line."""

    states: Mapping[str, str]
    more: str
    metres: str
    lengths: dict[int, str]

    def line(self, line: live.Line) -> str:
        """在岗 42 分钟."""
        if line.state in (live.LATE, live.HERE):
            return f"{self.states[line.state]} {self._length(line.n)}"
        if line.state == live.OFF:
            return f"{self.states[line.state]} {self.metres % {'n': line.n}}"
        return f"{self.states[line.state]} {show.minute(line.n)}" if line.state == live.NEXT else self.states[line.state]

    def homes(self, line: live.Line) -> str:
        """李秀兰等 3 户."""
        first = line.homes[0] if line.homes else ""
        return first if len(line.homes) < 2 else self.more % {"name": first, "n": len(line.homes)}

    def _length(self, minutes: int) -> str:
        if minutes not in self.lengths:
            self.lengths[minutes] = show.length(minutes)
        return self.lengths[minutes]


def teller() -> Teller:
    """A teller in the reader's language."""
    states = {state: str(said) for state, said in LINES.items()}
    return Teller(states, str(_l("%(name)s等 %(n)s 户")), str(_l("%(n)s 米")), {})


def how(method: str, why: str | None) -> str:
    """How somebody checked in or out."""
    return str(METHODS.get(why or method, method))
