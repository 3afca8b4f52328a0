"""A draw of units and inspectors, drawn again from what was published by a program that shares no code."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import pytest

from webapp.inspections import rules
from webapp.kit.refusal import Refusal

INSPECTORS = [f"监督员{n}" for n in range(7)]
PUBLISHED = json.loads(
    json.dumps(
        {
            "seed": hashlib.sha256(b"2026-11-22 1").hexdigest(),
            "many": 12,
            "inspectors": INSPECTORS,
            "units": [
                {"id": f"H{n:05d}", "never_inspected": n % 3 == 0, "open_critical": n % 10 == 1, "not": INSPECTORS[: n % 5]}
                for n in range(120)
            ],
        }
    )
)


def again(p: dict[str, Any]) -> list[dict[str, Any]]:
    """Ten lines, for whoever has the published seed and list."""

    def late(seed: str, key: str, weight: int) -> float:
        figure = int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8], "big")
        return -math.log((figure + 1) / (2**64 + 1)) / weight

    units = {u["id"]: (2 if u["never_inspected"] or u["open_critical"] else 1, u["not"]) for u in p["units"]}
    drawn = sorted(units, key=lambda u: (late(p["seed"], u, units[u][0]), u))[: p["many"]]
    free = {u: [i for i in p["inspectors"] if i not in units[u][1]] for u in drawn}
    go = {u: sorted(free[u], key=lambda i: (late(f"{p['seed']}:{u}", i, 1), i))[:2] for u in drawn}
    return [{"unit": u, "inspectors": go[u]} for u in drawn]


def test_a_draw_is_reproduced_from_what_was_published() -> None:
    assert rules.answer_draw({}, PUBLISHED) == {"drawn": again(PUBLISHED)}
    assert rules.answer_draw({}, PUBLISHED | {"units": PUBLISHED["units"][::-1]}) == {"drawn": again(PUBLISHED)}
    assert rules.answer_draw({}, PUBLISHED | {"seed": "another"}) != {"drawn": again(PUBLISHED)}


def test_nobody_goes_where_she_must_not_and_two_go() -> None:
    apart = {unit["id"]: unit["not"] for unit in PUBLISHED["units"]}
    for each in rules.answer_draw({}, PUBLISHED)["drawn"]:
        assert len(set(each["inspectors"])) == 2 and not set(each["inspectors"]) & set(apart[each["unit"]])


def test_a_unit_at_risk_is_drawn_about_twice_as_often() -> None:
    units = [{"id": f"H{n}", "never_inspected": n < 50} for n in range(100)]
    first = [rules.sent(f"seed {n}", units, INSPECTORS, 1)[0].unit for n in range(600)]
    risky = sum(int(unit[1:]) < 50 for unit in first)
    assert 350 < risky < 450


def test_too_few_inspectors_are_told_plainly() -> None:
    with pytest.raises(Refusal, match="too_few"):
        rules.sent("x", [{"id": "H1", "not": INSPECTORS[:6]}], INSPECTORS, 1)
    for bad in ({"units": [1]}, {"units": [{"id": "H1", "not": "x"}]}, {"many": 0}, {"many": 121}, {"seed": None}):
        with pytest.raises(Refusal):
            rules.answer_draw({}, PUBLISHED | bad)
