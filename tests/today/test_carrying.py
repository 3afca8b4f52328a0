"""What must not be forgotten: silent visits of earlier days, and doors that nobody opened."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.today.test_todo import _actor
from tests.visits.kit import arrive, send
from webapp.kit import clock, ids
from webapp.messages.calling import PhoneCall
from webapp.messages.models import Notice, Task
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store import db, traits
from webapp.store.jobs import Job
from webapp.today import carrying, todo
from webapp.visits import models
from webapp.visits import rules as evidence
from webapp.visits.writing import find


@pytest.fixture(autouse=True)
def _apart(app):
    app.test_client().get("/up")


def lay(world, days_ago, name="李秀兰"):
    home, key = world.household(name), ids.new()
    with db.transaction() as session:
        row = Shift(
            visit_id=key, household_id=home.id, station_id=home.station_id, caregiver_id=world.person("wang").id,
            day=clock.today() - timedelta(days=days_ago), start_min=510, minutes=60, items=[], state=roster.PLANNED,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id, key


def listed(world):
    db.undo()
    with world.app.test_request_context("/"):
        return [item for item in todo.todo(_actor(world, world.account("zhou"))).items if item.kind == "silent"]


def night():
    with db.transaction():
        carrying.carry()


def test_a_silent_visit_of_the_day_before_yesterday_stays_until_a_call_is_written_down(app, world):
    shift, _visit = lay(world, 2)
    assert listed(world) == []
    night()
    night()
    [item] = listed(world)
    assert item.key == f"silent:{shift}"
    assert item.level == "red"
    zhou = world.client("zhou")
    assert zhou.get(item.deed).status_code == 200
    home = world.household("李秀兰").id
    told = {"whom": "neighbour", "said": "silent", "words": ""}
    zhou.post(f"/households/{home}/call?about={item.key}", data=told)
    assert len(listed(world)) == 1
    assert zhou.post(f"/households/{home}/call?about={item.key}", data=told | {"said": "fine"}).status_code == 303
    assert listed(world) == []
    night()
    assert listed(world) == []


def missed(world, shift, visit):
    """The hourly look said that nobody made this visit."""
    home = world.household("李秀兰")
    with db.transaction() as session:
        day = session.get_one(Shift, shift).day
        find(visit, home.id, home.station_id, day, evidence.named([("MISSED", {"shift": shift})], models.limits()))


def fixes(world):
    db.undo()
    with world.app.test_request_context("/"):
        return [item.title for item in todo.todo(_actor(world, world.account("zhou"))).items if item.kind == "fix"]


@pytest.mark.parametrize(("said", "back"), [("fine", False), ("out", False), ("coming", True), ("silent", True), (None, True)])
def test_what_a_call_answered_once_is_not_asked_again_for_its_reason(app, world, said, back):
    """Wherever the call was written down; only her word that she is on the way is no end of it."""
    shift, visit = lay(world, 2)
    missed(world, shift, visit)
    if said:
        ring = {"whom": "neighbour", "said": said, "words": ""}
        assert world.client("zhou").post(f"/shifts/{shift}/ring", data=ring).status_code == 303
    db.undo()
    long_ago = clock.now() - timedelta(days=1)
    with db.transaction() as session:
        traits.remove(session.connection())
        session.execute(sa.update(PhoneCall).values(at=long_ago))
        traits.install(session.connection())
    night()
    assert len(listed(world)) == (1 if back else 0)
    assert len(fixes(world)) == (1 if back else 0)
    assert "没有去" in world.client("zhou").get("/exceptions").text, "it still stands where findings are settled"


def test_a_visit_that_comes_in_after_all_takes_it_away(app, world):
    shift, visit = lay(world, 2)
    night()
    assert len(listed(world)) == 1
    arrive(world, visit=visit, shift=shift, ago_min=60 * 40)
    db.undo()
    night()
    assert listed(world) == []


def stood(world):
    receipt = send(world, "visits.nobody", household=world.household("李秀兰").id, rang=True, phoned=True, told=False)
    db.undo()
    return receipt.id


def left(key, round_=0):
    with db.transaction():
        carrying.nobody_left(str(key), round_)


def reds():
    db.undo()
    return db.reading().scalars(sa.select(Notice).where(Notice.kind == "nobody")).all()


def test_a_door_that_nobody_went_to_becomes_red_and_climbs(app, world):
    key = stood(world)
    due = db.reading().scalars(sa.select(Job).where(Job.name == "today.nobody_left")).one()
    assert timedelta(minutes=29) < due.due_at - clock.now() < timedelta(minutes=31)
    left(key)
    [notice] = reds()
    assert (notice.level, notice.to_id, notice.rung) == ("red", None, "station")
    arrive(world, visit=ids.new(), ago_min=-0)
    left(key, 1)
    assert reds()[0].ended_at is not None


def test_a_door_that_was_rung_about_never_becomes_red(app, world):
    key = stood(world)
    home = world.household("李秀兰").id
    told = {"whom": "resident", "said": "fine", "words": ""}
    assert world.client("zhou").post(f"/households/{home}/call?about=nobody:{key}", data=told).status_code == 303
    left(key)
    assert reds() == []
    assert db.reading().scalars(sa.select(Task).where(Task.key == f"nobody:{key}")).one().how == "called"


def test_the_line_of_a_visit_nobody_made_leads_to_where_its_reason_is_written(app, world):
    shift, visit = lay(world, 2)
    missed(world, shift, visit)
    with world.app.test_request_context("/"):
        [line] = [item for item in todo.todo(_actor(world, world.account("zhou"))).items if item.kind == "fix"]
    page = world.client("zhou").get(line.link).text
    assert "没有去" in page and "写明原因" in page
