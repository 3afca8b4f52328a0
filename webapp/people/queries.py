"""Who lives, works or belongs where. Every question is asked through the actor."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, Role, within
from webapp.kit import clock
from webapp.kit.refusal import Missing
from webapp.people import rules
from webapp.people.models import (
    Account,
    Alert,
    Assignment,
    Consent,
    Contact,
    Device,
    DutyHour,
    Grant,
    HomeCareUnit,
    Household,
    Kin,
    Look,
    Person,
    Place,
    PlaceKind,
    Resident,
    Spot,
    on_post,
)
from webapp.store import db
from webapp.store.strands import strand
from webapp.store.types import Instant, Uuid

T = TypeVar("T")
Row = TypeVar("Row", bound=db.Base)


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


def reaches(actor: Actor, key: uuid.UUID) -> bool:
    """Whether a household is within reach."""
    return (
        db.session().scalar(within(actor, sa.select(Household)).with_only_columns(Household.id).where(Household.id == key))
        is not None
    )


def resident(actor: Actor, key: uuid.UUID) -> Resident:
    """The resident, within reach. Raises Missing."""
    return one(actor, Resident, key, selectinload(Resident.alerts))


def one(actor: Actor, table: type[Row], key: uuid.UUID, *options: Any) -> Row:
    """The row of a table by its key, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(table)).where(table.__mapper__.primary_key[0] == key).options(*options))
    if found is None:
        raise nothing()
    return found


def person(actor: Actor, key: uuid.UUID) -> Person:
    """The person, within reach. Raises Missing."""
    return one(actor, Person, key)


def place(actor: Actor, key: uuid.UUID) -> Place:
    """The place, within reach. Raises Missing."""
    return one(actor, Place, key)


def place_name(key: uuid.UUID | None) -> str:
    """What a place is called; nothing for none."""
    return db.session().scalar(sa.select(Place.name).where(Place.id == key)) or "" if key else ""


def stations(actor: Actor) -> Sequence[Place]:
    """The stations within reach, by code."""
    return db.session().scalars(within(actor, sa.select(Place)).where(Place.kind == "station").order_by(Place.code)).all()


def every_station() -> Sequence[Place]:
    """All stations, by code: what anybody may know of them."""
    return db.session().scalars(sa.select(Place).where(Place.kind == PlaceKind.STATION).order_by(Place.code)).all()


def search(actor: Actor, words: str, limit: int = 20) -> list[tuple[str, uuid.UUID, str, str]]:
    """Residents and people by name, initials (every reading) or short number, households by number: (kind, id, name, number)."""
    text = words.strip().lower()
    if not text:
        return []
    found: list[tuple[str, uuid.UUID, str, str]] = []
    if text.startswith("h") and rules.is_number(text):
        home = db.session().scalar(within(actor, sa.select(Household)).where(Household.number == text.upper()))
        return [("household", home.id, home.name, home.number)] if home else []
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
    return db.line().scalar(_MAY_ENTER, {"account": account_id, "household": household_id, "at": at}) is not None


_AT = sa.bindparam("at", type_=Instant())
_MAY_ENTER = (
    sa.select(Assignment.id)
    .join(Account, Account.person_id == Assignment.caregiver_id)
    .where(
        Account.id == sa.bindparam("account", type_=Uuid()),
        Assignment.household_id == sa.bindparam("household", type_=Uuid()),
        Assignment.since <= _AT,
        sa.or_(Assignment.until.is_(None), Assignment.until > _AT),
    )
    .limit(1)
)
"""Asked for every line of a book: made once."""


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
    rows = db.session().scalars(sa.select(DutyHour).where(DutyHour.place_id.in_(_answering(station)))).all()
    week = [(row, row.place_id, row.weekday, row.since, row.until) for row in rows]
    return _on_duty(week, station)


def _answering(station: Place) -> list[uuid.UUID]:
    return [key for key in (station.street_id, station.id) if key]


def _on_duty(week: Sequence[tuple[T, uuid.UUID, int, int, int]], station: Place) -> T | None:
    """Of (row, place, weekday, since, until) the row that answers now."""
    here = clock.local(clock.now())
    minute = here.weekday() * 1440 + here.hour * 60 + here.minute
    for key in _answering(station):
        for row, place, weekday, since, until in week:
            length = until - since if until > since else until - since + 1440
            if place == key and (minute - weekday * 1440 - since) % rules.WEEK_MINUTES < length:
                return row
    return None


