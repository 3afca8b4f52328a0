"""Pages of inspections: the draw, the checklist at the home, what was found, putting it right, and what is published."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import MASKED, can
from webapp.cards import queries as cards
from webapp.inspections import drawing, forms, models, printing, queries, rules, words
from webapp.inspections.models import DONE, PLANNED, Inspection
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, in_chinese
from webapp.people import queries as people
from webapp.people.desk import blame, taken
from webapp.people.models import PlaceKind
from webapp.people.rules import mask_name
from webapp.store import files
from webapp.web import intake, limits, page
from webapp.web.guard import allow, me, open_door
from webapp.web.intake import Kept

bp = Blueprint("inspections", __name__)
NUMBERS_AN_HOUR = 30
KEPT = [Kept(forms.RecordForm, models.record)]


@bp.app_template_global("titled")
def titled(field: Any, words_: str) -> Any:
    """`field` of a form, called so: items of a checklist are named by the settings of the day."""
    field.label.text = words_
    return field


@bp.app_template_filter("inspected")
def inspected(item: dict[str, Any], answers: dict[str, Any]) -> tuple[str, str]:
    """(what was asked, what was answered)."""
    return words.name(item), words.answered(item, answers[item["code"]])


def _named() -> Any:
    return mask_name if me().role in MASKED else str


@bp.get("/inspections")
@allow("inspections.see")
def index() -> ResponseReturnValue:
    """What is to be inspected, and what was."""
    who = me()
    return page.render(
        "inspections/index.html", planned=queries.lines(who, PLANNED), done=queries.lines(who, DONE), words=words, named=_named(),
        held=models.settings(clock.today()), draws=queries.draws(who, 3) if can(who, "inspections.draw") else [],
        today=clock.today(),
    )  # fmt: skip


# -- the draw --


@bp.route("/inspections/draw", methods=["GET", "POST"])
@allow("inspections.draw")
def draw() -> ResponseReturnValue:
    """抽签: the lists as they stand, and how many."""
    who = me()
    place = people.place(who, who.place_id) if who.place_id else None
    if place is None or place.kind == PlaceKind.STATION:
        raise people.nothing()
    held = models.settings(clock.today())
    form = forms.DrawForm()
    form.template.choices = [(each["code"], words.name(each)) for each in held["templates"][:2]]
    made: list[models.Drawing] = []
    if taken(form, lambda: made.append(drawing.draw(who, place, form.many.data or 0, form.template.data or ""))):
        return page.go(url_for("inspections.drawn", drawing_id=made[0].id), _("抽好了，抽到的人都能看到"))
    free = drawing.inspectors(place)
    return page.render(
        "inspections/draw.html", status=422 if form.is_submitted() else 200, form=form, place=place, seed=drawing.seed_of(place),
        units=drawing.units(place, free), free=free,
    )  # fmt: skip


@bp.get("/inspections/draws/<uuid:drawing_id>")
@allow("inspections.see")
def drawn(drawing_id: uuid.UUID) -> ResponseReturnValue:
    """A draw as it was published: seed, list and result, so that anybody can repeat it."""
    found = queries.drawing(me(), drawing_id)
    return page.render("inspections/drawn.html", drawn=found, digest=drawing.digest(found))


@bp.get("/inspections/draws/<uuid:drawing_id>/list.json")
@allow("inspections.see")
def list_json(drawing_id: uuid.UUID) -> ResponseReturnValue:
    """What went into a draw and what came out, by number, in the form of `flask rules draw`."""
    found = queries.drawing(me(), drawing_id)
    return jsonify(seed=found.seed, units=found.units, inspectors=found.inspectors, many=found.many, drawn=found.drawn)


# -- at the home --


@bp.route("/households/<uuid:household_id>/inspect", methods=["GET", "POST"])
@allow("inspections.record")
def home(household_id: uuid.UUID) -> ResponseReturnValue:
    """The checklist of a household; scanning its plate opens it."""
    if request.method == "POST" and (answer := _posted()) is not None:
        return answer
    found = people.household(me(), household_id)
    return _checklist("home_quick", ("home_quick", "home_full"), found.station_id, found.name, household=found.id)


@bp.route("/inspections/scan", methods=["GET", "POST"])
@allow("inspections.record")
def scan() -> ResponseReturnValue:
    """Surprise: the plate of a home is scanned, or its number typed, and the checklist opens."""
    form = forms.PlateForm()

    def deed() -> None:
        card = cards.by_token(form.token.data) if form.token.data else cards.by_number(form.number.data or "")
        if card is None or not card.live or card.household_id is None or not people.reaches(me(), card.household_id):
            raise Refusal("no_plate", "这不是您这里的门牌，请再扫一次，或输门牌上的号码", field="number")
        found.append(card.household_id)

    found: list[uuid.UUID] = []
    if form.is_submitted() and not form.token.data:
        limits.check("number", str(me().account_id), most=NUMBERS_AN_HOUR)
    if taken(form, deed):
        return page.go(url_for("inspections.home", household_id=found[0]))
    if form.is_submitted() and not form.token.data:
        limits.count("number", str(me().account_id), within=timedelta(hours=1))
    return page.render("inspections/scan.html", status=422 if form.is_submitted() else 200, form=form)


@bp.route("/inspections/plate", methods=["GET", "POST"])
@allow("inspections.record")
def plate() -> ResponseReturnValue:
    """The checklist behind a plate this phone does not know, kept for days without network: whose it is, the plate says."""
    if request.method == "POST" and (answer := _posted()) is not None:
        return answer
    return _checklist("home_quick", ("home_quick",), None, _("刚扫的这一户"), inspection=ids.parse(request.args.get("visit")))


@bp.route("/places/<uuid:place_id>/inspect", methods=["GET", "POST"])
@allow("inspections.record")
def place(place_id: uuid.UUID) -> ResponseReturnValue:
    """The checklist of a station or street."""
    if request.method == "POST" and (answer := _posted()) is not None:
        return answer
    found = people.place(me(), place_id)
    known = "station" if found.kind == PlaceKind.STATION else "street"
    return _checklist(known, (known,), found.id, found.name, place=found.id)


@bp.get("/households/<uuid:household_id>/inspect.pdf")
@allow("inspections.record")
def home_paper(household_id: uuid.UUID) -> ResponseReturnValue:
    """The checklist of a household in large print."""
    found = people.household(me(), household_id)
    return _paper(found.name, ("home_quick", "home_full"))


@bp.get("/places/<uuid:place_id>/inspect.pdf")
@allow("inspections.record")
def place_paper(place_id: uuid.UUID) -> ResponseReturnValue:
    """The checklist of a station or street in large print."""
    found = people.place(me(), place_id)
    return _paper(found.name, ("station",) if found.kind == PlaceKind.STATION else ("street",))


def _paper(where: str, offered: tuple[str, ...]) -> ResponseReturnValue:
    held, wanted = models.settings(clock.today()), request.args.get("template", offered[0])
    chosen = next((each for each in held["templates"] if each["code"] == wanted and wanted in offered), None)
    if chosen is None:
        raise people.nothing()
    with in_chinese():
        body = printing.checklist_pdf(printing.Paper(words.name(chosen), where, _groups(held, chosen)))
    return Response(body, mimetype="application/pdf", headers={"Content-Disposition": 'inline; filename="checklist.pdf"'})


def _posted() -> ResponseReturnValue | None:
    """Kept before asking whose home it is: what was typed is not lost, the verb judges it."""
    form = forms.RecordForm(request.form)
    return page.go(url_for("inspections.index"), _(intake.receive(form).say)) if form.validate() else None


def _checklist(
    usual: str, offered: tuple[str, ...], place_id: uuid.UUID | None, name: str, **unit: uuid.UUID | None
) -> ResponseReturnValue:
    who, held = me(), models.settings(clock.today())
    due = queries.planned(who, unit.get("household"), place_id) if place_id else None
    wanted = request.values.get("template") or (due.template if due else usual)
    chosen = next((each for each in held["templates"] if each["code"] == wanted and wanted in offered), None)
    if chosen is None:
        raise people.nothing()
    posted = request.method == "POST"
    given = {**unit, "inspection": due.id if due else unit.get("inspection") or ids.new(), "template": wanted}
    form: Any = forms.RecordForm(request.form if posted else None, data=given)
    if posted:
        form.validate()
    return page.render(
        "inspections/check.html", status=422 if posted else 200, form=form, name=name, chosen=chosen, words=words, rules=rules,
        groups=_groups(held, chosen), others=[each for each in held["templates"] if each["code"] in offered and each != chosen],
        here=request.path, due=due, unit=unit, plate=place_id is None,
        critical={each["code"] for each in held["items"] if each["severity"] == "critical"},
    )  # fmt: skip


def _groups(held: dict[str, Any], template: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The items of a template under their groups, in the order of the list."""
    items = {each["code"]: each for each in held["items"]}
    asked = [items[code] for code in template["items"]]
    return [(group, mine) for group in held["groups"] if (mine := [each for each in asked if each["group"] == group["code"]])]


