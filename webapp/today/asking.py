"""What a station must do now, as one question to the database: what was opened, and what the day itself tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.access import Actor, Role
from webapp.cards.models import Card, Sighting
from webapp.deliveries import queries as deliveries
from webapp.endings.departure import Departure
from webapp.kit import clock
from webapp.ledger import front as books
from webapp.ledger.models import Book, Entry, QuietDay
from webapp.ledger.rules import Habits
from webapp.logs.models import Log
from webapp.messages import calling, words
from webapp.messages import models as messages
from webapp.messages import queries as told
from webapp.messages.announcing import audiences
from webapp.messages.rules import RED
from webapp.outings import front as outings
from webapp.people.login import anyone, ids_of
from webapp.people.models import Account, Household, Person
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store.strands import Strand, asked, strand, together
from webapp.store.types import Instant
from webapp.today import waiting
from webapp.today.carrying import attended, cared_for
from webapp.visits import models
from webapp.visits.models import IN, VOID, Call, NobodyHome, Visit, VisitException

FEW, MANY = 30, 300
"""Rows of a kind: of those that another page lists in full, and of those that are only said here."""
LOOK_BACK = timedelta(days=7)


def look(actor: Actor, now: datetime, levels: Sequence[str], habits: Habits) -> dict[str, list[Any]]:
    """The rows of the list by kind, for somebody who sees these levels."""
    return asked(_EVERY if set(levels) - {RED} else _RED, **_given(actor, now, levels, habits))


def _given(actor: Actor, now: datetime, levels: Sequence[str], habits: Habits) -> dict[str, Any]:
    limits, today, calls = models.limits(), clock.day_of(now), messages.settings()
    minute = clock.minute_of(now)
    return (
        ids_of(actor)
        | books.given(today, habits.gap_days)
        | outings.given(now, actor.place_id)
        | waiting.given(now, today)
        | {
            "today": today,
            "yesterday": today - timedelta(days=1),
            "lately": today - LOOK_BACK,
            "apart": limits["apart"],
            "dealt_since": clock.instant(today, 0) - timedelta(days=2),
            "late": minute - limits["late_min"],
            "silent": minute - limits["silent_min"],
            "levels": list(levels),
            "unsettled": [*calls["open"], *calls["again_min"]],
            "audiences": audiences(actor.role),
        }
    )


_ME = anyone(Role.STATION_HEAD)
_TODAY, _YESTERDAY = sa.bindparam("today", type_=sa.Date()), sa.bindparam("yesterday", type_=sa.Date())
_LATE, _SILENT = sa.bindparam("late", type_=sa.Integer()), sa.bindparam("silent", type_=sa.Integer())
_SINCE = sa.bindparam("dealt_since", type_=Instant())
_LEFT = sa.exists().where(Departure.person_id == Person.id, Departure.withdrawn_at.is_(None), Departure.done_at.is_not(None))
_NAME, _PHONE = (sa.case((_LEFT, None), else_=column) for column in (Person.name, Person.phone_sealed))
"""Of a caregiver; who has left is neither named nor rung."""


def _cared_for(table: Any) -> sa.ColumnElement[bool]:
    """A home whose care has ended, or that another station has taken over, asks for nothing here."""
    return cared_for(table.station_id)


def _first(select: sa.Select[Any], limit: int) -> Strand:
    """At most so many rows, as a part of a larger question."""
    return sa.select(select.limit(limit).subquery())


def _absent() -> Strand:
    """Shifts of today and yesterday that nobody came to, late enough to say so.

    n: start, m: minutes, k: days ago, b and at: the last call about it.
    """
    stood = sa.exists().where(NobodyHome.household_id == Shift.household_id, NobodyHome.day == Shift.day, NobodyHome.at >= _SINCE)
    over = sa.or_(Shift.day == _YESTERDAY, Shift.start_min + Shift.minutes < _SILENT)
    said, said_at = calling.last_said(Shift.id)
    bad = said == words.TROUBLE
    return _first(
        strand(
            "shift", key=Shift.id, other=Shift.household_id, third=Shift.caregiver_id, a=Household.name, d=_NAME,
            n=Shift.start_min, m=Shift.minutes, b=said, at=said_at,
            k=sa.case((Shift.day == _TODAY, 0), else_=1), sealed=_PHONE,
        )
        .select_from(Shift)
        .join(Household, Household.id == Shift.household_id)
        .outerjoin(Person, Person.id == Shift.caregiver_id)
        .where(
            _ME.reaches_station(Shift.station_id), Shift.day.in_([_YESTERDAY, _TODAY]), Shift.state == roster.PLANNED,
            sa.or_(Shift.day == _YESTERDAY, Shift.start_min < _LATE, bad),
            sa.or_(Shift.caregiver_id.is_(None), over, bad),
            ~attended(_SINCE), ~stood, _cared_for(Shift),
        )
        .order_by(Shift.day, Shift.start_min),
        MANY,
    )  # fmt: skip


def _nobody() -> Strand:
    """Doors that nobody opened and nobody has gone to since."""
    later = sa.exists().where(
        Visit.household_id == NobodyHome.household_id, Visit.arrived_at > NobodyHome.at, Visit.state != VOID
    )
    said, said_at = calling.last_said(sa.func.coalesce(NobodyHome.shift_id, NobodyHome.id))
    return _first(
        strand(
            "nobody", key=NobodyHome.id, other=NobodyHome.household_id, third=Person.id, at=NobodyHome.at, a=Household.name,
            d=_NAME, n=sa.cast(NobodyHome.told, sa.Integer()), b=said, due=said_at, sealed=_PHONE,
        )
        .select_from(NobodyHome)
        .join(Household, Household.id == NobodyHome.household_id)
        .join(Person, Person.id == NobodyHome.caregiver_id)
        .where(_ME.reaches_station(NobodyHome.station_id), NobodyHome.day.in_([_YESTERDAY, _TODAY]), ~later,
            _cared_for(NobodyHome),
        )
        .order_by(NobodyHome.at),
        MANY,
    )  # fmt: skip


def _sightings() -> Strand:
    return _first(
        strand(
            "sighting", key=Sighting.id, at=Sighting.made_at, due=Sighting.taken_at, a=Sighting.words,
            b=Household.name, sealed=Sighting.phone_sealed,
        )
        .join(Card, Card.id == Sighting.card_id)
        .outerjoin(Household, Household.id == Card.household_id)
        .where(Sighting.reach(_ME), Sighting.closed_at.is_(None))
        .order_by(Sighting.made_at),
        FEW,
    )  # fmt: skip


def _exceptions() -> Strand:
    """fix before ack: of many the harmless ones are left out."""
    return _first(
        strand(
            "exception", key=VisitException.id, other=VisitException.visit_id, at=VisitException.made_at, a=Household.name,
            b=VisitException.code, c=VisitException.kind,
        )
        .select_from(VisitException)
        .join(Household, Household.id == VisitException.household_id)
        .where(
            _ME.reaches_station(VisitException.station_id), VisitException.settled_at.is_(None),
            _cared_for(VisitException), VisitException.day >= sa.bindparam("lately", type_=sa.Date()),
            VisitException.code.not_in(sa.bindparam("apart", expanding=True, type_=sa.String())),
            # these are lines of their own for two days; a phone still on its way brings the leaving by itself
            sa.or_(VisitException.code.not_in(("MISSED", "NO_LOG")), VisitException.day < _YESTERDAY),
            sa.or_(VisitException.code != "NO_OUT", VisitException.day < _TODAY),
            ~_rung_about(),
        )
        .order_by(VisitException.kind.desc(), VisitException.day.desc(), VisitException.made_at.desc()),
        FEW,
    )  # fmt: skip


def _rung_about() -> sa.ColumnElement[bool]:
    """A visit nobody made, about which somebody was rung who said how it is: its reason waits on the page of findings."""
    said, _at = calling.last_said(Shift.id)
    answered = said.not_in(sa.bindparam("unsettled", expanding=True, type_=sa.String()))
    return sa.and_(VisitException.code == "MISSED", sa.exists().where(Shift.visit_id == VisitException.visit_id, answered))


def _strays() -> Strand:
    reaches = sa.and_(Person.reach(_ME), Call.household_id.is_(None), Call.direction == IN, Visit.id.is_(None))
    return _first(
        strand("stray", key=Call.id, at=Call.at, d=Person.name)
        .select_from(Call)
        .join(Account, Account.id == Call.author_id)
        .join(Person, Person.id == Account.person_id)
        .outerjoin(Visit, Visit.id == Call.visit_id)
        .where(reaches)
        .order_by(Call.at.desc()),
        FEW,
    )


def _unwritten() -> Strand:
    """Yesterday's visits without a diary."""
    return _first(
        _of_yesterday("log", Visit.id).where(~sa.exists().where(Log.visit_id == Visit.id)).order_by(Visit.arrived_at), MANY
    )


