"""Cards by token or typed number, what a household or person holds, who bears a card, who opened one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased, selectinload

from webapp.access import Actor, Role, within
from webapp.cards import number as numbers
from webapp.cards.models import ALPHABET, TOKEN_LENGTH, Card, Scan
from webapp.cards.rules import Opening
from webapp.people.models import Account, Grant, Household, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.store import db, secrets


def by_token(token: str | None) -> Card | None:
    """The card of a scanned token, live or revoked; None for unknown and malformed ones."""
    plain = normal(token) or ""  # asked all the same: a malformed one must not be answered sooner
    return db.session().scalar(sa.select(Card).where(Card.token_digest == secrets.one_way(plain)))


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


def of_person(person_id: uuid.UUID) -> Sequence[Card]:
    """All badges of a person, newest first."""
    return db.session().scalars(sa.select(Card).where(Card.person_id == person_id).order_by(Card.made_at.desc())).all()


# --- who bears it --------------------


@dataclass(frozen=True)
class Issued:
    """A card with its station and street, and the household, resident or person it stands for. `role`: a badge's first."""

    card: Card
    station: Place
    street: Place | None
    household: Household | None
    resident: Resident | None
    person: Person | None
    role: Role | None = None

    @property
    def name(self) -> str:
        """Whose it is, as lists show it."""
        bearer = self.resident or self.person or self.household
        return bearer.name if bearer else ""


def issued(actor: Actor, key: uuid.UUID) -> Issued:
    """One card with its bearer, within reach. Raises Missing."""
    found = several(actor, [key])
    if not found:
        raise nothing()
    return found[0]


def several(actor: Actor, keys: Sequence[uuid.UUID]) -> list[Issued]:
    """Those of `keys` within reach, by household or person number: in the order people sort them by hand."""
    street, station_id = aliased(Place), sa.func.coalesce(Household.station_id, Card.station_id)
    ask = (
        within(actor, sa.select(Card, Place, street, Household, Resident, Person))
        .where(Card.id.in_(keys))
        .outerjoin(Household, Household.id == Card.household_id)
        .outerjoin(Resident, Resident.id == Card.resident_id)
        .outerjoin(Person, Person.id == Card.person_id)
        .join(Place, Place.id == station_id)
        .outerjoin(street, street.id == Place.street_id)
        .order_by(Household.number, Person.number, Resident.number, Card.made_at)
        .options(selectinload(Resident.alerts))
    )
    rows = db.session().execute(ask).unique().all()
    roles = _roles([person.id for *_others, person in rows if person])
    return [Issued(*row, role=roles.get(row[5].id) if row[5] else None) for row in rows]


def _roles(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Role]:
    if not person_ids:
        return {}
    held = db.session().execute(
        sa.select(Account.person_id, Grant.role)
        .join(Grant, Grant.account_id == Account.id)
        .where(Account.person_id.in_(person_ids), Grant.holds())
        .order_by(Grant.since.desc())
    )
    return {key: Role(role) for key, role in held}


def home(actor: Actor, key: uuid.UUID) -> Household:
    """The household with its residents, within reach. Raises Missing."""
    ask = within(actor, sa.select(Household)).where(Household.id == key).options(selectinload(Household.residents))
    found = db.session().scalar(ask)
    if found is None:
        raise nothing()
    return found


def homes(
    actor: Actor, station_id: uuid.UUID, keys: Sequence[uuid.UUID] | None = None, *, after: str = "", limit: int | None = None
) -> Sequence[Household]:
    """The station's households cared for, with residents, by number; only those of `keys` when given, those after a number."""
    ask = within(actor, sa.select(Household)).where(
        Household.station_id == station_id, Household.ended_on.is_(None), Household.number > after
    )
    if keys is not None:
        ask = ask.where(Household.id.in_(keys))
    whole = ask.options(selectinload(Household.residents)).order_by(Household.number).limit(limit)
    return db.session().scalars(whole).all()


def station(key: uuid.UUID) -> tuple[Place, Place | None]:
    """A station and the street above it."""
    street = aliased(Place)
    row = db.session().execute(sa.select(Place, street).outerjoin(street, street.id == Place.street_id).where(Place.id == key))
    found, above = row.one()
    return found, above


def station_of(card: Card) -> Place:
    """Who answers for a card today: the station of its household, which may have moved since the card was made."""
    home = db.session().get(Household, card.household_id) if card.household_id else None
    return db.session().get_one(Place, home.station_id if home else card.station_id)


def live(kind: str, *, households: Sequence[uuid.UUID] = (), people: Sequence[uuid.UUID] = ()) -> dict[uuid.UUID, list[Card]]:
    """The cards of one kind that open something, by bearer, oldest first."""
    held = Card.person_id.in_(people) if people else Card.household_id.in_(households)
    found: dict[uuid.UUID, list[Card]] = {}
    for each in db.session().scalars(
        sa.select(Card).where(Card.kind == kind, Card.revoked_at.is_(None), held).order_by(Card.made_at)
    ):
        if each.bearer_id:
            found.setdefault(each.bearer_id, []).append(each)
    return found


# --- who opened it --------------------


def recent_scans(card_ids: Sequence[uuid.UUID], limit: int = 50) -> list[Opening]:
    """The last openings of some cards, newest first, with the name of who was signed in: for the station and for kin."""
    return [each for each, *_rest in _openings(sa.select(*_OPENING).where(Scan.card_id.in_(card_ids)), limit)]


@dataclass(frozen=True)
class Scanned:
    """Whose card the scans of a list belong to."""

    kind: str
    number: str
    name: str
    household_id: uuid.UUID | None
    person_id: uuid.UUID | None


def scans(
    actor: Actor, station_id: uuid.UUID, before: uuid.UUID | None = None, limit: int = 200
) -> tuple[list[Opening], dict[uuid.UUID, Scanned]]:
    """The last openings of a station's cards, newest first, those before scan `before`, and the cards by id."""
    bearer = aliased(Person)
    here = sa.func.coalesce(Household.station_id, Card.station_id) == station_id
    name = sa.func.coalesce(Resident.name, bearer.name, Household.name)
    ask = (
        sa.select(*_OPENING, Card.kind, Card.number, name, Card.household_id, Card.person_id)
        .join(Card, Card.id == Scan.card_id)
        .outerjoin(Household, Household.id == Card.household_id)
        .outerjoin(Resident, Resident.id == Card.resident_id)
        .outerjoin(bearer, bearer.id == Card.person_id)
        .where(here, Card.reach(actor))
    )
    if before:
        then = sa.select(Scan.at).where(Scan.id == before).scalar_subquery()
        ask = ask.where(sa.or_(Scan.at < then, sa.and_(Scan.at == then, Scan.id < before)))
    found, cards = [], {}
    for opening, *rest in _openings(ask, limit):
        found.append(opening)
        cards[opening.card_id] = Scanned(*rest)
    return found, cards


_OPENING = (Scan.id, Scan.at, Scan.card_id, Scan.face, Person.name, Scan.network)


def _openings(ask: sa.Select[*tuple[Any, ...]], limit: int) -> Iterator[tuple[Any, ...]]:
    signed_in = ask.outerjoin(Account, Account.id == Scan.account_id).outerjoin(Person, Person.id == Account.person_id)
    for row in db.session().execute(signed_in.order_by(Scan.at.desc(), Scan.id.desc()).limit(limit)):
        yield Opening(*row[:6]), *row[6:]
