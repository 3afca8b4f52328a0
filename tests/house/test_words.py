"""Every sentence has English, says the same in both, and speaks plainly."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from webapp.web import language

ROOT = Path(__file__).resolve().parents[2]
HAN = re.compile(r"[\u3400-\u9fff]")
SAID = re.compile(r"[\u3001-\u303f\u3400-\u9fff\uff01-\uff1f]")
"""Chinese, or only its commas."""
FACT = re.compile(r"%\((\w+)\)([sd])|%%")
REFUSALS = {"Refusal", "Missing", "Forbidden", "Conflict", "Busy"}
SPEAKS = {"_", "_l", "gettext", "lazy_gettext"}

NOT_SPOKEN = (
    "webapp/sample/",  # made-up people and diaries
    "webapp/people/sheets/",  # words of the clerks' sheets, read and not shown
    "webapp/cards/drawing/",  # the printed card is Chinese
    "webapp/cards/printing.py",
    "webapp/outings/printing.py",  # what is handed around in the street is Chinese
    "webapp/cards/number.py",  # how digits are spoken
    "webapp/people/commands.py",  # for whoever sets the house up
    "webapp/evaluations/commands.py",  # both languages side by side, on a terminal
    "webapp/web/tls.py",  # both languages side by side, on a terminal
)
"""Rooms whose Chinese is not a screen's."""
MATTER = {
    "中文": "a language is called by its own name",
    "一二三四五六日": "weekdays, shown in Chinese only",
    "老人今天不要": "the draft of a diary, in the language diaries are written in",
}
"""Literals that need no English, and why."""


@dataclass(frozen=True)
class Said:
    """A sentence and where it stands."""

    words: str
    where: str


def in_template(source: str, name: str) -> tuple[list[Said], list[Said]]:
    """(sentences that are translated, Chinese that is not) of one template."""
    tree = Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(source)
    spoken: list[Said] = []
    inside: set[int] = set()
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in SPEAKS | {"ngettext"}:
            for const in call.find_all(nodes.Const):
                inside.add(id(const))
            if call.args and isinstance(call.args[0], nodes.Const):
                spoken.append(Said(str(call.args[0].value), f"{name}:{call.lineno}"))
    bare = [Said(str(each.value), f"{name}:{each.lineno}") for each in tree.find_all(nodes.Const) if id(each) not in inside]
    bare += [Said(each.data, f"{name}:{each.lineno}") for each in tree.find_all(nodes.TemplateData)]
    return spoken, [each for each in bare if SAID.search(each.words)]


def in_python(source: str, name: str) -> tuple[list[Said], list[Said]]:
    """(sentences said through gettext or a refusal, other Chinese literals) of one module; docstrings left out."""
    tree = ast.parse(source)
    plates = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)}
    spoken: list[Said] = []
    inside: set[int] = set()
    for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        place = 0 if called in SPEAKS else 1 if called in REFUSALS else None
        if place is not None and len(call.args) > place:  # of two sentences chosen between, both
            for const in ast.walk(call.args[place]):
                if isinstance(const, ast.Constant) and isinstance(const.value, str):
                    inside.add(id(const))
                    spoken.append(Said(const.value, f"{name}:{call.lineno}"))
    other = [
        Said(each.value, f"{name}:{each.lineno}")
        for each in ast.walk(tree)
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in inside | plates
    ]
    return [each for each in spoken if SAID.search(each.words)], [each for each in other if HAN.search(each.words)]


def shipped() -> str:
    """What stands in rooms that are not spoken from here and in the dated settings: labels are translated when shown."""
    rooms = [path for path in (ROOT / "webapp").rglob("*.py") if str(path.relative_to(ROOT)).startswith(NOT_SPOKEN)]
    return "\n".join(path.read_text(encoding="utf-8") for path in [*rooms, *(ROOT / "webapp").rglob("*.json")])


