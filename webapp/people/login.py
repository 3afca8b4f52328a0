"""Who is signed in: flask-login's loader over rows that can be ended, and the reach of each role."""

from __future__ import annotations

import secrets as random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from flask import request, session
from flask_login import login_user, logout_user

from webapp.access import Actor, Role, appoints
from webapp.kit import clock
from webapp.people import rules
from webapp.people.models import (
    NO_HASH,
    PIN_TRIES,
    Account,
    Assignment,
    Device,
    Grant,
    Household,
    Kin,
    Person,
    Place,
    Resident,
    SignIn,
)
from webapp.store import audit, db, rulebook, secrets
from webapp.store.arrivals import CONFLICT, OPEN, Kept
from webapp.store.inbox import DeviceKey
from webapp.store.types import Instant, Uuid
from webapp.web.guard import actor, login

OFFICE_LIFE = timedelta(hours=12)
PHONE_LIFE = timedelta(days=30)
"""Since the PIN was last given: a phone that lay in a drawer longer needs a new slip."""
KIN_LIFE = timedelta(days=90)
SIZES = ("100", "125", "160")

OPEN_WORK: list[Callable[[Actor], bool]] = []
"""Asked before a phone is locked: is this person in the middle of a visit. Later rooms append; one yes is enough."""


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
    place_name: str = ""
    key: DeviceKey | None = None
    """The phone's, where she is signed in on one."""
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What the cookie carries."""
        return self.token

    def reaches_household(self, column: Any) -> sa.ColumnElement[bool]:
        """Kin: their resident's household. Caregivers: where they are assigned now. Others: their place's stations."""
        if self.role == Role.KIN:
            mine = sa.select(Resident.household_id).join(Kin, Kin.resident_id == Resident.id)
            return sa.and_(column.in_(mine.where(Kin.person_id == self.person_id, Kin.holds())))
        if self.role == Role.CAREGIVER:
            entered = sa.select(Assignment.household_id)
            return sa.and_(column.in_(entered.where(Assignment.caregiver_id == self.person_id, Assignment.holds())))
        if self.role == Role.ADMINISTRATOR:
            return sa.false()
        return sa.and_(column.in_(sa.select(Household.id).where(self.reaches_station(Household.station_id))))

    def reaches_station(self, column: Any) -> sa.ColumnElement[bool]:
        """The place of the grant and everything below it; caregivers and kin reach no place."""
        if self.role in (Role.KIN, Role.CAREGIVER) or self.place_id is None:
            return sa.false()
        under = sa.or_(Place.id == self.place_id, Place.street_id == self.place_id, Place.district_id == self.place_id)
        return sa.and_(column.in_(sa.select(Place.id).where(under)))


def anyone(role: Role) -> SignedIn:
    """Nobody in particular: whose ids are the parameters person, account and place.

    For questions that a busy page makes once and asks with `ids_of`: to make one costs more than to ask it.
    """
    person, account, place = (cast(uuid.UUID, sa.bindparam(name, type_=Uuid())) for name in ("person", "account", "place"))
    return SignedIn("", account, account, person, "", role, place, None, 100, None, False, clock.now())


def ids_of(actor: Actor) -> dict[str, Any]:
    """What fills the parameters of `anyone`."""
    return {"person": actor.person_id, "account": actor.account_id, "place": actor.place_id}


_WHO = (
    sa.select(
        SignIn.id, SignIn.device_id, SignIn.unlocked_at, Account.id.label("account_id"), Account.person_id, Account.language,
        Account.scale, Person.name, Grant.role, Grant.place_id, Place.name.label("place_name"), Device.shared, rulebook.newest,
        Device.x, Device.y, Device.account_id.label("phone_of"), Device.unsent, Device.off_s,
    )
    .join(Account, Account.id == SignIn.account_id)
    .join(Person, Person.id == Account.person_id)
    .join(Grant, Grant.id == SignIn.grant_id)
    .outerjoin(Place, Place.id == Grant.place_id)
    .outerjoin(Device, Device.id == SignIn.device_id)
    .where(
        SignIn.token == sa.bindparam("token"),
        SignIn.ended_at.is_(None),
        SignIn.until > sa.bindparam("now", type_=Instant()),
        Account.ended_at.is_(None),
        Grant.holds(),
        Device.revoked_at.is_(None),
    )
)  # fmt: skip


@login.user_loader  # type: ignore[untyped-decorator]
def load(token: str) -> SignedIn | None:
    """The actor behind a cookie's token, in one query; None when the row has ended."""
    row = db.reading().connection().execute(_WHO, {"token": secrets.one_way(token), "now": clock.now()}).first()
    if row is None:
        return None
    rulebook.heard(row.newest_rules)
    return SignedIn(
        token=token,
        sign_in_id=row.id,
        account_id=row.account_id,
        person_id=row.person_id,
        name=row.name,
        role=Role(row.role),
        place_id=row.place_id,
        language=row.language,
        scale=_scale(row.scale),
        device_id=row.device_id,
        shared=bool(row.shared),
        unlocked_at=row.unlocked_at,
        place_name=row.place_name or "",
        key=DeviceKey(row.x, row.y, row.phone_of, None, row.unsent, row.off_s) if row.device_id else None,
    )


