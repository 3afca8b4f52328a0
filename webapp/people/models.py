"""Places, persons, accounts, devices, households, residents, kin, home-care units, and the verbs that keep them true."""

from __future__ import annotations

import secrets as random
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as lite_insert
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, Role, appoints
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people import rules
from webapp.store import audit, db, jobs, rulebook, secrets, topics
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made, Spell
from webapp.store.types import Instant, Uuid

# OWASP's memory-lean Argon2id: 19 MiB, 2 rounds; the library's default times many threads would eat the server.
hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
NO_HASH = hasher.hash(random.token_hex(16))
"""Tried when there is nobody to try: an unknown name takes as long as a wrong password."""
PIN_TRIES = 10


class PlaceKind(StrEnum):
    """The tree of H31-H33, H38."""

    DISTRICT = "district"
    STREET = "street"
    STATION = "station"


class Place(Keyed, Made, Base):
    """A district office, street centre or station; every station knows its street and district."""

    __tablename__ = "place"
    kind: Mapped[str] = mapped_column(sa.String(10))
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    street_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    district_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    phone: Mapped[str | None] = mapped_column(sa.String(30))
    """The head's or office's public number; not personal, so not sealed."""

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the place itself or one below it is within reach."""
        return actor.reaches_station(cls.id)

    @property
    def parent_id(self) -> uuid.UUID | None:
        """The next place up."""
        return self.street_id or self.district_id


class DutyHour(Keyed, Base):
    """Who answers a place's number on one stretch of the week, and who is rung next."""

    __tablename__ = "duty_hour"
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    weekday: Mapped[int]
    since: Mapped[int]
    until: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(40))
    phone: Mapped[str] = mapped_column(sa.String(30))
    next_name: Mapped[str | None] = mapped_column(sa.String(40))
    next_phone: Mapped[str | None] = mapped_column(sa.String(30))

    @property
    def span(self) -> rules.Span:
        """As rules take it."""
        return rules.Span(self.weekday, self.since, self.until)


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
    place_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("place.id"))


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

    def revoke(self) -> None:
        """From now on its records are quarantined, never dropped, and its sign-ins end."""
        self.revoked_at = clock.now()
        self.end_sign_ins()
        audit.note("device.revoke", self)

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


class Household(Keyed, Made, Base):
    """A home with its residents; belongs to one station."""

    __tablename__ = "household"
    station_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"), index=True)
    number: Mapped[str] = mapped_column(sa.String(8), unique=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    """As lists show it: 李秀兰, or 张福贵 · 刘淑珍."""
    address_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())
    no_signal: Mapped[bool] = mapped_column(default=False)
    ended_on: Mapped[date | None]
    residents: Mapped[list[Resident]] = relationship(back_populates="household", order_by="Resident.number")

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the household is within reach."""
        return actor.reaches_household(cls.id)

    @property
    def address(self) -> str:
        """Where it is, unsealed: for those who may enter."""
        return secrets.unseal(self.address_sealed, f"household.address:{self.id}") if self.address_sealed else ""

    def set_address(self, address: str) -> None:
        """Seal the address."""
        self.address_sealed = secrets.seal(address, f"household.address:{self.id}") if address else None

    def rename(self) -> None:
        """Take the name from the residents who live here."""
        self.name = " · ".join(r.name for r in self.residents if r.ended_on is None)[:80] or self.name


class Spot(Keyed, Made, Homed, Base):
    """A point where this household is visited: home, a child's home, hospital. WGS-84, millionths of a degree."""

    __tablename__ = "spot"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10), default="home")
    name: Mapped[str] = mapped_column(sa.String(40), default="")
    lat_e6: Mapped[int]
    lon_e6: Mapped[int]
    radius_m: Mapped[int] = mapped_column(default=150)


class Contact(Keyed, Made, Homed, Base):
    """Somebody near: a neighbour (N08) or who holds the key."""

    __tablename__ = "contact"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    name: Mapped[str] = mapped_column(sa.String(40))
    phone_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary())

    @property
    def phone(self) -> str:
        """The number, unsealed."""
        return secrets.unseal(self.phone_sealed, f"contact.phone:{self.id}") if self.phone_sealed else ""

    def set_phone(self, phone: str) -> None:
        """Seal the number."""
        self.phone_sealed = secrets.seal(phone, f"contact.phone:{self.id}") if phone else None


