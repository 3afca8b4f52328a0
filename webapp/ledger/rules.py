"""What could be worked out on paper: how money moves between accounts, when a slip is needed, what to look at.

Thresholds and categories are settings (kind "money", expense_categories.json); no figure stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

SOURCES = ("cash", "advance", "wallet")
"""Where money is: the elder's cash she holds, her own purse (the household owes it), the family's money on her phone."""
KEPT = ("cash", "wallet")
"""What she keeps for the household: counted, and given back."""
OWED = "owed"
"""What a former caregiver owes (前养护员欠): counted short when she could not be reached."""
GAP = "diff"
"""What counts found more or less (点钱的差额)."""
DIFFER, BACK, REPAID = "DIFF", "BACK", "REPAID"
"""Categories that no list offers: what a count found more or less, what was given back when a book ended, and what the
caregiver took back of her own."""
OTHER = {"expense": "EX-OTH", "income": "IN-OTH"}


class Flag(StrEnum):
    """Something to look at. Never a reason to refuse and never a deduction by itself (architecture, section 6)."""

    NEGATIVE = "NEGATIVE"
    OVER_LIMIT = "OVER_LIMIT"
    NO_RECEIPT = "NO_RECEIPT"
    SAME_PHOTO = "SAME_PHOTO"
    ASK_FIRST = "ASK_FIRST"
    OVER_MONTH = "OVER_MONTH"
    TWICE = "TWICE"
    ROUND = "ROUND"
    SPLIT = "SPLIT"
    EARLY = "EARLY"
    SHUT = "SHUT"
    OWED = "OWED"
    OVER_BACK = "OVER_BACK"


@dataclass(frozen=True)
class Limits:
    """The thresholds of one day at one station, fen."""

    receipt_from: int
    market_no_receipt_up_to: int
    ask_first_from: int
    station_ok_from: int
    cash_held_max: int
    month_max: int = 0
    """The most that may be spent in a month; 0: not agreed."""


@dataclass(frozen=True)
class Leg:
    """One posting: `fen` onto `account` (cash, advance, wallet, org, in:CODE, out:CODE)."""

    account: str
    fen: int


def limits(money: Mapping[str, Any]) -> Limits:
    """The thresholds of a rulebook body of kind "money"."""
    given = money["thresholds"]
    return Limits(**{name: given[name]["value_fen"] for name in Limits.__dataclass_fields__ if name in given})


@dataclass(frozen=True)
class Terms:
    """What was agreed with a household, fen. `month` 0: no limit."""

    receipt: int
    entry: int
    month: int
    cash: int


def agreed(limit: Limits, terms: Terms | None) -> Limits:
    """The thresholds of a household: what was agreed with it, else the station's. The station's own word is never signed away."""
    if terms is None:
        return limit
    return replace(limit, receipt_from=terms.receipt, ask_first_from=terms.entry, cash_held_max=terms.cash, month_max=terms.month)


@dataclass(frozen=True)
class Past:
    """What else the book tells of the month a spend falls into. Fen above zero; what was reversed does not count."""

    month_fen: int = 0
    day_fen: int = 0
    """Spent on the same day for the same kind of thing, each below the limit that asks first."""
    round_n: int = 0
    """Round sums without a slip."""
    twice: bool = False
    """The same sum for the same thing from the same source, minutes apart."""


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


def repaid(source: str, fen: int) -> list[Leg]:
    """`fen` (above 0) go from `source` back into her own purse: she had laid them out."""
    return [Leg(source, -fen), Leg("advance", fen)]


def repaid_flags(fen: int, left_fen: int, laid_out_fen: int) -> list[Flag]:
    """What to look at when she took back `fen`. `left_fen`: what the source holds after it; `laid_out_fen`: what she was owed."""
    found = {Flag.NEGATIVE: left_fen < 0, Flag.OVER_BACK: fen > laid_out_fen}
    return [flag for flag, holds in found.items() if holds]


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
    kind: str, fen: int, left_fen: int, limit: Limits, *, seen: bool, photos: int, again: bool, past: Past, habits: Habits
) -> list[Flag]:
    """What to look at in a spend. `left_fen`: what the source holds after it; 0 for her own purse.

    `again`: a photo of it hangs on another entry already. That somebody agreed is said by that person, not by her: a large
    spend asks for it whatever she wrote down.
    """
    whole = fen % habits.round_fen == 0 and not photos
    small = fen < limit.ask_first_from
    found = {
        Flag.NEGATIVE: left_fen < 0,
        Flag.OVER_LIMIT: fen >= limit.station_ok_from,
        Flag.NO_RECEIPT: not photos and needs_receipt(kind, fen, seen, limit),
        Flag.SAME_PHOTO: again,
        Flag.ASK_FIRST: limit.ask_first_from <= fen < limit.station_ok_from,
        Flag.OVER_MONTH: 0 < limit.month_max < past.month_fen + fen,
        Flag.TWICE: past.twice,
        Flag.ROUND: whole and past.round_n + 1 >= habits.round_entries,
        Flag.SPLIT: small and past.day_fen > 0 and past.day_fen + fen >= limit.ask_first_from,
    }
    return [flag for flag, holds in found.items() if holds]


@dataclass(frozen=True)
class Habits:
    """What counts as a pattern worth a look (`money["patterns"]`)."""

    round_fen: int
    round_entries: int
    twice_min: int
    gap_days: int
    consent_hours: int


def habits(money: Mapping[str, Any]) -> Habits:
    """The patterns of a rulebook body of kind "money"."""
    return Habits(**{name: int(money["patterns"][name]) for name in Habits.__dataclass_fields__})


KEEPER, RESIDENT, KIN, STATION, WITNESS = "caregiver", "resident", "kin", "station", "witness"
"""Sides that may confirm."""
OWN, THUMB, PHONE, BESIDE = "own", "thumb", "phone", "witness"
"""How: on an account of one's own; a thumb print, photographed; said on the telephone; before a witness."""


@dataclass(frozen=True)
class Said:
    """One confirmation: whose side, how, and which account wrote it down."""

    side: str
    how: str
    by: object


def confirmed(said: Sequence[Said], keeper: object, *, relative: bool) -> bool:
    """Whether two have confirmed and one of them is not who keeps the book (`keeper`: her account).

    A relative who lives there and keeps it never confirms her own: then somebody must say so on an account of their own.
    """
    others = [each for each in said if each.side != KEEPER or each.by != keeper]
    if relative:
        others = [each for each in others if each.how == OWN and each.by != keeper]
    return len(said) >= 2 and bool(others)


def differs(counted: int, booked: int, tolerance: int) -> bool:
    """Whether a count is further from the book than counts as equal; fen."""
    return abs(counted - booked) > tolerance


def halves(fen: int, heads: int) -> list[int]:
    """`fen` split among so many residents to the fen, the first ones a fen more."""
    each, rest = divmod(fen, heads)
    return [each + (n < rest) for n in range(heads)]


def receive_flags(source: str, held_fen: int, limit: Limits, *, again: bool) -> list[Flag]:
    """What to look at when money came in. `held_fen`: what the source holds after it."""
    found = {Flag.OVER_LIMIT: source == "cash" and held_fen > limit.cash_held_max, Flag.SAME_PHOTO: again}
    return [flag for flag, holds in found.items() if holds]
