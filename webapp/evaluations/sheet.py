"""Pages of one sheet: its points and the records behind them, the deeds in their one order, and her own answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import Actor, can
from webapp.evaluations import behind, counting, faults, models, queries, words
from webapp.evaluations.desk import bp, named
from webapp.evaluations.forms import FaultForm, JudgeForm, ObjectForm, ReplyForm, ReviewForm, VetoForm
from webapp.evaluations.models import OPEN, SEALED, Evaluation
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.show import chinese
from webapp.kit.show import day as said_day
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.web import guard, page
from webapp.web.guard import allow


@bp.get("/evaluations/<uuid:evaluation_id>")
@allow("evaluations.see")
def show(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """One sheet: points, the records behind them, what was said, and the next deed."""
    found = queries.sheet(guard.me(), evaluation_id)
    return _sheet(found)


def _sheet(found: Evaluation, status: int = 200, **given: Any) -> ResponseReturnValue:
    who = guard.me()
    own = found.caregiver_id == who.person_id
    held = models.settings(found.of)
    around = [] if own else queries.neighbours(found)
    at = around.index(found.id) if found.id in around else 0
    stands = found.stands
    facts = found.counted if stands is found else models.counted(stands.facts, found.corrections, stands.home, stands.attitude)
    past = [each for each in queries.year(found.caregiver_id, found.of) if each.total is not None]
    forms = _forms(found, held, who) | given
    return page.render(
        "evaluations/show.html", status=status, sheet=found, stands=stands, own=own, held=held, words=words,
        rows=words.rows(held, facts, stands.points, own=own), facts=facts, at=at + 1, of=len(around), past=past,
        previous=around[at - 1] if around and at else None, following=around[at + 1] if at + 1 < len(around) else None,
        named=named(), names=people.names(_accounts(found)), open=found.state in OPEN, today=clock.today(),
        chips=_chips(held), step=words.next_step(facts, stands.points, held) if own else "", faults=faults.of(found), **forms,
    )  # fmt: skip


def _accounts(found: Evaluation) -> list[uuid.UUID]:
    keys = [found.judged_by, found.signed_by, found.sealed_by, *(each.by_id for each in found.reviews)]
    return [key for key in keys if key is not None]


def _forms(found: Evaluation, held: dict[str, Any], who: Actor) -> dict[str, Any]:
    """The forms whoever looks may fill in now, empty."""
    made: dict[str, Any] = {}
    if can(who, "evaluations.judge") and found.state in OPEN:
        made |= {"judge": _judge_form(found, held, None), "reply": ReplyForm(formdata=None), "veto": _veto_form(held, None)}
    if can(who, "evaluations.review") and found.state == SEALED:
        made["review"] = _review_form(found, held, None)
    return made


def _chips(held: dict[str, Any]) -> dict[str, list[str]]:
    """Words to start a sentence from, by indicator."""
    tongue = "zh" if chinese() else "en"
    chips = held["monthly"].get("chips", {})
    return {code: [*each[f"high_{tongue}"], *each[f"low_{tongue}"]] for code, each in chips.items()}


def _scale(held: dict[str, Any], name: str) -> list[tuple[str, str]]:
    each = next(one for one in held["monthly"]["indicators"] if one["name"] == name)
    said = each["anchors_zh" if chinese() else "anchors_en"]
    return [(str(n), str(text)) for n, text in zip(each["scale"], said, strict=True)]


def _judge_form(found: Evaluation, held: dict[str, Any], formdata: Any) -> JudgeForm:
    given = {
        "home": "none" if found.home is None and found.judged_at else found.home if found.home is None else str(found.home),
        "attitude": None if found.attitude is None else str(found.attitude), "home_words": found.home_words,
        "attitude_words": found.attitude_words, "words": found.words, "adjustment_words": found.adjustment_words,
        "adjustment": words.signed(found.adjustment) if found.adjustment else "",
    }  # fmt: skip
    form = JudgeForm(formdata=formdata, data=given)
    form.home.choices = [("none", _("这个月没去看")), *_scale(held, "home_condition")]
    form.attitude.choices = _scale(held, "attitude")
    return form


def _veto_form(held: dict[str, Any], formdata: Any) -> VetoForm:
    form = VetoForm(formdata=formdata)
    form.code.choices = [("", _("请选一个")), *((each["code"], words.name(each)) for each in held["vetoes"]["items"])]
    return form


def _review_form(found: Evaluation, held: dict[str, Any], formdata: Any) -> ReviewForm:
    stands = found.stands
    given = {"home": "none" if stands.home is None else str(stands.home), "attitude": str(stands.attitude)}
    form = ReviewForm(formdata=formdata, data=given)
    form.home.choices = [("none", _("这个月没去看")), *_scale(held, "home_condition")]
    form.attitude.choices = _scale(held, "attitude")
    return form


def _object_form(held: dict[str, Any], formdata: Any) -> ObjectForm:
    form = ObjectForm(formdata=formdata)
    form.code.choices = [("", _("整张表")), *((each["code"], words.name(each)) for each in held["monthly"]["indicators"])]
    return form


@bp.post("/evaluations/<uuid:evaluation_id>/judge")
@allow("evaluations.judge")
def judge(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """The head's marks and words."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    form = _judge_form(found, models.settings(found.of), request.form)
    texts = {"home": form.home_words.data, "attitude": form.attitude_words.data, "words": form.words.data,
             "adjustment": form.adjustment_words.data}  # fmt: skip

    def deed() -> None:
        home = None if form.home.data == "none" else int(form.home.data or 0)
        said = {name: text or "" for name, text in texts.items()}
        found.judge(who, home, int(form.attitude.data or 0), said, _points_typed(form.adjustment.data))

    if taken(form, deed):
        return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), _("评好了，她在手机上能看到"))
    return _again(evaluation_id, judge=form)


