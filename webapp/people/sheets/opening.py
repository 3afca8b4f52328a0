"""From bytes to a Sheet. Whatever is wrong with a file, the only thing raised is a Refusal with a plain sentence."""

from __future__ import annotations

import csv
import io
import itertools
import posixpath
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Literal

from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.cell import range_boundaries

from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.people.sheets.facts import Cell, Merge, Sheet
from webapp.people.sheets.layout import Layout, find_layout

MAX_BYTES = 20 * 1024 * 1024
MAX_UNPACKED = 160 * 1024 * 1024
"""A full sheet of 20,000 rows and 30 columns unpacks to about 50 MB."""
MAX_ROWS = 20_000
MAX_CELLS = 2_000_000
MAX_LAID_OUT = 600_000
"""Cells, merged ones included, up to which the whole workbook may be loaded with its layout."""
MAX_COLUMNS = 120
MAX_SHEET_ROW = 70_000
"""Rows looked at, empty ones included: old programs format a sheet down to row 65,536."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHER_TEXT = re.compile(rb"\s*(<\?xml|<!doctype|<html|<table|<meta|mime-version|\{\\rtf|%pdf)", re.I)
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
# the XML reader refuses entities only where an optional package is installed
_ENTITY = re.compile(rb"<!(DOCTYPE|ENTITY)")


@dataclass(frozen=True)
class _Page:
    """One worksheet, read but not understood."""

    title: str
    rows: tuple[tuple[Cell, ...], ...]
    merges: tuple[Merge, ...] = ()
    hollow: frozenset[tuple[int, int]] = frozenset()
    vast: bool = False


def open_sheet(data: bytes, filename: str, *, title: str | None = None) -> Sheet:
    """Her file, opened and its head found: XLSX or CSV (UTF-8, UTF-16, GB18030; comma, semicolon, tab).

    Of several worksheets the one named `title`, else the one with the best head and the most rows. Raises Refusal
    (old_xls, encrypted, too_big, too_many_rows, not_a_sheet, empty, no_head) and nothing else.
    """
    if len(data) > MAX_BYTES:
        raise Refusal("too_big", _l("这个文件太大了，请分成几份再传"))
    if not data.strip(b"\x00 \r\n\t"):
        raise Refusal("empty", _l("这张表是空的，请换一张"))
    form, pages = _pages(data)
    if title is not None:
        pages = [page for page in pages if page.title == title] or pages
    page, layout = _best(pages)
    return _sheet(data, filename, form, page, layout, tuple(page.title for page in pages))


def sound(data: bytes) -> None:
    """Refuse bytes that are no plain XLSX: too big, encrypted, another format, a broken or hostile archive."""
    if len(data) > MAX_BYTES:
        raise Refusal("too_big", _l("这个文件太大了，请分成几份再传"))
    if data.startswith(_OLE):
        raise _encrypted() if _ENCRYPTED in data else _save_as()
    if not data.startswith(b"PK"):
        raise _save_as() if data else _not_a_sheet()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bad_archive(archive)
            for part in archive.infolist():
                if part.filename.endswith((".xml", ".rels")) and _ENTITY.search(_start(archive, part)):
                    raise _not_a_sheet()
    except zipfile.BadZipFile as error:
        raise _not_a_sheet() from error


def _pages(data: bytes) -> tuple[Literal["xlsx", "csv"], list[_Page]]:
    if data.startswith(_OLE):
        raise _encrypted() if _ENCRYPTED in data else _save_as()
    if data.startswith(b"PK"):
        return "xlsx", _workbook(data)
    if _OTHER_TEXT.match(data.removeprefix(b"\xef\xbb\xbf")[:200]):
        raise _save_as()
    return "csv", [_text_page(data)]


def _best(pages: list[_Page]) -> tuple[_Page, Layout]:
    found = [(page, layout) for page in pages if (layout := find_layout(page.rows, page.merges))]
    if not any(any(row) for page in pages for row in page.rows):
        raise Refusal("empty", _l("这张表是空的，请换一张"))
    if not found:
        raise Refusal("no_head", _l("没找到表头，请有一行写着姓名、电话这些"))
    page, layout = max(found, key=lambda pair: (pair[1].score, len(pair[1].body)))
    if len(layout.body) > MAX_ROWS:
        raise _too_many_rows()
    return page, layout


def _sheet(
    data: bytes,
    filename: str,
    form: Literal["xlsx", "csv"],
    page: _Page,
    layout: Layout,
    titles: tuple[str, ...],
) -> Sheet:
    return Sheet(
        filename=filename, data=data, form=form, title=page.title, titles=titles, rows=page.rows,
        anchors=layout.anchors, hollow=page.hollow, vast=page.vast, caption=layout.caption, head=layout.head,
        columns=layout.columns, body=layout.body, skipped=layout.skipped,
    )  # fmt: skip


def _save_as() -> Refusal:
    return Refusal("old_xls", _l("这种表读不了，请另存为xlsx再传"))


def _encrypted() -> Refusal:
    return Refusal("encrypted", _l("这张表加了密码，请去掉密码再传"))


def _not_a_sheet() -> Refusal:
    return Refusal("not_a_sheet", _l("这个文件不是表格，请换一个"))


def _too_many_rows() -> Refusal:
    return Refusal("too_many_rows", _l("这张表超过2万行，请分成几份再传"))


# --- XLSX --------------------


def _workbook(data: bytes) -> list[_Page]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bad_archive(archive)
            return _read_pages(data, archive)
    except Refusal:
        raise
    except Exception as trouble:  # the reader raises whatever a broken part of the file happens to hit
        raise _not_a_sheet() from trouble


def _refuse_bad_archive(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise _encrypted()
    if sum(part.file_size for part in parts) > MAX_UNPACKED or len(parts) > 5000:
        raise Refusal("too_big", _l("这个文件太大了，请分成几份再传"))
    if "mimetype" in names or "xl/workbook.bin" in names:
        raise _save_as()
    if "[Content_Types].xml" not in names:
        raise _not_a_sheet()


def _read_pages(data: bytes, archive: zipfile.ZipFile) -> list[_Page]:
    for part in archive.infolist():
        if part.filename.endswith((".xml", ".rels")) and _ENTITY.search(_start(archive, part)):
            raise _not_a_sheet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values, paths = _reader(data, data_only=True)
        raw = {title: _Raw.of(archive, path) for title, path in paths.items()}
        if sum(one.cells for one in raw.values()) > MAX_CELLS:
            raise _too_many_rows()
        visible = [ws for ws in values.wb.worksheets if ws.sheet_state == "visible" and ws.title in raw]
        vast = sum(one.laid_out for one in raw.values()) > MAX_LAID_OUT
        pages = [_page(ws, raw[ws.title], vast) for ws in visible]
        if any(raw[page.title].formulas for page in pages):
            formulas, _paths = _reader(data, data_only=False)
            pages = [_with_hollow(page, formulas.wb[page.title]) for page in pages]
    return [page for page in pages if page.rows]


def _start(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    with archive.open(part) as file:
        return file.read(4096)


def _reader(data: bytes, *, data_only: bool) -> tuple[ExcelReader, dict[str, str]]:
    """The streaming reader, and where each worksheet lies in the archive: streaming tells no merged cells."""
    reader = ExcelReader(io.BytesIO(data), read_only=True, data_only=data_only, keep_links=False)
    reader.read()
    paths = {sheet.name: posixpath.normpath(rel.target.lstrip("/")) for sheet, rel in reader.parser.find_sheets()}
    return reader, paths


@dataclass(frozen=True)
class _Raw:
    """What the markup of a worksheet tells before it is read."""

    cells: int
    formulas: bool
    merges: tuple[Merge, ...]

    @property
    def laid_out(self) -> int:
        """Cells there would be with every merged block spelt out; a title merged over all columns has 16,384."""
        return self.cells + sum((one.bottom - one.top + 1) * (one.right - one.left + 1) for one in self.merges)

    @classmethod
    def of(cls, archive: zipfile.ZipFile, path: str) -> _Raw:
        cells, formulas, merges = 0, False, []
        with archive.open(path) as file:
            for chunk in _chunks(file):
                cells += len(_CELL.findall(chunk))
                formulas = formulas or bool(_FORMULA.search(chunk))
                merges += [_merge(ref.decode()) for ref in _MERGE.findall(chunk)]
        return cls(cells, formulas, tuple(merges))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Pieces cut between tags, so that none is counted twice or missed."""
    rest = b""
    while block := file.read(1 << 20):
        whole, cut, tail = (rest + block).rpartition(b">")
        yield whole + cut
        rest = tail
    yield rest


