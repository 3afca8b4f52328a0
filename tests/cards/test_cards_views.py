"""Pages of cards: who sees, issues, prints and stops them; what the printed thing says and how it reads."""

from __future__ import annotations

import io
import json
import re
import uuid
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from PIL import Image
from pypdf import PdfReader

from tests.cards.reading import HARDSHIPS, by_zbar, lines_across, lines_down, picture, printed, words
from webapp.cards import models as cards
from webapp.cards import queries, rules, views
from webapp.cards.models import Card, CardKind, Scan
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import DutyHour
from webapp.store import audit, db, files, jobs, rulebook

READERS = ("zhou", "wu", "zheng", "feng")
PUBLIC = "https://nuanchao.example"


def give(world, kind=CardKind.RESIDENT, name="李秀兰") -> Card:
    with db.transaction():
        if kind == CardKind.PLATE:
            return cards.issue(kind, household=world.household(name))
        if kind == CardKind.BADGE:
            return cards.issue(kind, badge=world.person(name))
        return cards.issue(kind, resident=world.resident(name))


def fetched(card: Card) -> Card:
    with db.transaction() as session:
        return session.get_one(Card, card.id)


def all_cards() -> list[Card]:
    with db.transaction() as session:
        return list(session.scalars(sa.select(Card).order_by(Card.made_at)))


def deeds(verb: str) -> list[dict]:
    with db.transaction() as session:
        bodies = session.scalars(sa.select(audit.Entry.body))
        return [deed for body in bodies for deed in json.loads(body)["deeds"] if deed["verb"] == verb]


def go_public(app, **changes) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], public_url=PUBLIC, **changes)


def home(world, name="李秀兰") -> uuid.UUID:
    key = world.household(name).id
    db.undo()
    return key


def leave_a_hole() -> None:
    with db.transaction() as session:
        session.execute(sa.update(DutyHour).where(DutyHour.weekday == 2).values(since=480, until=1440))


def order(world, who="zhou", **chosen):
    """What the print page sends."""
    station = world.place("songling").id
    db.undo()
    given = {"station": station, "kind": "resident", "both": "y", **chosen}
    return world.client(who).post("/print/cards", data={name: value for name, value in given.items() if value is not None})


# --- the cards of a household --------------------


@pytest.mark.parametrize("name", READERS)
def test_those_in_charge_see_the_cards_of_a_household(app, world, name):
    card = give(world)
    page = world.client(name).get(f"/households/{home(world)}/cards")
    assert page.status_code == 200
    assert f"{card.number[:3]} {card.number[3:]}" in page.text
    assert card.token not in page.text


@pytest.mark.parametrize(("name", "status"), [("he", 404), ("wang", 403), ("limin", 403), ("jiang", 403), ("shen", 403)])
def test_nobody_else_sees_them(app, world, name, status):
    key = home(world)
    card = give(world)
    client = world.client(name)
    assert world.client("zhou").get(f"/households/{key}/cards").status_code == 200
    assert client.get(f"/households/{key}/cards").status_code == status
    assert client.get(f"/cards/{card.id}").status_code == status
    assert client.get(f"/cards/{card.id}/front.png").status_code == status


def test_a_reader_who_may_not_issue_finds_no_buttons_and_is_refused(app, world):
    card, key = give(world), home(world)
    client = world.client("feng")
    page = client.get(f"/cards/{card.id}")
    assert page.status_code == 200
    assert "<details" not in page.text.partition("<main")[2]
    assert "front.png" not in page.text
    for url in (f"/households/{key}/cards", f"/cards/{card.id}/revoke", "/print/cards", "/print/cards/file"):
        assert client.post(url).status_code == 403
    assert client.get(f"/cards/{card.id}/front.png").status_code == 403


@pytest.mark.parametrize("deed", ["hand-over", "reissue", "revoke"])
def test_another_station_finds_no_such_card(app, world, deed):
    card = give(world)
    assert world.client("he").post(f"/cards/{card.id}/{deed}", data={"stop-why": "lost", "anew-why": "lost"}).status_code == 404
    assert fetched(card).standing == "fresh"


