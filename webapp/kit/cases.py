"""Reading one case of a calculator: what was typed into a file, judged member by member, with plain words for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from webapp.kit.refusal import Refusal

Case = Mapping[str, Any]
Calculator = Callable[[Mapping[str, Any], Case], dict[str, Any]]
"""(rules, case) → the answers of the case. Raises Refusal where the case cannot be worked out."""


def read(text: str) -> tuple[list[Any], bool]:
    """The cases of a file (one case, a list, or {"test_cases": list}) and whether it was a single one; numbers stay exact.

    Refuses what is no JSON, and a file without a case.
    """
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_never)
    except json.JSONDecodeError as error:
        raise Refusal("not_json", "文件读不懂，请看第 %(line)s 行：它要是 JSON", line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise Refusal("not_json", "文件里的数读不懂，请写普通的数") from error
    if isinstance(found, dict) and isinstance(found.get("test_cases"), list):
        found = found["test_cases"]
    cases = found if isinstance(found, list) else [found]
    if not cases:
        raise Refusal("no_case", "文件里没有一个例子，请至少写一个")
    return cases, not isinstance(found, list)


def _never(word: str) -> None:
    raise ValueError(word)


def answer(calculator: Calculator, rules: Mapping[str, Any], cases: list[Any]) -> list[dict[str, Any]]:
    """Every case with its answers beside it. Refuses at the first that cannot be worked out, naming its place."""
    done = []
    for n, case in enumerate(cases, 1):
        if not isinstance(case, Mapping):
            raise Refusal("case", "第 %(n)s 个例子不对：要用花括号写成一项一项的", n=n)
        try:
            done.append({**case, **calculator(rules, case)})
        except Refusal as wrong:
            raise Refusal("case", "第 %(n)s 个例子不对：%(what)s", n=n, what=wrong.words()) from wrong
    return done


def write(answers: object) -> str:
    """JSON for people: Chinese as it is, exact numbers as plain ones."""
    return json.dumps(answers, ensure_ascii=False, indent=1, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(value)


def need(case: Case, name: str) -> Any:
    """The member `name`. Refuses when it is missing or empty."""
    if case.get(name) is None:
        raise Refusal("missing", "缺 %(name)s 这一项", name=name)
    return case[name]


def table(case: Case, name: str) -> Mapping[str, Any]:
    """The member `name`, itself made of members."""
    found = need(case, name)
    if not isinstance(found, Mapping):
        raise Refusal("shape", "%(name)s 要用花括号写成一项一项的", name=name)
    return found


def items(case: Case, name: str, *, must: bool = True) -> list[Any]:
    """The member `name`, a list; without `must`, nothing is an empty one."""
    found = need(case, name) if must or case.get(name) is not None else []
    if not isinstance(found, list):
        raise Refusal("shape", "%(name)s 要用方括号列出来", name=name)
    return found


def number(value: Any, name: str, low: Any = None, high: Any = None) -> Decimal:
    """`value` as an exact number from `low` to `high`. Refuses words, true and false, and what lies outside."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -(10**12) < value < 10**12:
        raise Refusal("number", "%(name)s 要填数，现在是 %(value)s", name=name, value=_short(value))
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    if (low is not None and exact < low) or (high is not None and exact > high):
        raise Refusal(
            "range",
            "%(name)s 要在 %(low)s 到 %(high)s 之间，现在是 %(value)s",
            name=name,
            low=low,
            high=high,
            value=_short(value),
        )
    return exact


def whole(value: Any, name: str, low: int, high: int) -> int:
    """`value` as a whole number from `low` to `high`."""
    exact = number(value, name, low, high)
    if exact != exact.to_integral_value():
        raise Refusal("whole", "%(name)s 要填整数，现在是 %(value)s", name=name, value=_short(value))
    return int(exact)


def one_of(value: Any, name: str, known: Collection[Any]) -> Any:
    """`value` if it is one of `known`."""
    if isinstance(value, list | dict) or value not in known:
        listed = "、".join(str(each) for each in list(known)[:12])
        raise Refusal("choice", "%(name)s 写的是 %(value)s，只能是：%(known)s", name=name, value=_short(value), known=listed)
    return value


def half_up(value: Any, places: int = 1) -> Decimal:
    """Rounded half up. `value`: a Fraction or Decimal."""
    exact = Decimal(value.numerator) / Decimal(value.denominator) if not isinstance(value, Decimal) else value
    return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 30 else f"{text[:30]}…"
