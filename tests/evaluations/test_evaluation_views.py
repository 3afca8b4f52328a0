"""The pages of a month: who may do what in which order, and what each of them sees."""

from __future__ import annotations

import copy
import io
import re
from datetime import timedelta

import openpyxl
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.evaluations.kit import LAST, lay
from tests.world import World
from webapp.evaluations import gather
from webapp.evaluations.models import Evaluation
from webapp.store import db, rulebook

D = [LAST.first + timedelta(days=n) for n in range(12)]
MARKS = {"home": "3", "attitude": "2", "words": "做事细，老人信得过"}


@pytest.fixture
def url(world: World) -> str:
    """Wang's sheet of last month: one visit made, one missed."""
    with db.transaction() as session:
        lay(world, "李秀兰", D[0], late_min=20)
        lay(world, "李秀兰", D[1], came=None)
        gather.gather(LAST)
        key = session.scalars(sa.select(Evaluation.id).where(Evaluation.caregiver_id == world.person("wang").id)).one()
    return f"/evaluations/{key}"


def said(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def tell(client: FlaskClient, url: str, **data: str) -> int:
    return client.post(url, data=data).status_code


def test_a_month_goes_from_gathering_to_seal(world: World, url: str) -> None:
    head, wang, street = world.client("zhou"), world.client("wang"), world.client("wu")
    assert "应到 2 次，到 1 次" in said(head, url)
    assert tell(wang, f"{url}/seen") == 422
    assert tell(head, f"{url}/judge", **MARKS) == 303
    assert "等您看" in said(wang, "/my-month")
    assert tell(wang, f"{url}/object", code="M01", words="那天我去了") == 303
    assert tell(head, f"{url}/sign") == 422
    with db.transaction():
        objection = sheet(world).objections[0].id
    assert tell(head, f"{url}/reply", objection=str(objection), upheld="yes", words="") == 422
    assert tell(head, f"{url}/reply", objection=str(objection), upheld="yes", words="查过了，去了", figure="2") == 303
    assert "有一个数改过：1 改成 2" in said(wang, url)
    assert tell(head, f"{url}/sign") == 303
    assert tell(head, f"{url}/seal") == 403
    assert tell(street, f"{url}/seal") == 303
    assert "已定" in said(head, url)
    assert "一样" in said(street, f"{url}/check")
    assert tell(street, f"{url}/review", why="家属补了说明", home="3", attitude="2") == 303
    assert "复核后" in said(wang, url)


def sheet(world: World) -> Evaluation:
    return db.session().scalars(sa.select(Evaluation).where(Evaluation.caregiver_id == world.person("wang").id)).one()


def test_what_is_wrong_is_told_beside_the_field_and_what_was_typed_stays(world: World, url: str) -> None:
    head = world.client("zhou")
    for data, words in (
        (MARKS | {"home": ""}, "请选一个"),
        (MARKS | {"home": "4"}, "请写一句为什么"),
        (MARKS | {"adjustment": "很多"}, "加减分要填数"),
        (MARKS | {"adjustment": "9", "adjustment_words": "好"}, "加减分最多"),
        (MARKS | {"adjustment": "NaN"}, "加减分要填数"),
        (MARKS | {"attitude": "7"}, "请选一个"),
    ):
        answer = head.post(f"{url}/judge", data=data)
        assert answer.status_code == 422 and words in answer.text and "做事细，老人信得过" in answer.text, data
    assert sheet(world).judged_at is None


def test_each_figure_leads_to_its_records(world: World, url: str) -> None:
    head = world.client("zhou")
    assert "没有记录" in said(head, f"{url}/records/M01")
    assert "迟到 20 分钟" in said(head, f"{url}/records/M02")
    for code in ("M03", "M04", "M05", "M09"):
        said(head, f"{url}/records/{code}")
    assert head.get(f"{url}/records/M99").status_code == 404


def test_what_is_late_in_the_records_is_late_by_the_rules_of_the_month(world: World, url: str) -> None:
    head = world.client("zhou")
    assert "要看" in said(head, f"{url}/records/M02")
    with db.transaction():
        looser = copy.deepcopy(rulebook.default("evaluation"))
        looser["monthly"]["settings"]["on_time_min"] = 20
        rulebook.put("evaluation", looser, LAST.first)
    assert "要看" not in said(head, f"{url}/records/M02")


def test_the_caregiver_sees_the_same_figures_and_never_the_stars(world: World, url: str) -> None:
    with db.transaction():
        row = sheet(world)
        row.facts = row.facts | {"stars": [5, 4, 5]}
        row.reckon()
    tell(world.client("zhou"), f"{url}/judge", **MARKS)
    head, wang = said(world.client("zhou"), url), said(world.client("wang"), url)
    assert "3 位老人说了" in head and re.search(r"老人满意 \d", head)
    assert "3 位老人" not in wang and "问到的还不多" in wang and not re.search(r"老人满意 \d", wang)
    assert "应到 2 次，到 1 次" in wang and "下个月这样做" in wang


def test_pages_of_the_month_for_each_office(world: World, url: str) -> None:
    assert "松岭一社区" in said(world.client("zhou"), f"/evaluations?month={LAST}")
    assert "望海社区" in said(world.client("wu"), "/evaluations") and "人数" in said(world.client("wu"), "/evaluations/compare")
    assert world.client("zhou").get("/evaluations/compare").status_code == 403
    assert "王**" in said(world.client("jiang"), url) and "王桂芳" not in said(world.client("jiang"), url)
    assert world.client("wang").get("/evaluations").status_code == 303
    assert tell(world.client("zhou"), "/evaluations/gather", month="2030-01") == 422
    assert tell(world.client("zhou"), "/evaluations/gather", month=str(LAST)) == 303
    assert said(world.client("zhou"), "/evaluations?month=never")


def test_paper_says_what_the_screen_says(world: World, url: str) -> None:
    head = world.client("zhou")
    tell(head, f"{url}/judge", **MARKS)
    paper = head.get(f"{url}/form.pdf")
    assert (paper.status_code, paper.mimetype) == (200, "application/pdf") and paper.data.startswith(b"%PDF")
    station = world.place("songling").id
    assert head.get(f"/evaluations/month.pdf?month={LAST}&station={station}").data.count(b"/Type /Page\n") >= 2
    book = openpyxl.load_workbook(io.BytesIO(head.get(f"/evaluations/month.xlsx?month={LAST}&station={station}").data))
    rows = list(book.active.values)
    mine = next(row for row in rows if row[1] == "王桂芳")
    kept = sheet(world)
    assert mine[2] == kept.points["M01"] / 10 and mine[-3] == kept.total / 10
    assert head.get(f"/evaluations/month.pdf?month={LAST}&station={world.place('wanghai').id}").status_code == 404


def test_a_veto_on_the_pages(world: World, url: str) -> None:
    head, street = world.client("zhou"), world.client("wu")
    assert tell(head, f"{url}/veto", code="money", words="向老人借了二百元", heard="她说要还") == 303
    assert tell(head, f"{url}/veto", code="", words="向老人借了二百元", heard="她说要还") == 422
    assert "还没有街道确认" in said(head, url)
    with db.transaction():
        veto = sheet(world).vetoes[0].id
    assert tell(street, f"{url}/veto/confirm", veto=str(veto)) == 303
    assert tell(street, f"{url}/veto/confirm", veto="none") == 422
    assert sheet(world).grade in ("fail", None)


def test_the_street_confirms_a_station_at_once(world: World, url: str) -> None:
    tell(world.client("zhou"), f"{url}/judge", **MARKS)
    tell(world.client("wang"), f"{url}/seen")
    tell(world.client("zhou"), f"{url}/sign")
    station = str(world.place("songling").id)
    assert tell(world.client("wu"), "/evaluations/seal", month=str(LAST), station=station) == 303
    assert sheet(world).state == "sealed"
    assert tell(world.client("wu"), "/evaluations/seal", month=str(LAST), station="none") == 422
