"""我的证明: what a caregiver did in a month, each line with who confirmed it and the station's receipt; shown and printed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from webapp.access import Actor
from webapp.kit import clock, show
from webapp.kit.month import Month
from webapp.kit.words import _
from webapp.ledger.models import Book, Entry
from webapp.people.models import Account, Assignment, Household, Person
from webapp.roster.models import PLANNED, Shift
from webapp.store import db
from webapp.store.arrivals import Kept
from webapp.visits.models import IN, VOID, Call, Confirmation, Visit, VisitException
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("proof", __name__)
PHONE = "PHONE"


@dataclass
class Done:
    """One visit as it stands: receipt is the number the station gave when it came in, None for one that was rung in."""

    day: date
    home: str
    arrived_at: datetime
    left_at: datetime | None
    minutes: int | None
    method: str
    receipt: int | None
    agreed: bool
    open: bool = False
    by: list[str] = field(default_factory=list)
    """Who of the station looked at it."""

    @property
    def words(self) -> str:
        """Who confirmed it."""
        if self.method == PHONE:
            return _("打电话记的，您自己确认过") if self.agreed else _("打电话记的，等您确认")
        if self.open:
            return _("站里还要看")
        if self.by:
            return _("%(name)s 核对过", name=_("、").join(self.by))
        how = {"QR": _("扫了老人的卡"), "CODE": _("输了卡上的号码")}
        return how.get(self.method, _("没有卡，站里收到了"))


@dataclass
class Money:
    """One book: fen in her hands, what she wrote in the month, how much of it the elder has seen, the last receipt."""

    home: str
    cash_fen: int
    advance_fen: int
    wrote: int = 0
    seen: int = 0
    receipt: int | None = None


@dataclass(frozen=True)
class Proof:
    """A month of hers. due: visits planned that are over, or were made; came: those she made."""

    month: Month
    due: int
    came: int
    visits: Sequence[Done]
    books: Sequence[Money]


@bp.get("/proof")
@allow("visits.record")
def mine() -> ResponseReturnValue:
    """The caregiver's own month."""
    this = Month.of(clock.today())
    month = _month(request.args.get("month"), this)
    after = month.next() if month < this else None
    return page.render("today/proof.html", proof=proof(me(), month), before=month.previous(), after=after, now=clock.now())


def _month(text: str | None, this: Month) -> Month:
    """The month of an address; this one for anything else and for what is still to come."""
    try:
        return min(Month.parse(text or ""), this)
    except ValueError:
        return this


def proof(actor: Actor, month: Month) -> Proof:
    """What stands for a caregiver in a month; four questions."""
    person, first, last = actor.person_id, month.first, month.last
    came = sa.exists().where(Visit.shift_id == Shift.id, Visit.caregiver_id == person, Visit.state != VOID)
    planned = sa.select(Shift.day, Shift.start_min, Shift.minutes, came).where(
        Shift.caregiver_id == person, Shift.day.between(first, min(last, clock.today())), Shift.state == PLANNED
    )
    now = clock.now()
    due = [made for day, start, long, made in db.session().execute(planned) if made or clock.instant(day, start + long) <= now]
    visits = _visits(person, first, last)
    return Proof(month, len(due), sum(bool(made) for made in due), list(visits.values()), _books(actor, first, last))


def _visits(person: uuid.UUID, first: date, last: date) -> dict[uuid.UUID, Done]:
    """Her visits in order; her own record of an arrival outweighs one that was rung in."""
    agreed = sa.exists().where(Confirmation.call_id == Call.id, Confirmation.agrees)
    ask = (
        sa.select(Visit, Household.name, Call.method, Kept.seq, agreed)
        .join(Household, Household.id == Visit.household_id)
        .outerjoin(Call, sa.and_(Call.visit_id == Visit.id, Call.direction == IN))
        .outerjoin(Kept, Kept.id == Call.id)
        .where(Visit.caregiver_id == person, Visit.day.between(first, last), Visit.state != VOID, Visit.into_id.is_(None))
        .order_by(Visit.arrived_at, Call.received_at)
    )
    found: dict[uuid.UUID, Done] = {}
    for visit, home, method, seq, yes in db.session().execute(ask):
        known = found.get(visit.id)
        if known is None or (known.method == PHONE and method != PHONE):
            found[visit.id] = Done(
                visit.day, home, visit.arrived_at, visit.left_at, visit.minutes, method or visit.arrive_by or "", seq, bool(yes)
            )
    looked = (
        sa.select(VisitException.visit_id, VisitException.settled_at, Person.name)
        .outerjoin(Account, Account.id == VisitException.settled_by)
        .outerjoin(Person, Person.id == Account.person_id)
        .where(VisitException.visit_id.in_(list(found)))
    )
    for key, settled, name in db.session().execute(looked) if found else ():
        if settled is None:
            found[key].open = True
        elif name and name not in found[key].by:
            found[key].by.append(name)
    return found


def _books(actor: Actor, first: date, last: date) -> list[Money]:
    """The books of the homes she may enter or wrote in, with what she wrote."""
    mine = sa.and_(Entry.household_id == Book.household_id, Entry.day.between(first, last), Entry.author_id == actor.account_id)
    ask = (
        sa.select(Book.id, Household.name, Book.cash_fen, Book.advance_fen, Entry.seen, Kept.seq)
        .join(Household, Household.id == Book.household_id)
        .outerjoin(Entry, mine)
        .outerjoin(Kept, Kept.id == Entry.id)
        .where(Book.household_id.in_(_homes(actor.person_id, first, last)))
        .order_by(Household.number)
    )
    found: dict[uuid.UUID, Money] = {}
    rows: Sequence[Any] = db.session().execute(ask).all()
    for key, home, cash, advance, seen, seq in rows:
        book = found.setdefault(key, Money(home, cash, advance))
        if seen is not None:
            book.wrote, book.seen = book.wrote + 1, book.seen + bool(seen)
            book.receipt = max(book.receipt or 0, seq or 0) or None
    return list(found.values())


def _homes(person: uuid.UUID, first: date, last: date) -> sa.CompoundSelect[uuid.UUID]:
    """The homes she may enter now, and those she came to in the month."""
    visited = sa.select(Visit.household_id).where(Visit.caregiver_id == person, Visit.day.between(first, last))
    held = sa.select(Assignment.household_id).where(Assignment.caregiver_id == person, Assignment.holds())
    return sa.union(visited, held)


@bp.app_template_filter("month_word")
def month_word(month: Month) -> str:
    """2026年11月."""
    return show.month(month)
