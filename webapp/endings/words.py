"""What ends are called on a screen: sober, and never a code."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.people.ends import AWAY, DEATH, OVER

KINDS = {DEATH: _l("过世了"), AWAY: _l("搬走了"), OVER: _l("停止服务")}
REASONS = {
    "kin": _l("家里人接去照顾"),
    "home": _l("住进养老院"),
    "wish": _l("老人不想要了"),
    "other": _l("别的原因"),
}
CARD_STOPPED = _l("不再照看")
CONDOLENCE = _l("看望家属，问问要帮什么")
SETTLE_BOOK = _l("把账本结清，钱交清楚")
TAKEOVER = _l("有一户搬来，请接手")

STEPS = {
    "homes": _l("她照看的人家，交给谁"),
    "cash": _l("手里的钱"),
    "keys": _l("老人家的钥匙"),
    "badge": _l("工作证"),
    "phone": _l("手机"),
    "records": _l("没做完的记录"),
}
_BACK, _AWAY = _l("交回来了"), _l("联系不上，站里办的")
HOW = {
    "homes": {"handed": _l("交给了接手的人")},
    "cash": {
        "counted": _l("当面点清，交给接手的人"),
        "station": _l("点清，交回站里"),
        "away": _l("联系不上，按账本记着，站里去追"),
    },
    "keys": {"back": _BACK, "none": _l("没拿过钥匙"), "lock": _l("没交回，换了锁"), "away": _AWAY},
    "badge": {"back": _BACK, "none": _l("没有工作证"), "away": _l("没收回，已停用")},
    "phone": {
        "back": _l("站里的手机，交回来了"),
        "own": _l("自己的手机，已停用"),
        "none": _l("没有手机"),
        "away": _l("联系不上，已停用"),
    },
    "records": {"done": _l("都办完了"), "away": _l("她办不了，站里补记")},
}
"""Step → how it may have been settled."""
