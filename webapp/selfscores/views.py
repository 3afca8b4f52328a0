"""Pages of self-scoring: the units of a year, one unit's form, the check by the office above, and the district's own items."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import can
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, in_chinese
from webapp.people import queries as people
from webapp.people.desk import taken
from webapp.people.models import Place
from webapp.selfscores import forms, models, printing, queries, rules, words
from webapp.selfscores.models import KINDS, OPEN, SENT, SelfScore
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("selfscores", __name__)


@bp.get("/self-scores")
@allow("selfscores.see")
def index() -> ResponseReturnValue:
    """The units of a year and how far each is."""
    year = request.args.get("year", clock.today().year, type=int)
    year = year if 2000 <= year <= clock.today().year else clock.today().year
    return page.render(
        "selfscores/index.html", rows=queries.of_year(me(), year), year=year, this=clock.today().year, words=words, kinds=KINDS,
        full={kind: rules.full(models.form(kind, clock.today())["items"]) for kind in KINDS},
    )  # fmt: skip


@bp.get("/self-scores/<uuid:place_id>/<int:year>")
@allow("selfscores.see")
def show(place_id: uuid.UUID, year: int) -> ResponseReturnValue:
    """One unit's form."""
    return _shown(queries.unit(me(), place_id), _year(year))


def _year(year: int) -> int:
    if not 2000 <= year <= clock.today().year:
        raise people.nothing()
    return year


def _shown(place: Place, year: int, status: int = 200, **given: Any) -> ResponseReturnValue:
    who, found = me(), queries.scores(me(), place.id, year)
    held = models.form(place.kind, clock.today())
    items, lines = (found.asked, found.lines) if found else (held["items"], {})
    made: dict[str, Any] = {"own": None, "check": None}
    if can(who, "selfscores.fill") and who.place_id == place.id and (found is None or found.state == OPEN):
        made["own"] = _own_form(items, lines, None)
    if can(who, "selfscores.check") and who.place_id != place.id and found is not None and found.state == SENT:
        made["check"] = _check_form(items, lines, None)
    keys = [key for key in (found.sent_by, found.checked_by) if key] if found else []
    return page.render(
        "selfscores/show.html", status=status, found=found, place=place, year=year, title=words.name(held), items=items,
        lines=lines, words=words, rules=rules, full=rules.full(items), names=people.names(keys), **made | given,
    )  # fmt: skip


def _own_form(items: rules.Items, lines: rules.Lines, formdata: Any) -> Any:
    given = {f"own_{code}": line["own"] for code, line in lines.items()}
    given |= {f"proof_{code}": line["proof"] for code, line in lines.items()}
    return forms.own_form([each["code"] for each in items])(formdata=formdata, data=given)


def _check_form(items: rules.Items, lines: rules.Lines, formdata: Any) -> Any:
    return forms.check_form([each["code"] for each in items])(
        formdata=formdata, data={f"checked_{code}": line["own"] for code, line in lines.items()}
    )


@bp.post("/self-scores/<uuid:place_id>/<int:year>")
@allow("selfscores.fill")
def fill(place_id: uuid.UUID, year: int) -> ResponseReturnValue:
    """The unit writes its own scores down, and sends them up."""
    who, place = me(), queries.unit(me(), place_id)
    if place.id != who.place_id:
        raise Refusal("other_unit", "各单位给自己打分，请让他们自己填")
    found, send = models.begin(place, _year(year)), request.form.get("deed") == "send"
    form = _own_form(found.asked, {}, request.form)

    def deed() -> None:
        found.fill({code: (form[f"own_{code}"].data, form[f"proof_{code}"].data or "") for code in _codes(found)})
        if send:
            found.send(who)

    if taken(form, deed):
        there = url_for("selfscores.show", place_id=place_id, year=year)
        return page.go(there, _("交上去了，等上级核") if send else _("存好了，还没交"))
    return _shown(place, year, 422, own=form)


def _codes(found: SelfScore) -> list[str]:
    return [each["code"] for each in found.asked]


@bp.post("/self-scores/<uuid:place_id>/<int:year>/check")
@allow("selfscores.check")
def check(place_id: uuid.UUID, year: int) -> ResponseReturnValue:
    """The office above checks every item."""
    who, place = me(), queries.unit(me(), place_id)
    found = queries.scores(who, place.id, _year(year))
    if found is None:
        raise Refusal("not_sent", "还没交上来，或已经核过了")
    form = _check_form(found.asked, {}, request.form)

    def deed() -> None:
        found.check(who, {code: (form[f"checked_{code}"].data, form[f"why_{code}"].data or "") for code in _codes(found)})

    if taken(form, deed):
        return page.go(url_for("selfscores.show", place_id=place_id, year=year), _("核好了，他们能看到"))
    return _shown(place, year, 422, check=form)


@bp.get("/self-scores/<uuid:place_id>/<int:year>/form.pdf")
@allow("selfscores.see")
def form_pdf(place_id: uuid.UUID, year: int) -> ResponseReturnValue:
    """The form on paper; blank where nothing is written yet."""
    place = queries.unit(me(), place_id)
    found = queries.scores(me(), place.id, _year(year))
    held = models.form(place.kind, clock.today())
    items, lines = (found.asked, found.lines) if found else (held["items"], {})
    with in_chinese():
        told = [
            (each["zh"], str(each["full"]), _blank(line.get("own")), _blank(line.get("checked")),
             _("；").join(part for part in (line.get("proof", ""), line.get("why", "")) if part))
            for each in items for line in (lines.get(each["code"], {}),)
        ]  # fmt: skip
        sums = [rules.total(items, lines, which) for which in (rules.OWN, rules.CHECKED)]
        paper = printing.Paper(held["zh"], place.name, year, told, (str(rules.full(items)), _blank(sums[0]), _blank(sums[1])))
        body = printing.form_pdf(paper)
    name = f"self-score-{place.code}-{year}.pdf"
    return Response(body, mimetype="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _blank(tenths: int | None) -> str:
    return "" if tenths is None else words.points(tenths)


@bp.route("/self-scores/items/<any(station, street):unit>", methods=["GET", "POST"])
@allow("selfscores.rule")
def items(unit: str) -> ResponseReturnValue:
    """The district writes the items of its own form."""
    held = models.form(unit, clock.today())
    form = forms.ItemsForm(data={"items": rules.written(held["items"])})
    if taken(form, lambda: models.put(unit, rules.read(form.items.data or "", held["items"]))):
        return page.go(url_for("selfscores.items", unit=unit), _("记下了，交过的表不变"))
    return page.render(
        "selfscores/items.html", status=422 if form.is_submitted() else 200, form=form, unit=unit, title=words.name(held),
        other=next(each for each in KINDS if each != unit), full=rules.full(held["items"]),
    )  # fmt: skip
