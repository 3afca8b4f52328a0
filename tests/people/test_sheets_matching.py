"""Who is already here: told by number, by name and birth, by name and phone, or else asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from webapp.people.sheets.columns import guess_columns
from webapp.people.sheets.facts import Birth, Change, Kin, Known, KnownPerson, PersonFacts, Reading, RowOut
from webapp.people.sheets.matching import match
from webapp.people.sheets.opening import open_sheet
from webapp.people.sheets.reading import read_rows

NUMBER, OTHER_NUMBER = "210203194203050014", "21020319420305009X"
FACTS = PersonFacts(
    "张福贵",
    sex="male",
    birth=Birth(1942, 3, 5),
    national_id=NUMBER,
    phones=("13800138000",),
    station="望海社区",
    address="望海街1号",
    tier="A",
    alerts=("青霉素过敏",),
    kin=(Kin("张伟", "儿子", ("13900139000",)),),
    caregiver="李娜",
)
HERE = KnownPerson("p1", FACTS)
NAMELESS = PersonFacts("张福贵")


def row(facts: PersonFacts, number: int = 5) -> RowOut:
    return RowOut(number, "望海社区|望海街1号", facts)


def without_number(**changes: object) -> PersonFacts:
    return replace(FACTS, national_id="", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "facts",
    [
        FACTS,
        replace(FACTS, birth=None, phones=()),
        replace(FACTS, birth=Birth(1942, 3), alerts=(), kin=(), caregiver="", tier="", address=""),
        replace(FACTS, address="望海街 1 号", caregiver="李 娜"),
        without_number(),
        without_number(birth=Birth(1942, 3), phones=()),
        without_number(birth=None),
    ],
)
def test_one_who_is_here_is_found_and_blank_cells_erase_nothing(facts: PersonFacts) -> None:
    plan = match([row(facts)], [HERE])
    assert [same.id for same in plan.same] == ["p1"]
    assert (plan.new, plan.update, plan.ask) == ((), (), ())


def test_what_the_sheet_tells_newly_becomes_a_change_and_nothing_known_is_lost() -> None:
    facts = replace(
        FACTS,
        tier="B",
        phones=("13700137000",),
        alerts=("怕狗",),
        kin=(Kin("张伟", "", ("13600136000",)), Kin("张敏", "女儿")),
    )
    (update,) = match([row(facts)], [HERE]).update
    assert update.changes == (
        Change("phones", ("13800138000",), ("13700137000", "13800138000")),
        Change("tier", "A", "B"),
        Change("alerts", ("青霉素过敏",), ("青霉素过敏", "怕狗")),
        Change("kin", FACTS.kin, (Kin("张伟", "儿子", ("13600136000", "13900139000")), Kin("张敏", "女儿"))),
    )


def test_a_change_taken_in_is_the_same_the_next_time() -> None:
    facts = replace(FACTS, phones=("13700137000",), kin=(Kin("张敏", "女儿"),), birth=Birth(1942, 3, 5))
    (update,) = match([row(facts)], [HERE]).update
    after = replace(FACTS, **{change.field: change.new for change in update.changes})  # type: ignore[arg-type]
    assert match([row(facts)], [KnownPerson("p1", after)]).same


def test_another_number_or_another_birth_is_another_person() -> None:
    assert match([row(replace(FACTS, national_id=OTHER_NUMBER))], [HERE]).new
    assert match([row(without_number(birth=Birth(1950, 3)))], [HERE]).new


def test_a_name_alone_is_asked_about_and_the_answer_is_kept() -> None:
    (question,) = match([row(NAMELESS)], [HERE]).ask
    assert (question.code, question.other_id) == ("same_name_known", "p1")
    assert match([row(NAMELESS)], [HERE], {question.key: "same"}).same
    assert match([row(NAMELESS)], [HERE], {question.key: "different"}).new
    assert match([row(NAMELESS)], [HERE], {question.key: "nonsense"}).ask


def test_of_two_namesakes_here_the_one_with_the_phone_is_meant() -> None:
    other = KnownPerson("p2", without_number(birth=None, phones=("13500135000",), address="泉水街9号"))
    rows = [row(without_number(birth=None, phones=("13500135000",), address=""))]
    assert [same.id for same in match(rows, [HERE, other]).same] == ["p2"]
    (question,) = match([row(NAMELESS)], [HERE, other]).ask
    assert [choice.code for choice in question.choices] == ["same:p1", "same:p2", "different"]
    assert [same.id for same in match([row(NAMELESS)], [HERE, other], {question.key: "same:p2"}).same] == ["p2"]


def test_a_bare_year_is_too_little_to_know_somebody_by() -> None:
    assert match([row(PersonFacts("张福贵", birth=Birth(1942)))], [HERE]).ask


def test_a_known_number_under_another_name_is_asked_about() -> None:
    (question,) = match([row(replace(FACTS, name="张富贵"))], [HERE]).ask
    assert question.code == "name_differs"
    (update,) = match([row(replace(FACTS, name="张富贵"))], [HERE], {question.key: "same"}).update
    assert update.changes == (Change("name", "张福贵", "张富贵"),)


def test_two_rows_for_one_known_person_are_asked_about() -> None:
    plan = match([row(FACTS), row(without_number(), 9)], [HERE])
    assert len(plan.same) == 1
    assert [question.code for question in plan.ask] == ["one_person_twice"]


def read(lines: list[str], people: tuple[KnownPerson, ...] = (), answers: dict[str, str] | None = None) -> Reading:
    sheet = open_sheet("\n".join(["服务站,地址,姓名,性别,出生年月,身份证号", *lines]).encode(), "a.csv")
    known = Known(("望海社区",), date(2026, 11, 21), people=people)
    return read_rows(sheet, guess_columns(sheet, "households"), "households", known, answers)


def test_two_of_one_name_in_the_file_that_nothing_tells_apart_are_asked_about() -> None:
    lines = ["望海社区,望海街1号,张秀英,女,,", "望海社区,望海街8号,张秀英,,1942年3月,"]
    (question,) = read(lines).questions
    assert (question.code, question.row, question.other_row) == ("same_name", 3, 2)
    assert len(read(lines, answers={question.key: "same"}).ready) == 1
    assert len(read(lines, answers={question.key: "different"}).ready) == 2


@pytest.mark.parametrize(
    "second",
    ["望海社区,望海街8号,张秀英,,1950年3月,", "望海社区,望海街8号,张秀英,男,,"],
)
def test_two_of_one_name_whom_birth_or_sex_tells_apart_are_two(second: str) -> None:
    assert read(["望海社区,望海街1号,张秀英,女,1942年3月,", second]).questions == ()


def test_the_same_number_twice_is_a_fault_of_the_second_row() -> None:
    lines = [f"望海社区,望海街1号,张福贵,,,{NUMBER}", f"望海社区,望海街8号,张富贵,,,{NUMBER.lower()}"]
    assert [(fault.row, fault.code) for fault in read(lines).faults] == [(3, "id_twice")]


def test_a_namesake_already_here_holds_the_row_until_it_is_answered() -> None:
    lines = ["望海社区,望海街1号,张福贵,,,"]
    reading = read(lines, people=(HERE,))
    assert reading.ready == ()
    (question,) = reading.questions
    assert len(read(lines, people=(HERE,), answers={question.key: "different"}).ready) == 1


def test_one_household_has_one_tier_and_one_caregiver() -> None:
    lines = ["服务站,地址,姓名,类别,养护员", "望海社区,望海街1号,张福贵,A,李娜", "望海社区,望海街1号,刘淑珍,B,赵敏"]
    sheet = open_sheet("\n".join(lines).encode(), "a.csv")
    reading = read_rows(sheet, guess_columns(sheet, "households"), "households", Known(("望海社区",), date(2026, 11, 21)))
    assert [(fault.row, fault.code, fault.suggestion) for fault in reading.faults] == [
        (3, "tier_differs", "A"), (3, "caregiver_differs", "李娜"),
    ]  # fmt: skip


def test_a_faulty_merged_cell_is_named_once_and_holds_every_row_it_covers() -> None:
    lines = ["服务站,地址,姓名,身份证号", "望梅社区,望海街1号,张福贵,", ",,刘淑珍,"]
    sheet = open_sheet("\n".join(lines).encode(), "a.csv")
    reading = read_rows(sheet, guess_columns(sheet, "households"), "households", Known(("望海社区",), date(2026, 11, 21)))
    assert [fault.cell_ref for fault in reading.faults] == ["A2"]
    assert reading.ready == ()
