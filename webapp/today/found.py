"""An elder who was found: what the stranger said, whom to ring, and what was done, until the elder is safe."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from webapp.access import Actor, within
from webapp.cards.models import Card, Sighting, SightingStep
from webapp.kit.words import _
from webapp.messages import queries as told
from webapp.messages.queries import Number
from webapp.outings import lost
from webapp.outings import queries as outings
from webapp.outings.models import LostCase
from webapp.people.desk import taken
from webapp.people.models import Account, Alert, Person, Resident
from webapp.people.queries import nothing
from webapp.store import db
from webapp.today.forms import STEPS, StepForm
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("found", __name__)


@dataclass(frozen=True)
class Case:
    """A sighting with whose card it was, what was done (step, by) in order, whom to ring."""

    sighting: Sighting
    resident: Resident | None
    alerts: Sequence[str]
    steps: Sequence[tuple[SightingStep, str]]
    numbers: Sequence[Number]
    search: LostCase | None
    """The open search for them."""


def case(actor: Actor, key: uuid.UUID) -> Case:
    """One case, within reach. Raises Missing."""
    session = db.session()
    row = session.execute(
        within(actor, sa.select(Sighting, Resident))
        .join(Card, Card.id == Sighting.card_id)
        .outerjoin(Resident, Resident.id == Card.resident_id)
        .where(Sighting.id == key)
    ).first()
    if row is None:
        raise nothing()
    sighting, resident = row
    steps = session.execute(
        sa.select(SightingStep, Person.name)
        .join(Account, Account.id == SightingStep.by_id)
        .join(Person, Person.id == Account.person_id)
        .where(SightingStep.sighting_id == key)
        .order_by(SightingStep.at, SightingStep.id)
    )
    alerts = session.scalars(sa.select(Alert.words).where(Alert.resident_id == resident.id, Alert.holds())) if resident else ()
    numbers = told.numbers(resident.household_id) if resident else []
    search = outings.of_sighting(sighting, resident.id if resident else None)
    return Case(sighting, resident, list(alerts), [(step, name) for step, name in steps], numbers, search)


@bp.route("/sightings/<uuid:sighting_id>", methods=["GET", "POST"])
@allow("messages.settle")
def show(sighting_id: uuid.UUID) -> ResponseReturnValue:
    """The case; a tap says what was done, and the stranger's page says it too."""
    who, form = me(), StepForm()
    found = case(who, sighting_id)
    if taken(form, lambda: _step(found.sighting, who.account_id, form.step.data, form.words.data or "")):
        return page.go(url_for("found.show", sighting_id=sighting_id), _("记下了，对方的手机上也看得到"))
    status = 422 if form.errors else 200
    return page.render("today/found.html", status=status, case=found, form=form, words=STEPS)


def _step(sighting: Sighting, by: uuid.UUID, step: str, words: str) -> None:
    if step == "taken":
        sighting.take_up(by)
    elif step == "coming":
        sighting.send(by, words)
    else:
        sighting.close(by, step, words)
        lost.met(sighting, by)
