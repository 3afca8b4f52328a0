"""Sixty days after deaths, a move, a leaving, and during a pause: all jobs run, all pages are opened, and nothing asks,
reminds, alarms or misses about whoever it was, while whoever lives is missed. The scan bites: with any one guard left out,
or one leak planted in a job or a page, it finds something."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests import world as cast
from tests.conftest import app_of, settings
from tests.house.rooms import ROLES, verb_of
from tests.messages.kit import Clock, drain
from tests.today.test_todo import _actor
from tests.visits.kit import arrive, card_of, send
from webapp.access import Role, can
from webapp.cards import models as cards
from webapp.cards.models import Card, Sighting
from webapp.evaluations.models import Evaluation
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.ledger import models as ledger
from webapp.messages import models as messages
from webapp.messages.models import Notice, Sending, Task
from webapp.outings import going, lost
from webapp.outings import models as outings
from webapp.people import models as people
from webapp.requests import models as requests
from webapp.requests.models import ServiceRequest
from webapp.requests.rules import OVER
from webapp.roster import closing, leaving, pausing
from webapp.roster import models as roster
from webapp.roster.leaving import Choice
from webapp.roster.models import PLANNED, Shift
from webapp.store import db, jobs, migrate
from webapp.store.db import Base
from webapp.store.jobs import Job
from webapp.today import asking, carrying, todo
from webapp.visits import calling_back
from webapp.visits.calling_back import CallBack
from webapp.visits.models import NobodyHome, Visit, VisitException
from webapp.web.guard import me
from webapp.welfare import models as welfare
from webapp.welfare.models import Watch

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)
"""Sixty days are long: what the rooms ask of either database is tried in their own tests."""
DAYS = int(os.environ.get("SIXTY_DAYS", "60"))
LAN, ZHANG, LIU, SUN, GAO, MA, WANG = "李秀兰", "张福贵", "刘淑珍", "孙德胜", "高玉芬", "马秀英", "王桂芳"
SWEEPS = {1, 31, 59}
"""Days on which every role opens every page; on the others the front pages, every third day."""
BUSY = (("zhou", "/"), ("zhou", "/live"), ("qian", "/"), ("limin", "/family"))
ARCHIVES = {
    "review.call_backs": "what was asked, newest first",
    "messages.tasks": "what was dealt with",
    "endings.index": "the list of ends",
    "roster.index": "weeks that were planned",
    "people.people": "the index of names",
    "people.index": "the index of names",
    "cards.scans": "what was scanned",
    "deliveries.index": "what was sent in",
    "books.months": "the months of the books: the last one is closed too",
    "checks.slips": "spending that was drawn for a look",
    "proof.mine": "her own proof of visits that were made",
    "requests.index": "what was asked for and is over",
    "record.index": "her own record of visits that were made",
    "review.index": "findings about visits that were made: her hours hang on them",
}
"""Pages where what was is looked for, and why a name may stand there."""
BLIND = {
    "/today/packet",
    "/evaluations/month.pdf",
    "/evaluations/month.xlsx",
    "/visits/export",
    "/events",
    "/inbox/kinds",
    "/openapi.json",
    "/manifest.webmanifest",
    "/sw.js",
}
"""No pages: what phones and machines fetch, and what is printed or counted (as is the sheet for the fridge)."""
ASKED_ON_PURPOSE = {"condolence", "settle_book"}
OF_HER_WORK = ("/call-backs", "/evaluations")
"""Where a month of somebody who has left is still weighed, and residents are asked how a visit was, whoever came."""
NEVER_ALONE = {"people.import", "messages.send", "endings.switch", "reviews.remind"}
"""Jobs for which nothing asks here: a sheet that is brought, a gateway that is set, a move on a later day, a
quarter review with a day to look again (tests/reviews)."""


# -- the house before: a day of everything that could speak of them later --


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The furnished house, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("sixty")
    made = app_of(settings(folder))
    with made.app_context(), pytest.MonkeyPatch.context() as patch:
        migrate.upgrade(db.database().engine)
        cast.build()
        patch.setattr(clock, "now", Clock().now)
        furnish(cast.World(made))
        db.undo()
        db.database().engine.dispose()
    return "sqlite", str(folder / "nuanchao.db")


def furnish(world):
    """Visits without diary, a shut door, money, tasks, notices, relief, a stranger's word, a call-back: of everybody."""
    songling = world.place("songling").id
    with db.transaction():
        for name in (GAO, MA):
            home = people.settle_household(world.place("songling"), "民政街20号")
            people.take_in(home, name, sex="f", tier="B")
            db.session().flush()
            people.pair(home, world.person("wang"), since=cast.BEGAN)
    for name, start in ((LAN, 8 * 60), (ZHANG, 10 * 60), (SUN, 8 * 60), (GAO, 15 * 60), (MA, 16 * 60)):
        with db.transaction():
            roster.plan(world.household(name), range(7), start, 60, ["MEAL-01"], valid_from=clock.today())
    home = world.household(LAN).id
    with db.transaction():
        ledger.open_book(home, clock.today())
    send(world, "ledger.receive", household=home, amount_fen=30_000, category="IN-FAM", source="cash", giver="")
    visit, _receipt = arrive(world, method="card_missing")
    send(world, "visits.leave", visit=visit, method="card_missing")
    for name in (LAN, GAO):
        send(world, "visits.nobody", household=world.household(name).id, rang=True, told=False)
    card, _token = card_of(world)
    with db.transaction() as session:
        wang, qian, later = world.account("wang"), world.person("qian"), clock.today() + timedelta(days=2)
        for name in (LAN, ZHANG, GAO):
            who = world.resident(name)
            about = {"resident_id": who.id, "household_id": who.household_id}
            messages.open_task("todo", songling, f"sixty:task:{name}", due_at=clock.now() + timedelta(days=20), **about)
            messages.notify("notice", songling, f"sixty:red:{name}", **about)
            messages.notify("look_plan", songling, f"sixty:plain:{name}", to=wang.id, level="plain", **about)
        messages.notify("notice", songling, "sixty:hers", to=wang.id)
        cards.report(session.get(Card, card.id), songling, "公园", None)
        asked = requests.ask(_actor(world, wang), world.household(LAN), world.resident(LAN).id, "bath", "", clock.today(), "care")
        asked.send(wang.id, "caregiver", world.person("wang"), "", clock.now() + timedelta(days=1))
        leave = leaving.record(world.person("wang"), "sick", later, later, "", by=ids.new(), key=ids.new())
        chosen = {shift.id: Choice(qian) for shift in leaving.to_cover(leave)}
        leaving.approve(leave, chosen, _actor(world, world.account("zhou")))
        for name in (LAN, GAO):
            who, by = world.resident(name), world.account("zhou").id
            going.begin(who, clock.now(), 30, "alone", "near", "", "", by=by, key=ids.new())
        for name in (LAN, GAO):
            welfare.watch(world.resident(name), "high", world.account("zhou").id)
        for name in (ZHANG, MA):
            lost.search(world.resident(name), clock.now(), "早市", "", "", at=clock.now(), by=by, key=ids.new())
        drawn = {"station_id": songling, "caregiver_id": qian.id, "due_on": clock.today(), "seed": "", "once": "sixty"}
        session.add(CallBack(household_id=home, kind="surprise", **drawn))
    drain()


