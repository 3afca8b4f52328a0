"""月底成册: one file of a station's month, what is missing first, the same figures as on the screens."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta

import pytest
from flask import Flask

from tests.evaluations.kit import LAST, lay
from tests.house.test_queries import heard
from tests.world import World
from webapp.evaluations import binding, gather
from webapp.store import db
from webapp.voices.models import Opinion

D = [LAST.first + timedelta(days=n) for n in range(20)]


@pytest.fixture
def station(world: World) -> str:
    """Songling's month: one day with all, one without diary and book, one by a stand-in."""
    with db.transaction():
        lay(world, "李秀兰", D[0])
        lay(world, "李秀兰", D[1], log_days=None, quiet=False)
        lay(world, "张福贵", D[2], came="qian")
        elder = world.resident("李秀兰")
        db.session().add(
            Opinion(household_id=elder.household_id, resident_id=elder.id, station_id=world.place("songling").id,
                    caregiver_id=world.person("wang").id, month=LAST.first, stars=4, words="饭合口", how="visit",
                    by_id=world.account("zhou").id)
        )  # fmt: skip
        gather.gather(LAST)
    return str(world.place("songling").id)


def told(pdf: bytes) -> list[str]:
    """The pages' words without spaces."""
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True, timeout=60)
    return [re.sub(r"\s+", "", page) for page in done.stdout.decode().split("\f")]


def test_what_is_missing_stands_first_and_everything_of_the_month_follows(world: World, station: str) -> None:
    answer = world.client("zhou").get(f"/evaluations/bound.pdf?month={LAST}&station={station}")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    pages = told(answer.data)[:-1]
    n = len(pages)
    assert "还缺什么" in pages[0] and f"李秀兰：没有日记{D[1].day}日" in pages[0]
    assert f"李秀兰：没记账，也没说没花钱{D[1].day}日" in pages[0] and "月考核还没签字：" in pages[0] and "王桂芳" in pages[0]
    assert "出勤表" in pages[1] and "王桂芳112" in pages[1] and "钱桂兰11" in pages[1]
    li = next(page for page in pages if page.startswith("李秀兰"))
    assert "9:00-10:00王桂芳好" in li and "（没有日记）" in li and "老人或家属：" in li
    assert "李秀兰★★★★☆饭合口" in li and "没问过意见张福贵、刘淑珍" in pages[0]
    forms = [page for page in pages if page.startswith("养护员月考核表")]
    assert len(forms) == 2 and any("应到3次，到2次" in page for page in forms)
    assert pages[-1].startswith("签字") and all(f"第{at}页，共{n}页" in page for at, page in enumerate(pages, 1))


def test_it_is_the_stations_own_and_for_those_who_keep_it(world: World, station: str) -> None:
    url = f"/evaluations/bound.pdf?month={LAST}&station={station}"
    assert [world.client(who).get(url).status_code for who in ("he", "wang", "jiang", "wu")] == [404, 403, 403, 200]
    assert world.client("zhou").get(f"/evaluations/bound.pdf?month={LAST}").status_code == 422


def test_it_asks_as_many_questions_for_many_as_for_few(app: Flask, world: World, station: str) -> None:
    def asked() -> int:
        with heard(app) as questions:
            binding.bind(LAST, world.place("songling"))
        return len(questions)

    few = asked()
    with db.transaction():
        for day in D[3:]:
            lay(world, "李秀兰", day)
            lay(world, "张福贵", day)
    assert asked() == few <= 9
