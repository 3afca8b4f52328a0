"""What kin may see: only the residents they are kin to, only the scopes the resident agreed to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload

from webapp.access import ROLE_WORDS, Actor, Role
from webapp.cards.models import Card, Scan
from webapp.family.models import Thanks
from webapp.health import models as health
from webapp.health.models import EmergencySheet, RescueWindow
from webapp.kit import clock
from webapp.ledger.models import Book
from webapp.ledger.queries import Balance
from webapp.logs.models import Log, LogPhoto, LogResident, LogStationNote
from webapp.people import queries as people
from webapp.people.ends import Ending
from webapp.people.models import Account, Alert, Consent, HomeCareUnit, Household, Kin, Look, Person, Place, Resident
from webapp.people.queries import nothing
from webapp.roster.absences import Pause
from webapp.roster.models import PLANNED, Shift
from webapp.store import db
from webapp.store.files import Photo
from webapp.store.strands import asked, strand, together
from webapp.store.types import Instant, Uuid
from webapp.visits.confirming import KinWord
from webapp.visits.models import VOID, Service, Visit

DAYS = 30
PICTURES = 12
BY_ROLE = (Role.DOCTOR, Role.INSPECTOR)
"""Kin read that one of these looked, not who it was, and only when the visit is over."""
AFTER = timedelta(hours=2)
SHEET = ("illnesses", "medicines")


def ties(actor: Actor) -> Sequence[Kin]:
    """The residents this person is kin to, with what may be shown of each."""
    return (
        db.session()
        .scalars(
            sa.select(Kin)
            .where(Kin.person_id == actor.person_id, Kin.holds())
            .options(joinedload(Kin.resident).joinedload(Resident.household), selectinload(Kin.consents))
            .order_by(Kin.since, Kin.id)
        )
        .all()
    )


@dataclass(frozen=True)
class Tie:
    """One resident this person is kin to: what may be shown, the station that looks after them, what the book comes to."""

    kin: Kin
    station: Place
    held: Balance
    others_go_on: bool = False
    """The resident's care has ended, and somebody else is cared for in the same home."""

    def shows(self, day: date) -> bool:
        """Whether a day's record may still be read: what comes after the end is about whoever goes on living there."""
        ended = self.kin.resident.ended_on
        return not self.others_go_on or ended is None or day <= ended


def tie(actor: Actor, key: uuid.UUID) -> Tie:
    """One of them. Raises Missing."""
    rows = (
        db.session()
        .execute(
            sa.select(Kin, Place, Book.cash_fen, Book.advance_fen, Book.wallet_fen, Household.ended_on)
            .join(Kin.resident)
            .join(Household, Household.id == Resident.household_id)
            .join(Place, Place.id == Household.station_id)
            .outerjoin(Book, Book.household_id == Household.id)
            .outerjoin(Kin.consents)
            .options(contains_eager(Kin.resident), contains_eager(Kin.consents))
            .where(Kin.id == key, Kin.person_id == actor.person_id, Kin.holds())
        )
        .unique()
        .all()
    )
    if not rows:
        raise nothing()
    kin, station, cash, advance, wallet, ended_on = rows[0]
    goes_on = kin.resident.ended_on is not None and ended_on is None
    return Tie(kin, station, Balance(cash or 0, advance or 0, wallet or 0), goes_on)


def hidden(kin: Kin) -> sa.Select[uuid.UUID]:
    """The residents of the same home whose money this relative may not read, as a question: lines of the book for them alone
    are not shown."""
    shown = sa.select(Kin.resident_id).join(Consent, Consent.kin_id == Kin.id)
    mine = shown.where(Kin.person_id == kin.person_id, Kin.holds(), Consent.scope == "money", Consent.holds())
    return sa.select(Resident.id).where(Resident.household_id == kin.resident.household_id, Resident.id.not_in(mine))


def of_card(actor: Actor, resident_id: uuid.UUID | None) -> uuid.UUID | None:
    """The tie to the bearer of a card, if there is one."""
    if resident_id is None:
        return None
    ask = sa.select(Kin.id).where(Kin.resident_id == resident_id, Kin.person_id == actor.person_id, Kin.holds())
    return db.session().scalar(ask)


def ending(kin: Kin) -> Ending | None:
    """How the resident's care ended; asked only when it has."""
    if kin.resident.ended_on is None:
        return None
    return db.session().scalar(sa.select(Ending).where(Ending.resident_id == kin.resident_id, Ending.undone_at.is_(None)))


