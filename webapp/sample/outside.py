"""Who went out in the demo world: walks of the last days, somebody who is out until the evening, a search that ended well."""

from __future__ import annotations

from datetime import timedelta

from webapp.kit import clock, ids
from webapp.outings import going, lost
from webapp.sample.frame import Home


def begin(homes: list[Home]) -> None:
    """Of the first two homes; nothing of it is late."""
    now = clock.now()
    for n, (home, place, company, words) in enumerate(
        ((homes[0], "near", "alone", "小花园"), (homes[0], "shop", "caregiver", "早市"), (homes[1], "hospital", "kin", "复查"))
    ):
        who, left = home.household.residents[0], now - timedelta(days=3 - n, hours=2)
        going.begin(who, left, 120, company, place, words, "", by=home.account.id, key=ids.new())
        going.come_back(who, left + timedelta(minutes=70), by=home.account.id, key=ids.new())
    who, by = homes[1].household.residents[0], homes[1].head.id
    seen = now - timedelta(days=9, hours=3)
    case = lost.search(who, seen, "早市门口", "灰外套、黑布鞋", "走路慢，说话带口音", at=seen, by=by, key=ids.new(), office=True)
    case.step("neighbour", "王阿姨家没去", by)
    case.step("searching", "养护员去公园，站里去早市", by)
    case.close("people", "早市保安认出胸前的卡，打来电话", by)
    case.closed_at = seen + timedelta(minutes=50)
    first = homes[0].household.residents[0]
    going.begin(first, now, 480, "kin", "visit", "女儿家", "", by=homes[0].account.id, key=ids.new())
