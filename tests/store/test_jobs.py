"""Work for later: done once, tried again, never in somebody else's transaction; rules of their own days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.world import World
from webapp.kit import clock
from webapp.store import db, jobs, rulebook, topics
from webapp.store.jobs import TRIES, Job
from webapp.store.topics import Event

DONE: list[str] = []


@pytest.fixture(autouse=True)
def deeds(monkeypatch: pytest.MonkeyPatch):
    """Two deeds: one that works, one that breaks."""
    DONE.clear()

    def work(word: str = "") -> None:
        DONE.append(word)

    def collapse() -> None:
        jobs.ask("test.work", word="never")
        db.session().flush()
        raise ZeroDivisionError

    monkeypatch.setattr(jobs, "DEEDS", {"test.work": work, "test.collapse": collapse})
    monkeypatch.setattr(jobs, "NIGHTLY", ["test.work"])


def ask(*args, **kwargs) -> None:
    with db.transaction():
        jobs.ask(*args, **kwargs)


def rows(name: str) -> list[Job]:
    db.undo()
    return list(db.reading().scalars(sa.select(Job).where(Job.name == name)))


def test_a_job_is_done_once(app: Flask) -> None:
    ask("test.work", word="a")
    jobs.run_due()
    jobs.run_due()
    assert DONE == ["a"]
    assert rows("test.work")[0].done_at is not None


def test_a_job_is_not_done_before_its_time(app: Flask) -> None:
    ask("test.work", due_at=clock.now() + timedelta(hours=1))
    jobs.run_due()
    assert DONE == []


def test_asked_twice_with_a_key_is_asked_once(app: Flask) -> None:
    ask("test.work", once="k", word="a")
    ask("test.work", once="k", word="a")
    assert len(rows("test.work")) == 1


def test_the_nightly_round_is_asked_once_a_day(app: Flask) -> None:
    jobs.ask_nightly()
    jobs.ask_nightly()
    assert [row.once for row in rows("test.work")] == [f"test.work:{clock.today()}"]


def test_a_job_in_trouble_is_undone_noted_and_tried_later(app: Flask) -> None:
    ask("test.collapse")
    ask("test.work", word="b")
    jobs.run_due()
    row = rows("test.collapse")[0]
    assert (row.tries, row.done_at) == (1, None)
    assert "ZeroDivisionError" in (row.trouble or "")
    assert clock.now() + timedelta(minutes=1) < row.due_at < clock.now() + timedelta(minutes=3)
    assert DONE == ["b"]  # what it asked for was rolled back, the next one was done


def test_a_job_that_never_works_is_given_up_and_kept_to_be_seen(app: Flask) -> None:
    ask("test.collapse")
    for _round in range(TRIES + 2):
        with db.transaction() as session:
            session.execute(sa.update(Job).where(Job.done_at.is_(None)).values(due_at=clock.now()))
        jobs.run_due()
    row = rows("test.collapse")[0]
    assert row.tries == TRIES and row.done_at is not None and row.trouble


def test_a_job_asked_for_in_a_write_that_fails_was_never_asked(app: Flask) -> None:
    db.undo()
    jobs.ask("test.work")
    db.undo()
    assert rows("test.work") == []


def test_the_newest_event_stays_so_that_numbers_go_on(app: Flask) -> None:
    with db.transaction() as session:
        session.execute(sa.delete(Event))
        session.add_all([Event(topic="old", at=clock.now() - timedelta(hours=n)) for n in (3, 2)])
    with db.transaction():
        topics.purge()
    with db.transaction() as session:
        assert len(session.scalars(sa.select(Event)).all()) == 1
        before = session.scalar(sa.select(sa.func.max(Event.id)))
        session.add(Event(topic="next", at=clock.now()))
        session.flush()
        assert session.scalar(sa.select(Event.id).where(Event.topic == "next")) > before


def test_events_are_purged_after_an_hour(app: Flask) -> None:
    with db.transaction() as session:
        session.add_all([Event(topic="old", at=clock.now() - timedelta(minutes=61)), Event(topic="new", at=clock.now())])
    with db.transaction():
        topics.purge()
    db.undo()
    assert db.reading().scalars(sa.select(Event.topic).where(Event.topic.in_(["old", "new"]))).all() == ["new"]


def test_an_old_month_keeps_the_rules_of_its_own_days(app: Flask, world: World) -> None:
    kind = rulebook.kinds()[0]
    shipped = rulebook.default(kind)
    songling, wanghai = world.place("songling").id, world.place("wanghai").id
    with db.transaction():
        rulebook.put(kind, {"n": 1}, date(2026, 3, 1))
        rulebook.put(kind, {"n": 2}, date(2026, 4, 1))
        rulebook.put(kind, {"n": 3}, date(2026, 4, 1), songling)
    db.undo()
    assert rulebook.current(kind, date(2026, 2, 28)) == shipped
    assert rulebook.current(kind, date(2026, 3, 31)) == {"n": 1}
    assert rulebook.current(kind, date(2026, 4, 1)) == {"n": 2} == rulebook.current(kind, date(2026, 4, 1), wanghai)
    assert rulebook.current(kind, date(2026, 4, 1), songling) == {"n": 3}
    assert rulebook.current(kind, date(2026, 3, 31), songling) == {"n": 1}


def test_of_two_versions_of_one_day_the_later_made_holds(app: Flask) -> None:
    kind = rulebook.kinds()[0]
    for n in (1, 2):
        with db.transaction() as session:
            row = rulebook.put(kind, {"n": n}, date(2026, 5, 1))
            row.made_at = clock.now() + timedelta(seconds=n)
            session.flush()
    db.undo()
    assert rulebook.current(kind, date(2026, 5, 2)) == {"n": 2}


def test_an_unknown_kind_of_rules_is_refused(app: Flask) -> None:
    with pytest.raises(KeyError):
        rulebook.put("no_such_kind", {}, date(2026, 1, 1))
    db.undo()


@pytest.mark.parametrize("kind", ["doors"])
def test_the_shipped_rules_are_there_without_a_row(app: Flask, kind: str) -> None:
    assert rulebook.current(kind, clock.today()) == rulebook.default(kind) != {}


def test_a_deed_that_waits_outside_runs_in_no_transaction_and_comes_last(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait() -> None:
        DONE.append("open" if "session" in db.g else "alone")

    monkeypatch.setitem(jobs.DEEDS, "test.wait", wait)
    monkeypatch.setattr(jobs, "ALONE", {"test.wait"})
    for n in range(jobs.ALONE_AT_ONCE + 1):
        ask("test.wait", once=f"wait:{n}")
    ask("test.work", word="own")
    assert jobs.run_due() == jobs.ALONE_AT_ONCE + 1
    assert ["own", *["alone"] * jobs.ALONE_AT_ONCE] == DONE
    assert jobs.run_due() == 1 and jobs.run_due() == 0
    assert all(row.done_at for row in rows("test.wait"))


def test_a_deed_that_waits_outside_and_breaks_is_tried_later(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ALONE", {"test.collapse"})
    monkeypatch.setitem(jobs.DEEDS, "test.collapse", lambda: 1 / 0)
    ask("test.collapse")
    jobs.run_due()
    row = rows("test.collapse")[0]
    assert row.tries == 1 and row.done_at is None and "ZeroDivisionError" in (row.trouble or "")
    assert jobs.run_due() == 0
