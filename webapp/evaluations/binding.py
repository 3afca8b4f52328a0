"""月底成册 (P08): a station's month gathered for paper: what is missing first, then who came when, each home, each evaluation."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from webapp.evaluations.models import SEALED, SIGNED, Evaluation
from webapp.kit import clock, show
from webapp.kit.month import Month
from webapp.kit.words import _
from webapp.ledger import words as ledger
from webapp.ledger.models import Book, Entry, EntryReceipt, QuietDay
from webapp.logs.models import Log
from webapp.people.models import Household, Person, Place, Resident
from webapp.store import db
from webapp.visits.models import VOID, Visit
from webapp.voices.models import Opinion


@dataclass
class Home:
    """One household's month. visits: (day, "8:31-9:40", whose name, diary). lines: (day, words, fen, has its slip).

    opinions: (resident, stars or None where nobody asked, words).
    """

    name: str
    number: str
    visits: list[tuple[date, str, str, str]] = field(default_factory=list)
    lines: list[tuple[date, str, int, bool]] = field(default_factory=list)
    unwritten: list[date] = field(default_factory=list)
    unbooked: list[date] = field(default_factory=list)
    slips: int = 0
    opinions: list[tuple[str, int | None, str]] = field(default_factory=list)

    @property
    def sums(self) -> tuple[int, int]:
        """(in, out) of the month in fen."""
        return sum(fen for *_rest, fen, _s in self.lines if fen > 0), -sum(fen for *_rest, fen, _s in self.lines if fen < 0)


@dataclass
class Bound:
    """A station's month. grid: caregiver's name → visits by day of the month. missing: sentences, the worst first."""

    station: str
    month: Month
    days: list[date]
    grid: dict[str, dict[int, int]]
    homes: list[Home]
    sheets: list[Evaluation]
    missing: list[str]


def bind(month: Month, station: Place) -> Bound:
    """Everything of a station's month, with as many questions for a large station as for a small one."""
    last = min(month.last, clock.today() - timedelta(days=1))
    days = [month.first + timedelta(days=n) for n in range((month.last - month.first).days + 1)]
    homes, grid = _homes(month, station), defaultdict[str, dict[int, int]](dict)
    came = _visits(month, station, homes, grid)
    _money(month, homes, came, last)
    _opinions(month, homes)
    sheets = _sheets(month, station)
    found = sorted(homes.values(), key=lambda each: each.number)
    kept = [each for each in found if each.visits or each.lines]
    return Bound(station.name, month, days, dict(sorted(grid.items())), kept, sheets, _missing(kept, sheets, month))


def _homes(month: Month, station: Place) -> dict[uuid.UUID, Home]:
    ask = sa.select(Household.id, Household.name, Household.number).where(
        Household.station_id == station.id, sa.or_(Household.ended_on.is_(None), Household.ended_on >= month.first)
    )
    return {key: Home(name, number) for key, name, number in db.session().execute(ask)}


def _visits(
    month: Month, station: Place, homes: dict[uuid.UUID, Home], grid: dict[str, dict[int, int]]
) -> dict[uuid.UUID, set[date]]:
    ask = (
        sa.select(Visit.household_id, Visit.day, Visit.arrived_at, Visit.left_at, Person.name, Log.story)
        .join(Person, Person.id == Visit.caregiver_id)
        .outerjoin(Log, Log.visit_id == Visit.id)
        .where(Visit.station_id == station.id, Visit.day.between(month.first, month.last), Visit.state != VOID)
        .order_by(Visit.day, Visit.arrived_at)
    )
    came: dict[uuid.UUID, set[date]] = defaultdict(set)
    wrote: set[tuple[uuid.UUID, date]] = set()
    for key, day, arrived, left, who, story in db.session().execute(ask):
        home = homes.setdefault(key, Home("", ""))
        home.visits.append((day, f"{show.time(arrived)}-{show.time(left) if left else '?'}", who, story or ""))
        grid[who][day.day] = grid[who].get(day.day, 0) + 1
        came[key].add(day)
        if story:
            wrote.add((key, day))
    for key, seen in came.items():
        homes[key].unwritten = sorted(day for day in seen if (key, day) not in wrote)
    return came


