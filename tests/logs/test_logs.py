"""The diary: first words, second words, words after the lock, and what only the station reads."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.store.at_once import meanwhile
from webapp.kit import canonical, clock, ids
from webapp.kit.refusal import Refusal
from webapp.logs import models as logs
from webapp.logs import rules
from webapp.logs.models import Amendment, Log, LogPhoto, LogResident, LogStationNote
from webapp.store import db, files, inbox
from webapp.store.inbox import Act
from webapp.visits.models import Visit

ARRIVED = timedelta(hours=1)


def act(author: uuid.UUID, *photos: str, at: datetime | None = None) -> Act:
    now = clock.now()
    return Act(
        id=ids.new(), kind="logs.write", author_id=author, courier_id=author, device_id=None, chain=None, made_at=at or now,
        beacon_at=None, received_at=now, app="test",
        photos=tuple({"field": "photo", "sha256": each, "size": 9, "type": "image/jpeg"} for each in photos),
    )  # fmt: skip


def visit_of(world, elder: str = "李秀兰", caregiver: str = "wang", *, days_ago: int = 0, **facts) -> Visit:
    """A visit that began this morning (or some days ago); open unless told."""
    home, day = world.household(elder), clock.today() - timedelta(days=days_ago)
    row = Visit(
        id=ids.new(), household_id=home.id, station_id=home.station_id, caregiver_id=world.person(caregiver).id, day=day,
        arrived_at=clock.instant(day, 510), state=facts.pop("state", "open"), grade="A", **facts,
    )  # fmt: skip
    db.session().add(row)
    db.session().flush()
    return row


@pytest.fixture
def wang(app, world) -> uuid.UUID:
    return world.account("wang").id


def test_the_taps_write_the_diary():
    assert rules.draft(["买菜做饭", "打扫房间"], ["上门洗澡"], "good", "some") == (
        "做了买菜做饭、打扫房间。老人今天不要上门洗澡。老人精神好，吃了一些。"
    )
    assert rules.draft([]) == ""


def test_words_lock_two_hours_after_leaving_or_at_midnight_whichever_is_later():
    midnight = datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert rules.locked_at(midnight, None, 120) == midnight
    assert rules.locked_at(midnight, midnight - timedelta(hours=3), 120) == midnight
    assert rules.locked_at(midnight, midnight - timedelta(hours=1), 120) == midnight + timedelta(hours=1)


def test_a_second_writing_replaces_the_words_and_keeps_the_old_ones(app, world, wang):
    with db.transaction() as session:
        visit = visit_of(world)
        logs.write(act(wang), visit.id, mood="good", story="吃了半碗粥")
        logs.write(act(wang), visit.id, mood="fair", story="吃了半碗粥")
        log, amendment = session.scalars(sa.select(Log)).one(), session.scalars(sa.select(Amendment)).one()
        assert (log.mood, log.story) == ("fair", "吃了半碗粥")
        assert (amendment.before, amendment.after, amendment.late) == ({"mood": "good"}, {"mood": "fair"}, False)


def test_what_is_left_empty_stays(app, world, wang):
    with db.transaction() as session:
        visit = visit_of(world)
        logs.write(act(wang), visit.id, mood="good", meals="well", story="好")
        logs.write(act(wang), visit.id, handover="钥匙在门卫")
        log = session.scalars(sa.select(Log)).one()
        assert (log.mood, log.meals, log.story, log.handover) == ("good", "well", "好", "钥匙在门卫")


def test_words_after_the_lock_are_shown_as_a_change(app, world, wang):
    with db.transaction() as session:
        visit = visit_of(world, days_ago=2)
        logs.write(act(wang, at=visit.arrived_at + ARRIVED), visit.id, story="好")
        logs.write(act(wang), visit.id, story="其实不太好")
        assert session.scalars(sa.select(Log.late)).one() is False
        assert session.scalars(sa.select(Amendment.late)).all() == [True]


def test_an_offline_diary_counts_by_when_it_was_written_not_by_when_it_came(app, world, wang):
    with db.transaction() as session:
        visit = visit_of(world, days_ago=2)
        logs.write(act(wang, at=visit.arrived_at + ARRIVED), visit.id, story="一")
        logs.write(act(wang, at=visit.arrived_at + ARRIVED), visit.id, story="二")
        assert session.scalars(sa.select(Amendment.late)).all() == [False]


def test_a_diary_begun_after_the_lock_is_late(app, world, wang):
    with db.transaction() as session:
        logs.write(act(wang), visit_of(world, days_ago=2).id, story="补")
        assert session.scalars(sa.select(Log.late)).one() is True


def test_one_of_a_couple_may_have_had_another_day(app, world, wang):
    fu = world.resident("张福贵").id
    with db.transaction() as session:
        visit = visit_of(world, "张福贵")
        logs.write(act(wang), visit.id, mood="good", story="都好")
        logs.write(act(wang), visit.id, mood="poor", resident=fu)
        logs.write(act(wang), visit.id, mood="fair", resident=fu)
        assert session.scalars(sa.select(Log.mood)).one() == "good"
        part = session.scalars(sa.select(LogResident)).one()
        assert (part.resident_id, part.mood) == (fu, "fair")
        assert session.scalars(sa.select(Amendment.resident_id)).one() == fu


def test_what_only_the_station_reads_lies_apart_and_is_added_never_replaced(app, world, wang):
    with db.transaction() as session:
        visit = visit_of(world)
        logs.write(act(wang), visit.id, story="好", station_only="家里有吵架")
        logs.write(act(wang), visit.id, station_only="今天又吵")
        assert sorted(session.scalars(sa.select(LogStationNote.words))) == ["今天又吵", "家里有吵架"]
        for table in (Log, LogResident, Amendment):
            for row in session.execute(sa.select(*table.__table__.columns)):
                assert "吵" not in repr(tuple(row))


def test_photos_are_added(app, world, wang):
    with db.transaction() as session:
        visit = visit_of(world)
        for sha in ("a" * 64, "b" * 64):
            files.want(sha, 9)
            logs.write(act(wang, sha), visit.id)
        assert sorted(session.scalars(sa.select(LogPhoto.sha256))) == ["a" * 64, "b" * 64]


def test_who_was_not_there_and_may_not_enter_writes_nothing(app, world):
    with db.transaction():
        visit = visit_of(world)
        with pytest.raises(Refusal, match="not_assigned"):
            logs.write(act(world.account("zhao").id), visit.id, story="x")
        with pytest.raises(Refusal, match="no_visit"):
            logs.write(act(world.account("wang").id), ids.new(), story="x")


def test_a_stand_in_may_write_about_her_own_visit_after_her_days_are_over(app, world):
    with db.transaction() as session:
        visit = visit_of(world, caregiver="qian")
        logs.write(act(world.account("qian").id), visit.id, story="好")
        assert session.scalars(sa.select(Log.story)).one() == "好"


def test_a_visit_scanned_by_mistake_has_no_diary(app, world, wang):
    with db.transaction(), pytest.raises(Refusal, match="visit_void"):
        logs.write(act(wang), visit_of(world, state="void").id, story="x")


def test_the_diary_costs_at_most_ten_statements_inside_its_transaction(app, world, wang):
    with db.transaction():
        visit = visit_of(world, "张福贵").id
        logs.write(act(wang), visit, mood="good", story="好")
        logs.write(act(wang), visit, mood="good", resident=world.resident("张福贵").id)
    photo = {"field": "photo", "sha256": "d" * 64, "size": 9, "type": "image/jpeg"}
    fu = str(world.resident("张福贵").id)
    body = {"visit": str(visit), "mood": "poor", "story": "不好", "station_only": "摔了", "resident": fu}
    told = inbox.plain("logs.write", body, [photo], author=wang, key=ids.new(), made_at=clock.now())
    seen: list[str] = []

    def count(connection, _cursor, statement, *_rest):
        control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SET CONSTRAINTS", "PRAGMA")
        if connection.get_execution_options().get("read_only") is None and not statement.strip().upper().startswith(control):
            seen.append(statement)

    engine = db.database().engine
    db.undo()
    sa.event.listen(engine, "before_cursor_execute", count)
    receipt = inbox.receive(told, None)
    sa.event.remove(engine, "before_cursor_execute", count)
    assert receipt.state == "applied"
    assert len(seen) <= 10, "\n\n".join(seen)


@pytest.mark.parametrize("begun", [True, False])
def test_two_who_write_one_diary_at_once_are_both_in_its_history(app, world, wang, begun):
    with db.transaction():
        visit = visit_of(world).id
        if begun:
            logs.write(act(wang), visit, story="一")
    told = inbox.plain("logs.write", {"visit": str(visit), "story": "三"}, [], author=wang, key=ids.new(), made_at=clock.now())
    states = []

    def other():
        states.append(inbox.receive(told, None).state)
        return 0

    with meanwhile(app, other):
        logs.write(act(wang), visit, story="二")
    assert states == ["applied"]
    db.undo()
    words = (
        db.session().execute(sa.select(logs.Amendment.before, logs.Amendment.after).order_by(logs.Amendment.received_at)).all()
    )
    history = [("一", "二"), ("二", "三")] if begun else [("二", "三")]
    assert [(before["story"], after["story"]) for before, after in words] == history


def test_the_shortest_diary_a_phone_may_send_is_applied(app, world, wang):
    with db.transaction():
        visit = visit_of(world).id
    told = inbox.plain("logs.write", {"visit": str(visit)}, [], author=wang, key=ids.new(), made_at=clock.now())
    assert inbox.receive(told, None).state == "applied"


def test_leaving_between_two_writings_of_one_released_chain_is_seen(app, world, wang):
    with db.transaction() as session:
        visit = visit_of(world, days_ago=2)
        midnight = clock.day_bounds(visit.day)[1]
        logs.write(act(wang, at=visit.arrived_at), visit.id, story="一")
        left = sa.update(Visit.__table__).where(Visit.__table__.c.id == visit.id).values(left_at=midnight + timedelta(hours=3))
        session.execute(left)
        logs.write(act(wang, at=midnight + timedelta(hours=4)), visit.id, story="二")
        assert session.scalars(sa.select(Amendment.late)).all() == [False]


def test_a_diary_that_comes_before_its_arrival_waits_for_it(app, world, wang):
    home, visit = str(world.household("李秀兰").id), str(ids.new())
    db.undo()
    body = {"visit": visit, "household": home, "method": "card_missing", "place_state": "none"}
    arrival = inbox.plain("visits.arrive", body, [], author=wang, key=ids.new(), made_at=clock.now())
    diary = inbox.plain("logs.write", {"visit": visit, "story": "好"}, [], author=wang, key=ids.new(), made_at=clock.now())
    diary |= {"chain": visit, "prev": arrival["id"]}
    diary["hash"] = canonical.envelope_digest(diary).hex()
    arrival |= {"chain": visit}
    arrival["hash"] = canonical.envelope_digest(arrival).hex()
    assert inbox.receive(diary, None).state == "waiting"
    assert inbox.receive(arrival, None).state == "applied"
    assert inbox.receive(diary, None).state == "applied"
    assert db.session().scalars(sa.select(Log.story)).all() == ["好"]
