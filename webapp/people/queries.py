"""Who lives, works or belongs where. Every question is asked through the actor."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from webapp.access import Actor, Role, within
from webapp.kit import clock
from webapp.kit.refusal import Missing
from webapp.people import rules
from webapp.people.models import Account, Alert, Assignment, DutyHour, Grant, HomeCareUnit, Household, Person, Place, Resident
from webapp.store import db


def nothing() -> Missing:
    """The one answer for "there is none" and "not yours"."""
    return Missing("missing", "没找到这一页。可能已经换了地方，或者不归您看")


def household(actor: Actor, key: uuid.UUID) -> Household:
    """The household with its residents and their alerts, within reach. Raises Missing."""
    found = db.session().scalar(
        within(actor, sa.select(Household))
        .where(Household.id == key)
        .options(selectinload(Household.residents).selectinload(Resident.alerts))
    )
    if found is None:
        raise nothing()
    return found


def resident(actor: Actor, key: uuid.UUID) -> Resident:
    """The resident, within reach. Raises Missing."""
    found = db.session().scalar(
        within(actor, sa.select(Resident)).where(Resident.id == key).options(selectinload(Resident.alerts))
    )
    if found is None:
        raise nothing()
    return found


def person(actor: Actor, key: uuid.UUID) -> Person:
    """The person, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Person)).where(Person.id == key))
    if found is None:
        raise nothing()
    return found


def place(actor: Actor, key: uuid.UUID) -> Place:
    """The place, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Place)).where(Place.id == key))
    if found is None:
        raise nothing()
    return found


def stations(actor: Actor) -> Sequence[Place]:
    """The stations within reach, by code."""
    return db.session().scalars(within(actor, sa.select(Place)).where(Place.kind == "station").order_by(Place.code)).all()


def search(actor: Actor, words: str, limit: int = 20) -> list[tuple[str, uuid.UUID, str, str]]:
    """Residents and caregivers by name, initials (every reading) or short number: (kind, id, name, number)."""
    text = words.strip().lower()
    if not text:
        return []
    found: list[tuple[str, uuid.UUID, str, str]] = []
    for kind, table in (("resident", Resident), ("person", Person)):
        matches = sa.or_(
            table.name.startswith(text, autoescape=True),
            table.initials.startswith(text, autoescape=True),
            table.initials.contains(f" {text}", autoescape=True),
            table.number == text.upper(),
        )
        rows = db.session().execute(
            within(actor, sa.select(table))
            .with_only_columns(table.id, table.name, table.number)
            .where(matches)
            .order_by(table.number)
            .limit(limit)
        )
        found += [(kind, key, name, number) for key, name, number in rows]
    return found[:limit]


def main_caregiver(household_id: uuid.UUID) -> Person | None:
    """The household's main caregiver now."""
    return db.session().scalar(
        sa.select(Person)
        .join(HomeCareUnit, HomeCareUnit.caregiver_id == Person.id)
        .where(HomeCareUnit.household_id == household_id, HomeCareUnit.until.is_(None))
    )


def assigned(person_id: uuid.UUID, at: datetime) -> Sequence[uuid.UUID]:
    """The households a caregiver may enter at an instant."""
    return (
        db.session()
        .scalars(sa.select(Assignment.household_id).where(Assignment.caregiver_id == person_id, Assignment.holds(at)))
        .all()
    )


def may_enter(account_id: uuid.UUID, household_id: uuid.UUID, at: datetime) -> bool:
    """Whether the account's person was assigned to the household at an instant: how verbs of kept forms ask."""
    return (
        db.session().scalar(
            sa.select(Assignment.id)
            .join(Account, Account.person_id == Assignment.caregiver_id)
            .where(Account.id == account_id, Assignment.household_id == household_id, Assignment.holds(at))
            .limit(1)
        )
        is not None
    )


def alerts(resident_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Alert]]:
    """The alerts that hold now, by resident."""
    found: dict[uuid.UUID, list[Alert]] = {}
    for alert in db.session().scalars(
        sa.select(Alert).where(Alert.resident_id.in_(resident_ids), Alert.holds()).order_by(Alert.made_at)
    ):
        found.setdefault(alert.resident_id, []).append(alert)
    return found


def duty_now(station: Place) -> DutyHour | None:
    """Who answers now for a station: its street's table first, else its own (the card names the street's number)."""
    here = clock.local(clock.now())
    minute = here.weekday() * 1440 + here.hour * 60 + here.minute
    places = [key for key in (station.street_id, station.id) if key]
    rows = db.session().scalars(sa.select(DutyHour).where(DutyHour.place_id.in_(places))).all()
    for key in places:
        for row in rows:
            start = row.weekday * 1440 + row.since
            length = (row.until - row.since) if row.until > row.since else row.until - row.since + 1440
            if row.place_id == key and (minute - start) % rules.WEEK_MINUTES < length:
                return row
    return None


def duty_table(place_id: uuid.UUID) -> Sequence[DutyHour]:
    """The week of a place, in order."""
    return (
        db.session()
        .scalars(sa.select(DutyHour).where(DutyHour.place_id == place_id).order_by(DutyHour.weekday, DutyHour.since))
        .all()
    )


def duty_holes(station: Place) -> list[tuple[int, int, int]]:
    """Hours of the week nobody answers for a station, by its street's table and its own together."""
    places = [key for key in (station.street_id, station.id) if key]
    rows = db.session().scalars(sa.select(DutyHour).where(DutyHour.place_id.in_(places)))
    return rules.holes(row.span for row in rows)


def caregivers(actor: Actor, station_id: uuid.UUID | None = None) -> Sequence[Person]:
    """The caregivers within reach, by name."""
    ask = (
        within(actor, sa.select(Person))
        .join(Account, Account.person_id == Person.id)
        .join(Grant, Grant.account_id == Account.id)
        .where(Grant.role == Role.CAREGIVER, Grant.holds(), Account.ended_at.is_(None))
        .order_by(Person.initials)
    )
    return db.session().scalars(ask.where(Person.station_id == station_id) if station_id else ask).unique().all()
