"""Somebody goes out and comes back; when they do not, whoever is on duty must see it, and it climbs."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa

from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.messages import models as messages
from webapp.outings import models
from webapp.outings.models import HomeAgain, Outing
from webapp.people import queries as people
from webapp.people.models import Resident
from webapp.store import audit, db, jobs
from webapp.store.inbox import Act

NOT_HERS = "这一户不是您的，先放在站里"


# -- from a caregiver's phone --


def go(
    act: Act, *, household: uuid.UUID, resident: uuid.UUID, company: str, place: str, minutes: str, words: str | None = None,
    phone: str | None = None,
) -> str | None:  # fmt: skip
    """A resident went out. Refuses a household that was not hers then, and whoever does not live there."""
    if not people.may_enter(act.author_id, household, act.at):
        raise Refusal("not_hers", NOT_HERS)
    who = models.resident_of(household, resident)
    begin(who, act.at, int(minutes), company, place, words or "", phone or "", by=act.author_id, key=act.id)
    return "记下了，到时候没回来站里会知道"


def back(act: Act, *, household: uuid.UUID, resident: uuid.UUID) -> str | None:
    """平安回来. Refuses a household that was not hers then."""
    if not people.may_enter(act.author_id, household, act.at):
        raise Refusal("not_hers", NOT_HERS)
    come_back(models.resident_of(household, resident), act.at, by=act.author_id, key=act.id)
    return "记下了，平安回来"


# -- whoever says it --


def begin(
    who: Resident, left_at: datetime, minutes: int, company: str, place: str, words: str, phone: str, *, by: uuid.UUID,
    key: uuid.UUID,
) -> Outing:  # fmt: skip
    """A resident is out for so many minutes. A new word about somebody who is out already takes the place of the first.

    Said twice (`key`) is once. Refuses whose care has ended.
    """
    session = db.session()
    if (before := session.get(Outing, key)) is not None:
        return before
    if who.ended_on is not None:
        raise Refusal("no_longer_here", "这位老人已经不由我们照看")
    for former in models.out(who.id):
        former.over(left_at, by)
    row = Outing(
        id=key, household_id=who.household_id, resident_id=who.id, company=company, place=place, words=words.strip()[:100],
        phone=phone.strip()[:30], left_at=left_at, back_by=left_at + timedelta(minutes=minutes), by_id=by,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note("outings.go", row, row.household_id, company=company, place=place, back_by=row.back_by)
    again = sa.select(HomeAgain).where(HomeAgain.resident_id == who.id, HomeAgain.at >= left_at).order_by(HomeAgain.at)
    if (said := session.scalars(again.limit(1)).first()) is not None:
        row.over(said.at, said.by_id)
    else:
        _watch(row)
    models.tell(row.household)
    return row


def later(row: Outing, by: uuid.UUID) -> None:
    """Somebody rang: they come later. The alarm waits so much longer. Refuses an outing that is over."""
    if row.back_at is not None:
        raise Refusal("back", "已经回来了")
    row.back_by = clock.now() + timedelta(minutes=models.settings(row.household.station_id)["later_min"])
    db.session().flush()
    audit.note("outings.later", row, row.household_id, back_by=row.back_by)
    messages.taken_on(f"outing:{row.id}", by)
    _watch(row)
    models.tell(row.household)


def come_back(who: Resident, at: datetime, *, by: uuid.UUID, key: uuid.UUID) -> None:
    """They are safely back; a search that was begun before that is over too. Said twice is once."""
    session = db.session()
    if session.get(HomeAgain, key) is not None:
        return
    session.add(HomeAgain(id=key, household_id=who.household_id, resident_id=who.id, at=at, by_id=by))
    session.flush()
    case = models.searched(who.id)
    if case is not None and case.opened_at <= at:
        case.close("self", "", by)
    for row in models.out(who.id):
        if row.left_at <= at:
            row.over(at, by)


# -- not back in time --


def _watch(row: Outing) -> None:
    due = row.back_by + timedelta(minutes=models.settings(row.household.station_id)["grace_min"])
    once = f"outings.overdue:{row.id}:{row.back_by:%d%H%M%S}"
    jobs.ask("outings.overdue", due_at=due, once=once, outing=str(row.id))


@jobs.job("outings.overdue")
def overdue(outing: str) -> None:
    """Not back in time: whoever is on duty must see it. Nothing when they are back, come later, or are looked for."""
    row = db.session().get_one(Outing, uuid.UUID(outing))
    station = row.household.station_id
    waits = row.back_by + timedelta(minutes=models.settings(station)["grace_min"]) > clock.now()
    if row.back_at is not None or waits or models.searched(row.resident_id) is not None:
        return
    # the list of what must be done tells it already, with the name
    messages.notify(
        "overdue", station, f"outing:{row.id}", household_id=row.household_id, resident_id=row.resident_id, listed=False,
        endpoint="outings.home", args={"household_id": row.household_id},
    )  # fmt: skip
