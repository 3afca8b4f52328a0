"""What is written about a visit."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.web.forms import ChoiceField, Keep, KeptForm, KeyField, PhotoField, StoryField, optional, required

MOOD_WORDS = (("good", _l("精神好")), ("fair", _l("一般")), ("poor", _l("不舒服")))
MEALS_WORDS = (("well", _l("吃得好")), ("some", _l("吃了一些")), ("little", _l("吃得少")))
SLEPT_WORDS = (("good", _l("睡得好")), ("fair", _l("一般")), ("poor", _l("没睡好")))


class WriteForm(KeptForm):
    """今天的日记, for the household or, with `resident`, for one of several."""

    keep = Keep("logs.write", _l("今天的日记"), chain="visit")
    visit = KeyField(validators=[required()])
    resident = KeyField()
    mood = ChoiceField(_l("老人今天"), [optional()], choices=MOOD_WORDS)
    meals = ChoiceField(_l("吃饭怎么样"), [optional()], choices=MEALS_WORDS)
    slept = ChoiceField(_l("睡得怎么样"), [optional()], choices=SLEPT_WORDS)
    story = StoryField(_l("记几句"))
    handover = StoryField(_l("交给下一位的话"), most=500)
    station_only = StoryField(_l("只告诉站里"), most=500)
    photo = PhotoField(_l("拍照"), most=4)
