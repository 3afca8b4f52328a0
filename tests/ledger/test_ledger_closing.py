"""Agreement, counts, closed months, handing over, the end of a book: what each promises, on both databases."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from tests.ledger.acts import act
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.ledger import agreeing, closing, confirming, counting, lines, queries
from webapp.ledger import models as ledger
from webapp.ledger.rows import Book, BookEnd, Closing, Confirmation, Count, Entry, EntryFlag, Handover, Posting
from webapp.ledger.rules import Terms
from webapp.people.models import HomeCareUnit
from webapp.store import db, files

LAST = Month.of(clock.today()).previous()
NOON = clock.instant(LAST.last - timedelta(days=3), 720)


@pytest.fixture
def li(app, world) -> uuid.UUID:
    return world.household("李秀兰").id


@pytest.fixture
def wang(app, world) -> uuid.UUID:
    return world.account("wang").id


@pytest.fixture
def zhou(app, world) -> uuid.UUID:
    return world.account("zhou").id


def lived(li, wang) -> uuid.UUID:
    """Last month: 300 in, 58 out for medicine; the medicine's key."""
    deed = act(wang, at=NOON)
    ledger.receive(act(wang, at=NOON - timedelta(days=2)), li, 30000, "IN-FAM", "cash", giver="李敏")
    ledger.spend(deed, li, 5800, "EX-MED", "cash")
    return deed.id


def counted(li, wang, cash: int, words: str = "", at=None, kind: str = "month", **more):
    files.want("e" * 64, 9)
    deed = act(wang, at=at or clock.instant(LAST.last, 900), kind="ledger.count")
    if "side" not in more:
        more = {"side": "resident", "name": "李秀兰", "how": "witness", "witness": "邻居吴", **more}
    counting.count(deed, li, kind, cash, month=str(LAST), words=words, **more)
    return deed.id


def codes(entry: uuid.UUID) -> list[str]:
    ask = sa.select(EntryFlag.code).where(EntryFlag.entry_id == entry, EntryFlag.settled_at.is_(None))
    return sorted(db.session().scalars(ask))


def cash(li) -> int:
    return queries.balance(li).cash_fen


# -- the agreement --


def test_without_an_agreement_there_is_no_book(app, world, wang):
    with db.transaction() as session:
        from_scratch = session.scalars(sa.select(Book).where(Book.household_id == world.household("张福贵").id)).one()
        session.delete(from_scratch)
    with pytest.raises(Refusal, match="no_agreement"), db.transaction():
        ledger.spend(act(wang), world.household("张福贵").id, 100, "EX-VEG", "cash")


def test_a_new_agreement_holds_from_its_day_and_its_limits_judge_the_entries_of_that_day(li, wang, zhou):
    with db.transaction():
        agreeing.agree(li, "李敏", "老人", Terms(2000, 5000, 0, 20000), zhou)
        with pytest.raises(Refusal, match="since"):
            agreeing.agree(li, "李敏", "老人", Terms(2000, 5000, 0, 20000), zhou, since=date(2025, 1, 1))
        files.want("a" * 64, 9)
        old, new = act(wang, "a" * 64, at=clock.now() - timedelta(days=2)), act(wang, "b" * 64)
        files.want("b" * 64, 9)
        ledger.receive(act(wang, at=clock.now() - timedelta(days=3)), li, 20000, "IN-FAM", "cash")
        ledger.spend(old, li, 6000, "EX-DAI", "cash")
        ledger.spend(new, li, 6000, "EX-DAI", "cash")
        assert (codes(old.id), codes(new.id)) == ([], ["ASK_FIRST"])


def test_a_relative_keeps_the_book_only_if_asked(li, zhou):
    with db.transaction() as session:
        session.execute(sa.update(HomeCareUnit).where(HomeCareUnit.household_id == li).values(relative=True))
        with pytest.raises(Refusal, match="asked_by"):
            agreeing.agree(li, "李敏", "老人", Terms(2000, 20000, 0, 50000), zhou)
        agreeing.agree(li, "李敏", "老人", Terms(2000, 20000, 0, 50000), zhou, asked_by="李敏")


