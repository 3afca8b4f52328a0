"""A template's class names are words of the look: a class no sheet knows is a slip or a leftover."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHEETS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "static" / "css").glob("*.css"))
KNOWN = set(re.findall(r"\.([a-z][a-z0-9-]*)", SHEETS))
JINJA = re.compile(r"\{[{%#].*?[}%#]\}", re.S)


def named(template: str) -> set[str]:
    """The plain class names in `template`; what Jinja puts together is left out."""
    whole = re.findall(r'class="((?:[^"{]|\{[{%].*?[}%]\})*)"', template, re.S)
    words = {word for value in whole for word in JINJA.sub(" \0 ", value).split()}
    return {word for word in words if re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", word)}


def test_every_class_in_a_template_is_in_a_sheet() -> None:
    pages = sorted((ROOT / "templates").rglob("*.html"))
    strangers = {(page.name, name) for page in pages for name in named(page.read_text(encoding="utf-8")) - KNOWN}
    assert strangers == set()


def test_a_misspelt_class_is_noticed() -> None:
    assert named('<p class="card {{ tone }} crad{% if a %} next{% endif %}">') - KNOWN == {"crad"}
