"""The household's book: light double entry, append-only, to the fen. The database itself keeps the promises.

Postings are written first and the entry last: the entry's trigger checks that its postings sum to zero and so seals
them. A mistake is put right by one reversal that names its target, and a new entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as lite_insert
from sqlalchemy.orm import Mapped, aliased, mapped_column

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _l
from webapp.ledger import rules
from webapp.ledger.rules import Leg
from webapp.people import queries as people
from webapp.people.models import Household, Resident
from webapp.store import audit, db, rulebook
from webapp.store.db import Base
from webapp.store.inbox import Act
from webapp.store.traits import Homed, Keyed, Made, append_only, told, trigger
from webapp.store.types import Fen, Instant, Uuid

rulebook.ship("money", Path(__file__).parent / "expense_categories.json")

SPEND, RECEIVE, REVERSE = "spend", "receive", "reverse"


class Book(Keyed, Made, Homed, Base):
    """One household's book. The `_fen` columns are what the postings sum to, kept so by a trigger."""

    __tablename__ = "book"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), unique=True)
    opened_on: Mapped[date]
    agreed_by: Mapped[str | None] = mapped_column(sa.String(60))
    """Who agreed that the caregiver keeps money for the household (老人, a relative), once that is on paper."""
    agreed_on: Mapped[date | None]
    cash_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """The elder's cash that the caregiver holds."""
    advance_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """Below zero: what the caregiver has laid out of her own (垫付)."""
    wallet_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """The family's money on the caregiver's phone."""
    org_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """What the organisation holds for the household."""


class Entry(Homed, Base):
    """One line of the book, sealed. `fen` is what it does to its `source`: below zero out, above zero in."""

    __tablename__ = "book_entry"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    """The id of the act that recorded it."""
    book_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book.id"))
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(sa.String(10))
    side: Mapped[str] = mapped_column(sa.String(3))
    """in or out: where it stands in the month's sums; a reversal stands on its target's side."""
    category: Mapped[str] = mapped_column(sa.String(10))
    source: Mapped[str] = mapped_column(sa.String(8))
    fen: Mapped[Fen]
    words: Mapped[str] = mapped_column(sa.Text(), default="")
    giver: Mapped[str | None] = mapped_column(sa.String(60))
    """Who gave the money that came in."""
    agreed: Mapped[str | None] = mapped_column(sa.String(8))
    """Who said yes to a large spend: elder, family, station."""
    seen: Mapped[bool] = mapped_column(default=False)
    """老人看过: stands for the slip a market stall does not give."""
    slip: Mapped[bool] = mapped_column(default=False)
    """Whether a slip or screenshot was wanted when it was written."""
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    visit_id: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    """The visit it was written in. No foreign key: money is never refused because an arrival is late."""
    reversal_of: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"))
    at: Mapped[datetime] = mapped_column(Instant())
    made_at: Mapped[datetime] = mapped_column(Instant(), default=clock.now)
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    """The account that wrote it: whose cash, advance or phone is meant."""
    __table_args__ = (
        sa.Index("ix_book_entry_household_id_day", "household_id", "day", "at"),
        sa.Index("ix_book_entry_visit_id", "visit_id"),
        told("uq_book_entry_reversal_of", "reversal_of", unique=True),
    )


class Posting(Base):
    """One leg of an entry. Every entry has two or more; they sum to zero."""

    __tablename__ = "posting"
    entry_id: Mapped[uuid.UUID] = mapped_column(
        Uuid(), sa.ForeignKey("book_entry.id", deferrable=True, initially="DEFERRED"), primary_key=True
    )
    account: Mapped[str] = mapped_column(sa.String(14), primary_key=True)
    book_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book.id"), index=True)
    fen: Mapped[Fen]


_ENTRY, _POSTING = cast(sa.Table, Entry.__table__), cast(sa.Table, Posting.__table__)


class EntryReceipt(Base):
    """A slip or screenshot of an entry, with it or later."""

    __tablename__ = "entry_receipt"
    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(Instant())
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())


class EntryFlag(Keyed, Made, Homed, Base):
    """Something about an entry that the station should look at; settled by a later act or a person."""

    __tablename__ = "entry_flag"
    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("book_entry.id"), index=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    code: Mapped[str] = mapped_column(sa.String(12))
    settled_at: Mapped[datetime | None] = mapped_column(Instant())
    settled_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    settled_words: Mapped[str | None] = mapped_column(sa.String(200))
    __table_args__ = (
        sa.Index(
            "ix_entry_flag_open",
            "household_id",
            sqlite_where=sa.text("settled_at is null"),
            postgresql_where=sa.text("settled_at is null"),
        ),
    )