def _merge(ref: str) -> Merge:
    left, top, right, bottom = range_boundaries(ref)
    return Merge(int(top or 1) - 1, int(left or 1) - 1, int(bottom or 1) - 1, int(right or 1) - 1)


def _page(ws: object, raw: _Raw, vast: bool) -> _Page:
    rows = _trimmed(_cells(ws))
    height = len(rows)
    merges = tuple(one for one in raw.merges if one.top < height and one.left < MAX_COLUMNS)
    return _Page(str(getattr(ws, "title", "")), rows, merges, vast=vast)


def _cells(ws: object) -> Iterator[tuple[Cell, ...]]:
    # with both ends given the reader does not ask the size the file states of itself, which is often wrong
    rows = ws.iter_rows(values_only=True, max_row=MAX_SHEET_ROW, max_col=MAX_COLUMNS)  # type: ignore[attr-defined]
    for row in rows:
        yield tuple(map(_simple, row))


def _simple(value: object) -> Cell:
    """Rich values (array formulas, errors as objects) become text."""
    return value if value is None or isinstance(value, Cell) else str(value)


def _with_hollow(page: _Page, ws: object) -> _Page:
    hollow = set()
    for r, row in enumerate(itertools.islice(_cells(ws), len(page.rows))):
        for c, value in enumerate(row[: len(page.rows[r])]):
            if page.rows[r][c] is None and isinstance(value, str) and value.startswith("="):
                hollow.add((r, c))
    return replace(page, hollow=frozenset(hollow))


