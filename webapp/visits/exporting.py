"""Visits as a sheet: one line a visit, the same line always the same bytes, however many there are (study/peers 3.7).

Lines are read and written a few hundred at a time. `seq` grows with every change of a visit: of two lines of one visit the
higher is the newer one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import IO, Any

import openpyxl
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.access import Actor
from webapp.cards.models import Card
from webapp.kit import clock
from webapp.people.models import Account, Household, Person, Place, Resident
from webapp.roster.models import Shift
from webapp.store import db
from webapp.visits.confirming import Attestation, KinWord
from webapp.visits.correcting import Correction, CorrectionRuling
from webapp.visits.models import DONE, IN, OPEN, OUT, VOID, Call, CallPlace, Service, Visit, VisitException

FIELDS = (
    "visit_no", "seq", "district", "street", "station", "resident_no", "card_no", "caregiver_no", "service_code", "local_date",
    "planned_in", "planned_out", "call_in", "call_out", "in_type", "out_type", "in_lat", "in_lon", "in_acc", "in_dist", "out_lat",
    "out_lon", "out_acc", "out_dist", "place_type", "adj_in", "adj_out", "minutes", "tasks_done", "tasks_refused",
    "confirm_method", "confirm_by", "exceptions", "reason_codes", "action_codes", "memo", "changed_by", "changed_at",
    "approved_by", "status", "counted", "tier", "grade", "offline", "received_at", "hash",
)  # fmt: skip
PART = 500
STATUS = {OPEN: "in_progress", DONE: "completed", VOID: "cancelled"}
FORMATS = ("csv", "xlsx", "json")


@dataclass(frozen=True)
class Wanted:
    """Which visits: a month's days, of places within reach, or changed since an instant."""

    first: date | None = None
    last: date | None = None
    stations: Sequence[uuid.UUID] | None = None
    """None: all within reach."""
    since: datetime | None = None


Line = dict[str, Any]


def lines(wanted: Wanted, reach: Callable[[Any], sa.ColumnElement[bool]] | None = None) -> Iterator[list[Line]]:
    """The lines in order of day and id (or of change), some hundreds at a time. reach: condition on a station's column."""
    places = _places()
    if wanted.since is not None:
        yield from _parts(wanted, reach, places)
        return
    stations = list(places) if wanted.stations is None else list(wanted.stations)
    spread = sa.select(sa.func.min(Visit.day), sa.func.max(Visit.day)).where(Visit.station_id.in_(stations))
    oldest, newest = db.session().execute(spread).one()
    day = max(oldest, wanted.first or oldest) if oldest else None
    last = min(newest, wanted.last or newest) if newest else None
    while day is not None and last is not None and day <= last:  # day by day: the index is by station and day
        yield from _parts(replace(wanted, first=day, last=day, stations=stations), reach, places)
        day += timedelta(days=1)


def _parts(wanted: Wanted, reach: Any, places: dict[uuid.UUID, tuple[str, str, str]]) -> Iterator[list[Line]]:
    mark: tuple[Any, uuid.UUID] | None = None
    while True:
        rows = _visits(wanted, reach, mark)
        if rows:
            yield _lines(rows, places)
            mark = ((rows[-1].changed_at if wanted.since else rows[-1].day), rows[-1].id)
        if len(rows) < PART:
            return


def _places() -> dict[uuid.UUID, tuple[str, str, str]]:
    """Codes by station: (district, street, station)."""
    rows = db.session().execute(sa.select(Place.id, Place.code, Place.street_id, Place.district_id)).all()
    codes = {row.id: row.code for row in rows}
    return {row.id: (codes.get(row.district_id, ""), codes.get(row.street_id, ""), row.code) for row in rows}


def _visits(wanted: Wanted, reach: Any, mark: tuple[Any, uuid.UUID] | None) -> Sequence[Any]:
    order = Visit.changed_at if wanted.since else Visit.day
    ask = (
        sa.select(
            Visit.id, Visit.seq, Visit.station_id, Visit.household_id, Visit.day, Visit.planned_start_min, Visit.planned_minutes,
            Visit.arrived_at, Visit.left_at, Visit.minutes, Visit.state, Visit.counted, Visit.verified_at, Visit.grade,
            Visit.changed_at, Visit.adjusted_in_at, Visit.adjusted_out_at, Person.number.label("caregiver_no"),
            Household.number.label("household_no"), Shift.spot_id,
        )
        .join(Person, Person.id == Visit.caregiver_id)
        .join(Household, Household.id == Visit.household_id)
        .outerjoin(Shift, Shift.id == Visit.shift_id)
        .order_by(order, Visit.id)
        .limit(PART)
    )  # fmt: skip
    if wanted.first and wanted.first == wanted.last:
        ask = ask.where(Visit.day == wanted.first)
    elif wanted.first or wanted.last:
        ask = ask.where(Visit.day.between(wanted.first or date.min, wanted.last or date.max))
    if wanted.since:
        ask = ask.where(Visit.changed_at >= wanted.since)
    if wanted.stations is not None:
        ask = ask.where(Visit.station_id.in_(wanted.stations))
    if reach is not None:
        ask = ask.where(reach(Visit.station_id))
    if mark is not None:
        ask = ask.where(sa.or_(order > mark[0], sa.and_(order == mark[0], Visit.id > mark[1])))
    return db.session().execute(ask).all()


