"""What a month's records come to, counted for everybody at once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.evaluations.kit import LAST, As, lay
from tests.house.test_queries import heard
from tests.world import World
from webapp.evaluations import counting, gather, models, words
from webapp.evaluations.models import Evaluation
from webapp.kit import clock, days, ids
from webapp.kit.refusal import Conflict, Refusal
from webapp.messages.models import Notice, Task
from webapp.roster.absences import APPROVED, Leave
from webapp.roster.models import PAUSED
from webapp.store import db, jobs
from webapp.training.models import Attendance, Session
from webapp.visits.models import NobodyHome, VisitException

D = [LAST.first + timedelta(days=n) for n in range(12)]


def facts(world: World, who: str = "wang") -> dict[str, object]:
    """What was counted of one, all at once and alone: always the same."""
    person = world.person(who).id
    alone = counting.count(LAST, person).get(person)
    assert alone == counting.count(LAST).get(person)
    return alone or counting.empty()


def test_visits_are_counted_in_visits_and_who_came_has_the_credit(world: World) -> None:
    with db.transaction():
        lay(world, "李秀兰", D[0])
        lay(world, "李秀兰", D[1], late_min=15)
        lay(world, "李秀兰", D[2], late_min=16)
        lay(world, "李秀兰", D[3], came=None)
        lay(world, "李秀兰", D[4], came="qian")
        lay(world, "张福贵", D[0])
        lay(world, "李秀兰", D[5], came=None, state=PAUSED)
    mine, hers = facts(world), facts(world, "qian")
    assert (mine["visits_due"], mine["visits_kept"]) == (6, 4)
    assert (hers["visits_due"], hers["visits_kept"], hers["relief_visits"]) == (1, 1, 1)
    assert (mine["visits_started"], mine["visits_on_time"], mine["late_most_min"]) == (4, 3, 16)
    assert (mine["service_days"], mine["minutes"]) == (4, 240)


def test_a_door_nobody_opened_counts_when_it_was_followed_up(world: World) -> None:
    with db.transaction() as session:
        home = world.household("李秀兰")
        for n, told in enumerate((True, False)):
            shift, _none = lay(world, "李秀兰", D[n], came=None)
            session.add(
                NobodyHome(id=ids.new(), household_id=home.id, station_id=home.station_id, shift_id=shift.id, day=D[n],
                           caregiver_id=world.person("wang").id, at=clock.instant(D[n], 550), received_at=clock.now(), rang=True,
                           phoned=False, neighbour=False, told=told, place_state="none")
            )  # fmt: skip
            session.flush()
    assert (facts(world)["visits_due"], facts(world)["visits_kept"]) == (2, 1)


def test_a_late_visit_that_was_the_telephones_fault_leaves_the_count(world: World) -> None:
    with db.transaction() as session:
        for n, reason in enumerate(("07", "11", None)):
            _shift, visit = lay(world, "李秀兰", D[n], late_min=30)
            session.add(
                VisitException(visit_id=visit.id, household_id=visit.household_id, station_id=visit.station_id, day=D[n],
                               code="LATE_IN", kind="ack", facts={}, reason=reason)
            )  # fmt: skip
            session.flush()
    assert (facts(world)["visits_started"], facts(world)["visits_on_time"]) == (2, 0)


def test_services_diaries_and_days_of_the_book(world: World) -> None:
    with db.transaction():
        lay(world, "李秀兰", D[0], done=["MEAL-01"], refused=["CLEAN-01"])
        lay(world, "李秀兰", D[1], done=["MEAL-01", "CLEAN-01", "SHOP-01"], log_days=1)
        lay(world, "李秀兰", D[2], done=[], log_days=3, quiet=False)
        lay(world, "李秀兰", D[3], log_days=4)
        lay(world, "李秀兰", D[4], log_days=None)
    mine = facts(world)
    assert (mine["items_planned"], mine["items_done"], mine["items_declined"]) == (10, 7, 1)
    assert (mine["logs_on_time"], mine["logs_late"]) == (1, 2)
    assert (mine["book_days"], mine["book_days_written"]) == (5, 4)


def test_training_that_was_meant_for_her_counts_unless_she_was_on_leave(world: World) -> None:
    with db.transaction() as session:
        for n, code in enumerate(("street", "songling", "wanghai", "street")):
            held = Session(place_id=world.place(code).id, course="care", day=D[n], start_min=540, minutes=60, where="站里",
                           teacher="", by_id=ids.new())  # fmt: skip
            session.add(held)
            session.flush()
            if n == 0:
                person = world.person("wang").id
                session.add(Attendance(session_id=held.id, person_id=person, at=clock.now(), how="list", by_id=ids.new()))
        wang = world.person("wang")
        session.add(
            Leave(person_id=wang.id, station_id=wang.station_id, kind="sick", since=D[3], until=D[3], asked_until=D[3],
                  via="phone", by_id=ids.new(), state=APPROVED)
        )  # fmt: skip
    assert (facts(world)["sessions_held"], facts(world)["sessions_attended"]) == (2, 1)


def test_a_gathered_month_is_written_once_and_late_records_are_taken_until_it_is_signed(world: World) -> None:
    with db.transaction():
        lay(world, "李秀兰", D[0])
    with db.transaction():
        assert gather.gather(LAST) == 3
        lay(world, "李秀兰", D[1])
        gather.gather(LAST)
    sheet = one(world)
    assert (sheet.facts["visits_due"], sheet.state, sheet.total) == (2, models.GATHERED, 964), "the cash was not counted"
    assert one(world, "zhao").total is None, "nothing is known of her: no points"
    with db.transaction():
        sign(world, one(world))
        lay(world, "李秀兰", D[2])
        gather.gather(LAST)
    assert one(world).facts["visits_due"] == 2
    assert [(who.caregiver_id, what["visits_due"]) for who, what in gather.differences([one(world)])] == [
        (world.person("wang").id, (2, 3))
    ]


def test_rules_are_tried_on_a_month_before_they_hold(app: Flask, world: World, tmp_path: Path) -> None:
    with db.transaction():
        lay(world, "李秀兰", D[0], late_min=30)
        gather.gather(LAST)
    before = one(world).total
    tried = json.loads(json.dumps(models.settings(LAST)))
    weights = {"M01": 20, "M02": 3}
    for each in tried["monthly"]["indicators"]:
        each["weight"] = weights.get(each["code"], each["weight"])
    file = tmp_path / "tried.json"
    file.write_text(json.dumps(tried), encoding="utf-8")

    def said() -> str:
        db.settle()
        return app.test_cli_runner().invoke(args=["evaluations", "preview", str(LAST), str(file)]).output

    assert f"{world.person('wang').number} {words.tenths(before)} -> " in said() and "3 sheets, 1 other totals" in said()
    assert one(world).total == before, "nothing is written"
    tried["monthly"]["indicators"][0]["weight"] = 99
    file.write_text(json.dumps(tried), encoding="utf-8")
    assert "正好 100 分" in said()
    file.write_text("{", encoding="utf-8")
    assert "evaluation.json" in said()


def test_gathering_asks_as_many_questions_for_many_as_for_few(app: Flask, world: World) -> None:
    def asked() -> int:
        with heard(app) as told, db.transaction():
            gather.gather(LAST)
        return len(told)

    with db.transaction():
        lay(world, "李秀兰", D[0])
    few = asked()
    with db.transaction():
        for n in range(1, 12):
            lay(world, "李秀兰", D[n])
            lay(world, "张福贵", D[n], came="qian")
            lay(world, "孙德胜", D[n], by="zhao", came="zhao")
    assert asked() == few <= 20


def one(world: World, who: str = "wang") -> Evaluation:
    return db.session().scalars(sa.select(Evaluation).where(Evaluation.caregiver_id == world.person(who).id)).one()


def sign(world: World, sheet: Evaluation) -> None:
    head, wang = As(world, "zhou"), As(world, "wang")
    sheet.judge(head, 3, 2, {"words": "做事细"})
    sheet.see(wang)
    sheet.sign(head)


# -- the order of signing --


@pytest.fixture
def sheet(world: World) -> Evaluation:
    """Wang's sheet of last month, in a transaction that is open."""
    with db.transaction():
        lay(world, "李秀兰", D[0])
        lay(world, "李秀兰", D[1], came=None)
        gather.gather(LAST)
    return one(world)


