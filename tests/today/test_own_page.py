"""A resident's own page: who comes today in large letters, one tap for how it is and for what is wanted."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.people.browsers import hidden, said
from tests.today.test_kin_page import narrow
from tests.visits.kit import planned_today
from tests.world import World
from webapp.cards import models as cards
from webapp.requests.models import ServiceRequest
from webapp.store import db
from webapp.voices.models import Opinion


@pytest.fixture
def own(app: Flask, world: World) -> str:
    planned_today(world, 540)
    return f"/residents/{world.resident('李秀兰').id}/own"


@pytest.mark.parametrize("who", ["zhou", "limin"])
def test_who_comes_today_a_smile_and_a_wish(own: str, world: World, who: str) -> None:
    client = world.client(who)
    page = said(client.get(own))
    assert "王桂芳 来看您" in page and 'class="scale-160"' in page and "data-aloud" in page
    assert client.post(f"{own}/smile", data={}).status_code == 422
    assert client.post(f"{own}/smile", data={"stars": "5"}).headers["Location"].endswith("said=smile")
    typed = {"key": hidden(page, "key"), "kind": "bath"}
    assert client.post(f"{own}/ask", data=typed | {"kind": "moon"}).status_code == 422
    for _ in range(2):
        assert client.post(f"{own}/ask", data=typed).headers["Location"].endswith("said=ask")
    db.undo()
    asked = db.session().scalars(sa.select(ServiceRequest)).one()
    assert (asked.kind, asked.asked_as) == ("bath", "resident")
    assert db.session().scalars(sa.select(Opinion.stars)).one() == 5


def test_another_station_and_somebody_elses_kin_find_nothing(own: str, world: World) -> None:
    assert world.client("he").get(own).status_code == 404
    other = f"/residents/{world.resident('张福贵').id}/own"
    assert world.client("limin").get(other).status_code == 404
    assert world.client("limin").post(f"{other}/smile", data={"stars": "5"}).status_code == 404
    assert world.client("wang").get(own).status_code == 403, "nobody is asked about herself by herself"


def test_without_consent_to_visits_a_relatives_phone_does_not_say_who_comes(own: str, world: World) -> None:
    narrow(world, "money")
    page = said(world.client("limin").get(own))
    assert "王桂芳" not in page and "照看得好不好" in page


@pytest.mark.parametrize("who", ["zhou", "limin"])
def test_the_own_card_opens_the_own_page_where_the_tablet_is_the_elders(own: str, world: World, who: str) -> None:
    with db.transaction():
        card = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("李秀兰"))
        other = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("孙德胜"))
        scanned, number, theirs = f"/c/{card.token}", card.number, other.number
    client = world.client(who)
    assert not client.get(scanned).headers["Location"].endswith("/own"), "anybody's own phone goes on as before"
    assert client.post("/own/here", data={"says": "yes"}).status_code == 303
    assert client.get(scanned).headers["Location"] == own
    page = said(client.get(own))
    assert 'http-equiv="refresh"' in page and 'href="/own"' in page, "the next elder finds the door, not this one's page"
    assert client.post("/own", data={"number": number}).headers["Location"] == own
    for wrong in (theirs, "1234567", "x", ""):
        answer = client.post("/own", data={"number": wrong})
        assert answer.status_code == 422 and ("没认出这张卡" in said(answer) or not wrong), wrong
    assert client.post("/own/here", data={"says": "no"}).status_code == 303
    assert not client.get(scanned).headers["Location"].endswith("/own")


def test_a_tablet_that_is_the_elders_gives_nobody_more_to_read(own: str, world: World) -> None:
    with db.transaction():
        token = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("李秀兰")).token
    stranger = world.client()
    stranger.set_cookie("elders", "1")
    assert "您遇到这位老人了吗" in said(stranger.get(f"/c/{token}"))
    he = world.client("he")
    he.set_cookie("elders", "1")
    assert "您遇到这位老人了吗" in said(he.get(f"/c/{token}")), "another station's head"
