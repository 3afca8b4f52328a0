"""From a sheet that was read to rows in the books: who is new, what changes, and nothing twice.

`look_over` asks the database once and says what an import would do; its steps (one household, or one person of the
staff) are done in settling.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from webapp.access import Actor, Role, appoints, within
from webapp.kit import clock
from webapp.kit.words import _l
from webapp.people import queries, rules
from webapp.people.models import Account, ColumnMap, Grant, Household, Kin, Person, Place, Resident
from webapp.people.settling import SEXES, Step, seat, street_role
from webapp.people.sheets import columns as heads
from webapp.people.sheets import matching, opening
from webapp.people.sheets.cells import key as plain_key
from webapp.people.sheets.facts import (
    Answers,
    Birth,
    Change,
    Columns,
    Fault,
    Kind,
    Known,
    KnownPerson,
    PersonFacts,
    Plan,
    Question,
    Reading,
    RowOut,
    Same,
    Sheet,
    Update,
)
from webapp.people.sheets.facts import Kin as KinFacts
from webapp.people.sheets.reading import read_rows
from webapp.store import db, rulebook, secrets

SHEET_SEXES = {short: long for long, short in SEXES.items()}
CHUNK = 500
"""How many names or numbers go into one question to the database."""
T = TypeVar("T")


@dataclass(frozen=True)
class Outlook:
    """What an import would do. `left` are the 1-based rows that have to wait."""

    reading: Reading
    faults: tuple[Fault, ...]
    questions: tuple[Question, ...]
    plan: Plan
    steps: tuple[Step, ...]
    households: int
    unpaired: tuple[str, ...] = ()
    """Caregivers' names in the sheet that could not be paired: not here, not alone in their name, full, or another is there."""

    @property
    def problems(self) -> tuple[Fault | Question, ...]:
        """What to mend and what to answer."""
        return self.faults + self.questions

    @property
    def clean(self) -> bool:
        """Whether nothing is left to mend or answer."""
        return not self.problems

    @property
    def left(self) -> int:
        """How many rows have to wait."""
        return len(self.reading.held | {each.row for each in self.problems})


# --- the layout of her sheet --------------------


def guessed(sheet: Sheet, kind: Kind) -> dict[str, int]:
    """Field → column, as this layout was matched before, else as its head says."""
    known = db.session().scalar(sa.select(ColumnMap).where(ColumnMap.fingerprint == _layout(sheet, kind)))
    remembered = {heads.fingerprint(sheet): cast(Columns, known.columns)} if known else None
    return heads.guess_columns(sheet, kind, remembered)


def remember(sheet: Sheet, kind: Kind, columns: Columns) -> None:
    """Match this layout so from now on."""
    session, layout = db.session(), _layout(sheet, kind)
    known = session.scalar(sa.select(ColumnMap).where(ColumnMap.fingerprint == layout))
    if known:
        known.columns = dict(columns)
    else:
        session.add(ColumnMap(fingerprint=layout, kind=kind, columns=dict(columns)))


def _layout(sheet: Sheet, kind: Kind) -> str:
    return hashlib.sha256(f"{kind}:{heads.fingerprint(sheet)}".encode()).hexdigest()


@lru_cache(maxsize=2)
def opened(data: bytes, filename: str) -> Sheet:
    """The sheet in `data`; the last two stay open, each page of an import reads the same one."""
    return opening.open_sheet(data, filename)


@lru_cache(maxsize=2)
def _read(
    data: bytes, filename: str, columns: tuple[tuple[str, int], ...], kind: Kind, known: _Frozen, answers: tuple[Any, ...]
) -> Reading:
    given = Known(known.stations, known.today, station=known.station, allow_sample=known.allow_sample)
    return read_rows(opened(data, filename), dict(columns), kind, given, dict(answers))


@dataclass(frozen=True)
class _Frozen:
    """`Known` as a key of a cache."""

    stations: tuple[str, ...]
    today: Any
    station: str
    allow_sample: bool


# --- what an import would do --------------------


