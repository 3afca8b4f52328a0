"""From acts to visits: nothing an arrival brings is refused, and what is odd is named."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.visits.kit import AT_HOME, arrive, card_of, planned_today, plate_of, send
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people import models as people
from webapp.people.models import Household
from webapp.store import db, inbox
from webapp.store.db import database
from webapp.visits import models, queries, recording, settling, straying
from webapp.visits.models import Call, CallPlace, NobodyHome, Service, Visit, VisitException
from webapp.visits.settling import Said


def now():
    """The state as it is after the last act."""
    db.settle()
    return db.reading()


def visit(key):
    return now().get(Visit, key)


def codes(key):
    return {row.code for row in now().scalars(sa.select(VisitException).where(VisitException.visit_id == key))}


def minute_now():
    return clock.minute_of(clock.now())


def test_a_planned_scan_opens_the_visit_its_shift_minted(app, world):
    _, token = card_of(world)
    planned_today(world, minute_now())
    shift = models.Shift
    row = now().scalars(sa.select(shift).where(shift.day == clock.today())).one()
    key, receipt = arrive(world, visit=row.visit_id, token=token, shift=row.id, **AT_HOME)
    assert (receipt.state, receipt.say) == ("applied", "站里已收到")
    found = visit(key)
    assert (found.state, found.shift_id, found.planned_minutes, found.day) == ("open", row.id, 90, clock.today())
    assert codes(key) == set()
    assert found.grade == "B"  # no device of ours: the plain path
    assert now().scalar(sa.select(CallPlace.distance_m)) == 11
    db.settle()
    assert queries.open_of(world.person("wang").id).id == key


def test_the_card_opens_without_a_household_and_marks_its_resident_seen(app, world):
    _, token = card_of(world)
    key = ids.new()
    send(world, "visits.arrive", visit=key, token=f"https://example.org/c/{token.lower()}", **AT_HOME)
    assert visit(key).household_id == world.household("李秀兰").id
    db.settle()
    assert queries.seen(key) == {world.resident("李秀兰").id}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"place_state": "denied"}, {"NO_GPS"}),
        (AT_HOME | {"accuracy_m": 500}, {"LOW_ACCURACY"}),
        (AT_HOME | {"lat_e6": 38_950_000}, {"OUT_OF_RADIUS"}),
        ({"method": "card_missing", "token": None} | AT_HOME, {"CARD_MISSING"}),
        ({"method": "refuses_scan", "token": None} | AT_HOME, {"REFUSES_SCAN"}),
        ({"token": "Z" * 26} | AT_HOME, {"UNKNOWN_CARD"}),
    ],
)
def test_what_is_odd_about_an_arrival_is_named(app, world, body, expected):
    _, token = card_of(world)
    body = {name: value for name, value in ({"token": token} | body).items() if value is not None}
    key, receipt = arrive(world, **body)
    assert receipt.state == "applied"
    assert codes(key) == expected | {"UNSCHEDULED"}


def test_a_typed_number_is_manual(app, world):
    card, _ = card_of(world)
    key, _ = arrive(world, number=card.number, **AT_HOME)
    assert codes(key) == {"MANUAL", "UNSCHEDULED"}
    assert now().scalar(sa.select(Call.card_id)) == card.id


def test_a_revoked_card_still_opens(app, world):
    card, token = card_of(world)
    with db.transaction() as session:
        session.get(type(card), card.id).revoke(world.account("zhou").id, "丢了")
    key, receipt = arrive(world, token=token, **AT_HOME)
    assert receipt.state == "applied"
    assert codes(key) == {"REVOKED_CARD", "UNSCHEDULED"}
    assert visit(key).grade == "C"


def test_another_homes_card_opens_its_own_home(app, world):
    _, token = plate_of(world, "张福贵")
    key, _ = arrive(world, token=token, **AT_HOME)
    assert visit(key).household_id == world.household("张福贵").id
    assert "WRONG_CARD" in codes(key)


def test_somebody_who_is_not_assigned_is_kept_and_named(app, world):
    key, receipt = arrive(world, who="zhao", **AT_HOME)
    assert receipt.state == "applied"
    assert "NOT_ASSIGNED" in codes(key)
    assert visit(key).caregiver_id == world.person("zhao").id


def test_an_unknown_code_without_a_home_is_kept_and_later_named(app, world):
    key = ids.new()
    receipt = send(world, "visits.arrive", visit=key, token="Z" * 26, method="scan", **AT_HOME)
    assert (receipt.state, receipt.say) == ("applied", recording.STRAY)
    assert visit(key) is None
    late = send(world, "visits.services", chain=key, visit=key, done=["MEAL-01"], refused=[])
    assert (late.state, late.say) == ("quarantined", recording.GONE)
    with db.transaction() as session:
        call = session.scalars(sa.select(Call)).one()
        straying.name_home(call, world.household("李秀兰"), world.account("zhou").id)
    assert visit(key).household_id == world.household("李秀兰").id
    db.settle()
    assert [row.code for row in queries.services(key)] == ["MEAL-01"]


@pytest.mark.parametrize(
    "body",
    [
        {"household": "no-uuid", "visit": "neither"},
        {"lat_e6": "north", "accuracy_m": 10**15, "place_state": "x" * 99, "method": "teleport"},
        {"lat_e6": 95_000_000, "lon_e6": 0},
        {"lat_e6": 0, "lon_e6": 0, "accuracy_m": -5, "fix_age_ms": 10**15},
        {"place": {"lat_e6": 38_914_000, "lon_e6": 121_614_000, "accuracy_m": 9, "fix_age_ms": 1, "place_state": "ok"}},
        {"place": "here", "token": ["a", "b"], "number": 1234567, "new_member": {"of": "a newer app"}},
        {"household": "00000000-0000-7000-8000-000000000000"},
    ],
)
def test_no_arrival_is_ever_refused(app, world, body):
    receipt = send(world, "visits.arrive", **{"household": world.household("李秀兰").id} | body)
    assert receipt.state == "applied"
    assert now().scalar(sa.select(sa.func.count()).select_from(Call)) == 1


def test_a_phone_that_believes_it_is_1970_arrives_now(app, world):
    key = ids.new()
    receipt = send(
        world, "visits.arrive", visit=key, household=world.household("李秀兰").id, at=datetime(1970, 1, 1, 8, tzinfo=UTC)
    )
    assert receipt.state == "applied"
    assert visit(key).day == clock.today()
    assert "CLOCK_SKEW" in codes(key)
    assert now().scalar(sa.select(Call.made_at)).year == 1970


def test_lateness_counts_from_the_plan_and_not_from_receipt(app, world):
    start = minute_now() - 40
    if start < 0:
        pytest.skip("the first minutes of a day have no yesterday's plan")
    planned_today(world, start)
    on_time, _ = arrive(world, **AT_HOME, method="card_missing")
    assert "LATE_IN" in codes(on_time)
    late = now().scalar(sa.select(VisitException.facts).where(VisitException.code == "LATE_IN"))
    assert 39 <= late["minutes"] <= 41


def test_an_offline_arrival_in_time_is_not_late(app, world):
    start = minute_now() - 40
    if start < 0:
        pytest.skip("the first minutes of a day have no yesterday's plan")
    planned_today(world, start)
    key = ids.new()
    send(world, "visits.arrive", visit=key, household=world.household("李秀兰").id, ago_min=38, **AT_HOME)
    assert "LATE_IN" not in codes(key)


def test_a_stand_in_is_named_beside_the_planned_caregiver(app, world):
    planned_today(world, minute_now())
    with db.transaction():
        people.relieve(
            world.household("李秀兰"), world.person("qian"), clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=9)
        )
    key, _ = arrive(world, who="qian", method="card_missing", **AT_HOME)
    assert codes(key) == {"CARD_MISSING", "REPLACEMENT"}


def test_a_second_open_visit_is_an_overlap_unless_paired(app, world):
    one, _ = arrive(world, method="card_missing", **AT_HOME)
    other, receipt = arrive(world, name="张福贵", method="card_missing", **AT_HOME)
    assert receipt.state == "applied"
    assert "OVERLAP" in codes(other)
    assert visit(other).grade == "X"
    with db.transaction() as session:
        models.pair_up(session.get(Visit, one), session.get(Visit, other))
    third, _ = arrive(world, name="张福贵", method="card_missing", **AT_HOME)
    assert "OVERLAP" not in codes(third)


def test_leaving_closes_the_visit_and_measures_it(app, world):
    _, token = card_of(world)
    key = ids.new()
    send(world, "visits.arrive", visit=key, token=token, ago_min=58, **AT_HOME)
    receipt = send(world, "visits.leave", visit=key, token=token, **AT_HOME)
    assert receipt.state == "applied"
    found = visit(key)
    assert (found.state, found.minutes) == ("done", 58)
    db.settle()
    assert queries.open_of(world.person("wang").id) is None
    db.settle()
    assert [call.direction for call, _ in queries.calls(key)] == ["in", "out"]


def test_a_visit_belongs_to_the_day_of_arrival(app, world):
    key = ids.new()
    evening = clock.instant(clock.today() - timedelta(days=1), 23 * 60 + 30)
    send(world, "visits.arrive", visit=key, household=world.household("李秀兰").id, at=evening)
    send(world, "visits.leave", visit=key, at=evening + timedelta(minutes=60))
    assert (visit(key).day, visit(key).minutes) == (clock.today() - timedelta(days=1), 60)


def test_leaving_before_arriving_is_a_contradiction_and_kept(app, world):
    key, _ = arrive(world, method="card_missing", **AT_HOME)
    receipt = send(world, "visits.leave", visit=key, ago_min=30, **AT_HOME)
    assert receipt.state == "applied"
    assert "TIME_ORDER" in codes(key)
    assert (visit(key).grade, visit(key).minutes) == ("X", 0)


def test_the_first_leaving_counts_and_the_second_is_kept(app, world):
    key = ids.new()
    send(world, "visits.arrive", visit=key, household=world.household("李秀兰").id, ago_min=60)
    send(world, "visits.leave", visit=key, ago_min=30)
    send(world, "visits.leave", visit=key)
    assert visit(key).minutes == 30
    assert "DUPLICATE" in codes(key)
    db.settle()
    assert len(queries.calls(key)) == 3


def test_short_and_long_visits_are_named(app, world):
    planned_today(world, max(minute_now() - 30, 0))
    key = ids.new()
    send(world, "visits.arrive", visit=key, household=world.household("李秀兰").id, ago_min=20)
    send(world, "visits.leave", visit=key)
    assert "SHORT" in codes(key)


def test_nobody_else_can_close_a_visit(app, world):
    key, _ = arrive(world)
    receipt = send(world, "visits.leave", "qian", visit=key)
    assert (receipt.state, receipt.say) == ("quarantined", recording.GONE)
    assert visit(key).state == "open"


def test_the_last_word_about_services_wins(app, world):
    key, _ = arrive(world)
    send(world, "visits.services", visit=key, done=["MEAL-01", "CLEAN-01"], refused=["BATH-02"], reason="今天不想洗", ago_min=2)
    send(world, "visits.services", visit=key, done=["MEAL-01"], refused=[])
    db.settle()
    assert {(row.code, row.outcome) for row in queries.services(key)} == {("MEAL-01", "done")}
    send(world, "visits.services", visit=key, done=["FUN-02"], refused=[], ago_min=1)  # came late, said earlier
    db.settle()
    assert "MEAL-01" in {row.code for row in queries.services(key)}


def test_a_refused_item_carries_its_reason(app, world):
    key, _ = arrive(world)
    send(world, "visits.services", visit=key, done=["MEAL-01"], refused=["BATH-02", "MEAL-01"], reason="今天不想洗")
    db.settle()
    rows = {row.code: (row.outcome, row.reason) for row in queries.services(key)}
    assert rows == {"MEAL-01": ("done", None), "BATH-02": ("refused", "今天不想洗")}


def test_the_second_residents_card_marks_them_seen(app, world):
    _, fu = card_of(world, "张福贵")
    _, shu = card_of(world, "刘淑珍")
    _, lan = card_of(world, "李秀兰")
    key, _ = arrive(world, name="张福贵", token=fu, **AT_HOME)
    assert send(world, "visits.seen", visit=key, token=shu).state == "applied"
    db.settle()
    assert queries.seen(key) == {world.resident("张福贵").id, world.resident("刘淑珍").id}
    assert send(world, "visits.seen", visit=key, token=lan).state == "quarantined"


def test_a_wrong_scan_is_taken_back_visibly_and_scanned_anew(app, world):
    key, _ = arrive(world, method="card_missing")
    send(world, "visits.void", visit=key)
    assert (visit(key).state, visit(key).voided_at is not None) == ("void", True)
    _, token = card_of(world)
    arrive(world, visit=key, token=token, **AT_HOME)
    assert (visit(key).state, visit(key).voided_at) == ("open", None)
    assert codes(key) == {"UNSCHEDULED"}
    db.settle()
    assert len(queries.calls(key)) == 2


def test_after_ten_minutes_only_the_station_takes_back(app, world):
    key = ids.new()
    send(world, "visits.arrive", visit=key, household=world.household("李秀兰").id, ago_min=11)
    receipt = send(world, "visits.void", visit=key)
    assert receipt.state == "quarantined"
    assert "10分钟" in receipt.say
    assert visit(key).state == "open"


def test_nobody_at_home_is_kept_with_what_was_tried(app, world):
    planned_today(world, minute_now())
    tried = {"rang": True, "phoned": True, "neighbour": False, "told": False}
    receipt = send(world, "visits.nobody", household=world.household("李秀兰").id, **tried, **AT_HOME)
    assert receipt.say == "记下了。请马上打给服务站"
    row = now().scalars(sa.select(NobodyHome)).one()
    assert (row.rang, row.neighbour, row.shift_id is not None) == (True, False, True)
    assert now().get(CallPlace, row.id) is not None


def test_a_stranger_cannot_say_that_nobody_is_home(app, world):
    receipt = send(world, "visits.nobody", "zhao", household=world.household("李秀兰").id, rang=True)
    assert receipt.state == "quarantined"


@pytest.mark.parametrize("statement", ["update call set app = 'x'", "delete from call"])
def test_a_call_cannot_be_changed(app, world, statement):
    arrive(world)
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), database().engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_told_twice_is_one_visit(app, world):
    key, act = ids.new(), ids.new()
    made = clock.now()
    for _ in range(2):
        receipt = send(world, "visits.arrive", visit=key, household=world.household("李秀兰").id, key=act, at=made)
    assert receipt.new is False
    assert now().scalar(sa.select(sa.func.count()).select_from(Visit)) == 1


def test_nobody_settles_what_concerns_their_own_visit(app, world):
    key, _ = arrive(world)

    class Asks:
        account_id, person_id = world.account("wang").id, world.person("wang").id

    with db.transaction():
        row = queries.exceptions(key)[0]
        with pytest.raises(Refusal, match="own_visit"):
            settling.settle(row, Asks, Said("08"))


def test_retention_may_delete_the_place_and_leave_the_call(app, world):
    key, _ = arrive(world, **AT_HOME)
    with db.transaction() as session:
        session.execute(sa.delete(CallPlace))
    db.settle()
    assert queries.calls(key)[0][1] is None
    assert visit(key).grade == "C"


def counted(work):
    """Statements sent to the database while `work` runs; BEGIN, COMMIT and savepoints steer, they do no work."""
    said = []

    def hear(_connection, _cursor, statement, *_rest):
        if not statement.lower().startswith(("begin", "commit", "savepoint", "release")):
            said.append(statement)

    engine = database().engine
    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        work()
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)
    return said


def test_an_arrival_costs_at_most_ten_statements(app, world):
    if database().engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL adds one for its deferred constraints")
    _, token = card_of(world)
    planned_today(world, minute_now())
    row = now().scalars(sa.select(models.Shift).where(models.Shift.day == clock.today())).one()
    account = world.account("wang").id
    body = {"visit": str(row.visit_id), "household": str(row.household_id), "shift": str(row.id), "token": token} | AT_HOME
    envelope = inbox.plain("visits.arrive", body, [], author=account, key=ids.new(), made_at=clock.now())
    db.settle()
    said = counted(lambda: inbox.receive(envelope, None))
    assert len(said) <= 10, "\n".join(said)


def test_every_service_of_the_catalogue_fits_its_column():
    assert max(len(item["code"]) for item in models.rulebook.default("services")["items"]) <= Service.code.type.length


def test_the_world_is_whole(app, world):
    assert now().scalar(sa.select(sa.func.count()).select_from(Household)) == 3
