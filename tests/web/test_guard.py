"""Two who do the same in the same moment: the second one's deed is done once more, and sees what the first one did."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa
from flask import Flask, request

from webapp.kit import clock, ids
from webapp.store import audit, db
from webapp.store.jobs import Job
from webapp.web.guard import open_door


def job(key: str) -> Job:
    return Job(id=ids.new(), name="events.purge", once=key, args={}, due_at=clock.now())


def test_who_comes_second_is_judged_again_with_file_and_name(app: Flask) -> None:
    who, met = ids.new(), []
    with db.transaction() as session:
        session.add(job("first"))

    @open_door
    def late() -> str:
        met.append((request.files["slip"].read(), db.session().info["actor"]))
        db.session().add(job("half"))
        db.session().add(job("first" if len(met) == 1 else "second"))
        db.session().flush()
        return "done"

    with app.test_request_context("/", method="POST", data={"slip": (io.BytesIO(b"picture"), "slip.jpg")}):
        audit.by(db.session(), who)
        assert late() == "done"
        db.undo()
    assert met == [(b"picture", who), (b"picture", who)]
    with app.test_request_context("/"):
        kept = db.session().scalars(sa.select(Job.once).where(Job.once.in_(("first", "half", "second")))).all()
        assert sorted(kept) == ["first", "half", "second"]
        db.undo()


@pytest.mark.parametrize(("broken", "times"), [(["same", "same"], 2), ([None], 1)])
def test_what_stays_refused_is_told_and_what_was_never_good_is_not_tried_again(app: Flask, broken, times) -> None:
    tries = []

    @open_door
    def never() -> None:
        tries.append(1)
        rows = [job(key or "dateless") for key in broken]
        rows[0].due_at = rows[0].due_at if broken[0] else None
        db.session().add_all(rows)
        db.session().flush()

    with app.test_request_context("/", method="POST"):
        with pytest.raises(sa.exc.IntegrityError):
            never()
        db.undo()
    assert len(tries) == times
