"""Persons and their ways in: accounts, roles, phones, sign-ins, one-time codes, and the verbs that keep them true."""

from __future__ import annotations

import secrets as random
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, Role, appoints
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people import rules
from webapp.people.delivered import delivered
from webapp.people.places import Place, PlaceKind, next_number
from webapp.store import audit, db, secrets
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made, Spell
from webapp.store.types import Instant, Uuid

# OWASP's memory-lean Argon2id: 19 MiB, 2 rounds; the library's default times many threads would eat the server.
hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
NO_HASH = "$argon2id$v=19$m=19456,t=2,p=1$2YzSp40TS/TPSxKXBk3gEA$U+O4830jpFz+Z/DySypRk7CYWI/4E2cOHcBgSfQgTPE"
"""Of nothing anybody typed. Tried when there is nobody to try: an unknown name takes as long as a wrong password."""
PIN_TRIES = 10


class Identified:
    """A name that can be found, and sealed numbers shown masked."""

    __tablename__: Any
    id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(sa.String(60))
    initials: Mapped[str] = mapped_column(sa.String(200), default="")
    number: Mapped[str] = mapped_column(sa.String(8), unique=True)
    """Short number, said on the phone and typed in search."""
    sex: Mapped[str | None] = mapped_column(sa.String(1))
    birth_date: Mapped[date | None]
    birth_precision: Mapped[str] = mapped_column(sa.String(5), default="day")
    phone_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    phone_blind: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16), index=True)
    phone_tail: Mapped[str | None] = mapped_column(sa.String(4))
    other_phones_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    national_id_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    national_id_blind: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16), index=True)

    def call_me(self, name: str) -> None:
        """Set the name and how it is found."""
        self.name = name
        self.initials = rules.initials(name)[:200]

    @property
    def phone(self) -> str | None:
        """The number, unsealed: for a tel: link to those who may ring it."""
        return secrets.unseal(self.phone_sealed, f"{self.__tablename__}.phone:{self.id}") if self.phone_sealed else None

    def set_phone(self, phone: str | None) -> None:
        """Seal a phone number (digits only), or forget it."""
        self.phone_sealed = phone and secrets.seal(phone, f"{self.__tablename__}.phone:{self.id}") or None
        self.phone_blind = phone and secrets.blind(phone, "phone") or None
        self.phone_tail = phone and phone[-4:] or None

    @property
    def phones(self) -> tuple[str, ...]:
        """All numbers, unsealed, the primary first."""
        sealed = self.other_phones_sealed
        others = secrets.unseal(sealed, f"{self.__tablename__}.other_phones:{self.id}").split(" ") if sealed else ()
        return tuple(each for each in (self.phone, *others) if each)

    def set_phones(self, phones: Sequence[str]) -> None:
        """Seal several numbers, the primary first; none forgets them all."""
        self.set_phone(phones[0] if phones else None)
        place, others = f"{self.__tablename__}.other_phones:{self.id}", " ".join(phones[1:])
        self.other_phones_sealed = secrets.seal(others, place) if others else None

    @property
    def national_id(self) -> str | None:
        """The national ID, unsealed; showing it whole needs `reveal`."""
        sealed = self.national_id_sealed
        return secrets.unseal(sealed, f"{self.__tablename__}.national_id:{self.id}") if sealed else None

    def set_national_id(self, number: str | None) -> None:
        """Seal a national ID (18 characters, X upper case), or forget it."""
        self.national_id_sealed = number and secrets.seal(number, f"{self.__tablename__}.national_id:{self.id}") or None
        self.national_id_blind = number and secrets.blind(number, "national_id") or None


