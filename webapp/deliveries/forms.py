"""What a person says about a record that waits."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.store.rulings import BOTH, FIRST
from webapp.web.forms import ChoiceField, PlainForm, TextField, required

WHY_NOT = (
    ("twice", _l("记重了")),
    ("wrong", _l("记错了")),
    ("redone", _l("已经另外补记了")),
    ("trial", _l("是试着点的")),
    ("other", _l("别的原因")),
)


class DismissForm(PlainForm):
    """不用记了."""

    choice = ChoiceField(_l("为什么不用记"), [required(_l("请选一个原因"))], choices=WHY_NOT)
    words = TextField(_l("写几个字"), most=200)


class ChooseForm(PlainForm):
    """Of two contents under one number: which counts. `hash` names the second one."""

    hash = TextField(validators=[required()], most=64)
    choice = ChoiceField(validators=[required()], choices=[(FIRST, _l("只算先到的")), (BOTH, _l("两份都算"))])
    words = TextField(_l("写几个字"), most=200)
