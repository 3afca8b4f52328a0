"""What the database itself refuses of a book, whoever asks: an unsealed entry, a change, a line in a shut month.

Text only: the tables stand in models. Postings are written first and the entry last, whose trigger seals them.
"""

from __future__ import annotations

from collections.abc import Mapping

from webapp.store.traits import append_only, trigger

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
    "a shut month takes no entry": (
        "exists (select 1 from shut_month m where m.household_id = new.household_id and m.last_day >= new.day)"
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
_ACCOUNTS = ("cash", "advance", "wallet", "org", "owed")
_LISTED = ", ".join(f"'{each}'" for each in _ACCOUNTS)


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
append_only("entry_share", "shares are never changed")
append_only("book_handover", "a handover is never changed")
append_only("book_count", "a count is never changed")
append_only("book_confirmation", "a confirmation is never changed")
append_only("book_closing", "a closed month is never changed")
append_only("book_end", "the end of a book is never changed")
append_only("book_draw", "a draw is never changed")
append_only("slip_check", "a check is never changed")
_sums = ", ".join(f"{a}_fen = {a}_fen + case when new.account = '{a}' then new.fen else 0 end" for a in _ACCOUNTS)
_carry = f"update book set {_sums} where id = new.book_id"
trigger(
    "posting_carry",
    "posting",
    sqlite=(f"create trigger posting_carry after insert on posting when new.account in ({_LISTED}) begin {_carry}; end"),
    postgresql=(
        f"create or replace function posting_carry() returns trigger language plpgsql as "
        f"$$ begin {_carry}; return null; end $$\n--\n"
        "create trigger posting_carry after insert on posting for each row "
        f"when (new.account in ({_LISTED})) execute function posting_carry()"
    ),
)
_MONTH = "insert into book_month (household_id, month, last_day, cash_fen, in_fen, out_fen) values"
_ADDS = (
    "case when new.source = 'cash' then new.fen else 0 end, case when new.side = 'in' then new.fen else 0 end, "
    "case when new.side = 'out' then -new.fen else 0 end"
)
_ADD = "on conflict (household_id, month) do update set " + ", ".join(
    f"{each}_fen = book_month.{each}_fen + excluded.{each}_fen" for each in ("cash", "in", "out")
)
_SPAN_LITE = "date(new.day, 'start of month'), date(new.day, 'start of month', '+1 month', '-1 day')"
_SPAN_POST = "date_trunc('month', new.day)::date, (date_trunc('month', new.day) + interval '1 month -1 day')::date"
trigger(
    "book_month_carry",
    "book_entry",
    sqlite=(
        "create trigger book_month_carry after insert on book_entry begin "
        f"{_MONTH} (new.household_id, {_SPAN_LITE}, {_ADDS}) {_ADD}; end"
    ),
    postgresql=(
        "create or replace function book_month_carry() returns trigger language plpgsql as "
        f"$$ begin {_MONTH} (new.household_id, {_SPAN_POST}, {_ADDS}) {_ADD}; return null; end $$\n--\n"
        "create trigger book_month_carry after insert on book_entry for each row execute function book_month_carry()"
    ),
)
