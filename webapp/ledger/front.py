"""What a station must do now about its books, as strands of the list of what must be done (today)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor
from webapp.kit.words import _l
from webapp.ledger import rules
from webapp.ledger.posting import figures
from webapp.ledger.rows import Book, BookEnd, Closing, Entry, EntryFlag, Question, QuietDay
from webapp.ledger.rules import Flag, Habits
from webapp.messages import words
from webapp.people.models import Household
from webapp.store.strands import Strand, strand
from webapp.visits.models import DONE, Visit

CONSENT, BOOK, QUESTION, SILENT, UNCLOSED = "consent", "book", "question", "booksilent", "unclosed"
words.say(CONSENT, _l("大额花费还没人同意"), "wallet")
words.say(BOOK, _l("账本请看一下"), "notebook-text")
words.say(QUESTION, _l("家属问了账，还没回"), "message-circle")
words.say(SILENT, _l("好几天没记账"), "notebook-text")
words.say(UNCLOSED, _l("上个月的账还没关"), "calendar")
ASKING = (Flag.ASK_FIRST.value, Flag.OVER_LIMIT.value)


@dataclass(frozen=True)
class Line:
    """One thing about one household's book; `codes`: flags behind it."""

    kind: str
    household_id: uuid.UUID
    name: str
    since: datetime
    codes: tuple[str, ...] = ()
    words: str = ""
    entry_id: uuid.UUID | None = None


def front(me: Actor, limit: int) -> tuple[Strand, ...]:
    """The strands; parameters `today`, and `month_end`: the last day of last month, `lately` as the list has them."""
    flags = (
        sa.select(
            EntryFlag.household_id.label("home"),
            sa.func.min(EntryFlag.made_at).label("since"),
            sa.func.aggregate_strings(EntryFlag.code, ",").label("codes"),
        )
        .where(EntryFlag.settled_at.is_(None), me.reaches_household(EntryFlag.household_id))
        .group_by(EntryFlag.household_id)
        .limit(limit)
        .subquery()
    )
    asked = (
        strand(QUESTION, key=Question.id, other=Household.id, third=Question.entry_id, at=Question.made_at, a=Household.name,
               b=Question.words)
        .select_from(Question)
        .join(Household, Household.id == Question.household_id)
        .where(Question.answered_at.is_(None), me.reaches_household(Question.household_id))
        .limit(limit)
        .subquery()
    )  # fmt: skip
    return (
        strand(BOOK, key=Household.id, at=flags.c.since, a=Household.name, b=flags.c.codes).join(
            flags, sa.and_(flags.c.home == Household.id, Household.ended_on.is_(None))
        ),
        sa.select(asked),
        _silent(me, limit),
        _unclosed(me, limit),
    )


def _silent(me: Actor, limit: int) -> Strand:
    """Homes visited on each of the last days, about whose money nobody has said a word."""
    today, since = sa.bindparam("today", type_=sa.Date()), sa.bindparam("silent_since", type_=sa.Date())
    told = sa.exists().where(Entry.household_id == Visit.household_id, Entry.day >= since)
    quiet = sa.exists().where(QuietDay.household_id == Visit.household_id, QuietDay.day >= since)
    gone = sa.exists().where(BookEnd.household_id == Visit.household_id)
    homes = (
        sa.select(Visit.household_id.label("home"), sa.func.min(Visit.arrived_at).label("since"))
        .join(Book, Book.household_id == Visit.household_id)
        .where(
            me.reaches_station(Visit.station_id), Visit.day >= since, Visit.day < today, Visit.state == DONE,
            Book.opened_on <= since, ~told, ~quiet, ~gone,
        )
        .group_by(Visit.household_id)
        .having(sa.func.count(Visit.day.distinct()) >= sa.bindparam("silent_days", type_=sa.Integer()))
        .limit(limit)
        .subquery()
    )  # fmt: skip
    return strand(SILENT, key=Household.id, at=homes.c.since, a=Household.name).join(
        homes, sa.and_(homes.c.home == Household.id, Household.ended_on.is_(None))
    )


def _unclosed(me: Actor, limit: int) -> Strand:
    """One of the homes with lines in last month that is not closed: the list of months shows them all."""
    end = sa.bindparam("month_end", type_=sa.Date())
    shut = sa.exists().where(Closing.household_id == Household.id, Closing.last_day >= end)
    gone = sa.exists().where(BookEnd.household_id == Household.id)
    lived = sa.exists().where(
        Entry.household_id == Household.id, Entry.day <= end, Entry.day > sa.bindparam("month_before", type_=sa.Date())
    )
    homes = (
        sa.select(Household.id, Household.name, Book.made_at)
        .join(Book, Book.household_id == Household.id)
        .where(me.reaches_station(Household.station_id), Book.opened_on <= end, Household.ended_on.is_(None), lived, ~shut, ~gone)
        .limit(1)
        .subquery()
    )
    return strand(UNCLOSED, key=homes.c.id, at=homes.c.made_at, a=homes.c.name)


def habits(place: uuid.UUID | None, today: date) -> Habits:
    """What counts as a pattern at a place on a household day."""
    return rules.habits(figures(today, place))


def given(today: date, gap_days: int) -> dict[str, Any]:
    """The parameters of `front` beside the list's own. `today`: the household day; `gap_days`: visited so long without a word."""
    end = today.replace(day=1) - timedelta(days=1)
    before = end.replace(day=1) - timedelta(days=1)
    return {"month_end": end, "month_before": before, "silent_since": today - timedelta(days=gap_days), "silent_days": gap_days}


def front_in(found: Mapping[str, Sequence[Any]], now: datetime, consent_hours: int) -> Iterator[Line]:
    """What the strands brought. A large spend that nobody agreed to within so many hours is a matter of its own."""
    for row in found.get(BOOK, ()):
        codes = tuple(sorted(set(row.b.split(","))))
        asking = any(code in ASKING for code in codes) and now - row.at > timedelta(hours=consent_hours)
        yield Line(CONSENT if asking else BOOK, row.key, row.a, row.at, codes)
    for row in found.get(QUESTION, ()):
        yield Line(QUESTION, row.other, row.a, row.at, words=row.b, entry_id=row.third)
    for kind in (SILENT, UNCLOSED):
        for row in found.get(kind, ()):
            yield Line(kind, row.key, row.a, row.at)