def look_over(
    actor: Actor, sheet: Sheet, columns: Columns, kind: Kind, answers: Answers, *, allow_sample: bool = False
) -> Outlook:
    """Read the sheet and compare it with the books within the actor's reach. Raises Refusal (columns_missing)."""
    stations = {place.name: place for place in queries.stations(actor)}
    only = next(iter(stations)) if len(stations) == 1 else ""
    frozen = _Frozen(tuple(stations), clock.today(), only, allow_sample)
    told = (tuple(sorted(columns.items())), kind, frozen, tuple(sorted(answers.items())))
    reading = _read(sheet.data, sheet.filename, *told)
    rows = [_fitted(row) for row in reading.ready]
    books = _Residents(actor, rows) if kind == "households" else _Staff(actor, rows)
    faults = (*reading.faults, *books.faults(rows, columns))
    blamed = {fault.row for fault in faults}
    plan = matching.match([row for row in rows if row.row not in blamed], books.known, answers)
    plan = books.finished(plan)
    questions = (*reading.questions, *plan.ask)
    waiting = {question.row for question in questions}
    steps, unpaired = books.steps(_without(plan, waiting), stations)
    homes = len({row.household for row in rows if row.row not in blamed | waiting})
    return Outlook(reading, faults, questions, plan, tuple(steps), homes, tuple(unpaired))


def _without(plan: Plan, waiting: set[int]) -> Plan:
    """A row with an open question waits whole, also when only one of its two people is asked about."""
    return Plan(
        tuple(row for row in plan.new if row.row not in waiting),
        tuple(each for each in plan.update if each.row.row not in waiting),
        tuple(each for each in plan.same if each.row.row not in waiting),
        plan.ask,
    )


def _fitted(row: RowOut) -> RowOut:
    """The row as the books can hold it, so that the second reading compares with what the first one kept."""
    facts = row.facts
    kin = tuple(KinFacts(one.name[:60], one.relation[:20], one.phones[:4]) for one in facts.kin)
    alerts = tuple(dict.fromkeys(words[:60] for words in facts.alerts))
    return replace(
        row,
        facts=replace(
            facts,
            name=facts.name[:60],
            phones=facts.phones[:4],
            address=facts.address[:120],
            relation=facts.relation[:20],
            alerts=alerts,
            kin=kin,
        ),
    )


def _blame(row: RowOut, name: str, columns: Columns, code: str, say: object) -> Fault:
    column = columns.get(name)
    ref = f"{heads.letter(column)}{row.row}" if column is not None else str(row.row)
    return Fault(row.row, None if column is None else column + 1, ref, code, say)


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    rest = list(values)
    for start in range(0, len(rest), CHUNK):
        yield rest[start : start + CHUNK]


def _found(ask: sa.Select[Any], column: Any, values: Iterable[Any]) -> dict[uuid.UUID, Any]:
    """Rows whose `column` is one of `values`, asked in chunks, by id."""
    rows: dict[uuid.UUID, Any] = {}
    for chunk in _chunks(sorted(set(values))):
        rows |= {row.id: row for row in db.session().scalars(ask.where(column.in_(chunk))).unique()}
    return rows


def _candidates(actor: Actor, table: Any, rows: Sequence[RowOut], *options: Any) -> dict[uuid.UUID, Any]:
    """Who within reach may be meant: by identity number, or by name."""
    ask = within(actor, sa.select(table)).options(*options)
    blinds = [secrets.blind(row.facts.national_id, "national_id") for row in rows if row.facts.national_id]
    found = _found(ask, table.national_id_blind, blinds)
    return found | _found(ask, table.name, [row.facts.name for row in rows])


def _elsewhere(table: Any, rows: Sequence[RowOut], here: Mapping[uuid.UUID, Any]) -> set[str]:
    """Identity numbers of the sheet that belong to somebody out of reach."""
    blinds = {secrets.blind(row.facts.national_id, "national_id"): row.facts.national_id for row in rows if row.facts.national_id}
    away: set[str] = set()
    for chunk in _chunks(sorted(blinds)):
        ask = sa.select(table.id, table.national_id_blind).where(table.national_id_blind.in_(chunk))
        away |= {blinds[blind] for key, blind in db.session().execute(ask) if key not in here}
    return away


# --- residents --------------------


