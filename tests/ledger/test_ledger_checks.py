"""Slips laid beside their lines, and books drawn by lot so that anybody can draw them again."""

from __future__ import annotations

import hashlib
import io
import math
import re

import pytest
import sqlalchemy as sa

from tests.ledger.test_ledger_views import marks, picture, spend
from webapp.ledger.rows import Book, BookDraw, Entry, SlipCheck
from webapp.people.models import Household
from webapp.store import db


@pytest.fixture
def slip(app, world):
    """A spend with its picture."""
    home = world.household("李秀兰").id
    assert spend(world.client("wang"), home, words="青菜", receipt=(io.BytesIO(picture()), "a.jpg")).status_code == 303
    return db.session().scalars(sa.select(Entry.id)).one()


def test_a_slip_that_agrees_leaves_the_pile_whoever_ticks_it_first_and_only_there(slip, world):
    head = world.client("zhou")
    assert all(each in head.get("/book/slips").text for each in ("青菜", str(slip), "/book/photos/"))
    assert str(slip) not in world.client("he").get("/book/slips").text
    world.client("he").post("/book/slips", data={"entry": str(slip)})
    assert db.session().scalars(sa.select(SlipCheck.entry_id)).all() == []
    for _again in range(2):
        assert head.post("/book/slips", data={"entry": [str(slip), "no key"]}).status_code == 303
    assert db.session().scalars(sa.select(SlipCheck.entry_id)).all() == [slip]
    assert str(slip) not in head.get("/book/slips").text


def test_a_slip_that_is_not_ticked_stays_and_one_of_a_line_that_was_undone_goes(slip, world):
    head, wang = world.client("zhou"), world.client("wang")
    assert head.post("/book/slips", data={}).status_code == 303
    assert str(slip) in head.get("/book/slips").text
    url = f"/book/entries/{slip}/reverse"
    assert wang.post(url, data={"entry": str(slip), "reason": "钱数错了", **marks(wang, url)}).status_code == 303
    assert str(slip) not in head.get("/book/slips").text


@pytest.mark.parametrize(("typed", "many"), [("2", 2), ("", 5), ("三", 5), ("0", 1), ("999", 20)])
def test_a_draw_comes_out_again_by_whoever_has_the_seed_and_the_list(app, world, typed, many):
    street = world.client("wu")
    seen = street.post("/book/draws", data={"n": typed})
    row = db.session().scalars(sa.select(BookDraw)).one()
    mine = sa.select(Household.number).join(Book, Book.household_id == Household.id)
    numbers = sorted(db.session().scalars(mine.where(Household.ended_on.is_(None))))

    def late(number: str) -> float:
        figure = int.from_bytes(hashlib.sha256(f"{row.seed}:{number}".encode()).digest()[:8], "big")
        return -math.log((figure + 1) / (2**64 + 1))

    assert row.drawn == sorted(numbers, key=late)[:many]
    assert row.population == len(numbers) > 2
    assert row.fingerprint == hashlib.sha256("\n".join(numbers).encode()).hexdigest()
    page = street.get(seen.headers["Location"]).text
    assert row.seed in page
    assert all(re.search(rf"\b{number}\b", page) for number in row.drawn)
    assert world.client("he").get(seen.headers["Location"]).status_code == 403
