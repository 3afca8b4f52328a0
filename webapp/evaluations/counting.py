"""What the records of a month come to, by caregiver: eleven questions that the database adds up itself, whoever is asked about.

Counted in visits and in household days (one home on one day), so that who skips two of three homes cannot show 100 %.
Relief counts for whoever came; approved leave and pauses have left the roster already.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.evaluations import faults, models
from webapp.evaluations.faults import Fault
from webapp.inspections.models import Finding
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.ledger import counting as cash
from webapp.ledger.models import Book, Entry, EntryReceipt, QuietDay
from webapp.ledger.rows import Agreement, Count
from webapp.logs.models import Log
from webapp.people.models import Account, HomeCareUnit, Person, Place
from webapp.roster.absences import APPROVED, Leave, Relief
from webapp.roster.models import PLANNED, Shift
from webapp.store import db
from webapp.training.models import Attendance, Session
from webapp.visits.models import VOID, NobodyHome, Service, Visit, VisitException
from webapp.voices.models import Opinion

NAMES = (
    "visits_due", "visits_kept", "visits_started", "visits_on_time", "late_most_min", "items_planned", "items_done",
    "items_declined", "service_days", "logs_on_time", "logs_late", "book_days", "book_days_written", "receipts_needed",
    "receipts_attached", "entries", "relief_visits", "leave_visits", "minutes", "weeks_due", "weeks_checked", "complaints",
    "serious", "minor", "sessions_held", "sessions_attended",
)  # fmt: skip
Counts = dict[uuid.UUID, dict[str, Any]]
STARS = range(1, 6)
FELT_MONTHS = 3
"""Over how many months the residents' stars are told to her in a word."""


def empty() -> dict[str, Any]:
    """The facts of somebody of whom there is no record."""
    return dict.fromkeys(NAMES, 0) | {"stars": [], "stars_felt": [], "differences_fen": None}


def count(month: Month, caregiver: uuid.UUID | None = None, held: dict[str, Any] | None = None) -> Counts:
    """What the records of a month say, by caregiver; of one, or of all at once with the same questions.

    Days to come are not counted. `held`: other rules than those of the month, to try them.
    """
    asked, found = _Asked(month, caregiver, held), defaultdict[uuid.UUID, dict[str, Any]](empty)
    if asked.last < month.first:
        return {}
    asks = (asked.visits, asked.days, asked.shifts, asked.items, asked.entries, asked.away, asked.training, asked.faults,
            asked.late_findings)  # fmt: skip
    for ask in asks:
        rows = db.session().execute(ask())
        names = tuple(rows.keys())[1:]
        for who, *figures in rows:
            found[who].update(zip(names, map(int, figures), strict=True))
    for who, *told in db.session().execute(asked.stars()):
        figures = list(map(int, told))
        found[who]["stars"] = [star for star in STARS for _ in range(figures[star - 1])]
        found[who]["stars_felt"] = [star for star in STARS for _ in range(figures[star + 4])]
    for who, difference in db.session().execute(asked.cash()):
        known = found[who]["differences_fen"] or []
        found[who]["differences_fen"] = sorted([*known, difference], key=lambda fen: (fen is None, fen))
    return dict(found)


def _sum(condition: Any) -> Any:
    return sa.func.sum(sa.case((condition, 1), else_=0))


