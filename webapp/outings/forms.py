"""What is said when somebody goes out, comes back, or is lost. The phone keeps the first three; others post them plainly."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.outings import words
from webapp.web.forms import ChoiceField, Keep, KeptForm, KeyField, PlainForm, StoryField, TextField, required

LENGTHS = [("30", _l("半小时")), ("60", _l("1小时")), ("120", _l("2小时")), ("240", _l("半天")), ("480", _l("一整天"))]
SINCE = [("0", _l("刚刚")), ("30", _l("半小时前")), ("60", _l("1小时前")), ("180", _l("3小时前")), ("720", _l("半天前"))]
_ONE = _l("请选一个")


class GoForm(KeptForm):
    """出门了."""

    keep = Keep(kind="outings.go", title=_l("出门了"))
    household = KeyField(validators=[required()])
    resident = KeyField(_l("谁出去"), [required(_ONE)])
    company = ChoiceField(_l("和谁一起"), [required(_ONE)], choices=list(words.WITH.items()))
    place = ChoiceField(_l("去哪里"), [required(_ONE)], choices=list(words.WHERE.items()))
    minutes = ChoiceField(_l("多久回来"), [required(_ONE)], choices=LENGTHS)
    words = TextField(_l("具体去哪里"), most=100)
    phone = TextField(_l("一起去的人的电话"), most=30)


class BackForm(KeptForm):
    """平安回来, in one tap."""

    keep = Keep(kind="outings.back", title=_l("平安回来"), drafts=False)
    household = KeyField(validators=[required()])
    resident = KeyField(validators=[required()])


class LostForm(KeptForm):
    """找不到人了."""

    keep = Keep(kind="outings.lost", title=_l("老人走失"))
    household = KeyField(validators=[required()])
    resident = KeyField(_l("找不到谁"), [required(_ONE)])
    minutes = ChoiceField(_l("最后什么时候看到"), [required(_ONE)], choices=SINCE)
    seen_where = TextField(_l("最后在哪里看到"), [required()], most=100)
    clothes = TextField(_l("穿什么衣服、鞋"), most=100)
    words = StoryField(_l("还有什么好认的"), most=200)


class StepForm(PlainForm):
    """What was done or heard."""

    kind = ChoiceField(_l("做了什么"), [required(_ONE)], choices=list(words.STEPS.items()))
    words = TextField(_l("谁、在哪里"), most=200)


class FoundForm(PlainForm):
    """找到了."""

    how = ChoiceField(_l("怎么找到的"), [required(_ONE)], choices=list(words.HOW.items()))
    words = TextField(_l("想说的话"), most=200)
