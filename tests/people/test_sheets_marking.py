"""The file she gets back is her own: same places, same words, amber where something is to be mended."""

from __future__ import annotations

import io

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from tests.people.test_sheets_opening import book, reading, text
from webapp.people.sheets.columns import MARK_TITLE, fingerprint
from webapp.people.sheets.marking import AMBER, AUTHOR, mark
from webapp.people.sheets.opening import open_sheet

ROWS: list[list[object]] = [
    ["望海社区花名册", None, None, None, None],
    ["服务站", "地址", "姓名", "类别", "合计数"],
    ["望海社区", "望海街1号", "张福贵", "一类", "=1+1"],
    [None, None, "刘淑珍", None, None],
    ["望梅社区", "望海街2号", "王玉兰", "B", "-2+3"],
]
MERGES = ("A1:E1", "A3:A4", "B3:B4", "D3:D4")


def page_of(data: bytes) -> Worksheet:
    page = openpyxl.load_workbook(io.BytesIO(data)).active
    assert isinstance(page, Worksheet)
    return page


def amber(page: Worksheet) -> list[str]:
    return [cell.coordinate for row in page.iter_rows() for cell in row if cell.fill.fgColor.rgb == AMBER]


def test_faulty_cells_are_amber_and_say_why_in_a_comment_and_in_the_last_column() -> None:
    sheet = open_sheet(book(ROWS, MERGES), "a.xlsx")
    page = page_of(mark(sheet, reading(sheet).faults))
    assert amber(page) == ["D3", "A5"]
    assert "A、B、C、D" in page["D3"].comment.text
    assert page["F2"].value == MARK_TITLE
    assert "服务站" in page["F5"].value
    assert page["F4"].value is None


def test_her_layout_and_her_formulas_stay() -> None:
    sheet = open_sheet(book(ROWS, MERGES), "a.xlsx")
    page = page_of(mark(sheet, reading(sheet).faults))
    assert {str(block) for block in page.merged_cells.ranges} == set(MERGES)
    assert (page["E3"].value, page["E3"].data_type) == ("=1+1", "f")
    assert page["A1"].value == "望海社区花名册"


def test_csv_comes_back_as_a_workbook_whose_formulas_are_text() -> None:
    rows = [*ROWS[:4], ["望梅社区", "=HYPERLINK(1)", "王玉兰", "B", "-2+3"]]
    sheet = open_sheet(text(rows), "a.csv")
    page = page_of(mark(sheet, reading(sheet).faults))
    assert (page["B5"].value, page["B5"].data_type) == ("=HYPERLINK(1)", "s")
    assert page["E5"].data_type == "s"
    assert page["B5"].quotePrefix


def test_a_sentence_that_quotes_a_formula_is_text() -> None:
    rows: list[list[object]] = [["服务站", "地址", "姓名"], ["望海社区", "望海街1号", "张福贵"], ["望海社区", "a", "张3"]]
    sheet = open_sheet(text(rows), "a.csv")
    (fault,) = reading(sheet).faults
    evil = type(fault)(fault.row, fault.column, fault.cell_ref, fault.code, "=1+1")
    page = page_of(mark(sheet, [evil]))
    assert (page["D3"].value, page["D3"].data_type) == ("=1+1", "s")


def test_a_mended_cell_loses_its_mark_in_the_next_round() -> None:
    sheet = open_sheet(book(ROWS, MERGES), "a.xlsx")
    marked = openpyxl.load_workbook(io.BytesIO(mark(sheet, reading(sheet).faults)))
    page = marked.active
    assert isinstance(page, Worksheet)
    page["A5"].value = "望海社区"
    out = io.BytesIO()
    marked.save(out)
    again = open_sheet(out.getvalue(), "a.xlsx")
    assert fingerprint(again) == fingerprint(sheet)
    second = page_of(mark(again, reading(again).faults))
    assert amber(second) == ["D3"]
    assert second["A5"].comment is None
    assert second["F5"].value is None
    assert second.max_column == 6


def test_her_own_comments_and_colours_are_left_alone() -> None:
    made = openpyxl.load_workbook(io.BytesIO(book(ROWS, MERGES)))
    page = made.active
    assert isinstance(page, Worksheet)
    page["A5"].comment = openpyxl.comments.Comment("问过居委会", "她")
    page["C3"].fill = openpyxl.styles.PatternFill("solid", fgColor="FF00FF00")
    out = io.BytesIO()
    made.save(out)
    sheet = open_sheet(out.getvalue(), "a.xlsx")
    after = page_of(mark(sheet, reading(sheet).faults))
    assert after["A5"].comment.text.startswith("问过居委会")
    assert after["A5"].comment.author == AUTHOR
    assert after["C3"].fill.fgColor.rgb == "FF00FF00"
