"""Pages of training: sessions and rates, one session with its list and badges, certificates, and her own page."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED
from webapp.cards import queries as cards
from webapp.cards.models import CardKind
from webapp.kit import clock, ids, show
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, in_chinese
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.rules import mask_name
from webapp.training import forms, models, printing, queries
from webapp.training.models import BADGE, LIST, Session
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("training", __name__)
PAST = timedelta(days=366)


@bp.app_template_global("course_name")
def course_name(code: str) -> str:
    """What a course is called, in the reader's language."""
    found: dict[str, Any] = next(
        (each for each in models.settings(clock.today())["courses"] if each["code"] == code), {"zh": code, "en": code}
    )
    return str(found["zh" if show.chinese() else "en"])


def _named() -> Any:
    return mask_name if me().role in MASKED else str


@bp.get("/training")
@allow("training.see")
def index() -> ResponseReturnValue:
    """Sessions, how many were trained this year, whose certificates end."""
    who, today = me(), clock.today()
    held, (rates, learners) = models.settings(today), queries.schooling(who, today.year)
    return page.render(
        "training/index.html", sessions=queries.sessions(who, today - PAST), rates=rates, held=held,
        ending=queries.ending(who, today, held["soon_days"]), today=today, named=_named(),
        learners=learners, cards=len(models.cards(today)), courses=queries.courses(who, today),
    )  # fmt: skip


@bp.route("/training/new", methods=["GET", "POST"])
@allow("training.hold")
def new() -> ResponseReturnValue:
    """A session is fixed."""
    who = me()
    form = forms.HoldForm(data={"key": ids.new(), "minutes": 120})
    form.course.choices = [("", _("请选一个")), *((each["code"], course_name(each["code"])) for each in _courses())]
    made: list[Session] = []

    def deed() -> None:
        given = (form.start.data or 0, form.minutes.data or 0, form.where.data or "", form.teacher.data or "",
                 form.topic.data or "")  # fmt: skip
        made.append(models.hold(who, people.place(who, _place(who)), form.course.data or "", form.day.data, *given))

    if taken(form, deed):
        there = url_for("training.one", session_id=made[0].id) if made else url_for("training.index")
        return page.go(there, _("定好了，养护员在手机上能看到"))
    return page.render("training/new.html", status=422 if form.is_submitted() else 200, form=form)


def _place(who: Any) -> uuid.UUID:
    if who.place_id is None:
        raise people.nothing()
    key: uuid.UUID = who.place_id
    return key


def _courses() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = models.settings(clock.today())["courses"]
    return found


@bp.get("/training/<uuid:session_id>")
@allow("training.see")
def one(session_id: uuid.UUID) -> ResponseReturnValue:
    """One session: who is there, who is not yet, and how they did."""
    return _shown(queries.session(me(), session_id))


def _shown(found: Session, status: int = 200, **given: Any) -> ResponseReturnValue:
    return page.render(
        "training/show.html", status=status, found=found, today=clock.today(), named=_named(), absent=queries.absent(found),
        wrong=None, **{"attend": forms.AttendForm(formdata=None), "grade": forms.GradeForm(formdata=None)} | given,
    )  # fmt: skip