class Resident(Keyed, Made, Identified, Homed, Base):
    """An elder who is cared for."""

    __tablename__ = "resident"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    tier: Mapped[str | None] = mapped_column(sa.String(1))
    relation: Mapped[str] = mapped_column(sa.String(20), default="")
    """To the head of the household, as people say it."""
    portrait: Mapped[str | None] = mapped_column(sa.String(64))
    portrait_consent_on: Mapped[date | None]
    blood_type: Mapped[str | None] = mapped_column(sa.String(4))
    card_consent_on: Mapped[date | None]
    """Allergies and blood type may stand on the back of the card."""
    ended_on: Mapped[date | None]
    household: Mapped[Household] = relationship(back_populates="residents")
    alerts: Mapped[list[Alert]] = relationship(order_by="Alert.made_at", back_populates="resident")


class Alert(Keyed, Made, Spell, Base):
    """What whoever enters must know: allergy, falls, hard of hearing."""

    __tablename__ = "alert"
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"), index=True)
    level: Mapped[str] = mapped_column(sa.String(8), default="watch")
    kind: Mapped[str] = mapped_column(sa.String(12), default="other")
    words: Mapped[str] = mapped_column(sa.String(60))
    resident: Mapped[Resident] = relationship(back_populates="alerts")

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the resident's household is within reach."""
        return cls.resident_id.in_(sa.select(Resident.id).where(actor.reaches_household(Resident.household_id)))


class Kin(Keyed, Made, Spell, Base):
    """A relative of a resident, with what the resident agreed to show."""

    __tablename__ = "kin"
    resident_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("resident.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"), index=True)
    relation: Mapped[str] = mapped_column(sa.String(20))
    person: Mapped[Person] = relationship()
    resident: Mapped[Resident] = relationship()
    consents: Mapped[list[Consent]] = relationship()

    SCOPES: ClassVar[tuple[str, ...]] = ("visits", "logs", "money", "health")

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the resident's household is within reach."""
        return cls.resident_id.in_(sa.select(Resident.id).where(actor.reaches_household(Resident.household_id)))

    @property
    def scopes(self) -> set[str]:
        """What may be shown now."""
        return {c.scope for c in self.consents if c.until is None or c.until > clock.now()}


class Consent(Keyed, Spell, Base):
    """The resident's separate consent to one scope for one relative: who took it down and how (个人信息保护法 第二十九条)."""

    __tablename__ = "consent"
    kin_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("kin.id"), index=True)
    scope: Mapped[str] = mapped_column(sa.String(10))
    how: Mapped[str] = mapped_column(sa.String(40))
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class HomeCareUnit(Keyed, Spell, Homed, Base):
    """居家养老院: one main caregiver and one household (H01); the rows are its history."""

    __tablename__ = "home_care_unit"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"), index=True)
    relative: Mapped[bool] = mapped_column(default=False)
    """A child of the resident as caregiver (H18)."""
    __table_args__ = (
        sa.Index(
            "uq_home_care_unit_active",
            "household_id",
            unique=True,
            sqlite_where=sa.text("until is null"),
            postgresql_where=sa.text("until is null"),
        ),
    )


class Assignment(Keyed, Spell, Homed, Base):
    """Who may enter which household, from when until when, as main caregiver or relief."""

    __tablename__ = "assignment"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), index=True)
    caregiver_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"))
    part: Mapped[str] = mapped_column(sa.String(6), default="main")
    __table_args__ = (sa.Index("ix_assignment_caregiver_id_until", "caregiver_id", "until"),)


class Clearance(Keyed, Made, Base):
    """The basic course, passed."""

    __tablename__ = "clearance"
    person_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("person.id"), index=True)
    course: Mapped[str] = mapped_column(sa.String(40))
    passed_on: Mapped[date]


