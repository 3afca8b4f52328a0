"""Rows → people, faults, questions. Nothing is guessed silently: what only she can know becomes a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.people.sheets import cells, matching
from webapp.people.sheets.cells import Named, NationalId, Sex, Stations, Unclear, filled, key, plain
from webapp.people.sheets.columns import ROLES, missing_columns
from webapp.people.sheets.facts import (
    Answers,
    Birth,
    Cell,
    Choice,
    Columns,
    Kin,
    Kind,
    Known,
    PersonFacts,
    Reading,
    RowOut,
    Sheet,
    Skipped,
)
from webapp.people.sheets.notes import Notes

ELDER_FROM = 60
"""Full years; the trade's age of an elder (glossary 老人)."""

NAMING = ("station", "household_no", "head", "address")
"""What names a household; all blank, the row belongs to the one above."""
SHARED = (*NAMING, "tier", "caregiver")
"""What is told of a household, not of one person."""

T = TypeVar("T")
_ROLE = {word: role for role, words in ROLES.items() for word in words}
_SECTION = re.compile(r"^[一二三四五六七八九十\d]*[、.)]?|\(.*\)|[::]")


def read_rows(sheet: Sheet, columns: Columns, kind: Kind, known: Known, answers: Answers | None = None) -> Reading:
    """Everybody in the sheet, with the faults she must mend and the questions only she can answer.

    `answers` closes questions of an earlier reading of the same file. Raises Refusal (columns_missing) when a
    required column is not known; `facts["fields"]` names them.
    """
    reader = _Reader(sheet, columns, kind, known, answers or {})
    lacking = missing_columns(columns, kind, station_known=reader.station_known)
    if lacking:
        raise Refusal("columns_missing", _l("还缺几列，请指给我看是哪一列"), fields=lacking)
    for row in sheet.body:
        reader.take(row)
    return reader.reading()


@dataclass
class _Home:
    """What the rows of one household share."""

    station: str
    address: str
    tier: str = ""
    caregiver: str = ""


