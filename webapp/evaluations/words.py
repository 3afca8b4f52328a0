"""How a sheet speaks: states, grades, and the sentence that stands behind each figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from webapp.evaluations import rules
from webapp.kit import show
from webapp.kit.month import Month
from webapp.kit.words import _, _l

STATES: dict[str, Any] = {
    "gathered": _l("还没评"),
    "judged": _l("等她看"),
    "shown": _l("等签字"),
    "disputed": _l("有不同意见"),
    "signed": _l("等街道定"),
    "sealed": _l("已定"),
}
TONES = {"gathered": "plain", "judged": "info", "shown": "info", "disputed": "wait", "signed": "info", "sealed": "ok"}
FELT = {"good": _l("近三个月：好"), "fair": _l("近三个月：一般"), "poor": _l("近三个月：不太好")}


def name(row: Mapping[str, Any]) -> str:
    """The name of anything in evaluation.json, in the reader's language."""
    return str(row["zh" if show.chinese() else "en"])


def month(which: Month) -> str:
    """2026年10月."""
    return show.month(which)


def grade(held: Mapping[str, Any], code: str | None) -> str:
    """优秀; nothing where there is no total."""
    found = next((each for each in held["grades"]["bands"] if each["code"] == code), None)
    return name(found) if found else ""


def tenths(value: int | None) -> str:
    """953 → 95.3."""
    return "—" if value is None else f"{value // 10}.{value % 10}"


def span(totals: Sequence[int]) -> tuple[int, int]:
    """What the foot and the head of a line of totals (tenths) stand for: 60 or 0 to 100, so that little looks little."""
    return 600 if min(totals, default=600) >= 600 else 0, 1000


def signed(value: int) -> str:
    """+1.8, −0.5."""
    return f"{'+' if value >= 0 else '−'}{tenths(abs(value))}"


def why(indicator: str, facts: Mapping[str, Any], *, own: bool = False) -> str:
    """What stands behind a figure, in a few words. own: for the caregiver herself, who does not learn the stars."""
    return str(_WHY[indicator](facts, own) if indicator in _WHY else "")


def _attendance(f: Mapping[str, Any], _own: bool) -> str:
    if not f["visits_due"]:
        return _("这个月没有排班")
    said = [_("应到 %(due)s 次，到 %(kept)s 次", due=f["visits_due"], kept=f["visits_kept"])]
    if f["leave_visits"]:
        said.append(_("请假 %(n)s 次不算", n=f["leave_visits"]))
    return _("，").join(said)


def _punctuality(f: Mapping[str, Any], _own: bool) -> str:
    late = f["visits_started"] - f["visits_on_time"]
    if not f["visits_started"]:
        return _("没有要按时到的")
    return _("迟到 %(n)s 次，最长 %(most)s 分钟", n=late, most=f["late_most_min"]) if late else _("次次准时")


def _plan(f: Mapping[str, Any], _own: bool) -> str:
    if not f["items_planned"]:
        return _("没有排服务项目")
    said = [_("%(planned)s 项，做了 %(done)s 项", planned=f["items_planned"], done=f["items_done"])]
    if f["items_declined"]:
        said.append(_("老人说不要 %(n)s 项", n=f["items_declined"]))
    return _("，").join(said)


def _logs(f: Mapping[str, Any], _own: bool) -> str:
    days, gone = f["service_days"], f["service_days"] - f["logs_on_time"] - f["logs_late"]
    if not days:
        return _("没有上门的日子")
    if days == f["logs_on_time"]:
        return _("%(n)s 天，都当天写完", n=days)
    return _("%(n)s 天，晚写 %(late)s 天，缺 %(gone)s 天", n=days, late=f["logs_late"], gone=gone)


def _book(f: Mapping[str, Any], _own: bool) -> str:
    if not f["book_days"]:
        return _("不替老人管钱，不算")
    said = [_("%(n)s 笔", n=f["entries"])]
    if missing := f["receipts_needed"] - f["receipts_attached"]:
        said.append(_("%(n)s 笔缺票", n=missing))
    if gap := f["book_days"] - f["book_days_written"]:
        said.append(_("%(n)s 天没记", n=gap))
    differences = f.get("differences_fen") or []
    if uncounted := sum(fen is None for fen in differences):
        said.append(_("%(n)s 户月底没点钱", n=uncounted))
    if off := [fen for fen in differences if fen is not None and abs(fen) > rules.CLOSE_FEN]:
        said.append(_("%(n)s 户点的钱对不上", n=len(off)))
    return _("，").join(said)


