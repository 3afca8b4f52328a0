"""What anybody may read about the subsidy: tiers, papers, notices while they hang; and applications within reach."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.access import Actor, within
from webapp.applications import rules
from webapp.applications.models import Application, ApplicationStep, PublicNotice, blind, digits
from webapp.kit import clock
from webapp.kit.show import chinese
from webapp.people.models import Account, HomeCareUnit, Household, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.people.rules import mask_name
from webapp.store import db, rulebook

NOTICES = 100


@dataclass(frozen=True)
class Tier:
    """A tier as it is published: yuan a month for a household, who falls in it, what to bring. All in the reader's language."""

    name: str
    yuan: int
    who: Sequence[str]
    papers: Sequence[str]
    code: str = ""


def published() -> list[Tier]:
    """The tiers that hold today."""
    facts, tongue = rulebook.current("subsidy", clock.today()), "zh" if chinese() else "en"
    return [_tier(facts, each, tongue) for each in facts["tiers"]]


def figures() -> dict[str, int]:
    """The figures of the way of an application: notice (days it hangs out), latest (day of the month it goes to the district)."""
    held = rulebook.current("subsidy", clock.today())["parameters"]
    return {"notice": int(held["NOTICE_DAYS"]["value"]), "latest": int(held["SUBMIT_DAY"]["value"])}


def _tier(facts: dict[str, Any], tier: dict[str, Any], tongue: str) -> Tier:
    brought = [each[tongue] for each in rules.brought(facts["documents"], tier["code"])]
    amount = facts["parameters"][tier["amount_param"]]["value"]
    return Tier(tier[tongue], amount, [path[tongue] for path in tier["paths"]], brought, tier["code"])


# -- for everybody --


def notices() -> list[tuple[PublicNotice, Place]]:
    """What hangs out today, by station, what ends first; of a home whose care has ended nothing hangs."""
    ask = sa.select(PublicNotice, Place).join(Place, Place.id == PublicNotice.station_id)
    ask = ask.join(Application, Application.id == PublicNotice.application_id)
    ask = ask.join(Household, Household.id == Application.household_id)
    found = ask.where(PublicNotice.hangs(clock.today()), Household.ended_on.is_(None)).order_by(
        PublicNotice.last_day, Place.code, PublicNotice.id
    )
    return [(notice, place) for notice, place in db.session().execute(found.limit(NOTICES))]


@dataclass(frozen=True)
class Status:
    """How far an application is: nothing of whose it is."""

    state: str
    at: datetime


def status(number: str, phone: str) -> Status | None:
    """By number and telephone together, in one question: a wrong number and a wrong telephone are the same nothing."""
    known = Application.number == number.strip().upper()[:8], Application.phone_blind == blind(digits(phone))
    row = db.session().execute(sa.select(Application.state, Application.state_at).where(*known)).first()
    return Status(row.state, row.state_at) if row else None


# -- for those who work on them --


def application(actor: Actor, key: uuid.UUID) -> Application:
    """One, within reach. Raises Missing."""
    ask = within(actor, sa.select(Application)).where(Application.id == key)
    found = db.session().scalar(ask.options(joinedload(Application.household).selectinload(Household.residents)))
    if found is None:
        raise nothing()
    return found


def waiting(actor: Actor, limit: int = 100) -> Sequence[tuple[Application, str, str]]:
    """(application, household, station) within reach that are not over and not being paid yet, who waits longest first."""
    ask = within(actor, sa.select(Application, Household.name, Place.name))
    ask = ask.join(Household, Household.id == Application.household_id).join(Place, Place.id == Application.station_id)
    on_its_way = sa.and_(Household.ended_on.is_(None), Application.state.not_in((*rules.OVER, "active", "suspended")))
    found = db.session().execute(ask.where(on_its_way).order_by(Application.state_at).limit(limit))
    return [(row, home, place) for row, home, place in found]


def of_household(actor: Actor, household_id: uuid.UUID) -> Sequence[Application]:
    """A home's applications, newest first."""
    ask = within(actor, sa.select(Application)).where(Application.household_id == household_id)
    return db.session().scalars(ask.order_by(Application.made_at.desc()).limit(20)).all()


def steps(key: uuid.UUID) -> list[tuple[ApplicationStep, str]]:
    """How it went on, with who."""
    ask = sa.select(ApplicationStep, Person.name).join(Account, Account.id == ApplicationStep.by_id)
    told = ask.join(Person, Person.id == Account.person_id).where(ApplicationStep.application_id == key)
    return [(step, name) for step, name in db.session().execute(told.order_by(ApplicationStep.at, ApplicationStep.id))]


@dataclass(frozen=True)
class Listed:
    """One line of a standing list: a household's masked name, tier and yuan a month, its caregiver masked."""

    name: str
    tier: str
    yuan: int
    caregiver: str


def standing(station_id: uuid.UUID) -> list[Listed]:
    """Who at a station receives the subsidy, masked, by household number: for the board, never for a page of everybody's."""
    facts = rulebook.current("subsidy", clock.today())
    paid = {each["code"]: int(facts["parameters"][each["amount_param"]]["value"]) for each in facts["tiers"]}
    ask = (
        sa.select(Resident.name, Resident.tier, Household.number, Person.name.label("caregiver"))
        .join(Household, Household.id == Resident.household_id)
        .outerjoin(HomeCareUnit, sa.and_(HomeCareUnit.household_id == Household.id, HomeCareUnit.until.is_(None)))
        .outerjoin(Person, Person.id == HomeCareUnit.caregiver_id)
        .where(Household.station_id == station_id, Household.ended_on.is_(None), Resident.ended_on.is_(None))
        .where(Resident.tier.in_([code for code, yuan in paid.items() if yuan]))
        .order_by(Household.number, Resident.number)
    )
    homes: dict[str, Any] = {}
    for row in db.session().execute(ask):
        homes.setdefault(row.number, row)
    return [
        Listed(mask_name(row.name), row.tier, paid[row.tier], mask_name(row.caregiver) if row.caregiver else "")
        for row in homes.values()
    ]
