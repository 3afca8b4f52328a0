"""What waits for the station's word: leave asked for, times to be put right, pauses to be asked about again, stand-ins whose
phone knows nothing yet, certificates about to end. Strands of the one list, and the lines they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import aliased

from webapp.access import Actor
from webapp.kit import clock, show
from webapp.kit.words import _, _l
from webapp.messages import rules
from webapp.messages import words as kinds
from webapp.messages.rules import RANG, STILL, Item
from webapp.people.models import Account, Household, Look, Person, Resident
from webapp.roster import models as roster
from webapp.roster import words as planning
from webapp.roster.absences import ASKED, Leave, Pause, Relief
from webapp.roster.models import Shift
from webapp.roster.queries import HANDOVER
from webapp.store import rulebook, secrets
from webapp.store.strands import Strand, strand
from webapp.store.types import Instant
from webapp.today.carrying import attended, cared_for
from webapp.training.models import Certificate
from webapp.visits.correcting import Correction, CorrectionRuling

LEAVE, CORRECTION, PAUSE, RELIEF, EXPIRING = "leave", "correction", "pause", "relief", "expiring"
LONG_OVER = timedelta(days=183)
"""A certificate that ended longer ago is no news."""

kinds.say(LEAVE, _l("有人请假，请决定谁替"), "users", settled_there=True)
kinds.say(CORRECTION, _l("养护员请改时间，请看一下"), "clock", settled_there=True)
kinds.say(PAUSE, _l("还停吗？请问一问"), "hourglass")
kinds.say(RELIEF, _l("交接没到她手机，请打电话说清过敏"), "phone")
kinds.say(EXPIRING, _l("证书快到期了"), "graduation-cap", settled_there=True)

_TODAY = sa.bindparam("today", type_=sa.Date())


def given(now: datetime, today: date) -> dict[str, Any]:
    """The parameters of `strands`."""
    planned, learned = roster.settings(today), rulebook.current("training", today)
    return {
        "asked_before": today - timedelta(days=planned["pause_ask_days"]),
        "goes_by": clock.minute_of(now) + planned["handover_ask_min"],
        "since_midnight": clock.instant(today, 0),
        "ends_after": today - LONG_OVER,
        "ends_by": today + timedelta(days=learned["soon_days"]),
    }


def strands(me: Actor, left: sa.ColumnElement[bool], limit: int) -> tuple[Strand, ...]:
    """One of each kind, at most `limit` rows; left: condition on Person, she works here no more."""
    each = _leaves(me, left), _corrections(me, left), _pauses(me), _reliefs(me), _certificates(me, left)
    return tuple(sa.select(one.limit(limit).subquery()) for one in each)


def _leaves(me: Actor, left: sa.ColumnElement[bool]) -> Strand:
    """key, at (asked), a who, b what for, d since, e until."""
    return (
        strand(LEAVE, key=Leave.id, at=Leave.made_at, a=Person.name, b=Leave.kind, d=_text(Leave.since), e=_text(Leave.until))
        .select_from(Leave)
        .join(Person, Person.id == Leave.person_id)
        .where(me.reaches_station(Leave.station_id), Leave.until >= _TODAY, Leave.state == ASKED, ~left)
        .order_by(Leave.since)
    )


def _corrections(me: Actor, left: sa.ColumnElement[bool]) -> Strand:
    """key, at (asked), a household, d who. What one asked oneself waits for somebody else."""
    decided = sa.exists().where(CorrectionRuling.correction_id == Correction.id)
    return (
        strand(CORRECTION, key=Correction.id, at=Correction.received_at, a=Household.name, d=Person.name)
        .select_from(Correction)
        .join(Household, Household.id == Correction.household_id)
        .join(Person, Person.id == Correction.caregiver_id)
        .where(
            me.reaches_station(Correction.station_id), ~decided, Correction.asked_by != me.account_id, ~left,
            cared_for(Correction.station_id),
        )
        .order_by(Correction.received_at)
    )  # fmt: skip


def _pauses(me: Actor) -> Strand:
    """key, other (household), at (written down), a household, b why, c of whom, d who said so, e since."""
    holds = Pause.since <= _TODAY, sa.or_(Pause.until.is_(None), Pause.until >= _TODAY), Pause.ended_at.is_(None)
    return (
        strand(
            PAUSE, key=Pause.id, other=Pause.household_id, at=Pause.made_at, a=Household.name, b=Pause.reason, c=Resident.name,
            d=Pause.told_by, e=_text(Pause.since),
        )
        .select_from(Pause)
        .join(Household, Household.id == Pause.household_id)
        .outerjoin(Resident, Resident.id == Pause.resident_id)
        .where(
            me.reaches_station(Household.station_id), Household.ended_on.is_(None), *holds,
            Pause.asked_on <= sa.bindparam("asked_before", type_=sa.Date()),
        )
        .order_by(Pause.asked_on)
    )  # fmt: skip


def _reliefs(me: Actor) -> Strand:
    """Stand-ins who should soon go and whose phone has not fetched the handover.

    key, other (household), third (who), at (sent), a household, d who, n start, sealed (number).
    """
    fetched = sa.exists().where(
        Look.household_id == Relief.household_id, Look.at >= Relief.made_at, Look.what == HANDOVER,
        Look.account_id == Account.id, Account.person_id == Relief.caregiver_id,
    )  # fmt: skip
    return (
        strand(
            RELIEF, key=Relief.id, other=Relief.household_id, third=Person.id, at=Relief.made_at, a=Household.name, d=Person.name,
            n=Shift.start_min, sealed=Person.phone_sealed,
        )
        .select_from(Relief)
        .join(Shift, Shift.id == Relief.shift_id)
        .join(Household, Household.id == Relief.household_id)
        .join(Person, Person.id == Relief.caregiver_id)
        .where(
            me.reaches_station(Relief.station_id), Relief.day == _TODAY, Relief.ended_at.is_(None),
            Shift.state == roster.PLANNED, Shift.start_min <= sa.bindparam("goes_by", type_=sa.Integer()), ~fetched,
            ~attended(sa.bindparam("since_midnight", type_=Instant())), cared_for(Relief.station_id),
        )
        .order_by(Shift.start_min)
    )  # fmt: skip


def _certificates(me: Actor, left: sa.ColumnElement[bool]) -> Strand:
    """key, at (made), a who, e its last day."""
    newer = aliased(Certificate)
    renewed = sa.exists().where(
        newer.person_id == Certificate.person_id, newer.course == Certificate.course, newer.passed_on > Certificate.passed_on
    )
    soon = Certificate.until.between(
        sa.bindparam("ends_after", type_=sa.Date()), sa.bindparam("ends_by", type_=sa.Date())
    )  # fmt: skip
    return (
        strand(EXPIRING, key=Certificate.id, at=Certificate.made_at, a=Person.name, e=_text(Certificate.until))
        .select_from(Certificate)
        .join(Person, Person.id == Certificate.person_id)
        .where(me.reaches_station(Person.station_id), soon, ~renewed, ~left)
        .order_by(Certificate.until)
    )


def _text(day: Any) -> sa.ColumnElement[str]:
    return sa.cast(day, sa.Text())


def items(found: Mapping[str, Sequence[Any]], levels: Mapping[str, Mapping[str, Any]]) -> Iterator[Item]:
    """The lines of what the strands brought."""
    for row in found.get(LEAVE, ()):
        about = f"{planning.kind(row.b)} · {_span(row.d, row.e)}"
        yield _item(LEAVE, row, levels, about=about, link=url_for("desk.leave", leave_id=row.key))
    for row in found.get(CORRECTION, ()):
        yield _item(CORRECTION, row, levels, about=row.d, link=url_for("review.correction", correction_id=row.key))
    for row in found.get(PAUSE, ()):
        since = _("%(day)s起", day=show.day(date.fromisoformat(row.e)))
        said = _("%(who)s说的", who=row.d) if row.d else ""
        yield _item(
            PAUSE, row, levels, about=" · ".join(filter(None, (row.c, planning.pause(row.b), since, said))), tap=STILL,
            link=url_for("away.pauses", household_id=row.other), deed=url_for("away.still_paused", pause_id=row.key),
        )  # fmt: skip
    for row in found.get(RELIEF, ()):
        about = _("%(when)s %(name)s去", when=show.minute(row.n), name=row.d)
        calls = ((row.d, secrets.unseal(row.sealed, f"person.phone:{row.third}")),) if row.sealed else ()
        yield _item(
            RELIEF, row, levels, about=about, tap=RANG, calls=calls, link=url_for("people.household", household_id=row.other),
            deed=url_for("todo.done", household_id=row.other, about=f"{RELIEF}:{row.key}"),
        )  # fmt: skip
    for row in found.get(EXPIRING, ()):
        about = _("有效到%(day)s", day=show.day(date.fromisoformat(row.e)))
        yield _item(EXPIRING, row, levels, about=about, link=url_for("training.index"))


def _item(kind: str, row: Any, levels: Mapping[str, Mapping[str, Any]], **more: Any) -> Item:
    level = rules.level_of(kind, levels)
    return Item(kind, level, f"{kind}:{row.key}", row.at, who=row.a, title=kinds.title(kind), **more)


def _span(since: str, until: str) -> str:
    """3月5日, or 3月5日–3月8日."""
    first = show.day(date.fromisoformat(since))
    return first if since == until else f"{first}–{show.day(date.fromisoformat(until))}"
