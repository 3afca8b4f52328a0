"""A quarter of a caregiver: counted, spoken over, decided at a meeting, confirmed, and talked over with her."""

from __future__ import annotations

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.evaluations.kit import As, lay
from tests.world import World
from webapp.evaluations import gather
from webapp.evaluations.models import Evaluation, Veto
from webapp.inspections.models import DONE, Inspection
from webapp.kit import clock, ids
from webapp.kit.refusal import Conflict, Refusal
from webapp.messages import models as messages
from webapp.messages.models import Task
from webapp.people.models import Grant
from webapp.reviews import models, queries, rules
from webapp.reviews.models import QuarterReview
from webapp.reviews.rules import Points, Quarter, Said
from webapp.store import db, jobs, rulebook
from webapp.store.jobs import Job
from webapp.training.models import Attendance, Session
from webapp.voices.models import ChangeOfCaregiver

LAST = Quarter.of(clock.today()).previous()
DAY = timedelta(days=1)
HELD = rulebook.default("evaluation")
NOTHING: dict[str, Fraction | None] = dict.fromkeys(("Q01", "Q02", "Q03", "Q04", "Q05", "Q06"))


# -- on paper --


def test_quarters_are_read_written_and_follow_one_another() -> None:
    assert [str(month) for month in Quarter.parse("2026-Q4").months] == ["2026-10", "2026-11", "2026-12"]
    assert (str(Quarter(2026, 1).previous()), str(Quarter(2026, 4).next())) == ("2025-Q4", "2027-Q1")
    assert Quarter(2026, 3).last.isoformat() == "2026-09-30" and Quarter.of(Quarter(2026, 3).last) == Quarter(2026, 3)
    for wrong in ("2026-Q5", "2026-Q0", "2026-10", "Q1", ""):
        with pytest.raises(ValueError, match="2026|Q1|$"):
            Quarter.parse(wrong)


def test_each_share_is_what_the_rules_say() -> None:
    said = [Said("resident", 5, "yes"), Said("kin", 2, "no"), Said("doctor", 4), Said("station", 3), Said("colleague", 5),
            Said("inspector", 1)]  # fmt: skip
    found = rules.ratios([800, 900, 950], [1000, 571], 4, 3, [90, 71], said)
    assert found == {
        "Q01": Fraction(2650, 3000), "Q02": Fraction(5, 8), "Q03": Fraction(1571, 2000), "Q04": Fraction(3, 4),
        "Q05": Fraction(3, 8) + Fraction(161, 400), "Q06": Fraction(3, 4),
    }  # fmt: skip
    assert rules.ratios([900], [], 0, 0, [], []) == NOTHING, "one month is too few, and what was not held counts nothing"
    assert rules.ratios([], [], 2, 1, [], [])["Q05"] == Fraction(1, 2), "without a test the attendance stands for it"


@pytest.mark.parametrize(
    ("shares", "total", "grade"),
    [
        ({"Q01": 1, "Q02": 1, "Q03": 1, "Q04": 1, "Q05": 1, "Q06": 1}, 1000, "excellent"),
        ({"Q01": 0.9, "Q02": 0.9}, 900, "excellent"), ({"Q01": 0.8999, "Q02": 0.8999}, 900, "excellent"),
        ({"Q01": 0.8989, "Q02": 0.8989}, 899, "good"), ({"Q01": 0.7999, "Q02": 0.7999}, 800, "good"),
        ({"Q01": 0.799, "Q02": 0.799}, 799, "pass"), ({"Q01": 0.599, "Q02": 0.599}, 599, "fail"),
        ({"Q01": 1, "Q04": 1}, None, None), ({"Q01": 1, "Q04": 1, "Q05": 1}, 1000, "excellent"),
        ({"Q02": 1, "Q03": 1, "Q04": 1, "Q05": 1, "Q06": 1}, None, None),
    ],
)  # fmt: skip
def test_a_quarter_is_scaled_rounded_once_and_graded(shares: dict[str, float], total: int | None, grade: str | None) -> None:
    found = rules.score(HELD, NOTHING | {code: Fraction(str(share)) for code, share in shares.items()})
    assert (found.total, found.grade) == (total, grade)


