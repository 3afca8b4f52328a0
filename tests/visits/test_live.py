"""The live roster, on paper."""

import json
import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest

from webapp.kit import clock
from webapp.messages import models as messages
from webapp.visits import live, words
from webapp.visits.live import Fact, Moment, Plan

CALLS = json.loads((Path(messages.__file__).parent / "messages.json").read_text())
LIMITS = json.loads((Path(live.__file__).parent / "visits.json").read_text())
DAY = date(2026, 11, 21)
WANG, QIAN = uuid.UUID(int=1), uuid.UUID(int=2)


def at(hour, minute=0):
    return clock.instant(DAY, hour * 60 + minute)


def moment(hour, minute=0, heard=None):
    return Moment(at(hour, minute), DAY, {WANG: heard} if heard else {}, LIMITS, CALLS)


def plan(start=510, minutes=90, who=WANG, home="李秀兰", **more):
    facts = {"no_signal": False} | more
    return Plan(id=uuid.uuid4(), home=home, caregiver_id=who, start_min=start, minutes=minutes, **facts)


def fact(arrived, left=None, shift=None, who=WANG, home="李秀兰", planned=90, **more):
    state = "done" if left else "open"
    return Fact(uuid.uuid4(), home, who, shift, arrived, left, state, planned, **more)


def only(plans, facts, now):
    lines = live.lines(plans, facts, now)
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("now", "state"),
    [(moment(8), "next"), (moment(8, 40), "next"), (moment(8, 41), "late"), (moment(10, 59), "late"), (moment(11, 1), "silent")],
)
def test_an_unanswered_shift_is_next_then_late_then_silent(now, state):
    assert only([plan()], [], now).state == state


def test_late_is_told_in_minutes():
    assert only([plan()], [], moment(8, 58)).n == 28


def test_a_home_without_signal_is_waited_for_until_an_hour_after_its_end():
    home = plan(no_signal=True)
    assert only([home], [], moment(9)).state == "offline"
    assert only([home], [], moment(11, 1)).state == "silent"


def test_a_phone_heard_earlier_and_not_since_is_waited_for():
    assert only([plan()], [], moment(9, heard=at(7, 52))).state == "offline"


def test_a_phone_heard_after_the_start_is_simply_late():
    assert only([plan()], [], moment(9, heard=at(8, 50))).state == "late"


def test_a_phone_last_heard_yesterday_is_no_excuse():
    assert only([plan()], [], moment(9, heard=at(0) - timedelta(minutes=5))).state == "late"


def test_a_shift_nobody_has_is_a_gap_once_it_should_have_begun():
    assert only([plan(who=None)], [], moment(8)).state == "next"
    line = only([plan(who=None)], [], moment(9))
    assert (line.state, line.gaps, line.caregiver_id) == ("gap", 1, None)


def test_nobody_home_is_said_before_anything_late():
    lines = [plan(nobody=True), plan(start=300)]
    assert only(lines, [], moment(6, 30)).state == "nobody"


def test_somebody_on_duty_shows_minutes_and_what_is_left():
    shift = plan()
    line = only([shift], [fact(at(8, 31), shift=shift.id)], moment(9, 13))
    assert (line.state, line.n, line.on, line.checked, line.look) == ("here", 42, 1, True, False)
    assert [bar.state for bar in line.bars] == ["now", "left"]


def test_a_place_that_does_not_match_is_said_in_metres():
    line = only([], [fact(at(8, 25), codes={"OUT_OF_RADIUS"}, distance_m=620)], moment(9, 13))
    assert (line.state, line.n, line.look) == ("off", 620, True)
    assert [bar.state for bar in line.bars] == ["check", "check-left"]


def test_a_missing_card_is_nobodys_fault():
    assert only([], [fact(at(8, 25), codes={"CARD_MISSING"})], moment(9)).look is False


def test_done_homes_are_counted_and_what_comes_is_named():
    shift, later = plan(start=420, minutes=60), plan(start=630, home="张福贵")
    facts = [fact(at(7), at(8), shift=shift.id)]
    assert (only([shift, later], facts, moment(9)).state, only([shift, later], facts, moment(9)).n) == ("next", 630)
    line = only([shift], facts, moment(9))
    assert (line.state, line.n) == ("ended", 1)
    assert [bar.state for bar in line.bars] == ["done"]


def test_a_stand_in_is_marked_and_the_planned_one_has_no_line():
    shift = plan(who=QIAN)
    line = only([shift], [fact(at(8, 58), shift=shift.id)], moment(9, 13))
    assert (line.caregiver_id, line.stand_in) == (WANG, True)


def test_figures_count_shifts_and_visits():
    done, on, gap = plan(start=420), plan(start=500), plan(start=480, who=None)
    plans = [done, on, gap, plan(start=900)]
    facts = [fact(at(7), at(8), shift=done.id), fact(at(8, 20), shift=on.id, codes={"WRONG_CARD"})]
    now = moment(9)
    told = live.figures(plans, live.lines(plans, facts, now), facts, now)
    assert (told.planned, told.on, told.done, told.gap, told.look) == (4, 1, 1, 1, 1)