def test_a_double_tap_issues_one_card(app, world):
    key, resident = home(world), world.resident("李秀兰").id
    db.undo()
    client, tap = world.client("zhou"), {"key": str(ids.new()), "what": f"shoe:{resident}"}
    first, second = (client.post(f"/households/{key}/cards", data=tap) for _ in range(2))
    (card,) = all_cards()
    assert (card.kind, card.resident_id, card.household_id) == ("shoe", resident, key)
    assert first.location == f"/cards/{card.id}"
    assert (second.status_code, second.location) == (303, f"/households/{key}/cards")
    assert client.get(first.location).status_code == 200


def test_a_plate_and_a_badge_are_issued_too(app, world):
    key, wang = home(world), world.person("wang").id
    db.undo()
    client = world.client("zhou")
    client.post(f"/households/{key}/cards", data={"key": str(ids.new()), "what": f"plate:{key}"})
    client.post(f"/people/{wang}/badge", data={"key": str(ids.new()), "what": f"badge:{wang}"})
    plate, badge = all_cards()
    assert (plate.kind, plate.household_id, plate.resident_id) == ("plate", key, None)
    assert (badge.kind, badge.person_id, badge.household_id) == ("badge", wang, None)
    assert "王桂芳" in client.get(f"/people/{wang}/badge").text
    assert world.client("he").get(f"/people/{wang}/badge").status_code == 404


@pytest.mark.parametrize("what", ["", "resident", "king:{lan}", "resident:{sun}", "plate:{lan}", "badge:{lan}"])
def test_only_what_was_offered_is_issued(app, world, what):
    key, lan, sun = home(world), world.resident("李秀兰").id, world.resident("孙德胜").id
    db.undo()
    data = {"key": str(ids.new()), "what": what.format(lan=lan, sun=sun)}
    page = world.client("zhou").post(f"/households/{key}/cards", data=data)
    assert page.status_code == 422
    assert "请选一个" in page.text
    assert all_cards() == []


def test_nobody_who_left_gets_a_card_and_their_old_one_is_marked(app, world):
    card, key = give(world), home(world)
    with db.transaction():
        lan = world.resident("李秀兰")
        lan.ended_on = clock.today()
        with pytest.raises(Refusal, match="no_longer_here"):
            cards.issue(CardKind.RESIDENT, resident=lan)
    page = world.client("zhou").get(f"/households/{key}/cards").text
    assert "请停用" in page
    assert f"resident:{card.resident_id}" not in page


def test_a_household_that_moved_takes_its_cards_along(app, world):
    card = give(world)
    with db.transaction():
        world.household("李秀兰").station_id = world.place("wanghai").id
    assert world.client("zhou").get(f"/cards/{card.id}").status_code == 404
    assert "望海" in world.client("he").get(f"/cards/{card.id}").text


# --- the deeds --------------------


def test_a_card_handed_over_is_never_printed_again_but_replaced(app, world):
    card, client = give(world), world.client("zhou")
    tap = {"out-key": str(ids.new())}
    assert [client.post(f"/cards/{card.id}/hand-over", data=tap).status_code for _ in range(2)] == [303, 303]
    answer = client.get(f"/cards/{card.id}")
    assert "交出去了" in answer.text
    assert "front.png" not in answer.text
    assert "换新卡" in answer.text
    assert "交给本人了" not in answer.text
    assert fetched(card).token is None
    assert client.get(f"/cards/{card.id}/front.png").status_code == 422
    assert client.post("/print/cards/file", data={"keys": str(card.id)}).status_code == 422


def test_a_replaced_card_names_why_and_its_successor_counts_on(app, world):
    card, client = give(world), world.client("zhou")
    tap = {"anew-key": str(ids.new()), "anew-why": "copied"}
    first, second = (client.post(f"/cards/{card.id}/reissue", data=tap) for _ in range(2))
    old, new = all_cards()
    assert (old.standing, old.revoked_why, new.standing, new.generation) == ("revoked", "copied", "fresh", 2)
    assert first.location == f"/cards/{new.id}"
    assert second.status_code == 303
    assert "被人拍照了" in client.get(f"/cards/{old.id}").text


def test_a_stopped_card_is_replaced_once(app, world):
    card, client = give(world), world.client("zhou")
    client.post(f"/cards/{card.id}/revoke", data={"stop-key": str(ids.new()), "stop-why": "lost"})
    assert client.post(f"/cards/{card.id}/reissue", data={"anew-key": str(ids.new()), "anew-why": "lost"}).status_code == 303
    again = client.post(f"/cards/{card.id}/reissue", data={"anew-key": str(ids.new()), "anew-why": "lost"})
    assert again.status_code == 422
    assert "已经有新卡了" in again.text
    assert len(all_cards()) == 2