def test_a_veto_caps_the_grade_of_the_quarter() -> None:
    full = dict.fromkeys(NOTHING, Fraction(1))
    assert rules.score(HELD, full, vetoed=True) == Points(rules.score(HELD, full).points, 1000, "fail")


@pytest.mark.parametrize(
    ("grade", "low", "keep", "vetoed", "outcome"),
    [
        ("excellent", 1, "yes", False, "commend"), ("good", 0.2, "yes", False, "keep"), ("pass", 0.5, "no", False, "keep"),
        ("pass", 0.49, "yes", False, "coach"), ("fail", 1, "yes", False, "replace"), ("excellent", 1, "change", False, "replace"),
        ("excellent", 1, "yes", True, "replace"), (None, 1, "yes", False, "keep"),
    ],
)  # fmt: skip
def test_the_outcome_that_is_advised(grade: str | None, low: float, keep: str, vetoed: bool, outcome: str) -> None:
    shares = NOTHING | {"Q01": Fraction(1), "Q03": Fraction(str(low))}
    found = rules.advised(HELD, Points({}, 800, grade), shares, [Said("kin", 3, keep)], vetoed=vetoed)
    assert found == outcome


# -- counted --


def review(world: World, who: str = "wang") -> QuarterReview:
    return queries.review(Reach(world), db.session().scalars(
        sa.select(QuarterReview.id).where(QuarterReview.caregiver_id == world.person(who).id)
    ).one())  # fmt: skip


class Reach(As):
    """周, who reaches the station."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "zhou")

    def reaches_station(self, column: Any) -> Any:
        return sa.true()


@pytest.fixture
def counted(world: World) -> World:
    """The last quarter at Songling: three months of Wang's, one inspection, two lessons."""
    with db.transaction() as session:
        for month in LAST.months:
            lay(world, "李秀兰", month.first)
            gather.gather(month)
        home = world.household("李秀兰")
        for rate in (900, 700):
            session.add(
                Inspection(id=ids.new(), household_id=home.id, place_id=home.station_id, template="home_quick", state=DONE,
                           day=LAST.first, rate=rate, band="good")
            )  # fmt: skip
        for n, score in enumerate((80, None)):
            held = Session(place_id=world.place("street").id, course="care", day=LAST.first + timedelta(days=n), start_min=540,
                           minutes=60, where="站里", teacher="", by_id=ids.new())  # fmt: skip
            session.add(held)
            session.flush()
            if score:
                session.add(Attendance(session_id=held.id, person_id=world.person("wang").id, at=clock.now(), how="list",
                                       by_id=ids.new(), score=score))  # fmt: skip
        session.flush()
        assert queries.gather(LAST, world.place("songling")) == 2
    return world


def test_a_quarter_is_counted_from_months_inspections_and_lessons(counted: World) -> None:
    found = review(counted)
    assert found.facts == {"totals": [964] * 3, "rates": [700, 900], "held": 2, "attended": 1, "scores": [80], "vetoed": False}
    assert (found.points["Q01"], found.points["Q03"], found.points["Q05"], found.points["Q02"]) == (482, 120, 33, None)
    assert found.total == round((48.2 + 12 + 3.25) * 1000 / 70)


def test_gathering_again_takes_what_came_since_until_the_meeting(counted: World) -> None:
    with db.transaction():
        found, head = review(counted), Reach(counted)
        found.hear(head, "kin", "李敏", 5, "好", "yes", counted.household("李秀兰"))
        with db.session().no_autoflush:
            db.session().add(
                Inspection(
                    id=ids.new(),
                    household_id=counted.household("李秀兰").id,
                    template="home_quick",
                    place_id=counted.place("songling").id,
                    state=DONE,
                    day=LAST.last,
                    rate=100,
                    band="",
                )
            )
        db.session().flush()
        queries.gather(LAST, counted.place("songling"))
        assert review(counted).facts["rates"] == [700, 900, 100] and review(counted).points["Q02"] == 200, "voices stay"
        meet(review(counted), head)
        db.session().flush()
        assert queries.gather(LAST, counted.place("songling")) == 1, "hers is over"


