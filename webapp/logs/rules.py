"""What could be worked out on paper: the words the taps already say, and until when words may be replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

MOODS = {"good": "精神好", "fair": "精神一般", "poor": "不舒服"}
MEALS = {"well": "吃得好", "some": "吃了一些", "little": "吃得少"}
SLEPT = {"good": "睡得好", "fair": "睡得一般", "poor": "没睡好"}


def draft(
    done: Sequence[str], refused: Sequence[str] = (), mood: str | None = None, meals: str | None = None, slept: str | None = None
) -> str:
    """The diary as the taps tell it, for the caregiver to edit. `done`, `refused`: names of items as people say them.

    Always Chinese: it becomes part of the record that the family reads. Empty when nothing was tapped.
    """
    state = in_words(mood, meals, slept)
    parts = [
        f"做了{'、'.join(done)}" if done else "",
        f"老人今天不要{'、'.join(refused)}" if refused else "",
        f"老人{state}" if state else "",
    ]
    return "".join(f"{part}。" for part in parts if part)


def in_words(mood: str | None, meals: str | None, slept: str | None) -> str:
    """How somebody was, as one says it; empty when nothing was tapped. Chinese, as the draft."""
    told = [MOODS.get(mood or ""), MEALS.get(meals or ""), SLEPT.get(slept or "")]
    return "，".join(each for each in told if each)


def locked_at(midnight: datetime, left_at: datetime | None, minutes: int) -> datetime:
    """From when a change is shown as a change: `minutes` after leaving, or the end of the household's day, the later one."""
    return midnight if left_at is None else max(midnight, left_at + timedelta(minutes=minutes))


def changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """What of `before` is no longer so, with its old words; the new ones are under the same names in `after`."""
    return {name: words for name, words in before.items() if after.get(name, words) != words}
