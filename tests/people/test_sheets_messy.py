"""The file with every habit of the trade in it: what is wrong is found, all of it, and nothing else."""

from __future__ import annotations

import time

import pytest

from tests.people.messy import HOUSEHOLDS, STATIONS, TODAY, messy
from webapp.people.sheets.columns import guess_columns
from webapp.people.sheets.facts import Answers, Known, KnownPerson, Reading
from webapp.people.sheets.marking import mark
from webapp.people.sheets.matching import match
from webapp.people.sheets.opening import open_sheet
from webapp.people.sheets.reading import read_rows

FILE = messy()
FORMS = {
    "花名册.xlsx": FILE.xlsx(),
    "utf8.csv": FILE.csv("utf-8"),
    "bom.csv": FILE.csv("utf-8-sig", ";"),
    "gb.csv": FILE.csv("gb18030"),
    "gb-tab.csv": FILE.csv("gb18030", "\t"),
    "utf16.csv": FILE.csv("utf-16", "\t"),
}
every_form = pytest.mark.parametrize("name", FORMS)


def read(
    name: str, data: bytes | None = None, people: list[KnownPerson] | None = None, answers: Answers | None = None
) -> Reading:
    """One whole reading, as the page does it."""
    sheet = open_sheet(FORMS[name] if data is None else data, name)
    known = Known(STATIONS, TODAY, people=people or [])
    return read_rows(sheet, guess_columns(sheet, "households"), "households", known, answers)


@every_form
def test_exactly_the_twenty_planted_faults_are_found(name: str) -> None:
    reading = read(name)
    assert len(FILE.faults) == 20
    assert sorted((fault.row, fault.code) for fault in reading.faults) == sorted(FILE.faults)


@every_form
def test_only_what_she_alone_can_know_is_asked(name: str) -> None:
    assert {(question.row, question.code) for question in read(name).questions} == FILE.questions


@every_form
def test_what_is_read_is_what_she_meant(name: str) -> None:
    reading = read(name)
    read_as = {(out.row, out.part): out for out in reading.ready}
    assert set(read_as) == set(FILE.truth)
    for spot, truth in FILE.truth.items():
        facts = read_as[spot].facts
        assert facts.name == truth.name
        assert facts.station == truth.station
        assert facts.tier == truth.tier
        assert facts.address.startswith("松岭街")
        assert facts.phones[:1] == truth.phones[:1]
        assert facts.national_id in ("", truth.number)
        assert facts.birth is None or (facts.birth.year, facts.birth.month) == (truth.born.year, truth.born.month)
        assert facts.birth is None or facts.birth.day in (None, truth.born.day)


@every_form
def test_members_of_one_household_stay_together(name: str) -> None:
    homes: dict[str, set[int]] = {}
    for out in read(name).ready:
        homes.setdefault(out.household, set()).add(FILE.truth[out.row, out.part].house)
    assert all(len(houses) == 1 for houses in homes.values())
    assert len(homes) == HOUSEHOLDS - len(FILE.faults) - len(FILE.questions)


@every_form
def test_the_second_time_everything_is_the_same_and_nothing_doubles(name: str) -> None:
    first = match(read(name).ready, [])
    known = [KnownPerson(number, out.facts) for number, out in enumerate(first.new)]
    again = match(read(name, people=known).ready, known)
    assert (again.new, again.update, again.ask) == ((), (), ())
    assert len(again.same) == len(first.new) == len(FILE.truth)


def test_the_same_people_come_out_of_every_form() -> None:
    first = match(read("花名册.xlsx").ready, [])
    known = [KnownPerson(number, out.facts) for number, out in enumerate(first.new)]
    for name in FORMS:
        plan = match(read(name).ready, known)
        assert not plan.new and not plan.ask and not plan.update, name


def test_rows_that_hold_nobody_are_left_out_with_a_reason() -> None:
    reasons = [skipped.why for skipped in read("花名册.xlsx").skipped]
    assert reasons.count("total") == len(STATIONS) + 1
    assert reasons.count("footnote") == 2
    assert reasons.count("head_again") == 2


def test_an_answer_closes_its_question() -> None:
    questions = read("花名册.xlsx").questions
    answers = {question.key: question.choices[0].code for question in questions}
    after = read("花名册.xlsx", answers=answers)
    assert after.questions == ()
    assert len(after.ready) == len(FILE.truth) + 4  # the pair of the one cell counts twice


def test_the_marked_copy_reads_as_the_same_sheet_and_keeps_its_faults() -> None:
    sheet = open_sheet(FORMS["花名册.xlsx"], "a.xlsx")
    again = read("花名册.xlsx", mark(sheet, read("花名册.xlsx").faults))
    assert sorted((fault.row, fault.code) for fault in again.faults) == sorted(FILE.faults)


def test_five_hundred_households_are_read_within_three_seconds() -> None:
    start = time.process_time()
    read("花名册.xlsx")
    assert time.process_time() - start < 3
