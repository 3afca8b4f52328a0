"""The household's book: light double entry, append-only, to the fen. The database itself keeps the promises.

Postings are written first and the entry last: the entry's trigger checks that its postings sum to zero and so seals
them. A mistake is put right by one reversal that names its target, and a new entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.ledger import rules
from webapp.ledger.posting import MOVE, Found, Stamp, figures, gone_at, locked, post, raise_flags, settle_flags
from webapp.ledger.rows import Agreement as Agreement
from webapp.ledger.rows import Book as Book
from webapp.ledger.rows import BookSeen as BookSeen
from webapp.ledger.rows import Entry as Entry
from webapp.ledger.rows import EntryFlag as EntryFlag
from webapp.ledger.rows import EntryReceipt as EntryReceipt
from webapp.ledger.rows import EntryShare as EntryShare
from webapp.ledger.rows import Handover as Handover
from webapp.ledger.rows import Posting as Posting
from webapp.ledger.rows import QuietDay as QuietDay
from webapp.ledger.rules import Leg
from webapp.people import queries as people
from webapp.people.models import Resident
from webapp.store import audit, db, rulebook
from webapp.store.inbox import Act
from webapp.store.types import Instant, Uuid

rulebook.ship("money", Path(__file__).parent / "expense_categories.json")

SPEND, RECEIVE, REPAY, REVERSE = "spend", "receive", "repay", "reverse"

SHUT_SAY = "那个月已经关账，这笔记在下个月"


def spend(
    act: Act,
    household: uuid.UUID,
    amount_fen: int,
    category: str,
    source: str,
    visit: uuid.UUID | None = None,
    things: Sequence[str] = (),
    words: str | None = None,
    resident: uuid.UUID | None = None,
    market_seen: bool = False,
    agreed: str | None = None,
    shared: bool = False,
    shop: str | None = None,
) -> str | None:
    """花了钱: `amount_fen` (above 0) left `source`. Never refused for what it is, only flagged.

    `shared`: for all residents alike. Refuses an author who was not assigned to the household then, and a household
    without an agreement.
    """
    found = _find(act, household, resident)
    money = figures(act.day, found.station_id)
    kind, limit = rules.category(money, "expense", category), rules.agreed(rules.limits(money), found.terms)
    photos, bought = act.photo("receipt"), "、".join([*([shop] if shop else []), *things, *([words] if words else [])])
    source, habits = found.purse(source, act.at, found.gone_at), rules.habits(money)
    past = _past(found, act, kind["code"], source, amount_fen, habits, limit)
    post(
        found, act, SPEND, rules.spent(source, kind["code"], amount_fen),
        side="out", category=kind["code"], source=source, fen=-amount_fen, words=bought,
        shop=shop or None, agreed=agreed, seen=market_seen,
        slip=rules.needs_receipt(kind["receipt"], amount_fen, market_seen, limit),
        resident_id=None if shared else found.resident_id, visit_id=visit,
    )  # fmt: skip
    _attach(act, act.id, photos)
    if shared:
        _share(act.id, household, amount_fen)
    left = found.held[source] - amount_fen if source in rules.KEPT else 0
    flags = rules.spend_flags(
        kind["receipt"], amount_fen, left, limit, seen=market_seen, photos=len(photos), again=found.again, past=past,
        habits=habits,
    )  # fmt: skip
    raise_flags(found, act.id, [*flags, *_late(found, act)])
    return SHUT_SAY if found.day_of(act) != act.day else None


def receive(
    act: Act,
    household: uuid.UUID,
    amount_fen: int,
    category: str,
    source: str,
    visit: uuid.UUID | None = None,
    giver: str | None = None,
    words: str | None = None,
    resident: uuid.UUID | None = None,
) -> str | None:
    """收到钱: `amount_fen` (above 0) came into `source`; into `advance` she got back what she had laid out.

    Refuses an author who was not assigned to the household then, and a household without an agreement.
    """
    found = _find(act, household, resident)
    money = figures(act.day, found.station_id)
    code, source = rules.category(money, "income", category)["code"], found.purse(source, act.at, found.gone_at)
    post(
        found, act, RECEIVE, rules.received(source, code, amount_fen),
        side="in", category=code, source=source, fen=amount_fen, words=words or "", giver=giver or None,
        resident_id=found.resident_id, visit_id=visit,
    )  # fmt: skip
    _attach(act, act.id, act.photo("receipt"))
    held, limit = found.held.get(source, 0) + amount_fen, rules.agreed(rules.limits(money), found.terms)
    raise_flags(found, act.id, [*rules.receive_flags(source, held, limit, again=found.again), *_late(found, act)])
    return SHUT_SAY if found.day_of(act) != act.day else None


def repay(act: Act, household: uuid.UUID, amount_fen: int, source: str, visit: uuid.UUID | None = None) -> str | None:
    """拿回垫的钱: `amount_fen` (above 0) of what she laid out goes from `source` back into her own purse, seen by all.

    Refuses an author who was not assigned to the household then, and a household without an agreement.
    """
    found = _find(act, household, None)
    source = found.purse(source, act.at, found.gone_at)
    left = found.held[source] - amount_fen if source in rules.KEPT else 0
    post(
        found, act, REPAY, rules.repaid(source, amount_fen),
        side="own", category=rules.REPAID, source=source, fen=-amount_fen, words="", visit_id=visit,
    )  # fmt: skip
    flags = rules.repaid_flags(amount_fen, left, -found.held["advance"])
    raise_flags(found, act.id, [*flags, *_late(found, act)])
    return SHUT_SAY if found.day_of(act) != act.day else None


def reverse(act: Act, entry: uuid.UUID, reason: str) -> str | None:
    """记错了，冲掉: one entry that undoes `entry` to the fen, on the day of the act.

    Where the cash was counted without whoever wrote `entry`, the count stands: what is undone is hers to answer for.
    Refuses what is not there or already reversed, a reversal, what a count found, and an author who may not enter.
    """
    row = db.session().execute(sa.select(Entry, gone_at(Entry.household_id, Entry.author_id)).where(Entry.id == entry)).first()
    if row is None:
        raise Refusal("entry_unknown", "没找到要冲掉的那一笔，先放在站里")
    target, gone = row
    found = _find(act, target.household_id, None)
    if target.kind == REVERSE:
        raise Refusal("entry_is_reversal", "冲掉的不能再冲，请重记一笔")
    if target.kind not in (SPEND, RECEIVE, REPAY):
        raise Refusal("entry_is_counted", "这是点钱时定的，不能冲，请找站长")
    undoing = aliased(Entry)
    done = sa.exists().where(undoing.reversal_of == entry).label("done")  # asked under the book's lock: two may come at once
    rows = db.session().execute(sa.select(Posting.account, Posting.fen, done).where(Posting.entry_id == entry)).all()
    if rows[0].done:
        raise Refusal("entry_reversed", "这一笔已经冲掉了，不用再冲")
    legs = [Leg(row.account, row.fen) for row in rows]
    post(
        found, act, REVERSE, rules.undone(legs),
        side=target.side, category=target.category, source=target.source, fen=-target.fen, words=reason,
        resident_id=target.resident_id, visit_id=target.visit_id, reversal_of=entry,
    )  # fmt: skip
    settle_flags(EntryFlag.entry_id == entry, act.author_id, "reversed")
    onto = found.purse(target.source, target.at, gone)
    if onto != target.source:
        stamp, legs = Stamp(act.author_id, at=act.at), [Leg(target.source, target.fen), Leg(onto, -target.fen)]
        side = "in" if target.fen > 0 else "out"
        post(found, stamp, MOVE, legs, side=side, category=rules.DIFFER, source=target.source, fen=target.fen, words=reason)
        raise_flags(found, stamp.id, [rules.Flag.OWED] if onto == rules.OWED else [])
    return None


def bring_receipt(act: Act, entry: uuid.UUID) -> str | None:
    """补票: the photos of the act hang on `entry`. Refuses an entry that is not there or not hers to see."""
    target = db.session().execute(sa.select(Entry.household_id).where(Entry.id == entry)).first()
    if target is None:
        raise Refusal("entry_unknown", "没找到要补票的那一笔，先放在站里")
    found = _find(act, target.household_id, None, entry)
    photos = act.photo("receipt")
    _attach(act, entry, photos)
    if found.again:
        raise_flags(found, entry, [rules.Flag.SAME_PHOTO])
    if photos:
        settle_flags(sa.and_(EntryFlag.entry_id == entry, EntryFlag.code == rules.Flag.NO_RECEIPT), act.author_id, "receipt")
    audit.note("ledger.receipt", f"book_entry:{entry}", found.household_id, photos=photos)
    return None


def none_today(act: Act, household: uuid.UUID, visit: uuid.UUID | None = None) -> str | None:
    """今天没花钱, said for the act's day. Told twice is once. Refuses an author who may not enter the household."""
    _may_enter(act, household)
    values = {"household_id": household, "day": act.day, "at": act.at, "author_id": act.author_id}
    db.session().execute(db.insert(QuietDay).values(values).on_conflict_do_nothing())
    audit.note("ledger.none_today", f"household:{household}", household, day=act.day, visit=visit)
    return None


