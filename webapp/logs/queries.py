"""Diaries by visit and by household. What only the station may read is asked for apart, through its own reach."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor, within
from webapp.logs import rules
from webapp.logs.models import Amendment, Log, LogPhoto, LogResident, LogStationNote
from webapp.people.models import Account, Household, Person, Resident
from webapp.people.queries import nothing
from webapp.roster.models import catalogue
from webapp.store import db
from webapp.store.files import Photo
from webapp.store.strands import Strand, strand
from webapp.store.types import Uuid
from webapp.visits import queries as visits
from webapp.visits.models import Visit


@dataclass(frozen=True)
class Part:
    """How one of several residents was."""

    name: str
    mood: str | None
    meals: str | None
    slept: str | None
    story: str


@dataclass(frozen=True)
class Change:
    """Words replaced after the lock: who, when, before and after, by the name of what changed."""

    at: datetime
    author: str
    resident: str | None
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass
class Diary:
    """A log as a page shows it. `notes` are the words for the station that the reader may read, else none."""

    id: uuid.UUID
    visit_id: uuid.UUID
    household_id: uuid.UUID
    household: str
    day: date
    at: datetime
    author: str
    mood: str | None
    meals: str | None
    slept: str | None
    story: str
    handover: str
    late: bool
    photos: list[tuple[str, bool]] = field(default_factory=list)
    """Digest, and whether the picture itself has come."""
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class KinDiary:
    """What a family reads. There is no member for the station's words or the handover, so none can be filled."""

    visit_id: uuid.UUID
    household_id: uuid.UUID
    day: date
    at: datetime
    author: str
    mood: str | None
    meals: str | None
    slept: str | None
    story: str
    photos: tuple[str, ...]


@dataclass(frozen=True)
class Desk:
    """What the writing of one diary begins from: the visit, what its taps already say, and the words so far."""

    visit: Visit
    draft: str
    camera: bool
    """Whether photos are offered: never where an item of the visit forbids them (helping to wash, to dress)."""
    log: Log | None
    part: LogResident | None


def desk(actor: Actor, visit_id: uuid.UUID, resident: uuid.UUID | None = None) -> Desk:
    """What the caregiver writes on. Raises Missing for a visit out of reach."""
    visit = visits.visit(actor, visit_id)
    items = {each["code"]: each for each in catalogue(visit.day)["items"]}
    done: list[str] = []
    refused: list[str] = []
    camera = True
    for service in visits.services(visit_id):
        item = items.get(service.code, {})
        (done if service.outcome == "done" else refused).append(item.get("zh", service.code))
        camera = camera and item.get("photo_rule") != "forbidden"
    row = (
        db.session()
        .execute(
            sa.select(Log, LogResident)
            .outerjoin(LogResident, sa.and_(LogResident.log_id == Log.id, LogResident.resident_id == resident))
            .where(Log.visit_id == visit_id)
        )
        .first()
    )
    log, part = row if row else (None, None)
    return Desk(visit, rules.draft(done, refused), camera, log, part)


def diary(actor: Actor, visit_id: uuid.UUID) -> Diary | None:
    """The diary of a visit within reach, or None when nothing is written yet."""
    found = _diaries(actor, Log.visit_id == visit_id, None, 1)
    return found[0] if found else None


def diaries(
    actor: Actor, household_id: uuid.UUID, before: tuple[datetime, uuid.UUID] | None = None, limit: int = 20
) -> list[Diary]:
    """The diaries of a household within reach, newest first, those before (at, id) only."""
    return _diaries(actor, Log.household_id == household_id, before, limit)


def for_kin(household_ids: Sequence[uuid.UUID], since: date, limit: int = 30) -> list[KinDiary]:
    """What families read of these households from a day on, newest first. Consent is asked by the caller."""
    rows = (
        db.session()
        .execute(
            sa.select(
                Log.id, Log.visit_id, Log.household_id, Log.day, Log.at, Person.name, Log.mood, Log.meals, Log.slept, Log.story
            )
            .outerjoin(Account, Account.id == Log.author_id)
            .outerjoin(Person, Person.id == Account.person_id)
            .where(Log.household_id.in_(household_ids), Log.day >= since)
            .order_by(Log.at.desc(), Log.id.desc())
            .limit(limit)
        )
        .all()
    )
    photos = _photos([row.id for row in rows])
    return [
        KinDiary(
            visit, home, day, at, name or "", mood, meals, slept, story, tuple(sha for sha, come in photos.get(key, []) if come)
        )
        for key, visit, home, day, at, name, mood, meals, slept, story in rows
    ]


def photo(actor: Actor, sha256: str) -> str:
    """The digest of a picture in a diary within reach. Raises Missing."""
    found = db.session().scalar(
        sa.select(LogPhoto.sha256)
        .join(Log, Log.id == LogPhoto.log_id)
        .where(LogPhoto.sha256 == sha256, Log.reach(actor))
        .limit(1)
    )
    if found is None:
        raise nothing()
    return found


