"""How many questions a page asks: six or fewer, as many with ten times the rows; no scan, no count, no offset.

And what a kept form costs between BEGIN and COMMIT.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from tests.evaluations.kit import As, lay
from tests.visits.kit import send
from tests.world import World
from webapp.access import Role
from webapp.applications import models as applications
from webapp.applications.models import Application
from webapp.cards import models as cards
from webapp.endings import departure, moving
from webapp.evaluations import gather
from webapp.evaluations.models import Evaluation
from webapp.health import models as health
from webapp.inspections import rules
from webapp.inspections.models import Drawing
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.ledger import models as ledger
from webapp.messages import announcing, calling, ladder
from webapp.messages import models as messages
from webapp.outings import going, lost
from webapp.people import ends
from webapp.people import models as people
from webapp.people.models import Alert, Contact, Kin
from webapp.requests import models as requests
from webapp.reviews import queries as reviewed
from webapp.reviews.models import HELD, QuarterReview
from webapp.reviews.rules import Quarter
from webapp.roster import leaving, pausing
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store import db
from webapp.store.inbox import APPLIED
from webapp.training import models as training
from webapp.visits import correcting
from webapp.visits.calling_back import CallBack
from webapp.visits.models import Visit, VisitException
from webapp.voices import models as voices
from webapp.welfare import models as welfare

MOST = 6
FEW, MANY = 1, 10
ENDS = ("begin", "commit", "rollback", "savepoint", "release")
TINY = {"rule_set", "audit_head", "counter", "place", "duty_hour"}
"""Tables of a district's few dozen rows, where a scan is the quickest way."""