def seen(act: Act, household: uuid.UUID, name: str) -> str | None:
    """老人看过账本, with her beside them. Refuses an author who may not enter the household."""
    _may_enter(act, household)
    read(household, rules.RESIDENT, name, act.author_id, act.at)
    return None


def read(household: uuid.UUID, side: str, name: str, by: uuid.UUID, at: datetime) -> None:
    """Somebody of the household's side has read the book up to now. `by`: account."""
    row = {"id": ids.new(), "household_id": household, "side": side, "name": name, "at": at, "author_id": by}
    db.session().execute(sa.insert(BookSeen), row)
    audit.note("ledger.seen", f"household:{household}", household, side=side)


def settle_flag(flag: EntryFlag, by: uuid.UUID, words: str) -> None:
    """The station has looked at it. `by`: account. Refuses fewer than two characters of words."""
    if len(words.strip()) < 2:
        raise Refusal("words", _l("请写一句怎么回事"), field="words")
    flag.settled_at, flag.settled_by, flag.settled_words = clock.now(), by, words.strip()[:200]
    audit.note("ledger.settle_flag", flag, flag.household_id, code=flag.code)


def open_book(household: uuid.UUID, day: date) -> None:
    """Give a household its book from `day` on. Told twice is once."""
    values = {"id": ids.new(), "household_id": household, "opened_on": day, "made_at": clock.now()}
    if db.session().execute(db.insert(Book).values(values).on_conflict_do_nothing()).rowcount:  # type: ignore[attr-defined]
        audit.note("ledger.open", f"book:{values['id']}", household)