def _uncounted() -> Strand:
    """Yesterday's homes with a book in which nothing stands about the day, not even that nothing was spent."""
    wrote = sa.exists().where(Entry.household_id == Visit.household_id, Entry.day == _YESTERDAY)
    quiet = sa.exists().where(QuietDay.household_id == Visit.household_id, QuietDay.day == _YESTERDAY)
    book = sa.exists().where(Book.household_id == Visit.household_id, Book.opened_on <= _YESTERDAY)
    earlier = aliased(Visit)
    first = ~sa.exists().where(
        earlier.household_id == Visit.household_id, earlier.day == Visit.day, earlier.arrived_at < Visit.arrived_at
    )
    found = _of_yesterday("money", Visit.id).where(book, ~wrote, ~quiet, first)
    return _first(found.order_by(Visit.arrived_at), MANY)


def _of_yesterday(kind: str, key: Any) -> sa.Select[Any]:
    return (
        strand(
            kind, key=key, other=Visit.household_id, third=Person.id, at=Visit.arrived_at, a=Household.name, d=_NAME,
            sealed=_PHONE,
        )
        .select_from(Visit)
        .join(Household, Household.id == Visit.household_id)
        .join(Person, Person.id == Visit.caregiver_id)
        .where(_ME.reaches_station(Visit.station_id), Visit.day == _YESTERDAY, Visit.state == models.DONE, _cared_for(Visit))
    )  # fmt: skip


def _questions() -> tuple[Any, Any]:
    """What is red, and everything."""
    danger = (
        told.own_tasks(_ME),
        told.office_tasks(_ME),
        told.handled(_ME, _SINCE),
        _sightings(),
        *outings.front(_ME, MANY),
        _absent(),
        _nobody(),
    )
    books_and_records = (*books.front(_ME, FEW), *deliveries.front(_ME, FEW))
    asks = waiting.strands(_ME, _LEFT, FEW)
    more = (_exceptions(), _strays(), _unwritten(), _uncounted(), *asks, *books_and_records, told.announced(_ME))
    return together(*danger), together(*danger, *more)


_RED, _EVERY = _questions()
"""Made once: they are long, and every head's page asks one of them all day."""
