"""Cards by token or typed number, and the cards of a household."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from webapp.access import Actor, within
from webapp.cards import number as numbers
from webapp.cards.models import ALPHABET, TOKEN_LENGTH, Card
from webapp.people.queries import nothing
from webapp.store import db, secrets


def by_token(token: str | None) -> Card | None:
    """The card of a scanned token, live or revoked; None for unknown and malformed ones."""
    plain = normal(token)
    return db.session().scalar(sa.select(Card).where(Card.token_digest == secrets.one_way(plain))) if plain else None


def normal(token: str | None) -> str | None:
    """The token out of what a scanner gave: a whole address or the bare token, any case. None when it is none."""
    text = (token or "").strip().rsplit("/", 1)[-1].upper()
    return text if len(text) == TOKEN_LENGTH and set(text) <= set(ALPHABET) else None


def by_number(text: str | None) -> Card | None:
    """The newest card of a typed 7-digit number; None when its check digit disagrees or there is none."""
    plain = numbers.parse(text or "")
    return db.session().scalar(sa.select(Card).where(Card.number == plain)) if plain else None


def card(actor: Actor, key: uuid.UUID) -> Card:
    """The card, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Card)).where(Card.id == key))
    if found is None:
        raise nothing()
    return found


def of_household(household_id: uuid.UUID) -> Sequence[Card]:
    """All cards of a household, newest first."""
    return db.session().scalars(sa.select(Card).where(Card.household_id == household_id).order_by(Card.made_at.desc())).all()
