"""The week on the fridge door: one A4 sheet a household in huge type. Who comes, when, her face, one number to ring.

Pure: it knows no database and no request. It hangs in a Chinese home: the words are drawn under `words.in_chinese()`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from fpdf import FPDF
from PIL import Image, ImageOps
from pylopdf_fonts_zh_cn import sans_path

from webapp.cards.drawing.letters import clean, say
from webapp.kit import clock, show
from webapp.kit.words import _

INK, SOFT, PINE, TINT, LINE = "#1d1b18", "#5c564d", "#0f5b46", "#e3f0ea", "#e6dfd3"
LEFT, RIGHT, TOP, ROW = 14.0, 196.0, 62.0, 25.5
"""Millimetres: the margins, where the days begin, and how high a day is."""
FACE_DPI = 200


@dataclass(frozen=True)
class Coming:
    """One visit: minutes after midnight, and who comes; several names when two come together. faces: pictures or None."""

    start_min: int
    end_min: int
    names: tuple[str, ...]
    faces: tuple[bytes | None, ...]


@dataclass(frozen=True)
class Day:
    """One day: the visits, else why nobody comes (empty: nobody is to come). holiday: 元旦, 调休上班."""

    day: date
    visits: Sequence[Coming]
    words: str = ""
    holiday: str = ""


@dataclass(frozen=True)
class Sheet:
    """One household's week; phone: the one number to ring."""

    home: str
    days: Sequence[Day]
    station: str
    phone: str
    sample: bool = False


def pdf(sheets: Iterable[Sheet]) -> bytes:
    """All sheets, a page each. No sheet at all is a ValueError."""
    made = FPDF(orientation="portrait", unit="mm", format="A4")
    made.set_auto_page_break(False)
    made.set_margin(0)
    made.add_font("card", fname=str(sans_path()))
    made.set_lang("zh-CN")
    made.set_title(_("谁来、几点来"))
    made.set_creation_date(clock.now())
    for sheet in sheets:
        made.add_page()
        _page(made, sheet)
    if not made.pages:
        raise ValueError("no sheets to print")
    return bytes(made.output())


def _page(made: FPDF, sheet: Sheet) -> None:
    say(made, LEFT, 31, clean(sheet.home), 44, INK, RIGHT - LEFT)
    span = f"{show.day(sheet.days[0].day)}–{show.day(sheet.days[-1].day)}"
    say(made, LEFT, 46, _("%(span)s 谁来、几点来", span=span), 24, SOFT, RIGHT - LEFT)
    for n, day in enumerate(sheet.days):
        _day(made, TOP + n * ROW, day)
    _number(made, sheet)


def _day(made: FPDF, top: float, day: Day) -> None:
    made.set_draw_color(LINE)
    made.set_line_width(0.3)
    made.line(LEFT, top, RIGHT, top)
    say(made, LEFT, top + 12, str(show.WEEKDAYS[day.day.weekday()]), 30, INK, 27)
    say(made, LEFT, top + 20.5, " ".join(filter(None, (show.day(day.day), day.holiday))), 14, SOFT, 31)
    if not day.visits:
        say(made, 48, top + 16, day.words or _("不来"), 28, SOFT, RIGHT - 48)
        return
    high = min(ROW, (ROW - 1) / len(day.visits))
    for n, visit in enumerate(day.visits):
        _visit(made, top + n * high, high, visit)


def _visit(made: FPDF, top: float, high: float, visit: Coming) -> None:
    """One line: the hour, then each face and name; smaller where a day has several."""
    size, middle = min(34.0, high * 1.5), top + high / 2
    base = middle + size * 0.125
    say(made, 48, base, show.minute(visit.start_min), size, PINE, 38)
    after = 49.5 + made.get_string_width(show.minute(visit.start_min))
    say(made, after, base, f"–{show.minute(visit.end_min)}", size * 0.55, SOFT, 102 - after)
    wide = (RIGHT - 104) / max(len(visit.names), 1)
    for n, (name, face) in enumerate(zip(visit.names, visit.faces, strict=True)):
        left, edge = 104 + n * wide, min(20.0, high - 2)
        if name:
            _face(made, left, middle - edge / 2, edge, name, face)
            say(made, left + edge + 3, base, clean(name), min(28.0, size), INK, wide - edge - 5)
        else:
            say(made, left, base, _("还没定谁来"), min(22.0, size), SOFT, wide)


def _face(made: FPDF, left: float, top: float, edge: float, name: str, face: bytes | None) -> None:
    """The portrait cut square, or the first letter of the name."""
    cut = _cut(face, edge) if face else None
    if cut is not None:
        made.image(io.BytesIO(cut), left, top, edge, edge)
        return
    made.set_fill_color(TINT)
    made.rect(left, top, edge, edge, style="F", round_corners=True, corner_radius=edge / 6)
    made.set_font("card", size=edge * 1.7)
    made.set_text_color(PINE)
    letter = clean(name)[:1]
    made.text(left + (edge - made.get_string_width(letter)) / 2, top + edge * 0.73, letter)


def _cut(face: bytes, edge: float) -> bytes | None:
    size = round(edge / 25.4 * FACE_DPI)
    try:
        with Image.open(io.BytesIO(face), formats=("JPEG", "PNG", "WEBP")) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None  # a sheet without a face is better than none
    out = io.BytesIO()
    ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS, centering=(0.5, 0.35)).save(out, "JPEG", quality=88)
    return out.getvalue()


def _number(made: FPDF, sheet: Sheet) -> None:
    """Below: the one number, as large as the sheet allows."""
    top = TOP + 7 * ROW
    made.set_fill_color(TINT)
    made.rect(LEFT, top + 3, RIGHT - LEFT, 38, style="F", round_corners=True, corner_radius=4)
    say(made, LEFT + 6, top + 14, _("有事打这个电话"), 20, INK, RIGHT - LEFT - 12)
    say(made, LEFT + 6, top + 34, sheet.phone, 54, PINE, RIGHT - LEFT - 12)
    printed = _("%(station)s · %(day)s 印", station=sheet.station, day=show.day(clock.today()))
    say(made, LEFT, top + 50, (_("虚构数据，只作演示") + " · " if sheet.sample else "") + printed, 11, SOFT, RIGHT - LEFT)
