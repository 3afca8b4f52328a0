"""What anybody may read about the subsidy: tiers, papers, and whom to ring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webapp.applications import rules
from webapp.kit import clock
from webapp.kit.show import chinese
from webapp.store import rulebook


@dataclass(frozen=True)
class Tier:
    """A tier as it is published: yuan a month for a household, who falls in it, what to bring. All in the reader's language."""

    name: str
    yuan: int
    who: Sequence[str]
    papers: Sequence[str]


def published() -> list[Tier]:
    """The tiers that hold today."""
    facts, tongue = rulebook.current("subsidy", clock.today()), "zh" if chinese() else "en"
    return [_tier(facts, each, tongue) for each in facts["tiers"]]


def _tier(facts: dict[str, Any], tier: dict[str, Any], tongue: str) -> Tier:
    brought = [each[tongue] for each in rules.brought(facts["documents"], tier["code"])]
    amount = facts["parameters"][tier["amount_param"]]["value"]
    return Tier(tier[tongue], amount, [path[tongue] for path in tier["paths"]], brought)
