"""The week is edited: holidays, two who go together, what stands against a plan, and what was published."""

import uuid
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.messages.models import Notice
from webapp.people import models as people
from webapp.roster import calendar, conflicts, leaving, models, pausing, publishing, rules
from webapp.roster.conflicts import Busy, Known, Wish
from webapp.roster.models import Shift
from webapp.roster.publishing import Changed, Publication, PublishedChange
from webapp.store import db, rulebook

A, B = uuid.UUID(int=1), uuid.UUID(int=2)
MONDAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def _apart(app):
    app.test_client().get("/up")


class Head:
    def __init__(self, world):
        self.account_id, self.person_id = world.account("zhou").id, world.person("zhou").id


def now():
    db.settle()
    return db.reading()


def plan(world, name="李秀兰", start=510, minutes=90, days=range(7), **more):
    return models.plan(world.household(name), days, start, minutes, ["MEAL-01"], **more)


# -- on paper --


@pytest.mark.parametrize(
    ("day", "kind"),
    [("2026-02-14", "makeup"), ("2026-02-20", "off"), ("2026-02-17", "statutory"), ("2026-04-05", "statutory")],
)
def test_a_day_is_what_the_notice_says(app, day, kind):
    day = date.fromisoformat(day)
    assert calendar.table(day, day)[day].kind == kind
    assert calendar.is_off(day) == (kind != "makeup")


def test_an_ordinary_day_and_an_ordinary_weekend_are_not_special(app):
    assert calendar.table(date(2026, 3, 7), date(2026, 3, 9)) == {}


def test_a_year_without_a_table_says_so(app):
    assert "2031" in calendar.unknown(date(2031, 1, 1), date(2031, 1, 7))
    assert "2027" in calendar.unknown(date(2027, 9, 27), date(2027, 10, 3))
    assert calendar.unknown(date(2026, 9, 28), date(2026, 10, 4)) == ""


def test_a_plan_may_rest_on_holidays_and_a_word_about_one_day_beats_that():
    pattern = rules.Pattern(127, 510, 60, (), A, MONDAY, holidays=False)
    assert rules.planned(pattern, [], MONDAY, off=False) is not None
    assert rules.planned(pattern, [], MONDAY, off=True) is None
    assert rules.planned(pattern, [rules.Change(MONDAY, MONDAY)], MONDAY, off=True) is not None
    again = rules.Change(MONDAY, None, holidays=True)
    assert rules.planned(pattern, [again], MONDAY, off=True) is not None


def wish(day=MONDAY, start=510, minutes=60, who=A):
    return Wish(day, start, minutes, who)


def busy(day=MONDAY, start=540, minutes=60, who=A, home="张福贵"):
    return Busy(day, start, minutes, who, home)


@pytest.mark.parametrize(
    ("wishes", "known", "codes"),
    [
        ([wish()], {}, set()),
        ([wish()], {"theirs": [busy(start=570)]}, set()),
        ([wish()], {"theirs": [busy()]}, {"overlap"}),
        ([wish()], {"theirs": [busy(who=B)]}, set()),
        ([wish()], {"at_home": [busy(who=None)]}, {"clash"}),
        ([wish()], {"away": {(A, MONDAY)}}, {"away"}),
        ([wish()], {"paused": {MONDAY}}, {"paused"}),
        ([wish()], {"ended": {A}}, {"ended"}),
        ([wish()], {"cleared": set()}, {"clearance"}),
        ([wish(), wish()], {}, {"same_person"}),
        ([wish(who=None)], {"cleared": set()}, set()),
        ([wish(minutes=500)], {}, {"day_hours"}),
        ([wish(minutes=300)], {"theirs": [busy(start=900, minutes=200)]}, {"day_hours"}),
        ([wish()], {"home_ended": MONDAY - timedelta(days=1)}, {"home_ended"}),
        ([wish(day=MONDAY + timedelta(days=n), minutes=450) for n in range(6)], {}, {"week_hours"}),
        ([wish(day=MONDAY + timedelta(days=n)) for n in range(7)], {}, set()),
        ([wish()], {"theirs": [busy(day=MONDAY + timedelta(days=n)) for n in range(1, 7)]}, {"rest_day"}),
    ],
)
def test_what_stands_against_a_visit(wishes, known, codes):
    facts = Known(**{"cleared": {A, B}} | known)
    assert {each.code for each in conflicts.conflicts(wishes, facts, 480, 2640, one_day=True)} == codes


def test_leave_within_a_lasting_plan_is_told_and_one_conflict_is_said_once():
    days = [MONDAY + timedelta(days=n) for n in range(3)]
    known = Known(cleared={A}, away={(A, day) for day in days})
    [said] = conflicts.conflicts([wish(day=day) for day in days], known, 480, 2640, one_day=False)
    assert (said.code, said.day, said.days) == ("away_some", MONDAY, 3)


