"""What a station head says when planning: a weekly plan, and another word about a day or from a day on."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import StringField

from webapp.kit import show
from webapp.kit.show import WEEKDAYS
from webapp.kit.words import _l
from webapp.web.forms import ChoiceField, ChoicesField, ListField, NumberField, PlainForm, TextField, YesField, optional, required

DAYS = [(str(n), words) for n, words in enumerate(WEEKDAYS)]


class MinuteField(StringField):
    """A time of day, 8:30; its value is minutes after midnight."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = str(valuelist[0]).strip().replace("：", ":") if valuelist else ""
        self.data = None
        if self.typed:
            hour, _sep, minute = self.typed[:5].partition(":")
            if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
                raise ValueError(str(_l("请填时间，比如 8:30")))
            self.data = int(hour) * 60 + int(minute)

    def _value(self) -> str:
        typed = getattr(self, "typed", None)
        return typed or ("" if self.data is None else show.minute(self.data).rjust(5, "0"))


class DayField(StringField):
    """A day, as 2026-11-21."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if self.typed:
            try:
                self.data = date.fromisoformat(self.typed)
            except ValueError as error:
                raise ValueError(str(_l("请选一个日子"))) from error

    def _value(self) -> str:
        typed = getattr(self, "typed", None)
        return typed or ("" if self.data is None else self.data.isoformat())


class PlanForm(PlainForm):
    """A new weekly plan."""

    weekdays = ChoicesField(_l("星期几"), choices=DAYS)
    start = MinuteField(_l("几点上门"), [required()], render_kw={"type": "time"})
    minutes = NumberField(_l("多长时间"), [required()])
    items = ListField(_l("做哪些事"))
    valid_from = DayField(_l("从哪天起"), [required()], render_kw={"type": "date"})
    valid_until = DayField(_l("到哪天为止"), [optional()], render_kw={"type": "date"})
    caregiver = ChoiceField(_l("谁去"), choices=[])


class ChangeForm(PlainForm):
    """Another word about one day, or from that day on. What is left empty stays as planned."""

    day = DayField(_l("哪天"), [required()], render_kw={"type": "date"})
    scope = ChoiceField(_l("改多久"), [required()], choices=[("day", _l("只改这一天")), ("from", _l("从这天起都改"))])
    skip = YesField(_l("不去"))
    start = MinuteField(_l("几点上门"), [optional()], render_kw={"type": "time"})
    minutes = NumberField(_l("多长时间"), [optional()])
    weekdays = ChoicesField(_l("星期几"), choices=DAYS)
    items = ListField(_l("做哪些事"))
    caregiver = ChoiceField(_l("谁去"), choices=[])
    why = TextField(_l("原因"), most=60)