def meet(found: QuarterReview, actor: Any, **other: Any) -> None:
    told = {
        "day": clock.today(),
        "present": "周建国、李敏",
        "minutes": "大家说了这个季度的事，没有大问题。",
        "outcome": found.advised,
        "words": "",
        "follow_up": None,
    } | other
    found.meet(actor, **told)


def refused(code: str) -> Any:
    return pytest.raises(Refusal, match=f"^{code}: ")


def test_nothing_is_decided_without_voices_minutes_and_a_reason(counted: World) -> None:
    with db.transaction():
        found, head, home = review(counted), Reach(counted), counted.household("李秀兰")
        with refused("no_voice"):
            meet(found, head)
        for wrong, told in (
            ("choice", ("cat", "咪", 5, "", "", None)),
            ("choice", ("kin", "李敏", 6, "", "yes", home)),
            ("keep", ("kin", "李敏", 5, "", "", home)),
            ("home", ("resident", "李秀兰", 5, "", "yes", None)),
        ):
            with refused(wrong):
                found.hear(head, *told)
        found.hear(head, "resident", "李秀兰", 5, "人好", "yes", home)
        tomorrow = clock.today() + timedelta(days=1)
        for wrong, other in (
            ("day", {"day": tomorrow}),
            ("day", {"day": LAST.last}),
            ("present", {"present": ""}),
            ("minutes", {"minutes": "好"}),
            ("choice", {"outcome": "praise"}),
            ("end", {"outcome": "end", "words": "很不好"}),
            ("why", {"outcome": "coach"}),
            ("follow_up", {"outcome": "coach", "words": "日记写得短"}),
            ("follow_up", {"follow_up": clock.today()}),
        ):
            with refused(wrong):
                meet(found, head, **other)
        with refused("own_sheet"):
            meet(found, As(counted, "wang"))
        meet(found, head, outcome="coach", words="日记写得短", follow_up=tomorrow)
        with pytest.raises(Conflict):
            found.hear(head, "doctor", "陈医生", 4, "", "", None)
        with refused("own"):
            found.confirm(head)
        found.confirm(As(counted, "wu"))
    looks = sa.select(Task).where(Task.kind == models.TASK)
    assert db.session().scalars(looks).all() == [], "not before its day"
    asked = db.session().scalars(sa.select(Job).where(Job.name == "reviews.remind")).one()
    assert clock.day_of(asked.due_at) == tomorrow
    with db.transaction():
        models.remind(**asked.args)
    task = db.session().scalars(looks).one()
    assert (task.key, task.facts["name"]) == (f"review:{found.id}", found.caregiver.name)


def test_who_wants_another_caregiver_has_asked_for_one_whatever_the_points(counted: World) -> None:
    with db.transaction():
        found, head, home = review(counted), Reach(counted), counted.household("李秀兰")
        for side in ("kin", "resident"):
            found.hear(head, side, "李敏", 5, "说话急", "change", home)
        assert found.advised == "replace"
    asked = db.session().scalars(sa.select(ChangeOfCaregiver)).all()
    assert [(each.household_id, each.asked_as) for each in asked] == [(counted.household("李秀兰").id, "kin")]


