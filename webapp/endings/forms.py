"""What a station says when somebody's care ends, a household moves, or a caregiver leaves."""

from __future__ import annotations

from typing import Any

from wtforms import ValidationError

from webapp.endings import words
from webapp.kit import clock
from webapp.kit.words import _, _l
from webapp.people.forms import DayField, FreshForm, required
from webapp.web.forms import ChoiceField, PlainForm, TextField
from webapp.web.forms import required as chosen


class EndForm(FreshForm):
    """A resident's care ends: how, from when, who said so."""

    kind = ChoiceField(_l("怎么了"), [chosen(_l("请选一个"))], choices=list(words.KINDS.items()))
    on = DayField(_l("从哪天起"), [required()], render_kw={"type": "date"})
    told_by = TextField(_l("谁说的"), [required()], most=40, description=_l("比如：女儿打来电话"))
    reason = ChoiceField(_l("停止服务是因为"), choices=list(words.REASONS.items()))
    words = TextField(_l("写几个字"), most=200)

    def validate_on(self, field: Any) -> None:
        """What has not happened yet is not written down."""
        if field.data and field.data > clock.today():
            raise ValidationError(_("请写今天或以前的日子"))

    def validate_reason(self, field: Any) -> None:
        """Care that simply ends has a reason."""
        if self.kind.data == "over" and not field.data:
            raise ValidationError(_("请选一个原因"))


class MoveForm(FreshForm):
    """A household moves into another station's area."""

    station = ChoiceField(_l("搬到哪个站"), [chosen(_l("请选一个"))], choices=[])
    address = TextField(_l("新的住址"), [required()], most=120)
    on = DayField(_l("从哪天起住那边"), [required()], render_kw={"type": "date"})
    told_by = TextField(_l("谁说的"), [required()], most=40, description=_l("比如：女儿打来电话"))


class TakeForm(PlainForm):
    """The other station takes the household over: who goes, from which day."""

    caregiver = ChoiceField(_l("谁来照看"), [chosen(_l("请选一个"))], choices=[])
    on = DayField(_l("从哪天起由我们上门"), [required()], render_kw={"type": "date"})

    def validate_on(self, field: Any) -> None:
        """Days that are over belong to the station that went."""
        if field.data and field.data < clock.today():
            raise ValidationError(_("请写今天或以后的日子"))


class DepartForm(FreshForm):
    """A caregiver leaves: her last day, why, whether she can be reached."""

    on = DayField(_l("最后一天"), [required()], render_kw={"type": "date"})
    why = TextField(_l("为什么离开"), most=100)
    reach = ChoiceField(
        _l("能联系上她吗"), [chosen(_l("请选一个"))], choices=[("yes", _l("能，她来办交接")), ("no", _l("联系不上，站里来办"))]
    )


class StepForm(PlainForm):
    """One step of the sequence is settled: how, and a few words."""

    how = ChoiceField(_l("怎么办的"), choices=[])
    caregiver = ChoiceField(_l("交给谁"), choices=[])
    words = TextField(_l("写几个字"), most=200)
