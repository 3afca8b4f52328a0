"""A station scores itself with its proofs, sends it up once, the street checks every line, and nobody checks her own."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.world import World
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.messages.models import Task
from webapp.selfscores import models, rules
from webapp.selfscores.models import SelfScore
from webapp.store import db

YEAR = clock.today().year
ITEMS = [
    {"code": "A1", "zh": "天天上门", "en": "Daily visits", "full": 15},
    {"code": "A2", "zh": "台账", "en": "Registers", "full": 5},
]


@pytest.fixture
def url(world: World) -> str:
    """The station's form of the year, of two lines."""
    with db.transaction():
        models.put("station", ITEMS)
    return f"/self-scores/{world.place('songling').id}/{YEAR}"


def said(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def row() -> SelfScore:
    return db.session().scalars(sa.select(SelfScore)).one()


GOOD = {"own_A1": "13.5", "proof_A1": "出勤表在系统里", "own_A2": "4", "proof_A2": "台账柜第二格"}


def test_a_form_goes_from_the_station_to_the_street_and_back(world: World, url: str) -> None:
    head, street = world.client("zhou"), world.client("wu")
    assert "还没填" in said(street, url)
    assert head.post(url, data=GOOD | {"own_A2": "", "deed": "save"}).status_code == 303
    assert row().state == "open" and 'value="13.5"' in head.get(url).text
    assert head.post(url, data=GOOD | {"deed": "send"}).status_code == 303
    page = said(head, url)
    assert "（15分，自评13.5分）" in page and "等上级核" in page and "17.5" in page
    open_ = sa.select(Task.place_id).where(Task.kind == "check_scores", Task.cleared_at.is_(None))
    assert db.session().scalars(open_).all() == [world.place("street").id]
    assert head.post(url, data=GOOD | {"deed": "save"}).status_code == 422, "sent is sent"
    checked = {"checked_A1": "13.5", "checked_A2": "3.5", "why_A2": "少了九月的表"}
    assert street.post(f"{url}/check", data=checked).status_code == 303
    page = said(head, url)
    assert "（5分，自评4分，核定3.5分）" in page and "核的人说：少了九月的表" in page and "核过了" in page
    assert db.session().scalars(open_).all() == []
    assert street.post(f"{url}/check", data=checked).status_code == 422
    assert "17 / 20" in said(street, "/self-scores")
    with pytest.raises(sa.exc.DBAPIError), db.transaction():
        row().lines = {}


@pytest.mark.parametrize(
    ("typed", "words"),
    [({"own_A1": "15.1"}, "最多 15 分"), ({"own_A1": "很多"}, "这里填分数"), ({"own_A1": ""}, "这一项还没打分"),
     ({"proof_A2": " "}, "给了分就写一句凭什么"), ({"own_A1": "-1"}, "这里填分数"), ({"own_A1": "3.25"}, "这里填分数")],
)  # fmt: skip
def test_what_cannot_be_sent_is_said_beside_its_line_and_stays(world: World, url: str, typed: dict[str, str], words: str) -> None:
    answer = world.client("zhou").post(url, data=GOOD | typed | {"deed": "send"})
    assert answer.status_code == 422 and words in answer.text and "出勤表在系统里" in answer.text
    assert db.session().scalars(sa.select(SelfScore.id)).all() == [], "nothing was written"


def test_full_marks_are_the_most_and_nothing_needs_no_proof(world: World, url: str) -> None:
    edge = {"own_A1": "15", "proof_A1": "出勤表", "own_A2": "0", "proof_A2": "", "deed": "send"}
    assert world.client("zhou").post(url, data=edge).status_code == 303
    with db.transaction():
        assert (row().total(rules.OWN), row().total(rules.CHECKED)) == (150, None)


def test_the_check_gives_every_line_a_score_and_says_why_it_differs(world: World, url: str) -> None:
    world.client("zhou").post(url, data=GOOD | {"deed": "send"})
    for data, words in (({"checked_A1": "13.5"}, "这一项还没核"), ({"checked_A1": "13.5", "checked_A2": "5.1"}, "最多 5 分"),
                        ({"checked_A1": "13.5", "checked_A2": "3"}, "请写为什么")):  # fmt: skip
        answer = world.client("wu").post(f"{url}/check", data=data)
        assert answer.status_code == 422 and words in answer.text, data
    assert row().state == "sent"


def test_nobody_fills_in_for_another_unit_or_checks_her_own(world: World, url: str) -> None:
    other = f"/self-scores/{world.place('wanghai').id}/{YEAR}"
    assert world.client("zhou").get(other).status_code == 404
    assert world.client("wu").post(url, data=GOOD).status_code == 422, "the street does not write the station's"
    assert world.client("wang").get(url).status_code == 403
    street = f"/self-scores/{world.place('street').id}/{YEAR}"
    mine = {each["code"]: each["full"] for each in models.form("street", clock.today())["items"]}
    own = {f"own_{code}": str(full) for code, full in mine.items()} | {f"proof_{code}": "在册" for code in mine}
    assert world.client("wu").post(street, data=own | {"deed": "send"}).status_code == 303
    checked = {f"checked_{code}": str(full) for code, full in mine.items()}
    assert world.client("wu").post(f"{street}/check", data=checked).status_code == 422
    assert world.client("zheng").post(f"{street}/check", data=checked).status_code == 303
    for year in (1999, YEAR + 1):
        assert world.client("zhou").get(f"/self-scores/{world.place('songling').id}/{year}").status_code == 404


def test_the_form_on_paper_and_the_list(world: World, url: str) -> None:
    for when in ("blank", "sent"):
        paper = world.client("zhou").get(f"{url}/form.pdf")
        assert paper.status_code == 200 and paper.data.startswith(b"%PDF"), when
        world.client("zhou").post(url, data=GOOD | {"deed": "send"})
    assert "自评 17.5 分" in said(world.client("wu"), "/self-scores")
    assert "还没填" in said(world.client("zhou"), f"/self-scores?year={YEAR - 1}")


def test_a_district_writes_its_own_lines_and_what_was_sent_stays(world: World, url: str) -> None:
    world.client("zhou").post(url, data=GOOD | {"deed": "send"})
    district, page = world.client("zheng"), "/self-scores/items/station"
    assert "天天上门 | 15 | Daily visits" in district.get(page).text
    for typed, words in (
        ("天天上门", "要写成"),
        ("天天上门|x", "要写成"),
        ("甲|5\n甲|6", "写了两次"),
        ("甲|0", "要写成"),
        ("甲|101", "要写成"),
    ):
        answer = district.post(page, data={"items": typed})
        assert answer.status_code == 422 and words in answer.text, typed
    assert district.post(page, data={"items": "天天上门 | 10 | Daily visits\n识骗防骗 ｜ 5"}).status_code == 303
    with db.transaction():
        held = models.form("station", clock.today())["items"]
        assert [(each["zh"], each["full"], each["en"]) for each in held] == [
            ("天天上门", 10, "Daily visits"), ("识骗防骗", 5, "识骗防骗"),
        ]  # fmt: skip
        assert held[0]["code"] == "A1" and held[1]["code"] not in ("A1", "A2")
        assert [each["full"] for each in row().asked] == [15, 5]
    assert world.client("wu").get(page).status_code == 403


def test_shipped_forms_come_to_a_hundred() -> None:
    shipped = models.rulebook.default("self_scores")
    for kind in models.KINDS:
        assert rules.full(shipped[kind]["items"]) == 100
        assert rules.read(rules.written(shipped[kind]["items"]), shipped[kind]["items"]) == shipped[kind]["items"]


def test_scores_are_tenths_and_a_total_waits_for_every_line() -> None:
    assert [rules.tenths(text) for text in ("0", "3.5", " 4 ", "999.9")] == [0, 35, 40, 9999]
    for text in ("", "x", "1.25", "-1", "1000", "NaN"):
        with pytest.raises((ValueError, ArithmeticError)):
            rules.tenths(text)
    lines = {"A1": {"own": 135}, "A2": {"own": None}}
    assert rules.total(ITEMS, lines, rules.OWN) is None
    assert rules.total(ITEMS, lines | {"A2": {"own": 40}}, rules.OWN) == 175
    with pytest.raises(Refusal, match="^many: "):
        rules.read("\n".join(f"{n}|1" for n in range(rules.MOST + 1)), [])