def test_stopping_wants_a_reason_and_other_wants_words(app, world):
    card, client = give(world), world.client("zhou")
    assert client.post(f"/cards/{card.id}/revoke", data={"stop-key": str(ids.new())}).status_code == 422
    bare = client.post(f"/cards/{card.id}/revoke", data={"stop-key": str(ids.new()), "stop-why": "other"})
    assert bare.status_code == 422
    assert "请写几个字" in bare.text
    assert '<details class="confirm" open>' in bare.text
    told = {"stop-key": str(ids.new()), "stop-why": "other", "stop-words": "掉进水里"}
    assert client.post(f"/cards/{card.id}/revoke", data=told).status_code == 303
    assert fetched(card).revoked_why == "掉进水里"
    late = client.post(f"/cards/{card.id}/revoke", data={**told, "stop-key": str(ids.new())})
    assert "已经停用了" in late.text
    assert late.status_code == 422


def test_a_card_that_never_was_is_not_found(app, world):
    assert world.client("zhou").get(f"/cards/{ids.new()}").status_code == 404
    assert world.client("zhou").get("/cards/12345").status_code == 404


# --- how it looks and reads --------------------


@pytest.mark.parametrize("hardship", HARDSHIPS)
def test_the_picture_from_the_page_reads_through_every_hardship(app, world, hardship):
    go_public(app)
    card = give(world)
    answer = world.client("zhou").get(f"/cards/{card.id}/front.png")
    assert answer.headers["Cache-Control"] == "no-store"
    assert by_zbar(HARDSHIPS[hardship](picture(answer.data))) == [f"{PUBLIC}/c/{card.token}"]


def test_taking_the_picture_of_a_code_is_written_down(app, world):
    card = give(world)
    client = world.client("zhou")
    assert client.get(f"/cards/{card.id}/front.png").status_code == 200
    assert client.get(f"/cards/{card.id}/back.png").status_code == 200
    assert [deed["on"] for deed in deeds("cards.picture")] == [f"card:{card.id}"]


@pytest.mark.parametrize("kind", [CardKind.PLATE, CardKind.SHOE])
def test_what_has_no_back_has_no_picture_of_it(app, world, kind):
    assert world.client("zhou").get(f"/cards/{give(world, kind).id}/back.png").status_code == 404


def test_the_file_is_a4_and_the_card_true_to_size(app, world, tmp_path):
    go_public(app)
    card = give(world, CardKind.PLATE)
    answer = world.client("zhou").post("/print/cards/file", data={"keys": str(card.id)})
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    box = PdfReader(io.BytesIO(answer.data)).pages[0].mediabox
    assert [round(float(side) / 72 * 25.4, 1) for side in (box.width, box.height)] == [210, 297]
    (page,) = printed(answer.data, tmp_path)
    left, right = lines_across(page, 10.3, 15, 104.5)
    top, bottom = lines_down(page, 18.5, 8, 70)
    assert right - left == pytest.approx(85.6, abs=0.2)
    assert bottom - top == pytest.approx(54, abs=0.2)
    assert by_zbar(page) == [f"{PUBLIC}/c/{card.token}"]


def test_the_front_names_station_bearer_and_both_phones_large_the_streets(app, world):
    go_public(app)
    front = words(world.client("zhou").post("/print/cards/file", data={"keys": str(give(world).id)}).data)
    for said in ("李秀兰", "松岭一社区居家养老服务站", "松岭街道值班室", "0411-0000 1234", "站长 0411-0000 5678"):
        assert said in front


@pytest.mark.parametrize("agreed", [True, False])
def test_allergies_and_blood_stand_on_the_back_only_by_consent(app, world, agreed):
    go_public(app)
    with db.transaction():
        lan = world.resident("李秀兰")
        lan.blood_type, lan.card_consent_on = "A", clock.today() if agreed else None
    data = {"keys": str(give(world).id), "both": "y"}
    back = words(world.client("zhou").post("/print/cards/file", data=data).data, 1)
    assert ("青霉素" in back) is agreed
    assert ("A 型" in back) is agreed
    assert "起身要扶" not in back


