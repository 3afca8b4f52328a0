"""Settling, answering, correcting: what a person may say about a visit, until when, and never about one's own."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.visits.kit import AT_HOME, arrive, planned_today, send
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.store import db, inbox, rulebook
from webapp.visits import correcting, findings, models, settling, watching
from webapp.visits.correcting import Correction, FlagReached
from webapp.visits.models import Call, Shift, Visit, VisitException
from webapp.visits.settling import Said


class As:
    """Somebody who acts."""

    def __init__(self, world, name):
        self.account_id, self.person_id = world.account(name).id, world.person(name).id
        self.role, self.place_id = None, None


def now():
    db.settle()
    return db.reading()


def visit(key):
    return now().get(Visit, key)


def codes(key, waiting=True):
    rows = now().scalars(sa.select(VisitException).where(VisitException.visit_id == key))
    return {row.code for row in rows if not waiting or row.settled_at is None}


def yesterday(hour, minute=0):
    return clock.instant(clock.today() - timedelta(days=1), hour * 60 + minute)


def came(world, leave=None, **body):
    """She came yesterday at nine; left at `leave` (hour) or not at all."""
    key = ids.new()
    send(world, "visits.arrive", visit=key, household=world.household("李秀兰").id, at=yesterday(9), **(AT_HOME | body))
    if leave:
        send(world, "visits.leave", visit=key, method="card_missing", at=yesterday(leave), **AT_HOME)
    return key


def ask(world, key, *, field="out", time="10:30", reason="05", memo="走的时候忘了扫码", who="wang", **body):
    return send(world, "visits.correct", who, visit=key, field=field, time=time, reason=reason, memo=memo, **body)


def asked_for(key) -> Correction:
    return now().scalars(sa.select(Correction).where(Correction.visit_id == key).order_by(Correction.received_at.desc())).first()


def decide(world, row, who="zhou", approves=True, action="A", answer=""):
    with db.transaction() as session:
        correcting.decide(session.get(Correction, row.id), As(world, who), approves, action, answer)


def refused(code, deed, *args, **kwargs):
    with pytest.raises(Refusal) as caught, db.transaction():
        deed(*args, **kwargs)
    assert caught.value.code == code


# -- settling --


def exception(key, code):
    return (
        db.session().scalars(sa.select(VisitException).where(VisitException.visit_id == key, VisitException.code == code)).one()
    )


@pytest.fixture
def odd(app, world):
    """A visit with two findings of the place, one of the plan, one that must be put right."""
    key = came(world, method="card_missing")
    with db.transaction():
        facts = models.limits()
        home = world.household("李秀兰")
        rows = [("NO_GPS", {}), ("OUT_OF_RADIUS", {"distance_m": 300}), ("DUPLICATE", {}), ("MANUAL", {})]
        models_find(key, home, rows, facts)
    return key


def models_find(key, home, rows, facts):
    from webapp.visits import rules
    from webapp.visits.writing import find

    find(key, home.id, home.station_id, clock.today() - timedelta(days=1), rules.named(rows, facts))


@pytest.mark.parametrize("reason", [*(f"{n:02d}" for n in range(1, 21)), "99"])
def test_each_reason_settles_and_is_kept(odd, world, reason):
    with db.transaction():
        settling.settle(exception(odd, "NO_GPS"), As(world, "zhou"), Said(reason, memo="说明够六个字"))
    row = now().scalars(sa.select(VisitException).where(VisitException.reason == reason)).one()
    assert (row.code, row.settled_by) == ("NO_GPS", world.account("zhou").id)


@pytest.mark.parametrize("reason", ["", "00", "21", "98", "A"])
def test_no_other_reason_does(odd, world, reason):
    refused("no_reason", lambda: settling.settle(exception(odd, "NO_GPS"), As(world, "zhou"), Said(reason)))


@pytest.mark.parametrize("action", list("ABCDEFGH"))
def test_each_action_is_kept_and_only_h_takes_the_visit_out_of_the_count(odd, world, action):
    with db.transaction():
        settling.settle(exception(odd, "NO_GPS"), As(world, "zhou"), Said("08", action))
    assert now().scalars(sa.select(VisitException.action).where(VisitException.code == "NO_GPS")).one() == action
    assert visit(odd).counted is (action != "H")


@pytest.mark.parametrize("action", ["I", "a", "1"])
def test_no_other_action_is(odd, world, action):
    refused("no_action", lambda: settling.settle(exception(odd, "NO_GPS"), As(world, "zhou"), Said("08", action)))


@pytest.mark.parametrize(
    "code", sorted(code for code, kind in models.rulebook.default("visits")["classes"].items() if kind == "fix")
)
def test_what_must_be_put_right_needs_an_action_that_mends_it(app, world, code):
    key, facts = came(world), models.limits()
    with db.transaction():
        models_find(key, world.household("李秀兰"), [(code, {})], facts)
    for action in ["", *"ABCDEFGH"]:
        if action not in facts["mends"][code]:
            refused("not_mended", lambda act=action: settling.settle(exception(key, code), As(world, "zhou"), Said("01", act)))
    with db.transaction():
        settling.settle(exception(key, code), As(world, "zhou"), Said("01", facts["mends"][code][0]))
    assert code not in codes(key)


def test_other_and_a_typed_number_need_six_characters(odd, world):
    for code, said in (("NO_GPS", Said("99", memo="五个字不行")), ("MANUAL", Said("09", memo=""))):
        refused("no_memo", lambda c=code, s=said: settling.settle(exception(odd, c), As(world, "zhou"), s))
    with db.transaction():
        settling.settle(exception(odd, "NO_GPS"), As(world, "zhou"), Said("99", memo="六个字正好呀"))


def test_one_cause_is_acknowledged_together_and_a_second_time_is_refused(odd, world):
    with db.transaction():
        rows = settling.alike(exception(odd, "NO_GPS"))
        assert {row.code for row in rows} == {"NO_GPS", "OUT_OF_RADIUS"}
        assert settling.settle_all(rows, As(world, "zhou"), Said("08")) == 2
    assert {"DUPLICATE", "MANUAL", "CARD_MISSING"} <= codes(odd) and "NO_GPS" not in codes(odd)
    refused("settled", lambda: settling.settle(exception(odd, "NO_GPS"), As(world, "zhou"), Said("08")))
    refused("own_visit", lambda: settling.settle(exception(odd, "MANUAL"), As(world, "wang"), Said("08")))


# -- corrections --


def test_she_asks_another_approves_and_the_calls_stay_as_they_were(app, world):
    key = came(world)
    watching.look_over_station(world.place("songling").id, clock.today() - timedelta(days=1), clock.now())
    assert "NO_OUT" in codes(key)
    before = now().execute(sa.select(Call.__table__)).all()
    assert ask(world, key).state == inbox.APPLIED
    row = asked_for(key)
    assert (row.field, row.old, row.new, row.late) == ("out", None, yesterday(10, 30), False)
    decide(world, row)
    found = visit(key)
    assert (found.state, found.left_at, found.minutes, found.leave_by) == ("done", yesterday(10, 30), 90, "HAND")
    assert "NO_OUT" not in codes(key)
    assert now().execute(sa.select(Call.__table__)).all() == before
    refused("settled", decide, world, row)


def test_a_late_leaving_does_not_undo_an_approved_correction(app, world):
    key = came(world)
    ask(world, key)
    decide(world, asked_for(key))
    send(world, "visits.leave", visit=key, method="card_missing", at=yesterday(12), **AT_HOME)
    assert visit(key).left_at == yesterday(10, 30)
    assert now().scalar(sa.select(Call.at).where(Call.direction == "out")) == yesterday(12)
    assert "DUPLICATE" not in codes(key)


def test_nobody_approves_their_own(app, world):
    key = came(world)
    ask(world, key)
    refused("own_correction", decide, world, asked_for(key), "wang")
    with db.transaction() as session:
        correcting.ask_for(As(world, "zhou"), session.get(Visit, key), "out", yesterday(11), "05", "她打电话来说的")
    refused("own_correction", decide, world, asked_for(key), "zhou")
    decide(world, asked_for(key), "wu")
    assert visit(key).left_at == yesterday(11)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"field": "in", "time": "10:00"}, "time_order"),  # she left at ten
        ({"field": "in", "time": "9:00"}, "no_change"),
        ({"field": "out", "time": "9:00"}, "time_order"),
        ({"field": "out", "time": "10:00"}, "no_change"),
        ({"memo": "五个字不行"}, "no_memo"),
    ],
)
def test_what_cannot_be_is_kept_at_the_station_and_not_asked(app, world, given, code):
    key = came(world, leave=10)
    receipt = ask(world, key, **given)
    assert receipt.state == inbox.QUARANTINED and asked_for(key) is None
    target = visit(key)
    at = clock.instant(
        target.day, 60 * int(given.get("time", "9:30").split(":")[0]) + int(given.get("time", "9:30").split(":")[1])
    )
    with pytest.raises(Refusal) as caught:
        correcting.check(target, given.get("field", "out"), at, "05", given.get("memo", "走的时候忘了扫"), clock.now())
    assert caught.value.code == code


@pytest.mark.parametrize(("field", "at"), [("in", "9:59"), ("out", "9:01"), ("in", "8:00"), ("out", "23:59")])
def test_a_minute_inside_the_order_can_be(app, world, field, at):
    key = came(world, leave=10)
    assert ask(world, key, field=field, time=at).state == inbox.APPLIED
    decide(world, asked_for(key))
    assert visit(key).left_at > visit(key).arrived_at


def test_an_approval_says_how_it_was_checked_and_a_no_says_why(app, world):
    key = came(world)
    ask(world, key)
    row = asked_for(key)
    refused("no_action", decide, world, row, "zhou", True, "")
    refused("no_words", decide, world, row, "zhou", False, "", " ")
    decide(world, row, "zhou", False, "", "老人说不是")
    assert visit(key).state == "open"


@pytest.mark.parametrize(("hours", "late"), [(72, False), (73, True)])
def test_she_asks_within_72_hours_after_the_flag_reached_her(app, world, hours, late):
    key = came(world, method="card_missing")
    with db.transaction() as session:
        for row in session.scalars(sa.select(VisitException)):
            at = clock.now() - timedelta(hours=hours) + timedelta(minutes=5)
            session.add(FlagReached(exception_id=row.id, account_id=world.account("wang").id, at=at))
            session.flush()
    db.settle()
    with db.transaction() as session:
        target = session.get(Visit, key)
        said = correcting._too_late(key, clock.now() + (timedelta(hours=hours) if late else timedelta()), target)
    assert said is late


def test_until_a_flag_has_reached_her_no_time_runs(app, world):
    key = came(world, method="card_missing")
    with db.transaction() as session:
        target = session.get(Visit, key)
        assert correcting._too_late(key, clock.now() + timedelta(days=60), target) is False


def test_a_late_one_is_opened_by_the_street_and_decided_within_seven_days(app, world):
    key = came(world)
    ask(world, key)
    row = asked_for(key)
    week = timedelta(days=7)
    with db.transaction() as session:
        here = session.get(Correction, row.id)
        assert not here.shut(here.received_at + week)
        assert here.shut(here.received_at + week + timedelta(seconds=1))
        here = Correction(late=True, openings=[], new=row.new, received_at=row.received_at, station_id=row.station_id)
        session.expunge_all()
        assert here.shut(clock.now())
    refused("not_shut", lambda: correcting.open_again(db.session().get(Correction, row.id), As(world, "wu"), "该改"))


def test_late_ones_wait_for_the_street(app, world, monkeypatch):
    key = came(world)
    monkeypatch.setattr(correcting, "_too_late", lambda *_: True)
    receipt = ask(world, key)
    assert receipt.say == "过了可以问的时间，要请街道先同意"
    row = asked_for(key)
    assert row.late
    refused("shut", decide, world, row)
    with db.transaction() as session:
        correcting.open_again(session.get(Correction, row.id), As(world, "wu"), "老人作证了")
    decide(world, row)
    assert visit(key).left_at == yesterday(10, 30)


def test_who_forgot_her_phone_gets_the_visit_that_her_shift_minted(app, world):
    planned_today(world, 1)
    shift = now().scalars(sa.select(Shift).where(Shift.day == clock.today())).one()
    watching.look_over_station(shift.station_id, shift.day, clock.instant(shift.day, 1 + 90 + 60))
    assert codes(shift.visit_id) == {"MISSED"}
    receipt = ask(world, shift.visit_id, field="in", time="0:01", reason="06", memo="手机摔坏了没法扫")
    assert receipt.state == inbox.APPLIED
    decide(world, asked_for(shift.visit_id), action="B")
    found = visit(shift.visit_id)
    assert (found.state, found.arrive_by, found.grade) == ("open", "HAND", "C")
    assert codes(found.id) == set() and {"NO_IN", "MISSED"} <= codes(found.id, waiting=False)


def test_an_answer_stands_beside_the_finding_and_only_hers(app, world):
    key = came(world, method="card_missing")
    row = exception(key, "CARD_MISSING")
    assert send(world, "visits.answer", exception=row.id, words="卡在女儿那里").state == inbox.APPLIED
    assert send(world, "visits.answer", "zhao", exception=row.id, words="我也说").state == inbox.QUARANTINED
    db.settle()
    assert [each.a for each in findings.about(key).answers[row.id]] == ["卡在女儿那里"]


def test_a_household_may_have_figures_of_its_own(app, world):
    home = world.household("李秀兰").id
    with db.transaction():
        rulebook.put("visits", {"radius_m": 50, "late_min": 30}, clock.today() - timedelta(days=3), home)
    assert models.limits(clock.today(), None, home)["late_min"] == 30
    assert models.limits(clock.today(), None, home)["short_min"] == 15
    assert models.limits(clock.today() - timedelta(days=4), None, home)["late_min"] == 10
    assert models.limits()["late_min"] == 10
    planned_today(world, 1)
    shift = now().scalars(sa.select(Shift).where(Shift.day == clock.today())).one()
    late = clock.instant(shift.day, 1 + 29)
    if late < clock.now():
        key, _ = arrive(world, visit=shift.visit_id, shift=shift.id, at=late, **AT_HOME)
        assert "LATE_IN" not in codes(key)
