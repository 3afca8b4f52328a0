"""What others say and count in a caregiver's month: stars, complaints found true, findings left lying, the cash."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

import pytest
import sqlalchemy as sa

from tests.evaluations.kit import LAST, As, lay
from tests.world import World
from webapp.evaluations import behind, counting, faults, gather, models, rules
from webapp.evaluations.models import Evaluation
from webapp.inspections.models import DONE, Finding, Inspection
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.kit.refusal import Conflict, Refusal
from webapp.ledger.rows import Book, Count
from webapp.store import db
from webapp.voices import models as voices
from webapp.voices.models import Opinion

D = [LAST.first + timedelta(days=n) for n in range(12)]
STARS = "elder_opinion"


def facts(world: World, who: str = "wang") -> dict[str, object]:
    found = counting.count(LAST).get(world.person(who).id) or counting.empty()
    alone = counting.count(LAST, world.person(who).id).get(world.person(who).id) or counting.empty()
    assert found == alone, "one is counted as all are"
    return found


def opinion(world: World, name: str, stars: int, month: Month = LAST) -> None:
    elder = world.resident(name)
    db.session().add(
        Opinion(household_id=elder.household_id, resident_id=elder.id, station_id=world.person("wang").station_id or ids.new(),
                caregiver_id=world.person("wang").id, month=month.first, stars=stars, words="人好", how="visit",
                by_id=world.account("zhou").id)
    )  # fmt: skip


def counted(world: World, name: str, short: int, *, wallet: int | None = None, minute: int = 900, kind: str = "month") -> None:
    session, home = db.session(), world.household(name)
    book = session.scalars(sa.select(Book.id).where(Book.household_id == home.id)).one()
    session.add(
        Count(id=ids.new(), book_id=book, household_id=home.id, kind=kind, month=str(LAST), cash_fen=10_000 - short,
              wallet_fen=wallet, booked_cash_fen=10_000, booked_wallet_fen=0, day=LAST.last,
              at=clock.instant(LAST.last, minute), author_id=world.account("wang").id)
    )  # fmt: skip


def finding(world: World, day: object, *, fixed: object = None, severity: str = "minor") -> None:
    home = world.household("李秀兰")
    row = Inspection(id=ids.new(), household_id=home.id, place_id=home.station_id, template="home_quick", state=DONE, day=D[0])
    db.session().add(row)
    db.session().flush()
    db.session().add(
        Finding(inspection_id=row.id, household_id=home.id, place_id=home.station_id, code="CON-06", severity=severity, due=day,
                fixed_at=fixed)
    )  # fmt: skip


def test_stars_of_the_month_give_points_and_three_months_a_word(world: World) -> None:
    before = LAST.previous()
    with db.transaction():
        lay(world, "李秀兰", D[0])
        for n, name in enumerate(("李秀兰", "张福贵", "刘淑珍")):
            opinion(world, name, (5, 4, 2)[n])
            opinion(world, name, 4, before)
            opinion(world, name, 1, before.previous().previous())
    found = facts(world)
    assert (found["stars"], found["stars_felt"]) == ([2, 4, 5], [2, 4, 4, 4, 4, 5])
    assert rules.RATIOS[STARS](found) == Fraction(11, 3)
    assert facts(world, "qian")["stars"] == []


def test_the_cash_of_her_homes_is_a_fifth_of_the_book(world: World) -> None:
    with db.transaction():
        lay(world, "李秀兰", D[0])
        lay(world, "张福贵", D[0])
        lay(world, "李秀兰", D[1], by="qian", came="qian")
    assert facts(world)["differences_fen"] == [None, None] and facts(world, "qian")["differences_fen"] is None
    with db.transaction():
        counted(world, "李秀兰", 5_000, minute=800)
        counted(world, "李秀兰", -100, minute=900)
        counted(world, "李秀兰", 9_000, minute=950, kind="surprise")
        counted(world, "张福贵", 600, wallet=401)
    assert facts(world)["differences_fen"] == [100, 1001], "the last count of the month; cash and telephone together"
    with db.transaction():
        counted(world, "张福贵", 600, wallet=400, minute=901)
    assert facts(world)["differences_fen"] == [100, 1000]
    assert rules.reconciled([100, 1000]) == Fraction(3, 4)


def test_minor_findings_left_lying_count_and_those_put_right_in_time_do_not(world: World) -> None:
    with db.transaction():
        lay(world, "李秀兰", D[0])
        finding(world, D[3])
        finding(world, D[4], fixed=clock.instant(D[4], 1439))
        finding(world, D[5], fixed=clock.instant(D[6], 0))
        finding(world, D[6], severity="major")
        finding(world, LAST.next().first)
    assert facts(world)["minor"] == 2
    with db.transaction():
        gather.gather(LAST)
    assert sheet(world).points["M08"] == 40
    assert [each.what for each in behind.records(sheet(world), "M08")] == ["late_finding"] * 2


def sheet(world: World) -> Evaluation:
    db.undo()
    return db.session().scalars(sa.select(Evaluation).where(Evaluation.caregiver_id == world.person("wang").id)).one()


def refused(code: str) -> object:
    return pytest.raises(Refusal, match=f"^{code}: ")


def test_a_complaint_found_true_costs_once_and_may_be_taken_back_until_it_is_signed(world: World) -> None:
    head, wang = As(world, "zhou"), As(world, "wang")
    with db.transaction():
        lay(world, "李秀兰", D[0])
        gather.gather(LAST)
        said = voices.complain("complaint", world.place("songling"), "上周三没有来", about=world.person("wang"))
        other = voices.complain("complaint", world.place("songling"), "上周三没有来", about=world.person("qian"))
    with db.transaction():
        one = sheet(world)
        for wrong, deed in (("no_words", lambda: faults.find(one, head, "complaint", "真", said)),
                            ("choice", lambda: faults.find(one, head, "rumour", "查过了，是真的")),
                            ("other", lambda: faults.find(one, head, "complaint", "查过了，是真的", other)),
                            ("own_sheet", lambda: faults.find(one, wang, "serious", "查过了，是真的"))):  # fmt: skip
            with refused(wrong):
                deed()
        row = faults.find(one, head, "complaint", "查过了，那天忘了请假", said)
        assert one.points["M08"] == 40
        with pytest.raises(Conflict):
            faults.find(one, head, "complaint", "查过了，是真的", said)
        faults.find(one, head, "serious", "水壶没盖好，烫了手")
        assert one.points["M08"] == 0
        faults.withdraw(row, one, head)
        faults.withdraw(row, one, head)
        assert (one.facts["complaints"], one.facts["serious"], one.points["M08"]) == (0, 1, 0)
    with db.transaction():
        gather.gather(LAST)
    assert (sheet(world).facts["complaints"], sheet(world).facts["serious"]) == (0, 1)
    with db.transaction():
        one = sheet(world)
        one.judge(head, 3, 2, {"words": "做事细"})
        one.see(wang)
        one.sign(head)
        with pytest.raises(Conflict):
            faults.find(one, head, "serious", "查过了，是真的")


def test_the_head_says_it_on_the_sheet_she_reads_it_and_never_whose_stars_they_are(world: World) -> None:
    with db.transaction():
        lay(world, "李秀兰", D[0])
        opinion(world, "李秀兰", 3)
        gather.gather(LAST)
        said = voices.complain("complaint", world.place("songling"), "上周三没有来", about=world.person("wang"))
        said.made_at = clock.instant(D[5], 600)
    url, key = f"/evaluations/{sheet(world).id}", said.id
    head, wang = world.client("zhou"), world.client("wang")
    assert said.number in text(head, f"{url}/faults")
    wrong = head.post(f"{url}/faults", data={"kind": "complaint", "words": "嗯"})
    assert wrong.status_code == 422 and "请写明查下来" in wrong.text
    told = {"kind": "complaint", "complaint": str(key), "words": "查过了，那天忘了请假"}
    assert head.post(f"{url}/faults", data=told).status_code == 303
    assert "投诉属实" in text(wang, url) and "忘了请假" in text(wang, f"{url}/records/M08")
    assert "3 星" in text(head, f"{url}/records/M07") and "李秀兰" in text(head, f"{url}/records/M07")
    hers = text(wang, f"{url}/records/M07")
    assert "星" not in hers.replace("几星", "") and "李秀兰" not in hers
    assert wang.post(f"{url}/faults", data=told).status_code == 403
    fault = faults.of(sheet(world))[0].id
    db.undo()
    assert head.post(f"{url}/faults/withdraw", data={"fault": str(ids.new())}).status_code == 422
    assert head.post(f"{url}/faults/withdraw", data={"fault": str(fault)}).status_code == 303
    assert sheet(world).points["M08"] == 80 and "已撤掉" in text(wang, url)


def text(client: object, url: str) -> str:
    answer = client.get(url)  # type: ignore[attr-defined]
    assert answer.status_code == 200, (url, answer.status_code)
    body = answer.text.split("<main", 1)[1].split("<nav", 1)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_rules_may_say_below_which_weight_there_is_no_total() -> None:
    held = {**(mine := models.rulebook.default("evaluation")), "monthly": {**mine["monthly"], "scoring": {"least_weight": 40}}}
    ratios = {each["code"]: Fraction(1) if each["code"] in ("M01", "M03", "M04", "M05") else None
              for each in mine["monthly"]["indicators"]}  # fmt: skip
    assert rules.score(mine, ratios).total is None and rules.score(held, ratios).total == 100
