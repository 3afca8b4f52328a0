"""Fetch the browser's files from npm, unmodified, and write the list that proves them.

    python static/vendor/refresh.py

Wants `npm` on the path. Rewrites this folder's files, `licences/`, `VENDOR.json` and the icon
sprites `static/img/icons*.svg`. To move to a newer version, change a pin below and run it again.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parent / "img"


@dataclass(frozen=True)
class Taken:
    """One file taken out of one npm package: where it lies there, what it is called here."""

    package: str
    version: str
    licence: str
    source: str
    file: str


TAKEN = (
    Taken("htmx.org", "2.0.11", "0BSD", "dist/htmx.min.js", "htmx.min.js"),
    Taken("htmx-ext-sse", "2.2.4", "0BSD", "dist/sse.min.js", "sse.js"),
    Taken("idiomorph", "0.8.0", "0BSD", "dist/idiomorph-ext.min.js", "idiomorph-ext.min.js"),
    Taken("idb", "8.0.4", "ISC", "build/umd.js", "idb.umd.js"),
    Taken("barcode-detector", "3.2.2", "MIT", "dist/iife/ponyfill.js", "ponyfill.js"),
    # The wasm of the version barcode-detector itself depends on: another version's file does not load.
    Taken("zxing-wasm", "3.1.3", "MIT AND Apache-2.0", "dist/reader/zxing_reader.wasm", "zxing_reader.wasm"),
)
ICONS = Taken("lucide-static", "1.62.0", "ISC", "icons", "../img/icons.svg")
MORE = replace(ICONS, file="../img/icons-more.svg")

# What a caregiver's front page shows: one small sheet; the rest comes with the pages that need it.
FRONT = [
    "activity",
    "alert-triangle",
    "calendar",
    "check",
    "check-circle",
    "chevron-right",
    "door-open",
    "home",
    "info",
    "keyboard",
    "languages",
    "lock",
    "notebook-text",
    "refresh-cw",
    "save",
    "scan-line",
    "send",
    "smartphone",
    "undo",
    "user",
    "wallet",
    "wifi-off",
    "x",
]

# Our word for the sign -> its name at lucide. Only what a screen uses or plainly will.
SIGNS = {
    "home": "house", "scan-line": "scan-line", "book": "notebook-text",
    "notebook-text": "notebook-text", "notebook": "notebook-pen",
    "user": "user", "users": "users", "phone": "phone", "camera": "camera",
    "flashlight": "flashlight", "flashlight-off": "flashlight-off", "check": "check",
    "check-circle": "circle-check", "x": "x", "plus": "plus", "minus": "minus",
    "chevron-right": "chevron-right", "chevron-left": "chevron-left", "chevron-down": "chevron-down",
    "arrow-left": "arrow-left", "more": "ellipsis", "alert-triangle": "triangle-alert", "info": "info",
    "help": "circle-question-mark", "clock": "clock", "hourglass": "hourglass", "history": "history",
    "map-pin": "map-pin", "navigation": "navigation", "wifi-off": "wifi-off", "wallet": "wallet",
    "banknote": "banknote", "coins": "coins", "receipt": "receipt-text", "cooking-pot": "cooking-pot",
    "utensils": "utensils", "broom": "brush-cleaning", "shopping-bag": "shopping-bag",
    "message-circle": "message-circle", "message-square": "message-square", "bath": "bath",
    "bed": "bed", "shirt": "shirt", "scissors": "scissors", "wrench": "wrench",
    "heart-pulse": "heart-pulse", "pill": "pill", "activity": "activity", "thermometer": "thermometer",
    "droplet": "droplet", "footprints": "footprints", "stethoscope": "stethoscope",
    "hand-heart": "hand-heart", "hand-helping": "hand-helping", "siren": "siren", "ambulance": "ambulance",
    "keyboard": "keyboard", "backspace": "delete", "mic": "mic", "volume-2": "volume-2",
    "type": "type", "languages": "languages",
    "printer": "printer", "download": "download", "upload": "upload", "copy": "copy", "search": "search",
    "filter": "funnel", "list": "list", "log-out": "log-out", "door-open": "door-open",
    "settings": "settings", "qr-code": "qr-code", "id-card": "id-card", "bell": "bell",
    "megaphone": "megaphone", "calendar": "calendar-days", "undo": "undo-2", "refresh-cw": "refresh-cw",
    "image": "image", "lock": "lock", "unlock": "lock-open", "shield-check": "shield-check",
    "eye": "eye", "eye-off": "eye-off", "smartphone": "smartphone", "edit": "pencil", "send": "send",
    "star": "star", "thumbs-up": "thumbs-up", "file-text": "file-text",
    "clipboard-check": "clipboard-check", "clipboard-list": "clipboard-list", "chart": "chart-column",
    "graduation-cap": "graduation-cap", "building": "building-2", "external-link": "external-link",
    "save": "save", "ban": "ban", "smile": "smile", "meh": "meh", "frown": "frown",
}  # fmt: skip


def main() -> None:
    """Fetch, copy, list. Leaves nothing behind but the files it names."""
    with tempfile.TemporaryDirectory() as folder:
        modules = fetch(Path(folder))
        entries = [take(modules, one) for one in TAKEN]
        entries += [draw_sprite(modules, ICONS, front=True), draw_sprite(modules, MORE, front=False)]
    text = json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
    (HERE / "VENDOR.json").write_text(text, encoding="utf-8")
    for each in entries:
        sys.stdout.write(f"{each['sha256'][:12]}  {each['file']}  {each['package']} {each['version']}\n")


def fetch(folder: Path) -> Path:
    """npm's `node_modules` with the pinned packages; no install script of theirs is run."""
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    pins = [f"{one.package}@{one.version}" for one in (*TAKEN, ICONS)]
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *pins]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "node_modules"


