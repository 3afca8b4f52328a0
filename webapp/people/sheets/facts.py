"""The shapes that pass between the rooms of `sheets`: facts only, no deeds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal

Cell = str | int | float | bool | datetime | date | time | timedelta | None
Kind = Literal["households", "staff"]
Columns = Mapping[str, int]
"""Field → 0-based column of the sheet."""
Answers = Mapping[str, str]
"""Question key → code of the choice taken."""


@dataclass(frozen=True)
class Merge:
    """A merged block; 0-based, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Column:
    """One column of the head: 0-based index and its words from the upper line to the lower."""

    index: int
    words: tuple[str, ...]

    @property
    def title(self) -> str:
        """As it may be shown to her: 家属 电话."""
        return " ".join(self.words)


@dataclass(frozen=True)
class Skipped:
    """A row that holds no person: 1-based row and why (total, footnote, head_again, mark)."""

    row: int
    why: str


@dataclass(frozen=True)
class Sheet:
    """Her file, opened: the raw cells of one worksheet, where the head lies and which rows may hold people."""

    filename: str
    data: bytes = field(repr=False)
    form: Literal["xlsx", "csv"]
    title: str
    """Name of the worksheet read; empty for CSV."""
    titles: tuple[str, ...]
    """Names of all visible worksheets with something in them."""
    rows: tuple[tuple[Cell, ...], ...] = field(repr=False)
    """All rows from the top, 0-based, padded to one width."""
    anchors: Mapping[tuple[int, int], tuple[int, int]] = field(repr=False)
    """(row, column) inside a merged block → its upper left cell, 0-based."""
    hollow: frozenset[tuple[int, int]] = field(repr=False)
    """Cells with a formula whose result is not in the file, 0-based."""
    vast: bool
    """Whether the file's layout is too big to carry over: `mark` then copies the words only."""
    caption: str
    """The text above the head, lines joined by a space."""
    head: tuple[int, int]
    """First and last row of the head, 0-based."""
    columns: tuple[Column, ...]
    body: tuple[int, ...] = field(repr=False)
    """0-based rows that may hold people."""
    skipped: tuple[Skipped, ...] = field(repr=False)

    def cell(self, row: int, column: int) -> Cell:
        """The value at 0-based row and column; inside a merged block that of the block."""
        row, column = self.anchors.get((row, column), (row, column))
        return self.rows[row][column] if column < len(self.rows[row]) else None


@dataclass(frozen=True)
class Birth:
    """A birth date as exactly as the sheet tells it: month and day may be unknown."""

    year: int
    month: int | None = None
    day: int | None = None

    @property
    def precision(self) -> Literal["year", "month", "day"]:
        """How much of it is known."""
        return "year" if self.month is None else "month" if self.day is None else "day"

    def agrees(self, other: Birth) -> bool:
        """Whether both can be the same day, as far as both are known."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)

    def sharper(self, other: Birth) -> Birth:
        """The one of two agreeing births that tells more."""
        return other if other.known_parts > self.known_parts else self

    @property
    def known_parts(self) -> int:
        """1 to 3."""
        return 1 + (self.month is not None) + (self.day is not None)

    def age_on(self, day: date) -> int:
        """Full years on `day`, counted from the earliest day this birth can be."""
        month, dom = self.month or 1, self.day or 1
        return day.year - self.year - ((day.month, day.day) < (month, dom))

    def __str__(self) -> str:
        parts = [f"{self.year:04d}", *(f"{part:02d}" for part in (self.month, self.day) if part is not None)]
        return "-".join(parts)


@dataclass(frozen=True)
class Kin:
    """One relative: name, relation word (女儿) or empty, phones with the first as primary."""

    name: str
    relation: str = ""
    phones: tuple[str, ...] = ()


@dataclass(frozen=True)
class PersonFacts:
    """What a row says of one person; empty means the sheet does not say."""

    name: str
    sex: Literal["male", "female"] | None = None
    birth: Birth | None = None
    national_id: str = ""
    """18 characters with a right check digit, or empty."""
    phones: tuple[str, ...] = ()
    """Digits only (land lines 0411-84601234); the first is primary."""
    station: str = ""
    """Exactly one of `Known.stations`, or empty."""
    address: str = ""
    tier: str = ""
    """A, B, C, D or empty."""
    alerts: tuple[str, ...] = ()
    relation: str = ""
    """To the head of the household, as written."""
    kin: tuple[Kin, ...] = ()
    caregiver: str = ""
    """Name of the caregiver, as written."""
    role: str = ""
    """Staff only: a role code of `columns.ROLES`."""


@dataclass(frozen=True)
class RowOut:
    """One person of the sheet. `row` is 1-based; rows with one `household` key live together (staff: empty)."""

    row: int
    household: str
    facts: PersonFacts
    part: int = 0
    """0, or 1 for the second name of one cell."""


@dataclass(frozen=True)
class Fault:
    """Something she has to put right. Rows and columns are 1-based as her program shows them."""

    row: int
    column: int | None
    cell_ref: str
    code: str
    say: object = field(compare=False)
    """One plain sentence, lazy: str() it in the reader's language."""
    suggestion: str = ""
    """What the cell probably should hold, or empty."""


@dataclass(frozen=True)
class Choice:
    """One answer to a question."""

    code: str
    say: object = field(compare=False)


@dataclass(frozen=True)
class Question:
    """Something only she knows. `key` stays the same when the same file is read again."""

    key: str
    row: int
    column: int | None
    cell_ref: str
    code: str
    say: object = field(compare=False)
    choices: tuple[Choice, ...] = ()
    other_row: int | None = None
    other_id: Hashable | None = None


@dataclass(frozen=True)
class Reading:
    """All that was read. `warnings` are faults that stop nothing; `held` are the 1-based rows that have to wait."""

    rows: tuple[RowOut, ...]
    faults: tuple[Fault, ...]
    questions: tuple[Question, ...]
    warnings: tuple[Fault, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    held: frozenset[int] = frozenset()

    @property
    def ready(self) -> tuple[RowOut, ...]:
        """The rows with no fault and no open question: these may come in now."""
        return tuple(row for row in self.rows if row.row not in self.held)


@dataclass(frozen=True)
class KnownPerson:
    """Someone already in the books."""

    id: Hashable
    facts: PersonFacts


@dataclass(frozen=True)
class Known:
    """What the reader must be told: it asks no database and no clock."""

    stations: Sequence[str]
    today: date
    people: Sequence[KnownPerson] = ()
    station: str = ""
    """Where everybody belongs when the sheet has no station column; empty if it must have one."""
    allow_sample: bool = False
    """Whether made-up numbers 1000000xxxx count as phones."""


@dataclass(frozen=True)
class Change:
    """One fact that the sheet tells differently."""

    field: str
    old: object
    new: object


@dataclass(frozen=True)
class Update:
    """A known person and what changes."""

    id: Hashable
    row: RowOut
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Same:
    """A known person about whom the sheet tells nothing new."""

    id: Hashable
    row: RowOut


@dataclass(frozen=True)
class Plan:
    """What an import would do; every row is in exactly one of the four."""

    new: tuple[RowOut, ...]
    update: tuple[Update, ...]
    same: tuple[Same, ...]
    ask: tuple[Question, ...]