PAGES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "today": ("wang", lambda rows: "/"),
    "today, the station's": ("zhou", lambda rows: "/"),
    "today, the street's": ("wu", lambda rows: "/"),
    "what was dealt with": ("zhou", lambda rows: "/tasks"),
    "how a notice went": ("zhou", lambda rows: f"/notices/{rows.notice}"),
    "whom to ring": ("zhou", lambda rows: f"/households/{rows.home}/call"),
    "announcements": ("zhou", lambda rows: "/announcements"),
    "an announcement": ("zhou", lambda rows: f"/announcements/{rows.announcement}"),
    "a notice to somebody": ("zhou", lambda rows: f"/people/{rows.wang}/notice"),
    "visit, before arrival": ("wang", lambda rows: f"/today/visits/{rows.planned}"),
    "visit, on duty": ("wang", lambda rows: f"/today/visits/{rows.open}"),
    "visit, over": ("wang", lambda rows: f"/today/visits/{rows.done}"),
    "a card was scanned": ("wang", lambda rows: f"/today/households/{rows.home}"),
    "live roster": ("zhou", lambda rows: "/live"),
    "books": ("wang", lambda rows: "/book"),
    "book": ("wang", lambda rows: f"/households/{rows.home}/book"),
    "counts and closed months": ("zhou", lambda rows: f"/households/{rows.home}/book/counts"),
    "months of all books": ("zhou", lambda rows: "/book/months"),
    "book in large print": ("wang", lambda rows: f"/households/{rows.home}/book/large"),
    "a count": ("wang", lambda rows: f"/households/{rows.home}/book/count"),
    "a spend": ("wang", lambda rows: f"/households/{rows.home}/book/spend"),
    "slips beside entries": ("zhou", lambda rows: "/book/slips"),
    "books drawn": ("wu", lambda rows: "/book/draws"),
    "book, the family's": ("limin", lambda rows: f"/family/{rows.kin}/book"),
    "counts, the family's": ("limin", lambda rows: f"/family/{rows.kin}/book/counts"),
    "a line, the family's": ("limin", lambda rows: f"/family/{rows.kin}/book/{rows.entry}"),
    "an entry": ("wang", lambda rows: f"/book/entries/{rows.entry}"),
    "diary of a home": ("wang", lambda rows: f"/households/{rows.home}/logs"),
    "visits of a home": ("zhou", lambda rows: f"/households/{rows.home}/visits"),
    "one visit": ("zhou", lambda rows: f"/visits/{rows.done}"),
    "her own record": ("wang", lambda rows: "/record"),
    "her answer": ("wang", lambda rows: f"/record/exceptions/{rows.flag}"),
    "her correction": ("wang", lambda rows: f"/record/visits/{rows.done}/times"),
    "the elder's word": ("wang", lambda rows: f"/visits/{rows.done}/word"),
    "what waits": ("zhou", lambda rows: "/exceptions"),
    "times to change": ("zhou", lambda rows: "/corrections"),
    "a time to change": ("zhou", lambda rows: f"/corrections/{rows.correction}"),
    "call-backs": ("zhou", lambda rows: "/call-backs"),
    "records that came in": ("zhou", lambda rows: "/deliveries"),
    "one record": ("zhou", lambda rows: f"/deliveries/{rows.held}"),
    "somebody of the staff": ("zhou", lambda rows: f"/people/{rows.wang}"),
    "the week's roster": ("zhou", lambda rows: "/roster"),
    "her proof": ("wang", lambda rows: "/proof"),
    "her own roster": ("wang", lambda rows: "/my-week"),
    "a household's plan": ("zhou", lambda rows: f"/households/{rows.home}/plan"),
    "leave, her own": ("wang", lambda rows: "/leave"),
    "leave and relief": ("zhou", lambda rows: "/leaves"),
    "a leave to decide": ("zhou", lambda rows: f"/leaves/{rows.leave}"),
    "a shift": ("zhou", lambda rows: f"/shifts/{rows.shift}"),
    "pauses": ("zhou", lambda rows: f"/households/{rows.home}/pauses"),
    "handover": ("wang", lambda rows: f"/today/households/{rows.home}/handover"),
    "whose care ends": ("zhou", lambda rows: f"/residents/{rows.lan}/end"),
    "how it ended": ("zhou", lambda rows: f"/endings/{rows.ending}"),
    "ends and moves": ("zhou", lambda rows: "/endings"),
    "a household moves": ("zhou", lambda rows: f"/households/{rows.home}/move"),
    "a move": ("he", lambda rows: f"/moves/{rows.move}"),
    "a caregiver leaves": ("zhou", lambda rows: f"/people/{rows.wang}/departure"),
    "a month's sheets": ("zhou", lambda rows: f"/evaluations?month={rows.month}"),
    "a street's month": ("wu", lambda rows: f"/evaluations?month={rows.month}&station={rows.station}"),
    "a sheet": ("zhou", lambda rows: f"/evaluations/{rows.sheet}"),
    "a sheet, her own": ("wang", lambda rows: f"/evaluations/{rows.sheet}"),
    "records behind a figure": ("zhou", lambda rows: f"/evaluations/{rows.sheet}/records/M05"),
    "her months": ("wang", lambda rows: "/my-month"),
    "stations compared": ("wu", lambda rows: f"/evaluations/compare?month={rows.month}"),
    "complaints and incidents of a sheet": ("zhou", lambda rows: f"/evaluations/{rows.sheet}/records/M08"),
    "rules of the month": ("zheng", lambda rows: "/evaluations/rules"),
    "a case tried": ("zheng", lambda rows: "/rules/evaluation?M01=96"),
    "quarterly reviews": ("zhou", lambda rows: f"/reviews?quarter={rows.quarter}"),
    "a quarterly review": ("zhou", lambda rows: f"/reviews/{rows.review}"),
    "quarters, her own": ("wang", lambda rows: "/reviews"),
    "own scores of all units": ("wu", lambda rows: "/self-scores"),
    "own scores of a unit": ("wu", lambda rows: f"/self-scores/{rows.station}/{clock.today().year}"),
    "requests": ("zhou", lambda rows: "/requests"),
    "a request": ("zhou", lambda rows: f"/requests/{rows.request}"),
    "asking for help": ("limin", lambda rows: f"/households/{rows.home}/requests"),
    "needs": ("zhou", lambda rows: "/needs"),
    "whom to go to see": ("zhou", lambda rows: "/welfare"),
    "welfare of a home": ("zhou", lambda rows: f"/households/{rows.home}/welfare"),
    "outings of a home": ("wang", lambda rows: f"/households/{rows.home}/outings"),
    "outings of a station": ("zhou", lambda rows: "/outings"),
    "somebody cannot be found": ("wang", lambda rows: f"/households/{rows.home}/lost"),
    "a search": ("zhou", lambda rows: f"/lost/{rows.case}"),
    "an elder who was found": ("zhou", lambda rows: f"/sightings/{rows.sighting}"),
    "a helper asks": ("zhou", lambda rows: f"/rescues/{rows.window}"),
    "an emergency sheet": ("zhou", lambda rows: f"/residents/{rows.lan}/emergency-sheet"),
    "an elder's own page": ("zhou", lambda rows: f"/residents/{rows.lan}/own"),
    "what residents say": ("zhou", lambda rows: "/opinions"),
    "complaints": ("zhou", lambda rows: "/complaints"),
    "a complaint": ("zhou", lambda rows: f"/complaints/{rows.said}"),
    "what kin said": ("limin", lambda rows: f"/households/{rows.home}/say"),
    "a change of caregiver": ("zhou", lambda rows: f"/changes/{rows.changing}"),
    "her satisfaction": ("wang", lambda rows: "/my-opinions"),
    "the week to forward": ("zhou", lambda rows: f"/residents/{rows.lan}/week"),
    "training": ("wu", lambda rows: "/training"),
    "certificates": ("zhou", lambda rows: "/training/certificates"),
    "a session": ("wu", lambda rows: f"/training/{rows.session}"),
    "learning cards": ("wang", lambda rows: "/my-training/cards"),
    "a learning card": ("wang", lambda rows: "/my-training/cards/rise"),
    "her training": ("wang", lambda rows: "/my-training"),
    "inspections": ("chu", lambda rows: "/inspections"),
    "inspections, the street's": ("wu", lambda rows: "/inspections"),
    "a checklist": ("chu", lambda rows: f"/households/{rows.home}/inspect"),
    "a plate to scan": ("chu", lambda rows: "/inspections/scan"),
    "a checklist behind a plate": ("chu", lambda rows: "/inspections/plate"),
    "an inspection": ("zhou", lambda rows: f"/inspections/{rows.inspection}"),
    "a draw": ("wu", lambda rows: f"/inspections/draws/{rows.draw}"),
    "lists to draw from": ("wu", lambda rows: "/inspections/draw"),
    "the open page": ("zhou", lambda rows: "/open"),
    "applications on their way": ("zhou", lambda rows: "/applications"),
    "an application": ("zhou", lambda rows: f"/applications/{rows.application}"),
    "applications of a home": ("zhou", lambda rows: f"/households/{rows.home}/applications"),
    "the standing list": ("zhou", lambda rows: f"/places/{rows.station}/standing-list"),
    "published inspections": ("wu", lambda rows: "/published/inspections"),
    "family": ("limin", lambda rows: f"/family/{rows.kin}"),
}


