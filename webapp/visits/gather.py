"""What the database knows about a call, gathered in one reading: an arrival may cost ten statements in all."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from webapp.cards import number as numbers
from webapp.cards.models import Card
from webapp.cards.queries import normal
from webapp.people.models import Account, Assignment, Household, Spot
from webapp.roster.models import PLANNED, Shift
from webapp.store import db, rulebook, secrets
from webapp.store.inbox import Act
from webapp.store.rulebook import RuleSet
from webapp.store.types import Instant, Uuid
from webapp.visits import rules
from webapp.visits.models import OPEN, VOID, Visit
from webapp.visits.rules import Fix, Point


@dataclass(frozen=True)
class Shown:
    """What was held before the phone, and where it was, as typed into the form."""

    method: str
    token: str | None = None
    number: str | None = None
    lat_e6: int | None = None
    lon_e6: int | None = None
    accuracy_m: int | None = None
    fix_age_ms: int | None = None
    place_state: str | None = None

    @classmethod
    def of(cls, method: str | None, **given: Any) -> Shown:
        """A missing method is told by what is there: a token was scanned, a number typed."""
        told = method or (rules.SCAN if given.get("token") else rules.NUMBER if given.get("number") else rules.CARD_MISSING)
        return cls(told, **given)

    @property
    def fix(self) -> Fix | None:
        """The fix, when its coordinates can be on earth."""
        lat, lon = self.lat_e6, self.lon_e6
        if lat is None or lon is None or abs(lat) > 90_000_000 or abs(lon) > 180_000_000:
            return None
        accuracy = 9999 if self.accuracy_m is None else min(max(self.accuracy_m, 0), 10_000_000)
        return Fix(Point(lat, lon), accuracy, min(max(self.fix_age_ms or 0, 0) // 1000, 10**9))

    @property
    def state(self) -> str:
        """ok, denied, timeout or none."""
        return "ok" if self.fix else rules.PLACE_STATES.get(self.place_state or "", "none").replace("ok", "none")

    @property
    def card(self) -> tuple[str, Any]:
        """By what the card that was shown is known, and that: its token's digest, its typed number, or nothing."""
        token = normal(self.token) if self.method == rules.SCAN else None
        number = numbers.parse(self.number or "") if self.method == rules.NUMBER else None
        return ("token", secrets.one_way(token)) if token else ("number", number) if number else ("none", None)

    @property
    def reads_card(self) -> sa.ColumnElement[bool]:
        """Condition: the card that was shown, by token or by typed number."""
        by, what = self.card
        return _CARDS[by] == what if by in _CARDS else sa.false()


_CARDS = {"token": Card.token_digest, "number": Card.number}


class Open(NamedTuple):
    """A visit that goes on: which, where, since when, how long it was planned to be."""

    id: uuid.UUID
    household_id: uuid.UUID
    arrived_at: datetime
    minutes: int | None


@dataclass(frozen=True)
class Known:
    """All that the database knows about a call, from one reading."""

    person_id: uuid.UUID | None
    card_id: uuid.UUID | None
    card_home: uuid.UUID | None
    card_resident: uuid.UUID | None
    card_revoked_at: datetime | None
    household_id: uuid.UUID | None
    station_id: uuid.UUID | None
    no_signal: bool
    assigned: bool
    open_visit: Open | None
    """Another visit of hers that goes on."""
    phoned: uuid.UUID | None
    """Her visit here that somebody wrote down for her at about this time, under another id."""
    visit: Any
    """Columns of the visit that has this id already, prefixed `visit_`; None when there is none."""
    spots: tuple[Point, ...]
    shifts: tuple[Any, ...]
    limits: dict[str, Any]


