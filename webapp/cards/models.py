"""Cards, house plates and badges: issued, revoked one by one, looked up by a token's digest or a printed number."""

from __future__ import annotations

import secrets as random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor
from webapp.cards.number import number_for
from webapp.kit import clock, ids
from webapp.kit.refusal import Conflict, Refusal
from webapp.messages import models as messages
from webapp.people.models import Household, Person, Resident, next_number
from webapp.store import audit, db, jobs, rulebook, secrets, topics
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made, told
from webapp.store.types import Instant, Uuid

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: capitals and digits, so the QR stays small
TOKEN_LENGTH = 26  # 26 x 5 bits: 130 random bits


class CardKind(StrEnum):
    """What a token may be printed on."""

    RESIDENT = "resident"
    PLATE = "plate"
    BADGE = "badge"
    SHOE = "shoe"
    SEWIN = "sewin"


WORN = (CardKind.RESIDENT, CardKind.SHOE, CardKind.SEWIN)
"""What a resident wears or carries; a plate hangs in the home, a badge belongs to one of the staff."""


class Card(Keyed, Made, Base):
    """One printed code. The token itself is sealed for reprinting until the card is handed over; its digest stays."""

    __tablename__ = "card"
    kind: Mapped[str] = mapped_column(sa.String(10))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"), index=True)
    person_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    token_digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    token_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    number: Mapped[str] = mapped_column(sa.String(7), unique=True)
    generation: Mapped[int] = mapped_column(default=1)
    printed_at: Mapped[datetime | None] = mapped_column(Instant())
    handed_over_at: Mapped[datetime | None] = mapped_column(Instant())
    revoked_at: Mapped[datetime | None] = mapped_column(Instant())
    revoked_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    revoked_why: Mapped[str | None] = mapped_column(sa.String(40))
    __table_args__ = (told("ix_card_person_id", "person_id"),)

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the card's household is within reach, wherever it moved; for a badge its station."""
        homeless = sa.and_(cls.household_id.is_(None), actor.reaches_station(cls.station_id))
        return sa.or_(actor.reaches_household(cls.household_id), homeless)

    @property
    def live(self) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None

    @property
    def token(self) -> str | None:
        """The token, while it may still be printed again."""
        return secrets.unseal(self.token_sealed, f"card.token:{self.id}") if self.token_sealed else None

    @property
    def printable(self) -> bool:
        """Whether it can still be drawn: it opens something and is not with its bearer yet."""
        return self.live and self.token_sealed is not None

    @property
    def standing(self) -> str:
        """Where it is in its life: fresh (never printed for real), printed, out (with its bearer), revoked."""
        if self.revoked_at:
            return "revoked"
        if self.handed_over_at:
            return "out"
        return "printed" if self.printed_at else "fresh"

    @property
    def bearer_id(self) -> uuid.UUID | None:
        """The resident or person it stands for; for a plate the household."""
        return self.resident_id or self.person_id or self.household_id

    def hand_over(self) -> None:
        """The card is with its bearer: the token can no longer be printed, only replaced by a new card.

        Refuses a card that was stopped or is with its bearer already.
        """
        if self.revoked_at:
            raise Refusal("card_revoked", "这张卡已经停用了")
        if self.handed_over_at:
            raise Refusal("card_out", "这张卡已经交出去了")
        self.handed_over_at = clock.now()
        self.token_sealed = None
        audit.note("cards.hand_over", self, self.household_id)

    def revoke(self, by: uuid.UUID, why: str) -> None:
        """It opens nothing from now on; the others of the same person stay."""
        if self.revoked_at:
            raise Refusal("card_revoked", "这张卡已经停用了")
        self.revoked_at, self.revoked_by, self.revoked_why = clock.now(), by, why.strip()[:40]
        self.token_sealed = None
        audit.note("cards.revoke", self, self.household_id, why=self.revoked_why)


class Scan(Keyed, Base):
    """Somebody opened /c/<token>: when, what the token was, who asked, which face was shown. Kept 90 days."""

    __tablename__ = "scan"
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now, index=True)
    card_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("card.id"))
    account_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    face: Mapped[str] = mapped_column(sa.String(10))
    network: Mapped[str] = mapped_column(sa.String(8))
    """Blind digest of the coarse network (/24 or /48): tells many from one, and nothing more."""
    __table_args__ = (sa.Index("ix_scan_card_id_at", "card_id", "at"),)


