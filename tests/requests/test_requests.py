"""A bath asked for by a daughter, sent, done, rated; late, refused, impossible; who sees whose."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.people.browsers import hidden, said
from tests.visits.kit import arrive
from tests.visits.kit import send as act
from tests.world import World
from webapp.cards import models as cards
from webapp.kit import clock
from webapp.messages.models import Task
from webapp.people import models as people
from webapp.requests import models, rules
from webapp.requests.models import Need, RequestStep, ServiceRequest
from webapp.store import db, jobs

WALL = clock.now


def ask(world: World, who: str = "limin", **typed: str) -> int:
    url = f"/households/{world.household('李秀兰').id}/requests"
    client = world.client(who)
    page = said(client.get(url))
    given = {"kind": "bath", "resident": str(world.resident("李秀兰").id), "words": "想洗个澡", "asked_as": "kin"}
    given |= {"wanted_on": clock.today().isoformat(), "key": hidden(page, "key")}
    return client.post(url, data=given | typed).status_code


def row() -> ServiceRequest:
    db.undo()
    return db.session().scalars(sa.select(ServiceRequest)).one()


def tasks() -> list[tuple[str, str | None]]:
    """(kind, whose) of what is open about requests."""
    db.undo()
    ask = sa.select(Task).where(Task.key.startswith("request:"), Task.cleared_at.is_(None))
    return [(each.kind, str(each.account_id) if each.account_id else None) for each in db.session().scalars(ask)]


def deed(world: World, who: str, what: str, **typed: object) -> int:
    return world.client(who).post(f"/requests/{row().id}/{what}", data=typed).status_code


def send(world: World, who: str = "wang", **typed: object) -> int:
    given = {"to_kind": "caregiver", "caregiver": str(world.person(who).id), "hour": "20"}
    given["day"] = (clock.today() + timedelta(days=1)).isoformat()
    return deed(world, "zhou", "send", **(given | typed))


def test_a_bath_is_asked_for_sent_done_by_the_card_and_rated(world: World) -> None:
    assert ask(world) == 303
    assert tasks() == [("request", None)] and "有人请帮忙" in said(world.client("zhou").get("/"))
    assert send(world) == 303
    wang = str(world.account("wang").id)
    assert tasks() == [("request_do", wang)] and "请您去做一件事" in said(world.client("wang").get("/"))
    assert deed(world, "wang", "accept") == 303
    with db.transaction():
        card = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("李秀兰"))
        other = cards.issue(cards.CardKind.RESIDENT, resident=world.resident("孙德胜"))
        own, wrong = card.number, other.number
    assert deed(world, "wang", "done", number=wrong) == 422, "another home's card"
    assert deed(world, "wang", "done", number=own) == 303
    assert row().by_card and tasks() == []
    assert deed(world, "limin", "confirm") == 422, "how well?"
    assert deed(world, "limin", "confirm", stars="5", words="洗得很舒服") == 303
    found = row()
    assert (found.state, found.stars) == ("confirmed", 5)
    assert [each.deed for each in db.session().scalars(sa.select(RequestStep).order_by(RequestStep.at))] == [
        "send", "accept", "done", "confirm",
    ]  # fmt: skip
    assert "洗得很舒服" in said(world.client("zhou").get(f"/requests/{found.id}"))


def token_of(name: str, world: World) -> tuple[str, str]:
    """Token and number of a new card of a resident."""
    with db.transaction():
        made = cards.issue(cards.CardKind.RESIDENT, resident=world.resident(name))
        return made.token or "", made.number


def by_card() -> list[tuple[str, bool]]:
    db.undo()
    return [(each.deed, each.by_card) for each in db.session().scalars(sa.select(RequestStep).order_by(RequestStep.at))]


def test_who_was_sent_scans_at_the_home_accepts_and_finishes(world: World) -> None:
    """A caregiver of another home: the card leads her to what she was sent to do, and only while she is sent."""
    assert ask(world) == 303
    (token, number), (others, _number) = token_of("李秀兰", world), token_of("孙德胜", world)
    qian = world.client("qian")
    assert send(world, "qian") == 303
    zhao = world.client("zhao")
    assert "您遇到这位老人了吗？" in said(zhao.get(f"/c/{token}")), "nobody has sent her"
    assert zhao.post("/scan", data={"number": number}).status_code == 422
    there = f"/requests/{row().id}"
    page = said(qian.get(there))
    assert "和平里3号楼2单元402" in page and "到了老人家，先扫老人的卡" in page, "where to go, and what to do there"
    assert deed(world, "qian", "accept") == 303 and deed(world, "qian", "decline", words="先看看") == 303
    assert send(world, "qian") == 303
    qian.get(f"/c/{others}")
    assert "扫到家里的卡了" not in said(qian.get(there)), "another home's card"
    assert qian.get(f"/c/{token}").headers["Location"].endswith(there)
    page = said(qian.get(there))
    assert "扫到家里的卡了" in page and "接单，开始做" in page and 'name="number"' not in page
    assert deed(world, "qian", "accept") == 303 and deed(world, "qian", "done") == 303
    assert by_card() == [
        ("send", False), ("accept", False), ("decline", False), ("send", False), ("accept", True), ("done", True),
    ]  # fmt: skip
    assert row().by_card and "扫了卡" in said(world.client("limin").get(there))
    assert "您遇到这位老人了吗？" in said(qian.get(f"/c/{token}")), "done: the card is a stranger's again"


def test_in_the_app_the_camera_leads_there_too_and_a_scan_of_the_morning_counts_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(world) == 303 and send(world, "qian") == 303
    token, _number = token_of("李秀兰", world)
    qian, there = world.client("qian"), f"/requests/{row().id}"
    assert qian.post("/scan", data={"token": token}).headers["Location"].endswith(there)
    assert "扫到家里的卡了" in said(qian.get(there))
    monkeypatch.setattr(clock, "now", lambda: WALL() + timedelta(hours=4))
    assert "扫到家里的卡了" not in said(qian.get(there))
    assert deed(world, "qian", "accept") == 303 and by_card()[-1] == ("accept", False)


def test_her_own_caregiver_finds_it_on_the_visit_and_coming_with_the_card_counts(world: World) -> None:
    assert ask(world) == 303 and send(world) == 303
    token, _number = token_of("李秀兰", world)
    visit, receipt = arrive(world, token=token, method="scan")
    assert receipt.state == "applied", receipt.say
    wang = world.client("wang")
    page = said(wang.get(f"/today/visits/{visit}"))
    assert f"/requests/{row().id}" in page and "想洗个澡" in page
    assert deed(world, "wang", "done") == 303 and row().by_card
    assert "想洗个澡" not in said(wang.get(f"/today/visits/{visit}"))


def test_a_volunteer_with_an_account_is_sent_scans_and_sees_nothing_else(world: World) -> None:
    assert ask(world) == 303
    wei, token = world.client("wei"), token_of("李秀兰", world)[0]
    there = f"/requests/{row().id}"
    assert wei.get(there).status_code == 404 and "洗个澡" not in said(wei.get("/"))
    assert send(world, to_kind="volunteer", caregiver="", volunteer=str(world.person("wei").id)) == 303
    assert tasks() == [("request_do", str(world.account("wei").id))] and "洗个澡" in said(wei.get("/"))
    assert wei.get(f"/c/{token}").headers["Location"].endswith(there)
    assert deed(world, "wei", "accept") == 303 and deed(world, "wei", "done", words="洗好了") == 303
    assert by_card()[-2:] == [("accept", True), ("done", True)]


def test_done_is_kept_without_network_and_told_twice_is_once(world: World) -> None:
    """What she said in a home without network arrives later, with the time it was done and the card she came with."""
    assert ask(world) == 303 and send(world, "qian") == 303
    key, (token, _number) = row().id, token_of("李秀兰", world)
    world.client("qian").get(f"/c/{token}")
    said_at = clock.now()
    assert act(world, "requests.done", "wang", request=key).state == "quarantined", "she was not sent"
    assert act(world, "requests.done", "qian", request=key, words="洗好了", at=said_at).state == "applied"
    assert act(world, "requests.done", "qian", request=key).say == "已经记下了"
    db.undo()
    steps = db.session().scalars(sa.select(RequestStep).where(RequestStep.deed == "done")).all()
    assert [(each.words, each.by_card) for each in steps] == [("洗好了", True)] and row().state == "done"
    assert abs(steps[0].at - said_at) < timedelta(seconds=2) and tasks() == []


def test_done_without_scripts_goes_the_same_way(world: World) -> None:
    assert ask(world) == 303 and send(world) == 303
    page = said(world.client("wang").get(f"/requests/{row().id}"))
    typed = {name: hidden(page, name) for name in ("id", "made_at", "seal")}
    for _twice in range(2):
        assert deed(world, "wang", "done", words="洗好了", **typed) == 303
    assert [each for each, _card in by_card()] == ["send", "done"]


def test_what_cannot_be_met_is_a_need_counted_by_kind(world: World) -> None:
    assert ask(world) == 303
    assert deed(world, "zhou", "unmet") == 422, "without a reason"
    assert deed(world, "zhou", "unmet", words="没有助浴车") == 303
    assert [each.kind for each in db.session().scalars(sa.select(Need))] == ["bath"] and tasks() == []
    page = said(world.client("wu").get("/needs"))
    assert "助浴" in page and "没有助浴车" in page and "松岭一社区" in page
    assert "没有助浴车" not in said(world.client("he").get("/needs")) and "很急" not in page.replace("其中很急", "")
    zhou = world.client("zhou")
    typed = {"key": hidden(said(zhou.get("/needs")), "key"), "kind": "bath", "words": "想有个助浴点", "urgent": "y"}
    assert zhou.post("/needs", data=typed).status_code == 303
    assert "很急" in said(zhou.get("/needs")).replace("其中很急", "").replace("很急，等不了", "")


def test_who_cannot_do_it_gives_it_back_and_what_is_late_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(world) == 303 and send(world) == 303
    assert deed(world, "wang", "decline") == 422 and deed(world, "wang", "decline", words="腰疼") == 303
    assert tasks() == [("request", None)] and row().to_person_id is None
    assert send(world, to_kind="volunteer", name="") == 422 and send(world, to_kind="volunteer", name="邻居小刘") == 303
    monkeypatch.setattr(clock, "now", lambda: WALL() + timedelta(days=3))
    jobs.run_due()
    assert tasks() == [("request_late", None)]
    assert deed(world, "zhou", "done") == 303 and tasks() == []
    monkeypatch.setattr(clock, "now", lambda: WALL() + timedelta(days=6))
    jobs.run_due()
    assert tasks() == [("request_ask", None)], "nobody said how it was"
    assert deed(world, "zhou", "redo", words="水太凉") == 303 and row().state == "asked"


def test_kin_ask_only_for_their_own_and_see_no_others(world: World) -> None:
    assert ask(world, words="") == 422
    assert ask(world, wanted_on="2020-01-01") == 422
    with db.transaction():
        zhang = world.household("张福贵")
        daughter = people.relate(world.resident("刘淑珍"), world.person("liqiang"), "女儿")
        daughter.since = clock.now() - timedelta(days=1)
        head = type("Head", (), {"account_id": world.account("zhou").id})()
        key = models.ask(head, zhang, world.resident("张福贵").id, "meal", "想吃鱼", clock.today(), "resident").id
        page_of = f"/households/{zhang.id}/requests"
    assert world.client("liqiang").get(f"/requests/{key}").status_code == 404, "his wife's son does not read his"
    page = said(world.client("liqiang").get(page_of))
    assert "想吃鱼" not in page and "张福贵" not in page.replace("张福贵 · 刘淑珍", "")
    assert world.client("wang").post(f"/requests/{key}/accept").status_code == 404, "she was not sent"


@pytest.mark.parametrize(("state", "deeds"), [("asked", "send unmet withdraw"), ("done", "confirm redo"), ("confirmed", "")])
def test_what_may_be_done_in_a_state(state: str, deeds: str) -> None:
    assert {each for each in rules.MAY if rules.may(state, each)} == set(deeds.split())


def test_what_is_wrong_stands_once_in_the_form_it_is_about(world: World) -> None:
    assert ask(world) == 303 and send(world) == 303
    page = said(world.client("wang").post(f"/requests/{row().id}/decline", data={"words": ""}))
    assert page.count("请写几个字，为什么") == 1 and len(re.findall(r'role="alert"(?![^>]*hidden)', page)) == 1
    assert 'id="words-decline"' in page and 'aria-describedby="words-decline-wrong"' in page
    named = re.findall(r' id="([^"]+)"', page)
    assert len(named) == len(set(named)), "one id, one place"


def test_the_hidden_resident_of_a_home_of_one_is_the_one_who_lives_there(world: World) -> None:
    page = said(world.client("limin").get(f"/households/{world.household('李秀兰').id}/requests"))
    assert hidden(page, "resident") == str(world.resident("李秀兰").id)
