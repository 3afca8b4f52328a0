"""What a caregiver may say at the door and during a visit: the kept forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from wtforms import StringField
from wtforms.widgets import HiddenInput

from webapp.kit import ids
from webapp.kit.words import _l
from webapp.roster.forms import MinuteField
from webapp.visits import rules, words
from webapp.web.forms import (
    ChoiceField,
    Keep,
    KeptForm,
    KeyField,
    ListField,
    NumberField,
    PhotoField,
    PlainForm,
    StoryField,
    TextField,
    YesField,
    required,
)

PLACE = ("lat_e6", "lon_e6", "accuracy_m", "fix_age_ms", "place_state")
ENTRY = [
    (rules.SCAN, _l("扫码")),
    (rules.NUMBER, _l("手输号码")),
    (rules.CARD_MISSING, _l("卡找不到")),
    (rules.REFUSES_SCAN, _l("老人不让扫")),
]


class StepForm(KeptForm):
    """A form that stands on one page with others: its fields' ids carry its own name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        deed = self.keep.kind.rpartition(".")[2]
        for each in self:
            each.id = each.label.field_id = f"{deed}-{each.name}"


class PlacedForm(StepForm):
    """With where it was. The phone may send the five facts side by side or together as `place`."""

    lat_e6 = NumberField(widget=HiddenInput())
    lon_e6 = NumberField(widget=HiddenInput())
    accuracy_m = NumberField(widget=HiddenInput())
    fix_age_ms = NumberField(widget=HiddenInput())
    place_state = TextField(widget=HiddenInput())

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> KeptForm:
        """The form filled from an envelope's body, `place` laid flat."""
        place = body.get("place")
        inside = {name: place[name] for name in PLACE if name in place} if isinstance(place, Mapping) else {}
        return super().from_body({**inside, **body})


class ArriveForm(PlacedForm):
    """我到了. Nothing in it can be refused: what cannot be read is left out, the envelope keeps it."""

    keep = Keep(kind="visits.arrive", title=_l("签到"), chain="visit", makes="open", waits=False, drafts=False)
    visit = KeyField()
    household = KeyField()
    shift = KeyField()
    token = TextField(widget=HiddenInput(), most=200, render_kw={"data-card": True})
    number = TextField(_l("卡上的7位号码"), most=40)
    method = ChoiceField(_l("怎么签到"), choices=ENTRY)

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> KeptForm:
        """The form filled from whatever came; always valid."""
        form = super().from_body(body)
        wrong = () if form.validate() else tuple(form.errors)
        place = body.get("place")
        kept = {name: value for name, value in body.items() if name not in wrong and name != "place"}
        inside = {name: value for name, value in place.items() if name not in wrong} if isinstance(place, Mapping) else {}
        return super().from_body({**inside, **kept}) if wrong else form


class LeaveForm(PlacedForm):
    """我走了."""

    keep = Keep(kind="visits.leave", title=_l("签退"), chain="visit", makes="done", drafts=False)
    visit = KeyField(validators=[required()])
    token = TextField(widget=HiddenInput(), most=200, render_kw={"data-card": True})
    number = TextField(_l("卡上的7位号码"), most=40)
    method = ChoiceField(_l("怎么签退"), choices=ENTRY)


class SeenForm(StepForm):
    """Another resident's card, shown during the visit."""

    keep = Keep(kind="visits.seen", title=_l("见到老人"), chain="visit", drafts=False)
    visit = KeyField(validators=[required()])
    token = TextField(widget=HiddenInput(), most=200, render_kw={"data-card": True})
    number = TextField(_l("卡上的7位号码"), most=40)


class ServicesForm(StepForm):
    """What was done, and what the resident did not want today."""

    keep = Keep(kind="visits.services", title=_l("做了哪些事"), chain="visit")
    visit = KeyField(validators=[required()])
    done = ListField(_l("做了哪些事"))
    refused = ListField(_l("老人今天不要的"))
    reason = TextField(_l("为什么没做？"), most=60)


class VoidForm(StepForm):
    """扫错了."""

    keep = Keep(kind="visits.void", title=_l("扫错了"), chain="visit", makes="void", drafts=False)
    visit = KeyField(validators=[required()])


class NobodyForm(PlacedForm):
    """没人应: what was tried at the door."""

    keep = Keep(kind="visits.nobody", title=_l("没人应"), makes="nobody")
    household = KeyField(validators=[required()])
    shift = KeyField()
    rang = YesField(_l("敲过门、按过铃"))
    phoned = YesField(_l("给老人打过电话"))
    neighbour = YesField(_l("问过邻居"))
    told = YesField(_l("打给服务站了"))
    words = TextField(_l("还看到什么"), most=200)


class ConfirmCallForm(StepForm):
    """What was rung in and written down for her is right, or not."""

    keep = Keep(kind="visits.confirm", title=_l("电话里报的，确认一下"), drafts=False)
    call = KeyField(validators=[required()])
    agrees = ChoiceField(_l("对吗"), choices=[("yes", _l("对")), ("no", _l("不对"))])


class PhonedForm(PlainForm):
    """She rang from the home: arriving or leaving. at: minutes after midnight."""

    key = KeyField(default=ids.new)
    deed = ChoiceField(_l("她说什么"), [required(_l("请选一个"))], choices=[("in", _l("到了")), ("out", _l("走了"))])
    caregiver = ChoiceField(_l("是谁"), [required(_l("请选一个"))], choices=[])
    at = MinuteField(_l("几点"), [required()], render_kw={"type": "time"})
    line = ChoiceField(_l("哪里听来的"), [required(_l("请选一个"))], choices=list(words.LINE_WORDS.items()))


