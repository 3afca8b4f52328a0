"""What a caregiver may say at the door and during a visit: the kept forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    PlainForm,
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
    line = ChoiceField(_l("哪个电话打来的"), [required(_l("请选一个"))], choices=list(words.LINE_WORDS.items()))


class SettleForm(PlainForm):
    """A person has looked at an exception."""

    reason = ChoiceField(_l("原因"), validators=[required(_l("请选一个原因"))], choices=[])
    memo = TextField(_l("写几个字"), most=200)
