"""Paper: the evaluation form (A4, signatures), a station's bound month and its table. Asks no database and no request."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import xlsxwriter
from fpdf import FPDF
from pylopdf_fonts_zh_cn import sans_path

from webapp.evaluations.binding import Bound, Home
from webapp.kit import clock, money, show
from webapp.kit.month import Month
from webapp.kit.words import _, in_chinese

__all__ = ["Paper", "bound_pdf", "forms_pdf", "in_chinese", "month_xlsx"]
INK, SOFT, LINE = (29, 27, 24), (92, 86, 77), (160, 152, 140)


@dataclass(frozen=True)
class Paper:
    """One form. lines: (code, name, points in tenths, weight, what stands behind it). objections: (words, reply, upheld)."""

    month: Month
    name: str
    station: str
    lines: Sequence[tuple[str, str, int | None, int, str]]
    total: int | None
    grade: str
    words: str
    objections: Sequence[tuple[str, str, bool | None]]
    reviewed: bool


def forms_pdf(papers: Sequence[Paper]) -> bytes:
    """The forms, one to a page, with page numbers and places to sign."""
    pdf = FPDF(orientation="portrait", unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margins(18, 16, 18)
    pdf.add_font("sheet", fname=str(sans_path()))
    pdf.set_lang("zh-CN")
    pdf.set_creation_date(clock.now())
    with in_chinese():
        pdf.set_title(_("养护员月考核表"))
        for n, paper in enumerate(papers, 1):
            _form(pdf, paper, n, len(papers))
    return bytes(pdf.output())


def _form(pdf: FPDF, paper: Paper, page: int, pages: int, *, footed: bool = False) -> None:
    """One form; `footed`: the volume numbers its pages itself."""
    pdf.add_page(orientation="portrait")
    pdf.set_text_color(*INK)
    pdf.set_draw_color(*LINE)
    pdf.set_line_width(0.2)
    pdf.set_font("sheet", size=18)
    pdf.cell(0, 12, _("养护员月考核表"), align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("sheet", size=11)
    head = _("%(month)s　%(station)s　养护员：%(name)s", month=show.month(paper.month), station=paper.station, name=paper.name)
    pdf.cell(0, 9, head, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)
    widths = (12, 48, 24, 90)
    _line(pdf, widths, (_("序"), _("项目"), _("得分"), _("依据")), soft=True)
    for n, (_code, name, points, weight, why) in enumerate(paper.lines, 1):
        got = "—" if points is None else f"{points // 10}.{points % 10}"
        _line(pdf, widths, (str(n), name, f"{got} / {weight}", why))
    total = "—" if paper.total is None else f"{paper.total // 10}.{paper.total % 10}"
    _line(pdf, widths, ("", _("总分"), total, paper.grade + (_("（复核后）") if paper.reviewed else "")))
    pdf.ln(3)
    _words(pdf, _("评语"), paper.words or _("（没有写）"))
    for said, answer, upheld in paper.objections:
        outcome = _("采纳") if upheld else _("没有采纳") if upheld is not None else _("还没答复")
        _words(pdf, _("不同意见（%(outcome)s）", outcome=outcome), _("；").join(part for part in (said, answer) if part))
    pdf.set_y(-62)
    pdf.set_font("sheet", size=11)
    for who in (_("养护员（看过）"), _("站长"), _("街道")):
        pdf.cell(0, 12, f"{who}：____________________    {_('日期')}：________________", new_x="LMARGIN", new_y="NEXT")
    if not footed:
        pdf.set_font("sheet", size=9)
        pdf.set_text_color(*SOFT)
        pdf.cell(0, 8, _("第 %(n)s 页，共 %(all)s 页", n=page, all=pages), align="C")


def _line(pdf: FPDF, widths: Sequence[int], cells: Sequence[str], *, soft: bool = False) -> None:
    pdf.set_font("sheet", size=9 if soft else 10)
    pdf.set_text_color(*(SOFT if soft else INK))
    for n, (width, text) in enumerate(zip(widths, cells, strict=True)):
        pdf.cell(width, 9, _fit(pdf, text, width - 3), border=1, align="C" if n in (0, 2) else "L")
    pdf.ln()


def _fit(pdf: FPDF, text: str, width: float) -> str:
    while text and pdf.get_string_width(text) > width:
        text = text.rstrip("…")[:-1] + "…"
    return text


def _words(pdf: FPDF, title: str, text: str) -> None:
    pdf.set_font("sheet", size=10)
    pdf.set_text_color(*SOFT)
    pdf.cell(0, 7, title, new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(*INK)
    pdf.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")


def month_xlsx(
    month: Month,
    indicators: Sequence[tuple[str, str]],
    lines: Sequence[tuple[str, str, dict[str, int | None], int | None, str, str]],
) -> bytes:
    """A month as a table: (station, caregiver, points in tenths by code, total, grade, state); cells of it have names."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet(str(month))
    bold, figure = (
        book.add_format({"bold": True, "bg_color": "#E3F0EA", "text_wrap": True}),
        book.add_format({"num_format": "0.0"}),
    )
    titles = [_("服务站"), _("养护员"), *(name for _code, name in indicators), _("总分"), _("等级"), _("进度")]
    for column, title in enumerate(titles):
        sheet.write_string(0, column, title, bold)
    for row, (station, name, points, total, grade, state) in enumerate(lines, 1):
        sheet.write_string(row, 0, station)
        sheet.write_string(row, 1, name)
        for column, (code, _name) in enumerate(indicators, 2):
            if (value := points.get(code)) is not None:
                sheet.write_number(row, column, value / 10, figure)
        if total is not None:
            sheet.write_number(row, len(indicators) + 2, total / 10, figure)
        sheet.write_string(row, len(indicators) + 3, grade)
        sheet.write_string(row, len(indicators) + 4, state)
    sheet.freeze_panes(1, 2)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, len(titles), 10)
    book.close()
    return out.getvalue()


