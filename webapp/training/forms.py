"""What an office types about training."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.roster.forms import DayField, MinuteField
from webapp.web.forms import ChoiceField, KeyField, NumberField, PlainForm, TextField, between, required


class HoldForm(PlainForm):
    """A session is fixed."""

    key = KeyField()
    course = ChoiceField(_l("学什么"), [required(_l("请选一门课"))], choices=[])
    topic = TextField(_l("什么内容（业务学习要写）"), most=60)
    day = DayField(_l("哪一天"), [required()], render_kw={"type": "date"})
    start = MinuteField(_l("几点开始"), [required()], render_kw={"type": "time"})
    minutes = NumberField(_l("多长时间"), [required(), between(10, 600)])
    where = TextField(_l("在哪里"), [required()], most=60)
    teacher = TextField(_l("谁来讲"), most=40)


class AttendForm(PlainForm):
    """Somebody is there: the token of her badge, its number, or her name from the list."""

    token = TextField("", most=200)
    number = TextField(_l("工作证上的7位号码"), most=40)
    person = KeyField()


class AnswerForm(PlainForm):
    """The question of a learning card."""

    answer = ChoiceField("", [required(_l("请选一个"))], choices=[])


class GradeForm(PlainForm):
    """How somebody did in the test."""

    person = KeyField(validators=[required()])
    score = NumberField(_l("分数"), [required(), between(0, 100)])
