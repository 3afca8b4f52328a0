"""Adding up a self-scoring form, and reading a form that a district types. Pure. Scores are tenths of a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from webapp.kit.refusal import Refusal

Items = Sequence[Mapping[str, Any]]
Lines = Mapping[str, Mapping[str, Any]]
OWN, CHECKED = "own", "checked"
MOST = 60
"""Items of one form."""


def full(items: Items) -> int:
    """The full marks of a form, in points."""
    return sum(each["full"] for each in items)


def total(items: Items, lines: Lines, which: str) -> int | None:
    """Tenths of `own` or `checked` scores; None while one of them is missing."""
    found = [lines.get(each["code"], {}).get(which) for each in items]
    return None if any(score is None for score in found) else sum(score for score in found if score is not None)


def tenths(text: str) -> int:
    """3.5 → 35. Raises ValueError for what is no number of at most one decimal, from 0 to 999."""
    try:
        exact = Decimal(text.strip().replace("．", ".")) * 10
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not exact.is_finite() or exact != exact.to_integral_value() or not 0 <= exact < 10_000:
        raise ValueError(text)
    return int(exact)


def written(items: Items) -> str:
    """A form as it is typed: one item a line, name | full marks | English name."""
    return "\n".join(f"{each['zh']} | {each['full']} | {each['en']}" for each in items)


def read(text: str, known: Items) -> list[dict[str, Any]]:
    """The items of what was typed. One whose name stays keeps its code, so that scores already given stay with it.

    Refuses a line without full marks, a name twice, and too many items.
    """
    codes = {each["zh"]: each["code"] for each in known}
    free = iter(sorted({f"C{n}" for n in range(1, 2 * MOST)} - set(codes.values()), key=lambda code: int(code[1:])))
    made: list[dict[str, Any]] = []
    for line in (each for each in text.splitlines() if each.strip()):
        name, marks, english = ([part.strip() for part in line.replace("｜", "|").split("|")] + ["", ""])[:3]
        if not name or not marks.isdecimal() or not 1 <= int(marks) <= 100:
            raise Refusal("line", "“%(line)s”要写成：项目 | 分 | 英文", field="items", line=line.strip()[:30])
        if name[:80] in [each["zh"] for each in made]:
            raise Refusal("twice", "“%(line)s”写了两次", field="items", line=name[:30])
        made.append(
            {"code": codes.get(name[:80]) or next(free), "zh": name[:80], "en": (english or name)[:120], "full": int(marks)}
        )
    if not 1 <= len(made) <= MOST:
        raise Refusal("many", "要有 1 到 %(most)s 项", field="items", most=MOST)
    return made
