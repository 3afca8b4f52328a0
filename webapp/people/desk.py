"""The desk of people's pages: their blueprint, and how an ordinary form is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, request, url_for
from flask.wrappers import Response

from webapp import access
from webapp.access import Actor
from webapp.kit import clock, ids, show
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import forms, models, queries, rules, taps
from webapp.people.forms import EditForm, wrong
from webapp.people.models import Person, Resident
from webapp.store import db, secrets
from webapp.web import page
from webapp.web.forms import KeyField, PlainForm
from webapp.web.guard import actor

bp = Blueprint("people", __name__)
WORDS = {
    "spot": dict(forms.SPOTS),
    "near": dict(forms.NEAR),
    "scope": dict(forms.SCOPES),
    "alert": dict(forms.ALERTS),
    "sex": dict(forms.SEXES),
    "how": dict(forms.HOW),
}
"""Code → words, for templates."""


def taken(form: PlainForm, deed: Callable[[], object]) -> bool:
    """Whether the form came, was good and its deed is done. A Refusal of the deed goes beside its field.

    A form that makes something is taken once: the second tap counts as done and does nothing.
    """
    if not form.is_submitted() or not form.validate():
        return False
    key = form["key"] if "key" in form else None  # noqa: SIM401 - forms have no get
    if isinstance(key, KeyField) and not taps.first_tap(key.data or ids.new()):
        return True
    try:
        deed()
        db.session().flush()
    except Refusal as refusal:
        blame(form, refusal)
        return False
    except sa.exc.IntegrityError:  # somebody was quicker with the same name or place: the page undoes what was begun
        form.form_errors.append(_("别人刚存了一样的，请返回看一看"))
        return False
    return True


def blame(form: PlainForm, refusal: Refusal) -> None:
    """Put the sentence of `refusal` beside the field it names, else above the form."""
    said, name = refusal.words(_), refusal.facts.get("field")
    if name in form:
        wrong(form[name], said)
    else:
        form.form_errors.append(said)


def form_page(form: PlainForm, template: str = "people/form.html", **facts: Any) -> Response:
    """The page of a form: 200 when it is opened, 422 when it comes back with something to change."""
    return page.render(template, status=422 if form.is_submitted() else 200, form=form, **facts)


def fresh(form: EditForm, values: Mapping[str, Any], typed: Callable[[], Mapping[str, Any]] | None = None) -> bool:
    """Whether nobody changed `values` since the form was opened; seals them into the form for the next time.

    What already says what was typed (`typed`, or the fields of the same names) is no change by another: a second tap.
    """
    told = secrets.sign(json.dumps(values, sort_keys=True, default=str), "seen")
    before = form.seen.data
    form.seen.data = told
    if not form.is_submitted() or before == told:
        return True
    if not form.validate():
        return False
    again = typed() if typed else {name: form[name].data for name in values}
    return all((again[name] or None) == (value or None) for name, value in values.items())


def stale_page(form: EditForm, now: Sequence[tuple[object, object]], **facts: Any) -> Response:
    """409: what was typed stays in the form, and `now` (label, value) is what is kept since."""
    return page.render(facts.pop("template", "people/form.html"), status=409, form=form, now=now, **facts)


def look(actor: Actor, household_id: Any, what: str, reason: str | None = None) -> None:
    """Write down that the actor looked; the same look again within a quarter of an hour takes no write lock."""
    if reason is None and queries.looked_lately(actor, household_id, what):
        return
    db.writes()
    models.looked(actor, household_id, what, reason)


def doors(*wanted: tuple[str, str, object, dict[str, Any]]) -> list[tuple[str, str, object]]:
    """(url, icon, words) of the pages other rooms have: (endpoint, icon, words, arguments).

    Left out are rooms that are not built and those the reader may not enter.
    """
    known, who = current_app.view_functions, actor()
    there = [
        each for each in wanted if each[0] in known and access.can(who, getattr(known[each[0]], "verb", None) or "people.self")
    ]
    return [(url_for(endpoint, **given), icon, words) for endpoint, icon, words, given in there]


def asked() -> str:
    """What stands in the search box."""
    return request.args.get("q", "").strip()[:60]


@bp.app_template_filter("mask_name")
def mask_name(name: str) -> str:
    """张福贵 → 张**, for templates."""
    return rules.mask_name(name)


@bp.app_template_filter("mask_phone")
def mask_phone(phone: str) -> str:
    """138****5678, for templates."""
    return rules.mask_phone(phone)


@bp.app_template_filter("day_of")
def day_of(at: datetime) -> date:
    """The household day of an instant, for templates."""
    return clock.day_of(at)


@bp.app_template_filter("last_day")
def last_day(until: datetime) -> date:
    """The last day of something that holds until an instant, for templates."""
    return clock.day_of(until - timedelta(milliseconds=1))


def age(resident: Resident) -> int | None:
    """Whole years today, when the birth is known."""
    return rules.age(resident.birth_date, clock.today()) if resident.birth_date else None


def born(who: Resident | Person) -> str:
    """A birth date in the reader's words, as far as it is known: 1944年5月6日, 1944年5月, 1944年; empty when it is not."""
    if who.birth_date is None:
        return ""
    if who.birth_precision == "year":
        return _("%(year)s年", year=who.birth_date.year)
    exact = who.birth_precision == "day"
    return show.day(who.birth_date, year=True) if exact else show.month(Month.of(who.birth_date))
