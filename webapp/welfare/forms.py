"""What is said after a visit for welfare (kept), and how often one goes."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.web.forms import ChoiceField, Keep, KeptForm, KeyField, PlainForm, StoryField, optional, required
from webapp.welfare.words import OWNERS, RISKS, SEEN, WAYS

_ONE = _l("请选一个")


class VisitForm(KeptForm):
    """走访日志."""

    keep = Keep(kind="welfare.visit", title=_l("走访"))
    household = KeyField(validators=[required()])
    resident = KeyField(_l("看谁"), [required(_ONE)])
    way = ChoiceField(_l("怎么看的"), [required(_ONE)], choices=list(WAYS.items()))
    seen = ChoiceField(_l("见到没有"), [required(_ONE)], choices=list(SEEN.items()))
    words = StoryField(_l("有什么困难，怎么办的"), most=300)
    owner = ChoiceField(_l("谁来办"), [optional()], choices=list(OWNERS.items()))


class RiskForm(PlainForm):
    """How often."""

    resident = KeyField(_l("看谁"), [required(_ONE)])
    risk = ChoiceField(_l("多久走访一次"), [required(_ONE)], choices=[*RISKS.items(), ("none", _l("不用走访了"))])
