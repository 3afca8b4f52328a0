"""Kin ask about a line of the book and are answered on that line."""

from __future__ import annotations

import uuid

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.ledger.rows import Question
from webapp.store import audit, db


def ask(entry: uuid.UUID, household: uuid.UUID, words: str, by: uuid.UUID) -> Question:
    """A question about an entry. `by`: account. Refuses fewer than two characters."""
    row = Question(id=ids.new(), entry_id=entry, household_id=household, asked_by=by, words=_said(words))
    db.session().add(row)
    db.session().flush()
    audit.note("ledger.ask", row, household, entry=entry)
    return row


def answer(row: Question, words: str, by: uuid.UUID) -> None:
    """Its answer; a later one stands in its place. `by`: account. Refuses fewer than two characters."""
    row.answer, row.answered_by, row.answered_at = _said(words), by, clock.now()
    audit.note("ledger.answer", row, row.household_id)


def _said(words: str) -> str:
    text = words.strip()[:200]
    if len(text) < 2:
        raise Refusal("words", _l("请写一句"), field="words")
    return text
