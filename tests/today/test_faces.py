"""What somebody without a sign-in sees behind a card, and where a report goes."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.people.browsers import said
from tests.world import World
from webapp.cards import models as cards
from webapp.cards.models import CardKind, Sighting
from webapp.people import models as people
from webapp.store import db


def test_a_household_that_moved_is_answered_for_by_its_new_station(app: Flask, world: World) -> None:
    with db.transaction():
        token = cards.issue(CardKind.RESIDENT, resident=world.resident("李秀兰")).token
    with db.transaction():
        people.change_household(world.household("李秀兰"), "海边路1号", no_signal=False, station=world.place("wanghai"))
    url, wanghai = f"/c/{token}", world.place("wanghai").id
    assert "望海社区" in said(world.client().get(url))
    assert world.client().post(url, data={"words": "在公交站"}).status_code == 303
    assert db.session().scalars(sa.select(Sighting.station_id)).one() == wanghai


def test_a_badge_is_confirmed_and_is_no_elder_to_report(app: Flask, world: World) -> None:
    with db.transaction():
        token = cards.issue(CardKind.BADGE, badge=world.person("wang")).token
    page = said(world.client().get(f"/c/{token}"))
    assert "这张工作证在用" in page and "街道值班室" in page
    assert "这位老人" not in page and "王桂芳" not in page and "<form" not in page
    assert "这张卡现在不能用" in said(world.client().post(f"/c/{token}", data={"words": "x"}))
    assert db.session().scalar(sa.select(Sighting.id)) is None