class SettleForm(PlainForm):
    """A person has looked at an exception."""

    reason = ChoiceField(_l("原因"), validators=[required(_l("请选一个原因"))], choices=[])
    action = ChoiceField(_l("怎么处理的"), choices=[])
    memo = TextField(_l("写几个字"), most=200)


class AnswerForm(StepForm):
    """What the caregiver says to a finding."""

    keep = Keep(kind="visits.answer", title=_l("说明一下"))
    exception = KeyField(validators=[required()])
    words = StoryField(_l("您想说的"), [required(_l("请写几个字"))], most=200)


class TimeField(MinuteField):
    """A time of day, typed as 8:30 or kept as minutes after midnight."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        kept = text.isascii() and text.isdigit() and int(text) < 1440
        super().process_formdata([f"{int(text) // 60}:{int(text) % 60:02d}"] if kept else valuelist)


class CorrectForm(StepForm):
    """She asks that a visit began or ended at another time. time: minutes after midnight."""

    keep = Keep(kind="visits.correct", title=_l("改时间"), chain="visit")
    visit = KeyField(validators=[required()])
    field = ChoiceField(_l("改哪一个"), [required(_l("请选改哪一个"))], choices=[("in", _l("到的时间")), ("out", _l("走的时间"))])
    time = TimeField(_l("应该是几点"), [required(_l("请填时间"))], render_kw={"type": "time"})
    next_day = YesField(_l("是第二天的"))
    reason = ChoiceField(_l("为什么"), [required(_l("请选一个原因"))], choices=words.REASON_CHOICES)
    memo = StoryField(_l("说清楚一点"), [required(_l("请写几个字说明，至少6个字"))], most=200)
    photo = PhotoField(_l("有纸条或照片就拍一张"), most=2)


class AttestForm(StepForm):
    """Somebody else than the caregiver says that she was there."""

    keep = Keep(kind="visits.attest", title=_l("老人确认"), chain="visit")
    visit = KeyField(validators=[required()])
    way = ChoiceField(_l("怎么确认"), [required(_l("请选怎么确认的"))], choices=list(words.WAYS.items()))
    token = TextField(widget=HiddenInput(), most=200, render_kw={"data-card": True})
    number = TextField(_l("卡上的7位号码"), most=40)
    face = ChoiceField(_l("老人点一个"), choices=list(words.FACES.items()))
    strokes = TextField(widget=HiddenInput(), most=8000)
    photo = PhotoField(_l("拍下按了手印的纸"), most=2)
    witness = TextField(_l("见证人的名字"), most=40)
    unrelated = YesField(_l("见证人不是家属，也不经手老人的钱"))
    why = ChoiceField(_l("为什么不能确认"), choices=list(words.WHY_NOT.items()))
    words = TextField(_l("怎么说的"), most=200)


class OpenForm(PlainForm):
    """The street lets a late correction be decided."""

    why = TextField(_l("为什么同意"), [required(_l("请写明为什么同意"))], most=200)


class DecideForm(PlainForm):
    """Another person decides about a correction."""

    says = ChoiceField(_l("同意吗"), [required(_l("请选一个"))], choices=[("yes", _l("同意")), ("no", _l("不同意"))])
    action = ChoiceField(_l("怎么核实的"), choices=[], description=_l("同意时要选"))
    answer = TextField(_l("写几个字"), most=200, description=_l("不同意时要写为什么"))


class PhonedWordForm(PlainForm):
    """电话里说的: whom the station rang about a visit, and the words."""

    whom = TextField(_l("打给了谁"), [required(_l("请写打给了谁"))], most=40)
    words = TextField(_l("对方怎么说的"), [required(_l("请写对方怎么说的"))], most=200)


class MonthField(StringField):
    """A month, 2026-11; its value is the first day."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = str(valuelist[0]).strip() if valuelist else ""
        try:
            self.data = date.fromisoformat(f"{self.typed}-01")
        except ValueError as error:
            self.data = None
            raise ValueError(str(_l("请写哪个月，比如 2026-11"))) from error

    def _value(self) -> str:
        return str(getattr(self, "typed", None) or self.data or "")


SHEETS = [("csv", _l("表格 CSV")), ("xlsx", _l("表格 Excel")), ("json", "JSON")]


class ExportForm(PlainForm):
    """Which visits, as what."""

    month = MonthField(_l("哪个月"), [required()], render_kw={"type": "month"})
    station = ChoiceField(_l("哪个站"), choices=[])
    form = ChoiceField(
        _l("什么格式"),
        [required(_l("请选一个"))],
        choices=[("csv", _l("表格 CSV")), ("xlsx", _l("表格 Excel")), ("json", "JSON")],
    )


class CallBackForm(PlainForm):
    """What came of a call-back."""

    way = ChoiceField(_l("怎么回访的"), [required(_l("请选怎么回访的"))], choices=list(words.CALL_BACK_WAYS.items()))
    outcome = ChoiceField(_l("怎么样"), [required(_l("请选怎么样"))], choices=list(words.CALL_BACK_OUTCOMES.items()))
    words = TextField(_l("对方怎么说的"), most=200)
