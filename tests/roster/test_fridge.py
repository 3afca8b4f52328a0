"""The sheet for the fridge, read back from the PDF that comes out."""

import io
import subprocess
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from webapp.kit import clock
from webapp.people.models import Person, Place
from webapp.roster import fridge, models, pausing, publishing
from webapp.store import db, files


@pytest.fixture(autouse=True)
def _apart(app):
    app.test_client().get("/up")


def read(pdf: bytes) -> list[str]:
    """The words of each page."""
    told = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True, timeout=60)
    return told.stdout.decode().split("\f")[:-1]


def pictures(pdf: bytes) -> int:
    told = subprocess.run(["pdfimages", "-list", "-"], input=pdf, capture_output=True, check=True, timeout=60)
    return len([line for line in told.stdout.decode().splitlines() if " image " in line])


def planned(world):
    with db.transaction():
        row = models.plan(world.household("李秀兰"), range(7), 510, 90, ["MEAL-01"], second=world.person("qian"))
        models.plan(world.household("李秀兰"), range(7), 1020, 30, ["MEAL-01"])
        models.plan(world.household("张福贵"), range(7), 660, 60, ["MEAL-01"])
    return row


def week():
    return publishing.week_of(clock.today() + timedelta(days=7))


def test_a_sheet_tells_who_comes_when_and_one_number(app, world):
    planned(world)
    first = week()[0]
    answer = world.client("zhou").get(f"/households/{world.household('李秀兰').id}/fridge?week={first}")
    assert answer.mimetype == "application/pdf"
    [page] = read(answer.data)
    assert "李秀兰" in page
    assert page.count("8:30") == 7
    assert page.count("17:00") == 7
    assert page.count("钱桂兰") == 7
    assert page.count("王桂芳") == 14
    assert "0411-0000 1234" in page
    assert "0411-0000 5678" not in page


def test_a_pause_and_a_day_without_anybody_are_said(app, world):
    with db.transaction():
        row = models.plan(world.household("李秀兰"), range(7), 510, 90, ["MEAL-01"])
        models.change_day(row, week()[1], skip=True)
        pausing.pause(world.household("李秀兰"), None, "trip", "女儿", week()[2], week()[2], by=world.account("zhou").id)
    answer = world.client("zhou").get(f"/households/{world.household('李秀兰').id}/fridge?week={week()[0]}")
    [page] = read(answer.data)
    assert page.count("8:30") == 5
    assert "不来" in page
    assert "停一停" in page


def test_a_station_comes_as_one_file_a_sheet_each(app, world):
    planned(world)
    answer = world.client("zhou").get(f"/roster/{world.place('songling').id}/fridge?week={week()[0]}")
    pages = read(answer.data)
    assert len(pages) == 2
    assert ["李秀兰" in pages[0], "刘淑珍" in pages[1]] == [True, True]


@pytest.mark.parametrize("agreed", [True, False])
def test_a_portrait_is_printed_only_when_she_agreed(app, world, agreed):
    planned(world)
    made = io.BytesIO()
    Image.new("RGB", (300, 400), "#8899aa").save(made, "JPEG")
    with db.transaction():
        sha = files.take(made.getvalue())
        facts = {"portrait": sha, "portrait_consent_on": clock.today() if agreed else None}
        db.session().execute(sa.update(Person).where(Person.id == world.person("wang").id).values(**facts))
    answer = world.client("zhou").get(f"/households/{world.household('张福贵').id}/fridge?week={week()[0]}")
    assert (pictures(answer.data) > 0) == agreed


def test_without_a_number_nothing_is_printed_and_it_is_said(app, world):
    planned(world)
    with db.transaction():
        db.session().execute(sa.update(Place).values(phone=None))
    answer = world.client("zhou").get(f"/households/{world.household('李秀兰').id}/fridge")
    assert answer.status_code == 422
    assert "还没有对外电话" in answer.text


def test_many_visits_a_day_and_odd_letters_still_fit(app):
    names = ("欧阳娜娜·阿依古丽", "𠮷田")
    day = fridge.Day(
        clock.today(), [fridge.Coming(480 + 60 * n, 530 + 60 * n, names, (None, b"x")) for n in range(6)], holiday="元旦"
    )
    with app.test_request_context():
        pdf = fridge.pdf([fridge.Sheet("甲" * 30, [day] * 7, "站", "0411-0000 1234 转 5678901")])
    assert read(pdf)[0].count("8:00") == 7


def test_a_day_on_paper_has_half_a_sheet_for_each_visit_and_some_without_a_name(app, world):
    planned(world)
    day, station = clock.today() + timedelta(days=7), world.place("songling").id
    answer = world.client("zhou").get(f"/roster/{station}/day-sheets?day={day}")
    assert answer.mimetype == "application/pdf"
    pages = read(answer.data)
    assert [page.count("上门记录单") for page in pages] == [2, 2, 2, 2]
    words = "".join(pages)
    assert words.count("李秀兰") == 3 and words.count("王桂芳") == 3 and "8:30" in words and "17:00" in words
    assert words.count("老人或家属签字") == 8
    assert world.client("he").get(f"/roster/{station}/day-sheets").status_code == 404
    assert world.client("wang").get(f"/roster/{station}/day-sheets").status_code == 403
    bare = world.client("zhou").get(f"/roster/{station}/day-sheets?day=2020-01-01")
    assert [page.count("上门记录单") for page in read(bare.data)] == [2, 2], "sheets without a name"
