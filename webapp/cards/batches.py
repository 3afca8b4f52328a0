"""Printing many cards of a station: whose, issued where there is none yet, in files of a few sheets each."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from flask import request, url_for
from flask.wrappers import Response
from werkzeug.wrappers import Response as AnyResponse

from webapp.access import Actor
from webapp.cards import faces, models, queries, rules
from webapp.cards.desk import bp, most_per_file, obstacle, pdf_file
from webapp.cards.drawing.sheet import SHEETS
from webapp.cards.forms import KIND_WORDS, FileForm, PrintForm
from webapp.cards.models import Card, CardKind
from webapp.cards.rules import Tally
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.models import Household, Person, Place, Resident
from webapp.store import audit, db
from webapp.web import page
from webapp.web.guard import allow, me

Answer = Response | AnyResponse
PAGE = 50
AT_ONCE = 50
"""Cards issued in one transaction: check-ins must not wait for a whole station."""


@dataclass(frozen=True)
class Line:
    """A household or one of the staff in the list, with what there is to print."""

    key: uuid.UUID
    name: str
    number: str
    there: str
    tally: Tally


@dataclass(frozen=True)
class Bearer:
    """Somebody or some home that bears cards of the chosen kind."""

    line: uuid.UUID
    key: uuid.UUID
    resident: Resident | None = None
    household: Household | None = None
    person: Person | None = None


# --- the pages --------------------


@bp.get("/print/cards", endpoint="print")
@allow("cards.print")
def choose() -> Answer:
    """Choose whose cards to print."""
    form, stations = PrintForm(formdata=None), people.stations(me())
    form.kind.data = request.args.get("kind")
    form.picks.data = request.args.getlist("pick")[:PAGE]
    wish = request.args.get("station")
    return _page(form, stations, _among(stations, wish) if wish else next(iter(stations), None))


@bp.post("/print/cards")
@allow("cards.print")
def order() -> Answer:
    """Print what was chosen: one file at once, or a page of several files."""
    who, form, stations = me(), PrintForm(), people.stations(me())
    station = _among(stations, str(form.station.data))
    if station is None or not form.validate():
        return _page(form, stations, station, 422)
    try:
        faces.check(*queries.station(station.id))
        keys, most = _chosen(who, form, station), most_per_file()
        return pdf_file(who, keys, both_sides=form.both.data) if len(keys) <= most else _files(form, station, keys, most)
    except Refusal as refusal:
        db.undo()
        form.form_errors.append(refusal.words(_))
        return _page(form, stations, station, 422)


@bp.post("/print/cards/file")
@allow("cards.print")
def sheet() -> Answer:
    """One file of certain cards: a single card's, or one of a page of files."""
    form = FileForm()
    return pdf_file(me(), form.cards, both_sides=form.both.data)


def _among(stations: Sequence[Place], wish: str) -> Place | None:
    return next((each for each in stations if str(each.id) == wish), None)


def _page(form: PrintForm, stations: Sequence[Place], station: Place | None, status: int = 200) -> Answer:
    who, kind = me(), CardKind(form.kind.data if form.kind.data in KIND_WORDS else CardKind.RESIDENT)
    form.kind.data = kind.value
    form.station.data = station.id if station else None
    lines = _lines(who, kind, station) if station else []
    return page.render(
        "cards/print.html",
        status=status,
        form=form,
        kind=kind,
        kinds=KIND_WORDS,
        stations=stations,
        station=station,
        lines=lines[:PAGE],
        after=_after(),
        next_after=lines[PAGE - 1].number if len(lines) > PAGE else None,
        obstacle=obstacle(who, *queries.station(station.id)) if station else None,
        two_sided=SHEETS[kind.value].two_sided,
    )


def _after() -> str:
    return request.args.get("after", "")[:8]


