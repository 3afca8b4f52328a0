"""Any file may be dropped here; what can be read is read, all else is refused in a plain sentence."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import openpyxl
import pytest
import xlsxwriter

from webapp.kit.refusal import Refusal
from webapp.people.sheets import layout, opening
from webapp.people.sheets.columns import fingerprint, guess_columns, missing_columns
from webapp.people.sheets.facts import Known, Merge, Reading, Sheet
from webapp.people.sheets.marking import mark
from webapp.people.sheets.opening import open_sheet
from webapp.people.sheets.reading import read_rows

STATIONS = ("望海社区", "泉水社区")
KNOWN = Known(STATIONS, date(2026, 11, 21))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def book(rows: list[list[object]], merges: tuple[str, ...] = (), title: str = "Sheet1") -> bytes:
    """An XLSX with these rows and merged blocks."""
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    page.title = title
    for row in rows:
        page.append(row)
    for block in merges:
        page.merge_cells(block)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def text(rows: list[list[object]]) -> bytes:
    """The same as comma-separated UTF-8."""
    return "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows).encode()


def packed(parts: dict[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def repacked(data: bytes, name: str, change: bytes) -> bytes:
    """The workbook with one part replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    return packed({**parts, name: change})


def refused(data: bytes) -> str:
    """The code `open_sheet` refuses with."""
    with pytest.raises(Refusal) as caught:
        open_sheet(data, "表.xlsx")
    assert str(caught.value.say)
    return caught.value.code


def reading(sheet: Sheet) -> Reading:
    return read_rows(sheet, guess_columns(sheet, "households"), "households", KNOWN)


HEAD: list[object] = ["服务站", "地址", "姓名", "身份证号"]
ONE: list[object] = ["望海社区", "望海街1号", "张福贵", "210203194203050014"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (OLE + b"W\0o\0r\0k\0b\0o\0o\0k\0", "old_xls"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"<html><table><tr><td>\xe5\xa7\x93</td></tr></table>", "old_xls"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "old_xls"),
        (packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "old_xls"),
        (packed({"a.txt": b"x"}), "not_a_sheet"),
        (packed({"[Content_Types].xml": b"<Types/>"}), "not_a_sheet"),
        (b"PK\x03\x04 broken", "not_a_sheet"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "not_a_sheet"),
        (b"", "empty"),
        (b"\r\n\r\n", "empty"),
        (b",,,\n,,,\n", "empty"),
        ("一封信\n没有表格".encode(), "no_head"),
        (b"x" * (opening.MAX_BYTES + 1), "too_big"),
    ],
)
def test_what_is_no_readable_sheet_is_refused_with_its_reason(data: bytes, why: str) -> None:
    assert refused(data) == why


def test_an_empty_workbook_is_called_empty() -> None:
    assert refused(book([])) == "empty"


def test_a_zip_bomb_is_not_unpacked() -> None:
    assert refused(packed({"[Content_Types].xml": b"", "xl/a.xml": b"\0" * (opening.MAX_UNPACKED + 1)})) == "too_big"


def test_entities_are_not_expanded() -> None:
    good = book([HEAD, ONE])
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        part = archive.read("xl/worksheets/sheet1.xml")
    evil = b'<!DOCTYPE worksheet [<!ENTITY a "1">]>' + part.replace(b'<c r="A2"', b'<c r="&a;A2"')
    assert refused(repacked(good, "xl/worksheets/sheet1.xml", b'<!DOCTYPE worksheet [<!ENTITY a "1">]>' + part)) == "not_a_sheet"
    assert refused(repacked(good, "xl/worksheets/sheet1.xml", evil)) == "not_a_sheet"


def test_blocks_merged_over_each_other_are_followed_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_COVERED", 10)
    found = layout.find_layout([HEAD, *[ONE] * 50], [Merge(1, 1, 50, 3), Merge(1, 1, 50, 3)])
    assert found
    assert len(found.anchors) <= 10


def test_a_sheet_full_of_empty_cells_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_CELLS", 7)
    assert refused(book([HEAD, ONE])) == "too_many_rows"


