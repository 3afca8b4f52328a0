"""District, streets, stations: the tree, who answers its numbers, and the short numbers given out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor
from webapp.kit import ids
from webapp.kit.refusal import Refusal
from webapp.people import rules
from webapp.store import audit, db, topics
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made
from webapp.store.types import Uuid


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


def refuse_code(code: str) -> None:
    """Refuse a place's code that another place has."""
    if db.session().scalar(sa.select(Place.id).where(Place.code == code)) is not None:
        raise Refusal("code_taken", "这个编号有别的地方用了，请换一个", field="code")


def set_duty(place: Place, rows: Sequence[DutyHour]) -> None:
    """Exactly these hours are the place's duty table."""
    session = db.session()
    session.execute(sa.delete(DutyHour).where(DutyHour.place_id == place.id))
    session.add_all(rows)
    audit.note("place.duty", place, hours=len(rows))


def tell(station_id: uuid.UUID) -> None:
    """Open lists of the station, its street and its district fetch themselves again."""
    place = db.session().get_one(Place, station_id)
    topics.tell(*(f"people:{key}" for key in (place.id, place.street_id, place.district_id) if key))
