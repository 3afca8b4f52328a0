"""The desk of card pages: their blueprint, what stands in the way of printing, and the file for the printer."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, Response, current_app, send_file

from webapp.access import Actor
from webapp.cards import faces, models, printing, queries
from webapp.cards.drawing.face import Kind
from webapp.cards.forms import KIND_WORDS
from webapp.cards.models import CardKind
from webapp.cards.number import spoken
from webapp.cards.queries import Issued
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.settings import Settings
from webapp.kit.words import _, in_chinese
from webapp.people.models import Place
from webapp.people.queries import nothing
from webapp.store import audit, db, rulebook

bp = Blueprint("cards", __name__)
bp.add_app_template_filter(spoken, "card_number")


@dataclass(frozen=True)
class Obstacle:
    """What people see before they print: a sentence that forbids it and the duty table that mends it, or only 样张."""

    said: str | None
    duty_place: uuid.UUID
    sample: bool


def obstacle(who: Actor, station: Place, street: Place | None) -> Obstacle:
    """What stands in the way of printing a station's cards."""
    said = None
    try:
        faces.check(station, street)
    except Refusal as refusal:
        said = refusal.words(_)
    # the head mends the station's own table, offices above the street's
    mends = station if who.place_id == station.id or street is None else street
    return Obstacle(said, mends.id, faces.made_up(settings()))


def settings() -> Settings:
    """The app's settings."""
    chosen: Settings = current_app.extensions["settings"]
    return chosen


def most_per_file() -> int:
    """How many cards go into one file."""
    most: int = rulebook.current("cards", clock.today())["cards_per_file"]
    return most


def pdf_file(who: Actor, keys: Sequence[uuid.UUID], *, both_sides: bool) -> Response:
    """The cards as one PDF; that they were printed is written down once it is drawn, and never waits for the drawing.

    Refuses holes in the duty table, cards that may not be printed, a mixture, and too many at once.
    """
    cards = _printable(who, keys)
    first = cards[0]
    faces.check(first.station, first.street)
    with in_chinese():
        shared = faces.heading(first.station, first.street, settings())
        db.settle()  # drawing takes seconds: nobody waits for it at the database
        pdf = printing.sheet_pdf(faces.faces(cards, shared), cast(Kind, first.card.kind), both_sides)
        name = f"{KIND_WORDS[CardKind(first.card.kind)]} {first.station.name} {clock.today()}.pdf"
    audit.by(db.session(), who.account_id)
    models.note_print([each.card.id for each in cards], sample=shared.sample)
    response = send_file(io.BytesIO(pdf), mimetype="application/pdf", as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "no-store"
    return response


def _printable(who: Actor, keys: Sequence[uuid.UUID]) -> list[Issued]:
    most = most_per_file()
    if len(keys) > most:
        raise Refusal("too_many_cards", "一份文件最多印%(most)s张，请少选几张", most=most)
    cards = queries.several(who, keys)
    if not cards or len(cards) < len(keys):
        raise nothing()
    if len({(each.card.kind, each.station.id) for each in cards}) > 1:
        raise Refusal("mixed_cards", "一份文件只印一个站的一种卡，请分开印")
    return cards
