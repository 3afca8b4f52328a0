"""Arrivals behind a card nobody knows: the station says which home it was."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from webapp.access import Actor, within
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.people.models import Account, Household, Person
from webapp.store import audit, db, inbox
from webapp.visits import rules
from webapp.visits.models import IN, OPEN, Call, Visit, limits, tell
from webapp.visits.writing import find


def strays(actor: Actor, limit: int = 20) -> Sequence[Call]:
    """Arrivals of the last days that belong to no known home, by people within reach."""
    return (
        db.session()
        .scalars(
            sa.select(Call)
            .join(Account, Account.id == Call.author_id)
            .join(Person, Person.id == Account.person_id)
            .outerjoin(Visit, Visit.id == Call.visit_id)
            .where(Person.reach(actor), Call.household_id.is_(None), Call.direction == IN, Visit.id.is_(None))
            .order_by(Call.at.desc())
            .limit(limit)
        )
        .all()
    )


def authors(account_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Names by account."""
    if not account_ids:
        return {}
    rows = db.session().execute(
        sa.select(Account.id, Person.name).join(Person, Person.id == Account.person_id).where(Account.id.in_(account_ids))
    )
    return {key: name for key, name in rows}


def household_by_number(actor: Actor, number: str) -> Household | None:
    """The household of a short number (H00012), within reach."""
    return db.session().scalar(within(actor, sa.select(Household)).where(Household.number == number.strip().upper()))


def name_home(call: Call, household: Household, by: uuid.UUID) -> None:
    """The station knows which home a stray call was: the visit is made, and its later records can be taken in again.

    Refuses a call that has its visit, and one whose author is unknown.
    """
    session = db.session()
    person = session.scalar(sa.select(Account.person_id).where(Account.id == call.author_id))
    if person is None or session.get(Visit, call.visit_id) is not None:
        raise Refusal("not_stray", "这一条已经处理过了")
    day = clock.day_of(call.at)
    row = Visit(
        id=call.visit_id, household_id=household.id, station_id=household.station_id, caregiver_id=person, day=day,
        arrived_at=call.at, state=OPEN, grade="C",
    )  # fmt: skip
    session.add(row)
    session.flush()
    find(row.id, household.id, household.station_id, day, rules.named([("UNKNOWN_CARD", {})], limits(day)))
    audit.note("visits.name_home", row, household.id, call=call.id, by=by)
    inbox.chain_again(row.id)
    tell(household.station_id, household.id)