@pytest.fixture(autouse=True)
def hand(monkeypatch):
    """Eleven in the morning of a Wednesday, an hour after the house was furnished."""
    made = Clock(11)
    monkeypatch.setattr(clock, "now", made.now)
    return made


# -- what happens --


def post(world, who, url, **data):
    answer = world.client(who).post(url, data=data)
    assert answer.status_code == 303, answer.text[:3000]
    db.undo()


def ends(world, name, kind="death"):
    key = world.resident(name).id
    post(world, "zhou", f"/residents/{key}/end", key=ids.new(), kind=kind, on=clock.today(), told_by="女儿", reason="kin")


def moves(world):
    home, key, there = world.household(MA).id, ids.new(), world.place("wanghai").id
    post(world, "zhou", f"/households/{home}/move", key=key, station=there, address="望海街9号", told_by="女儿", on=clock.today())
    post(world, "he", f"/moves/{key}", caregiver=world.person("zhao").id, on=clock.today())


def leaves(world):
    wang, qian = world.person("wang").id, world.person("qian").id
    url = f"/people/{wang}/departure"
    post(world, "zhou", url, key=ids.new(), on=clock.today(), reach="no")
    for home in _held(world):
        post(world, "zhou", f"{url}/homes", subject=home, caregiver=qian)
    post(world, "zhou", f"{url}/cash", subject=world.household(LAN).id, how="station")
    for code, how in (("keys", "back"), ("badge", "none"), ("phone", "none"), ("records", "done")):
        post(world, "zhou", f"{url}/{code}", how=how)
    post(world, "zhou", f"{url}/finish")


