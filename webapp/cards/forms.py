"""What people choose about cards: which one to issue, why one is stopped, whose to print."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField, ValidationError

from webapp.cards.models import CardKind
from webapp.kit import ids
from webapp.kit.words import _, _l
from webapp.people.forms import FreshForm
from webapp.web.forms import ChoiceField, KeyField, ListField, PlainForm, TextField, YesField, required

KIND_WORDS = {
    CardKind.RESIDENT: _l("身份卡"),
    CardKind.SHOE: _l("鞋标"),
    CardKind.SEWIN: _l("衣服布标"),
    CardKind.PLATE: _l("门牌"),
    CardKind.BADGE: _l("工作证"),
}
WHY_WORDS = {"lost": _l("丢了"), "broken": _l("坏了"), "copied": _l("被人拍照了"), "other": _l("其他")}


class IssueForm(FreshForm):
    """Which card for whom; `what` is "kind:id of the bearer"."""

    what = ChoiceField(_l("发给谁，哪一种"), [required(_l("请选一个"))])

    @property
    def chosen(self) -> tuple[CardKind, uuid.UUID]:
        """The kind and the bearer's id."""
        kind, _colon, key = self.what.data.partition(":")
        return CardKind(kind), uuid.UUID(key)


class HandOverForm(FreshForm):
    """Nothing to say: the card is with its bearer now."""


class ReasonForm(FreshForm):
    """Why a card is stopped."""

    why = ChoiceField(_l("为什么"), [required(_l("请选一个"))], choices=tuple(WHY_WORDS.items()))
    words = TextField(_l("选了其他，写几个字"), most=40)

    def validate_words(self, field: Any) -> None:
        """其他 is no reason by itself."""
        if self.why.data == "other" and not field.data:
            raise ValidationError(_("请写几个字"))

    @property
    def reason(self) -> str:
        """The code, or the words of another reason."""
        return str(self.words.data if self.why.data == "other" else self.why.data)


class PrintForm(PlainForm):
    """Whose cards of one kind go to the printer."""

    station = KeyField()
    kind = ChoiceField(choices=tuple(KIND_WORDS.items()), default=CardKind.RESIDENT.value)
    picks = ListField()
    whole = YesField(_l("这个站的全部都印"))
    again = YesField(_l("印过的也再印一遍"))
    both = YesField(_l("双面打印"), default=True, description=_l("打印机选双面，沿长边翻"))

    @property
    def keys(self) -> list[uuid.UUID]:
        """What was ticked."""
        return _keys(self.picks.data or ())

    def validate(self, extra_validators: Any = None) -> bool:
        """Somebody must be ticked."""
        good = bool(super().validate(extra_validators))
        if good and not self.whole.data and not self.keys:
            self.form_errors.append(_("请先勾上要印的"))
            return False
        return good


class FileForm(PlainForm):
    """The cards of one file, ids joined by commas: one field, however many."""

    keys = HiddenField()
    both = YesField(_l("双面打印"), default=True, description=_l("打印机选双面，沿长边翻"))

    @property
    def cards(self) -> list[uuid.UUID]:
        """The cards asked for, each once."""
        return list(dict.fromkeys(_keys((self.keys.data or "").split(","))))


def _keys(texts: Sequence[str]) -> list[uuid.UUID]:
    return [key for text in texts if (key := ids.parse(text))]