class _Residents:
    """The households of the books, as far as this sheet is about them."""

    def __init__(self, actor: Actor, rows: Sequence[RowOut]) -> None:
        self.actor = actor
        whole = (selectinload(Resident.alerts), joinedload(Resident.household))
        self.people: dict[uuid.UUID, Resident] = _candidates(actor, Resident, rows, *whole)
        self.places = {place.id: place for place in queries.stations(actor)}
        self.kin: dict[uuid.UUID, list[Kin]] = {}
        for chunk in _chunks(self.people):
            for one in queries.kin(chunk):
                self.kin.setdefault(one.resident_id, []).append(one)
        self.known = [KnownPerson(key, self._facts(resident)) for key, resident in self.people.items()]
        self.away = _elsewhere(Resident, rows, self.people)

    def _facts(self, resident: Resident) -> PersonFacts:
        place = self.places.get(resident.household.station_id)
        return PersonFacts(
            name=resident.name,
            sex=cast(Any, SHEET_SEXES.get(resident.sex or "")),
            birth=rules.birth_of(resident.birth_date, resident.birth_precision),
            national_id=resident.national_id or "",
            phones=resident.phones,
            station=place.name if place else "",
            address=resident.household.address,
            tier=resident.tier or "",
            alerts=tuple(alert.words for alert in resident.alerts if alert.until is None),
            relation=resident.relation,
            kin=tuple(KinFacts(one.person.name, one.relation, one.person.phones) for one in self.kin.get(resident.id, ())),
        )

    def faults(self, rows: Sequence[RowOut], columns: Columns) -> list[Fault]:
        """A number that belongs to somebody in another station."""
        say = _l("这个身份证号在别的站登记过，请问街道")
        return [_blame(row, "national_id", columns, "id_elsewhere", say) for row in rows if row.facts.national_id in self.away]

    def finished(self, plan: Plan) -> Plan:
        """Who cares for whom is settled by household, not by resident."""
        kept = []
        same = list(plan.same)
        for each in plan.update:
            changes = tuple(change for change in each.changes if change.field != "caregiver")
            if changes:
                kept.append(replace(each, changes=changes))
            else:
                same.append(Same(each.id, each.row))
        return replace(plan, update=tuple(kept), same=tuple(same))

    def steps(self, plan: Plan, stations: Mapping[str, Place]) -> tuple[list[Step], list[str]]:
        """One step for each household about which there is something new."""
        homes = self._homes(plan, stations)
        unpaired = self._paired(homes.values())
        return [home.step() for home in homes.values() if home.told], unpaired

    def _homes(self, plan: Plan, stations: Mapping[str, Place]) -> dict[str, _Home]:
        homes: dict[str, _Home] = {}
        for row in sorted((*plan.new, *(each.row for each in plan.update + plan.same)), key=lambda row: (row.row, row.part)):
            homes.setdefault(row.household, _Home(stations[row.facts.station], row.facts.address, row.facts.caregiver))
        for each in plan.same + plan.update:
            home = homes[each.row.household]
            home.household = home.household or self.people[cast(uuid.UUID, each.id)].household_id
        for update in plan.update:
            homes[update.row.household].update.append(update)
        for row in plan.new:
            homes[row.household].new.append(row)
        self._settled(homes)
        return homes

    def _settled(self, homes: Mapping[str, _Home]) -> None:
        """Households all of whose people are new may be here already: the same address at the same station."""
        unknown = [home for home in homes.values() if home.household is None]
        at: dict[tuple[uuid.UUID, str], list[uuid.UUID]] = {}
        for chunk in _chunks({home.station.id for home in unknown}):
            ask = sa.select(Household).where(Household.station_id.in_(chunk), Household.ended_on.is_(None))
            for household in db.session().scalars(ask):
                at.setdefault((household.station_id, plain_key(household.address)), []).append(household.id)
        for home in unknown:
            same = at.get((home.station.id, plain_key(home.address)), [])
            home.household = same[0] if len(same) == 1 and home.address else None

    def _paired(self, homes: Iterable[_Home]) -> list[str]:
        """Give households without a caregiver the one the sheet names. Nobody is replaced by a sheet."""
        homes = [home for home in homes if home.caregiver]
        team: dict[tuple[uuid.UUID | None, str], list[Person]] = {}
        for person in queries.caregivers(self.actor):
            team.setdefault((person.station_id, plain_key(person.name)), []).append(person)
        loads = queries.loads([person.id for named in team.values() for person in named])
        held: dict[uuid.UUID, Person] = {}
        for chunk in _chunks([home.household for home in homes if home.household]):
            held |= queries.main_caregivers(chunk)
        stations, today = {home.station.id for home in homes}, clock.today()
        most = {key: rulebook.current("people", today, key)["units_per_caregiver"] for key in stations}
        unpaired: dict[str, None] = {}
        for home in homes:
            named = team.get((home.station.id, plain_key(home.caregiver)), [])
            now = held.get(home.household) if home.household else None
            if now and plain_key(now.name) == plain_key(home.caregiver):
                continue
            if now or len(named) != 1 or loads.get(named[0].id, 0) >= most[home.station.id]:
                unpaired[home.caregiver] = None
                continue
            loads[named[0].id] = loads.get(named[0].id, 0) + 1
            home.pair = named[0].id
        return list(unpaired)


