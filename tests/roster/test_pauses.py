"""停一停: what pauses is neither planned nor missing, on paper and in the database."""

import uuid
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.people import models as people
from webapp.roster import laying, models, pausing, queries, rules
from webapp.roster.absences import Pause
from webapp.roster.models import PAUSED, PLANNED, Shift
from webapp.roster.rules import Rest
from webapp.store import db

D = date(2026, 11, 20)
HE, SHE = uuid.UUID(int=1), uuid.UUID(int=2)
BOTH = [(HE, "张福贵"), (SHE, "刘淑珍")]
HOSPITAL = uuid.UUID(int=9)


def rest(who=None, since=0, until=None, reason="hospital", spot=None):
    last = None if until is None else D + timedelta(days=until)
    return Rest(who, D + timedelta(days=since), last, reason, spot)


@pytest.mark.parametrize(("day", "out"), [(-1, False), (0, True), (3, True), (4, False)])
def test_a_pause_holds_from_its_first_to_its_last_day(day, out):
    assert rules.standing([rest(until=3)], BOTH, D + timedelta(days=day)).out is out


def test_an_open_pause_holds_on():
    assert rules.standing([rest()], BOTH, D + timedelta(days=400)).out


def test_the_visit_goes_on_for_the_other_of_a_couple():
    assert rules.standing([rest(HE)], BOTH, D) == rules.Standing(False, None, "hospital:张福贵")


def test_nobody_is_visited_once_both_pause():
    assert rules.standing([rest(HE), rest(SHE, since=2)], BOTH, D + timedelta(days=1)).out is False
    assert rules.standing([rest(HE), rest(SHE, since=2)], BOTH, D + timedelta(days=2)).out


def test_who_has_died_or_moved_is_not_waited_for():
    assert rules.standing([rest(HE)], BOTH[:1], D).out


def test_a_pause_with_a_place_moves_the_visit_there():
    assert rules.standing([rest(spot=HOSPITAL)], BOTH, D) == rules.Standing(False, HOSPITAL, "hospital")
    both = [rest(HE), rest(SHE, reason="child", spot=HOSPITAL)]
    assert rules.standing(both, BOTH, D).spot_id == HOSPITAL


@pytest.mark.parametrize(
    ("start", "minutes", "met"),
    [(500, 60, True), (530, 60, True), (450, 60, False), (449, 60, False), (451, 60, True), (600, 30, False), (599, 9, True)],
)
def test_two_stretches_meet_unless_one_ends_where_the_other_begins(start, minutes, met):
    assert rules.meets(510, 90, start, minutes) is met


# -- in the database --


def daily(world, name="李秀兰", start=510):
    return models.plan(world.household(name), range(7), start, 90, ["MEAL-01"])


def states(world, name="李秀兰"):
    key = world.household(name).id
    rows = db.session().execute(
        sa.select(Shift.day, Shift.state, Shift.note).where(Shift.household_id == key).order_by(Shift.day)
    )
    return [(state, note) for _day, state, note in rows]


def pause(world, name="李秀兰", who=None, since=1, until=3, **more):
    today = clock.today()
    last = None if until is None else today + timedelta(days=until)
    resident = world.resident(who) if who else None
    return pausing.pause(
        world.household(name),
        resident,
        "hospital",
        "女儿",
        today + timedelta(days=since),
        last,
        by=world.account("zhou").id,
        **more,
    )


def test_a_pause_takes_its_days_out_and_no_others(app, world):
    with db.transaction():
        daily(world)
        pause(world)
    assert states(world)[:5] == [(PLANNED, None), *[(PAUSED, "hospital")] * 3, (PLANNED, None)]


def test_shifts_laid_later_are_paused_too(app, world):
    with db.transaction():
        daily(world)
        pause(world, until=None)
    with db.transaction():
        laying.extend(clock.today() + timedelta(days=16))
    assert states(world)[-1] == (PAUSED, "hospital")


def test_one_tap_brings_them_back_from_that_day(app, world):
    with db.transaction():
        daily(world)
        row = pause(world, until=None)
    with db.transaction():
        pausing.end(db.session().get_one(Pause, row.id), world.account("zhou").id, clock.today() + timedelta(days=3))
    assert [state for state, _note in states(world)[:5]] == [PLANNED, PAUSED, PAUSED, PLANNED, PLANNED]