def know(
    act: Act,
    shown: Shown,
    key: uuid.UUID,
    household: uuid.UUID | None,
    shift: uuid.UUID | None,
    *,
    at_home: bool = False,
) -> Known:
    """Everything in one statement: an arrival may cost ten in all, and none may grow with the district.

    The card says which home it is; `at_home`: the visit said so already.
    """
    by, what = shown.card
    facts = {"account": act.author_id, "key": key, "told": household, "shift": shift, "at": act.at, "day": act.day, "card": what}
    about = {"recent": act.at - RECENT, "before": act.at - PHONED_NEAR, "after": act.at + PHONED_NEAR}
    rows = db.line().execute(_question(by, at_home, shift is not None), facts | about).all()
    return _known(rows)


RECENT = timedelta(days=2)
PHONED_NEAR = timedelta(hours=3)
"""An arrival that was rung in and one on her phone within these hours, in one home, are one visit."""
_KEY, _TOLD, _SHIFT, _ACCOUNT = (sa.bindparam(name, type_=Uuid()) for name in ("key", "told", "shift", "account"))
_BEFORE, _AFTER = (sa.bindparam(name, type_=Instant()) for name in ("before", "after"))
_AT, _RECENT, _DAY = (
    sa.bindparam("at", type_=Instant()),
    sa.bindparam("recent", type_=Instant()),
    sa.bindparam("day", type_=sa.Date()),
)


@cache
def _question(by: str, at_home: bool, named: bool) -> sa.Select[*tuple[Any, ...]]:
    """What `know` asks, made once for each way of asking: to make it costs four times what it costs to ask."""
    existing = sa.orm.aliased(Visit)
    card = _CARDS[by] == sa.bindparam("card", type_=_CARDS[by].type) if by in _CARDS else sa.false()
    sources = (Card.household_id, existing.household_id, _TOLD)
    home = sa.func.coalesce(existing.household_id, _TOLD) if at_home else sa.func.coalesce(*sources)
    return (
        sa.select(
            Account.person_id,
            Card.id.label("card_id"),
            Card.household_id.label("card_home"),
            Card.resident_id.label("card_resident"),
            Card.revoked_at.label("card_revoked_at"),
            Household.id.label("household_id"),
            Household.station_id,
            Household.no_signal,
            _assigned(),
            _open_visit("id", "open_visit"),
            _open_visit("household_id", "open_home"),
            _open_visit("arrived_at", "open_at"),
            _open_visit("planned_minutes", "open_minutes"),
            _phoned(),
            _limits(),
            _home_limits(),
            existing.id.label("visit_id"),
            existing.household_id.label("visit_household_id"),
            existing.station_id.label("visit_station_id"),
            existing.caregiver_id.label("visit_caregiver_id"),
            existing.state.label("visit_state"),
            existing.day.label("visit_day"),
            existing.arrived_at.label("visit_arrived_at"),
            existing.planned_minutes.label("visit_planned_minutes"),
            existing.grade.label("visit_grade"),
            existing.partner_id.label("visit_partner_id"),
            existing.left_at.label("visit_left_at"),
            existing.arrive_by.label("visit_arrive_by"),
            existing.leave_by.label("visit_leave_by"),
            existing.adjusted_in_at.label("visit_adjusted_in_at"),
            existing.adjusted_out_at.label("visit_adjusted_out_at"),
            Spot.id.label("spot_id"),
            Spot.lat_e6,
            Spot.lon_e6,
            Spot.radius_m,
            Shift.id.label("shift_id"),
            Shift.visit_id.label("shift_visit_id"),
            Shift.caregiver_id.label("shift_caregiver_id"),
            Shift.start_min,
            Shift.minutes,
            _attended(),
        )
        .select_from(Account)
        .outerjoin(Card, card)
        .outerjoin(existing, existing.id == _KEY)
        .outerjoin(Household, Household.id == home)
        .outerjoin(Spot, Spot.household_id == Household.id)
        .outerjoin(Shift, sa.and_(Shift.household_id == Household.id, _near(named), Shift.state == PLANNED))
        .where(Account.id == _ACCOUNT)
    )


def _near(named: bool) -> sa.ColumnElement[bool]:
    """The household's shifts that day, and the one that was named even if it was yesterday's."""
    also = [Shift.visit_id == _KEY] + ([Shift.id == _SHIFT] if named else [])
    return sa.or_(Shift.day == _DAY, *also)


