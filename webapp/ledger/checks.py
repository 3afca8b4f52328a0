"""Looking through the books: slips beside their entries, many at a time; books drawn by lot (P44)."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import aliased

from webapp.access import Actor, within
from webapp.kit import clock, draw, ids
from webapp.kit.words import _
from webapp.ledger import words
from webapp.ledger.rows import Book, BookDraw, Entry, EntryReceipt, SlipCheck
from webapp.people.models import Household
from webapp.people.queries import nothing
from webapp.store import audit, db
from webapp.store.files import Photo
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("checks", __name__)
BACK = timedelta(days=62)
PAGE, MOST = 12, 20


@dataclass(frozen=True)
class Slip:
    """An entry with its pictures that nobody has laid side by side yet."""

    entry_id: uuid.UUID
    home: str
    day: date
    at: datetime
    category: str
    fen: int
    words: str
    photos: tuple[str, ...]


def slips(actor: Actor, before: datetime | None, limit: int) -> list[Slip]:
    """Within reach, of the last two months, newest first: pictures that have come, entries that stand."""
    undone = aliased(Entry)
    pictures = (
        sa.select(sa.func.aggregate_strings(EntryReceipt.sha256, ","))
        .join(Photo, Photo.sha256 == EntryReceipt.sha256)
        .where(EntryReceipt.entry_id == Entry.id, Photo.done_at.is_not(None), Photo.refused.is_(None))
        .scalar_subquery()
    )
    ask = (
        sa.select(Entry.id, Household.name, Entry.day, Entry.at, Entry.category, Entry.fen, Entry.words, pictures)
        .join(Household, Household.id == Entry.household_id)
        .where(
            Entry.reach(actor), Entry.day >= clock.today() - BACK, pictures.is_not(None), Entry.kind == "spend",
            ~sa.exists().where(SlipCheck.entry_id == Entry.id), ~sa.exists().where(undone.reversal_of == Entry.id),
        )
        .order_by(Entry.at.desc())
        .limit(limit)
    )  # fmt: skip
    rows = db.session().execute(ask.where(Entry.at < before) if before else ask)
    return [
        Slip(key, home, day, at, code, fen, said, tuple(told.split(","))) for key, home, day, at, code, fen, said, told in rows
    ]


@bp.get("/book/slips")
@allow("ledger.settle")
def index() -> ResponseReturnValue:
    """对票: each slip beside its entry, all ticked; untick what does not agree."""
    try:
        before = clock.from_wire(request.args.get("before", ""))
    except ValueError:
        before = None
    found = slips(me(), before, PAGE + 1)
    more = clock.to_wire(found[PAGE - 1].at) if len(found) > PAGE else None
    return page.render("ledger/slips.html", slips=found[:PAGE], more=more, category=words.category)


@bp.post("/book/slips")
@allow("ledger.settle")
def agree() -> ResponseReturnValue:
    """都对: those that are ticked."""
    who = me()
    keys = [key for key in map(ids.parse, request.form.getlist("entry")[:200]) if key]
    here = db.session().execute(
        sa.select(Entry.id, Entry.household_id)
        .outerjoin(SlipCheck, SlipCheck.entry_id == Entry.id)
        .where(Entry.id.in_(keys), Entry.reach(who), SlipCheck.entry_id.is_(None))
    ).all()  # fmt: skip
    if here:
        db.session().execute(
            sa.insert(SlipCheck), [{"entry_id": key, "at": clock.now(), "by_id": who.account_id} for key, _h in here]
        )
        for key, home in here:
            audit.note("ledger.slip_check", f"book_entry:{key}", home)
    return page.go(url_for("checks.index"), _("对好了 %(n)s 张", n=len(here)))


# -- lots --


@bp.get("/book/draws")
@allow("ledger.draw")
def draws() -> ResponseReturnValue:
    """抽查: the draws so far, and one more."""
    ask = within(me(), sa.select(BookDraw)).order_by(BookDraw.made_at.desc()).limit(30)
    return page.render("ledger/draws.html", draws=db.session().scalars(ask).all(), most=MOST)


@bp.post("/book/draws")
@allow("ledger.draw")
def draw_books() -> ResponseReturnValue:
    """抽: so many of all open books within reach, by a seed that nobody chose and everybody can read."""
    who = me()
    text = request.form.get("n", "")
    n = min(max(int(text), 1), MOST) if text.isascii() and text.isdigit() and len(text) < 4 else 5
    numbers = list(db.session().scalars(_open(who)))
    seed = secrets.token_hex(16)
    row = BookDraw(
        id=ids.new(), place_id=who.place_id, seed=seed, population=len(numbers), fingerprint=draw.fingerprint(numbers),
        drawn=draw.drawn(seed, dict.fromkeys(numbers, 1), n), by_id=who.account_id,
    )  # fmt: skip
    db.session().add(row)
    db.session().flush()
    audit.note("ledger.draw", row, None, seed=seed, population=len(numbers), fingerprint=row.fingerprint, drawn=row.drawn)
    return page.go(url_for("checks.drawn", draw_id=row.id), _("抽好了"))


def _open(who: Actor) -> Any:
    ask: Any = within(who, sa.select(Household)).with_only_columns(Household.number)
    return ask.join(Book, Book.household_id == Household.id).where(Household.ended_on.is_(None)).order_by(Household.number)


@bp.get("/book/draws/<uuid:draw_id>")
@allow("ledger.draw")
def drawn(draw_id: uuid.UUID) -> ResponseReturnValue:
    """One draw: its lots as links to their books, the seed and the list's fingerprint."""
    who = me()
    row = db.session().scalar(within(who, sa.select(BookDraw)).where(BookDraw.id == draw_id))
    if row is None:
        raise nothing()
    ask = within(who, sa.select(Household)).with_only_columns(Household.id, Household.number, Household.name)
    homes = {number: (key, name) for key, number, name in db.session().execute(ask.where(Household.number.in_(row.drawn)))}
    return page.render("ledger/drawn.html", row=row, homes=homes)
