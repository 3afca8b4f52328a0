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
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.people.models import Household, Person, Resident, next_number
from webapp.store import audit, db, jobs, rulebook, secrets, topics
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made, append_only, told
from webapp.store.types import Instant, Uuid

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: capitals and digits, so the QR stays small
TOKEN_LENGTH = 26  # 26 x 5 bits: 130 random bits
RELABEL, TWICE = timedelta(minutes=10), timedelta(minutes=5)


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
    browser: Mapped[str] = mapped_column(sa.String(8), default="")
    """Blind digest of network and browser together: one phone that looks often is one. No cookie is left for it."""
    __table_args__ = (sa.Index("ix_scan_card_id_at", "card_id", "at"),)


class Sighting(Keyed, Made, Base):
    """A stranger is with the bearer of a card and says where; followed until the bearer is safe."""

    __tablename__ = "sighting"
    card_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("card.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    words: Mapped[str] = mapped_column(sa.String(300))
    phone_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    """Only to ring back: gone when the case is closed."""
    browser: Mapped[str] = mapped_column(sa.String(8), default="")
    taken_at: Mapped[datetime | None] = mapped_column(Instant())
    taken_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    coming_at: Mapped[datetime | None] = mapped_column(Instant())
    closed_at: Mapped[datetime | None] = mapped_column(Instant())
    ending: Mapped[str | None] = mapped_column(sa.String(10))
    """One of ENDINGS."""

    ENDINGS = ("home", "hospital", "mistake", "ended")
    """The last: care ended meanwhile."""

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the station is within reach."""
        return actor.reaches_station(cls.station_id)

    @property
    def phone(self) -> str | None:
        """The stranger's number, while the case is open."""
        return secrets.unseal(self.phone_sealed, f"sighting.phone:{self.id}") if self.phone_sealed else None

    @property
    def state(self) -> str:
        """What the stranger's page says: new, taken, coming, or the ending."""
        if self.ending:
            return self.ending
        return "coming" if self.coming_at else "taken" if self.taken_at else "new"

    def take_up(self, by: uuid.UUID) -> None:
        """Somebody sees to it. A second time is nothing."""
        db.hold(self)
        if self.taken_at is None:
            self.taken_at, self.taken_by = clock.now(), by
            self._step("taken", by)
            messages.taken_on(f"found:{self.id}", by)

    def send(self, by: uuid.UUID, words: str = "") -> None:
        """Somebody is on the way: the stranger's page says so."""
        self._refuse_closed()
        self.take_up(by)
        if self.coming_at is None:
            self.coming_at = clock.now()
        self._step("coming", by, words)

    def close(self, by: uuid.UUID, ending: str, words: str = "") -> None:
        """It is over; the stranger's number is let go. Refuses what is closed, and a mistake without a word why."""
        self._refuse_closed()
        if ending == "mistake" and len(words.strip()) < 2:
            raise Refusal("no_words", "请写几个字，怎么弄清楚的", field="words")
        self.take_up(by)
        self.closed_at, self.ending, self.phone_sealed = clock.now(), ending, None
        self._step(ending, by, words)

    def _refuse_closed(self) -> None:
        db.hold(self)
        if self.closed_at:
            raise Refusal("closed", "这件事已经办完了")

    def _step(self, step: str, by: uuid.UUID, words: str = "") -> None:
        said = words.strip()[:200] or None
        db.session().add(SightingStep(sighting_id=self.id, step=step, by_id=by, words=said))
        audit.note(f"cards.sighting_{step}", self)
        topics.tell(f"roster:{self.station_id}")
        messages.tell(self.station_id)


class SightingStep(Keyed, Base):
    """What the duty room did about a sighting: taken, coming, or how it ended."""

    __tablename__ = "sighting_step"
    sighting_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("sighting.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    step: Mapped[str] = mapped_column(sa.String(10))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    words: Mapped[str | None] = mapped_column(sa.String(200))


append_only("sighting_step", "what was done is never changed")


def report(card: Card, station_id: uuid.UUID, words: str, phone: str | None, browser: str = "") -> Sighting:
    """Write down what a stranger says about the bearer of `card`, and tell the open pages of the station.

    The same words from the same browser within a few minutes are one report.
    """
    session = db.session()
    same = sa.select(Sighting).where(
        Sighting.card_id == card.id, Sighting.browser == browser, Sighting.words == words, Sighting.closed_at.is_(None),
        Sighting.made_at > clock.now() - TWICE,
    )  # fmt: skip
    if browser and (again := session.scalars(same.limit(1)).first()):
        return again
    row = Sighting(id=ids.new(), card_id=card.id, station_id=station_id, words=words, browser=browser)
    row.phone_sealed = secrets.seal(phone, f"sighting.phone:{row.id}") if phone else None
    session.add(row)
    session.flush()
    audit.note("cards.report", row, card.household_id)
    # the list of what must be done tells it already, with its words
    messages.notify(
        "found", station_id, f"found:{row.id}", listed=False, household_id=card.household_id, endpoint="found.show",
        args={"sighting_id": row.id},
    )  # fmt: skip
    topics.tell(f"roster:{station_id}")
    return row


def log_scan(card: Card | None, actor: Actor | None, face: str, network: str, agent: str = "") -> Scan:
    """Write down that a token was opened. `network`: the coarse network, `agent`: what the browser says it is; digests only.

    Who signs in within minutes on the same browser was no stranger: the earlier opening gets that name. Several
    strangers on one day are told to the station.
    """
    session, digest = db.session(), secrets.blind(network, "scan.network").hex()[:8]
    mark = mark_of(network, agent)
    row = Scan(card_id=card.id if card else None, account_id=actor.account_id if actor else None, face=face, network=digest)
    row.browser, row.at = mark, clock.now()
    session.add(row)
    if card is None or face == "unknown":
        _browsers(None, row)
    elif actor is not None:
        lately = sa.and_(Scan.card_id == card.id, Scan.at > row.at - RELABEL, Scan.browser == mark)
        session.execute(
            sa.update(Scan)
            .where(lately, Scan.account_id.is_(None), Scan.face == "stranger")
            .values(account_id=actor.account_id, face=face)
        )
    elif face == "stranger" and card.resident_id:
        _count_strangers(card, row)
    return row


def mark_of(network: str, agent: str) -> str:
    """One browser's blind digest."""
    return secrets.blind(f"{network} {agent}", "scan.browser").hex()[:8]


def _browsers(card: Card | None, row: Scan) -> bool:
    """Whether many browsers, not one that looks often, opened a card today. Of no card it is asked too: in the same time."""
    day, key = clock.day_of(row.at), card.id if card else uuid.UUID(int=0)
    since = sa.select(Scan.browser).where(Scan.card_id == key, Scan.at >= clock.day_bounds(day)[0], Scan.face == "stranger")
    most: int = rulebook.current("cards", day)["strangers_a_day"]
    return len(set(db.session().scalars(since.distinct().limit(most)))) >= most


def _count_strangers(card: Card, row: Scan) -> None:
    """Tell the station once a day of the many."""
    day = clock.day_of(row.at)
    if _browsers(card, row):
        home = db.session().get_one(Household, card.household_id)
        messages.open_task(
            "scanned", home.station_id, f"scanned:{card.id}:{day}", household_id=card.household_id,
            endpoint="cards.card", args={"card_id": card.id},
        )  # fmt: skip


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
    """Every live card for which `which` holds opens nothing from now on, and what strangers said about
    their bearer is followed no more. Returns how many were stopped."""
    session = db.session()
    cards = session.scalars(sa.select(Card).where(which, Card.revoked_at.is_(None))).all()
    for card in cards:
        card.revoke(by, why)
    followed = sa.select(Sighting).join(Card, Card.id == Sighting.card_id).where(which, Sighting.closed_at.is_(None))
    for sighting in session.scalars(followed):
        sighting.close(by, "ended")
    return len(cards)


@jobs.job("cards.forget_scans", nightly=True)
def forget_scans() -> None:
    """Forget scans older than the setting says, and what strangers wrote."""
    days = rulebook.current("cards", clock.today())["scan_days"]
    before = clock.now() - timedelta(days=days)
    db.session().execute(sa.delete(Scan).where(Scan.at < before))
    db.session().execute(sa.update(Sighting).where(Sighting.closed_at < before).values(words="", browser=""))


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
kinds.say("scanned", _l("一天里好几个生人扫了同一张卡，请问一问老人在哪里"), "id-card")