DUTY = strand(
    "duty", key=DutyHour.place_id, a=DutyHour.name, b=DutyHour.phone, n=DutyHour.weekday, m=DutyHour.since, k=DutyHour.until
).where(DutyHour.place_id.in_(sa.bindparam("answering", expanding=True, type_=Uuid())))
"""The weeks that `duty_in` chooses from, asked with `answering`."""


def answering(station: Place) -> dict[str, Any]:
    """What fills the parameter of `DUTY`."""
    return {"answering": _answering(station)}


def duty_in(found: Mapping[str, Sequence[Any]], station: Place) -> tuple[str, str] | None:
    """Name and number of who answers now for a station, out of rows that `DUTY` brought."""
    row = _on_duty([(row, row.key, row.n, row.m, row.k) for row in found.get("duty", ())], station)
    return (row.a, row.b) if row else None


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
    ask = within(actor, sa.select(Person)).where(on_post(Person.id)).order_by(Person.initials)
    return db.session().scalars(ask.where(Person.station_id == station_id) if station_id else ask).all()


def kin_accounts(resident_id: uuid.UUID) -> sa.Select[uuid.UUID]:
    """The accounts of a resident's kin to whom anything may be told by consent, now."""
    return (
        sa.select(Account.id)
        .join(Kin, Kin.person_id == Account.person_id)
        .join(Grant, Grant.account_id == Account.id)
        .where(Kin.consents.any(Consent.holds()))
        .where(Kin.resident_id == resident_id, Kin.holds(), Account.ended_at.is_(None), Grant.role == Role.KIN, Grant.holds())
        .order_by(Account.id)
    )


def volunteers(actor: Actor, station_id: uuid.UUID) -> Sequence[Person]:
    """The liaisons and volunteers of a station within reach who have an account, by name."""
    ask = within(actor, sa.select(Person)).join(Account, Account.person_id == Person.id)
    ask = ask.join(Grant, Grant.account_id == Account.id).where(Grant.role == Role.LIAISON, Grant.place_id == station_id)
    return db.session().scalars(ask.where(Grant.holds(), Account.ended_at.is_(None)).order_by(Person.initials)).unique().all()


def households(
    actor: Actor, *, station_id: uuid.UUID | None = None, unpaired: bool = False, after: str = "", limit: int = 30
) -> Sequence[Household]:
    """Households cared for, with residents and alerts, by number; those after number `after`."""
    ask = within(actor, sa.select(Household)).where(Household.ended_on.is_(None), Household.number > after)
    if station_id:
        ask = ask.where(Household.station_id == station_id)
    if unpaired:
        paired = sa.exists().where(HomeCareUnit.household_id == Household.id, HomeCareUnit.until.is_(None))
        ask = ask.where(~paired)
    whole = selectinload(Household.residents).selectinload(Resident.alerts)
    return db.session().scalars(ask.options(whole).order_by(Household.number).limit(limit)).all()