def _grouped(ask: sa.Select[*tuple[Any, ...]]) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = {}
    for row in db.session().execute(ask):
        found.setdefault(row.visit_id, []).append(row)
    return found


def _lines(rows: Sequence[Any], places: dict[uuid.UUID, tuple[str, str, str]]) -> list[Line]:
    keys = [row.id for row in rows]
    homes = list({row.household_id for row in rows})
    beside = _Beside(
        _grouped(
            sa.select(
                Call.visit_id, Call.direction, Call.method, Call.at, Call.received_at, CallPlace.lat_e6, CallPlace.lon_e6,
                CallPlace.accuracy_m, CallPlace.distance_m, Card.number.label("card_no"), Call.beacon_at,
            )
            .select_from(Call)
            .outerjoin(CallPlace, CallPlace.id == Call.id)
            .outerjoin(Card, Card.id == Call.card_id)
            .where(Call.visit_id.in_(keys))
            .order_by(Call.received_at, Call.id)
        ),
        _grouped(
            sa.select(Service.visit_id, Service.code, Service.outcome).where(Service.visit_id.in_(keys)).order_by(Service.code)
        ),
        _grouped(
            sa.select(
                VisitException.visit_id, VisitException.code, VisitException.settled_at, VisitException.reason,
                VisitException.action, VisitException.memo,
            )
            .where(VisitException.visit_id.in_(keys))
            .order_by(VisitException.code)
        ),
        _corrections(keys),
        _grouped(
            sa.select(Attestation.visit_id, Attestation.way, Attestation.name)
            .where(Attestation.visit_id.in_(keys))
            .order_by(Attestation.at, Attestation.id)
        ),
        _grouped(
            sa.select(KinWord.visit_id, KinWord.agrees).where(KinWord.visit_id.in_(keys)).order_by(KinWord.at, KinWord.id)
        ),
        _residents(homes),
    )  # fmt: skip
    return [_line(row, places, beside) for row in rows]


def _residents(homes: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = {}
    ask = sa.select(Resident.household_id, Resident.number, Resident.tier).where(Resident.household_id.in_(homes))
    for row in db.session().execute(ask.order_by(Resident.number)):
        found.setdefault(row.household_id, []).append(row)
    return found


def _corrections(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Any]]:
    asker, ruler, asked, ruled = aliased(Person), aliased(Person), aliased(Account), aliased(Account)
    return _grouped(
        sa.select(
            Correction.visit_id, Correction.reason, Correction.memo, CorrectionRuling.action, CorrectionRuling.at,
            asker.number.label("asker_no"), ruler.number.label("ruler_no"),
        )
        .join(CorrectionRuling, sa.and_(CorrectionRuling.correction_id == Correction.id, CorrectionRuling.approves))
        .join(asked, asked.id == Correction.asked_by)
        .join(asker, asker.id == asked.person_id)
        .join(ruled, ruled.id == CorrectionRuling.by_id)
        .join(ruler, ruler.id == ruled.person_id)
        .where(Correction.visit_id.in_(keys))
        .order_by(CorrectionRuling.at, Correction.id)
    )  # fmt: skip


@dataclass(frozen=True)
class _Beside:
    """What hangs on some visits, by visit (residents: by household)."""

    calls: dict[uuid.UUID, list[Any]]
    services: dict[uuid.UUID, list[Any]]
    exceptions: dict[uuid.UUID, list[Any]]
    corrections: dict[uuid.UUID, list[Any]]
    words: dict[uuid.UUID, list[Any]]
    kin: dict[uuid.UUID, list[Any]]
    residents: dict[uuid.UUID, list[Any]]


