"""Other rules tried on a month before they hold: what every sheet would have come to. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor, within
from webapp.evaluations import counting, models
from webapp.evaluations.models import Evaluation
from webapp.kit.month import Month
from webapp.people.models import Person, Place
from webapp.store import db

COUNTED = ("on_time_min", "log_late_days", "excused_reasons")
"""Settings that change what is counted, not only what is made of it."""


@dataclass(frozen=True)
class Moved:
    """One sheet under both rules; totals in tenths."""

    number: str
    name: str
    station: str
    before: int | None
    after: int | None
    grade: str | None
    graded: str | None

    @property
    def by(self) -> int:
        """How far it moves, tenths; a total that comes or goes counts as the whole."""
        return abs((self.after or 0) - (self.before or 0))


@dataclass(frozen=True)
class Trial:
    """A month under both rules. grades: code → (how many now, how many then)."""

    month: Month
    sheets: Sequence[Moved]
    grades: Mapping[str, tuple[int, int]]

    @property
    def moved(self) -> list[Moved]:
        """Those whose total changes, the furthest first."""
        return sorted((each for each in self.sheets if each.before != each.after), key=lambda each: (-each.by, each.number))

    @property
    def regraded(self) -> int:
        """How many get another grade."""
        return sum(each.grade != each.graded for each in self.sheets)

    @property
    def means(self) -> tuple[int | None, int | None]:
        """(now, then), tenths."""
        return _mean([each.before for each in self.sheets]), _mean([each.after for each in self.sheets])


def _mean(totals: Sequence[int | None]) -> int | None:
    known = [total for total in totals if total is not None]
    return round(sum(known) / len(known)) if known else None


def trial(month: Month, tried: dict[str, Any], actor: Actor | None = None) -> Trial:
    """Every sheet of a month (within the actor's reach) made again by the rules `tried`, with what was put right and marked."""
    held = models.settings(month)
    other = any(tried["monthly"]["settings"].get(name) != held["monthly"]["settings"].get(name) for name in COUNTED)
    again = counting.count(month, held=tried) if other else {}
    vetoed = sa.exists().where(models.Veto.evaluation_id == Evaluation.id, models.Veto.confirmed_at.is_not(None))
    ask = sa.select(Evaluation) if actor is None else within(actor, sa.select(Evaluation))
    rows = db.session().execute(
        ask.with_only_columns(
            Evaluation.caregiver_id, Person.number, Person.name, Place.name, Evaluation.total, Evaluation.grade, Evaluation.facts,
            Evaluation.corrections, Evaluation.home, Evaluation.attitude, Evaluation.adjustment, vetoed,
        )
        .join(Person, Person.id == Evaluation.caregiver_id)
        .join(Place, Place.id == Evaluation.station_id)
        .where(Evaluation.month == str(month))
        .order_by(Person.number)
    )  # fmt: skip
    made = []
    for key, number, name, station, total, grade, facts, corrections, home, attitude, adjustment, barred in rows:
        counted = models.counted(facts | _recounted(again.get(key), other), corrections, home, attitude)
        found = models.reckoned(month, counted, adjustment, bool(barred), tried)
        made.append(Moved(number, name, station, total, found["total"], grade, found["grade"]))
    now, then = Counter(each.grade for each in made), Counter(each.graded for each in made)
    codes = [band["code"] for band in tried["grades"]["bands"]]
    return Trial(month, made, {code: (now[code], then[code]) for code in codes})


def _recounted(found: dict[str, Any] | None, other: bool) -> dict[str, Any]:
    if not other:
        return {}
    return {name: (found or counting.empty())[name] for name in ("visits_started", "visits_on_time", "logs_on_time", "logs_late")}
