"""A form, described once: the server parses it, the page draws its native constraints, the phone keeps it.

Ordinary forms are `PlainForm`. What people record at the bedside is a `KeptForm` with a `Keep` note.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Form,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms import Field as AnyField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, StopValidation

from webapp.kit import ids, money
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, _l

INVISIBLE = {
    "\u200e",
    "\u200f",
    "\u202a",
    "\u202b",
    "\u202c",
    "\u202d",
    "\u202e",
    "\u2066",
    "\u2067",
    "\u2068",
    "\u2069",
    "\ufeff",
}


def clean(text: Any) -> Any:
    """`text` composed (NFC), trimmed, without control characters and direction marks; emoji stay."""
    if not isinstance(text, str):
        return text
    kept = (
        c
        for c in unicodedata.normalize("NFC", text)
        if c in "\n\t" or (c not in INVISIBLE and unicodedata.category(c) not in ("Cc", "Cs"))
    )
    return "".join(kept).strip()


class Filled(InputRequired):
    """Blanks are nothing: what cleaning leaves empty was not filled in."""

    def __call__(self, form: Any, field: Any) -> None:
        """Raises StopValidation when nothing is there; what could not be read has its own words already."""
        super().__call__(form, field)
        if field.data in (None, "", []) and not field.process_errors:
            raise StopValidation(str(self.message))


def required(say: Any = None) -> InputRequired:
    """Must be filled in."""
    return Filled(say or _l("这里要填"))


def at_most(length: int) -> Length:
    """At most `length` characters."""
    return Length(max=length, message=_l("太长了，少写几个字"))


def between(low: int, high: int) -> NumberRange:
    """A whole number from `low` to `high`."""
    return NumberRange(min=low, max=high, message=_l("数不对，请看一下"))


optional = Optional


class Dialled:
    """A number that can be rung, or none."""

    def __call__(self, form: Any, field: Any) -> None:
        """Refuses what has no digits enough for a telephone."""
        if field.data and not 5 <= sum(each.isdecimal() for each in field.data) <= 15:
            raise ValidationError(_("电话好像不对，请看一下"))


class TextField(StringField):
    """One line, cleaned; `most` characters, 60 unless told."""

    def __init__(self, label: Any = None, validators: Any = (), most: int = 60, **kwargs: Any) -> None:
        super().__init__(label, [*validators, at_most(most)], filters=[clean], **kwargs)


class StoryField(TextAreaField):
    """Several lines, cleaned; `most` characters, 2000 unless told."""

    def __init__(self, label: Any = None, validators: Any = (), most: int = 2000, **kwargs: Any) -> None:
        super().__init__(label, [*validators, at_most(most)], filters=[clean], **kwargs)


class NumberField(IntegerField):
    """A whole number; says so plainly when it is none."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist or not str(valuelist[0]).strip():
            self.data = None
            return
        text = unicodedata.normalize("NFKC", str(valuelist[0])).strip()
        try:
            self.data = int(text) if len(text) < 18 else None
        except ValueError:
            self.data = None
        if self.data is None:
            raise ValueError(self.gettext("这里只能填数字"))