@dataclass
class _Home:
    """One household of the sheet."""

    station: Place
    address: str
    caregiver: str
    household: uuid.UUID | None = None
    new: list[RowOut] = field(default_factory=list)
    update: list[Update] = field(default_factory=list)
    pair: uuid.UUID | None = None

    @property
    def told(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.new or self.update or self.pair)

    def step(self) -> Step:
        """As JSON."""
        return {
            "kind": "household",
            "household": _text(self.household),
            "station": str(self.station.id),
            "address": self.address,
            "pair": _text(self.pair),
            "new": [_told(row.facts) for row in self.new],
            "update": [_change(each) for each in self.update],
        }


def _text(key: uuid.UUID | None) -> str | None:
    return str(key) if key else None


def _told(facts: PersonFacts) -> Step:
    return asdict(facts) | {"birth": str(facts.birth or "")}


def _change(update: Update) -> Step:
    return {"id": str(update.id), "changes": {change.field: _plain(change.new) for change in update.changes}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return asdict(value) if isinstance(value, KinFacts) else str(value) if isinstance(value, Birth) else value


# --- staff --------------------


class _Staff:
    """The people of the books who work, as far as this sheet is about them."""

    def __init__(self, actor: Actor, rows: Sequence[RowOut]) -> None:
        self.actor = actor
        self.people: dict[uuid.UUID, Person] = _candidates(actor, Person, rows)
        self.places = {place.id: place for place in queries.places(actor)}
        self.roles: dict[uuid.UUID, set[tuple[str, uuid.UUID | None]]] = {}
        for chunk in _chunks(self.people):
            ask = sa.select(Account.person_id, Grant.role, Grant.place_id).join(Grant, Grant.account_id == Account.id)
            for key, role, place in db.session().execute(ask.where(Account.person_id.in_(chunk), Grant.holds())):
                self.roles.setdefault(key, set()).add((role, place))
        self.known = [KnownPerson(key, self._facts(person)) for key, person in self.people.items() if key in self.roles]
        self.away = _elsewhere(Person, rows, self.people)

    def _facts(self, person: Person) -> PersonFacts:
        place = self.places.get(person.station_id) if person.station_id else None
        return PersonFacts(
            name=person.name,
            sex=cast(Any, SHEET_SEXES.get(person.sex or "")),
            birth=rules.birth_of(person.birth_date, person.birth_precision),
            national_id=person.national_id or "",
            phones=person.phones,
            station=place.name if place else "",
        )

    def faults(self, rows: Sequence[RowOut], columns: Columns) -> list[Fault]:
        """Roles that only somebody above may give; numbers that belong to somebody elsewhere."""
        above, away = _l("这个岗位要请上一级来开"), _l("这个身份证号在别的站登记过，请问街道")
        found = [
            _blame(row, "role", columns, "role_above", above)
            for row in rows
            if not appoints(self.actor.role, Role(row.facts.role))
        ]
        return found + [
            _blame(row, "national_id", columns, "id_elsewhere", away) for row in rows if row.facts.national_id in self.away
        ]

    def finished(self, plan: Plan) -> Plan:
        """A role is new when it is not held at that place; a street's people have no station."""
        update, same = [], []
        for each in plan.update + plan.same:
            changes = tuple(change for change in getattr(each, "changes", ()) if change.field != "role")
            if street_role(each.row.facts.role):
                changes = tuple(change for change in changes if change.field != "station")
            if not self._holds(cast(uuid.UUID, each.id), each.row.facts):
                changes += (Change("role", "", each.row.facts.role),)
            if changes:
                update.append(Update(each.id, each.row, changes))
            else:
                same.append(Same(each.id, each.row))
        return replace(plan, update=tuple(update), same=tuple(same))

    def _holds(self, key: uuid.UUID, facts: PersonFacts) -> bool:
        station = next((place for place in self.places.values() if place.name == facts.station), None)
        return (facts.role, seat(station, facts.role) if station else None) in self.roles[key]

    def steps(self, plan: Plan, stations: Mapping[str, Place]) -> tuple[list[Step], list[str]]:
        """One step for each person about whom there is something new."""
        made: list[Step] = []
        for row in plan.new:
            made.append({"kind": "staff", "station": str(stations[row.facts.station].id), "new": _told(row.facts)})
        for each in plan.update:
            station = str(stations[each.row.facts.station].id)
            made.append({"kind": "staff", "station": station, "update": _change(each)})
        return made, []
