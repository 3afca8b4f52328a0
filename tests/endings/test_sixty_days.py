"""Sixty days after a death, a move, a leaving, and during a pause: all jobs run, all pages are opened, and nothing asks, reminds,
alarms or misses about whoever it was. The scan bites: with any one guard left out it finds something."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.house.rooms import ROLES
from tests.messages.kit import Clock, drain
from tests.today.test_todo import _actor
from tests.visits.kit import Apart, arrive, card_of, send
from webapp.access import Role
from webapp.cards import models as cards
from webapp.cards.models import Card, Sighting
from webapp.kit import clock, ids
from webapp.ledger import models as ledger
from webapp.messages import models as messages
from webapp.messages.models import Notice, Sending, Task
from webapp.roster import closing, leaving, pausing
from webapp.roster import models as roster
from webapp.roster.leaving import Choice
from webapp.roster.models import PLANNED, Shift
from webapp.store import db, jobs
from webapp.today import todo
from webapp.visits import calling_back
from webapp.visits.calling_back import CallBack
from webapp.visits.models import NobodyHome, Visit, VisitException

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)
"""Sixty days are long: what the rooms ask of either database is tried in their own tests."""
DAYS = 60
WANG = "王桂芳"
SWEEPS = {0, 8, 31, 59}
"""Days on which every page without an argument is opened by every role; on the others the busy ones."""
BUSY = (("zhou", "/"), ("zhou", "/live"), ("zhou", "/leaves"), ("wang", "/"), ("qian", "/"), ("limin", "/family"))
ARCHIVES = {
    "review.call_backs",
    "messages.tasks",
    "endings.index",
    "roster.index",
    "people.people",
    "cards.scans",
    "deliveries.index",
}
"""What is read there was looked for: history, ends, the weeks that were planned, who worked here."""
ASKED_ON_PURPOSE = {"condolence", "settle_book"}
RECORDS = ("/family", "/record", "/exceptions")
"""What was recorded stays, and may still be put right there; the list of what must be done does not ask for it."""
KEPT_FROM = ["/today/packet", "/events", "/inbox/kinds", "/openapi.json", "/manifest.webmanifest", "/sw.js"]


@pytest.fixture(autouse=True)
def apart(app):
    """Every request begins with nothing known, as on a server."""
    app.test_client_class = Apart


@pytest.fixture(autouse=True)
def hand(monkeypatch):
    """Ten in the morning of a Wednesday."""
    made = Clock()
    monkeypatch.setattr(clock, "now", made.now)
    return made


def furnish(world, hand):
    """A day of everything that could speak of 李秀兰 later: visits without diary, a shut door, money, tasks, notices, relief."""
    for name, start in (("李秀兰", 8 * 60), ("张福贵", 10 * 60), ("孙德胜", 8 * 60)):
        with db.transaction():
            roster.plan(world.household(name), range(7), start, 60, ["MEAL-01"], valid_from=clock.today())
    home, place = world.household("李秀兰").id, world.place("songling").id
    with db.transaction():
        ledger.open_book(home, clock.today())
    send(world, "ledger.receive", household=home, amount_fen=30_000, category="IN-FAM", source="cash", giver="")
    visit, _receipt = arrive(world, method="card_missing")
    send(world, "visits.leave", visit=visit, method="card_missing")
    send(world, "visits.nobody", household=home, rang=True, told=False)
    card, _token = card_of(world)
    with db.transaction() as session:
        lan, wang = world.resident("李秀兰"), world.account("wang")
        messages.open_task("todo", place, "sixty:task", household_id=home, due_at=clock.now() + timedelta(days=20))
        messages.notify("notice", place, "sixty:red", household_id=home)
        messages.notify("look_plan", place, "sixty:plain", to=wang.id, level="plain", resident_id=lan.id, household_id=home)
        cards.report(session.get(Card, card.id), place, "公园", None, None, None)
        later = clock.today() + timedelta(days=2)
        leave = leaving.record(world.person("wang"), "sick", later, later, "", by=ids.new(), key=ids.new())
        qian = world.person("qian")
        chosen = {shift.id: Choice(qian) for shift in leaving.to_cover(leave)}
        leaving.approve(leave, chosen, _actor(world, world.account("zhou")))
        drawn = {"station_id": place, "caregiver_id": qian.id, "due_on": clock.today(), "seed": "", "once": "sixty"}
        session.add(CallBack(household_id=home, kind="surprise", **drawn))
    hand.at += timedelta(hours=1)


def post(world, who, url, **data):
    answer = world.client(who).post(url, data=data)
    assert answer.status_code == 303, answer.text[:3000]
    db.undo()


def ends(world, name, kind="death"):
    key = world.resident(name).id
    post(world, "zhou", f"/residents/{key}/end", key=ids.new(), kind=kind, on=clock.today(), told_by="女儿", reason="kin")


def live_through(world, hand, names: Collection[str], homes: Collection, heads=("zhou", "wu", "zheng"), days=DAYS):
    """Sixty days: jobs at night, at ten and in the evening; pages at ten. Raises AssertionError at the first word about them."""
    sent = _sendings()
    for day in range(days):
        _night(day)
        drain()
        _tables(world, homes, sent, day)
        _lists(world, names, heads, day)
        for who, path in _pages(world, day):
            answer = world.client(who).get(path)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                _reads(answer.text, names, (day, who, path))
        hand.at += timedelta(hours=12)
        drain()
        hand.at += timedelta(hours=12)


def _night(day):
    """The nightly deeds; the look at every hour of a day, which costs the most, on the days of sweeps."""
    with db.transaction():
        for name in jobs.NIGHTLY:
            if day in SWEEPS or name != "visits.look_over_day":
                jobs.ask(name, once=f"{name}:{clock.today()}")


def _sendings():
    db.undo()
    return set(db.reading().scalars(sa.select(Sending.id)))


def _tables(world, homes, sent, day):
    """No task, notice, message on its way, stranger's word or visit to come is about these homes."""
    db.undo()
    session, keys = db.reading(), list(homes)
    open_tasks = sa.select(Task.kind).where(Task.household_id.in_(keys), Task.cleared_at.is_(None))
    assert set(session.scalars(open_tasks)) <= ASKED_ON_PURPOSE, day
    waits = sa.select(Notice.kind).where(
        Notice.household_id.in_(keys), Notice.acknowledged_at.is_(None), Notice.ended_at.is_(None)
    )
    assert session.scalars(waits).all() == [], day
    told = sa.select(Card.household_id).join(Sighting, Sighting.card_id == Card.id).where(Sighting.taken_at.is_(None))
    assert set(session.scalars(told)) & set(keys) == set(), day
    planned = sa.select(Shift.day).where(Shift.household_id.in_(keys), Shift.state == PLANNED, Shift.day > clock.today())
    assert session.scalars(planned).all() == [], day
    asked = sa.select(CallBack.kind).where(CallBack.household_id.in_(keys), CallBack.done_at.is_(None))
    assert session.scalars(asked).all() == [], day
    late = sa.select(Task.kind).where(Task.household_id.in_(keys), Task.opened_at > clock.now() - timedelta(hours=20))
    assert day == 0 or set(session.scalars(late)) <= ASKED_ON_PURPOSE, day
    assert _sendings() == sent, day


