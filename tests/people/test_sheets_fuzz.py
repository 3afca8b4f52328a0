"""Whatever comes in: garbage is refused, odd cells are faults, and nothing else ever breaks."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from typing import Any

import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.people.messy import HEADS, STATIONS, TODAY, messy
from webapp.kit.refusal import Refusal
from webapp.people.sheets.columns import guess_columns
from webapp.people.sheets.facts import Kind, Known, KnownPerson, Reading, Sheet
from webapp.people.sheets.marking import mark
from webapp.people.sheets.matching import match
from webapp.people.sheets.opening import open_sheet
from webapp.people.sheets.reading import read_rows

GOOD = messy().xlsx()
KNOWN = Known(STATIONS, TODAY)
quick = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

BITS = (
    "张福贵 、 刘淑珍 (配偶) 210203194203050014 13800138000 1.38E+10 42年 3月 十 无 同上 A类 望海社区 0411- 84601234 "
    "=1+1 x X #N/A 1942.1 * 合计 姓名 （ ） 儿子 ："
)
bits = st.sampled_from([*BITS.split(), " ", "\n"])
words = st.one_of(st.lists(bits, max_size=6).map("".join), st.text(max_size=12))
values = st.one_of(
    st.none(),
    words,
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.dates(date(1900, 1, 1), date(9999, 12, 31)),
    st.datetimes(),
    st.just(time(3, 4)),
    st.just(timedelta(days=4)),
)


def read_all(sheet: Sheet, kind: Kind) -> Reading | None:
    """A reading of the sheet with whatever columns are missing put where there is one."""
    columns = {"name": 0, "station": 0, "address": 0, "phone": 0, "role": 0} | guess_columns(sheet, kind)
    try:
        return read_rows(sheet, columns, kind, KNOWN)
    except Refusal:
        return None


@quick
@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf", "姓名,电话,地址\n".encode()]))
def test_random_bytes_are_refused_or_read_and_never_break(data: bytes, start: bytes) -> None:
    try:
        sheet = open_sheet(start + data, "表.xlsx")
    except Refusal:
        return
    read_all(sheet, "households")
    read_all(sheet, "staff")


@quick
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_a_damaged_workbook_is_refused_or_read_and_never_breaks(place: int, noise: bytes, cut: bool) -> None:
    data = GOOD[:place] + noise + (b"" if cut else GOOD[place + len(noise) :])
    try:
        sheet = open_sheet(data, "表.xlsx")
    except Refusal:
        return
    read_all(sheet, "households")


@quick
@given(st.text(max_size=300))
def test_random_text_under_a_good_head_never_breaks(text: str) -> None:
    data = ("服务站,地址,姓名,出生年月,身份证号,电话,家属\n" + text).encode("utf-8", "replace")
    try:
        sheet = open_sheet(data, "a.csv")
    except Refusal:
        return
    read_all(sheet, "households")


def workbook(rows: list[list[Any]], blocks: list[tuple[int, int, int, int]]) -> bytes:
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True, "nan_inf_to_errors": True, "strings_to_formulas": False})
    page = made.add_worksheet()
    day = made.add_format({"num_format": "yyyy-mm-dd"})
    covered: set[tuple[int, int]] = set()
    for top, left, height, width in blocks:
        cells = {(r, c) for r in range(top, top + height + 1) for c in range(left, left + width + 1)}
        if len(cells) > 1 and not cells & covered:
            covered |= cells
            page.merge_range(top, left, top + height, left + width, "")
    for r, row in enumerate([*map(list, HEADS), *rows]):
        for c, value in enumerate(row):
            if isinstance(value, date | datetime | time | timedelta):
                page.write_datetime(r, c, value, day)
            elif value is not None:
                page.write(r, c, value)
    made.close()
    return out.getvalue()


WIDTH = len(HEADS[0])
sheets = st.builds(
    workbook,
    st.lists(st.lists(values, max_size=WIDTH), max_size=6),
    st.lists(st.tuples(st.integers(2, 8), st.integers(0, WIDTH - 2), st.integers(0, 2), st.integers(0, 2)), max_size=3),
)


@quick
@given(sheets)
def test_random_cells_never_break_reading_matching_or_marking(data: bytes) -> None:
    try:
        sheet = open_sheet(data, "a.xlsx")
    except Refusal:
        return
    reading = read_all(sheet, "households")
    if reading is None:
        return
    assert {fault.row for fault in reading.faults} <= reading.held
    assert all(str(fault.say) for fault in (*reading.faults, *reading.questions))
    again = open_sheet(mark(sheet, [*reading.faults, *reading.questions]), "a.xlsx")
    assert again.columns == sheet.columns
    plan = match(reading.ready, [])
    known = [KnownPerson(number, out.facts) for number, out in enumerate(plan.new)]
    second = match(reading.ready, known)
    assert (second.new, second.update) == ((), ())