class Look(Keyed, Base):
    """Somebody looked at a resident's or household's record; kin and station can read who."""

    __tablename__ = "look"
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    role: Mapped[str] = mapped_column(sa.String(24))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    what: Mapped[str] = mapped_column(sa.String(20))
    reason: Mapped[str | None] = mapped_column(sa.String(200))
    __table_args__ = (sa.Index("ix_look_household_id_at", "household_id", "at"),)


class ColumnMap(Keyed, Made, Base):
    """A sheet layout matched once: its fingerprint and which column is which field."""

    __tablename__ = "column_map"
    fingerprint: Mapped[str] = mapped_column(sa.String(64), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    columns: Mapped[dict[str, Any]] = mapped_column(sa.JSON())


class SheetImport(Keyed, Made, Base):
    """A clerk's sheet on its way in. Its file lies sealed outside the database until `until`; only who brought it sees it."""

    __tablename__ = "sheet_import"
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("account.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    filename: Mapped[str] = mapped_column(sa.String(120))
    until: Mapped[datetime] = mapped_column(Instant())
    columns: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    answers: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)
    total: Mapped[int | None]
    """How many steps (households, or persons of the staff) the import has; empty before it is begun."""
    done: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: it is the actor's own and has not expired."""
        return sa.and_(cls.account_id == actor.account_id, cls.until > clock.now())


class FormTaken(Base):
    """The hidden key of an ordinary form that made something: a double tap finds it here."""

    __tablename__ = "form_taken"
    key: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant(), default=clock.now, index=True)


