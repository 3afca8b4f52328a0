"""A day on paper: for each planned visit half an A4 sheet to be filled in by hand when telephones or the house are down, and
written down from afterwards (补录). Pure: no database and no request; drawn in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fpdf import FPDF
from pylopdf_fonts_zh_cn import sans_path

from webapp.kit import clock, show
from webapp.kit.words import _

INK, SOFT, LINE = (29, 27, 24), (92, 86, 77), (160, 152, 140)
LEFT, RIGHT, HALF = 14.0, 196.0, 148.5
HOUR, LONG = "____ : ____", "________________________"


@dataclass(frozen=True)
class Visit:
    """One planned visit; everything empty for a sheet without a name. minutes after midnight."""

    home: str = ""
    number: str = ""
    caregiver: str = ""
    start_min: int | None = None
    items: Sequence[str] = ()


def pdf(station: str, day: date, visits: Sequence[Visit]) -> bytes:
    """Two visits to a page, in their order."""
    made = FPDF(orientation="portrait", unit="mm", format="A4")
    made.set_auto_page_break(False)
    made.set_margin(0)
    made.add_font("sheet", fname=str(sans_path()))
    made.set_lang("zh-CN")
    made.set_title(_("上门记录单"))
    made.set_creation_date(clock.now())
    made.set_draw_color(*LINE)
    made.set_line_width(0.2)
    for n, visit in enumerate(visits):
        if n % 2 == 0:
            made.add_page()
        _sheet(made, (n % 2) * HALF, station, day, visit)
    return bytes(made.output())


def _sheet(made: FPDF, top: float, station: str, day: date, visit: Visit) -> None:
    if top:
        made.set_dash_pattern(dash=2, gap=2)
        made.line(LEFT, top, RIGHT, top)
        made.set_dash_pattern()
    planned = show.minute(visit.start_min) if visit.start_min is not None else HOUR
    _say(made, top + 12, 16, _("上门记录单"))
    _say(made, top + 12, 10, f"{station}　{show.day(day, weekday=True)}", at=60, soft=True)
    _say(made, top + 21, 13, f"{visit.home or LONG}　{visit.number}")
    who = visit.caregiver or LONG
    _say(made, top + 29, 11, _("养护员：%(name)s　　排的时间：%(time)s", name=who, time=planned))
    _say(made, top + 38, 12, _("到：%(hour)s　　走：%(hour)s　　老人不在家 □　没人应 □", hour=HOUR))
    items = "　".join(f"□ {each}" for each in visit.items) or "□ ____________　□ ____________　□ ____________"
    y = _wrapped(made, top + 43, 11, _("做了什么：") + items)
    _say(made, y + 6, 11, _("心情：□好 □一般 □不好　吃饭：□好 □一般 □没吃　高压 ____ 低压 ____ 脉搏 ____ 体温 ____"))
    _say(made, y + 14, 11, _("日记："))
    for n in range(3):
        made.line(LEFT + (14 if n == 0 else 0), y + 15 + n * 8, RIGHT, y + 15 + n * 8)
    _money(made, y + 37)
    _say(made, top + 136, 11, _("老人或家属签字：______________　　养护员签字：______________"))
    _say(made, top + 143, 9, _("当天交到站里，站长照这张补录到系统；票贴在背面"), soft=True)


def _money(made: FPDF, y: float) -> None:
    """Four lines of what was spent."""
    widths = (90.0, 32.0, 30.0, 30.0)
    made.set_xy(LEFT, y)
    made.set_font("sheet", size=10)
    for row in range(5):
        made.set_x(LEFT)
        heads = (_("花钱：买了什么"), _("多少钱（元）"), _("有票 □"), _("老人看过 □"))
        for width, text in zip(widths, heads if row == 0 else ("", "", "□", "□"), strict=True):
            made.cell(width, 6.5, text, border=1, align="L" if width == widths[0] else "C")
        made.ln(6.5)


def _say(made: FPDF, y: float, size: float, text: str, *, at: float = LEFT, soft: bool = False) -> None:
    made.set_font("sheet", size=size)
    made.set_text_color(*(SOFT if soft else INK))
    while text and made.get_string_width(text) > RIGHT - at:
        text = text.rstrip("…")[:-1] + "…"
    made.text(at, y, text)


def _wrapped(made: FPDF, y: float, size: float, text: str) -> float:
    """Where the text ends; three lines at most keep the sheet in its half."""
    made.set_font("sheet", size=size)
    made.set_text_color(*INK)
    made.set_xy(LEFT, y)
    lines: Any = made.multi_cell(RIGHT - LEFT, 6.5, text, dry_run=True, output="LINES")
    for line in lines[:3]:
        made.set_x(LEFT)
        made.cell(RIGHT - LEFT, 6.5, line, new_x="LMARGIN", new_y="NEXT")
    return float(made.get_y())