def test_what_alarms_comes_first_and_filters_keep_only_theirs():
    plans = [plan(who=None), plan(who=QIAN, start=900)]
    facts = [fact(at(8))]
    lines = live.shown(live.lines(plans, facts, moment(9)), None)
    assert [line.state for line in lines] == ["gap", "here", "next"]
    assert [line.state for line in live.shown(lines, "gap")] == ["gap"]
    assert [line.state for line in live.shown(lines, "on")] == ["here"]


def test_the_drawing_widens_for_early_and_late_work():
    now = moment(9)
    assert live.hours(live.lines([plan()], [], now)) == (6, 20)
    assert live.hours(live.lines([plan(start=300), plan(start=1250, minutes=120)], [], now)) == (5, 23)


# -- who was rung, who pauses, and the edges --

HEARD = at(7, 52)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ((8, 40), "next"),  # ten minutes: not late yet
        ((8, 41), "offline"),
        ((11, 0), "offline"),  # planned end 10:00 and sixty minutes
        ((11, 1), "silent"),
    ],
)
@pytest.mark.parametrize("why", ["no signal", "heard before"])
def test_no_signal_is_said_until_an_hour_after_the_planned_end(now, state, why):
    shift = plan(no_signal=why == "no signal")
    assert only([shift], [], moment(*now, heard=HEARD if why == "heard before" else None)).state == state


@pytest.mark.parametrize(("heard", "state"), [(at(0), "offline"), (at(8, 29), "offline"), (at(8, 30), "late")])
def test_only_contact_of_that_day_and_before_the_start_speaks_for_no_signal(heard, state):
    assert only([plan()], [], moment(9, heard=heard)).state == state


@pytest.mark.parametrize(
    ("rung", "state"),
    [(None, "silent"), ("silent", "silent"), ("there", "rung"), ("fine", "rung"), ("coming", "rung"), ("trouble", "trouble")],
)
def test_only_a_call_that_reached_somebody_clears_silence(rung, state):
    assert only([plan(rung=rung, rung_at=at(11, 5))], [], moment(11, 10)).state == state


@pytest.mark.parametrize(("now", "state"), [((12, 4), "rung"), ((12, 5), "silent")])
def test_on_her_way_is_believed_for_an_hour(now, state):
    assert only([plan(rung="coming", rung_at=at(11, 5))], [], moment(*now)).state == state
    assert only([plan(rung="there", rung_at=at(11, 5))], [], moment(*now)).state == "rung"


def test_a_shut_door_alarms_until_somebody_was_reached():
    assert only([plan(nobody=True)], [], moment(9)).state == "nobody"
    assert only([plan(nobody=True, rung="fine", rung_at=at(8, 50))], [], moment(9)).state == "rung"


def test_a_call_does_not_fill_a_gap():
    assert only([plan(who=None, rung="fine", rung_at=at(8, 50))], [], moment(9)).state == "gap"


def test_who_comes_after_all_needs_no_call():
    shift = plan(rung="trouble", rung_at=at(8, 50))
    assert only([shift], [fact(at(9), shift=shift.id)], moment(9, 5)).state == "here"


def test_a_paused_home_is_shown_and_never_missing():
    line = only([plan(paused=True, note="hospital")], [], moment(18))
    assert (line.state, line.gaps, line.note, line.bars[0].state) == ("paused", 0, "hospital", "paused")
    now = moment(9)
    plans = [plan(paused=True), plan(start=600)]
    assert live.figures(plans, live.lines(plans, [], now), [], now).planned == 1
    assert only(plans, [], now).state == "next"


def test_red_is_only_for_a_home_with_nobody_or_a_resident_in_danger():
    red = {state for state, tone in words.LINE_TONES.items() if tone == "danger"}
    assert red == {live.TROUBLE, live.GAP, live.SILENT, live.NOBODY}
    assert words.LINE_TONES[live.LATE] == "wait"
    assert set(words.LINE_TONES) == set(live.ORDER) == set(words.LINES)


def test_a_gap_says_why_and_leads_to_its_shift():
    shift = plan(who=None, note="nobody:都排满了")
    line = only([shift], [], moment(9))
    assert (line.shift_id, line.note) == (shift.id, "nobody:都排满了")
    assert only([plan()], [], moment(8)).shift_id is None


PAIR = uuid.UUID(int=9)


@pytest.mark.parametrize("who", [QIAN, None])
def test_of_two_who_go_together_one_missing_is_amber_and_nobody_of_both_is_red(who):
    first, second = plan(home_id=PAIR), plan(who=who, home_id=PAIR)
    came = [fact(at(8, 30), shift=first.id)]
    lines = live.lines([first, second], came, moment(11, 1))
    assert [line.state for line in lines if line.caregiver_id == who] == [live.ALONE]
    assert words.LINE_TONES[live.ALONE] == "wait"
    assert live.figures([first, second], lines, came, moment(11, 1)).gap == 0
    lines = live.lines([first, second], [], moment(11, 1))
    assert {line.state for line in lines} <= {live.SILENT, live.GAP}
    assert live.figures([first, second], lines, [], moment(11, 1)).gap == 2
    later = plan(who=QIAN, start=600, minutes=15, home_id=PAIR)
    assert [line.state for line in live.lines([first, later], came, moment(11, 20)) if line.caregiver_id == QIAN] == ["silent"]
