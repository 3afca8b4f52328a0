"""Kin and the household's book: read it, ask about a line, agree to a large spend, confirm a count, keep a statement."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import sqlalchemy as sa
from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from webapp.family import queries
from webapp.kit import clock, ids, show
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.ledger import asking, closing, confirming, counting, models, monthly, printing, rules, words
from webapp.ledger import lines as book_lines
from webapp.ledger import queries as ledger
from webapp.ledger.rows import Closing, Count
from webapp.people.models import Kin, looked
from webapp.people.queries import nothing
from webapp.store import db
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("kinbook", __name__)
MONTHS = 6
PAGE = 60


def _agreed(kin_id: uuid.UUID) -> queries.Tie:
    """The tie, if the resident lets this relative see the money. Raises Missing."""
    tie = queries.tie(me(), kin_id)
    if "money" not in tie.kin.scopes or tie.others_go_on:
        raise nothing()
    return tie


def _home(kin: Kin) -> uuid.UUID:
    return kin.resident.household_id


@bp.get("/family/<uuid:kin_id>/book")
@allow("family.see")
def book(kin_id: uuid.UUID) -> ResponseReturnValue:
    """The book of a month, with what was counted and the seals of closed months; `large`: in large print."""
    tie = _agreed(kin_id)
    home = _home(tie.kin)
    try:
        month = Month.parse(request.args.get("month") or "")
    except ValueError:
        month = Month.of(clock.today())
    tabs, each = [], Month.of(clock.today())
    for _n in range(MONTHS):
        tabs.append((url_for("kinbook.book", kin_id=kin_id, month=str(each)), show.month(each), each == month))
        each = each.previous()
    hidden, before = queries.hidden(tie.kin), ids.parse(request.args.get("before"))
    sums = ledger.sums(home, month, tie.held, hidden)
    found = book_lines.entries(home, month, sums.closing_fen, before, PAGE + 1, hidden)
    facts = {
        "kin": tie.kin,
        "held": tie.held,
        "sums": sums,
        "month": month,
        "current": month == Month.of(clock.today()),
        "tabs": tabs,
        "lines": found[:PAGE],
        "others": sums.hides,
        "more": found[PAGE - 1].id if len(found) > PAGE else None,
        "holder": monthly.standing(home).holder,
        "scale": 160 if request.args.get("large") else getattr(me(), "scale", 100),
        "flag_words": words.FLAGS,
        **words.of(tie.station.id),
    }
    with db.transaction():
        looked(me(), home, "book")
    return page.render("family/book.html", **facts)


@bp.get("/family/<uuid:kin_id>/book/counts")
@allow("family.see")
def counts(kin_id: uuid.UUID) -> ResponseReturnValue:
    """What was counted, to be confirmed, and the closed months with their seals."""
    tie = _agreed(kin_id)
    rows = counting.recent(_home(tie.kin), 3)
    said = confirming.of([row.id for row in rows])
    return page.render(
        "family/counts.html", kin=tie.kin, counts=rows, said=said, closings=monthly.closings(_home(tie.kin), 12),
        others=book_lines.closed_over(_home(tie.kin), queries.hidden(tie.kin)), mine=me().account_id, kinds=words.COUNTS,
    )  # fmt: skip


@bp.get("/family/<uuid:kin_id>/book/<uuid:entry_id>")
@allow("family.see")
def line(kin_id: uuid.UUID, entry_id: uuid.UUID) -> ResponseReturnValue:
    """One line: its slips, what was asked and answered."""
    tie = _agreed(kin_id)
    row = _line(tie.kin, entry_id)
    beside = book_lines.beside(entry_id)
    asks = "ASK_FIRST" in row.flags
    given = row.kind == models.RECEIVE and not any(each.key == me().account_id for each in beside.confirmed)
    return page.render(
        "family/line.html", kin=tie.kin, line=row, beside=beside, asks=asks, given=given, sides=words.SIDES,
        hows=words.HOWS, flag_words=words.FLAGS, **words.of(tie.station.id),
    )  # fmt: skip


@bp.post("/family/<uuid:kin_id>/book/<uuid:entry_id>/ask")
@allow("family.see")
def ask(kin_id: uuid.UUID, entry_id: uuid.UUID) -> ResponseReturnValue:
    """问一问这一笔."""
    tie = _agreed(kin_id)
    _line(tie.kin, entry_id)
    here = url_for("kinbook.line", kin_id=kin_id, entry_id=entry_id)
    deed = lambda: asking.ask(entry_id, _home(tie.kin), request.form.get("words", ""), me().account_id)  # noqa: E731
    return page.go(here, _done(deed, _("问好了，回了就在这里")))


@bp.post("/family/<uuid:kin_id>/book/<uuid:entry_id>/agree")
@allow("family.see")
def agree(kin_id: uuid.UUID, entry_id: uuid.UUID) -> ResponseReturnValue:
    """同意 a large spend, or: yes, I gave that."""
    tie = _agreed(kin_id)
    _line(tie.kin, entry_id)
    here = url_for("kinbook.line", kin_id=kin_id, entry_id=entry_id)
    return page.go(here, _done(lambda: _say(tie.kin, entry_id), _("记下了，谢谢您")))


@bp.post("/family/<uuid:kin_id>/counts/<uuid:count_id>/confirm")
@allow("family.see")
def confirm(kin_id: uuid.UUID, count_id: uuid.UUID) -> ResponseReturnValue:
    """对: a count is right."""
    tie = _agreed(kin_id)
    if db.session().scalar(sa.select(Count.household_id).where(Count.id == count_id)) != _home(tie.kin):
        raise nothing()
    return page.go(url_for("kinbook.counts", kin_id=kin_id), _done(lambda: _say(tie.kin, count_id), _("记下了，谢谢您")))


@bp.post("/family/<uuid:kin_id>/book/seen")
@allow("family.see")
def seen(kin_id: uuid.UUID) -> ResponseReturnValue:
    """我看过了."""
    tie = _agreed(kin_id)
    models.read(_home(tie.kin), rules.KIN, counting.name_of(me().account_id), me().account_id, clock.now())
    return page.go(url_for("kinbook.book", kin_id=kin_id), _("记下了，谢谢您"))


@bp.get("/family/<uuid:kin_id>/statements/<uuid:closing_id>")
@allow("family.see")
def statement(kin_id: uuid.UUID, closing_id: uuid.UUID) -> ResponseReturnValue:
    """账单 of a closed month as PDF; not where it tells of somebody else of the home."""
    tie = _agreed(kin_id)
    row = db.session().scalar(sa.select(Closing).where(Closing.id == closing_id, Closing.household_id == _home(tie.kin)))
    if row is None or row.id in book_lines.closed_over(row.household_id, queries.hidden(tie.kin)):
        raise nothing()
    body = printing.statement_pdf(closing.statement(row), row.digest, large=bool(request.args.get("large")))
    answer = Response(body, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{row.month}.pdf"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _line(kin: Kin, entry_id: uuid.UUID) -> book_lines.Line:
    return book_lines.line(entry_id, _home(kin), queries.hidden(kin))


def _say(kin: Kin, subject: uuid.UUID) -> None:
    who = me()
    confirming.say(who, counting.name_of(who.account_id), subject, _home(kin))


def _done(deed: Callable[[], object], said: str) -> str:
    try:
        deed()
        return said
    except Refusal as refusal:
        return refusal.words(_)