def strands(actor: Actor) -> list[Strand]:
    """What hangs on a visit's diary (parameter visit): photo, part, note and change; `whole` reads them."""
    visit_id = sa.bindparam("visit", type_=Uuid())
    change = strand(
        "change", key=Amendment.act_id, at=Amendment.at, a=Person.name, b=Resident.name, one=Amendment.before,
        two=Amendment.after, n=sa.case((Amendment.late, 1), else_=0),
    )  # fmt: skip
    return [
        strand("photo", key=LogPhoto.log_id, at=LogPhoto.at, a=LogPhoto.sha256, n=sa.case((_come(), 1), else_=0))
        .join(Log, Log.id == LogPhoto.log_id)
        .outerjoin(Photo, Photo.sha256 == LogPhoto.sha256)
        .where(Log.visit_id == visit_id),
        strand("part", key=LogResident.log_id, a=Resident.name, b=LogResident.mood, c=LogResident.meals, d=LogResident.slept,
               e=LogResident.story)
        .join(Log, Log.id == LogResident.log_id)
        .join(Resident, Resident.id == LogResident.resident_id)
        .where(Log.visit_id == visit_id),
        strand("note", key=LogStationNote.id, at=LogStationNote.at,
               a=sa.case((LogStationNote.reach(actor), LogStationNote.words)))
        .join(Log, Log.id == LogStationNote.log_id)
        .where(Log.visit_id == visit_id),
        change.select_from(Amendment)
        .join(Log, Log.id == Amendment.log_id)
        .outerjoin(Account, Account.id == Amendment.author_id)
        .outerjoin(Person, Person.id == Account.person_id)
        .outerjoin(Resident, Resident.id == Amendment.resident_id)
        .where(Log.visit_id == visit_id),
    ]  # fmt: skip


def whole(log: Log, household: str, author: str, found: Mapping[str, Sequence[Any]]) -> tuple[Diary, list[uuid.UUID]]:
    """The diary of a visit and the acts it contains, out of rows that `strands` brought."""
    diary = Diary(
        log.id, log.visit_id, log.household_id, household, log.day, log.at, author, log.mood, log.meals, log.slept, log.story,
        log.handover, log.late,
    )  # fmt: skip
    notes, changes = found.get("note", ()), found.get("change", ())
    diary.photos = [(row.a, bool(row.n)) for row in found.get("photo", ())]
    diary.parts = [Part(row.a, row.b, row.c, row.d, row.e) for row in found.get("part", ())]
    diary.notes = [row.a for row in notes if row.a]
    diary.changes = [Change(row.at, row.a or "", row.b, row.one, row.two) for row in changes if row.n]
    return diary, [log.id, *(row.key for row in notes), *(row.key for row in changes)]


def acts(visit_id: uuid.UUID) -> list[uuid.UUID]:
    """The ids of the acts that a page with this visit's diary already contains (data-seen)."""
    first = sa.select(Log.id).where(Log.visit_id == visit_id)
    later = sa.select(Amendment.act_id).join(Log, Log.id == Amendment.log_id).where(Log.visit_id == visit_id)
    notes = sa.select(LogStationNote.id).join(Log, Log.id == LogStationNote.log_id).where(Log.visit_id == visit_id)
    return list(db.session().scalars(first.union(later, notes)))


def _diaries(actor: Actor, which: Any, before: tuple[datetime, uuid.UUID] | None, limit: int) -> list[Diary]:
    ask = (
        within(actor, sa.select(Log))
        .with_only_columns(
            Log.id, Log.visit_id, Log.household_id, Household.name, Log.day, Log.at, sa.func.coalesce(Person.name, ""), Log.mood,
            Log.meals, Log.slept, Log.story, Log.handover, Log.late,
        )
        .join(Household, Household.id == Log.household_id)
        .outerjoin(Account, Account.id == Log.author_id)
        .outerjoin(Person, Person.id == Account.person_id)
        .where(which)
        .order_by(Log.at.desc(), Log.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before:
        ask = ask.where(sa.or_(Log.at < before[0], sa.and_(Log.at == before[0], Log.id < before[1])))
    rows: Sequence[Any] = db.session().execute(ask).all()
    found = {row.id: Diary(*row) for row in rows}
    if found:
        _fill(actor, found)
    return list(found.values())


def _fill(actor: Actor, found: dict[uuid.UUID, Diary]) -> None:
    keys = list(found)
    for key, photos in _photos(keys).items():
        found[key].photos = photos
    part: list[Any]
    for key, *part in db.session().execute(
        sa.select(LogResident.log_id, Resident.name, LogResident.mood, LogResident.meals, LogResident.slept, LogResident.story)
        .join(Resident, Resident.id == LogResident.resident_id)
        .where(LogResident.log_id.in_(keys))
        .order_by(Resident.number)
    ):
        found[key].parts.append(Part(*part))
    for key, words in db.session().execute(
        within(actor, sa.select(LogStationNote))
        .with_only_columns(LogStationNote.log_id, LogStationNote.words)
        .where(LogStationNote.log_id.in_(keys))
        .order_by(LogStationNote.at)
    ):
        found[key].notes.append(words)
    for key, at, author, resident, before, after in db.session().execute(
        sa.select(Amendment.log_id, Amendment.at, Person.name, Resident.name, Amendment.before, Amendment.after)
        .outerjoin(Account, Account.id == Amendment.author_id)
        .outerjoin(Person, Person.id == Account.person_id)
        .outerjoin(Resident, Resident.id == Amendment.resident_id)
        .where(Amendment.log_id.in_(keys), Amendment.late)
        .order_by(Amendment.at, Amendment.id)
    ):
        found[key].changes.append(Change(at, author or "", resident, before, after))


def _come() -> sa.ColumnElement[bool]:
    return sa.and_(Photo.done_at.is_not(None), Photo.refused.is_(None))


def _photos(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[tuple[str, bool]]]:
    found: dict[uuid.UUID, list[tuple[str, bool]]] = {}
    for key, sha, come in db.session().execute(
        sa.select(LogPhoto.log_id, LogPhoto.sha256, _come())
        .outerjoin(Photo, Photo.sha256 == LogPhoto.sha256)
        .where(LogPhoto.log_id.in_(keys))
        .order_by(LogPhoto.at, LogPhoto.sha256)
    ):
        found.setdefault(key, []).append((sha, bool(come)))
    return found