def _line(row: Any, places: dict[uuid.UUID, tuple[str, str, str]], beside: _Beside) -> Line:
    calls = beside.calls.get(row.id, [])
    first = next((call for call in calls if call.direction == IN), None)
    last = next((call for call in calls if call.direction == OUT), None)
    found, changes = beside.exceptions.get(row.id, []), beside.corrections.get(row.id, [])
    services, words, kin = beside.services.get(row.id, []), beside.words.get(row.id, []), beside.kin.get(row.id, [])
    residents = beside.residents.get(row.household_id, [])
    waits = any(each.settled_at is None for each in found)
    status = "verified" if row.verified_at and not waits else STATUS[row.state]
    planned = None if row.planned_start_min is None else clock.instant(row.day, row.planned_start_min)
    ends = None if planned is None else clock.instant(row.day, row.planned_start_min + (row.planned_minutes or 0))
    line: Line = dict(zip(("district", "street", "station"), places.get(row.station_id, ("", "", "")), strict=True))
    line |= {
        "visit_no": str(row.id), "seq": row.seq, "resident_no": _joined(each.number for each in residents),
        "card_no": next((call.card_no for call in calls if call.card_no), ""), "caregiver_no": row.caregiver_no or "",
        "service_code": next((each.code for each in services if each.outcome == "done"), ""),
        "local_date": row.day.isoformat(), "planned_in": _at(planned), "planned_out": _at(ends),
        "call_in": _at(first and first.at), "call_out": _at(last and last.at), "in_type": first.method if first else "",
        "out_type": last.method if last else "", **_where("in", first), **_where("out", last),
        "place_type": "9" if row.spot_id else "1", "adj_in": _at(row.adjusted_in_at), "adj_out": _at(row.adjusted_out_at),
        "minutes": "" if row.minutes is None else row.minutes,
        "tasks_done": _joined(each.code for each in services if each.outcome == "done"),
        "tasks_refused": _joined(each.code for each in services if each.outcome != "done"),
        "confirm_method": _joined([*(each.way for each in words), *("kin" if each.agrees else "doubt" for each in kin)]),
        "confirm_by": "family" if kin else "elder" if any(each.way in ("card", "finger", "print") for each in words) else
        "witness" if any(each.way == "witness" for each in words) else "station" if any(each.way == "phone" for each in words)
        else "",
        "exceptions": _joined(each.code for each in found),
        "reason_codes": _joined([*(each.reason for each in found), *(each.reason for each in changes)]),
        "action_codes": _joined([*(each.action for each in found), *(each.action for each in changes)]),
        "memo": " / ".join(each.memo for each in (*found, *changes) if each.memo),
        "changed_by": changes[-1].asker_no or "" if changes else "", "changed_at": _at(row.changed_at),
        "approved_by": changes[-1].ruler_no or "" if changes else "", "status": status,
        "counted": int(row.counted and row.state != VOID), "tier": _joined(each.tier for each in residents), "grade": row.grade,
        "offline": int(any((call.received_at - call.at).total_seconds() > 300 for call in calls)),
        "received_at": _at(calls[-1].received_at if calls else None),
    }  # fmt: skip
    ordered = {name: line[name] for name in FIELDS if name != "hash"}
    said = json.dumps(ordered, ensure_ascii=True, separators=(",", ":"))
    return ordered | {"hash": hashlib.sha256(said.encode()).hexdigest()}


def _where(side: str, call: Any) -> Line:
    known = call is not None and call.lat_e6 is not None
    return {
        f"{side}_lat": f"{call.lat_e6 / 1e6:.6f}" if known else "", f"{side}_lon": f"{call.lon_e6 / 1e6:.6f}" if known else "",
        f"{side}_acc": call.accuracy_m if known else "",
        f"{side}_dist": call.distance_m if known and call.distance_m is not None else "",
    }  # fmt: skip


def _joined(parts: Any) -> str:
    return ";".join(dict.fromkeys(each for each in parts if each))


def _at(at: datetime | None) -> str:
    """To the second, UTC, as aggregators take it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


# -- the three ways to write it --


def write_csv(parts: Iterator[list[Line]], out: IO[bytes], told: Callable[[int], object] = int) -> int:
    """UTF-8 with a mark for spreadsheets, CRLF. Words that a spreadsheet would take for a formula are quoted."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=True)
    pen = csv.writer(text, lineterminator="\r\n")
    pen.writerow(FIELDS)
    many = 0
    for part in parts:
        pen.writerows([_plain(line[name]) for name in FIELDS] for line in part)
        many += len(part)
        told(many)
    text.flush()
    text.detach()
    return many


def write_json(parts: Iterator[list[Line]], out: IO[bytes], told: Callable[[int], object] = int) -> int:
    """One array, one line a visit."""
    many = 0
    out.write(b"[")
    for part in parts:
        for line in part:
            out.write(b",\n" if many else b"\n")
            out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode())
            many += 1
        told(many)
    out.write(b"\n]\n")
    return many


def write_xlsx(parts: Iterator[list[Line]], out: IO[bytes], told: Callable[[int], object] = int) -> int:
    """A sheet for people; written row by row to disk, so memory stays flat."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("visits")
    sheet.append(list(FIELDS))
    many = 0
    for part in parts:
        for line in part:
            sheet.append([_plain(line[name]) for name in FIELDS])
        many += len(part)
        told(many)
    book.save(out)
    return many


WRITERS = {"csv": write_csv, "json": write_json, "xlsx": write_xlsx}


def _plain(value: Any) -> Any:
    """Never a formula: what begins like one gets an apostrophe (CSV injection, ASVS 1.2.10)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def reach_of(actor: Actor) -> Callable[[Any], sa.ColumnElement[bool]]:
    """What somebody may take out: the visits of stations within reach."""
    return actor.reaches_station
