"""Slips, thresholds and flags, against the cases of the settings themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from webapp.ledger import models, rules
from webapp.ledger.rules import Flag, Past

MONEY = json.loads((Path(models.__file__).parent / "expense_categories.json").read_text())
LIMITS, HABITS = rules.limits(MONEY), rules.habits(MONEY)


def flags(
    code: str, fen: int, left: int = 10**9, *, seen: bool = False, photos: int = 0, again: bool = False,
    past: Past | None = None, limits: rules.Limits = LIMITS,
):  # fmt: skip
    kind = rules.category(MONEY, "expense", code)["receipt"]
    return rules.spend_flags(kind, fen, left, limits, seen=seen, photos=photos, again=again, past=past or Past(), habits=HABITS)


@pytest.mark.parametrize("case", MONEY["test_cases"], ids=lambda case: case["en"])
def test_the_settings_own_cases_hold(case):
    held, found, slips = case["opening_fen"], [], []
    for code, fen in case["entries"]:
        held -= fen
        found.append(flags(code, fen, held))
        slips.append(Flag.NO_RECEIPT in found[-1])
    assert held == case["closing_fen"]
    assert slips == [each in case.get("receipts_needed", []) for each in ("first", "second")[: len(slips)]]
    assert any(Flag.NEGATIVE in each for each in found) == ("NEG" in case.get("alerts", []))


def test_a_market_stall_gives_no_slip_and_the_elders_tick_stands_for_it_up_to_fifty_yuan():
    assert flags("EX-VEG", 5000) == [Flag.NO_RECEIPT]
    assert flags("EX-VEG", 5000, seen=True) == []
    assert flags("EX-VEG", 5001, seen=True) == [Flag.NO_RECEIPT]
    assert flags("EX-DAI", 2000, seen=True) == [Flag.NO_RECEIPT]


def test_medicine_wants_a_slip_at_any_amount():
    assert flags("EX-MED", 1) == [Flag.NO_RECEIPT]
    assert flags("EX-MED", 1, photos=1) == []


def test_from_two_hundred_yuan_somebody_must_have_agreed_and_from_five_hundred_the_station():
    assert flags("EX-DAI", 19999, photos=1) == []
    assert flags("EX-DAI", 20000, photos=1) == [Flag.ASK_FIRST]
    assert flags("EX-DAI", 50000, photos=1) == [Flag.OVER_LIMIT]


def test_what_was_agreed_with_the_household_stands_before_the_stations_figures_but_not_before_its_own_word():
    strict = rules.agreed(LIMITS, rules.Terms(receipt=500, entry=5000, month=30000, cash=20000))
    assert flags("EX-DAI", 500, limits=strict) == [Flag.NO_RECEIPT]
    assert flags("EX-DAI", 5000, photos=1, limits=strict) == [Flag.ASK_FIRST]
    assert flags("EX-DAI", 50000, photos=1, limits=rules.agreed(LIMITS, rules.Terms(0, 10**7, 0, 0))) == [Flag.OVER_LIMIT]
    assert flags("EX-DAI", 1001, photos=1, limits=strict, past=Past(month_fen=29000)) == [Flag.OVER_MONTH]
    assert flags("EX-DAI", 1000, photos=1, limits=strict, past=Past(month_fen=29000)) == []
    assert rules.receive_flags("cash", 20001, strict, again=False) == [Flag.OVER_LIMIT]


def test_a_large_sum_cut_into_small_ones_is_seen():
    assert flags("EX-DAI", 10000, photos=1, past=Past(day_fen=9999)) == []
    assert flags("EX-DAI", 10000, photos=1, past=Past(day_fen=10000)) == [Flag.SPLIT]


def test_many_round_sums_without_a_slip_are_a_pattern_and_one_is_none():
    assert flags("EX-VEG", 1000, past=Past(round_n=3)) == []
    assert flags("EX-VEG", 1000, past=Past(round_n=4)) == [Flag.ROUND]
    assert flags("EX-VEG", 1001, past=Past(round_n=9)) == []
    assert flags("EX-VEG", 1000, photos=1, past=Past(round_n=9)) == []


def said(*each: tuple[str, str, str]) -> list[rules.Said]:
    return [rules.Said(*one) for one in each]


def test_nobody_confirms_alone_and_a_relative_never_her_own():
    hers = ("caregiver", "own", "wang")
    assert not rules.confirmed(said(hers), "wang", relative=False)
    assert not rules.confirmed(said(hers, hers), "wang", relative=False)
    assert rules.confirmed(said(hers, ("resident", "thumb", "wang")), "wang", relative=False)
    assert not rules.confirmed(said(hers, ("resident", "thumb", "wang")), "wang", relative=True)
    assert rules.confirmed(said(hers, ("kin", "own", "limin")), "wang", relative=True)
    assert rules.confirmed(said(hers, ("station", "own", "zhou")), "wang", relative=True)


def test_a_sum_for_two_is_halved_to_the_fen():
    assert rules.halves(101, 2) == [51, 50]
    assert sum(rules.halves(100, 3)) == 100


def test_cash_above_the_limit_is_looked_at_but_not_money_on_the_phone():
    assert rules.receive_flags("cash", 50001, LIMITS, again=False) == [Flag.OVER_LIMIT]
    assert rules.receive_flags("cash", 50000, LIMITS, again=False) == []
    assert rules.receive_flags("wallet", 50001, LIMITS, again=False) == []


def test_a_code_nobody_knows_is_other():
    assert rules.category(MONEY, "expense", "EX-NEW")["code"] == "EX-OTH"
    assert rules.category(MONEY, "income", "EX-VEG")["code"] == "IN-OTH"


def test_what_is_undone_sums_to_nothing_account_by_account():
    legs = rules.spent("cash", "EX-VEG", 3650)
    both = [*legs, *rules.undone(legs)]
    assert {a: sum(leg.fen for leg in both if leg.account == a) for a in ("cash", "out:EX-VEG")} == {"cash": 0, "out:EX-VEG": 0}
