"""Pages of ledger: the books, one book, one entry, and what is written in it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import Role
from webapp.kit import clock, ids, show
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.ledger import asking, confirming, counting, forms, lines, models, monthly, queries, rules, words
from webapp.ledger.queries import House
from webapp.ledger.rows import EntryFlag, Question
from webapp.people import queries as people
from webapp.people.queries import nothing
from webapp.store import inbox, rulebook
from webapp.web import intake, page
from webapp.web.forms import KeptForm
from webapp.web.guard import allow, me
from webapp.web.intake import Kept

bp = Blueprint("ledger", __name__)

KEPT = [
    Kept(forms.SpendForm, models.spend),
    Kept(forms.ReceiveForm, models.receive),
    Kept(forms.RepayForm, models.repay),
    Kept(forms.ReverseForm, models.reverse),
    Kept(forms.ReceiptForm, models.bring_receipt),
    Kept(forms.NoneTodayForm, models.none_today),
    Kept(forms.CountForm, counting.count),
    Kept(forms.ConfirmForm, confirming.take_down),
    Kept(forms.SeenForm, models.seen),
]
PAGE = 40
MONTHS = 6


bp.add_app_template_filter(words.category, "category_word")


@bp.get("/book")
@allow("ledger.see")
def index() -> ResponseReturnValue:
    """The books within reach: a caregiver's households with what she holds, a station's by number."""
    who, after, look = me(), request.args.get("after", ""), request.args.get("look") == "1"
    own = who.role == Role.CAREGIVER
    shelves = queries.shelves(who, after, PAGE + 1, look=look)
    more = shelves[PAGE - 1].number if len(shelves) > PAGE else None
    seen = queries.acts([shelf.household_id for shelf in shelves]) if own else {}
    return page.render("ledger/index.html", shelves=shelves[:PAGE], own=own, seen=seen, look=look, more=more)


@bp.get("/households/<uuid:household_id>/book")
@allow("ledger.see")
def book(household_id: uuid.UUID) -> ResponseReturnValue:
    """One household's book, a month at a time."""
    who = me()
    house, month = queries.house(who, household_id), _month(request.args.get("month"))
    sums = queries.sums(household_id, month, house.balance)
    before = ids.parse(request.args.get("before"))
    found = lines.entries(household_id, month, sums.closing_fen, before, PAGE + 1)
    own = who.role == Role.CAREGIVER
    return page.render(
        "ledger/book.html",
        piece="book",
        house=house,
        month=month,
        months=_months(household_id, month),
        current=month == Month.of(clock.today()),
        sums=sums,
        lines=found[:PAGE],
        more=found[PAGE - 1].id if len(found) > PAGE else None,
        paged=before is not None,
        own=own,
        seen=queries.acts([household_id])[household_id] if own and not before else [],
        none_today=forms.NoneTodayForm(data={"household": household_id}),
        standing=None if before else monthly.standing(household_id),
        flag_words=words.FLAGS,
        sides=words.SIDES,
        **words.of(house.station_id),
    )


@bp.route("/households/<uuid:household_id>/book/spend", methods=["GET", "POST"])
@allow("ledger.write")
def spend(household_id: uuid.UUID) -> ResponseReturnValue:
    """花了钱."""
    return _write(household_id, forms.SpendForm, "ledger/spend.html", "expense")


@bp.route("/households/<uuid:household_id>/book/receive", methods=["GET", "POST"])
@allow("ledger.write")
def receive(household_id: uuid.UUID) -> ResponseReturnValue:
    """收到钱."""
    return _write(household_id, forms.ReceiveForm, "ledger/receive.html", "income")


@bp.route("/households/<uuid:household_id>/book/repay", methods=["GET", "POST"])
@allow("ledger.write")
def repay(household_id: uuid.UUID) -> ResponseReturnValue:
    """拿回垫的钱."""
    return _write(household_id, forms.RepayForm, "ledger/repay.html", "income")


@bp.post("/households/<uuid:household_id>/book/none")
@allow("ledger.write")
def none_today(household_id: uuid.UUID) -> ResponseReturnValue:
    """今天没花钱."""
    form = forms.NoneTodayForm(request.form)
    if not form.validate() or form.household.data != household_id:
        raise nothing()
    return _kept(form, _book(household_id))