def _points_typed(text: str | None) -> int:
    """Tenths from "+1.5". Refuses anything else."""
    plain = (text or "").strip().replace("−", "-").replace("＋", "+")
    try:
        exact = Decimal(plain or "0") * 10
    except InvalidOperation as error:
        raise Refusal("number", "加减分要填数，比如 1.5 或 -2", field="adjustment") from error
    if not exact.is_finite() or exact != exact.to_integral_value() or abs(exact) > 1000:
        raise Refusal("number", "加减分要填数，比如 1.5 或 -2", field="adjustment")
    return int(exact)


def _again(evaluation_id: uuid.UUID, **given: Any) -> ResponseReturnValue:
    """The sheet as it stands, with what was typed and what is wrong with it."""
    return _sheet(queries.sheet(guard.me(), evaluation_id), 422, **given)


def _deed(evaluation_id: uuid.UUID, verb: Callable[[Evaluation, Actor], object], said: str) -> ResponseReturnValue:
    who = guard.me()
    verb(queries.sheet(who, evaluation_id), who)
    return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), said)


@bp.post("/evaluations/<uuid:evaluation_id>/sign")
@allow("evaluations.judge")
def sign(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """The head signs."""
    return _deed(evaluation_id, Evaluation.sign, _("签好了，等街道来定"))


@bp.post("/evaluations/<uuid:evaluation_id>/seal")
@allow("evaluations.seal")
def seal(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """The street confirms."""
    return _deed(evaluation_id, Evaluation.seal, _("定了。以后只有复核能改"))


@bp.post("/evaluations/<uuid:evaluation_id>/reply")
@allow("evaluations.judge")
def reply(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """The head answers an objection: upheld or not."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    form = ReplyForm(formdata=request.form)

    def deed() -> None:
        one = queries.objection(found, form.objection.data)
        found.reply(one, who, form.upheld.data == "yes", form.words.data or "", form.figure.data)

    if taken(form, deed):
        return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), _("答复好了，她能看到"))
    return _again(evaluation_id, reply=form)


@bp.route("/evaluations/<uuid:evaluation_id>/faults", methods=["GET", "POST"])
@allow("evaluations.judge")
def fault(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """A complaint was found true, or a serious thing preventable."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    said = faults.complaints(who, found)
    form = FaultForm(request.form if request.method == "POST" else None)
    told = ((str(each.id), f"{said_day(clock.day_of(each.made_at))} {each.number}") for each in said)
    form.complaint.choices = [("", _("不是投诉里来的")), *told]

    def deed() -> None:
        chosen = next((each for each in said if str(each.id) == form.complaint.data), None)
        faults.find(found, who, form.kind.data or "", form.words.data or "", chosen)

    if taken(form, deed):
        return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), _("记下了，分数跟着变了，她能看到"))
    return page.render(
        "evaluations/fault.html", status=422 if form.is_submitted() else 200, sheet=found, form=form, named=named()
    )


@bp.post("/evaluations/<uuid:evaluation_id>/faults/withdraw")
@allow("evaluations.judge")
def withdraw(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """It was not so after all."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    one = faults.one(found, ids.parse(request.form.get("fault", "")))
    if one is None:
        raise Refusal("choice", "请选一项", field="fault")
    faults.withdraw(one, found, who)
    return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), _("撤掉了"))


@bp.post("/evaluations/<uuid:evaluation_id>/veto")
@allow("evaluations.judge")
def veto(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """The head puts a veto forward, having heard her."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    form = _veto_form(models.settings(found.of), request.form)
    if taken(form, lambda: found.veto(who, form.code.data or "", form.words.data or "", form.heard.data or "")):
        return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), _("提出来了，要街道再确认才算"))
    return _again(evaluation_id, veto=form)


