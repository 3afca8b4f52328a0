"""The book: what its verbs promise and what the database refuses, on both databases."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.ledger.acts import act
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.ledger import models as ledger
from webapp.ledger.models import Book, Entry, EntryFlag, EntryReceipt, Posting, QuietDay
from webapp.store import audit, db, files, inbox


@pytest.fixture
def li(app, world) -> uuid.UUID:
    return world.household("李秀兰").id


@pytest.fixture
def wang(app, world) -> uuid.UUID:
    return world.account("wang").id


def held(household: uuid.UUID) -> tuple[int, int, int]:
    book = (
        db.session()
        .execute(sa.select(Book.cash_fen, Book.advance_fen, Book.wallet_fen).where(Book.household_id == household))
        .one()
    )
    return tuple(book)


def codes(entry: uuid.UUID, *, open_only: bool = True) -> list[str]:
    ask = sa.select(EntryFlag.code).where(EntryFlag.entry_id == entry).order_by(EntryFlag.code)
    return list(db.session().scalars(ask.where(EntryFlag.settled_at.is_(None)) if open_only else ask))


def wanted(*shas: str) -> tuple[str, ...]:
    for sha in shas:
        files.want(sha, 9)
    return shas


def test_money_in_and_out_leaves_what_is_in_hand_by_source(li, wang):
    with db.transaction():
        ledger.receive(act(wang), li, 30000, "IN-FAM", "cash", giver="李敏")
        ledger.receive(act(wang), li, 12000, "IN-FAM", "wallet")
        ledger.spend(act(wang), li, 3650, "EX-VEG", "cash", things=["青菜", "豆腐"], market_seen=True)
        ledger.spend(act(wang), li, 5800, "EX-MED", "advance")
    assert held(li) == (26350, -5800, 12000)


def test_a_spend_is_two_postings_that_sum_to_zero(li, wang):
    deed = act(wang)
    with db.transaction() as session:
        ledger.spend(deed, li, 3650, "EX-VEG", "cash")
        legs = dict(session.execute(sa.select(Posting.account, Posting.fen).where(Posting.entry_id == deed.id)).all())
    assert legs == {"cash": -3650, "out:EX-VEG": 3650}


def test_offline_spending_is_never_refused_only_flagged(li, wang):
    deed = act(wang)
    with db.transaction():
        ledger.spend(deed, li, 60000, "EX-MED", "cash")
        assert codes(deed.id) == ["NEGATIVE", "NO_RECEIPT", "OVER_LIMIT"]
    assert held(li)[0] == -60000


def test_her_own_purse_is_never_called_negative(li, wang):
    deed = act(wang)
    with db.transaction():
        ledger.spend(deed, li, 1000, "EX-VEG", "advance")
        assert codes(deed.id) == []


def test_the_same_photo_twice_is_flagged_and_a_reversed_entry_frees_it(li, wang):
    first, second, third = (act(wang, "a" * 64) for _ in range(3))
    with db.transaction():
        wanted("a" * 64)
        ledger.receive(act(wang), li, 30000, "IN-FAM", "cash")
        ledger.spend(first, li, 2000, "EX-DAI", "cash")
        ledger.spend(second, li, 2000, "EX-DAI", "cash")
        assert (codes(first.id), codes(second.id)) == ([], ["SAME_PHOTO", "TWICE"])
        ledger.reverse(act(wang), first.id, "重复记账")
        ledger.reverse(act(wang), second.id, "重复记账")
        ledger.spend(third, li, 2000, "EX-DAI", "cash")
        assert codes(third.id) == []


def test_a_slip_brought_later_settles_the_flag(li, wang):
    deed = act(wang)
    with db.transaction() as session:
        wanted("b" * 64)
        ledger.receive(act(wang), li, 30000, "IN-FAM", "cash")
        ledger.spend(deed, li, 5800, "EX-MED", "cash")
        assert codes(deed.id) == ["NO_RECEIPT"]
        ledger.bring_receipt(act(wang, "b" * 64), deed.id)
        assert codes(deed.id) == []
        assert session.scalars(sa.select(EntryReceipt.sha256).where(EntryReceipt.entry_id == deed.id)).all() == ["b" * 64]


def test_a_reversal_undoes_to_the_fen_and_happens_once(li, wang):
    deed = act(wang)
    with db.transaction():
        ledger.spend(deed, li, 1200, "EX-VEG", "wallet")
        ledger.reverse(act(wang), deed.id, "重复记账")
        assert held(li) == (0, 0, 0)
        with pytest.raises(Refusal, match="entry_reversed"):
            ledger.reverse(act(wang), deed.id, "重复记账")
        back = db.session().scalars(sa.select(Entry.id).where(Entry.reversal_of == deed.id)).one()
        with pytest.raises(Refusal, match="entry_is_reversal"):
            ledger.reverse(act(wang), back, "又冲")


def test_who_may_not_enter_may_not_write_in_the_book(li, wang, world):
    stranger, deed = world.account("zhao").id, act(wang)
    with db.transaction():
        ledger.spend(deed, li, 100, "EX-VEG", "cash")
        for verb in (
            lambda: ledger.spend(act(stranger), li, 100, "EX-VEG", "cash"),
            lambda: ledger.receive(act(stranger), li, 100, "IN-FAM", "cash"),
            lambda: ledger.reverse(act(stranger), deed.id, "记错人家"),
            lambda: ledger.bring_receipt(act(stranger), deed.id),
            lambda: ledger.none_today(act(stranger), li),
        ):
            with pytest.raises(Refusal, match="not_assigned"):
                verb()
    assert held(li)[0] == -100


def test_a_resident_of_another_house_is_not_written_down(li, wang, world):
    own, other = act(wang), act(wang)
    with db.transaction() as session:
        ledger.spend(own, li, 100, "EX-VEG", "cash", resident=world.resident("李秀兰").id)
        ledger.spend(other, li, 100, "EX-VEG", "cash", resident=world.resident("孙德胜").id)
        told = dict(session.execute(sa.select(Entry.id, Entry.resident_id)).all())
    assert told == {own.id: world.resident("李秀兰").id, other.id: None}


def test_saying_nothing_was_spent_twice_is_once(li, wang):
    with db.transaction() as session:
        ledger.none_today(act(wang), li)
        ledger.none_today(act(wang), li)
        assert session.scalars(sa.select(QuietDay.day)).all() == [clock.today()]


def test_an_entry_belongs_to_the_day_of_its_act(li, wang):
    deed = act(wang, at=clock.now() - timedelta(days=3))
    with db.transaction() as session:
        ledger.spend(deed, li, 100, "EX-VEG", "cash")
        assert session.scalars(sa.select(Entry.day)).one() == clock.today() - timedelta(days=3)


# ---- what the database refuses ----


def entry_row(book: Book, **facts) -> dict:
    return {
        "id": ids.new(), "book_id": book.id, "household_id": book.household_id, "day": clock.today(), "kind": "spend",
        "side": "out", "category": "EX-VEG", "source": "cash", "fen": -100, "words": "", "at": clock.now(),
        "made_at": clock.now(), "author_id": ids.new(), "seen": False, "slip": False, **facts,
    }  # fmt: skip


def write(book: Book, legs: dict[str, int], **facts) -> uuid.UUID:
    row = entry_row(book, **facts)
    session = db.session()
    for account, fen in legs.items():
        session.execute(sa.insert(Posting), {"entry_id": row["id"], "account": account, "book_id": book.id, "fen": fen})
    session.execute(sa.insert(Entry), row)
    return row["id"]


@pytest.fixture
def book(li, wang) -> Book:
    with db.transaction() as session:
        ledger.spend(act(wang), li, 500, "EX-VEG", "cash")
        return session.scalars(sa.select(Book).where(Book.household_id == li)).one()


REFUSED = {
    "postings sum to zero": lambda book: write(book, {"cash": -100, "out:EX-VEG": 99}),
    "two postings or more": lambda book: write(book, {"cash": -100}),
    "says what it does": lambda book: write(book, {"cash": -100, "out:EX-VEG": 100}, fen=-99),
    "undoes its target": lambda book: write(
        book, {"cash": 400, "out:EX-VEG": -400}, kind="reverse", fen=400, reversal_of=db.session().scalar(sa.select(Entry.id))
    ),
    "one book": lambda book: write(book, {"cash": -100, "out:EX-VEG": 100}, household_id=ids.new()),
    "entries are never changed": lambda book: db.session().execute(sa.text("update book_entry set words = 'x'")),
    "postings are never changed": lambda book: db.session().execute(sa.text("update posting set fen = 1")),
    "receipts are never changed": lambda book: _hang_and_drop(),
    "no further posting": lambda book: db.session().execute(
        sa.insert(Posting),
        {"entry_id": db.session().scalar(sa.select(Entry.id)), "account": "org", "book_id": book.id, "fen": 0},
    ),
    "written once": lambda book: db.session().execute(
        sa.insert(Entry), entry_row(book, id=db.session().scalar(sa.select(Entry.id)))
    ),
}


def _hang_and_drop() -> None:
    session = db.session()
    row = {"entry_id": session.scalar(sa.select(Entry.id)), "sha256": "c" * 64, "at": clock.now(), "author_id": ids.new()}
    session.execute(sa.insert(EntryReceipt), row)
    session.execute(sa.delete(EntryReceipt))


@pytest.mark.parametrize("words", REFUSED)
def test_the_database_itself_refuses(book, words):
    with pytest.raises(sa.exc.DBAPIError, match=words), db.transaction():
        REFUSED[words](book)


@pytest.mark.parametrize("table", ["book_entry", "posting"])
def test_nothing_in_the_book_can_be_deleted(book, table):
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), db.transaction() as session:
        session.execute(sa.text(f"delete from {table}"))


def test_a_posting_without_an_entry_does_not_survive_commit(book):
    with pytest.raises(sa.exc.IntegrityError), db.transaction() as session:
        session.execute(sa.insert(Posting), {"entry_id": ids.new(), "account": "cash", "book_id": book.id, "fen": 0})


@pytest.mark.parametrize("change", ["insert or replace", "replace"])
def test_sqlites_replace_finds_no_way_around(book, app, change):
    if db.database().engine.dialect.name != "sqlite":
        pytest.skip("only SQLite has REPLACE")
    with pytest.raises(sa.exc.DBAPIError, match=r"written once|no further posting"), db.transaction() as session:
        session.execute(sa.text(f"{change} into posting select * from posting"))
    with pytest.raises(sa.exc.DBAPIError, match="written once"), db.transaction() as session:
        session.execute(sa.text(f"{change} into book_entry select * from book_entry"))


# ---- through the inbox ----


def envelope(app, author: uuid.UUID, body: dict, photos: list[dict] | None = None, kind: str = "ledger.spend") -> dict:
    return inbox.plain(kind, body, photos or [], author=author, key=ids.new(), made_at=clock.now())


def test_a_spend_arrives_by_the_inbox_and_told_twice_is_one_entry(app, li, wang):
    told = envelope(
        app, wang, {"household": str(li), "amount_fen": 3650, "category": "EX-VEG", "source": "cash", "things": ["青菜"]}
    )
    assert [inbox.receive(told, None).state for _ in range(2)] == ["applied", "applied"]
    rows = db.session().execute(sa.select(Entry.id, Entry.fen, Entry.words)).all()
    assert [(str(row.id), row.fen, row.words) for row in rows] == [(told["id"], -3650, "青菜")]


def test_a_spend_of_a_household_she_may_not_enter_waits_with_the_station(app, li, world):
    told = envelope(
        app, world.account("zhao").id, {"household": str(li), "amount_fen": 100, "category": "EX-VEG", "source": "cash"}
    )
    receipt = inbox.receive(told, None)
    assert (receipt.state, "站里" in receipt.say) == ("quarantined", True)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("ledger.receive", {"amount_fen": 100, "category": "IN-FAM", "source": "cash"}),
        ("ledger.spend", {"amount_fen": 100, "category": "EX-OLD", "source": "wallet", "market_seen": True, "agreed": "elder"}),
        ("ledger.none_today", {}),
    ],
)
def test_the_shortest_body_a_phone_may_send_is_applied(app, li, wang, kind, body):
    assert inbox.receive(envelope(app, wang, {"household": str(li), **body}, kind=kind), None).state == "applied"


CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET CONSTRAINTS", "PRAGMA")


@pytest.mark.parametrize("kind", ["plain", "photo and flags"])
def test_a_spend_costs_at_most_ten_statements_inside_its_transaction(app, li, wang, kind):
    inbox.receive(envelope(app, wang, {"household": str(li), "amount_fen": 1, "category": "EX-VEG", "source": "cash"}), None)
    db.undo()
    photos = [{"field": "receipt", "sha256": "d" * 64, "size": 9, "type": "image/jpeg"}] if kind != "plain" else []
    fen = 60000 if photos else 1000
    told = envelope(app, wang, {"household": str(li), "amount_fen": fen, "category": "EX-VEG", "source": "cash"}, photos)
    seen: list[str] = []

    def count(connection, _cursor, statement, *_rest):
        if connection.get_execution_options().get("read_only") is None and not statement.strip().upper().startswith(CONTROL):
            seen.append(statement)

    engine = db.database().engine
    sa.event.listen(engine, "before_cursor_execute", count)
    receipt = inbox.receive(told, None)
    sa.event.remove(engine, "before_cursor_execute", count)
    assert receipt.state == "applied"
    assert len(seen) <= 10, "\n\n".join(seen)


# ---- any history ----

DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("spend"), st.sampled_from(["cash", "advance", "wallet"]), st.integers(1, 10**7)),
        st.tuples(st.just("receive"), st.sampled_from(["cash", "advance", "wallet"]), st.integers(1, 10**7)),
        st.tuples(st.just("reverse"), st.just(""), st.integers(0, 30)),
    ),
    max_size=12,
)


class Undo(Exception):
    """Rolls an example's history back."""


