"""A walk that ends in time, one that does not, an elder who is lost and found; from the phone, the station and kin."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.messages.kit import Clock, drain
from tests.people.browsers import hidden, said
from tests.today.test_todo import _actor
from tests.visits.kit import card_of, send
from webapp.cards import models as cards
from webapp.cards.models import Sighting
from webapp.endings import care
from webapp.kit import clock, ids
from webapp.messages.models import Notice
from webapp.outings.models import HomeAgain, LostCase, Outing
from webapp.store import db
from webapp.today import todo

LAN, ZHANG, LIU, SUN = "李秀兰", "张福贵", "刘淑珍", "孙德胜"
WALK = {"company": "alone", "place": "near", "minutes": "60", "words": "小花园", "phone": "13800138000"}
LOST = {"minutes": "30", "seen_where": "菜市场门口", "clothes": "红外套、黑布鞋", "words": "个子小，走得慢"}


@pytest.fixture(autouse=True)
def hand(monkeypatch):
    """Ten in the morning."""
    made = Clock(10)
    monkeypatch.setattr(clock, "now", made.now)
    return made


def go(world, who="wang", name=LAN, **more):
    home = world.household(name).id
    return send(world, "outings.go", who, household=home, resident=world.resident(name).id, **(WALK | more))


def back(world, who="wang", name=LAN, **more):
    return send(world, "outings.back", who, household=world.household(name).id, resident=world.resident(name).id, **more)


def lost(world, who="wang", name=LAN, **more):
    home = world.household(name).id
    return send(world, "outings.lost", who, household=home, resident=world.resident(name).id, **(LOST | more))


def items(world, who="zhou"):
    account = world.account(who)
    db.undo()
    with world.app.test_request_context("/"):
        return [(each.kind, each.who) for each in todo.todo(_actor(world, account)).items]


def rows(table):
    db.undo()
    return db.session().scalars(sa.select(table)).all()


def notices(kind):
    return [each for each in rows(Notice) if each.kind == kind]


def post(world, who, url, **typed):
    client = world.client(who)
    answer = client.post(url, data=typed)
    db.undo()
    return answer


def later(hand, minutes):
    hand.at += timedelta(minutes=minutes)
    db.undo()
    drain()


# -- out and back --


def test_back_in_time_nobody_hears_of_it(world, hand):
    assert go(world).say == "记下了，到时候没回来站里会知道"
    later(hand, 50)
    assert back(world).say == "记下了，平安回来"
    later(hand, 60)
    assert notices("overdue") == [] and items(world) == []
    assert rows(Outing)[0].phone == "", "the number of whoever was with her is let go"


def test_not_back_in_time_it_is_red_on_the_list_and_climbs_until_one_tap(world, hand):
    go(world)
    later(hand, 70)
    assert items(world) == [], "a quarter of an hour is no alarm"
    later(hand, 6)
    assert items(world) == [("overdue", LAN)]
    page = said(world.client("zhou").get("/"))
    assert "外出到时候没回来" in page and "小花园" in page and "tel:13800138000" in page and "平安回来" in page
    later(hand, 5)
    assert notices("overdue")[0].rung == "street", "nobody has seen it: it climbs"
    key = rows(Outing)[0].id
    assert post(world, "zhou", f"/outings/{key}/back").status_code == 303
    assert items(world) == [] and notices("overdue")[0].ended_at is not None


def test_they_come_later_and_the_alarm_waits(world, hand):
    go(world)
    later(hand, 80)
    key = rows(Outing)[0].id
    assert post(world, "zhou", f"/outings/{key}/later").status_code == 303
    assert items(world) == [] and notices("overdue")[0].acknowledged_at is not None
    later(hand, 70)
    assert items(world) == []
    later(hand, 10)
    assert items(world) == [("overdue", LAN)] and len(notices("overdue")) == 2


def test_what_a_phone_sends_late_and_in_the_wrong_order_is_right_all_the_same(world, hand):
    hand.at += timedelta(hours=4)
    back(world, ago_min=60)
    go(world, ago_min=120)
    later(hand, 1)
    assert items(world) == [] and notices("overdue") == []
    row = rows(Outing)[0]
    assert row.back_at == rows(HomeAgain)[0].at
    go(world)
    assert rows(Outing)[-1].back_at is None or rows(Outing)[0].back_at is None, "she goes out again"


def test_a_second_word_about_who_is_out_takes_the_place_of_the_first(world, hand):
    go(world)
    go(world, minutes="240")
    later(hand, 90)
    assert items(world) == [] and sum(row.back_at is None for row in rows(Outing)) == 1


def test_another_caregivers_household_is_put_aside(world):
    assert go(world, "zhao").state == "quarantined"
    assert back(world, "zhao").state == "quarantined"


def test_who_does_not_live_there_does_not_go_out_from_there(world):
    answer = send(world, "outings.go", household=world.household(LAN).id, resident=world.resident(ZHANG).id, **WALK)
    assert answer.state == "quarantined"


@pytest.mark.parametrize("who", ["wang", "zhou", "limin", "liqiang"])
def test_caregiver_station_and_kin_write_it_down_on_the_page(world, hand, who):
    hand.at += timedelta(days=30)
    url = f"/households/{world.household(LAN).id}/outings"
    client = world.client(who)
    page = said(client.get(url))
    key = str(world.resident(LAN).id)
    marks = {name: hidden(page.partition("老人要出门")[2], name) for name in ("id", "made_at", "seal")}
    bad = client.post(url, data=marks | {"resident": key, "place": "near"})
    assert bad.status_code == 422 and "请选一个" in said(bad) and rows(Outing) == []
    for _twice in range(2):
        assert client.post(url, data=marks | {"resident": key} | WALK).status_code == 303
    assert len(rows(Outing)) == 1, "a double tap is one outing"
    assert ("小花园" in said(client.get(url))) == (who != "liqiang"), "he may say it, and reads nothing she did not agree to"
    assert client.post(f"{url}/back", data={"resident": key}).status_code == 303
    assert rows(Outing)[0].back_at is not None


def test_kin_speak_for_their_own_only(world):
    url = f"/households/{world.household(ZHANG).id}/outings"
    assert world.client("limin").get(url).status_code == 404
    mine = f"/households/{world.household(LAN).id}/outings"
    assert post(world, "limin", mine, resident=str(world.resident(ZHANG).id), **WALK).status_code == 404


# -- lost --


def the_case():
    return rows(LostCase)[0]


def test_a_search_from_its_beginning_to_its_end(world, hand):
    assert lost(world).say == "站里马上知道。请先打110，再去找"
    later(hand, 0)
    assert items(world) == [("lost", LAN)] and items(world, "wu") == [("lost", LAN)]
    key = the_case().id
    page = said(world.client("zhou").get(f"/lost/{key}"))
    for words in ("菜市场门口", "红外套、黑布鞋", "个子小", "tel:110", "打印寻人的纸"):
        assert words in page
    assert post(world, "zhou", f"/lost/{key}/step", kind="searching", words="").status_code == 422, "who, and where"
    assert post(world, "zhou", f"/lost/{key}/step", kind="police", words="").status_code == 303
    assert notices("lost")[0].acknowledged_at is not None, "somebody sees to it: it climbs no further"
    assert post(world, "wang", f"/lost/{key}/step", kind="searching", words="小王，公园").status_code == 303
    assert post(world, "limin", f"/lost/{key}/step", kind="heard", words="去过老邻居家").status_code == 303
    page = said(world.client("limin").get(f"/lost/{key}"))
    assert "小王，公园" in page and "去过老邻居家" in page
    assert post(world, "wang", f"/lost/{key}/found", how="").status_code == 422
    assert post(world, "wang", f"/lost/{key}/found", how="other", words="").status_code == 422
    assert post(world, "wang", f"/lost/{key}/found", how="police", words="派出所送回").status_code == 303
    assert items(world) == [] and "警察送回来的" in said(world.client("zhou").get(f"/lost/{key}"))
    assert post(world, "zhou", f"/lost/{key}/step", kind="police", words="").status_code == 422, "it is over"


def test_nobody_sees_it_and_it_climbs(world, hand):
    lost(world)
    later(hand, 0)
    later(hand, 5)
    station = next(each for each in notices("lost") if each.to_id is None)
    assert station.rung == "street"


def test_the_station_that_begins_it_is_not_told_of_itself_but_the_caregiver_is(world, hand):
    url = f"/households/{world.household(LAN).id}/lost"
    assert post(world, "zhou", url, resident=str(world.resident(LAN).id), **LOST).status_code == 303
    assert [each.to_id for each in notices("lost")] == [world.account("wang").id]
    assert "老人走失，正在找" in said(world.client("wang").get("/"))
    post(world, "zhou", f"/lost/{the_case().id}/found", how="self", words="")
    assert "老人走失" not in said(world.client("wang").get("/"))


def test_a_daughter_begins_it_without_a_card(world):
    url = f"/households/{world.household(LAN).id}/lost"
    assert "打110" in said(world.client("limin").get(url))
    answer = post(world, "limin", url, resident=str(world.resident(LAN).id), **LOST)
    assert answer.status_code == 303 and answer.location == f"/lost/{the_case().id}"
    assert items(world)[0] == ("lost", LAN)
    page = said(world.client("limin").get(answer.location))
    assert "tel:110" in page and "13800001111" not in page


def test_from_an_outing_that_did_not_end_the_search_takes_its_place(world, hand):
    go(world)
    later(hand, 80)
    url = f"/households/{world.household(LAN).id}/lost?resident={world.resident(LAN).id}"
    assert "楼下走走 · 小花园" in said(world.client("zhou").get(url)), "last seen where she went"
    post(world, "zhou", url, resident=str(world.resident(LAN).id), **LOST)
    assert items(world) == [("lost", LAN)], "not twice"
    post(world, "zhou", f"/lost/{the_case().id}/found", how="kin", words="")
    assert items(world) == [] and rows(Outing)[0].back_at is not None


def test_two_who_miss_her_make_one_search(world):
    lost(world)
    url = f"/households/{world.household(LAN).id}/lost"
    post(world, "limin", url, resident=str(world.resident(LAN).id), **(LOST | {"seen_where": "医院"}))
    assert len(rows(LostCase)) == 1
    assert "医院" in said(world.client("zhou").get(f"/lost/{the_case().id}"))


def test_safely_back_ends_the_search(world):
    lost(world)
    back(world)
    assert the_case().how == "self" and items(world) == []


def test_who_was_back_before_the_search_began_does_not_end_it(world, hand):
    hand.at += timedelta(hours=3)
    lost(world)
    back(world, ago_min=120)
    assert the_case().closed_at is None


def test_a_stranger_scans_the_card_of_whom_we_look_for(world, hand):
    lost(world)
    card, token = card_of(world)
    assert post(world, None, f"/c/{token}", words="在火车站", phone="13900001111").status_code == 303
    assert [kind for kind, _who in items(world)] == ["lost", "found"]
    sighting = rows(Sighting)[0]
    page = said(world.client("zhou").get(f"/lost/{the_case().id}"))
    assert "在火车站" in page and f"/sightings/{sighting.id}" in page
    assert f"/lost/{the_case().id}" in said(world.client("zhou").get(f"/sightings/{sighting.id}"))
    assert "13900001111" not in said(world.client("wang").get(f"/lost/{the_case().id}"))
    for step in ("taken", "coming", "home"):
        assert post(world, "zhou", f"/sightings/{sighting.id}", step=step).status_code == 303
    assert the_case().how == "people" and items(world) == []


def test_a_mistaken_report_ends_no_search(world):
    lost(world)
    _card, token = card_of(world)
    post(world, None, f"/c/{token}", words="在火车站", phone="13900001111")
    post(world, "zhou", f"/sightings/{rows(Sighting)[0].id}", step="mistake", words="不是她")
    assert the_case().closed_at is None


def test_the_sheet_is_a_page_for_the_street(world):
    lost(world)
    key = the_case().id
    for who in ("zhou", "wang", "limin"):
        answer = world.client(who).get(f"/lost/{key}/sheet")
        assert answer.status_code == 200 and answer.mimetype == "application/pdf" and answer.data[:5] == b"%PDF-"
    assert world.client("he").get(f"/lost/{key}/sheet").status_code == 404
    post(world, "zhou", f"/lost/{key}/found", how="self", words="")
    assert world.client("zhou").get(f"/lost/{key}/sheet").status_code == 404, "found: no sheet any more"


def test_when_care_ends_nobody_waits_and_nobody_looks(world, hand):
    go(world)
    with db.transaction():
        who = world.resident(ZHANG)
        key = who.id
    send(world, "outings.lost", household=world.household(ZHANG).id, resident=key, **LOST)
    for name in (LAN, ZHANG):
        with db.transaction():
            who = world.resident(name)
            care.end(
                who, who.household, "death", clock.today(), _actor(world, world.account("zhou")), told_by="女儿", key=ids.new()
            )
    later(hand, 200)
    assert [kind for kind, _who in items(world) if kind in ("overdue", "lost")] == []
    assert notices("overdue") == []
    assert lost(world).state == "quarantined" and go(world).state == "quarantined"


def test_nobody_tells_about_the_neighbouring_station(world, hand):
    go(world)
    lost(world, "zhao", SUN)
    later(hand, 80)
    assert items(world, "he") == [("lost", SUN)] and items(world) == [("overdue", LAN)]
    page = said(world.client("zhou").get("/outings"))
    assert LAN in page and SUN not in page


def test_a_stale_card_scan_is_not_part_of_a_later_search(world, hand):
    with db.transaction():
        card = cards.issue(cards.CardKind.RESIDENT, resident=world.resident(LAN))
        cards.report(card, card.station_id, "去年在桥上", None).made_at = clock.now()
    hand.at += timedelta(hours=3)
    lost(world)
    assert "去年在桥上" not in said(world.client("zhou").get(f"/lost/{the_case().id}"))