class QuietDay(Homed, Base):
    """今天没花钱: somebody said so; a day without entry and without this is a gap."""

    __tablename__ = "quiet_day"
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant())
    author_id: Mapped[uuid.UUID] = mapped_column(Uuid())


# ---- what the database refuses, whoever asks ----

_SEALS = {
    "an entry is written once": "exists (select 1 from book_entry e where e.id = new.id or e.reversal_of = new.reversal_of)",
    "an entry has two postings or more": "(select count(*) from posting p where p.entry_id = new.id) < 2",
    "postings sum to zero": "(select sum(p.fen) from posting p where p.entry_id = new.id) <> 0",
    "postings stay in one book": (
        "exists (select 1 from posting p where p.entry_id = new.id and p.book_id <> new.book_id) "
        "or not exists (select 1 from book b where b.id = new.book_id and b.household_id = new.household_id)"
    ),
    "an entry says what it does": (
        "coalesce((select p.fen from posting p where p.entry_id = new.id and p.account = new.source), 0) <> new.fen"
    ),
    "a reversal undoes its target": (
        "(new.kind = 'reverse') <> (new.reversal_of is not null) or exists (select 1 from posting p "
        "where new.reversal_of is not null and p.entry_id in (new.id, new.reversal_of) "
        "group by p.account having sum(p.fen) <> 0)"
    ),
}
_OPENS = {
    "a sealed entry takes no further posting": "exists (select 1 from book_entry e where e.id = new.entry_id)",
    "one posting for each account": (
        "exists (select 1 from posting p where p.entry_id = new.entry_id and p.account = new.account)"
    ),
}
_ACCOUNTS = ("cash", "advance", "wallet", "org")


def _refuse(name: str, table: str, when: Mapping[str, str]) -> None:
    lite = " ".join(f"select raise(abort, '{say}') where {condition};" for say, condition in when.items())
    post = " ".join(f"if {condition} then raise exception '{say}'; end if;" for say, condition in when.items())
    trigger(
        name,
        table,
        sqlite=f"create trigger {name} before insert on {table} begin {lite} end",
        postgresql=(
            f"create or replace function {name}() returns trigger language plpgsql as $$ begin {post} return new; end $$"
            f"\n--\ncreate trigger {name} before insert on {table} for each row execute function {name}()"
        ),
    )


_refuse("book_entry_seal", "book_entry", _SEALS)
_refuse("posting_open", "posting", _OPENS)
append_only("book_entry", "entries are never changed")
append_only("posting", "postings are never changed")
append_only("entry_receipt", "receipts are never changed")
_sums = ", ".join(f"{a}_fen = {a}_fen + case when new.account = '{a}' then new.fen else 0 end" for a in _ACCOUNTS)
_carry = f"update book set {_sums} where id = new.book_id"
trigger(
    "posting_carry",
    "posting",
    sqlite=(
        "create trigger posting_carry after insert on posting when new.account in ('cash', 'advance', 'wallet', 'org') "
        f"begin {_carry}; end"
    ),
    postgresql=(
        f"create or replace function posting_carry() returns trigger language plpgsql as "
        f"$$ begin {_carry}; return null; end $$\n--\n"
        "create trigger posting_carry after insert on posting for each row "
        "when (new.account in ('cash', 'advance', 'wallet', 'org')) execute function posting_carry()"
    ),
)


# ---- verbs ----


