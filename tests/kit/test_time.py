"""Instants, household days, months, keys, money."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.kit import clock, ids, money, settings
from webapp.kit.month import Month
from webapp.kit.refusal import Busy, Conflict, Forbidden, Missing, Refusal


def test_the_day_is_the_households_day_not_londons() -> None:
    late = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)  # midnight in Dalian
    assert clock.day_of(late) == date(2026, 4, 1)
    assert clock.day_of(late - timedelta(milliseconds=1)) == date(2026, 3, 31)
    assert clock.minute_of(late) == 0


@given(st.dates(date(1992, 1, 1), date(2100, 1, 1)))  # Shanghai turned its clocks until 1991
def test_a_day_lasts_from_its_bounds_and_no_longer(day: date) -> None:
    first, after = clock.day_bounds(day)
    assert clock.day_of(first) == day == clock.day_of(after - timedelta(milliseconds=1))
    assert clock.day_of(after) == day + timedelta(days=1)
    assert clock.instant(day, 1440) == after


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))
def test_an_instant_travels_to_the_millisecond(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    assert clock.from_wire(clock.to_wire(at)) == at


@pytest.mark.parametrize(
    "text", ["", "2026-11-21", "2026-11-21T00:31:07Z", "2026-11-21T00:31:07.250+08:00", "now", "2026-13-01T00:00:00.000Z"]
)
def test_a_time_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        clock.from_wire(text)


def test_now_carries_no_more_than_phones_can_say() -> None:
    assert clock.now().microsecond % 1000 == 0
    assert clock.from_wire(clock.to_wire(clock.now())).tzinfo is UTC


@given(st.dates(date(1900, 2, 1), date(2199, 11, 30)))
def test_months_follow_each_other(day: date) -> None:
    month = Month.of(day)
    assert month.next().previous() == month == Month.parse(str(month))
    assert month.last + timedelta(days=1) == month.next().first
    assert month.first <= day <= month.last


@pytest.mark.parametrize("text", ["2026-13", "2026-0", "2026", "1899-12", "2201-01", "2026-1-1", "", "二〇二六-一", "2026-1"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Month.parse(text)


def test_keys_are_of_version_seven_and_carry_their_instant() -> None:
    key = ids.new(1_700_000_000_123)
    assert (key.version, key.int >> 80) == (7, 1_700_000_000_123)
    assert ids.seeded(5, 7) == ids.seeded(5, 7) != ids.seeded(5, 8)
    assert ids.new() != ids.new()


@pytest.mark.parametrize(
    "text", [None, 7, "", "x" * 36, "019aa7c45e807b219c3d52f0a1b7c9d4", "{019aa7c4-5e80-7b21-9c3d-52f0a1b7c9d4}"]
)
def test_what_is_no_key_is_nothing(text: object) -> None:
    assert ids.parse(text) is None


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("36.5", 3650),
        ("¥36.50", 3650),
        ("３６．５元", 3650),
        (" 1,234 ", 123400),
        ("１，２３４，５６７。8", 123456780),
        ("-0.01", -1),
        ("0", 0),
        ("007", 700),
    ],
)
def test_money_as_people_type_it(typed: str, fen: int) -> None:
    assert money.parse(typed) == fen


@pytest.mark.parametrize("typed", ["", "abc", "1.234", "1e5", "--1", "1.2.3", "9" * 13, "0x10", "1 2", "36,5", "1,2345", ",5"])
def test_what_is_no_money_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        money.parse(typed)


@given(st.integers(-money.LIMIT, money.LIMIT))
def test_money_is_never_lost_by_being_written(fen: int) -> None:
    assert money.parse(money.plain(fen)) == fen
    assert money.show(fen).replace(",", "").replace("−", "-") == money.plain(fen)


def test_a_refusal_fills_its_sentence_and_knows_its_answer() -> None:
    refusal = Refusal("too_long", "还剩%(n)s分钟", n=5)
    assert refusal.words() == "还剩5分钟"
    assert refusal.words({"还剩%(n)s分钟": "%(n)s minutes left"}.__getitem__) == "5 minutes left"
    assert Refusal("percent", "满100%了").words() == "满100%了"
    assert [kind.status for kind in (Refusal, Missing, Forbidden, Conflict, Busy)] == [422, 404, 403, 409, 503]


def test_settings_are_made_once_and_found_again(tmp_path: Path) -> None:
    first = settings.read({"DATA_DIR": str(tmp_path / "data"), "PORT": "9000"})
    again = settings.read({"DATA_DIR": str(tmp_path / "data"), "PORT": "9000"})
    assert first == again
    assert len(first.field_keys[0]) == 32 and first.secret_key != first.field_keys[0].hex()
    assert (first.public_url, first.sqlite, first.sample) == ("http://127.0.0.1:9000", True, False)
    assert (tmp_path / "data" / "keys").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://nuanchao.example", True),
        ("http://nuanchao.example", False),
        ("https://192.168.1.5:8443", False),
        ("https://localhost", False),
        ("https://phone.local", False),
        ("https://[::1]", False),
    ],
)
def test_cards_are_printed_for_real_only_with_a_real_address(tmp_path: Path, url: str, public: bool) -> None:
    assert settings.read({"DATA_DIR": str(tmp_path), "PUBLIC_URL": url}).public is public