class Counter(Base):
    """The last short number of each kind."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    value: Mapped[int]


def next_number(kind: str) -> int:
    """The next number of a kind, gapless within committed work: 1, 2, 3."""
    session = db.session()
    value = session.scalar(
        sa.update(Counter).where(Counter.name == kind).values(value=Counter.value + 1).returning(Counter.value)
    )
    if value is None:
        session.add(Counter(name=kind, value=1))
        session.flush()
        return 1
    return int(value)


def found_place(kind: PlaceKind, code: str, name: str, parent: Place | None = None, phone: str | None = None) -> Place:
    """A new district, street or station under `parent`."""
    place = Place(
        id=ids.new(),
        kind=kind,
        code=code,
        name=name,
        phone=phone,
        street_id=parent.id if parent and parent.kind == PlaceKind.STREET else None,
        district_id=(parent.district_id or parent.id) if parent else None,
    )
    db.session().add(place)
    audit.note("place.found", place, kind=kind, name=name)
    return place


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


def settle_household(station: Place, address: str, *, no_signal: bool = False, key: uuid.UUID | None = None) -> Household:
    """A new household of a station, without residents yet."""
    household = Household(
        id=key or ids.new(), station_id=station.id, number=f"H{next_number('household'):05d}", name="—", no_signal=no_signal
    )
    household.set_address(address)
    db.session().add(household)
    audit.note("household.settle", household, household.id)
    tell(station.id)
    return household


def take_in(
    household: Household,
    name: str,
    *,
    phone: str | None = None,
    national_id: str | None = None,
    key: uuid.UUID | None = None,
    **facts: Any,
) -> Resident:
    """A new resident of `household`. Refuses a national ID that somebody else has."""
    _refuse_second(Resident, national_id)
    resident = Resident(id=key or ids.new(), household_id=household.id, number=f"R{next_number('resident'):05d}", **facts)
    resident.call_me(name)
    resident.set_phone(phone)
    resident.set_national_id(national_id)
    household.residents.append(resident)
    household.rename()
    db.session().add(resident)
    audit.note("resident.take_in", resident, household.id)
    tell(household.station_id)
    return resident


def warn(resident: Resident, words: str, *, kind: str = "other", level: str = "watch") -> Alert:
    """Put an alert on a resident. kind: allergy, fall, hearing, other; level: watch or danger."""
    alert = Alert(resident_id=resident.id, words=words, kind=kind, level=level)
    db.session().add(alert)
    audit.note("resident.warn", resident, resident.household_id, kind=kind)
    return alert


def relate(resident: Resident, person: Person, relation: str) -> Kin:
    """Make `person` kin of `resident`; nothing is shown before consent."""
    kin = Kin(id=ids.new(), resident_id=resident.id, person_id=person.id, relation=relation)
    db.session().add(kin)
    db.session().flush()
    audit.note("kin.relate", kin, resident.household_id)
    return kin


def consent(kin: Kin, household: uuid.UUID, scopes: set[str], how: str, by: uuid.UUID) -> None:
    """Set exactly `scopes` as what the resident lets `kin` see."""
    session = db.session()
    for row in session.scalars(sa.select(Consent).where(Consent.kin_id == kin.id, Consent.until.is_(None))):
        if row.scope not in scopes:
            row.until = clock.now()
        scopes = scopes - {row.scope}
    session.add_all(Consent(kin_id=kin.id, scope=scope, how=how, by_id=by) for scope in sorted(scopes))
    audit.note("kin.consent", kin, household, scopes=sorted(scopes), how=how)


def pair(household: Household, caregiver: Person, *, relative: bool = False, since: datetime | None = None) -> HomeCareUnit:
    """Make `caregiver` the household's main caregiver from `since`; ends the unit before (H01).

    Refuses more units than the setting allows.
    """
    session, since = db.session(), since or clock.now()
    most = rulebook.current("people", clock.today(), household.station_id)["units_per_caregiver"]
    held = session.scalars(
        sa.select(HomeCareUnit.household_id)
        .where(HomeCareUnit.caregiver_id == caregiver.id, HomeCareUnit.until.is_(None))
        .limit(most + 1)
    ).all()
    if household.id not in held and len(held) >= most:
        raise Refusal("too_many_units", "她已经照看%(most)s户了，请换一位", most=most)
    for table in (HomeCareUnit, Assignment):
        open_rows = sa.and_(table.household_id == household.id, table.until.is_(None))
        if table is Assignment:
            open_rows = sa.and_(open_rows, Assignment.part == "main")
        session.execute(sa.update(table).where(open_rows).values(until=since))
    unit = HomeCareUnit(household_id=household.id, caregiver_id=caregiver.id, relative=relative, since=since)
    session.add_all([unit, Assignment(household_id=household.id, caregiver_id=caregiver.id, part="main", since=since)])
    session.flush()
    audit.note("unit.pair", unit, household.id, caregiver=caregiver.id)
    tell(household.station_id)
    return unit


def relieve(household: Household, caregiver: Person, since: datetime, until: datetime) -> Assignment:
    """Let a relief caregiver into `household` from `since` until `until`."""
    row = Assignment(household_id=household.id, caregiver_id=caregiver.id, part="relief", since=since, until=until)
    db.session().add(row)
    db.session().flush()
    audit.note("unit.relieve", row, household.id, caregiver=caregiver.id)
    return row


def looked(actor: Actor, household: uuid.UUID, what: str, reason: str | None = None) -> None:
    """Write down that `actor` looked at a household's record."""
    db.session().add(Look(account_id=actor.account_id, role=actor.role, household_id=household, what=what, reason=reason))


def reveal(actor: Actor, subject: Resident | Person, field: str, reason: str, household: uuid.UUID | None = None) -> str | None:
    """A masked field whole, with a reason, audited. field: phone or national_id. Refuses an empty reason."""
    if len(reason.strip()) < 2:
        raise Refusal("reason", "请写明为什么要看", field="reason")
    audit.note("people.reveal", subject, household, field=field, reason=reason.strip()[:200], role=actor.role)
    value: str | None = getattr(subject, field)
    return value


def tell(station_id: uuid.UUID) -> None:
    """Open lists of the station, its street and its district fetch themselves again."""
    place = db.session().get_one(Place, station_id)
    for key in (place.id, place.street_id, place.district_id):
        if key:
            topics.tell(f"people:{key}")


def first_tap(key: uuid.UUID) -> bool:
    """Whether the form with this hidden key is sent for the first time; of two taps at once one is first."""
    session = db.session()
    insert = pg_insert if session.get_bind().dialect.name == "postgresql" else lite_insert
    taken = insert(FormTaken).values(key=key, at=clock.now()).on_conflict_do_nothing().returning(FormTaken.key)
    return session.scalar(taken) is not None


