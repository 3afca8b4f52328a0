"""Every sentence on screen is Chinese in the source and has its English; screens speak plainly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from webapp.web.language import WORDS, catalogue

ROOT = Path(__file__).parents[2]
CHINESE = re.compile("[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"%\((\w+)\)s|\{(\w*)\}")
SAID_BY = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None} | dict.fromkeys(
    ("Refusal", "Missing", "Forbidden", "Conflict", "Busy"), (2,)
)
TYPED = re.compile("[男女]")  # what a person must type into a sheet stays as it is typed
OFFICE_WORDS = ("失败", "非法", "无效", "提交", "异常", "校验", "用户", "养护对象", "失能")
HOUSES = ("webapp", "templates")


@cache
def sentences() -> dict[str, str]:
    """Every Chinese sentence of the source → where it stands first."""
    found: dict[str, str] = {}
    for house in HOUSES:
        for name, line, message, _comments, _context in extract_from_dir(
            str(ROOT / house),
            method_map=[("**.py", "python"), ("**.html", "jinja2")],
            keywords=SAID_BY,
            options_map={"**.html": {"trimmed": "true"}},
        ):
            text = message[0] if isinstance(message, tuple) else message
            if text and CHINESE.search(text):
                found.setdefault(text, f"{house}/{name}:{line}")
    return found


def test_every_sentence_has_english():
    english = {message.id for message in catalogue() if message.id and message.string}
    missing = {text: where for text, where in sentences().items() if text not in english}
    assert missing == {}


def test_no_english_word_is_left_over():
    """A sentence that left the source leaves the catalogue too; sentences kept as data are named here."""
    source = "\n".join(path.read_text() for house in HOUSES for path in _files(house))
    left = [message.id for message in catalogue() if message.id and message.id not in sentences() and message.id not in source]
    assert left == []


def test_english_is_english_and_keeps_the_places_of_the_facts():
    for message in catalogue():
        if message.id:
            assert not CHINESE.search(TYPED.sub("", message.string)), message.id
            assert set(PLACEHOLDER.findall(message.id)) == set(PLACEHOLDER.findall(message.string)), message.id


def test_screens_use_no_office_words():
    wrong = {text: where for text, where in sentences().items() if any(word in text for word in OFFICE_WORDS)}
    assert wrong == {}


@pytest.mark.parametrize("template", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_says_nothing_past_the_catalogue(template):
    """No Chinese outside {{ _() }}: comments aside, what is left after the expressions are taken out is markup."""
    text = re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    assert CHINESE.search(text) is None


def _files(house: str) -> Iterator[Path]:
    for kind in ("*.py", "*.html", "*.json"):
        yield from (ROOT / house).rglob(kind)


def test_every_catalogue_belongs_to_the_one_language_there_is():
    assert {path.name for path in WORDS.iterdir() if path.is_dir() and path.name != "__pycache__"} == {"en"}
