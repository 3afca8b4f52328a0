"""办事公开: anybody reads who gets what, what to bring and whom to ring, and nobody's name stands there."""

from __future__ import annotations

import json
from typing import Any

from tests.world import World
from webapp.applications import queries, rules
from webapp.applications.queries import Tier
from webapp.kit import clock
from webapp.store import db, rulebook


def test_every_tier_stands_there_with_the_amount_that_holds_and_what_to_bring(world: World) -> None:
    page = world.client().get("/open")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert "A类（全额照顾）" in text and "每户每月 300 元" in text and "D类（自费）" in text and "每户每月 0 元" not in text
    assert "三无认定材料" in text and "街道意见" not in text, "what the offices make themselves nobody brings"
    assert world.place("songling").phone in text and "/say" in text


def test_a_new_amount_is_published_from_its_day_on(world: World) -> None:
    facts: dict[str, Any] = json.loads(json.dumps(rulebook.default("subsidy")))
    facts["parameters"]["AMOUNT_A"]["value"] = 420
    with db.transaction():
        rulebook.put("subsidy", facts, clock.today())
    assert "每户每月 420 元" in world.client().get("/open").get_data(as_text=True)


def test_it_is_written_in_english_too(world: World) -> None:
    text = world.client().get("/open?lang=en").get_data(as_text=True)
    assert "300 yuan a month for a household" in text and "Childless elder on dibao" in text and "每户" not in text


def test_each_tier_names_only_its_own_papers(app: object, world: World) -> None:
    tiers: list[Tier] = queries.published()
    assert [bool(tier.papers) for tier in tiers] == [True, True, True, True]
    assert [each["code"] for each in rules.brought([{"code": "x", "required_for": ["B1"]}], "A")] == []
    assert [each["code"] for each in rules.brought([{"code": "x", "required_for": ["A", "B1"]}], "B")] == ["x"]
    assert rules.brought([{"code": "street_opinion", "required_for": ["A"]}], "A") == []