def test_a_portrait_is_printed_only_by_consent(app, world):
    shots = []
    with db.transaction():
        lan = world.resident("李秀兰")
        lan.portrait = "ab" * 32
        place = files.path(lan.portrait)
    place.parent.mkdir(parents=True)
    red = io.BytesIO()
    picture_of_red(red)
    place.write_bytes(red.getvalue())
    card = give(world)
    for agreed in (None, clock.today()):
        with db.transaction():
            world.resident("李秀兰").portrait_consent_on = agreed
        shots.append(world.client("zhou").get(f"/cards/{card.id}/front.png").data)
    assert shots[0] != shots[1]
    assert tile(shots[1])[0] > 150 > 70 > tile(shots[1])[1]
    assert tile(shots[0])[1] > 70


def picture_of_red(out: io.BytesIO) -> None:
    Image.new("RGB", (300, 400), "#c02020").save(out, "JPEG")


def tile(png: bytes) -> tuple[int, int, int]:
    return Image.open(io.BytesIO(png)).convert("RGB").getpixel((60, 165))


def test_a_badge_says_the_role_and_whom_to_ring(app, world):
    go_public(app)
    pdf = (
        world.client("zhou")
        .post("/print/cards/file", data={"keys": str(give(world, CardKind.BADGE, "wang").id), "both": "y"})
        .data
    )
    assert "王桂芳" in words(pdf)
    assert "养护员" in words(pdf)
    assert "不收银行卡" in words(pdf, 1)


def test_cards_are_chinese_whoever_prints_them(app, world):
    card, client = give(world), world.client("zhou")
    client.set_cookie("lang", "en")
    pdf = client.post("/print/cards/file", data={"keys": str(card.id), "both": "y"}).data
    assert "身份卡" in words(pdf)
    assert "这位老人可能需要帮助" in words(pdf, 1)


# --- what forbids printing --------------------


def test_no_card_is_drawn_while_an_hour_has_nobody_on_duty(app, world):
    go_public(app)
    card, client = give(world), world.client("zhou")
    leave_a_hole()
    for answer in (
        client.get(f"/cards/{card.id}/front.png"),
        client.post("/print/cards/file", data={"keys": str(card.id)}),
        order(world, picks=str(home(world))),
    ):
        assert answer.status_code == 422
        assert "周三 0:00 到 8:00" in answer.text
    assert fetched(card).printed_at is None
    assert len(all_cards()) == 1


@pytest.mark.parametrize("url", ["/households/{home}/cards", "/cards/{card}", "/print/cards"])
def test_every_page_names_the_hours_nobody_answers_and_leads_to_the_duty_table(app, world, url):
    card, key, place = give(world), home(world), world.place("songling").id
    db.undo()
    leave_a_hole()
    page = world.client("zhou").get(url.format(home=key, card=card.id)).text
    assert "周三 0:00 到 8:00" in page
    assert f"/places/{place}/duty" in page
    assert ">打印勾上的<" not in page
    assert "front.png" not in page


def test_a_street_without_a_number_prints_nothing(app, world):
    with db.transaction():
        world.place("street").phone = None
    answer = world.client("zhou").get(f"/cards/{give(world).id}/front.png")
    assert answer.status_code == 422
    assert "松岭街道还没有对外电话" in answer.text


@pytest.mark.parametrize(("public", "made_up", "sample"), [(True, False, False), (True, True, True), (False, False, True)])
def test_a_card_is_real_only_at_a_public_address_and_with_real_data(app, world, public, made_up, sample):
    if public:
        go_public(app, sample=made_up)
    card, client = give(world), world.client("zhou")
    assert ("样张" in client.get(f"/cards/{card.id}").text) is sample
    pdf = client.post("/print/cards/file", data={"keys": str(card.id)}).data
    assert ("样张" in words(pdf)) is sample
    assert (fetched(card).printed_at is None) is sample
    assert [deed["facts"]["sample"] for deed in deeds("cards.print")] == [sample]


def test_a_name_the_font_cannot_write_is_named_and_nothing_counts_as_printed(app, world):
    go_public(app)
    with db.transaction():
        world.resident("李秀兰").name = "李𪚥兰"
    card = give(world, name="李𪚥兰")
    answer = world.client("zhou").post("/print/cards/file", data={"keys": str(card.id)})
    assert answer.status_code == 422
    assert "𪚥" in answer.text
    assert fetched(card).printed_at is None


