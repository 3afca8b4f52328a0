"""What visits for welfare are called on a screen."""

from __future__ import annotations

from webapp.kit.words import _l

RISKS = {"high": _l("风险高"), "middle": _l("风险中"), "low": _l("风险低")}
TONES = {"high": "danger", "middle": "wait", "low": "plain"}
WAYS = {"door": _l("到家里看"), "phone": _l("打电话")}
SEEN = {"yes": _l("见到了，人都好"), "trouble": _l("见到了，有困难"), "no": _l("没见到、没人接")}
OWNERS = {"none": _l("没有问题"), "station": _l("服务站办"), "street": _l("报街道办"), "self": _l("我自己办")}
