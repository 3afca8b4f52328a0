"""Whatever is typed, a form says so in plain words: it never breaks."""

from __future__ import annotations

import contextlib
from typing import Any

import jsonschema
import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

import webapp
from webapp.kit import ids
from webapp.kit.refusal import Refusal
from webapp.web import forms
from webapp.web.forms import (
    ChoiceField,
    FenField,
    KeptForm,
    KeyField,
    ListField,
    NumberField,
    PhotoField,
    PlainForm,
    StoryField,
    TextField,
    YesField,
)

RTL = "\u202eأهلا\u202c"
NASTY: dict[str, list[str]] = {
    "missing": [],
    "empty": [""],
    "blank": ["   \u3000"],
    "long": ["长" * 70_000],
    "emoji": ["👵🏻❤️‍🔥😊"],
    "right to left": [RTL],
    "nul": ["a\x00b"],
    "controls": ["\x01\x1f\x7f\ufeff"],
    "lone surrogate": ["\ud800"],
    "markup": ["<script>alert('x')</script>"],
    "quotes": ["'; drop table person; --"],
    "huge number": ["9" * 400],
    "negative": ["-1"],
    "fraction": ["1.5"],
    "exponent": ["1e309"],
    "not a number": ["NaN"],
    "full width": ["３６．５"],
    "a date that is none": ["2026-02-31"],
    "an old date": ["0000-00-00"],
    "no key": ["not-a-uuid"],
    "twice": ["a", "b"],
    "many": ["x"] * 300,
    "format": ["%(nothing)s {0} %s"],
}
JSON_NASTY: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    2**53 - 1,
    "",
    [],
    {},
    [[]],
    [{}],
    {"a": 1},
    ["x"] * 500,
    [None],
    [1, True, "a"],
]


def under(base: type) -> list[type]:
    """Every form of the product below `base`."""
    found = [each for child in base.__subclasses__() for each in (child, *under(child))]
    return [each for each in found if each.__module__.startswith("webapp.") and each.__module__ != "webapp.web.forms"]


KEPT = [each.form for feature in webapp.FEATURES for each in getattr(feature, "KEPT", ())]
PLAIN = sorted(set(under(PlainForm)), key=lambda each: (each.__qualname__, each.__module__))


def names(form: type) -> str:
    return f"{form.__module__}.{form.__qualname__}"


def judged(form: Any) -> None:
    """Validate; every error is a plain sentence, and what was typed can be shown again."""
    for each in form:
        if getattr(each, "choices", ()) is None:
            each.choices = [("a", "甲")]  # its view fills them in
    form.validate()
    for said in form.errors.values():
        for each in said if isinstance(said, list) else []:
            assert str(each).strip() and "Error" not in str(each)
    for each in form:
        if not isinstance(each, PhotoField | ListField):
            str(each())


def test_there_are_forms_to_try() -> None:
    assert len(KEPT) >= 8 and len(PLAIN) >= 10


@pytest.mark.parametrize("form", [*KEPT, *PLAIN], ids=names)
def test_no_form_breaks_on_what_people_type(house: Flask, form: type) -> None:
    with house.test_request_context("/", method="POST"):
        members = [each.name for each in form()]
        for what, typed in NASTY.items():
            try:
                judged(form(formdata=MultiDict([(name, text) for name in members for text in typed])))
            except Refusal:
                continue
            except Exception as error:
                pytest.fail(f"{what}: {error!r}")


@pytest.mark.parametrize("form", KEPT, ids=names)
def test_no_body_of_a_phone_breaks_a_kept_form(house: Flask, form: type[KeptForm]) -> None:
    with house.test_request_context("/", method="POST"):
        read, members = forms.read(form), [each.name for each in form()]
        bodies: list[dict[str, Any]] = [{}, {"no_such_member": 1}]
        bodies += [dict.fromkeys(members, value) for value in JSON_NASTY]
        bodies += [{name: value} for name in members for value in JSON_NASTY]
        bodies += [dict.fromkeys(members, typed[0]) for typed in NASTY.values() if typed]
        for body in bodies:
            with contextlib.suppress(Refusal):
                read(body)


@pytest.mark.parametrize("form", KEPT, ids=names)
def test_a_kept_form_describes_itself_in_json_schema(house: Flask, form: type[KeptForm]) -> None:
    with house.test_request_context("/"):
        schema = forms.body_schema(form)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["required"]) <= set(schema["properties"])


class Sample(KeptForm):
    """One of each field."""

    keep = forms.Keep("test.sample", "样子")
    words = TextField("字", [forms.required()], most=5)
    story = StoryField("话", [forms.optional()])
    number = NumberField("数", [forms.optional(), forms.between(1, 10)])
    amount_fen = FenField("钱", [forms.optional()])
    household = KeyField("户", [forms.optional()])
    mood = ChoiceField("心情", [forms.optional()], choices=[("good", "好"), ("low", "低")])
    codes = ListField("项")
    agreed = YesField("同意")


@pytest.fixture
def request_of(house: Flask):
    """Inside a request."""
    with house.test_request_context("/", method="POST"):
        yield house


def test_a_body_is_read_into_values(request_of) -> None:
    key = ids.new()
    body = {
        "words": " 好\u202e ", "story": "一\n二", "number": 7, "amount_fen": 3650, "household": str(key),
        "mood": "good", "codes": ["A", "B"], "agreed": True, "newer": "unknown",
    }  # fmt: skip
    assert forms.read(Sample)(body) == {
        "words": "好", "story": "一\n二", "number": 7, "amount_fen": 3650, "household": key,
        "mood": "good", "codes": ["A", "B"], "agreed": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "words"),
        ({"words": "  "}, "words"),
        ({"words": "太长了太长了"}, "words"),
        ({"words": "好", "number": 11}, "number"),
        ({"words": "好", "number": "many"}, "number"),
        ({"words": "好", "amount_fen": 0}, "amount_fen"),
        ({"words": "好", "amount_fen": 10**14}, "amount_fen"),
        ({"words": "好", "amount_fen": "lots"}, "amount_fen"),
        ({"words": "好", "household": "nobody"}, "household"),
        ({"words": "好", "mood": "angry"}, "mood"),
    ],
)
def test_a_bad_body_is_refused_and_the_field_named(request_of, body, field) -> None:
    with pytest.raises(Refusal) as refusal:
        forms.read(Sample)(body)
    assert field in refusal.value.facts["errors"]


def test_what_is_shown_again_is_what_was_typed(request_of) -> None:
    form = Sample(formdata=MultiDict({"words": "x" * 9, "amount_fen": "1.2.3"}))
    assert not form.validate()
    assert (form.words.data, form.amount_fen._value()) == ("x" * 9, "1.2.3")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("e\u0301", "é"),
        ("a\x00b\x07", "ab"),
        ("一\n二\t三", "一\n二\t三"),
        (RTL, "أهلا"),
        ("👵🏻", "👵🏻"),
        ("\ud800x", "x"),
        (None, None),
        (5, 5),
    ],
)
def test_cleaning_takes_only_what_cannot_be_seen(typed, kept) -> None:
    assert forms.clean(typed) == kept
