"""The word of others, where a home is, how long places are kept, who is called back, and what goes out as a sheet."""

import csv
import io
import json
import random
from datetime import timedelta

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from bench import fraud
from tests.visits.kit import AT_HOME, card_of, plate_of, send
from tests.visits.test_correcting import As, ask, asked_for, came, codes, decide, exception, now, refused, visit, yesterday
from webapp.kit import clock, draw
from webapp.people.models import HomeCareUnit, Kin, Spot
from webapp.store import db, inbox
from webapp.visits import calling_back, confirming, exporting, placing, rules, settling, watching
from webapp.visits.confirming import Attestation
from webapp.visits.exporting import Wanted
from webapp.visits.models import CallPlace, Visit
from webapp.visits.rules import Point
from webapp.visits.settling import Said

STROKES = ";".join(" ".join(f"{x},{y}" for x in range(0, 60, 10)) for y in (1, 2, 3))


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"way": "finger", "strokes": STROKES}, "applied"),
        ({"way": "finger", "strokes": "1,2 3,4"}, "quarantined"),
        ({"way": "print"}, "quarantined"),  # no photo
        ({"way": "witness", "witness": "吴阿姨", "unrelated": True}, "applied"),
        ({"way": "witness", "witness": "吴阿姨"}, "quarantined"),
        ({"way": "witness", "witness": "李敏", "unrelated": True}, "quarantined"),  # the daughter
        ({"way": "witness", "witness": "王桂芳", "unrelated": True}, "quarantined"),  # the caregiver
        ({"way": "none", "why": "asleep"}, "applied"),
        ({"way": "none"}, "quarantined"),
        ({"way": "card", "number": "1234567", "face": "good"}, "quarantined"),
        ({"way": "phone", "words": "来过"}, "quarantined"),  # the station's, not hers
    ],
)
def test_never_the_caregiver_alone(app, world, body, state):
    key = came(world, leave=10)
    assert send(world, "visits.attest", visit=key, **body).state == state
    rows = now().scalars(sa.select(Attestation)).all()
    assert len(rows) == (state == "applied")
    assert all(len(row.digest) == 32 and row.by_id == world.account("wang").id for row in rows)


def test_the_residents_own_card_counts_and_a_plate_does_not(app, world):
    key = came(world, leave=10)
    _, plate = plate_of(world)
    assert send(world, "visits.attest", visit=key, way="card", token=plate, face="good").state == inbox.QUARANTINED
    _, token = card_of(world)
    assert send(world, "visits.attest", visit=key, way="card", token=token).state == inbox.QUARANTINED  # no face
    assert send(world, "visits.attest", visit=key, way="card", token=token, face="good").state == inbox.APPLIED


def test_kin_doubt_must_be_put_right_and_a_child_who_cares_is_no_kin(app, world):
    key = came(world, leave=10)
    with db.transaction() as session:
        kin = session.scalars(sa.select(Kin).where(Kin.person_id == world.person("limin").id)).one()
        confirming.say(kin, session.get(Visit, key), As(world, "limin"), True)
    assert "KIN_DOUBT" not in codes(key)
    with db.transaction() as session:
        kin = session.scalars(sa.select(Kin).where(Kin.person_id == world.person("limin").id)).one()
        confirming.say(kin, session.get(Visit, key), As(world, "limin"), False, "那天她没来")
    assert "KIN_DOUBT" in codes(key) and visit(key).grade in "CX"
    refused("own_visit", lambda: confirming.say(kin, db.session().get(Visit, key), As(world, "wang"), True))


# -- place --


def test_the_home_is_the_median_of_three_confirmed_arrivals(app, world):
    with db.transaction() as session:
        session.execute(sa.delete(Spot))
    spots = []
    for n, wild in enumerate((0, 40, 9_000)):
        key = came(world, leave=10, lat_e6=38_914_000 + wild, accuracy_m=50)
        with db.transaction() as session:
            spots.append(placing.confirm_home(session.get(Visit, key), As(world, "zhou")))
        assert (spots[n] is None) == (n < 2)
    assert (spots[2].lat_e6, spots[2].kind) == (38_914_040, "home")
    refused("home_known", lambda: placing.confirm_home(db.session().get(Visit, key), As(world, "zhou")))


@pytest.mark.parametrize(("accuracy", "code"), [(51, "not_sharp"), (0, "not_sharp")])
def test_only_sharp_arrivals_count_for_the_home_and_nobody_confirms_their_own(app, world, accuracy, code):
    with db.transaction() as session:
        session.execute(sa.delete(Spot))
    key = came(world, accuracy_m=accuracy)
    refused(code, lambda: placing.confirm_home(db.session().get(Visit, key), As(world, "zhou")))
    refused("own_visit", lambda: placing.confirm_home(db.session().get(Visit, key), As(world, "wang")))