@jobs.job("people.forget_taps", nightly=True)
def forget_taps() -> None:
    """Forget forms taken more than a month ago."""
    db.session().execute(sa.delete(FormTaken).where(FormTaken.at < clock.now() - timedelta(days=30)))


def _refuse_second(table: type[Resident] | type[Person], number: str | None, but: uuid.UUID | None = None) -> None:
    if not number:
        return
    ask = sa.select(table.id).where(table.national_id_blind == secrets.blind(number, "national_id"))
    if db.session().scalar(ask.where(table.id != but) if but else ask) is not None:
        raise Refusal("id_taken", "这个身份证号已经登记过了，请核一核", field="national_id")


def change(
    subject: Resident | Person,
    *,
    name: str | None = None,
    phones: Sequence[str] | None = None,
    national_id: str | None = None,
    household: Household | None = None,
    **facts: Any,
) -> None:
    """Change what is known of somebody; what is None stays. `household`: the resident's. Refuses another's national ID."""
    if name:
        subject.call_me(name)
    if phones is not None:
        subject.set_phones(phones)
    if national_id:
        _refuse_second(type(subject), national_id, subject.id)
        subject.set_national_id(national_id)
    for field, value in facts.items():
        setattr(subject, field, value)
    told = sorted({*facts, *(["name"] if name else []), *(["phone"] if phones is not None else [])})
    told += ["national_id"] if national_id else []
    audit.note(f"{subject.__tablename__}.change", subject, household.id if household else None, fields=told)
    if household:
        household.rename()
        tell(household.station_id)


def change_household(household: Household, address: str, *, no_signal: bool, station: Place | None = None) -> None:
    """Set the address and whether phones work there; `station` moves it."""
    moved = [household.station_id] if station and station.id != household.station_id else []
    if station:
        household.station_id = station.id
    household.set_address(address)
    household.no_signal = no_signal
    audit.note("household.change", household, household.id, moved=bool(moved))
    for key in (*moved, household.station_id):
        tell(key)


def discharge(resident: Resident, household: Household, on: date) -> None:
    """The resident is no longer cared for from `on`; with the last one the household and its unit end too."""
    resident.ended_on = on
    audit.note("resident.discharge", resident, household.id, day=on)
    if all(each.ended_on for each in household.residents):
        household.ended_on = on
        session = db.session()
        for table in (HomeCareUnit, Assignment):
            ended = sa.and_(table.household_id == household.id, table.until.is_(None))
            session.execute(sa.update(table).where(ended).values(until=clock.now()))
    else:
        household.rename()
    tell(household.station_id)


def calm(alert: Alert, household: uuid.UUID) -> None:
    """The alert no longer holds. Twice is once."""
    if alert.until is None:
        alert.until = clock.now()
        audit.note("resident.calm", alert, household)


def add_contact(household: Household, kind: str, name: str, phone: str) -> Contact:
    """Somebody near. kind: neighbour or key (who holds the key)."""
    contact = Contact(id=ids.new(), household_id=household.id, kind=kind, name=name)
    contact.set_phone(phone)
    db.session().add(contact)
    audit.note("household.contact", contact, household.id, kind=kind)
    return contact


def add_spot(household: Household, lat_e6: int, lon_e6: int, *, kind: str, name: str, radius_m: int) -> Spot:
    """A point where the household is visited; WGS-84, metres."""
    spot = Spot(id=ids.new(), household_id=household.id, lat_e6=lat_e6, lon_e6=lon_e6, kind=kind, name=name, radius_m=radius_m)
    db.session().add(spot)
    audit.note("household.spot", spot, household.id, kind=kind)
    return spot


def drop(row: Contact | Spot) -> None:
    """A contact or spot that is no longer right goes away; the audit log keeps that it was."""
    audit.note(f"{row.__tablename__}.drop", row, row.household_id)
    db.session().delete(row)


