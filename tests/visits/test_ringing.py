"""Phone forgotten or broken: rung in, graded B at most, confirmed later, never doubled by what her phone sends afterwards."""

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.visits.kit import AT_HOME, arrive, card_of, planned_today, send
from webapp.access import Role
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.roster.models import Shift
from webapp.store import db
from webapp.store.inbox import APPLIED, QUARANTINED
from webapp.visits import queries, ringing, rules
from webapp.visits.models import Call, Visit, VisitException, limits
from webapp.visits.settling import Said, settle

LIMITS = limits


class Head:
    """周 as an actor."""

    role = Role.STATION_HEAD

    def __init__(self, world):
        self.account_id, self.person_id = world.account("zhou").id, world.person("zhou").id


@pytest.mark.parametrize(
    ("line", "after", "grade"),
    [("resident", 0, "B"), ("resident", 15, "B"), ("resident", 16, "C"), ("own", 0, "C"), ("other", 0, "C"), ("paper", 0, "C")],
)
def test_what_is_rung_in_is_worth_b_at_most(app, line, after, grade):
    assert rules.phone_grade(line, after, limits()) == grade


@pytest.mark.parametrize(("minutes", "far"), [(0, False), (15, False), (-15, False), (15.1, True), (-15.1, True)])
def test_call_and_phone_may_lie_a_quarter_of_an_hour_apart(app, minutes, far):
    now = clock.now()
    assert rules.apart(now, now + timedelta(minutes=minutes), limits()) is far


@pytest.fixture
def shift(app, world):
    """李秀兰's shift of today, begun twenty minutes ago."""
    now = min(max(clock.minute_of(clock.now()), 20), 1400)
    planned_today(world, now - 20, 30)
    key = db.session().scalars(sa.select(Shift.id).where(Shift.day == clock.today())).one()
    db.undo()
    return key


def ring_in(world, key, ago=0, line="resident", who="wang"):
    with db.transaction() as session:
        row = ringing.arrived(
            session.get_one(Shift, key), world.person(who), clock.now() - timedelta(minutes=ago), line, Head(world)
        )
        return row.id


def ring_out(world, key, ago=0, line="resident"):
    with db.transaction() as session:
        ringing.left(session.get_one(Visit, key), clock.now() - timedelta(minutes=ago), line, Head(world))


def visits():
    return db.session().scalars(sa.select(Visit).where(Visit.state != "void")).all()


def codes(key, waiting=True):
    rows = db.session().scalars(sa.select(VisitException).where(VisitException.visit_id == key))
    return {row.code for row in rows if (row.settled_at is None) is waiting}


def test_an_arrival_rung_in_is_a_visit_of_grade_b_that_waits_for_her_word(app, world, shift):
    key = ring_in(world, shift)
    row = db.session().get_one(Visit, key)
    assert (row.grade, row.state, row.arrive_by, row.caregiver_id) == ("B", "open", "PHONE", world.person("wang").id)
    assert "PHONED_IN" in codes(key)
    assert len(queries.phoned_unconfirmed(world.place("songling").id, clock.today())) == 1


def test_what_her_phone_recorded_offline_is_the_same_visit_with_two_pieces_of_evidence(app, world, shift):
    key = ring_in(world, shift, ago=5)
    _card, token = card_of(world)
    _visit, receipt = arrive(world, visit=key, shift=shift, method="scan", token=token, ago_min=10, **AT_HOME)
    assert receipt.state == APPLIED
    (row,) = visits()
    assert (row.id, row.arrive_by, row.state) == (key, "QR", "open")
    assert clock.now() - row.arrived_at > timedelta(minutes=9), "her own record says when"
    assert {call.method for call, _place in queries.calls(key)} == {"PHONE", "QR"}
    assert "PHONED_IN" in codes(key, waiting=False)
    assert codes(key) & {"DUPLICATE", "PHONE_APART", "PHONED_IN"} == set()