class FenField(StringField):
    """Money: typed in yuan, kept in fen. From `low` to `high` fen."""

    def __init__(self, label: Any = None, validators: Any = (), low: int = 1, high: int = money.LIMIT, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.low, self.high = low, high

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = valuelist[0] if valuelist else ""
        if not str(self.typed).strip():
            self.data = None
            return
        try:
            self.data = money.parse(str(self.typed))
        except ValueError as error:
            self.data = None
            raise ValueError(str(_l("请填钱数，比如 36.50"))) from error

    def pre_validate(self, form: Any) -> None:
        if self.data is None:
            return
        if self.data < self.low:
            raise ValidationError(str(_l("数太小了，请看一下")))
        if self.data > self.high:
            raise ValidationError(str(_l("数太大了，请看一下")))

    def _value(self) -> str:
        typed = getattr(self, "typed", None)
        return str(typed) if typed else "" if self.data is None else money.plain(self.data)


class KeyField(HiddenField):
    """A UUID."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = valuelist[0] if valuelist else ""
        self.data = ids.parse(text)
        if text and self.data is None:
            raise ValueError(str(_l("这一页不对，请返回再来")))

    def _value(self) -> str:
        return str(self.data or "")


def _offered(choices: Any) -> Any:
    """Pairs (code, words) as the library wants them."""
    return choices and [each if isinstance(each, SelectChoice) else SelectChoice(*each) for each in choices]


class ChoiceField(SelectField):
    """One of several words; pairs (code, words)."""

    def __init__(self, label: Any = None, validators: Any = (), choices: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("coerce", lambda v: None if v in (None, "") else str(v))
        super().__init__(label, validators, choices=_offered(choices), **kwargs)

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and self.data not in [choice.value for choice in self.iter_choices()]:
            raise ValidationError(str(_l("请选一个")))


class ChoicesField(SelectMultipleField):
    """Any of several words."""

    def __init__(self, label: Any = None, validators: Any = (), choices: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, choices=_offered(choices), **kwargs)

    def pre_validate(self, form: Any) -> None:
        known = {choice.value for choice in self.iter_choices()}
        if any(each not in known for each in self.data or ()):
            raise ValidationError(str(_l("请选一个")))


class ListField(AnyField):
    """Any short words; the verb knows which exist (catalogue codes change while phones are away)."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = [str(clean(each))[:60] for each in valuelist[:100]]

    def process_data(self, value: Any) -> None:
        self.data = value or []


class YesField(BooleanField):
    """Yes or no."""


class PhotoField(AnyField):
    """Photos: the files themselves on the plain path, digests in an envelope. `most` of them."""

    def __init__(self, label: Any = None, validators: Any = (), most: int = 6, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.most = most

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = [each for each in valuelist if each][: self.most]


class PlainForm(FlaskForm):
    """An ordinary form: sent, judged, answered; CSRF by field or header."""


@dataclass(frozen=True)
class Keep:
    """What the phone must know to keep a form: never how to judge it."""

    kind: str
    """feature.deed, as in the envelope."""
    title: Any
    """What the outbox page calls it."""
    schema: int = 1
    chain: str | None = None
    """The field whose value is the chain (a visit's id)."""
    makes: str | None = None
    """The state it makes, for `data-when`."""
    adds: Mapping[str, str] = field(default_factory=dict)
    """Body field → name of the `data-sum` it is added to."""
    waits: bool = True
    drafts: bool = True
    """Whether something is typed or chosen in it that a crash must not take."""
    lift: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)


class KeptForm(Form):
    """A form that goes through the inbox, with our scripts or without."""

    keep: ClassVar[Keep]

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> KeptForm:
        """The form filled from an envelope's body. Unknown members are ignored: a newer app may know more."""
        typed: MultiDict[str, str] = MultiDict()
        empty = _blank(cls)
        for name, value in body.items():
            if name in empty:
                for text in _texts(empty[name], value):
                    typed.add(name, text)
        return cls(formdata=typed)

    def values(self) -> dict[str, Any]:
        """Field name → value, photos left out."""
        return {each.name: each.data for each in self if not isinstance(each, PhotoField)}


@cache
def _blank(form: type[KeptForm]) -> KeptForm:
    """One to look at the fields of; to make a form costs as much as to check it."""
    return form()


def _texts(kept: AnyField, value: Any) -> list[str]:
    if value is None or value is False:
        return []
    if isinstance(value, list):
        return [str(each) for each in value]
    if isinstance(kept, FenField) and isinstance(value, int) and value is not True:
        return [money.plain(value)]
    return ["y" if value is True else str(value)]


def read(form: type[KeptForm]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A reader of bodies for the inbox: values, or Refusal with the first plain sentence and all errors."""

    def reader(body: Mapping[str, Any]) -> dict[str, Any]:
        filled = form.from_body(body)
        if not filled.validate():
            first = next(iter(filled.errors.values()))[0]
            raise Refusal("form", str(first), errors={name: [str(e) for e in found] for name, found in filled.errors.items()})
        return filled.values()

    return reader


def body_schema(form: type[KeptForm]) -> dict[str, Any]:
    """The JSON Schema of the form's body, for /inbox/kinds and other clients."""
    members: dict[str, Any] = {}
    needed: list[str] = []
    for each in form():
        if isinstance(each, PhotoField):
            continue
        members[each.name] = _member(each)
        if any(isinstance(v, InputRequired) for v in each.validators):
            needed.append(each.name)
    return {"type": "object", "properties": members, "required": sorted(needed)}


def _member(each: AnyField) -> dict[str, Any]:
    longest = [v.max for v in each.validators if isinstance(v, Length) and v.max and v.max > 0]
    bounds = next((v for v in each.validators if isinstance(v, NumberRange)), None)
    if isinstance(each, FenField):
        return {"type": "integer", "minimum": each.low, "maximum": each.high, "description": "fen"}
    if isinstance(each, IntegerField):
        return {"type": "integer"} | ({"minimum": bounds.min, "maximum": bounds.max} if bounds else {})
    if isinstance(each, BooleanField):
        return {"type": "boolean"}
    if isinstance(each, ChoicesField):
        return {"type": "array", "items": {"enum": [choice.value for choice in each.iter_choices()]}}
    if isinstance(each, ListField):
        return {"type": "array", "items": {"type": "string", "maxLength": 60}}
    if isinstance(each, ChoiceField):
        return {"enum": [choice.value for choice in each.iter_choices()]}
    if isinstance(each, KeyField):
        return {"type": "string", "format": "uuid"}
    return {"type": "string"} | ({"maxLength": longest[0]} if longest else {})
