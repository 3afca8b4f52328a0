"""What is typed about health: the emergency sheet."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.people.forms import EditForm
from webapp.web.forms import StoryField


class EmergencySheetForm(EditForm):
    """What a rescuer must know; in the words of the doctor."""

    illnesses = StoryField(_l("有哪些病"), most=300, description=_l("比如：高血压、心脏放过支架"))
    medicines = StoryField(_l("正在吃什么药"), most=400, description=_l("药名、一天几次"))
