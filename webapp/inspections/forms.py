"""What a supervisor fills in: the checklist, kept like everything recorded at the bedside; and the office's forms."""

from __future__ import annotations

from typing import Any

from wtforms.widgets import HiddenInput

from webapp.inspections import rules, words
from webapp.kit.words import _l
from webapp.store import rulebook
from webapp.web.forms import (
    ChoiceField,
    FenField,
    Keep,
    KeptForm,
    KeyField,
    NumberField,
    PhotoField,
    PlainForm,
    StoryField,
    TextField,
    YesField,
    between,
    optional,
    required,
)


class RecordForm(KeptForm):
    """A checklist. Every item of inspection.json is a field (rec_01 for REC-01); what was not looked at stays empty."""

    keep = Keep("inspections.record", _l("检查"))
    inspection = KeyField(validators=[required()])
    household = KeyField()
    place = KeyField()
    token = TextField("", [optional()], most=200, widget=HiddenInput(), render_kw={"data-card": True})
    number = TextField(_l("门牌上的7位号码"), [optional()], most=40)
    template = TextField("", [required()], most=16, widget=HiddenInput())
    alone = YesField(_l("单独和老人谈过，养护员不在场"))
    found = StoryField(_l("看到了什么（没做到的写明哪里不对）"), most=1000)
    suggestion = StoryField(_l("建议"), most=500)
    photo = PhotoField(_l("拍照"), most=6)


def _asked(item: dict[str, Any]) -> Any:
    """The field of an item."""
    kind = item["answer"]
    if kind == rules.TEXT:
        return StoryField(item["zh"], [optional()], most=500)
    if kind == rules.STARS:
        return ChoiceField(item["zh"], [optional()], choices=words.STARS)
    if kind == rules.DIFFERENCE:
        return FenField(item["zh"], [optional()], low=-10_000_000, high=10_000_000)
    if kind == rules.PERCENT:
        return NumberField(item["zh"], [optional(), between(0, 100)])
    return ChoiceField(item["zh"], [optional()], choices=words.ANSWERS)


for _item in rulebook.default("inspection")["items"]:
    setattr(RecordForm, rules.field(_item["code"]), _asked(_item))


class PlateForm(PlainForm):
    """A plate that was scanned, or its number."""

    token = TextField("", widget=HiddenInput(), most=200)
    number = TextField(_l("门牌上的7位号码"), most=40)


class DrawForm(PlainForm):
    """How many households are drawn."""

    many = NumberField(_l("抽几户"), [required()])
    template = ChoiceField(_l("用哪张检查表"), [required(_l("请选一个"))], choices=[])


class OwnerForm(PlainForm):
    """Who puts it right."""

    owner = TextField(_l("谁来改"), [required()], most=40)


class FixForm(PlainForm):
    """改好了, with proof."""

    owner = TextField(_l("谁改的"), [required()], most=40)
    proof = StoryField(_l("怎么改的"), [required()], most=300)
    photo = PhotoField(_l("改好以后的照片"), most=1)


class AcceptForm(PlainForm):
    """Looked at again."""

    good = ChoiceField(_l("改好了吗"), [required(_l("请选一个"))], choices=[("yes", _l("改好了")), ("no", _l("还没改好"))])
    why = TextField(_l("没改好的话，哪里不行"), most=300)


class ReplyForm(PlainForm):
    """What becomes of a suggestion."""

    words = StoryField(_l("答复"), [required()], most=500)