def test_a_card_stopped_while_it_was_drawn_does_not_count_as_printed(app, world):
    card = give(world)
    with db.transaction():
        fetched_card = db.session().get_one(Card, card.id)
        fetched_card.revoke(world.account("zhou").id, "lost")
        with pytest.raises(Refusal, match="cards_changed"):
            cards.note_print([card.id], sample=False)


# --- printing many --------------------


def test_the_list_tells_what_there_is_to_print(app, world):
    give(world)
    page = world.client("zhou").get("/print/cards").text
    assert "没印 1 张" in page
    assert "要发 2 张" in page, "the couple has none yet"
    assert "孙德胜" not in page


def test_what_is_ticked_is_printed_and_issued_where_there_is_none(app, world):
    go_public(app)
    card = give(world)
    answer = order(world, picks=[str(home(world)), str(home(world, "张福贵"))])
    assert answer.mimetype == "application/pdf"
    front = words(answer.data)
    for name in ("李秀兰", "张福贵", "刘淑珍"):
        assert name in front
    assert len(PdfReader(io.BytesIO(answer.data)).pages) == 2
    made = all_cards()
    assert len(made) == 3
    assert made[0].id == card.id
    assert all(each.standing == "printed" for each in made)
    again = order(world, picks=str(home(world)))
    assert again.status_code == 422
    assert "都印过了" in again.text
    assert order(world, picks=str(home(world)), again="y").status_code == 200


@pytest.mark.parametrize(("kind", "count"), [("resident", 3), ("plate", 2), ("sewin", 3), ("badge", 2)])
def test_a_whole_station_is_printed_and_no_other(app, world, kind, count):
    go_public(app)
    answer = order(world, kind=kind, whole="y")
    assert answer.mimetype == "application/pdf"
    assert len(all_cards()) == count
    assert all(card.kind == kind and card.standing == "printed" for card in all_cards())


def test_many_cards_come_as_several_files(app, world):
    with db.transaction():
        rulebook.put("cards", {**rulebook.default("cards"), "cards_per_file": 2}, clock.today())
    answer = order(world, whole="y")
    assert answer.mimetype == "text/html"
    assert "一共 3 张，分 2 份印" in answer.text
    batches = re.findall(r'name="keys" value="([^"]+)"', answer.text)
    assert [len(batch.split(",")) for batch in batches] == [2, 1]
    client = world.client("zhou")
    assert client.post("/print/cards/file", data={"keys": batches[0], "both": "y"}).mimetype == "application/pdf"
    most = client.post("/print/cards/file", data={"keys": ",".join(batches)})
    assert most.status_code == 422
    assert "最多印2张" in most.text


@pytest.mark.parametrize(
    "chosen",
    [{}, {"picks": "nonsense"}, {"kind": "king", "whole": "y"}, {"kind": None, "picks": ""}, {"station": "x", "whole": "y"}],
)
def test_an_empty_or_odd_choice_comes_back_with_a_sentence(app, world, chosen):
    assert order(world, **chosen).status_code == 422
    assert all_cards() == []


def test_nobody_prints_for_another_station(app, world):
    wanghai, sun = world.place("wanghai").id, home(world, "孙德胜")
    assert order(world, station=wanghai, whole="y").status_code == 422
    assert order(world, picks=str(sun)).status_code == 422
    card = give(world, name="孙德胜")
    assert world.client("zhou").post("/print/cards/file", data={"keys": str(card.id)}).status_code == 404
    assert len(all_cards()) == 1


@pytest.mark.parametrize("cards_given", ["", "x,y", "12345678-1234-1234-1234-123456789012"])
def test_a_file_of_nothing_is_not_found(app, world, cards_given):
    assert world.client("zhou").post("/print/cards/file", data={"keys": cards_given}).status_code == 404


def test_one_file_holds_one_kind(app, world):
    both = f"{give(world).id},{give(world, CardKind.PLATE).id}"
    assert world.client("zhou").post("/print/cards/file", data={"keys": both}).status_code == 422