def take(modules: Path, one: Taken) -> dict[str, str]:
    """Copy one file byte for byte, with its licence, and say what it is."""
    package = where(modules, one)
    shutil.copyfile(package / one.source, HERE / one.file)
    return entry(package, one, HERE / one.file)


def where(modules: Path, one: Taken) -> Path:
    """The package's folder; refuses a version other than the pinned one."""
    nested = modules / "barcode-detector" / "node_modules" / one.package
    package = nested if nested.exists() else modules / one.package
    found = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    if found != one.version:
        raise SystemExit(f"{one.package}: pinned {one.version}, npm brought {found}")
    return package


def entry(package: Path, one: Taken, target: Path) -> dict[str, str]:
    """One line of VENDOR.json; copies the licence text on the way."""
    licence = f"licences/{one.package}.txt"
    shutil.copyfile(package / "LICENSE", HERE / licence)
    return {
        "package": one.package,
        "version": one.version,
        "licence": one.licence,
        "licence_file": licence,
        "file": one.file,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }


def draw_sprite(modules: Path, sheet: Taken, front: bool) -> dict[str, str]:
    """Write a sheet: one <symbol> for each of SIGNS that belongs to it, lines untouched."""
    package, target = where(modules, sheet), HERE / sheet.file
    chosen = {word: name for word, name in SIGNS.items() if (word in FRONT) == front}
    symbols = [symbol(word, (package / "icons" / f"{name}.svg").read_text(encoding="utf-8")) for word, name in chosen.items()]
    head = '<svg xmlns="http://www.w3.org/2000/svg">\n<!-- Lines by Lucide, ISC: see vendor/licences -->\n'
    target.write_text(head + "\n".join(symbols) + "\n</svg>\n", encoding="utf-8")
    return entry(package, sheet, target)


def symbol(word: str, svg: str) -> str:
    """A whole lucide drawing as a <symbol> that takes the text's colour."""
    inside = re.sub(r"\s+", " ", svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]).strip()
    inside = inside.replace(" />", "/>").replace("> <", "><")
    line = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    return f'<symbol id="{word}" viewBox="0 0 24 24" {line}>{inside}</symbol>'


if __name__ == "__main__":
    main()
