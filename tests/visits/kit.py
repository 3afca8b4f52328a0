"""Acts as phones send them, in one line each."""

from __future__ import annotations

from datetime import timedelta

from tests.world import HOME
from webapp.cards import models as cards
from webapp.kit import canonical, clock, ids
from webapp.roster import models as roster
from webapp.store import db, inbox
from webapp.store.inbox import Receipt

AT_HOME = {"lat_e6": HOME[0] + 100, "lon_e6": HOME[1], "accuracy_m": 20, "fix_age_ms": 3000, "place_state": "ok"}


def card_of(world, name="李秀兰"):
    """A live card of a resident and its token."""
    with db.transaction():
        card = cards.issue(cards.CardKind.RESIDENT, resident=world.resident(name))
        return card, card.token


def plate_of(world, name="李秀兰"):
    """A live plate of a household and its token."""
    with db.transaction():
        card = cards.issue(cards.CardKind.PLATE, household=world.household(name))
        return card, card.token


def planned_today(world, start_min, minutes=90, name="李秀兰"):
    """Today's shift of a household, planned for every day."""
    with db.transaction():
        row = roster.plan(world.household(name), range(7), start_min, minutes, ["MEAL-01", "MIND-01"])
    return row


def send(world, kind, /, who="wang", *, ago_min=0, key=None, at=None, chain=None, photos=(), **body) -> Receipt:
    """Post one act of the plain path, made `ago_min` minutes ago; as a step of `chain` when given."""
    body = {name: str(value) if hasattr(value, "hex") and not isinstance(value, str) else value for name, value in body.items()}
    made = at or clock.now() - timedelta(minutes=ago_min)
    envelope = inbox.plain(kind, body, list(photos), author=world.account(who).id, key=key or ids.new(), made_at=made)
    if chain:
        envelope["chain"] = str(chain)
        envelope["hash"] = canonical.envelope_digest(envelope).hex()
    db.settle()
    with world.app.test_request_context("/inbox", method="POST"):
        return inbox.receive(envelope, None)


def arrive(world, who="wang", name="李秀兰", *, visit=None, **body):
    """Arrive at a household; returns the visit's id and the receipt."""
    visit = visit or ids.new()
    body = {"household": world.household(name).id} | body
    return visit, send(world, "visits.arrive", who, visit=visit, **body)