def _money(month: Month, homes: dict[uuid.UUID, Home], came: dict[uuid.UUID, set[date]], last: date) -> None:
    session, keys = db.session(), list(homes)
    opened: dict[uuid.UUID, date] = {
        key: day for key, day in session.execute(sa.select(Book.household_id, Book.opened_on).where(Book.household_id.in_(keys)))
    }
    slip = sa.exists().where(EntryReceipt.entry_id == Entry.id)
    undone = sa.orm.aliased(Entry)
    stands = ~sa.exists().where(undone.reversal_of == Entry.id)
    ask = (
        sa.select(Entry.household_id, Entry.day, Entry.category, Entry.words, Entry.fen, Entry.slip, slip, stands)
        .where(Entry.household_id.in_(keys), Entry.day.between(month.first, month.last))
        .order_by(Entry.day, Entry.at)
    )
    written: set[tuple[uuid.UUID, date]] = set()
    for key, day, category, words, fen, wanted, there, counts in session.execute(ask):
        said = "：".join(part for part in (ledger.category(category), words) if part)
        homes[key].lines.append((day, said, fen, bool(there)))
        homes[key].slips += bool(wanted and counts and not there)
        written.add((key, day))
    quiet = sa.select(QuietDay.household_id, QuietDay.day).where(
        QuietDay.household_id.in_(keys), QuietDay.day.between(month.first, month.last)
    )
    written |= {(key, day) for key, day in session.execute(quiet)}
    for key, days in came.items():
        if key in opened:
            homes[key].unbooked = sorted(d for d in days if opened[key] <= d <= last and (key, d) not in written)


def _opinions(month: Month, homes: dict[uuid.UUID, Home]) -> None:
    """What each resident said when asked in the month."""
    lived = sa.or_(Resident.ended_on.is_(None), Resident.ended_on > month.last)
    ask = (
        sa.select(Resident.household_id, Resident.name, Opinion.stars, Opinion.words)
        .outerjoin(Opinion, sa.and_(Opinion.resident_id == Resident.id, Opinion.month == month.first))
        .where(Resident.household_id.in_(list(homes)), sa.or_(lived, Opinion.id.is_not(None)))
        .order_by(Resident.number)
    )
    for key, name, stars, words in db.session().execute(ask):
        homes[key].opinions.append((name, stars, words or ""))


def _sheets(month: Month, station: Place) -> list[Evaluation]:
    whole = [joinedload(getattr(Evaluation, name)) for name in ("caregiver", "station", "objections", "vetoes", "reviews")]
    ask = sa.select(Evaluation).where(Evaluation.month == str(month), Evaluation.station_id == station.id)
    rows = db.session().scalars(ask.join(Evaluation.caregiver).order_by(Person.initials, Person.id).options(*whole))
    return list(rows.unique())


def _missing(homes: list[Home], sheets: list[Evaluation], month: Month) -> list[str]:
    """What is not there yet, in sentences."""
    said = []
    if open_ := [each.caregiver.name for each in sheets if each.state not in (SIGNED, SEALED)]:
        said.append(_("月考核还没签字：%(names)s", names=_("、").join(open_)))
    if not sheets:
        said.append(_("%(month)s的月考核还没算", month=show.month(month)))
    for home in homes:
        if home.unwritten:
            said.append(_("%(home)s：没有日记 %(days)s", home=home.name, days=_days(home.unwritten)))
        if home.unbooked:
            said.append(_("%(home)s：没记账，也没说没花钱 %(days)s", home=home.name, days=_days(home.unbooked)))
        if unasked := [name for name, stars, _said in home.opinions if stars is None]:
            said.append(_("%(home)s：没问过意见 %(names)s", home=home.name, names=_("、").join(unasked)))
        if home.slips:
            said.append(_("%(home)s：缺 %(n)s 张票", home=home.name, n=home.slips))
    return said


def _days(days: list[date]) -> str:
    """3、5、9日, at most eight of them."""
    return _("、").join(str(day.day) for day in days[:8]) + ("…" if len(days) > 8 else "") + _("日")