def main_caregivers(household_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """The main caregivers now, by household."""
    rows = db.session().execute(
        sa.select(HomeCareUnit.household_id, Person)
        .join(Person, Person.id == HomeCareUnit.caregiver_id)
        .where(HomeCareUnit.household_id.in_(household_ids), HomeCareUnit.until.is_(None))
    )
    return {key: person for key, person in rows}


def units(household_id: uuid.UUID) -> list[tuple[HomeCareUnit, Person]]:
    """The household's home-care units and their caregivers, the newest first."""
    rows = db.session().execute(
        sa.select(HomeCareUnit, Person)
        .join(Person, Person.id == HomeCareUnit.caregiver_id)
        .where(HomeCareUnit.household_id == household_id)
        .order_by(HomeCareUnit.since.desc())
    )
    return [(unit, person) for unit, person in rows]


def loads(caregiver_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many households each caregiver holds now; at most a handful of rows each."""
    counts: dict[uuid.UUID, int] = {}
    ask = sa.select(HomeCareUnit.caregiver_id).where(HomeCareUnit.caregiver_id.in_(caregiver_ids), HomeCareUnit.until.is_(None))
    for key in db.session().scalars(ask):
        counts[key] = counts.get(key, 0) + 1
    return counts


def kin(resident_ids: Sequence[uuid.UUID]) -> Sequence[Kin]:
    """The kin of residents now, with person and consents."""
    ask = sa.select(Kin).where(Kin.resident_id.in_(resident_ids), Kin.holds()).order_by(Kin.since, Kin.made_at, Kin.id)
    return db.session().scalars(ask.options(joinedload(Kin.person), selectinload(Kin.consents))).unique().all()


def spots(household_id: uuid.UUID) -> Sequence[Spot]:
    """Where the household is visited."""
    return db.session().scalars(sa.select(Spot).where(Spot.household_id == household_id).order_by(Spot.made_at)).all()


def contacts(household_id: uuid.UUID) -> Sequence[Contact]:
    """Who is near."""
    return db.session().scalars(sa.select(Contact).where(Contact.household_id == household_id).order_by(Contact.made_at)).all()


def looks(household_id: uuid.UUID, limit: int = 50) -> list[tuple[Look, str]]:
    """Who looked at the household's records, the newest first, with names."""
    rows = db.session().execute(
        sa.select(Look, Person.name)
        .join(Account, Account.id == Look.account_id)
        .join(Person, Person.id == Account.person_id)
        .where(Look.household_id == household_id)
        .order_by(Look.at.desc())
        .limit(limit)
    )
    return [(look, name) for look, name in rows]


def looked_lately(actor: Actor, household_id: uuid.UUID, what: str) -> bool:
    """Whether the same look is written down already within a quarter of an hour; read without the write lock."""
    ask = sa.select(Look.id).where(
        Look.household_id == household_id,
        Look.at > clock.now() - timedelta(minutes=15),
        Look.account_id == actor.account_id,
        Look.what == what,
    )
    return db.reading().scalar(ask.limit(1)) is not None


def staff(actor: Actor, *, role: str | None = None, after: str = "", limit: int = 30) -> list[tuple[Person, list[str]]]:
    """People with an account and a role (kin left out) and their roles, by number; those after number `after`."""
    at_work = (
        sa.select(Account.person_id)
        .join(Grant, Grant.account_id == Account.id)
        .where(Grant.holds(), Account.ended_at.is_(None), Grant.role == role if role else Grant.role != Role.KIN)
    )
    ask = within(actor, sa.select(Person)).where(Person.id.in_(at_work), Person.number > after)
    people = db.session().scalars(ask.order_by(Person.number).limit(limit)).all()
    held = db.session().execute(
        sa.select(Account.person_id, Grant.role)
        .join(Grant, Grant.account_id == Account.id)
        .where(Account.person_id.in_([person.id for person in people]), Grant.holds())
        .order_by(Grant.since)
    )
    roles: dict[uuid.UUID, list[str]] = {}
    for key, held_role in held:
        roles.setdefault(key, []).append(held_role)
    return [(person, roles.get(person.id, [])) for person in people]


def account_of(person_id: uuid.UUID) -> Account | None:
    """The person's account, ended or not."""
    return db.session().scalar(sa.select(Account).where(Account.person_id == person_id))


def grants(account_id: uuid.UUID) -> list[tuple[Grant, str | None]]:
    """Every grant of an account, ended ones last, with its place's name."""
    rows = db.session().execute(
        sa.select(Grant, Place.name)
        .outerjoin(Place, Place.id == Grant.place_id)
        .where(Grant.account_id == account_id)
        .order_by(Grant.until.is_not(None), Grant.since)
    )
    return [(row, name) for row, name in rows]


def devices(account_id: uuid.UUID) -> Sequence[Device]:
    """The account's phones, the newest first."""
    return db.session().scalars(sa.select(Device).where(Device.account_id == account_id).order_by(Device.made_at.desc())).all()


def held(person_id: uuid.UUID) -> Sequence[Household]:
    """The households a caregiver holds now."""
    ask = (
        sa.select(Household)
        .join(HomeCareUnit, HomeCareUnit.household_id == Household.id)
        .where(HomeCareUnit.caregiver_id == person_id, HomeCareUnit.until.is_(None))
    )
    return db.session().scalars(ask.order_by(Household.number)).all()


def places(actor: Actor) -> Sequence[Place]:
    """All places within reach: districts, streets, stations."""
    return db.session().scalars(within(actor, sa.select(Place)).order_by(Place.code)).all()


def names(account_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The names behind accounts."""
    ask = sa.select(Account.id, Person.name).join(Person, Person.id == Account.person_id).where(Account.id.in_(account_ids))
    return {key: name for key, name in db.session().execute(ask)}