def _held(world):
    unit = people.HomeCareUnit
    ask = sa.select(unit.household_id).where(unit.caregiver_id == world.person("wang").id, unit.until.is_(None))
    return db.reading().scalars(ask).all()


def pauses(world):
    with db.transaction():
        pausing.pause(world.household(SUN), None, "hospital", "侄子", clock.today(), by=world.account("he").id)


# -- the scan --


@dataclass
class Scan:
    """Looks at everything for a word about some. names: never said; homes, residents, persons, accounts: no row is added."""

    world: Any
    hand: Clock
    names: list[str]
    homes: list[Any] = field(default_factory=list)
    residents: list[Any] = field(default_factory=list)
    persons: list[Any] = field(default_factory=list)
    accounts: list[Any] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Names that only Wanghai says."""
    heads: tuple[str, ...] = ("zhou", "he", "wu", "zheng")
    low: dict[str, int] = field(default_factory=dict)
    sent: set[Any] = field(default_factory=set)
    since: date = date.min

    def live(self, days: int) -> None:
        """So many days: jobs at ten past midnight, at ten and in the evening; pages at ten, lists in the evening.

        Raises AssertionError at the first word about them.
        """
        self.low, self.sent, self.since = self._rows(), self._sendings(), clock.today()
        self._tables(-1)
        for day in range(days):
            self.hand.at = clock.instant(clock.today() + timedelta(days=1), 10)
            self._night(day)
            self.hand.at = clock.instant(clock.today(), 10 * 60)
            drain()
            self._pages(day)
            self.hand.at = clock.instant(clock.today(), 20 * 60)
            drain()
            self._tables(day)
            self._lists(day)
            if day > 0:
                self._rings_round()

    def _night(self, day: int) -> None:
        """The nightly deeds. The look at every hour, which costs the most, is every hour on sweeps and else once a day."""
        with db.transaction():
            for name in jobs.NIGHTLY:
                often = name != "visits.look_over_day" or day in SWEEPS
                jobs.ask(name if often else "visits.look_over", once=f"{name}:{clock.today()}")
        drain()

    def _rows(self) -> dict[str, int]:
        """How many rows of each table are about them."""
        wanted = {
            "household_id": self.homes, "resident_id": self.residents, "caregiver_id": self.persons, "person_id": self.persons,
            "account_id": self.accounts, "to_id": self.accounts,
        }  # fmt: skip
        asks = []
        for table in Base.metadata.sorted_tables:
            about = [table.c[name].in_(keys) for name, keys in wanted.items() if name in table.c and keys]
            if about and table.name != "audit_entry":
                asks.append(sa.select(sa.literal(table.name), sa.func.count()).select_from(table).where(sa.or_(*about)))
        db.undo()
        return {name: count for name, count in db.reading().execute(sa.union_all(*asks))} if asks else {}

    def _sendings(self) -> set[Any]:
        db.undo()
        return set(db.reading().scalars(sa.select(Sending.id)))

    def _tables(self, day: int) -> None:
        """No row about them is added; nothing open, waiting or planned is about them."""
        rows, homes = self._rows(), self.homes
        grown = {name: count for name, count in rows.items() if count > self.low[name]}
        assert set(grown) <= {"visit_exception", "evaluation"}, (day, grown)
        self.low = rows
        lately = sa.select(VisitException.code).where(VisitException.household_id.in_(homes), VisitException.day > self.since)
        assert db.reading().scalars(lately).all() == [], day
        sheets = sa.select(Evaluation.month).where(Evaluation.caregiver_id.in_(self.persons))
        assert set(db.reading().scalars(sheets)) <= {str(Month.of(self.since)), str(Month.of(self.since).previous())}, day
        session = db.reading()
        of_them = sa.or_(Task.household_id.in_(homes), Task.resident_id.in_(self.residents), Task.account_id.in_(self.accounts))
        assert set(session.scalars(sa.select(Task.kind).where(of_them, Task.cleared_at.is_(None)))) <= ASKED_ON_PURPOSE, day
        waits = sa.or_(Notice.household_id.in_(homes), Notice.resident_id.in_(self.residents), Notice.to_id.in_(self.accounts))
        unseen = sa.select(Notice.kind).where(waits, Notice.acknowledged_at.is_(None), Notice.ended_at.is_(None))
        assert session.scalars(unseen).all() == [], day
        told = sa.select(Card.household_id).join(Sighting, Sighting.card_id == Card.id).where(Sighting.taken_at.is_(None))
        assert set(session.scalars(told)) & set(homes) == set(), day
        goes = sa.or_(Shift.household_id.in_(homes), Shift.caregiver_id.in_(self.persons))
        assert session.scalars(sa.select(Shift.day).where(goes, Shift.state == PLANNED, Shift.day > clock.today())).all() == [], (
            day
        )
        asked = sa.select(CallBack.kind).where(CallBack.household_id.in_(homes), CallBack.done_at.is_(None))
        assert session.scalars(asked).all() == [], day
        wanted = sa.select(ServiceRequest.state).where(ServiceRequest.household_id.in_(homes), ServiceRequest.state.not_in(OVER))
        assert session.scalars(wanted).all() == [], day
        seen = sa.select(Watch.id).where(Watch.resident_id.in_(self.residents), Watch.ended_at.is_(None))
        assert session.scalars(seen).all() == [], day
        said = session.scalars(sa.select(Sending.text).where(Sending.id.not_in(self.sent))).all()
        assert [text for text in said if any(name in text for name in self.names)] == [], day
        assert session.scalars(sa.select(Job.trouble).where(Job.trouble.is_not(None))).all() == [], day

    def _lists(self, day: int) -> None:
        """What must be done names none of them, but for what was asked on purpose."""
        for who in self.heads if day in SWEEPS else self.heads[:2]:
            names = self.names + (self.elsewhere if who == "zhou" else [])
            about = [each.kind for each in _list(self.world, who) if any(name in f"{each.who} {each.about}" for name in names)]
            assert set(about) <= (ASKED_ON_PURPOSE if day < 2 else set()), (day, who, about)

    def _rings_round(self) -> None:
        """The head has dealt with everything that is open; before that, the first day's condolence and book."""
        with db.transaction() as session:
            session.execute(sa.update(Task).where(Task.cleared_at.is_(None)).values(cleared_at=clock.now(), how="done"))

    def _pages(self, day: int) -> None:
        cells = self._everything() if day in SWEEPS else BUSY if day % 3 == 0 else ()
        for who, path in cells:
            answer = self.world.client(who).get(path)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                self._reads(answer.text, day, who, path)

    def _everything(self) -> list[tuple[str, str]]:
        """(role, path) of every page a role may open: those without an argument, and those of the station, of a colleague."""
        given = {"place_id": self.world.place("songling").id, "person_id": self.world.person("qian").id}
        rules = [rule for rule in self.world.app.url_map.iter_rules() if "GET" in rule.methods]
        mine = [rule for rule in rules if rule.arguments <= set(given) and rule.endpoint not in ARCHIVES]
        bound = self.world.app.url_map.bind("localhost")
        cells = []
        for who in ROLES:
            actor = _actor(self.world, self.world.account(who))
            for rule in mine:
                path = bound.build(rule.endpoint, {name: given[name] for name in rule.arguments})
                verb = verb_of(self.world.app, rule)
                if path not in BLIND and not path.endswith("/fridge") and (verb is None or can(actor, verb)):
                    cells.append((who, path))
        return cells

    def _reads(self, text: str, day: int, who: str, path: str) -> None:
        """A page names none of them, but for the book that was to be settled on the first two days, and what kin read quietly."""
        if who == "limin":
            return _quiet(text, day)
        if path in ("/", "/today") and day < 2:
            return None
        names = self.names + (self.elsewhere if who in ("zhou", "qian", "wei", "chen") else [])
        names = [name for name in names if name != WANG or not path.startswith(OF_HER_WORK)]
        found = [name for name in names if name in text]
        assert found == [], (day, who, path)
        return None