class _Reader:
    """Reads down the sheet and remembers what stands above: the household, the station heading, 同上."""

    def __init__(self, sheet: Sheet, columns: Columns, kind: Kind, known: Known, answers: Answers) -> None:
        self.sheet, self.columns, self.kind, self.known = sheet, columns, kind, known
        self.notes = Notes(sheet, columns, answers)
        self.stations = Stations(known.stations)
        self.rows: list[RowOut] = []
        self.skipped = list(sheet.skipped)
        self.homes: dict[str, _Home] = {}
        self.above: dict[str, Cell] = {}
        self.home = ""
        self.section = known.station or self.stations.named_in(sheet.title) or self.stations.named_in(sheet.caption) or ""
        self.station_runs = self._station_runs()
        self.phones = partial(cells.phones, allow_sample=known.allow_sample)

    @property
    def station_known(self) -> bool:
        """Whether the station is told elsewhere than in a column: worksheet, caption, or a heading between rows."""
        return bool(self.section) or any(map(self._heading, self.sheet.body))

    def take(self, row: int) -> None:
        """Read one 0-based row of the body."""
        if station := self._heading(row):
            self.section, self.home = station, ""
        elif not self._tells(row):
            self.skipped.append(Skipped(row + 1, "empty"))
        elif self._goes_on_about_one(row):
            self._more_about(row)
        else:
            self._person_row(row)

    def reading(self) -> Reading:
        """All of it, once every row is taken."""
        self._share_homes()
        self._blame_doubles()
        self._ask_about_namesakes()
        questions = list(self.notes.questions)
        if self.known.people:
            plan = matching.match(self.rows, self.known.people, self.notes.answers)
            questions += plan.ask
        held = self.notes.held | self._held_homes() | {question.row for question in questions}
        return Reading(
            rows=tuple(self.rows), faults=tuple(self.notes.faults), questions=tuple(questions),
            warnings=tuple(self.notes.warnings), skipped=tuple(self.skipped), held=frozenset(held),
        )  # fmt: skip

    # --- cells of a row --------------------

    def _cell(self, row: int, field: str) -> Cell:
        """The value, 同上 answered by the value above."""
        column = self.columns.get(field)
        if column is None:
            return None
        value = self.sheet.cell(row, column)
        if plain(value) in cells.DITTO:
            return self.above.get(field)
        self.above[field] = value
        return value

    def _read(self, row: int, field: str, reading: Callable[[Cell], T], blank: T) -> T:
        """What `reading` makes of the cell; a fault and `blank` when it cannot be read."""
        value = self._cell(row, field)
        try:
            self._refuse_unfinished(row, field, value)
            return reading(value)
        except Unclear as unclear:
            self.notes.fault(row, field, unclear.code, unclear.say, unclear.suggestion)
            return blank

    def _refuse_unfinished(self, row: int, field: str, value: Cell) -> None:
        column = self.columns.get(field)
        if column is not None and (row, column) in self.sheet.hollow:
            raise Unclear("formula", _l("这一格是公式，没带结果，请打开存一次再传"))
        if isinstance(value, str) and cells.SHEET_ERROR.fullmatch(value.strip()):
            raise Unclear("cell_error", _l("这一格的公式算错了，请改成文字"))

    def _text(self, row: int, field: str) -> str:
        return self._read(row, field, filled, "")[:200]

    # --- rows that are not one person --------------------

    def _heading(self, row: int) -> str | None:
        """The station, if the row is only a heading such as 一、望海社区(14户)."""
        texts = [text for text in map(plain, self.sheet.rows[row]) if text]
        if len(texts) != 1 or len(texts[0]) > 40:
            return None
        return self.stations.find(_SECTION.sub("", texts[0]))

    def _tells(self, row: int) -> bool:
        """Whether the row itself says something; printed row numbers and merged cells alone do not."""
        own = (
            (self.sheet.rows[row][column], (row, column))
            for field, column in self.columns.items()
            if field not in ("station", "household_no") and column < len(self.sheet.rows[row])
        )
        return any(filled(value) or spot in self.sheet.hollow for value, spot in own)

    def _goes_on_about_one(self, row: int) -> bool:
        """The name is merged down: one person, several relatives."""
        column = self.columns["name"]
        return bool(self.rows) and self.sheet.anchors.get((row, column), (row, column))[0] < row

    def _more_about(self, row: int) -> None:
        kin = self._kin(row)
        first = self.sheet.anchors[row, self.columns["name"]][0] + 1
        for n, out in enumerate(self.rows):
            if out.row == first:
                more = tuple(one for one in kin if one not in out.facts.kin)
                self.rows[n] = replace(out, facts=replace(out.facts, kin=out.facts.kin + more))

    # --- one row --------------------

    def _person_row(self, row: int) -> None:
        named = self._read(row, "name", cells.names, None)
        if named is not None and not named:
            self.notes.fault(row, "name", "name_missing", _l("这一行没有姓名，请填上"))
        station = self._station(row)
        base = PersonFacts("", station=station)
        if self.kind == "households":
            base = self._at_home(row, base)
            self.home = self._household(row, base)
            self._settle(row, base)
        else:
            base = replace(base, role=self._role(row))
        people = list(self._people(row, named or [Named("")], base))
        self.rows += [
            RowOut(row + 1, self.home, facts, part)
            for part, facts in enumerate(people)
            if named and self._wanted(row, part, named, facts)
        ]

    def _station(self, row: int) -> str:
        text = self._text(row, "station")
        if text:
            if found := self.stations.find(text):
                return found
            nearest = self.stations.nearest(text)
            self.notes.fault(row, "station", "station_unknown", _l("没有这个服务站，请看看写对没有"), nearest)
            return ""
        if self._carries_on(row) and self.home:
            return self.homes[self.home].station
        if self.station_runs and self.home:
            return self.homes[self.home].station
        if not self.section:
            self.notes.fault(row, "station", "station_missing", _l("没写是哪个服务站，请填上"))
        return self.section

    def _station_runs(self) -> bool:
        """Whether the station is written once for many rows, as a long merged cell looks after CSV."""
        column = self.columns.get("station")
        if column is None or not self.sheet.body:
            return False
        blank = sum(not filled(self.sheet.cell(row, column)) for row in self.sheet.body)
        return blank * 2 > len(self.sheet.body)

    def _carries_on(self, row: int) -> bool:
        """All that names a household is blank: a second member under the first, as merged cells look in CSV."""
        named = [field for field in NAMING if field in self.columns]
        return bool(named) and not any(filled(self._cell(row, field)) for field in named)

    def _at_home(self, row: int, base: PersonFacts) -> PersonFacts:
        return replace(
            base,
            address=self._text(row, "address"),
            tier=self._read(row, "tier", cells.tier, ""),
            caregiver=self._caregiver(row),
            alerts=self._alerts(row),
            kin=self._kin(row),
        )

    def _caregiver(self, row: int) -> str:
        named = self._read(row, "caregiver", _without_phone, "")
        return named[:40]

    def _alerts(self, row: int) -> tuple[str, ...]:
        def words(field: str) -> tuple[str, ...]:
            blank: tuple[str, ...] = ()
            return self._read(row, field, cells.alerts, blank)

        allergies = (word if "过敏" in word else f"{word}过敏" for word in words("allergies"))
        return tuple(dict.fromkeys((*allergies, *words("alerts"), *words("illnesses"))))

    def _kin(self, row: int) -> tuple[Kin, ...]:
        relation = self._cell(row, "kin_relation")
        phones = self._read(row, "kin_phone", self.phones, None)
        told = self._cell(row, "kin_phone") if phones else None

        def read(value: Cell) -> tuple[Kin, ...]:
            return cells.kin_of(value, relation, told, allow_sample=self.known.allow_sample)

        return self._read(row, "kin_name", read, ())

    def _household(self, row: int, base: PersonFacts) -> str:
        """The key of the household this row lives in."""
        number, head = self._text(row, "household_no"), self._text(row, "head")
        if self._carries_on(row) and self.home and self._surely_above(row):
            return self.home
        if not base.address and self._needs_address(base.station, number):
            self.notes.fault(row, "address", "address_missing", _l("没写住址，请填上"))
        marks = (number and f"#{key(number)}", key(base.address), head and f"@{key(head)}", f"row {row + 1}")
        return f"{base.station}|{next(mark for mark in marks if mark)}"

    def _needs_address(self, station: str, number: str) -> bool:
        home = self.homes.get(f"{station}|#{key(number)}") if number else None
        return home is None or not home.address

    def _surely_above(self, row: int) -> bool:
        """In CSV blanks are what merged cells leave behind; in her own program she may have forgotten the address."""
        named = sum(field in self.columns for field in NAMING)
        relation = self._text(row, "relation")
        if self.sheet.form == "csv" or named > 1 or (relation and relation not in ("户主", "本人")):
            return True
        choices = (Choice("same", _l("是，住在一起")), Choice("other", _l("不是，我去填住址")))
        say = _l("这一行没写住址，和上一行是一户吗？")
        return self.notes.ask(row, "address", "household_above", say, choices) != "other"

    def _settle(self, row: int, base: PersonFacts) -> None:
        """One household has one tier and one caregiver."""
        home = self.homes.setdefault(self.home, _Home(base.station, base.address))
        if base.tier and home.tier and base.tier != home.tier:
            self.notes.fault(row, "tier", "tier_differs", _l("同一户只能有一个类别"), home.tier)
        if base.caregiver and home.caregiver and key(base.caregiver) != key(home.caregiver):
            self.notes.fault(row, "caregiver", "caregiver_differs", _l("同一户只能有一名养护员"), home.caregiver)
        home.tier = home.tier or base.tier
        home.caregiver = home.caregiver or base.caregiver
        home.address = home.address or base.address

    def _role(self, row: int) -> str:
        text = re.sub(r"\s|\(.*?\)", "", self._text(row, "role"))
        if not text:
            self.notes.fault(row, "role", "role_missing", _l("没写岗位，请填上"))
        elif text not in _ROLE:
            self.notes.fault(row, "role", "role_unknown", _l("没有这个岗位，请看看写对没有"))
        return _ROLE.get(text, "")

    # --- the people of a row --------------------

    def _people(self, row: int, named: list[Named], base: PersonFacts) -> Iterator[PersonFacts]:
        ids = self._read(row, "national_id", cells.national_ids, None)
        named[:] = self._parted(row, named, ids)
        count = len(named)
        phones = self._phones(row)
        unread: list[Sex] = []
        sexes = self._read(row, "sex", cells.sexes, unread)
        births = self._births(row, count)
        relation = self._text(row, "relation")
        for n, one in enumerate(named):
            told = ids[n] if ids and n < len(ids) else None
            sex = sexes[n] if n < len(sexes) else None
            facts = replace(
                base,
                name=one.name,
                phones=(phones[n],) if count > 1 and len(phones) == count else phones,
                relation=one.note[:12] if n else relation,
                sex=self._sex(row, sex, told),
                birth=self._birth(row, n, births[n] if n < len(births) else [], told),
                national_id=told.number if told else "",
            )
            if told and not told.area_known:
                self.notes.warn(row, "national_id", "id_area", _l("身份证号开头的地区没见过，请对一对"))
            yield facts

    def _parted(self, row: int, named: list[Named], ids: list[NationalId] | None) -> list[Named]:
        """Two names and two identity numbers are two people; two names and one number are a question."""
        count = len(named)
        if ids and len(ids) > count:
            self.notes.fault(row, "national_id", "id_many", _l("一个人只能有一个身份证号"))
        if count == 1 or (ids and len(ids) == count):
            return named
        if count > 2:
            self.notes.fault(row, "name", "names_many", _l("一格里名字太多，请一人一行"))
            return named
        choices = (Choice("two", _l("是两个人")), Choice("one", _l("是一个人的名字")))
        say = _l("“%(name)s”是两个人吗？", name=" ".join(one.name for one in named))
        if self.notes.ask(row, "name", "two_names", say, choices) == "one":
            return [Named("".join(one.name for one in named))]
        return named

    def _phones(self, row: int) -> tuple[str, ...]:
        phones = self._read(row, "phone", self.phones, None)
        if self.kind == "staff" and phones is not None:
            if not phones:
                self.notes.fault(row, "phone", "phone_missing", _l("没写手机号，请填上"))
            elif not phones[0].startswith("1"):
                self.notes.fault(row, "phone", "phone_not_mobile", _l("这里要填手机号，不能是座机"))
        return phones or ()

    def _births(self, row: int, count: int) -> list[list[Birth]]:
        """For each name of the row what its birth may be."""

        def read(value: Cell) -> list[list[Birth]]:
            loose = self.sheet.form == "csv" or isinstance(value, float)
            parts: list[Cell] = list(re.split(r"[、;\n]", value)) if count > 1 and isinstance(value, str) else [value]
            staff = self.kind == "staff"
            return [cells.births(part, self.known.today, loose=loose, staff=staff) for part in parts]

        return self._read(row, "birth", read, [])

    def _sex(self, row: int, sex: Sex | None, told: NationalId | None) -> Sex | None:
        if sex and told and sex != told.sex:
            right = "男" if told.sex == "male" else "女"
            self.notes.fault(row, "sex", "id_sex_differs", _l("性别和身份证号对不上"), right)
        return sex or (told.sex if told else None)

    def _birth(self, row: int, part: int, births: list[Birth], told: NationalId | None) -> Birth | None:
        if told:
            if births and not any(birth.agrees(told.birth) for birth in births):
                self.notes.fault(row, "birth", "id_birth_differs", _l("出生日期和身份证号对不上"), str(told.birth))
            return told.birth
        if len(births) < 2:
            return births[0] if births else None
        choices = (Choice("1", _l("1月")), Choice("10", _l("10月")))
        say = _l("%(year)d年几月生的？表里看不出是1月还是10月", year=births[0].year)
        answer = self.notes.ask(row, "birth", "month_1_or_10", say, choices, tail=f":{part}")
        return births[1] if answer == "10" else births[0]

    def _wanted(self, row: int, part: int, named: list[Named], facts: PersonFacts) -> bool:
        """False when she answered that this person stays out."""
        leave = Choice("leave", _l("这个人先不收"))
        answers = []
        if part < len(named) and named[part].passed_away:
            choices = (Choice("keep", _l("还在，照收")), leave)
            say = _l("%(name)s写着已故，还要收吗？", name=facts.name)
            answers.append(self.notes.ask(row, "name", "passed_away", say, choices, tail=f":{part}"))
        if self.kind == "households" and facts.birth and facts.birth.age_on(self.known.today) < ELDER_FROM:
            choices = (Choice("keep", _l("对，照收")), leave)
            say = _l("%(name)s还不到60岁，对吗？", name=facts.name)
            answers.append(self.notes.ask(row, "birth", "young", say, choices, tail=f":{part}"))
        return "leave" not in answers

    # --- after the last row --------------------

    def _share_homes(self) -> None:
        """What one member's row says of the household holds for all."""
        if self.kind == "households":
            self.rows = [replace(out, facts=_shared(out.facts, self.homes[out.household])) for out in self.rows]

    def _held_homes(self) -> set[int]:
        """A fault in what the household shares holds all its members: half a household is worse than none."""
        if self.kind != "households":
            return set()
        shared = {self.columns[field] + 1 for field in SHARED if field in self.columns} | {None}
        rows = {fault.row for fault in self.notes.faults if fault.column in shared}
        homes = {out.household for out in self.rows if out.row in rows}
        return {out.row for out in self.rows if out.household in homes}

    def _blame_doubles(self) -> None:
        self._blame_twice("national_id", "id_twice", lambda facts: facts.national_id)
        if self.kind == "staff":
            self._blame_twice("phone", "phone_twice", lambda facts: facts.phones[0] if facts.phones else "")

    def _blame_twice(self, field: str, code: str, fact: Callable[[PersonFacts], str]) -> None:
        first: dict[str, int] = {}
        for out in self.rows:
            if value := fact(out.facts):
                if value in first:
                    say = _twice(code, first[value])
                    self.notes.fault(out.row - 1, field, code, say)
                first.setdefault(value, out.row)

    def _ask_about_namesakes(self) -> None:
        """Two rows of one name that nothing tells apart: one person twice, or two people?"""
        doubled: list[RowOut] = []
        by_name: dict[str, list[RowOut]] = {}
        for out in self.rows:
            earlier = by_name.setdefault(key(out.facts.name), [])
            twin = next((one for one in earlier if matching.inseparable(one.facts, out.facts)), None)
            if twin and self._namesake(out, twin) == "same":
                doubled.append(out)
            else:
                earlier.append(out)
        self.rows = [out for out in self.rows if out not in doubled]

    def _namesake(self, out: RowOut, twin: RowOut) -> str | None:
        choices = (Choice("same", _l("是同一个人")), Choice("different", _l("是两个人，同名")))
        say = _l("%(name)s在第%(row)d行也有，是同一个人吗？", name=out.facts.name, row=twin.row)
        tail = f":{out.part}"
        return self.notes.ask(out.row - 1, "name", "same_name", say, choices, tail=tail, other_row=twin.row)


def _without_phone(value: Cell) -> str:
    return re.sub(r"[(:]?\d[\d -]{6,}\)?", "", filled(value)).strip(" ,;、:").replace(" ", "")


def _twice(code: str, row: int) -> object:
    if code == "id_twice":
        return _l("这个身份证号和第%(row)d行一样", row=row)
    return _l("这个手机号和第%(row)d行一样", row=row)


def _shared(facts: PersonFacts, home: _Home) -> PersonFacts:
    return replace(
        facts,
        address=facts.address or home.address,
        tier=facts.tier or home.tier,
        caregiver=facts.caregiver or home.caregiver,
    )