def refused(code: str) -> object:
    return pytest.raises(Refusal, match=f"^{code}: ")


def test_the_order_of_signing_is_kept(world: World, sheet: Evaluation) -> None:
    head, wang, street = As(world, "zhou"), As(world, "wang"), As(world, "wu")
    with db.transaction():
        sheet = one(world)
        for wrong, deed in (("not_judged", lambda: sheet.sign(head)), ("not_judged", lambda: sheet.see(wang)),
                            ("too_soon_or_late", lambda: sheet.object(wang, "M01", "那天我去了")),
                            ("not_signed", lambda: sheet.seal(street))):  # fmt: skip
            with refused(wrong):
                deed()
        sheet.judge(head, 3, 2, {})
        with refused("not_seen"):
            sheet.sign(head)
        with refused("not_hers"):
            sheet.see(head)
        sheet.see(wang)
        sheet.sign(head)
        with refused("signed"):
            sheet.judge(head, 2, 2, {})
        with refused("own_signature"):
            sheet.seal(head)
        sheet.seal(street)
        assert sheet.state == models.SEALED
    with pytest.raises(sa.exc.DBAPIError), db.transaction():
        one(world).words = "改一改"
    with pytest.raises(sa.exc.DBAPIError), db.transaction() as session:
        session.execute(sa.delete(Evaluation))


