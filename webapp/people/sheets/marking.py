"""Her own file back, as she laid it out, with the cells to mend in amber and one more column that says why."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from copy import copy

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell as XlsxCell
from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from webapp.kit.words import _
from webapp.people.sheets.columns import MARK_TITLE, word_of
from webapp.people.sheets.facts import Fault, Question, Sheet

AMBER = "FFFFD27F"
AUTHOR = "暖巢"
_WIDTH = 44
"""Width of the added column, in characters of the sheet."""


def mark(sheet: Sheet, faults: Sequence[Fault | Question]) -> bytes:
    """An XLSX: her file with faulty cells amber and commented and a last column 「要改的地方」; questions may be told too.

    Marks of an earlier round are taken off first, so she may send the marked file in again. CSV comes back as XLSX.
    Her formulas stay; text that begins with = stays text.
    """
    book, page = _opened(sheet)
    column = _mark_column(sheet, page)
    _unmark(page, sheet, column)
    _set_text(page.cell(sheet.head[0] + 1, column), MARK_TITLE)
    page.column_dimensions[get_column_letter(column)].width = _WIDTH
    for row, told in _by_row(faults).items():
        cell = page.cell(row, column)
        _set_text(cell, "\n".join(map(_reason, told)))
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for fault in faults:
        if fault.column is not None:
            _paint(page, sheet, fault)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _opened(sheet: Sheet) -> tuple[Workbook, Worksheet]:
    if sheet.form == "xlsx" and not sheet.vast:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                book = load_workbook(io.BytesIO(sheet.data), keep_links=False)
            page = book[sheet.title]
            if isinstance(page, Worksheet):
                book.active = book.index(page)
                return book, page
        except Exception:  # a drawing or style the writer cannot carry: her words matter more than her layout
            return _copied(sheet)
    return _copied(sheet)


def _copied(sheet: Sheet) -> tuple[Workbook, Worksheet]:
    """A fresh book with the same cells in the same places."""
    book = Workbook()
    page = book.worksheets[0]
    for r, row in enumerate(sheet.rows, 1):
        for c, value in enumerate(row, 1):
            if isinstance(value, str):
                _set_text(page.cell(r, c), value)
            elif value is not None:
                page.cell(r, c).value = value
    return book, page


def _set_text(cell: XlsxCell | MergedCell, text: str) -> None:
    """As text even when it begins with =, and without what XML cannot hold."""
    if isinstance(cell, MergedCell):
        return
    cell.value = "".join(char for char in text if char in "\n\t" or char >= " ")[:32_000]
    cell.data_type = "s"
    if text[:1] in ("=", "+", "-", "@"):
        cell.quotePrefix = True


def _mark_column(sheet: Sheet, page: Worksheet) -> int:
    """1-based: the column marked last time, else the first one right of everything."""
    for row in range(sheet.head[0], sheet.head[1] + 1):
        for column, value in enumerate(sheet.rows[row], 1):
            if word_of(value) == MARK_TITLE:
                return column
    return max(len(sheet.rows[0]), _merged_to(page)) + 1


def _merged_to(page: Worksheet) -> int:
    return max((block.max_col for block in page.merged_cells.ranges if block.max_col <= 200), default=0)


def _unmark(page: Worksheet, sheet: Sheet, column: int) -> None:
    for row in page.iter_rows(min_row=1, max_row=len(sheet.rows), max_col=column):
        for cell in row:
            if not isinstance(cell, XlsxCell):
                continue
            if cell.comment and cell.comment.author == AUTHOR:
                cell.comment = None
            if cell.has_style and cell.fill.fill_type == "solid" and cell.fill.fgColor.rgb == AMBER:
                cell.fill = PatternFill()
            if cell.column == column:
                cell.value = None


def _paint(page: Worksheet, sheet: Sheet, fault: Fault | Question) -> None:
    row, column = fault.row - 1, (fault.column or 1) - 1
    row, column = sheet.anchors.get((row, column), (row, column))
    cell = page.cell(row + 1, column + 1)
    if not isinstance(cell, XlsxCell):
        return
    cell.fill = PatternFill("solid", fgColor=AMBER)
    before = copy(cell.comment.text) if cell.comment else ""
    text = _reason(fault)
    if text not in before:
        cell.comment = Comment(f"{before}\n{text}".strip(), AUTHOR, width=260, height=90)


def _reason(fault: Fault | Question) -> str:
    say = str(fault.say)
    suggestion = fault.suggestion if isinstance(fault, Fault) else ""
    return _("%(say)s（也许是%(suggestion)s）", say=say, suggestion=suggestion) if suggestion else say


def _by_row(faults: Iterable[Fault | Question]) -> dict[int, list[Fault | Question]]:
    rows: dict[int, list[Fault | Question]] = {}
    for fault in faults:
        rows.setdefault(fault.row, []).append(fault)
    return rows