class Head:
    """周, writing things down."""

    def __init__(self, world: World) -> None:
        self.account_id, self.person_id = world.account("zhou").id, world.person("zhou").id


class Rows:
    """What hangs on 李秀兰's home: so many of everything that comes by day, and the keys the pages need."""

    def __init__(self, world: World, many: int) -> None:
        self.world, self.many = world, many
        self.home = world.household("李秀兰").id
        self.kin = db.session().scalars(sa.select(Kin.id).where(Kin.person_id == world.account("limin").person_id)).one()
        with db.transaction():
            ledger.open_book(self.home, clock.today())
        self.keep("ledger.receive", household=self.home, amount_fen=100_000, category="IN-FAM", source="cash", giver="")
        self.planned = self._plan()
        for n in range(many):
            self._neighbour(n)
            self.done = self._visit(f"第{n}次", leave=True)
        self.entry = self._spend(self.done)
        self.open = self._visit("还在", leave=False)
        self.wang = world.person("wang").id
        for n in range(many):
            self._tell(n)
        self._away()
        self._ends()
        self._sheets()
        self._quarter()
        self._found()
        self._doubt()
        self._inspections()
        self._training()
        for _ in range(many):
            self.held = send(world, "ledger.spend", "wang", household=self.home, amount_fen=0, category="EX-VEG").seq

    def _plan(self) -> uuid.UUID:
        with db.transaction() as session:
            home, wang = self.world.household("李秀兰"), self.world.person("wang")
            keys, first = [ids.new() for _ in range(self.many)], 1220 if self.many == MANY else 1200
            for n, key in enumerate(keys):
                session.add(
                    Shift(
                        visit_id=key, household_id=home.id, station_id=home.station_id, caregiver_id=wang.id, day=clock.today(),
                        start_min=first + n, minutes=1, items=["MEAL-01", "CLEAN-01"], state=roster.PLANNED,
                    )
                )  # fmt: skip
            return keys[0]

    def _found(self) -> None:
        for n in range(self.many):
            with db.transaction():
                lan = self.world.resident("李秀兰")
                card = cards.issue(cards.CardKind.RESIDENT, resident=lan)
                sighting = cards.report(card, card.station_id, f"第{n}处", "13800001111")
                sighting.take_up(self.world.account("zhou").id)
                asker = Head(self.world)
                for why in ("", "没有人"):
                    home = self.world.household("李秀兰")
                    row = requests.ask(asker, home, lan.id, "bath", f"第{n}回", clock.today(), "kin")  # type: ignore[arg-type]
                    _ = (
                        row.give_up(asker.account_id, why)
                        if why
                        else row.send(asker.account_id, "volunteer", None, "小刘", clock.now() + timedelta(days=1))
                    )
                    self.request = row.id
                daughter, station = self.world.account("limin").id, self.world.place("songling")
                said = voices.complain("complaint", station, f"第{n}次没来", by=daughter, household_id=lan.household_id)
                changing = sa.select(voices.ChangeOfCaregiver.id)
                self.said, self.changing = (
                    said.id,
                    db.session().scalar(changing) or voices.ask_for_change(lan.household, daughter, "kin", "合不来").id,
                )
                self.sighting, self.lan = sighting.id, lan.id
                self._out(lan, n)
                self._apply(lan.household)
                self.window = health.ask(card, lan, "李", "13800002222")[0].id

    def _apply(self, home: people.Household) -> None:
        """The application before is withdrawn, its notice with it; the new one hangs out."""
        head = Head(self.world)
        if open_ := db.session().scalar(sa.select(Application).where(Application.state == "on_notice")):
            open_.move(Role.STATION_HEAD, "withdrawn", head.account_id, "不办了")
        row = applications.apply(home, "A", "13800138000", head)  # type: ignore[arg-type]
        row.move(Role.STATION_HEAD, "surveyed", head.account_id, "")
        row.publish(head.account_id)
        self.application = row.id

    def _out(self, lan: people.Resident, n: int) -> None:
        by, now = self.world.account("zhou").id, clock.now()
        welfare.watch(lan, "high", by)
        going.begin(lan, now - timedelta(hours=2), 30, "alone", "near", f"第{n}回", "", by=by, key=ids.new())
        case = lost.search(lan, now, f"第{n}处", "", "", at=now, by=by, key=ids.new())
        case.step("police", "", by)
        self.case = case.id

    def _away(self) -> None:
        """Leave of hers for as many days as there are rows, a pause, and calls about a shift."""
        day, head = clock.today() + timedelta(days=20 if self.many == FEW else 90), Head(self.world)
        with db.transaction() as session:
            home, wang = self.world.household("李秀兰"), self.world.person("wang")
            last = day + timedelta(days=self.many)
            self.leave = leaving.record(wang, "sick", day, last, "", by=head.account_id, key=ids.new()).id
            for n in range(self.many):
                shift = Shift(
                    visit_id=ids.new(), household_id=home.id, station_id=home.station_id, caregiver_id=wang.id,
                    day=day + timedelta(days=n), start_min=500, minutes=60, items=["MEAL-01"], state=roster.PLANNED,
                )  # fmt: skip
                session.add(shift)
                away = day + timedelta(days=30 + n)
                pausing.pause(home, None, "trip", "女儿", away, away, by=head.account_id)
            session.flush()
            self.shift = shift.id
            for _ in range(self.many):
                calling.note_call(shift.household_id, f"shift:{shift.id}", shift.id, "neighbour", "fine", head.account_id)

    def _ends(self) -> None:
        """Lodgers who moved out, a move and a caregiver's leaving under way."""
        head = Head(self.world)
        with db.transaction() as session:
            home = self.world.household("李秀兰")
            self.lan = self.world.resident("李秀兰").id
            for n in range(self.many):
                lodger = people.take_in(home, f"房客{n}")
                session.flush()
                self.ending = ends.end_care(lodger, home, ends.AWAY, clock.today(), by=head.account_id).id
            if not (under_way := session.scalar(sa.select(moving.Move.id))):
                there, wang = self.world.place("wanghai"), self.world.person("wang")
                under_way = moving.ask(home, there, "海边路1号", clock.today(), "女儿", head, ids.new()).id
                departure.begin(wang, clock.today(), "", True, head, ids.new())
            self.move = under_way

    def _sheets(self) -> None:
        """As many months as there are rows, the last with so many objections, counted from visits of that month."""
        self.month, self.station = Month.of(clock.today()).previous(), self.world.place("songling").id
        with db.transaction() as session:
            month = self.month
            for _ in range(self.many):
                gather.gather(month)
                month = month.previous()
            if self.many == MANY:
                for n in range(self.many):
                    lay(self.world, "李秀兰", self.month.first + timedelta(days=n), quiet=False)
            mine = sa.select(Evaluation).where(Evaluation.caregiver_id == self.wang, Evaluation.month == str(self.month))
            sheet = session.scalars(mine).one()
            self.sheet = sheet.id
            if sheet.judged_at is None:
                sheet.judge(As(self.world, "zhou"), 3, 2, {})
            for n in range(self.many):
                sheet.object(As(self.world, "wang"), "M01", f"第{n}天我去了")

    def _quarter(self) -> None:
        """The last quarter, with as many voices as there are rows, and quarters before it."""
        with db.transaction() as session:
            quarter, station = Quarter.of(clock.today()).previous(), self.world.place("songling")
            self.quarter = str(quarter)
            for _ in range(self.many):
                reviewed.gather(quarter, station)
                mine = sa.select(QuarterReview).where(QuarterReview.caregiver_id == self.wang)
                row = session.scalars(mine.where(QuarterReview.quarter == str(quarter))).first()
                if row is None:
                    return  # before she came
                quarter = quarter.previous()
                if str(row.of) == self.quarter:
                    self.review = row.id
                    for n in range(self.many):
                        row.hear(As(self.world, "zhou"), "station", f"第{n}位", 4, "", "", None)
                else:
                    row.state, row.outcome = HELD, "keep"

    def _training(self) -> None:
        """As many sessions as there are rows; at the last all are there, and she has as many certificates."""
        with db.transaction() as session:
            for n in range(self.many):
                held = training.Session(
                    place_id=self.station, course="care", day=clock.today() + timedelta(days=n), start_min=540, minutes=60,
                    where="站里", teacher="", by_id=self.world.account("wu").id,
                )  # fmt: skip
                session.add(held)
                session.flush()
                row = {"person_id": self.wang, "course": "care", "number": str(n), "passed_on": clock.today()}
                until = clock.today() + timedelta(days=n)
                session.add(training.Certificate(session_id=held.id, by_id=self.wang, until=until, **row))
            for name in ("wang", "qian")[: self.many]:
                person = self.world.person(name).id
                session.add(
                    training.Attendance(session_id=held.id, person_id=person, at=clock.now(), how="list", by_id=self.wang)
                )
            self.session = held.id

    def _inspections(self) -> None:
        """As many inspections of the home as there are rows, the last with as many findings; and a draw."""
        for _ in range(self.many):
            self.inspection = ids.new()
            no = {rules.field(code): "no" for code in ("CON-02", "SAF-06", "REC-02", "HEA-01", "REC-04")[: self.many]}
            send(
                self.world,
                "inspections.record",
                "chu",
                inspection=self.inspection,
                household=self.home,
                template="home_quick",
                **no,
            )
        with db.transaction() as session:
            row = Drawing(
                place_id=self.station, seed="1", units=[], inspectors=[], many=1, drawn=[], by_id=self.world.account("wu").id
            )
            session.add(row)
            session.flush()
            self.draw = row.id

    def _doubt(self) -> None:
        """Of the last visit: findings she answered, times she asked for, words of others, call-backs."""
        with db.transaction() as session:
            visit = session.get_one(Visit, self.done)
            self.flag = session.scalars(sa.select(VisitException.id).where(VisitException.visit_id == self.done)).first()
            for n in range(self.many):
                session.add(
                    CallBack(
                        household_id=self.home, station_id=visit.station_id, visit_id=self.done, caregiver_id=visit.caregiver_id,
                        kind="surprise", due_on=visit.day, seed="", once=f"{self.many}:{n}",
                    )
                )  # fmt: skip
        for n in range(self.many):
            self.keep("visits.answer", exception=self.flag, words=f"说明{n}")
            self.keep("visits.attest", visit=self.done, way="none", why="asleep")
            with db.transaction() as session:
                visit = session.get_one(Visit, self.done)
                at = visit.left_at + timedelta(milliseconds=n + 1)
                head = Head(self.world)
                self.correction = correcting.ask_for(head, visit, "out", at, "05", "她打电话来说的").id

    def _neighbour(self, n: int) -> None:
        with db.transaction() as session:
            home, lan = self.world.household("李秀兰"), self.world.resident("李秀兰")
            near = Contact(id=ids.new(), household_id=home.id, kind="neighbour", name=f"邻居{n}")
            near.set_phone("10000000000")
            session.add_all([near, Alert(resident_id=lan.id, words=f"小心{n}", since=clock.now() - timedelta(days=1))])

    def _tell(self, n: int) -> None:
        """A task open and one done, a notice that climbed, an announcement read by one, all of them at 李秀兰's."""
        place, head, here = self.world.place("songling"), self.world.account("zhou").id, f"{self.many}.{n}"
        with db.transaction() as session:
            for key in (f"open:{here}", f"done:{here}"):
                messages.open_task("todo", place.id, key, household_id=self.home)
            messages.open_task("todo", place.id, f"hers:{here}", account_id=self.world.account("wang").id)
            session.scalars(sa.select(messages.Task).where(messages.Task.key == f"done:{here}")).one().clear(head, "called")
            calling.note_call(self.home, f"done:{here}", self.home, "kin", "fine", head)
            messages.notify(
                "call_back", place.id, f"red:{here}", to=self.world.account("wang").id, by=head, household_id=self.home
            )
            self.notice = session.scalars(sa.select(messages.Notice.id).where(messages.Notice.key == f"red:{here}")).one()
            told = announcing.announce(place, announcing.BOTH, f"通知{n}", "请看", head, must=True)
            announcing.read(told, self.world.account("qian").id)
            self.announcement = told.id
        with db.transaction():
            for deed in (ladder.rise, ladder.climb):
                deed(str(self.notice), "caregiver")

    def _visit(self, story: str, *, leave: bool) -> uuid.UUID:
        key = ids.new()
        self.keep("visits.arrive", visit=key, household=self.home, method="card_missing")
        self.keep("visits.services", visit=key, done=["MEAL-01", "CLEAN-01"], refused=["SHOP-01"])
        self.keep("logs.write", visit=key, mood="good", story=story)
        self._spend(key)
        if leave:
            self.keep("visits.leave", visit=key, method="card_missing")
        return key

    def _spend(self, visit: uuid.UUID) -> uuid.UUID:
        return self.keep("ledger.spend", household=self.home, visit=visit, amount_fen=1200, category="EX-VEG", source="cash")

    def keep(self, kind: str, **body: Any) -> uuid.UUID:
        """Record something; returns the act's id."""
        receipt = send(self.world, kind, "wang", **body)
        assert receipt.state == APPLIED, (kind, receipt.say)
        return receipt.id