class Person(Keyed, Made, Identified, Base):
    """Somebody with an account or a tie: staff, caregiver, doctor, kin. Residents have their own table."""

    __tablename__ = "person"
    station_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    portrait: Mapped[str | None] = mapped_column(sa.String(64))
    portrait_consent_on: Mapped[date | None]
    """The day she agreed that her portrait hangs in the homes she goes to."""

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: staff reach the people of their places, or with a role there; everybody reaches themselves."""
        seated = (
            sa.select(Account.person_id)
            .join(Grant, Grant.account_id == Account.id)
            .where(Grant.holds(), actor.reaches_station(Grant.place_id))
        )
        return sa.or_(cls.id == actor.person_id, actor.reaches_station(cls.station_id), cls.id.in_(seated))


class Account(Keyed, Made, Base):
    """A way in for a person. Caregivers have no password; kin come by a one-time code."""

    __tablename__ = "account"
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"), unique=True)
    login: Mapped[str | None] = mapped_column(sa.String(60), unique=True)
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    language: Mapped[str | None] = mapped_column(sa.String(2))
    scale: Mapped[int] = mapped_column(default=100)
    ended_at: Mapped[datetime | None] = mapped_column(Instant())
    person: Mapped[Person] = relationship(lazy="joined")

    def set_password(self, password: str) -> None:
        """Hash a new password. Refuses fewer than 8 characters and the common ones (ASVS 6.2)."""
        plain = password.strip()
        if len(plain) < 8 or plain.lower() in COMMON or plain == self.login:
            raise Refusal("weak_password", "密码要8位以上，不要用常见的", field="password")
        self.password_hash = hasher.hash(plain)

    def opens_with(self, password: str) -> bool:
        """Whether `password` is right."""
        try:
            return bool(self.password_hash) and hasher.verify(self.password_hash or "", password.strip())
        except (Argon2Error, InvalidHashError):
            return False

    def reset_password(self, password: str) -> None:
        """Set a new password and close every way in that the old one opened. Refuses what `set_password` refuses."""
        self.set_password(password)
        mine = sa.update(SignIn).where(SignIn.account_id == self.id, SignIn.ended_at.is_(None))
        db.session().execute(mine.values(ended_at=clock.now()))
        audit.note("account.reset", self)

    def end(self) -> None:
        """Close every way in; late records are still taken, nothing more is shown."""
        self.ended_at = clock.now()
        session = db.session()
        session.execute(
            sa.update(SignIn).where(SignIn.account_id == self.id, SignIn.ended_at.is_(None)).values(ended_at=clock.now())
        )
        for device in session.scalars(sa.select(Device).where(Device.account_id == self.id, Device.revoked_at.is_(None))):
            device.revoke()
        audit.note("account.end", self)


COMMON = {
    "12345678",
    "123456789",
    "1234567890",
    "password",
    "11111111",
    "88888888",
    "00000000",
    "66666666",
    "qwertyui",
    "abc12345",
    "a1234567",
}


class Grant(Keyed, Spell, Base):
    """A role at a place, with an optional end."""

    __tablename__ = "grant"
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"), index=True)
    role: Mapped[str] = mapped_column(sa.String(24))
    place_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)


def on_post(person: Any, *, before: datetime | None = None) -> sa.ColumnElement[bool]:
    """Condition: the person is a caregiver now; `before`: and was one before that instant."""
    holds = sa.exists().where(
        Account.person_id == person, Account.ended_at.is_(None), Grant.account_id == Account.id,
        Grant.role == Role.CAREGIVER, Grant.holds(),
    )  # fmt: skip
    return holds.where(Grant.since < before) if before else holds


CLOCK_OFF_MIN = 10
"""A phone whose clock is further off is shown."""
OWING = "revoked_at is not null and waived_at is null and (unsent > 0 or missing > 0)"
_OWING = sa.text(OWING)


class Device(Keyed, Made, Base):
    """A browser on a phone with a key of its own, belonging to one account."""

    __tablename__ = "device"
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"), index=True)
    x: Mapped[str] = mapped_column(sa.String(44))
    y: Mapped[str] = mapped_column(sa.String(44))
    gen: Mapped[int] = mapped_column(default=1)
    label: Mapped[str] = mapped_column(sa.String(80))
    shared: Mapped[bool] = mapped_column(default=False)
    pin_hash: Mapped[str | None] = mapped_column(sa.String(200))
    pin_tries: Mapped[int] = mapped_column(default=0)
    seen_at: Mapped[datetime | None] = mapped_column(Instant())
    revoked_at: Mapped[datetime | None] = mapped_column(Instant())
    unsent: Mapped[int | None]
    """How many records it last said it still holds, and when it said so."""
    unsent_at: Mapped[datetime | None] = mapped_column(Instant())
    off_s: Mapped[int | None]
    """Seconds to be added to its clock to make it right, as last measured."""
    missing: Mapped[int] = mapped_column(default=0)
    """How many numbers of its own count had not come when it was stopped."""
    waived_at: Mapped[datetime | None] = mapped_column(Instant())
    """When somebody said that nothing more will come from it."""
    __table_args__ = (sa.Index("ix_device_owing", "revoked_at", sqlite_where=_OWING, postgresql_where=_OWING),)

    @property
    def clock_off_min(self) -> int:
        """Minutes by which its clock is off, above 0 ahead; 0 as long as that need not trouble anybody."""
        off_min = -round((self.off_s or 0) / 60)
        return off_min if abs(off_min) > CLOCK_OFF_MIN else 0

    def revoke(self) -> None:
        """From now on its records are quarantined, never dropped, and its sign-ins end."""
        self.revoked_at = clock.now()
        came = delivered([self.id]).get(self.id)
        self.missing = came.lost if came else 0
        self.end_sign_ins()
        audit.note("device.revoke", self)

    def waive(self) -> None:
        """No longer wait for what is on it. Should it come all the same, it is taken in. Refuses a phone in use."""
        if self.revoked_at is None:
            raise Refusal("device_in_use", "这部手机还在用")
        if self.waived_at is None:
            self.waived_at = clock.now()
            audit.note("device.waive", self, unsent=self.unsent, missing=self.missing)

    def set_pin(self, pin: str) -> None:
        """A 6-digit PIN. Refuses six equal digits and runs."""
        if len(pin) != 6 or not (pin.isascii() and pin.isdigit()):
            raise Refusal("pin_shape", "请设6位数字", field="pin")
        if len(set(pin)) == 1 or pin in "0123456789012345" or pin in "9876543210987654":
            raise Refusal("pin_weak", "太好猜了，换6个数字", field="pin")
        self.pin_hash = hasher.hash(pin)

    def opens_with(self, pin: str) -> bool:
        """Whether `pin` is right. Counts nothing: `tried` does, in a write of its own."""
        try:
            return hasher.verify(self.pin_hash or "", pin)
        except (Argon2Error, InvalidHashError):  # an unset or broken hash opens nothing
            return False

    def tried(self, right: bool) -> int:
        """Note a try of the PIN; returns how many are left, 0 when the tenth wrong one ended the sign-ins of this phone.

        Its key stays: what is unsent on it can still be delivered. Only a new slip opens it for reading again.
        """
        session, row = db.session(), sa.update(Device).where(Device.id == self.id)
        if right:
            won = session.execute(row.where(Device.pin_tries < PIN_TRIES).values(pin_tries=0, seen_at=clock.now()))
            return PIN_TRIES if won.rowcount else 0  # type: ignore[attr-defined]
        tries = session.scalar(row.values(pin_tries=Device.pin_tries + 1).returning(Device.pin_tries)) or 0
        audit.note("device.pin_wrong", self, tries=tries)
        if tries >= PIN_TRIES:
            self.end_sign_ins()
            audit.note("device.pin_end", self)
        return max(PIN_TRIES - tries, 0)

    def end_sign_ins(self) -> None:
        """Close what is open on this phone."""
        mine = sa.update(SignIn).where(SignIn.device_id == self.id, SignIn.ended_at.is_(None))
        db.session().execute(mine.values(ended_at=clock.now()))

    @classmethod
    def enrol(cls, code: str, pin: str, *, x: str, y: str, gen: int, label: str) -> Device:
        """The phone a slip was written for, its key and PIN; every other phone of the account is revoked.

        Told twice with the same key and PIN (the answer was lost on the way) it is the same phone. Refuses a wrong, used or
        old code, and what `set_pin` refuses. Without a key (x and y empty) records can only be sent while signed in.
        """
        session = db.session()
        if (known := cls._enrolled(code, pin, x, y)) is not None:
            return known
        slip = Slip.find(Slip.ENROL, code)
        device = cls(id=ids.new(), account_id=slip.account_id, x=x, y=y, gen=gen, label=label, shared=slip.shared)
        device.set_pin(pin)
        device.seen_at = clock.now()
        slip.use()
        for old in session.scalars(sa.select(cls).where(cls.account_id == slip.account_id, cls.revoked_at.is_(None))):
            old.revoke()
        session.add(device)
        session.flush()
        audit.note("device.enrol", device, account=device.account_id, shared=device.shared, by=slip.by_id, key=bool(x))
        return device

    @classmethod
    def _enrolled(cls, code: str, pin: str, x: str, y: str) -> Device | None:
        """The live phone this very slip, key and PIN made within the last day."""
        slip = db.session().scalar(sa.select(Slip).where(Slip.code == Slip.digest(Slip.ENROL, code)))
        if slip is None or slip.used_at is None or not x or slip.until < clock.now() - timedelta(days=1):
            return None
        same = sa.and_(cls.account_id == slip.account_id, cls.x == x, cls.y == y, cls.revoked_at.is_(None))
        device = db.session().scalar(sa.select(cls).where(same))
        return device if device is not None and device.pin_tries < PIN_TRIES and device.opens_with(pin) else None


class SignIn(Keyed, Made, Base):
    """One session: a random token's digest, whose, under which grant, on which device. Rows that can be ended."""

    __tablename__ = "sign_in"
    token: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"), index=True)
    grant_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("grant.id"))
    device_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("device.id"), index=True)
    until: Mapped[datetime] = mapped_column(Instant())
    unlocked_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    """The last time the PIN or password was given."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant())


class Slip(Keyed, Made, Base):
    """A one-time code: enrol a phone, reset a password, invite kin. Only its digest is kept; used once, gone at `until`."""

    __tablename__ = "slip"
    purpose: Mapped[str] = mapped_column(sa.String(10))
    code: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"))
    shared: Mapped[bool] = mapped_column(default=False)
    until: Mapped[datetime] = mapped_column(Instant())
    used_at: Mapped[datetime | None] = mapped_column(Instant())

    ENROL, RESET, INVITE = "enrol", "reset", "invite"
    LIFE: ClassVar[dict[str, timedelta]] = {
        ENROL: timedelta(minutes=10),
        RESET: timedelta(minutes=10),
        INVITE: timedelta(days=7),
    }

    @classmethod
    def write(cls, purpose: str, account: Account, by: uuid.UUID, *, shared: bool = False) -> tuple[Slip, str]:
        """A new slip and its code: 8 digits, or a long token for invitations that travel as a link."""
        session, code = db.session(), cls._fresh(purpose)
        session.execute(
            sa.update(cls)
            .where(cls.account_id == account.id, cls.purpose == purpose, cls.used_at.is_(None))
            .values(used_at=clock.now())
        )
        slip = cls(
            purpose=purpose,
            code=cls.digest(purpose, code),
            account_id=account.id,
            by_id=by,
            shared=shared,
            until=clock.now() + cls.LIFE[purpose],
        )
        session.add(slip)
        session.flush()
        audit.note(f"slip.{purpose}", slip, account=account.id)
        return slip, code

    @classmethod
    def find(cls, purpose: str, code: str) -> Slip:
        """The live slip of a code, not yet used. Raises Refusal."""
        slip = db.session().scalar(sa.select(cls).where(cls.code == cls.digest(purpose, code)))
        if slip is None or slip.used_at:
            raise Refusal("slip_wrong", "这个码不对，请看清再输", field="code")
        if slip.until <= clock.now():
            raise Refusal("slip_old", "这个码过时了，请再要一个", field="code")
        return slip

    @staticmethod
    def digest(purpose: str, code: str) -> bytes:
        """What the database keeps of a code."""
        return secrets.one_way(f"{purpose}:{code}")

    @classmethod
    def _fresh(cls, purpose: str) -> str:
        """A code no slip ever had: eight digits do repeat over the years."""
        while True:
            code = random.token_urlsafe(16) if purpose == cls.INVITE else f"{random.randbelow(10**8):08d}"
            if db.session().scalar(sa.select(cls.id).where(cls.code == cls.digest(purpose, code))) is None:
                return code

    def use(self) -> None:
        """Strike it through; of two at once one wins."""
        won = db.session().execute(sa.update(Slip).where(Slip.id == self.id, Slip.used_at.is_(None)).values(used_at=clock.now()))
        if not won.rowcount:  # type: ignore[attr-defined]
            raise Refusal("slip_wrong", "这个码用过了，请再要一个", field="code")


def welcome(
    name: str,
    station: Place | None = None,
    *,
    phone: str | None = None,
    national_id: str | None = None,
    key: uuid.UUID | None = None,
    **facts: Any,
) -> Person:
    """A new person with a short number, found by name and initials."""
    person = Person(
        id=key or ids.new(), number=f"P{next_number('person'):05d}", station_id=station.id if station else None, **facts
    )
    person.call_me(name)
    person.set_phone(phone)
    person.set_national_id(national_id)
    db.session().add(person)
    audit.note("person.welcome", person)
    return person


def open_account(
    person: Person, role: Role, place: Place | None, *, login: str | None = None, password: str | None = None
) -> Account:
    """An account for `person` with a first grant; a further role is another `grant`."""
    account = Account(id=ids.new(), person_id=person.id, login=login)
    account.person = person
    if password is not None:
        account.set_password(password)
    db.session().add(account)
    db.session().flush()
    audit.note("account.open", account, role=role)
    grant(account, role, place)
    return account


def grant(account: Account, role: Role, place: Place | None, until: datetime | None = None) -> Grant:
    """Give `account` a role at a place."""
    row = Grant(account_id=account.id, role=role, place_id=place.id if place else None, until=until)
    db.session().add(row)
    db.session().flush()
    audit.note("account.grant", row, account=account.id, role=role)
    return row


def appoint(actor: Actor, account: Account, role: Role, place: Place, until: datetime | None = None) -> Grant:
    """`grant`, by somebody who may. Refuses roles not below the actor's own, and one held there already."""
    refuse_above(actor, role)
    same = sa.and_(Grant.account_id == account.id, Grant.role == role, Grant.place_id == place.id, Grant.holds())
    if db.session().scalar(sa.select(Grant.id).where(same)) is not None:
        raise Refusal("grant_held", "这个岗位已经有了", field="role")
    return grant(account, role, place, until)


