"""What delivery asks of a phone: its key, and what it tells of itself."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any, cast

import sqlalchemy as sa

from webapp.kit import clock
from webapp.people.login import SignedIn
from webapp.people.models import Device
from webapp.store import db
from webapp.store.acts import Told
from webapp.store.inbox import DeviceKey
from webapp.store.types import Uuid
from webapp.web.guard import actor


def find_key(device_id: uuid.UUID) -> DeviceKey | None:
    """The key of a device, for the inbox: most often of the very phone that is asking."""
    if (known := _asking(device_id)) is not None:
        return known.key
    row = db.reading().execute(_KEY, {"device": device_id}).first()
    return DeviceKey(*row) if row else None


_DEVICE = cast(sa.Table, Device.__table__).c
_KEY = sa.select(_DEVICE.x, _DEVICE.y, _DEVICE.account_id, _DEVICE.revoked_at, _DEVICE.unsent, _DEVICE.off_s).where(
    _DEVICE.id == sa.bindparam("device", type_=Uuid())
)
"""Asked for every record that arrives: made once."""


def _asking(device_id: uuid.UUID) -> SignedIn | None:
    who: Any = actor()
    return who if who is not None and who.key and who.device_id == device_id else None


def hear(device_id: uuid.UUID, told: Told) -> None:
    """Write down what a phone tells of itself, for the inbox: how many records it still holds, how far its clock is off."""
    news: dict[str, Any] = {} if told.unsent is None else {"unsent": told.unsent, "unsent_at": clock.now()}
    news |= {} if told.off_s is None else {"off_s": told.off_s}
    if news:
        db.session().execute(sa.update(Device).where(Device.id == device_id).values(news))
        if (known := _asking(device_id)) is not None and known.key:  # of twenty records only the first brings the news
            known.key = replace(known.key, unsent=news.get("unsent", known.key.unsent), off_s=news.get("off_s", known.key.off_s))
