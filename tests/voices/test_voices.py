"""Residents are asked, complaints find their owner and never their subject, a change of caregiver leaves no empty day."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from tests.people.browsers import hidden, said
from tests.world import World
from webapp.endings import care
from webapp.kit import clock, ids
from webapp.messages.models import Task
from webapp.people import models as people
from webapp.people.models import Assignment
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store import db
from webapp.voices import models, rules
from webapp.voices.models import ChangeOfCaregiver, Complaint, Opinion

WALL = clock.now


def home(world: World) -> str:
    return f"/households/{world.household('李秀兰').id}"


def fill(world: World, who: str | None, url: str, **typed: object) -> int:
    client = world.client(who)
    key = hidden(said(client.get(url)), "key")
    return client.post(url, data={"key": key, **typed}).status_code


def one(table: type) -> object:
    db.undo()
    return db.session().scalars(sa.select(table)).one()


def open_kinds(place: str, world: World) -> set[str]:
    db.undo()
    here = world.place(place).id
    return set(db.session().scalars(sa.select(Task.kind).where(Task.place_id == here, Task.cleared_at.is_(None))))


# -- asking --


def test_a_resident_is_asked_once_a_month_and_the_newer_answer_counts(world: World) -> None:
    url = f"/residents/{world.resident('李秀兰').id}/opinion"
    assert "李秀兰" in said(world.client("zhou").get("/opinions"))
    assert fill(world, "zhou", url, how="phone") == 422, "how many stars?"
    for stars in ("3", "5"):
        assert fill(world, "zhou", url, stars=stars, how="phone", words="饭菜合口") == 303
    row = one(Opinion)
    assert (row.stars, row.caregiver_id) == (5, world.person("wang").id)  # type: ignore[attr-defined]
    page = said(world.client("zhou").get("/opinions"))
    answered, unasked = page.split("这个月还没问过")
    assert "李秀兰" not in unasked and "张福贵" in unasked
    assert answered.count("李秀兰") == 1 and "饭菜合口" in answered and "5.0" in answered
    assert world.client("wang").get(url).status_code == 403, "nobody asks about herself"


def test_satisfaction_is_told_by_station_and_by_street_with_the_answers_beside_it(world: World) -> None:
    with db.transaction():
        for name, stars in (("李秀兰", 5), ("张福贵", 4), ("孙德胜", 1)):
            models.heard(world.resident(name), world.household(name), stars, "", "phone", world.account("zhou").id)
    page = said(world.client("wu").get("/opinions"))
    street = page[page.index("松岭街道一共") :]
    assert ">3.3<" in street and ">3<" in street and ">4<" in street, "every answer weighs alike"
    assert ">4.5<" in page and ">1.0<" in page
    assert "松岭街道一共" not in said(world.client("zhou").get("/opinions")), "one station is its own sum"


def test_late_in_the_month_the_station_is_told_whom_nobody_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for day, told in ((19, set()), (20, {"ask_elders"})):
        moment = clock.instant(datetime(2027, 1, day).date(), 600)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        with db.transaction():
            models.remind()
        assert open_kinds("songling", world) == told, day
    assert "/opinions" in said(world.client("zhou").get("/")), "the tap opens the list"
    for name in ("李秀兰", "张福贵", "刘淑珍"):
        assert "ask_elders" in open_kinds("songling", world), name
        with db.transaction():
            models.heard(world.resident(name), world.household(name), 4, "", "phone", world.account("zhou").id)
    assert open_kinds("songling", world) == set(), "all were asked"


def test_below_five_answers_a_caregiver_sees_nothing(world: World) -> None:
    def answers(n: int) -> str:
        with db.transaction() as session:
            session.execute(sa.delete(Opinion))
            for _ in range(n):
                lan = people.take_in(world.household("李秀兰"), "李甲")
                session.flush()
                models.heard(lan, world.household("李秀兰"), 4, "", "phone", world.account("zhou").id)
        return said(world.client("wang").get("/my-opinions"))

    assert "说的人还太少" in answers(4)
    page = answers(5)
    assert "4.0" not in page and ">好<" in re.sub(r"<svg.*?</svg>|\s", "", page, flags=re.S) and "5 个人说了" in page
    assert rules.satisfaction([]).mean is None


# -- complaints --


def test_a_complaint_has_an_owner_a_deadline_an_answer_and_a_verdict(world: World) -> None:
    assert fill(world, "limin", home(world) + "/say", kind="complaint", words="昨天没来也没说") == 303
    row = one(Complaint)
    there = f"/complaints/{row.id}"  # type: ignore[attr-defined]
    assert open_kinds("songling", world) == {"complaint"}
    assert world.client("zhou").post(there, data={"own": "1"}).status_code == 303
    assert world.client("zhou").post(there, data={"answer": ""}).status_code == 422
    assert world.client("zhou").post(there, data={"answer": "已经补了一次，并道歉"}).status_code == 303
    assert "已经补了一次" in said(world.client("limin").get(home(world) + "/say"))
    assert world.client("liqiang").post(f"{there}/judge", data={"says": "no"}).status_code == 404, "not his"
    assert world.client("limin").post(f"{there}/judge", data={"says": "no"}).status_code == 303
    assert "complaint" in open_kinds("street", world), "who is not satisfied is heard above"
    assert world.client("zhou").get(there).status_code == 404, "it has gone from her hands"
    assert (
        "投诉" in said(world.client("wu").get("/complaints"))
        and world.client("wu").post(there, data={"own": "1"}).status_code == 303
    )
    assert world.client("wu").post(there, data={"answer": "街道去看过了，换了时间"}).status_code == 303
    assert open_kinds("street", world) == set() and world.client("wu").post(there, data={"answer": "再来"}).status_code == 422
    page = said(world.client("limin").get(home(world) + "/say"))
    assert "已经补了一次" in page and "街道去看过了" in page
    assert one(Complaint).due_at - one(Complaint).made_at > timedelta(days=4)  # type: ignore[attr-defined]


def test_what_lies_too_long_is_told_to_the_office_above_until_it_is_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction():
        at_station = models.complain("complaint", world.place("songling"), "昨天没来也没说")
        at_street = models.complain("abuse", world.place("songling"), "好像有人打他")
        keys = at_station.id, at_street.id
    lying = sa.select(Task.place_id).where(Task.kind == "left_lying", Task.cleared_at.is_(None))

    def told() -> set[str]:
        with db.transaction():
            models.left_lying()
        names = {world.place(code).id: code for code in ("songling", "street", "district")}
        return {names[key] for key in db.session().scalars(lying)}

    assert told() == set()
    monkeypatch.setattr(clock, "now", lambda: WALL() + timedelta(days=2))
    assert told() == {"district"}, "abuse lies with the street, and has a day"
    monkeypatch.setattr(clock, "now", lambda: WALL() + timedelta(days=6))
    assert told() == {"street", "district"}
    assert told() == {"street", "district"} and len(db.session().scalars(lying).all()) == 2, "each once"
    with db.transaction():
        db.session().get_one(Complaint, keys[1]).reply(world.account("wu").id, "街道当天去看了，没有打人")
        db.session().get_one(Complaint, keys[0]).reply(world.account("zhou").id, "已经补了一次")
    assert told() == set()


def test_nobody_reads_what_is_said_about_them_and_abuse_goes_past_the_station(world: World) -> None:
    with db.transaction():
        station, zhou = world.place("songling"), world.person("zhou")
        for kind, about in (("complaint", zhou), ("abuse", None), ("fraud", None)):
            assert models.complain(kind, station, "说话很凶，还要钱", about=about).place_id == world.place("street").id
        about_her = models.complain("complaint", station, "她总是迟到", about=world.person("wang")).id
        keys = {row.kind: row.id for row in db.session().scalars(sa.select(Complaint))}
    assert "abuse" in open_kinds("street", world) and "abuse" not in open_kinds("songling", world)
    for who, status in (("zhou", 404), ("he", 404), ("wu", 200)):
        assert world.client(who).get(f"/complaints/{keys['abuse']}").status_code == status, who
    assert world.client("zhou").get(f"/complaints/{about_her}").status_code == 200
    with db.transaction() as session:
        session.get_one(Complaint, about_her).about_id = world.person("wu").id
    assert world.client("wu").get(f"/complaints/{about_her}").status_code == 404, "not even above the station"


def test_from_the_street_without_a_name_and_back_by_number_only(world: World) -> None:
    station = str(world.place("songling").id)
    client = world.client()
    key = hidden(said(client.get("/say")), "key")
    typed = {"key": key, "place": station, "kind": "suggestion", "words": "想要个凳子在门口"}
    page = said(client.post("/say", data=typed))
    number = re.search(r'figure">([A-Z0-9]{8})<', page)
    assert number
    assert "收到了，还没人办" in said(client.get(f"/say/answer?number={number[1].lower()}"))
    assert "没找到这个编号" in said(client.get("/say/answer?number=AAAAAAAA"))
    row = one(Complaint)
    assert row.by_id is None and row.household_id is None  # type: ignore[attr-defined]
    assert "想要个凳子" not in said(client.get(f"/say/answer?number={number[1]}")), "only state and answer"
    assert client.post("/say", data={**typed, "key": str(ids.new()), "words": ""}).status_code == 422


def test_who_gave_no_name_judges_by_the_number_and_is_heard_above(world: World) -> None:
    with db.transaction():
        row = models.complain("complaint", world.place("songling"), "门口的灯坏了一个月")
        row.reply(world.account("zhou").id, "已经报修")
        number = row.number
    client = world.client()
    page = said(client.get(f"/say/answer?number={number}"))
    assert "已经报修" in page and "您满意吗" in page
    assert client.post("/say/answer", data={"number": "AAAAAAAA", "says": "no"}).status_code == 303
    assert one(Complaint).satisfied is None  # type: ignore[attr-defined]
    for says in ("no", "yes"):
        assert client.post("/say/answer", data={"number": number, "says": says}).status_code == 303
    found = one(Complaint)
    assert (found.satisfied, found.place_id) == (False, world.place("street").id), "said once"  # type: ignore[attr-defined]
    page = said(client.get(f"/say/answer?number={number}"))
    assert "您满意吗" not in page and "上一级会再看" in page
    with db.transaction() as session:
        session.scalars(sa.select(Complaint)).one().reply(world.account("wu").id, "街道换了新灯")
    assert "街道换了新灯" in said(client.get(f"/say/answer?number={number}"))


@pytest.mark.parametrize("signed_in", [False, True])
def test_what_is_about_the_station_goes_past_it(world: World, signed_in: bool) -> None:
    typed = {"kind": "complaint", "words": "站长向家里要东西", "past": "y"}
    if signed_in:
        assert fill(world, "limin", home(world) + "/say", **typed) == 303
    else:
        client = world.client()
        key = hidden(said(client.get("/say")), "key")
        assert client.post("/say", data={**typed, "key": key, "place": str(world.place("songling").id)}).status_code == 200
    there = f"/complaints/{one(Complaint).id}"  # type: ignore[attr-defined]
    assert open_kinds("songling", world) == set() and open_kinds("street", world) == {"complaint"}
    assert world.client("zhou").get(there).status_code == 404 and world.client("wu").get(there).status_code == 200


def test_a_caregiver_tells_the_street_of_abuse_and_asks_for_no_other_caregiver(world: World) -> None:
    wang = world.client("wang")
    page = said(wang.get(home(world) + "/say"))
    assert "老人可能受欺负" in page and "/another" not in page and wang.get(home(world) + "/another").status_code == 403
    assert world.client("qian").get(home(world) + "/say").status_code == 404, "not her home"
    assert fill(world, "wang", home(world) + "/say", kind="fraud", words="有人上门卖保健品，收了三千") == 303
    assert open_kinds("street", world) == {"abuse"} and open_kinds("songling", world) == set()


def test_the_station_reads_what_each_resident_said_how_and_to_whom(world: World) -> None:
    with db.transaction():
        lan = world.resident("李秀兰")
        models.heard(lan, world.household("李秀兰"), 3, "来得有点晚", "phone", world.account("zhou").id)
    page = said(world.client("zhou").get("/opinions"))
    assert "来得有点晚" in page and "打电话问" in page and "周建国" in page
    assert "来得有点晚" not in said(world.client("he").get("/opinions"))


def test_a_signed_in_complaint_without_a_name_keeps_none(world: World) -> None:
    assert fill(world, "limin", home(world) + "/say", kind="complaint", words="不好意思说", anonymous="y") == 303
    row = one(Complaint)
    assert row.by_id is None and row.household_id is None  # type: ignore[attr-defined]
    assert "李敏" not in said(world.client("zhou").get(f"/complaints/{row.id}"))  # type: ignore[attr-defined]


# -- another caregiver --


def test_another_caregiver_comes_and_no_day_is_left_empty(world: World) -> None:
    with db.transaction():
        roster.plan(world.household("李秀兰"), range(7), 9 * 60, 60, ["MEAL-01"])
    assert fill(world, "limin", home(world) + "/another", asked_as="resident", words="合不来") == 303
    assert fill(world, "limin", home(world) + "/another", asked_as="resident", words="合不来") == 422, "one at a time"
    there = f"/changes/{one(ChangeOfCaregiver).id}"  # type: ignore[attr-defined]
    day = clock.today() + timedelta(days=2)
    typed = {"says": "yes", "caregiver": str(world.person("qian").id), "since": day.isoformat(), "keys": "y", "cash": "y"}
    for wrong in ({"keys": ""}, {"caregiver": str(world.person("wang").id)}, {"since": "2020-01-01"}, {"caregiver": ""}):
        assert world.client("zhou").post(there, data=typed | wrong).status_code == 422, wrong
    assert world.client("he").post(there, data=typed).status_code == 404
    assert world.client("zhou").post(there, data=typed).status_code == 303
    db.undo()
    rows = db.session().execute(
        sa.select(Shift.day, Shift.caregiver_id).where(Shift.household_id == world.household("李秀兰").id).order_by(Shift.day)
    ).all()  # fmt: skip
    names = {world.person("wang").id: "wang", world.person("qian").id: "qian"}
    found = {shift_day: names[key] for shift_day, key in rows if shift_day >= clock.today()}
    assert {each for each_day, each in found.items() if each_day < day} <= {"wang"}
    assert {each for each_day, each in found.items() if each_day >= day} == {"qian"} and len(found) >= 7
    home_id = world.household("李秀兰").id
    for moment, who in ((clock.instant(day, -10), "wang"), (clock.instant(day, 10), "qian")):
        held = sa.select(Assignment.caregiver_id).where(Assignment.household_id == home_id, Assignment.holds(moment))
        assert [names[key] for key in db.session().scalars(held)] == [who], "one goes as the other comes"
    assert "同意换人" in said(world.client("limin").get(home(world) + "/say"))


def test_a_change_that_would_leave_a_visit_with_nobody_is_refused(world: World) -> None:
    with db.transaction():
        home_row = world.household("李秀兰")
        roster.plan(home_row, range(7), 9 * 60, 60, ["MEAL-01"], caregiver=world.person("wang"))
        row = models.ask_for_change(home_row, world.account("limin").id, "kin", "合不来").id
    typed = {"says": "yes", "caregiver": str(world.person("qian").id), "keys": "y", "cash": "y"}
    typed["since"] = (clock.today() + timedelta(days=1)).isoformat()
    answer = world.client("zhou").post(f"/changes/{row}", data=typed)
    assert answer.status_code == 422
    assert "还没有人去" in said(answer), re.findall(r"role=.alert.*?</div></div>", said(answer), re.S)
    db.undo()
    assert world.household("李秀兰").id and people.Household  # nothing was changed by halves
    open_unit = sa.select(people.HomeCareUnit.caregiver_id).where(
        people.HomeCareUnit.household_id == world.household("李秀兰").id, people.HomeCareUnit.until.is_(None)
    )
    assert db.session().scalar(open_unit) == world.person("wang").id


def test_what_is_not_agreed_to_has_a_reason(world: World) -> None:
    with db.transaction():
        row = models.ask_for_change(world.household("李秀兰"), world.account("limin").id, "kin", "合不来").id
    assert world.client("zhou").post(f"/changes/{row}", data={"says": "no"}).status_code == 422
    assert world.client("zhou").post(f"/changes/{row}", data={"says": "no", "answer": "先谈一谈"}).status_code == 303
    assert "先谈一谈" in said(world.client("limin").get(home(world) + "/say"))


def test_when_care_ends_nobody_has_to_decide_any_more(world: World) -> None:
    with db.transaction():
        lan = world.resident("李秀兰")
        key = models.ask_for_change(lan.household, world.account("limin").id, "kin", "合不来").id
        zhou = world.account("zhou")
        head = SimpleNamespace(account_id=zhou.id, person_id=zhou.person_id)
        care.end(lan, lan.household, "away", clock.today(), head, told_by="女儿")  # type: ignore[arg-type]
    db.undo()
    assert db.session().get_one(ChangeOfCaregiver, key).decided_at and "change" not in open_kinds("songling", world)
