"""Card numbers: never twice, never guessable from a neighbour, and a slip of the finger is noticed."""

from __future__ import annotations

import pytest

from webapp.cards import number

KEY = b"a key of the test"
SAMPLES = [number.number_for(serial, KEY) for serial in range(0, 1_000_000, 49_999)]


def test_no_two_serials_share_a_number():
    numbers = {number.number_for(serial, KEY) for serial in range(20_000)}
    assert len(numbers) == 20_000


def test_the_network_permutes_all_it_covers(monkeypatch):
    monkeypatch.setattr(number, "_HALF", 40)
    six = {number.number_for(serial, KEY)[:6] for serial in range(1_600)}
    assert six == {f"{n:06d}" for n in range(1_600)}, "the same network over 40 x 40, walked to the end"


def test_the_same_serial_and_key_always_give_the_same_number():
    assert [number.number_for(n, b"k" * 32) for n in (0, 1, 999_999)] == ["0920822", "7851843", "2514425"]


def test_neighbouring_serials_lie_far_apart():
    values = [int(number.number_for(serial, KEY)[:6]) for serial in range(2_000)]
    gaps = sorted(abs(a - b) for a, b in zip(values, values[1:], strict=False))
    assert gaps[len(gaps) // 2] > 200_000, "a random permutation has a median gap near 293,000"
    assert sum(gap < 100 for gap in gaps) < 10


def test_another_key_gives_other_numbers():
    same = sum(number.number_for(n, KEY) == number.number_for(n, b"another") for n in range(2_000))
    assert same < 5


@pytest.mark.parametrize("serial", [-1, 1_000_000])
def test_a_serial_out_of_range_is_refused(serial):
    with pytest.raises(ValueError, match="outside"):
        number.number_for(serial, KEY)


def test_every_single_wrong_digit_is_noticed():
    for right in SAMPLES:
        assert number.valid(right)
        for place in range(7):
            for digit in "0123456789".replace(right[place], ""):
                assert not number.valid(right[:place] + digit + right[place + 1 :])


def test_every_swap_of_neighbours_is_noticed():
    for right in SAMPLES:
        for place in range(6):
            swapped = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
            assert swapped == right or not number.valid(swapped)


@pytest.mark.parametrize("text", ["", "362741", "36274100", "3627410\n", "362741O", "٣٦٢٧٤١٠"])
def test_only_seven_plain_digits_are_valid(text):
    assert not number.valid(text)


@pytest.mark.parametrize(
    "typed",
    ["3627419", " 362 7419 ", "362-7419", "３６２　７４１９", "３６２－７４１９", "362—7419"]
    + ["三六二 七四一九", "三六二七四幺九"],
)
def test_a_number_is_understood_however_it_is_typed(typed):
    assert number.parse(typed) == "3627419"


@pytest.mark.parametrize("typed", ["3627418", "3672419", "李秀兰", "", "3627419 3627419", "9" * 10_000])
def test_what_is_no_number_gives_none(typed):
    assert number.parse(typed) is None


def test_a_number_is_spoken_in_three_and_four():
    assert number.spoken("3627419") == "362 7419"
