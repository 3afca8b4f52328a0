"""Pages of the quarterly review: a station's list, one review with its voices, meeting and talk, and a caregiver's own."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED, Role, can
from webapp.evaluations import words as months
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, in_chinese
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.rules import mask_name
from webapp.reviews import forms, models, printing, queries, words
from webapp.reviews.models import OPEN, QuarterReview
from webapp.reviews.rules import Quarter
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("reviews", __name__)


def _named() -> Any:
    return mask_name if me().role in MASKED else str


def _quarter() -> Quarter:
    """The quarter of the page, the last one where none is named."""
    try:
        return Quarter.parse(request.values.get("quarter", ""))
    except ValueError:
        return Quarter.of(clock.today()).previous()


@bp.get("/reviews")
@allow("reviews.see")
def index() -> ResponseReturnValue:
    """The reviews of a station's quarter; a caregiver sees her own."""
    who, quarter = me(), _quarter()
    if who.role == Role.CAREGIVER:
        held = models.settings(quarter)
        return page.render("reviews/mine.html", past=queries.mine(who.person_id), words=words, months=months, held=held)
    stations = people.stations(who)
    wanted = ids.parse(request.args.get("station", ""))
    chosen = next((each for each in stations if each.id == wanted), stations[0] if len(stations) == 1 else None)
    return page.render(
        "reviews/index.html", quarter=quarter, before=quarter.previous(), after=quarter.next(), stations=stations, chosen=chosen,
        rows=queries.of_station(who, quarter, chosen.id) if chosen else [], words=words, months=months, named=_named(),
        held=models.settings(quarter), this=Quarter.of(clock.today()),
    )  # fmt: skip


@bp.post("/reviews/gather")
@allow("evaluations.gather")
def gather() -> ResponseReturnValue:
    """Count a station's quarter; reviews whose meeting is over stay."""
    quarter, key = _quarter(), ids.parse(request.form.get("station", ""))
    if key is None:
        raise Refusal("no_station", "请先选一个服务站")
    if quarter >= Quarter.of(clock.today()):
        raise Refusal("quarter_goes_on", "这个季度还没过完，过完再算")
    station = people.place(me(), key)
    n = queries.gather(quarter, station)
    return page.go(url_for("reviews.index", quarter=str(quarter), station=station.id), _("算好了 %(n)s 个人", n=n))


@bp.get("/reviews/<uuid:review_id>")
@allow("reviews.see")
def show(review_id: uuid.UUID) -> ResponseReturnValue:
    """One review: points, voices, minutes, outcome, talk."""
    found = queries.review(me(), review_id)
    if found.caregiver_id == me().person_id and found.state == OPEN:
        raise people.nothing()
    return _shown(found)


def _shown(found: QuarterReview, status: int = 200, **given: Any) -> ResponseReturnValue:
    who = me()
    own, held = found.caregiver_id == who.person_id, models.settings(found.of)
    made: dict[str, Any] = {"voice": None, "meet": None, "talk": None, "again": None}
    if can(who, "evaluations.judge") and not own:
        if found.state == OPEN:
            made |= {"voice": _voice_form(found, None), "meet": _meet_form(found, held, None)}
        else:
            made["talk"] = forms.TalkForm(formdata=None, data={"day": clock.today()})
            made["again"] = forms.AgainForm(formdata=None)
    keys = [found.held_by, found.confirmed_by, *(each.by_id for each in found.talks)]
    return page.render(
        "reviews/show.html", status=status, found=found, own=own, held=held, words=words, months=months, named=_named(),
        rows=words.rows(held, found, own=own), names=people.names([key for key in keys if key]), sides=dict(forms.SIDES),
        keeps=dict(forms.KEEP), today=clock.today(), **made | given,
    )  # fmt: skip


def _voice_form(found: QuarterReview, formdata: Any) -> forms.VoiceForm:
    form = forms.VoiceForm(formdata=formdata, data={"key": ids.new()})
    form.household.choices = [("", _("不是老人家里的")), *((str(key), name) for key, name in queries.homes(found))]
    return form


