"""Sealed copies: a phone cannot open what it sealed until the database has been restored."""

from __future__ import annotations

import json
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.store.kit import Phone, know
from tests.world import World
from webapp.kit import ids
from webapp.kit.refusal import Refusal
from webapp.store import audit, copies, db


def restored() -> None:
    """Begin a new life of the database, as a restore does."""
    with db.transaction() as session:
        session.execute(sa.update(audit.Head).values(epoch=uuid.uuid4()))


def test_a_copy_opens_after_a_restore_and_only_for_its_phone(app: Flask, world: World) -> None:
    mine = ids.new()
    given = copies.sealing_key(mine)
    assert copies.reopened(given["wrapped"], mine) is None
    restored()
    assert copies.reopened(given["wrapped"], mine) == given["key"]
    with pytest.raises(Refusal):
        copies.reopened(given["wrapped"], ids.new())
    with pytest.raises(ValueError, match="base64|padding|characters"):
        copies.reopened("no base64!", mine)


def test_the_door_asks_for_the_phones_signature(app: Flask, world: World) -> None:
    phone = Phone(world.account("wang").id)
    know(app, phone)
    given = copies.sealing_key(phone.device)
    ask = {"device": str(phone.device), "wrapped": given["wrapped"], "sig": phone.sign(given["wrapped"])}
    client = app.test_client()
    db.undo()
    assert client.post("/inbox/unseal", json=ask).status_code == 403
    restored()
    assert client.post("/inbox/unseal", json=ask).json == {"key": given["key"]}
    for wrong in ({"sig": phone.sign("other")}, {"sig": ""}, {"device": str(ids.new())}, {"device": "x"}, {"wrapped": 5}):
        assert client.post("/inbox/unseal", json=ask | wrong).status_code == 403
    for body in (b"", b"[]", b"{", json.dumps("x").encode()):
        assert client.post("/inbox/unseal", data=body, content_type="application/json").status_code == 403
