"""How a red notice climbs until a human has seen it, and what goes out: every step a job that may be repeated."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app

from webapp.kit import clock, ids
from webapp.kit.settings import NONE, Settings
from webapp.messages import models, outgoing, pushing, rules, words
from webapp.messages.models import PUSH, Climb, Notice, Sending
from webapp.messages.rules import CAREGIVER, DISTRICT, RED, STATION, STREET, TOP
from webapp.people import queries as people
from webapp.people.models import Account, Place
from webapp.store import db, jobs


@jobs.job("messages.rise")
def rise(notice: str, rung: str) -> None:
    """A red notice stands on a rung: tell whoever answers there, and look again when their time is over."""
    row = _held(notice)
    if row is None or not row.waits or row.rung != rung:
        return
    place = _place_on(row, rung)
    steps = sa.select(Climb.id).where(Climb.notice_id == row.id, Climb.rung == rung)
    if db.session().scalar(steps) is None:
        db.session().add(Climb(id=ids.new(), notice_id=row.id, rung=rung, place_id=place.id, at=clock.now()))
        _send_out(row, rung, place)
    minutes = rules.patience(rung, models.settings(row.place_id)["ladder"])
    _ask("messages.climb", row, due_at=row.rung_at + timedelta(minutes=minutes))


@jobs.job("messages.climb")
def climb(notice: str, rung: str) -> None:
    """Nobody has seen it: one rung up, and somebody there must ring. At the top everybody above must."""
    row = _held(notice)
    if row is None or not row.waits or row.rung != rung:
        return
    place = db.session().get_one(Place, row.place_id)
    above = rules.above(rung, models.settings(row.place_id)["ladder"], _rungs(place))
    _ring(row, rung, above)
    if row.from_id is not None:
        models.open_task(
            "unseen", row.place_id, f"unseen:{row.id}", account_id=row.from_id, notice_id=row.id, facts={"what": row.kind},
            person_id=_person(row), household_id=row.household_id, endpoint="messages.notice", args={"notice_id": row.id},
        )  # fmt: skip
    row.rung, row.rung_at = above, clock.now()
    db.session().add(Climb(id=ids.new(), notice_id=row.id, rung=above, place_id=_place_on(row, above).id, at=row.rung_at))
    models.tell(row.place_id, row.to_id)
    if above != TOP:
        _send_out(row, above, _place_on(row, above))
        minutes = rules.patience(above, models.settings(row.place_id)["ladder"])
        _ask("messages.climb", row, due_at=row.rung_at + timedelta(minutes=minutes))


def _held(notice: str) -> Notice | None:
    """The notice, held until commit: somebody may be seeing it at this moment."""
    ask = sa.select(Notice).where(Notice.id == uuid.UUID(notice)).with_for_update().execution_options(populate_existing=True)
    return db.session().scalar(ask)


def _ask(job: str, row: Notice, due_at: Any) -> None:
    jobs.ask(job, due_at=due_at, once=f"{job}:{row.id}:{row.rung}", notice=str(row.id), rung=row.rung)


def _ring(row: Notice, rung: str, above: str) -> None:
    """请打电话: whoever is on the rung above rings those on `rung`."""
    below, over = _place_on(row, rung), _place_on(row, above)
    models.open_task(
        "ring", over.id, f"ring:{row.id}:{rung}", level=RED, notice_id=row.id, household_id=row.household_id,
        person_id=_person(row) if rung == CAREGIVER else None, numbers=[] if rung == CAREGIVER else numbers(below)[::-1],
        facts={"what": row.kind}, endpoint="messages.notice", args={"notice_id": row.id},
    )  # fmt: skip


def _rungs(place: Place) -> list[str]:
    """The rungs that exist above and at a place."""
    there = [(STATION, models.rung_of(place) == STATION), (STREET, place.street_id or models.rung_of(place) == STREET)]
    return [name for name, is_there in [*there, (DISTRICT, place.district_id)] if is_there]


def _place_on(row: Notice, rung: str) -> Place:
    """The place that answers on a rung; beyond the ladder, whoever stands over all of it."""
    session = db.session()
    place = session.get_one(Place, row.place_id)
    chosen = {STREET: place.street_id, DISTRICT: place.district_id, TOP: place.district_id or place.street_id}.get(rung)
    return session.get_one(Place, chosen) if chosen else place


def _person(row: Notice) -> uuid.UUID | None:
    return db.session().scalar(sa.select(Account.person_id).where(Account.id == row.to_id)) if row.to_id else None


def numbers(place: Place) -> list[tuple[str, str]]:
    """Whom to ring at a place: who is on duty now and who is rung next, then the place's own number; each number once."""
    duty = people.duty_now(place)
    found: list[tuple[str | None, str | None]] = [(place.name, place.phone)]
    if duty is not None:
        found = [(duty.name, duty.phone), (duty.next_name, duty.next_phone), *found]
    return list({phone: (name or "", phone) for name, phone in reversed(found) if phone}.values())[::-1]