def test_what_happened_before_the_book_is_taken_and_said(li, wang, world, zhou):
    with db.transaction() as session:
        session.execute(sa.update(Book).where(Book.household_id == li).values(opened_on=clock.today()))
        early = act(wang, at=clock.now() - timedelta(days=5))
        ledger.spend(early, li, 100, "EX-VEG", "advance")
        assert codes(early.id) == ["EARLY"]


# -- patterns --


def test_a_large_sum_in_small_ones_and_many_round_ones_are_seen(li, wang):
    with db.transaction():
        ledger.receive(act(wang, at=NOON - timedelta(days=2)), li, 50000, "IN-FAM", "cash")
        first, second = act(wang, at=NOON), act(wang, at=NOON + timedelta(hours=1))
        ledger.spend(first, li, 15001, "EX-CLO", "cash")
        ledger.spend(second, li, 15001, "EX-CLO", "cash")
        assert ("SPLIT" in codes(first.id), "SPLIT" in codes(second.id)) == (False, True)
        rounds = [act(wang, at=NOON + timedelta(hours=n)) for n in range(2, 7)]
        for deed in rounds:
            ledger.spend(deed, li, 1000, "EX-VEG", "cash")
        assert ["ROUND" in codes(deed.id) for deed in rounds] == [False, False, False, False, True]


def test_consent_by_kin_answers_a_large_spend_and_her_own_word_does_not(li, wang, world):
    with db.transaction() as session:
        deed = act(wang)
        ledger.spend(deed, li, 30000, "EX-AID", "advance", agreed="family")
        assert "ASK_FIRST" in codes(deed.id)
        with pytest.raises(Refusal, match="own"):
            confirming.say(actor(world, "wang"), "王桂芳", deed.id, li)
        with pytest.raises(Refusal, match="how"):
            confirming.take_down(act(wang), deed.id, "kin", "李敏", "phone")
        with pytest.raises(Refusal, match="proof"):
            confirming.take_down(act(wang), deed.id, "resident", "李秀兰", "thumb")
        assert "ASK_FIRST" in codes(deed.id)
        confirming.say(actor(world, "limin"), "李敏", deed.id, li)
        assert "ASK_FIRST" not in codes(deed.id)
        assert session.scalars(sa.select(Confirmation.side).where(Confirmation.subject_id == deed.id)).all() == ["kin"]


class Who:
    def __init__(self, world, name: str) -> None:
        account = world.account(name)
        self.account_id, self.person_id = account.id, account.person_id
        self.role = {"wang": "caregiver", "limin": "kin", "zhou": "station_head"}[name]


def actor(world, name: str):
    return Who(world, name)


# -- months --


def test_a_month_is_closed_after_a_count_and_two_confirmations_and_its_difference_is_explained(li, wang, zhou):
    with db.transaction() as session:
        lived(li, wang)
        with pytest.raises(Refusal, match="not_counted"):
            closing.close(li, LAST, zhou)
        counted(li, wang, 24000, side=None)
        with pytest.raises(Refusal, match="not_confirmed"):
            closing.close(li, LAST, zhou)
        counted(li, wang, 24000, at=clock.instant(LAST.last, 901))
        with pytest.raises(Refusal, match="words"):
            closing.close(li, LAST, zhou)
        made = closing.close(li, LAST, zhou, "找零少给了")
        assert (made.opening_fen, made.in_fen, made.out_fen, made.closing_fen, made.differ_fen) == (0, 30000, 6000, 24000, -200)
        assert cash(li) == 24000
        assert [each[0] for each in made.confirmed] == ["caregiver", "resident"]
        with pytest.raises(Refusal, match="closed"):
            closing.close(li, LAST, zhou)
        assert closing.broken(li) == [] and queries.disagreements() == []
        assert session.scalar(sa.select(sa.func.count(Count.id))) == 2


def test_a_small_difference_counts_as_equal_and_a_month_that_is_not_over_stays_open(li, wang, zhou):
    with db.transaction():
        lived(li, wang)
        counted(li, wang, 24200 - 100)
        with pytest.raises(Refusal, match="not_over"):
            closing.close(li, Month.of(clock.today()), zhou)
        assert closing.close(li, LAST, zhou).differ_fen == -100


