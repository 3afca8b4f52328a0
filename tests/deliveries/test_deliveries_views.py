"""Records that wait: who sees them, in which words, what is decided, and what the phone hears of it."""

from __future__ import annotations

import contextvars
import hashlib
import io
import re
import threading
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests.deliveries.acts import enrolled, fresh, held, kept, long_ago, post, spend
from tests.store.kit import counted, scribble, teach
from tests.world import World
from webapp.deliveries import queries, views
from webapp.kit import canonical
from webapp.kit.refusal import Refusal
from webapp.ledger.models import Entry
from webapp.people import login
from webapp.people.models import Account
from webapp.store import db, inbox
from webapp.store.arrivals import Kept, Ruling
from webapp.store.audit import Entry as Deed
from webapp.web import intake


def page(world: World, who: str | None, path: str, lang: str = "zh") -> str:
    client = world.client(who)
    client.set_cookie("lang", lang)
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.get_data(as_text=True))


def words_of(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text.partition("<main")[2]).split())


def told(world: World, url: str, who: str = "zhou", **data: str) -> str:
    """Do a deed; the page one then stands on."""
    client = world.client(who)
    answer = client.post(url, data=data)
    assert answer.status_code == 303, answer.status_code
    return str(client.get(answer.headers["Location"]).get_data(as_text=True))


def entries() -> int:
    db.undo()
    return db.reading().scalar(sa.select(sa.func.count()).select_from(Entry)) or 0


# ---- the list ----


def test_a_record_that_waits_is_told_in_words_with_who_and_when(app: Flask, world: World) -> None:
    seq = held(app, world)
    told, front = page(world, "zhou", "/deliveries"), page(world, "zhou", "/")
    assert f"/deliveries/{seq}" in told and "王桂芳 · 花了钱" in told and f"收条 {seq}" in told
    assert f"/deliveries/{seq}" in front and "王桂芳" in front and "花了钱 · " in front


def test_who_sees_which_records(app: Flask, world: World) -> None:
    seq = held(app, world)
    named = ("wang", "qian", "zhou", "he", "wu", "zheng", "feng", "limin", "jiang", "shen", "chen")
    seen = {name: world.client(name).get(f"/deliveries/{seq}").status_code for name in named}
    assert seen == dict(zip(named, (200, 404, 200, 404, 200, 200, 200, 403, 403, 403, 403), strict=True))
    assert "/deliveries/" not in words_of(page(world, "he", "/deliveries"))
    assert f"/deliveries/{seq}" not in page(world, "he", "/deliveries")
    assert f"/deliveries/{seq}" in page(world, "wang", "/deliveries")
    assert world.client().get(f"/deliveries/{seq}").status_code == 303


def test_a_record_that_waits_for_another_is_shown_only_after_a_day(app: Flask, world: World) -> None:
    phone = enrolled(world)
    teach(app, "test.scribble", scribble)
    waiting = post(app, phone.seal("test.scribble", {}, chain=fresh(), prev=fresh())).json
    assert waiting["state"] == "waiting"
    assert f"/deliveries/{waiting['seq']}" not in page(world, "zhou", "/deliveries")
    long_ago(waiting["seq"], 25)
    assert f"/deliveries/{waiting['seq']}" in page(world, "zhou", "/deliveries")
    assert "前面一条还没到" in page(world, "zhou", f"/deliveries/{waiting['seq']}")


