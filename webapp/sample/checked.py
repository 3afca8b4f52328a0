"""Inspections of the demo world: a draw, one that was done with something to put right, one on its way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access import Role
from webapp.inspections import drawing, models
from webapp.inspections.models import Inspection, Sent
from webapp.kit import clock, ids
from webapp.people import models as people
from webapp.people.models import Account, Grant, Household, Person, Place, PlaceKind
from webapp.sample.months import doer
from webapp.store import db
from webapp.store.inbox import Act

NAMES = ("卢淑华", "彭志远")
FOUND = {"rec_02": "yes", "rec_04": "yes", "con_02": "yes", "con_05": "yes", "opi_01": "5", "opi_02": "想多出去走走",
         "opi_04": "yes", "hea_01": "yes", "hea_02": "yes", "saf_06": "no", "saf_11": "yes"}  # fmt: skip


def begin() -> None:
    """In the first street: two more supervisors, a draw of three homes, the first of which was visited yesterday."""
    session = db.session()
    street = session.scalars(sa.select(Place).where(Place.kind == PlaceKind.STREET).order_by(Place.code).limit(1)).one()
    for name in NAMES:
        person = people.welcome(name, None, phone="10000008888")
        people.open_account(person, Role.INSPECTOR, street)
    session.flush()
    session.execute(sa.update(Grant).where(Grant.role == Role.INSPECTOR).values(since=clock.now() - timedelta(days=90)))
    actor = doer(Role.STREET_MANAGER)
    homes = session.scalars(sa.select(Household.id).limit(3)).all()
    if actor is None or len(homes) < 3:
        return
    drawn = drawing.draw(actor, street, 3, "home_quick")
    first = session.scalars(sa.select(Inspection).where(Inspection.draw_id == drawn.id).order_by(Inspection.household_id)).first()
    assert first is not None
    goes = sa.select(Account.id).join(Person).join(Sent, Sent.person_id == Person.id).where(Sent.inspection_id == first.id)
    author = session.scalars(goes.limit(1)).one()
    at = clock.instant(clock.today() - timedelta(days=1), 15 * 60)
    act: Any = Act(
        id=ids.new(), kind="inspections.record", author_id=author, courier_id=None, device_id=None, chain=None, made_at=at,
        beacon_at=None, received_at=clock.now(), app="",
    )  # fmt: skip
    words = {"found": "厕所门口有块小地毯，容易滑", "suggestion": "床头贴一张大字电话单"}
    models.record(act, first.id, "home_quick", household=first.household_id, alone=True, **words, **FOUND)  # type: ignore[arg-type]
    session.flush()
