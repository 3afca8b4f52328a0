"""What is written at the bedside about money. Codes of categories are judged by the verb: lists change, phones stay away."""

from __future__ import annotations

from wtforms.widgets import TextInput

from webapp.kit.words import _l
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


class NoneTodayForm(KeptForm):
    """今天没花钱."""

    keep = Keep("ledger.none_today", _l("今天没花钱"), drafts=False)
    household = KeyField(validators=[required()])
    visit = KeyField()