def test_a_verified_visit_keeps_its_place_roughly_and_thirty_days_at_most(app, world):
    key = came(world, leave=10)
    with db.transaction():
        for code in codes(key):
            row = exception(key, code)
            settling.settle(row, As(world, "zhou"), Said("09", "H" if row.kind == "fix" else "", "说明够六个字"))
    at = clock.now()
    db.settle()
    placing.verify(at)
    assert visit(key).verified_at is None  # 72 hours are not over
    later = at + timedelta(hours=96)
    db.settle()
    placing.verify(later)
    assert visit(key).verified_at is not None
    for place in now().scalars(sa.select(CallPlace)):
        assert place.rough and rules.distance_m(Point(place.lat_e6, place.lon_e6), Point(38_914_100, 121_614_000)) <= 71
        assert place.accuracy_m >= 100
    placing.forget(at + timedelta(days=29))
    assert now().scalars(sa.select(CallPlace.id)).all()
    placing.forget(at + timedelta(days=31))
    assert now().scalars(sa.select(CallPlace.id)).all() == []


# -- call-backs --


def test_the_same_seed_draws_the_same_and_heavy_ones_more_often():
    weights = dict.fromkeys(range(100), 1) | {7: 50}
    assert draw.share("s", weights, 5) == draw.share("s", dict(reversed(weights.items())), 5)
    assert len(draw.share("s", weights, 5)) == 5 and len(draw.share("s", {1: 1}, 5)) == 1 and draw.share("s", {}, 5) == []
    assert sum(7 in draw.share(str(n), weights, 5) for n in range(100)) > 75


def test_a_week_old_home_is_asked_once_and_a_doubt_waits_beside_the_visit(app, world):
    key = came(world, leave=10)
    station, today = world.place("songling").id, clock.today()
    with db.transaction() as session:
        unit = session.scalars(sa.select(HomeCareUnit).where(HomeCareUnit.household_id == world.household("李秀兰").id)).one()
        unit.since = clock.now() - timedelta(days=8)
        unit.relative = True
    with db.transaction():
        made = calling_back.draw_station(station, today, seed="a")
    assert {(row.kind, row.visit_id) for row in made if row.household_id == world.household("李秀兰").id} == {
        ("first_week", None), ("surprise", key),
    }  # fmt: skip
    with db.transaction():
        assert calling_back.draw_station(station, today, seed="b") == []
    with db.transaction() as session:
        row = session.get(calling_back.CallBack, next(each.id for each in made if each.visit_id == key))
        refused_now = [("own_visit", "wang", ("phone", "well", "")), ("no_words", "zhou", ("phone", "doubt", ""))]
        for code, who, said in refused_now:
            with pytest.raises(calling_back.Refusal) as caught:
                row.answer(As(world, who), *said)
            assert caught.value.code == code
        row.answer(As(world, "zhou"), "phone", "unanswered", "")
        assert row.done_at is None
        row.answer(As(world, "zhou"), "phone", "doubt", "说没来过")
    assert "KIN_DOUBT" in codes(key)
    with db.transaction() as session:
        unit = session.scalars(sa.select(HomeCareUnit).where(HomeCareUnit.household_id == world.household("李秀兰").id)).one()
        unit.since = clock.now() - timedelta(days=93)
        doors = [each for each in calling_back.draw_station(station, today, seed="c") if each.kind == "door"]
        with pytest.raises(calling_back.Refusal, match="at_door"):
            doors[0].answer(As(world, "zhou"), "phone", "well", "")


# -- watched --


def test_more_than_was_planned_in_a_month_is_named(app, world):
    key = came(world)
    with db.transaction() as session:
        session.get(Visit, key).state, session.get(Visit, key).minutes = "done", 600
    day = clock.today() - timedelta(days=1)
    watching.over_month(world.place("songling").id, day, day)
    assert "OVER_AUTH" not in codes(key)
    with db.transaction() as session:
        session.get(Visit, key).minutes = 601
    watching.over_month(world.place("songling").id, day, day)
    assert "OVER_AUTH" in codes(key)


def test_what_was_missing_and_came_settles_by_itself(app, world):
    key = came(world)
    look = lambda: watching.look_over_station(world.place("songling").id, clock.today() - timedelta(days=1), clock.now())  # noqa: E731
    look()
    assert "NO_OUT" in codes(key)
    send(world, "visits.leave", visit=key, method="card_missing", at=yesterday(10), **AT_HOME)
    look()
    assert "NO_OUT" not in codes(key) and "NO_TASKS" in codes(key)
    send(world, "visits.services", visit=key, done=["MEAL-01"], refused=[])
    look()
    assert "NO_TASKS" not in codes(key)


