"""What is typed at a quarterly review: voices, the meeting, the talk, and the look again."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.roster.forms import DayField
from webapp.web.forms import ChoiceField, KeyField, PlainForm, StoryField, TextField, optional, required

DAY = {"type": "date"}
SIDES = (
    ("resident", _l("老人")), ("kin", _l("家属")), ("inspector", _l("监督员")), ("doctor", _l("家庭医生")),
    ("station", _l("服务站")), ("colleague", _l("同事")),
)  # fmt: skip
KEEP = (("yes", _l("愿意")), ("no", _l("说不好")), ("change", _l("想换人")))
STARS = tuple((str(n), str(n)) for n in range(5, 0, -1))


class VoiceForm(PlainForm):
    """Somebody was asked about her."""

    key = KeyField()
    side = ChoiceField(_l("谁说的"), [required(_l("请选一个"))], choices=SIDES)
    name = TextField(_l("姓名"), [required()], most=40)
    household = ChoiceField(_l("哪一户（老人和家属要选）"), [optional()], choices=[])
    stars = ChoiceField(_l("点几颗星"), [required(_l("请选一个"))], choices=STARS)
    keep = ChoiceField(_l("愿意继续用她吗？（问老人和家属）"), [optional()], choices=KEEP)
    words = StoryField(_l("怎么说的"), most=300)


class MeetForm(PlainForm):
    """The meeting and what it decided."""

    day = DayField(_l("哪天开的会"), [required()], render_kw=DAY)
    present = TextField(_l("谁到了会"), [required()], most=200)
    minutes = StoryField(_l("会议记录"), [required()], most=2000)
    outcome = ChoiceField(_l("结果"), [required(_l("请选一个"))], choices=[])
    outcome_words = TextField(_l("为什么（和建议不一样时要写）"), most=300)
    follow_up = DayField(_l("哪天再看"), [optional()], render_kw=DAY)


class TalkForm(PlainForm):
    """业务讲评."""

    day = DayField(_l("哪天谈的"), [required()], id="talk-day", render_kw=DAY)
    words = StoryField(_l("谈了什么"), [required()], most=1000, id="talk-words")
    better = StoryField(_l("要改进的地方"), [required()], most=500)


class AgainForm(PlainForm):
    """The day to look again has come."""

    talk = KeyField("", [required()])
    better_now = ChoiceField(_l("改了吗"), [required(_l("请选一个"))], choices=[("yes", _l("改了")), ("no", _l("还没改"))])
    seen_words = TextField(_l("看到了什么"), [required()], most=300)
