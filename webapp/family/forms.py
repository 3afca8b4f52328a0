"""What a resident taps on the page of their own."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.people.forms import FreshForm
from webapp.web.forms import ChoiceField, PlainForm, TextField, required

FACES = (("5", _l("很好")), ("3", _l("还行")), ("1", _l("不好")))


class SmileForm(PlainForm):
    """How it is."""

    stars = ChoiceField(_l("照看得好不好？"), [required(_l("请选一个"))], choices=FACES)


class OwnCardForm(PlainForm):
    """The card that is held before it."""

    number = TextField(_l("卡上的7位号码"), [required()], most=200)


class OwnAskForm(FreshForm):
    """What is wanted."""

    kind = ChoiceField(_l("想要什么？点一下"), [required(_l("请选一个"))])
