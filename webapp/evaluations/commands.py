"""flask evaluations gather | check, and export evaluations: what lies behind a month, and whether it still agrees."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from webapp.evaluations import gather as counting
from webapp.evaluations import models, rules, trying, words
from webapp.evaluations.faults import Fault
from webapp.evaluations.models import Evaluation
from webapp.inspections.models import Finding
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.ledger.models import Book, Entry, EntryReceipt, QuietDay
from webapp.ledger.rows import Agreement, Count
from webapp.logs.models import Log
from webapp.people.models import Account, HomeCareUnit, Person, Place
from webapp.roster.absences import APPROVED, Leave, Relief
from webapp.roster.models import Shift
from webapp.store import db
from webapp.training.models import Attendance, Session
from webapp.visits.models import NobodyHome, Service, Visit, VisitException
from webapp.voices.models import Opinion
from webapp.web.exports import export

evaluations = AppGroup("evaluations", help="Monthly evaluations.")
COMMANDS = (evaluations, export)


class MonthType(click.ParamType):  # type: ignore[type-arg]
    """2026-10."""

    name = "month"

    def convert(self, value: Any, param: Any, ctx: Any) -> Month:
        """The month, or a plain word about what it should be."""
        try:
            return Month.parse(value)
        except ValueError:
            self.fail("月份要写成 2026-10 这样。Write the month like 2026-10.", param, ctx)


@evaluations.command("gather")
@click.argument("month", type=MonthType())
def gather(month: Month) -> None:
    """Count a month for every caregiver; signed sheets stay."""
    with db.transaction():
        click.echo(counting.gather(month))


@evaluations.command("check")
@click.argument("month", type=MonthType())
def check(month: Month) -> None:
    """Count the records of a month again and name every difference; exit 1 if there is one."""
    sheets = db.reading().scalars(sa.select(Evaluation).where(Evaluation.month == str(month))).all()
    found = counting.differences(sheets)
    for sheet, other in found:
        for fact, (kept, now) in sorted(other.items()):
            click.echo(f"{sheet.caregiver.number} {fact}: {kept} -> {now}")
    wrong = [
        each for each in sheets if models.reckoned(month, each.counted, each.adjustment, each.vetoed)["points"] != each.points
    ]
    for sheet in wrong:
        click.echo(f"{sheet.caregiver.number} points differ")
    if found or wrong:
        raise SystemExit(1)
    click.echo(f"{len(sheets)} sheets, no difference")


@evaluations.command("preview")
@click.argument("month", type=MonthType())
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def preview(month: Month, file: Path) -> None:
    """What a month would have come to under the rules in FILE (the form of evaluation.json); nothing is written."""
    try:
        tried = json.loads(file.read_text(encoding="utf-8"))
        rules.check(tried)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise click.ClickException("文件读不懂，要和 evaluation.json 一样的写法。Write it like evaluation.json.") from error
    except Refusal as refusal:
        raise click.ClickException(refusal.words()) from refusal
    found = trying.trial(month, tried)
    for each in sorted(found.moved, key=lambda one: one.number):
        click.echo(f"{each.number} {words.tenths(each.before)} -> {words.tenths(each.after)} {each.grade} -> {each.graded}")
    click.echo(f"{len(found.sheets)} sheets, {len(found.moved)} other totals, {found.regraded} other grades")


@export.command("evaluations")
@click.argument("month", type=MonthType())
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export_evaluations(month: Month, folder: Path) -> None:
    """The sheets of a month and every record they were counted from, one CSV each, for whoever wants to count again."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (titles, rows) in tables(month).items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(titles)
            writer.writerows(rows)
    (folder / "rules.json").write_text(json.dumps(models.settings(month), ensure_ascii=False, indent=1), encoding="utf-8")
    click.echo(str(folder))


Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


