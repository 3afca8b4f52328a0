"""Who lives in a home, as her day, the visit's page and the handover show it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people.browsers import said
from tests.today.test_todo import plan
from tests.visits.kit import arrive
from webapp.kit import clock, ids
from webapp.people.models import Alert
from webapp.store import db

LI, COUPLE = "李秀兰", "张福贵"


def visit_page(world: Any, name: str) -> str:
    return said(world.client("wang").get(f"/today/households/{world.household(name).id}"))


def mind(world: Any, name: str, words: str) -> None:
    with db.transaction() as session:
        session.add(Alert(id=ids.new(), resident_id=world.resident(name).id, words=words, since=clock.now()))


def end(world: Any, name: str) -> None:
    with db.transaction():
        world.resident(name).ended_on = clock.today()


def test_her_day_tells_the_age_of_who_lives_alone(world):
    plan(world, LI, 600)
    plan(world, COUPLE, 700)
    day = said(world.client("wang").get("/"))
    assert day.count("岁</small>") == 1
    end(world, "刘淑珍")
    assert said(world.client("wang").get("/")).count("岁</small>") == 2


def test_a_visit_that_nobody_planned_tells_it_too(world):
    arrive(world, name=LI)
    arrive(world, "qian", COUPLE)
    assert said(world.client("wang").get("/")).count("岁</small>") == 1


def test_alerts_of_those_who_live_there_stand_on_the_visits_page(world):
    assert "青霉素" in visit_page(world, LI)
    mind(world, "刘淑珍", "起身要扶")
    mind(world, COUPLE, "耳朵背")
    page = visit_page(world, COUPLE)
    assert "起身要扶" in page and "耳朵背" in page and page.count("岁</small>") == 2
    end(world, "刘淑珍")
    page = visit_page(world, COUPLE)
    assert "起身要扶" not in page and "耳朵背" in page and page.count("岁</small>") == 1


def test_the_handover_names_whose_alert_it_is(world):
    mind(world, "刘淑珍", "起身要扶")
    page = said(world.client("wang").get(f"/today/households/{world.household(COUPLE).id}/handover"))
    assert "起身要扶" in page and "没有写过敏和要当心的" not in page
    end(world, "刘淑珍")
    page = said(world.client("wang").get(f"/today/households/{world.household(COUPLE).id}/handover"))
    assert "起身要扶" not in page and "没有写过敏和要当心的" in page


@pytest.mark.parametrize("agreed", [True, False])
def test_a_portrait_is_shown_only_by_consent(world, agreed):
    with db.transaction():
        lan = world.resident(LI)
        lan.portrait, lan.portrait_consent_on = "a" * 64, clock.today() if agreed else None
    assert (f"/residents/{world.resident(LI).id}/portrait" in visit_page(world, LI)) is agreed
