"""What anybody may work out on paper: every test case of the domain files, every boundary, and plain words for bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import settings
from webapp import create_app
from webapp.calculators import CALCULATORS

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "evaluation": "evaluations/evaluation.json",
    "inspection": "inspections/inspection.json",
    "health": "health/health_check.json",
    "assessment": "health/assessment.json",
    "subsidy": "applications/subsidy_rules.json",
    "calendar": "store/calendars.json",
}
GIVEN = {
    "evaluation": {"id", "zh", "en", "ratios"},
    "inspection": {"answers"},
    "health": {"field", "value", "context"},
    "assessment": {"total", "overrides", "failed"},
    "subsidy": {"id", "zh", "en", "household", "members"},
    "calendar": {"date"},
}
"""What of a test case is question; the rest is the answer expected."""


def rules(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "webapp" / FILES[kind]).read_text())
    return found


def expected(kind: str) -> list[dict[str, Any]]:
    facts = rules(kind)
    if kind == "assessment":
        return [case for form in facts["instruments"] for case in form.get("test_cases", ())]
    found: list[dict[str, Any]] = facts["test_cases"]
    return found


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An app whose database was never made: whoever checks a rule needs none."""
    return create_app(settings(tmp_path_factory.mktemp("paper")))


def ask(app: Flask, tmp_path: Path, kind: str, told: Any, *more: str) -> tuple[int, str]:
    """What `flask rules` says to a file: exit code and words."""
    path = tmp_path / "cases.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["rules", kind, str(path), *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def answers(app: Flask, tmp_path: Path, kind: str, told: Any, *more: str) -> Any:
    code, words = ask(app, tmp_path, kind, told, *more)
    assert code == 0, words
    return json.loads(words)


@pytest.mark.parametrize("kind", FILES)
def test_every_test_case_of_the_domain_comes_out_as_it_says(paper: Flask, tmp_path: Path, kind: str) -> None:
    cases = expected(kind)
    asked = [{name: value for name, value in case.items() if name in GIVEN[kind]} for case in cases]
    if kind == "health":
        asked = [{name: value for name, value in case.items() if name not in ("zh", "en")} for case in asked]
    assert cases and answers(paper, tmp_path, kind, asked) == cases
    for question, case in zip(asked, cases, strict=True):
        assert answers(paper, tmp_path, kind, question) == case


def test_the_rules_of_the_product_are_those_of_the_domain() -> None:
    assert all(expected(kind) for kind in FILES) and set(CALCULATORS) == {*FILES, "draw"}


BAD: dict[str, list[Any]] = {
    "evaluation": [
        {}, {"ratios": 1}, {"ratios": {"M99": 1}}, {"ratios": {"M01": "1"}}, {"ratios": {"M01": True}}, {"ratios": {"M10": 5}},
        {"ratios": {"M11": 2.5}}, {"ratios": {"M07": 0}}, {"ratios": {"M01": 1.01}}, {"ratios": {"M01": -0.1}},
        {"ratios": {}, "vetoes": ["late"]}, {"ratios": {}, "vetoes": [[]]}, {"ratios": {}, "adjustment": 5.1}, {"ratios": None},
    ],
    "inspection": [
        {}, {"answers": []}, {"answers": {"XXX-01": "yes"}}, {"answers": {"REC-01": "maybe"}}, {"answers": {"OPI-01": 6}},
        {"answers": {"OPI-01": "5"}}, {"answers": {"REC-05": "none"}}, {"answers": {"STR-02": 101}}, {"answers": {"REC-01": {}}},
    ],
    "health": [
        {}, {"field": "humour", "value": 1}, {"field": "systolic"}, {"field": "systolic", "value": "high"},
        {"field": "glucose", "value": 5}, {"field": "glucose", "value": 5, "context": "noon"}, {"field": ["pulse"], "value": 1},
        {"field": "mood", "value": "angry"}, {"field": "bmi", "value": 22},
        {"field": "glucose", "value": 5, "context": "random", "diabetic": "y"},
    ],
    "assessment": [
        {}, {"total": 91, "overrides": []}, {"total": -1, "overrides": []}, {"total": 50.5, "overrides": []},
        {"total": 50, "overrides": ["tired"]}, {"total": 50, "overrides": "coma"}, {"total": 101}, {"failed": 7},
        {"instrument": "mmse", "total": 1}, {"scores": {"B.1.1": 4}}, {"scores": {"B.9.9": 4}},
        {"instrument": "gbt42195", "scores": []},
    ],
    "subsidy": [
        {}, {"household": {}}, {"household": {}, "members": {}}, {"household": {}, "members": [1]},
        {"household": {"rich": True}, "members": []}, {"household": {"on_dibao": "yes"}, "members": []},
        {"household": {"elder_structure": "triple"}, "members": []}, {"household": {"monthly_income": "600"}, "members": []},
        {"household": {}, "members": [{"age": 70.5}]}, {"household": {}, "members": [{"sex": "m"}]},
    ],
    "calendar": [{}, {"date": "2026-02-30"}, {"date": "tomorrow"}, {"date": 20260214}, {"date": None}],
}  # fmt: skip
UNREADABLE = ["", "{", "[1]", "[]", '"words"', "NaN", '{"a": Infinity}', "[[]]", "null"]