def show_face(resident: Resident, sha256: str | None, consent_on: date | None) -> None:
    """Set the portrait, with the day the resident agreed; None takes it away."""
    resident.portrait, resident.portrait_consent_on = sha256, consent_on
    audit.note("resident.portrait", resident, resident.household_id, kept=sha256 is not None)


def part(kin: Kin, household: uuid.UUID) -> None:
    """No longer kin for us: nothing is shown from now on. Twice is once."""
    if kin.until:
        return
    kin.until = clock.now()
    consent(kin, household, set(), "—", kin.person_id)
    audit.note("kin.part", kin, household)


def appoint(actor: Actor, account: Account, role: Role, place: Place, until: datetime | None = None) -> Grant:
    """`grant`, by somebody who may. Refuses roles not below the actor's own, and one held there already."""
    _refuse_above(actor, role)
    same = sa.and_(Grant.account_id == account.id, Grant.role == role, Grant.place_id == place.id, Grant.holds())
    if db.session().scalar(sa.select(Grant.id).where(same)) is not None:
        raise Refusal("grant_held", "这个岗位已经有了", field="role")
    return grant(account, role, place, until)


def take_on(
    actor: Actor, name: str, role: Role, place: Place, *, login: str | None = None, until: datetime | None = None, **facts: Any
) -> Account:
    """A new person of the staff with an account and a first grant. Refuses roles not below the actor's own."""
    _refuse_above(actor, role)
    if login:
        refuse_login(login)
    _refuse_second(Person, facts.get("national_id"))
    phones = facts.pop("phones", ())
    person = welcome(name, place if place.kind == PlaceKind.STATION else None, **facts)
    person.set_phones(phones)
    account = open_account(person, role, place, login=login or None)
    if until:
        db.session().execute(sa.update(Grant).where(Grant.account_id == account.id).values(until=until))
    return account


def refuse_code(code: str) -> None:
    """Refuse a place's code that another place has."""
    if db.session().scalar(sa.select(Place.id).where(Place.code == code)) is not None:
        raise Refusal("code_taken", "这个编号有别的地方用了，请换一个", field="code")


def refuse_login(login: str) -> None:
    """Refuse a sign-in name that somebody has."""
    if db.session().scalar(sa.select(Account.id).where(Account.login == login)) is not None:
        raise Refusal("login_taken", "这个登录名有人用了，请换一个", field="login")


def end_grant(actor: Actor, row: Grant) -> None:
    """The role ends now, with the sign-ins under it. Refuses roles not below the actor's own."""
    _refuse_above(actor, Role(row.role))
    row.until = clock.now()
    open_rows = sa.and_(SignIn.grant_id == row.id, SignIn.ended_at.is_(None))
    db.session().execute(sa.update(SignIn).where(open_rows).values(ended_at=clock.now()))
    audit.note("account.ungrant", row, account=row.account_id, role=row.role)


def retire(actor: Actor, account: Account) -> None:
    """End an account. Refuses one's own, an equal's, and a caregiver's who still holds households. Twice is once."""
    if account.ended_at:
        return
    session = db.session()
    roles = session.scalars(sa.select(Grant.role).where(Grant.account_id == account.id, Grant.holds())).all()
    if account.id == actor.account_id:
        raise Refusal("own_account", "自己的账号要请上一级来停")
    for role in roles:
        _refuse_above(actor, Role(role))
    held = sa.select(HomeCareUnit.id).where(HomeCareUnit.caregiver_id == account.person_id, HomeCareUnit.until.is_(None))
    if session.scalar(held.limit(1)) is not None:
        raise Refusal("holds_units", "她还照看着人家，请先给这几户换人")
    account.end()


def _refuse_above(actor: Actor, role: Role) -> None:
    if not appoints(actor.role, role):
        raise Refusal("role_above", "这个岗位要请上一级来办", field="role")


def set_duty(place: Place, rows: Sequence[DutyHour]) -> None:
    """Exactly these hours are the place's duty table."""
    session = db.session()
    session.execute(sa.delete(DutyHour).where(DutyHour.place_id == place.id))
    session.add_all(rows)
    audit.note("place.duty", place, hours=len(rows))


rulebook.ship("people", Path(__file__).parent / "people.json")