def test_a_street_chooses_among_its_stations(app, world):
    wanghai = world.place("wanghai").id
    db.undo()
    client = world.client("wu")
    assert "孙德胜" in client.get(f"/print/cards?station={wanghai}").text
    assert client.get("/print/cards?station=nonsense&kind=king&after=zzz").status_code == 200


# --- who opened them --------------------


def test_strangers_are_counted_and_those_signed_in_are_named(app, world):
    card = give(world)
    with db.transaction():
        wang = SimpleNamespace(account_id=world.account("wang").id)
        cards.log_scan(card, wang, "caregiver", "10.0.0.0/24")
        for network in ("10.0.0.0/24", "10.0.0.0/24", "10.0.9.0/24"):
            cards.log_scan(card, None, "stranger", network)
        cards.log_scan(None, None, "unknown", "10.0.0.0/24")
    page = world.client("zhou").get("/cards/scans").text
    assert "王桂芳" in page
    assert "路人 3 次" in page
    assert "像是 2 个地方的人" in page
    assert "李秀兰" in page
    assert "路人" in world.client("zhou").get(f"/cards/{card.id}").text
    assert "李秀兰" not in world.client("he").get("/cards/scans").text
    assert world.client("wang").get("/cards/scans").status_code == 403


def test_older_scans_follow_without_a_gap_or_an_echo(app, world, monkeypatch):
    card = give(world)
    now = clock.now()
    with db.transaction() as session:
        for n in range(5):
            session.add(Scan(id=ids.new(), card_id=card.id, face="stranger", network="x", at=now - timedelta(days=n // 2)))
        station = world.place("songling").id
    actor = world.client("zhou")
    monkeypatch.setattr(views, "SCANS", 2)
    seen, url = [], f"/cards/scans?station={station}"
    while url:
        page = actor.get(url).text
        seen += re.findall(r"路人 (\d+) 次", page) + ["1"] * page.count("路人</span>")
        found = re.search(r'href="(/cards/scans\?station=[^"]*before=[^"]+)"', page)
        url = found and found[1].replace("&amp;", "&")
    assert sum(map(int, seen)) == 5


def test_scans_are_forgotten_after_ninety_days(app, world):
    card = give(world)
    with db.transaction() as session:
        for days in (89, 91):
            session.add(Scan(card_id=card.id, face="stranger", network="x", at=clock.now() - timedelta(days=days)))
    jobs.ask_nightly()
    jobs.run_due()
    with db.transaction() as session:
        (left,) = session.scalars(sa.select(Scan))
        assert clock.now() - left.at < timedelta(days=90)


def test_the_nameless_of_one_day_are_told_in_one_line():
    day = clock.instant(clock.today(), 600)
    card = ids.new()
    openings = [rules.Opening(ids.new(), day, card, "stranger", None, network) for network in "aab"]
    openings.insert(1, rules.Opening(ids.new(), day, card, "caregiver", "王桂芳", "a"))
    told = rules.told(openings)
    assert [(each.who, each.times, each.networks) for each in told] == [(None, 3, 2), ("王桂芳", 1, 1)]


# --- what the pages cost --------------------


@pytest.mark.parametrize("url", ["/households/{home}/cards", "/cards/{card}", "/print/cards", "/cards/scans"])
def test_a_page_asks_the_database_the_same_few_times_however_many_cards(app, world, url):
    counts = []
    for _round in range(2):
        for _ in range(3):
            card = give(world)
            with db.transaction():
                cards.log_scan(card, None, "stranger", "10.0.0.0/24")
        there = url.format(home=home(world), card=card.id)
        counts.append(queries_of(app, lambda there=there: world.client("zhou").get(there)))
    assert counts[0] == counts[1]
    assert counts[0] <= 7, "six, and who is asking"


def queries_of(app, deed) -> int:
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        if statement.lstrip().lower().startswith("select"):
            seen.append(statement)

    engine = app.extensions["db"].engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        assert deed().status_code == 200
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_a_cards_bearer_is_known_with_station_and_street(app, world):
    card = give(world)
    with app.test_request_context(), db.transaction():
        one = queries.several(Everything(), [card.id])[0]
        assert (one.name, one.station.code, one.street.code) == ("李秀兰", "songling", "street")


class Everything:
    """An actor who reaches all."""

    def reaches_household(self, _column):
        return sa.true()

    def reaches_station(self, _column):
        return sa.true()
