"""Books going out: CSV, XLSX, and Beancount text that `bean-check` accepts. One household or many, any days."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import xlsxwriter

from webapp.access import Actor, within
from webapp.kit import clock, money
from webapp.kit.words import _
from webapp.ledger import printing
from webapp.ledger.rows import Entry, Posting
from webapp.people.models import Household
from webapp.store import db

FORMATS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "beancount": "text/plain",
    "pdf": "application/pdf",
}
CHUNK = 300
MOST = 2_000
"""Households to one export."""
PAPER_MOST = 200
"""Households to one paper."""
_HELD = {"cash": "Assets:{}:Cash", "wallet": "Assets:{}:Wallet", "org": "Assets:{}:Organisation", "owed": "Assets:{}:Owed",
         "advance": "Liabilities:{}:Advance", "diff": "Equity:{}:Difference"}  # fmt: skip


@dataclass(frozen=True)
class Home:
    """One household of an export."""

    id: uuid.UUID
    number: str
    name: str


@dataclass(frozen=True)
class Line:
    """One entry with its postings, fen."""

    home: Home
    id: uuid.UUID
    day: date
    at: datetime
    kind: str
    side: str
    category: str
    source: str
    fen: int
    words: str
    reversal_of: uuid.UUID | None
    legs: tuple[tuple[str, int], ...]


def homes(actor: Actor, number: str = "", station: uuid.UUID | None = None) -> list[Home]:
    """The households of an export within reach: one by its number, a station's, or all."""
    ask = within(actor, sa.select(Household)).with_only_columns(Household.id, Household.number, Household.name)
    if number:
        ask = ask.where(Household.number == number)
    if station:
        ask = ask.where(Household.station_id == station)
    return [Home(*row) for row in db.session().execute(ask.order_by(Household.number).limit(MOST))]


def lines(chosen: Sequence[Home], since: date | None, until: date) -> Iterator[Line]:
    """The entries of households from a day to a day, by household and time."""
    for at in range(0, len(chosen), CHUNK):
        known = {home.id: home for home in chosen[at : at + CHUNK]}
        rows = (
            db.session()
            .scalars(
                sa.select(Entry)
                .where(Entry.household_id.in_(known), Entry.day >= (since or date.min), Entry.day <= until)
                .order_by(Entry.day, Entry.at, Entry.id)
            )
            .all()
        )
        legs: dict[uuid.UUID, list[tuple[str, int]]] = {}
        keys = [row.id for row in rows]
        for start in range(0, len(keys), CHUNK):
            ask = sa.select(Posting.entry_id, Posting.account, Posting.fen)
            for key, account, fen in db.session().execute(ask.where(Posting.entry_id.in_(keys[start : start + CHUNK]))):
                legs.setdefault(key, []).append((account, fen))
        for row in sorted(rows, key=lambda row: known[row.household_id].number):
            yield Line(
                known[row.household_id], row.id, row.day, row.at, row.kind, row.side, row.category, row.source, row.fen,
                row.words, row.reversal_of, tuple(sorted(legs[row.id])),
            )  # fmt: skip


def opening(chosen: Sequence[Home], since: date | None) -> dict[uuid.UUID, dict[str, int]]:
    """What every account of the households came to before `since`, fen."""
    found: dict[uuid.UUID, dict[str, int]] = {}
    if since is None:
        return found
    for at in range(0, len(chosen), CHUNK):
        ask = (
            sa.select(Entry.household_id, Posting.account, sa.func.sum(Posting.fen))
            .join(Entry, Entry.id == Posting.entry_id)
            .where(Entry.household_id.in_([home.id for home in chosen[at : at + CHUNK]]), Entry.day < since)
            .group_by(Entry.household_id, Posting.account)
        )
        for home, account, fen in db.session().execute(ask):
            found.setdefault(home, {})[account] = int(fen)
    return found


def write(kind: str, chosen: Sequence[Home], since: date | None, until: date) -> bytes:
    """The export as a file. Raises KeyError for a kind that is none of FORMATS."""
    return {"csv": _csv, "xlsx": _xlsx, "beancount": _beancount, "pdf": _pdf}[kind](chosen, since, until)


# -- tables --


def _head() -> list[str]:
    return [
        _("户号"),
        _("哪一户"),
        _("日子"),
        _("记的时间"),
        _("哪一种"),
        _("科目"),
        _("哪里的钱"),
        _("钱数（元）"),
        _("写的"),
        _("编号"),
        _("冲的是"),
    ]


def _cells(line: Line) -> list[Any]:
    at = clock.local(line.at).strftime("%Y-%m-%d %H:%M:%S")
    return [line.home.number, line.home.name, str(line.day), at, line.kind, line.category, line.source, money.plain(line.fen),
            line.words, str(line.id), str(line.reversal_of or "")]  # fmt: skip


