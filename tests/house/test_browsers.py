"""Our scripts and css stay within the lowest browsers: Chromium 83, Safari 15.4.

The linters are npm packages pinned in tests/lint; they are fetched once, when missing. No Node at run time.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = ROOT / "tests" / "lint"
SCRIPTS = [ROOT / "static" / "js", ROOT / "sw"]


@pytest.fixture(scope="module")
def linters() -> Path:
    """The folder of the pinned linters' programs."""
    if not shutil.which("npm"):
        pytest.fail("npm is missing: install Node 20 or newer with npm, the linters of tests/lint need it")
    installed, locked = LINT / "node_modules" / ".package-lock.json", LINT / "package-lock.json"
    with locked.open() as turn:  # two test processes must not fetch at once
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < locked.stat().st_mtime:
            command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(command, cwd=LINT, check=True, timeout=280)
    return LINT / "node_modules" / ".bin"


def judged(program: Path, config: str, files: list[Path]) -> str:
    """What a linter has to say about `files`; nothing when all is well."""
    command = [str(program), "--config", str(LINT / config), *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return "" if done.returncode == 0 else done.stdout + done.stderr or f"left with {done.returncode}"


def scripts() -> list[Path]:
    """Every script of ours that a phone runs."""
    return sorted(path for folder in SCRIPTS for path in folder.glob("*.js"))


def test_the_scripts_run_in_the_lowest_browsers(linters: Path) -> None:
    assert scripts()
    assert judged(linters / "eslint", "eslint.config.mjs", scripts()) == ""


def test_the_css_is_understood_by_the_lowest_browsers(linters: Path) -> None:
    assert judged(linters / "stylelint", "stylelint.config.mjs", sorted((ROOT / "static" / "css").glob("*.css"))) == ""


TOO_NEW_SCRIPTS = [
    "a ??= 1",
    "list.at(-1)",
    "text.replaceAll('a', 'b')",
    "structuredClone({})",
    "crypto.randomUUID()",
    "Object.hasOwn({}, 'a')",
    "/(?<=a)b/.test('ab')",
    "class A { #b = 1 }",
    "new Intl.Segmenter('zh')",
    "Promise.any([])",
]
TOO_NEW_CSS = [
    "p:has(b) { color: red; }",
    "p { inset: 0; }",
    "p { aspect-ratio: 1; }",
    "p { b { color: red; } }",
    "p { min-height: 100dvh; }",
    "@layer a { p { color: red; } }",
    "p { display: flex; gap: 8px; }",
    ":is(p, b) { color: red; }",
    "p { accent-color: red; }",
    "p { margin-inline: 0; }",
]


def test_what_is_too_new_is_caught_in_scripts(linters: Path, bench: Path) -> None:
    for number, line in enumerate(TOO_NEW_SCRIPTS):
        script = f"let a, list = [], text = '';\n(() => {{ {line}; return [a, list, text]; }})();\n"
        (bench / f"{number}.js").write_text(script, encoding="utf-8")
    (bench / "fine.js").write_text("(() => { const a = { b: 1 }; return a?.b ?? 2; })();\n", encoding="utf-8")
    caught = flagged(linters / "eslint", "eslint.config.mjs", bench, "filePath", "messages")
    assert [line for number, line in enumerate(TOO_NEW_SCRIPTS) if f"{number}.js" not in caught] == []
    assert "fine.js" not in caught


def test_what_is_too_new_is_caught_in_css(linters: Path, bench: Path) -> None:
    for number, rule in enumerate(TOO_NEW_CSS):
        (bench / f"{number}.css").write_text(rule + "\n", encoding="utf-8")
    (bench / "fine.css").write_text("p { display: grid; grid-gap: 8px; }\n", encoding="utf-8")
    caught = flagged(linters / "stylelint", "stylelint.config.mjs", bench, "source", "warnings")
    assert [rule for number, rule in enumerate(TOO_NEW_CSS) if f"{number}.css" not in caught] == []
    assert "fine.css" not in caught


@pytest.fixture
def bench() -> Iterator[Path]:
    """A folder for planted files; inside tests/lint, since a linter looks at nothing outside its own tree."""
    folder = Path(tempfile.mkdtemp(prefix="planted-", dir=LINT))
    yield folder
    shutil.rmtree(folder)


def flagged(program: Path, config: str, folder: Path, where: str, what: str) -> set[str]:
    """The names of the files of `folder` in which the linter finds something."""
    files = sorted(str(path) for path in folder.iterdir())
    form = "--format" if program.name == "eslint" else "--formatter"
    command = [str(program), "--config", str(LINT / config), form, "json", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    found = json.loads(done.stdout or done.stderr)
    return {Path(each[where]).name for each in found if each[what]}