def _scale(kept: int) -> int:
    """The text size chosen on this very browser, else the account's."""
    wish = request.cookies.get("scale", "")
    return int(wish) if wish in SIZES else kept


def grants_of(account_id: uuid.UUID) -> list[tuple[Grant, str | None]]:
    """The grants that hold now, each with its place's name."""
    rows = db.reading().execute(
        sa.select(Grant, Place.name)
        .outerjoin(Place, Place.id == Grant.place_id)
        .where(Grant.account_id == account_id, Grant.holds())
        .order_by(Grant.since, Grant.id)
    )
    return [(grant, name) for grant, name in rows]


def who_opens(name: str, password: str) -> tuple[uuid.UUID | None, Account | None]:
    """(account meant, the same when `password` is right). Login first; a phone or name only when it is one person's.

    An unknown name takes as long as a wrong password.
    """
    meant = _meant(name)
    right = (meant or Account(password_hash=NO_HASH)).opens_with(password)
    return (meant.id if meant else None), (meant if right else None)


def _meant(name: str) -> Account | None:
    digits = "".join(c for c in name if c.isascii() and c.isdigit())
    ways = [Account.login == name, Person.name == name]
    if len(digits) >= 7:
        ways.append(Person.phone_blind == secrets.blind(digits, "phone"))
    ask = sa.select(Account).join(Person, Person.id == Account.person_id).where(Account.ended_at.is_(None))
    found = db.reading().scalars(ask.where(Account.password_hash.is_not(None), sa.or_(*ways)).limit(20)).unique().all()
    by_login = [account for account in found if account.login == name]
    chosen = by_login or found
    return chosen[0] if len(chosen) == 1 else None


def refused(meant: uuid.UUID | None, name: str, network: str) -> None:
    """Write down a sign-in that did not open. What was typed is kept as a blind digest: it may be a password."""
    typed = secrets.blind(name, "typed").hex()
    audit.note("account.sign_in_refused", f"account:{meant or 'unknown'}", typed=typed, network=network)


def sign_in(account: Account, grant: Grant, device: Device | None = None) -> str:
    """Open a session row and set the cookie; whoever was signed in on this browser is signed out. Returns the token."""
    token = random.token_urlsafe(24)
    if (former := actor()) is not None:
        _end(former.sign_in_id)  # type: ignore[attr-defined]
    row = SignIn(
        token=secrets.one_way(token),
        account_id=account.id,
        grant_id=grant.id,
        device_id=device.id if device else None,
        until=clock.now() + (PHONE_LIFE if device else KIN_LIFE if grant.role == Role.KIN else OFFICE_LIFE),
    )
    db.session().add(row)
    db.session().flush()
    audit.by(db.session(), account.id)
    audit.note("account.sign_in", row, account=account.id, role=grant.role)
    ghost = SignedIn(
        token=token,
        sign_in_id=row.id,
        account_id=account.id,
        person_id=account.person_id,
        name="",
        role=Role(grant.role),
        place_id=grant.place_id,
        language=None,
        scale=100,
        device_id=row.device_id,
        shared=False,
        unlocked_at=clock.now(),
    )
    session.permanent = True  # the row says how long; a cookie that dies with the browser would say it sooner
    login_user(ghost)
    return token


def _end(sign_in_id: uuid.UUID) -> None:
    db.session().execute(sa.update(SignIn).where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None)).values(ended_at=clock.now()))


def sign_out(who: Any) -> None:
    """End the session row and forget the cookie."""
    _end(who.sign_in_id)
    audit.note("account.sign_out", f"sign_in:{who.sign_in_id}")
    logout_user()


def end_sign_in(who: Actor, sign_in_id: uuid.UUID) -> bool:
    """End one of the person's own sign-ins elsewhere; False when there is no such open one."""
    mine = sa.and_(SignIn.id == sign_in_id, SignIn.account_id == who.account_id, SignIn.ended_at.is_(None))
    ended = db.session().scalar(sa.update(SignIn).where(mine).values(ended_at=clock.now()).returning(SignIn.id))
    if ended:
        audit.note("account.sign_out", f"sign_in:{sign_in_id}")
    return ended is not None


def act_under(who: Any, grant: Grant) -> None:
    """Go on under another of one's own grants."""
    db.session().execute(sa.update(SignIn).where(SignIn.id == who.sign_in_id).values(grant_id=grant.id))
    audit.note("account.act_under", grant, role=grant.role)


