"""One cell, one fact: the spellings clerks use, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from webapp.people.sheets import cells
from webapp.people.sheets.cells import Stations, Unclear
from webapp.people.sheets.facts import Birth, Cell, Kin

TODAY = date(2026, 11, 21)


def births(value: Cell, *, loose: bool = False, staff: bool = False) -> list[Birth]:
    return cells.births(value, TODAY, loose=loose, staff=staff)


def code(reading: object) -> str:
    """The code of the `Unclear` that calling `reading` raises."""
    with pytest.raises(Unclear) as caught:
        reading()  # type: ignore[operator]
    return caught.value.code


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("42年3月", "1942-03"),
        ("42.03", "1942-03"),
        (42.03, "1942-03"),
        ("1942.3.5", "1942-03-05"),
        ("１９４２年３月５日", "1942-03-05"),
        ("1942/3/5", "1942-03-05"),
        ("1942/3/5 0:00", "1942-03-05"),
        ("1942-03", "1942-03"),
        ("19420305", "1942-03-05"),
        (19420305, "1942-03-05"),
        (194203, "1942-03"),
        ("420305", "1942-03-05"),
        ("1942", "1942"),
        ("42年", "1942"),
        ("1942年3月生", "1942-03"),
        (15405, "1942-03-05"),
        ("15405", "1942-03-05"),
        (datetime(1942, 3, 5), "1942-03-05"),
        ("一九四二年三月十五日", "1942-03-15"),
        ("一九四二年十二月二十日", "1942-12-20"),
    ],
)
def test_a_birth_is_read_as_exactly_as_it_is_written(written: Cell, meant: str) -> None:
    assert [str(birth) for birth in births(written)] == [meant]


@pytest.mark.parametrize("written", ["民国31年3月", "农历三月初五", "腊月"])
def test_other_calendars_are_not_converted(written: str) -> None:
    assert code(lambda: births(written)) == "birth_calendar"


@pytest.mark.parametrize("written", ["1942.13.5", "1942-02-30", "不记得了", "5/3/1942", True, "三十"])
def test_a_birth_that_cannot_be_read_is_refused(written: Cell) -> None:
    assert code(lambda: births(written)) == "birth_odd"


@pytest.mark.parametrize("written", ["2030-01-01", "1890年3月", "1850-01-01"])
def test_nobody_is_unborn_or_130_years_old(written: str) -> None:
    assert code(lambda: births(written)) in ("birth_unlikely", "birth_odd")


def test_a_lost_zero_makes_two_months_possible() -> None:
    assert births(1942.1, loose=True) == [Birth(1942, 1), Birth(1942, 10)]
    assert births("1942.1", loose=False) == [Birth(1942, 1)]
    assert births("1942.10", loose=True) == [Birth(1942, 10)]


def test_a_caregiver_of_03_was_born_in_2003_and_an_elder_of_30_in_1930() -> None:
    assert births("03年5月", staff=True) == [Birth(2003, 5)]
    assert births("75年5月", staff=True) == [Birth(1975, 5)]
    assert births("30年5月") == [Birth(1930, 5)]


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("210203194203050014", ["210203194203050014"]),
        (" 210203 19420305 001 4 ", ["210203194203050014"]),
        ("'210203194203050014", ["210203194203050014"]),
        ('="210203194203050014"', ["210203194203050014"]),
        ("21020319420305009x", ["21020319420305009X"]),
        ("２１０２０３１９４２０３０５００９Ｘ", ["21020319420305009X"]),
        ("210203420305001", ["210203194203050014"]),
        (210203420305001, ["210203194203050014"]),
        ("210203194203050014、21020319420305009X", ["210203194203050014", "21020319420305009X"]),
        ("210203194203050014 21020319420305009X", ["210203194203050014", "21020319420305009X"]),
        ("无", []),
        (None, []),
    ],
)
def test_identity_numbers_come_out_in_one_form(written: Cell, numbers: list[str]) -> None:
    assert [one.number for one in cells.national_ids(written)] == numbers


def test_an_identity_number_tells_birth_and_sex() -> None:
    (one,) = cells.national_ids("210203194203050014")
    assert (one.birth, one.sex, one.area_known) == (Birth(1942, 3, 5), "male", True)


def test_a_new_district_is_only_unknown() -> None:
    open_number = "999999194203050014"[:17]
    number = open_number + cells.ric.calc_check_digit(open_number + "0")
    assert not cells.national_ids(number)[0].area_known


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (210203194203050000, "id_digits_lost"),
        (210203194203050014, "id_digits_lost"),
        (2.10203194203050e17, "id_digits_lost"),
        ("2.1E+17", "id_digits_lost"),
        ("210203194203051000", "id_digits_lost"),
        ("210203194203050013", "id_check"),
        ("210203194213050014", "id_check"),
        ("21020319420305001", "id_length"),
        ("21020319420305001A", "id_odd"),
        ("2102031942030X0019", "id_odd"),
        ("有", "id_odd"),
    ],
)
def test_a_spoilt_identity_number_is_refused_with_its_reason(written: Cell, why: str) -> None:
    assert code(lambda: cells.national_ids(written)) == why


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("13800138000", ("13800138000",)),
        (13800138000, ("13800138000",)),
        (1.3800138e10, ("13800138000",)),
        ("1.3800138E10", ("13800138000",)),
        ("13800138000.0", ("13800138000",)),
        ("138-0013-8000", ("13800138000",)),
        ("138 0013 8000", ("13800138000",)),
        ("+86 13800138000", ("13800138000",)),
        ("１３８００１３８０００", ("13800138000",)),
        ("13800138000/13900139000", ("13800138000", "13900139000")),
        ("13800138000\n0411-84601234", ("13800138000", "0411-84601234")),
        ("1380013800013900139000", ("13800138000", "13900139000")),
        ("0411-84601234、13800138000", ("0411-84601234", "13800138000")),
        ("(0411)84601234转8", ("0411-84601234",)),
        ("010 6512 3456", ("010-65123456",)),
        ("手机13800138000 家0411-84601234", ("13800138000", "0411-84601234")),
        ("13800138000（女儿）", ("13800138000",)),
        ("13800138000 13800138000", ("13800138000",)),
        ("没有", ()),
    ],
)
def test_every_phone_of_a_cell_is_kept_and_the_first_is_first(written: Cell, numbers: tuple[str, ...]) -> None:
    assert cells.phones(written) == numbers


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("1380013800", "phone_odd"),
        ("138001380001", "phone_odd"),
        ("12800138000", "phone_odd"),
        ("13800138000、1390013", "phone_odd"),
        ("84601234", "phone_no_area"),
        ("1.38E+10", "phone_digits_lost"),
        ("10000001234", "phone_odd"),
    ],
)
def test_digits_that_are_no_phone_are_refused(written: str, why: str) -> None:
    assert code(lambda: cells.phones(written)) == why


def test_made_up_numbers_pass_only_in_the_made_up_world() -> None:
    assert cells.phones("10000001234", allow_sample=True) == ("10000001234",)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("张福贵", ["张福贵"]),
        ("张　福贵", ["张福贵"]),
        ("张 三", ["张三"]),
        ("张福贵、刘淑珍", ["张福贵", "刘淑珍"]),
        ("张福贵 刘淑珍(配偶)", ["张福贵", "刘淑珍"]),
        ("张福贵／刘淑珍", ["张福贵", "刘淑珍"]),
        ("张福贵\n刘淑珍", ["张福贵", "刘淑珍"]),
        ("欧阳䶮德", ["欧阳䶮德"]),
        ("买买提・艾力", ["买买提·艾力"]),
        ("阿依古丽 · 买买提", ["阿依古丽·买买提"]),
        ("张和平", ["张和平"]),
        ("John Smith", ["John Smith"]),
        ("", []),
    ],
)
def test_names_are_parted_where_two_people_stand_and_only_there(written: str, found: list[str]) -> None:
    assert [one.name for one in cells.names(written)] == found


def test_the_note_behind_a_name_is_kept_apart() -> None:
    first, second = cells.names("张福贵（已故）、刘淑珍（配偶）")
    assert first.passed_away
    assert (second.note, second.passed_away) == ("配偶", False)


@pytest.mark.parametrize(
    ("written", "why"), [("张**", "name_masked"), ("张某某", "name_masked"), ("张3", "name_odd"), ("张", "name_odd")]
)
def test_what_is_no_full_name_is_refused(written: str, why: str) -> None:
    assert code(lambda: cells.names(written)) == why


@pytest.mark.parametrize(
    ("written", "letter"), [("A类", "A"), ("a", "A"), ("Ｂ 类（200元）", "B"), ("d级", "D"), ("", ""), ("无", "")]
)
def test_a_tier_is_one_of_four_letters(written: str, letter: str) -> None:
    assert cells.tier(written) == letter


@pytest.mark.parametrize("written", ["一类", "E", "AB", "甲"])
def test_another_tier_is_refused(written: str) -> None:
    assert code(lambda: cells.tier(written)) == "tier_odd"


@pytest.mark.parametrize(
    ("name", "relation", "phone", "kin"),
    [
        ("张伟", "儿子", "13800138000", [Kin("张伟", "儿子", ("13800138000",))]),
        ("张伟（儿子）13800138000", "", "", [Kin("张伟", "儿子", ("13800138000",))]),
        ("儿子：张伟 13800138000", "", "", [Kin("张伟", "儿子", ("13800138000",))]),
        ("儿子张伟", "", "", [Kin("张伟", "儿子")]),
        ("张伟 儿子", None, None, [Kin("张伟", "儿子")]),
        ("", "女儿", "13800138000", [Kin("", "女儿", ("13800138000",))]),
        (
            "张伟、张敏",
            "儿子、女儿",
            "13800138000、13900139000",
            [Kin("张伟", "儿子", ("13800138000",)), Kin("张敏", "女儿", ("13900139000",))],
        ),
        ("无", "", "", []),
    ],
)
def test_relatives_are_read_from_one_cell_or_three(name: Cell, relation: Cell, phone: Cell, kin: list[Kin]) -> None:
    assert list(cells.kin_of(name, relation, phone, allow_sample=False)) == kin


def test_alerts_are_words_and_nothing_is_said_about_healthy_people() -> None:
    assert cells.alerts("青霉素过敏、怕狗；青霉素过敏") == ("青霉素过敏", "怕狗")
    assert cells.alerts("无") == ()


def test_a_station_is_known_by_what_clerks_call_it() -> None:
    stations = Stations(["望海社区", "泉水社区", "松岭一社区"])
    for written in ("望海社区", "望海", "望海站", "望海 社区居委会", "望海社区居家养老服务站"):
        assert stations.find(written) == "望海社区"
    assert stations.find("旺海社区") is None
    assert stations.nearest("旺海社区") == "望海社区"
    assert stations.named_in("松岭街道泉水社区老人花名册") == "泉水社区"