@contextmanager
def heard(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """The statements that go to the database meanwhile, without the ends of transactions."""
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if not statement.lower().startswith(ENDS):
            asked.append((statement, parameters))

    engine = app.extensions["db"].engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", listen)


def questions(app: Flask, world: World, rows: Rows) -> dict[str, list[tuple[str, Any]]]:
    """What each page asks, once the process knows its templates and rules."""
    found = {}
    for name, (who, path) in PAGES.items():
        client = world.client(who)
        assert client.get(path(rows)).status_code == 200, name
        with heard(app) as asked:
            assert client.get(path(rows)).status_code == 200, name
        found[name] = asked
    return found


def test_a_page_asks_six_questions_or_fewer_and_no_more_with_ten_times_the_rows(app: Flask, world: World) -> None:
    few = {name: len(asked) for name, asked in questions(app, world, Rows(world, FEW)).items()}
    many = {name: len(asked) for name, asked in questions(app, world, Rows(world, MANY)).items()}
    assert {name: n for name, n in many.items() if n > MOST} == {}
    assert {name: (few[name], n) for name, n in many.items() if n > few[name]} == {}


def test_no_page_counts_or_skips_rows(app: Flask, world: World) -> None:
    for name, asked in questions(app, world, Rows(world, FEW)).items():
        for statement, _parameters in asked:
            if app.extensions["db"].engine.dialect.name == "sqlite":
                statement = statement.replace("LIMIT ? OFFSET ?", "LIMIT ?")  # its dialect writes offset 0 beside any limit
            assert not re.search(r"select count\(\*\)\s+as \w+\s+from|\boffset\b", statement, re.IGNORECASE), (name, statement)


def test_no_page_reads_a_whole_table(app: Flask, world: World) -> None:
    engine = app.extensions["db"].engine
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL scans a table of a few rows whatever its indexes")
    pages, wholes = questions(app, world, Rows(world, FEW)), dict[str, set[str]]()
    with engine.connect() as connection:
        _enlarge(connection)
        for name, asked in pages.items():
            for statement, parameters in asked:
                if statement.lower().startswith("select"):
                    plan = connection.exec_driver_sql(f"explain query plan {statement}", parameters).all()
                    tables = {m[1] for row in plan if (m := re.match(r"SCAN (\w+)( LEFT-JOIN)?$", row[-1]))}
                    if whole := {each for each in _named(tables, statement) - TINY if not each.startswith("anon_")}:
                        wholes[name] = whole
    assert wholes == {}


def _enlarge(connection: sa.Connection) -> None:
    """Let SQLite plan for large tables of many households; an index of nothing but nulls is then of no use to it."""
    run = connection.exec_driver_sql
    run("analyze")
    run("delete from sqlite_stat1")
    for table, index in run("select tbl_name, name from sqlite_master where type = 'index'").all():
        columns = run(f"select name from pragma_index_info('{index}')").scalars().all()
        empty = run(f"select count(*) > 0 and count({columns[0]}) = 0 from {table}").scalar_one()
        stat = " ".join(["1000000", *("1000000" if empty else "10" for _ in columns)])
        run("insert into sqlite_stat1 (tbl, idx, stat) values (?, ?, ?)", (table, index, stat))
    run("analyze sqlite_schema")


def _named(aliases: set[str], statement: str) -> set[str]:
    """The tables behind a plan's aliases."""
    known = {alias: table for table, alias in re.findall(r"(\w+) AS (\w+)", statement)}
    return {known.get(alias, alias) for alias in aliases}


@pytest.mark.parametrize("kind", ["ledger.spend", "visits.arrive", "visits.leave", "visits.services", "logs.write"])
def test_a_kept_form_costs_ten_statements_or_fewer(app: Flask, world: World, kind: str) -> None:
    rows = Rows(world, FEW)
    bodies: dict[str, dict[str, Any]] = {
        "ledger.spend": {"household": rows.home, "amount_fen": 900, "category": "EX-VEG", "source": "cash", "market_seen": True},
        "visits.arrive": {"visit": ids.new(), "household": rows.home, "method": "card_missing"},
        "visits.leave": {"visit": rows.open, "method": "card_missing"},
        "visits.services": {"visit": rows.open, "done": ["MEAL-01"], "refused": []},
        "logs.write": {"visit": rows.open, "mood": "fair", "story": "又写了几句"},
    }
    rows.keep("ledger.spend", **bodies["ledger.spend"])
    with heard(app) as asked:
        rows.keep(kind, **bodies[kind])
    told = [" ".join(statement.split())[:90] for statement, _parameters in asked]
    assert len(told) <= 10, "\n".join(told)
