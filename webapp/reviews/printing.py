"""The quarterly review on paper (A4): points, voices, minutes, outcome, places to sign. Knows no database and no request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from fpdf import FPDF
from pylopdf_fonts_zh_cn import sans_path

from webapp.kit import clock, show
from webapp.kit.words import _, in_chinese

INK, SOFT, LINE = (29, 27, 24), (92, 86, 77), (160, 152, 140)
BLANK = "________________________________________________"


class Held(Protocol):
    """What a meeting left."""

    held_on: date | None
    present: str
    minutes: str
    outcome_words: str
    follow_up: date | None


@dataclass(frozen=True)
class Paper:
    """One review. rows: as on the page; voices: (who, name, stars, would keep her, words)."""

    quarter: str
    name: str
    station: str
    rows: Sequence[dict[str, Any]]
    total: int | None
    grade: str
    voices: Sequence[tuple[str, str, int, str, str]]
    held: Held
    outcome: str


def review_pdf(paper: Paper) -> bytes:
    """The form, as many pages as it needs."""
    pdf = FPDF(orientation="portrait", unit="mm", format="A4")
    pdf.set_auto_page_break(True, 18)
    pdf.set_margins(18, 16, 18)
    pdf.add_font("sheet", fname=str(sans_path()))
    pdf.set_lang("zh-CN")
    pdf.set_creation_date(clock.now())
    pdf.set_draw_color(*LINE)
    pdf.set_line_width(0.2)
    pdf.set_text_color(*INK)
    with in_chinese():
        pdf.set_title(_("养护员季评议表"))
        pdf.add_page()
        _top(pdf, paper)
        _points(pdf, paper)
        _voices(pdf, paper)
        _meeting(pdf, paper)
    return bytes(pdf.output())


def _top(pdf: FPDF, paper: Paper) -> None:
    pdf.set_font("sheet", size=18)
    pdf.cell(0, 12, _("养护员季评议表"), align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("sheet", size=11)
    pdf.cell(0, 9, f"{paper.quarter}　{paper.station}　{paper.name}", align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)


def _points(pdf: FPDF, paper: Paper) -> None:
    pdf.set_font("sheet", size=10)
    for row in paper.rows:
        got = "—" if row["points"] is None else f"{row['points'] // 10}.{row['points'] % 10}"
        for width, text in ((58, row["name"]), (26, f"{got} / {row['weight']}"), (90, row["why"])):
            pdf.cell(width, 8, text, border=1)
        pdf.ln()
    total = "—" if paper.total is None else f"{paper.total // 10}.{paper.total % 10}"
    for width, text in ((58, _("总分")), (26, total), (90, paper.grade)):
        pdf.cell(width, 8, text, border=1)
    pdf.ln(12)


def _voices(pdf: FPDF, paper: Paper) -> None:
    _title(pdf, _("老人、家属和大家怎么说"))
    for who, name, stars, keep, words in paper.voices:
        told = _("、").join(part for part in (f"{'★' * stars}{'☆' * (5 - stars)}", keep, words) if part)
        _says(pdf, f"{who}　{name}　{told}")
    for _n in range(max(0, 4 - len(paper.voices))):
        _says(pdf, BLANK + BLANK[:30])
    pdf.ln(3)


def _meeting(pdf: FPDF, paper: Paper) -> None:
    held = paper.held
    _title(pdf, _("评议会"))
    _says(pdf, f"{_('日期')}：{show.day(held.held_on, year=True) if held.held_on else BLANK[:20]}")
    _says(pdf, f"{_('到会的人')}：{held.present or BLANK}")
    _says(pdf, f"{_('会议记录')}：{held.minutes or BLANK}")
    _says(pdf, f"{_('结果')}：{paper.outcome or BLANK[:20]}　{held.outcome_words}")
    _says(pdf, f"{_('哪天再看')}：{show.day(held.follow_up, year=True) if held.follow_up else BLANK[:20]}")
    pdf.ln(6)
    for who in (_("养护员（看过）"), _("站长"), _("老人或家属"), _("街道")):
        pdf.cell(0, 11, f"{who}：____________________    {_('日期')}：________________", new_x="LMARGIN", new_y="NEXT")


def _title(pdf: FPDF, text: str) -> None:
    pdf.set_font("sheet", size=12)
    pdf.cell(0, 9, text, new_x="LMARGIN", new_y="NEXT")


def _says(pdf: FPDF, text: str) -> None:
    pdf.set_font("sheet", size=10)
    pdf.multi_cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")
