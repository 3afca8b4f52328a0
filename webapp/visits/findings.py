"""What was found about visits and what people said to it, as pages need it: few questions, whatever there is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload, selectinload

from webapp.access import Actor, within
from webapp.kit import clock
from webapp.people.models import Account, Household, Person
from webapp.people.queries import nothing
from webapp.roster.models import Shift
from webapp.store import db
from webapp.store.strands import asked, strand, together
from webapp.store.types import Uuid
from webapp.visits.calling_back import CallBack, CallBackResult
from webapp.visits.confirming import Attestation, KinWord
from webapp.visits.correcting import Correction, CorrectionRuling, FlagAnswer, FlagReached
from webapp.visits.models import VOID, Call, Seen, Service, Visit, VisitException
from webapp.visits.settling import cause_of

RECORD_PAGE = 20
WAITING = 200


# -- around one visit --


_VISIT = sa.bindparam("visit", type_=Uuid())
_asker, _ruler = aliased(Person), aliased(Person)
_ask_account, _rule_account = aliased(Account), aliased(Account)
_ABOUT = together(
    strand("service", key=Service.act_id, at=Service.at, a=Service.code, b=Service.outcome, c=Service.reason).where(
        Service.visit_id == _VISIT
    ),
    strand("met", key=Call.id, other=Call.resident_id).where(Call.visit_id == _VISIT),
    strand("met", key=Seen.act_id, other=Seen.resident_id).where(Seen.visit_id == _VISIT),
    strand("exception", key=VisitException.id, at=VisitException.made_at).where(VisitException.visit_id == _VISIT),
    strand(
        "correction", key=Correction.id, at=Correction.new, due=Correction.old, a=Correction.field, b=Correction.reason,
        c=Correction.memo, d=_asker.name, e=_ruler.name, n=sa.cast(CorrectionRuling.approves, sa.Integer()),
    )
    .select_from(Correction)
    .join(_ask_account, _ask_account.id == Correction.asked_by)
    .join(_asker, _asker.id == _ask_account.person_id)
    .outerjoin(CorrectionRuling, CorrectionRuling.correction_id == Correction.id)
    .outerjoin(_rule_account, _rule_account.id == CorrectionRuling.by_id)
    .outerjoin(_ruler, _ruler.id == _rule_account.person_id)
    .where(Correction.visit_id == _VISIT),
    strand(
        "word", key=Attestation.id, at=Attestation.at, a=Attestation.way, b=Attestation.face, c=Attestation.name,
        d=Attestation.words, e=Attestation.why, one=Attestation.photos,
    ).where(Attestation.visit_id == _VISIT),
    strand("kin", key=KinWord.id, at=KinWord.at, a=Person.name, c=KinWord.words, n=sa.cast(KinWord.agrees, sa.Integer()))
    .select_from(KinWord)
    .join(Account, Account.id == KinWord.by_id)
    .join(Person, Person.id == Account.person_id)
    .where(KinWord.visit_id == _VISIT),
    strand("answer", key=FlagAnswer.id, other=FlagAnswer.exception_id, at=FlagAnswer.at, a=FlagAnswer.words)
    .select_from(FlagAnswer)
    .join(VisitException, VisitException.id == FlagAnswer.exception_id)
    .where(VisitException.visit_id == _VISIT),
    strand("asked", key=CallBackResult.id, at=CallBackResult.at, a=CallBack.kind, b=CallBackResult.way, c=CallBackResult.outcome,
           d=CallBackResult.words)
    .select_from(CallBackResult)
    .join(CallBack, CallBack.id == CallBackResult.call_back_id)
    .where(CallBack.visit_id == _VISIT),
)  # fmt: skip


@dataclass(frozen=True)
class Did:
    """One item of a visit."""

    code: str
    outcome: str
    reason: str | None


@dataclass(frozen=True)
class About:
    """All that hangs on one visit beside its calls and findings."""

    services: Sequence[Did]
    seen: set[uuid.UUID]
    corrections: Sequence[Any]
    """at: the new time, due: the old one; a field, b reason, c memo, d asked by, e decided by, n 1 or 0 once decided."""
    words: Sequence[Any]
    kin: Sequence[Any]
    answers: dict[uuid.UUID, list[Any]]
    asked: Sequence[Any]


def about(visit_id: uuid.UUID) -> About:
    """Everything that was done, met, asked, answered and confirmed at one visit, in one question."""
    rows = asked(_ABOUT, visit=visit_id)
    answers: dict[uuid.UUID, list[Any]] = {}
    for row in rows.get("answer", ()):
        answers.setdefault(row.other, []).append(row)
    return About(
        sorted((Did(row.a, row.b, row.c) for row in rows.get("service", ())), key=lambda each: each.code),
        {row.other for row in rows.get("met", ()) if row.other},
        rows.get("correction", []), rows.get("word", []), rows.get("kin", []), answers, rows.get("asked", []),
    )  # fmt: skip


# -- what waits at a station --


@dataclass
class Group:
    """Findings of one cause, of one caregiver and day: one word may answer them all."""

    caregiver: str
    day: date
    kind: str
    rows: list[Any] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


def waiting(actor: Actor, facts: dict[str, Any], kind: str | None = None) -> tuple[list[Group], bool]:
    """What waits for a person, grouped, what must be put right first; and whether there is more. Rows: (id, visit_id, code,
    facts, kind, day, home, caregiver, answer)."""
    other = aliased(Person)
    ask = (
        sa.select(
            VisitException.id, VisitException.visit_id, VisitException.code, VisitException.facts, VisitException.kind,
            VisitException.day, Household.name.label("home"), sa.func.coalesce(Person.name, other.name).label("caregiver"),
            FlagAnswer.words.label("answer"),
        )
        .join(Household, Household.id == VisitException.household_id)
        .outerjoin(Visit, Visit.id == VisitException.visit_id)
        .outerjoin(Person, Person.id == Visit.caregiver_id)
        .outerjoin(Shift, sa.and_(Shift.visit_id == VisitException.visit_id, Visit.id.is_(None)))
        .outerjoin(other, other.id == Shift.caregiver_id)
        .outerjoin(FlagAnswer, FlagAnswer.exception_id == VisitException.id)
        .where(actor.reaches_station(VisitException.station_id), VisitException.settled_at.is_(None))
        .order_by(VisitException.kind.desc(), VisitException.day.desc(), VisitException.id, FlagAnswer.at)
        .limit(WAITING + 1)
    )  # fmt: skip
    if kind:
        ask = ask.where(VisitException.kind == kind)
    rows = db.session().execute(ask).all()
    groups: dict[Any, Group] = {}
    known: set[uuid.UUID] = set()
    for row in rows[:WAITING]:
        fix = row.id if row.kind == "fix" else None  # what must be put right stands for itself
        key = (row.caregiver, row.day, cause_of(row.code, facts), fix)
        group = groups.setdefault(key, Group(row.caregiver or "", row.day, row.kind))
        if row.id not in known:
            known.add(row.id)
            group.rows.append(row)
        if row.answer:
            group.answers.append(row.answer)
    return list(groups.values()), len(rows) > WAITING


def rows_of(actor: Actor, keys: Sequence[uuid.UUID]) -> Sequence[VisitException]:
    """The findings of those ids, all within reach. Raises Missing when one is not."""
    wanted = set(keys)
    found = db.session().scalars(within(actor, sa.select(VisitException)).where(VisitException.id.in_(wanted))).all()
    if not wanted or len(found) != len(wanted):
        raise nothing()
    return found


def corrections(actor: Actor, limit: int = 60) -> Sequence[Correction]:
    """What was asked and is not decided, the oldest first, with household, caregiver and openings."""
    decided = sa.exists().where(CorrectionRuling.correction_id == Correction.id)
    return (
        db.session()
        .scalars(
            sa.select(Correction)
            .where(actor.reaches_station(Correction.station_id), ~decided)
            .order_by(Correction.received_at, Correction.id)
            .limit(limit)
            .options(
                joinedload(Correction.household), joinedload(Correction.caregiver), selectinload(Correction.openings),
                joinedload(Correction.ruling),
            )
        )
        .all()
    )  # fmt: skip


def correction(actor: Actor, key: uuid.UUID) -> Correction:
    """The correction, within reach. Raises Missing."""
    found = db.session().scalar(
        within(actor, sa.select(Correction))
        .where(Correction.id == key)
        .options(
            joinedload(Correction.household), joinedload(Correction.caregiver), selectinload(Correction.openings),
            joinedload(Correction.ruling),
        )
    )  # fmt: skip
    if found is None:
        raise nothing()
    return found


# -- her own record --


@dataclass
class Mine:
    """One visit of her own record."""

    id: uuid.UUID
    day: date
    home: str
    arrived_at: datetime | None
    left_at: datetime | None
    minutes: int | None
    state: str
    grade: str | None
    planned_start_min: int | None
    flags: list[Any] = field(default_factory=list)
    corrections: list[Any] = field(default_factory=list)
    words: list[Any] = field(default_factory=list)


def mine(person_id: uuid.UUID, account_id: uuid.UUID, before: date | None) -> tuple[list[Mine], date | None, list[uuid.UUID]]:
    """Her visits of a week, newest first, with every finding, correction and confirmation; the day to go on from; and the
    findings that stand before her for the first time."""
    last = before or clock.today()
    first = last - timedelta(days=6)
    session = db.session()
    rows = session.execute(
        sa.select(
            Visit.id,
            Visit.day,
            Household.name,
            Visit.arrived_at,
            Visit.left_at,
            Visit.minutes,
            Visit.state,
            Visit.grade,
            Visit.planned_start_min,
        )
        .join(Household, Household.id == Visit.household_id)
        .where(Visit.caregiver_id == person_id, Visit.day.between(first, last))
        .order_by(Visit.arrived_at.desc())
    )
    found = {row.id: Mine(*row) for row in rows}
    missed = session.execute(
        sa.select(Shift.visit_id, Shift.day, Household.name, Shift.start_min)
        .join(VisitException, sa.and_(VisitException.visit_id == Shift.visit_id, VisitException.code == "MISSED"))
        .join(Household, Household.id == Shift.household_id)
        .where(Shift.caregiver_id == person_id, Shift.day.between(first, last))
    )
    for key, day, home, start in missed:
        found.setdefault(key, Mine(key, day, home, None, None, None, "missed", None, start))
    fresh = _beside(found, account_id)
    visits = sorted(found.values(), key=lambda each: (each.day, each.planned_start_min or 0), reverse=True)
    return visits, first - timedelta(days=1), fresh


def _beside(found: dict[uuid.UUID, Mine], account_id: uuid.UUID) -> list[uuid.UUID]:
    """Hang findings, corrections and confirmations on the visits, in one question; the findings new to her."""
    keys = list(found)
    if not keys:
        return []
    rows = asked(
        together(
            strand(
                "flag", key=VisitException.id, other=VisitException.visit_id, third=FlagReached.exception_id,
                at=VisitException.made_at, due=VisitException.settled_at, a=VisitException.code, b=VisitException.kind,
                c=VisitException.reason, one=VisitException.facts,
            )
            .select_from(VisitException)
            .outerjoin(FlagReached, FlagReached.exception_id == VisitException.id)
            .where(VisitException.visit_id.in_(keys)),
            strand("answer", key=FlagAnswer.id, other=FlagAnswer.exception_id, at=FlagAnswer.at, a=FlagAnswer.words)
            .select_from(FlagAnswer)
            .join(VisitException, VisitException.id == FlagAnswer.exception_id)
            .where(VisitException.visit_id.in_(keys)),
            strand(
                "correction", key=Correction.id, other=Correction.visit_id, at=Correction.new, due=Correction.old,
                a=Correction.field, b=CorrectionRuling.answer, n=sa.cast(CorrectionRuling.approves, sa.Integer()),
            )
            .select_from(Correction)
            .outerjoin(CorrectionRuling, CorrectionRuling.correction_id == Correction.id)
            .where(Correction.visit_id.in_(keys)),
            strand("word", key=Attestation.id, other=Attestation.visit_id, at=Attestation.at, a=Attestation.way).where(
                Attestation.visit_id.in_(keys)
            ),
        )
    )  # fmt: skip
    answers: dict[uuid.UUID, list[str]] = {}
    for row in rows.get("answer", ()):
        answers.setdefault(row.other, []).append(row.a)
    for row in rows.get("flag", ()):
        found[row.other].flags.append((row, answers.get(row.key, [])))
    for row in rows.get("correction", ()):
        found[row.other].corrections.append(row)
    for row in rows.get("word", ()):
        found[row.other].words.append(row)
    return [row.key for row in rows.get("flag", ()) if row.third is None]


def of_hers(person_id: uuid.UUID, exception_id: uuid.UUID) -> tuple[VisitException, str]:
    """A finding about a visit of hers, or a shift nobody made, with the home's name. Raises Missing."""
    hers = sa.or_(
        sa.exists().where(Visit.id == VisitException.visit_id, Visit.caregiver_id == person_id),
        sa.exists().where(Shift.visit_id == VisitException.visit_id, Shift.caregiver_id == person_id),
    )
    row = (
        db.session()
        .execute(
            sa.select(VisitException, Household.name)
            .join(Household, Household.id == VisitException.household_id)
            .where(VisitException.id == exception_id, hers)
        )
        .first()
    )
    if row is None:
        raise nothing()
    return row[0], row[1]


@dataclass(frozen=True)
class Target:
    """A visit of hers to be corrected, or a shift of hers that nobody came to."""

    of: Visit | Shift
    home: str

    @property
    def arrived_at(self) -> datetime | None:
        """As it is written down now."""
        return self.of.arrived_at if isinstance(self.of, Visit) else None

    @property
    def left_at(self) -> datetime | None:
        """As it is written down now."""
        return self.of.left_at if isinstance(self.of, Visit) else None


def target(person_id: uuid.UUID, visit_id: uuid.UUID) -> Target:
    """What she may ask to have corrected. Raises Missing."""
    session = db.session()
    row: Any = session.execute(
        sa.select(Visit, Household.name)
        .join(Household, Household.id == Visit.household_id)
        .where(Visit.id == visit_id, Visit.caregiver_id == person_id, Visit.state != VOID)
    ).first()
    if row is None and session.get(Visit, visit_id) is None:
        row = session.execute(
            sa.select(Shift, Household.name)
            .join(Household, Household.id == Shift.household_id)
            .where(Shift.visit_id == visit_id, Shift.caregiver_id == person_id)
        ).first()
    if row is None:
        raise nothing()
    return Target(row[0], row[1])
