"""When a phone asks for its PIN, what a phone left out, which network an address counts under."""

from datetime import UTC, datetime, timedelta

import pytest

from webapp.kit.refusal import Refusal
from webapp.people import entry, rules

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # 12:00 in Dalian


def asks(*, shared=False, unlocked=timedelta(0), used=None, private=False, working=False, now=NOON):
    phone = rules.Phone(shared, now - unlocked, now - (unlocked if used is None else used))
    return rules.needs_pin(phone, now, private=private, working=working, idle_minutes=5, private_minutes=15)


def test_an_own_phone_asks_once_a_household_day():
    assert not asks(unlocked=timedelta(hours=11))
    assert asks(unlocked=timedelta(hours=13))
    just_after_midnight = datetime(2026, 11, 20, 16, 1, tzinfo=UTC)
    assert asks(unlocked=timedelta(minutes=2), now=just_after_midnight)


def test_an_own_phone_does_not_mind_lying_idle():
    assert not asks(unlocked=timedelta(hours=3))


def test_the_book_and_the_health_history_ask_for_a_fresh_pin():
    assert not asks(unlocked=timedelta(minutes=14), private=True)
    assert asks(unlocked=timedelta(minutes=15), private=True)


def test_a_shared_phone_asks_after_five_idle_minutes():
    assert not asks(shared=True, unlocked=timedelta(hours=2), used=timedelta(minutes=4))
    assert asks(shared=True, unlocked=timedelta(hours=2), used=timedelta(minutes=5))


def test_the_pin_just_given_counts_as_a_touch():
    assert not asks(shared=True, unlocked=timedelta(minutes=1), used=timedelta(hours=2))


@pytest.mark.parametrize("shared", [True, False])
def test_nobody_is_asked_in_the_middle_of_a_visit(shared):
    assert not asks(shared=shared, unlocked=timedelta(days=2), private=True, working=True)


def test_missing_numbers_are_named_as_stretches_without_counting_them_out():
    assert rules.missing_numbers([1, 2, 5, 6, 9]) == [(3, 4), (7, 8)]
    assert rules.missing_numbers([4]) == [(1, 3)]
    assert rules.missing_numbers([]) == []
    assert rules.missing_numbers([2**53 - 1]) == [(1, 2**53 - 2)]


def test_one_home_with_many_addresses_is_one_network():
    assert rules.network_of("2001:db8:1:2:aaaa::1") == rules.network_of("2001:db8:1:2:bbbb::2")
    assert rules.network_of("203.0.113.7") != rules.network_of("203.0.113.8")
    assert rules.network_of(None) == rules.network_of("rubbish") == "none"


def test_digits_are_read_however_they_are_typed():
    assert entry.figures(" １２３４ 5678\u202e ") == "12345678"
    assert entry.figures("1234-5678") == "12345678"


GOOD = {
    "slip": "12345678",
    "pin": "280591",
    "gen": 29_000_000,
    "label": "红米",
    "jwk": {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    },
}


def test_a_good_phone_is_read():
    assert entry.read_phone(GOOD).x == GOOD["jwk"]["x"]


@pytest.mark.parametrize(
    "change",
    [
        {"slip": None},
        {"slip": ""},
        {"slip": "1" * 41},
        {"slip": 12345678},
        {"pin": None},
        {"pin": ["2", "8"]},
        {"pin": "1" * 999},
        {"gen": "29"},
        {"gen": True},
        {"gen": 0},
        {"gen": 2**31},
        {"gen": 1.5},
        {"jwk": None},
        {"jwk": []},
        {"jwk": GOOD["jwk"] | {"crv": "P-384"}},
        {"jwk": GOOD["jwk"] | {"d": "secret"}},
        {"jwk": GOOD["jwk"] | {"x": "A" * 43}},
        {"jwk": GOOD["jwk"] | {"x": "!" * 43}},
        {"jwk": GOOD["jwk"] | {"x": "暖" * 43}},
        {"jwk": GOOD["jwk"] | {"y": 7}},
    ],
)
def test_a_phone_that_makes_no_sense_is_refused_in_words(change):
    with pytest.raises(Refusal):
        entry.read_phone(GOOD | change)


def test_a_label_of_anything_is_only_a_label(app):
    with app.test_request_context():
        assert entry.read_phone(GOOD | {"label": {"a": 1}}).label
        assert entry.read_phone(GOOD | {"label": "红米\x00\u202e\ud800😀" + "长" * 99}).label.startswith("红米😀")


@pytest.mark.parametrize("sent", [None, [], "x", 7])
def test_something_else_than_an_object_is_refused(sent):
    with pytest.raises(Refusal):
        entry.read_phone(sent)