def _find(act: Act, household: uuid.UUID, resident: uuid.UUID | None, entry: uuid.UUID | None = None) -> Found:
    """The household's book, locked until commit: the balance a flag is judged by must hold."""
    found = locked(act, household, resident, entry, act.photo("receipt"))
    if found is None or not found.enters:
        _may_enter(act, household)
    if found is None:
        raise Refusal("no_agreement", "这户还没有约定钱的事，先放在站里，约定好就记上")
    return found


def _may_enter(act: Act, household: uuid.UUID) -> None:
    if not people.may_enter(act.author_id, household, act.at):
        raise Refusal("not_assigned", "这户现在不归您，先放在站里，站里会来问您")


def _past(found: Found, act: Act, code: str, source: str, fen: int, habits: rules.Habits, limit: rules.Limits) -> rules.Past:
    """What the book tells of the month of an act, in one question over that month's lines."""
    month, soon = Month.of(found.day_of(act)), timedelta(minutes=habits.twice_min)
    row = db.line().execute(
        _month_past(),
        {
            "household": found.household_id, "first": month.first, "last": month.last, "day": found.day_of(act), "code": code,
            "source": source, "fen": -fen, "after": act.at - soon, "before": act.at + soon, "round": habits.round_fen,
            "asks": -limit.ask_first_from,
        },
    ).one()  # fmt: skip
    return rules.Past(-int(row.month), -int(row.day), int(row.rounds), bool(row.twice))


@cache
def _month_past() -> sa.Select[*tuple[Any, ...]]:
    reversal = aliased(Entry)

    def given(name: str, kind: Any) -> Any:
        return sa.bindparam(name, type_=kind)

    live = sa.and_(Entry.kind == SPEND, ~sa.exists().where(reversal.reversal_of == Entry.id))
    bare = ~sa.exists().where(EntryReceipt.entry_id == Entry.id)
    alike = sa.and_(Entry.category == given("code", sa.String()), live)
    same = sa.and_(
        alike, Entry.fen == given("fen", sa.BigInteger()), Entry.source == given("source", sa.String()),
        Entry.at >= given("after", Instant()), Entry.at <= given("before", Instant()),
    )  # fmt: skip
    today = sa.and_(alike, Entry.day == given("day", sa.Date()), Entry.fen > given("asks", sa.BigInteger()))
    whole = sa.and_(live, bare, Entry.fen % given("round", sa.BigInteger()) == 0)

    def total(condition: Any, value: Any) -> Any:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, value), else_=0)), 0)

    return sa.select(
        sa.func.coalesce(sa.func.sum(Entry.fen), 0).label("month"), total(today, Entry.fen).label("day"),
        total(whole, 1).label("rounds"), total(same, 1).label("twice"),
    ).where(
        Entry.household_id == given("household", Uuid()), Entry.side == "out",
        Entry.day >= given("first", sa.Date()), Entry.day <= given("last", sa.Date()),
    )  # fmt: skip


def _late(found: Found, act: Act) -> list[rules.Flag]:
    """Whether it happened before there was a book, or in a month that is shut."""
    early = [rules.Flag.EARLY] if act.day < found.opened_on else []
    return early + ([rules.Flag.SHUT] if found.day_of(act) != act.day else [])


def _share(entry: uuid.UUID, household: uuid.UUID, fen: int) -> None:
    """An entry for all who live there, to the fen."""
    here = sa.select(Resident.id).where(Resident.household_id == household, Resident.ended_on.is_(None)).order_by(Resident.number)
    heads = db.session().scalars(here).all()
    parts = zip(heads, rules.halves(fen, len(heads) or 1), strict=False)
    rows = [{"entry_id": entry, "resident_id": key, "fen": part} for key, part in parts]
    if rows:
        db.session().execute(sa.insert(EntryShare), rows)


def _attach(act: Act, entry: uuid.UUID, photos: Sequence[str]) -> None:
    if photos:
        rows = [{"entry_id": entry, "sha256": sha, "at": act.at, "author_id": act.author_id} for sha in dict.fromkeys(photos)]
        db.session().execute(db.insert(EntryReceipt).values(rows).on_conflict_do_nothing())
