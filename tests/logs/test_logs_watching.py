"""What a diary lacks, both sides of each: a visit without one, a photo used before, a photo that looks like one."""

from __future__ import annotations

import io
import random
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image, ImageEnhance

from tests.logs.test_logs import act, visit_of
from webapp.kit import clock, ids
from webapp.logs import models as logs
from webapp.logs import watching
from webapp.logs.models import Log
from webapp.store import db, files
from webapp.visits import words
from webapp.visits.models import VisitException


def found(visit) -> list[str]:
    return list(db.session().scalars(sa.select(VisitException.code).where(VisitException.visit_id == visit.id)))


def look(days_ago: int = 1) -> None:
    watching.look_over((clock.today() - timedelta(days=days_ago)).isoformat())


def room(seed: int, *, light: float = 1.0) -> Image.Image:
    """A made-up room: patches of light and shade, always the same for a seed."""
    draw = random.Random(seed)
    small = Image.new("RGB", (9, 8))
    small.putdata([tuple(draw.randrange(30, 220) for _band in range(3)) for _field in range(72)])
    return ImageEnhance.Brightness(small.resize((720, 640), Image.Resampling.NEAREST)).enhance(light)


def taken(image: Image.Image, quality: int = 90) -> str:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return files.take(out.getvalue())


def written(world, *photos: str, caregiver: str = "wang", days_ago: int = 1, elder: str = "李秀兰", state: str = "done"):
    """A visit of some days ago with a diary and photos; `logs.write` itself would ask for today."""
    visit = visit_of(world, elder, caregiver, days_ago=days_ago, state=state)
    at = visit.arrived_at + timedelta(minutes=20)
    db.session().add(
        Log(id=ids.new(), visit_id=visit.id, household_id=visit.household_id, day=visit.day, story="好",
            author_id=world.account(caregiver).id, at=at, received_at=at)
    )  # fmt: skip
    db.session().flush()
    log = db.session().scalars(sa.select(Log).where(Log.visit_id == visit.id)).one()
    rows = [{"log_id": log.id, "sha256": each, "at": at} for each in photos]
    if rows:
        db.session().execute(sa.insert(logs.LogPhoto), rows)
    return visit


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"state": "done"}, True),
        ({"state": "open"}, False),
        ({"state": "void"}, False),
        ({"state": "done", "counted": False}, False),
    ],
)
def test_a_visit_without_a_diary_is_named_when_it_is_over_and_counts(app, world, facts, named):
    visit = visit_of(world, days_ago=1, **facts)
    look()
    assert found(visit) == (["NO_LOG"] if named else [])


def test_a_diary_on_the_day_or_later_leaves_nothing_waiting(app, world):
    there, late = written(world), visit_of(world, caregiver="qian", days_ago=1, state="done")
    look()
    assert (found(there), found(late)) == ([], ["NO_LOG"])
    logs.write(act(world.account("qian").id), late.id, mood="good")
    look()
    rows = db.session().scalars(sa.select(VisitException).where(VisitException.visit_id == late.id)).all()
    assert [(row.code, row.settled_at is not None) for row in rows] == [("NO_LOG", True)]


@pytest.mark.parametrize(("days", "named"), [(1, True), (180, True), (181, False)])
def test_the_same_bytes_within_half_a_year_are_named(app, world, days, named):
    photo = taken(room(1))
    first = written(world, photo, days_ago=1 + days)
    again = written(world, photo)
    look()
    assert "SAME_PHOTO" not in found(first) and found(again) == (["SAME_PHOTO"] if named else [])


def test_two_photos_of_one_diary_are_no_second_use(app, world):
    visit = written(world, taken(room(1)), taken(room(1), quality=70))
    look()
    assert found(visit) == []


@pytest.mark.parametrize(
    ("second", "days", "caregiver", "named"),
    [
        ({"seed": 1, "light": 1.1}, 1, "wang", True),
        ({"seed": 1, "light": 1.1}, 30, "wang", True),
        ({"seed": 1, "light": 1.1}, 31, "wang", False),
        ({"seed": 1, "light": 1.1}, 1, "qian", False),
        ({"seed": 2}, 1, "wang", False),
    ],
    ids=["brighter", "a month ago", "longer ago", "somebody else's", "another room"],
)
def test_a_photo_that_looks_like_an_earlier_one_of_hers_is_named_as_alike(app, world, second, days, caregiver, named):
    written(world, taken(room(1)), caregiver=caregiver, days_ago=1 + days)
    visit = written(world, taken(room(**second), quality=60))
    look()
    rows = db.session().scalars(sa.select(VisitException).where(VisitException.visit_id == visit.id)).all()
    assert [row.code for row in rows] == (["SAME_PHOTO"] if named else [])
    assert all("bits" in row.facts and words.facts(row.code, row.facts) for row in rows)


@pytest.mark.parametrize(("differ", "named"), [(3, True), (4, False)])
def test_how_far_two_looks_may_lie_apart_is_a_setting(app, world, differ, named):
    photos = [taken(room(1)), taken(room(2))]
    look_of = 0x0F0F_3333_5555_00FF
    for photo, looks in zip(photos, (look_of, look_of ^ ((1 << differ) - 1)), strict=True):
        db.session().execute(sa.update(files.Photo).where(files.Photo.sha256 == photo).values(looks=looks))
    written(world, photos[0], days_ago=3)
    visit = written(world, photos[1])
    look()
    assert found(visit) == (["SAME_PHOTO"] if named else [])


def test_dark_rooms_and_bare_walls_are_all_alike_and_say_nothing(app, world):
    written(world, taken(Image.new("RGB", (640, 480), "#222")), days_ago=3)
    visit = written(world, taken(Image.new("RGB", (640, 480), "#ddd")))
    look()
    assert found(visit) == []


def test_looks_fit_into_the_database_whatever_they_are(app):
    for bits in ((1 << 63) - 1, -(1 << 63), -1, 0):
        assert files.unlike(bits, bits) == 0
    assert files.unlike(-1, 0) == 64 and files.unlike(-(1 << 63), 0) == 1
