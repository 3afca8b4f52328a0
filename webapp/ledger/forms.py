"""What is written at the bedside about money. Codes of categories are judged by the verb: lists change, phones stay away."""

from __future__ import annotations

from typing import Any

from wtforms.widgets import TextInput

from webapp.kit.words import _l
from webapp.people.forms import FreshForm
from webapp.web.forms import (
    ChoiceField,
    FenField,
    Keep,
    KeptForm,
    KeyField,
    ListField,
    PhotoField,
    TextField,
    YesField,
    optional,
    required,
)

SOURCE_WORDS = (("cash", _l("老人的现金")), ("advance", _l("我先垫的")), ("wallet", _l("家属转来的钱")))
INTO_WORDS = (("cash", _l("现金")), ("wallet", _l("转到我手机")), ("advance", _l("还我垫的钱")))
FROM_WORDS = (("cash", _l("老人的现金")), ("wallet", _l("家属转来的钱")))
AGREED_WORDS = (("elder", _l("老人")), ("family", _l("家属")), ("station", _l("服务站")))
REASON_WORDS = (
    ("重复记账", _l("重复记账")),
    ("钱数错了", _l("钱数错了")),
    ("记错人家", _l("记错人家")),
    ("东西退了", _l("东西退了")),
)
"""What is written into the book stays Chinese, whatever language it was tapped in."""


class WhoField(KeyField):
    """Which resident, chosen from chips."""

    widget = TextInput()  # type: ignore[assignment]  # a hidden twin beside the chips would win on the plain path