@bp.route("/households/<uuid:household_id>/book/count", methods=["GET", "POST"])
@allow("ledger.write")
def count(household_id: uuid.UUID) -> ResponseReturnValue:
    """点钱, with the resident or a relative beside her."""
    then = url_for("books.counts", household_id=household_id)
    month = Month.of(clock.today())
    month = month.previous() if clock.today().day <= 15 else month
    blank = {"household": household_id, "kind": "any", "month": str(month), "side": "resident"}
    form: Any = forms.CountForm(request.form) if request.method == "POST" else forms.CountForm(data=blank)
    if request.method == "POST" and form.validate() and form.household.data == household_id:
        return _kept(form, then)
    house = queries.house(me(), household_id)
    status = 422 if request.method == "POST" else 200
    people_here = queries.residents(household_id)
    return page.render("ledger/count.html", status=status, form=form, house=house, month=month, then=then, residents=people_here)


@bp.route("/book/entries/<uuid:entry_id>/confirm", methods=["GET", "POST"])
@allow("ledger.write")
def confirm(entry_id: uuid.UUID) -> ResponseReturnValue:
    """老人或家属确认 an entry at the bedside: a large spend, money handed over."""
    then = url_for("ledger.entry", entry_id=entry_id)
    start = {"subject": entry_id, "side": "resident"}
    form: Any = forms.ConfirmForm(request.form) if request.method == "POST" else forms.ConfirmForm(data=start)
    if request.method == "POST" and form.validate() and form.subject.data == entry_id:
        return _kept(form, then)
    line = lines.entry(me(), entry_id)
    story = lines.story(entry_id)
    status = 422 if request.method == "POST" else 200
    here = queries.residents(story.household_id)
    return page.render(
        "ledger/confirm.html", status=status, form=form, line=line, story=story, then=then, residents=here,
        **words.of(story.station_id),
    )  # fmt: skip


@bp.get("/households/<uuid:household_id>/book/large")
@allow("ledger.see")
def large(household_id: uuid.UUID) -> ResponseReturnValue:
    """The book in large print, to be read with the resident; they say 看过了 and she taps it."""
    who, month = me(), _month(request.args.get("month"))
    house = queries.house(who, household_id)
    here = queries.residents(household_id)
    sums, before = queries.sums(household_id, month, house.balance), ids.parse(request.args.get("before"))
    found = lines.entries(household_id, month, sums.closing_fen, before, PAGE + 1)
    return page.render(
        "ledger/large.html",
        scale=160,
        house=house,
        month=month,
        lines=found[:PAGE],
        more=found[PAGE - 1].id if len(found) > PAGE else None,
        holder=monthly.standing(household_id).holder,
        current=month == Month.of(clock.today()),
        sums=sums,
        own=who.role == Role.CAREGIVER,
        seen=forms.SeenForm(data={"household": household_id, "name": here[0][1] if here else house.name}),
        **words.of(house.station_id),
    )


@bp.post("/households/<uuid:household_id>/book/seen")
@allow("ledger.write")
def seen(household_id: uuid.UUID) -> ResponseReturnValue:
    """老人看过账本."""
    form = forms.SeenForm(request.form)
    if not form.validate() or form.household.data != household_id:
        raise nothing()
    return _kept(form, _book(household_id))


@bp.post("/book/questions/<uuid:question_id>/answer")
@allow("ledger.confirm")
def answer(question_id: uuid.UUID) -> ResponseReturnValue:
    """What kin asked about a line is answered on that line."""
    row = people.one(me(), Question, question_id)
    try:
        asking.answer(row, request.form.get("words", ""), me().account_id)
        said = _("回好了")
    except Refusal as refusal:
        said = refusal.words(_)
    return page.go(url_for("ledger.entry", entry_id=row.entry_id), said)


@bp.post("/book/entries/<uuid:entry_id>/agree")
@allow("ledger.settle")
def agree(entry_id: uuid.UUID) -> ResponseReturnValue:
    """站里同意: a large spend, on the head's own account, or what was said to her on the telephone."""
    who = me()
    line = lines.entry(who, entry_id)
    name = request.form.get("name", "").strip()[:60]
    home = lines.story(entry_id).household_id
    if name:
        confirming.write(home, line.id, rules.KIN, name, rules.PHONE, who.account_id, clock.now())
    else:
        confirming.say(who, counting.name_of(who.account_id), line.id, home)
    return page.go(url_for("ledger.entry", entry_id=entry_id), _("记下了"))


@bp.get("/book/entries/<uuid:entry_id>")
@allow("ledger.see")
def entry(entry_id: uuid.UUID) -> ResponseReturnValue:
    """One entry with its slips, its flags and who wrote it when."""
    line = lines.entry(me(), entry_id)
    story = lines.story(entry_id)
    beside = lines.beside(entry_id)
    return page.render(
        "ledger/entry.html", line=line, story=story, flag_words=words.FLAGS, settled=words.SETTLED, sides=words.SIDES,
        hows=words.HOWS, beside=beside, **words.of(story.station_id),
    )  # fmt: skip