def test_twenty_thousand_people_are_too_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_ROWS", 3)
    assert refused(text([HEAD, *[ONE] * 4])) == "too_many_rows"
    assert open_sheet(text([HEAD, *[ONE] * 3]), "a.csv")


def test_merged_blocks_without_end_cost_nothing() -> None:
    data = book([HEAD, ONE], merges=("A3:B3",))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        part = archive.read("xl/worksheets/sheet1.xml").replace(b"A3:B3", b"F1:XFD1048576")
    sheet = open_sheet(repacked(data, "xl/worksheets/sheet1.xml", part), "a.xlsx")
    assert len(sheet.body) == 1
    assert open_sheet(mark(sheet, reading(sheet).faults), "a.xlsx").body == sheet.body


def test_the_size_a_file_states_of_itself_is_not_believed() -> None:
    data = book([HEAD, ONE])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        part = archive.read("xl/worksheets/sheet1.xml").replace(b'<dimension ref="A1:D2"', b'<dimension ref="A1:A1"')
    assert len(open_sheet(repacked(data, "xl/worksheets/sheet1.xml", part), "a.xlsx").columns) == 4


def test_the_head_is_found_under_titles_and_above_people() -> None:
    rows = [["老人花名册"], ["填报单位：松岭街道"], [], HEAD, ONE, ["合计", 1], ["填表人：王某"]]
    sheet = open_sheet(book(rows, merges=("A1:D1",)), "a.xlsx")
    assert sheet.head == (3, 3)
    assert sheet.body == (4,)
    assert sheet.caption == "老人花名册 填报单位:松岭街道"
    assert [skipped.why for skipped in sheet.skipped] == ["total", "footnote"]


TWO_LINES: list[list[object]] = [
    ["服务站", "地址", "老人", None, None, "家属", None, "养护员", None],
    [None, None, "姓名", "电话", "身份证号", "姓名", "电话", "姓名", "电话"],
    ["望海", "望海街1号", "张福贵", "13800138000", "", "张伟", "13900139000", "李娜", "13700137000"],
]
MEANT = {"station": 0, "address": 1, "name": 2, "phone": 3, "national_id": 4, "kin_name": 5, "kin_phone": 6, "caregiver": 7}


@pytest.mark.parametrize("merges", [(), ("C1:E1", "F1:G1", "H1:I1"), ("A1:A2", "B1:B2", "C1:E1", "F1:G1", "H1:I1")])
def test_a_head_of_two_lines_says_whose_name_and_phone(merges: tuple[str, ...]) -> None:
    sheet = open_sheet(book(TWO_LINES, merges), "a.xlsx")
    assert guess_columns(sheet, "households") == MEANT
    assert sheet.body == (2,)


def test_a_head_of_two_lines_is_read_from_text_too() -> None:
    assert guess_columns(open_sheet(text(TWO_LINES), "a.csv"), "households") == MEANT


def test_a_few_lower_head_words_under_one_group_are_still_head() -> None:
    upper: list[object] = ["服务站", "地址", "姓名", "性别", "身份证号码（18位，请设为文本格式）", "家属", None, "养护员"]
    lower: list[object] = [None, None, None, None, None, "姓名", "电话", None]
    for made in (text([upper, lower, ONE]), book([upper, lower, ONE])):
        sheet = open_sheet(made, "a")
        found = guess_columns(sheet, "households")
        assert (found["name"], found["kin_name"], found["kin_phone"], found["caregiver"]) == (2, 5, 6, 7)
        assert sheet.body == (2,)


def test_a_second_telephone_belongs_to_who_stands_left_of_it() -> None:
    head: list[object] = ["社区", "住址", "姓名", "联系电话", "家属", "关系", "联系电话", "养护员", "联系电话", "年龄"]
    sheet = open_sheet(text([head, ONE]), "a.csv")
    found = guess_columns(sheet, "households")
    assert (found["phone"], found["kin_name"], found["kin_relation"], found["kin_phone"]) == (3, 4, 5, 6)
    assert 8 not in found.values()