@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_any_history_sums_to_zero_and_the_cached_balance_is_the_sum(li, wang, deeds):
    expected, past = {"cash": 0, "advance": 0, "wallet": 0}, []
    try:
        with db.transaction() as session:
            ledger.open_book(li, clock.today())
            for verb, source, value in deeds:
                deed = act(wang)
                if verb == "reverse":
                    if past:
                        target, undone, fen = past.pop(value % len(past))
                        ledger.reverse(deed, target, "冲掉")
                        expected[undone] -= fen
                    continue
                if verb == "spend":
                    ledger.spend(deed, li, value, "EX-VEG", source)
                else:
                    ledger.receive(deed, li, value, "IN-FAM", source)
                fen = value if verb == "receive" else -value
                past.append((deed.id, source, fen))
                expected[source] += fen
            assert held(li) == tuple(expected.values())
            assert not session.scalar(sa.select(sa.func.sum(Posting.fen)))
            assert not session.execute(
                sa.select(Posting.entry_id).group_by(Posting.entry_id).having(sa.func.sum(Posting.fen) != 0)
            ).all()
            summed = dict(session.execute(sa.select(Posting.account, sa.func.sum(Posting.fen)).group_by(Posting.account)).all())
            assert {account: int(summed.get(account) or 0) for account in expected} == expected
            raise Undo
    except Undo:
        pass


def test_the_audit_chain_tells_of_every_posting(li, wang):
    with db.transaction():
        ledger.spend(act(wang), li, 100, "EX-VEG", "cash")
    assert audit.verify(db.reading()) == []
    assert "ledger.spend" in db.reading().scalars(sa.select(audit.Entry.body).order_by(audit.Entry.at.desc()).limit(1)).one()