class _Asked:
    """The questions of one month. Each gives a row to a caregiver: who, then figures named as in NAMES."""

    def __init__(self, month: Month, one: uuid.UUID | None, held: dict[str, Any] | None = None) -> None:
        self.month, self.one = month, one
        self.last = min(month.last, clock.today() - timedelta(days=1))
        self.held = (held or models.settings(month))["monthly"]["settings"]
        self.postgres = db.session().get_bind().dialect.name == "postgresql"
        self.days_ = [month.first + timedelta(days=n) for n in range((self.last - month.first).days + 1)]

    def visits(self) -> Any:
        """How long she was there, and whether she came in time where a time was planned."""
        excused = sa.exists().where(
            VisitException.visit_id == Visit.id, VisitException.code == "LATE_IN",
            VisitException.reason.in_(self.held["excused_reasons"]),
        )  # fmt: skip
        asked = sa.and_(Visit.planned_start_min.is_not(None), ~excused)
        behind = self._seconds(Visit.arrived_at) - self._midnight(Visit.day) - 60 * Visit.planned_start_min
        late = sa.case((sa.and_(asked, behind > 0), behind // 60), else_=0)
        in_time = sa.and_(asked, behind < 60 * (self.held["on_time_min"] + 1))
        return self._hers(
            sa.select(
                Visit.caregiver_id, sa.func.sum(sa.func.coalesce(Visit.minutes, 0)).label("minutes"),
                _sum(asked).label("visits_started"), _sum(in_time).label("visits_on_time"),
                sa.func.max(late).label("late_most_min"),
            ).where(*self._made()).group_by(Visit.caregiver_id)
        )  # fmt: skip

    def days(self) -> Any:
        """Homes by day: was there a diary in time (one is enough), was the book written where there is one."""
        home = self._homes().cte("home")
        wrote = self._hers(
            sa.select(
                Visit.caregiver_id.label("who"), Log.household_id.label("house"), Log.day,
                sa.func.min(self._seconds(Log.at)).label("at"),
            )
            .join(Visit, Visit.id == Log.visit_id)
            .where(*self._made(), Log.story != "")
            .group_by(Visit.caregiver_id, Log.household_id, Log.day)
        ).subquery("wrote")  # fmt: skip
        same = sa.and_(wrote.c.who == home.c.who, wrote.c.house == home.c.house, wrote.c.day == home.c.day)
        late = self.held["log_late_days"]
        in_time, half = wrote.c.at < self._midnight(home.c.day, 1), wrote.c.at < self._midnight(home.c.day, 1 + late)
        kept = sa.exists().where(Book.household_id == home.c.house, Book.opened_on <= home.c.day)
        written = sa.or_(
            *(sa.exists().where(table.household_id == home.c.house, table.day == home.c.day) for table in (QuietDay, Entry))
        )
        return (
            sa.select(
                home.c.who, sa.func.count().label("service_days"), _sum(in_time).label("logs_on_time"),
                _sum(sa.and_(half, ~in_time)).label("logs_late"), _sum(kept).label("book_days"),
                _sum(sa.and_(kept, written)).label("book_days_written"),
            )
            .outerjoin(wrote, same)
            .group_by(home.c.who)
        )  # fmt: skip

    def shifts(self) -> Any:
        """Due is what the roster asked of her, and what she did in another's place.

        没人应 that was followed up is as good as a visit.
        """
        visited = sa.select(Visit.shift_id, Visit.caregiver_id.label("who")).where(*self._made(), Visit.shift_id.is_not(None))
        stood = sa.select(NobodyHome.shift_id, NobodyHome.caregiver_id.label("who")).where(
            NobodyHome.day.between(self.month.first, self.last), NobodyHome.shift_id.is_not(None),
            sa.or_(NobodyHome.told, NobodyHome.phoned, NobodyHome.neighbour),
        )  # fmt: skip
        came = sa.union(self._hers(visited), self._hers(stood, NobodyHome.caregiver_id)).cte("came")
        mine = self._hers(
            sa.select(
                Shift.caregiver_id.label("who"),
                came.c.who.is_not(None).label("kept"),
                sa.and_(came.c.who.is_not(None), Relief.id.is_not(None)).label("relief"),
            )
            .outerjoin(came, sa.and_(came.c.shift_id == Shift.id, came.c.who == Shift.caregiver_id))
            .outerjoin(Relief, sa.and_(Relief.shift_id == Shift.id, Relief.ended_at.is_(None)))
            .where(*self._due(), Shift.caregiver_id.is_not(None)),
            Shift.caregiver_id,
        )
        others = (
            sa.select(came.c.who, sa.true().label("kept"), sa.true().label("relief"))
            .join(Shift, Shift.id == came.c.shift_id)
            .where(*self._due(), sa.or_(Shift.caregiver_id.is_(None), Shift.caregiver_id != came.c.who))
        )
        each = sa.union_all(mine, others).subquery("each_shift")
        return sa.select(
            each.c.who, sa.func.count().label("visits_due"), _sum(each.c.kept).label("visits_kept"),
            _sum(each.c.relief).label("relief_visits"),
        ).group_by(each.c.who)  # fmt: skip

    def items(self) -> Any:
        """Every visit made to a shift owes the shift's items; what was done or refused counts never above that."""
        ticked = (
            sa.select(
                Service.visit_id, _sum(Service.outcome == "done").label("done"), _sum(Service.outcome == "refused").label("no")
            )
            .group_by(Service.visit_id)
        )  # fmt: skip
        ticked = self._hers(ticked.join(Visit, Visit.id == Service.visit_id).where(*self._made())).subquery("ticked")
        planned = sa.func.json_array_length(Shift.items)
        done = sa.case((ticked.c.done < planned, ticked.c.done), else_=planned)
        left = planned - done
        refused = sa.case((ticked.c.no < left, ticked.c.no), else_=left)
        seen = ticked.c.visit_id.is_not(None)
        return self._hers(
            sa.select(
                Visit.caregiver_id, sa.func.sum(planned).label("items_planned"),
                sa.func.sum(sa.case((seen, done), else_=0)).label("items_done"),
                sa.func.sum(sa.case((seen, refused), else_=0)).label("items_declined"),
            )
            .join(Shift, Shift.id == Visit.shift_id)
            .outerjoin(ticked, ticked.c.visit_id == Visit.id)
            .where(*self._made(), *self._due())
            .group_by(Visit.caregiver_id)
        )  # fmt: skip

    def entries(self) -> Any:
        """What she wrote into books, and the slips these asked for."""
        slip = sa.exists().where(EntryReceipt.entry_id == Entry.id)
        undone = sa.orm.aliased(Entry)
        asked = sa.and_(Entry.slip, ~sa.exists().where(undone.reversal_of == Entry.id))
        lines = (
            sa.select(
                Account.person_id, sa.func.count(Entry.id).label("entries"), _sum(asked).label("receipts_needed"),
                _sum(sa.and_(asked, slip)).label("receipts_attached"),
            )
            .join(Account, Account.id == Entry.author_id)
            .where(Entry.day.between(self.month.first, self.last))
            .group_by(Account.person_id)
        )  # fmt: skip
        if self.one is not None:  # through her homes, or the whole book is read for one
            lines = lines.where(Entry.household_id.in_(self._homes().with_only_columns(Visit.household_id)))
        return self._hers(lines, Account.person_id)

    def away(self) -> Any:
        """Visits that somebody else made, or nobody, because she was on approved leave."""
        return self._hers(
            sa.select(Leave.person_id, sa.func.count(Relief.id).label("leave_visits"))
            .join(Leave, Leave.id == Relief.leave_id)
            .where(Relief.day.between(self.month.first, self.last), Relief.ended_at.is_(None))
            .group_by(Leave.person_id),
            Leave.person_id,
        )

    def training(self) -> Any:
        """Sessions that were meant for her, of her station and what lies above it, and those she was at; not while on leave."""
        there = sa.exists().where(Attendance.session_id == Session.id, Attendance.person_id == Person.id)
        away = sa.exists().where(
            Leave.person_id == Person.id, Leave.state == APPROVED, Leave.since <= Session.day, Leave.until >= Session.day
        )
        near = sa.or_(Session.place_id == Place.id, Session.place_id == Place.street_id, Session.place_id == Place.district_id)
        return self._hers(
            sa.select(Person.id, sa.func.count(Session.id).label("sessions_held"), _sum(there).label("sessions_attended"))
            .join(Place, Place.id == Person.station_id)
            .join(Session, near)
            .where(Session.day.between(self.month.first, self.last), ~away)
            .group_by(Person.id),
            Person.id,
        )

    def faults(self) -> Any:
        """What was found true against her: complaints, and serious things she could have prevented."""
        return self._hers(
            sa.select(
                Fault.caregiver_id, _sum(Fault.kind == faults.COMPLAINT).label("complaints"),
                _sum(Fault.kind == faults.SERIOUS).label("serious"),
            )
            .where(Fault.month == str(self.month), Fault.withdrawn_at.is_(None))
            .group_by(Fault.caregiver_id),
            Fault.caregiver_id,
        )  # fmt: skip

    def late_findings(self) -> Any:
        """Minor findings of inspections of her homes whose last day fell in the month and that were not put right by then."""
        in_time = self._seconds(Finding.fixed_at) < self._midnight(Finding.due, 1)
        return self._hers(
            sa.select(HomeCareUnit.caregiver_id, sa.func.count(Finding.id).label("minor"))
            .join(HomeCareUnit, HomeCareUnit.household_id == Finding.household_id)
            .where(Finding.severity == "minor", Finding.due.between(self.month.first, self.last))
            .where(*self._hers_then(), sa.or_(Finding.fixed_at.is_(None), ~in_time))
            .group_by(HomeCareUnit.caregiver_id),
            HomeCareUnit.caregiver_id,
        )

    def stars(self) -> Any:
        """How many residents gave how many stars: this month, and within three months."""
        first = self.month
        for _ in range(FELT_MONTHS - 1):
            first = first.previous()
        here = Opinion.month == self.month.first
        given = [_sum(sa.and_(here, Opinion.stars == star)) for star in STARS] + [_sum(Opinion.stars == star) for star in STARS]
        return self._hers(
            sa.select(Opinion.caregiver_id, *given)
            .where(Opinion.caregiver_id.is_not(None), Opinion.month.between(first.first, self.month.first))
            .group_by(Opinion.caregiver_id),
            Opinion.caregiver_id,
        )

    def cash(self) -> Any:
        """(who, fen) for each home that keeps money with her at the end of the month: how far the last count of the month was
        from the book, without a sign; nothing where nobody counted. Not where a relative keeps the book."""
        newer = sa.orm.aliased(Count)
        same = sa.and_(newer.household_id == Count.household_id, newer.kind == cash.MONTH, newer.month == Count.month)
        later = sa.exists().where(same, sa.or_(newer.at > Count.at, sa.and_(newer.at == Count.at, newer.id > Count.id)))
        wallet = sa.func.coalesce(Count.wallet_fen - Count.booked_wallet_fen, 0)
        kept = sa.exists().where(
            Agreement.household_id == Book.household_id, Agreement.since <= self.month.last,
            sa.or_(Agreement.until.is_(None), Agreement.until > self.month.last),
        )  # fmt: skip
        went = sa.exists().where(*self._made(), Visit.household_id == Book.household_id,
                                 Visit.caregiver_id == HomeCareUnit.caregiver_id)  # fmt: skip
        counted = sa.and_(
            Count.household_id == Book.household_id, Count.kind == cash.MONTH, Count.month == str(self.month), ~later
        )
        return self._hers(
            sa.select(HomeCareUnit.caregiver_id, sa.func.abs(Count.cash_fen - Count.booked_cash_fen) + sa.func.abs(wallet))
            .select_from(Book)
            .join(HomeCareUnit, HomeCareUnit.household_id == Book.household_id)
            .outerjoin(Count, counted)
            .where(Book.opened_on <= self.month.last, kept, went, *self._hers_then(), HomeCareUnit.relative.is_(False)),
            HomeCareUnit.caregiver_id,
        )

    def _hers_then(self) -> tuple[Any, ...]:
        """The home was hers when the month ended."""
        ended = clock.day_bounds(self.month.last)[1]
        return HomeCareUnit.since < ended, sa.or_(HomeCareUnit.until.is_(None), HomeCareUnit.until >= ended)

    def _made(self) -> tuple[Any, ...]:
        return Visit.day.between(self.month.first, self.last), Visit.state != VOID

    def _due(self) -> tuple[Any, ...]:
        return Shift.day.between(self.month.first, self.last), Shift.state == PLANNED

    def _hers(self, ask: Any, column: Any = Visit.caregiver_id) -> Any:
        return ask if self.one is None else ask.where(column == self.one)

    def _homes(self) -> Any:
        homes = sa.select(Visit.caregiver_id.label("who"), Visit.household_id.label("house"), Visit.day).where(*self._made())
        return self._hers(homes).distinct()

    def _seconds(self, at: Any) -> Any:
        """Whole seconds since 1970 of an instant, cut off."""
        return sa.cast(sa.func.floor(sa.extract("epoch", at)) if self.postgres else sa.func.strftime("%s", at), sa.BigInteger)

    def _midnight(self, day: Any, after: int = 0) -> Any:
        """Seconds since 1970 when a household day began, or the day so many days after it."""
        began = {each: int(clock.instant(each + timedelta(days=after), 0).timestamp()) for each in self.days_}
        return sa.case(began, value=day)
