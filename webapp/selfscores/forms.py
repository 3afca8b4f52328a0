"""What is typed on a self-scoring form: a score and its proof for each item, or the checked score and why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from wtforms import HiddenField, StringField

from webapp.kit.words import _l
from webapp.selfscores import rules
from webapp.web.forms import PlainForm, StoryField, TextField, optional, required


class PointField(StringField):
    """A score, typed in points, kept in tenths; nothing stays None."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """What cannot be read has its sentence beside it."""
        self.typed = str(valuelist[0]) if valuelist else ""
        self.data = None
        if not self.typed.strip():
            return
        try:
            self.data = rules.tenths(self.typed)
        except ValueError as error:
            raise ValueError(str(_l("这里填分数，比如 3.5"))) from error

    def _value(self) -> str:
        typed = getattr(self, "typed", None)
        return typed if typed is not None else "" if self.data is None else f"{self.data / 10:g}"


class OwnForm(PlainForm):
    """The unit's own scores. deed: save or send."""

    deed = HiddenField("")


class CheckForm(PlainForm):
    """The office above checks."""


class ItemsForm(PlainForm):
    """The district's own items."""

    items = StoryField(_l("一行一项：项目 | 满分 | 英文（可不写）"), [required()], most=6000)


def own_form(codes: Sequence[str]) -> type[OwnForm]:
    """With own_CODE and proof_CODE for each item."""
    made: type[OwnForm] = _form(OwnForm, tuple(codes), "own", "proof")
    return made


def check_form(codes: Sequence[str]) -> type[CheckForm]:
    """With checked_CODE and why_CODE for each item."""
    made: type[CheckForm] = _form(CheckForm, tuple(codes), "checked", "why")
    return made


@cache
def _form(base: type[Any], codes: tuple[str, ...], score: str, words: str) -> Any:
    said = _l("凭什么（在哪里能看到）") if words == "proof" else _l("为什么不一样")
    given = _l("自评分") if score == "own" else _l("核定分")
    fields: dict[str, Any] = {f"{score}_{code}": PointField(given, [optional()]) for code in codes}
    fields |= {f"{words}_{code}": TextField(said, [optional()], most=300) for code in codes}
    return type(base.__name__, (base,), fields)
