"""What stands on the sheets: a station's month, one sheet, a caregiver's year, and how stations compare."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.access import Actor, within
from webapp.evaluations.models import DISPUTED, OPEN, SEALED, SIGNED, Evaluation, Objection, Review, Veto
from webapp.kit.month import Month
from webapp.people.models import Person, Place
from webapp.people.queries import nothing
from webapp.store import db


@dataclass(frozen=True)
class Line:
    """One sheet in a list. total: tenths, of the last review where there is one."""

    id: uuid.UUID
    caregiver_id: uuid.UUID
    name: str
    station_id: uuid.UUID
    state: str
    total: int | None
    grade: str | None
    reviewed: bool


def _latest() -> Any:
    """The newest review of each sheet."""
    newer = sa.orm.aliased(Review)
    later = sa.exists().where(newer.evaluation_id == Review.evaluation_id, newer.made_at > Review.made_at)
    return sa.and_(Review.evaluation_id == Evaluation.id, ~later)


_TOTAL = sa.case((Review.id.is_not(None), Review.total), else_=Evaluation.total).label("total")
_GRADE = sa.case((Review.id.is_not(None), Review.grade), else_=Evaluation.grade).label("grade")


def lines(actor: Actor, month: Month, station_id: uuid.UUID) -> list[Line]:
    """The sheets of a station's month within reach, by name; those that need somebody stand first."""
    ask = (
        within(actor, sa.select(Evaluation))
        .with_only_columns(
            Evaluation.id, Evaluation.caregiver_id, Person.name, Evaluation.station_id, Evaluation.state, _TOTAL, _GRADE,
            Review.id.is_not(None),
        )
        .join(Person, Person.id == Evaluation.caregiver_id)
        .outerjoin(Review, _latest())
        .where(Evaluation.month == str(month), Evaluation.station_id == station_id)
        .order_by(Evaluation.state != DISPUTED, Person.initials, Person.id)
    )  # fmt: skip
    return [Line(*row) for row in db.session().execute(ask)]


def sheet(actor: Actor, key: uuid.UUID) -> Evaluation:
    """One sheet within reach with all that was said about it. Raises Missing."""
    whole = [joinedload(getattr(Evaluation, name)) for name in ("caregiver", "station", "objections", "vetoes", "reviews")]
    found = db.session().scalars(within(actor, sa.select(Evaluation)).where(Evaluation.id == key).options(*whole)).unique()
    if (row := found.one_or_none()) is None:
        raise nothing()
    return row


@dataclass(frozen=True)
class Past:
    """A month of a caregiver: its total in tenths, None without one."""

    id: uuid.UUID
    month: Month
    state: str
    total: int | None
    grade: str | None


def year(caregiver_id: uuid.UUID, until: Month, limit: int = 12) -> list[Past]:
    """The caregiver's sheets up to a month, the oldest first, at most a year."""
    ask = (
        sa.select(Evaluation.id, Evaluation.month, Evaluation.state, _TOTAL, _GRADE)
        .outerjoin(Review, _latest())
        .where(Evaluation.caregiver_id == caregiver_id, Evaluation.month <= str(until))
        .order_by(Evaluation.month.desc())
        .limit(limit)
    )
    found = [Past(key, Month.parse(month), state, total, grade) for key, month, state, total, grade in db.session().execute(ask)]
    return found[::-1]


def neighbours(sheet: Evaluation) -> list[uuid.UUID]:
    """The sheets of the same station and month in the order of the list: who is before and after."""
    ask = (
        sa.select(Evaluation.id)
        .join(Person, Person.id == Evaluation.caregiver_id)
        .where(Evaluation.month == sheet.month, Evaluation.station_id == sheet.station_id)
        .order_by(Person.initials, Person.id)
    )
    return list(db.session().scalars(ask))


@dataclass(frozen=True)
class Progress:
    """How far a station's month is: how many sheets in all, to be judged or signed, objected to, signed, sealed; their mean."""

    station_id: uuid.UUID
    station: str
    street_id: uuid.UUID | None
    all: int
    open: int
    disputed: int
    signed: int
    sealed: int
    scored: int
    sum: int
    grades: dict[str, int]

    @property
    def mean(self) -> int | None:
        """Tenths."""
        return round(self.sum / self.scored) if self.scored else None


def progress(actor: Actor, month: Month) -> list[Progress]:
    """The stations within reach and how far each is, by code."""

    def number(condition: Any) -> Any:
        return sa.func.sum(sa.case((condition, 1), else_=0))

    bands = ("excellent", "good", "pass", "fail")
    ask = (
        within(actor, sa.select(Place))
        .with_only_columns(
            Place.id, Place.name, Place.street_id, number(Evaluation.id.is_not(None)), number(Evaluation.state.in_(OPEN)),
            number(Evaluation.state == DISPUTED), number(Evaluation.state == SIGNED), number(Evaluation.state == SEALED),
            number(_TOTAL.element.is_not(None)), sa.func.sum(sa.func.coalesce(_TOTAL.element, 0)),
            *(number(_GRADE.element == band) for band in bands),
        )
        .outerjoin(Evaluation, sa.and_(Evaluation.station_id == Place.id, Evaluation.month == str(month)))
        .outerjoin(Review, _latest())
        .where(Place.kind == "station")
        .group_by(Place.id, Place.name, Place.street_id, Place.code)
        .order_by(Place.code)
    )  # fmt: skip
    found = []
    for key, name, street, *numbers in db.session().execute(ask):
        counted = [int(n or 0) for n in numbers]
        whole, is_open, disputed, signed, sealed, scored, total, *graded = counted
        grades = dict(zip(bands, graded, strict=True))
        found.append(Progress(key, name, street, whole, is_open, disputed, signed, sealed, scored, total, grades))
    return found


def months(actor: Actor) -> list[Month]:
    """The months within reach that have sheets, the newest first, at most a year."""
    reached = within(actor, sa.select(Evaluation)).with_only_columns(Evaluation.month).distinct()
    return [Month.parse(text) for text in db.session().scalars(reached.order_by(Evaluation.month.desc()).limit(12))]


def of_station(actor: Actor, month: Month, station_ids: Sequence[uuid.UUID]) -> Sequence[Evaluation]:
    """Whole sheets of some stations' month, for printing and tables."""
    whole = [joinedload(getattr(Evaluation, name)) for name in ("caregiver", "station", "objections", "vetoes", "reviews")]
    ask = within(actor, sa.select(Evaluation)).where(Evaluation.month == str(month), Evaluation.station_id.in_(station_ids))
    rows = db.session().scalars(ask.join(Evaluation.caregiver).order_by(Evaluation.station_id, Person.initials).options(*whole))
    return rows.unique().all()


def objection(found: Evaluation, key: uuid.UUID | None) -> Objection:
    """One objection to a sheet. Raises Missing."""
    row = next((each for each in found.objections if each.id == key), None)
    if row is None:
        raise nothing()
    return row


def veto(found: Evaluation, key: uuid.UUID | None) -> Veto:
    """One veto of a sheet. Raises Missing."""
    row = next((each for each in found.vetoes if each.id == key), None)
    if row is None:
        raise nothing()
    return row
