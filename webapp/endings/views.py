"""Pages of ends: of a resident's care, for the head, and the list of what is still to be seen through."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.endings import care, forms, moving, queries, words
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.ledger import queries as ledger
from webapp.people import desk
from webapp.people import queries as people
from webapp.people.desk import form_page, taken
from webapp.people.ends import Ending
from webapp.people.models import Resident
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("endings", __name__)


@bp.route("/residents/<uuid:resident_id>/end", methods=["GET", "POST"])
@allow("endings.settle")
def resident(resident_id: uuid.UUID) -> ResponseReturnValue:
    """One sober page: what happened, and what ends with it at once."""
    who = me()
    found = people.resident(who, resident_id)
    home = people.household(who, found.household_id)
    form = forms.EndForm(data={"on": clock.today()})
    made: list[Ending] = []

    def end() -> None:
        made.append(
            care.end(
                found, home, form.kind.data, form.on.data, who, told_by=form.told_by.data, reason=form.reason.data or "",
                words=form.words.data or "", key=form.key.data,
            )
        )  # fmt: skip

    if taken(form, end):
        return page.go(url_for("endings.show", ending_id=form.key.data), _("记下了"))
    if found.ended_on is not None and (before := queries.ending_of(resident_id)) is not None:
        return page.go(url_for("endings.show", ending_id=before.id))
    return page.render(
        "endings/resident.html", status=422 if request.method == "POST" else 200, form=form, resident=found,
        others=_others(found, home.residents),
    )  # fmt: skip


def _others(resident: Resident, residents: list[Resident]) -> list[Resident]:
    """Who goes on being cared for there."""
    return [each for each in residents if each.id != resident.id and each.ended_on is None]


@bp.get("/endings/<uuid:ending_id>")
@allow("endings.settle")
def show(ending_id: uuid.UUID) -> ResponseReturnValue:
    """What ended, and what is still to be done for the family."""
    found = queries.ending(me(), ending_id)
    days = care.settings(found.household.station_id)
    return page.render(
        "endings/show.html", ending=found, words=words, others=_others(found.resident, found.household.residents),
        held=ledger.balance(found.household_id), kin=people.kin([found.resident_id]),
        book_by=clock.day_of(found.at + timedelta(days=days["book_days"])),
    )  # fmt: skip


@bp.post("/endings/<uuid:ending_id>/undo")
@allow("endings.settle")
def undo(ending_id: uuid.UUID) -> ResponseReturnValue:
    """It was a mistake."""
    who = me()
    found = queries.ending(who, ending_id)
    care.undo(found, who)
    return page.go(url_for("people.resident", resident_id=found.resident_id), _("改回来了，从今天起照常上门。卡要重新发"))


@bp.get("/endings")
@allow("endings.settle")
def index() -> ResponseReturnValue:
    """What is under way: moves, caregivers who leave, and whose care ended lately."""
    who, today = me(), clock.today()
    since = today - timedelta(days=care.settings()["listed_days"])
    return page.render(
        "endings/index.html", endings=queries.endings(who, since), moves=queries.moves(who), words=words,
        departures=queries.departures(who, clock.instant(since, 0)),
    )  # fmt: skip


# -- a household moves to another station --


@bp.route("/households/<uuid:household_id>/move", methods=["GET", "POST"])
@allow("endings.settle")
def move(household_id: uuid.UUID) -> ResponseReturnValue:
    """A household moves into another station's area: that station is asked, and until it has taken over nothing changes."""
    who = me()
    home = queries.household(who, household_id)
    others = {str(each.id): each for each in queries.neighbours(home.station_id)}
    form = forms.MoveForm(data={"on": clock.today()})
    form.station.choices = [(key, each.name) for key, each in others.items()]

    def ask() -> None:
        moving.ask(
            home, others[form.station.data], form.address.data, form.on.data, form.told_by.data, who, form.key.data
        )  # fmt: skip

    if taken(form, ask):
        return page.go(url_for("endings.moving", move_id=form.key.data), _("告诉那边的站了。接手以前，还是我们上门"))
    note = _("那边的站说好谁来、从哪天起，这一户才过去；在那以前照常上门，一天也不空")
    back = url_for("people.household", household_id=household_id)
    return form_page(form, title=_("搬到别的站"), sub=home.name, back=back, note=note, deed=_("告诉那边的站"))


@bp.get("/moves/<uuid:move_id>", endpoint="moving")
@allow("endings.settle")
def moving_page(move_id: uuid.UUID) -> ResponseReturnValue:
    """How a move stands, for both stations; the other one takes over here."""
    who = me()
    found = queries.move(who, move_id)
    return _moving(found, _take_form(found))


def _moving(found: moving.Move, form: forms.TakeForm, status: int = 200) -> ResponseReturnValue:
    takes = found.state == "asked" and queries.takes_over(me(), found)
    return page.render("endings/move.html", status=status, move=found, form=form, takes=takes, age=desk.age)


def _take_form(found: moving.Move) -> forms.TakeForm:
    form = forms.TakeForm(data={"on": max(found.day, clock.today())})
    form.caregiver.choices = [(str(each.id), each.name) for each in queries.team(found.to_id)]
    return form


@bp.post("/moves/<uuid:move_id>")
@allow("endings.settle")
def take(move_id: uuid.UUID) -> ResponseReturnValue:
    """The other station takes over."""
    who = me()
    found = queries.move(who, move_id)
    form = _take_form(found)
    team = {str(each.id): each for each in queries.team(found.to_id)}

    def take_over() -> None:
        if not queries.takes_over(who, found):
            raise Refusal("not_yours_to_take", "要由那边的站来接手")
        moving.take(found, team[form.caregiver.data], form.on.data, who)

    if taken(form, take_over):
        return page.go(url_for("endings.moving", move_id=move_id), _("接手了，中间一天也不空"))
    return _moving(found, form, 422)


@bp.post("/moves/<uuid:move_id>/withdraw")
@allow("endings.settle")
def stay(move_id: uuid.UUID) -> ResponseReturnValue:
    """They do not move after all."""
    who = me()
    found = queries.move(who, move_id)
    try:
        moving.withdraw(found, who)
        said = _("好，不搬了")
    except Refusal as refusal:
        said = refusal.words(_)
    return page.go(url_for("endings.moving", move_id=move_id), said)