@pytest.mark.parametrize(
    ("told", "terms", "found"),
    [
        (None, f"{A.hex}|510|60", [Changed(A, "new", 510)]),
        (f"{A.hex}|510|60", "", [Changed(A, "gone", 510)]),
        (f"{A.hex}|510|60", f"{A.hex}|540|60", [Changed(A, "moved", 540, 510)]),
        (f"{A.hex}|510|60", f"{B.hex}|510|60", [Changed(A, "gone", 510), Changed(B, "new", 510)]),
        (f"{A.hex}|510|60", f"{A.hex}|510|60", []),
        (None, "|510|60", []),
    ],
)
def test_who_is_told_what_differs(told, terms, found):
    assert publishing.changed(told, terms) == found


# -- shifts --


def test_two_go_together_and_each_has_a_visit_of_her_own(app, world):
    with db.transaction():
        row = plan(world, second=world.person("qian"))
        laid = db.session().scalars(sa.select(Shift).where(Shift.day == clock.today()).order_by(Shift.seat)).all()
        assert [each.caregiver_id for each in laid] == [world.person("wang").id, world.person("qian").id]
        assert laid[0].visit_id != laid[1].visit_id
        models.change_day(row, clock.today(), alone=True)
    states = now().execute(sa.select(Shift.seat, Shift.state).where(Shift.day == clock.today()).order_by(Shift.seat)).all()
    assert [tuple(each) for each in states] == [(0, "planned"), (1, "cancelled")]


def test_a_plan_that_rests_on_holidays_leaves_them_out(app, world):
    soon = clock.today() + timedelta(days=2)
    year = {
        "year": soon.year, "arrangement": "published", "makeup_workdays": [],
        "holidays": [{"code": "x", "zh": "试放假", "en": "Trial", "off_days": [soon.isoformat()], "statutory_days": []}],
    }  # fmt: skip
    with db.transaction():
        rulebook.put("calendars", {"years": [year]}, clock.today() - timedelta(days=1))
    db.undo()
    with db.transaction():
        plan(world, holidays=False)
        plan(world, start=900)
    found = now().execute(sa.select(Shift.start_min).where(Shift.day == soon)).scalars().all()
    assert found == [900]


def test_a_second_may_be_on_leave_alone(app, world):
    day = clock.today() + timedelta(days=1)
    with db.transaction():
        plan(world, second=world.person("qian"))
        asked = leaving.record(world.person("qian"), "sick", day, day, "", by=world.account("zhou").id, key=ids.new())
        gone = leaving.to_cover(asked)
        assert [shift.seat for shift in gone] == [1]


# -- pages --


def change_url(row, **more):
    return f"/plans/{row.id}/change"


def told(day, **more):
    return {"day": day.isoformat(), "scope": "day", "start": "08:30", "minutes": "90", "items": ["MEAL-01"]} | more


def test_an_overlap_is_said_beside_the_shift_and_cannot_be_overruled(app, world):
    tomorrow = clock.today() + timedelta(days=1)
    with db.transaction():
        row = plan(world)
        plan(world, "张福贵", start=660, caregiver=world.person("qian"))
    zhou, qian = world.client("zhou"), str(world.person("qian").id)
    page = zhou.post(change_url(row), data=told(tomorrow, caregiver=qian, start="10:30", why="换人", anyway="y"))
    assert page.status_code == 422
    assert "钱桂兰 11:00 在张福贵 · 刘淑珍家" in page.text
    assert "照样这样排" not in page.text
    assert 'value="换人"' in page.text
    assert now().scalar(sa.select(models.PlanChange.id)) is None


def test_what_may_be_overruled_is_asked_once_and_then_saved(app, world):
    tomorrow = clock.today() + timedelta(days=1)
    with db.transaction():
        row = plan(world)
        db.session().execute(sa.delete(people.Clearance).where(people.Clearance.person_id == world.person("qian").id))
    zhou, qian = world.client("zhou"), str(world.person("qian").id)
    page = zhou.post(change_url(row), data=told(tomorrow, caregiver=qian))
    assert page.status_code == 422
    assert "钱桂兰还没有上岗培训记录" in page.text
    assert "照样这样排" in page.text
    assert zhou.post(change_url(row), data=told(tomorrow, caregiver=qian, anyway="y")).status_code == 303