@dataclass(frozen=True)
class Came:
    """One visit as kin read it; `story` only where the diary is agreed to. deeds: (code, outcome)."""

    id: uuid.UUID
    day: date
    arrived_at: datetime
    left_at: datetime | None
    minutes: int | None
    state: str
    caregiver: str
    deeds: tuple[tuple[str, str], ...]
    agrees: bool | None
    """What this relative said about it last; None: nothing yet."""
    story: str | None
    felt: tuple[str | None, str | None, str | None] = (None, None, None)
    """Mood, meals and sleep as the diary has them, of the relative's own resident."""


def came(
    household_id: uuid.UUID, kin_id: uuid.UUID | None, *, story: bool, limit: int = 50, resident_id: uuid.UUID | None = None
) -> list[Came]:
    """The visits of the last thirty days, newest first, with what one relative said. Consent is asked by the caller.

    `story`: the diary too; where it tells of each of several, that of `resident_id`, never another's.
    """
    deeds = (
        sa.select(sa.func.aggregate_strings(Service.code + ":" + Service.outcome, ","))
        .where(Service.visit_id == Visit.id)
        .scalar_subquery()
    )
    said = (
        sa.select(KinWord.agrees)
        .where(KinWord.visit_id == Visit.id, KinWord.kin_id == kin_id)
        .order_by(KinWord.at.desc(), KinWord.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    ask = (
        sa.select(Visit.id, Visit.day, Visit.arrived_at, Visit.left_at, Visit.minutes, Visit.state, Person.name, deeds, said)
        .join(Person, Person.id == Visit.caregiver_id)
        .where(Visit.household_id == household_id, Visit.arrived_at >= since(), Visit.state != VOID)
        .order_by(Visit.arrived_at.desc())
        .limit(limit)
    )
    if story:
        own = aliased(LogResident)
        hers = sa.and_(own.log_id == Log.id, own.resident_id == resident_id)
        words = sa.func.coalesce(sa.func.nullif(own.story, ""), Log.story)
        felt = [sa.func.coalesce(getattr(own, name), getattr(Log, name)) for name in ("mood", "meals", "slept")]
        ask = ask.add_columns(words, *felt).outerjoin(Log, Log.visit_id == Visit.id).outerjoin(own, hers)
    return [_came(row) for row in db.session().execute(ask)]


def _came(row: Any) -> Came:
    key, day, arrived_at, left_at, minutes, state, caregiver, deeds, agrees, *story = row
    told = [each.partition(":") for each in deeds.split(",")] if deeds else []
    served = tuple(sorted((code, outcome) for code, _colon, outcome in told))
    words, felt = (story[0], (story[1], story[2], story[3])) if story else (None, (None, None, None))
    return Came(key, day, arrived_at, left_at, minutes, state, caregiver, served, agrees, words, felt)


@dataclass(frozen=True)
class Today:
    """The sentence of the day: what has happened, else what is planned."""

    came: Sequence[Came]
    planned_min: int | None
    planned_by: str | None


def today(visits: Sequence[Came], around: Around) -> Today:
    """Who came today to a household, and who is still to come."""
    day = clock.today()
    met = [visit for visit in visits if visit.arrived_at >= clock.day_bounds(day)[0]]
    done = {visit.id for visit in met}
    first = min((plan for plan in around.plans if plan.key not in done), key=lambda plan: plan.n, default=None)
    return Today(met, first.n if first else None, first.a if first else None)


@dataclass(frozen=True)
class Looked:
    """Somebody looked at the household's record."""

    name: str
    at: datetime
    reason: str | None


@dataclass(frozen=True)
class Around:
    """What stands beside the record: who answers now (name, number), who looked, newest first, and who comes today."""

    duty: tuple[str, str] | None
    looks: Sequence[Looked]
    plans: Sequence[Any]
    pause: Any = None
    """The pause that holds today: a since, b until (may be empty), n whether visits go on elsewhere."""
    scans: Sequence[Any] = ()
    """Who opened this resident's cards: at, a the face that was shown; newest first."""
    rescues: Sequence[Any] = ()
    """Helpers who asked for the emergency sheet: key, at, due (until when), a who, n agreed, m ended; newest first."""
    thanked: frozenset[Any] = frozenset()
    """Visits this relative has said thanks for."""
    photos: Sequence[Any] = ()
    """Pictures of the diary: at, a digest; newest first. Asked for only where they are agreed to."""
    carer: Any = None
    """Who cares for the home: a name, b number of the badge that is in use."""
    alerts: Sequence[str] = ()
    """What one must mind: asked for, as the two below, only where health is agreed to."""
    illnesses: str = ""
    medicines: str = ""


def around(kin: Kin, station: Place) -> Around:
    """The surroundings of a resident's page, in one question."""
    question = _QUESTIONS["visits" in kin.scopes, "photos" in kin.scopes, "health" in kin.scopes]
    given = {
        "home": kin.resident.household_id,
        "today": clock.today(),
        "resident": kin.resident_id,
        "kin": kin.id,
        "since": since(),
        "seen": clock.now() - AFTER,
        **people.answering(station),
    }
    found: Mapping[str, Sequence[Any]] = asked(question, **given)
    looks = [
        Looked(str(ROLE_WORDS[Role(row.c)]) if row.c in BY_ROLE else row.a, row.at, row.b)
        for row in reversed(found.get("look", ()))
    ]
    held = [row for row in found.get("pause", ()) if row.other in (None, kin.resident_id)]
    return Around(
        people.duty_in(found, station), looks, found.get("plan", ()), held[-1] if held else None,
        found.get("scan", [])[::-1], found.get("rescue", [])[::-1], frozenset(row.key for row in found.get("thanks", ())),
        found.get("photo", [])[::-1], next(iter(found.get("carer", ())), None), [row.a for row in found.get("alert", ())],
        *(health.opened(found[name][0].sealed, name, found[name][0].key) if name in found else "" for name in SHEET),
    )  # fmt: skip


_HOME = sa.bindparam("home", type_=Uuid())
_SEEN = sa.bindparam("seen", type_=Instant())
_LOOKS = (
    strand("look", at=Look.at, a=Person.name, b=Look.reason, c=Look.role)
    .select_from(Look)
    .join(Account, Account.id == Look.account_id)
    .join(Person, Person.id == Account.person_id)
    .where(Look.household_id == _HOME, sa.or_(Look.role.is_(None), Look.role.not_in(BY_ROLE), Look.at < _SEEN))
    .order_by(Look.at.desc())
    .limit(20)
)
_PLANS = (
    strand("plan", key=Shift.visit_id, a=Person.name, n=Shift.start_min)
    .select_from(Shift)
    .outerjoin(Person, Person.id == Shift.caregiver_id)
    .where(Shift.household_id == _HOME, Shift.day == sa.bindparam("today", type_=sa.Date()), Shift.state == PLANNED)
)
_TODAY = sa.bindparam("today", type_=sa.Date())
_PAUSES = (
    strand(
        "pause", key=Pause.id, other=Pause.resident_id, at=Pause.made_at, a=sa.cast(Pause.since, sa.Text()),
        b=sa.cast(Pause.until, sa.Text()), n=sa.case((Pause.spot_id.is_not(None), 1), else_=0),
    )
    .select_from(Pause)
    .where(Pause.household_id == _HOME, Pause.since <= _TODAY, sa.or_(Pause.until.is_(None), Pause.until >= _TODAY))
)  # fmt: skip
_RESIDENT = sa.bindparam("resident", type_=Uuid())
_SCANS = (
    strand("scan", at=Scan.at, a=Scan.face)
    .join(Card, Card.id == Scan.card_id)
    .where(Card.resident_id == _RESIDENT, sa.or_(Scan.face.not_in(("doctor", "inspector")), Scan.at < _SEEN))
    .order_by(Scan.at.desc())
    .limit(10)
)
_RESCUES = (
    strand(
        "rescue", key=RescueWindow.id, at=RescueWindow.made_at, due=RescueWindow.until, a=RescueWindow.who,
        n=sa.case((RescueWindow.agreed_at.is_not(None), 1), else_=0), m=sa.case((RescueWindow.ended_at.is_not(None), 1), else_=0),
    )
    .where(RescueWindow.resident_id == _RESIDENT)
    .order_by(RescueWindow.made_at.desc())
    .limit(5)
)  # fmt: skip
_THANKS = strand("thanks", key=Thanks.visit_id).where(Thanks.kin_id == sa.bindparam("kin", type_=Uuid()))


def _meant_for_kin(resident: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Not sent with a word to the station alone, and not in a diary that tells of somebody else of the home."""
    told = sa.exists().where(LogStationNote.log_id == LogPhoto.log_id, LogStationNote.at == LogPhoto.at)
    others = sa.exists().where(LogResident.log_id == LogPhoto.log_id, LogResident.resident_id != resident)
    return ~told, ~others


_PHOTOS = (
    strand("photo", at=LogPhoto.at, a=LogPhoto.sha256)
    .join(Log, Log.id == LogPhoto.log_id)
    .join(Photo, Photo.sha256 == LogPhoto.sha256)
    .where(Log.household_id == _HOME, Log.at >= sa.bindparam("since", type_=Instant()))
    .where(Photo.done_at.is_not(None), Photo.refused.is_(None), *_meant_for_kin(_RESIDENT))
    .order_by(LogPhoto.at.desc())
    .limit(PICTURES)
)
_CARER = (
    strand("carer", key=Person.id, a=Person.name, b=Card.number)
    .select_from(HomeCareUnit)
    .join(Person, Person.id == HomeCareUnit.caregiver_id)
    .outerjoin(Card, sa.and_(Card.person_id == Person.id, Card.revoked_at.is_(None)))
    .where(HomeCareUnit.household_id == _HOME, HomeCareUnit.until.is_(None))
    .order_by(Card.made_at.desc())
    .limit(1)
)
_HEALTH = (
    strand("alert", at=Alert.since, a=Alert.words).where(Alert.resident_id == _RESIDENT, Alert.holds()),
    *(
        strand(name, key=EmergencySheet.id, sealed=getattr(EmergencySheet, f"{name}_sealed")).where(
            EmergencySheet.resident_id == _RESIDENT, getattr(EmergencySheet, f"{name}_sealed").is_not(None)
        )
        for name in SHEET
    ),
)
_CARDS = (sa.select(_SCANS.subquery()), sa.select(_RESCUES.subquery()), _THANKS)
_QUESTIONS = {
    (visits, photos, body): together(
        people.DUTY, sa.select(_LOOKS.subquery()), *_CARDS,
        *((_PLANS, _PAUSES, sa.select(_CARER.subquery())) if visits else ()),
        *((sa.select(_PHOTOS.subquery()),) if photos else ()), *(_HEALTH if body else ()),
    )
    for visits in (False, True) for photos in (False, True) for body in (False, True)
}  # fmt: skip
"""By (visits, photos, health): what is not agreed to is not asked of the database at all."""


def coming(household_id: uuid.UUID) -> Sequence[Any]:
    """Who comes to a home today, in order: start_min, name, arrived_at and left_at of the visit (None: not yet)."""
    ask = (
        sa.select(Shift.start_min, Person.name, Visit.arrived_at, Visit.left_at)
        .outerjoin(Person, Person.id == Shift.caregiver_id)
        .outerjoin(Visit, sa.and_(Visit.id == Shift.visit_id, Visit.state != VOID))
        .where(Shift.household_id == household_id, Shift.day == clock.today(), Shift.state == PLANNED)
        .order_by(Shift.start_min)
    )
    return db.session().execute(ask).all()


def photo(kin: Kin, sha256: str) -> datetime:
    """When a picture of the diary of the resident's home was taken in. Raises Missing."""
    found = db.session().scalar(
        sa.select(LogPhoto.at)
        .join(Log, Log.id == LogPhoto.log_id)
        .where(LogPhoto.sha256 == sha256, Log.household_id == kin.resident.household_id, Log.at >= since())
        .where(*_meant_for_kin(kin.resident_id))
        .limit(1)
    )
    if found is None:
        raise nothing()
    return found


def since() -> datetime:
    """From when visits, logs and money are shown."""
    return clock.now() - timedelta(days=DAYS)


def first_day() -> date:
    """The household day of `since`."""
    return clock.day_of(since())


def shows_visits(resident_id: uuid.UUID) -> bool:
    """Whether the resident shows the visits to anybody."""
    shown = sa.select(Kin.id).join(Consent, Consent.kin_id == Kin.id)
    agreed = shown.where(Kin.resident_id == resident_id, Kin.holds(), Consent.scope == "visits", Consent.holds())
    return db.session().scalar(agreed.limit(1)) is not None
