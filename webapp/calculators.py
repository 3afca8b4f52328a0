"""The calculators of `flask rules KIND FILE.json`: a district tries a rule on paper before changing it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from webapp.applications import rules as applications
from webapp.evaluations import rules as evaluations
from webapp.health import ability
from webapp.health import rules as health
from webapp.inspections import rules as inspections
from webapp.kit import cases, days
from webapp.kit.refusal import Refusal
from webapp.store import rulebook

CALCULATORS: dict[str, cases.Calculator] = {
    "evaluation": evaluations.answer,
    "inspection": inspections.answer,
    "health": health.answer,
    "assessment": ability.answer,
    "subsidy": applications.answer,
    "calendar": days.answer,
    "draw": inspections.answer_draw,
}
"""Kind → how one case is answered by the rules of that kind."""
_HERE = Path(__file__).parent
for _kind, _path in {
    "evaluation": "evaluations/evaluation.json",
    "inspection": "inspections/inspection.json",
    "health": "health/health_check.json",
    "assessment": "health/assessment.json",
    "subsidy": "applications/subsidy_rules.json",
    "calendar": "store/calendars.json",
    "draw": "inspections/inspection.json",
}.items():
    rulebook.ship(_kind, _HERE / _path)


def calculate(kind: str, text: str, on: date, other: dict[str, Any] | None = None) -> str:
    """The cases in `text` answered by the rules that hold on a day, or by `other` rules; JSON in the cases' own form.

    Refuses what cannot be read or worked out.
    """
    found, single = cases.read(text)
    try:
        answers = cases.answer(CALCULATORS[kind], other or _rules(kind, on), found)
    except (KeyError, TypeError, ValueError, StopIteration, IndexError, ArithmeticError) as error:
        if other is None:
            raise
        raise Refusal("rule_set", "这套规则里缺东西，算不出来：%(what)s", what=repr(error)[:60]) from error
    return cases.write(answers[0] if single else answers)


def _rules(kind: str, on: date) -> dict[str, Any]:
    """The rules that hold; the shipped ones where there is no database yet."""
    try:
        return rulebook.current(kind, on)
    except sa.exc.DatabaseError:
        return rulebook.default(kind)