def test_looking_saves_nothing(app, world):
    tomorrow = clock.today() + timedelta(days=1)
    with db.transaction():
        row = plan(world)
        pausing.pause(world.household("李秀兰"), None, "trip", "女儿", tomorrow, tomorrow, by=world.account("zhou").id)
    zhou = world.client("zhou")
    page = zhou.post(change_url(row) + "?look=1", data=told(tomorrow, start="09:00"), headers={"HX-Request": "true"})
    assert page.status_code == 200
    assert "老人停一停，不会上门" in page.text
    assert "<html" not in page.text
    assert now().scalar(sa.select(models.PlanChange.id)) is None


def test_other_words_about_a_day_are_not_held_up_by_what_stood_before(app, world):
    tomorrow = clock.today() + timedelta(days=1)
    with db.transaction():
        row = plan(world)
        db.session().execute(sa.delete(people.Clearance))
    page = world.client("zhou").post(change_url(row), data=told(tomorrow, items=["CLEAN-01"]))
    assert page.status_code == 303


def test_a_new_plan_says_what_stands_against_it(app, world):
    with db.transaction():
        plan(world)
    url = f"/households/{world.household('张福贵').id}/plan"
    data = {"weekdays": ["0", "1"], "start": "09:00", "minutes": "60", "items": [], "valid_from": clock.today().isoformat()}
    page = world.client("zhou").post(url, data=data)
    assert page.status_code == 422
    assert "王桂芳 8:30 在李秀兰家" in page.text
    assert "等 4 天" in page.text or "等 5 天" in page.text


@pytest.mark.parametrize("given", [{"day": "x"}, {"start": "99"}, {"minutes": "a"}, {"second": "nobody"}, {"scope": "z"}, {}])
def test_bad_input_comes_back_with_a_sentence(app, world, given):
    with db.transaction():
        row = plan(world)
    data = told(clock.today() + timedelta(days=1), why="记着") | given if given else {}
    page = world.client("zhou").post(change_url(row), data=data)
    assert page.status_code == 422
    assert "wrong" in page.text


# -- publishing --


def week():
    return publishing.week_of(clock.today() + timedelta(days=7))


def publish(world, monday=None):
    """What the page says after the tap."""
    zhou = world.client("zhou")
    data = {"week": monday or week()[0].isoformat()}
    return zhou.get(zhou.post(f"/roster/{world.place('songling').id}/publish", data=data).location).text


def test_a_week_is_published_and_then_only_what_changed_since(app, world):
    with db.transaction():
        row = plan(world)
    page = world.client("zhou").get(f"/roster?week={week()[0]}").text
    assert "这一周还没发布" in page
    assert "没发布</span>" not in page
    assert "发布了" in publish(world)
    assert [each.kind for each in now().scalars(sa.select(Notice))] == ["roster_out"]
    assert "没有新的改动" in publish(world)
    with db.transaction():
        for notice in db.session().scalars(sa.select(Notice)):
            notice.acknowledge(world.account("wang").id)
        row = db.session().get_one(models.ServicePlan, row.id)
        models.change_day(row, week()[1], start_min=600)
        models.change_day(row, week()[2], caregiver=world.person("qian"))
        models.change_day(row, week()[3], skip=True)
    page = world.client("zhou").get(f"/roster?week={week()[0]}").text
    assert "有 3 处改了还没发布" in page
    publish(world)
    assert "已经发布" in world.client("zhou").get(f"/roster?week={week()[0]}").text
    mine = world.client("wang").get("/my-week").text
    assert "改了时间" in mine
    assert "原来 8:30" in mine
    assert mine.count("不用您去了") == 2
    assert "多了一次" in world.client("qian").get("/my-week").text
    kinds = now().scalars(sa.select(Notice.kind).where(Notice.kind == "roster_changed")).all()
    assert len(kinds) == 2


def test_a_week_of_another_station_cannot_be_published(app, world):
    with db.transaction():
        plan(world)
    gone = world.client("he").post(f"/roster/{world.place('songling').id}/publish", data={"week": week()[0].isoformat()})
    assert gone.status_code == 404
    assert now().scalar(sa.select(Publication.id)) is None


def test_an_empty_week_and_a_bad_day_are_told_plainly(app, world):
    assert "这一周还没有排班" in publish(world, "2040-01-02")
    assert "已经过去" in publish(world, "2020-01-06")
    zhou = world.client("zhou")
    assert zhou.get("/roster?week=x&day=99-99&station=nobody").status_code == 200
    assert now().scalar(sa.select(PublishedChange.id)) is None


def test_what_nobody_goes_to_stands_on_top(app, world):
    with db.transaction():
        home = people.settle_household(world.place("songling"), "5号")
        people.take_in(home, "陈玉梅")
        models.plan(home, range(7), 420, 60, [])
    page = world.client("zhou").get(f"/roster?week={week()[0]}").text
    assert "没排人的 7 次" in page
