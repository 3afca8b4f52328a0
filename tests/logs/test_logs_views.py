"""The diary's pages: who writes, who reads, and who never reads what is for the station only."""

from __future__ import annotations

import io
import re
import uuid

import pytest
import sqlalchemy as sa
from PIL import Image

from tests.house.test_queries import heard
from tests.logs.test_logs import act, visit_of
from webapp.kit import clock, ids
from webapp.logs import models as logs
from webapp.logs import queries
from webapp.logs.models import Log, LogPhoto
from webapp.people import login
from webapp.people.models import Assignment
from webapp.store import db
from webapp.visits.models import Service

SECRET = "来过推销的"


@pytest.fixture
def visit(app, world) -> uuid.UUID:
    with db.transaction() as session:
        row = visit_of(world)
        for code, outcome in (("MEAL-01", "done"), ("FUN-01", "refused")):
            session.add(Service(visit_id=row.id, code=code, outcome=outcome, at=clock.now(), act_id=ids.new()))
        return row.id


def written(world, visit: uuid.UUID) -> None:
    with db.transaction():
        logs.write(
            act(world.account("wang").id), visit, mood="fair", story="吃了半碗粥", station_only=SECRET, handover="药在柜里"
        )


def marks(client, url: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(id|made_at|seal)" value="([^"]*)"', client.get(url).get_data(as_text=True)))


def test_the_page_begins_with_what_the_taps_already_say(app, world, visit):
    page = world.client("wang").get(f"/visits/{visit}/log").get_data(as_text=True)
    assert "做了买菜做饭。老人今天不要陪同参加活动。" in page
    assert 'type="file"' in page


def test_where_a_body_is_washed_no_camera_is_offered(app, world, visit):
    with db.transaction() as session:
        session.add(Service(visit_id=visit, code="BATH-01", outcome="done", at=clock.now(), act_id=ids.new()))
    assert 'type="file"' not in world.client("wang").get(f"/visits/{visit}/log").get_data(as_text=True)


def test_a_diary_without_a_script_is_written_with_its_photo(app, world, visit):
    client, url = world.client("wang"), f"/visits/{visit}/log"
    out = io.BytesIO()
    Image.new("RGB", (40, 60)).save(out, "JPEG")
    form = {
        "visit": str(visit),
        "mood": "good",
        "story": "好",
        "photo": (io.BytesIO(out.getvalue()), "a.jpg"),
        **marks(client, url),
    }
    assert client.post(url, data=form, content_type="multipart/form-data").status_code == 303
    assert db.session().execute(sa.select(Log.mood, Log.story)).all() == [("good", "好")]
    sha = db.session().scalars(sa.select(LogPhoto.sha256)).one()
    seen = {name: world.client(name).get(f"/logs/photos/{sha}").status_code for name in ("wang", "zhou", "zhao", "limin")}
    assert seen == {"wang": 200, "zhou": 200, "zhao": 404, "limin": 403}


def test_a_word_that_is_too_long_comes_back_with_what_was_typed(app, world, visit):
    client, url = world.client("wang"), f"/visits/{visit}/log"
    answer = client.post(url, data={"visit": str(visit), "story": "粥", "handover": "长" * 501})
    assert (answer.status_code, "长长长" in answer.get_data(as_text=True)) == (422, True)


def test_one_of_a_couple_is_written_apart(app, world):
    with db.transaction():
        visit = visit_of(world, "张福贵").id
        logs.write(act(world.account("wang").id), visit, mood="good", story="都好")
    fu, client = world.resident("张福贵").id, world.client("wang")
    url = f"/visits/{visit}/log?resident={fu}"
    assert "张福贵" in client.get(url).get_data(as_text=True)
    assert (
        client.post(url, data={"visit": str(visit), "resident": str(fu), "mood": "poor", **marks(client, url)}).status_code == 303
    )
    assert [(part.name, part.mood) for part in queries.diary(_actor(world), visit).parts] == [("张福贵", "poor")]


@pytest.mark.parametrize("url", ["/visits/{visit}/log", "/households/{home}/logs"])
def test_who_may_open_a_page_of_the_diary(app, world, visit, url):
    written(world, visit)
    url = url.format(visit=visit, home=world.household("李秀兰").id)
    office = (403, 403, 403, 403) if url.endswith("/log") else (200, 404, 403, 403)
    names = ("wang", "zhao", "zhou", "he", "jiang", "limin", None)
    assert tuple(world.client(name).get(url).status_code for name in names) == (200, 404, *office, 303)


def test_only_the_station_and_who_wrote_it_read_what_is_for_the_station(app, world, visit):
    written(world, visit)
    with db.transaction() as session:
        from_now = clock.now()
        world_home = world.household("李秀兰")
        session.add(_relief(world_home.id, world.person("qian").id, from_now))
    url = f"/households/{world_home.id}/logs"
    pages = {name: world.client(name).get(url).get_data(as_text=True) for name in ("wang", "zhou", "qian")}
    assert all("吃了半碗粥" in page for page in pages.values())
    assert {name: SECRET in page for name, page in pages.items()} == {"wang": True, "zhou": True, "qian": False}


def test_a_family_is_never_given_the_stations_words_or_the_handover(app, world, visit):
    written(world, visit)
    told = queries.for_kin([world.household("李秀兰").id], clock.today())
    assert [diary.story for diary in told] == ["吃了半碗粥"]
    assert SECRET not in repr(told) and "药在柜里" not in repr(told)
    assert not {"notes", "station_only", "handover"} & set(queries.KinDiary.__dataclass_fields__)


def test_changed_words_are_shown_with_the_old_ones(app, world):
    with db.transaction():
        visit = visit_of(world, days_ago=3)
        logs.write(act(world.account("wang").id, at=visit.arrived_at), visit.id, mood="good")
        logs.write(act(world.account("wang").id), visit.id, mood="poor")
    page = world.client("zhou").get(f"/households/{world.household('李秀兰').id}/logs").get_data(as_text=True)
    assert "<del>精神好</del> <ins>不舒服</ins>" in page


def test_diaries_come_in_pages_without_a_gap(app, world):
    with db.transaction():
        for days in range(1, 6):
            visit = visit_of(world, days_ago=days)
            logs.write(act(world.account("wang").id, at=visit.arrived_at), visit.id, story=f"第{days}篇")
    home, found, cursor = world.household("李秀兰").id, [], None
    while page := queries.diaries(_actor(world), home, cursor, 2):
        found += [diary.story for diary in page]
        cursor = (page[-1].at, page[-1].id)
    assert found == [f"第{days}篇" for days in range(1, 6)]


def test_a_page_of_diaries_asks_the_same_few_questions_however_many_there_are(app, world):
    home = world.household("李秀兰").id

    def asked() -> int:
        with heard(app) as statements:
            assert world.client("wang").get(f"/households/{home}/logs").status_code == 200
        return len(statements)

    with db.transaction():
        visit = visit_of(world, days_ago=1)
        logs.write(act(world.account("wang").id), visit.id, story="一")
    few = asked()
    with db.transaction():
        for days in range(2, 9):
            visit = visit_of(world, days_ago=days)
            logs.write(act(world.account("wang").id), visit.id, story="又", station_only="记")
    assert asked() == few <= 6


def test_the_pages_speak_english_too(app, world, visit):
    written(world, visit)
    client = world.client("wang")
    client.set_cookie("lang", "en")
    for url in (f"/visits/{visit}/log", f"/households/{world.household('李秀兰').id}/logs"):
        words = re.sub(r"<[^>]+>", " ", client.get(url).get_data(as_text=True).partition("<main")[2])
        left = set(re.findall(r"[\u4e00-\u9fff]+", words))
        assert left <= {"李秀兰", "王桂芳", "今天", "吃了半碗粥", SECRET, "药在柜里"}, url


def _actor(world):
    with world.app.test_request_context():
        return login.load("token-wang")


def _relief(household: uuid.UUID, caregiver: uuid.UUID, since):
    return Assignment(household_id=household, caregiver_id=caregiver, part="relief", since=since)
