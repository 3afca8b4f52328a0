"""The street's own form comes back with the month in its named cells, and nothing else of it changed."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest

from tests.evaluations.kit import LAST, lay
from tests.world import World
from webapp.evaluations import filling, gather
from webapp.kit.refusal import Refusal
from webapp.store import db

D = [LAST.first + timedelta(days=n) for n in range(4)]
URL = "/evaluations/own-form"


@pytest.fixture
def gathered(world: World) -> World:
    """Last month: 王桂芳 came twice of three times."""
    with db.transaction():
        lay(world, "李秀兰", D[0])
        lay(world, "李秀兰", D[1])
        lay(world, "李秀兰", D[2], came=None)
        gather.gather(LAST)
    return world


def sheet(names: dict[str, str], **cells: Any) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "街道表"
    for cell, value in cells.items():
        page[cell] = value
    page["A1"].font = openpyxl.styles.Font(bold=True)
    for name, cell in names.items():
        book.defined_names[name] = openpyxl.workbook.defined_name.DefinedName(name, attr_text=f"'街道表'!${cell[0]}${cell[1:]}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def post(world: World, body: bytes, who: str = "zhou", station: str = "songling") -> Any:
    data = {"month": str(LAST), "station": str(world.place(station).id), "form": (io.BytesIO(body), "表.xlsx")}
    return world.client(who).post(f"{URL}?month={LAST}", data=data, content_type="multipart/form-data")


def test_named_cells_are_filled_and_the_rest_stays(gathered: World) -> None:
    names = {"服务站": "B1", "人数": "B2", "平均分": "B3", "养护员": "A6", "总分": "B6", "M01_": "C6", "到": "D6", "应到": "E6",
             "没听说过": "F1"}  # fmt: skip
    form = sheet(names, A1="月考核汇总表", A2="人数", F1="=SUM(D6:D9)", A20="街道盖章")
    answer = post(gathered, form)
    assert answer.status_code == 200 and answer.mimetype.endswith("spreadsheetml.sheet")
    page = openpyxl.load_workbook(io.BytesIO(answer.data))["街道表"]
    assert (page["B1"].value, page["B2"].value) == ("松岭一社区居家养老服务站", 2)
    lines = {row[0]: row[1:] for row in page.iter_rows(min_row=6, max_row=7, max_col=5, values_only=True)}
    assert lines["王桂芳"][1:] == (0, 2, 3) and set(lines) == {"王桂芳", "钱桂兰"}
    assert (page["A1"].value, page["A1"].font.bold, page["F1"].value, page["A20"].value) == (
        "月考核汇总表", True, "=SUM(D6:D9)", "街道盖章")  # fmt: skip


def test_the_specimen_holds_every_name_and_comes_back_filled(gathered: World) -> None:
    client = gathered.client("zhou")
    assert "名称框" in client.get(URL).text
    specimen = client.get(f"{URL}.xlsx?month={LAST}")
    answer = post(gathered, specimen.data)
    assert answer.status_code == 200
    page = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert page["B2"].value == "松岭一社区居家养老服务站" and page["A14"].value in ("王桂芳", "钱桂兰")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "不是表格"),
        (b"a,b", "另存为xlsx"),
        (b"PK\x03\x04rubbish", "不是表格"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "另存为xlsx"),
        (sheet({}), "没有一个认识的名字"),
        (sheet({"别的": "A1"}), "没有一个认识的名字"),
    ],
)
def test_what_cannot_be_filled_is_said_beside_the_file(gathered: World, body: bytes, words: str) -> None:
    answer = post(gathered, body)
    assert answer.status_code == 422 and words in answer.text


def test_joined_cells_in_the_way_are_named(gathered: World) -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheet({"养护员": "A6"})))
    book.active.merge_cells("A6:A7")
    out = io.BytesIO()
    book.save(out)
    assert "A6" in (told := post(gathered, out.getvalue())).text and told.status_code == 422


def test_others_stations_are_not_filled_in(gathered: World) -> None:
    assert post(gathered, sheet({"人数": "B2"}), station="wanghai").status_code in (404, 422)
    assert post(gathered, sheet({"人数": "B2"}), who="wang").status_code == 403


def test_a_name_that_begins_like_a_formula_is_text() -> None:
    made, found = filling.fill(sheet({"评语": "A6"}), filling.Filling({}, {"评语": ["=1+1", "+2", "好"]}))
    page = openpyxl.load_workbook(io.BytesIO(made)).active
    assert found == ["评语"] and [page[f"A{n}"].value for n in (6, 7, 8)] == ["'=1+1", "'+2", "好"]
    with pytest.raises(Refusal):
        filling.fill(b"PK\x03\x04", filling.Filling({}, {}))
