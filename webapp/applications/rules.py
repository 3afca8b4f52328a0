"""The tier of a household (subsidy_rules.json): expressions over facts, the first tier with a true path wins. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.access import Role
from webapp.kit import cases
from webapp.kit.refusal import Refusal

NONE = "NONE"
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """What the rules say. paths: true ones of the winning tier. review: of higher tiers, for a person to decide.

    amount: yuan a month, None without a tier. missing: facts nobody told that could still raise the tier.
    """

    tier: str
    paths: tuple[str, ...]
    review: tuple[str, ...]
    amount: int | None
    missing: tuple[str, ...]


def decide(rules: Mapping[str, Any], household: Facts, members: Sequence[Facts]) -> Decision:
    """The decision for a household and its members: A before B before C before D."""
    facts = _Facts(rules, household, members)
    review: list[str] = []
    higher: list[Mapping[str, Any]] = []
    for tier in rules["tiers"]:
        paths = tuple(path["id"] for path in tier["paths"] if facts.hold(path["when"]))
        if paths:
            amount = rules["parameters"][tier["amount_param"]]["value"]
            return Decision(tier["code"], paths, tuple(review), int(amount), facts.missing(higher))
        review += [path["id"] for path in tier.get("review_paths", ()) if facts.hold(path["when"])]
        higher += tier["paths"]
    return Decision(NONE, (), tuple(review), None, facts.missing(higher))


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda told, asked: bool(told == asked),
    "ge": lambda told, asked: bool(told >= asked),
    "le": lambda told, asked: bool(told <= asked),
    "gt": lambda told, asked: bool(told > asked),
    "lt": lambda told, asked: bool(told < asked),
    "in": lambda told, asked: told in asked,
}


@dataclass(frozen=True)
class _Facts:
    rules: Mapping[str, Any]
    household: Facts
    members: Sequence[Facts]

    def hold(self, when: Mapping[str, Any], member: Facts | None = None, *, kindly: bool = False) -> bool:
        """Whether an expression is true. kindly: facts nobody told count as speaking for it."""

        def each(inner: Mapping[str, Any]) -> bool:
            return self.hold(inner, member, kindly=kindly)

        if "all" in when:
            return all(each(one) for one in when["all"])
        if "any" in when:
            return any(each(one) for one in when["any"])
        if "not" in when:
            return not self.hold(when["not"], member)
        if "exists_member" in when:
            return any(self.hold(when["exists_member"], one, kindly=kindly) for one in self.members)
        if "exists_pair" in when:
            return any(
                first is not second
                and self.hold(when["exists_pair"]["first"], first, kindly=kindly)
                and self.hold(when["exists_pair"]["second"], second, kindly=kindly)
                for first in self.members
                for second in self.members
            )
        return self._leaf(when, member, kindly)

    def _leaf(self, leaf: Mapping[str, Any], member: Facts | None, kindly: bool) -> bool:
        whose, _dot, name = leaf["fact"].partition(".")
        told = (self.household if whose == "household" else member or {}).get(name)
        asked = self.rules["parameters"][leaf["param"]]["value"] if "param" in leaf else leaf["value"]
        if told is None:
            return kindly or leaf["op"] == "ne"
        return told != asked if leaf["op"] == "ne" else OPERATORS[leaf["op"]](told, asked)

    def missing(self, higher: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """The untold facts of paths that would be true if those facts spoke for them."""
        found: dict[str, None] = {}
        for path in higher:
            if self.hold(path["when"], kindly=True):
                found |= dict.fromkeys(name for name in _named(path["when"]) if self._untold(name))
        return tuple(sorted(found))

    def _untold(self, name: str) -> bool:
        whose, _dot, fact = name.partition(".")
        return self.household.get(fact) is None if whose == "household" else any(m.get(fact) is None for m in self.members)


def _named(when: Mapping[str, Any]) -> Iterator[str]:
    if "fact" in when and when["op"] != "ne":  # untold, it speaks for the path already
        yield str(when["fact"])
    for inner in when.values():
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, Mapping):
                yield from _named(each)


def answer(rules: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    """{"household", "members"} → "expect": tier, paths, review, amount; and missing, where a fact could raise the tier."""
    household = _checked(rules, cases.table(case, "household"), "household")
    members = cases.items(case, "members")
    if not all(isinstance(each, Mapping) for each in members):
        raise Refusal("shape", "%(name)s 要用花括号写成一项一项的", name="members")
    found = decide(rules, household, [_checked(rules, each, "member") for each in members])
    told = {"tier": found.tier, "paths": list(found.paths), "review": list(found.review), "amount": found.amount}
    return {"expect": told | ({"missing": list(found.missing)} if found.missing else {})}


def _checked(rules: Mapping[str, Any], facts: Facts, whose: str) -> Facts:
    known = {name.partition(".")[2]: what for name, what in rules["facts"].items() if name.startswith(f"{whose}.")}
    for name, value in facts.items():
        kind = known[cases.one_of(name, whose, known)]
        if value is None:
            continue
        form = kind["type"].partition("|")[0]
        if form == "bool" and not isinstance(value, bool):
            raise Refusal("yes_no", "%(name)s 要写 true 或 false", name=name)
        if form == "enum":
            cases.one_of(value, name, kind["values"])
        elif form == "int":
            cases.whole(value, name, 0, 150)
        elif form == "decimal":
            cases.number(value, name, 0, 10**9)
    return facts


MADE_HERE = ("application_form", "assessment", "home_survey", "public_notice", "street_opinion")
"""Papers that the offices make or hand out: nobody brings them."""


def brought(papers: Sequence[Mapping[str, Any]], tier: str) -> list[Mapping[str, Any]]:
    """The papers that somebody who asks for `tier` brings."""
    return [each for each in papers if each["code"] not in MADE_HERE and any(for_[0] == tier for for_ in each["required_for"])]


SUBMITTED = "submitted"
OVER = ("rejected", "withdrawn", "ended")
"""States after which a household may ask anew."""
MAY_PUBLISH = ("surveyed", "objected")
NEED_WORDS = ("objected", "rejected", "returned", "withdrawn", "ended")
PUBLISHED = "on_notice"
"""Reached only by putting the notice up."""
SAYS = {
    "station_head": Role.STATION_HEAD, "station_worker": Role.STATION_HEAD, "street_clerk": Role.STREET_MANAGER,
    "street_manager": Role.STREET_MANAGER, "street_director": Role.STREET_MANAGER, "district_reviewer": Role.DISTRICT_REVIEWER,
}  # fmt: skip
"""Whose word it is here: the house has fewer roles than the paper."""


def next_states(transitions: Sequence[Mapping[str, Any]], state: str, role: Role) -> list[str]:
    """The states `role` may move an application to from `state`, as the setting lists them; the notice has a way of its own."""
    found = [
        each["to"] for each in transitions
        if state in each["from"].split("|") and role in {SAYS[one] for one in each["by"] if one in SAYS}
    ]  # fmt: skip
    return [each for each in dict.fromkeys(found) if each != PUBLISHED]
