"""接替须知: what a stand-in must know of a home, for as long as she may enter it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor, Role, within
from webapp.kit import clock
from webapp.ledger.models import Book
from webapp.ledger.queries import Balance
from webapp.logs.models import Log
from webapp.people import queries as people
from webapp.people.login import anyone, ids_of
from webapp.people.models import Account, HomeCareUnit, Household, Person, Place
from webapp.people.queries import nothing
from webapp.roster.models import PLANNED, Shift
from webapp.store import db, secrets
from webapp.store.strands import asked, strand, together
from webapp.store.types import Uuid
from webapp.today import queries
from webapp.today.queries import Living, Numbers

DAYS = 7
"""Of diaries back, and of visits ahead (roles, T2)."""


@dataclass(frozen=True)
class Coming:
    """One of her visits there: day, minutes after midnight, minutes, codes of what is to be done, and a note."""

    day: date
    start_min: int
    minutes: int
    items: Sequence[str]
    note: str | None


@dataclass(frozen=True)
class Told:
    """What was written on a day, and by whom; `handover`: words meant for whoever comes next."""

    day: date
    author: str
    story: str
    handover: str


@dataclass(frozen=True)
class Handover:
    """Everything on one page. `usual`: (name, number) of who usually comes."""

    home: Household
    living: Sequence[Living]
    held: Balance
    numbers: Numbers
    coming: Sequence[Coming]
    told: Sequence[Told]
    usual: tuple[str, str | None] | None


_HOME = sa.bindparam("home", type_=Uuid())
_FIRST, _LAST = sa.bindparam("first", type_=sa.Date()), sa.bindparam("last", type_=sa.Date())
_AROUND = together(
    *queries.LIVING,
    *queries.RINGING,
    strand(
        "shift", key=Shift.id, a=sa.cast(Shift.day, sa.Text()), b=Shift.note, n=Shift.start_min, m=Shift.minutes, one=Shift.items
    ).where(
        Shift.household_id == _HOME, Shift.day.between(_FIRST, _LAST), Shift.state == PLANNED,
        Shift.caregiver_id == anyone(Role.CAREGIVER).person_id,
    ),
    strand("log", key=Log.id, at=Log.at, a=sa.cast(Log.day, sa.Text()), b=Person.name, c=Log.story, d=Log.handover)
    .select_from(Log)
    .join(Account, Account.id == Log.author_id)
    .join(Person, Person.id == Account.person_id)
    .where(Log.household_id == _HOME, Log.day >= sa.bindparam("back", type_=sa.Date()), Log.reach(anyone(Role.CAREGIVER))),
    strand("usual", key=Person.id, a=Person.name, sealed=Person.phone_sealed)
    .select_from(HomeCareUnit)
    .join(Person, Person.id == HomeCareUnit.caregiver_id)
    .where(HomeCareUnit.household_id == _HOME, HomeCareUnit.until.is_(None)),
)  # fmt: skip


def handover(actor: Actor, household_id: uuid.UUID) -> Handover:
    """The handover of a household within reach. Raises Missing."""
    row = (
        db.session()
        .execute(
            within(actor, sa.select(Household, Place, Book.cash_fen, Book.advance_fen, Book.wallet_fen))
            .join(Place, Place.id == Household.station_id)
            .outerjoin(Book, Book.household_id == Household.id)
            .where(Household.id == household_id)
        )
        .first()
    )
    if row is None:
        raise nothing()
    home, station, cash, advance, wallet = row
    today = clock.today()
    span = {"first": today, "last": today + timedelta(days=DAYS), "back": today - timedelta(days=DAYS)}
    rows = asked(_AROUND, home=household_id, **ids_of(actor), **span, **people.answering(station))
    coming = sorted((_coming(each) for each in rows.get("shift", ())), key=lambda each: (each.day, each.start_min))
    told = [Told(date.fromisoformat(each.a), each.b, each.c or "", each.d or "") for each in reversed(rows.get("log", ()))]
    held = Balance(cash or 0, advance or 0, wallet or 0)
    return Handover(home, queries.living(rows), held, queries.numbers(rows, station), coming, told, _usual(rows))


def _coming(row: Any) -> Coming:
    return Coming(date.fromisoformat(row.a), row.n, row.m, row.one or (), row.b)


def _usual(rows: Any) -> tuple[str, str | None] | None:
    for row in rows.get("usual", ()):
        return row.a, secrets.unseal(row.sealed, f"person.phone:{row.key}") if row.sealed else None
    return None