def _lists(world, names, heads, day):
    """What must be done names none of them; what was asked on purpose is done on the second day."""
    for who in heads:
        account = world.account(who)
        db.undo()
        with world.app.test_request_context("/"):
            items = todo.todo(_actor(world, account)).items
        about = [item.kind for item in items if any(name in f"{item.who} {item.about}" for name in names)]
        assert set(about) <= ASKED_ON_PURPOSE, (day, who, about)
    if day == 1:
        with db.transaction() as session:
            for task in session.scalars(sa.select(Task).where(Task.kind.in_(ASKED_ON_PURPOSE), Task.cleared_at.is_(None))):
                task.clear(world.account("zhou").id)


def _pages(world, day):
    if day not in SWEEPS:
        return BUSY
    rules = [rule for rule in world.app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments]
    paths = sorted({rule.rule for rule in rules if rule.endpoint not in ARCHIVES} - set(KEPT_FROM))
    return [(who, path) for who in ROLES for path in paths if not path.startswith(("/static", "/doors"))]


def _reads(text, names, where):
    """A page names none of them, but for their own deeds, what was done today, what is asked on purpose, what kin read."""
    day, who, path = where
    today, of_the_week = path in ("/", "/today", "/live"), path == "/my-week"
    if (today and day < 2) or (of_the_week and day < 7) or path.startswith(RECORDS) or who == "limin":
        return
    if path == "/call-backs" and WANG in names:
        return  # residents are asked how a visit was, whoever came
    text = re.sub(r"<option.*?</option>", "", text, flags=re.S)
    found = [name for name in names if name in text]
    assert found == [], where


# -- each played through --


def test_who_lived_alone_has_died(world, hand):
    furnish(world, hand)
    home = world.household("李秀兰").id
    ends(world, "李秀兰")
    live_through(world, hand, ["李秀兰"], [home])
    assert _alarms(world, "he") >= {"孙德胜"}, "whoever lives is missed: the scan looks at a house that speaks"


