"""How what a phone recorded is written: rows of calls, places, visits and findings, each as one statement."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, cast

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.store import db
from webapp.store.inbox import Act
from webapp.store.types import Uuid
from webapp.visits import rules
from webapp.visits.gather import Known, Shown
from webapp.visits.models import ACK, FIX, OPEN, CallPlace, Visit, VisitException
from webapp.visits.rules import Finding

MOST_S = 2**31 - 1


def call_row(act: Act, raw: Act, shown: Shown, known: Known, key: uuid.UUID, direction: str) -> dict[str, Any]:
    """A call as captured: `raw` is the act as the phone dated it."""
    return {
        "id": act.id,
        "visit_id": key,
        "household_id": known.household_id,
        "author_id": act.author_id,
        "direction": direction,
        "method": rules.CODES[shown.method],
        "why": shown.method if rules.CODES[shown.method] == "NONE" else None,
        "card_id": known.card_id,
        "card_state": card_state(act, shown, known),
        "resident_id": known.card_resident,
        "place_state": shown.state,
        "device_id": act.device_id,
        "app": act.app,
        "made_at": raw.made_at,
        "beacon_at": act.beacon_at,
        "at": act.at,
        "received_at": act.received_at,
        "skew_s": skew_s(raw, act),
    }


def keep_place(act: Act, shown: Shown, known: Known) -> None:
    """Where it happened, in a row of its own; nothing without a fix."""
    fix = shown.fix
    if fix is None:
        return
    away = min((rules.distance_m(fix.at, home) for home in known.spots), default=None)
    put(
        CallPlace,
        {
            "id": act.id, "lat_e6": fix.at.lat_e6, "lon_e6": fix.at.lon_e6, "accuracy_m": fix.accuracy_m,
            "fix_age_ms": fix.age_s * 1000, "distance_m": away,
        },
    )  # fmt: skip


def visit_row(act: Act, shown: Shown, known: Known, planned: Any, key: uuid.UUID, grade: str) -> dict[str, Any]:
    """A visit as an arrival makes it; what was planned is copied."""
    return {
        "id": key,
        "household_id": known.household_id,
        "station_id": known.station_id,
        "caregiver_id": known.person_id,
        "shift_id": planned.shift_id if planned else None,
        "day": act.day,
        "arrived_at": act.at,
        "opened_by": act.id,
        "state": OPEN,
        "arrive_by": rules.CODES[shown.method],
        "planned_start_min": planned.start_min if planned else None,
        "planned_minutes": planned.minutes if planned else None,
        "grade": grade,
    }


def put(table: type[Any], row: dict[str, Any]) -> None:
    """Insert one row."""
    db.line().execute(_inserting(cast(Hashable, table)), row)


@cache
def _inserting(table: Hashable) -> Any:
    return sa.insert(cast(sa.Table, cast(Any, table).__table__))


def update_visit(key: uuid.UUID, change: dict[str, Any]) -> None:
    """Change what is derived of a visit; it counts as changed."""
    news: dict[str, Any] = {f"new_{name}": value for name, value in (change | {"changed_at": clock.now()}).items()}
    db.line().execute(_changing(tuple(sorted(change))), news | {"key": key})


@cache
def _changing(names: tuple[str, ...]) -> Any:
    """The statement that changes these columns of a visit, made once: to make it costs more than to run it."""
    visit = cast(sa.Table, Visit.__table__)
    news: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in (*names, "changed_at")}
    return sa.update(visit).where(visit.c.id == sa.bindparam("key", type_=Uuid())).values(seq=visit.c.seq + 1, **news)


def touch(key: uuid.UUID) -> None:
    """Something that belongs to a visit changed: exports carry it anew."""
    update_visit(key, {})


def find(visit: uuid.UUID, household: uuid.UUID, station: uuid.UUID, day: date, found: Sequence[Finding]) -> None:
    """Keep the findings; a code that the visit has already keeps its first facts."""
    if not found:
        return
    rows = [
        {
            "id": ids.new(), "made_at": clock.now(), "visit_id": visit, "household_id": household, "station_id": station,
            "day": day, "code": finding.code, "kind": FIX if finding.must_fix else ACK, "facts": _plain(finding.facts),
        }
        for finding in {each.code: each for each in found}.values()
    ]  # fmt: skip
    db.line().execute(_finding(db.session().get_bind().dialect.name), rows)


@cache
def _finding(dialect: str) -> Any:
    return db.insert(cast(sa.Table, VisitException.__table__), dialect).on_conflict_do_nothing()


def _plain(facts: Any) -> dict[str, Any]:
    return {
        name: clock.to_wire(value) if isinstance(value, datetime) else value if isinstance(value, int | str) else str(value)
        for name, value in facts.items()
        if value is not None
    }


def card_state(act: Act, shown: Shown, known: Known) -> str | None:
    """live, revoked or unknown at the moment of the act; None when no card was shown."""
    if shown.method not in (rules.SCAN, rules.NUMBER):
        return None
    if known.card_id is None or known.card_home is None:
        return rules.UNKNOWN
    revoked = known.card_revoked_at is not None and known.card_revoked_at <= act.at
    return rules.REVOKED if revoked else rules.LIVE


def skew_s(raw: Act, act: Act) -> int:
    """Seconds by which the phone's clock is off, as far as a column reaches."""
    off = raw.skew_s if raw is act else int((raw.made_at - act.made_at).total_seconds())
    return max(min(off, MOST_S), -MOST_S)


def settled(visit: uuid.UUID, codes: Sequence[str], act: Act) -> None:
    """Findings that her own word or record answers are settled by it (reason 06, her telephone)."""
    db.session().execute(
        sa.update(VisitException)
        .where(VisitException.visit_id == visit, VisitException.code.in_(codes), VisitException.settled_at.is_(None))
        .values(settled_at=clock.now(), settled_by=act.author_id, reason="06")
    )