@bp.post("/evaluations/<uuid:evaluation_id>/veto/confirm")
@allow("evaluations.seal")
def confirm_veto(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """The street confirms a veto."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    key = ids.parse(request.form.get("veto", ""))
    if key is None:
        raise Refusal("choice", "请选一项", field="veto")
    found.confirm_veto(queries.veto(found, key), who)
    return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), _("确认了"))


@bp.post("/evaluations/<uuid:evaluation_id>/review")
@allow("evaluations.review")
def review(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """A sealed sheet counted anew, with a reason; the old one stays beside it."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    form = _review_form(found, models.settings(found.of), request.form)

    def deed() -> None:
        facts = counting.count(found.of, found.caregiver_id).get(found.caregiver_id) or counting.empty()
        home = int(form.home.data) if (form.home.data or "none") != "none" else None
        found.review(who, form.why.data or "", facts, home, int(form.attitude.data or 0))

    if taken(form, deed):
        return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), _("复核好了，新旧两个分都留着"))
    return _again(evaluation_id, review=form)


@bp.get("/evaluations/<uuid:evaluation_id>/records/<indicator>")
@allow("evaluations.behind")
def records(evaluation_id: uuid.UUID, indicator: str) -> ResponseReturnValue:
    """The records behind one figure."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    held = models.settings(found.of)
    each = next((one for one in held["monthly"]["indicators"] if one["code"] == indicator), None)
    if each is None:
        raise people.nothing()
    own = found.caregiver_id == who.person_id
    hidden = own and each["name"] == "elder_opinion"
    return page.render(
        "evaluations/records.html", sheet=found, title=words.name(each), why=words.why(each["name"], found.counted, own=own),
        records=[] if hidden else behind.records(found, indicator), named=named(), weight=each["weight"], own=own,
        points=None if own and each["name"] == "elder_opinion" else found.points.get(indicator),
        right=found.corrections.get(models.CORRECTABLE.get(indicator, "")),
    )  # fmt: skip


@bp.get("/evaluations/<uuid:evaluation_id>/check")
@allow("evaluations.compare")
def check(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """Count one sheet's records again and name every difference."""
    found = queries.sheet(guard.me(), evaluation_id)
    now = counting.count(found.of, found.caregiver_id).get(found.caregiver_id) or counting.empty()
    other = [(name, found.facts.get(name), now[name]) for name in now if found.facts.get(name) != now[name]]
    again = models.reckoned(found.of, found.counted, found.adjustment, found.vetoed)
    return page.render(
        "evaluations/check.html", sheet=found, other=other, same=again["points"] == found.points, again=again, named=named()
    )


@bp.post("/evaluations/<uuid:evaluation_id>/seen")
@allow("evaluations.answer")
def seen(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """我看过了."""
    return _deed(evaluation_id, Evaluation.see, _("好，站长知道您看过了"))


@bp.route("/evaluations/<uuid:evaluation_id>/object", methods=["GET", "POST"])
@allow("evaluations.answer")
def object_(evaluation_id: uuid.UUID) -> ResponseReturnValue:
    """我有不同意见."""
    who = guard.me()
    found = queries.sheet(who, evaluation_id)
    form = _object_form(models.settings(found.of), request.form if request.method == "POST" else None)
    if taken(form, lambda: found.object(who, form.code.data or "", form.words.data or "")):
        return page.go(url_for("evaluations.show", evaluation_id=evaluation_id), _("您的意见交上去了，3天内回话"))
    return page.render("evaluations/object.html", status=422 if form.is_submitted() else 200, sheet=found, form=form)
