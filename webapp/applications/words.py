"""What applications are called on a screen: to those who work on them, and to whoever asked."""

from __future__ import annotations

from webapp.kit.words import _l

STATES = {
    "submitted": _l("已申请"),
    "surveyed": _l("已入户调查"),
    "on_notice": _l("公示中"),
    "objected": _l("有人有意见，正在核实"),
    "street_passed": _l("街道通过"),
    "sent_district": _l("已报区里"),
    "approved": _l("已批准"),
    "returned": _l("退回补材料"),
    "rejected": _l("未批准"),
    "withdrawn": _l("本人撤回"),
    "active": _l("享受中"),
    "suspended": _l("暂停"),
    "ended": _l("已停止"),
}
NEXT = {
    "submitted": _l("街道和社区会上门看一看"),
    "surveyed": _l("接下来张榜公示%(notice)s天"),
    "on_notice": _l("公示满了没人有意见，街道就审"),
    "objected": _l("核实清楚再告诉您"),
    "street_passed": _l("每月%(latest)s日前报到区里"),
    "sent_district": _l("等区里审批"),
    "approved": _l("站里会来签协议、安排养护员"),
    "returned": _l("请打电话问服务站要补什么"),
    "rejected": _l("不明白可以打电话问服务站，也可以提意见"),
    "suspended": _l("请打电话问服务站"),
}
HOW = (
    _l("到服务站申请，带齐上面的材料，站里给一个编号"),
    _l("街道和社区上门看一看，了解家里的情况"),
    _l("张榜公示%(notice)s天，谁有意见都可以说"),
    _l("没人有意见，街道就审，每月%(latest)s日前报到区里"),
    _l("区里批了，站里来签协议、安排养护员"),
)
"""The way of an application, as everybody reads it. The figures are settings: `filled` puts them in."""


def filled(words: object, figures: dict[str, int]) -> str:
    """A sentence with the figures of today's setting: notice (days), latest (day of the month)."""
    return str(words) % figures


TONES = {"on_notice": "wait", "objected": "wait", "returned": "wait", "approved": "ok", "active": "ok"}