# -- planted fraud --


def test_a_small_city_of_planted_fraud_is_found():
    told = fraud.run(4_000, 7)
    assert told["recall"] >= 95 and told["skilled"] >= 60 and told["honest_flagged"] <= 3, told


# -- the sheet --


def sheet(kind="csv", **wanted):
    out = io.BytesIO()
    db.settle()
    exporting.WRITERS[kind](exporting.lines(Wanted(**wanted)), out)
    return out.getvalue()


def rows(**wanted):
    return list(csv.DictReader(io.StringIO(sheet(**wanted).decode("utf-8-sig"))))


def test_a_line_says_all_there_is_and_is_the_same_bytes_twice(app, world):
    key = came(world)
    ask(world, key)
    decide(world, asked_for(key))
    line = next(each for each in rows() if each["visit_no"] == str(key))
    assert tuple(line) == exporting.FIELDS
    assert line["adj_out"] == yesterday(10, 30).strftime("%Y-%m-%dT%H:%M:%SZ") and line["call_out"] == ""
    assert (line["changed_by"], line["approved_by"]) == (world.person("wang").number, world.person("zhou").number)
    assert (line["status"], line["counted"], line["minutes"], line["tier"]) == ("completed", "1", "90", "A")
    assert "05" in line["reason_codes"] and "A" in line["action_codes"] and line["memo"] == "走的时候忘了扫码"
    assert sheet() == sheet() and sheet("json") == sheet("json")
    book = load_workbook(io.BytesIO(sheet("xlsx")))
    assert [cell.value for cell in book["visits"][1]] == list(exporting.FIELDS)
    assert {each["hash"] for each in json.loads(sheet("json"))} == {each["hash"] for each in rows()}


def test_whatever_changes_makes_the_number_grow_and_is_in_changed_since(app, world):
    key = came(world, leave=10)
    before, since = rows()[0], clock.now()
    assert rows(since=since) == []
    send(world, "visits.attest", visit=key, way="none", why="asleep")
    after = rows(since=since)
    assert [each["visit_no"] for each in after] == [str(key)]
    assert int(after[0]["seq"]) > int(before["seq"]) and after[0]["hash"] != before["hash"]


def test_only_the_month_and_station_that_were_asked_for(app, world):
    came(world)
    day = clock.today()
    assert rows(first=day, last=day) == [] and len(rows(first=day - timedelta(days=1), last=day)) == 1
    assert rows(stations=[world.place("wanghai").id]) == []


def test_parts_meet_without_a_gap(app, world, monkeypatch):
    monkeypatch.setattr(exporting, "PART", 2)
    keys = {str(came(world)) for _ in range(5)}
    assert [each["visit_no"] for each in rows()] == sorted(keys)
    assert {each["visit_no"] for each in rows(since=clock.now() - timedelta(hours=1))} == keys


def test_words_that_look_like_a_formula_are_only_words():
    assert exporting._plain("=1+1") == "'=1+1" and exporting._plain("早") == "早" and exporting._plain(-1) == -1


def test_the_page_gives_the_file_and_writes_down_who_took_it(app, world):
    came(world)
    month = (clock.today() - timedelta(days=1)).strftime("%Y-%m")
    client = world.client("zhou")
    assert client.get("/visits/export").status_code == 200
    assert client.post("/visits/export", data={"month": "x", "form": "csv"}).status_code == 422
    answer = client.post("/visits/export", data={"month": month, "form": "csv"})
    assert answer.status_code == 200 and answer.data.startswith(b"\xef\xbb\xbfvisit_no,seq")
    assert world.client("he").post("/visits/export", data={"month": month, "form": "csv"}).data.count(b"\n") == 1


def test_the_command_writes_a_file(app, world, tmp_path):
    came(world)
    done = app.test_cli_runner().invoke(args=["export", "visits", str(tmp_path / "v.json"), "--station", "songling"])
    assert done.exit_code == 0, done.output
    assert len(json.loads((tmp_path / "v.json").read_text())) == 1


def test_random_points_stay_near_when_kept_roughly():
    dice = random.Random(3)
    for _ in range(500):
        at = Point(dice.randint(18_000_000, 53_000_000), dice.randint(73_000_000, 135_000_000))
        assert rules.distance_m(at, rules.rough(at, 100)) <= 72
        assert rules.rough(rules.rough(at, 100), 100) == rules.rough(at, 100)