@dataclass(frozen=True)
class Found:
    """A book as a verb meets it, locked: what each source holds, and what the database knows of the act's facts."""

    book_id: uuid.UUID
    household_id: uuid.UUID
    station_id: uuid.UUID
    held: Mapping[str, int]
    resident_id: uuid.UUID | None
    again: bool


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
) -> str | None:
    """花了钱: `amount_fen` (above 0) left `source`. Never refused for what it is, only flagged.

    Refuses an author who was not assigned to the household then.
    """
    found = _find(act, household, resident)
    money = rulebook.current("money", act.day, found.station_id)
    kind, limit = rules.category(money, "expense", category), rules.limits(money)
    photos, bought = act.photo("receipt"), "、".join([*things, *([words] if words else [])])
    _post(
        found, act, SPEND, rules.spent(source, kind["code"], amount_fen),
        side="out", category=kind["code"], source=source, fen=-amount_fen, words=bought,
        agreed=agreed, seen=market_seen, slip=rules.needs_receipt(kind["receipt"], amount_fen, market_seen, limit),
        resident_id=found.resident_id, visit_id=visit,
    )  # fmt: skip
    _attach(act, act.id, photos)
    left = found.held[source] - amount_fen if source != "advance" else 0
    _raise_flags(
        found,
        act.id,
        rules.spend_flags(
            kind["receipt"], amount_fen, left, limit, seen=market_seen, agreed=agreed, photos=len(photos), again=found.again
        ),
    )
    return None


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

    Refuses an author who was not assigned to the household then.
    """
    found = _find(act, household, resident)
    money = rulebook.current("money", act.day, found.station_id)
    code = rules.category(money, "income", category)["code"]
    _post(
        found, act, RECEIVE, rules.received(source, code, amount_fen),
        side="in", category=code, source=source, fen=amount_fen, words=words or "", giver=giver or None,
        resident_id=found.resident_id, visit_id=visit,
    )  # fmt: skip
    _attach(act, act.id, act.photo("receipt"))
    held = found.held[source] + amount_fen
    _raise_flags(found, act.id, rules.receive_flags(source, held, rules.limits(money), again=found.again))
    return None


def reverse(act: Act, entry: uuid.UUID, reason: str) -> str | None:
    """记错了，冲掉: one entry that undoes `entry` to the fen, on the day of the act.

    Refuses what is not there or already reversed, a reversal, and an author who may not enter the household.
    """
    target = db.session().execute(sa.select(Entry).where(Entry.id == entry)).scalar()
    if target is None:
        raise Refusal("entry_unknown", "没找到要冲掉的那一笔，先放在站里")
    found = _find(act, target.household_id, None)
    if target.kind == REVERSE:
        raise Refusal("entry_is_reversal", "冲掉的不能再冲，请重记一笔")
    undoing = aliased(Entry)
    done = sa.exists().where(undoing.reversal_of == entry).label("done")  # asked under the book's lock: two may come at once
    rows = db.session().execute(sa.select(Posting.account, Posting.fen, done).where(Posting.entry_id == entry)).all()
    if rows[0].done:
        raise Refusal("entry_reversed", "这一笔已经冲掉了，不用再冲")
    legs = [Leg(row.account, row.fen) for row in rows]
    _post(
        found, act, REVERSE, rules.undone(legs),
        side=target.side, category=target.category, source=target.source, fen=-target.fen, words=reason,
        resident_id=target.resident_id, visit_id=target.visit_id, reversal_of=entry,
    )  # fmt: skip
    _settle(EntryFlag.entry_id == entry, act.author_id, "reversed")
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
        _raise_flags(found, entry, [rules.Flag.SAME_PHOTO])
    if photos:
        _settle(sa.and_(EntryFlag.entry_id == entry, EntryFlag.code == rules.Flag.NO_RECEIPT), act.author_id, "receipt")
    audit.note("ledger.receipt", f"book_entry:{entry}", found.household_id, photos=photos)
    return None


def none_today(act: Act, household: uuid.UUID, visit: uuid.UUID | None = None) -> str | None:
    """今天没花钱, said for the act's day. Told twice is once. Refuses an author who may not enter the household."""
    _may_enter(act, household)
    values = {"household_id": household, "day": act.day, "at": act.at, "author_id": act.author_id}
    db.session().execute(_insert(QuietDay).values(values).on_conflict_do_nothing())
    audit.note("ledger.none_today", f"household:{household}", household, day=act.day, visit=visit)
    return None


def agree(book: Book, by: str, day: date) -> None:
    """Write down who of the household agreed that money is kept for them, and when."""
    book.agreed_by, book.agreed_on = by, day
    audit.note("ledger.agree", book, book.household_id, by=by, day=day)


def settle_flag(flag: EntryFlag, by: uuid.UUID, words: str) -> None:
    """The station has looked at it. `by`: account. Refuses fewer than two characters of words."""
    if len(words.strip()) < 2:
        raise Refusal("words", _l("请写一句怎么回事"), field="words")
    flag.settled_at, flag.settled_by, flag.settled_words = clock.now(), by, words.strip()[:200]
    audit.note("ledger.settle_flag", flag, flag.household_id, code=flag.code)


def open_book(household: uuid.UUID, day: date) -> None:
    """Give a household its book from `day` on. Told twice is once."""
    values = {"id": ids.new(), "household_id": household, "opened_on": day, "made_at": clock.now()}
    if db.session().execute(_insert(Book).values(values).on_conflict_do_nothing()).rowcount:  # type: ignore[attr-defined]
        audit.note("ledger.open", f"book:{values['id']}", household)