def take_on(
    actor: Actor, name: str, role: Role, place: Place, *, login: str | None = None, until: datetime | None = None, **facts: Any
) -> Account:
    """A new person of the staff with an account and a first grant. Refuses roles not below the actor's own."""
    refuse_above(actor, role)
    if login:
        refuse_login(login)
    refuse_second(Person, facts.get("national_id"))
    phones = facts.pop("phones", ())
    person = welcome(name, place if place.kind == PlaceKind.STATION else None, **facts)
    person.set_phones(phones)
    account = open_account(person, role, place, login=login or None)
    if until:
        db.session().execute(sa.update(Grant).where(Grant.account_id == account.id).values(until=until))
    return account


def refuse_login(login: str) -> None:
    """Refuse a sign-in name that somebody has."""
    if db.session().scalar(sa.select(Account.id).where(Account.login == login)) is not None:
        raise Refusal("login_taken", "这个登录名有人用了，请换一个", field="login")


def end_grant(actor: Actor, row: Grant) -> None:
    """The role ends now, with the sign-ins under it. Refuses roles not below the actor's own."""
    refuse_above(actor, Role(row.role))
    row.until = clock.now()
    open_rows = sa.and_(SignIn.grant_id == row.id, SignIn.ended_at.is_(None))
    db.session().execute(sa.update(SignIn).where(open_rows).values(ended_at=clock.now()))
    audit.note("account.ungrant", row, account=row.account_id, role=row.role)


def refuse_above(actor: Actor, role: Role) -> None:
    """Refuse roles not below the actor's own."""
    if not appoints(actor.role, role):
        raise Refusal("role_above", "这个岗位要请上一级来办", field="role")


def refuse_second(table: type[Identified], number: str | None, but: uuid.UUID | None = None) -> None:
    """Refuse a national ID that another row of `table` has."""
    if not number:
        return
    ask = sa.select(table.id).where(table.national_id_blind == secrets.blind(number, "national_id"))
    if db.session().scalar(ask.where(table.id != but) if but else ask) is not None:
        raise Refusal("id_taken", "这个身份证号已经登记过了，请核一核", field="national_id")
