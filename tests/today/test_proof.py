"""我的证明: what she did stands there with who confirmed it, and nobody else's."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.visits.kit import arrive, send
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.ledger import models as ledger
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store import db
from webapp.today.proof import proof
from webapp.visits.models import VisitException


@pytest.fixture(autouse=True)
def _apart(app):
    app.test_client().get("/up")


class Her:
    def __init__(self, world, name="wang"):
        account = world.account(name)
        self.account_id, self.person_id = account.id, account.person_id


def lay(world, *days, name="李秀兰", caregiver="wang"):
    """Shifts on days counted from today."""
    home, keys = world.household(name), []
    with db.transaction() as session:
        for n in days:
            key = ids.new()
            keys.append(key)
            session.add(
                Shift(
                    visit_id=key, household_id=home.id, station_id=home.station_id, caregiver_id=world.person(caregiver).id,
                    day=clock.today() + timedelta(days=n), start_min=10, minutes=10, items=[], state=roster.PLANNED,
                )
            )  # fmt: skip
    return keys


def test_what_was_planned_and_is_over_counts_and_what_is_to_come_does_not(app, world):
    [today, *_more] = lay(world, 0, 1)
    this = Month.of(clock.today())
    before = proof(Her(world), this)
    arrive(world, visit=today, ago_min=1)
    db.undo()
    found = proof(Her(world), this)
    assert (found.came, found.due) == (1, max(before.due, 1))
    assert [visit.home for visit in found.visits] == ["李秀兰"]
    assert found.visits[0].receipt is not None


def test_the_page_shows_receipts_the_book_and_who_looked(app, world):
    [today] = lay(world, 0)
    home = world.household("李秀兰").id
    with db.transaction():
        ledger.open_book(home, clock.today())
    arrive(world, visit=today, ago_min=1)
    got = send(world, "ledger.receive", household=home, amount_fen=30_000, category="IN-FAM", source="cash", giver="")
    page = world.client("wang").get("/proof").text
    assert "1 / 1 次" in page
    assert f"回执 {got.seq}" in page
    assert "手里 300.00 元" in page
    with db.transaction() as session:
        for each in session.scalars(sa.select(VisitException)):
            each.settled_at, each.settled_by = clock.now(), world.account("zhou").id
    said = world.client("wang").get("/proof").text
    assert "站里还要看" not in said
    assert "王桂芳" in said


def test_nobody_sees_another_s_proof_and_a_bad_month_is_this_one(app, world):
    [today] = lay(world, 0)
    arrive(world, visit=today, ago_min=1)
    assert "李秀兰" not in world.client("qian").get("/proof").text
    assert world.client("zhou").get("/proof").status_code == 404 or world.client("zhou").get("/proof").status_code == 403
    wang = world.client("wang")
    for text in ("x", "2026-13", "9999-01", "2000-01", ""):
        assert wang.get(f"/proof?month={text}").status_code == 200
    assert Month.of(clock.today()).first.strftime("%Y") in wang.get("/proof?month=2199-01").text
