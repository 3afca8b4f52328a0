"""The house furnished: one of everything in 李秀兰's home and one in 孙德胜's, and an address for every route."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from PIL import Image
from werkzeug.routing import Rule

from tests.ledger.acts import act as money_act
from tests.visits.kit import send
from tests.world import World
from webapp.access import Role
from webapp.applications import models as applications
from webapp.cards import models as cards
from webapp.endings import departure, moving
from webapp.evaluations import gather
from webapp.evaluations.models import SEALED, Evaluation
from webapp.health import models as rescues
from webapp.inspections.models import Drawing, Finding, InspectionPhoto
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.ledger import asking, closing, counting
from webapp.ledger.models import EntryFlag
from webapp.ledger.rows import BookDraw
from webapp.messages import announcing
from webapp.messages import models as messages
from webapp.outings import going, lost
from webapp.people import ends
from webapp.people import models as people
from webapp.people.models import Account, Device, Grant, Kin, SheetImport, SignIn
from webapp.requests import models as requests
from webapp.reviews import queries as reviewed
from webapp.reviews.models import CONFIRMED, QuarterReview
from webapp.reviews.rules import Quarter
from webapp.roster import leaving, pausing
from webapp.roster import models as roster
from webapp.roster.models import Shift
from webapp.store import db, files, inbox
from webapp.training import models as training
from webapp.visits import correcting
from webapp.visits.calling_back import CallBack
from webapp.visits.models import Visit, VisitException
from webapp.voices import models as voices

HOMES = {"li": ("李秀兰", "wang", "songling"), "sun": ("孙德胜", "zhao", "wanghai")}
NOBODY = uuid.UUID("00000000-0000-7000-8000-000000000000")

ROLES: dict[str, Role] = {
    "wang": Role.CAREGIVER,
    "zhao": Role.CAREGIVER,
    "qian": Role.CAREGIVER,
    "limin": Role.KIN,
    "zhou": Role.STATION_HEAD,
    "he": Role.STATION_HEAD,
    "wu": Role.STREET_MANAGER,
    "zheng": Role.DISTRICT_OFFICER,
    "feng": Role.DISTRICT_REVIEWER,
    "chen": Role.DOCTOR,
    "chu": Role.INSPECTOR,
    "wei": Role.LIAISON,
    "jiang": Role.AUDITOR,
    "shen": Role.ADMINISTRATOR,
}
"""Who tries every door: somebody of each role, and neighbours of the same role."""

_STATIONS = {"songling": {"zhou", "chen", "wei"}, "wanghai": {"he"}}
_ABOVE = {"wu", "zheng", "feng", "chu", "jiang"}


@dataclass
class Side:
    """One home and all that hangs on it."""

    name: str
    caregiver: str
    station: str
    args: dict[str, Any] = field(default_factory=dict)

    def homely(self, who: str) -> bool:
        """Whether `who` reaches the household: written down here by hand, not asked of the code."""
        return who in _STATIONS[self.station] | _ABOVE | {self.caregiver} or (who == "limin" and self.station == "songling")

    def stationed(self, who: str) -> bool:
        """Whether `who` reaches the station."""
        return who in _STATIONS[self.station] | _ABOVE | {"shen"}

    def told(self, who: str) -> bool:
        """Whether `who` is a caregiver of the station."""
        return who in {"songling": {"wang", "qian"}, "wanghai": {"zhao"}}[self.station]

    def sent(self, who: str) -> bool:
        """Whether `who` reaches what the caregiver was sent to do: a volunteer reaches only her own errands."""
        return self.homely(who) and ROLES[who] != Role.LIAISON

    def authored(self, who: str) -> bool:
        """Whether `who` reaches what the caregiver recorded."""
        return who == self.caregiver or self.stationed(who)


HOMELY = {
    "household_id", "resident_id", "visit_id", "entry_id", "flag_id", "kin_id", "contact_id", "spot_id", "alert_id",
    "plan_id", "exception_id", "sha256", "card_id", "pause_id", "shift_id", "count_id", "closing_id", "question_id",
    "correction_id", "call_back_id", "window_id", "request_id", "ending_id", "outing_id", "case_id", "change_id",
    "application_id",
}  # fmt: skip
STATIONED = {
    "person_id", "place_id", "grant_id", "call_id", "sighting_id", "task_id", "announcement_id", "inspection_id", "finding_id",
    "draw_id", "drawing_id", "session_id", "complaint_id",
}  # fmt: skip
SENT = {"request_id"}
"""Of HOMELY: not all who reach the home do."""
COUNTED = {"seq"}
AUTHORED = {*COUNTED, "notice_id", "leave_id", "evaluation_id", "certificate_id", "review_id"}
"""Whoever reaches the person who recorded it (or to whom it was sent), and that person herself."""
PASSED = {"move_id"}
"""Whoever reaches the station it comes from or the one it goes to: here all of them."""
TOLD = {"told_id"}
"""Whoever it was announced to."""
OWN = {"import_id", "said_id", "device_id", "sign_in_id"}
"""Nobody's but the account's that made it."""
WORDS = {"side": "front", "digest": "0" * 12, "name": "app.css", "code": "en", "token": "Z" * 26, "path": "x",
         "month": "2026-10", "indicator": "M01", "step": "keys", "key": "Z" * 26, "deed": "done",
         "verdict": "redo", "turn": "back", "kind": "evaluation", "lesson": "rise", "unit": "station",
         "year": clock.today().year}  # fmt: skip
"""Arguments that name nothing private."""


def furnish(world: World) -> dict[str, Side]:
    """Put one of everything into both homes."""
    return {key: _furnish(world, key, Side(*facts)) for key, facts in HOMES.items()}


def _furnish(world: World, key: str, side: Side) -> Side:
    resident, home = world.resident(side.name), world.household(side.name)
    caregiver, head = world.account(side.caregiver), world.account("zhou" if key == "li" else "he")
    photo = _photo(key)
    kin = _kin(world, key)
    made: dict[str, Any] = {"household_id": home.id, "resident_id": resident.id, "person_id": caregiver.person_id}
    with db.transaction() as session:
        resident, home = world.resident(side.name), world.household(side.name)
        sha256 = files.take(photo)
        people.show_face(resident, sha256, clock.today())
        alert = people.warn(resident, "怕冷")
        contact = people.add_contact(home, "neighbour", "吴阿姨", "13800138000")
        spot = people.add_spot(home, 38_900_000, 121_600_000, kind="usual", name="小花园", radius_m=100)
        card = cards.issue(cards.CardKind.RESIDENT, resident=resident)
        badge = cards.issue(cards.CardKind.BADGE, badge=world.person(side.caregiver))
        sighting = cards.report(card, card.station_id, "我和老人在一起", None)
        plan = roster.plan(home, range(7), 9 * 60, 60, ["MEAL-01"])
        ending = _ends(home, head)
        move = moving.ask(home, _other(world, side), "海边路1号", clock.today(), "女儿", _Head(head), ids.new())
        departure.begin(world.person(side.caregiver), clock.today(), "", True, _Head(head), ids.new())
        later = clock.today() + timedelta(days=9)
        pause = pausing.pause(home, None, "trip", "女儿", later, later, by=head.id)
        leave = leaving.record(world.person(side.caregiver), "sick", later, None, "", by=head.id, key=ids.new())
        ahead = sa.select(Shift.id).where(Shift.household_id == home.id, Shift.day == clock.today() + timedelta(days=2))
        device = Device(account_id=caregiver.id, label="手机", x="", y="", gen=1)
        brought = SheetImport(
            account_id=head.id,
            kind="residents",
            filename="名单.xlsx",
            until=clock.now() + timedelta(days=1),
            columns={},
            answers={},
        )
        session.add_all([device, brought])
        session.flush()
        made |= {
            "alert_id": alert.id, "contact_id": contact.id, "spot_id": spot.id, "card_id": card.id, "sighting_id": sighting.id,
            "pause_id": pause.id, "leave_id": leave.id, "shift_id": session.scalars(ahead).one(),
            "plan_id": plan.id, "device_id": device.id, "import_id": brought.id, "place_id": world.place(side.station).id,
            **_out(resident, head.id),
            **_voices(world, side, home, _Who(head)),
            "application_id": applications.apply(home, "A", "13800138000", _Who(head)).id,  # type: ignore[arg-type]
            "request_id": _request(world, side, home, resident, _Who(head)),
            "window_id": rescues.ask(card, resident, "今天很好", "13800138000")[0].id,
            "ending_id": ending.id, "move_id": move.id,
            "kin_id": kin, "sha256": sha256, "badge_id": badge.id, "token": card.token,
        }  # fmt: skip
    made |= _messages(world, side, caregiver, head)
    made["evaluation_id"] = _sheet(world, side.caregiver)
    made["review_id"] = _quarter(world, side)
    made |= _inspected(world, side, made["sha256"])
    made |= _taught(world, side, caregiver.person_id)
    visit, stray = ids.new(), ids.new()
    arrived = send(world, "visits.arrive", side.caregiver, visit=visit, household=home.id, method="card_missing")
    assert arrived.state == inbox.APPLIED, arrived.say
    lost = send(world, "visits.arrive", side.caregiver, key=stray, visit=ids.new(), token="Z" * 26)
    assert lost.state == inbox.APPLIED, lost.say
    entry = _keep(world, side.caregiver, "ledger.spend", photo, "receipt", household=home.id, visit=visit, amount_fen=99_900,
                  category="food", source="cash")  # fmt: skip
    _keep(world, side.caregiver, "logs.write", photo, "photo", visit=visit, mood="good", story="今天很好")
    held = _keep(world, side.caregiver, "logs.write", photo, "photo", inbox.QUARANTINED, visit=ids.new(), mood="good")
    db.undo()
    made |= _asked(world, side, visit, "wu", made["sha256"])
    reading = db.reading()
    made |= {
        "visit_id": visit, "about": f"log:{visit}", "call_id": stray, "entry_id": entry,
        "seq": reading.scalars(sa.select(inbox.Kept.seq).where(inbox.Kept.id == held)).one(),
        "exception_id": reading.scalars(sa.select(VisitException.id).where(VisitException.visit_id == visit)).first(),
        "flag_id": reading.scalars(sa.select(EntryFlag.id).where(EntryFlag.entry_id == entry)).first(),
        "grant_id": reading.scalars(sa.select(Grant.id).where(Grant.account_id == caregiver.id)).first(),
        "sign_in_id": reading.scalars(sa.select(SignIn.id).where(SignIn.account_id == caregiver.id)).first(),
    }  # fmt: skip
    made |= _book(home.id, made["place_id"], entry, caregiver.id, head.id)
    missing = [name for name, value in made.items() if value is None]
    assert not missing, missing
    side.args = made
    return side


def _out(resident: people.Resident, by: uuid.UUID) -> dict[str, Any]:
    """Out for a walk, and looked for."""
    walk = going.begin(resident, clock.now(), 60, "alone", "near", "今天很好", "", by=by, key=ids.new())
    case = lost.search(resident, clock.now(), "今天很好", "", "", at=clock.now(), by=by, key=ids.new())
    return {"outing_id": walk.id, "case_id": case.id}


def _voices(world: World, side: Side, home: people.Household, head: Any) -> dict[str, Any]:
    """A complaint of the station's, and a change that was asked for."""
    said = voices.complain("complaint", world.place(side.station), "今天很好", by=head.account_id, household_id=home.id)
    asked = voices.ask_for_change(home, head.account_id, "resident", "今天很好")
    return {"complaint_id": said.id, "said_id": said.id, "change_id": asked.id}


