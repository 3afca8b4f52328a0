"""Counting a month for every caregiver at once: as many questions for ten thousand as for one.

Counted in visits and in household days (one home on one day), so that who skips two of three homes cannot show 100 %.
Relief counts for whoever came; approved leave and pauses have left the roster already.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as lite_insert

from webapp.access import Role
from webapp.evaluations import models
from webapp.evaluations.models import OPEN, Evaluation
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.ledger.models import Book, Entry, EntryReceipt, QuietDay
from webapp.logs.models import Log
from webapp.people.models import Account, Grant, Person
from webapp.roster.absences import Leave, Relief
from webapp.roster.models import PLANNED, Shift
from webapp.store import audit, db, jobs
from webapp.visits.models import VOID, NobodyHome, Service, Visit, VisitException

NAMES = (
    "visits_due", "visits_kept", "visits_started", "visits_on_time", "late_most_min", "items_planned", "items_done",
    "items_declined", "service_days", "logs_on_time", "logs_late", "book_days", "book_days_written", "receipts_needed",
    "receipts_attached", "entries", "relief_visits", "leave_visits", "minutes", "weeks_due", "weeks_checked", "complaints",
    "serious", "minor", "sessions_held", "sessions_attended",
)  # fmt: skip
Counts = dict[uuid.UUID, dict[str, Any]]
Home = tuple[uuid.UUID, date]


def gather(month: Month, stations: Sequence[uuid.UUID] | None = None) -> int:
    """Count the month and write every sheet that is not signed yet; returns how many caregivers were counted.

    Only those of `stations`, when they are given.

    Repeating it changes nothing but what has come in since. Days to come are not counted.
    """
    counts, staff = count(month), _staff(month)
    rows, now = [], clock.now()
    kept = _kept(month)
    for person, station in staff.items():
        if stations is not None and station not in stations:
            continue
        facts = counts.get(person) or empty()
        state, corrections, home, attitude, adjustment, vetoed = kept.get(person, (None, {}, None, None, 0, False))
        if state is None or state in OPEN:
            found = models.reckoned(month, models.counted(facts, corrections, home, attitude), adjustment, vetoed)
            rows.append(
                {"id": ids.new(), "made_at": now, "caregiver_id": person, "station_id": station, "month": str(month),
                 "state": models.GATHERED, "facts": facts, "corrections": {}, "gathered_at": now, "home_words": "",
                 "attitude_words": "", "words": "", "adjustment": 0, "adjustment_words": "", **found}
            )  # fmt: skip
    _write(rows)
    audit.note("evaluations.gather", f"month:{month}", caregivers=len(rows))
    return len(rows)


def _write(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    session = db.session()
    table: Any = Evaluation.__table__
    insert = (pg_insert if session.get_bind().dialect.name == "postgresql" else lite_insert)(table)
    fresh = {name: insert.excluded[name] for name in ("facts", "points", "total", "grade", "gathered_at")}
    session.connection().execute(
        insert.on_conflict_do_update(index_elements=["caregiver_id", "month"], set_=fresh, where=table.c.signed_at.is_(None)),
        rows,
    )
    session.expire_all()


def _kept(month: Month) -> dict[uuid.UUID, tuple[str, dict[str, Any], int | None, int | None, int, bool]]:
    vetoed = sa.exists().where(models.Veto.evaluation_id == Evaluation.id, models.Veto.confirmed_at.is_not(None))
    ask = sa.select(
        Evaluation.caregiver_id, Evaluation.state, Evaluation.corrections, Evaluation.home, Evaluation.attitude,
        Evaluation.adjustment, vetoed,
    ).where(Evaluation.month == str(month))  # fmt: skip
    return {person: (*rest[:5], bool(rest[5])) for person, *rest in db.session().execute(ask)}


def _staff(month: Month) -> dict[uuid.UUID, uuid.UUID]:
    """Every caregiver who held the role in the month and belongs to a station."""
    first, last = clock.instant(month.first, 0), clock.day_bounds(month.last)[1]
    ask = (
        sa.select(Person.id, Person.station_id)
        .join(Account, Account.person_id == Person.id)
        .join(Grant, Grant.account_id == Account.id)
        .where(Grant.role == Role.CAREGIVER, Person.station_id.is_not(None))
        .where(Grant.since < last, sa.or_(Grant.until.is_(None), Grant.until > first))
        .where(sa.or_(Account.ended_at.is_(None), Account.ended_at > first))
    )
    return {person: station for person, station in db.session().execute(ask) if station is not None}


def empty() -> dict[str, Any]:
    """The facts of somebody of whom there is no record."""
    return dict.fromkeys(NAMES, 0) | {"stars": [], "differences_fen": None}


def count(month: Month, caregiver: uuid.UUID | None = None) -> Counts:
    """What the records of a month say, by caregiver; of one, or of all at once with the same questions."""
    return _Count(month, caregiver).all()


class _Count:
    """One counting: reads each kind of record once."""

    def __init__(self, month: Month, caregiver: uuid.UUID | None) -> None:
        self.month, self.one = month, caregiver
        self.last = min(month.last, clock.today() - timedelta(days=1))
        self.held = models.settings(month)["monthly"]["settings"]
        self.found: Counts = defaultdict(empty)
        self.homes: dict[uuid.UUID, set[Home]] = defaultdict(set)
        self.visited: dict[Any, tuple[uuid.UUID, int]] = {}
        """Visit → whose, and how many items were planned."""

    def all(self) -> Counts:
        """Everything, in the order in which one thing needs another."""
        self._visits()
        self._nobody()
        self._shifts()
        self._services()
        self._logs()
        self._money()
        self._away()
        return dict(self.found)

    def _rows(self, ask: Any) -> Iterator[Any]:
        return iter(db.session().execute(ask))

    def _hers(self, ask: Any, column: Any) -> Any:
        return ask if self.one is None else ask.where(column == self.one)

    def _visits(self) -> None:
        excused = set(
            db.session().scalars(
                sa.select(VisitException.visit_id).where(
                    VisitException.day.between(self.month.first, self.last), VisitException.code == "LATE_IN",
                    VisitException.reason.in_(self.held["excused_reasons"]),
                )
            )
        )  # fmt: skip
        ask = sa.select(
            Visit.id, Visit.caregiver_id, Visit.household_id, Visit.day, Visit.shift_id, Visit.arrived_at,
            Visit.planned_start_min, Visit.minutes,
        ).where(Visit.day.between(self.month.first, self.last), Visit.state != VOID)  # fmt: skip
        self.came: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        """Shift → who came to it."""
        for key, who, house, day, shift, arrived, planned, minutes in self._rows(self._hers(ask, Visit.caregiver_id)):
            facts = self.found[who]
            self.homes[who].add((house, day))
            self.visited[key] = (who, 0)
            facts["minutes"] += minutes or 0
            if shift is not None:
                self.came[shift].add(who)
            if planned is not None and key not in excused:
                late = _minutes_late(arrived, day, planned)
                facts["visits_started"] += 1
                facts["visits_on_time"] += late <= self.held["on_time_min"]
                facts["late_most_min"] = max(facts["late_most_min"], late)
        for who, homes in self.homes.items():
            self.found[who]["service_days"] = len(homes)

    def _nobody(self) -> None:
        """没人应 that was followed up is as good as a visit."""
        ask = sa.select(NobodyHome.shift_id, NobodyHome.caregiver_id).where(
            NobodyHome.day.between(self.month.first, self.last), NobodyHome.shift_id.is_not(None),
            sa.or_(NobodyHome.told, NobodyHome.phoned, NobodyHome.neighbour),
        )  # fmt: skip
        for shift, who in self._rows(self._hers(ask, NobodyHome.caregiver_id)):
            self.came[shift].add(who)

    def _shifts(self) -> None:
        """Due is what the roster asked of her, and what she did in another's place."""
        ask = sa.select(Shift.id, Shift.caregiver_id, Shift.items).where(
            Shift.day.between(self.month.first, self.last), Shift.state == PLANNED
        )
        if self.one is not None:
            mine = sa.select(Visit.shift_id).where(
                Visit.caregiver_id == self.one, Visit.day.between(self.month.first, self.last), Visit.shift_id.is_not(None)
            )
            ask = ask.where(sa.or_(Shift.caregiver_id == self.one, Shift.id.in_(mine)))
        between = Relief.day.between(self.month.first, self.last)
        sent = set(db.session().scalars(sa.select(Relief.shift_id).where(between, Relief.ended_at.is_(None))))
        planned: dict[uuid.UUID, int] = {}
        for key, who, items in self._rows(ask):
            came = self.came.get(key, set())
            for each in (came | {who}) - {None}:
                if self.one in (None, each):
                    self.found[each]["visits_due"] += 1
                    self.found[each]["visits_kept"] += each in came
                    self.found[each]["relief_visits"] += each in came and (each != who or key in sent)
            if came:
                planned[key] = len(items or ())
        self._plan(planned)

    def _plan(self, planned: dict[uuid.UUID, int]) -> None:
        """Every visit made to a shift owes the shift's items."""
        ask = sa.select(Visit.id, Visit.caregiver_id, Visit.shift_id).where(
            Visit.day.between(self.month.first, self.last), Visit.state != VOID, Visit.shift_id.is_not(None)
        )
        for key, who, shift in self._rows(self._hers(ask, Visit.caregiver_id)):
            n = planned.get(shift, 0)
            self.visited[key] = (who, n)
            self.found[who]["items_planned"] += n

    def _services(self) -> None:
        """What was done and refused, a visit never above its plan."""
        done = sa.func.sum(sa.case((Service.outcome == "done", 1), else_=0))
        refused = sa.func.sum(sa.case((Service.outcome == "refused", 1), else_=0))
        ask = (
            sa.select(Service.visit_id, done, refused)
            .join(Visit, Visit.id == Service.visit_id)
            .where(Visit.day.between(self.month.first, self.last), Visit.state != VOID)
            .group_by(Service.visit_id)
        )
        for visit, n, no in self._rows(self._hers(ask, Visit.caregiver_id)):
            who, planned = self.visited[visit]
            did = min(int(n), planned)
            self.found[who]["items_done"] += did
            self.found[who]["items_declined"] += min(int(no), planned - did)

    def _logs(self) -> None:
        """One diary a household day, by the phone's clock: the same day, or within the days that still count half."""
        ask = (
            sa.select(Visit.caregiver_id, Log.household_id, Log.day, Log.at)
            .join(Visit, Visit.id == Log.visit_id)
            .where(Visit.day.between(self.month.first, self.last), Visit.state != VOID, Log.story != "")
        )
        best: dict[tuple[uuid.UUID, Home], int] = {}
        for who, house, day, at in self._rows(self._hers(ask, Visit.caregiver_id)):
            key, behind = (who, (house, day)), (clock.day_of(at) - day).days
            best[key] = min(best.get(key, behind), behind)
        for (who, home), behind in best.items():
            if home in self.homes[who]:
                self.found[who]["logs_on_time"] += behind <= 0
                self.found[who]["logs_late"] += 0 < behind <= self.held["log_late_days"]

    def _money(self) -> None:
        """Days written and slips, in homes that had a book by then."""
        session = db.session()
        opened = dict(session.execute(sa.select(Book.household_id, Book.opened_on).where(Book.opened_on <= self.last)).all())
        written: set[Home] = set()
        for table, column in ((Entry, Entry.day), (QuietDay, QuietDay.day)):
            ask = sa.select(table.household_id, column).where(column.between(self.month.first, self.last))
            written.update((house, day) for house, day in self._rows(ask))
        for who, homes in self.homes.items():
            kept = [home for home in homes if home[0] in opened and opened[home[0]] <= home[1]]
            self.found[who]["book_days"] = len(kept)
            self.found[who]["book_days_written"] = sum(home in written for home in kept)
        slip = sa.exists().where(EntryReceipt.entry_id == Entry.id)
        undone = sa.orm.aliased(Entry)
        stands = ~sa.exists().where(undone.reversal_of == Entry.id)
        asked = sa.func.sum(sa.case((sa.and_(Entry.slip, stands), 1), else_=0))
        given = sa.func.sum(sa.case((sa.and_(Entry.slip, stands, slip), 1), else_=0))
        lines = (
            sa.select(Account.person_id, sa.func.count(Entry.id), asked, given)
            .join(Account, Account.id == Entry.author_id)
            .where(Entry.day.between(self.month.first, self.last))
            .group_by(Account.person_id)
        )
        if self.one is not None:  # through her homes, or the whole book is read for one
            lines = lines.where(Entry.household_id.in_({house for house, _day in self.homes[self.one]}))
        for who, n, needed, attached in self._rows(self._hers(lines, Account.person_id)):
            self.found[who] |= {"entries": int(n), "receipts_needed": int(needed), "receipts_attached": int(attached)}

    def _away(self) -> None:
        """Visits that somebody else made, or nobody, because she was on approved leave."""
        ask = (
            sa.select(Leave.person_id, sa.func.count(Relief.id))
            .join(Leave, Leave.id == Relief.leave_id)
            .where(Relief.day.between(self.month.first, self.last), Relief.ended_at.is_(None))
            .group_by(Leave.person_id)
        )
        for who, n in self._rows(self._hers(ask, Leave.person_id)):
            self.found[who]["leave_visits"] = int(n)


def _minutes_late(arrived: datetime, day: date, planned_min: int) -> int:
    """Whole minutes after the planned time, 0 when on time."""
    return max(0, int((arrived - clock.instant(day, planned_min)).total_seconds() // 60))


def differences(sheets: Iterable[Evaluation]) -> list[tuple[Evaluation, dict[str, tuple[Any, Any]]]]:
    """Sheets of one month whose records count to something else today: fact → (kept, counted)."""
    found, counts = [], dict[str, Counts]()
    for sheet in sheets:
        counts.setdefault(sheet.month, count(sheet.of))
        now = counts[sheet.month].get(sheet.caregiver_id) or empty()
        other = {name: (sheet.facts.get(name), now[name]) for name in now if sheet.facts.get(name) != now[name]}
        if other:
            found.append((sheet, other))
    return found


@jobs.job("evaluations.gather", nightly=True)
def nightly() -> None:
    """On the 1st for the month before, and every night after as long as a sheet of it is not signed."""
    month = Month.of(clock.today()).previous()
    states = set(db.session().scalars(sa.select(Evaluation.state).where(Evaluation.month == str(month)).distinct()))
    if not states or states & set(OPEN):
        gather(month)