# -- what was found --


@bp.get("/inspections/<uuid:inspection_id>")
@allow("inspections.see")
def show(inspection_id: uuid.UUID) -> ResponseReturnValue:
    """One inspection: pass rate, what was answered, what must be put right."""
    return _shown(queries.one(me(), inspection_id))


def _shown(found: Inspection, status: int = 200, **given: Any) -> ResponseReturnValue:
    held = models.settings(found.day)
    template = next(each for each in held["templates"] if each["code"] == found.template)
    people_ = [found.by_id, *(each.fixed_by for each in found.findings), *(each.verified_by for each in found.findings)]
    return page.render(
        "inspections/show.html", status=status, found=found, held=held, words=words, groups=_groups(held, template),
        items={each["code"]: each for each in held["items"]}, named=_named(), today=clock.today(), chosen=template,
        names=people.names([key for key in people_ if key]), going=queries.going(found.id) if found.draw_id else [],
        **{"fix": forms.FixForm(formdata=None), "give": forms.OwnerForm(formdata=None), "accept": forms.AcceptForm(formdata=None),
           "reply": forms.ReplyForm(formdata=None), "wrong": None} | given,
    )  # fmt: skip


@bp.post("/inspection-findings/<uuid:finding_id>/owner")
@allow("inspections.mend")
def owner(finding_id: uuid.UUID) -> ResponseReturnValue:
    """The station names who puts it right."""
    form = forms.OwnerForm()
    found = queries.finding(me(), finding_id)
    if taken(form, lambda: found.give(me(), form.owner.data or "")):
        return page.go(url_for("inspections.show", inspection_id=found.inspection_id), _("记下了"))
    return _shown(queries.one(me(), found.inspection_id), 422, give=form, wrong=finding_id)