@bp.post("/training/<uuid:session_id>/attend")
@allow("training.hold")
def attend(session_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody is there: scanned, typed, or ticked in the list."""
    who, form = me(), forms.AttendForm()
    found = queries.session(who, session_id)
    said: list[str] = []

    def deed() -> None:
        person = people.person(who, form.person.data) if form.person.data else _of_badge(form)
        first = found.attend(person, LIST if form.person.data else BADGE, who.account_id)
        said.append(_("%(name)s 到了", name=person.name) if first else _("%(name)s 已经签过到了", name=person.name))

    if taken(form, deed):
        return page.go(url_for("training.one", session_id=session_id), said[0])
    return _shown(queries.session(me(), session_id), 422, attend=form)


def _of_badge(form: forms.AttendForm) -> Any:
    """Whose badge was scanned or typed. Refuses other cards, and people out of reach."""
    card = cards.by_token(form.token.data) if form.token.data else cards.by_number(form.number.data)
    if card is None or not card.live or card.kind != CardKind.BADGE or card.person_id is None:
        raise Refusal("no_badge", "这不是我们的工作证，请再扫一次，或从名单里点", field="number")
    return people.person(me(), card.person_id)


@bp.post("/training/<uuid:session_id>/grade")
@allow("training.hold")
def grade(session_id: uuid.UUID) -> ResponseReturnValue:
    """How somebody did in the test; who passes has a certificate."""
    who, form = me(), forms.GradeForm()
    found = queries.session(who, session_id)
    made: list[Any] = []
    if taken(form, lambda: made.append(found.grade(form.person.data or ids.new(), _score(form), who.account_id))):
        return page.go(url_for("training.one", session_id=session_id), _("合格，发了证") if made[0] else _("记下了，这次没合格"))
    return _shown(queries.session(me(), session_id), 422, grade=form)


def _score(form: forms.GradeForm) -> int:
    return -1 if form.score.data is None else form.score.data


@bp.get("/training/certificates/<uuid:certificate_id>.pdf")
@allow("training.read")
def certificate(certificate_id: uuid.UUID) -> ResponseReturnValue:
    """A certificate on paper."""
    found, station, issuer = queries.certificate(me(), certificate_id)
    with in_chinese():
        paper = printing.Paper(
            _named()(found.person.name), course_name(found.course), station, found.number,
            show.day(found.passed_on, year=True), show.day(found.until, year=True) if found.until else _("长期"),
            issuer,
        )  # fmt: skip
        body = printing.certificates_pdf([paper])
    name = f"certificate-{found.number}.pdf"
    return Response(body, mimetype="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@bp.get("/training/certificates")
@allow("training.see")
def register() -> ResponseReturnValue:
    """证书册: each caregiver of a station and what she holds, until when."""
    who, today = me(), clock.today()
    stations = people.stations(who)
    wanted = ids.parse(request.args.get("station", ""))
    chosen = next((each for each in stations if each.id == wanted), stations[0] if len(stations) == 1 else None)
    held = [each for each in _courses() if each.get("certificate", True)]
    return page.render(
        "training/register.html", stations=stations, chosen=chosen, courses=held, today=today, named=_named(),
        rows=queries.register(who, chosen.id) if chosen else [],
    )  # fmt: skip


@bp.get("/my-training")
@allow("training.mine")
def mine() -> ResponseReturnValue:
    """A caregiver's certificates and the sessions ahead."""
    who, today = me(), clock.today()
    return page.render(
        "training/mine.html", certificates=queries.certificates(who.person_id), coming=queries.coming(who.person_id, today),
        today=today, asked=request.path, cards=len(models.cards(today)), learned=len(queries.learned(who.person_id)),
    )  # fmt: skip


@bp.get("/my-training/cards")
@allow("training.mine")
def cards_() -> ResponseReturnValue:
    """The learning cards, by course; those she has answered are ticked."""
    held, known = models.cards(clock.today()), queries.learned(me().person_id)
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in held:
        groups.setdefault(each["course"], []).append(each)
    return page.render("training/cards.html", groups=groups, known=known, all=len(held), said=_said)


@bp.route("/my-training/cards/<lesson>", methods=["GET", "POST"])
@allow("training.mine")
def card(lesson: str) -> ResponseReturnValue:
    """One card: three things to remember and one question."""
    held = models.cards(clock.today())
    at = next((n for n, each in enumerate(held) if each["code"] == lesson), None)
    if at is None:
        raise people.nothing()
    found, form = held[at], forms.AnswerForm()
    form.answer.label.text = _said(found["ask"])
    form.answer.choices = [(str(n), _said(each)) for n, each in enumerate(found["ask"]["answers"])]
    told: list[bool] = []
    taken(form, lambda: told.append(models.learn(me().person_id, found, int(form.answer.data or 0))))
    return page.render(
        "training/card.html", status=422 if form.errors else 200, found=found, form=form, said=_said,
        right=told[0] if told else None, following=held[at + 1]["code"] if at + 1 < len(held) else None,
        known=found["code"] in queries.learned(me().person_id),
    )  # fmt: skip


def _said(row: dict[str, Any]) -> str:
    return str(row["zh" if show.chinese() else "en"])
