"""A stranger with an elder, from the scan to 已平安到家; a helper's half hour; who counts as a stranger."""

from __future__ import annotations

import gzip
import os
import re
import statistics
import time
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from tests.people.browsers import said
from tests.world import World
from webapp.cards import models as cards
from webapp.cards import queries
from webapp.cards.models import CardKind, Scan, Sighting, SightingStep, new_token
from webapp.health import models as health
from webapp.health.models import RescueWindow
from webapp.kit import clock
from webapp.messages.models import Notice, Task
from webapp.people import models as people
from webapp.store import db, secrets
from webapp.web import page

WALL = clock.now
PHONES = {n: {"User-Agent": f"Phone {n}"} for n in range(9)}


@pytest.fixture
def token(app: Flask, world: World) -> str:
    with db.transaction():
        made = cards.issue(CardKind.RESIDENT, resident=world.resident("李秀兰")).token
    assert made
    return made


def step(world: World, key: object, what: str, who: str = "zhou", **typed: str) -> int:
    return world.client(who).post(f"/sightings/{key}", data={"step": what, **typed}).status_code


def sighting() -> Sighting:
    db.undo()
    return db.session().scalars(sa.select(Sighting).order_by(Sighting.made_at.desc())).first()  # type: ignore[return-value]


def test_the_strangers_page_follows_the_case_to_its_end(token: str, world: World) -> None:
    stranger, where = world.client(), f"/c/{token}"
    there = stranger.post(where, data={"words": "菜市场门口", "phone": "13800001111"}).headers["Location"]
    assert "记下了，值班室马上看" in said(stranger.get(there)) and "http-equiv" in said(stranger.get(there))
    key = sighting().id
    for what, words in (("taken", "值班室看到了"), ("coming", "有人来了"), ("home", "已平安到家，谢谢您")):
        assert step(world, key, what) == 303
        assert words in said(stranger.get(there)), what
    assert "http-equiv" not in said(stranger.get(there)), "nothing more will come"
    row = sighting()
    assert row.phone is None and row.state == "home", "the number was only to ring back"
    assert [each.step for each in db.session().scalars(sa.select(SightingStep).order_by(SightingStep.at))] == [
        "taken", "coming", "home",
    ]  # fmt: skip
    assert step(world, key, "coming") == 422, "what is over is over"


def test_a_report_needs_a_place_and_a_number_that_rings_and_is_taken_once(token: str, world: World) -> None:
    stranger, where = world.client(), f"/c/{token}"
    assert "请写在哪里" in said(stranger.post(where, data={"phone": "13800001111"}))
    wrong = stranger.post(where, data={"words": "公园", "phone": "abc"})
    assert wrong.status_code == 422 and "电话好像不对" in said(wrong) and 'value="公园"' in said(wrong)
    for _ in range(2):
        assert stranger.post(where, data={"words": "公园"}).status_code == 303
    db.undo()
    assert len(db.session().scalars(sa.select(Sighting)).all()) == 1
    assert len(db.session().scalars(sa.select(Notice).where(Notice.kind == "found")).all()) == 1


def test_the_other_language_goes_on_following_the_case(token: str, world: World) -> None:
    stranger = world.client()
    there = stranger.post(f"/c/{token}", data={"words": "公园"}).headers["Location"]
    other = re.search(r'href="(\?[^"]*lang=en)"', said(stranger.get(there)))
    assert other and f"r={sighting().id}" in other[1]
    page = said(stranger.get(f"/c/{token}{unescape(other[1])}"))
    assert "Where is the elder" not in page and 'name="words"' not in page and "http-equiv" in page, "still followed"
    assert 'name="words"' in said(stranger.get(f"/c/{token}?lang=en"))


def test_another_stations_head_and_another_card_do_not_reach_a_case(token: str, world: World) -> None:
    world.client().post(f"/c/{token}", data={"words": "公园"})
    key = sighting().id
    assert step(world, key, "taken", "he") == 404 and world.client("he").get(f"/sightings/{key}").status_code == 404
    with db.transaction():
        other = cards.issue(CardKind.RESIDENT, resident=world.resident("张福贵")).token
    assert "记下了" not in said(world.client().get(f"/c/{other}?r={key}"))
    assert step(world, key, "mistake") == 422, "a mistake needs a word"