@pytest.mark.parametrize("kind", FILES)
def test_bad_input_gets_a_plain_sentence_and_exit_code_two(paper: Flask, tmp_path: Path, kind: str) -> None:
    for told in (*BAD[kind], *UNREADABLE):
        code, words = ask(paper, tmp_path, kind, told)
        assert code == 2 and "Traceback" not in words and "Error: " in words, (told, code, words)
        assert any("\u4e00" <= sign <= "\u9fff" for sign in words), words


def test_an_unknown_kind_and_a_missing_file_are_told_plainly(paper: Flask, tmp_path: Path) -> None:
    assert ask(paper, tmp_path, "weather", {})[0] == 2
    (tmp_path / "cases.json").write_bytes(b"\xff\xfe\x00")
    with paper.app_context():
        for name in ("none.json", "cases.json"):
            assert paper.test_cli_runner().invoke(args=["rules", "calendar", str(tmp_path / name)]).exit_code == 2


def test_a_rule_can_be_tried_before_it_is_changed(paper: Flask, tmp_path: Path) -> None:
    other = rules("evaluation")
    other["monthly"]["indicators"][0]["curve"] = [[0.5, 0.0], [1.0, 1.0]]
    (tmp_path / "other.json").write_text(json.dumps(other))
    case = {"ratios": {code: 1 for code in ("M02", "M03", "M04", "M05", "M06", "M08", "M09")} | {"M01": 0.75}}
    with_it = answers(paper, tmp_path, "evaluation", case, "--with", str(tmp_path / "other.json"))
    assert (with_it["points"]["M01"], answers(paper, tmp_path, "evaluation", case)["points"]["M01"]) == (7.5, 0.0)
    (tmp_path / "other.json").write_text('{"monthly": {}}')
    code, words = ask(paper, tmp_path, "evaluation", case, "--with", str(tmp_path / "other.json"))
    assert code == 2 and "这套规则" in words


def test_an_old_case_is_answered_by_the_rules_of_its_day(app: Flask, tmp_path: Path) -> None:
    other = rules("calendar")
    other["years"][1]["makeup_workdays"] = []
    (tmp_path / "cases.json").write_text(json.dumps(other))
    added = app.test_cli_runner().invoke(args=["rules", "calendar", str(tmp_path / "cases.json"), "--from", "2026-03-01"])
    assert added.exit_code == 0, added.output
    kinds = [
        answers(app, tmp_path, "calendar", {"date": "2026-02-14"}, "--on", day)["kind"] for day in ("2026-02-28", "2026-03-01")
    ]
    assert kinds == ["makeup_workday", "weekend"]
