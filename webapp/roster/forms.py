"""What a station head says when planning: a weekly plan, and another word about a day or from a day on."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import StringField

from webapp.kit import ids, show
from webapp.kit.show import WEEKDAYS
from webapp.kit.words import _l
from webapp.roster import words
from webapp.web.forms import (
    ChoiceField,
    ChoicesField,
    Keep,
    KeptForm,
    KeyField,
    ListField,
    NumberField,
    PlainForm,
    TextField,
    YesField,
    optional,
    required,
)

DAYS = [(str(n), words) for n, words in enumerate(WEEKDAYS)]


class MinuteField(StringField):
    """A time of day, 8:30; its value is minutes after midnight."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = str(valuelist[0]).strip().replace("：", ":") if valuelist else ""
        self.data = None
        if self.typed:
            hour, _sep, minute = self.typed[:5].partition(":")
            if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
                raise ValueError(str(_l("请填时间，比如 8:30")))
            self.data = int(hour) * 60 + int(minute)

    def _value(self) -> str:
        typed = getattr(self, "typed", None)
        return typed or ("" if self.data is None else show.minute(self.data).rjust(5, "0"))


class DayField(StringField):
    """A day, as 2026-11-21."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if self.typed:
            try:
                self.data = date.fromisoformat(self.typed)
            except ValueError as error:
                raise ValueError(str(_l("请选一个日子"))) from error

    def _value(self) -> str:
        typed = getattr(self, "typed", None)
        return typed or ("" if self.data is None else self.data.isoformat())


class PlanForm(PlainForm):
    """A new weekly plan."""

    weekdays = ChoicesField(_l("星期几"), choices=DAYS)
    start = MinuteField(_l("几点上门"), [required()], render_kw={"type": "time"})
    minutes = NumberField(_l("多长时间"), [required()])
    items = ListField(_l("做哪些事"))
    valid_from = DayField(_l("从哪天起"), [required()], render_kw={"type": "date"})
    valid_until = DayField(_l("到哪天为止"), [optional()], render_kw={"type": "date"})
    caregiver = ChoiceField(_l("谁去"), choices=[])
    second = ChoiceField(_l("和谁一起去"), choices=[])
    skip_holidays = YesField(_l("节假日不去"), description=_l("不打勾就是节假日也去，每天都有人"))
    anyway = YesField()


class ChangeForm(PlainForm):
    """Another word about one day, or from that day on. What is left empty stays as planned."""

    day = DayField(_l("哪天"), [required()], render_kw={"type": "date"})
    scope = ChoiceField(_l("改多久"), [required()], choices=[("day", _l("只改这一天")), ("from", _l("从这天起都改"))])
    skip = YesField(_l("不去"))
    start = MinuteField(_l("几点上门"), [optional()], render_kw={"type": "time"})
    minutes = NumberField(_l("多长时间"), [optional()])
    weekdays = ChoicesField(_l("星期几"), choices=DAYS)
    items = ListField(_l("做哪些事"))
    caregiver = ChoiceField(_l("谁去"), choices=[])
    second = ChoiceField(_l("和谁一起去"), choices=[])
    skip_holidays = YesField(_l("节假日不去"))
    why = TextField(_l("原因"), most=60)
    anyway = YesField()


class PauseForm(PlainForm):
    """停一停: who, why, from when until when, who said so, and whether visits go on elsewhere."""

    key = KeyField(default=ids.new)
    who = ChoiceField(_l("谁停一停"), [required(_l("请选一个"))], choices=[])
    reason = ChoiceField(_l("为什么"), [required(_l("请选一个"))], choices=list(words.PAUSES.items()))
    words = TextField(_l("写几个字"), description=_l("比如：市中心医院，骨科"))
    since = DayField(_l("从哪天起"), [required()], render_kw={"type": "date"})
    until = DayField(_l("到哪天为止"), [optional()], description=_l("还不知道就空着"), render_kw={"type": "date"})
    told_by = TextField(_l("谁说的"), [required()], most=40, description=_l("比如：女儿打来电话"))
    spot = ChoiceField(_l("这段时间"), choices=[])


class RungLeaveForm(PlainForm):
    """代记: a caregiver rang and asks for leave."""

    key = KeyField(default=ids.new)
    caregiver = ChoiceField(_l("谁请假"), [required(_l("请选一个"))], choices=[])
    kind = ChoiceField(_l("什么原因"), [required(_l("请选一个"))], choices=list(words.KINDS.items()))
    since = DayField(_l("从哪天起"), [required()], render_kw={"type": "date"})
    until = DayField(_l("到哪天为止"), [optional()], description=_l("只请一天就空着"), render_kw={"type": "date"})
    why = TextField(_l("她怎么说的"), most=200)


class AskLeaveForm(KeptForm):
    """请假, asked on the phone; kept like any record, so it can be asked where there is no signal."""

    keep = Keep(kind="roster.leave", title=_l("请假"))
    kind = ChoiceField(_l("什么原因"), [required(_l("请选一个"))], choices=list(words.KINDS.items()))
    since = DayField(_l("从哪天起"), [required()], render_kw={"type": "date"})
    until = DayField(_l("到哪天为止"), [optional()], description=_l("只请一天就空着"), render_kw={"type": "date"})
    why = TextField(_l("想说的"), most=200)


class ConfirmLeaveForm(KeptForm):
    """What the head wrote down for her is right."""

    keep = Keep(kind="roster.confirm_leave", title=_l("请假是我说的"), drafts=False)
    leave = KeyField(validators=[required()])


class WithdrawLeaveForm(KeptForm):
    """She takes back what she asked for."""

    keep = Keep(kind="roster.withdraw_leave", title=_l("这次不请了"), drafts=False)
    leave = KeyField(validators=[required()])