def _trimmed(rows: Iterable[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """One width for all, nothing empty at the right and at the end."""
    kept = [tuple(row) for row in rows]
    while kept and not any(value not in (None, "") for value in kept[-1]):
        kept.pop()
    width = max((_used(row) for row in kept), default=0)
    return tuple(row[:width] + (None,) * (width - len(row)) for row in kept)


def _used(row: tuple[Cell, ...]) -> int:
    return next((n for n in range(len(row), 0, -1) if row[n - 1] not in (None, "")), 0)


# --- CSV --------------------


def _text_page(data: bytes) -> _Page:
    text = _decoded(data)
    stated = re.match(r"sep=(.)\r?\n", text)
    mark = stated[1] if stated else _delimiter(text)
    try:
        parsed = list(itertools.islice(csv.reader(io.StringIO(text, newline=""), delimiter=mark), MAX_SHEET_ROW + 1))
    except csv.Error as trouble:
        raise _not_a_sheet() from trouble
    if len(parsed) > MAX_SHEET_ROW:
        raise _too_many_rows()
    rows = (tuple(value or None for value in row[:MAX_COLUMNS]) for row in parsed)
    return _Page("", _trimmed(rows))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        codings = ["utf-16"]
    else:
        codings = ["utf-8-sig", "gb18030"]
    for coding in codings:
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            continue
        if not re.search(r"[\x00-\x08\x0e-\x1f]", text):
            return text
    raise _not_a_sheet()


def _delimiter(text: str) -> str:
    """The mark that cuts the first lines into the most columns most evenly."""
    sample = text.splitlines()[:60]
    return max([",", "\t", ";", "，", "|"], key=lambda mark: _evenness(sample, mark))


def _evenness(sample: list[str], mark: str) -> int:
    counts = [line.count(mark) for line in sample if line.strip()]
    usual = max(set(counts), key=counts.count, default=0)
    return usual * counts.count(usual)
