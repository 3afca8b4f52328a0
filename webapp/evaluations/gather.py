"""Gathering a month for every caregiver at once: counted, made points of, written; never more questions for more people."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from webapp.access import Role
from webapp.evaluations import models
from webapp.evaluations.counting import Counts, count, empty
from webapp.evaluations.models import OPEN, Evaluation
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.people.models import Account, Grant, Person
from webapp.store import audit, db, jobs


def gather(month: Month, stations: Sequence[uuid.UUID] | None = None) -> int:
    """Count the month and write every sheet that is not signed yet; returns how many caregivers were counted.

    Only those of `stations`, when they are given.

    Repeating it changes nothing but what has come in since. Days to come are not counted.
    """
    counts, staff = count(month), _staff(month)
    rows, now = [], clock.now()
    kept = _kept(month)
    for person, station in staff.items():
        if stations is not None and station not in stations:
            continue
        facts = counts.get(person) or empty()
        state, corrections, home, attitude, adjustment, vetoed = kept.get(person, (None, {}, None, None, 0, False))
        if state is None or state in OPEN:
            found = models.reckoned(month, models.counted(facts, corrections, home, attitude), adjustment, vetoed)
            rows.append(
                {"id": ids.new(), "made_at": now, "caregiver_id": person, "station_id": station, "month": str(month),
                 "state": models.GATHERED, "facts": facts, "corrections": {}, "gathered_at": now, "home_words": "",
                 "attitude_words": "", "words": "", "adjustment": 0, "adjustment_words": "", **found}
            )  # fmt: skip
    _write(rows)
    audit.note("evaluations.gather", f"month:{month}", caregivers=len(rows))
    return len(rows)


def _write(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    session = db.session()
    table: Any = Evaluation.__table__
    insert = db.insert(table)
    fresh = {name: insert.excluded[name] for name in ("facts", "points", "total", "grade", "gathered_at")}
    session.connection().execute(
        insert.on_conflict_do_update(index_elements=["caregiver_id", "month"], set_=fresh, where=table.c.signed_at.is_(None)),
        rows,
    )
    session.expire_all()


def _kept(month: Month) -> dict[uuid.UUID, tuple[str, dict[str, Any], int | None, int | None, int, bool]]:
    vetoed = sa.exists().where(models.Veto.evaluation_id == Evaluation.id, models.Veto.confirmed_at.is_not(None))
    ask = sa.select(
        Evaluation.caregiver_id, Evaluation.state, Evaluation.corrections, Evaluation.home, Evaluation.attitude,
        Evaluation.adjustment, vetoed,
    ).where(Evaluation.month == str(month))  # fmt: skip
    return {person: (*rest[:5], bool(rest[5])) for person, *rest in db.session().execute(ask)}


def _staff(month: Month) -> dict[uuid.UUID, uuid.UUID]:
    """Every caregiver who held the role in the month and belongs to a station."""
    first, last = clock.instant(month.first, 0), clock.day_bounds(month.last)[1]
    ask = (
        sa.select(Person.id, Person.station_id)
        .join(Account, Account.person_id == Person.id)
        .join(Grant, Grant.account_id == Account.id)
        .where(Grant.role == Role.CAREGIVER, Person.station_id.is_not(None))
        .where(Grant.since < last, sa.or_(Grant.until.is_(None), Grant.until > first))
        .where(sa.or_(Account.ended_at.is_(None), Account.ended_at > first))
    )
    return {person: station for person, station in db.session().execute(ask) if station is not None}


def differences(sheets: Iterable[Evaluation]) -> list[tuple[Evaluation, dict[str, tuple[Any, Any]]]]:
    """Sheets of one month whose records count to something else today: fact → (kept, counted)."""
    found, counts = [], dict[str, Counts]()
    for sheet in sheets:
        counts.setdefault(sheet.month, count(sheet.of))
        now = counts[sheet.month].get(sheet.caregiver_id) or empty()
        other = {name: (sheet.facts.get(name), now[name]) for name in now if sheet.facts.get(name) != now[name]}
        if other:
            found.append((sheet, other))
    return found


@jobs.job("evaluations.gather", nightly=True)
def nightly() -> None:
    """On the 1st for the month before, and every night after as long as a sheet of it is not signed."""
    month = Month.of(clock.today()).previous()
    states = set(db.session().scalars(sa.select(Evaluation.state).where(Evaluation.month == str(month)).distinct()))
    if not states or states & set(OPEN):
        gather(month)
        for station in db.session().scalars(models.waiting(month, models.GATHERED).distinct()).all():
            models.ask(models.JUDGE, month, station, station)