def _assigned() -> sa.Label[bool]:
    return (
        sa.exists()
        .where(
            Assignment.household_id == Household.id,
            Assignment.caregiver_id == Account.person_id,
            Assignment.since <= _AT,
            sa.or_(Assignment.until.is_(None), Assignment.until > _AT),
        )
        .label("assigned")
    )


def _attended() -> sa.Label[bool]:
    """Whether another visit answered the shift already. The home's last days are asked: its index is by arrival."""
    other = sa.orm.aliased(Visit)
    recent = sa.and_(other.household_id == Household.id, other.arrived_at >= _RECENT)
    return sa.exists().where(recent, other.shift_id == Shift.id, other.id != _KEY, other.state != VOID).label("attended")


def _open_visit(column: str, name: str) -> sa.Label[Any]:
    other = sa.orm.aliased(Visit)
    return (
        sa.select(getattr(other, column))
        .where(other.caregiver_id == Account.person_id, other.state == OPEN, other.id != _KEY, other.partner_id.is_(None))
        .order_by(other.arrived_at.desc())
        .limit(1)
        .scalar_subquery()
        .label(name)
    )


def _phoned() -> sa.Label[uuid.UUID]:
    other = sa.orm.aliased(Visit)
    near = (other.household_id == Household.id, other.arrived_at.between(_BEFORE, _AFTER))
    return (
        sa.select(other.id)
        .where(
            *near,
            other.caregiver_id == Account.person_id,
            other.arrive_by == rules.CODES[rules.PHONE],
            other.state != VOID,
            other.id != _KEY,
        )
        .limit(1)
        .scalar_subquery()
        .label("phoned_visit")
    )


def _limits() -> sa.Label[dict[str, Any]]:
    """The rules of the day and station, by the precedence of `rulebook.current`."""
    return (
        sa.select(RuleSet.body)
        .where(
            RuleSet.kind == "visits",
            RuleSet.valid_from <= _DAY,
            sa.or_(RuleSet.place_id.is_(None), RuleSet.place_id == Household.station_id),
        )
        .order_by(RuleSet.place_id.is_(None), RuleSet.valid_from.desc(), RuleSet.made_at.desc())
        .limit(1)
        .scalar_subquery()
        .label("rules")
    )


def _home_limits() -> sa.Label[dict[str, Any]]:
    """What the household has of its own."""
    return (
        sa.select(RuleSet.body)
        .where(RuleSet.kind == "visits", RuleSet.valid_from <= _DAY, RuleSet.place_id == Household.id)
        .order_by(RuleSet.valid_from.desc(), RuleSet.made_at.desc())
        .limit(1)
        .scalar_subquery()
        .label("home_rules")
    )


def _known(rows: Sequence[Any]) -> Known:
    if not rows:
        shipped = rulebook.default("visits")
        return Known(None, None, None, None, None, None, None, False, False, None, None, None, (), (), shipped)
    first = rows[0]
    spots = {row.spot_id: Point(row.lat_e6, row.lon_e6, row.radius_m) for row in rows if row.spot_id}
    shifts = {row.shift_id: row for row in rows if row.shift_id}
    return Known(
        person_id=first.person_id,
        card_id=first.card_id,
        card_home=first.card_home,
        card_resident=first.card_resident,
        card_revoked_at=first.card_revoked_at,
        household_id=first.household_id,
        station_id=first.station_id,
        no_signal=bool(first.no_signal),
        assigned=bool(first.assigned),
        open_visit=Open(first.open_visit, first.open_home, first.open_at, first.open_minutes) if first.open_visit else None,
        phoned=first.phoned_visit,
        visit=first if first.visit_id else None,
        spots=tuple(spots.values()),
        shifts=tuple(shifts.values()),
        limits=(first.rules or rulebook.default("visits")) | (first.home_rules or {}),
    )
