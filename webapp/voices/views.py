"""Pages of voices: asking residents, saying something with or without a name, answering, changing the caregiver."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import Role
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people import rules as masks
from webapp.people.desk import form_page, taken
from webapp.people.models import Household, Place
from webapp.store import db
from webapp.voices import models, queries, rules, words
from webapp.voices.forms import AgreeForm, AnswerForm, ChangeForm, JudgeForm, OpenSayForm, OpinionForm, RefuseForm, SayForm
from webapp.voices.models import ChangeOfCaregiver, Complaint
from webapp.web import limits, page
from webapp.web.guard import allow, me, open_door

bp = Blueprint("voices", __name__)
SAYS_A_DAY, LOOKS_AN_HOUR = 10, 30


# -- asking residents --


@bp.get("/opinions")
@allow("voices.list")
def opinions() -> ResponseReturnValue:
    """Whom nobody has asked this month, and satisfaction with the number of answers beside it."""
    who = me()
    places = queries.by_place(who)
    streets = rules.by_street(places) if len(places) > 1 else []
    return page.render(
        "voices/opinions.html", unasked=queries.unasked(who), places=places, streets=streets, month=Month.of(clock.today()),
        said=queries.said(who), words=words,
    )  # fmt: skip


@bp.route("/residents/<uuid:resident_id>/opinion", methods=["GET", "POST"])
@allow("voices.hear")
def opinion(resident_id: uuid.UUID) -> ResponseReturnValue:
    """问问老人：满意吗？ By the station, never by the one it is about."""
    who, form = me(), OpinionForm()
    resident = people.resident(who, resident_id)
    home = people.household(who, resident.household_id)
    hear = lambda: models.heard(  # noqa: E731
        resident, home, int(form.stars.data), form.words.data or "", form.how.data, who.account_id
    )
    if taken(form, hear):
        return page.go(url_for("voices.opinions"), _("记下了"))
    return form_page(form, title=_("问问老人：满意吗？"), sub=resident.name, back=url_for("voices.opinions"))


@bp.get("/my-opinions")
@allow("voices.mine")
def mine() -> ResponseReturnValue:
    """What residents said of her in three months, in a word: nothing below five answers, or she would know whose they are."""
    found, least = queries.of_caregiver(me().person_id), models.settings()["least_answers"]
    if not rules.shown_to_caregiver(found, least) or found.mean is None:
        return page.render("voices/mine.html", found=None, least=least)
    return page.render("voices/mine.html", found=found, felt=words.FELT[rules.felt(found.mean)], least=least)


# -- saying something --


@bp.route("/households/<uuid:household_id>/say", methods=["GET", "POST"])
@allow("voices.say")
def say(household_id: uuid.UUID) -> ResponseReturnValue:
    """A complaint or suggestion about a home's care, from kin or the station on behalf of the resident."""
    who, form = me(), SayForm()
    home = people.household(who, household_id)
    made: list[Complaint] = []
    if taken(form, lambda: made.append(_say(form, household_id))):
        told = _("交上去了，会给您答复")
        if form.anonymous.data and made:
            told = _("交上去了。没写名字，请记下编号 %(number)s，凭它查答复", number=made[0].number)
        return page.go(url_for("voices.say", household_id=household_id), told)
    status = 422 if form.errors else 200
    rows = queries.of_asker(who, household_id)
    changes = queries.changes(who, household_id)
    return page.render(
        "voices/say.html", status=status, form=form, home=home, rows=rows, changes=changes, words=words,
        back=_home(household_id), mine=who.role == Role.KIN,
    )  # fmt: skip


def _say(form: SayForm, household_id: uuid.UUID) -> Complaint:
    who = me()
    home = people.household(who, household_id)
    station = db.session().get_one(Place, home.station_id)
    named = not form.anonymous.data
    return models.complain(
        form.kind.data, station, form.words.data, by=who.account_id if named else None,
        household_id=household_id if named else None, about=people.main_caregiver(household_id) if form.hers.data else None,
        about_station=form.past.data,
    )  # fmt: skip


def _home(household_id: uuid.UUID) -> str:
    if me().role == Role.KIN:
        return url_for("today.index")
    if me().role == Role.CAREGIVER:
        return url_for("today.household", household_id=household_id)
    return url_for("people.household", household_id=household_id)


@bp.post("/complaints/<uuid:said_id>/judge")
@allow("voices.judge")
def judge(said_id: uuid.UUID) -> ResponseReturnValue:
    """Whether the answer is good: by the account that complained."""
    who = me()
    row = db.session().get(Complaint, said_id)
    if row is None or row.by_id != who.account_id or row.household_id is None:
        raise people.nothing()
    row.judge(request.form.get("says") == "yes")
    return page.go(url_for("voices.say", household_id=row.household_id), _("谢谢，记下了"))


