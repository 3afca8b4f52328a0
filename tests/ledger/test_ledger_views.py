"""The book's pages: tried by one who may and one who may not."""

from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from tests.house.test_queries import heard
from tests.ledger.acts import act
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.ledger import confirming, counting, queries
from webapp.ledger import lines as book_lines
from webapp.ledger import models as ledger
from webapp.ledger.models import Entry, EntryFlag, EntryReceipt, Posting, QuietDay
from webapp.ledger.posting import Stamp
from webapp.store import db, inbox
from webapp.store.types import Uuid


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 60), (200, 180, 90)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def li(app, world) -> uuid.UUID:
    return world.household("李秀兰").id


@pytest.fixture
def medicine(app, world, li) -> uuid.UUID:
    """A spend without its receipt."""
    deed = act(world.account("wang").id)
    with db.transaction():
        ledger.receive(act(world.account("wang").id), li, 30000, "IN-FAM", "cash", giver="李敏")
        ledger.spend(deed, li, 5800, "EX-MED", "cash", words="降压药")
    return deed.id


def marks(client, url: str) -> dict[str, str]:
    """The hidden fields a page without scripts posts back."""
    page = client.get(url).get_data(as_text=True)
    return dict(re.findall(r'type="hidden" name="(id|made_at|seal)" value="([^"]*)"', page))


def spend(client, home: uuid.UUID, **changes):
    url = f"/households/{home}/book/spend"
    form = {"household": str(home), "amount_fen": "36.50", "category": "EX-VEG", "source": "cash", **marks(client, url)}
    return client.post(url, data={**form, **changes}, content_type="multipart/form-data")


def test_a_spend_without_a_script_is_written_once_however_often_it_is_tapped(app, world, li):
    client = world.client("wang")
    url = f"/households/{li}/book/spend"
    form = {
        "household": str(li),
        "amount_fen": "36.50",
        "category": "EX-VEG",
        "source": "cash",
        "things": ["青菜", "豆腐"],
        **marks(client, url),
    }
    assert [client.post(url, data=form).status_code for _ in range(2)] == [303, 303]
    assert db.session().execute(sa.select(Entry.fen, Entry.words)).all() == [(-3650, "青菜、豆腐")]


def test_a_spend_brings_its_photo_and_only_who_may_see_the_book_sees_it(app, world, li):
    assert spend(world.client("wang"), li, receipt=(io.BytesIO(picture()), "a.jpg")).status_code == 303
    sha = db.session().scalars(sa.select(EntryReceipt.sha256)).one()
    seen = {name: world.client(name).get(f"/book/photos/{sha}").status_code for name in ("wang", "zhou", "zhao", "he", "limin")}
    assert seen == {"wang": 200, "zhou": 200, "zhao": 404, "he": 404, "limin": 403}


@pytest.mark.parametrize(("field", "value"), [("amount_fen", ""), ("amount_fen", "abc"), ("category", ""), ("source", "purse")])
def test_what_is_missing_comes_back_with_what_was_typed(app, world, li, field, value):
    answer = spend(world.client("wang"), li, words="降压药", **{field: value})
    assert answer.status_code == 422
    assert "降压药" in answer.get_data(as_text=True)
    assert not db.session().scalars(sa.select(Entry.id)).all()


def test_a_form_made_for_one_house_is_not_written_into_another(app, world, li):
    other = world.household("张福贵").id
    assert spend(world.client("wang"), li, household=str(other)).status_code == 422
    assert not db.session().scalars(sa.select(Entry.id)).all()


def test_money_received_is_written(app, world, li):
    client, url = world.client("wang"), f"/households/{li}/book/receive"
    form = {
        "household": str(li),
        "amount_fen": "300",
        "category": "IN-FAM",
        "source": "wallet",
        "giver": "李敏",
        **marks(client, url),
    }
    assert client.post(url, data=form).status_code == 303
    assert queries.balance(li).wallet_fen == 30000


def test_an_entry_is_reversed_after_being_asked(app, world, li, medicine):
    client, url = world.client("wang"), f"/book/entries/{medicine}/reverse"
    assert "data-confirm" in client.get(url).get_data(as_text=True)
    assert client.post(url, data={"entry": str(medicine), **marks(client, url)}).status_code == 422
    assert client.post(url, data={"entry": str(medicine), "reason": "钱数错了", **marks(client, url)}).status_code == 303
    assert queries.balance(li).cash_fen == 30000


