"""What a head says on a sheet, what a caregiver answers, and what the street adds."""

from __future__ import annotations

from functools import cache
from typing import Any

from wtforms import HiddenField

from webapp.kit.words import _l
from webapp.web.forms import (
    ChoiceField,
    KeyField,
    NumberField,
    PhotoField,
    PlainForm,
    StoryField,
    TextField,
    between,
    optional,
    required,
)


class JudgeForm(PlainForm):
    """Marks and words; what may be chosen is set from the rules of the month."""

    home = ChoiceField(_l("屋里和老人身上干净"), [required(_l("请选一个"))], choices=[])
    home_words = TextField(_l("为什么（屋里）"), most=200)
    attitude = ChoiceField(_l("态度和品德"), [required(_l("请选一个"))], choices=[])
    attitude_words = TextField(_l("为什么（态度）"), most=200)
    words = StoryField(_l("评语"), most=300)
    adjustment = TextField(_l("加减分（分）"), most=6)
    adjustment_words = TextField(_l("加减分的原因"), most=200)


class ObjectForm(PlainForm):
    """我有不同意见."""

    code = ChoiceField(_l("哪一项"), [optional()], choices=[])
    words = StoryField(_l("哪里不对，请写一句"), [required()], most=300)


class ReplyForm(PlainForm):
    """The head's answer to one objection."""

    objection = KeyField("", [required()])
    upheld = HiddenField("")
    words = StoryField(_l("答复"), [required()], most=300)
    figure = NumberField(_l("改成多少"), [optional(), between(0, 9999)])


class ReviewForm(PlainForm):
    """A sealed sheet seen again."""

    why = StoryField(_l("为什么复核"), [required()], most=300)
    home = ChoiceField(_l("屋里和老人身上干净"), [optional()], choices=[])
    attitude = ChoiceField(_l("态度和品德"), [optional()], choices=[])


class VetoForm(PlainForm):
    """一票否决: what happened, and what she said to it."""

    code = ChoiceField(_l("哪一条"), [required()], choices=[])
    words = StoryField(_l("事实"), [required()], most=300, id="facts")
    heard = StoryField(_l("她怎么说（先听她说）"), [required()], most=300)


class FaultForm(PlainForm):
    """Something that was looked into and is true."""

    kind = ChoiceField(
        _l("是什么"),
        [required(_l("请选一个"))],
        choices=[("complaint", _l("投诉，查下来是真的")), ("serious", _l("本来可以避免的大事"))],
    )
    complaint = ChoiceField(_l("哪条投诉"), [optional()], choices=[])
    words = StoryField(_l("查下来是怎么回事（她能看到）"), [required()], most=300, id="fault-words")


class OwnForm(PlainForm):
    """The street's own sheet, to be filled in."""

    month = HiddenField("")
    station = ChoiceField(_l("哪个服务站"), [required(_l("请选一个"))], choices=[])
    form = PhotoField(_l("您的表（xlsx）"), [required(_l("请选一张表"))], most=1)


class RulesForm(PlainForm):
    """The rules of the month; each computed indicator has a weight_ and a curve_ beside these."""

    on_time_min = NumberField(_l("晚到多少分钟以内算准时"), [required(), between(0, 120)])
    log_late_days = NumberField(_l("日记晚几天以内算半次"), [required(), between(0, 30)])
    judge_working_day = NumberField(_l("站长第几个工作日前评完"), [required(), between(1, 15)])
    object_days = NumberField(_l("养护员几天以内可以提意见"), [required(), between(1, 15)])
    confirm_working_day = NumberField(_l("街道第几个工作日前定"), [required(), between(1, 20)])
    least_weight = NumberField(_l("剩下不到多少分就不打总分"), [required(), between(1, 100)])
    max_points = NumberField(_l("加减分最多几分"), [required(), between(0, 20)])
    vetoes = StoryField(_l("一票否决（一行一条，中文 | 英文）"), [required()], most=2000)
    since = ChoiceField(_l("从哪个月起"), [optional()], choices=[])


def rules_form(held: dict[str, Any]) -> type[RulesForm]:
    """The form for the indicators and grades of a set of rules."""
    computed = tuple(each["code"] for each in held["monthly"]["indicators"] if each["kind"] == "computed")
    return _rules_form(computed, tuple(band["code"] for band in held["grades"]["bands"][:-1]))


@cache
def _rules_form(indicators: tuple[str, ...], bands: tuple[str, ...]) -> type[RulesForm]:
    fields: dict[str, Any] = {f"weight_{code}": TextField(_l("分值"), [required()], most=8) for code in indicators}
    fields |= {f"curve_{code}": TextField(_l("几成给几成分"), [required()], most=120) for code in indicators}
    fields |= {f"least_{code}": TextField("", [required()], most=8) for code in bands}
    return type("RulesForm", (RulesForm,), fields)
