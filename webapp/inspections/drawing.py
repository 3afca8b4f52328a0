"""双随机: fixing the list of units and of supervisors, drawing from it by a seed that is published, and planning who goes."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access import Role
from webapp.inspections import rules
from webapp.inspections.models import DONE, OPEN, Drawing, Finding, Inspection, Sent
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import Account, Grant, Household, Kin, Person, Place, Resident
from webapp.store import audit, db

APART = timedelta(days=90)
"""The same supervisor does not come to a home again so soon."""
TERM = timedelta(days=30)
MOST = 200


def units(place: Place, free: Mapping[str, Person]) -> list[dict[str, Any]]:
    """The households of a place as they go into a draw, by number: never inspected, a critical finding open, and who must not go:
    kin, those of the supervisors `free` who belong to its own station, who was there within 90 days."""
    here = sa.select(Place.id).where(sa.or_(Place.id == place.id, Place.street_id == place.id, Place.district_id == place.id))
    done = sa.exists().where(Inspection.household_id == Household.id, Inspection.state == DONE)
    urgent = sa.exists().where(Finding.household_id == Household.id, Finding.state == OPEN, Finding.severity == "critical")
    ask = (
        sa.select(Household.id, Household.number, Household.station_id, ~done, urgent)
        .where(Household.station_id.in_(here), Household.ended_on.is_(None))
        .order_by(Household.number)
    )
    rows = db.session().execute(ask).all()
    apart = _apart(here)
    own: dict[uuid.UUID | None, set[str]] = defaultdict(set)
    for number, person in free.items():
        own[person.station_id].add(number)
    return [
        {"id": number, "never_inspected": bool(never), "open_critical": bool(critical),
         "not": sorted(apart[key] | own[station])}
        for key, number, station, never, critical in rows
    ]  # fmt: skip


def _apart(here: Any) -> dict[uuid.UUID, set[str]]:
    """Household → numbers of its kin and of who inspected it lately."""
    homes = sa.select(Household.id).where(Household.station_id.in_(here))
    kin = (
        sa.select(Resident.household_id, Person.number)
        .join(Kin, Kin.resident_id == Resident.id)
        .join(Person, Person.id == Kin.person_id)
        .where(Resident.household_id.in_(homes))
    )
    lately = (
        sa.select(Inspection.household_id, Person.number)
        .join(Account, Account.id == Inspection.by_id)
        .join(Person, Person.id == Account.person_id)
        .where(Inspection.household_id.in_(homes), Inspection.day > clock.today() - APART)
    )
    found: dict[uuid.UUID, set[str]] = defaultdict(set)
    both: Any = db.session().execute(sa.union(kin, lately))
    for key, number in both:
        found[key].add(number)
    return found


def inspectors(place: Place) -> dict[str, Person]:
    """The supervisors who are free now, by number: of the place, of what lies above it, and of the district's other streets."""
    top = place.district_id or place.id
    near = sa.select(Place.id).where(sa.or_(Place.id == top, Place.district_id == top))
    ask = (
        sa.select(Person)
        .join(Account, Account.person_id == Person.id)
        .join(Grant, Grant.account_id == Account.id)
        .where(Grant.role == Role.INSPECTOR, Grant.place_id.in_(near), Grant.holds())
        .distinct()
    )
    return {each.number: each for each in sorted(db.session().scalars(ask).all(), key=lambda each: each.number)}


def seed_of(place: Place) -> str:
    """The seed of the next draw: the day and its number that day, so that nobody chooses it."""
    today = clock.today().isoformat()
    ask = sa.select(Drawing.id).where(Drawing.place_id == place.id, Drawing.seed.startswith(today))
    return f"{today} {place.code} {len(db.session().scalars(ask).all()) + 1}"


def draw(actor: Any, place: Place, many: int, template: str) -> Drawing:
    """Draw so many households and two supervisors for each, and plan the inspections. Everything that went in is kept.

    Refuses where nobody can be drawn, and where a home has not two who may go.
    """
    free = inspectors(place)
    listed = units(place, free)
    if not listed:
        raise Refusal("no_units", "这里还没有家庭，没有可抽的", field="many")
    if not 1 <= many <= min(len(listed), MOST):
        raise Refusal("many", "要抽的户数在 1 到 %(most)s 之间", field="many", most=min(len(listed), MOST))
    seed = seed_of(place)
    sent = rules.sent(seed, listed, list(free), many)
    row = Drawing(
        id=ids.new(), place_id=place.id, seed=seed, units=listed, inspectors=list(free), many=many, by_id=actor.account_id,
        drawn=[{"unit": each.unit, "inspectors": list(each.inspectors)} for each in sent],
    )  # fmt: skip
    db.session().add(row)
    db.session().flush()
    _plan(row, sent, free, template)
    audit.note("inspections.draw", row, seed=seed, many=many, digest=digest(row))
    return row


def _plan(row: Drawing, sent: list[rules.Sent], free: dict[str, Person], template: str) -> None:
    homes = db.session().execute(
        sa.select(Household.number, Household.id, Household.station_id).where(Household.number.in_([each.unit for each in sent]))
    )
    known = {number: (key, station) for number, key, station in homes}
    until, now = clock.today() + TERM, clock.now()
    planned, going = [], []
    for each in sent:
        key = ids.new()
        home, station = known[each.unit]
        planned.append(
            {"id": key, "made_at": now, "household_id": home, "place_id": station, "draw_id": row.id, "template": template,
             "state": "planned", "day": until, "answers": {}, "found": "", "suggestion": "", "reply": "", "alone": False,
             "paper": False, "band": ""}
        )  # fmt: skip
        going += [{"inspection_id": key, "person_id": free[number].id} for number in each.inspectors]
    db.session().execute(sa.insert(Inspection), planned)
    db.session().execute(sa.insert(Sent), going)


def digest(row: Drawing) -> str:
    """What fixes the list that was drawn from: SHA-256 of the numbers in their order."""
    return hashlib.sha256("\n".join(each["id"] for each in row.units).encode()).hexdigest()