def _request(world: World, side: Side, home: people.Household, resident: people.Resident, head: Any) -> uuid.UUID:
    """A bath that the caregiver was sent to give."""
    row = requests.ask(head, home, resident.id, "bath", "今天很好", clock.today(), "kin")
    row.send(head.account_id, "caregiver", world.person(side.caregiver), "", clock.now() + timedelta(days=1))
    return row.id


class _Who:
    """Whoever writes things down."""

    def __init__(self, account: Account) -> None:
        self.account_id, self.person_id = account.id, account.person_id


@dataclass
class _Head:
    """Whoever heads the station, writing things down."""

    account: Account

    @property
    def account_id(self) -> uuid.UUID:
        return self.account.id

    @property
    def person_id(self) -> uuid.UUID:
        return self.account.person_id


def _ends(home: people.Household, head: Account) -> ends.Ending:
    """Somebody else lived there until today."""
    lodger = people.take_in(home, "冯老太")
    db.session().flush()
    return ends.end_care(lodger, home, ends.AWAY, clock.today(), by=head.id, told_by="女儿")


def _quarter(world: World, side: Side) -> uuid.UUID:
    """A quarterly review that the street confirmed."""
    with db.transaction() as session:
        last = Quarter.of(clock.today()).previous()
        reviewed.gather(last, world.place(side.station))
        hers = sa.select(QuarterReview).where(QuarterReview.caregiver_id == world.person(side.caregiver).id)
        row = session.scalars(hers.where(QuarterReview.quarter == str(last))).one()
        row.state, row.held_on, row.outcome, row.confirmed_at = CONFIRMED, clock.today(), "keep", clock.now()
        return row.id


