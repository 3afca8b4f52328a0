"""The calculators of `flask rules KIND FILE.json` and of the pages /rules/...: a rule tried on paper before it is changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from wtforms import Form, ValidationError

from webapp.applications import rules as applications
from webapp.evaluations import rules as evaluations
from webapp.health import ability
from webapp.health import rules as health
from webapp.inspections import rules as inspections
from webapp.inspections import words as inspected
from webapp.kit import cases, clock, days, show
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, _l
from webapp.people.queries import nothing
from webapp.store import rulebook
from webapp.web import page
from webapp.web.forms import ChoiceField, ChoicesField, TextField, optional, required
from webapp.web.guard import allow

bp = Blueprint("rules", __name__)
CALCULATORS: dict[str, cases.Calculator] = {
    "evaluation": evaluations.answer,
    "inspection": inspections.answer,
    "health": health.answer,
    "assessment": ability.answer,
    "subsidy": applications.answer,
    "calendar": days.answer,
    "draw": inspections.answer_draw,
}
"""Kind → how one case is answered by the rules of that kind."""
_HERE = Path(__file__).parent
for _kind, _path in {
    "evaluation": "evaluations/evaluation.json",
    "inspection": "inspections/inspection.json",
    "health": "health/health_check.json",
    "assessment": "health/assessment.json",
    "subsidy": "applications/subsidy_rules.json",
    "calendar": "store/calendars.json",
    "draw": "inspections/inspection.json",
}.items():
    rulebook.ship(_kind, _HERE / _path)


def calculate(kind: str, text: str, on: date, other: dict[str, Any] | None = None) -> str:
    """The cases in `text` answered by the rules that hold on a day, or by `other` rules; JSON in the cases' own form.

    Refuses what cannot be read or worked out.
    """
    found, single = cases.read(text)
    try:
        answers = cases.answer(CALCULATORS[kind], other or _rules(kind, on), found)
    except (KeyError, TypeError, ValueError, StopIteration, IndexError, ArithmeticError) as error:
        if other is None:
            raise
        raise Refusal("rule_set", "这套规则里缺东西，算不出来：%(what)s", what=repr(error)[:60]) from error
    return cases.write(answers[0] if single else answers)


def _rules(kind: str, on: date) -> dict[str, Any]:
    """The rules that hold; the shipped ones where there is no database yet."""
    try:
        return rulebook.current(kind, on)
    except sa.exc.DatabaseError:
        return rulebook.default(kind)


# -- the pages: one case, typed --

TITLES = {"evaluation": _l("试算月考核"), "inspection": _l("试算检查"), "calendar": _l("哪天上班")}
HUNDRED = Decimal(100)


@bp.get("/rules/<any(evaluation, inspection, calendar):kind>")
@allow("rules.try")
def case(kind: str) -> ResponseReturnValue:
    """One case typed and answered by the rules of a day; it stands in the address, nothing is written."""
    on, wrong = _day(request.args.get("on", "")), ""
    held = _rules(kind, on)
    template = _template(held) if kind == "inspection" else None
    typed = request.args if any(name not in ("on", "template", "lang") for name in request.args) else None
    form = _form(kind, held, template)(typed)
    found: dict[str, Any] | None = None
    if typed is not None and form.validate():
        try:
            found = CALCULATORS[kind](held, _case(kind, held, form))
        except Refusal as refusal:
            wrong = refusal.words(_)
    bad = typed is not None and found is None
    return page.render(
        "rules/case.html", status=422 if bad else 200, kind=kind, title=TITLES[kind], titles=TITLES, form=form, held=held, on=on,
        found=found, wrong=wrong, chosen=template, name=_name, answers=inspected.answers, how=inspected.how,
        field=inspections.field, show=show,
    )  # fmt: skip


def _name(row: Any) -> str:
    return str(row["zh" if show.chinese() else "en"])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return clock.today()


def _template(held: dict[str, Any]) -> dict[str, Any]:
    wanted = request.args.get("template", held["templates"][0]["code"])
    found = next((each for each in held["templates"] if each["code"] == wanted), None)
    if found is None:
        raise nothing()
    return dict(found)


class ExactField(TextField):
    """A number as it is written, up to 20 characters; nothing stays nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("", [optional()], most=20, **kwargs)

    def pre_validate(self, form: Any) -> None:
        """What cannot be read has its sentence beside it."""
        try:
            if self.data and not Decimal(self.data.rstrip("%％")).is_finite():
                raise InvalidOperation
        except InvalidOperation as error:
            raise ValidationError(str(_("这里只能填数字"))) from error

    @property
    def exact(self) -> Decimal | None:
        """The number."""
        return Decimal(self.data.rstrip("%％")) if self.data else None


def _form(kind: str, held: dict[str, Any], template: dict[str, Any] | None) -> type[Form]:
    if kind == "evaluation":
        return _evaluation_form(tuple(each["code"] for each in held["monthly"]["indicators"]))
    if kind == "calendar":
        return _calendar_form()
    codes = template["items"] if template else []
    return _inspection_form(tuple((each["code"], each["answer"]) for each in held["items"] if each["code"] in codes))


@cache
def _evaluation_form(codes: tuple[str, ...]) -> type[Form]:
    fields: dict[str, Any] = {code: ExactField() for code in codes}
    return type("CaseForm", (Form,), fields | {"adjustment": ExactField(), "vetoes": ChoicesField("", validate_choice=False)})


@cache
def _calendar_form() -> type[Form]:
    day = TextField(_l("哪一天"), [required(_l("请选一天"))], most=20, render_kw={"type": "date"})
    return type("CaseForm", (Form,), {"date": day})


@cache
def _inspection_form(items: tuple[tuple[str, str], ...]) -> type[Form]:
    fields: dict[str, Any] = {}
    for code, answer in items:
        if answer in (inspections.STARS, inspections.YES_NO):
            given = inspected.STARS if answer == inspections.STARS else inspected.ANSWERS
            fields[inspections.field(code)] = ChoiceField("", [optional()], choices=given)
        elif answer != inspections.TEXT:
            fields[inspections.field(code)] = ExactField()
    return type("CaseForm", (Form,), fields)


def _case(kind: str, held: dict[str, Any], form: Any) -> dict[str, Any]:
    """What was typed, as a case of the calculator: shares are typed in hundredths."""
    if kind == "calendar":
        return {"date": form.date.data}
    if kind == "inspection":
        fields = {inspections.field(each["code"]): each for each in held["items"]}
        told = {fields[each.name]["code"]: _answer(fields[each.name], each) for each in form}
        return {"answers": {code: value for code, value in told.items() if value is not None}}
    told = {}
    for each in held["monthly"]["indicators"]:
        value = form[each["code"]].exact
        share = each["kind"] == evaluations.COMPUTED and each["name"] != evaluations.STARS
        told[each["code"]] = value / HUNDRED if share and value is not None else value
    return {"ratios": told, "adjustment": form.adjustment.exact or 0, "vetoes": form.vetoes.data or []}


def _answer(item: dict[str, Any], field: Any) -> Any:
    if isinstance(field, ExactField):
        return field.exact
    return int(field.data) if field.data and item["answer"] == inspections.STARS else field.data
