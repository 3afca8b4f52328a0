"""Pages of those who answer for the books: the agreement, counts and months, handing over, the end of a book."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import Role
from webapp.kit import clock, ids, money, show
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.ledger import (
    agreeing,
    closing,
    commands,
    confirming,
    counting,
    exporting,
    forms,
    monthly,
    printing,
    queries,
    rules,
    words,
)
from webapp.ledger.queries import House
from webapp.ledger.rows import Closing, Count
from webapp.ledger.rules import Terms
from webapp.people import queries as people
from webapp.people.desk import form_page, taken
from webapp.people.queries import nothing
from webapp.store import db, rulebook
from webapp.web import page
from webapp.web.forms import PlainForm
from webapp.web.guard import allow, me

bp = Blueprint("books", __name__)
COMMANDS = commands.COMMANDS
PAGE = 40
MONTHS = 4


# -- the agreement --


@bp.route("/households/<uuid:household_id>/book/agreement", methods=["GET", "POST"])
@allow("ledger.agree")
def agreement(household_id: uuid.UUID) -> ResponseReturnValue:
    """约定: what stands, and the form for what holds from today."""
    house = queries.house(me(), household_id)
    held = agreeing.latest(household_id)
    limit = rules.limits(rulebook.current("money", clock.today(), house.station_id))
    usual = {
        "giver": held.giver if held else None,
        "confirmer": held.confirmer if held else None,
        "entry_fen": held.entry_fen if held else limit.ask_first_from,
        "month_fen": held.month_fen if held else None,
        "receipt_fen": held.receipt_fen if held else limit.receipt_from,
        "cash_fen": held.cash_fen if held else limit.cash_held_max,
        "asked_by": held.asked_by if held else None,
    }
    form = forms.AgreeForm(data=usual)

    def write() -> None:
        terms = Terms(form.receipt_fen.data, form.entry_fen.data, form.month_fen.data or 0, form.cash_fen.data)
        agreeing.agree(
            household_id, form.giver.data, form.confirmer.data, terms, me().account_id, how=form.how.data,
            witness=form.witness.data or None, asked_by=form.asked_by.data or None,
        )  # fmt: skip

    note = _("没有约定就没有账本。不收银行卡和密码，不借钱")
    return _office(house, form, write, _("钱的约定"), _("约定好了"), note)


# -- counts and months --


@bp.get("/households/<uuid:household_id>/book/counts")
@allow("ledger.see")
def counts(household_id: uuid.UUID) -> ResponseReturnValue:
    """点钱和关账: every count with who confirmed it, the closed months with their hashes, who holds the cash."""
    who = me()
    house = queries.house(who, household_id)
    rows = counting.recent(household_id)
    return page.render(
        "ledger/counts.html",
        house=house,
        standing=monthly.standing(household_id),
        counts=rows,
        said=confirming.of([row.id for row in rows]),
        closings=monthly.closings(household_id),
        kinds=words.COUNTS,
        sides=words.SIDES,
        hows=words.HOWS,
        mine=who.account_id,
        own=who.role == Role.CAREGIVER,
    )


@bp.post("/book/counts/<uuid:count_id>/confirm")
@allow("ledger.confirm")
def confirm(count_id: uuid.UUID) -> ResponseReturnValue:
    """对: on her own account the next caregiver, or the station, confirms a count. A handover's makes the cash hers.
    The station also writes down what a relative (`name`) said on the telephone."""
    who = me()
    row = people.one(who, Count, count_id)

    def write() -> None:
        name = request.form.get("name", "").strip()[:60]
        if row.kind == counting.HANDOVER and who.role == Role.CAREGIVER:
            counting.take_over(row, who.account_id)
        elif name and who.role != Role.CAREGIVER:
            confirming.write(row.household_id, row.id, rules.KIN, name, rules.PHONE, who.account_id, clock.now())
        else:
            confirming.say(who, counting.name_of(who.account_id), row.id, row.household_id)

    return page.go(url_for("books.counts", household_id=row.household_id), _done(write, _("确认好了")))


@bp.get("/book/months")
@allow("ledger.see")
def months() -> ResponseReturnValue:
    """A month of all books: not counted, not confirmed, ready, closed."""
    return _months(200, None)


@bp.post("/book/months")
@allow("ledger.settle")
def close_many() -> ResponseReturnValue:
    """关账 for all that are ticked; each stands by itself, and what one lacks is said."""
    who, month = me(), _month()
    keys = [key for key in map(ids.parse, request.form.getlist("home")[:200]) if key]
    reach = {stand.household_id for stand in monthly.month(who, month, limit=10_000)} if keys else set()
    done, left = 0, dict[uuid.UUID, str]()
    for key in [key for key in keys if key in reach]:
        try:
            with db.session().begin_nested():
                closing.close(key, month, who.account_id)
            done += 1
        except Refusal as refusal:
            left[key] = refusal.words(_)
    if left:
        return _months(200, left, _("关了 %(n)s 户，还有 %(m)s 户要看", n=done, m=len(left)))
    return page.go(url_for("books.months", month=str(month)), _("关了 %(n)s 户", n=done))


def _months(status: int, left: dict[uuid.UUID, str] | None, said: str | None = None) -> ResponseReturnValue:
    who, wanted = me(), _month()
    after, only = request.values.get("after", ""), request.values.get("left") == "1"
    stands = monthly.month(who, wanted, after, PAGE + 1, left=only)
    tabs, each = [], Month.of(clock.today())
    for _n in range(MONTHS):
        tabs.append((url_for("books.months", month=str(each)), show.month(each), each == wanted))
        each = each.previous()
    return page.render(
        "ledger/months.html",
        status=status,
        month=wanted,
        tabs=tabs,
        stands=stands[:PAGE],
        more=stands[PAGE - 1].number if len(stands) > PAGE else None,
        over=wanted.last < clock.today(),
        left=left or {},
        only=only,
        said=said,
    )


@bp.route("/households/<uuid:household_id>/book/close/<month>", methods=["GET", "POST"])
@allow("ledger.settle")
def close(household_id: uuid.UUID, month: str) -> ResponseReturnValue:
    """关账 of one book, with the words for a difference."""
    house, wanted = queries.house(me(), household_id), _parsed(month)
    form = forms.CloseForm()
    return _office(
        house,
        form,
        lambda: closing.close(household_id, wanted, me().account_id, form.words.data or ""),
        _("关账 · %(month)s", month=show.month(wanted)),
        _("关好了，这个月的账不再改"),
        _("关账以后这个月的账不能再记，漏掉的记在下个月"),
    )


@bp.get("/book/statements/<uuid:closing_id>")
@allow("ledger.see")
def statement(closing_id: uuid.UUID) -> ResponseReturnValue:
    """账单: a closed month as PDF."""
    row = people.one(me(), Closing, closing_id)
    return sent(
        printing.statement_pdf(closing.statement(row), row.digest),
        f"{row.month}.pdf",
        "application/pdf",
    )


def sent(body: bytes, name: str, kind: str) -> Response:
    """A file to keep, private."""
    answer = Response(body, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


# -- out --


@bp.get("/book/export")
@allow("ledger.export")
def export() -> ResponseReturnValue:
    """账本导出: which household or station, from when until when, as what."""
    wanted = request.args
    if wanted.get("format") not in exporting.FORMATS:
        return _export(clock.today().replace(day=1), clock.today(), None)
    try:
        since, until = (date.fromisoformat(wanted[name]) if wanted.get(name) else None for name in ("since", "until"))
    except ValueError:
        return _export(None, None, _("请选一个日子"))
    number = wanted.get("household", "").strip().upper()
    homes = exporting.homes(me(), number, ids.parse(wanted.get("station")))
    if not homes:
        return _export(since, until, _("没找到这一户，请看一下户号"))
    kind, last = wanted["format"], until or clock.today()
    if kind == "pdf" and len(homes) > exporting.PAPER_MOST:
        return _export(since, until, _("PDF 一次最多 %(n)s 户，请填户号，或选一个站", n=exporting.PAPER_MOST))
    body = exporting.write(kind, homes, since, last)
    return sent(body, f"books-{number or 'all'}-{last}.{kind}", exporting.FORMATS[kind])


def _export(since: date | None, until: date | None, wrong: str | None) -> ResponseReturnValue:
    return page.render(
        "ledger/export.html", status=422 if wrong else 200, since=since, until=until, wrong=wrong, wanted=request.args,
        stations=people.stations(me()),
    )  # fmt: skip


# -- the station counts, hands over, ends --


@bp.route("/households/<uuid:household_id>/book/recount", methods=["GET", "POST"])
@allow("ledger.settle")
def recount(household_id: uuid.UUID) -> ResponseReturnValue:
    """站里突然点一次."""
    house, form = queries.house(me(), household_id), forms.RecountForm()
    return _office(
        house,
        form,
        lambda: counting.recount(
            household_id, form.cash_fen.data, form.wallet_fen.data, form.words.data or "", form.witness.data, me().account_id
        ),
        _("站里点一次钱"),
        _("记下了"),
    )


@bp.route("/households/<uuid:household_id>/book/take-over", methods=["GET", "POST"])
@allow("ledger.settle")
def take_over(household_id: uuid.UUID) -> ResponseReturnValue:
    """前养护员联系不上: the head counts with the resident and a witness."""
    house, form = queries.house(me(), household_id), forms.AloneForm()
    form.former.choices = form.to.choices = monthly.keepers(house.station_id)

    def write() -> None:
        former, to = ids.parse(form.former.data or ""), ids.parse(form.to.data or "")
        if former is None or to is None or former == to:
            raise Refusal("to", _("交给另一个人"), field="to")
        counting.take_over_alone(
            household_id, former, to, form.cash_fen.data, form.wallet_fen.data, form.words.data, form.resident.data,
            form.witness.data, me().account_id,
        )  # fmt: skip

    note = _("少的钱记在前养护员名下；她晚交上来的账还会记上，欠的就少了")
    return _office(house, form, write, _("前养护员联系不上，站里点钱交接"), _("交接好了"), note)


@bp.route("/households/<uuid:household_id>/book/pay-back", methods=["GET", "POST"])
@allow("ledger.settle")
def pay_back(household_id: uuid.UUID) -> ResponseReturnValue:
    """前养护员还了钱."""
    house, form = queries.house(me(), household_id), forms.PayBackForm()
    return _office(
        house,
        form,
        lambda: counting.pay_back(household_id, form.amount_fen.data, form.words.data, me().account_id),
        _("前养护员还了钱"),
        _("记下了"),
    )


@bp.route("/households/<uuid:household_id>/book/end", methods=["GET", "POST"])
@allow("ledger.settle")
def end(household_id: uuid.UUID) -> ResponseReturnValue:
    """结账: care has ended, or the resident has died."""
    house, form = queries.house(me(), household_id), forms.EndForm()
    return _office(
        house,
        form,
        lambda: closing.end(
            household_id, form.why.data, form.cash_fen.data, form.wallet_fen.data, form.back_to.data, form.witness.data,
            form.words.data or "", me().account_id, advance=form.advance.data or "",
        ),
        _("结账"),
        _("账结好了"),
        _("点清、还钱、见证人在场，都做了再点"),
    )  # fmt: skip


def _office(
    house: House, form: PlainForm, write: Callable[[], Any], title: str, said: str, note: str | None = None
) -> ResponseReturnValue:
    """An ordinary form about one book: asked, judged beside its fields, done."""
    back = url_for("books.counts", household_id=house.id)
    if taken(form, write):
        return page.go(back, said)
    sub = _("%(name)s家 · 账上现金 %(sum)s 元", name=house.name, sum=money.show(house.balance.cash_fen))
    return form_page(form, title=title, sub=sub, back=back, note=note)


def _done(write: Callable[[], object], said: str) -> str:
    try:
        write()
        return said
    except Refusal as refusal:
        return refusal.words(_)


def _month() -> Month:
    try:
        return Month.parse(request.values.get("month") or "")
    except ValueError:
        return Month.of(clock.today()).previous() if clock.today().day <= 15 else Month.of(clock.today())


def _parsed(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError:
        raise nothing() from None
