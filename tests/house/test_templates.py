"""Templates compile, carry no code of their own, and trust nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "templates"
TEMPLATES = sorted(ROOT.rglob("*.html"))
FORBIDDEN = {
    "an inline script": r"<script(?![^>]*\bsrc=)[^>]*>",
    "an inline style": r"\sstyle=|<style",
    "an inline handler": r"\son[a-z]+=[\"']",
    "htmx code": r"hx-on|hx-vals=['\"]js:|hx-headers=['\"]js:|hx-vars",
    "a filter in a trigger": r"hx-trigger=\"[^\"]*\[[^\"]*\"",
    "text trusted as markup": r"\|\s*safe\b(?!\s*\}\}\s*\{%-?\s*endmacro)",
    "another host": r"(?:src|href)=\"(?:https?:)?//",
    "a picture without words": r"<img(?![^>]*\balt=)[^>]*>",
}
TRUSTED = {"ui.html": "'</a>'|safe and '</button>'|safe: constants of the macro itself"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_carries_no_code_of_its_own(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    found = [name for name, pattern in FORBIDDEN.items() if re.search(pattern, text)]
    if path.name in TRUSTED:
        found = [name for name in found if name != "text trusted as markup"]
    assert found == []


def test_every_template_compiles(app):
    for path in TEMPLATES:
        app.jinja_env.get_template(str(path.relative_to(ROOT)))


def test_the_shell_takes_no_name_of_a_page():
    """What a shell sets would stand before the fact of that name a page was given."""
    shells = [path for path in TEMPLATES if "{% block main %}{% endblock %}" in path.read_text()]
    taken = {name for path in shells for name in re.findall(r"\{%-?\s*set\s+(\w+)", path.read_text())}
    assert shells
    assert {name for name in taken if not name.startswith("shell_")} == set()


def test_every_template_is_used():
    sources = "\n".join(each.read_text() for kind in ("webapp/**/*.py", "templates/**/*.html") for each in ROOT.parent.glob(kind))
    names = {str(path.relative_to(ROOT)) for path in TEMPLATES}
    built = {name for name in names if name.startswith("errors/") or re.sub(r"[^/]+$", "", name) == "errors/"}
    unused = {name for name in names - built if f'"{name}"' not in sources and f"'{name}'" not in sources}
    assert unused == set()


@pytest.mark.parametrize(
    "bad",
    [
        "<script>x()</script>",
        '<p style="color:red">',
        '<button onclick="x()">',
        '<div hx-on:click="x()">',
        '<div hx-trigger="click[ctrlKey]">',
        "{{ words|safe }}",
        '<a href="https://example.org">',
        '<img src="/a.png">',
    ],
)
def test_the_rules_bite(bad):
    assert any(re.search(pattern, bad) for pattern in FORBIDDEN.values())
