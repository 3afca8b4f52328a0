"""Every door has a verb or stands open, and opens for nobody else: every route, every role, own, other's and none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Map, Rule

from tests.conftest import settings
from tests.house import rooms
from tests.house.rooms import AUTHORED, HOMELY, OWN, PASSED, ROLES, SENT, STATIONED, TOLD, Side
from tests.world import World
from webapp import FEATURES, access, create_app
from webapp.access import GRANTS
from webapp.store import db

BLUEPRINTS = sorted({feature.bp.name for feature in FEATURES} | {"inbox", "language", "live", "pwa", "assets", "web"})
STREAMS = {"live.events"}
HTMX = {"HX-Request": "true"}

BODY: dict[str, dict[str, str]] = {
    "todo.done": {"about": "about"},
    "ledger.none_today": {"household": "household_id"},
    "ledger.seen": {"household": "household_id", "name": "household_id"},
    "cards.sheet": {"keys": "card_id"},
    "review.settle": {"key": "exception_id"},
}
"""What a form must name besides its address, or it asks for nothing: form field → thing."""

KEPT_ANYWAY = {
    "visits.arrive",
    "visits.leave",
    "visits.seen",
    "visits.services",
    "visits.void",
    "ledger.none_today",
    "ledger.seen",
}
"""What a caregiver recorded is taken in whatever it names: the inbox judges it, and holds what is not hers to say."""


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
        rooms.address(app, next(Map([Rule("/x/<strange>", endpoint="x")]).iter_rules()), None)


def test_all_blueprints_are_walked(furnished: Any) -> None:
    app, _sides = furnished
    assert sorted(app.blueprints) == BLUEPRINTS


def tries(app: Flask, sides: dict[str, Side], rule: Rule, who: str) -> list[Cell]:
    """Every try of one person at one route, by turns as a page and as a piece. Without the verb one address is enough: nobody
    looks at it.
    """
    verb = rooms.verb_of(app, rule)
    known = sides | {"none": None}
    whose = known if verb is None or access.GRANTS[verb] & {ROLES[who]} else {"li": sides["li"]}
    if not rule.arguments & (HOMELY | STATIONED | AUTHORED | TOLD | OWN | PASSED):
        whose = {"li": sides["li"], "sun": sides["sun"]} if rule.endpoint in BODY else {"li": sides["li"]}
    cells = []
    for name, side in whose.items():
        url = rooms.address(app, rule, side)  # type: ignore[arg-type]
        for method in rooms.methods(rule):
            htmx = (len(cells) + len(who)) % 2 == 1
            headers = HTMX if htmx else {}
            body = said(rule, side) if method == "POST" else None
            answer = World(app).client(who).open(url, method=method, headers=headers, data=body, buffered=False)
            cells.append(Cell(rule.endpoint, method, who, name, htmx, answer.status_code))
            answer.close()
    return cells


def said(rule: Rule, side: Side | None) -> dict[str, str]:
    """The form of a POST: empty but for what its address leaves open."""
    return {name: str(side.args[thing] if side else rooms.NOBODY) for name, thing in BODY.get(rule.endpoint, {}).items()}


def reached(rule: Rule, side: Side, who: str, verb: str) -> bool:
    """Whether everything the address names is within reach of `who`."""
    names = rule.arguments | set(BODY.get(rule.endpoint, {}).values())
    if names & OWN:
        return False  # these belong to accounts: tried apart
    if names & HOMELY and not side.homely(who):
        return False
    if names & SENT and not side.sent(who):
        return False
    if names & AUTHORED and not side.authored(who):
        return False
    if names & TOLD and not side.told(who):
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
    if cell.endpoint in KEPT_ANYWAY and cell.method == "POST":
        return cell.status not in (200, 204, 303, 404, 422)
    if not (rule.arguments | set(BODY.get(cell.endpoint, {}).values())) & (HOMELY | STATIONED | AUTHORED | TOLD | PASSED):
        return cell.status in (401, 403, 404)
    if cell.whose == "none" or not reached(rule, sides[cell.whose], cell.who, verb):
        return cell.status != 404
    return cell.status in (401, 403, 404)


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


OWNED = {
    "people.import_step": ("import_id", None, ("wu", "he", "zheng")),
    "people.import_run": ("import_id", None, ("wu", "he", "zheng")),
    "people.import_marked": ("import_id", None, ("wu",)),
    "doors.revoke": ("device_id", "wang", ("zhao", "zhou", "qian")),
    "doors.end_sign_in": ("sign_in_id", "wang", ("zhao", "zhou", "shen")),
    "doors.revoke_phone": ("device_id", "zhou", ("he",)),
    "deliveries.waive": ("device_id", "zhou", ("he",)),
}
"""Endpoint → what an account owns, whose it is at 李秀兰's station (None: its file is gone too), and who must find nothing."""


def test_what_belongs_to_an_account_is_not_there_for_another(furnished: Any) -> None:
    app, sides = furnished
    found = []
    with app.app_context(), rooms.dry():
        for rule in rooms.rules_of(app):
            if rule.endpoint not in OWNED:
                continue
            _thing, owner, others = OWNED[rule.endpoint]
            url, method = rooms.address(app, rule, sides["li"]), rooms.methods(rule)[0]
            for who in (*([owner] if owner else []), *others):
                status = World(app).client(who).open(url, method=method).status_code
                if (status in (403, 404, 500)) != (who != owner):
                    found.append((rule.endpoint, who, status))
    assert found == []


def test_every_thing_an_account_owns_is_tried(furnished: Any) -> None:
    app, _sides = furnished
    owned = {rule.endpoint for rule in rooms.rules_of(app) if rule.arguments & OWN}
    assert {"people.import_step", "doors.revoke", "doors.end_sign_in", "doors.revoke_phone"} <= owned
    assert set(OWNED) <= owned


LOOKING = {"flag_reached", "look", "scan", "tries", "sign_in"}
"""What a look at a page may leave behind: that somebody looked."""
NOTED = {"cards.picture": {"audit_entry", "audit_head", "audit_link"}}
"""Looks that are deeds too: a card's picture can be printed, so it is written down like a print."""


def tables(app: Flask) -> dict[str, str]:
    """A digest of every table."""
    with db.database().engine.connect().execution_options(read_only=True) as connection:
        names = sa.inspect(connection).get_table_names()
        rows = {name: connection.exec_driver_sql(f'select * from "{name}"').all() for name in names}
    return {name: hashlib.sha256(repr(sorted(map(repr, found))).encode()).hexdigest() for name, found in rows.items()}


def test_looking_changes_nothing_but_that_somebody_looked(furnished: Any) -> None:
    app, sides = furnished
    changed = []
    with app.app_context():
        before = tables(app)
        for rule in rooms.rules_of(app):
            if "GET" not in (rule.methods or ()) or rule.endpoint in STREAMS:
                continue
            url, verb = rooms.address(app, rule, sides["li"]), rooms.verb_of(app, rule)
            for who in [name for name in ("wang", "limin", "zhou", "shen") if verb is None or ROLES[name] in GRANTS[verb]]:
                World(app).client(who).get(url)
            after = tables(app)
            free = LOOKING | NOTED.get(rule.endpoint, set())
            changed += [(rule.endpoint, name) for name in after if after[name] != before[name] and name not in free]
            before = after
    assert changed == []


def test_an_unlisted_endpoint_is_shut(tmp_path: Any) -> None:
    app = create_app(settings(tmp_path))
    app.add_url_rule("/unlisted", "unlisted", lambda: "never")
    assert app.test_client().get("/unlisted").status_code == 403