class _Volume(FPDF):
    """A bound month: every page but none says which it is."""

    def footer(self) -> None:
        """第 n 页，共 m 页."""
        self.set_y(-13)
        self.set_font("sheet", size=9)
        self.set_text_color(*SOFT)
        self.cell(0, 8, _("第 %(n)s 页，共 %(all)s 页", n=self.page_no(), all="{nb}"), align="C")
        self.set_text_color(*INK)


def bound_pdf(bound: Bound, papers: Sequence[Paper]) -> bytes:
    """月底成册: what is missing, who came when, each home's diaries and book, the evaluation forms, places to sign."""
    pdf = _Volume(orientation="portrait", unit="mm", format="A4")
    pdf.set_auto_page_break(True, 18)
    pdf.set_margins(16, 16, 16)
    pdf.add_font("sheet", fname=str(sans_path()))
    pdf.set_lang("zh-CN")
    pdf.set_creation_date(clock.now())
    pdf.set_draw_color(*LINE)
    pdf.set_line_width(0.2)
    with in_chinese():
        pdf.set_title(f"{bound.station} {show.month(bound.month)}")
        _front(pdf, bound)
        _grid(pdf, bound)
        for home in bound.homes:
            _home(pdf, bound, home)
        pdf.set_auto_page_break(False)
        for n, paper in enumerate(papers, 1):
            _form(pdf, paper, n, len(papers), footed=True)
        _signatures(pdf, bound)
    return bytes(pdf.output())


def _title(pdf: FPDF, text: str, size: int = 14) -> None:
    pdf.set_font("sheet", size=size)
    pdf.set_text_color(*INK)
    pdf.multi_cell(0, size * 0.7, text, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)


def _says(pdf: FPDF, text: str, size: int = 10, soft: bool = False) -> None:
    pdf.set_font("sheet", size=size)
    pdf.set_text_color(*(SOFT if soft else INK))
    pdf.multi_cell(0, size * 0.56, text, new_x="LMARGIN", new_y="NEXT")


def _front(pdf: FPDF, bound: Bound) -> None:
    pdf.add_page()
    _title(pdf, bound.station, 20)
    _title(pdf, _("%(month)s台账", month=show.month(bound.month)), 16)
    _says(pdf, _("%(homes)s 户，%(people)s 位养护员", homes=len(bound.homes), people=len(bound.grid)), 11, soft=True)
    pdf.ln(4)
    _title(pdf, _("还缺什么"))
    for said in bound.missing or [_("都齐了")]:
        _says(pdf, f"· {said}", 11)


def _grid(pdf: FPDF, bound: Bound) -> None:
    """People by days, how often each came."""
    if not bound.grid:
        return
    pdf.add_page(orientation="landscape")
    _title(pdf, _("出勤表（上门次数）"))
    names, each = 32, (pdf.epw - 32 - 12) / len(bound.days)
    pdf.set_font("sheet", size=8)
    pdf.cell(names, 7, _("养护员"), border=1)
    for day in bound.days:
        pdf.cell(each, 7, str(day.day), border=1, align="C")
    pdf.cell(12, 7, _("合计"), border=1, align="C", new_x="LMARGIN", new_y="NEXT")
    for name, came in bound.grid.items():
        pdf.cell(names, 7, _fit(pdf, name, names - 3), border=1)
        for day in bound.days:
            pdf.cell(each, 7, str(came.get(day.day, "")), border=1, align="C")
        pdf.cell(12, 7, str(sum(came.values())), border=1, align="C", new_x="LMARGIN", new_y="NEXT")


def _home(pdf: FPDF, bound: Bound, home: Home) -> None:
    pdf.add_page(orientation="portrait")
    _title(pdf, f"{home.name}　{home.number}")
    _says(pdf, f"{bound.station}　{show.month(bound.month)}", soft=True)
    pdf.ln(2)
    _title(pdf, _("日记"), 12)
    for day, times, who, story in home.visits:
        _says(pdf, f"{day.day}{_('日')}　{times}　{who}　{story or _('（没有日记）')}")
    if not home.visits:
        _says(pdf, _("这个月没有上门"), soft=True)
    pdf.ln(2)
    _title(pdf, _("账本"), 12)
    for day, words, fen, there in home.lines:
        slip = _("有票") if there else ""
        _says(pdf, f"{day.day}{_('日')}　{words}　{'+' if fen > 0 else '-'}{money.show(abs(fen))}　{slip}")
    came, went = home.sums
    said = _("收 %(came)s，花 %(went)s", came=money.show(came), went=money.show(went)) if home.lines else _("这个月没记账")
    _says(pdf, said, 11)
    pdf.ln(2)
    _title(pdf, _("老人怎么说"), 12)
    for name, stars, words in home.opinions:
        _says(pdf, f"{name}　{_('没问过') if stars is None else '★' * stars + '☆' * (5 - stars)}　{words}")
    pdf.ln(6)
    _says(pdf, _("老人或家属：____________________　　养护员：____________________　　日期：______________"), 11)


def _signatures(pdf: FPDF, bound: Bound) -> None:
    pdf.add_page(orientation="portrait")
    _title(pdf, _("签字"))
    for who in (_("站长"), _("街道"), _("监督员")):
        pdf.ln(8)
        _says(pdf, f"{who}：____________________　　{_('日期')}：________________", 12)
