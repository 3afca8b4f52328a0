"""The emergency sheet of a resident (H49), and the windows through which a rescuer may read it for half an hour."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.cards.models import Card, new_token
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.messages import ladder
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.people import queries as people
from webapp.people.models import Household, Resident
from webapp.store import audit, db, rulebook, secrets
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made
from webapp.store.types import Instant, Uuid

TWICE = timedelta(minutes=5)
"""Within it the same request of the same helper is one."""


class EmergencySheet(Keyed, Made, Homed, Base):
    """Illnesses and medicines of a resident in plain words, sealed; one row a resident, the audit log keeps the history."""

    __tablename__ = "emergency_sheet"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"), unique=True)
    illnesses_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    medicines_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    written_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)

    @property
    def illnesses(self) -> str:
        """What the resident suffers from."""
        return self._open(self.illnesses_sealed, "illnesses")

    @property
    def medicines(self) -> str:
        """What the resident takes."""
        return self._open(self.medicines_sealed, "medicines")

    def _open(self, sealed: bytes | None, name: str) -> str:
        return opened(sealed, name, self.id)

    def write(self, illnesses: str, medicines: str) -> None:
        """Set both; empty is none."""
        seal = lambda text, name: secrets.seal(text, f"emergency_sheet.{name}:{self.id}") if text else None  # noqa: E731
        self.illnesses_sealed, self.medicines_sealed = seal(illnesses, "illnesses"), seal(medicines, "medicines")
        self.written_at = clock.now()
        audit.note("health.write_sheet", self, self.household_id)


def opened(sealed: bytes | None, name: str, key: uuid.UUID) -> str:
    """One field of the sheet `key`, for those who asked for it without the row; empty is none."""
    return secrets.unseal(sealed, f"emergency_sheet.{name}:{key}") if sealed else ""


def write_sheet(resident: Resident, illnesses: str, medicines: str) -> None:
    """Put down what a rescuer must know of a resident."""
    session = db.session()
    row = session.scalar(sa.select(EmergencySheet).where(EmergencySheet.resident_id == resident.id))
    if row is None:
        row = EmergencySheet(id=ids.new(), household_id=resident.household_id, resident_id=resident.id)
        session.add(row)
    row.write(illnesses, medicines)


class RescueWindow(Keyed, Made, Homed, Base):
    """Somebody who helps asks to read a resident's illnesses and medicines: agreed to by the duty room or kin, for minutes.

    Whoever asked holds a key that only their address carries.
    """

    __tablename__ = "rescue_window"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    card_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("card.id"))
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    key_digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    who: Mapped[str] = mapped_column(sa.String(60))
    phone_sealed: Mapped[bytes] = mapped_column(sa.LargeBinary())
    agreed_at: Mapped[datetime | None] = mapped_column(Instant())
    agreed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    until: Mapped[datetime | None] = mapped_column(Instant())
    ended_at: Mapped[datetime | None] = mapped_column(Instant())
    """Refused, or stopped before its time was over."""
    ended_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    read_at: Mapped[datetime | None] = mapped_column(Instant())
    __table_args__ = (sa.Index("ix_rescue_window_resident_id_made_at", "resident_id", "made_at"),)

    @property
    def phone(self) -> str:
        """The helper's number."""
        return secrets.unseal(self.phone_sealed, f"rescue_window.phone:{self.id}")

    @property
    def state(self) -> str:
        """asked, open, expired, stopped or refused; what nobody answered within a day has expired too."""
        now = clock.now()
        if self.ended_at:
            return "stopped" if self.agreed_at else "refused"
        if self.until is None:
            return "asked" if self.made_at > now - timedelta(days=1) else "expired"
        return "open" if self.until > now else "expired"

    def agree(self, by: uuid.UUID) -> None:
        """Open it for the minutes of the setting. Refuses what is over; a second time is nothing."""
        db.hold(self)
        if self.state == "open":
            return
        if self.state != "asked":
            raise Refusal("window_over", "这次求看已经结束了，请对方再扫一次")
        self.agreed_at, self.agreed_by = clock.now(), by
        self.until = self.agreed_at + timedelta(minutes=minutes(self.station_id))
        self._settled("agree", by)

    def end(self, by: uuid.UUID) -> None:
        """Refuse it, or shut it before its time. A second time is nothing."""
        db.hold(self)
        if self.ended_at is None:
            self.ended_at, self.ended_by = clock.now(), by
            self._settled("stop" if self.agreed_at else "refuse", by)

    def read(self) -> None:
        """The helper reads it: written down once a minute at most."""
        if self.read_at is None or self.read_at < clock.now() - timedelta(minutes=1):
            self.read_at = clock.now()
            audit.note("health.rescue_read", self, self.household_id)

    def _settled(self, deed: str, by: uuid.UUID) -> None:
        audit.note(f"health.rescue_{deed}", self, self.household_id, by=by)
        messages.taken_on(f"rescue:{self.id}", by)
        messages.resolve(f"rescue:{self.id}")


def minutes(station_id: uuid.UUID | None = None) -> int:
    """How long a helper may read once somebody agrees."""
    found: int = rulebook.current("rescue", clock.today(), station_id)["rescue_min"]
    return found


def ask(card: Card, resident: Resident, who: str, phone: str) -> tuple[RescueWindow, str]:
    """A helper with the bearer of `card` asks to read: the window and the key that opens it. Duty room and kin are told.

    The same helper a second time within a few minutes has tapped twice: the window that waits, with a new key.
    """
    session, key = db.session(), new_token()
    lately = sa.select(RescueWindow).where(RescueWindow.resident_id == resident.id, RescueWindow.made_at > clock.now() - TWICE)
    for row in session.scalars(lately):
        if row.state == "asked" and (row.who, row.phone) == (who, phone):
            row.key_digest = secrets.one_way(key)
            return row, key
    home = session.get_one(Household, resident.household_id)
    row = RescueWindow(
        id=ids.new(), household_id=home.id, resident_id=resident.id, card_id=card.id, station_id=home.station_id,
        key_digest=secrets.one_way(key), who=who,
    )  # fmt: skip
    row.phone_sealed = secrets.seal(phone, f"rescue_window.phone:{row.id}")
    session.add(row)
    session.flush()
    audit.note("health.rescue_ask", row, home.id)
    messages.notify(
        "rescue", home.station_id, f"rescue:{row.id}", household_id=home.id, resident_id=resident.id,
        endpoint="rescue.show", args={"window_id": row.id},
    )  # fmt: skip
    for account_id in session.scalars(people.kin_accounts(resident.id)):
        ladder.tell_kin(account_id, resident.id)
    return row, key


rulebook.ship("rescue", Path(__file__).parent / "rescue.json")
kinds.say("rescue", _l("有人在救老人，要看急救信息"), "siren", settled_there=True)
