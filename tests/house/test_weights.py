"""What a page weighs on the wire: a cheap phone on a bad line pays for every kilobyte."""

from __future__ import annotations

import gzip
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.world import World
from webapp.kit import clock, ids
from webapp.people.models import Person
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store import db

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)
ASKS = {"Accept-Encoding": "br, gzip"}
KB = 1000


def weigh(client: FlaskClient, path: str, known: set[str]) -> tuple[int, int]:
    """(bytes, requests) of a page with the files it names that are not `known` yet; those are known from then on."""
    answer = client.get(path, headers=ASKS)
    assert answer.status_code == 200, path
    body = answer.get_data()
    text = gzip.decompress(body).decode() if answer.headers.get("Content-Encoding") == "gzip" else body.decode()
    named = dict.fromkeys(re.findall(r'(?:src|href)="(/(?:assets/|manifest)[^"#]*)', text))
    new = [url for url in named if url not in known]
    known.update(new)
    return len(body) + sum(len(client.get(url, headers=ASKS).data) for url in new), 1 + len(new)


@pytest.fixture
def visit(app: Flask, world: World) -> str:
    """The address of today's planned visit of 王桂芳."""
    with db.transaction():
        for name in ("李秀兰", "张福贵"):
            roster.plan(world.household(name), range(7), 600, 60, ["MEAL-01", "CLEAN-01", "MIND-01"])
    shift = db.session().query(Shift).filter_by(household_id=world.household("李秀兰").id, day=clock.today()).one()
    return f"/today/visits/{shift.visit_id}"


def test_signing_in_takes_four_requests_and_thirty_kilobytes(visit: str, world: World) -> None:
    size, requests = weigh(world.client(), "/sign-in", set())
    assert size <= 30 * KB and requests <= 4, (size, requests)


def test_a_caregivers_first_page_takes_eight_requests_and_forty_kilobytes(visit: str, world: World) -> None:
    size, requests = weigh(world.client("wang"), "/", set())
    assert size <= 40 * KB and requests <= 8, (size, requests)


def test_her_later_pages_take_fourteen_kilobytes(visit: str, app: Flask, world: World) -> None:
    """Their files lie on the phone by then: the worker has fetched its shell."""
    client, home = world.client("wang"), world.household("李秀兰").id
    shell = set(re.findall(r'"(/assets/[^"]+)"', client.get("/sw.js").get_data(as_text=True)))
    weigh(client, "/", shell)
    pages = ("/scan", visit, f"/households/{home}/book", f"/households/{home}/book/spend", "/book", "/me", "/outbox")
    sizes = {path: weigh(client, path, shell) for path in pages}
    assert {path: size for path, (size, _requests) in sizes.items() if size > 14 * KB} == {}


def test_five_hundred_caregivers_on_one_live_screen_weigh_four_hundred_bytes_each(app: Flask, world: World) -> None:
    many = 500
    with db.transaction() as session:
        li, songling = world.household("李秀兰"), world.place("songling")
        keys = [ids.new() for _ in range(many)]
        staff = {"initials": "w", "station_id": songling.id, "made_at": clock.now(), "birth_precision": "day"}
        people = [staff | {"id": key, "name": f"王{n:03d}", "number": f"T{n:05d}"} for n, key in enumerate(keys)]
        plan = {"household_id": li.id, "station_id": songling.id, "day": clock.today(), "minutes": 60, "items": []}
        plan |= {"state": roster.PLANNED, "made_at": clock.now()}
        shifts = [plan | {"id": ids.new(), "visit_id": ids.new(), "caregiver_id": k, "start_min": n} for n, k in enumerate(keys)]
        session.execute(sa.insert(Person), people)
        session.execute(sa.insert(Shift), shifts)
    answer = world.client("zhou").get("/live", headers={"Accept-Encoding": "gzip", "HX-Request": "true"})
    body = answer.get_data()
    text = gzip.decompress(body).decode() if answer.headers.get("Content-Encoding") == "gzip" else body.decode()
    assert text.count("<tr><td>") == many
    packed = len(gzip.compress(text.encode(), 6))
    assert packed <= 400 * many, packed / many
