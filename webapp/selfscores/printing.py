"""The self-scoring form on paper (A4): item, full marks, own and checked score, proof, places to sign. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fpdf import FPDF
from pylopdf_fonts_zh_cn import sans_path

from webapp.kit import clock
from webapp.kit.words import _, in_chinese

INK, LINE = (29, 27, 24), (160, 152, 140)
WIDTHS = (12, 62, 16, 16, 16, 52)


@dataclass(frozen=True)
class Paper:
    """One form. lines: (item, full marks, own, checked, proof and reason), blank where nothing is written yet."""

    title: str
    unit: str
    year: int
    lines: Sequence[tuple[str, str, str, str, str]]
    total: tuple[str, str, str]


def form_pdf(paper: Paper) -> bytes:
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
        pdf.set_title(paper.title)
        pdf.add_page()
        pdf.set_font("sheet", size=18)
        pdf.cell(0, 12, paper.title, align="C", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("sheet", size=11)
        pdf.cell(0, 9, f"{paper.unit}　{_('%(year)s年', year=paper.year)}", align="C", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2)
        pdf.set_font("sheet", size=10)
        with pdf.table(col_widths=WIDTHS, text_align=("CENTER", "LEFT", "CENTER", "CENTER", "CENTER", "LEFT"), line_height=6,
                       padding=1, first_row_as_headings=False) as table:  # fmt: skip
            table.row((_("序"), _("项目"), _("满分"), _("自评"), _("核定"), _("凭什么")))
            for n, line in enumerate(paper.lines, 1):
                table.row((str(n), *line))
            table.row(("", _("合计"), *paper.total, ""))
        pdf.ln(6)
        pdf.set_font("sheet", size=11)
        for who in (_("自评单位（盖章）"), _("核定单位（盖章）")):
            pdf.cell(0, 12, f"{who}：____________________    {_('日期')}：________________", new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())