def test_under_an_id_of_its_own_the_phones_record_is_still_one_visit(app, world, shift):
    rung = ring_in(world, shift, ago=5)
    ring_out(world, rung, ago=0)
    key = ids.new()
    arrive(world, visit=key, method="card_missing", ago_min=10)
    (row,) = visits()
    assert (row.id, row.shift_id, row.state, row.leave_by) == (key, shift, "done", "PHONE")
    assert db.session().get_one(Visit, rung).into_id == key
    assert sorted(call.method for call, _place in queries.calls(key)) == ["NONE", "PHONE", "PHONE"]
    assert codes(rung) == set()
    left = send(world, "visits.leave", visit=key, method="card_missing")
    assert left.state == APPLIED
    assert db.session().get_one(Visit, key).leave_by == "NONE"
    assert codes(key) & {"DUPLICATE", "OVERLAP"} == set()


def test_too_far_apart_is_looked_at(app, world, shift):
    key = ring_in(world, shift)
    arrive(world, visit=key, shift=shift, method="card_missing", ago_min=17)
    assert "PHONE_APART" in codes(key)


def test_somebody_elses_record_is_no_second_evidence(app, world, shift):
    key = ring_in(world, shift)
    arrive(world, "qian", visit=key, shift=shift, method="card_missing")
    assert db.session().get_one(Visit, key).arrive_by == "PHONE"


def test_a_leaving_rung_in_gives_way_to_her_own(app, world, shift):
    key, _receipt = arrive(
        world, visit=db.session().get_one(Shift, shift).visit_id, shift=shift, method="card_missing", ago_min=9
    )
    ring_out(world, key)
    assert "PHONED_OUT" in codes(key)
    send(world, "visits.leave", visit=key, method="card_missing", ago_min=4)
    row = db.session().get_one(Visit, key)
    assert (row.state, row.minutes, row.leave_by) == ("done", 5, "NONE")
    assert "PHONED_OUT" in codes(key, waiting=False)
    assert "DUPLICATE" not in codes(key)


def test_a_visit_that_has_begun_is_not_written_down_twice(app, world, shift):
    arrive(world, visit=db.session().get_one(Shift, shift).visit_id, shift=shift, method="card_missing")
    with pytest.raises(Refusal) as refused:
        ring_in(world, shift)
    assert refused.value.code == "arrived_already"


def test_nor_when_her_phone_called_it_otherwise(app, world, shift):
    arrive(world, visit=ids.new(), shift=shift, method="card_missing")
    with pytest.raises(Refusal) as refused:
        ring_in(world, shift)
    assert refused.value.code == "arrived_already"


@pytest.mark.parametrize(("ago", "code"), [(-4, None), (-6, "time_ahead")])
def test_a_time_to_come_is_refused(app, world, shift, ago, code):
    if clock.day_of(clock.now() + timedelta(minutes=6)) != clock.today():
        pytest.skip("too near midnight")
    if code is None:
        ring_in(world, shift, ago)
        return
    with pytest.raises(Refusal) as refused:
        ring_in(world, shift, ago)
    assert refused.value.code == code


def test_leaving_before_arriving_and_leaving_twice_are_refused(app, world, shift):
    key = ring_in(world, shift, ago=5)
    with pytest.raises(Refusal) as refused:
        ring_out(world, key, ago=6)
    assert refused.value.code == "time_order"
    ring_out(world, key)
    with pytest.raises(Refusal) as refused:
        ring_out(world, key)
    assert refused.value.code == "left_already"


def call_of(key):
    found = db.session().scalars(sa.select(Call.id).where(Call.visit_id == key)).one()
    db.undo()
    return found


def test_she_confirms_in_one_tap_and_nobody_else_can(app, world, shift):
    key = ring_in(world, shift)
    call = call_of(key)
    assert send(world, "visits.confirm", "qian", call=call).state == QUARANTINED
    assert send(world, "visits.confirm", "wang", call=call, agrees="yes").state == APPLIED
    assert send(world, "visits.confirm", "wang", call=call, agrees="yes").state == APPLIED, "told twice is harmless"
    assert "PHONED_IN" not in codes(key)
    assert queries.phoned_unconfirmed(world.place("songling").id, clock.today()) == []


def test_what_she_denies_is_looked_at_and_stays_visible(app, world, shift):
    key = ring_in(world, shift)
    send(world, "visits.confirm", "wang", call=call_of(key), agrees="no")
    assert {"PHONED_IN", "PHONE_DENIED"} <= codes(key)
    assert len(queries.phoned_unconfirmed(world.place("songling").id, clock.today())) == 1


