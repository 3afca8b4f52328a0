"""The one font of the cards: which letters it has, how wide words are, where lines break."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

from fpdf import FPDF
from fpdf.fonts import TTFFont
from PIL import ImageFont
from pylopdf_fonts_zh_cn import sans_path

_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]")
_WORD = re.compile(r"[A-Za-z0-9@.+'-]+ ?|.[，。、：；！？）》”·・•]?")


def unprintable(text: str) -> str:
    """The letters of `text` that the card font cannot draw, each once, in order; "" if none."""
    missing = (c for c in clean(text) if c != " " and ord(c) not in _letters())
    return "".join(dict.fromkeys(missing))


def shrinking(most: float, least: float) -> Iterator[float]:
    """From `most` down to `least` by a tenth of a millimetre."""
    steps = int((most - least) / 0.1 + 1e-6)
    yield from (most - step * 0.1 for step in range(steps + 1))


def wrap(words: str, ems: float, breaks_at: str = "") -> list[str]:
    """`words` in lines no wider than `ems` type sizes; [] when a single piece is wider.

    Where `breaks_at` occurs it is the only place to break: a name of several parts is not cut inside one.
    """
    if breaks_at and breaks_at in words:
        pieces = [part for part in re.split(f"(?<={breaks_at})", words) if part]
    else:
        pieces = _WORD.findall(words)
    lines = [""]
    for piece in pieces:
        if em(piece.rstrip()) > ems:
            return []
        if em((lines[-1] + piece).rstrip()) > ems:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def clean(words: str) -> str:
    """One line, composed letters, nothing invisible."""
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", words)).split())


def em(words: str) -> float:
    """Width in type sizes."""
    return sum(_advance(letter) for letter in words)


@lru_cache(maxsize=8192)
def _advance(letter: str) -> float:
    return font(1000).getlength(letter) / 1000


@cache
def _letters() -> frozenset[int]:
    """Code points the font has a shape for."""
    pdf = FPDF()
    pdf.add_font("card", fname=str(sans_path()))
    found = pdf.fonts["card"]
    assert isinstance(found, TTFFont)
    return frozenset(found.cmap)


@lru_cache(maxsize=64)
def font(pixels: float) -> ImageFont.FreeTypeFont:
    """Opening the font parses 8 MB, so the sizes in use stay open."""
    return ImageFont.truetype(str(sans_path()), pixels, layout_engine=ImageFont.Layout.BASIC)


def say(made: FPDF, left: float, base: float, words: str, size: float, ink: str, most: float) -> None:
    """Words on a base line, points; smaller when they would be wider than `most` millimetres."""
    made.set_font("card", size=size)
    wide = made.get_string_width(words)
    if wide > most:
        made.set_font("card", size=size * most / wide)
    made.set_text_color(ink)
    made.text(left, base, words)