class Sighting(Keyed, Made, Base):
    """A stranger is with the bearer of a card and says where; open until somebody of the station has taken it up."""

    __tablename__ = "sighting"
    card_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("card.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    words: Mapped[str] = mapped_column(sa.String(300))
    phone: Mapped[str | None] = mapped_column(sa.String(30))
    lat_e6: Mapped[int | None]
    lon_e6: Mapped[int | None]
    taken_at: Mapped[datetime | None] = mapped_column(Instant())
    taken_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the station is within reach."""
        return actor.reaches_station(cls.station_id)

    def take_up(self, by: uuid.UUID) -> None:
        """Somebody sees to it."""
        self.taken_at, self.taken_by = clock.now(), by
        audit.note("cards.take_up", self)
        messages.taken_on(f"found:{self.id}", by)
        topics.tell(f"roster:{self.station_id}")


def report(card: Card, station_id: uuid.UUID, words: str, phone: str | None, lat_e6: int | None, lon_e6: int | None) -> Sighting:
    """Write down what a stranger says about the bearer of `card`, and tell the open pages of the station."""
    row = Sighting(card_id=card.id, station_id=station_id, words=words, phone=phone, lat_e6=lat_e6, lon_e6=lon_e6)
    db.session().add(row)
    db.session().flush()
    audit.note("cards.report", row, card.household_id)
    # the list of what must be done tells it already, with its words
    messages.notify("found", station_id, f"found:{row.id}", listed=False, household_id=card.household_id, endpoint="today.index")
    topics.tell(f"roster:{station_id}")
    return row


def log_scan(card: Card | None, actor: Actor | None, face: str, network: str) -> None:
    """Write down that a token was opened. `network`: the coarse network, kept as a blind digest."""
    digest = secrets.blind(network, "scan.network").hex()[:8]
    db.session().add(
        Scan(card_id=card.id if card else None, account_id=actor.account_id if actor else None, face=face, network=digest)
    )


def issue(
    kind: CardKind, *, resident: Resident | None = None, household: Household | None = None, badge: Person | None = None
) -> Card:
    """A new live card for a resident, a household (plate) or a caregiver (badge). Others of the same bearer stay live.

    With `resident`, `household` may be given to spare a look-up. Refuses those no longer cared for.
    """
    home = household or (resident.household if resident else None)
    station_id = home.station_id if home else badge.station_id if badge else None
    if station_id is None:
        raise Refusal("no_station", "先选好属于哪个站，再发卡")
    if (resident and resident.ended_on) or (home and home.ended_on):
        raise Refusal("no_longer_here", "已经不再照看了，不用发卡")
    card = Card(
        id=ids.new(),
        kind=kind,
        station_id=station_id,
        household_id=home.id if home else None,
        resident_id=resident.id if resident else None,
        person_id=badge.id if badge else None,
        number=number_for(next_number("card"), secrets.keyring().number),
    )
    card.generation = 1 + (db.session().scalar(_alike(card, sa.select(sa.func.max(Card.generation)))) or 0)
    token = new_token()
    card.token_digest = secrets.one_way(token)
    card.token_sealed = secrets.seal(token, f"card.token:{card.id}")
    db.session().add(card)
    db.session().flush()
    audit.note("cards.issue", card, card.household_id, kind=kind)
    return card


def reissue(card: Card, by: uuid.UUID, why: str) -> Card:
    """Revoke `card`, if it is not yet, and issue its successor. Refuses when a revoked card has one in use already."""
    session = db.session()
    if card.live:
        card.revoke(by, why)
    elif session.scalar(_alike(card, sa.select(Card.id)).where(Card.revoked_at.is_(None)).limit(1)):
        raise Refusal("card_replaced", "已经有新卡了，请用新卡")
    return issue(
        CardKind(card.kind),
        resident=session.get(Resident, card.resident_id) if card.resident_id else None,
        household=session.get(Household, card.household_id) if card.household_id else None,
        badge=session.get(Person, card.person_id) if card.person_id else None,
    )


def note_print(keys: Sequence[uuid.UUID], *, sample: bool) -> None:
    """These cards were drawn for the printer; made-up copies (`sample`) are noted but do not count as printed.

    Refuses (409) when one of them was stopped or handed over while it was drawn.
    """
    session = db.session()
    cards = session.scalars(sa.select(Card).where(Card.id.in_(keys)).with_for_update()).all()
    if len(cards) < len(keys) or not all(card.printable for card in cards):
        raise Conflict("cards_changed", "刚才有一张卡停用了或交出去了，请返回再看一下")
    for card in cards:
        card.printed_at = card.printed_at if sample else clock.now()
        audit.note("cards.print", card, card.household_id, sample=sample)


def revoke_all(which: sa.ColumnElement[bool], by: uuid.UUID, why: str) -> int:
    """Every live card for which `which` holds opens nothing from now on, and nobody waits for an answer to what a stranger
    said about them. Returns how many were stopped."""
    session = db.session()
    cards = session.scalars(sa.select(Card).where(which, Card.revoked_at.is_(None))).all()
    for card in cards:
        card.revoke(by, why)
    told_of = sa.select(Sighting).join(Card, Card.id == Sighting.card_id).where(which, Sighting.taken_at.is_(None))
    for sighting in session.scalars(told_of):
        sighting.take_up(by)
    return len(cards)


@jobs.job("cards.forget_scans", nightly=True)
def forget_scans() -> None:
    """Forget scans older than the setting says."""
    days = rulebook.current("cards", clock.today())["scan_days"]
    db.session().execute(sa.delete(Scan).where(Scan.at < clock.now() - timedelta(days=days)))


def new_token() -> str:
    """26 characters, 130 random bits."""
    return "".join(random.choice(ALPHABET) for _ in range(TOKEN_LENGTH))


def _alike(card: Card, ask: sa.Select[tuple[Any]]) -> sa.Select[tuple[Any]]:
    """`ask` narrowed to cards of the same kind and bearer."""
    if card.resident_id:
        bearer = Card.resident_id == card.resident_id
    elif card.person_id:
        bearer = Card.person_id == card.person_id
    else:
        bearer = sa.and_(Card.household_id == card.household_id, Card.resident_id.is_(None))
    return ask.where(Card.kind == card.kind, bearer)


rulebook.ship("cards", Path(__file__).parent / "cards.json")