def test_the_head_cannot_wave_through_his_own_words(app, world, shift):
    key = ring_in(world, shift)
    waiting = sa.select(VisitException).where(VisitException.visit_id == key, VisitException.code == "PHONED_IN")
    row = db.session().scalars(waiting).one()
    with pytest.raises(Refusal) as refused:
        settle(row, Head(world), Said("06"))
    assert refused.value.code == "own_word"


# -- pages --


@pytest.fixture
def zhou(app, world):
    app.test_client().get("/up")
    return world.client("zhou")


def now_text():
    at = clock.local(clock.now())
    return f"{at.hour}:{at.minute:02d}"


def test_the_desk_of_a_shift_writes_down_what_she_rings_in_and_her_front_page_asks(app, world, shift, zhou):
    page = zhou.get(f"/shifts/{shift}").text
    assert "tel:10000009999" in page
    form = {
        "deed": "in",
        "caregiver": str(world.person("wang").id),
        "at": now_text(),
        "line": "resident",
        "key": str(uuid.uuid4()),
    }
    assert zhou.post(f"/shifts/{shift}/phoned", data=form | {"at": "30:00"}).status_code == 422
    assert zhou.post(f"/shifts/{shift}/phoned", data=form).status_code == 303
    assert "等她确认" in zhou.get(f"/shifts/{shift}").text
    assert "站长替您记了" in world.client("wang").get("/").text
    call = db.reading().scalars(sa.select(Call.id)).one()
    db.undo()
    assert world.client("wang").post("/visits/confirm", data={"call": str(call), "agrees": "yes"}).status_code == 303
    assert "站长替您记了" not in world.client("wang").get("/").text
    assert "她确认了" in zhou.get(f"/shifts/{shift}").text
    out = form | {"deed": "out", "key": str(uuid.uuid4())}
    assert zhou.post(f"/shifts/{shift}/phoned", data=out).status_code == 303


def test_leaving_before_any_arrival_is_said_beside_the_field(app, world, shift, zhou):
    form = {"deed": "out", "caregiver": str(world.person("wang").id), "at": now_text(), "line": "own", "key": str(uuid.uuid4())}
    answer = zhou.post(f"/shifts/{shift}/phoned", data=form)
    assert answer.status_code == 422
    assert "她还没签到，先记到了" in answer.text


def test_a_call_is_kept_with_whom_and_what_and_trouble_needs_a_word(app, world, shift, zhou):
    form = {"whom": "neighbour", "said": "fine", "words": "看见在晒太阳"}
    assert zhou.post(f"/shifts/{shift}/ring", data=form).status_code == 303
    page = zhou.get(f"/shifts/{shift}").text
    assert "邻居 · 人都好" in page
    assert "看见在晒太阳" in page
    answer = zhou.post(f"/shifts/{shift}/ring", data=form | {"said": "trouble", "words": ""})
    assert answer.status_code == 422
    assert "请写几个字，出了什么事" in answer.text


def test_a_paper_sheet_is_written_down_the_day_after_and_stays_visible_as_that(app, world):
    day = clock.today() - timedelta(days=1)
    with db.transaction() as session:
        home = world.household("李秀兰")
        key = ids.new()
        session.add(
            Shift(
                id=key,
                visit_id=ids.new(),
                household_id=home.id,
                station_id=home.station_id,
                caregiver_id=world.person("wang").id,
                day=day,
                start_min=540,
                minutes=60,
                items=["MEAL-01"],
                state="planned",
            )
        )
    head, wang = world.client("zhou"), str(world.person("wang").id)
    page = head.get(f"/shifts/{key}").text
    assert "照纸上的单子补录" in page
    told = {"deed": "in", "caregiver": wang, "at": "09:05", "line": "paper"}
    assert head.post(f"/shifts/{key}/phoned", data=told | {"key": str(ids.new())}).status_code == 303
    told = told | {"deed": "out", "at": "10:00", "key": str(ids.new())}
    assert head.post(f"/shifts/{key}/phoned", data=told).status_code == 303
    db.undo()
    visit = db.session().get(Visit, db.session().get_one(Shift, key).visit_id)
    assert (visit.day, visit.minutes, visit.grade) == (day, 55, "C")
    assert set(db.session().scalars(sa.select(Call.why).where(Call.visit_id == visit.id))) == {"paper"}
    assert "照纸上的单子补录的" in head.get(f"/visits/{visit.id}").text
