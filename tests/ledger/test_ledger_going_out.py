"""What goes out: Beancount that bean-check accepts with our balances, tables that stay tables, a statement that says the same."""

from __future__ import annotations

import copy
import csv
import io
import random
import uuid
from datetime import timedelta

import openpyxl
import pytest
from beancount.core import inventory
from beancount.loader import load_string
from beancount.ops import validation

from tests.cards import reading
from tests.ledger.acts import act
from tests.ledger.histories import History
from tests.ledger.test_ledger_closing import LAST, counted, lived
from webapp.kit import clock, money
from webapp.kit.month import Month
from webapp.ledger import closing, exporting, printing, queries
from webapp.ledger import models as ledger
from webapp.ledger.exporting import Home
from webapp.store import db, rulebook


@pytest.fixture
def li(app, world) -> uuid.UUID:
    return world.household("李秀兰").id


def home(world, name: str = "李秀兰") -> Home:
    row = world.household(name)
    return Home(row.id, row.number, row.name)


def checked(text: str) -> dict[str, int]:
    """The balances that Beancount finds, fen by account; its errors fail."""
    entries, errors, _options = load_string(text, extra_validations=validation.HARDCORE_VALIDATIONS)
    assert not errors, errors[:3]
    held: dict[str, inventory.Inventory] = {}
    for entry in entries:
        for posting in getattr(entry, "postings", ()):
            held.setdefault(posting.account, inventory.Inventory()).add_amount(posting.units)
    return {name: int(each.get_currency_units("CNY").number * 100) for name, each in held.items()}


def test_two_hundred_random_histories_are_accepted_and_their_balances_are_ours(app, world):
    """Each under account names of its own, so that one reading judges all of them."""
    chosen, texts, ours = [home(world), home(world, "张福贵")], [], {}
    for seed in range(200 if app.extensions["db"].engine.dialect.name == "sqlite" else 10):
        history = History(world, random.Random(seed))
        with history.tried():
            history.live(6)
            text = exporting.write("beancount", chosen, None, clock.today() + timedelta(days=1)).decode()
            for each in chosen:
                text = text.replace(f":{each.number}", f":{each.number}S{seed}")
                for name, fen in history.held(each.id).items():
                    ours[exporting.account_of(f"{each.number}S{seed}", name)] = fen
            texts.append(text.partition('CNY"\n')[2])
    told = checked("\n".join(texts))
    assert {name: told.get(name, 0) for name in ours} == ours
    assert sum(fen != 0 for fen in ours.values()) > len(texts)


def test_a_period_begins_with_what_was_held_before_it(app, world, li):
    wang = world.account("wang").id
    with db.transaction():
        lived(li, wang)
        ledger.spend(act(wang), li, 1200, "EX-VEG", "cash", words='带 "引号" 和 \\')
        told = checked(exporting.write("beancount", [home(world)], clock.today().replace(day=1), clock.today()).decode())
        assert told[exporting.account_of(home(world).number, "cash")] == queries.balance(li).cash_fen


def test_tables_hold_every_line_and_no_formula(app, world, li):
    wang = world.account("wang").id
    with db.transaction():
        ledger.spend(act(wang), li, 1200, "EX-VEG", "cash", words="=1+1")
        rows = list(csv.reader(io.StringIO(exporting.write("csv", [home(world)], None, clock.today()).decode("utf-8-sig"))))
        assert (rows[1][7], rows[1][8]) == ("-12.00", "'=1+1")
        sheet = openpyxl.load_workbook(io.BytesIO(exporting.write("xlsx", [home(world)], None, clock.today()))).active
        assert (sheet["H2"].value, sheet["I2"].value, sheet["I2"].data_type) == (-12, "=1+1", "s")


def test_a_statement_says_what_the_closed_month_says(app, world, li):
    wang, zhou = world.account("wang").id, world.account("zhou").id
    with db.transaction():
        lived(li, wang)
        counted(li, wang, 24000, "找零少给了")
        row = closing.close(li, LAST, zhou)
        body = printing.statement_pdf(closing.statement(row), row.digest)
    text = reading.words(body)
    for said in ("300.00", money.show(-5800), "240.00", money.show(-200), row.digest[:20], "李秀兰", "找零少给了"):
        assert said in text, said


def test_any_days_of_a_book_go_out_as_paper_that_adds_up(app, world, li):
    wang = world.account("wang").id
    with db.transaction():
        lived(li, wang)
        ledger.spend(act(wang), li, 1200, "EX-VEG", "cash", words="萝卜")
        since = clock.today().replace(day=1)
        text = reading.words(exporting.write("pdf", [home(world)], since, clock.today()))
        assert "萝卜" in text and "降压药" not in text
        before, after = queries.sums(li, Month.of(since), queries.balance(li)).opening_fen, queries.balance(li).cash_fen
    for said in (money.show(before), money.show(-1200), money.show(after), home(world).number):
        assert said in text, said


def test_a_category_that_is_offered_no_more_keeps_its_name(app, world, li):
    own = copy.deepcopy(rulebook.default("money"))
    own["expense"].append({"code": "EX-OWN", "zh": "花鸟", "en": "Birds", "receipt": "from_threshold"})
    station, wang = world.place("songling").id, world.account("wang").id
    with db.transaction():
        rulebook.put("money", own, clock.today(), station)
    with db.transaction():
        ledger.spend(act(wang), li, 900, "EX-OWN", "cash")
    with db.transaction():
        rulebook.put("money", rulebook.default("money"), clock.today(), station)
    client = world.client("wang")
    assert "花鸟" in client.get(f"/households/{li}/book").text
    assert "花鸟" not in client.get(f"/households/{li}/book/spend").text
    with db.transaction():
        ledger.spend(act(wang), li, 800, "EX-OWN", "cash")
        assert queries.balance(li).cash_fen == -1700


@pytest.mark.parametrize("kind", ["csv", "xlsx", "beancount"])
def test_the_page_and_the_command_give_the_same_file(app, world, li, tmp_path, kind):
    with db.transaction():
        lived(li, world.account("wang").id)
    number = home(world).number
    answer = world.client("zhou").get(f"/book/export?format={kind}&household={number}")
    assert (answer.status_code, "attachment" in answer.headers["Content-Disposition"]) == (200, True)
    out = tmp_path / "books"
    done = app.test_cli_runner().invoke(args=["export", "books", "--household", number, "--format", kind, "--out", str(out)])
    assert done.exit_code == 0, done.output
    if kind != "xlsx":
        assert out.read_bytes() == answer.data


def test_nobody_exports_a_book_out_of_reach(app, world, li):
    answer = world.client("he").get(f"/book/export?format=csv&household={home(world).number}")
    assert (answer.status_code, "没找到这一户" in answer.text) == (422, True)
