"""Every door has a verb or stands open, and opens for nobody else: every route, every role, own, other's and none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.conftest import settings
from tests.house import rooms
from tests.house.rooms import HOMELY, OWN, ROLES, STATIONED, Side
from tests.world import World
from webapp import FEATURES, access, create_app
from webapp.access import GRANTS

BLUEPRINTS = sorted({feature.bp.name for feature in FEATURES} | {"inbox", "language", "live", "pwa", "assets", "web"})
STREAMS = {"live.events"}
HTMX = {"HX-Request": "true"}

NARROWER: dict[str, str] = {}
"""Endpoint → why somebody with the verb and within reach still meets a 404 or 403: the place itself asks for more."""


@dataclass(frozen=True)
class Cell:
    """One try: who at which address, and what was answered."""

    endpoint: str
    method: str
    who: str
    whose: str
    htmx: bool
    status: int

    def __str__(self) -> str:
        return f"{self.endpoint} {self.method} {self.who} {self.whose}{' htmx' if self.htmx else ''}: {self.status}"


def test_every_route_says_its_verb_or_that_its_door_is_open(furnished: Any) -> None:
    app, _sides = furnished
    silent = [rule.endpoint for rule in rooms.rules_of(app) if not hasattr(app.view_functions[rule.endpoint], "verb")]
    assert silent == []


def test_every_verb_exists_and_every_verb_has_a_door_or_is_said_in_a_page(furnished: Any) -> None:
    app, _sides = furnished
    used = {rooms.verb_of(app, rule) for rule in rooms.rules_of(app)} - {None}
    assert used <= set(GRANTS)
    said = "".join(path.read_text(encoding="utf-8") for path in (rooms.ROOT / "webapp").rglob("*.py") if path.name != "access.py")
    said += "".join(path.read_text(encoding="utf-8") for path in (rooms.ROOT / "templates").rglob("*.html"))
    assert {verb for verb in set(GRANTS) - used if verb not in said} == set(), "a verb nobody asks for"


def test_every_verb_has_words_and_no_words_lack_a_verb() -> None:
    assert set(access.VERB_WORDS) == set(GRANTS)


def test_every_argument_of_every_route_has_an_example(furnished: Any) -> None:
    app, sides = furnished
    for rule in rooms.rules_of(app):
        rooms.address(app, rule, sides["li"])
    with pytest.raises(KeyError, match="say in"):
        rooms.address(app, Rule("/x/<strange>", endpoint="x"), None)


def test_all_blueprints_are_walked(furnished: Any) -> None:
    app, _sides = furnished
    assert sorted(app.blueprints) == BLUEPRINTS


def tries(app: Flask, sides: dict[str, Side], rule: Rule, who: str) -> list[Cell]:
    """Every try of one person at one route. Without the verb one address is enough: nobody looks at it."""
    client, verb = World(app).client(who), rooms.verb_of(app, rule)
    known = sides | {"none": None}
    whose = known if verb is None or access.GRANTS[verb] & {ROLES[who]} else {"li": sides["li"]}
    if not rule.arguments & (HOMELY | STATIONED | OWN):
        whose = {"li": sides["li"]}
    cells = []
    for name, side in whose.items():
        url = rooms.address(app, rule, side)  # type: ignore[arg-type]
        for method in rooms.methods(rule):
            for htmx in (False, True):
                answer = client.open(url, method=method, headers=HTMX if htmx else {}, buffered=False)
                cells.append(Cell(rule.endpoint, method, who, name, htmx, answer.status_code))
                answer.close()
    return cells


def reached(rule: Rule, side: Side, who: str, verb: str) -> bool:
    """Whether everything the address names is within reach of `who`."""
    names = rule.arguments
    if names & OWN:
        return False  # these belong to accounts: tried apart
    if names & HOMELY and not side.homely(who):
        return False
    return not (names & STATIONED and not side.stationed(who))


def wrong(cell: Cell, rule: Rule, verb: str | None, sides: dict[str, Side]) -> bool:
    """Whether an answer differs from what role and reach say."""
    if cell.status >= 500:
        return True
    if verb is None:
        return cell.status == 401
    if ROLES[cell.who] not in GRANTS[verb]:
        return cell.status != 403
    if rule.arguments & OWN:
        return cell.status not in (404, 200, 303, 204, 422)
    if not rule.arguments & (HOMELY | STATIONED):
        return cell.status in (401, 403, 404)
    if cell.whose == "none" or not reached(rule, sides[cell.whose], cell.who, verb):
        return cell.status != 404
    return cell.status in (401, 403, 404) and cell.endpoint not in NARROWER


@pytest.mark.parametrize("room", BLUEPRINTS)
def test_each_door_opens_for_those_who_may_and_for_nobody_else(furnished: Any, room: str) -> None:
    app, sides = furnished
    found: list[Cell] = []
    with app.app_context(), rooms.dry():
        for rule in rooms.rules_of(app):
            if rule.endpoint.split(".")[0] == room and rule.endpoint not in STREAMS:
                verb = rooms.verb_of(app, rule)
                for who in ROLES:
                    found += [cell for cell in tries(app, sides, rule, who) if wrong(cell, rule, verb, sides)]
    assert [str(cell) for cell in found] == []


@pytest.mark.parametrize("room", BLUEPRINTS)
def test_a_stranger_is_sent_to_the_sign_in_page_and_learns_nothing(furnished: Any, room: str) -> None:
    app, sides = furnished
    found = []
    with app.app_context(), rooms.dry():
        client = World(app).client()
        for rule in rooms.rules_of(app):
            if rule.endpoint.split(".")[0] != room:
                continue
            for side in (sides["li"], None):
                for method in rooms.methods(rule):
                    url = rooms.address(app, rule, side)
                    whole, piece = client.open(url, method=method), client.open(url, method=method, headers=HTMX)
                    if rooms.verb_of(app, rule) is None:
                        if max(whole.status_code, piece.status_code) >= 500:
                            found.append((rule.endpoint, method, whole.status_code))
                    elif (whole.status_code, piece.status_code) != (303, 401) or "/sign-in" not in whole.headers["Location"]:
                        found.append((rule.endpoint, method, whole.status_code))
    assert found == []


def test_an_unlisted_endpoint_is_shut(tmp_path: Any) -> None:
    app = create_app(settings(tmp_path))
    app.add_url_rule("/unlisted", "unlisted", lambda: "never")
    assert app.test_client().get("/unlisted").status_code == 403
