"""What voices are called on a screen."""

from __future__ import annotations

from webapp.kit.words import _l

KINDS = {"complaint": _l("投诉"), "suggestion": _l("建议"), "abuse": _l("老人可能受欺负"), "fraud": _l("有人骗老人")}
HOW = {"visit": _l("到家里当面问"), "phone": _l("打电话问"), "station": _l("在站里问"), "kin": _l("家属替老人说")}
FELT = {"good": _l("好"), "fair": _l("一般"), "poor": _l("不太好")}
"""How residents' stars are told to a caregiver."""
AS = {"resident": _l("老人自己"), "kin": _l("家属"), "station": _l("站里")}
