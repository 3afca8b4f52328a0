"""Who is signed in: flask-login's loader over rows that can be ended, and the reach of each role."""

from __future__ import annotations

import secrets as random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_login import login_user, logout_user

from webapp.access import Role
from webapp.kit import clock
from webapp.people.models import Account, Assignment, Device, Grant, Household, Kin, Person, Place, Resident, SignIn
from webapp.store import audit, db, secrets
from webapp.store.inbox import DeviceKey
from webapp.web.guard import login

OFFICE_LIFE = timedelta(hours=12)
PHONE_LIFE = timedelta(days=30)
KIN_LIFE = timedelta(days=90)


@dataclass
class SignedIn:
    """The actor of a request: an account under one of its grants."""

    token: str
    sign_in_id: uuid.UUID
    account_id: uuid.UUID
    person_id: uuid.UUID
    name: str
    role: Role
    place_id: uuid.UUID | None
    language: str | None
    scale: int
    device_id: uuid.UUID | None
    shared: bool
    unlocked_at: datetime
    grants: int = 1
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What the cookie carries."""
        return self.token

    def reaches_household(self, column: Any) -> sa.ColumnElement[bool]:
        """Kin: their resident's household. Caregivers: where they are assigned now. Others: their place's stations."""
        if self.role == Role.KIN:
            return column.in_(
                sa.select(Resident.household_id)
                .join(Kin, Kin.resident_id == Resident.id)
                .where(Kin.person_id == self.person_id, Kin.holds())
            )
        if self.role == Role.CAREGIVER:
            return column.in_(
                sa.select(Assignment.household_id).where(Assignment.caregiver_id == self.person_id, Assignment.holds())
            )
        if self.role == Role.ADMINISTRATOR:
            return sa.false()
        return column.in_(sa.select(Household.id).where(self.reaches_station(Household.station_id)))

    def reaches_station(self, column: Any) -> sa.ColumnElement[bool]:
        """The place of the grant and everything below it; caregivers and kin reach no place."""
        if self.role in (Role.KIN, Role.CAREGIVER) or self.place_id is None:
            return sa.false()
        under = sa.or_(Place.id == self.place_id, Place.street_id == self.place_id, Place.district_id == self.place_id)
        return column.in_(sa.select(Place.id).where(under))


@login.user_loader
def load(token: str) -> SignedIn | None:
    """The actor behind a cookie's token, in one query; None when the row has ended."""
    now = clock.now()
    row = (
        db.reading()
        .execute(
            sa.select(SignIn, Account, Person.name, Grant.role, Grant.place_id, Device.shared)
            .join(Account, Account.id == SignIn.account_id)
            .join(Person, Person.id == Account.person_id)
            .join(Grant, Grant.id == SignIn.grant_id)
            .outerjoin(Device, Device.id == SignIn.device_id)
            .where(
                SignIn.token == secrets.one_way(token),
                SignIn.ended_at.is_(None),
                SignIn.until > now,
                Account.ended_at.is_(None),
                Grant.holds(now),
                Device.revoked_at.is_(None),
            )
            .options(sa.orm.lazyload(Account.person))
        )
        .first()
    )
    if row is None:
        return None
    sign_in, account, name, role, place_id, shared = row
    return SignedIn(
        token=token,
        sign_in_id=sign_in.id,
        account_id=account.id,
        person_id=account.person_id,
        name=name,
        role=Role(role),
        place_id=place_id,
        language=account.language,
        scale=account.scale,
        device_id=sign_in.device_id,
        shared=bool(shared),
        unlocked_at=sign_in.unlocked_at,
    )


def grants_of(account_id: uuid.UUID) -> list[tuple[Grant, str | None]]:
    """The grants that hold now, each with its place's name."""
    rows = db.reading().execute(
        sa.select(Grant, Place.name)
        .outerjoin(Place, Place.id == Grant.place_id)
        .where(Grant.account_id == account_id, Grant.holds())
        .order_by(Grant.since, Grant.id)
    )
    return [(grant, name) for grant, name in rows]


def sign_in(account: Account, grant: Grant, device: Device | None = None) -> str:
    """Open a session row and set the cookie. Returns the token (tests use it)."""
    token = random.token_urlsafe(24)
    life = PHONE_LIFE if device else KIN_LIFE if grant.role == Role.KIN else OFFICE_LIFE
    row = SignIn(
        token=secrets.one_way(token),
        account_id=account.id,
        grant_id=grant.id,
        device_id=device.id if device else None,
        until=clock.now() + life,
    )
    db.session().add(row)
    db.session().flush()
    audit.by(db.session(), account.id)
    audit.note("account.sign_in", row, account=account.id, role=grant.role)
    ghost = SignedIn(
        token,
        row.id,
        account.id,
        account.person_id,
        "",
        Role(grant.role),
        grant.place_id,
        None,
        100,
        row.device_id,
        False,
        clock.now(),
    )
    login_user(ghost)
    return token


def sign_out(actor: Any) -> None:
    """End the session row and forget the cookie."""
    db.session().execute(sa.update(SignIn).where(SignIn.id == actor.sign_in_id).values(ended_at=clock.now()))
    audit.note("account.sign_out", f"sign_in:{actor.sign_in_id}")
    logout_user()


def unlock(actor: Any) -> None:
    """The PIN was right: note the hour."""
    db.session().execute(sa.update(SignIn).where(SignIn.id == actor.sign_in_id).values(unlocked_at=clock.now()))


def find_key(device_id: uuid.UUID) -> DeviceKey | None:
    """The key of a device, for the inbox."""
    row = (
        db.reading()
        .execute(sa.select(Device.x, Device.y, Device.account_id, Device.revoked_at).where(Device.id == device_id))
        .first()
    )
    return DeviceKey(*row) if row else None
