"""What a diary lacks, looked over each night: a visit nobody wrote about, and a photo that was in a diary before."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.kit import clock
from webapp.logs.models import Log, LogPhoto
from webapp.store import audit, db, jobs
from webapp.visits import rules, settling
from webapp.visits.models import DONE, Visit, VisitException, limits
from webapp.visits.writing import find, touch


@jobs.job("logs.look_over", nightly=True)
def look_over(on: str | None = None) -> None:
    """The days up to yesterday: NO_LOG and SAME_PHOTO are found, and a NO_LOG settles when the diary has come. `on`: ISO day."""
    day = date.fromisoformat(on) if on else clock.today() - timedelta(days=1)
    unwritten, again = _unwritten(day), _again(day)
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
    for code, visits in (("NO_LOG", unwritten), ("SAME_PHOTO", again)):
        for visit in visits:
            facts = limits(visit.day, visit.station_id)
            find(visit.id, visit.household_id, visit.station_id, visit.day, rules.named([(code, {})], facts))
            touch(visit.id)
    if unwritten or again or written:
        audit.note("logs.look_over", f"day:{day}", no_log=len(unwritten), same_photo=len(again), written=len(written))


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