def test_late_lines_lower_the_difference_before_the_close_and_stand_in_the_next_month_after_it(li, wang, zhou):
    with db.transaction() as session:
        lived(li, wang)
        counted(li, wang, 23000, "大概是菜钱")
        ledger.spend(act(wang, at=NOON + timedelta(hours=5)), li, 1200, "EX-VEG", "cash")
        made = closing.close(li, LAST, zhou)
        assert made.differ_fen == 0
        late = act(wang, at=NOON + timedelta(hours=6))
        assert ledger.spend(late, li, 500, "EX-VEG", "cash") == ledger.SHUT_SAY
        assert session.get_one(Entry, late.id).day == LAST.last + timedelta(days=1)
        assert "SHUT" in codes(late.id)
        assert closing.broken(li) == []


def test_a_correction_of_a_closed_month_stands_in_the_next(li, wang, zhou):
    with db.transaction() as session:
        medicine = lived(li, wang)
        counted(li, wang, 24200)
        closing.close(li, LAST, zhou)
        deed = act(wang)
        ledger.reverse(deed, medicine, "钱数错了")
        assert session.get_one(Entry, deed.id).day > LAST.last
        assert closing.broken(li) == [] and cash(li) == 30000


def test_the_database_itself_refuses_a_line_in_a_shut_month(li, wang, zhou):
    with db.transaction():
        lived(li, wang)
        counted(li, wang, 24200)
        closing.close(li, LAST, zhou)
    with pytest.raises(sa.exc.DBAPIError, match="shut month"), db.transaction():
        write_into(act(wang, at=NOON), li)


def write_into(deed, li) -> None:
    legs = ledger.rules.spent("cash", "EX-VEG", 100)
    facts = {"side": "out", "category": "EX-VEG", "source": "cash", "fen": -100}
    ledger.post(ledger.locked(deed, li), deed, "spend", legs, day=LAST.last, **facts)


@pytest.mark.parametrize("table", ["book_count", "book_confirmation", "book_closing", "shut_month", "book_end", "book_handover"])
@pytest.mark.parametrize("deed", ["update", "delete"])
def test_what_was_counted_confirmed_and_closed_is_never_changed(li, wang, zhou, table, deed, world):
    with db.transaction():
        lived(li, wang)
        counted(li, wang, 24200)
        closing.close(li, LAST, zhou)
        counting.take_over_alone(li, wang, world.account("qian").id, 24200, 0, "联系不上", "李秀兰", "吴", zhou)
        closing.end(li, "ended", 24200, 0, "李敏", "吴", "", zhou)
    sentence = f"update {table} set household_id = household_id" if deed == "update" else f"delete from {table}"
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), db.transaction() as session:
        session.execute(sa.text(sentence))


def test_a_relative_never_confirms_her_own(li, wang, zhou, world):
    with db.transaction() as session:
        session.execute(sa.update(HomeCareUnit).where(HomeCareUnit.household_id == li).values(relative=True))
        lived(li, wang)
        key = counted(li, wang, 24200)
        with pytest.raises(Refusal, match="not_confirmed"):
            closing.close(li, LAST, zhou)
        confirming.say(actor(world, "limin"), "李敏", key, li)
        closing.close(li, LAST, zhou)


# -- from one caregiver to the next, and the end --


def test_the_next_caregiver_confirms_and_the_cash_is_hers(li, wang, world, zhou):
    with db.transaction() as session:
        lived(li, wang)
        key = counted(li, wang, 24000, "少了两块", kind="handover")
        row = session.get_one(Count, key)
        with pytest.raises(Refusal, match="own"):
            counting.take_over(row, wang)
        counting.take_over(row, world.account("qian").id)
        with pytest.raises(Refusal, match="taken_over"):
            counting.take_over(row, world.account("qian").id)
        assert cash(li) == 24000
        assert session.scalars(sa.select(Handover.alone)).all() == [False]


