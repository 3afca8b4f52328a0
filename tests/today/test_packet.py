"""What a phone takes along for a day without network: her own pages, whole, and how a card finds its page."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import pytest
from flask import Flask

from tests.world import World
from webapp.cards import models as cards
from webapp.cards.models import CardKind
from webapp.kit import clock
from webapp.people import login
from webapp.roster import models as roster
from webapp.store import db
from webapp.today.packet import HOLD, HOLD_NEXT, scannable


@pytest.fixture(autouse=True)
def morning(app: Flask, world: World) -> None:
    """Both of 王桂芳's homes have a card; 李秀兰 is planned every day."""
    with db.transaction():
        roster.plan(world.household("李秀兰"), range(7), 600, 60, ["MEAL-01"])
        for name in ("李秀兰", "张福贵"):
            cards.issue(CardKind.RESIDENT, resident=world.resident(name))


def test_all_pages_of_two_days_come_in_one_answer(world: World) -> None:
    packet = world.client("wang").get("/today/packet").json
    li, today = world.household("李秀兰").id, clock.today()
    paths = [page["path"] for page in packet["pages"]]
    assert packet["missing"] == [] and packet["day"] == today.isoformat()
    assert [page["day"] for page in packet["pages"] if page["path"] == "/"] == [str(today), str(today + timedelta(days=1))]
    for path in ("/scan", "/book", "/outbox", "/me", f"/today/households/{li}", f"/households/{li}/book/spend"):
        assert path in paths
    assert len([path for path in paths if path.startswith("/today/visits/")]) == 2
    assert all("<html" in page["html"] and "王桂芳" not in page["path"] for page in packet["pages"])


def test_what_the_phone_fills_in_is_held_open_and_private_pages_are_marked(world: World) -> None:
    li = world.household("李秀兰").id
    pages = {page["path"]: page for page in world.client("wang").get("/today/packet").json["pages"]}
    home, spend = pages[f"/today/households/{li}"], pages[f"/households/{li}/book/spend"]
    assert home["hold"] == {"visit": str(HOLD)} and str(HOLD) in home["html"]
    assert spend["hold"] == {"visit": str(HOLD), "next": HOLD_NEXT} and HOLD_NEXT in spend["html"]
    assert pages["/book"]["private"] and not pages["/scan"]["private"] and not home["private"]


def test_nobody_elses_home_is_in_it(world: World) -> None:
    text = world.client("zhao").get("/today/packet").get_data(as_text=True)
    assert str(world.household("孙德胜").id) in text
    assert str(world.household("李秀兰").id) not in text and "李秀兰" not in text


@pytest.mark.parametrize("who", ["zhou", "limin", None])
def test_only_those_who_record_get_one(world: World, who: str | None) -> None:
    assert world.client(who).get("/today/packet").status_code in (303, 403)


def test_a_card_and_its_number_find_the_home_and_a_strangers_card_does_not(app: Flask, world: World) -> None:
    with db.transaction():
        card = cards.issue(CardKind.PLATE, household=world.household("李秀兰"))
        other = cards.issue(CardKind.RESIDENT, resident=world.resident("孙德胜"))
    with app.test_request_context(headers={"Cookie": ""}):
        known = scannable(_actor(), clock.today())

    def mac(text: str) -> str:
        return hmac.new(known["salt"].encode(), hashlib.sha256(text.encode()).digest(), "sha256").hexdigest()[:32]

    li = str(world.household("李秀兰").id)
    assert known["cards"][mac(card.token)] == (li, "") and known["cards"][mac(card.number)] == (li, "")
    assert mac(other.token) not in known["cards"]
    assert [day for day, _visit in known["visits"][li]] == [str(clock.today()), str(clock.today() + timedelta(days=1))]


def _actor() -> login.SignedIn:
    """王桂芳 as the doors know her."""
    found = login.load("token-wang")
    assert found is not None
    return found


def test_the_worker_is_new_when_anything_of_the_shell_is_and_can_be_taken_back(app: Flask, world: World) -> None:
    first = world.client().get("/sw.js")
    assert first.headers["Cache-Control"] == "no-cache" and b"/offline" in first.data and b"/locked" in first.data
    shelf, changed = app.extensions["assets"], dict(app.extensions["assets"])
    app.extensions["assets"] = changed
    changed["app.css"] = type(changed["app.css"])(b"body{}", "text/css", "f" * 12)
    assert world.client().get("/sw.js").data != first.data
    app.extensions["assets"] = shelf
    object.__setattr__(app.extensions["settings"], "worker", False)
    gone = world.client().get("/sw.js").data
    assert b"unregister" in gone and b"indexedDB" not in gone
