"""Pages of cards: what a household or one of the staff holds, one card and its deeds, who opened them."""

from __future__ import annotations

import io
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from flask import abort, request, send_file, url_for
from flask.wrappers import Response
from werkzeug.wrappers import Response as AnyResponse

from webapp.cards import batches, faces, models, printing, queries, rules
from webapp.cards.desk import bp, obstacle, settings
from webapp.cards.drawing.face import Side
from webapp.cards.drawing.sheet import SHEETS
from webapp.cards.forms import KIND_WORDS, WHY_WORDS, FileForm, HandOverForm, IssueForm, ReasonForm
from webapp.cards.models import WORN, Card, CardKind
from webapp.cards.queries import Issued
from webapp.kit import clock, ids
from webapp.kit.words import _, _l, in_chinese
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.models import Household, Person, Resident
from webapp.store import audit, db, rulebook
from webapp.web import page
from webapp.web.guard import allow, me

ROOMS = (batches,)
"""Their pages hang on the same blueprint."""
Answer = Response | AnyResponse
SCANS = 200
STANDING = {
    "fresh": (_l("还没印"), "wait", None),
    "printed": (_l("印好了，还没交"), "info", "printer"),
    "out": (_l("交出去了"), "ok", "check"),
    "revoked": (_l("停用了"), "plain", "ban"),
}
FACE_WORDS = {
    "caregiver": _l("签到页"),
    "kin": _l("家属页"),
    "doctor": _l("医生的页"),
    "inspector": _l("监督员的页"),
    "station": _l("站里的页"),
    "helper": _l("帮忙的事"),
    "stranger": _l("路人页"),
    "rescue": _l("急救信息"),
    "unknown": _l("卡停用了，没给看"),
}


# --- what a household or a person holds --------------------


@bp.get("/households/<uuid:household_id>/cards")
@allow("cards.see")
def household(household_id: uuid.UUID) -> Answer:
    """All cards of a household and its residents."""
    home, held = queries.home(me(), household_id), queries.of_household(household_id)
    return _of_home(_home_form(home, held), home, held)


@bp.post("/households/<uuid:household_id>/cards")
@allow("cards.issue")
def issue(household_id: uuid.UUID) -> Answer:
    """A card for one of the residents, or a plate for the home."""
    home, held = queries.home(me(), household_id), queries.of_household(household_id)
    form, made = _home_form(home, held), list[Card]()

    def deed() -> None:
        kind, key = form.chosen
        made.append(models.issue(kind, household=home, resident=next((each for each in _living(home) if each.id == key), None)))

    if taken(form, deed):
        return _to_new(made, url_for("cards.household", household_id=household_id))
    return _of_home(form, home, held)


def _living(home: Household) -> list[Resident]:
    return [each for each in home.residents if each.ended_on is None and home.ended_on is None]


def _home_form(home: Household, held: Sequence[Card]) -> IssueForm:
    offers = [(kind, each.id, each.name) for each in _living(home) for kind in WORN]
    return _offering(offers if home.ended_on else [*offers, (CardKind.PLATE, home.id, _("挂在家里"))], held)


def _of_home(form: IssueForm, home: Household, held: Sequence[Card]) -> Answer:
    names = {each.id: each.name for each in home.residents} | {home.id: _("挂在家里")}
    gone = {each.id for each in home.residents if each not in _living(home)} | ({home.id} if home.ended_on else set())
    return _list(form, home, held, names, gone)


@bp.get("/people/<uuid:person_id>/badge")
@allow("cards.see")
def badge(person_id: uuid.UUID) -> Answer:
    """The badges of one of the staff."""
    person, held = people.person(me(), person_id), queries.of_person(person_id)
    return _list(_badge_form(person, held), person, held, {person.id: person.name})


@bp.post("/people/<uuid:person_id>/badge")
@allow("cards.issue")
def issue_badge(person_id: uuid.UUID) -> Answer:
    """A badge for one of the staff."""
    person, held = people.person(me(), person_id), queries.of_person(person_id)
    form, made = _badge_form(person, held), list[Card]()
    if taken(form, lambda: made.append(models.issue(CardKind.BADGE, badge=person))):
        return _to_new(made, url_for("cards.badge", person_id=person_id))
    return _list(form, person, held, {person.id: person.name})


def _badge_form(person: Person, held: Sequence[Card]) -> IssueForm:
    return _offering([(CardKind.BADGE, person.id, person.name)] if person.station_id else [], held)


def _offering(offers: list[tuple[CardKind, uuid.UUID, str]], held: Sequence[Card]) -> IssueForm:
    """A form that offers each kind for each bearer, with a word where one is in use already."""
    form, live = IssueForm(), {(each.kind, each.bearer_id) for each in held if each.live}
    form.what.choices = [
        (f"{kind}:{key}", f"{name} · {KIND_WORDS[kind]}" + (_("（已有一张在用）") if (kind, key) in live else ""))
        for kind, key, name in offers
    ]
    if len(offers) == 1 and not form.is_submitted():
        form.what.data = f"{offers[0][0]}:{offers[0][1]}"
    return form


def _to_new(made: list[Card], there: str) -> Answer:
    """To the new card; a second tap made none and only sees the list."""
    return page.go(url_for("cards.card", card_id=made[0].id) if made else there, _("发好了，可以印了"))


def _list(
    form: IssueForm,
    bearer: Household | Person,
    held: Sequence[Card],
    names: dict[uuid.UUID, str],
    gone: Collection[uuid.UUID] = (),
) -> Answer:
    place = queries.station(bearer.station_id) if bearer.station_id else None
    return page.render(
        "cards/held.html",
        status=422 if form.errors else 200,
        form=form,
        bearer=bearer,
        cards=sorted(held, key=_stopped),
        names=names,
        gone=gone,
        station=place[0] if place else None,
        obstacle=obstacle(me(), *place) if place else None,
        kinds=KIND_WORDS,
        standing=STANDING,
        **_places(bearer),
    )