def _files(form: PrintForm, station: Place, keys: list[uuid.UUID], most: int) -> Answer:
    files = [FileForm(formdata=None, keys=",".join(map(str, batch)), both=form.both.data) for batch in _batches(keys, most)]
    sheet = SHEETS[CardKind(form.kind.data).value]
    leaves = [-(-len(batch) // sheet.places) for batch in _batches(keys, most)]
    counted = list(zip(files, [len(batch) for batch in _batches(keys, most)], leaves, strict=True))
    words = KIND_WORDS[CardKind(form.kind.data)]
    back = url_for("cards.print", station=station.id, kind=form.kind.data)
    return page.render("cards/files.html", files=counted, total=len(keys), station=station, words=words, back=back)


def _batches(keys: Sequence[uuid.UUID], size: int) -> list[list[uuid.UUID]]:
    rest = iter(keys)
    return list(iter(lambda: list(islice(rest, size)), []))


# --- whose, and which --------------------


def _lines(who: Actor, kind: CardKind, station: Place) -> list[Line]:
    """One page of the list, and one line more when there are further ones."""
    if kind == CardKind.BADGE:
        staff = [each for each in sorted(people.caregivers(who, station.id), key=_number) if each.number > _after()][: PAGE + 1]
        heads = [(each.id, each.name, each.number, url_for("cards.badge", person_id=each.id)) for each in staff]
        bearers = _staff(staff)
    else:
        homes = queries.homes(who, station.id, after=_after(), limit=PAGE + 1)
        heads = [(each.id, each.name, each.number, url_for("cards.household", household_id=each.id)) for each in homes]
        bearers = _in_homes(kind, homes)
    held = _held(kind, bearers)
    standings = {
        key: [[card.standing for card in held.get(bearer.key, ())] for bearer in bearers if bearer.line == key]
        for key, *_rest in heads
    }
    return [Line(*head, tally=rules.tally(standings[head[0]])) for head in heads]


def _chosen(who: Actor, form: PrintForm, station: Place) -> list[uuid.UUID]:
    """The cards to print, in the order of the list; where there is none in use, one is issued. Refuses an empty choice."""
    kind, picks = CardKind(form.kind.data), None if form.whole.data else form.keys
    if kind == CardKind.BADGE:
        bearers = _staff([each for each in people.caregivers(who, station.id) if picks is None or each.id in picks])
    else:
        bearers = _in_homes(kind, queries.homes(who, station.id, picks))
    held = _held(kind, bearers)
    _issue_missing(who, kind, [each for each in bearers if each.key not in held], held)
    wanted = ("fresh", "printed") if form.again.data else ("fresh",)
    keys = [card.id for bearer in bearers for card in held[bearer.key] if card.standing in wanted]
    if not keys:
        raise Refusal("nothing_to_print", "勾上的都印过了，或者已经交出去了。要再印一遍，请勾“印过的也再印一遍”；丢了请换新卡")
    return keys


def _number(person: Person) -> str:
    return person.number


def _staff(people: Sequence[Person]) -> list[Bearer]:
    return [Bearer(each.id, each.id, person=each) for each in people]


def _in_homes(kind: CardKind, homes: Sequence[Household]) -> list[Bearer]:
    if kind == CardKind.PLATE:
        return [Bearer(home.id, home.id, household=home) for home in homes]
    return [
        Bearer(home.id, each.id, resident=each, household=home)
        for home in homes
        for each in home.residents
        if each.ended_on is None
    ]


def _held(kind: CardKind, bearers: Sequence[Bearer]) -> dict[uuid.UUID, list[Card]]:
    lines = list({each.line for each in bearers})
    return queries.live(kind, people=lines) if kind == CardKind.BADGE else queries.live(kind, households=lines)


def _issue_missing(who: Actor, kind: CardKind, bearers: Sequence[Bearer], held: dict[uuid.UUID, list[Card]]) -> None:
    for index, each in enumerate(bearers, start=1):
        card = models.issue(kind, resident=each.resident, household=each.household, badge=each.person)
        held[each.key] = [card]
        if index % AT_ONCE == 0:
            db.settle()
            audit.by(db.session(), who.account_id)
    db.settle()
    audit.by(db.session(), who.account_id)
