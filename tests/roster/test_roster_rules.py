"""A weekly plan and its changes, on paper."""

import uuid
from datetime import date

from webapp.roster import rules
from webapp.roster.rules import Change, Pattern

MON, TUE, SAT = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 21)
WORKDAYS = rules.mask(range(5))


def pattern(**changes):
    facts = {"weekdays": WORKDAYS, "start_min": 510, "minutes": 90, "items": ("MEAL-01",), "caregiver_id": None, "since": MON}
    return Pattern(**facts | changes)


def test_a_plan_speaks_only_about_its_weekdays_and_its_days():
    assert rules.planned(pattern(), [], MON).start_min == 510
    assert rules.planned(pattern(), [], SAT) is None
    assert rules.planned(pattern(since=TUE), [], MON) is None
    assert rules.planned(pattern(until=MON), [], TUE) is None


def test_a_word_about_one_day_leaves_the_others_alone():
    moved = Change(TUE, TUE, start_min=600)
    assert rules.planned(pattern(), [moved], TUE).start_min == 600
    assert rules.planned(pattern(), [moved], MON).start_min == 510
    assert rules.planned(pattern(), [Change(TUE, TUE, skip=True)], TUE) is None


def test_a_word_about_one_day_beats_a_later_word_about_all_days():
    one, all_days = Change(TUE, TUE, start_min=600), Change(MON, None, start_min=420)
    assert rules.planned(pattern(), [one, all_days], TUE).start_min == 600
    assert rules.planned(pattern(), [one, all_days], MON).start_min == 420


def test_a_day_outside_the_plan_can_be_added_and_taken_away_again():
    extra = Change(SAT, SAT, minutes=30)
    assert rules.planned(pattern(), [extra], SAT).minutes == 30
    assert rules.planned(pattern(), [extra, Change(SAT, SAT, skip=True)], SAT) is None


def test_weekdays_may_change_from_a_day_on():
    only_saturdays = Change(TUE, None, weekdays=rules.mask([5]))
    assert rules.planned(pattern(), [only_saturdays], MON) is not None
    assert rules.planned(pattern(), [only_saturdays], TUE) is None
    assert rules.planned(pattern(), [only_saturdays], SAT) is not None


def test_another_caregiver_stands_in_for_one_day():
    stand_in = uuid.uuid4()
    assert rules.planned(pattern(), [Change(TUE, TUE, caregiver_id=stand_in)], TUE).caregiver_id == stand_in


def test_two_plans_clash_when_they_share_a_weekday_and_a_minute():
    assert rules.clash(pattern(), pattern(start_min=540))
    assert not rules.clash(pattern(), pattern(start_min=600))
    assert not rules.clash(pattern(), pattern(weekdays=rules.mask([6])))
    assert not rules.clash(pattern(until=MON), pattern(since=TUE))