def unlock(who: Any) -> None:
    """The PIN was right: note the hour; the phone stays signed in for another thirty days."""
    now = clock.now()
    values = {"unlocked_at": now, "until": now + PHONE_LIFE} if who.device_id else {"unlocked_at": now}
    db.session().execute(sa.update(SignIn).where(SignIn.id == who.sign_in_id).values(**values))


def locked(who: Any, used_at: datetime | None, *, private: bool = False) -> bool:
    """Whether this phone must be opened with its PIN first. `used_at`: when it was last touched; `private`: book, health."""
    if who.device_id is None:
        return False
    now, phone = clock.now(), rules.Phone(who.shared, who.unlocked_at, used_at or who.unlocked_at)
    if not (who.shared or private or clock.day_of(who.unlocked_at) != clock.day_of(now)):
        return False  # the usual case asks the database nothing
    chosen = rulebook.current("doors", clock.day_of(now), who.place_id)
    minutes = {name: chosen[name] for name in ("idle_minutes", "private_minutes")}
    if not rules.needs_pin(phone, now, private=private, working=False, **minutes):
        return False
    return rules.needs_pin(phone, now, private=private, working=any(ask(who) for ask in OPEN_WORK), **minutes)


def account_of(person_id: uuid.UUID) -> Account | None:
    """The open account of a person."""
    return db.session().scalar(sa.select(Account).where(Account.person_id == person_id, Account.ended_at.is_(None)))


def account_below(who: Any, person_id: uuid.UUID) -> Account | None:
    """The account of a person all of whose roles `who` may appoint, at places within reach; else None."""
    rows = (
        db.session()
        .execute(
            sa.select(Account, Grant.role, who.reaches_station(Grant.place_id))
            .join(Grant, Grant.account_id == Account.id)
            .where(Account.person_id == person_id, Account.ended_at.is_(None), Grant.holds())
            .options(sa.orm.lazyload(Account.person))
        )
        .all()
    )
    below = rows and all(here and appoints(who.role, Role(role)) for _account, role, here in rows)
    return rows[0][0] if below else None


def kin_of(who: Actor, kin_id: uuid.UUID) -> Kin | None:
    """The relative of a resident within reach, tie still holding; locked, so that of two invitations one waits."""
    ask = sa.select(Kin).join(Resident, Resident.id == Kin.resident_id).where(Kin.id == kin_id, Kin.holds())
    return db.session().scalar(ask.where(Resident.reach(who)).with_for_update(of=Kin))


def devices_of(account_id: uuid.UUID) -> Sequence[Device]:
    """The phones of an account, newest first, revoked ones too; at most 20."""
    ask = sa.select(Device).where(Device.account_id == account_id).order_by(Device.made_at.desc(), Device.id).limit(20)
    return db.session().scalars(ask).all()


def sign_ins_of(account_id: uuid.UUID) -> list[tuple[SignIn, str | None]]:
    """The open sign-ins of an account with their phone's label, newest first; at most 20."""
    ask = (
        sa.select(SignIn, Device.label)
        .outerjoin(Device, Device.id == SignIn.device_id)
        .where(SignIn.account_id == account_id, SignIn.ended_at.is_(None), SignIn.until > clock.now())
        .order_by(SignIn.made_at.desc(), SignIn.id)
        .limit(20)
    )
    return [(row, label) for row, label in db.session().execute(ask)]


def phones_here(device_ids: Sequence[uuid.UUID]) -> list[tuple[Device, str]]:
    """Of the phones enrolled on this browser those that still open by PIN, each with its person's name."""
    if not device_ids:
        return []
    ask = (
        sa.select(Device, Person.name)
        .join(Account, Account.id == Device.account_id)
        .join(Person, Person.id == Account.person_id)
        .where(
            Device.id.in_(device_ids),
            Device.revoked_at.is_(None),
            Device.pin_tries < PIN_TRIES,
            Device.seen_at > clock.now() - PHONE_LIFE,
            Account.ended_at.is_(None),
        )
        .order_by(Device.seen_at.desc(), Device.id)
    )
    return [(device, name) for device, name in db.reading().execute(ask)]


@dataclass(frozen=True)
class OpenRecord:
    """A record of hers the station holds and has not booked yet."""

    seq: int
    kind: str
    state: str
    made_at: datetime
    say: str | None


def open_records(account_id: uuid.UUID) -> list[OpenRecord]:
    """What waits, is held or came twice with different content, and nobody has decided on; newest first; at most 50."""
    facts = (Kept.seq, Kept.kind, Kept.state, Kept.made_at, Kept.say, Kept.twice)
    ask = sa.select(*facts).where(OPEN, Kept.author_id == account_id).order_by(Kept.seq.desc()).limit(50)
    return [
        OpenRecord(row.seq, row.kind, CONFLICT, row.made_at, None) if row.twice else OpenRecord(*row[:5])
        for row in db.session().execute(ask)
    ]


rulebook.ship("doors", Path(__file__).parent / "doors.json")
