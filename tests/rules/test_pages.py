"""The same rules on pages: every test case of the domain typed into a form, and a district's change tried before it holds."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.evaluations.kit import LAST, lay
from tests.rules.test_calculators import expected, rules
from tests.world import World
from webapp.evaluations import gather, models
from webapp.evaluations.models import Evaluation
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.store import db, rulebook

KINDS = {each["code"]: each["zh"] for each in rules("calendar")["day_kinds"]}


def text(page: str) -> str:
    body = page.split("<main", 1)[1].split("</main", 1)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def asked(client: FlaskClient, kind: str, **typed: Any) -> str:
    answer = client.get(f"/rules/{kind}", query_string=typed)
    assert answer.status_code == 200, text(answer.text)
    return text(answer.text)


def shares(case: dict[str, Any]) -> dict[str, str]:
    """The ratios of a case as one types them: hundredths, but stars and marks as they are."""
    return {
        code: str(value if code in ("M07", "M10", "M11") else round(value * 100, 4)) for code, value in case["ratios"].items()
    }


@pytest.mark.parametrize("case", expected("evaluation"), ids=lambda case: case["id"])
def test_every_case_of_the_evaluation_comes_out_on_the_page(world: World, case: dict[str, Any]) -> None:
    said = asked(world.client("zheng"), "evaluation", **shares(case))
    grade = next(band["zh"] for band in rules("evaluation")["grades"]["bands"] if band["code"] == case["grade"])
    assert f"总分 {case['total']} {grade}" in said
    for each in rules("evaluation")["monthly"]["indicators"]:
        assert f"{each['zh']} {case['points'][each['code']]} / {each['weight']}" in said


@pytest.mark.parametrize("n", range(len(expected("inspection"))))
def test_every_case_of_the_inspection_comes_out_on_the_page(world: World, n: int) -> None:
    case = expected("inspection")[n]
    typed = {code.lower().replace("-", "_"): value for code, value in case["answers"].items()}
    said = asked(world.client("chu"), "inspection", template="home_full", **typed)
    assert f"做到的 {round(case['pass_rate'] * 100, 2)}% 要整改" in said


@pytest.mark.parametrize("case", expected("calendar"), ids=lambda case: case["date"])
def test_every_case_of_the_calendar_comes_out_on_the_page(world: World, case: dict[str, Any]) -> None:
    assert f"{case['date']} {KINDS[case['kind']]}" in asked(world.client("zhou"), "calendar", date=case["date"])


def test_what_cannot_be_worked_out_is_said_plainly_and_stays(world: World) -> None:
    client = world.client("zhou")
    for kind, typed in (("evaluation", {"M01": "很多"}), ("evaluation", {"M01": "101"}), ("evaluation", {"M10": "9"}),
                        ("evaluation", {"M01": "96", "vetoes": "late"}), ("calendar", {"date": "明天"}),
                        ("inspection", {"rec_02": "maybe"}), ("evaluation", {"M01": "NaN"})):  # fmt: skip
        answer = client.get(f"/rules/{kind}", query_string=typed)
        assert answer.status_code == 422 and ("notice wait" in answer.text or 'class="wrong"' in answer.text), (kind, typed)
    assert 'value="很多"' in client.get("/rules/evaluation?M01=很多").text
    assert client.get("/rules/inspection?template=none").status_code == 404
    assert world.client("wang").get("/rules/evaluation").status_code == 403


# -- changing them --


def form(held: dict[str, Any], **other: str) -> dict[str, str]:
    """What the page's form holds, with some fields typed anew."""
    from_page = {name: str(held["monthly"]["settings"][name]) for name in
                 ("on_time_min", "log_late_days", "judge_working_day", "object_days", "confirm_working_day")}  # fmt: skip
    for each in held["monthly"]["indicators"]:
        if each["kind"] == "computed":
            across = 1 if each["code"] == "M07" else 100
            from_page[f"weight_{each['code']}"] = str(each["weight"])
            from_page[f"curve_{each['code']}"] = " ".join(f"{x * across:g}={y * 100:g}" for x, y in each["curve"])
    least = {f"least_{band['code']}": f"{band['min']:g}" for band in held["grades"]["bands"][:-1]}
    vetoes = "\n".join(f"{each['zh']} | {each['en']}" for each in held["vetoes"]["items"])
    return from_page | least | {"least_weight": "60", "max_points": "5", "vetoes": vetoes, "deed": "try"} | other