def tables(month: Month) -> dict[str, Table]:
    """File name → (titles, rows). Instants are on the household's clock; people are numbers, homes are keys."""
    number, first, last = Person.number, month.first, month.last

    def between(column: Any) -> sa.ColumnElement[bool]:
        return sa.and_(column >= first, column <= last)

    visit = sa.select(Visit.id, number, Visit.household_id, Visit.day, Visit.shift_id, Visit.arrived_at, Visit.planned_start_min,
                      Visit.minutes, Visit.state).join(Person, Person.id == Visit.caregiver_id)  # fmt: skip
    return {
        "shifts": _table(
            "id caregiver day state items",
            sa.select(Shift.id, number, Shift.day, Shift.state, Shift.items)
            .outerjoin(Person, Person.id == Shift.caregiver_id).where(between(Shift.day)),
        ),
        "visits": _table("id caregiver household day shift arrived planned_min minutes state", visit.where(between(Visit.day))),
        "services": _table(
            "visit code outcome",
            sa.select(Service.visit_id, Service.code, Service.outcome)
            .join(Visit, Visit.id == Service.visit_id).where(between(Visit.day)),
        ),
        "logs": _table(
            "visit household day at words",
            sa.select(Log.visit_id, Log.household_id, Log.day, Log.at, sa.func.length(Log.story)).where(between(Log.day)),
        ),
        "nobody_home": _table(
            "shift caregiver followed_up",
            sa.select(NobodyHome.shift_id, number, sa.or_(NobodyHome.told, NobodyHome.phoned, NobodyHome.neighbour))
            .join(Person, Person.id == NobodyHome.caregiver_id).where(between(NobodyHome.day)),
        ),
        "late_reasons": _table(
            "visit reason",
            sa.select(VisitException.visit_id, VisitException.reason)
            .where(between(VisitException.day), VisitException.code == "LATE_IN", VisitException.reason.is_not(None)),
        ),
        "books": _table("household opened", sa.select(Book.household_id, Book.opened_on)),
        "entries": _table(
            "id household day caregiver needs_receipt has_receipt reversal_of",
            sa.select(
                Entry.id, Entry.household_id, Entry.day, number, Entry.slip,
                sa.exists().where(EntryReceipt.entry_id == Entry.id), Entry.reversal_of,
            ).join(Account, Account.id == Entry.author_id).join(Person, Person.id == Account.person_id).where(between(Entry.day)),
        ),
        "quiet_days": _table(
            "household day", sa.select(QuietDay.household_id, QuietDay.day).where(between(QuietDay.day))
        ),
        "relief": _table(
            "shift on_leave",
            sa.select(Relief.shift_id, number).outerjoin(Leave, Leave.id == Relief.leave_id)
            .outerjoin(Person, Person.id == Leave.person_id).where(between(Relief.day), Relief.ended_at.is_(None)),
        ),
        "sessions": _table(
            "caregiver day attended on_leave",
            sa.select(
                number, Session.day,
                sa.exists().where(Attendance.session_id == Session.id, Attendance.person_id == Person.id),
                sa.exists().where(Leave.person_id == Person.id, Leave.state == APPROVED,
                                  Leave.since <= Session.day, Leave.until >= Session.day),
            )
            .select_from(Session)
            .join(Place, sa.or_(Place.id == Session.place_id, Place.street_id == Session.place_id,
                                Place.district_id == Session.place_id))
            .join(Person, Person.station_id == Place.id).where(between(Session.day)),
        ),
        "opinions": _table(
            "caregiver month stars",
            sa.select(number, Opinion.month, Opinion.stars).join(Person, Person.id == Opinion.caregiver_id)
            .where(Opinion.month == first),
        ),
        "faults": _table(
            "caregiver kind",
            sa.select(number, Fault.kind).join(Person, Person.id == Fault.caregiver_id)
            .where(Fault.month == str(month), Fault.withdrawn_at.is_(None)),
        ),
        "findings": _table(
            "household severity due fixed",
            sa.select(Finding.household_id, Finding.severity, Finding.due, Finding.fixed_at)
            .where(between(Finding.due), Finding.household_id.is_not(None)),
        ),
        "units": _table(
            "household caregiver since until relative",
            sa.select(HomeCareUnit.household_id, number, HomeCareUnit.since, HomeCareUnit.until, HomeCareUnit.relative)
            .join(Person, Person.id == HomeCareUnit.caregiver_id),
        ),
        "agreements": _table("household since until", sa.select(Agreement.household_id, Agreement.since, Agreement.until)),
        "counts": _table(
            "household month kind at cash booked_cash wallet booked_wallet",
            sa.select(
                Count.household_id, Count.month, Count.kind, Count.at, Count.cash_fen, Count.booked_cash_fen, Count.wallet_fen,
                Count.booked_wallet_fen,
            ).where(Count.month == str(month)).order_by(Count.at, Count.id),
        ),
        "evaluations": _evaluations(month),
    }  # fmt: skip


def _table(titles: str, ask: Any) -> Table:
    return titles.split(), ([_plain(value) for value in row] for row in db.reading().execute(ask))


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if hasattr(value, "astimezone"):
        return clock.local(value).isoformat(timespec="seconds")
    return json.dumps(value) if isinstance(value, list | dict) else value


def _evaluations(month: Month) -> Table:
    codes = [each["code"] for each in models.settings(month)["monthly"]["indicators"]]
    titles = ["caregiver", "state", "home", "attitude", "adjustment", "vetoed", "corrections", *codes, "total", "grade"]
    sheets = db.reading().scalars(sa.select(Evaluation).where(Evaluation.month == str(month)).options(sa.orm.joinedload("*")))
    rows = [
        [each.caregiver.number, each.state, each.home, each.attitude, each.adjustment, int(each.vetoed),
         json.dumps(each.corrections, ensure_ascii=False), *(each.points[code] for code in codes), each.total, each.grade]
        for each in sheets.unique()
    ]  # fmt: skip
    return titles, [["" if value is None else value for value in row] for row in sorted(rows, key=lambda row: str(row[0]))]
