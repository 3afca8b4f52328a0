"""The number printed beside the code, for when the camera will not: six digits and a check digit.

Neighbouring cards get numbers far apart, so nobody guesses the next one from the one in hand.
"""

from __future__ import annotations

import hmac
import re
import unicodedata

from stdnum import damm

CAPACITY = 1_000_000  # serials of one key: 0 to 999999
_ROUNDS = 10
_HALF = 1_000  # squared, it is CAPACITY
_SPOKEN_DIGITS = str.maketrans("零〇一幺二两三四五六七八九", "0011223456789")
_GAPS = re.compile(r"[\s\-_.·,，。、‐‑‒–—―−]+")


def number_for(serial: int, key: bytes) -> str:
    """The 7 digits of the card numbered `serial` (0 to 999999) under `key`; no two serials share one.

    A Feistel network over 1000 x 1000 permutes the million exactly: nothing to store, nothing to retry.
    Refuses a serial out of range (ValueError).
    """
    if not 0 <= serial < CAPACITY:
        raise ValueError(f"serial {serial} outside 0..{CAPACITY - 1}")
    left, right = divmod(serial, _HALF)
    for turn in range(_ROUNDS):
        left, right = right, (left + _mix(key, turn, right)) % _HALF
    six = f"{left * _HALF + right:06d}"
    return six + damm.calc_check_digit(six)


def valid(number: str) -> bool:
    """Whether `number` is exactly 7 plain digits whose check digit agrees.

    Damm's check catches every single wrong digit and every swap of two neighbours.
    """
    return re.fullmatch(r"[0-9]{7}", number) is not None and damm.is_valid(number)


def parse(text: str) -> str | None:
    """The card number in what a person typed or dictated, or None.

    Takes full-width and Chinese digits, spaces and dashes: "３６２－７４１９", "三六二 七四一九".
    """
    plain = unicodedata.normalize("NFKC", text).translate(_SPOKEN_DIGITS)
    digits = _GAPS.sub("", plain)
    return digits if valid(digits) else None


def spoken(number: str) -> str:
    """As it is printed and read out: "3627419" → "362 7419"."""
    return f"{number[:3]} {number[3:]}"


def _mix(key: bytes, turn: int, half: int) -> int:
    return int.from_bytes(hmac.digest(key, b"card-number %d %d" % (turn, half), "sha256")[:8], "big")
