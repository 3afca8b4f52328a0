"""A morning at a station of twelve caregivers, played from the head's phone: nothing false remains, nothing true is missed.

One is late; one never comes and looks offline; one is in a home without signal and synchronises later; one is on leave with
somebody in her place; one meets a shut door that ends well; one resident is in hospital. The others simply come and go.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.journeys.conftest import come_in, phone, watch
from tests.messages.kit import Clock
from tests.visits.kit import AT_HOME, card_of, send
from webapp.access import Role
from webapp.kit import clock, ids
from webapp.messages.models import Notice
from webapp.people import models as people
from webapp.people.accounts import Device
from webapp.roster import leaving, pausing
from webapp.roster import models as roster
from webapp.roster.leaving import Choice
from webapp.roster.models import Shift
from webapp.store import db, jobs

pytestmark = pytest.mark.browser

CAST = {
    "an": ("安秀英", "白玉兰"), "bao": ("鲍金凤", "曹德明"), "cai": ("蔡美玲", "邓淑芳"), "ding": ("丁桂珍", "冯永年"),
    "fan": ("范丽娟", "高文秀"), "gu": ("顾春燕", "韩福生"), "late": ("迟小红", "贾宝珍"), "absent": ("吴音讯", "康大爷"),
    "deep": ("沈山沟", "雷老太"), "leave": ("贾假日", "孟庆云"), "shut": ("门不开", "倪桂香"), "ill": ("常平安", "潘住院"),
}  # fmt: skip
"""Login: her name, her resident's."""
ORDINARY = ("an", "bao", "cai", "ding", "fan", "gu")
EIGHT = 480


@pytest.fixture
def hand(monkeypatch):
    """Half past seven of a Wednesday; it goes on when the test says so."""
    made = Clock(8)
    made.at -= timedelta(minutes=30)
    monkeypatch.setattr(clock, "now", made.now)
    return made