def _stopped(card: Card) -> bool:
    return not card.live


def _places(bearer: Household | Person) -> dict[str, str]:
    """Where the page leads: back to whose cards these are, and where its form goes."""
    if isinstance(bearer, Household):
        return {
            "back": url_for("people.household", household_id=bearer.id),
            "issue_url": url_for("cards.issue", household_id=bearer.id),
        }
    return {"back": url_for("people.person", person_id=bearer.id), "issue_url": url_for("cards.issue_badge", person_id=bearer.id)}


# --- one card --------------------


@dataclass(frozen=True)
class Deeds:
    """The three forms of a card's page; prefixes keep their fields apart."""

    out: HandOverForm = field(default_factory=lambda: HandOverForm(prefix="out"))
    anew: ReasonForm = field(default_factory=lambda: ReasonForm(prefix="anew"))
    stop: ReasonForm = field(default_factory=lambda: ReasonForm(prefix="stop"))


@bp.get("/cards/<uuid:card_id>")
@allow("cards.see")
def card(card_id: uuid.UUID) -> Answer:
    """One card: how it looks, where it is, who opened it, what can be done with it."""
    return _card(queries.issued(me(), card_id), Deeds())


def _card(shown: Issued, deeds: Deeds, status: int = 200) -> Answer:
    return page.render(
        "cards/card.html",
        status=status,
        shown=shown,
        card=shown.card,
        deeds=deeds,
        obstacle=obstacle(me(), shown.station, shown.street),
        file=FileForm(formdata=None, keys=str(shown.card.id)),
        two_sided=SHEETS[shown.card.kind].two_sided,  # type: ignore[index]
        openings=rules.told(queries.recent_scans([shown.card.id])),
        kinds=KIND_WORDS,
        standing=STANDING,
        whys=WHY_WORDS,
        faces=FACE_WORDS,
        holder=_holder(shown.card),
    )


def _holder(card: Card) -> str:
    """The page of all cards of the same household or person."""
    if card.household_id:
        return url_for("cards.household", household_id=card.household_id)
    return url_for("cards.badge", person_id=card.person_id)


@bp.post("/cards/<uuid:card_id>/hand-over")
@allow("cards.issue")
def hand_over(card_id: uuid.UUID) -> Answer:
    """The card is with its bearer."""
    shown, deeds = queries.issued(me(), card_id), Deeds()
    if taken(deeds.out, shown.card.hand_over):
        return page.go(url_for("cards.card", card_id=card_id), _("记下了，卡已经交出去"))
    return _card(shown, deeds, 422)


@bp.post("/cards/<uuid:card_id>/reissue")
@allow("cards.issue")
def reissue(card_id: uuid.UUID) -> Answer:
    """A new card in place of this one."""
    who, shown, deeds = me(), queries.issued(me(), card_id), Deeds()
    made: list[Card] = []
    if taken(deeds.anew, lambda: made.append(models.reissue(shown.card, who.account_id, deeds.anew.reason))):
        return _to_new(made, _holder(shown.card))
    return _card(shown, deeds, 422)


@bp.post("/cards/<uuid:card_id>/revoke")
@allow("cards.issue")
def revoke(card_id: uuid.UUID) -> Answer:
    """This card opens nothing from now on."""
    who, shown, deeds = me(), queries.issued(me(), card_id), Deeds()
    if taken(deeds.stop, lambda: shown.card.revoke(who.account_id, deeds.stop.reason)):
        return page.go(url_for("cards.card", card_id=card_id), _("这张卡停用了"))
    return _card(shown, deeds, 422)


@bp.get("/cards/<uuid:card_id>/<any(front, back):side>.png")
@allow("cards.print")
def picture(card_id: uuid.UUID, side: Side) -> Answer:
    """One side at 300 dots to the inch, for the page and for printers of plastic cards. Taking the code is written down."""
    if side == "front":
        db.writes()
    who = me()
    shown = queries.issued(who, card_id)
    if side == "back" and not SHEETS[shown.card.kind].two_sided:  # type: ignore[index]
        abort(404)
    faces.check(shown.station, shown.street)
    if side == "front":
        audit.by(db.session(), who.account_id)
        audit.note("cards.picture", shown.card, shown.card.household_id)
    with in_chinese():
        face = faces.face(shown, faces.heading(shown.station, shown.street, settings()))
        db.settle()
        png = printing.card_png(face, side)
    response = send_file(io.BytesIO(png), mimetype="image/png")
    response.headers["Cache-Control"] = "no-store"
    return response


# --- who opened them --------------------


@bp.get("/cards/scans")
@allow("cards.see")
def scans() -> Answer:
    """Who opened the cards of a station, when, and which face was shown; strangers are counted."""
    who = me()
    stations = people.stations(who)
    chosen = next((each for each in stations if str(each.id) == request.args.get("station")), stations[0] if stations else None)
    before = ids.parse(request.args.get("before"))
    found, cards = queries.scans(who, chosen.id, before, SCANS + 1) if chosen else ([], {})
    return page.render(
        "cards/scans.html",
        stations=stations,
        station=chosen,
        openings=rules.told(found[:SCANS]),
        cards=cards,
        older=found[SCANS - 1].id if len(found) > SCANS else None,
        days=rulebook.current("cards", clock.today())["scan_days"],
        kinds=KIND_WORDS,
        faces=FACE_WORDS,
    )
