"""The browser's borrowed files are the ones we listed, byte for byte, each with its licence."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
LISTED = json.loads((VENDOR / "VENDOR.json").read_text(encoding="utf-8"))
OURS = {"VENDOR.json", "refresh.py"}


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: str(entry["package"]))
def test_a_borrowed_file_is_byte_for_byte_the_listed_one(entry: dict[str, str]) -> None:
    found = hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest()
    assert found == entry["sha256"], f"{entry['file']} was changed; run python static/vendor/refresh.py"


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: str(entry["package"]))
def test_a_borrowed_file_comes_with_its_licence(entry: dict[str, str]) -> None:
    assert len((VENDOR / entry["licence_file"]).read_text(encoding="utf-8")) > 500


def test_nothing_lies_in_the_folder_that_is_not_listed() -> None:
    present = {path.name for path in VENDOR.iterdir() if path.is_file()}
    assert present - OURS == {entry["file"] for entry in LISTED if "/" not in entry["file"]}


def test_every_icon_a_template_names_is_in_the_sprite() -> None:
    sprite = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "static" / "img").glob("icons*.svg"))
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    asked = {
        (path.name, name)
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"""\bicon(?:\(|=)\s*['"]([a-z0-9-]+)['"]""", path.read_text(encoding="utf-8"))
    }
    assert [(page, name) for page, name in sorted(asked) if name not in drawn] == []