def test_a_receipt_comes_later(app, world, medicine):
    client, url = world.client("wang"), f"/book/entries/{medicine}/receipt"
    form = {"entry": str(medicine), "receipt": (io.BytesIO(picture()), "a.jpg")}
    form |= marks(client, url)
    assert client.post(url, data=form, content_type="multipart/form-data").status_code == 303
    assert db.session().scalars(sa.select(EntryFlag.settled_words).where(EntryFlag.code == "NO_RECEIPT")).all() == ["receipt"]


def test_the_station_settles_a_flag_with_words(app, world, medicine):
    flag = db.session().scalars(sa.select(EntryFlag.id)).one()
    head, url = world.client("zhou"), f"/book/flags/{flag}/settle"
    assert head.post(url, data={"words": " "}).status_code == 422
    assert world.client("he").post(url, data={"words": "问过了"}).status_code == 404
    assert world.client("wang").post(url, data={"words": "问过了"}).status_code == 403
    assert head.post(url, data={"words": "问过药店"}).status_code == 303
    assert db.session().scalars(sa.select(EntryFlag.settled_words)).all() == ["问过药店"]


def test_nothing_spent_today_is_said_with_one_tap(app, world, li):
    client = world.client("wang")
    form = {"household": str(li), **marks(client, f"/households/{li}/book")}
    assert client.post(f"/households/{li}/book/none", data=form).status_code == 303
    assert db.session().scalars(sa.select(QuietDay.day)).all() == [clock.today()]
    assert "/book/none" not in client.get(f"/households/{li}/book").get_data(as_text=True)


WRITE = (
    "/households/{li}/book/spend",
    "/households/{li}/book/receive",
    "/book/entries/{entry}/reverse",
    "/book/entries/{entry}/receipt",
)
READ = ("/households/{li}/book", "/book/entries/{entry}")
NAMES = ("wang", "qian", "zhao", "zhou", "he", "jiang", "limin", "shen", None)


@pytest.mark.parametrize(
    ("url", "expected"),
    [(url, (200, 404, 404, 200, 404, 200, 403, 403, 303)) for url in READ]
    + [(url, (200, 404, 404, 403, 403, 403, 403, 403, 303)) for url in WRITE],
)
def test_who_may_open_a_page_of_the_book(app, world, li, medicine, url, expected):
    url = url.format(li=li, entry=medicine)
    assert tuple(world.client(name).get(url).status_code for name in NAMES) == expected


def test_money_typed_after_the_household_went_to_another_is_kept_for_the_station(app, world, li):
    form = {"household": str(li), "amount_fen": "36.50", "category": "EX-VEG", "source": "cash"}
    answer = world.client("zhao").post(f"/households/{li}/book/spend", data=form)
    assert (answer.status_code, answer.location) == (303, "/book")
    assert db.reading().scalars(sa.select(inbox.Kept.reason)).all() == ["not_assigned"]


def test_every_reader_has_a_list_of_books(app, world, medicine):
    assert "李秀兰" in world.client("wang").get("/book").get_data(as_text=True)
    assert "李秀兰" in world.client("zhou").get("/book?look=1").get_data(as_text=True)
    assert "孙德胜" not in world.client("zhou").get("/book").get_data(as_text=True)
    assert world.client("limin").get("/book").status_code == 403


def test_the_page_says_what_is_in_hand_and_what_each_line_left(app, world, li, medicine):
    page = world.client("wang").get(f"/households/{li}/book").get_data(as_text=True)
    assert 'data-value="24200">242.00' in page
    assert 'data-value="30000">300.00' in page
    assert 'data-value="5800">58.00' in page
    assert "待补票" in page