def _meet_form(found: QuarterReview, held: dict[str, Any], formdata: Any) -> forms.MeetForm:
    form = forms.MeetForm(formdata=formdata, data={"day": clock.today(), "outcome": found.advised})
    form.outcome.choices = [(code, words.outcome(held, code)) for code in models.OUTCOMES]
    return form


@bp.post("/reviews/<uuid:review_id>/voices")
@allow("evaluations.judge")
def voice(review_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody was asked about her."""
    found = queries.review(me(), review_id)
    form = _voice_form(found, request.form)

    def deed() -> None:
        key = ids.parse(form.household.data or "")
        home = people.household(me(), key) if key else None
        keep, stars = form.keep.data or "", int(form.stars.data or 0)
        found.hear(me(), form.side.data or "", form.name.data or "", stars, form.words.data or "", keep, home)

    if taken(form, deed):
        return page.go(url_for("reviews.show", review_id=review_id), _("记下了"))
    return _shown(queries.review(me(), review_id), 422, voice=form)


@bp.post("/reviews/<uuid:review_id>/meeting")
@allow("evaluations.judge")
def meet(review_id: uuid.UUID) -> ResponseReturnValue:
    """The meeting is over."""
    found = queries.review(me(), review_id)
    form = _meet_form(found, models.settings(found.of), request.form)

    def deed() -> None:
        told = form.present.data or "", form.minutes.data or "", form.outcome.data or "", form.outcome_words.data or ""
        found.meet(me(), form.day.data or clock.today(), *told, form.follow_up.data)

    if taken(form, deed):
        return page.go(url_for("reviews.show", review_id=review_id), _("记好了，等街道来定；她能看到结果"))
    return _shown(queries.review(me(), review_id), 422, meet=form)


@bp.post("/reviews/<uuid:review_id>/confirm")
@allow("evaluations.seal")
def confirm(review_id: uuid.UUID) -> ResponseReturnValue:
    """The street confirms."""
    queries.review(me(), review_id).confirm(me())
    return page.go(url_for("reviews.show", review_id=review_id), _("定了"))


@bp.post("/reviews/<uuid:review_id>/talks")
@allow("evaluations.judge")
def talk(review_id: uuid.UUID) -> ResponseReturnValue:
    """业务讲评: it was talked over with her."""
    found = queries.review(me(), review_id)
    form = forms.TalkForm(request.form)
    if taken(form, lambda: found.talk(me(), form.day.data or clock.today(), form.words.data or "", form.better.data or "")):
        return page.go(url_for("reviews.show", review_id=review_id), _("记下了，她能看到"))
    return _shown(queries.review(me(), review_id), 422, talk=form)


@bp.post("/reviews/<uuid:review_id>/again")
@allow("evaluations.judge")
def again(review_id: uuid.UUID) -> ResponseReturnValue:
    """Looked again: did it get better?"""
    found = queries.review(me(), review_id)
    form = forms.AgainForm(request.form)

    def deed() -> None:
        row = next((each for each in found.talks if each.id == form.talk.data), None)
        if row is None:
            raise people.nothing()
        found.look_again(me(), row, form.better_now.data == "yes", form.seen_words.data or "")

    if taken(form, deed):
        return page.go(url_for("reviews.show", review_id=review_id), _("记下了"))
    return _shown(queries.review(me(), review_id), 422, again=form)


@bp.get("/reviews/<uuid:review_id>/minutes.pdf")
@allow("evaluations.print")
def minutes(review_id: uuid.UUID) -> ResponseReturnValue:
    """The form of the review on paper, with places to sign; blank where the meeting has not been."""
    found, named = queries.review(me(), review_id), _named()
    held = models.settings(found.of)
    with in_chinese():
        sides, keeps = dict(forms.SIDES), dict(forms.KEEP)
        voices = [
            (str(sides[each.side]), named(each.name), each.stars, str(keeps.get(each.keep, "")), each.words)
            for each in found.voices
        ]
        paper = printing.Paper(
            words.quarter(found.of), named(found.caregiver.name), found.station.name, words.rows(held, found, own=False),
            found.total, months.grade(held, found.grade), voices, found, words.outcome(held, found.outcome),
        )  # fmt: skip
        body = printing.review_pdf(paper)
    name = f"review-{found.quarter}-{found.caregiver.number}.pdf"
    return Response(body, mimetype="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'})
