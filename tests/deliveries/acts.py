"""Real phones for the tests of deliveries: enrolled in the database, posting signed envelopes at the door."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from tests.store.kit import Phone
from tests.world import World
from webapp.kit import clock, ids
from webapp.people.models import Device
from webapp.store import db
from webapp.store.arrivals import Kept


def enrolled(world: World, who: str = "wang", label: str = "红米") -> Phone:
    """A phone of somebody, its key in the database."""
    made = Phone(world.account(who).id)
    key = made.public
    with db.transaction() as session:
        device = Device(account_id=made.account, label=label, x=key.x, y=key.y, gen=1)
        session.add(device)
        session.flush()
        made.device = device.id
    return made


def post(app: Flask, envelope: dict[str, Any], **headers: str) -> Any:
    """Deliver an envelope; the answer."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().post("/inbox", data=json.dumps(envelope), content_type="application/json", headers=names)


def kept(seq: int) -> Kept:
    """The row of a receipt number, as the database has it now."""
    db.undo()
    return db.reading().scalars(sa.select(Kept).where(Kept.seq == seq)).one()


def spend(phone: Phone, world: World, name: str = "李秀兰", /, **changes: Any) -> dict[str, Any]:
    """A sealed spending of 36.50 yuan; `changes` of its body."""
    home = str(world.household(name).id)
    body = {"household": home, "amount_fen": 3650, "category": "EX-VEG", "source": "cash", "words": "豆腐"} | changes
    return phone.seal("ledger.spend", body)


def held(app: Flask, world: World, who: str = "wang", **changes: Any) -> int:
    """A spending that the form refuses (no category): its receipt number."""
    phone = enrolled(world, who)
    home = "李秀兰" if who != "zhao" else "孙德胜"
    envelope = spend(phone, world, home, **({"amount_fen": 0} | changes))
    answer = post(app, envelope)
    assert answer.json["state"] == "quarantined", answer.json
    return int(answer.json["seq"])


def long_ago(seq: int, hours: int) -> None:
    """As if the record had come so many hours ago."""
    with db.transaction() as session:
        session.execute(sa.update(Kept).where(Kept.seq == seq).values(received_at=clock.now() - timedelta(hours=hours)))


def fresh() -> str:
    """A new key as text."""
    return str(ids.new())
