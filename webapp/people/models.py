"""Households, residents, kin, home-care units, and the verbs that keep them true.

Places and persons live next door; whoever asks for people finds all of them here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor, Role
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.accounts import COMMON as COMMON
from webapp.people.accounts import NO_HASH as NO_HASH
from webapp.people.accounts import PIN_TRIES as PIN_TRIES
from webapp.people.accounts import Account as Account
from webapp.people.accounts import Device as Device
from webapp.people.accounts import Grant as Grant
from webapp.people.accounts import Identified as Identified
from webapp.people.accounts import Person as Person
from webapp.people.accounts import SignIn as SignIn
from webapp.people.accounts import Slip as Slip
from webapp.people.accounts import appoint as appoint
from webapp.people.accounts import end_grant as end_grant
from webapp.people.accounts import grant as grant
from webapp.people.accounts import hasher as hasher
from webapp.people.accounts import on_post as on_post
from webapp.people.accounts import open_account as open_account
from webapp.people.accounts import refuse_above as refuse_above
from webapp.people.accounts import refuse_login as refuse_login
from webapp.people.accounts import refuse_second
from webapp.people.accounts import take_on as take_on
from webapp.people.accounts import welcome as welcome
from webapp.people.places import Counter as Counter
from webapp.people.places import DutyHour as DutyHour
from webapp.people.places import Place as Place
from webapp.people.places import PlaceKind as PlaceKind
from webapp.people.places import found_place as found_place
from webapp.people.places import next_number as next_number
from webapp.people.places import refuse_code as refuse_code
from webapp.people.places import set_duty as set_duty
from webapp.people.places import tell as tell
from webapp.store import audit, db, rulebook, secrets
from webapp.store.db import Base
from webapp.store.traits import Homed, Keyed, Made, Spell
from webapp.store.types import Instant, Uuid


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

    SCOPES: ClassVar[tuple[str, ...]] = ("visits", "logs", "money", "health", "photos", "whereabouts")

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
    scope: Mapped[str] = mapped_column(sa.String(12))
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
    refuse_second(Resident, national_id)
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


def relieve_until(row: Assignment, until: datetime, since: datetime | None = None) -> None:
    """Let a relief caregiver in until another instant, and from an earlier one when `since` is earlier."""
    row.until = until
    row.since = min(row.since, since) if since else row.since
    audit.note("unit.relieve_until", row, row.household_id, caregiver=row.caregiver_id, until=until)


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
        refuse_second(type(subject), national_id, subject.id)
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


def retire(actor: Actor, account: Account) -> None:
    """End an account. Refuses one's own, an equal's, and a caregiver's who still holds households. Twice is once."""
    if account.ended_at:
        return
    session = db.session()
    roles = session.scalars(sa.select(Grant.role).where(Grant.account_id == account.id, Grant.holds())).all()
    if account.id == actor.account_id:
        raise Refusal("own_account", "自己的账号要请上一级来停")
    for role in roles:
        refuse_above(actor, Role(role))
    held = sa.select(HomeCareUnit.id).where(HomeCareUnit.caregiver_id == account.person_id, HomeCareUnit.until.is_(None))
    if session.scalar(held.limit(1)) is not None:
        raise Refusal("holds_units", "她还照看着人家，请先给这几户换人")
    account.end()


rulebook.ship("people", Path(__file__).parent / "people.json")
