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
    "surveyed": _l("接下来张榜公示3天"),
    "on_notice": _l("公示满了没人有意见，街道就审"),
    "objected": _l("核实清楚再告诉您"),
    "street_passed": _l("每月10日前报到区里"),
    "sent_district": _l("等区里审批"),
    "approved": _l("站里会来签协议、安排养护员"),
    "returned": _l("请打电话问服务站要补什么"),
    "rejected": _l("不明白可以打电话问服务站，也可以提意见"),
    "suspended": _l("请打电话问服务站"),
}
TONES = {"on_notice": "wait", "objected": "wait", "returned": "wait", "approved": "ok", "active": "ok"}