def test_what_a_former_caregiver_left_short_stands_as_hers_and_her_late_records_lower_it(li, wang, world, zhou):
    with db.transaction() as session:
        lived(li, wang)
        counting.take_over_alone(li, wang, world.account("qian").id, 20000, 0, "电话打不通", "李秀兰", "邻居吴", zhou)
        book = session.scalars(sa.select(Book).where(Book.household_id == li)).one()
        assert (book.cash_fen, book.owed_fen) == (20000, 4200)
        assert session.scalars(sa.select(EntryFlag.code).where(EntryFlag.code == "OWED")).all() == ["OWED"]
        ledger.spend(act(wang, at=NOON + timedelta(hours=3)), li, 1200, "EX-VEG", "cash")
        session.refresh(book)
        assert (book.cash_fen, book.owed_fen) == (20000, 3000)
        counting.pay_back(li, 3000, "她女儿送来的", zhou)
        session.refresh(book)
        assert (book.cash_fen, book.owed_fen) == (23000, 0)
        with pytest.raises(Refusal, match="amount_fen"):
            counting.pay_back(li, 1, "多还的", zhou)
        assert queries.disagreements() == []


def test_a_book_ends_with_everything_given_back(li, wang, zhou):
    with db.transaction() as session:
        lived(li, wang)
        with pytest.raises(Refusal, match="words"):
            closing.end(li, "death", 20000, 0, "李敏", "邻居吴", "", zhou)
        ended = closing.end(li, "death", 20000, 0, "李敏", "邻居吴", "住院那天急，没记上", zhou)
        assert (ended.back_fen, cash(li)) == (20000, 0)
        with pytest.raises(Refusal, match=r"ended|closed"):
            closing.end(li, "death", 0, 0, "李敏", "邻居吴", "", zhou)
        late = act(wang, at=NOON)
        ledger.spend(late, li, 100, "EX-VEG", "advance")
        assert "SHUT" in codes(late.id)
        assert session.scalars(sa.select(BookEnd.why)).all() == ["death"]
        assert closing.broken(li) == [] and session.scalar(sa.select(sa.func.count(Closing.id))) == 1


def test_what_she_laid_out_is_settled_when_the_book_ends(li, wang, zhou):
    with db.transaction():
        lived(li, wang)
        ledger.spend(act(wang, at=NOON), li, 3000, "EX-VEG", "advance")
    with pytest.raises(Refusal, match="advance"), db.transaction():
        closing.end(li, "ended", 24200, 0, "李敏", "邻居吴", "", zhou)
    with pytest.raises(Refusal, match="advance"), db.transaction():
        closing.end(li, "ended", 2000, 0, "李敏", "邻居吴", "少了", zhou, advance="cash")
    with db.transaction() as session:
        ended = closing.end(li, "ended", 24200, 0, "李敏", "邻居吴", "", zhou, advance="cash")
        book = session.scalars(sa.select(Book).where(Book.household_id == li)).one()
        assert (ended.back_fen, book.cash_fen, book.advance_fen) == (21200, 0, 0)
        assert closing.broken(li) == [] and queries.disagreements() == []


@pytest.mark.parametrize(("how", "account"), [("family", "in:IN-FAM"), ("waived", "diff")])
def test_the_family_pays_her_or_she_wants_none_of_it(li, wang, zhou, how, account):
    with db.transaction() as session:
        lived(li, wang)
        ledger.spend(act(wang, at=NOON), li, 3000, "EX-VEG", "advance")
        assert closing.end(li, "ended", 24200, 0, "李敏", "邻居吴", "", zhou, advance=how).back_fen == 24200
        ask = sa.select(Posting.account, Posting.fen).join(Entry, Entry.id == Posting.entry_id)
        paid = ask.where(Entry.source == "advance", Entry.kind == "move", Posting.account != "advance")
        assert session.execute(paid).all() == [(account, -3000)]


def test_what_she_took_back_too_much_she_owes_when_the_book_ends_and_pays_it_to_the_family(li, wang, zhou):
    with db.transaction() as session:
        lived(li, wang)
        deed = act(wang, at=NOON)
        ledger.repay(deed, li, 1000, "cash")
        assert codes(deed.id) == ["OVER_BACK"]
        closing.end(li, "ended", 23200, 0, "李敏", "邻居吴", "", zhou)
        book = session.scalars(sa.select(Book).where(Book.household_id == li)).one()
        assert (book.advance_fen, book.owed_fen) == (0, 1000)
        counting.pay_back(li, 1000, "她送来的", zhou)
        session.refresh(book)
        assert (book.cash_fen, book.owed_fen) == (0, 0)