def _csv(chosen: Sequence[Home], since: date | None, until: date) -> bytes:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_head())
    for line in lines(chosen, since, until):
        table.writerow([plain(cell) for cell in _cells(line)])
    return out.getvalue().encode("utf-8-sig")


def plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula. Sums stay numbers."""
    risky = cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not re.fullmatch(r"-?\d+\.\d\d", cell)
    return "'" + cell if risky else cell


def _xlsx(chosen: Sequence[Home], since: date | None, until: date) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet, sums = book.add_worksheet(), book.add_format({"num_format": "#,##0.00"})
        sheet.write_row(0, 0, _head())
        for n, line in enumerate(lines(chosen, since, until), start=1):
            sheet.write_row(n, 0, _cells(line))
            sheet.write_number(n, 7, line.fen / 100, sums)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


# -- paper --


def _pdf(chosen: Sequence[Home], since: date | None, until: date) -> bytes:
    found: dict[Home, list[Line]] = {home: [] for home in chosen}
    for line in lines(chosen, since, until):
        found[line.home].append(line)
    before = opening(chosen, since)
    told = [_told(home, mine, before.get(home.id, {}), since, until) for home, mine in found.items()]
    return printing.books_pdf([each for each in told if each["lines"]] or told[:1])


def _told(home: Home, mine: Sequence[Line], before: dict[str, int], since: date | None, until: date) -> dict[str, Any]:
    """A span of a book in the words of a statement."""
    first = since or min((line.day for line in mine), default=until)
    came = {side: sum(line.fen for line in mine if line.source == "cash" and line.side == side) for side in ("in", "out", "own")}
    held = before.get("cash", 0)
    return {
        "household": f"{home.number} {home.name}", "since": str(first), "last_day": str(until), "opening": held,
        "in": came["in"], "out": -came["out"], "repaid": -came["own"], "closing": held + sum(came.values()),
        "lines": [
            [str(line.id), clock.to_wire(line.at), str(line.day), line.kind, line.side, line.category, line.source, line.fen,
             line.words, str(line.reversal_of or "")]
            for line in mine
        ],
    }  # fmt: skip


# -- Beancount --


def _beancount(chosen: Sequence[Home], since: date | None, until: date) -> bytes:
    return "\n".join(_text(chosen, since, until)).encode() + b"\n"


def _text(chosen: Sequence[Home], since: date | None, until: date) -> Iterator[str]:
    """Opens every account that is met, tells what stood before, every entry, and asserts what each source holds at the end."""
    told, before = list(lines(chosen, since, until)), opening(chosen, since)
    first = min([line.day for line in told] + ([since] if since else [until]))
    start = first - timedelta(days=1)
    met = {(line.home, account) for line in told for account, _fen in line.legs}
    met |= {(home, account) for home in chosen for account in before.get(home.id, {})}
    yield f'option "title" "{_quoted("Nuanchao")}"'
    yield 'option "operating_currency" "CNY"'
    for home, account in sorted(met, key=lambda each: (each[0].number, each[1])):
        yield f"{start} open {account_of(home.number, account)} CNY"
    for home in sorted({home for home, _account in met}, key=lambda home: home.number):
        yield f"{start} open Equity:{home.number}:Opening CNY"
    held: dict[tuple[Home, str], int] = {each: 0 for each in met}
    for home in chosen:
        sums = {account: fen for account, fen in before.get(home.id, {}).items() if fen}
        if sums:
            yield f'{start} * "opening"'
            for account, fen in sorted(sums.items()):
                held[home, account] = fen
                yield f"  {account_of(home.number, account)}  {money.plain(fen)} CNY"
    for line in told:
        yield f'{line.day} * "{_quoted(line.words)}"'
        yield f'  id: "{line.id}"'
        yield f'  kind: "{line.kind}"'
        if line.reversal_of:
            yield f'  reverses: "{line.reversal_of}"'
        for account, fen in line.legs:
            held[line.home, account] += fen
            yield f"  {account_of(line.home.number, account)}  {money.plain(fen)} CNY"
    for (home, account), fen in sorted(held.items(), key=lambda each: (each[0][0].number, each[0][1])):
        if account in _HELD:
            yield f"{until + timedelta(days=1)} balance {account_of(home.number, account)}  {money.plain(fen)} CNY"


def account_of(number: str, account: str) -> str:
    """Beancount's name of an account: out:EX-VEG of H00001 → Expenses:H00001:EX-VEG."""
    side, _colon, code = account.partition(":")
    if not code:
        return _HELD[account].format(number)
    return f"{'Income' if side == 'in' else 'Expenses'}:{number}:{code}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