def gathered() -> tuple[list[Said], list[Said], list[Said]]:
    """(spoken, bare in templates, bare in Python) of the whole product."""
    spoken, loose, literal = [], [], []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        said, bare = in_template(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
        spoken += said
        loose += bare
    for path in sorted((ROOT / "webapp").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if not name.startswith(NOT_SPOKEN):
            said, bare = in_python(path.read_text(encoding="utf-8"), name)
            spoken += said
            literal += bare
    return spoken, loose, literal


SPOKEN, LOOSE, LITERAL = gathered()
ENGLISH = {str(message.id): str(message.string) for message in language.catalogue() if message.id}


def listed(said: list[Said]) -> list[str]:
    return sorted({f"{each.where}: {each.words.strip()}" for each in said})


def test_there_is_something_to_translate() -> None:
    assert len(SPOKEN) > 300


def test_every_sentence_has_english() -> None:
    assert listed([each for each in SPOKEN if SAID.search(each.words) and not ENGLISH.get(each.words)]) == []


def test_no_template_says_anything_in_one_language_only() -> None:
    assert listed([each for each in LOOSE if each.words not in MATTER]) == []


def silent(each: Said) -> bool:
    """Whether a literal outside gettext has neither English nor an excuse."""
    return each.words not in ENGLISH and each.words not in MATTER and not _apart(each)


def _apart(each: Said) -> bool:
    """A sign, a unit or a pattern to read by, not a sentence."""
    return bool(re.fullmatch(r"[\u3400-\u9fff、，。：；（）%\d\s]{1,2}", each.words)) or "(?" in each.words


def test_chinese_in_python_is_said_through_gettext_or_has_english() -> None:
    assert listed([each for each in LITERAL if silent(each)]) == []


def facts(words: str) -> set[str]:
    """The facts a sentence names."""
    return {found[0] for found in FACT.findall(words) if found[0]}


def test_both_languages_name_the_same_facts() -> None:
    assert {zh: en for zh, en in ENGLISH.items() if en and facts(zh) != facts(en)} == {}


def test_a_stray_percent_sign_does_not_break_a_sentence() -> None:
    broken = []
    for words in [each for pair in ENGLISH.items() for each in pair]:
        if "%(" in words:
            try:
                words % dict.fromkeys(facts(words), 1)
            except (ValueError, TypeError):
                broken.append(words)
    assert broken == []


def test_no_english_holds_chinese() -> None:
    allowed = re.compile(r"暖巢|中文|[男女]")  # what to write into a Chinese sheet stays Chinese
    assert {zh: en for zh, en in ENGLISH.items() if HAN.search(allowed.sub("", en))} == {}


def test_every_catalogue_belongs_to_the_one_language_there_is() -> None:
    assert {path.name for path in language.WORDS.iterdir() if path.is_dir()} == {"en"}


def test_no_entry_is_empty_or_marked_doubtful() -> None:
    wrong = []
    for path in sorted((language.WORDS / "en").glob("*.po")):
        with path.open("rb") as file:
            wrong += [
                f"{path.name}: {each.id}" for each in read_po(file, locale="en") if each.id and (each.fuzzy or not each.string)
            ]
    assert wrong == []


def test_no_entry_is_left_over() -> None:
    known = {each.words for each in SPOKEN + LITERAL + LOOSE}
    said = shipped().replace('\\"', '"')
    assert sorted(words for words in set(ENGLISH) - known if words not in said) == []


PLAIN_ZH = re.compile(
    r"失败|非法|无效|提交|异常|用户|对象|校验|报错|出错|错误|请求|服务器|数据库|参数|字段|失能者|确认无误|操作成功|保存成功|护理对象"
)
PLAIN_EN = re.compile(
    r"\b(fail(ed|ure)?|invalid|illegal|exception|verification|submit(ted)?|errors?|users?|server|database|null)\b", re.I
)


def test_screens_speak_plain_chinese() -> None:
    spoken = [each for each in SPOKEN if PLAIN_ZH.search(each.words)]
    assert listed(spoken) == []


def test_screens_speak_plain_english() -> None:
    assert {zh: en for zh, en in ENGLISH.items() if PLAIN_EN.search(en)} == {}


def test_chinese_is_punctuated_in_chinese() -> None:
    narrow = re.compile(r"[\u3400-\u9fff][,;:!?]|[,;!?][\u3400-\u9fff]")
    assert listed([each for each in SPOKEN if narrow.search(each.words)]) == []


@pytest.mark.parametrize(
    ("source", "spoken", "bare"),
    [
        ("{{ _('好') }}", 1, 0),
        ("{% trans n=1 %}第{{ n }}个{% endtrans %}", 1, 0),
        ("<p>好</p>", 0, 1),
        ("{{ '好' if x else _('坏') }}", 1, 1),
        ("{# 好 #}{{ x }}", 0, 0),
        ("{{ ui.button(_('好'), name='坏') }}", 1, 1),
    ],
)
def test_planted_words_in_templates_are_found(source: str, spoken: int, bare: int) -> None:
    found = in_template(source, "t")
    assert (len(found[0]), len(found[1])) == (spoken, bare)


def test_planted_words_in_python_are_found() -> None:
    source = '"""门牌"""\nx = _("好")\nraise Refusal("no", "不行" if a else "不好")\ny = "坏"\ndef f():\n    """话"""\n'
    spoken, bare = in_python(source, "m")
    assert [each.words for each in spoken] == ["好", "不行", "不好"]
    assert [each.words for each in bare] == ["坏"]