def test_a_months_sums_and_lines_agree_over_pages_and_months(app, world, li):
    wang, now = world.account("wang").id, clock.now()
    with db.transaction():
        for n in range(9):
            ledger.receive(act(wang, at=now - timedelta(days=40) + timedelta(minutes=n)), li, 1000, "IN-ADV", "cash")
        for n in range(7):
            ledger.spend(act(wang, at=now - timedelta(minutes=n)), li, 100 + n, "EX-VEG", "cash" if n % 3 else "wallet")
    month, held = Month.of(clock.today()), queries.balance(li)
    sums = queries.sums(li, month, held)
    lines, cursor = [], None
    while page := book_lines.entries(li, month, sums.closing_fen, cursor, 3):
        lines += page
        cursor = page[-1].id
    days = {clock.day_of(now - timedelta(minutes=n)) for n in range(7)}
    if days != {clock.today()}:
        pytest.skip("midnight of a month's first day passed through this test")
    assert len(lines) == 7
    assert lines[0].after_fen == held.cash_fen
    assert (sums.opening_fen, sums.closing_fen) == (9000, held.cash_fen)
    assert lines[-1].after_fen - (lines[-1].fen if lines[-1].source == "cash" else 0) == sums.opening_fen
    assert sums.out_fen == sum(100 + n for n in range(7))


def test_a_book_page_asks_the_same_few_questions_however_long_the_book(app, world, li):
    wang = world.account("wang").id

    def asked() -> int:
        with heard(app) as statements:
            assert world.client("wang").get(f"/households/{li}/book").status_code == 200
        return len(statements)

    with db.transaction():
        ledger.spend(act(wang), li, 100, "EX-VEG", "cash")
    few = asked()
    with db.transaction():
        for _n in range(20):
            ledger.spend(act(wang), li, 100, "EX-MED", "cash")
    assert asked() == few <= 6


@pytest.mark.parametrize("spoilt", ["update book set cash_fen = cash_fen + 1", "update book_month set in_fen = in_fen + 1"])
def test_what_a_book_carries_is_checked_against_its_postings(app, world, li, medicine, spoilt):
    assert queries.disagreements() == []
    with db.transaction() as session:
        session.execute(sa.text(f"{spoilt} where household_id = :li").bindparams(sa.bindparam("li", li, Uuid())))
        assert queries.disagreements() == [li]
    assert db.session().scalar(sa.select(sa.func.sum(Posting.fen))) == 0


def test_the_pages_speak_english_too(app, world, li, medicine):
    client = world.client("wang")
    client.set_cookie("lang", "en")
    for url in (f"/households/{li}/book", f"/households/{li}/book/spend", f"/book/entries/{medicine}/reverse", "/book"):
        main = client.get(url).get_data(as_text=True).partition("<main")[2]
        words = re.sub(r"<[^>]+>", " ", re.sub(r"data-words='[^']*'", "", main))
        left = set(re.findall(r"[\u4e00-\u9fff]+", words)) - {"李秀兰", "张福贵", "刘淑珍", "李敏", "降压药", "今天", "王桂芳"}
        assert left == set(), url


def test_a_shop_that_was_met_is_a_chip_and_a_typed_one_counts(app, world, li):
    client = world.client("wang")
    form = {"household": str(li), "amount_fen": "8.00", "category": "EX-VEG", "source": "cash", "things": "豆腐"}
    url = f"/households/{li}/book/spend"
    assert client.post(url, data=form | {"shop": "老李菜摊"}).status_code == 303
    assert '<input type="radio" name="shop" value="老李菜摊">' in client.get(url).text
    for typed, kept in ((["老李菜摊", ""], "老李菜摊"), (["老李菜摊", "早市"], "早市")):
        assert client.post(url, data=form | {"shop": typed}).status_code == 303
        newest = sa.select(Entry.shop).where(Entry.household_id == li).order_by(Entry.made_at.desc()).limit(1)
        assert db.reading().scalar(newest) == kept
        db.undo()


def test_the_station_writes_down_what_was_said_on_the_telephone(app, world, li):
    wang = world.account("wang").id
    with db.transaction():
        ledger.receive(act(wang), li, 5000, "IN-FAM", "cash")
        row = counting.record(Stamp(wang), li, "any", 5000, None, None, "")
        key = row.id
        confirming.write(li, key, "caregiver", "王桂芳", "own", wang, clock.now())
    head = world.client("zhou")
    assert head.post(f"/book/counts/{key}/confirm", data={"name": "李敏"}).status_code == 303
    assert "李敏 · 电话里说的" in head.get(f"/households/{li}/book/counts").text
