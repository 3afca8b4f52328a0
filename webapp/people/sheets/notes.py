"""What is to be mended and asked, noted while rows are read."""

from __future__ import annotations

import openpyxl.utils

from webapp.people.sheets.facts import Answers, Choice, Columns, Fault, Question, Sheet


class Notes:
    """Faults and questions as they are met, each cell blamed once for one thing."""

    def __init__(self, sheet: Sheet, columns: Columns, answers: Answers) -> None:
        self.sheet, self.columns, self.answers = sheet, columns, answers
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.questions: list[Question] = []
        self.held: set[int] = set()
        self._blamed: set[tuple[int, int | None, str]] = set()

    def fault(self, row: int, field: str, code: str, say: object, suggestion: str = "") -> None:
        """Blame `field` of 0-based `row`; a merged cell is blamed once, but all its rows wait."""
        self.held.add(row + 1)
        column = self.columns.get(field)
        spot = self.sheet.anchors.get((row, column), (row, column)) if column is not None else (row, None)
        if (*spot, code) not in self._blamed:
            self._blamed.add((*spot, code))
            self.faults.append(Fault(row + 1, *self._where(row, field), code, say, suggestion))

    def warn(self, row: int, field: str, code: str, say: object) -> None:
        """Say it, and let the row pass."""
        self.warnings.append(Fault(row + 1, *self._where(row, field), code, say))

    def ask(
        self, row: int, field: str, code: str, say: object, choices: tuple[Choice, ...], *,
        tail: str = "", other_row: int | None = None,
    ) -> str | None:  # fmt: skip
        """The answer given before, or None and the question is put."""
        name = f"{code}:{row + 1}{tail}"
        answer = self.answers.get(name)
        if answer in {choice.code for choice in choices}:
            return answer
        self.held.add(row + 1)
        where = self._where(row, field)
        self.questions.append(Question(name, row + 1, *where, code, say, choices, other_row=other_row))
        return None

    def _where(self, row: int, field: str) -> tuple[int | None, str]:
        column = self.columns.get(field)
        if column is None:
            return None, str(row + 1)
        return column + 1, f"{openpyxl.utils.get_column_letter(column + 1)}{row + 1}"