def _weeks(f: Mapping[str, Any], _own: bool) -> str:
    if not f["weeks_due"]:
        return _("还没有体检记录，不算")
    return _("%(due)s 周，量了 %(n)s 周", due=f["weeks_due"], n=f["weeks_checked"])


def _opinion(f: Mapping[str, Any], own: bool) -> str:
    felt = rules.felt(f.get("stars_felt") or f["stars"])
    if own:
        return str(FELT[felt]) if felt else _("问到的还不多，先不说")
    return _("%(n)s 位老人说了", n=len(f["stars"])) if f["stars"] else _("这个月还没问过老人意见")


def _faults(f: Mapping[str, Any], _own: bool) -> str:
    n = f["complaints"] + f["serious"] + f["minor"]
    return _("%(n)s 件", n=n) if n else _("没有投诉和事故")


def _training(f: Mapping[str, Any], _own: bool) -> str:
    if not f["sessions_held"]:
        return _("这个月没有培训，不算")
    return _("%(held)s 次，到了 %(n)s 次", held=f["sessions_held"], n=f["sessions_attended"])


def _judged(fact: str) -> Any:
    return lambda f, _own: _("站长评") if f.get(fact) is not None else _("站长还没评")


_WHY: dict[str, Any] = {
    "attendance": _attendance, "punctuality": _punctuality, "plan_completion": _plan, "daily_log": _logs, "account_book": _book,
    "health_check_support": _weeks, "elder_opinion": _opinion, "complaints_incidents": _faults, "training": _training,
    "home_condition": _judged("home"), "attitude": _judged("attitude"),
}  # fmt: skip


def next_step(facts: Mapping[str, Any], points: Mapping[str, int | None], held: Mapping[str, Any]) -> str:
    """What would help her most next month: the counted indicator that lost the most."""
    lost = {
        each["name"]: each["weight"] * 10 - (points[each["code"]] or 0)
        for each in held["monthly"]["indicators"]
        if each["kind"] == rules.COMPUTED and points.get(each["code"]) is not None and each["name"] in _NEXT
    }
    worst = max(lost, key=lambda each: lost[each], default="")
    return str(_NEXT[worst]) if worst and lost[worst] > 0 else str(_("样样都好，照这样做就行"))


_NEXT: dict[str, Any] = {
    "attendance": _l("去不了先请假，请了假就不算缺"),
    "punctuality": _l("路上耽误了，先打电话给站里"),
    "plan_completion": _l("做完一项勾一项，老人不要的也勾“今天不要”"),
    "daily_log": _l("走之前把日记写好，当天写才算"),
    "account_book": _l("花了钱当天记，拍小票；没花钱点“今天没花钱”"),
    "health_check_support": _l("每周体检那天，请老人在家等医生"),
    "complaints_incidents": _l("老人有意见，当天跟站长说"),
    "training": _l("有培训请准时到，走之前扫一下工牌"),
}


def rows(held: dict[str, Any], facts: dict[str, Any], points: dict[str, Any], *, own: bool) -> list[dict[str, Any]]:
    """The eleven lines of a sheet. To herself the residents' stars are said in a word only, never in points."""
    made = []
    for each in held["monthly"]["indicators"]:
        hidden = own and each["name"] == "elder_opinion"
        made.append(
            {"code": each["code"], "name": name(each), "weight": each["weight"], "judged": each["kind"] == rules.JUDGED,
             "points": None if hidden else points.get(each["code"]), "hidden": hidden,
             "why": why(each["name"], facts, own=own), "ends": _ends(each, facts)}
        )  # fmt: skip
    return made


def _ends(each: dict[str, Any], facts: dict[str, Any]) -> str:
    """A word where a judged mark is the lowest or the highest: it asks for a sentence."""
    given = facts.get("home" if each["name"] == "home_condition" else "attitude") if each["kind"] == rules.JUDGED else None
    if given is None or not rules.needs_sentence(each, given):
        return ""
    return _("最高分，请写一句") if given == each["scale"][-1] else _("最低分，请写一句")