# -- out of the house --


def chosen() -> Settings:
    """The installation's settings."""
    found: Settings = current_app.extensions["settings"]
    return found


def _send_out(row: Notice, rung: str, place: Place) -> None:
    """Put a message on its way to whoever answers on a rung, if there is a way."""
    to = row.to_id if rung == CAREGIVER else None
    _urge(account_id=to, place_id=None if to else place.id, notice_id=row.id, rung=rung)


def tell_kin(account_id: uuid.UUID, resident_id: uuid.UUID) -> None:
    """Send the urgent sentence to kin of a resident, who have no list of notices: nothing climbs from it."""
    _urge(account_id=account_id, place_id=None, resident_id=resident_id)


def _urge(account_id: uuid.UUID | None, place_id: uuid.UUID | None, **more: Any) -> None:
    """The urgent sentence by every way there is."""
    if chosen().outgoing != NONE:
        _put(Sending(account_id=account_id, place_id=place_id, text=models.urgent(), **more))
    for key in pushing.reached(account_id, place_id) if chosen().push_contact else ():
        _put(Sending(account_id=key, way=PUSH, text=models.urgent(), **more))


def _put(sending: Sending) -> None:
    sending.id, sending.made_at = ids.new(), clock.now()
    db.session().add(sending)
    jobs.ask("messages.send", once=f"messages.send:{sending.id}:0", sending=str(sending.id))


@jobs.job("messages.send", alone=True)
def send(sending: str) -> None:
    """Hand one message to the adapter, outside of any transaction; what came of it is kept, and tried again later."""
    with db.transaction():
        found = _ready(uuid.UUID(sending))
    if found is None:
        return
    trouble = pushing.ring(chosen(), found.to) if found.way == PUSH else outgoing.post(chosen(), found.phone, found.text)
    with db.transaction() as session:
        row = session.get_one(Sending, uuid.UUID(sending))
        row.tries += 1
        row.trouble = trouble
        if trouble is None:
            row.outcome, row.done_at = "sent", clock.now()
        else:
            _again(row, models.settings()["retry_s"])


@dataclass(frozen=True)
class Message:
    """What goes out, how, and to which account or number."""

    way: str
    to: uuid.UUID
    phone: str | None
    text: str


def _ready(key: uuid.UUID) -> Message | None:
    """A message that still must go out; one that nobody needs, or may not be told any more, is closed."""
    session = db.session()
    row = session.get_one(Sending, key)
    if row.done_at is not None:
        return None
    notice = session.get(Notice, row.notice_id) if row.notice_id else None
    withdrawn = row.resident_id and row.account_id not in session.scalars(people.kin_accounts(row.resident_id)).all()
    if (notice is not None and not notice.waits) or withdrawn:
        row.outcome, row.done_at = "unneeded", clock.now()
        return None
    return Message(row.way, row.account_id or row.id, None if row.way == PUSH else _number(row), row.text)


def _number(row: Sending) -> str | None:
    if row.account_id is not None:
        return db.session().get_one(Account, row.account_id).person.phone
    found = numbers(db.session().get_one(Place, row.place_id))
    return found[0][1] if found else None


def _again(row: Sending, waits: Sequence[int]) -> None:
    if row.tries > len(waits):
        row.outcome, row.done_at = "failed", clock.now()
        return
    due = clock.now() + timedelta(seconds=waits[row.tries - 1])
    jobs.ask("messages.send", due_at=due, once=f"messages.send:{row.id}:{row.tries}", sending=str(row.id))


@jobs.job("messages.digest")
def digest(account: str | None = None, place: str | None = None) -> None:
    """One message a day to a person or duty room about everything that is not red and still unseen; none when all is seen."""
    session = db.session()
    whom = Notice.to_id == uuid.UUID(account) if account else sa.and_(Notice.to_id.is_(None), Notice.place_id == uuid.UUID(place))
    waiting = sa.select(Notice).where(
        whom, Notice.level != RED, Notice.seen_at.is_(None), Notice.ended_at.is_(None), Notice.digested_at.is_(None)
    )
    rows = session.scalars(waiting.with_for_update()).all()
    for row in rows:
        row.digested_at = clock.now()
    if rows and chosen().outgoing != NONE:
        to, at = (uuid.UUID(key) if key else None for key in (account, place))
        _put(Sending(account_id=to, place_id=at, text=words.digest(len(rows))))