def test_the_list_comes_in_pages_of_thirty_without_a_gap(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE", 3)
    made = [held(app, world) for _n in range(7)]
    found, path = [], "/deliveries"
    while path:
        text = page(world, "zhou", path)
        found += [int(n) for n in re.findall(r'<a href="/deliveries/(\d+)"', text)]
        more = re.search(r'href="(/deliveries\?[^"]*before[^"]*)"', text)
        path = more[1].replace("&amp;", "&") if more else ""
    assert found == made[::-1]


def test_the_list_can_be_of_one_person_only_waiting_or_all(app: Flask, world: World) -> None:
    mine, hers = held(app, world), held(app, world, "qian")
    good = post(app, spend(enrolled(world), world)).json
    assert good["state"] == "applied"
    wang = world.person("wang").id
    some, every = (page(world, "zhou", f"/deliveries?person={wang}{more}") for more in ("", "&all=1"))
    shown = {name: set(map(int, re.findall(r"/deliveries/(\d+)\"", text))) for name, text in (("some", some), ("every", every))}
    assert shown == {"some": {mine}, "every": {mine, good["seq"]}}
    assert hers not in shown["every"]
    assert world.client("he").get(f"/deliveries?person={wang}").status_code == 404


# ---- by number, by name ----


def test_an_exact_number_goes_straight_to_the_record_whatever_its_state(app: Flask, world: World) -> None:
    good = post(app, spend(enrolled(world), world)).json["seq"]
    for typed in (str(good), f"收条号 {good}", "０" + str(good).translate(str.maketrans("0123456789", "０１２３４５６７８９"))):
        answer = world.client("zhou").get("/deliveries", query_string={"number": typed})
        assert (answer.status_code, answer.headers.get("Location")) == (303, f"/deliveries/{good}"), typed
    told = page(world, "zhou", f"/deliveries/{good}")
    assert "记上了" in told and "看这一笔" in told and "¥36.50" in told
    assert "再记一次" not in told and "不用记了" not in told
    assert "没找到这个收条号" in page(world, "he", f"/deliveries?number={good}")
    assert "没找到这个收条号" in page(world, "zhou", "/deliveries?number=999999999999999999999999")
    assert world.client("zhou").get("/deliveries/99999999999999999999").status_code == 404


def test_a_name_leads_to_that_persons_records(app: Flask, world: World) -> None:
    answer = world.client("zhou").get("/deliveries", query_string={"name": "王桂"})
    assert (answer.status_code, f"person={world.person('wang').id}" in answer.headers["Location"]) == (303, True)
    assert "没找到叫这个名字的人" in page(world, "zhou", "/deliveries?name=赵丽华")
    several = page(world, "wu", "/deliveries?name=")
    assert "没找到" not in several


# ---- the record in words ----


def test_a_record_is_told_with_the_labels_and_values_of_its_form(app: Flask, world: World) -> None:
    seq = held(app, world, things=["豆腐", "青菜"], market_seen=True)
    told = words_of(page(world, "zhou", f"/deliveries/{seq}"))
    assert all(
        word in told for word in ("哪一家 李秀兰", "花在哪里 蔬菜", "哪里的钱 老人的现金", "买了什么 豆腐、青菜", "老人看过 是")
    )
    english = words_of(page(world, "zhou", f"/deliveries/{seq}", "en"))
    assert "Vegetables" in english


def test_a_diary_tells_whose_home_it_was_by_the_acts_before_it(app: Flask, world: World) -> None:
    phone, visit = enrolled(world), fresh()
    arrive = phone.seal("visits.arrive", {"visit": visit, "household": str(world.household("李秀兰").id)}, chain=visit)
    step = phone.seal("visits.services", {"visit": visit, "done": ["MEAL-01"]}, chain=visit, prev=arrive["id"])
    write = phone.seal("logs.write", {"visit": visit, "mood": "none of these"}, chain=visit, prev=step["id"])
    answers = [post(app, each).json for each in (arrive, step, write)]
    assert [answer["state"] for answer in answers] == ["applied", "applied", "quarantined"]
    assert "李秀兰" in words_of(page(world, "zhou", f"/deliveries/{answers[2]['seq']}"))
    assert "买菜做饭" in words_of(page(world, "zhou", f"/deliveries/{answers[1]['seq']}"))


@pytest.mark.parametrize("kind", ["test.not_yet", "ledger.spend"])
def test_what_cannot_be_read_is_shown_as_it_came_and_does_no_harm(app: Flask, world: World, kind: str) -> None:
    body = {"words": "<script>alert(1)</script>", "bad": "a\x00b\ud800"}
    answer = post(app, enrolled(world).seal(kind, body)).json
    told = page(world, "zhou", f"/deliveries/{answer['seq']}")
    assert "<script>alert" not in told and "&lt;script&gt;" in told
    assert "\\u0000" in told and "\\ud800" in told


def test_values_of_a_wrong_shape_are_shown_too(app: Flask, world: World) -> None:
    seq = held(app, world, things={"a": [1, {"b": None}]}, words=[1, ["x"]], source=5, resident="nobody", household=[1])
    assert "¥0.00" in page(world, "zhou", f"/deliveries/{seq}")


@pytest.mark.parametrize("reason", sorted(views.words.WHY))
def test_every_reason_has_a_sentence(app: Flask, world: World, reason: str) -> None:
    seq = held(app, world)
    with db.transaction() as session:
        session.execute(sa.update(Kept).where(Kept.seq == seq).values(reason=reason))
    told = page(world, "zhou", f"/deliveries/{seq}", "en")
    assert not re.findall(r"[\u4e00-\u9fff]{4,}", words_of(told).replace("李秀兰", "").replace("王桂芳", "")), reason


def test_photos_are_shown_when_they_have_come_and_to_nobody_else(app: Flask, world: World) -> None:
    out = io.BytesIO()
    Image.new("RGB", (40, 60)).save(out, "JPEG")
    digest = hashlib.sha256(out.getvalue()).hexdigest()
    phone = enrolled(world)
    named = [{"field": "receipt", "sha256": digest, "size": len(out.getvalue()), "type": "image/jpeg"}]
    body = {"household": str(world.household("李秀兰").id), "amount_fen": 0, "category": "EX-VEG", "source": "cash"}
    seq = post(app, phone.seal("ledger.spend", body, photos=named)).json["seq"]
    url = f"/deliveries/{seq}/photos/{digest}"
    assert "还有 1 张照片没到" in page(world, "zhou", f"/deliveries/{seq}")
    assert world.client("zhou").get(url).status_code == 404
    headers = {"Upload-Offset": "0", "Upload-Length": str(len(out.getvalue()))}
    assert app.test_client().put(f"/inbox/photos/{digest}", data=out.getvalue(), headers=headers).status_code == 204
    assert url in page(world, "zhou", f"/deliveries/{seq}")
    seen = {who: world.client(who).get(url).status_code for who in ("zhou", "wang", "he", "qian", "limin")}
    assert seen == {"zhou": 200, "wang": 200, "he": 404, "qian": 404, "limin": 403}
    assert world.client("zhou").get(f"/deliveries/{held(app, world)}/photos/{digest}").status_code == 404


# ---- again, and not at all ----


def test_a_mended_record_is_booked_by_judging_again(app: Flask, world: World) -> None:
    phone, mended = enrolled(world), False

    def verb(act: Any, body: Any) -> str | None:
        if not mended:
            raise Refusal("too_early", "先放在站里")
        return scribble(act, body)

    teach(app, "test.later", verb)
    envelope = phone.seal("test.later", {})
    seq = post(app, envelope).json["seq"]
    assert "还是没记上" in told(world, f"/deliveries/{seq}/again") and kept(seq).state == "quarantined"
    mended = True
    assert "记上了" in told(world, f"/deliveries/{seq}/again")
    after = post(app, envelope).json
    assert (after["state"], after["final"], after["say"]) == ("applied", True, "站里已收到")
    assert "已经处理过了" in world.client("zhou").post(f"/deliveries/{seq}/again").get_data(as_text=True)


def test_two_who_judge_one_record_again_at_once_book_it_once(app: Flask, world: World) -> None:
    teach(app, "test.later", lambda act, body: (_ for _ in ()).throw(Refusal("no", "不行")))
    seq = post(app, enrolled(world).seal("test.later", {})).json["seq"]
    done: list[int] = []
    teach(app, "test.later", lambda act, body: done.append(1) or scribble(act, body))
    start, answers = threading.Barrier(3), []

    def press(who: str) -> None:
        with app.app_context():
            client = world.client(who)
            start.wait(10)
            answers.append(client.post(f"/deliveries/{seq}/again").status_code)

    threads = [threading.Thread(target=contextvars.Context().run, args=(press, who)) for who in ("zhou", "wu", "zheng")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (sorted(answers), len(done), kept(seq).state) == ([303, 422, 422], 1, "applied")


def test_judging_again_keeps_when_it_came(app: Flask, world: World) -> None:
    seen: list[Any] = []
    teach(app, "test.later", lambda act, body: (_ for _ in ()).throw(Refusal("no", "不行")))
    seq = post(app, enrolled(world).seal("test.later", {})).json["seq"]
    long_ago(seq, 50)
    teach(app, "test.later", lambda act, body: seen.append(act.received_at))
    world.client("zhou").post(f"/deliveries/{seq}/again")
    assert seen == [kept(seq).received_at]


def test_a_record_of_a_newer_app_is_booked_once_the_server_knows_it(app: Flask, world: World) -> None:
    phone = enrolled(world)
    teach(app, "test.grown", scribble, schema=1)
    envelope = phone.seal("test.grown", {}, schema=2)
    seq = post(app, envelope).json["seq"]
    assert "手机上的版本比这里新" in page(world, "zhou", f"/deliveries/{seq}")
    answer = world.client("zhou").post(f"/deliveries/{seq}/again")
    assert (answer.status_code, kept(seq).state) == (422, "quarantined")
    teach(app, "test.grown", scribble, schema=2)
    world.client("zhou").post(f"/deliveries/{seq}/again")
    assert kept(seq).state == "applied"


def test_poison_is_never_put_before_a_verb(app: Flask, world: World) -> None:
    teach(app, "test.scribble", scribble)
    seq = post(app, enrolled(world).seal("test.scribble", {"words": "\x00"})).json["seq"]
    assert world.client("zhou").post(f"/deliveries/{seq}/again").status_code == 422
    assert kept(seq).state == "quarantined"


def test_not_booking_is_decided_once_told_to_the_phone_and_written_down(app: Flask, world: World) -> None:
    phone = enrolled(world)
    envelope = spend(phone, world, amount_fen=0)
    before = post(app, envelope).json
    assert (before["state"], before["final"]) == ("quarantined", False)
    url = f"/deliveries/{before['seq']}/dismiss"
    assert world.client("zhou").post(url, data={"choice": ""}).status_code == 422
    assert world.client("zhou").post(url, data={"choice": "twice", "words": "问过了"}).status_code == 303
    after = post(app, envelope).json
    assert (after["state"], after["final"], after["say"]) == ("quarantined", True, "站里看过了：这条记重了，不用记")
    assert {name: after[name] for name in ("id", "hash", "seq", "at")} == {
        name: before[name] for name in ("id", "hash", "seq", "at")
    }
    assert f"/deliveries/{before['seq']}" not in page(world, "zhou", "/deliveries")
    told = page(world, "wang", f"/deliveries/{before['seq']}")
    assert "这条记重了" in told and "问过了" in told and "周建国" in told
    assert world.client("zhou").post(url, data={"choice": "wrong"}).status_code == 409
    assert world.client("zhou").post(f"/deliveries/{before['seq']}/again").status_code == 422
    db.undo()
    row = db.reading().scalars(sa.select(Ruling)).one()
    assert (row.choice, row.by_id) == ("twice", world.account("zhou").id)
    assert any(
        '"inbox.rule"' in body and "问过了" in body.encode().decode("unicode_escape")
        for body in db.reading().scalars(sa.select(Deed.body))
    )


def test_a_decision_is_never_changed(app: Flask, world: World) -> None:
    seq = held(app, world)
    world.client("zhou").post(f"/deliveries/{seq}/dismiss", data={"choice": "trial"})
    for statement in (sa.update(Ruling).values(choice="other"), sa.delete(Ruling)):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), db.transaction() as session:
            session.execute(statement)


def test_nobody_decides_about_their_own_records(app: Flask, world: World) -> None:
    seq = held(app, world, "wang")
    with db.transaction() as session:
        zhou = session.scalars(sa.select(Account.id).where(Account.login == "zhou")).one()
        session.execute(sa.update(Kept).where(Kept.seq == seq).values(author_id=zhou))
    client = world.client("zhou")
    assert (
        "要请别人来看" in page(world, "zhou", f"/deliveries/{seq}")
        and "再记一次" not in page(world, "zhou", f"/deliveries/{seq}").partition("<section")[2]
    )
    for deed, data in (("again", {}), ("dismiss", {"choice": "wrong"})):
        assert client.post(f"/deliveries/{seq}/{deed}", data=data).status_code == 403
    assert kept(seq).settled_at is None


def test_who_may_decide(app: Flask, world: World) -> None:
    seq = held(app, world)
    seen = {
        who: world.client(who).post(f"/deliveries/{seq}/dismiss", data={"choice": ""}).status_code
        for who in ("wang", "zhou", "he", "wu", "zheng", "feng", "limin")
    }
    assert seen == {"wang": 403, "zhou": 422, "he": 404, "wu": 422, "zheng": 422, "feng": 403, "limin": 403}


def test_what_waited_for_a_dismissed_record_goes_on(app: Flask, world: World) -> None:
    phone, chain = enrolled(world), fresh()
    teach(app, "test.scribble", scribble)
    second = phone.seal("test.scribble", {}, chain=chain, prev=fresh())
    third = phone.seal("test.scribble", {}, chain=chain, prev=second["id"])
    late = phone.seal("test.scribble", {}, chain=chain, prev=second["id"])
    two, three = (post(app, each).json for each in (second, third))
    assert (two["state"], three["state"]) == ("waiting", "waiting")
    world.client("zhou").post(f"/deliveries/{two['seq']}/dismiss", data={"choice": "wrong"})
    assert (kept(two["seq"]).state, kept(three["seq"]).state) == ("waiting", "applied")
    assert post(app, late).json["state"] == "applied"
    assert post(app, second).json["final"] is True


# ---- two contents under one number ----


@pytest.fixture
def doubled(app: Flask, world: World) -> tuple[dict[str, Any], dict[str, Any], int]:
    """One id, two contents of a spending: both sealed by her phone."""
    phone = enrolled(world)
    first = spend(phone, world)
    second = phone.seal("ledger.spend", first["body"] | {"amount_fen": 900, "words": "青菜"}, id=first["id"])
    seq = post(app, first).json["seq"]
    assert post(app, second).json["state"] == "conflict"
    return first, second, int(seq)


def test_two_contents_stand_side_by_side_with_what_differs_marked(app: Flask, world: World, doubled: Any) -> None:
    first, second, seq = doubled
    assert f"/deliveries/{seq}" in page(world, "zhou", "/deliveries") and f"/deliveries/{seq}" in page(world, "zhou", "/")
    told_page = page(world, "zhou", f"/deliveries/{seq}")
    rows = {
        re.sub(r"<[^>]+>", " ", row).split()[0]: row for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", told_page, re.S)
    }
    assert "¥36.50" in rows["多少钱（元）"] and "¥9.00" in rows["多少钱（元）"] and "不一样" in rows["多少钱（元）"]
    assert "不一样" not in rows["花在哪里"]


def test_only_the_first_counts(app: Flask, world: World, doubled: Any) -> None:
    first, second, seq = doubled
    world.client("zhou").post(f"/deliveries/{seq}/choose", data={"hash": second["hash"], "choice": "first"})
    assert (entries(), kept(seq).twice) == (1, False)
    one, two = post(app, first).json, post(app, second).json
    assert (one["state"], one["final"], one["say"]) == ("applied", True, "站里已收到")
    assert (two["state"], two["final"], two["say"]) == ("conflict", True, "站里看过了：只算先到的那份")
    assert f"/deliveries/{seq}" not in page(world, "zhou", "/deliveries")
    assert "只算先到的" in page(world, "wang", f"/deliveries/{seq}")


def test_both_count_the_second_under_an_id_of_its_own_once(app: Flask, world: World, doubled: Any) -> None:
    first, second, seq = doubled
    url, data = f"/deliveries/{seq}/choose", {"hash": second["hash"], "choice": "both"}
    assert world.client("zhou").post(url, data=data).status_code == 303
    assert world.client("zhou").post(url, data=data).status_code == 409
    db.undo()
    own = uuid.uuid5(uuid.UUID(first["id"]), second["hash"])
    row = db.reading().scalars(sa.select(Kept).where(Kept.id == own)).one()
    opened = inbox.opened(row)
    assert (row.state, entries(), row.author_id) == ("applied", 2, world.account("wang").id)
    assert opened is not None and opened["body"] == second["body"] and canonical.envelope_digest(opened) == row.hash
    two = post(app, second).json
    assert (two["state"], two["final"], two["say"]) == ("conflict", True, "站里看过了：两份都记上了")


def test_a_hash_of_nothing_decides_nothing(app: Flask, world: World, doubled: Any) -> None:
    seq = doubled[2]
    for hashed in ("", "zz", "0" * 64, "é" * 64):
        answer = world.client("zhou").post(f"/deliveries/{seq}/choose", data={"hash": hashed, "choice": "both"})
        assert answer.status_code in (303, 409)
    assert (entries(), kept(seq).twice) == (1, True)


# ---- cost ----


def test_pages_ask_six_questions_or_fewer(app: Flask, world: World, doubled: Any) -> None:
    for _n in range(3):
        held(app, world)
    for who, path in (("zhou", "/deliveries"), ("zhou", f"/deliveries/{doubled[2]}"), ("wang", "/deliveries"), ("zhou", "/")):
        page(world, who, path)
        with counted() as sent:
            page(world, who, path)
        asked = [each for each in sent if each.lstrip().upper().startswith(("SELECT", "WITH"))]
        assert len(asked) <= 6, (path, len(asked))
        assert not any(re.search(r"count\(\*\)", each) for each in asked)


def test_the_lists_use_the_indexes_of_what_is_open(app: Flask, world: World) -> None:
    engine = db.database().engine
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL scans a table of a few rows whatever its indexes")
    held(app, world)
    with app.test_request_context("/"):
        actor = login.load("token-zhou")
        assert actor is not None
        with counted() as sent:
            queries.put_aside(actor, 31)
            login.open_records(actor.account_id)
        plans = []
        for statement in sent:
            if "inbox" in statement:
                marks = tuple(b"" for _n in range(statement.count("?")))
                plans += [row[-1] for row in db.reading().connection().exec_driver_sql(f"explain query plan {statement}", marks)]
    assert sum("SEARCH inbox USING INDEX ix_inbox_open" in plan for plan in plans) == 2, "\n".join(plans)


def test_a_form_of_every_kind_is_known(app: Flask) -> None:
    with app.app_context():
        assert all(intake.form_of(kind) for kind in inbox.registry().kinds)
        assert intake.form_of("test.nothing") is None
