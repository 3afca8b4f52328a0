"""Web push: a phone whose page is not open shows one sentence without names. It comes besides the ladder, never instead of it.

A push carries no words at all: what is shown is written in the browser's own worker (sw/told.js), so that no push service can
read anything. The only module that knows py_vapid.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import py_vapid
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import STAFF
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.settings import Settings
from webapp.messages import outgoing
from webapp.people.models import Account, Grant, SignIn
from webapp.store import db
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made
from webapp.store.types import Uuid

KEEPS_S = 600
"""How long a push service keeps what it cannot deliver: later the ladder has rung somebody."""
GONE = (404, 410)
LONGEST = 500


class PushAddress(Keyed, Made, Base):
    """Where one browser can be reached, under the sign-in that asked for it: who signs out is not told any more."""

    __tablename__ = "push_address"
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"), index=True)
    sign_in_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("sign_in.id"))
    endpoint: Mapped[str] = mapped_column(sa.String(LONGEST), unique=True)


def public_key(chosen: Settings) -> str:
    """What browsers must know to let this house push to them (base64url, 65 bytes); empty where nothing is pushed."""
    if not chosen.push_contact:
        return ""
    point = _key(chosen).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _key(chosen: Settings) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int(chosen.push_key, 16), ec.SECP256R1())


def keep(chosen: Settings, account_id: uuid.UUID, sign_in_id: uuid.UUID, endpoint: str) -> None:
    """Remember where this browser is reached. Refuses addresses that are no push service's."""
    if not chosen.push_contact or len(endpoint) > LONGEST or not _is_service(chosen, endpoint):
        raise Refusal("push_host", "这个浏览器的提醒这里用不了，请换一个浏览器")
    row = {
        "id": ids.new(), "made_at": clock.now(), "account_id": account_id, "sign_in_id": sign_in_id, "endpoint": endpoint,
    }  # fmt: skip
    laid = db.insert(PushAddress).values(**row)
    whose = {"account_id": account_id, "sign_in_id": sign_in_id}
    db.session().execute(laid.on_conflict_do_update(index_elements=["endpoint"], set_=whose))


def _is_service(chosen: Settings, endpoint: str) -> bool:
    try:
        url = urlsplit(endpoint)
    except ValueError:
        return False
    host = url.hostname or ""
    known = any(host == each or host.endswith(f".{each}") for each in chosen.push_hosts)
    return known and (url.scheme == "https" or host == "127.0.0.1")


def drop(account_id: uuid.UUID, endpoint: str) -> None:
    """This browser is not told any more."""
    mine = sa.delete(PushAddress).where(PushAddress.account_id == account_id, PushAddress.endpoint == endpoint)
    db.session().execute(mine)


def reached(account_id: uuid.UUID | None, place_id: uuid.UUID | None) -> Sequence[uuid.UUID]:
    """Whom a push would reach now: the account, or those who head the place."""
    ask = sa.select(PushAddress.account_id).where(_alive()).distinct()
    if account_id is not None:
        ask = ask.where(PushAddress.account_id == account_id)
    else:
        heads = sa.select(Grant.account_id).where(Grant.place_id == place_id, Grant.role.in_(STAFF), Grant.holds())
        ask = ask.where(PushAddress.account_id.in_(heads))
    return db.session().scalars(ask.order_by(PushAddress.account_id)).all()


def _alive() -> sa.ColumnElement[bool]:
    signed_in = sa.exists().where(SignIn.id == PushAddress.sign_in_id, SignIn.ended_at.is_(None))
    return sa.and_(signed_in, sa.exists().where(Account.id == PushAddress.account_id, Account.ended_at.is_(None)))


def ring(chosen: Settings, account_id: uuid.UUID) -> str | None:
    """Ring at every browser of an account, outside of any transaction; what was wrong, None when one of them was reached.

    Addresses that are gone are forgotten.
    """
    with db.transaction() as session:
        mine = sa.select(PushAddress.endpoint).where(PushAddress.account_id == account_id, _alive())
        endpoints = session.scalars(mine).all()
    troubles: list[str | None] = []
    for endpoint in endpoints:
        status, trouble = outgoing.push(endpoint, _headers(chosen, endpoint))
        if status in GONE:
            with db.transaction() as session:
                session.execute(sa.delete(PushAddress).where(PushAddress.endpoint == endpoint))
        troubles.append(trouble)
    return None if None in troubles else next(iter(troubles), "no address")


def _headers(chosen: Settings, endpoint: str) -> dict[str, str]:
    url = urlsplit(endpoint)
    claims: dict[str, Any] = {"sub": chosen.push_contact, "aud": f"{url.scheme}://{url.netloc}"}
    signed: dict[str, str] = py_vapid.Vapid02(_key(chosen)).sign(claims)
    return {"TTL": str(KEEPS_S), "Urgency": "high", "Content-Length": "0", **signed}
