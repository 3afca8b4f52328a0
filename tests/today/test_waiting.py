"""What waits for the station's word stands in the one list until the word is given."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.messages.kit import Clock
from tests.today.test_todo import deed, listed, plan
from tests.visits.kit import arrive, send
from webapp.kit import clock, ids
from webapp.messages.models import Task
from webapp.people.models import Person
from webapp.roster import leaving, pausing
from webapp.roster.absences import Leave, Relief
from webapp.roster.leaving import Choice
from webapp.roster.models import Shift
from webapp.store import audit, backup, db
from webapp.today import carrying
from webapp.training.models import Certificate, Session

HOME = "李秀兰"


@pytest.fixture
def hand(monkeypatch):
    """Ten in the morning of a Wednesday."""
    made = Clock()
    monkeypatch.setattr(clock, "now", made.now)
    return made


def waiting(world, *kinds, who="zhou"):
    return [line for line in listed(world, who) if line[0] in kinds]


def day(n):
    return clock.today() + timedelta(days=n)


class Head:
    role = "station_head"

    def __init__(self, world):
        self.account_id, self.person_id = world.account("zhou").id, world.person("zhou").id


# -- leave --


def test_leave_that_was_asked_for_waits_until_it_is_decided(world, hand):
    send(world, "roster.leave", "wang", kind="sick", since=day(1).isoformat(), until=day(2).isoformat())
    assert waiting(world, "leave") == [("leave", "王桂芳")]
    assert waiting(world, "leave", who="wu") == [], "a street sees only red below it"
    key = db.reading().scalar(sa.select(Leave.id))
    page = world.client("zhou").get("/").text
    assert f'href="/leaves/{key}"' in page and "生病" in page
    world.client("zhou").post(f"/leaves/{key}/refuse", data={"answer": "那天要体检"})
    assert waiting(world, "leave") == []


def test_leave_nobody_answered_is_no_question_any_more_when_its_days_are_over(world, hand):
    send(world, "roster.leave", "wang", kind="sick", since=day(0).isoformat(), until=day(0).isoformat())
    assert waiting(world, "leave") == [("leave", "王桂芳")]
    hand.go(24 * 60)
    assert waiting(world, "leave") == []


# -- a stand-in --


def sent(world, start_min):
    """钱 goes to 李秀兰 today instead of 王, at a minute of the day."""
    plan(world, HOME, start_min)
    with db.transaction() as session:
        shift = session.scalars(sa.select(Shift).where(Shift.day == clock.today())).one()
        leaving.send(shift, Choice(session.get_one(Person, world.person("qian").id)), Head(world))
        return shift.id, shift.visit_id


def test_a_stand_in_whose_phone_has_not_fetched_the_handover_is_to_be_rung(world, hand):
    sent(world, 11 * 60)
    assert waiting(world, "relief") == [("relief", HOME)]
    page = world.client("zhou").get("/").text
    assert "交接没到她手机，请打电话说清过敏" in page and re.search(r"tel:\d+", page)
    world.client("qian").get(f"/today/households/{world.household(HOME).id}/handover")
    assert waiting(world, "relief") == []


def test_one_tap_says_that_she_was_rung_and_the_record_says_it_too(world, hand):
    sent(world, 11 * 60)
    action, fields = deed(world.client("zhou").get("/").text, "打过了")
    assert world.client("zhou").post(action, data=fields | {"how": "called"}).status_code == 303
    assert waiting(world, "relief") == []
    done = db.reading().scalars(sa.select(Task).where(Task.kind == "relief")).one()
    assert (done.how, done.key) == ("called", f"relief:{db.reading().scalar(sa.select(Relief.id))}")


def test_nobody_is_asked_to_ring_hours_before_or_when_she_is_there(world, hand):
    shift, visit = sent(world, 13 * 60)
    assert waiting(world, "relief") == [], "three hours to go: her phone may still come by"
    hand.go(60)
    assert waiting(world, "relief") == [("relief", HOME)]
    arrive(world, "qian", visit=visit, shift=shift, ago_min=0)
    assert waiting(world, "relief") == []


# -- a time to be put right --


def test_a_time_she_asks_to_have_put_right_waits_for_somebody_else(world, hand):
    visit = ids.new()
    arrive(world, visit=visit, ago_min=30)
    assert waiting(world, "correction") == []
    asked = send(world, "visits.correct", visit=visit, field="in", time=9 * 60, reason="04", memo="忘了扫，早就到了")
    assert asked.state == "applied", asked.say
    assert waiting(world, "correction") == [("correction", HOME)]


# -- a pause --


def paused(world, ago):
    home = world.household(HOME)
    with db.transaction() as session:
        row = pausing.pause(
            home, None, "hospital", "女儿李敏", day(0), by=world.account("zhou").id,
        )  # fmt: skip
        row.asked_on = day(-ago)
        session.flush()
        return row.id


def test_a_pause_is_asked_about_after_seven_days_and_again_after_each_still(world, hand):
    paused(world, 6)
    assert waiting(world, "pause") == []
    hand.go(24 * 60)
    assert waiting(world, "pause") == [("pause", HOME)]
    assert waiting(world, "pause", who="zheng") == []
    page = world.client("zhou").get("/").text
    assert "女儿李敏说的" in page and "住院" in page
    action, fields = deed(page, "<span>还停</span>")
    answer = world.client("zhou").post(action, data=fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert waiting(world, "pause") == []
    hand.go(7 * 24 * 60)
    assert waiting(world, "pause") == [("pause", HOME)]


def test_who_is_back_is_not_asked_about(world, hand):
    key = paused(world, 9)
    assert waiting(world, "pause") == [("pause", HOME)]
    world.client("zhou").post(f"/pauses/{key}/end")
    assert waiting(world, "pause") == []


# -- a certificate --


@pytest.mark.parametrize(("days", "said"), [(61, False), (60, True), (0, True), (-10, True), (-200, False)])
def test_a_certificate_about_to_end_is_said_until_a_newer_one_is_there(world, hand, days, said):
    certify(world, day(-300), day(days))
    assert waiting(world, "expiring") == ([("expiring", "王桂芳")] if said else [])
    certify(world, day(-1), day(700))
    assert waiting(world, "expiring") == []


def certify(world, passed, until):
    with db.transaction() as session:
        held = Session(
            id=ids.new(), place_id=world.place("songling").id, course="basic", day=passed, start_min=540, minutes=60,
            where="居委会", teacher="", by_id=world.account("zhou").id,
        )  # fmt: skip
        session.add(held)
        session.flush()
        session.add(
            Certificate(
                id=ids.new(), person_id=world.person("wang").id, course="basic", number=str(passed), passed_on=passed,
                until=until, session_id=held.id, by_id=world.account("zhou").id,
            )
        )  # fmt: skip


# -- a night without a backup --


def look():
    with db.transaction():
        carrying.look_at_backup()


def test_a_night_without_a_backup_is_said_to_the_district_until_one_is_made(app, world, tmp_path, monkeypatch):
    look()
    assert waiting(world, "backup", who="zheng") == [], "nobody wants any here"
    wanted = app.extensions["settings"].__class__(**vars(app.extensions["settings"]) | {"backup_dir": tmp_path / "backups"})
    monkeypatch.setitem(app.extensions, "settings", wanted)
    look()
    look()
    assert waiting(world, "backup", who="zheng") == [("backup", "")]
    assert waiting(world, "backup") == [], "no head can do anything about it"
    with db.transaction() as session:
        session.execute(sa.update(audit.Head).values(backup_at=clock.now() - timedelta(hours=29)))
    look()
    assert waiting(world, "backup", who="zheng") == []
    with db.transaction() as session:
        session.execute(sa.update(audit.Head).values(backup_at=clock.now() - timedelta(hours=31)))
    look()
    assert waiting(world, "backup", who="zheng") == [("backup", "")]


def test_a_backup_that_was_made_says_when(app, world, tmp_path):
    if db.database().engine.dialect.name == "sqlite":
        db.undo()
        backup.make(tmp_path / "backups")
        assert clock.now() - db.reading().scalar(sa.select(audit.Head.backup_at)) < timedelta(minutes=1)
