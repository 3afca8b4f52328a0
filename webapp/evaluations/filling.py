"""The street's own form: a sheet of theirs whose cells have names, given back with the month in them. A name holds one figure of
the station, or begins a column with one line a caregiver. Knows no database and no request."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import openpyxl
import xlsxwriter

from webapp.kit.refusal import Refusal
from webapp.kit.words import _l

Figure = str | int | float | None
MOST_LINES = 2000


@dataclass(frozen=True)
class Filling:
    """What goes in. single: name → figure; columns: name → a figure for each caregiver, all of one length."""

    single: Mapping[str, Figure]
    columns: Mapping[str, Sequence[Figure]]


def fill(data: bytes, filling: Filling) -> tuple[bytes, list[str]]:
    """(the form filled in, the names that were found). Everything else in it stays as it is.

    Refuses what is no XLSX, a form without one known name, and cells that are joined where a column should go.
    """
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), keep_links=False)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError, OSError, IndexError) as error:
        raise Refusal("not_a_sheet", _l("这个文件不是表格，请换一个"), field="form") from error
    found = []
    for name, sheet, cell in _named(book):
        key = name.strip()
        if key in filling.single:
            _put(book, sheet, cell, [filling.single[key]])
            found.append(key)
        elif key in filling.columns:
            _put(book, sheet, cell, filling.columns[key][:MOST_LINES])
            found.append(key)
    if not found:
        raise Refusal("no_names", _l("表里没有一个认识的名字，请先给单元格起名，照下面的名字"), field="form")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), sorted(set(found))


def _named(book: Any) -> list[tuple[str, str, str]]:
    """(name, sheet, first cell) of every name that stands for cells, of the book's and of its sheets' own."""
    made = []
    for holder in (book, *book.worksheets):
        for name, defined in holder.defined_names.items():
            try:
                places = list(defined.destinations)
            except (ValueError, AttributeError, TypeError):
                continue  # a formula or a constant: no place
            made += [(name, sheet, ref.replace("$", "").split(":")[0]) for sheet, ref in places]
    return made


def _put(book: Any, sheet: str, cell: str, figures: Sequence[Figure]) -> None:
    page = book[sheet] if sheet in book.sheetnames else None
    if page is None:
        return
    first = page[cell]
    for n, figure in enumerate(figures):
        here = page.cell(row=first.row + n, column=first.column)
        try:
            here.value = f"'{figure}" if isinstance(figure, str) and figure[:1] in "=+-@" else figure
        except AttributeError as error:  # a joined cell takes nothing but in its corner
            raise Refusal("joined", _l("“%(cell)s”下面有合并的格子，一人一行要放得下"), field="form", cell=cell) from error


def specimen(titles: Mapping[str, str], columns: Mapping[str, str]) -> bytes:
    """A form to begin with: every name once, with its words beside it (single) or above it (columns)."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page, bold = book.add_worksheet("form"), book.add_format({"bold": True, "bg_color": "#E3F0EA", "text_wrap": True})
    for row, (name, words) in enumerate(titles.items()):
        page.write_string(row, 0, words, bold)
        book.define_name(name, f"=form!$B${row + 1}")
    below = len(titles) + 1
    for column, (name, words) in enumerate(columns.items()):
        page.write_string(below, column, words, bold)
        letter = chr(ord("A") + column) if column < 26 else "A" + chr(ord("A") + column - 26)
        book.define_name(name, f"=form!${letter}${below + 2}")
    page.set_column(0, len(columns), 12)
    book.close()
    return out.getvalue()
