"""What is typed about applications."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.people.forms import FreshForm
from webapp.web.forms import ChoiceField, Dialled, PlainForm, TextField, required


class ApplyForm(FreshForm):
    """A household asks for a tier."""

    tier = ChoiceField(_l("申请哪一类"), [required(_l("请选一个"))])
    phone = TextField(
        _l("申请人的电话"), [required(), Dialled()], most=30, description=_l("凭编号和这个电话，本人随时能查办到哪里")
    )


class MoveForm(PlainForm):
    """What came of it."""

    to = ChoiceField(_l("办得怎么样"), [required(_l("请选一个"))])
    words = TextField(_l("为什么"), most=200, description=_l("退回、不批、撤回、有人有意见，都要写"))


class StatusForm(PlainForm):
    """How far an application is."""

    number = TextField(_l("编号"), [required()], most=20)
    phone = TextField(_l("申请时留的电话"), [required(), Dialled()], most=30)