def test_one_of_a_couple_has_died_and_the_others_care_goes_on(world, hand):
    furnish(world, hand)
    ends(world, "张福贵")
    live_through(world, hand, ["张福贵"], [])
    assert _alarms(world, "zhou") >= {"刘淑珍"}


def test_who_pauses_is_neither_missed_nor_asked(world, hand):
    furnish(world, hand)
    home = world.household("孙德胜")
    with db.transaction():
        pausing.pause(world.household("孙德胜"), None, "hospital", "侄子", clock.today(), by=world.account("he").id)
    sent = _sendings()
    for day in range(DAYS):
        _night(day)
        drain()
        _tables(world, [home.id], sent, day)
        _lists(world, ["孙德胜"], ("he", "wu"), day)
        live = world.client("he").get("/live").text
        assert "没人照看" not in live or re.search(r"没人照看\D*<strong[^>]*>0<", live), day
        hand.at += timedelta(hours=24)
    assert world.client("he").get("/leaves").text.count("孙德胜") >= 1, "whether it goes on is asked there"


def test_who_has_moved_is_the_other_stations(world, hand):
    furnish(world, hand)
    home, key = world.household("李秀兰").id, ids.new()
    there = world.place("wanghai").id
    post(world, "zhou", f"/households/{home}/move", key=key, station=there, address="望海街9号", told_by="女儿", on=clock.today())
    post(world, "he", f"/moves/{key}", caregiver=world.person("zhao").id, on=clock.today())
    db.undo()
    for day in range(DAYS):
        _night(day)
        drain()
        _lists(world, ["李秀兰"], ("zhou",), day)
        for who, path in BUSY:
            answer = world.client(who).get(path)
            if day and answer.status_code == 200:
                _reads(answer.text, ["李秀兰"], (day + 2, who, path))
        hand.at += timedelta(hours=24)
    assert _alarms(world, "he") >= {"李秀兰"}, "her new station misses her"


def test_who_has_left_is_asked_for_nothing(world, hand):
    furnish(world, hand)
    leaves(world)
    live_through(world, hand, [WANG], [])
    assert _alarms(world, "zhou") >= {"李秀兰"}, "her households are missed, by whoever goes there now"


def leaves(world):
    wang, qian = world.person("wang").id, world.person("qian").id
    url = f"/people/{wang}/departure"
    post(world, "zhou", url, key=ids.new(), on=clock.today(), reach="no")
    for name in ("李秀兰", "张福贵"):
        post(world, "zhou", f"{url}/homes", subject=world.household(name).id, caregiver=qian)
    post(world, "zhou", f"{url}/cash", subject=world.household("李秀兰").id, how="station")
    for code, how in (("keys", "back"), ("badge", "none"), ("phone", "none"), ("records", "done")):
        post(world, "zhou", f"{url}/{code}", how=how)
    post(world, "zhou", f"{url}/finish")


def _alarms(world, who):
    """The homes that somebody's list names now, in the evening of a day nobody came."""
    account = world.account(who)
    db.undo()
    with world.app.test_request_context("/"):
        return {item.who for item in todo.todo(_actor(world, account)).items}


# -- the scan bites --


@pytest.mark.parametrize(
    ("room", "guard"),
    [(messages, "withdraw"), (cards, "revoke_all"), (closing, "close"), (calling_back, "let_go")],
    ids=["messages", "cards", "roster", "visits"],
)
def test_with_one_guard_left_out_a_death_is_not_quiet(world, hand, monkeypatch, room, guard):
    furnish(world, hand)
    home = world.household("李秀兰").id
    monkeypatch.setattr(room, guard, lambda *_args, **_more: None)
    ends(world, "李秀兰")
    with pytest.raises(AssertionError):
        live_through(world, hand, ["李秀兰"], [home], days=2)


@pytest.mark.parametrize("place", [NobodyHome, Visit, VisitException])
def test_a_list_that_does_not_look_whether_care_has_ended_is_found_out(world, hand, monkeypatch, place):
    real = todo._cared_for
    monkeypatch.setattr(todo, "_cared_for", lambda table: sa.true() if table is place else real(table))
    monkeypatch.setattr(todo, "_EVERY", todo._questions()[1])
    furnish(world, hand)
    home = world.household("李秀兰").id
    ends(world, "李秀兰")
    with pytest.raises(AssertionError):
        live_through(world, hand, ["李秀兰"], [home], days=2)


def test_with_the_roster_left_out_a_leaving_is_not_quiet(world, hand, monkeypatch):
    furnish(world, hand)
    monkeypatch.setattr(closing, "gone", lambda *_args: None)
    leaves(world)
    with pytest.raises(AssertionError):
        live_through(world, hand, ["王桂芳"], [], days=2)


def test_every_role_takes_part(app):
    assert set(ROLES.values()) | {Role.KIN} == set(Role)