@bp.route("/book/entries/<uuid:entry_id>/reverse", methods=["GET", "POST"])
@allow("ledger.write")
def reverse(entry_id: uuid.UUID) -> ResponseReturnValue:
    """记错了，冲掉: asks first."""
    return _follow(entry_id, forms.ReverseForm, "ledger/reverse.html")


@bp.route("/book/entries/<uuid:entry_id>/receipt", methods=["GET", "POST"])
@allow("ledger.write")
def receipt(entry_id: uuid.UUID) -> ResponseReturnValue:
    """补票."""
    return _follow(entry_id, forms.ReceiptForm, "ledger/receipt.html")


@bp.post("/book/flags/<uuid:flag_id>/settle")
@allow("ledger.settle")
def settle(flag_id: uuid.UUID) -> ResponseReturnValue:
    """The station has looked at a flag and says what it was."""
    flag = people.one(me(), EntryFlag, flag_id)
    models.settle_flag(flag, me().account_id, request.form.get("words", ""))
    return page.go(url_for("ledger.entry", entry_id=flag.entry_id), _("记下了"))


@bp.get("/book/photos/<sha256>")
@allow("ledger.see")
def photo(sha256: str) -> ResponseReturnValue:
    """A slip of an entry within reach."""
    return page.photo(lines.receipt(me(), sha256))


def _write(household_id: uuid.UUID, kind: type[KeptForm], template: str, side: str) -> ResponseReturnValue:
    visit = ids.parse(request.args.get("visit"))
    then = page.safe_next(_book(household_id))
    blank = {"household": household_id, "visit": visit, "source": "cash"}
    form: Any = kind(request.form) if request.method == "POST" else kind(data=blank)
    if request.method == "POST" and form.validate() and form.household.data == household_id:
        return _kept(form, then)
    house = queries.house(me(), household_id)
    return page.render(
        template,
        status=422 if request.method == "POST" else 200,
        form=form,
        house=house,
        visit=visit,
        then=then,
        residents=queries.residents(household_id),
        **_tiles(house, side),
    )


def _follow(entry_id: uuid.UUID, kind: type[KeptForm], template: str) -> ResponseReturnValue:
    then = url_for("ledger.entry", entry_id=entry_id)
    form: Any = kind(request.form) if request.method == "POST" else kind(data={"entry": entry_id})
    if request.method == "POST" and form.validate() and form.entry.data == entry_id:
        return _kept(form, then)
    line = lines.entry(me(), entry_id)
    story = lines.story(entry_id)
    return page.render(
        template,
        status=422 if request.method == "POST" else 200,
        form=form,
        line=line,
        story=story,
        then=then,
        reasons=forms.REASON_WORDS,
        **words.of(story.station_id),
    )


def _kept(form: KeptForm, then: str) -> ResponseReturnValue:
    """Keep it before asking whether the household is still hers: what was typed is not lost, the verb judges it."""
    receipt = intake.receive(form)
    applied = receipt.state in (inbox.APPLIED, inbox.WAITING)
    return page.go(then if applied else url_for("ledger.index"), _(receipt.say))


def _book(household_id: uuid.UUID) -> str:
    return url_for("ledger.book", household_id=household_id)


def _month(text: str | None) -> Month:
    try:
        return Month.parse(text or "")
    except ValueError:
        return Month.of(clock.today())


def _months(household_id: uuid.UUID, chosen: Month) -> list[tuple[str, str, bool]]:
    """This month and those before it, as tabs; an older chosen one stands last."""
    month, found = Month.of(clock.today()), []
    for _n in range(MONTHS):
        found.append(month)
        month = month.previous()
    if chosen not in found:
        found.append(chosen)
    return [(url_for("ledger.book", household_id=household_id, month=str(m)), show.month(m), m == chosen) for m in found]


def _tiles(house: House, side: str) -> dict[str, Any]:
    """The categories of a side as tiles, what most days need first, and the things one tap names."""
    money = rulebook.current("money", clock.today(), house.station_id)
    front = money.get("front", {}).get(side, [])
    known = {each["code"]: each for each in money[side]}
    tiles = [(code, words.name(known[code]), known[code].get("icon")) for code in front if code in known]
    rest = [(code, words.name(each), None) for code, each in known.items() if code not in front]
    shops, hers = queries.learnt(house.id) if side == "expense" else ([], [])
    usual = [(each["zh"], words.name(each)) for each in money.get("things", {}).get("list", [])]
    things = [(each, dict(usual).get(each, each)) for each in hers]
    things += [pair for pair in usual if pair[0] not in hers]
    limit = rules.agreed(rules.limits(money), house.terms)
    return {"tiles": tiles, "rest": rest, "things": things, "shops": shops, "limits": limit}
