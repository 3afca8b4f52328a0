"""谢谢: a relative thanks the caregiver for one visit, once; she reads it on her day."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock, ids
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.people.models import Account, Kin
from webapp.store import audit, db
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed
from webapp.store.types import Instant, Uuid
from webapp.visits.models import Visit


class Thanks(Keyed, Homed, Base):
    """One relative, one visit."""

    __tablename__ = "thanks"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    kin_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("kin.id"))
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit.id"))
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    __table_args__ = (sa.Index("uq_thanks_kin_id_visit_id", "kin_id", "visit_id", unique=True),)


def thank(kin: Kin, visit: Visit) -> None:
    """谢谢她. A second time is nothing."""
    session, key = db.session(), ids.new()
    row = {"id": key, "household_id": visit.household_id, "kin_id": kin.id, "visit_id": visit.id, "at": clock.now()}
    if session.scalar(db.insert(Thanks).values(row).on_conflict_do_nothing().returning(Thanks.id)) is None:
        return
    audit.note("family.thank", f"thanks:{key}", visit.household_id)
    account = session.scalar(sa.select(Account.id).where(Account.person_id == visit.caregiver_id))
    if account is not None:
        messages.notify("thanks", visit.station_id, f"thanks:{key}", to=account, level="plain", household_id=visit.household_id)


kinds.say("thanks", _l("家属谢谢您"), "hand-heart")
