"""Where a home is and how long it is remembered where somebody was: the home point, and places that grow rough and go."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.people import models as people
from webapp.people.models import Household, Spot
from webapp.store import audit, db, jobs
from webapp.store.db import Base
from webapp.store.traits import Homed
from webapp.store.types import Instant, Uuid
from webapp.visits import rules
from webapp.visits.models import DONE, IN, Call, CallPlace, NobodyHome, Visit, VisitException, limits
from webapp.visits.rules import Point
from webapp.visits.writing import touch

HOME = "home"
AT_ONCE = 500
"""Rows that one transaction of the night work changes."""


class HomeFix(Homed, Base):
    """An arrival that the station says was at the home; gone once the home point is known."""

    __tablename__ = "home_fix"
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit.id"), primary_key=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    lat_e6: Mapped[int]
    lon_e6: Mapped[int]
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())


def middle(fixes: Sequence[Point]) -> Point:
    """The median of some fixes, latitude and longitude each for itself: one wild fix of three moves nothing."""
    return Point(round(median(fix.lat_e6 for fix in fixes)), round(median(fix.lon_e6 for fix in fixes)))


def confirm_home(visit: Visit, actor: Actor) -> Spot | None:
    """The station says: this arrival was at the home. With the setting's number of them the home point is known.

    Refuses one's own visit, a home whose point is known, an arrival without a sharp fix, and one already counted.
    """
    session, facts = db.session(), limits(visit.day, visit.station_id, visit.household_id)
    if visit.caregiver_id == actor.person_id:
        raise Refusal("own_visit", "自己的上门要请别人来看")
    if _home_of(visit.household_id) is not None:
        raise Refusal("home_known", "老人家的位置已经定了")
    place = session.scalar(
        sa.select(CallPlace)
        .join(Call, Call.id == CallPlace.id)
        .where(Call.visit_id == visit.id, Call.direction == IN, CallPlace.rough.is_(False))
        .order_by(CallPlace.accuracy_m)
        .limit(1)
    )
    if place is None or place.accuracy_m > facts["home_accuracy_m"] or place.accuracy_m <= 0:
        raise Refusal("not_sharp", "这次的位置不够准，不能用来定老人家的位置")
    if session.get(HomeFix, visit.id) is not None:
        raise Refusal("counted", "这次已经算过了")
    session.add(
        HomeFix(
            visit_id=visit.id, household_id=visit.household_id, lat_e6=place.lat_e6, lon_e6=place.lon_e6,
            by_id=actor.account_id, at=clock.now(),
        )
    )  # fmt: skip
    session.flush()
    audit.note("visits.confirm_home", f"visit:{visit.id}", visit.household_id)
    fixes = session.scalars(sa.select(HomeFix).where(HomeFix.household_id == visit.household_id).order_by(HomeFix.at)).all()
    if len(fixes) < facts["home_fixes"]:
        return None
    at = middle([Point(fix.lat_e6, fix.lon_e6) for fix in fixes[: facts["home_fixes"]]])
    home = session.get_one(Household, visit.household_id)
    spot = people.add_spot(home, at.lat_e6, at.lon_e6, kind=HOME, name="家", radius_m=facts["radius_m"])
    session.execute(sa.delete(HomeFix).where(HomeFix.household_id == visit.household_id))
    return spot


def _home_of(household_id: uuid.UUID) -> Spot | None:
    return db.session().scalar(sa.select(Spot).where(Spot.household_id == household_id, Spot.kind == HOME).limit(1))


def fixes_of(household_id: uuid.UUID) -> int:
    """How many arrivals were confirmed at a home whose point is not known yet."""
    return len(db.session().scalars(sa.select(HomeFix.visit_id).where(HomeFix.household_id == household_id)).all())


@jobs.job("visits.verify", nightly=True, alone=True)
def verify(at: datetime | None = None) -> None:
    """Visits without an open question count as verified after the setting's hours; then their places are kept roughly."""
    now = at or clock.now()
    facts = limits(clock.day_of(now))
    since = clock.day_of(now) - timedelta(days=facts["place_days"] + 1)
    waits = sa.exists().where(VisitException.visit_id == Visit.id, VisitException.settled_at.is_(None))
    quiet = sa.select(Visit.id).where(
        Visit.verified_at.is_(None), Visit.state == DONE, Visit.day >= since,
        Visit.day <= clock.day_of(now - timedelta(hours=facts["verify_h"])),
        Visit.arrived_at <= now - timedelta(hours=facts["verify_h"]), ~waits,
    )  # fmt: skip
    while True:
        with db.transaction() as session:
            keys = session.scalars(quiet.order_by(Visit.id).limit(AT_ONCE)).all()
            for key in keys:
                session.execute(sa.update(Visit).where(Visit.id == key).values(verified_at=now))
                touch(key)
            if keys:
                audit.note("visits.verify", f"visit:{keys[0]}", many=len(keys))
        if len(keys) < AT_ONCE:
            break
    forget(now)


@jobs.job("visits.forget", nightly=True, alone=True)
def forget(at: datetime | None = None) -> None:
    """Places of verified visits are kept to the setting's metres; none is kept longer than the setting's days."""
    now = at or clock.now()
    facts = limits(clock.day_of(now))
    oldest = now - timedelta(days=facts["place_days"])
    _drop(oldest)
    verified = (
        sa.select(CallPlace)
        .join(Call, Call.id == CallPlace.id)
        .join(Visit, Visit.id == Call.visit_id)
        .where(CallPlace.rough.is_(False), Visit.verified_at.is_not(None), Visit.day >= clock.day_of(oldest))
        .limit(AT_ONCE)
    )
    while True:
        with db.transaction() as session:
            rows = session.scalars(verified).all()
            for row in rows:
                point = rules.rough(Point(row.lat_e6, row.lon_e6), facts["blur_m"])
                row.lat_e6, row.lon_e6, row.rough = point.lat_e6, point.lon_e6, True
                row.accuracy_m = max(row.accuracy_m, facts["blur_m"])
            if rows:
                audit.note("visits.blur", "call_place:many", many=len(rows), metres=facts["blur_m"])
        if len(rows) < AT_ONCE:
            return


def _drop(oldest: datetime) -> None:
    """Delete places older than `oldest`, of calls and of doors that nobody opened."""
    called = sa.select(CallPlace.id).join(Call, Call.id == CallPlace.id).where(Call.received_at < oldest)
    knocked = sa.select(CallPlace.id).join(NobodyHome, NobodyHome.id == CallPlace.id).where(NobodyHome.received_at < oldest)
    while True:
        with db.transaction() as session:
            keys = session.scalars(called.union(knocked).limit(AT_ONCE)).all()
            if keys:
                session.execute(sa.delete(CallPlace).where(CallPlace.id.in_(keys)))
                audit.note("visits.forget", "call_place:many", many=len(keys))
        if len(keys) < AT_ONCE:
            return
