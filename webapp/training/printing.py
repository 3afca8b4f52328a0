"""The certificate on paper (A4 across). Knows no database and no request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fpdf import FPDF
from pylopdf_fonts_zh_cn import sans_path

from webapp.kit import clock
from webapp.kit.words import _, in_chinese


@dataclass(frozen=True)
class Paper:
    """One certificate: what stands on it, ready to read."""

    name: str
    course: str
    station: str
    number: str
    passed: str
    until: str
    issuer: str


def certificates_pdf(papers: Sequence[Paper]) -> bytes:
    """The certificates, one to a page."""
    pdf = FPDF(orientation="landscape", unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margins(30, 26, 30)
    pdf.add_font("sheet", fname=str(sans_path()))
    pdf.set_lang("zh-CN")
    pdf.set_creation_date(clock.now())
    with in_chinese():
        pdf.set_title(_("培训合格证"))
        for paper in papers:
            _page(pdf, paper)
    return bytes(pdf.output())


def _page(pdf: FPDF, paper: Paper) -> None:
    pdf.add_page()
    pdf.set_draw_color(16, 94, 72)
    pdf.set_line_width(0.8)
    pdf.rect(14, 14, 269, 182)
    pdf.set_text_color(29, 27, 24)
    pdf.set_font("sheet", size=34)
    pdf.cell(0, 24, _("培训合格证"), align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("sheet", size=12)
    pdf.cell(0, 10, _("编号 %(number)s", number=paper.number), align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(10)
    pdf.set_font("sheet", size=18)
    said = _(
        "%(name)s（%(station)s）参加“%(course)s”培训，考核合格。", name=paper.name, station=paper.station, course=paper.course
    )
    pdf.multi_cell(0, 12, said, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    for line in (_("合格日期：%(day)s", day=paper.passed), _("有效期到：%(day)s", day=paper.until)):
        pdf.cell(0, 11, line, new_x="LMARGIN", new_y="NEXT")
    pdf.set_y(158)
    pdf.cell(0, 11, _("%(who)s（盖章）", who=paper.issuer), align="R", new_x="LMARGIN", new_y="NEXT")