def _quiet(text: str, day: int) -> None:
    """Kin may read for thirty days; nothing there is planned, missed or asked."""
    assert day < 31 or LAN not in text, day
    assert [each for each in ("没人来", "还没到", "计划", "没有消息", "明天") if each in text] == [], day


def _list(world, who):
    account = world.account(who)
    db.undo()
    with world.app.test_request_context("/"):
        return todo.todo(_actor(world, account)).items


def missed(world, who):
    """The homes that somebody's list says are missed now, in the evening of a day nobody came."""
    return {item.who for item in _list(world, who) if item.kind != "pause"}


def dead(world, hand, *names, **more):
    """A scan for residents who are no longer cared for; homes: those where nobody is left."""
    who = [world.resident(name) for name in names]
    homes = [each.household_id for each in who if each.household.ended_on]
    return Scan(world, hand, list(names), homes, [each.id for each in who], **more)


# -- played through --


def test_sixty_days_say_no_word_about_who_died_ended_moved_left_or_pauses(world, hand):
    for name, kind in ((LAN, "death"), (ZHANG, "death"), (GAO, "over")):
        ends(world, name, kind)
    moves(world)
    leaves(world)
    pauses(world)
    scan = dead(world, hand, LAN, ZHANG, GAO, elsewhere=[MA])
    scan.names.append(WANG)
    scan.persons, scan.accounts = [world.person("wang").id], [world.account("wang").id]
    scan.live(DAYS)
    assert missed(world, "zhou") >= {LIU}, "whoever lives is missed: the scan looks at a house that speaks"
    assert missed(world, "he") >= {MA} and SUN not in missed(world, "he"), "the new station misses her; who pauses is not missed"
    ran = set(db.reading().scalars(sa.select(Job.name).where(Job.done_at.is_not(None))))
    assert set(jobs.DEEDS) - ran <= NEVER_ALONE, "every job had its turn"
    assert [item.who for item in _list(world, "he") if item.kind == "pause"] == [SUN], "only whether the pause goes on is asked"


