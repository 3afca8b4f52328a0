"""What the end of somebody's care makes of shifts, pauses and relief; and how plans go over to another caregiver or station."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import date, timedelta

import sqlalchemy as sa

from webapp.kit import clock
from webapp.people.models import Household, Person
from webapp.people.queries import main_caregiver
from webapp.roster import laying, leaving, models
from webapp.roster.absences import ASKED, REFUSED, Leave, Pause, Relief
from webapp.roster.models import CANCELLED, PAUSED, PLANNED, PlanChange, ServicePlan, Shift
from webapp.roster.publishing import PublishedChange
from webapp.store import audit, db, topics


def close(
    household: Household, resident_id: uuid.UUID | None, since: date, by: uuid.UUID, attended: Collection[uuid.UUID]
) -> None:
    """No shift, pause or relief from `since` on; `attended` shifts of that day stay. Of one resident: only the pauses end."""
    session = db.session()
    of_whom = Pause.resident_id == resident_id if resident_id else Pause.household_id == household.id
    for pause in session.scalars(sa.select(Pause).where(of_whom, Pause.ended_at.is_(None))):
        pause.ended_at, pause.ended_by = clock.now(), by
        pause.until = min(pause.until or date.max, max(since, pause.since) - timedelta(days=1))
    if resident_id is None:
        _cancel(household.id, since, attended)
    session.flush()
    laying.lay_again(household.id, since)
    if resident_id is None:
        _forget_published(household.id, since)
    audit.note("roster.close", household, household.id, day=since)
    topics.tell(f"roster:{household.station_id}", f"household:{household.id}")


def _cancel(household_id: uuid.UUID, since: date, attended: Collection[uuid.UUID]) -> None:
    """The shifts that nobody came to; whoever was sent no longer goes."""
    session = db.session()
    later = sa.and_(Shift.household_id == household_id, Shift.day >= since, Shift.state.in_([PLANNED, PAUSED]))
    open_ones = [key for key in session.scalars(sa.select(Shift.id).where(later)) if key not in attended]
    for row in session.scalars(sa.select(Relief).where(Relief.shift_id.in_(open_ones), Relief.ended_at.is_(None))):
        leaving.end_relief(row)
    for shift in session.scalars(sa.select(Shift).where(Shift.id.in_(open_ones))):
        shift.state, shift.note = CANCELLED, None
    session.flush()


def _forget_published(household_id: uuid.UUID, since: date) -> None:
    """No publishing tells anybody later that these visits fell away."""
    later = sa.and_(Shift.household_id == household_id, Shift.day >= since, Shift.state == CANCELLED)
    session = db.session()
    session.execute(sa.update(Shift).where(later).values(told=None).execution_options(synchronize_session=False))
    changes = sa.and_(PublishedChange.household_id == household_id, PublishedChange.day >= since)
    session.execute(sa.delete(PublishedChange).where(changes).execution_options(synchronize_session=False))


def hand_on(
    household: Household, former: uuid.UUID, person: Person, day: date, by: uuid.UUID, *, everybody: bool = False
) -> None:
    """`person` goes from `day` on wherever plans or relief named `former` (`everybody`: or anybody else was sent).

    Who is main caregiver is told before, by people's verb.
    """
    session = db.session()
    plans = session.scalars(
        sa.select(ServicePlan)
        .where(
            ServicePlan.household_id == household.id, sa.or_(ServicePlan.valid_until.is_(None), ServicePlan.valid_until >= day)
        )
        .options(sa.orm.selectinload(ServicePlan.changes))
    ).all()
    for plan in plans:
        _rename(plan, former, person, max(day, plan.valid_from), by, everybody=everybody)
    sent = sa.select(Relief).where(Relief.household_id == household.id, Relief.day >= day)
    sent = sent if everybody else sent.where(Relief.caregiver_id == former)
    for row in session.scalars(sent.where(Relief.ended_at.is_(None))):
        leaving.end_relief(row)
    session.flush()
    laying.lay_again(household.id, day)


def _rename(plan: ServicePlan, former: uuid.UUID, person: Person | None, day: date, by: uuid.UUID, *, everybody: bool) -> None:
    """Where a plan names `former` from `day` on, `person` goes (None: the plan's main caregiver); nobody goes with her."""
    later = [each for each in plan.changes if each.until is None or each.until >= day]
    first = {plan.caregiver_id, *(each.caregiver_id for each in later)}
    second = {plan.second_id, *(each.second_id for each in later)} - {None}
    alone = former in second or (everybody and bool(second))
    if former not in first and not alone:
        return
    models.change_from(plan, day, by=by, caregiver=person if former in first else None, alone=alone)
    for change in later:
        if change.until is not None:
            change.caregiver_id = person.id if person and change.caregiver_id == former else change.caregiver_id
            change.second_id = None if alone else change.second_id


def move(household: Household, former_station: uuid.UUID, day: date) -> None:
    """The shifts from `day` on belong to the household's station of now."""
    session = db.session()
    begun = sa.and_(Shift.day == clock.today(), Shift.start_min <= clock.minute_of(clock.now()))
    later = sa.and_(Shift.household_id == household.id, Shift.day >= day, ~begun)
    session.execute(sa.update(Shift).where(later).values(station_id=household.station_id))
    session.execute(
        sa.update(Relief).where(Relief.household_id == household.id, Relief.day >= day).values(station_id=household.station_id)
    )
    topics.tell(f"roster:{former_station}", f"roster:{household.station_id}")


def gone(person_id: uuid.UUID, day: date, by: uuid.UUID) -> None:
    """A caregiver has left: her leaves wait for nobody, and from `day` on she is sent nowhere."""
    session = db.session()
    for leave in session.scalars(sa.select(Leave).where(Leave.person_id == person_id, Leave.until >= day - timedelta(days=31))):
        leave.confirmed_at = leave.confirmed_at or clock.now()
        if leave.state == ASKED:
            leave.state, leave.decided_at, leave.decided_by = REFUSED, clock.now(), by
        leave.until = min(leave.until, day - timedelta(days=1))
    for row in session.scalars(
        sa.select(Relief).where(Relief.caregiver_id == person_id, Relief.day >= day, Relief.ended_at.is_(None))
    ):
        leaving.end_relief(row)
    named = sa.or_(ServicePlan.caregiver_id == person_id, ServicePlan.second_id == person_id)
    changed = sa.select(PlanChange.plan_id).where(
        sa.or_(PlanChange.caregiver_id == person_id, PlanChange.second_id == person_id),
        sa.or_(PlanChange.until.is_(None), PlanChange.until >= day),
    )
    plans = sa.select(ServicePlan).where(sa.or_(named, ServicePlan.id.in_(changed)))
    for plan in session.scalars(plans.options(sa.orm.selectinload(ServicePlan.changes))).all():
        _rename(plan, person_id, main_caregiver(plan.household_id), max(day, plan.valid_from), by, everybody=False)
    left = sa.and_(Shift.caregiver_id == person_id, Shift.day >= day, Shift.state != CANCELLED)
    session.execute(sa.update(Shift).where(left).values(caregiver_id=None).execution_options(synchronize_session=False))
    audit.note("roster.gone", f"person:{person_id}", day=day)


def reopen(household: Household, day: date) -> None:
    """The end was a mistake: the shifts from `day` on stand again as the plans say."""
    laying.lay_again(household.id, day)
    topics.tell(f"roster:{household.station_id}", f"household:{household.id}")
