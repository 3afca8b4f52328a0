"""What an office writes: a notice to one person, an announcement, a call by telephone."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.messages import words
from webapp.messages.announcing import BOTH, CAREGIVERS, HEADS
from webapp.messages.rules import PLAIN, RED
from webapp.web.forms import ChoiceField, PlainForm, StoryField, TextField, YesField, required

CHOSEN = ("call_back", "look_plan", "come_in")


class NoticeForm(PlainForm):
    """A few words to one person; no free text, since they may go out of the house."""

    kind = ChoiceField(_l("告诉她什么"), [required(_l("请选一个"))], choices=[(each, words.KINDS[each]) for each in CHOSEN])
    level = ChoiceField(
        _l("急不急"),
        [required(_l("请选一个"))],
        choices=[(RED, _l("急事：没看到就一级一级往上报")), (PLAIN, _l("不急：看到就行"))],
    )


class AnnouncementForm(PlainForm):
    """A notice to many."""

    place = ChoiceField(_l("发到哪里"), [required(_l("请选一个"))])
    audience = ChoiceField(
        _l("发给谁"),
        [required(_l("请选一个"))],
        choices=[(CAREGIVERS, _l("养护员")), (HEADS, _l("站长")), (BOTH, _l("养护员和站长"))],
    )
    title = TextField(_l("标题"), [required()], most=40)
    words = StoryField(_l("内容"), [required()], most=500)
    must = YesField(_l("每个人都要点“我看过了”"))


class CallForm(PlainForm):
    """Whom one rang, and what they said."""

    whom = ChoiceField(_l("打给了谁"), [required(_l("请选一个"))], choices=words.WHOM)
    said = ChoiceField(_l("怎么说的"), [required(_l("请选一个"))], choices=words.SAID)
    words = TextField(_l("写几个字"), most=200)
