"""What is typed about voices."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.people.forms import DayField, FreshForm
from webapp.voices.words import AS, HOW, KINDS
from webapp.web.forms import ChoiceField, PlainForm, StoryField, TextField, YesField, required

STARS = tuple((str(n), "★" * n) for n in (5, 4, 3, 2, 1))


class OpinionForm(FreshForm):
    """问问老人：满意吗？"""

    stars = ChoiceField(_l("点几颗星"), [required(_l("请选一个"))], choices=STARS)
    words = StoryField(_l("老人怎么说的"), most=200)
    how = ChoiceField(_l("怎么问的"), [required(_l("请选一个"))], choices=tuple(HOW.items()))


class SayForm(FreshForm):
    """A complaint or suggestion, with or without a name."""

    kind = ChoiceField(_l("要说什么"), [required(_l("请选一个"))], choices=tuple(KINDS.items()))
    words = StoryField(_l("说清楚一点"), [required()], most=1000)
    hers = YesField(_l("说的是照看老人的养护员"), description=_l("勾了，她看不到这一条"))
    past = YesField(_l("说的是服务站或站长"), description=_l("勾了，直接交给街道，服务站看不到"))
    anonymous = YesField(_l("不写名字"), description=_l("办的人不知道是谁说的"))


class OpenSayForm(FreshForm):
    """The same from the street: at which place, and how to ring back if they like."""

    place = ChoiceField(_l("哪个服务站"), [required(_l("请选一个"))])
    kind = ChoiceField(_l("要说什么"), [required(_l("请选一个"))], choices=tuple(KINDS.items()))
    words = StoryField(_l("说清楚一点"), [required()], most=1000)
    past = YesField(_l("说的是服务站或站长"), description=_l("勾了，直接交给街道，服务站看不到"))
    phone = TextField(_l("您的电话"), most=30, description=_l("不写也行，凭编号查答复"))


class JudgeForm(PlainForm):
    """Whether the answer is good, by the number it was asked under."""

    number = TextField(_l("编号"), [required()], most=8)


class AnswerForm(PlainForm):
    """The office answers."""

    answer = StoryField(_l("怎么办的，答复给对方"), [required()], most=500)


class ChangeForm(FreshForm):
    """想换人."""

    asked_as = ChoiceField(_l("是谁想换"), [required(_l("请选一个"))], choices=tuple(AS.items()))
    words = StoryField(_l("为什么想换"), [required()], most=200)


class AgreeForm(PlainForm):
    """Who comes instead, from when, and that keys and cash change hands."""

    caregiver = ChoiceField(_l("换谁来"), [required(_l("请选一个"))])
    since = DayField(_l("从哪天起"), [required()], render_kw={"type": "date"})
    keys = YesField(_l("钥匙说好怎么交了"))
    cash = YesField(_l("手里的现金点清了"))
    word = TextField(_l("给对方的话"), most=200)


class RefuseForm(PlainForm):
    """Why not."""

    answer = TextField(_l("为什么不换"), [required(_l("请写几个字，为什么"))], most=200)