def _find(act: Act, household: uuid.UUID, resident: uuid.UUID | None, entry: uuid.UUID | None = None) -> Found:
    """The household's book, opened if there is none, locked until commit: the balance a flag is judged by must hold."""
    _may_enter(act, household)
    found = _locked(act, household, resident, entry)
    if found is None:
        open_book(household, act.day)
        found = _locked(act, household, resident, entry)
    assert found is not None
    return found


def _may_enter(act: Act, household: uuid.UUID) -> None:
    if not people.may_enter(act.author_id, household, act.at):
        raise Refusal("not_assigned", "这户现在不归您，先放在站里，站里会来问您")


def _locked(act: Act, household: uuid.UUID, resident: uuid.UUID | None, entry: uuid.UUID | None) -> Found | None:
    photos = act.photo("receipt")
    facts = {"household": household, "resident": resident, "entry": entry or act.id} | ({"photos": photos} if photos else {})
    row = db.session().execute(_book(bool(photos)), facts).first()
    if row is None:
        return None
    held = {"cash": row.cash_fen, "advance": row.advance_fen, "wallet": row.wallet_fen}
    return Found(row.id, household, row.station_id, held, row.resident, bool(row.again))


@cache
def _book(photos: bool) -> sa.Select[*tuple[Any, ...]]:
    """What `_locked` asks, made once with photos and once without: to make it costs more than to ask it."""
    household, reversal = sa.bindparam("household", type_=Uuid()), aliased(Entry)
    used = (
        sa.select(EntryReceipt.entry_id)
        .where(
            EntryReceipt.sha256.in_(sa.bindparam("photos", expanding=True)),
            EntryReceipt.entry_id != sa.bindparam("entry", type_=Uuid()),
            ~sa.exists().where(reversal.reversal_of == EntryReceipt.entry_id),
        )
        .exists()
    )
    return (
        sa.select(
            Book.id, Household.station_id, Book.cash_fen, Book.advance_fen, Book.wallet_fen, Resident.id.label("resident"),
            (used if photos else sa.false()).label("again"),
        )
        .join(Household, Household.id == Book.household_id)
        .outerjoin(Resident, sa.and_(Resident.id == sa.bindparam("resident", type_=Uuid()), Resident.household_id == household))
        .where(Book.household_id == household)
        .with_for_update(of=Book)
    )  # fmt: skip


def _post(found: Found, act: Act, kind: str, legs: Sequence[Leg], **facts: Any) -> None:
    """Postings first, the entry last: its trigger seals them."""
    session = db.session()
    session.execute(
        sa.insert(_POSTING),
        [{"entry_id": act.id, "account": leg.account, "book_id": found.book_id, "fen": leg.fen} for leg in legs],
    )
    session.execute(
        sa.insert(_ENTRY),
        {
            "id": act.id, "book_id": found.book_id, "household_id": found.household_id, "day": act.day, "kind": kind,
            "at": act.at, "made_at": clock.now(), "author_id": act.author_id, **facts,
        },
    )  # fmt: skip
    audit.note(
        f"ledger.{kind}", f"book_entry:{act.id}", found.household_id,
        fen=facts["fen"], source=facts["source"], category=facts["category"], reversal_of=facts.get("reversal_of"),
    )  # fmt: skip


def _attach(act: Act, entry: uuid.UUID, photos: Sequence[str]) -> None:
    if photos:
        rows = [{"entry_id": entry, "sha256": sha, "at": act.at, "author_id": act.author_id} for sha in dict.fromkeys(photos)]
        db.session().execute(_insert(EntryReceipt).values(rows).on_conflict_do_nothing())


def _raise_flags(found: Found, entry: uuid.UUID, flags: Sequence[rules.Flag]) -> None:
    if flags:
        row = {"entry_id": entry, "household_id": found.household_id, "made_at": clock.now()}
        db.session().execute(sa.insert(EntryFlag), [{"id": ids.new(), "code": flag.value, **row} for flag in flags])


def _settle(which: sa.ColumnElement[bool], by: uuid.UUID, words: str) -> None:
    db.session().execute(
        sa.update(EntryFlag)
        .where(which, EntryFlag.settled_at.is_(None))
        .values(settled_at=clock.now(), settled_by=by, settled_words=words)
        .execution_options(synchronize_session=False)
    )


def _insert(table: type[Base]) -> Any:
    return (pg_insert if db.session().get_bind().dialect.name == "postgresql" else lite_insert)(table)
