"""What could be worked out on paper: how money moves between accounts, when a slip is needed, what to look at.

Thresholds and categories are settings (kind "money", expense_categories.json); no figure stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SOURCES = ("cash", "advance", "wallet")
"""Where money is: the elder's cash she holds, her own purse (the household owes it), the family's money on her phone."""
OTHER = {"expense": "EX-OTH", "income": "IN-OTH"}


class Flag(StrEnum):
    """Something to look at. Never a reason to refuse and never a deduction by itself (architecture, section 6)."""

    NEGATIVE = "NEGATIVE"
    OVER_LIMIT = "OVER_LIMIT"
    NO_RECEIPT = "NO_RECEIPT"
    SAME_PHOTO = "SAME_PHOTO"
    ASK_FIRST = "ASK_FIRST"


@dataclass(frozen=True)
class Limits:
    """The thresholds of one day at one station, fen."""

    receipt_from: int
    market_no_receipt_up_to: int
    ask_first_from: int
    station_ok_from: int
    cash_held_max: int


@dataclass(frozen=True)
class Leg:
    """One posting: `fen` onto `account` (cash, advance, wallet, org, in:CODE, out:CODE)."""

    account: str
    fen: int


def limits(money: Mapping[str, Any]) -> Limits:
    """The thresholds of a rulebook body of kind "money"."""
    given = money["thresholds"]
    return Limits(**{name: given[name]["value_fen"] for name in Limits.__dataclass_fields__})


def category(money: Mapping[str, Any], side: str, code: str) -> Mapping[str, Any]:
    """The category of a code on a side ("expense", "income"); what nobody knows is 其他.

    Phones stay away for weeks while districts change their lists: an unknown code must not stop money.
    """
    known: dict[str, Mapping[str, Any]] = {each["code"]: each for each in money[side]}
    return known.get(code) or known[OTHER[side]]


def spent(source: str, code: str, fen: int) -> list[Leg]:
    """`fen` (above 0) leave `source` for an expense."""
    return [Leg(source, -fen), Leg(f"out:{code}", fen)]


def received(source: str, code: str, fen: int) -> list[Leg]:
    """`fen` (above 0) come into `source` from an income. Into `advance`: she got back what she had laid out."""
    return [Leg(source, fen), Leg(f"in:{code}", -fen)]


def undone(legs: Sequence[Leg]) -> list[Leg]:
    """The same postings the other way round."""
    return [Leg(leg.account, -leg.fen) for leg in legs]


def needs_receipt(kind: str, fen: int, seen: bool, limit: Limits) -> bool:
    """Whether a slip or screenshot is wanted for a spend of `fen`. `kind`: the category's rule; `seen`: 老人看过."""
    if kind == "always":
        return True
    excused = kind == "market_rule" and seen and fen <= limit.market_no_receipt_up_to
    return fen >= limit.receipt_from and not excused


def spend_flags(
    kind: str, fen: int, left_fen: int, limit: Limits, *, seen: bool, agreed: str | None, photos: int, again: bool
) -> list[Flag]:
    """What to look at in a spend. `left_fen`: what the source holds after it; 0 for her own purse.

    `agreed`: who said yes (elder, family, station); `again`: a photo of it hangs on another entry already.
    """
    found = {
        Flag.NEGATIVE: left_fen < 0,
        Flag.OVER_LIMIT: fen >= limit.station_ok_from and agreed != "station",
        Flag.NO_RECEIPT: not photos and needs_receipt(kind, fen, seen, limit),
        Flag.SAME_PHOTO: again,
        Flag.ASK_FIRST: limit.ask_first_from <= fen < limit.station_ok_from and not agreed,
    }
    return [flag for flag, holds in found.items() if holds]


def receive_flags(source: str, held_fen: int, limit: Limits, *, again: bool) -> list[Flag]:
    """What to look at when money came in. `held_fen`: what the source holds after it."""
    found = {Flag.OVER_LIMIT: source == "cash" and held_fen > limit.cash_held_max, Flag.SAME_PHOTO: again}
    return [flag for flag, holds in found.items() if holds]
