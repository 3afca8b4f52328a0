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
    "NO_IN": _l("没有签到"),
    "NO_OUT": _l("没有签退"),
    "MISSED": _l("没有去"),
    "TOO_LONG": _l("长得不像一次上门"),
    "NO_TASKS": _l("没记做了什么"),
    "NO_LOG": _l("没写日记"),
    "NO_CONFIRM": _l("没有老人或家属的确认"),
    "OVER_AUTH": _l("这个月比排的多"),
    "OTHER_PHONE": _l("从别人的手机交来的"),
    "SAME_SPOT": _l("几家的卡在同一个地方扫的"),
    "ALBUM_RUN": _l("几分钟里扫了几家的卡"),
    "IMPOSSIBLE_TRAVEL": _l("路上的时间太短"),
    "CONSTANT_PLACE": _l("每次的位置一模一样"),
    "STEADY_PLACE": _l("位置准得不像真的"),
    "NO_GPS_AGAIN": _l("好几次都不给位置"),
    "ON_LEAVE": _l("请了假却签到"),
    "TWO_HERE": _l("两个人同时在这一家"),
    "SAME_PHOTO": _l("照片以前用过"),
    "KIN_DOUBT": _l("家属或老人有疑问"),
}
"""What was found, in the words everybody reads, the caregiver too."""
REASONS = {
    "01": _l("老人要求改时"), "02": _l("老人外出或住院"), "03": _l("老人突发情况"), "04": _l("忘记签到"), "05": _l("忘记签退"),
    "06": _l("手机没电或坏了"), "07": _l("没网或系统故障"), "08": _l("定位不准"), "09": _l("二维码坏了或丢了"),
    "10": _l("在约定的其他地点服务"), "11": _l("养护员迟到"), "12": _l("养护员早退"), "13": _l("临时顶班"),
    "14": _l("排班排错了"), "15": _l("延长服务"), "16": _l("恶劣天气"), "17": _l("养护员突发情况"),
    "18": _l("多人协同"), "19": _l("补录任务或日记"), "20": _l("重复记录"), "99": _l("其他"),
}  # fmt: skip
REASON_CHOICES = [("", _l("请选")), *REASONS.items()]
WAYS = {
    "card": _l("老人的卡"),
    "finger": _l("手指签名"),
    "print": _l("按手印"),
    "witness": _l("见证人"),
    "none": _l("今天不能确认"),
}
WAY_WORDS = {**WAYS, "phone": _l("电话里说的")}
FACES = {"good": _l("好"), "fair": _l("还行"), "poor": _l("不好")}
WHY_NOT = {"asleep": _l("睡着了"), "unable": _l("不能自己表示"), "unwilling": _l("不愿意"), "out": _l("不在家")}
CALL_BACKS = {
    "first_week": _l("头一个星期"),
    "monthly": _l("每月回访"),
    "surprise": _l("抽到的"),
    "door": _l("子女照护，上门看看"),
}
CALL_BACK_WAYS = {"phone": _l("打电话"), "door": _l("上门")}
CALL_BACK_OUTCOMES = {"well": _l("说来过，都好"), "doubt": _l("有疑问"), "unanswered": _l("没人接")}
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
    "paper": _l("照纸上的单子补录的"),
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
LINE_WORDS = {"resident": _l("老人家的电话"), "own": _l("她自己的电话"), "other": _l("别的电话"), "paper": _l("照纸上补录")}
REFUSALS = ("今天不想做", "身体不舒服", "家里人做了", "时间不够")
LINES = {
    live.GAP: _l("没人去"),
    live.SILENT: _l("没有消息，请打电话"),
    live.NOBODY: _l("没人应"),
    live.TROUBLE: _l("出事了"),
    live.RUNG: _l("打过电话"),
    live.PAUSED: _l("停一停"),
    live.ALONE: _l("两个人去的，少一个"),
    live.LATE: _l("迟到"),
    live.OFFLINE: _l("没信号，等手机联网"),
    live.OFF: _l("位置差"),
    live.HERE: _l("在岗"),
    live.NEXT: _l("下一户"),
    live.ENDED: _l("已完成"),
}
LINE_TONES = {
    live.TROUBLE: "danger", live.GAP: "danger", live.SILENT: "danger", live.NOBODY: "danger", live.ALONE: "wait",
    live.LATE: "wait", live.OFF: "wait", live.RUNG: "info", live.OFFLINE: "info", live.HERE: "ok", live.NEXT: "plain",
    live.PAUSED: "plain", live.ENDED: "plain",
}  # fmt: skip
CATEGORY_ICONS = {
    "meal": "cooking-pot", "clean": "broom", "bath": "bath", "medical": "pill", "shop": "shopping-bag", "leisure": "star",
    "mobility": "footprints", "urgent": "siren", "comfort": "message-circle", "care": "hand-helping", "rehab": "activity",
    "health": "heart-pulse", "visit": "home", "errand": "file-text", "home": "wrench",
}  # fmt: skip


FIGURES = {
    "SAME_SPOT": (_l("前后 %(n)s 分钟"), "minutes"),
    "ALBUM_RUN": (_l("%(n)s 户"), "homes"),
    "CONSTANT_PLACE": (_l("%(n)s 次"), "times"),
    "STEADY_PLACE": (_l("%(n)s 次"), "times"),
    "NO_GPS_AGAIN": (_l("%(n)s 次"), "times"),
    "NO_CONFIRM": (_l("%(n)s 天"), "days"),
}


def exception(code: str) -> str:
    """What was found, in a few words."""
    return str(EXCEPTIONS.get(code, _l("请看一下")))


def facts(code: str, told: Mapping[str, Any]) -> str:
    """The figures beside a finding; empty when there are none."""
    if code == "LATE_IN" or code == "CLOCK_SKEW":
        return show.length(abs(int(told["minutes"])))
    if code in FIGURES:
        unit, name = FIGURES[code]
        return str(unit) % {"n": told[name]} if name in told else ""
    if code == "IMPOSSIBLE_TRAVEL":
        return _("%(m)s 米只用了 %(n)s 分钟", m=told["metres"], n=told["minutes"])
    if code == "OUT_OF_RADIUS":
        return _("差 %(n)s 米", n=told["distance_m"])
    if code == "LOW_ACCURACY":
        return _("误差 %(n)s 米", n=told["accuracy_m"])
    if code == "LATE_UPLOAD":
        return _("过了 %(n)s 小时", n=told["hours"])
    if code == "KIN_DOUBT":
        return told.get("words") or ""
    if code == "SAME_PHOTO" and "bits" in told:
        return _("很像，不一定是同一张")
    if code == "NO_GPS":
        return str(PLACES.get(told.get("why", ""), ""))
    if code in ("SHORT", "LONG", "TOO_LONG", "OVER_AUTH"):
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
