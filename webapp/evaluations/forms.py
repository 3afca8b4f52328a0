"""What a head says on a sheet, what a caregiver answers, and what the street adds."""

from __future__ import annotations

from wtforms import HiddenField

from webapp.kit.words import _l
from webapp.web.forms import ChoiceField, KeyField, NumberField, PlainForm, StoryField, TextField, between, optional, required


class JudgeForm(PlainForm):
    """Marks and words; what may be chosen is set from the rules of the month."""

    home = ChoiceField(_l("屋里和老人身上干净"), [required(_l("请选一个"))], choices=[])
    home_words = TextField(_l("为什么（屋里）"), most=200)
    attitude = ChoiceField(_l("态度和品德"), [required(_l("请选一个"))], choices=[])
    attitude_words = TextField(_l("为什么（态度）"), most=200)
    words = StoryField(_l("评语"), most=300)
    adjustment = TextField(_l("加减分（分）"), most=6)
    adjustment_words = TextField(_l("加减分的原因"), most=200)


class ObjectForm(PlainForm):
    """我有不同意见."""

    code = ChoiceField(_l("哪一项"), [optional()], choices=[])
    words = StoryField(_l("哪里不对，请写一句"), [required()], most=300)


class ReplyForm(PlainForm):
    """The head's answer to one objection."""

    objection = KeyField("", [required()])
    upheld = HiddenField("")
    words = StoryField(_l("答复"), [required()], most=300)
    figure = NumberField(_l("改成多少"), [optional(), between(0, 9999)])


class ReviewForm(PlainForm):
    """A sealed sheet seen again."""

    why = StoryField(_l("为什么复核"), [required()], most=300)
    home = ChoiceField(_l("屋里和老人身上干净"), [optional()], choices=[])
    attitude = ChoiceField(_l("态度和品德"), [optional()], choices=[])


class VetoForm(PlainForm):
    """一票否决: what happened, and what she said to it."""

    code = ChoiceField(_l("哪一条"), [required()], choices=[])
    words = StoryField(_l("事实"), [required()], most=300, id="facts")
    heard = StoryField(_l("她怎么说（先听她说）"), [required()], most=300)
