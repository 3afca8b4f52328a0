"""Where the head lies, what the columns are called, which rows hold people: the paper habits of clerks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from webapp.people.sheets.cells import plain
from webapp.people.sheets.columns import MARK_TITLE, is_group, known_heads, recognise, word_of
from webapp.people.sheets.facts import Cell, Column, Merge, Skipped

Rows = Sequence[Sequence[Cell]]

Spot = tuple[int, int]

MAX_COVERED = 500_000
"""Cells that merged blocks may cover."""
LOOK_DOWN = 40
"""The head is within this many rows from the top."""

_TOTAL = re.compile(r"(合计|总计|小计|共计|累计|总数|总户数|本页|共\d+[户人名])")
_FOOT = re.compile(
    r"(示例|样例|例[::]|填写说明|填表|制表|填报|报表|审核|复核|审批|负责人[::(]|经办|经手|备注[::]|注[::\d]|说明[::]|盖章|\(?公章|日期[::]|打印|"
    r"联系人[::]|联系电话[::]|第\d+页|共\d+页|领导签字|签字|签名|单位[::(]|\*)"
)


@dataclass(frozen=True)
class Layout:
    """How a page is laid out; all numbers 0-based."""

    head: tuple[int, int]
    columns: tuple[Column, ...]
    body: tuple[int, ...]
    skipped: tuple[Skipped, ...]
    caption: str
    score: int
    anchors: Mapping[Spot, Spot] = field(repr=False)


def find_layout(rows: Rows, merges: Sequence[Merge]) -> Layout | None:
    """The layout of a page, or None when no row looks like a head."""
    page = _Paper(rows, merges)
    heads = [(known_heads(columns), -top, bottom, columns) for top, bottom, columns in page.heads()]
    if not heads:
        return None
    score, top, bottom, columns = max(heads, key=lambda one: one[:2])
    if score < 2 or not any(recognise(column.words) in ("name", "head", "kin_name") for column in columns):
        return None
    top = -top
    hers = tuple(column for column in columns if word_of(column.words[-1]) != MARK_TITLE)
    body, skipped = page.body(top, bottom, {column.index for column in columns if column not in hers})
    return Layout((top, bottom), hers, body, skipped, page.caption(top), score, page.anchors)


class _Paper:
    """The page as one looks at it."""

    def __init__(self, rows: Rows, merges: Sequence[Merge]) -> None:
        self.rows = rows
        self.width = len(rows[0]) if rows else 0
        self.anchors = dict(_anchored(merges, len(rows), self.width))
        self.text: list[list[str]] = [[plain(value) for value in row] for row in rows[: LOOK_DOWN + 3]]

    def heads(self) -> Iterator[tuple[int, int, tuple[Column, ...]]]:
        """Every stretch of one to three rows that could be the head."""
        for main in range(min(LOOK_DOWN, len(self.rows))):
            if sum(map(bool, self.text[main])) < 2:
                continue
            top = main - 1 if main and self._groups_above(main) else main
            bottom = main
            while bottom < main + 2 and self._goes_on(bottom):
                bottom += 1
            yield top, bottom, self._columns(top, bottom)

    def _groups_above(self, main: int) -> bool:
        """家属 above 姓名 and 电话, where the row itself already names most columns."""
        above = [text for text in self.text[main - 1] if text]
        return any(map(is_group, above)) and all(len(text) <= 12 for text in above)

    def _goes_on(self, row: int) -> bool:
        """Whether the next row is a lower line of the same head and not the first person."""
        if row + 1 >= len(self.text):
            return False
        below = [(c, text) for c, text in enumerate(self.text[row + 1]) if text]
        if any(self.anchors.get((row + 1, c), (row + 1, c))[0] <= row for c in range(self.width) if self._at(row, c)):
            return True
        words = all(len(text) <= 12 and not re.search(r"\d", text) for _c, text in below)
        return bool(below) and words and all(self._has_room(row, c) for c, _text in below) and self._is_wording(below)

    def _has_room(self, row: int, column: int) -> bool:
        """A lower head word stands under an empty cell or under a group word."""
        return not self.text[row][column] or is_group(self.text[row][column])

    def _is_wording(self, below: list[tuple[int, str]]) -> bool:
        return any(recognise([text]) for _c, text in below)

    def _at(self, row: int, column: int) -> str:
        row, column = self.anchors.get((row, column), (row, column))
        return self.text[row][column] if row < len(self.text) else ""

    def _columns(self, top: int, bottom: int) -> tuple[Column, ...]:
        found = []
        for column in range(self.width):
            words = [self._word(row, column, bottom) for row in range(top, bottom + 1)]
            told = tuple(word for n, word in enumerate(words) if word and word not in words[:n])
            if told:
                found.append(Column(column, told))
        return tuple(found)

    def _word(self, row: int, column: int, bottom: int) -> str:
        """A group word reaches right over empty cells as long as a lower line has words there."""
        if (own := self._at(row, column)) or row == bottom:
            return own
        if not any(self._at(lower, column) for lower in range(row + 1, bottom + 1)):
            return ""
        for left in range(column - 1, -1, -1):
            if word := self._at(row, left):
                lower = any(self.text[under][left] for under in range(row + 1, bottom + 1))
                return word if lower else ""
        return ""

    def caption(self, top: int) -> str:
        return " ".join(text for row in self.text[:top] for text in row if text)

    def body(self, top: int, bottom: int, ours: set[int]) -> tuple[tuple[int, ...], tuple[Skipped, ...]]:
        """The rows under the head that may hold people, and those that surely hold none; columns `ours` do not count."""
        head = {self._texts(row, ours) for row in range(top, bottom + 1)}
        captions = {self._texts(row, ours) for row in range(top)}
        kept, skipped = [], []
        for row in range(bottom + 1, len(self.rows)):
            texts = self._texts(row, ours)
            why = self._why_not(texts, head, captions)
            if why:
                skipped.append(Skipped(row + 1, why))
            elif texts:
                kept.append(row)
        return tuple(kept), tuple(skipped)

    def _texts(self, row: int, ours: set[int]) -> tuple[str, ...]:
        texts = (plain(value) for column, value in enumerate(self.rows[row]) if column not in ours)
        return tuple(text for text in texts if text)

    def _why_not(self, texts: tuple[str, ...], head: set[tuple[str, ...]], captions: set[tuple[str, ...]]) -> str:
        if not texts:
            return ""
        first = [text.replace(" ", "") for text in texts[:3]]
        if texts in head or texts in captions:
            return "head_again"
        if any(_TOTAL.match(text) for text in first) and not _people_like(texts):
            return "total"
        if _FOOT.match(first[0]) and not _people_like(texts):
            return "footnote"
        return ""


def _people_like(texts: tuple[str, ...]) -> bool:
    """An identity number means a person, whatever else stands in the row."""
    return any(re.fullmatch(r"\d{15}|\d{17}[\dXx]", text) for text in texts)


def _anchored(merges: Sequence[Merge], height: int, width: int) -> Iterator[tuple[Spot, Spot]]:
    """Every covered cell with its upper left one. Stops at a bound: overlapping blocks are made to do harm."""
    budget = MAX_COVERED
    for merge in merges:
        for row in range(merge.top, min(merge.bottom, height - 1) + 1):
            for column in range(merge.left, min(merge.right, width - 1) + 1):
                budget -= 1
                if budget < 0:
                    return
                if (row, column) != (merge.top, merge.left):
                    yield (row, column), (merge.top, merge.left)