def test_duty_now_a_second_number_and_both_languages_in_twenty_kilobytes(token: str, world: World) -> None:
    with db.transaction() as session:
        session.execute(sa.update(people.DutyHour).values(next_name="区值班室", next_phone="0411-0000 9999"))
    answer = world.client().get(f"/c/{token}?lang=en", headers={"Accept-Encoding": "gzip"})
    page = gzip.decompress(answer.data).decode()
    assert "Are you with this elder?" in page and "tel:041100001234" in page and "tel:041100009999" in page
    assert "<script" not in page and len(page.encode()) < 20_000
    assert "您遇到这位老人了吗？" in said(world.client().get(f"/c/{token}"))


def test_who_signs_in_within_ten_minutes_was_no_stranger(token: str, world: World) -> None:
    enter = world.client().get(f"/c/{token}/in").headers["Location"]
    assert f"next=/c/{token}" in enter.replace("%2F", "/")
    for phone in (1, 2):
        world.client().get(f"/c/{token}", headers=PHONES[phone])
    world.client("wang").get(f"/c/{token}", headers=PHONES[1])
    db.undo()
    rows = db.session().execute(sa.select(Scan.face, Scan.account_id).order_by(Scan.at)).all()
    wang = world.account("wang").id
    assert [tuple(row) for row in rows] == [("caregiver", wang), ("stranger", None), ("caregiver", wang)]


def test_the_alarm_counts_phones_not_hits(token: str, world: World) -> None:
    def told() -> int:
        db.undo()
        return len(db.session().scalars(sa.select(Task).where(Task.kind == "scanned")).all())

    for _ in range(5):
        world.client().get(f"/c/{token}", headers=PHONES[1])
    world.client().get(f"/c/{token}", headers=PHONES[2])
    assert told() == 0
    world.client().get(f"/c/{token}", headers=PHONES[3])
    world.client().get(f"/c/{token}", headers=PHONES[4])
    assert told() == 1


# -- a helper --


def ask(world: World, token: str) -> str:
    answer = world.client().post(f"/c/{token}/rescue", data={"who": "120急救员", "phone": "13800002222"})
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def window() -> RescueWindow:
    db.undo()
    return db.session().scalars(sa.select(RescueWindow).order_by(RescueWindow.made_at.desc())).first()  # type: ignore[return-value]


def settle(world: World, says: str, who: str = "zhou") -> int:
    return world.client(who).post(f"/rescues/{window().id}", data={"says": says}).status_code


@pytest.fixture
def sheet(token: str, world: World) -> str:
    with db.transaction():
        health.write_sheet(world.resident("李秀兰"), "冠心病，放过支架", "阿司匹林，一天一次")
    return token


def test_only_what_is_on_the_card_by_consent_shows_at_once(sheet: str, world: World) -> None:
    page = said(world.client().get(f"/c/{sheet}/rescue"))
    assert "青霉素" not in page and "冠心病" not in page and "tel:041100001234" in page
    with db.transaction():
        world.resident("李秀兰").card_consent_on = clock.today()
    page = said(world.client().get(f"/c/{sheet}/rescue"))
    assert "青霉素过敏" in page and "起身要扶" not in page and "冠心病" not in page and "李敏" not in page


def test_a_window_opens_when_duty_agrees_is_stopped_and_tells_in_the_log(sheet: str, world: World) -> None:
    there = ask(world, sheet)
    assert "等他们点同意" in said(world.client().get(there)) and "冠心病" not in said(world.client().get(there))
    assert "要看急救信息" in said(world.client("zhou").get("/"))
    assert settle(world, "yes", "he") == 404 and settle(world, "yes") == 303
    page = said(world.client().get(there))
    assert "冠心病" in page and "阿司匹林" in page and "李敏" not in page and "10000007777" not in page
    assert window().read_at is not None
    assert "冠心病" not in said(world.client().get(there[:-1] + ("2" if there[-1] != "2" else "3"))), "the key opens it"
    assert settle(world, "no") == 303
    assert "值班室或家属停了" in said(world.client().get(there)) and "冠心病" not in said(world.client().get(there))
    assert settle(world, "yes") == 303 and "冠心病" not in said(world.client().get(there)), "stopped stays stopped"


def test_two_taps_are_one_window_and_another_helper_has_their_own(sheet: str, world: World) -> None:
    first, second = ask(world, sheet), ask(world, sheet)
    assert first != second and "等他们点同意" not in said(world.client().get(first)), "the first answer was never shown"
    assert "等他们点同意" in said(world.client().get(second))
    other = world.client().post(f"/c/{sheet}/rescue", data={"who": "路过的医生", "phone": "13800003333"})
    assert other.status_code == 303
    assert db.reading().scalar(sa.select(sa.func.count(RescueWindow.id))) == 2


def test_the_minutes_said_are_those_of_the_setting(sheet: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "minutes", lambda _station=None: 7)
    ask(world, sheet)
    page = said(world.client("zhou").get(f"/rescues/{window().id}"))
    assert "用药7分钟" in page and "30分钟" not in page


