"""Who plans and who looks."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from webapp.kit import clock
from webapp.people import models as people
from webapp.roster import models
from webapp.roster.models import PlanChange, ServicePlan, Shift
from webapp.store import db

NEW = {"weekdays": ["0", "1", "2", "3", "4", "5", "6"], "start": "08:30", "minutes": "90", "items": ["MEAL-01"]}


@pytest.fixture(autouse=True)
def _apart(app):
    app.test_client().get("/up")  # the first answer of a process hands the templates their macros


def planned(world, name="李秀兰"):
    with db.transaction():
        return models.plan(world.household(name), range(7), 510, 90, ["MEAL-01"])


def url(world, name="李秀兰"):
    return f"/households/{world.household(name).id}/plan"


def now():
    db.settle()
    return db.reading()


def test_a_head_plans_a_household(app, world):
    zhou = world.client("zhou")
    assert "还没有服务计划" in zhou.get(url(world)).text
    done = zhou.post(url(world), data=NEW | {"valid_from": clock.today().isoformat()})
    assert done.status_code == 303
    assert now().scalars(sa.select(ServicePlan)).one().start_min == 510
    page = zhou.get(url(world)).text
    assert "8:30–10:00" in page
    assert "每天" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start": "25:00"}, "请填时间"),
        ({"minutes": "5"}, "一次上门要在 10 到 720 分钟之间"),
        ({"minutes": "ninety"}, "这里只能填数字"),
        ({"weekdays": []}, "请选星期几上门"),
        ({"valid_from": "someday"}, "请选一个日子"),
        ({"items": ["NO-1"]}, "不在服务目录里"),
    ],
)
def test_a_plan_that_cannot_be_comes_back_with_a_plain_sentence(app, world, changes, said):
    page = world.client("zhou").post(url(world), data=NEW | {"valid_from": clock.today().isoformat()} | changes)
    assert page.status_code == 422
    assert said in page.text
    assert now().scalar(sa.select(ServicePlan.id)) is None


def test_a_day_is_changed_and_the_others_stay(app, world):
    plan = planned(world)
    tomorrow = clock.today() + timedelta(days=1)
    zhou = world.client("zhou")
    assert zhou.get(f"/plans/{plan.id}/change?day={tomorrow}").status_code == 200
    told = {"day": tomorrow.isoformat(), "scope": "day", "start": "10:00", "minutes": "90", "items": ["MEAL-01"], "why": "体检"}
    assert zhou.post(f"/plans/{plan.id}/change", data=told).status_code == 303
    starts = now().scalars(sa.select(Shift.start_min).order_by(Shift.day)).all()
    assert starts[:3] == [510, 600, 510]
    change = now().scalars(sa.select(PlanChange)).one()
    assert (change.minutes, change.items, change.why) == (None, None, "体检")
    assert "体检" in zhou.get(url(world)).text


def test_from_a_day_on_the_weekdays_change(app, world):
    plan = planned(world)
    told = {
        "day": clock.today().isoformat(),
        "scope": "from",
        "start": "08:30",
        "minutes": "90",
        "items": ["MEAL-01"],
        "weekdays": ["0"],
    }
    assert world.client("zhou").post(f"/plans/{plan.id}/change", data=told).status_code == 303
    days = now().scalars(sa.select(Shift.day).where(Shift.state == "planned")).all()
    assert days
    assert {day.weekday() for day in days} == {0}


def test_yesterday_is_refused_in_words(app, world):
    plan = planned(world)
    yesterday = clock.today() - timedelta(days=1)
    page = world.client("zhou").post(f"/plans/{plan.id}/change", data={"day": yesterday.isoformat(), "scope": "day", "skip": "y"})
    assert page.status_code == 422
    assert "过去的日子不能再改排班" in page.text


def test_the_week_shows_what_nobody_has_first(app, world):
    planned(world)
    with db.transaction():
        home = people.settle_household(world.place("songling"), "5号")
        people.take_in(home, "陈玉梅")
        models.plan(home, range(7), 420, 60, [])
    page = world.client("zhou").get("/roster").text
    assert page.index("没排人") < page.index("王桂芳")
    assert "陈玉梅" in page


@pytest.mark.parametrize(("who", "status"), [("zhou", 200), ("feng", 200), ("he", 404), ("wang", 403), ("limin", 403)])
def test_who_sees_a_plan(app, world, who, status):
    assert world.client(who).get(url(world)).status_code == status


@pytest.mark.parametrize(("who", "status"), [("feng", 403), ("he", 404), ("wang", 403)])
def test_who_may_not_plan(app, world, who, status):
    plan = planned(world)
    given = NEW | {"valid_from": clock.today().isoformat(), "start": "15:00"}
    assert world.client(who).post(url(world), data=given).status_code == status
    told = {"day": clock.today().isoformat(), "scope": "day", "skip": "y"}
    assert world.client(who).post(f"/plans/{plan.id}/change", data=told).status_code == status


def test_the_auditor_sees_masked_names(app, world):
    planned(world)
    page = world.client("jiang").get("/roster").text
    assert "李秀兰" not in page
    assert "王**" in page