def test_she_takes_back_what_she_laid_out_and_the_cash_of_the_statement_still_adds_up(li, wang, zhou):
    with db.transaction():
        lived(li, wang)
        ledger.spend(act(wang, at=NOON), li, 3000, "EX-VEG", "advance")
        deed = act(wang, at=NOON + timedelta(hours=1))
        ledger.repay(deed, li, 2000, "cash")
        assert codes(deed.id) == [] and queries.balance(li).advance_fen == -1000
        counted(li, wang, 22200)
        told = closing.statement(closing.close(li, LAST, zhou))
        sums = [told[name] for name in ("opening", "in", "out", "repaid", "closing", "laid_out", "advance", "wallet")]
        assert sums == [0, 30000, 5800, 2000, 22200, 3000, 1000, 0]
        ledger.reverse(act(wang), deed.id, "钱数错了")
        assert queries.balance(li).advance_fen == -3000 and closing.broken(li) == []


def test_whatever_comes_late_never_moves_cash_that_was_counted_without_her(li, wang, world, zhou):
    with db.transaction() as session:
        medicine = lived(li, wang)
        counting.take_over_alone(li, wang, world.account("qian").id, 20000, 0, "电话打不通", "李秀兰", "邻居吴", zhou)
        book = session.scalars(sa.select(Book).where(Book.household_id == li)).one()
        assert (book.cash_fen, book.owed_fen) == (20000, 4200)
        ledger.reverse(act(wang, at=NOON + timedelta(hours=2)), medicine, "钱数错了")
        session.refresh(book)
        assert (book.cash_fen, book.owed_fen) == (20000, 4200 + 5800)
        gift = act(wang, at=NOON + timedelta(hours=3))
        ledger.receive(gift, li, 700, "IN-FAM", "cash")
        session.refresh(book)
        assert (book.cash_fen, book.owed_fen) == (20000, 10700)
        ledger.reverse(act(wang, at=NOON + timedelta(hours=4)), gift.id, "钱数错了")
        session.refresh(book)
        assert (book.cash_fen, book.owed_fen) == (20000, 10000) and queries.disagreements() == []


def test_what_comes_after_the_end_explains_the_difference_and_leaves_the_cash_at_nothing(li, wang, zhou):
    with db.transaction() as session:
        medicine = lived(li, wang)
        closing.end(li, "death", 20000, 0, "李敏", "邻居吴", "住院那天急", zhou)
        ledger.spend(act(wang, at=NOON), li, 4200, "EX-VEG", "cash")
        ledger.reverse(act(wang), medicine, "钱数错了")
        book = session.scalars(sa.select(Book).where(Book.household_id == li)).one()
        gap = sa.select(sa.func.sum(Posting.fen)).where(Posting.book_id == book.id, Posting.account == "diff")
        assert (book.cash_fen, session.scalar(gap)) == (0, 5800)
        assert closing.broken(li) == [] and queries.disagreements() == []


@pytest.mark.parametrize("lacking", [{"how": None}, {"how": "witness", "witness": ""}, {"how": "thumb"}])
def test_a_count_stands_though_the_others_word_is_not_told_as_it_must_be(li, wang, lacking):
    with db.transaction() as session:
        lived(li, wang)
        key = counted(li, wang, 24000, **{"side": "resident", "name": "李秀兰"} | lacking)
        assert session.get_one(Count, key).cash_fen == 24000
        assert [each.side for each in confirming.of([key])[key]] == ["caregiver"]


def test_a_sum_for_both_is_split_to_the_fen(world, wang):
    zhang = world.household("张福贵").id
    with db.transaction():
        deed = act(wang)
        ledger.spend(deed, zhang, 1001, "EX-VEG", "advance", shared=True)
        assert lines.beside(deed.id).shares == [("张福贵", 501), ("刘淑珍", 500)]