@bp.route("/say", methods=["GET", "POST"])
@open_door
def open_say() -> ResponseReturnValue:
    """The same from the street, without signing in; the number that comes back finds the answer."""
    form = OpenSayForm()
    known = people.every_station()
    form.place.choices = [(str(each.id), each.name) for each in known]
    if request.method == "POST" and form.validate():
        db.writes()
        if limits.count("say", masks.network_of(request.remote_addr), within=limits.DAY) > SAYS_A_DAY:
            form.form_errors.append(_("今天说得太多了，请打电话"))
        else:
            station = next(each for each in known if str(each.id) == form.place.data)
            made: list[Complaint] = []
            deed = lambda: made.append(  # noqa: E731
                models.complain(
                    form.kind.data, station, form.words.data, phone=form.phone.data or "", about_station=form.past.data
                )
            )
            if taken(form, deed):
                return page.render("voices/said.html", number=made[0].number if made else None)
    return page.render("voices/open_say.html", status=422 if form.errors else 200, form=form)


@bp.get("/say/answer")
@open_door
def answer() -> ResponseReturnValue:
    """How far a complaint is, by its number. Nothing but state and answer is told."""
    number = request.args.get("number", "")
    row = _looked_up(number) if number else None
    return page.render("voices/answer.html", row=row, number=number)


@bp.post("/say/answer")
@open_door
def judge_by_number() -> ResponseReturnValue:
    """满意 or 不满意, by the number alone: who has not written a name may say it too."""
    form = JudgeForm()
    row = _looked_up(form.number.data) if form.validate() else None
    if row is not None:
        row.judge(request.form.get("says") == "yes")
    return page.go(url_for("voices.answer", number=form.number.data, lang=request.args.get("lang")))


def _looked_up(number: str) -> Complaint | None:
    """A complaint by its number; whoever guesses is stopped."""
    db.writes()
    tries = limits.count("say.look", masks.network_of(request.remote_addr), within=timedelta(hours=1))
    return queries.by_number(number) if tries <= LOOKS_AN_HOUR else None


# -- answering --


@bp.get("/complaints")
@allow("voices.list")
def complaints() -> ResponseReturnValue:
    """What waits for an answer, what is due first; and what was answered."""
    who = me()
    return page.render(
        "voices/complaints.html", waiting=queries.complaints(who, open_=True), rows=queries.complaints(who, open_=False),
        words=words, now=clock.now(),
    )  # fmt: skip


@bp.route("/complaints/<uuid:complaint_id>", methods=["GET", "POST"])
@allow("voices.answer")
def complaint(complaint_id: uuid.UUID) -> ResponseReturnValue:
    """One: what was said, whose it is, until when; taking it on and answering."""
    who, form = me(), AnswerForm()
    row, place, owner = queries.complaint(who, complaint_id)
    there = url_for("voices.complaint", complaint_id=complaint_id)
    if request.method == "POST" and request.form.get("own"):
        row.own(who.account_id)
        return page.go(there, _("记下了，由您来管"))
    if taken(form, lambda: row.reply(who.account_id, form.answer.data)):
        return page.go(there, _("答复好了"))
    status = 422 if form.errors else 200
    return page.render("voices/complaint.html", status=status, row=row, place=place, owner=owner, form=form, words=words)


# -- another caregiver --


@bp.route("/households/<uuid:household_id>/another", methods=["GET", "POST"])
@allow("voices.change")
def another(household_id: uuid.UUID) -> ResponseReturnValue:
    """想换人: by kin, or the station for the resident."""
    who, form = me(), ChangeForm()
    home = people.household(who, household_id)
    said = ("kin", "resident") if who.role == Role.KIN else ("resident", "kin", "station")
    form.asked_as.choices = [(code, words.AS[code]) for code in said]
    if taken(form, lambda: models.ask_for_change(home, who.account_id, form.asked_as.data, form.words.data)):
        return page.go(url_for("voices.say", household_id=household_id), _("换人的事已经报上去了，等站里答复"))
    return form_page(form, title=_("想换人"), sub=home.name, back=url_for("voices.say", household_id=household_id))


@bp.route("/changes/<uuid:change_id>", methods=["GET", "POST"])
@allow("voices.answer")
def change(change_id: uuid.UUID) -> ResponseReturnValue:
    """Decide: who comes instead and from when, so that no day stays without care; or why not."""
    who, agrees = me(), request.form.get("says") == "yes"
    row = queries.change(who, change_id)
    home = people.one(who, Household, row.household_id)
    yes, no = AgreeForm(formdata=None if not agrees else request.form), RefuseForm(formdata=None if agrees else request.form)
    team = people.caregivers(who, home.station_id)
    yes.caregiver.choices = [("", _("请选一个")), *((str(each.id), each.name) for each in team)]
    if not agrees:
        yes.since.data = clock.today() + timedelta(days=1)
    if taken(yes, lambda: _agree(row, yes)) if agrees else taken(no, lambda: row.refuse(who.account_id, no.answer.data)):
        return page.go(url_for("voices.change", change_id=change_id), _("定好了"))
    if request.method == "POST":
        db.undo()  # what was begun and refused is not shown as if it were so
        row = queries.change(who, change_id)
    return page.render(
        "voices/change.html", status=422 if yes.errors or no.errors else 200, row=row, home=home, yes=yes, no=no,
        units=people.units(home.id), words=words,
    )  # fmt: skip


def _agree(row: ChangeOfCaregiver, form: AgreeForm) -> None:
    who = me()
    home, person = people.household(who, row.household_id), people.person(who, uuid.UUID(form.caregiver.data))
    said = form.word.data or ""
    row.agree(who.account_id, home, person, form.since.data, said, keys=form.keys.data, cash=form.cash.data)