# -- the scan bites --


@pytest.mark.parametrize(
    ("room", "guard"),
    [
        *((messages, "withdraw"), (cards, "revoke_all"), (closing, "close"), (calling_back, "let_go")),
        *((requests, "end_for"), (outings, "end_for"), (welfare, "end_for")),
    ],
    ids=["messages", "cards", "roster", "visits", "requests", "outings", "welfare"],
)
def test_with_one_guard_left_out_a_death_is_not_quiet(world, hand, monkeypatch, room, guard):
    monkeypatch.setattr(room, guard, lambda *_args, **_more: None)
    ends(world, LAN)
    with pytest.raises(AssertionError):
        dead(world, hand, LAN).live(1)


@pytest.mark.parametrize("place", [NobodyHome, Visit, VisitException])
def test_a_list_that_does_not_look_whether_care_has_ended_is_found_out(world, hand, monkeypatch, place):
    real = asking._cared_for
    monkeypatch.setattr(asking, "_cared_for", lambda table: sa.true() if table is place else real(table))
    monkeypatch.setattr(asking, "_EVERY", asking._questions()[1])
    ends(world, LAN)
    with pytest.raises(AssertionError):
        dead(world, hand, LAN).live(1)


def test_a_shut_door_that_is_asked_about_after_the_end_is_found_out(world, hand, monkeypatch):
    monkeypatch.setattr(carrying, "cared_for", lambda _station: sa.true())
    with db.transaction():
        jobs.ask("today.nobody_left", due_at=clock.now() + timedelta(hours=30), nobody=str(_door(world)), round_=0)
    ends(world, LAN)
    with pytest.raises(AssertionError):
        dead(world, hand, LAN).live(2)


def _door(world):
    db.undo()
    return db.reading().scalars(sa.select(NobodyHome.id).where(NobodyHome.household_id == world.household(LAN).id)).one()


def test_with_the_roster_left_out_a_leaving_is_not_quiet(world, hand, monkeypatch):
    monkeypatch.setattr(closing, "gone", lambda *_args: None)
    leaves(world)
    scan = Scan(world, hand, [WANG], persons=[world.person("wang").id], accounts=[world.account("wang").id])
    with pytest.raises(AssertionError):
        scan.live(1)


def test_a_job_that_writes_about_the_dead_is_found_out(world, hand, monkeypatch):
    """A nightly deed of a room to come, that never heard of ends: it asks nobody, it only writes a row."""
    ends(world, LAN)
    home, place = world.household(LAN).id, world.place("songling").id
    monkeypatch.setitem(jobs.DEEDS, "test.leak", lambda: messages.handle("log", "log:x", place, home, clock.now(), ids.new()))
    monkeypatch.setattr(jobs, "NIGHTLY", [*jobs.NIGHTLY, "test.leak"])
    with pytest.raises(AssertionError, match="task"):
        dead(world, hand, LAN).live(1)


def test_a_page_that_names_the_dead_to_one_role_is_found_out(world, hand, monkeypatch):
    real = world.app.view_functions["messages.announcements"]

    def leaky(**given):
        return f"<p>{LAN}" if me().role == Role.STREET_MANAGER else real(**given)

    leaky.verb = real.verb
    ends(world, LAN)
    scan = dead(world, hand, LAN)
    monkeypatch.setitem(world.app.view_functions, "messages.announcements", leaky)
    with pytest.raises(AssertionError, match="announcements"):
        scan.live(2)


def test_every_role_takes_part(app):
    assert set(ROLES.values()) | {Role.KIN} == set(Role)