def test_a_confirmed_veto_of_a_month_is_a_veto_of_the_quarter_and_may_end_it(counted: World) -> None:
    with db.transaction() as session:
        sheet = session.scalars(sa.select(Evaluation).where(Evaluation.caregiver_id == counted.person("wang").id)).first()
        assert sheet is not None
        session.add(Veto(evaluation_id=sheet.id, code="money", words="拿了钱", heard="认了", by_id=ids.new(),
                         confirmed_at=clock.now(), confirmed_by=ids.new()))  # fmt: skip
        session.flush()
        queries.gather(LAST, counted.place("songling"))
        found = review(counted)
        assert (found.grade, found.advised) == ("fail", "replace")
        found.hear(Reach(counted), "kin", "李敏", 5, "", "yes", counted.household("李秀兰"))
        meet(found, Reach(counted), outcome="end", words="街道确认了一票否决")


# -- on the pages --


def said(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    body = answer.text.split("<main", 1)[1].split("</main", 1)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_a_quarter_from_the_list_to_the_talk_and_the_look_again(counted: World) -> None:
    head, wang, street = counted.client("zhou"), counted.client("wang"), counted.client("wu")
    url, home = f"/reviews/{review(counted).id}", str(counted.household("李秀兰").id)
    db.undo()
    assert "王桂芳" in said(head, "/reviews") and "三个月：96.4、96.4、96.4" in said(head, url)
    assert wang.get(url).status_code == 404, "before the meeting there is nothing for her"
    wrong = head.post(f"{url}/voices", data={"side": "kin", "name": "李敏", "stars": "5"})
    assert wrong.status_code == 422 and "愿意继续用她吗" in wrong.text and 'value="李敏"' in wrong.text
    told = {"side": "kin", "name": "李敏", "stars": "2", "keep": "yes", "household": home, "words": "来得晚"}
    assert head.post(f"{url}/voices", data=told | {"key": str(ids.new())}).status_code == 303
    assert "李敏" in said(head, url)
    soon = (clock.today() + timedelta(days=14)).isoformat()
    meeting = {
        "day": clock.today().isoformat(),
        "present": "周建国、李敏",
        "minutes": "说了迟到的事，她答应改。",
        "outcome": "coach",
        "outcome_words": "常常迟到",
        "follow_up": soon,
    }
    again = head.post(f"{url}/meeting", data=meeting | {"minutes": "好"})
    assert again.status_code == 422 and "至少一句" in again.text and "常常迟到" in again.text
    assert head.post(f"{url}/meeting", data=meeting).status_code == 303
    assert street.post(f"{url}/confirm").status_code == 303 and "已定" in said(street, url)
    assert head.post(f"{url}/talks", data={"day": clock.today().isoformat(), "words": "", "better": "准时"}).status_code == 422
    talked = {"day": clock.today().isoformat(), "words": "说了路上怎么走快些", "better": "早出门十分钟"}
    assert head.post(f"{url}/talks", data=talked).status_code == 303
    hers = said(wang, url)
    assert "早出门十分钟" in hers and "谈话、补课" in hers
    assert "李敏" not in hers and "来得晚" not in hers and "说了迟到的事" not in hers, "no voice singly, no minutes"
    assert "谈话、补课" in said(wang, "/reviews")
    key = str(review(counted).talks[0].id)
    db.undo()
    assert head.post(f"{url}/again", data={"talk": key, "better_now": "yes"}).status_code == 422
    assert head.post(f"{url}/again", data={"talk": str(ids.new()), "better_now": "yes", "seen_words": "准时"}).status_code == 422
    seen = {"talk": key, "better_now": "yes", "seen_words": "三周没迟到"}
    for answer in (303, 422):  # what was looked at is not asked for again
        with db.transaction():
            models.remind(str(review(counted).id))
        assert head.post(f"{url}/again", data=seen).status_code == answer
    assert "三周没迟到" in said(wang, url)
    assert db.session().scalar(sa.select(Task.id).where(Task.kind == models.TASK, Task.cleared_at.is_(None))) is None
    pdf = head.get(f"{url}/minutes.pdf")
    assert pdf.status_code == 200 and pdf.data.startswith(b"%PDF")


def test_a_quarter_that_goes_on_is_not_counted_and_others_stations_are_not_seen(world: World) -> None:
    head, station = world.client("zhou"), str(world.place("songling").id)
    now = str(Quarter.of(clock.today()))
    assert head.post("/reviews/gather", data={"quarter": now, "station": station}).status_code == 422
    assert head.post("/reviews/gather", data={"quarter": str(LAST), "station": station}).status_code == 303
    assert head.post("/reviews/gather", data={"quarter": str(LAST), "station": str(world.place("wanghai").id)}).status_code == 404
    assert world.client("he").get(f"/reviews/{review(world).id}").status_code == 404
    assert world.client("wang").post("/reviews/gather").status_code == 403


# -- the first day of a quarter --


def due(station: str, world: World) -> list[Task]:
    ask = sa.select(Task).where(Task.kind == models.DUE, Task.place_id == world.place(station).id, Task.cleared_at.is_(None))
    return list(db.session().scalars(ask))


def test_the_first_night_of_a_quarter_opens_the_one_before_for_every_station(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "reviews.open" in jobs.NIGHTLY
    monkeypatch.setattr(clock, "now", lambda: clock.instant(LAST.next().first, 10))
    queries.open_quarter()
    stations = sa.select(sa.func.count(sa.distinct(QuarterReview.station_id))).where(QuarterReview.quarter == str(LAST))
    assert db.session().scalar(stations) == 2
    assert [clock.day_of(each.due_at) for each in due("songling", world) if each.due_at] == [queries.due_on(LAST)]
    assert queries.due_on(LAST) >= LAST.last + 15 * DAY
    before = db.session().scalars(sa.select(QuarterReview.id).order_by(QuarterReview.id)).all()
    db.settle()
    queries.open_quarter()
    assert db.session().scalars(sa.select(QuarterReview.id).order_by(QuarterReview.id)).all() == before
    assert len(due("songling", world)) == 1, "told once"


def test_late_records_are_taken_each_night_until_the_meetings_are_due(counted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def night(day: date) -> int | None:
        monkeypatch.setattr(clock, "now", lambda: clock.instant(day, 10))
        with db.transaction() as session:
            session.execute(sa.update(QuarterReview).values(total=1))
        queries.open_quarter()
        db.undo()
        return review(counted).total

    last = queries.due_on(LAST)
    assert night(last) != 1
    assert night(last + DAY) == 1, "what the meeting has before it stands still"


def test_the_line_goes_away_with_the_last_meeting(counted: World) -> None:
    queries.open_quarter()
    if not due("songling", counted):  # past the day nobody is told; the line is what is looked at here
        with db.transaction():
            messages.open_task(models.DUE, counted.place("songling").id, models.due_key(LAST, counted.place("songling").id))
    with db.transaction():
        for who in ("wang", "qian"):
            assert due("songling", counted), who
            found = review(counted, who)
            found.hear(Reach(counted), "kin", "李敏", 5, "好", "yes", counted.household("李秀兰"))
            meet(found, Reach(counted), follow_up=clock.today() + DAY, words="大家都这样说")
            db.session().flush()
    assert due("songling", counted) == []


def test_nobody_meets_about_somebody_who_has_left(counted: World) -> None:
    def leaves(who: str) -> None:
        session = db.session()
        session.execute(sa.update(Grant).where(Grant.account_id == counted.account(who).id).values(until=clock.now()))

    station = counted.place("wanghai")
    with db.transaction() as session:
        leaves("zhao")
        session.flush()
        assert queries.gather(LAST, station) == 0, "who has left is not counted"
    station = counted.place("songling")
    queries.open_quarter()
    with db.transaction():
        messages.open_task(models.DUE, station.id, models.due_key(LAST, station.id))
        leaves("wang")
    queries.open_quarter()
    assert len(due("songling", counted)) == 1, "her colleague still has a meeting"
    with db.transaction():
        leaves("qian")
    queries.open_quarter()
    assert due("songling", counted) == [], "what is open waits for nobody"
