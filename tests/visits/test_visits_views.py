"""Who sees and does what on the pages of visits."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.visits.kit import AT_HOME, arrive, card_of, planned_today, send
from webapp.kit import clock, ids
from webapp.roster.models import Shift
from webapp.store import db
from webapp.store.db import database
from webapp.visits import board, live
from webapp.visits.models import Call, NobodyHome, Visit, VisitException


@pytest.fixture(autouse=True)
def _apart(app):
    app.test_client().get("/up")  # the first answer of a process hands the templates their macros


def now():
    db.settle()
    return db.reading()


def marks(page):
    """The signed hidden fields of a kept form."""
    return dict(re.findall(r'name="(id|made_at|seal|visit|household|shift)" (?:[^>]* )?value="([^"]*)"', page)) | dict(
        (name, value) for name, value in re.findall(r'<input[^>]*name="(visit|household|shift)"[^>]*value="([^"]*)"', page)
    )


def test_a_caregiver_checks_in_and_out_without_scripts(app, world):
    planned_today(world, clock.minute_of(clock.now()))
    card, _ = card_of(world)
    wang, home = world.client("wang"), world.household("李秀兰").id
    page = wang.get(f"/households/{home}/arrive")
    assert page.status_code == 200
    posted = {**marks(page.text), "number": card.number, "method": "number"}
    done = wang.post(f"/households/{home}/arrive", data=posted)
    visit = now().scalars(sa.select(Visit)).one()
    assert done.status_code == 303
    assert done.location == f"/today/visits/{visit.id}"
    assert visit.shift_id is not None
    assert wang.get(f"/visits/{visit.id}/leave").status_code == 200
    assert wang.post(f"/visits/{visit.id}/leave", data={"method": "card_missing"}).status_code == 303
    assert now().get(Visit, visit.id).state == "done"


def test_a_double_tap_is_one_arrival(app, world):
    wang, home = world.client("wang"), world.household("李秀兰").id
    posted = marks(wang.get(f"/households/{home}/arrive").text) | {"method": "card_missing"}
    for _ in range(2):
        assert wang.post(f"/households/{home}/arrive", data=posted).status_code == 303
    assert now().scalar(sa.select(sa.func.count()).select_from(Call)) == 1


def test_another_stations_caregiver_finds_no_page_but_her_arrival_is_kept(app, world):
    zhao, home = world.client("zhao"), world.household("李秀兰").id
    assert zhao.get(f"/households/{home}/arrive").status_code == 404
    assert zhao.post(f"/households/{home}/arrive", data={"method": "card_missing"}).status_code == 303
    assert now().scalars(sa.select(VisitException.code).where(VisitException.code == "NOT_ASSIGNED")).one()


def test_what_is_not_hers_to_say_is_held_and_she_goes_on_with_her_day(app, world):
    key, _ = arrive(world)
    held = world.client("zhao").post(f"/visits/{key}/leave", data={"method": "card_missing"})
    assert (held.status_code, held.location) == (303, "/")
    assert now().get(Visit, key).state == "open"


def test_services_are_ticked_on_a_page(app, world):
    key, _ = arrive(world)
    wang = world.client("wang")
    assert "买菜做饭" in wang.get(f"/visits/{key}/services").text
    told = {"done": ["MEAL-01", "FUN-02"], "refused": ["CLEAN-01"], "reason": "今天不想做"}
    assert wang.post(f"/visits/{key}/services", data=told).status_code == 303
    again = wang.get(f"/visits/{key}/services").text
    assert re.search(r'value="FUN-02"[^>]* checked', again)
    assert world.client("zhao").get(f"/visits/{key}/services").status_code == 404


def test_a_reason_too_long_comes_back_with_what_was_typed(app, world):
    key, _ = arrive(world)
    page = world.client("wang").post(f"/visits/{key}/services", data={"done": ["MEAL-01"], "reason": "长" * 70})
    assert page.status_code == 422
    assert "太长了" in page.text
    assert re.search(r'value="MEAL-01"[^>]* checked', page.text)


def test_nobody_home_is_told_from_its_page(app, world):
    wang, home = world.client("wang"), world.household("李秀兰").id
    page = wang.get(f"/households/{home}/nobody")
    assert "tel:041100005678" in page.text
    assert wang.post(f"/households/{home}/nobody", data={"rang": "y", "words": "灯亮着"}).status_code == 303
    assert now().scalars(sa.select(NobodyHome)).one().words == "灯亮着"
    assert world.client("zhao").get(f"/households/{home}/nobody").status_code == 404


def test_a_wrong_scan_is_taken_back_from_the_page(app, world):
    key, _ = arrive(world)
    assert world.client("wang").post(f"/visits/{key}/void").status_code == 303
    assert now().get(Visit, key).state == "void"


def test_staff_see_a_visit_with_its_evidence_and_settle_what_is_open(app, world):
    key, _ = arrive(world, number="0000000", **(AT_HOME | {"lat_e6": 38_920_000}))
    zhou = world.client("zhou")
    page = zhou.get(f"/visits/{key}").text
    for said in ("位置对不上", "差 667 米", "号码是手输的", "扫的码不认识", "没有排班"):
        assert said in page
    row = now().scalars(sa.select(VisitException).where(VisitException.code == "OUT_OF_RADIUS")).one()
    faulty = zhou.post(f"/visits/exceptions/{row.id}", data={"reason": "99", "memo": ""})
    assert faulty.status_code == 422
    assert "请写几个字说明" in faulty.text
    assert zhou.post(f"/visits/exceptions/{row.id}", data={"reason": "08"}).status_code == 303
    assert now().get(VisitException, row.id).reason == "08"
    assert "定位不准" in zhou.get(f"/visits/{key}").text


@pytest.mark.parametrize(
    ("who", "status"), [("zhou", 200), ("wu", 200), ("wang", 200), ("he", 404), ("zhao", 404), ("limin", 403)]
)
def test_who_sees_a_visit(app, world, who, status):
    key, _ = arrive(world)
    assert world.client(who).get(f"/visits/{key}").status_code == status
    assert world.client(who).get(f"/households/{world.household('李秀兰').id}/visits").status_code == status


@pytest.mark.parametrize(("who", "status"), [("wang", 403), ("he", 404), ("jiang", 403)])
def test_who_may_not_settle(app, world, who, status):
    key, _ = arrive(world)
    row = now().scalars(sa.select(VisitException).where(VisitException.visit_id == key)).first()
    assert world.client(who).post(f"/visits/exceptions/{row.id}", data={"reason": "08"}).status_code == status


def test_the_auditor_sees_masked_names(app, world):
    key, _ = arrive(world, name="张福贵")
    page = world.client("jiang").get(f"/visits/{key}").text
    assert "张福贵" not in page
    assert "王桂芳" not in page
    assert "张**" in page


def test_history_is_paged_by_its_last_line(app, world):
    for n in range(32):
        send(world, "visits.arrive", visit=ids.new(), household=world.household("李秀兰").id, ago_min=30 * n)
    zhou, url = world.client("zhou"), f"/households/{world.household('李秀兰').id}/visits"
    first = zhou.get(url).text
    onward = re.search(r'href="([^"]*before=[^"]*)"', first)[1].replace("&amp;", "&")
    second = zhou.get(onward).text
    links = [set(re.findall(r'href="(/visits/[^"]+)"', page)) for page in (first, second)]
    assert (len(links[0]), len(links[1]), links[0] & links[1]) == (30, 2, set())
    assert zhou.get(f"{url}?before=nonsense").status_code == 200


def test_the_live_roster_shows_plan_against_fact(app, world):
    minute = clock.minute_of(clock.now())
    planned_today(world, max(minute - 5, 0))
    key, _ = arrive(world, method="card_missing", **AT_HOME)
    page = world.client("zhou").get("/live").text
    assert "王桂芳" in page
    assert "在岗" in page
    assert f"/visits/{key}" in page
    assert 'sse-connect="/events?t=roster:' in page
    assert "赵丽华" not in page


def test_the_live_piece_is_the_board_alone(app, world):
    arrive(world)
    piece = world.client("zhou").get("/live", headers={"HX-Request": "true"}).text
    assert "<html" not in piece
    assert piece.count("王桂芳") == 1


@pytest.mark.parametrize(
    ("who", "status"), [("zhou", 200), ("wu", 200), ("zheng", 200), ("wang", 403), ("limin", 403), ("jiang", 403)]
)
def test_who_sees_the_live_roster(app, world, who, status):
    assert world.client(who).get("/live").status_code == status


def test_a_street_manager_looks_at_one_station_by_address(app, world):
    arrive(world)
    wanghai = world.place("wanghai").id
    assert "王桂芳" in world.client("wu").get("/live").text
    assert "王桂芳" not in world.client("wu").get(f"/live?place={wanghai}").text
    assert "王桂芳" not in world.client("he").get(f"/live?place={world.place('songling').id}").text


def test_a_late_caregiver_can_be_rung(app, world):
    minute = clock.minute_of(clock.now())
    if minute < 60:
        pytest.skip("the first hour of a day has no late shift yet")
    planned_today(world, minute - 40)
    assert "tel:10000005678" in world.client("zhou").get("/live").text


def test_the_live_roster_asks_at_most_six_times(app, world):
    planned_today(world, 0)
    arrive(world)
    arrive(world, name="张福贵")
    zhou = world.client("zhou")
    zhou.get("/live")
    said = []

    def hear(_connection, _cursor, statement, *_rest):
        if statement.lower().startswith("select"):
            said.append(statement)

    engine = database().engine
    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        zhou.get("/live")
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)
    assert len(said) <= 6, "\n\n".join(said)


def test_a_stray_arrival_is_named_by_the_station(app, world):
    key = ids.new()
    send(world, "visits.arrive", visit=key, token="Z" * 26, method="scan")
    call = now().scalars(sa.select(Call)).one()
    zhou = world.client("zhou")
    assert "王桂芳" in zhou.get("/visits/strays").text
    assert "王桂芳" not in world.client("he").get("/visits/strays").text
    number = world.household("李秀兰").number
    assert world.client("he").post(f"/visits/strays/{call.id}", data={"number": number}).status_code == 404
    assert zhou.post(f"/visits/strays/{call.id}", data={"number": number.lower()}).status_code == 303
    assert now().get(Visit, key).household_id == world.household("李秀兰").id


def test_shifts_keep_their_visit_when_another_is_walked_in(app, world):
    planned_today(world, clock.minute_of(clock.now()))
    one, _ = arrive(world)
    two, _ = arrive(world)
    first, second = now().get(Visit, one), now().get(Visit, two)
    assert first.shift_id == now().scalar(sa.select(Shift.id).where(Shift.day == clock.today()))
    assert second.shift_id is None
    assert second.arrived_at - first.arrived_at < timedelta(minutes=1)


def test_the_live_roster_is_put_together_once_for_all_who_look_until_somebody_writes(app, world, monkeypatch):
    made, plans = [], live.plans_on
    monkeypatch.setattr(board, "STAYS_S", 10**10)
    monkeypatch.setattr(live, "plans_on", lambda *asked: made.append(asked) or plans(*asked))
    head, street = world.client("zhou"), world.client("wu")
    first = head.get("/live").text
    assert head.get("/live").text.count("<tr") == first.count("<tr")
    assert len(made) == 1
    assert "王桂芳" not in world.client("he").get("/live").text
    street.get("/live")
    head.set_cookie("lang", "en")
    assert "Live roster" in head.get("/live").text
    head.set_cookie("lang", "zh")
    assert len(made) == 4
    arrive(world, "wang")
    assert "王桂芳" in head.get("/live").text
    assert len(made) == 5
    monkeypatch.setattr(board, "STAYS_S", 1e-6)
    head.get("/live")
    assert len(made) == 6