class ShopField(TextField):
    """A shop, one of the chips or typed: what is typed comes last and counts."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata([each for each in valuelist if str(each).strip()][-1:])


class SpendForm(KeptForm):
    """花了钱."""

    keep = Keep(
        "ledger.spend",
        _l("花了钱"),
        adds={
            "amount_fen": "out_fen",
            "-amount_fen@source:cash": "cash_fen",
            "-amount_fen@source:advance": "advance_fen",
            "-amount_fen@source:wallet": "wallet_fen",
        },
    )
    household = KeyField(validators=[required()])
    visit = KeyField()
    amount_fen = FenField(_l("多少钱（元）"), [required()])
    category = TextField(_l("花在哪里"), [required(_l("请选一个"))], most=20)
    source = ChoiceField(_l("哪里的钱"), [required(_l("请选一个"))], choices=SOURCE_WORDS)
    things = ListField(_l("买了什么"))
    words = TextField(_l("还有什么要写的"), most=200)
    resident = WhoField(_l("给谁花的"))
    shared = YesField(_l("大家一起用的"))
    shop = ShopField(_l("在哪里买的"), most=20)
    market_seen = YesField(_l("老人看过"))
    agreed = ChoiceField(_l("谁同意的？"), [optional()], choices=AGREED_WORDS)
    receipt = PhotoField(_l("拍小票"), most=3)


class ReceiveForm(KeptForm):
    """收到钱."""

    keep = Keep(
        "ledger.receive",
        _l("收到钱"),
        adds={
            "amount_fen": "in_fen",
            "amount_fen@source:cash": "cash_fen",
            "amount_fen@source:advance": "advance_fen",
            "amount_fen@source:wallet": "wallet_fen",
        },
    )
    household = KeyField(validators=[required()])
    visit = KeyField()
    amount_fen = FenField(_l("多少钱（元）"), [required()])
    category = TextField(_l("什么钱"), [required(_l("请选一个"))], most=20)
    source = ChoiceField(_l("钱放在哪里"), [required(_l("请选一个"))], choices=INTO_WORDS)
    giver = TextField(_l("谁给的"))
    words = TextField(_l("还有什么要写的"), most=200)
    resident = WhoField(_l("给谁的"))
    receipt = PhotoField(_l("拍单子或截图"), most=3)


class RepayForm(KeptForm):
    """拿回垫的钱."""

    keep = Keep(
        "ledger.repay",
        _l("拿回垫的钱"),
        adds={"-amount_fen@source:cash": "cash_fen", "-amount_fen@source:wallet": "wallet_fen", "amount_fen": "advance_fen"},
    )
    household = KeyField(validators=[required()])
    visit = KeyField()
    amount_fen = FenField(_l("多少钱（元）"), [required()])
    source = ChoiceField(_l("从哪里拿"), [required(_l("请选一个"))], choices=FROM_WORDS)


class ReverseForm(KeptForm):
    """记错了，冲掉."""

    keep = Keep("ledger.reverse", _l("记错了，冲掉"))
    entry = KeyField(validators=[required()])
    reason = TextField(_l("为什么冲掉"), [required(_l("请选一个"))], most=60)


class ReceiptForm(KeptForm):
    """补票."""

    keep = Keep("ledger.receipt", _l("补票"))
    entry = KeyField(validators=[required()])
    receipt = PhotoField(_l("拍小票"), most=3)


SIDE_WORDS = (("resident", _l("老人")), ("kin", _l("家属")))
HOW_WORDS = (("thumb", _l("按手印，拍下来")), ("witness", _l("有见证人在场")))
COUNT_WORDS = (("any", _l("平时点一点")), ("month", _l("月底关账")), ("handover", _l("交给下一位养护员")))


class CountForm(KeptForm):
    """点钱: what was counted, what is on the phone, and who stood beside her."""

    keep = Keep("ledger.count", _l("点钱"))
    household = KeyField(validators=[required()])
    kind = ChoiceField(_l("为什么点"), [required(_l("请选一个"))], choices=COUNT_WORDS)
    month = TextField(most=7)
    cash_fen = FenField(_l("点到多少现金（元）"), [required()], low=0)
    wallet_fen = FenField(_l("手机里还有多少（元）"), [optional()], low=0)
    words = TextField(_l("和账上不一样的，写明原因"), most=200)
    side = ChoiceField(_l("和谁一起点的"), [optional()], choices=SIDE_WORDS)
    name = TextField(_l("名字"))
    how = ChoiceField(_l("怎么确认"), [optional()], choices=HOW_WORDS)
    witness = TextField(_l("见证人"))
    proof = PhotoField(_l("拍手印"), most=1)


class ConfirmForm(KeptForm):
    """老人或家属确认: a count, a large spend, money handed over."""

    keep = Keep("ledger.confirm", _l("确认"))
    subject = KeyField(validators=[required()])
    side = ChoiceField(_l("谁确认"), [required(_l("请选一个"))], choices=SIDE_WORDS)
    name = TextField(_l("名字"), [required()])
    how = ChoiceField(_l("怎么确认"), [required(_l("请选一个"))], choices=HOW_WORDS)
    witness = TextField(_l("见证人"))
    proof = PhotoField(_l("拍手印"), most=1)


class SeenForm(KeptForm):
    """老人看过账本."""

    keep = Keep("ledger.seen", _l("老人看过账本"), drafts=False)
    household = KeyField(validators=[required()])
    name = TextField(_l("名字"), [required()])


class NoneTodayForm(KeptForm):
    """今天没花钱."""

    keep = Keep("ledger.none_today", _l("今天没花钱"), drafts=False)
    household = KeyField(validators=[required()])
    visit = KeyField()


# -- said at a desk --

PAPER_WORDS = (
    ("paper", _l("签了纸")),
    ("thumb", _l("按了手印")),
    ("phone", _l("电话里说的")),
    ("witness", _l("有见证人在场")),
)
ADVANCE_WORDS = (
    ("cash", _l("从点到的现金里还她")),
    ("family", _l("家属另外还了")),
    ("waived", _l("她说不用还了")),
)
WHY_WORDS = (("ended", _l("不再照护了")), ("death", _l("老人去世了")))


class AgreeForm(FreshForm):
    """约定."""

    giver = TextField(_l("谁交钱"), [required()])
    confirmer = TextField(_l("谁来确认"), [required()])
    entry_fen = FenField(_l("一笔多少元以上先问"), [required()])
    month_fen = FenField(_l("一个月最多花多少元"), [optional()], low=0)
    receipt_fen = FenField(_l("多少元以上要有票"), [required()], low=0)
    cash_fen = FenField(_l("手里最多放多少元现金"), [required()])
    how = ChoiceField(_l("怎么定下来的"), [required(_l("请选一个"))], choices=PAPER_WORDS)
    witness = TextField(_l("见证人"))
    asked_by = TextField(_l("亲属自己记账的，是谁请她记的"))


class RecountForm(FreshForm):
    """站里突然点一次."""

    cash_fen = FenField(_l("点到多少现金（元）"), [required()], low=0)
    wallet_fen = FenField(_l("手机里还有多少（元）"), [optional()], low=0)
    witness = TextField(_l("谁在旁边看着"), [required()])
    words = TextField(_l("和账上不一样的，写明原因"), most=200)


class AloneForm(FreshForm):
    """前养护员联系不上，站里和老人一起点."""

    former = ChoiceField(_l("前养护员"), [required(_l("请选一个"))], choices=[])
    to = ChoiceField(_l("交给谁"), [required(_l("请选一个"))], choices=[])
    cash_fen = FenField(_l("点到多少现金（元）"), [required()], low=0)
    wallet_fen = FenField(_l("转过来多少手机里的钱（元）"), [required()], low=0)
    resident = TextField(_l("哪位老人一起点的"), [required()])
    witness = TextField(_l("见证人"), [required()])
    words = TextField(_l("怎么回事"), [required()], most=200)


class EndForm(FreshForm):
    """结账."""

    why = ChoiceField(_l("为什么结账"), [required(_l("请选一个"))], choices=WHY_WORDS)
    cash_fen = FenField(_l("点到多少现金（元）"), [required()], low=0)
    wallet_fen = FenField(_l("手机里还有多少（元）"), [required()], low=0)
    advance = ChoiceField(_l("养护员垫的钱怎么还"), [optional()], choices=ADVANCE_WORDS)
    back_to = TextField(_l("钱还给谁了"), [required()])
    witness = TextField(_l("见证人"), [required()])
    words = TextField(_l("和账上不一样的，写明原因"), most=200)


class PayBackForm(FreshForm):
    """前养护员还了钱."""

    amount_fen = FenField(_l("还了多少（元）"), [required()])
    words = TextField(_l("怎么还的"), [required()], most=200)


class CloseForm(FreshForm):
    """关账."""

    words = TextField(_l("数不一样的，写明原因"), most=200)
