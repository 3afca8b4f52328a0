"""What the demo world's offices have said: an announcement, a notice nobody has seen yet, a task."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from webapp.access import Role
from webapp.kit import clock
from webapp.messages import announcing
from webapp.messages import models as messages
from webapp.people.models import Account, Grant, Place, PlaceKind
from webapp.sample.frame import Home
from webapp.store import db


def begin(homes: list[Home]) -> None:
    """The street told everybody; the first home's caregiver is asked to ring, and her station has one thing to do."""
    session, home = db.session(), homes[0]
    street = session.scalars(sa.select(Place).where(Place.kind == PlaceKind.STREET).order_by(Place.code).limit(1)).one()
    manager = session.scalars(
        sa.select(Account).join(Grant, Grant.account_id == Account.id).where(Grant.role == Role.STREET_MANAGER).limit(1)
    ).first()
    if manager is not None:
        words = "周五下午两点在街道会议室开会，请带上这个月的账本。"
        announcing.announce(street, announcing.BOTH, "周五开会", words, manager.id, must=True)
    station = home.household.station_id
    messages.notify("call_back", station, "sample:call", to=home.account.id, level="plain", by=home.head.id)
    messages.open_task(
        "todo", station, "sample:todo", household_id=home.household.id, due_at=clock.now() + timedelta(days=1),
        endpoint="people.household", args={"household_id": home.household.id},
    )  # fmt: skip