def at(hour: int, minute: int = 0) -> datetime:
    """An instant of that morning."""
    return datetime(2026, 11, 18, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def until(hand: Clock, hour: int, minute: int = 0) -> None:
    """Let the morning go on; the clock's jobs are done every ten minutes."""
    while hand.at < at(hour, minute):
        hand.at = min(hand.at + timedelta(minutes=10), at(hour, minute))
        db.undo()
        while jobs.run_due():
            pass


def settle(world) -> dict[str, SimpleNamespace]:
    """The twelve with a home each, planned for eight, an hour long."""
    station = world.place("songling")
    with db.transaction() as session:
        for login, (name, elder) in CAST.items():
            person = people.welcome(name, station, phone="10000005678")
            account = people.open_account(person, Role.CAREGIVER, station, login=login)
            session.flush()
            account.login = login
            home = people.settle_household(station, f"{elder}家", no_signal=login == "deep")
            people.take_in(home, elder)
            session.flush()
            people.pair(home, person, since=at(0))
            roster.plan(home, range(7), EIGHT, 60, ["MEAL-01"])
            if login == "absent":
                session.add(Device(account_id=account.id, label="手机", x="", y="", gen=1, seen_at=at(7, 20)))
    db.undo()
    return {login: _visit_of(world, elder) for login, (_name, elder) in CAST.items()}


def _visit_of(world, elder: str) -> SimpleNamespace:
    home = world.household(elder).id
    shift = db.reading().scalars(sa.select(Shift).where(Shift.household_id == home, Shift.day == clock.today())).one()
    found = SimpleNamespace(home=home, shift=shift.id, visit=shift.visit_id)
    db.undo()
    found.shown = {"method": "scan", "token": card_of(world, elder)[1], **AT_HOME}
    return found


def came(world, who: str, of: SimpleNamespace, when: datetime) -> None:
    body = {"household": of.home, "visit": of.visit, "shift": of.shift, **of.shown}
    assert send(world, "visits.arrive", who, at=when, **body).state == "applied"


def went(world, who: str, of: SimpleNamespace, when: datetime) -> None:
    assert send(world, "visits.services", who, at=when, visit=of.visit, done=["MEAL-01"]).state == "applied"
    assert send(world, "visits.leave", who, at=when, visit=of.visit, **of.shown).state == "applied"


def reds(page: Page) -> list[str]:
    """What the head's list says in red, by home."""
    page.goto("/")
    return [" ".join(text.split()) for text in page.locator("[data-red]").all_inner_texts()]


def listed(page: Page) -> str:
    """All that the head's list says, whatever its level."""
    page.goto("/")
    return " ".join(page.locator("#todo").inner_text().split())


def line(page: Page, name: str):
    """A caregiver's line of the live roster."""
    return page.locator("#board tr").filter(has_text=name).first


def figure(page: Page, name: str) -> int:
    """One of the figures on top of the live roster."""
    return int(re.sub(r"\D", "", page.locator(".tally").filter(has_text=name).first.inner_text()))


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_morning_from_the_heads_phone(app, world, server, browser, hand):
    of = settle(world)
    zhou = world.account("zhou")
    head = SimpleNamespace(account_id=zhou.id, person_id=zhou.person_id)
    today = clock.today()
    with db.transaction() as session:
        pausing.pause(world.household("潘住院"), None, "hospital", "儿子", today, by=zhou.id)
        leave = leaving.record(world.person("leave"), "sick", today, today, "", by=zhou.id, key=ids.new())
        [open_one] = leaving.to_cover(leave)
        leaving.approve(leave, {open_one.id: Choice(world.person("qian"))}, head)
        session.flush()
    db.undo()

    context = phone(browser, server)
    come_in(context, server, app, "zhou")
    page = context.new_page()
    wrong = watch(page)

    until(hand, 8, 12)
    for who in ORDINARY:
        came(world, who, of[who], at(7, 58))
    came(world, "qian", of["leave"], at(8, 3))
    body = {"household": of["shut"].home, "shift": of["shut"].shift, "rang": True, "phoned": True, "told": False}
    assert send(world, "visits.nobody", "shut", at=at(8, 2), **body).state == "applied"
    assert "倪桂香" in " ".join(reds(page))
    assert len(reds(page)) == 1

    until(hand, 8, 20)
    came(world, "shut", of["shut"], at(8, 18))
    assert reds(page) == []
    page.goto("/live")
    expect(line(page, "迟小红")).to_contain_text("迟到")
    expect(line(page, "吴音讯")).to_contain_text("没信号，等手机联网")
    expect(line(page, "沈山沟")).to_contain_text("没信号，等手机联网")
    expect(line(page, "钱桂兰")).to_contain_text("在岗")
    expect(line(page, "常平安")).to_contain_text("停一停")
    assert page.locator("#board tr").filter(has_text="贾假日").count() == 0
    assert figure(page, "没人照看") == 0
    said = listed(page)
    assert not [elder for elder in ("康大爷", "雷老太", "潘住院", "孟庆云", "贾宝珍") if elder in said]

    until(hand, 8, 40)
    came(world, "late", of["late"], at(8, 38))
    until(hand, 9, 40)
    for who in ORDINARY:
        went(world, who, of[who], at(9, 2))
    for who in ("late", "shut"):
        went(world, who, of[who], at(9, 35))
    went(world, "qian", of["leave"], at(9, 5))
    came(world, "deep", of["deep"], at(8, 1))
    went(world, "deep", of["deep"], at(9, 2))
    page.goto("/live")
    expect(line(page, "沈山沟")).to_contain_text("已完成")
    expect(line(page, "吴音讯")).to_contain_text("没信号，等手机联网")
    assert reds(page) == []

    until(hand, 10, 10)
    [said] = reds(page)
    assert "康大爷" in said
    assert "没有消息" in said
    page.goto("/live")
    expect(line(page, "吴音讯")).to_contain_text("没有消息，请打电话")
    assert figure(page, "没人照看") == 1
    page.goto("/")
    page.locator("[data-red]").get_by_role("link", name="别的情况").click()
    page.locator("label", has_text="邻居").click()
    page.locator("label", has_text="派人去看了").click()
    page.get_by_role("button", name=re.compile("记下")).click()
    expect(page.locator("main")).to_contain_text("记下了")
    assert reds(page) == []
    page.goto("/live")
    expect(line(page, "吴音讯")).to_contain_text("打过电话")

    with db.transaction() as session:
        leaving.send(session.get_one(Shift, of["absent"].shift), Choice(world.person("an")), head)
    db.undo()
    until(hand, 10, 30)
    came(world, "an", of["absent"], at(10, 25))
    went(world, "an", of["absent"], at(10, 29))
    until(hand, 12, 0)
    assert reds(page) == []
    page.goto("/live")
    assert figure(page, "没人照看") == 0
    assert figure(page, "在岗") == 0
    assert page.locator("#board .chip.danger").count() == 0
    assert db.reading().scalars(sa.select(Notice.kind)).all() == []  # nothing climbed: the shut door had ended well
    said = listed(page)
    assert "贾宝珍" in said and "来晚了" in said, "who was late is there to be looked at"
    assert "今天办" not in said and "上门记录要改" not in said, "and nothing must be put right"
    assert not [elder for elder in ("雷老太", "潘住院", "孟庆云", *(CAST[who][1] for who in ORDINARY)) if elder in said]
    assert wrong == []