@bp.post("/inspection-findings/<uuid:finding_id>/fix")
@allow("inspections.mend")
def fix(finding_id: uuid.UUID) -> ResponseReturnValue:
    """The station put it right, and shows it."""
    form = forms.FixForm()
    photo = _picture(form) if form.validate() else None
    found = queries.finding(me(), finding_id)
    back = url_for("inspections.show", inspection_id=found.inspection_id)
    if not form.form_errors and taken(form, lambda: found.fix(me(), form.owner.data or "", form.proof.data or "", photo)):
        return page.go(back, _("报上去了，等监督员复查"))
    return _shown(queries.one(me(), found.inspection_id), 422, fix=form, wrong=finding_id)


def _picture(form: forms.FixForm) -> str | None:
    """The digest of the picture, if there is one; Pillow takes its time before the write lock."""
    try:
        uploads = [each for each in form.photo.data or () if getattr(each, "filename", "")]
        return files.take(uploads[0].read(files.BYTES + 1)) if uploads else None
    except Refusal as refusal:
        blame(form, refusal)
        return None


@bp.post("/inspection-findings/<uuid:finding_id>/accept")
@allow("inspections.accept")
def accept(finding_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody looked again."""
    form = forms.AcceptForm()
    found = queries.finding(me(), finding_id)
    back = url_for("inspections.show", inspection_id=found.inspection_id)
    if taken(form, lambda: found.accept(me(), form.good.data == "yes", form.why.data or "")):
        return page.go(back, _("记下了"))
    return _shown(queries.one(me(), found.inspection_id), 422, accept=form, wrong=finding_id)


@bp.post("/inspections/<uuid:inspection_id>/reply")
@allow("inspections.mend")
def reply(inspection_id: uuid.UUID) -> ResponseReturnValue:
    """The office answers a suggestion."""
    form = forms.ReplyForm()
    found = queries.one(me(), inspection_id)
    if taken(form, lambda: found.answer(me(), form.words.data or "")):
        return page.go(url_for("inspections.show", inspection_id=inspection_id), _("答复好了"))
    return _shown(queries.one(me(), inspection_id), 422, reply=form)


@bp.get("/inspections/photos/<sha256>")
@allow("inspections.see")
def photo(sha256: str) -> ResponseReturnValue:
    """A picture of an inspection within reach."""
    return page.photo(queries.photo(me(), sha256))


@bp.get("/published/inspections")
@open_door
def published() -> ResponseReturnValue:
    """结果公开: the last quarter without names, addresses, health or sums; anybody may read it."""
    return page.render("inspections/published.html", rows=queries.published(), words=words, held=models.settings(clock.today()))