def _other(world: World, side: Side) -> people.Place:
    return world.place("wanghai" if side.station == "songling" else "songling")


def _book(home: uuid.UUID, place: uuid.UUID, entry: uuid.UUID, caregiver: uuid.UUID, head: uuid.UUID) -> dict[str, Any]:
    """Last month counted and closed, a count that nobody has confirmed, a question about a line, a draw."""
    last = Month.of(clock.today()).previous()
    with db.transaction() as session:
        counts = [money_act(caregiver, at=clock.instant(last.last, minute), kind="ledger.count") for minute in (900, 901)]
        for deed in counts:
            counting.count(deed, home, "month", 0, month=str(last), side="resident", name="李秀兰", how="witness", witness="吴")
        closed = closing.close(home, last, head)
        asked = asking.ask(entry, home, "这是什么钱", head)
        lots = BookDraw(id=ids.new(), place_id=place, seed="0", population=1, fingerprint="0" * 64, drawn=[], by_id=head)
        session.add(lots)
        session.flush()
        return {"count_id": counts[0].id, "closing_id": closed.id, "question_id": asked.id, "draw_id": lots.id}


def _sheet(world: World, who: str) -> uuid.UUID:
    """A month's sheet of the caregiver, gathered; the stand-in's is sealed."""
    with db.transaction() as session:
        gather.gather(Month.of(clock.today()).previous())
        sealed = session.scalars(sa.select(Evaluation).where(Evaluation.caregiver_id == world.person("qian").id)).one()
        if sealed.sealed_at is None:
            sealed.state, sealed.signed_at, sealed.sealed_at = SEALED, clock.now(), clock.now()
        mine = sa.select(Evaluation.id).where(Evaluation.caregiver_id == world.person(who).id)
        return session.scalars(mine).one()