def test_after_three_days_the_head_may_sign_what_she_did_not_look_at(
    world: World, sheet: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction():
        sheet = one(world)
        sheet.judge(As(world, "zhou"), None, 1, {})
        assert sheet.answer_by is not None
        late = clock.instant(sheet.answer_by + timedelta(days=1), 600)
        monkeypatch.setattr(clock, "now", lambda: late)
        with refused("too_late"):
            sheet.object(As(world, "wang"), "", "我不同意")
        sheet.sign(As(world, "zhou"))


def test_a_sentence_is_asked_only_at_the_ends_and_with_an_adjustment(world: World, sheet: Evaluation) -> None:
    head = As(world, "zhou")
    with db.transaction():
        sheet = one(world)
        for home, attitude, tenths in ((4, 2, 0), (0, 2, 0), (3, 3, 0), (3, 0, 0), (3, 2, 10)):
            with refused("sentence"):
                sheet.judge(head, home, attitude, {}, tenths)
        with refused("adjustment"):
            sheet.judge(head, 3, 2, {"adjustment": "帮了邻居"}, 51)
        sheet.judge(head, 4, 3, {"home": "整洁", "attitude": "耐心", "adjustment": "帮了邻居"}, 50)
        with refused("twice"):
            sheet.judge(head, 3, 2, {"adjustment": "再加"}, 40)


def test_an_objection_that_is_upheld_puts_the_figure_right_and_stays_after_gathering_again(
    world: World, sheet: Evaluation
) -> None:
    head, wang = As(world, "zhou"), As(world, "wang")
    with db.transaction():
        sheet = one(world)
        sheet.judge(head, 3, 2, {})
        before = sheet.total
        first = sheet.object(wang, "M01", "那天我去了，卡坏了")
        second = sheet.object(wang, "M11", "我没有急躁")
        with refused("disputed"):
            sheet.sign(head)
        with refused("figure"):
            sheet.reply(first, head, True, "查了，确实去了", 3)
        sheet.reply(first, head, True, "查了，确实去了", 2)
        assert sheet.state == models.DISPUTED
        sheet.reply(second, head, False, "老人两次说您急")
        with refused("answered"):
            sheet.reply(second, head, True, "改口")
        assert sheet.state == models.SHOWN and sheet.points["M01"] == 150 and sheet.total > before
        db.session().flush()
        gather.gather(LAST)
    sheet = one(world)
    assert (sheet.facts["visits_kept"], sheet.counted["visits_kept"], sheet.points["M01"]) == (1, 2, 150)


def test_a_veto_needs_two_and_caps_the_grade(world: World, sheet: Evaluation) -> None:
    head, street = As(world, "zhou"), As(world, "wu")
    with db.transaction():
        sheet = one(world)
        sheet.judge(head, 3, 2, {})
        veto = sheet.veto(head, "money", "向老人借了二百元", "她说要还的")
        grade = sheet.grade
        with refused("own_veto"):
            sheet.confirm_veto(veto, head)
        assert sheet.grade == grade != "fail"
        sheet.confirm_veto(veto, street)
        assert (sheet.grade, sheet.total) == ("fail", sheet.total)


def test_only_a_review_changes_a_sealed_sheet_and_both_stand(world: World, sheet: Evaluation) -> None:
    with db.transaction():
        sheet = one(world)
        sign(world, sheet)
        with refused("not_sealed"):
            sheet.review(As(world, "wu"), "补交了记录", sheet.facts, 3, 2)
        sheet.seal(As(world, "wu"))
    with db.transaction():
        sheet = one(world)
        sheet.review(As(world, "wu"), "补交了记录", sheet.facts | {"visits_kept": 2}, 3, 2)
    sheet = one(world)
    assert sheet.stands is sheet.reviews[0] and sheet.stands.total > sheet.total


def test_nobody_judges_herself(world: World, sheet: Evaluation) -> None:
    with db.transaction(), refused("own_sheet"):
        one(world).judge(As(world, "wang"), 3, 2, {})


# -- who is told what waits --


def lists(world: World, place: str) -> set[str]:
    ask = sa.select(Task.kind).where(Task.place_id == world.place(place).id, Task.cleared_at.is_(None))
    return set(db.session().scalars(ask))


def told_her(world: World) -> int:
    mine = Notice.to_id == world.account("wang").id, Notice.kind == models.LOOK, Notice.acknowledged_at.is_(None)
    return len(db.session().scalars(sa.select(Notice.id).where(*mine, Notice.ended_at.is_(None))).all())


def test_each_step_stands_on_the_list_of_whoever_does_it_and_goes_when_it_is_done(world: World) -> None:
    head, wang, street = As(world, "zhou"), As(world, "wang"), As(world, "wu")
    with db.transaction():
        lay(world, "李秀兰", D[0])
        gather.nightly()
        gather.nightly()
    assert models.JUDGE in lists(world, "songling") and models.SEAL not in lists(world, "street")
    with db.transaction():
        one(world).judge(head, 3, 2, {})
    assert models.JUDGE not in lists(world, "songling") and told_her(world) == 1
    with db.transaction():
        gather.nightly()
        assert models.JUDGE not in lists(world, "songling"), "who has no records is not waited for"
        one(world).judge(head, 2, 2, {})
        assert told_her(world) == 1, "told once"
        one(world).see(wang)
    assert told_her(world) == 0
    with db.transaction():
        one(world).sign(head)
    assert models.SEAL in lists(world, "street")
    with db.transaction():
        due = db.session().scalars(sa.select(Task.due_at).where(Task.kind == models.SEAL)).one()
        assert clock.day_of(due) == days.working_day(models.calendar(), LAST.next(), 10)
        one(world).seal(street)
    assert models.SEAL not in lists(world, "street")


def test_the_month_before_is_gathered_on_the_first_and_again_each_night_until_it_is_signed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "evaluations.gather" in jobs.NIGHTLY
    with db.transaction():
        lay(world, "李秀兰", D[0])
    monkeypatch.setattr(clock, "now", lambda: clock.instant(LAST.next().first, 1))
    with db.transaction():
        gather.nightly()
    assert one(world).facts["visits_due"] == 1
    with db.transaction():
        lay(world, "李秀兰", D[1])
        gather.nightly()
    assert one(world).facts["visits_due"] == 2, "what came in late is taken"


def test_a_supervisor_sees_the_sheets_and_not_what_lies_behind_them(world: World, sheet: Evaluation) -> None:
    chu, url = world.client("chu"), f"/evaluations/{sheet.id}"
    page = chu.get(url)
    assert page.status_code == 200 and "出勤" in page.text and "/records/" not in page.text
    assert chu.get("/evaluations").status_code == 200
    assert chu.get(f"{url}/records/M07").status_code == 403 and chu.get("/reviews").status_code == 403
    assert chu.post(f"{url}/judge", data={"home": "3", "attitude": "2"}).status_code == 403


def test_conflicts_are_conflicts() -> None:
    assert Conflict.status == 409
