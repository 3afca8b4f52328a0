"""Who is out, who is looked for, through whoever asks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.access import Actor, Role, within
from webapp.cards.models import Card, Sighting
from webapp.kit import clock
from webapp.outings import models
from webapp.outings.models import CaseStep, HomeAgain, LostCase, Outing
from webapp.people.models import Account, Consent, Household, Kin, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.store import db

LISTED = 60


@dataclass(frozen=True)
class Home:
    """A household with those of its residents the reader may speak for, and where each is.

    shown: residents whose comings and goings the reader may read (of kin: with the scope "whereabouts").
    """

    row: Household
    station: Place
    residents: Sequence[Resident]
    shown: frozenset[uuid.UUID]
    outings: Sequence[Outing]
    cases: dict[uuid.UUID, LostCase]
    acts: Sequence[uuid.UUID]
    """Records of the last days that this already contains."""

    @property
    def names(self) -> dict[uuid.UUID, str]:
        """What each resident is called."""
        return {each.id: each.name for each in self.residents}

    @property
    def out(self) -> dict[uuid.UUID, Outing]:
        """Who is out now."""
        return {row.resident_id: row for row in self.outings if row.back_at is None}


def home(actor: Actor, key: uuid.UUID, *, acts: bool = False) -> Home:
    """One household; with the `acts` it contains, for a page that phones lay theirs over. Raises Missing out of reach."""
    session = db.session()
    found = session.execute(
        within(actor, sa.select(Household, Place)).join(Place, Place.id == Household.station_id).where(Household.id == key)
    ).first()
    if found is None:
        raise nothing()
    residents, shown = _residents(actor, key)
    since = clock.now() - timedelta(days=models.settings(found[0].station_id)["listed_days"])
    mine = [each.id for each in residents]
    lately = sa.or_(Outing.back_at.is_(None), Outing.left_at >= since)
    outings = session.scalars(
        sa.select(Outing)
        .where(Outing.household_id == key, Outing.resident_id.in_(mine), lately)
        .order_by(Outing.left_at.desc())
        .limit(LISTED)
    ).all()
    cases = session.scalars(sa.select(LostCase).where(LostCase.resident_id.in_(mine), LostCase.closed_at.is_(None)))
    said = sa.select(HomeAgain.id).where(HomeAgain.household_id == key, HomeAgain.at >= clock.now() - timedelta(days=7))
    told = [*(row.id for row in outings), *session.scalars(said)] if acts else []
    return Home(found[0], found[1], residents, shown, outings, {row.resident_id: row for row in cases}, told)


def _residents(actor: Actor, key: uuid.UUID) -> tuple[list[Resident], frozenset[uuid.UUID]]:
    ask = sa.select(Resident, sa.true()).where(Resident.household_id == key, Resident.ended_on.is_(None))
    if actor.role == Role.KIN:
        agreed = sa.exists().where(Consent.kin_id == Kin.id, Consent.scope == "whereabouts", Consent.holds())
        mine = sa.and_(Kin.resident_id == Resident.id, Kin.person_id == actor.person_id, Kin.holds())
        ask = ask.with_only_columns(Resident, agreed).join(Kin, mine)
    rows = db.session().execute(ask.order_by(Resident.number)).all()
    return [who for who, _may in rows], frozenset(who.id for who, may in rows if may)


@dataclass(frozen=True)
class Search:
    """A search with whom it is for, every step (what, words, who, when) in order, and what strangers said meanwhile."""

    row: LostCase
    resident: Resident
    home: Household
    station: Place
    by: str
    closed_by: str | None
    steps: Sequence[tuple[CaseStep, str]]
    sightings: Sequence[Sighting]


def case(actor: Actor, key: uuid.UUID) -> Search:
    """One search, within reach. Raises Missing."""
    session = db.session()
    opener, closer = sa.orm.aliased(Account), sa.orm.aliased(Account)
    by, closed_by = sa.orm.aliased(Person), sa.orm.aliased(Person)
    found = session.execute(
        within(actor, sa.select(LostCase, Resident, Household, Place, by.name, closed_by.name).select_from(LostCase))
        .join(Resident, Resident.id == LostCase.resident_id)
        .join(Household, Household.id == LostCase.household_id)
        .join(Place, Place.id == Household.station_id)
        .join(opener, opener.id == LostCase.by_id)
        .join(by, by.id == opener.person_id)
        .outerjoin(closer, closer.id == LostCase.closed_by)
        .outerjoin(closed_by, closed_by.id == closer.person_id)
        .where(LostCase.id == key)
    ).first()
    if found is None:
        raise nothing()
    row = found[0]
    steps = session.execute(
        sa.select(CaseStep, Person.name)
        .join(Account, Account.id == CaseStep.by_id)
        .join(Person, Person.id == Account.person_id)
        .where(CaseStep.case_id == key)
        .order_by(CaseStep.at, CaseStep.id)
    )
    meanwhile = [Sighting.station_id == found[2].station_id, Card.resident_id == row.resident_id, Sighting.made_at >= row.seen_at]
    if row.closed_at:
        meanwhile.append(Sighting.made_at <= row.closed_at)
    sightings = session.scalars(
        sa.select(Sighting).join(Card, Card.id == Sighting.card_id).where(*meanwhile).order_by(Sighting.made_at).limit(LISTED)
    )
    return Search(*found, steps=[(step, name) for step, name in steps], sightings=sightings.all())


def of_sighting(sighting: Sighting, resident_id: uuid.UUID | None) -> LostCase | None:
    """The open search for whom a stranger has met."""
    return models.searched(resident_id) if resident_id and sighting.closed_at is None else None


@dataclass(frozen=True)
class Board:
    """A station's (or street's): who is looked for, who is out (first due first), and searches that ended lately."""

    cases: Sequence[LostCase]
    outings: Sequence[Outing]
    found: Sequence[LostCase]
    now: datetime


def board(actor: Actor) -> Board:
    """Everybody within reach."""
    session, since = db.session(), clock.now() - timedelta(days=models.settings(actor.place_id)["listed_days"])
    searches = within(actor, sa.select(LostCase)).options(joinedload(LostCase.resident))
    out = within(actor, sa.select(Outing)).where(Outing.back_at.is_(None)).options(joinedload(Outing.resident))
    here = sa.exists().where(Resident.id == LostCase.resident_id, Resident.ended_on.is_(None))
    ended = searches.where(LostCase.closed_at >= since, here).order_by(LostCase.closed_at.desc())
    return Board(
        session.scalars(searches.where(LostCase.closed_at.is_(None)).order_by(LostCase.opened_at)).all(),
        session.scalars(out.order_by(Outing.back_by).limit(LISTED)).all(),
        session.scalars(ended.limit(LISTED)).all(),
        clock.now(),
    )


def outing(actor: Actor, key: uuid.UUID) -> Outing:
    """One outing, within reach. Raises Missing."""
    found = db.session().scalar(within(actor, sa.select(Outing)).where(Outing.id == key).options(joinedload(Outing.resident)))
    if found is None:
        raise nothing()
    return found