def _inspected(world: World, side: Side, sha256: str) -> dict[str, Any]:
    """An inspection with a finding and a picture, and a draw in the station."""
    key = ids.new()
    kept = send(world, "inspections.record", "chu", inspection=key, household=world.household(side.name).id,
                template="home_quick", rec_02="no", saf_11="yes", suggestion="今天很好")  # fmt: skip
    assert kept.state == inbox.APPLIED, kept.say
    with db.transaction() as session:
        row = Drawing(
            place_id=world.place(side.station).id, seed="1", units=[], inspectors=[], many=1, drawn=[],
            by_id=world.account("wu").id,
        )  # fmt: skip
        session.add_all([row, InspectionPhoto(inspection_id=key, sha256=sha256)])
        session.flush()
        finding = session.scalars(sa.select(Finding.id).where(Finding.inspection_id == key)).one()
        return {"inspection_id": key, "finding_id": finding, "drawing_id": row.id}


def _taught(world: World, side: Side, person_id: uuid.UUID) -> dict[str, Any]:
    """A session of the station and the caregiver's certificate of it."""
    with db.transaction() as session:
        held = training.Session(
            place_id=world.place(side.station).id, course="care", day=clock.today(), start_min=540, minutes=60, where="街道",
            teacher="", by_id=world.account("wu").id,
        )  # fmt: skip
        session.add(held)
        session.flush()
        row = training.Certificate(
            person_id=person_id, course="care", number="1", passed_on=clock.today(), session_id=held.id,
            by_id=world.account("wu").id,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return {"session_id": held.id, "certificate_id": row.id}


def _asked(world: World, side: Side, visit: uuid.UUID, asker: str, sha256: str) -> dict[str, Any]:
    """A correction that the street asked for, and a call-back."""
    with db.transaction() as session:
        here = session.get_one(Visit, visit)
        until = here.arrived_at + timedelta(milliseconds=1)
        asker_id, now = world.account(asker).id, clock.now()
        row = correcting._put(here, ids.new(), "out", until, "05", "今天很好今天很好", [sha256], asker_id, now, now)
        back = CallBack(
            household_id=here.household_id, station_id=here.station_id, visit_id=visit, caregiver_id=here.caregiver_id,
            kind="surprise", due_on=here.day, seed="", once=f"rooms:{side.name}",
        )  # fmt: skip
        session.add(back)
        session.flush()
        return {"correction_id": row.id, "call_back_id": back.id}


def _messages(world: World, side: Side, caregiver: Account, head: Account) -> dict[str, Any]:
    """A task of the station, a red notice to the caregiver, an announcement to all caregivers of the station."""
    place = world.place(side.station)
    with db.transaction() as session:
        messages.open_task("todo", place.id, f"rooms:{side.name}", household_id=world.household(side.name).id)
        messages.notify("call_back", place.id, f"rooms:{side.name}", to=caregiver.id, by=head.id)
        told = announcing.announce(place, announcing.CAREGIVERS, "周五开会", "今天很好", head.id, must=True)
        keys = {name: sa.select(row.id).where(row.key == f"rooms:{side.name}") for name, row in _KEYED.items()}
        made = {name: session.scalars(ask).one() for name, ask in keys.items()}
        return made | {"announcement_id": told.id, "told_id": told.id}


_KEYED: dict[str, Any] = {"task_id": messages.Task, "notice_id": messages.Notice}


def _photo(key: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((80, 60), 40 if key == "li" else 80).save(out, "JPEG")
    return out.getvalue()


def _kin(world: World, key: str) -> uuid.UUID:
    """李敏's tie at home; a nephew without an account next door."""
    if key == "li":
        return db.session().scalars(sa.select(Kin.id).where(Kin.person_id == world.person("limin").id)).one()
    with db.transaction():
        nephew = people.welcome("孙侄", None, phone="10000006666")
        db.session().flush()
        return people.relate(world.resident("孙德胜"), nephew, "侄子").id


def _keep(world: World, who: str, kind: str, photo: bytes, name: str, state: str = inbox.APPLIED, **body: Any) -> uuid.UUID:
    """A kept act with one photo; its id. `state`: what becomes of it."""
    plain = {key: str(value) if isinstance(value, uuid.UUID) else value for key, value in body.items()}
    key = ids.new()
    with db.transaction():
        sha256 = files.take(photo)
    photos = [{"field": name, "sha256": sha256, "size": len(photo), "type": "image/jpeg"}]
    envelope = inbox.plain(kind, plain, photos, author=world.account(who).id, key=key, made_at=clock.now())
    db.settle()
    with world.app.test_request_context("/inbox", method="POST"):
        receipt = inbox.receive(envelope, None)
    assert receipt.state == state, (kind, receipt.say)
    return key


def address(app: Flask, rule: Rule, side: Side | None) -> str:
    """The address of a route with the things of `side`; with None, of things that do not exist."""
    args = {}
    for name in rule.arguments:
        if name not in HOMELY | STATIONED | AUTHORED | TOLD | OWN | PASSED | set(WORDS):
            raise KeyError(f"{rule.endpoint}: say in tests/house/rooms.py what <{name}> takes")
        if name == "sha256" and side is None:
            args[name] = "0" * 64
        else:
            nothing: Any = 999_999 if name in COUNTED else NOBODY
            args[name] = WORDS[name] if name in WORDS else nothing if side is None else side.args[name]
    return str(app.url_map.bind("localhost").build(rule.endpoint, args, method=methods(rule)[0]))


def methods(rule: Rule) -> list[str]:
    """What may be done at a route, beside asking for its head."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def verb_of(app: Flask, rule: Rule) -> str | None:
    """The verb of a route; None when its door is open."""
    found: str | None = app.view_functions[rule.endpoint].verb  # type: ignore[attr-defined]
    return found


@contextmanager
def dry() -> Iterator[None]:
    """Everything is done and judged by the database, and then rolled back: each try meets the same house."""
    real = db.commit

    def rehearse(session: Any) -> None:
        try:
            session.flush()
            for finish in db.database().before_commit:
                finish(session)
            if session.get_bind().dialect.name == "postgresql":
                session.execute(sa.text("set constraints all immediate"))
            session.expunge_all()  # what was loaded stays readable, as after a commit
        finally:
            session.rollback()

    db.commit = rehearse
    try:
        yield
    finally:
        db.commit = real


def rules_of(app: Flask) -> list[Rule]:
    """Every route of the map."""
    return sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule))


ROOT = Path(__file__).resolve().parents[2]