def test_a_window_expires_by_itself(sheet: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    there = ask(world, sheet)
    assert settle(world, "yes") == 303
    for minutes, open_ in ((29, True), (31, False)):
        monkeypatch.setattr(clock, "now", lambda n=minutes: WALL() + timedelta(minutes=n))
        assert ("冠心病" in said(world.client().get(there))) is open_, minutes
    assert "时间到了" in said(world.client().get(there))


def test_a_plate_a_badge_and_a_stopped_card_open_no_window(sheet: str, app: Flask, world: World) -> None:
    with db.transaction():
        plate = cards.issue(CardKind.PLATE, household=world.household("李秀兰")).token
        badge = cards.issue(CardKind.BADGE, badge=world.person("wang")).token
    there = ask(world, sheet)
    assert settle(world, "yes") == 303
    with db.transaction():
        card = queries.by_token(sheet)
        assert card
        card.revoke(world.account("zhou").id, "lost")
    unknown = world.client().get("/c/ABCDEFGH").data
    for path in (f"/c/{plate}", f"/c/{plate}/rescue", f"/c/{badge}/rescue", f"/c/{sheet}", f"/c/{sheet}/rescue", there):
        assert world.client().get(path).data == unknown, path
    assert world.client().post(f"/c/{plate}/rescue", data={"who": "x", "phone": "13800002222"}).data == unknown


# -- guessing --


def test_random_tokens_find_nothing(token: str) -> None:
    """A thousand here; GUESSES=1000000 for the whole trial."""
    tries = int(os.environ.get("GUESSES", "1000"))
    db.undo()
    assert not any(queries.by_token(new_token()) for _ in range(tries))


def test_the_same_is_asked_and_drawn_whether_there_is_a_card_or_not(
    token: str, app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes the same steps takes the same time; bench.answers measures it."""
    with db.transaction():
        stopped = cards.issue(CardKind.RESIDENT, resident=world.resident("张福贵")).token
        plate = cards.issue(CardKind.PLATE, household=world.household("李秀兰")).token
        cards.revoke_all(cards.Card.token_digest == secrets.one_way(stopped or ""), world.account("zhou").id, "lost")
    db.undo()
    steps: list[str] = []
    drawn = page.render
    monkeypatch.setattr(page, "render", lambda template, **facts: steps.append(template) or drawn(template, **facts))

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        steps.append(statement.partition("WHERE")[0][:60])

    def of(path: str) -> list[str]:
        steps.clear()
        assert world.client().get(f"/c/{path}").status_code == 200
        return sorted(steps)

    of(token), of("x")  # the rules are read once
    event.listen(app.extensions["db"].engine, "before_cursor_execute", note)
    known = of(token)
    assert "today/stranger.html" in known and "today/unknown.html" in known
    for path in (stopped, plate, "Z" * 26, "x", "Z" * 25, "%20"):
        assert of(path or "") == known, path


def test_every_refusal_is_one_answer_to_the_byte_and_the_header(token: str, world: World) -> None:
    with db.transaction():
        stopped = cards.issue(CardKind.RESIDENT, resident=world.resident("张福贵")).token
        cards.revoke_all(cards.Card.token_digest == secrets.one_way(stopped or ""), world.account("zhou").id, "lost")

    def of(path: str) -> tuple[object, ...]:
        answer = world.client().get(f"/c/{path}", headers={"Accept-Encoding": "gzip"})
        told = {name: value for name, value in answer.headers.items() if name not in ("Date", "X-Request-Id")}
        return answer.status_code, answer.data, sorted(told.items())

    first = of("Z" * 26)
    for path in (stopped or "", "x", "Z" * 25, "%E8%80%81", "0" * 60):
        assert of(path) == first, path


def test_answers_take_about_as_long_whether_there_is_a_card_or_not(token: str, world: World, record_property: object) -> None:
    """The medians are told, never judged: a busy machine decides them."""
    took: dict[str, list[float]] = {"known": [], "unknown": [], "malformed": []}
    client = world.client()
    for _ in range(int(os.environ.get("TIMINGS", "5"))):
        for name, path in (("known", token), ("unknown", "Z" * 26), ("malformed", "x")):
            began = time.perf_counter()
            assert client.get(f"/c/{path}").status_code == 200
            took[name].append((time.perf_counter() - began) * 1000)
    for name, each in took.items():
        record_property(name, round(statistics.median(each), 2))  # type: ignore[operator]
        print(name, round(statistics.median(each), 2), "ms")
