"""What is typed about requests: asking, sending somebody, saying what came of it."""

from __future__ import annotations

from datetime import datetime

from webapp.kit import clock
from webapp.kit.words import _, _l
from webapp.people.forms import DayField, FreshForm
from webapp.requests.rules import TO
from webapp.requests.words import AS
from webapp.requests.words import TO as TO_WORDS
from webapp.web.forms import (
    ChoiceField,
    Keep,
    KeptForm,
    KeyField,
    NumberField,
    PlainForm,
    StoryField,
    TextField,
    YesField,
    between,
    optional,
    required,
)


class AskForm(FreshForm):
    """Which help, for whom, when."""

    kind = ChoiceField(_l("要什么帮忙"), [required(_l("请选一个"))])
    resident = ChoiceField(_l("给谁"), [required(_l("请选一个"))])
    wanted_on = DayField(_l("哪天要"), [required()], render_kw={"type": "date"})
    words = StoryField(_l("说清楚一点"), [required()], most=200, description=_l("比如：想洗个澡，家里没有扶手"))
    asked_as = ChoiceField(_l("是谁要的"), [required(_l("请选一个"))], choices=tuple(AS.items()))


class SendForm(PlainForm):
    """Who goes, and by when it must be done."""

    to_kind = ChoiceField(_l("派谁去"), [required(_l("请选一个"))], choices=tuple((each, TO_WORDS[each]) for each in TO))
    caregiver = ChoiceField(_l("哪位养护员"))
    volunteer = ChoiceField(_l("哪位志愿者"))
    name = TextField(_l("志愿者或服务商叫什么"), most=40)
    day = DayField(_l("哪天做好"), [required()], render_kw={"type": "date"})
    hour = NumberField(_l("几点前"), [required(), between(6, 22)], description=_l("6到22点"))

    @property
    def chosen(self) -> str:
        """The key of somebody who is known here; empty where only a name is written."""
        field = {"caregiver": self.caregiver, "volunteer": self.volunteer}.get(self.to_kind.data)
        return field.data or "" if field else ""

    @property
    def due(self) -> datetime:
        """The hour of the day by which it must be done."""
        return clock.instant(self.day.data, self.hour.data * 60)


WHY = ("decline", "redo", "unmet")


class DeedForm(PlainForm):
    """A tap with a few words. Several stand on one page: `of` gives each its own ids."""

    deed = ""

    @classmethod
    def of(cls, deed: str, *, blank: bool = False) -> DeedForm:
        """The form of one deed; `blank` when another was posted."""
        form = cls(formdata=None) if blank else cls()
        form.deed = deed
        for field in form:
            field.id = f"{field.name}-{deed}"
        if deed in WHY:
            form.words.label.text = _("为什么")
        return form

    words = TextField(_l("想说的话"), most=200)
    number = TextField(_l("卡上的7位号码"), most=200)
    stars = NumberField(_l("好不好，1到5"), [optional(), between(1, 5)])


class DoneForm(KeptForm):
    """做完了, by whoever was sent: kept on the phone where there is no network."""

    keep = Keep(kind="requests.done", title=_l("帮忙的事做完了"), drafts=False)
    request = KeyField(validators=[required()])
    words = TextField(_l("想说的话"), most=200)
    number = TextField(_l("卡上的7位号码"), most=200)


class NeedForm(FreshForm):
    """A need that nobody here can meet."""

    kind = ChoiceField(_l("哪一种"), [required(_l("请选一个"))])
    words = StoryField(_l("需要什么"), [required()], most=200)
    urgent = YesField(_l("很急，等不了"))
