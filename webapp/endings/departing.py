"""Pages of a caregiver who leaves: one step after the other, each saying how it was settled and by whom."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.endings import departure, forms, queries, words
from webapp.endings.departure import BADGE, CASH, HOMES, KEYS, PHONE, RECORDS, Departure, DepartureStep
from webapp.kit import clock, money
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.desk import blame, taken
from webapp.people.models import Person
from webapp.store import db
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("departing", __name__)


@dataclass(frozen=True)
class Part:
    """One step as the page shows it. lines: what is known; settled: how it was settled, if it is."""

    code: str
    title: str
    subject_id: uuid.UUID | None
    lines: Sequence[str]
    settled: DepartureStep | None
    facts: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Its anchor on the page."""
        return f"{self.code}-{self.subject_id}" if self.subject_id else self.code


@bp.get("/people/<uuid:person_id>/departure")
@allow("endings.settle")
def show(person_id: uuid.UUID) -> ResponseReturnValue:
    """The sequence of a caregiver, or the form that takes it up."""
    return _page(people.person(me(), person_id))


def _page(person: Person, status: int = 200, form: Any = None, at: str = "") -> ResponseReturnValue:
    found = queries.departure(me(), person.id)
    if found is None:
        form = form or forms.DepartForm(data={"on": clock.today(), "reach": "yes"})
        return page.render("endings/depart.html", status=status, person=person, form=form)
    parts = _parts(person, found)
    left = [part for part in parts if part.settled is None]
    return page.render(
        "endings/departure.html", status=status, person=person, departure=found, parts=parts, left=left, words=words,
        team=queries.team(found.station_id) if not found.done_at else (), wrong=form, at=at,
    )  # fmt: skip


def _parts(person: Person, found: Departure) -> list[Part]:
    rows = queries.left(person.id, found.id)
    held = {row.key: row.a for row in rows.get("home", ())}
    told = {each.subject_id: each for each in found.steps if each.code == HOMES}
    parts = [Part(HOMES, name, key, (), None, {}) for key, name in held.items()]
    parts += [Part(HOMES, each.facts.get("home", ""), key, (), each, {}) for key, each in told.items() if key not in held]
    books = {row.key: row for row in rows.get("book", ())}
    cash = {each.subject_id: each for each in found.steps if each.code == CASH}
    for key, row in books.items():
        facts = {"home": row.a, "cash_fen": row.n, "advance_fen": row.m, "wallet_fen": row.k}
        parts.append(Part(CASH, row.a, key, _sums(row), cash.get(key), facts))
    parts += [Part(CASH, each.facts.get("home", ""), key, (), each, {}) for key, each in cash.items() if key not in books]
    badges = [_("工作证 %(number)s", number=row.a) for row in rows.get("badge", ())]
    phones = [row.a + (" · " + _("还有 %(n)s 条没交", n=row.n) if row.n else "") for row in rows.get("phone", ())]
    open_ones = [_("没签退：%(home)s", home=row.a) for row in rows.get("visit", ())]
    open_ones += [_("放在站里的记录 %(n)s", n=row.n) for row in rows.get("aside", ())]
    for code, lines in ((KEYS, []), (BADGE, badges), (PHONE, phones), (RECORDS, open_ones)):
        parts.append(Part(code, "", None, lines, found.settled(code), {}))
    return parts


def _sums(row: Any) -> list[str]:
    """What the book says that she holds, or laid out."""
    told = (
        (row.n, _("现金 %(yuan)s 元", yuan=money.show(row.n))),
        (row.k, _("手机里家属转的 %(yuan)s 元", yuan=money.show(row.k))),
        (row.m, _("她垫了 %(yuan)s 元", yuan=money.show(-row.m))),
    )
    return [said for fen, said in told if fen]


@bp.post("/people/<uuid:person_id>/departure")
@allow("endings.settle")
def begin(person_id: uuid.UUID) -> ResponseReturnValue:
    """Take the sequence up."""
    who, form = me(), forms.DepartForm()
    person = people.person(who, person_id)

    def write() -> None:
        reached = form.reach.data == "yes"
        departure.begin(person, form.on.data, form.why.data or "", reached, who, form.key.data)

    if taken(form, write):
        return page.go(url_for("departing.show", person_id=person_id), _("好，一步一步来。可以先放下，下次接着办"))
    return _page(person, 422, form)


@bp.post("/people/<uuid:person_id>/departure/<any(homes,cash,keys,badge,phone,records):step>")
@allow("endings.settle")
def settle(person_id: uuid.UUID, step: str) -> ResponseReturnValue:
    """One step is settled."""
    who, form = me(), forms.StepForm()
    person, found = people.person(who, person_id), queries.departure(who, person_id)
    parts = _parts(person, found) if found else []
    named = (step, request.form.get("subject", ""))
    part = next((each for each in parts if (each.code, str(each.subject_id or "")) == named), None)
    if found is None or part is None:
        raise people.nothing()
    note = form.words.data or ""
    form.how.choices = [(code, said) for code, said in words.HOW[step].items()]
    team = {str(each.id): each for each in queries.team(found.station_id)}
    form.caregiver.choices = [(key, each.name) for key, each in team.items()]
    try:
        if not form.validate():
            raise Refusal("form", "请选一个", field="how")
        if part.settled is None and step == HOMES:
            _hand_on(found, part, team.get(form.caregiver.data or ""), note)
        elif part.settled is None:
            departure.settle(found, step, form.how.data or "", note, who, part.subject_id, **part.facts)
        db.session().flush()
    except Refusal as refusal:
        blame(form, refusal)
        return _page(person, 422, refusal.words(_), part.key)
    return page.go(url_for("departing.show", person_id=person_id) + "#next", _("记下了"))


def _hand_on(found: Departure, part: Part, person: Person | None, note: str) -> None:
    if person is None or part.subject_id is None:
        raise Refusal("no_caregiver", "请选交给谁", field="caregiver")
    home = people.household(me(), part.subject_id)
    departure.hand_on(found, home, person, note, me())
    found.steps[-1].facts = {**found.steps[-1].facts, "home": home.name}


@bp.post("/people/<uuid:person_id>/departure/finish")
@allow("endings.settle")
def finish(person_id: uuid.UUID) -> ResponseReturnValue:
    """Everything is settled: she is no longer one of us. Refused while a step is open."""
    who = me()
    person, found, account = people.person(who, person_id), queries.departure(who, person_id), people.account_of(person_id)
    if found is None or account is None:
        raise people.nothing()
    try:
        if any(part.settled is None for part in _parts(person, found)):
            raise Refusal("steps_open", "还有几步没办，先办完上面的")
        departure.finish(found, person, account, who)
    except Refusal as refusal:
        return _page(person, 422, refusal.words(_), "finish")
    return page.go(url_for("departing.show", person_id=person_id), _("都办好了"))


@bp.post("/people/<uuid:person_id>/departure/withdraw")
@allow("endings.settle")
def withdraw(person_id: uuid.UUID) -> ResponseReturnValue:
    """She stays."""
    who = me()
    people.person(who, person_id)
    found = queries.departure(who, person_id)
    if found is None or found.done_at:
        raise people.nothing()
    departure.withdraw(found, who)
    return page.go(url_for("people.person", person_id=person_id), _("好，她不走了"))
