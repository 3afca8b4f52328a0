"""The checklist on paper in large type, to be ticked by hand and typed in afterwards by somebody not of that station. Pure;
drawn in Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fpdf import FPDF
from pylopdf_fonts_zh_cn import sans_path

from webapp.inspections import words
from webapp.kit import clock
from webapp.kit.words import _, in_chinese

INK, SOFT, LINE = (29, 27, 24), (92, 86, 77), (160, 152, 140)
BLANK = "________________"


@dataclass(frozen=True)
class Paper:
    """One checklist. groups: (group, its items) as on the page."""

    title: str
    where: str
    groups: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]


def checklist_pdf(paper: Paper) -> bytes:
    """The checklist, as many pages as it needs; no item is torn in two."""
    pdf = FPDF(orientation="portrait", unit="mm", format="A4")
    pdf.set_auto_page_break(True, 16)
    pdf.set_margins(16, 16, 16)
    pdf.add_font("sheet", fname=str(sans_path()))
    pdf.set_lang("zh-CN")
    pdf.set_creation_date(clock.now())
    pdf.set_draw_color(*LINE)
    with in_chinese():
        pdf.set_title(paper.title)
        pdf.add_page()
        _says(pdf, 24, f"{paper.title}　{paper.where}")
        _says(pdf, 15, _("日期：%(blank)s　监督员：%(blank)s、%(blank)s", blank=BLANK[:12]))
        for group, items in paper.groups:
            pdf.ln(3)
            if pdf.will_page_break(34):  # a heading never stands alone at the foot
                pdf.add_page()
            _says(pdf, 18, words.name(group))
            if group["code"] == "opinion":
                _says(pdf, 15, "□ " + _("单独和老人谈过，养护员不在场"))
            for item in items:
                _item(pdf, item)
        pdf.ln(3)
        for title in (_("看到了什么："), _("建议：")):
            _says(pdf, 16, title + BLANK * 2)
            _says(pdf, 16, BLANK * 3)
        _says(pdf, 14, _("老人或家属：%(blank)s　　监督员：%(blank)s", blank=BLANK))
        _says(pdf, 12, _("由不是这个站的人录进系统"), soft=True)
    return bytes(pdf.output())


def _item(pdf: FPDF, item: Mapping[str, Any]) -> None:
    if pdf.will_page_break(20):
        pdf.add_page()
    pdf.line(pdf.l_margin, pdf.get_y(), pdf.w - pdf.r_margin, pdf.get_y())
    _says(pdf, 16, f"{item['code']}　{words.name(item)}")
    kind = item["answer"]
    if kind == "yes_no_na":
        told = "　　".join(f"□ {said}" for _code, said in words.answers(item))
    elif kind == "stars":
        told = "　".join(f"□ {n}" for n in range(1, 6)) + "　" + _("星")
    else:
        told = BLANK + (" " + _("元") if kind == "amount_diff" else " %" if kind == "percent" else BLANK)
    _says(pdf, 16, told)


def _says(pdf: FPDF, size: int, text: str, *, soft: bool = False) -> None:
    pdf.set_font("sheet", size=size)
    pdf.set_text_color(*(SOFT if soft else INK))
    pdf.multi_cell(0, size * 0.56, text, new_x="LMARGIN", new_y="NEXT")