@pytest.fixture
def gathered(world: World) -> World:
    """Last month with one caregiver who came twenty minutes late."""
    with db.transaction():
        lay(world, "李秀兰", LAST.first, late_min=20)
        gather.gather(LAST)
    return world


def sheet(world: World) -> Evaluation:
    db.undo()
    return db.session().scalars(sa.select(Evaluation).where(Evaluation.caregiver_id == world.person("wang").id)).one()


def test_a_change_is_tried_on_last_month_and_holds_from_the_month_that_is_chosen(gathered: World) -> None:
    client, held = gathered.client("zheng"), copy.deepcopy(rulebook.default("evaluation"))
    before, this = sheet(gathered).total, Month.of(clock.today())
    assert "分值" in client.get("/evaluations/rules").text
    same = client.post("/evaluations/rules", data=form(held))
    assert same.status_code == 200 and "分数变了 0" in text(same.text)
    kinder = form(held, on_time_min="20")
    tried = client.post("/evaluations/rules", data=kinder)
    assert "分数变了 1" in text(tried.text) and "王桂芳" in text(tried.text)
    assert sheet(gathered).total == before and models.settings(this)["monthly"]["settings"]["on_time_min"] == 15
    db.undo()
    kept = client.post("/evaluations/rules", data=kinder | {"deed": "keep", "since": str(this.next())})
    assert kept.status_code == 303
    db.undo()
    assert [models.settings(month)["monthly"]["settings"]["on_time_min"] for month in (LAST, this, this.next())] == [15, 15, 20]


def test_weights_curves_grades_and_vetoes_are_changed_together(gathered: World) -> None:
    client, this = gathered.client("zheng"), Month.of(clock.today())
    held = copy.deepcopy(rulebook.default("evaluation"))
    typed = form(held, weight_M01="20", weight_M02="3", curve_M02="50=0，90=100", curve_M07="1=0 5=100", least_good="85",
                 least_weight="40", max_points="3", vetoes="打骂、虐待、遗弃老人 | Abuse or abandonment\n喝酒上门", deed="keep",
                 since=str(this))  # fmt: skip
    assert client.post("/evaluations/rules", data=typed).status_code == 303
    db.undo()
    now = models.settings(this)
    rows = {each["code"]: each for each in now["monthly"]["indicators"]}
    assert (rows["M01"]["weight"], rows["M02"]["curve"], rows["M07"]["curve"]) == (20, [[0.5, 0], [0.9, 1]], [[1, 0], [5, 1]])
    assert [(band["min"], band["max"]) for band in now["grades"]["bands"]] == [(90, 100), (85, 89.9), (60, 84.9), (0, 59.9)]
    assert now["monthly"]["scoring"]["least_weight"] == 40 and now["monthly"]["adjustment"]["max_points"] == 3
    assert [each["code"] for each in now["vetoes"]["items"]] == ["abuse", "more2"]
    assert models.settings(LAST) == rulebook.default("evaluation"), "an old month keeps its own rules"


WRONG = [
    ({"weight_M01": "16"}, "正好 100 分"), ({"weight_M01": "许多"}, "只能填数字"),
    ({"weight_M01": "0", "weight_M02": "23"}, "至少 1 分"),
    ({"curve_M01": "80=0"}, "至少两个点"), ({"curve_M01": "80=0 70=100"}, "一路往上"), ({"curve_M01": "80=0 90=120"}, "一路往上"),
    ({"curve_M01": "八成"}, "一个等号一个点"), ({"least_good": "95"}, "一级比一级低"), ({"least_pass": "-1"}, "0 到 100"),
    ({"on_time_min": ""}, "这里要填"), ({"vetoes": ""}, "这里要填"), ({"since": "2020-01"}, "请选一个"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "words"), WRONG)
def test_what_cannot_hold_is_said_and_what_was_typed_stays(world: World, typed: dict[str, str], words: str) -> None:
    answer = world.client("zheng").post("/evaluations/rules", data=form(rulebook.default("evaluation"), **typed, deed="keep"))
    assert answer.status_code == 422 and words in answer.text, text(answer.text)[:300]
    assert all(value in answer.text for name, value in typed.items() if name != "since")
    db.undo()
    assert rulebook.current("evaluation", Month.of(clock.today()).next().last) == rulebook.default("evaluation")


def test_only_the_district_changes_them(world: World) -> None:
    assert [world.client(who).get("/evaluations/rules").status_code for who in ("zheng", "wu", "zhou", "wang")] == [
        200,
        403,
        403,
        403,
    ]