def test_head_words_are_known_with_brackets_stars_and_spaces() -> None:
    head: list[object] = ["*所属社区", "家庭住址（详细到门牌）", "姓　名", "身份证号码(18位)", "出生\n年月", "联系电话:"]
    made = book([head, ONE])
    assert set(guess_columns(open_sheet(made, "a.xlsx"), "households")) == {
        "station", "address", "name", "national_id", "birth", "phone",
    }  # fmt: skip


def test_a_layout_is_known_again_and_a_remembered_mapping_wins() -> None:
    one, other = open_sheet(text([HEAD, ONE]), "a.csv"), open_sheet(book([["标题"], HEAD, ONE, ONE]), "b.xlsx")
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(open_sheet(text([HEAD[::-1], ONE]), "c.csv"))
    told = {"name": 0, "station": 1, "address": 2}
    assert guess_columns(one, "households", {fingerprint(other): told}) == told


def test_missing_columns_are_named_and_nothing_is_read_without_them() -> None:
    sheet = open_sheet(text([["姓名", "电话"], ["张福贵", ""]]), "a.csv")
    columns = guess_columns(sheet, "households")
    assert missing_columns(columns, "households") == ("station", "address")
    with pytest.raises(Refusal) as caught:
        read_rows(sheet, columns, "households", KNOWN)
    assert caught.value.facts["fields"] == ("station", "address")


def test_the_station_may_stand_in_the_title_the_worksheet_or_a_heading() -> None:
    rows: list[list[object]] = [["地址", "姓名", "电话"], ["望海街1号", "张福贵", ""]]
    titled = open_sheet(book([["望海社区老人花名册"], *rows]), "a.xlsx")
    named = open_sheet(book(rows, title="望海社区"), "a.xlsx")
    headed = open_sheet(
        book([rows[0], ["一、望海社区（1户）"], rows[1], ["二、泉水社区"], ["泉水街1号", "王玉兰", ""]]), "a.xlsx"
    )
    assert [out.facts.station for out in reading(titled).ready] == ["望海社区"]
    assert [out.facts.station for out in reading(named).ready] == ["望海社区"]
    assert [out.facts.station for out in reading(headed).ready] == ["望海社区", "泉水社区"]


def test_the_worksheet_with_the_people_is_taken() -> None:
    made = openpyxl.Workbook()
    made.worksheets[0].append(["说明"])
    page = made.create_sheet("花名册")
    page.append(HEAD)
    page.append(ONE)
    hidden = made.create_sheet("旧")
    hidden.append(HEAD)
    for _ in range(5):
        hidden.append(ONE)
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    made.save(out)
    sheet = open_sheet(out.getvalue(), "a.xlsx")
    assert (sheet.title, sheet.titles) == ("花名册", ("Sheet", "花名册"))


def test_a_merged_household_is_one_and_blank_rows_between_are_nothing() -> None:
    rows = [
        ["服务站", "户主", "地址", "姓名", "类别"],
        ["望海社区", "张福贵", "望海街1号", "张福贵", "A"],
        [None, None, None, "刘淑珍", None],
        [],
        ["望海社区", "王玉兰", "望海街2号", "王玉兰", "B"],
    ]
    merges = ("A2:A3", "B2:B3", "C2:C3", "E2:E3")
    for sheet in (open_sheet(book(rows, merges), "a.xlsx"), open_sheet(text(rows), "a.csv")):
        out = reading(sheet).ready
        assert [one.facts.tier for one in out] == ["A", "A", "B"]
        assert out[0].household == out[1].household != out[2].household
        assert out[1].facts.address == "望海街1号"


def test_several_relatives_beside_one_merged_elder_are_his() -> None:
    rows = [
        ["服务站", "地址", "姓名", "家属", "家属电话"],
        ["望海社区", "望海街1号", "张福贵", "张伟", "13800138000"],
        [None, None, None, "张敏", "13900139000"],
    ]
    out = reading(open_sheet(book(rows, ("A2:A3", "B2:B3", "C2:C3")), "a.xlsx")).ready
    assert [[kin.name for kin in one.facts.kin] for one in out] == [["张伟", "张敏"]]