def test_coming_back_at_noon_does_not_make_the_morning_missing(app, world, monkeypatch):
    noon = clock.instant(clock.today(), 720)
    monkeypatch.setattr(clock, "now", lambda: noon)
    with db.transaction():
        daily(world, start=510)
        daily(world, start=900)
        row = pause(world, since=0, until=None)
    with db.transaction():
        pausing.end(db.session().get_one(Pause, row.id), world.account("zhou").id)
    rows = db.session().execute(
        sa.select(Shift.start_min, Shift.state).where(Shift.day == clock.today()).order_by(Shift.start_min)
    )
    assert [tuple(row) for row in rows] == [(510, PAUSED), (900, PLANNED)]


def test_a_couple_pauses_one_by_one(app, world):
    with db.transaction():
        daily(world, "张福贵")
        pause(world, "张福贵", "张福贵")
    assert states(world, "张福贵")[1] == (PLANNED, "hospital:张福贵")
    with db.transaction():
        pause(world, "张福贵", "刘淑珍", since=2)
    assert [state for state, _n in states(world, "张福贵")[:4]] == [PLANNED, PLANNED, PAUSED, PAUSED]
    assert queries.is_paused(world.resident("张福贵").id, clock.today() + timedelta(days=1))
    assert not queries.is_paused(world.resident("刘淑珍").id, clock.today() + timedelta(days=1))


def test_visits_may_go_on_at_the_childs_home(app, world):
    with db.transaction():
        daily(world)
        spot = people.add_spot(world.household("李秀兰"), 38_900_000, 121_600_000, kind="child", name="女儿家", radius_m=100)
        pause(world, spot_id=spot.id)
    key = world.household("李秀兰").id
    rows = db.session().execute(sa.select(Shift.state, Shift.spot_id).where(Shift.household_id == key).order_by(Shift.day)).all()
    assert [tuple(row) for row in rows[:2]] == [(PLANNED, None), (PLANNED, spot.id)]


@pytest.mark.parametrize(
    ("facts", "code"),
    [({"since": 3, "until": 1}, "pause_span"), ({"since": -32}, "pause_long_ago"), ({"spot_id": uuid.UUID(int=5)}, "pause_spot")],
)
def test_what_cannot_be_is_refused(app, world, facts, code):
    with pytest.raises(Refusal) as refused, db.transaction():
        pause(world, **facts)
    assert refused.value.code == code


def test_the_same_days_are_not_paused_twice(app, world):
    with db.transaction():
        pause(world)
    with pytest.raises(Refusal), db.transaction():
        pause(world, since=3, until=9)
    with db.transaction():
        pause(world, since=4, until=9)


# -- pages --


@pytest.fixture
def zhou(app, world):
    app.test_client().get("/up")
    return world.client("zhou")


def test_a_head_pauses_and_ends_it_with_one_tap(app, world, zhou):
    with db.transaction():
        daily(world)
    url = f"/households/{world.household('李秀兰').id}/pauses"
    assert "停一停" in zhou.get(url).text
    who = str(world.resident("李秀兰").id)
    form = {"who": who, "reason": "hospital", "since": clock.today().isoformat(), "told_by": "女儿", "key": str(uuid.uuid4())}
    assert zhou.post(url, data=form).status_code == 303
    assert zhou.post(url, data=form).status_code == 303, "a double tap is one pause"
    db.settle()
    row = db.reading().scalars(sa.select(Pause)).one()
    assert "现在停着的" in zhou.get(url).text
    assert "住院" in zhou.get("/leaves").text
    assert zhou.post(f"/pauses/{row.id}/still").status_code == 303
    assert zhou.post(f"/pauses/{row.id}/end").status_code == 303
    assert "以前停过的" in zhou.get(url).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"until": "2020-01-01"}, "最后一天要在第一天之后"),
        ({"reason": ""}, "请选一个"),
        ({"told_by": " "}, "这里要填"),
        ({"since": "x"}, "请选一个日子"),
    ],
)
def test_a_pause_that_cannot_be_comes_back_with_what_was_typed(app, world, zhou, changes, said):
    url = f"/households/{world.household('李秀兰').id}/pauses"
    form = {
        "who": str(world.resident("李秀兰").id),
        "reason": "trip",
        "since": clock.today().isoformat(),
        "told_by": "邻居",
        "words": "去大连",
    }
    answer = zhou.post(url, data=form | changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert "去大连" in answer.text
