"""Which sessions there are, who was there, whose certificates end, and how many were trained. Asked through the actor."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.access import Actor, within
from webapp.people.models import Clearance, Person, Place, on_post
from webapp.people.queries import nothing
from webapp.store import db
from webapp.training import rules
from webapp.training.models import Attendance, Certificate, Learned, Session


def sessions(actor: Actor, since: date, limit: int = 60) -> Sequence[Any]:
    """(session, its place's name, how many were there, whether it is within reach) from a day on, the latest first.

    What the street and the district hold for one's own people stands there too.
    """
    there = sa.select(sa.func.count(Attendance.person_id)).where(Attendance.session_id == Session.id).scalar_subquery()
    ours = actor.reaches_station(Session.place_id)
    here = sa.orm.aliased(Place)
    over = (sa.select(each).where(here.id == actor.place_id).scalar_subquery() for each in (here.street_id, here.district_id))
    ask = (
        sa.select(Session, Place.name, there, ours)
        .join(Place, Place.id == Session.place_id)
        .where(Session.day >= since, sa.or_(ours, *(Session.place_id == each for each in over)))
        .order_by(Session.day.desc(), Session.start_min.desc(), Session.id)
        .limit(limit)
    )
    return db.session().execute(ask).all()


def session(actor: Actor, key: uuid.UUID) -> Session:
    """A session within reach with those who were there. Raises Missing."""
    whole = [joinedload(Session.place), joinedload(Session.attendances).joinedload(Attendance.person)]
    found = db.session().scalars(within(actor, sa.select(Session)).where(Session.id == key).options(*whole)).unique()
    if (row := found.one_or_none()) is None:
        raise nothing()
    return row


def absent(held: Session, limit: int = 400) -> list[tuple[uuid.UUID, str]]:
    """The caregivers of the place and of the stations below it who are not signed in yet: (person, name)."""
    below = sa.select(Place.id).where(
        sa.or_(Place.id == held.place_id, Place.street_id == held.place_id, Place.district_id == held.place_id)
    )
    there = sa.exists().where(Attendance.session_id == held.id, Attendance.person_id == Person.id)
    ask = sa.select(Person.id, Person.name).where(on_post(Person.id), Person.station_id.in_(below), ~there)
    return [(key, name) for key, name in db.session().execute(ask.order_by(Person.initials, Person.id).limit(limit)).unique()]


@dataclass(frozen=True)
class Rate:
    """How many of a street's people on post were trained in a calendar year (M11)."""

    street_id: uuid.UUID | None
    street: str
    on_post: int
    trained: int

    @property
    def percent(self) -> int | None:
        """Cut off."""
        return rules.rate(self.trained, self.on_post)


def schooling(actor: Actor, year: int) -> tuple[list[Rate], list[tuple[str, int, int]]]:
    """Of caregivers on post within reach, in one question: the streets' rates of a year, by code (a station sees its own people
    under its street's name), and (station, caregivers, how many learning cards they have answered right together)."""
    street = sa.orm.aliased(Place)
    trained = sa.exists().where(
        Attendance.person_id == Person.id, Session.id == Attendance.session_id,
        Session.day.between(date(year, 1, 1), date(year, 12, 31)),
    )  # fmt: skip
    right = sa.select(Learned.person_id, sa.func.count(Learned.card).label("n")).where(Learned.right_at.is_not(None))
    each = right.group_by(Learned.person_id).subquery()
    whose = (street.id, street.name, street.code, Place.id, Place.name, Place.code)
    ask = (
        sa.select(
            *whose, sa.func.count(Person.id), sa.func.sum(sa.case((trained, 1), else_=0)),
            sa.func.sum(sa.func.coalesce(each.c.n, 0)),
        )
        .select_from(Person)
        .join(Place, Place.id == Person.station_id)
        .outerjoin(street, street.id == Place.street_id)
        .outerjoin(each, each.c.person_id == Person.id)
        .where(on_post(Person.id), actor.reaches_station(Person.station_id))
        .group_by(*whose)
        .order_by(street.code, Place.code)
    )  # fmt: skip
    streets, stations = dict[uuid.UUID | None, Rate](), []
    for key, name, _code, _station, station, _its, n, done, cards in db.session().execute(ask):
        so_far = streets.get(key, Rate(key, name or "", 0, 0))
        streets[key] = Rate(key, so_far.street, so_far.on_post + int(n), so_far.trained + int(done or 0))
        stations.append((station, int(n), int(cards or 0)))
    return list(streets.values()), stations


@dataclass(frozen=True)
class Taught:
    """A course in a year (P09). called: seats of those it was meant for; asked: of these, where there was a test."""

    code: str
    sessions: int
    called: int
    came: int
    asked: int
    tested: int
    passed: int


def courses(actor: Actor, today: date) -> list[Taught]:
    """The courses of the year so far within reach, by code: how many came of those who were called, were tested and passed."""
    near = sa.or_(Session.place_id == Place.id, Session.place_id == Place.street_id, Session.place_id == Place.district_id)
    heads = sa.select(sa.func.count(Person.id)).join(Place, Place.id == Person.station_id).where(near, on_post(Person.id))
    called = heads.correlate(Session).scalar_subquery()
    came, tested, passed = (
        sa.select(sa.func.count(Attendance.person_id)).where(Attendance.session_id == Session.id, *more).scalar_subquery()
        for more in ((), (Attendance.score.is_not(None),), (Attendance.passed.is_(True),))
    )
    each = (
        within(actor, sa.select(Session))
        .with_only_columns(
            Session.course, called.label("called"), came.label("came"), tested.label("tested"), passed.label("passed")
        )
        .where(Session.day.between(date(today.year, 1, 1), today - timedelta(days=1)))
        .subquery()
    )
    c = each.c
    meant = sa.case((c.called > c.came, c.called), else_=c.came)  # who has left since was called too
    ask = sa.select(
        c.course, sa.func.count(), sa.func.sum(meant), sa.func.sum(c.came),
        sa.func.sum(sa.case((c.tested > 0, meant), else_=0)), sa.func.sum(c.tested), sa.func.sum(c.passed),
    ).group_by(c.course).order_by(c.course)  # fmt: skip
    return [Taught(code, *(int(n or 0) for n in rest)) for code, *rest in db.session().execute(ask)]


def register(actor: Actor, station_id: uuid.UUID, limit: int = 500) -> list[tuple[str, dict[str, Certificate], set[str]]]:
    """(caregiver, her newest certificate of each course, the courses she is cleared by) of a station within reach, by name."""
    who = within(actor, sa.select(Person)).where(on_post(Person.id), Person.station_id == station_id)
    staff = db.session().scalars(who.order_by(Person.initials, Person.id).limit(limit)).all()
    kept: dict[uuid.UUID, dict[str, Certificate]] = {each.id: {} for each in staff}
    held = sa.select(Certificate).where(Certificate.person_id.in_(list(kept))).order_by(Certificate.passed_on, Certificate.id)
    for each in db.session().scalars(held):
        kept[each.person_id][each.course] = each
    cleared: dict[uuid.UUID, set[str]] = {each.id: set() for each in staff}
    known = sa.select(Clearance.person_id, Clearance.course).where(Clearance.person_id.in_(list(kept)))
    for key, course in db.session().execute(known):
        cleared[key].add(course)
    return [(each.name, kept[each.id], cleared[each.id]) for each in staff]


def ending(actor: Actor, today: date, days: int, limit: int = 60) -> Sequence[Certificate]:
    """Certificates that end within so many days or have ended in the last half year, and were not renewed."""
    newer = sa.orm.aliased(Certificate)
    renewed = sa.exists().where(
        newer.person_id == Certificate.person_id, newer.course == Certificate.course, newer.passed_on > Certificate.passed_on
    )
    ask = (
        within(actor, sa.select(Certificate))
        .where(Certificate.until.between(today - timedelta(days=183), today + timedelta(days=days)), ~renewed)
        .options(joinedload(Certificate.person))
        .order_by(Certificate.until, Certificate.id)
        .limit(limit)
    )
    return db.session().scalars(ask).all()


def certificate(actor: Actor, key: uuid.UUID) -> tuple[Certificate, str, str]:
    """One's own certificate, or of a person within reach, her station and who held the course. Raises Missing."""
    held = sa.orm.aliased(Place)
    ask = within(actor, sa.select(Certificate)).add_columns(Place.name, held.name)
    ask = ask.join(Person, Person.id == Certificate.person_id).join(Session, Session.id == Certificate.session_id)
    whole = ask.join(held, held.id == Session.place_id).outerjoin(Place, Place.id == Person.station_id)
    whole = whole.options(joinedload(Certificate.person))
    found = db.session().execute(whole.where(Certificate.id == key)).first()
    if found is None:
        raise nothing()
    return found[0], found[1] or "", found[2]


def learned(person_id: uuid.UUID) -> set[str]:
    """The learning cards whose question a person answered right."""
    ask = sa.select(Learned.card).where(Learned.person_id == person_id, Learned.right_at.is_not(None))
    return set(db.session().scalars(ask))


def certificates(person_id: uuid.UUID) -> Sequence[Certificate]:
    """A person's certificates, the newest first."""
    ask = sa.select(Certificate).where(Certificate.person_id == person_id)
    return db.session().scalars(ask.order_by(Certificate.passed_on.desc(), Certificate.id)).all()


def coming(person_id: uuid.UUID, today: date, limit: int = 20) -> Sequence[Session]:
    """The sessions ahead that are meant for a person: of her station, its street and its district."""
    station = sa.orm.aliased(Place)
    near = sa.or_(Session.place_id == station.id, Session.place_id == station.street_id, Session.place_id == station.district_id)
    ask = (
        sa.select(Session)
        .join(station, near)
        .join(Person, Person.station_id == station.id)
        .where(Person.id == person_id, Session.day >= today)
        .order_by(Session.day, Session.start_min)
        .limit(limit)
    )
    return db.session().scalars(ask).all()
