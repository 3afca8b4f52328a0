"""What a diary lacks, looked over each night: a visit nobody wrote about, a photo used before, or one that looks like it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.kit import clock
from webapp.logs.models import Log, LogPhoto
from webapp.store import audit, db, files, jobs
from webapp.store.files import Photo
from webapp.visits import rules, settling
from webapp.visits.models import DONE, Visit, VisitException, limits
from webapp.visits.writing import find, touch


@jobs.job("logs.look_over", nightly=True)
def look_over(on: str | None = None) -> None:
    """The days up to yesterday: NO_LOG and SAME_PHOTO are found, and a NO_LOG settles when the diary has come. `on`: ISO day."""
    day = date.fromisoformat(on) if on else clock.today() - timedelta(days=1)
    unwritten, again = _unwritten(day), _again(day)
    alike = {visit: bits for visit, bits in _alike(day).items() if visit not in again}
    session = db.session()
    written = session.scalars(
        sa.select(VisitException).where(
            VisitException.code == "NO_LOG",
            VisitException.settled_at.is_(None),
            VisitException.day >= day - timedelta(days=7),
            sa.exists().where(Log.visit_id == VisitException.visit_id),
        )
    ).all()
    settling.clear(written)
    found: list[tuple[str, Visit, dict[str, int]]] = [
        *(("NO_LOG", each, {}) for each in unwritten),
        *(("SAME_PHOTO", each, {}) for each in again),
    ]
    found += [("SAME_PHOTO", visit, {"bits": bits}) for visit, bits in alike.items()]
    for code, visit, facts in found:
        told = rules.named([(code, facts)], limits(visit.day, visit.station_id))
        find(visit.id, visit.household_id, visit.station_id, visit.day, told)
        touch(visit.id)
    if found or written:
        same, missing, came = len(again), len(unwritten), len(written)
        audit.note("logs.look_over", f"day:{day}", no_log=missing, same_photo=same, alike=len(alike), written=came)


def _unwritten(day: date) -> list[Visit]:
    """Visits of a day that are over, counted and without a diary."""
    ask = sa.select(Visit).where(
        Visit.day == day, Visit.state == DONE, Visit.counted, ~sa.exists().where(Log.visit_id == Visit.id)
    )
    return list(db.session().scalars(ask))


def _again(day: date) -> list[Visit]:
    """Visits of a day with a photo that an older diary of the setting's days has too, byte for byte."""
    mine, older, before = aliased(LogPhoto), aliased(LogPhoto), aliased(Log)
    since = day - timedelta(days=limits(day)["photo_days"])
    same = sa.exists().where(
        older.sha256 == mine.sha256, older.log_id != mine.log_id, before.id == older.log_id, before.day.between(since, day),
        older.at < mine.at,
    )  # fmt: skip
    ask = sa.select(Visit).where(Visit.day == day, sa.exists().where(Log.visit_id == Visit.id, mine.log_id == Log.id, same))
    return list(db.session().scalars(ask))


def _alike(day: date) -> dict[Visit, int]:
    """Visits of a day with a photo that looks like an earlier one of the same caregiver, and in how many bits they differ.

    Pictures of rooms only: a diary's. Receipts and screenshots look alike by nature and are never compared by looks.
    """
    facts = limits(day)
    since = day - timedelta(days=facts["alike_days"])
    authors = sa.select(Log.author_id).where(Log.day == day, sa.exists().where(LogPhoto.log_id == Log.id))
    ask = (
        sa.select(Log.author_id, Log.visit_id, Log.day, LogPhoto.sha256, Photo.looks)
        .join(LogPhoto, LogPhoto.log_id == Log.id)
        .join(Photo, Photo.sha256 == LogPhoto.sha256)
        .where(Log.day.between(since, day), Log.author_id.in_(authors), Photo.looks.is_not(None))
        .order_by(LogPhoto.at, LogPhoto.sha256)
    )
    before: dict[uuid.UUID, list[Any]] = {}
    found: dict[uuid.UUID, int] = {}
    for row in db.session().execute(ask):
        mine = before.setdefault(row.author_id, [])
        if row.day == day and not files.plain(row.looks):
            others = (each for each in mine if each.visit_id != row.visit_id and each.sha256 != row.sha256)
            bits = min((files.unlike(each.looks, row.looks) for each in others), default=64)
            if bits <= facts["alike_bits"]:
                found[row.visit_id] = min(bits, found.get(row.visit_id, 64))
        mine.append(row)
    visits = db.session().scalars(sa.select(Visit).where(Visit.id.in_(found)))
    return {visit: found[visit.id] for visit in visits}