def test_a_long_merged_station_is_read_from_text_where_only_its_first_row_is_left() -> None:
    rows: list[list[object]] = [["服务站", "地址", "姓名"]]
    rows += [["望海社区" if n == 0 else "", f"望海街{n}号", f"张福{name}"] for n, name in enumerate("贵林海生")]
    assert [out.facts.station for out in reading(open_sheet(text(rows), "a.csv")).ready] == ["望海社区"] * 4


def test_rare_characters_of_names_survive_the_old_chinese_coding() -> None:
    data = "服务站,地址,姓名\n望海社区,望海街1号,欧阳䶮德\n".encode("gb18030")
    assert [out.facts.name for out in reading(open_sheet(data, "a.csv")).ready] == ["欧阳䶮德"]


def test_ditto_means_the_cell_above() -> None:
    rows = [["服务站", "地址", "姓名"], ["望海社区", "望海街1号", "张福贵"], ["同上", "〃", "刘淑珍"]]
    out = reading(open_sheet(text(rows), "a.csv")).ready
    assert out[1].facts.station == "望海社区"
    assert out[0].household == out[1].household


def test_a_forgotten_address_is_asked_for_not_taken_from_above() -> None:
    rows: list[list[object]] = [["地址", "姓名", "电话"], ["望海街1号", "张福贵", ""], [None, "王玉兰", ""]]
    sheet = open_sheet(book(rows, title="望海社区"), "a.xlsx")
    (question,) = reading(sheet).questions
    assert question.code == "household_above"
    columns = guess_columns(sheet, "households")
    same = read_rows(sheet, columns, "households", KNOWN, {question.key: "same"})
    assert len({out.household for out in same.ready}) == 1
    other = read_rows(sheet, columns, "households", KNOWN, {question.key: "other"})
    assert [fault.code for fault in other.faults] == ["address_missing"]


def test_a_formula_without_its_result_is_named() -> None:
    data = book([HEAD, ["望海社区", "望海街1号", '="张"&"福贵"', None]])
    assert [(fault.code, fault.cell_ref) for fault in reading(open_sheet(data, "a.xlsx")).faults] == [("formula", "C2")]


def test_a_formula_with_its_result_is_read_and_one_gone_wrong_is_named() -> None:
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out)
    page = made.add_worksheet()
    page.write_row(0, 0, HEAD)
    page.write_row(1, 0, ONE)
    page.write_formula(1, 2, '="张"&"福贵"', None, "张福贵")
    page.write_row(2, 0, ["泉水社区", "泉水街1号", "王玉兰"])
    page.write_formula(2, 3, "=NA()", None, "#N/A")
    made.close()
    found = reading(open_sheet(out.getvalue(), "a.xlsx"))
    assert [one.facts.name for one in found.ready] == ["张福贵"]
    assert [(fault.row, fault.code) for fault in found.faults] == [(3, "cell_error")]


def test_staff_are_read_with_their_posts() -> None:
    rows: list[list[object]] = [
        ["序号", "姓名", "性别", "联系电话", "岗位", "所属社区"],
        [1, "李娜", "女", "13800138000", "养护员", "望海社区"],
        [2, "赵敏", "女", "13900139000", "站长", "泉水"],
        [3, "孙医生", "", "13700137000", "家庭医生", "泉水"],
        [4, "周强", "男", "", "养护员", "泉水"],
        [5, "吴刚", "男", "0411-84601234", "养护员", "泉水"],
        [6, "郑好", "男", "13800138000", "局长", "泉水"],
    ]
    sheet = open_sheet(book(rows), "a.xlsx")
    found = read_rows(sheet, guess_columns(sheet, "staff"), "staff", KNOWN)
    assert [(out.facts.name, out.facts.role) for out in found.ready] == [
        ("李娜", "caregiver"), ("赵敏", "station_head"), ("孙医生", "family_doctor"),
    ]  # fmt: skip
    assert {(fault.row, fault.code) for fault in found.faults} == {
        (5, "phone_missing"), (6, "phone_not_mobile"), (7, "phone_twice"), (7, "role_unknown"),
    }  # fmt: skip
