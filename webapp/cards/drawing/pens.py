"""The two pens: pixels and paper. Lengths are millimetres, the origin is the card's left upper corner."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from fpdf import FPDF
from fpdf.enums import TextMode
from PIL import Image, ImageDraw

from webapp.cards.drawing.ink import AMBER, BOLDER, INCH, WHITE
from webapp.cards.drawing.letters import font


class Area(NamedTuple):
    """A place on the card, mm from its left upper corner."""

    x: float
    y: float
    width: float
    height: float


class Pen(Protocol):
    """What the drawing asks of paper or picture; all lengths in mm, the origin is the card's corner."""

    def box(self, area: Area, fill: str, radius: float = 0) -> None: ...

    def text(self, x: float, baseline: float, words: str, size: float, colour: str, bold: bool) -> None: ...

    def picture(self, area: Area, jpeg: bytes) -> None: ...

    def code(self, x: float, y: float, side: float, modules: list[list[bool]]) -> None: ...

    def stamp(self, x: float, baseline: float, words: str, size: float) -> None: ...


class Picture:
    """Draws on pixels."""

    def __init__(self, width: float, height: float, dpi: int) -> None:
        self._dpi = dpi
        self._image = Image.new("RGB", (self._px(width), self._px(height)), WHITE)
        self._draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        out = io.BytesIO()
        self._image.save(out, "PNG", dpi=(self._dpi, self._dpi), compress_level=6)
        return out.getvalue()

    def box(self, area: Area, fill: str, radius: float = 0) -> None:
        left, top, right, bottom = self._edges(area)
        if not radius:
            self._draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=fill)
            return
        smooth = 4
        mask = Image.new("L", ((right - left) * smooth, (bottom - top) * smooth))
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, mask.width - 1, mask.height - 1), radius=radius / INCH * self._dpi * smooth, fill=255
        )
        mask = mask.resize((right - left, bottom - top), Image.Resampling.BOX)
        self._image.paste(fill, (left, top), mask)

    def text(self, x: float, baseline: float, words: str, size: float, colour: str, bold: bool) -> None:
        pixels = size / INCH * self._dpi
        self._draw.text(
            (x / INCH * self._dpi, baseline / INCH * self._dpi),
            words,
            font=font(round(pixels, 1)),
            fill=colour,
            anchor="ls",
            stroke_width=pixels * BOLDER if bold else 0,
            stroke_fill=colour,
        )

    def picture(self, area: Area, jpeg: bytes) -> None:
        left, top, right, bottom = self._edges(area)
        with Image.open(io.BytesIO(jpeg)) as image:
            fitted = image.resize((right - left, bottom - top), Image.Resampling.LANCZOS)
        self._image.paste(fitted, (left, top))

    def code(self, x: float, y: float, side: float, modules: list[list[bool]]) -> None:
        count = len(modules)
        symbol = Image.new("1", (count, count), 1)
        symbol.putdata([0 if dark else 255 for row in modules for dark in row])
        left, top, right, bottom = self._edges(Area(x, y, side, side))
        self._image.paste(symbol.resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top))

    def stamp(self, x: float, baseline: float, words: str, size: float) -> None:
        mask = Image.new("L", self._image.size)
        at = (x / INCH * self._dpi, baseline / INCH * self._dpi)
        ImageDraw.Draw(mask).text(at, words, font=font(round(size / INCH * self._dpi, 1)), fill=46, anchor="ls")
        self._image.paste(AMBER, (0, 0), mask)

    def _edges(self, area: Area) -> tuple[int, int, int, int]:
        return (
            self._px(area.x),
            self._px(area.y),
            self._px(area.x + area.width),
            self._px(area.y + area.height),
        )

    def _px(self, mm: float) -> int:
        return round(mm / INCH * self._dpi)


class Paper:
    """Draws on a PDF page, its origin at (`left`, `top`) mm of the page."""

    def __init__(self, pdf: FPDF, left: float, top: float) -> None:
        self._pdf, self._left, self._top = pdf, left, top

    def box(self, area: Area, fill: str, radius: float = 0) -> None:
        self._pdf.set_fill_color(fill)
        self._pdf.rect(
            self._left + area.x,
            self._top + area.y,
            area.width,
            area.height,
            style="F",
            round_corners=radius > 0,
            corner_radius=radius,
        )

    def text(self, x: float, baseline: float, words: str, size: float, colour: str, bold: bool) -> None:
        pdf = self._pdf
        pdf.set_font("card", size=size * pdf.k)
        pdf.set_text_color(colour)
        if not bold:
            pdf.text(self._left + x, self._top + baseline, words)
            return
        # FPDF.text() writes the line width as points whatever the unit, hence the extra pdf.k.
        stroke = 2 * BOLDER * size * pdf.k
        with pdf.local_context(text_mode=TextMode.FILL_STROKE, draw_color=colour, line_width=stroke):
            pdf.text(self._left + x, self._top + baseline, words)

    def picture(self, area: Area, jpeg: bytes) -> None:
        self._pdf.image(io.BytesIO(jpeg), self._left + area.x, self._top + area.y, area.width, area.height)

    def code(self, x: float, y: float, side: float, modules: list[list[bool]]) -> None:
        self.box(Area(x, y, side, side), WHITE)
        self._pdf.set_fill_color("#000000")
        module = side / len(modules)
        # Rows overlap by a hair: viewers that smooth each box by itself show a white thread between them.
        for row, start, length in _runs(modules):
            self._pdf.rect(
                self._left + x + start * module,
                self._top + y + row * module,
                length * module,
                module * 1.02,
                style="F",
            )

    def stamp(self, x: float, baseline: float, words: str, size: float) -> None:
        pdf = self._pdf
        pdf.set_font("card", size=size * pdf.k)
        pdf.set_text_color(AMBER)
        with pdf.local_context(fill_opacity=0.18):
            pdf.text(self._left + x, self._top + baseline, words)


def _runs(modules: list[list[bool]]) -> Iterator[tuple[int, int, int]]:
    """Row, first column and length of every stretch of dark modules."""
    for row, line in enumerate(modules):
        text = "".join("#" if dark else " " for dark in line)
        for found in re.finditer("#+", text):
            yield row, found.start(), len(found.group())
