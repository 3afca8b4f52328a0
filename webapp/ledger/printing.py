"""A closed month on paper, or any span of books: every line and the sums; of the month also the count, who
confirmed, and the hash that seals it. Knows no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pylopdf_fonts_zh_cn as fonts
from fpdf import FPDF

from webapp.kit import clock, money
from webapp.kit.words import _
from webapp.ledger import words as said_of

COLUMNS = (20, 38, 82, 25, 25)
"""Widths in millimetres: day, what for, words, sum, cash after it."""
ROW = 7.0
GREY = "#6b6459"


def statement_pdf(told: dict[str, Any], digest: str, *, large: bool = False) -> bytes:
    """`told` as `closing.statement` gives it, in the reader's language; `large`: for old eyes."""
    pdf = _paper(_("账单"))
    _begin(pdf, _("账单 %(month)s · %(number)s", month=told["month"], number=told["household"]), told, 15 if large else 11)
    pdf.ln(4)
    for line in _ends(told, digest):
        pdf.multi_cell(0, 6.5 if not large else 9, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def books_pdf(told: Sequence[dict[str, Any]]) -> bytes:
    """Spans of several books, each on a page of its own; each as `statement_pdf` has it, without count and seal."""
    pdf = _paper(_("账本"))
    for each in told:
        _begin(pdf, _("账本 · %(number)s", number=each["household"]), each, 11)
    return bytes(pdf.output())


def _paper(title: str) -> FPDF:
    pdf = FPDF(orientation="portrait", unit="mm", format="A4")
    pdf.set_auto_page_break(True, 15)
    pdf.set_margins(10, 12)
    pdf.add_font("book", fname=str(fonts.sans_path()))
    pdf.set_lang("zh-CN")
    pdf.set_title(title)
    pdf.set_creation_date(clock.now())
    return pdf


def _begin(pdf: FPDF, title: str, told: dict[str, Any], size: int) -> None:
    pdf.add_page()
    pdf.set_text_color("#000000")
    pdf.set_font("book", size=size + 7)
    pdf.cell(0, 12, title, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("book", size=size)
    pdf.cell(0, 8, f"{told['since']} – {told['last_day']}", new_x="LMARGIN", new_y="NEXT")
    for label, fen in _sums(told):
        pdf.cell(50, 8, label)
        pdf.cell(40, 8, money.show(fen), align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)
    _lines(pdf, told)


def _sums(told: dict[str, Any]) -> list[tuple[str, int]]:
    """The cash adds up: opening, in, out, taken back, closing. Beside it, where there is any: what is not cash."""
    first, last = (_("月初手里有"), _("月底手里有")) if "month" in told else (_("开始时手里有"), _("最后手里有"))
    found = [(first, told["opening"]), (_("现金收入"), told["in"]), (_("现金支出"), told["out"])]
    found += [(_("还养护员垫的"), told["repaid"])] if told["repaid"] else []
    found += [(last, told["closing"])]
    beside = [
        (_("其中点钱的差额"), "differ"), (_("养护员这个月垫的"), "laid_out"), (_("还欠养护员"), "advance"),
        (_("养护员手机里"), "wallet"),
    ]  # fmt: skip
    return found + [(label, told[name]) for label, name in beside if told.get(name)]


def _lines(pdf: FPDF, told: dict[str, Any]) -> None:
    head = (_("日子"), _("什么钱"), _("写的"), _("钱数"), _("余"))
    _row(pdf, head, grey=True)
    after, sources = told["opening"], said_of.sources()
    for _key, _at, day, kind, _side, code, source, fen, words, _target in told["lines"]:
        after += fen if source == "cash" else 0
        what = (_("冲掉：") if kind == "reverse" else "") + said_of.category(code)
        said = words if source == "cash" else " · ".join(each for each in (sources[source], words) if each)
        _row(pdf, (_day(day), what, said, money.show(fen), money.show(after)))


def _row(pdf: FPDF, cells: Sequence[str], *, grey: bool = False) -> None:
    pdf.set_text_color(GREY if grey else "#000000")
    if pdf.will_page_break(ROW * 2):
        pdf.add_page()
    for n, (width, text) in enumerate(zip(COLUMNS, cells, strict=True)):
        pdf.cell(width, ROW, _cut(pdf, text, width), align="R" if n >= 3 else "L", border="B")
    pdf.ln(ROW)


def _cut(pdf: FPDF, text: str, width: float) -> str:
    """As much as fits; the whole of it stands in the book."""
    text = text.replace("\n", " ")
    while text and pdf.get_string_width(text) > width - 2.5:
        text = text[:-2] + "…" if len(text) > 2 else ""
    return text


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.month:02d}-{day.day:02d}"


def _ends(told: dict[str, Any], digest: str) -> list[str]:
    cash, wallet, day = told["counted"]
    counted = _("%(day)s 点到现金 %(sum)s 元", day=day, sum=money.show(cash))
    said = [counted + ("" if wallet is None else _("，手机里 %(sum)s 元", sum=money.show(wallet)))]
    said += [_("原因：%(words)s", words=told["why"])] if told["why"] else []
    names = "、".join(name for _side, name, _how, _witness in told["confirmed"])
    return [*said, _("确认：%(names)s", names=names), _("封条 %(hash)s", hash=digest)]
