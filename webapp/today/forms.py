"""What may be typed on today's pages: a scanned token or number, what strangers and helpers say."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.web.forms import ChoiceField, Dialled, PlainForm, TextField, required

STEPS = {
    "taken": _l("我来管"),
    "coming": _l("派人去了"),
    "home": _l("已平安到家"),
    "hospital": _l("送医院了"),
    "mistake": _l("弄错了"),
    "ended": _l("已停止照护"),
}
"""What a case tells of itself; the last is no tap."""


class ScanForm(PlainForm):
    """A token the camera read, or the seven digits typed."""

    token = TextField(most=200)
    number = TextField(_l("卡上的7位号码"), most=40)


class SightingForm(PlainForm):
    """A stranger with the bearer of a card: where, and how to ring back if they like."""

    class Meta:
        csrf = False

    words = TextField(_l("在哪里？比如路名、店名"), [required(_l("请写在哪里，写附近的店名也行"))], most=300)
    phone = TextField(_l("您的电话"), [Dialled()], most=30)


class RescueForm(PlainForm):
    """Somebody who helps asks to read what is wrong with the bearer of a card."""

    class Meta:
        csrf = False

    who = TextField(_l("您是谁"), [required()], most=60, description=_l("比如：120急救员、路过的医生"))
    phone = TextField(_l("您的电话"), [required(), Dialled()], most=30, description=_l("值班室会打给您，问清楚再给看"))


class StepForm(PlainForm):
    """What the duty room did about an elder who was found."""

    step = ChoiceField(_l("现在怎么样"), [required(_l("请选一个"))], choices=tuple(STEPS.items())[:-1])
    words = TextField(_l("想记一句"), most=200)
