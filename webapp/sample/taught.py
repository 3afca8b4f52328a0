"""Training of the demo world: three courses that are over, with their certificates, a study session, one today, one ahead."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from webapp.access import Role
from webapp.kit import clock
from webapp.people.models import Account, Grant, Person, Place, PlaceKind
from webapp.sample.months import doer
from webapp.store import db
from webapp.training import models

MARKS = (95, 88, 76, 52)
COURSES = (
    ("first_aid", -75, 540),
    ("illness", -47, 540),
    ("care", -19, 540),
    ("study", -10, 900),
    ("first_aid", 0, 870),
    ("illness", 8, 540),
)
"""Course, days from today, minutes after midnight."""


def begin() -> None:
    """In the first street."""
    session = db.session()
    street = session.scalars(sa.select(Place).where(Place.kind == PlaceKind.STREET).order_by(Place.code).limit(1)).one()
    actor = doer(Role.STREET_MANAGER)
    if actor is None:
        return
    today = clock.today()
    people = sa.select(Person).join(Account, Account.person_id == Person.id).join(Grant, Grant.account_id == Account.id)
    here = sa.select(Place.id).where(Place.street_id == street.id)
    staff = session.scalars(people.where(Grant.role == Role.CAREGIVER, Person.station_id.in_(here)).order_by(Person.number)).all()
    for course, gap, start in COURSES:
        given = (start, 120, "街道三楼会议室", "街道卫生服务中心 陈医生")
        topic = "防走失：出门前后问一问" if course == "study" else ""
        held = models.hold(actor, street, course, today + timedelta(days=gap), *given, topic)
        session.flush()
        there = [person for n, person in enumerate(staff) if (n + gap) % 4] if gap < 0 else staff[:2] if gap == 0 else []
        for person in there:
            held.attend(person, models.LIST, actor.account_id)
        session.refresh(held)
        for n, person in enumerate(there if gap < 0 and course != "study" else ()):
            held.grade(person.id, MARKS[n % len(MARKS)], actor.account_id)
