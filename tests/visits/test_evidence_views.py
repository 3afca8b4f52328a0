"""The pages of evidence: her record, what waits, corrections, call-backs, the elder's word."""

import io

import sqlalchemy as sa
from PIL import Image

from tests.visits.kit import card_of
from tests.visits.test_correcting import ask, asked_for, came, codes, exception, now, visit, yesterday
from webapp.kit import clock
from webapp.people.models import Kin
from webapp.store import db, files
from webapp.visits import calling_back
from webapp.visits.confirming import Attestation, KinWord
from webapp.visits.correcting import FlagReached


def text(answer):
    return answer.get_data(as_text=True)


def test_a_disputed_visit_from_flag_to_kin(app, world):
    key = came(world, method="card_missing")
    page = text(world.client("wang").get("/record"))
    assert "李秀兰" in page and "卡找不到" in page
    assert exception(key, "CARD_MISSING").id in set(now().scalars(sa.select(FlagReached.exception_id)))
    flag = exception(key, "CARD_MISSING").id
    assert world.client("wang").post(f"/record/exceptions/{flag}", data={"words": " "}).status_code == 422
    assert world.client("wang").post(f"/record/exceptions/{flag}", data={"words": "卡在女儿那里"}).status_code == 303
    assert "您说：卡在女儿那里" in text(world.client("wang").get("/record"))
    assert "她说：卡在女儿那里" in text(world.client("zhou").get("/exceptions"))
    wrong = world.client("wang").post(
        f"/record/visits/{key}/times", data={"field": "out", "time": "8:00", "reason": "05", "memo": "走的时候忘了扫码"}
    )
    assert wrong.status_code == 422 and "走的时间要比到的晚" in text(wrong) and "走的时候忘了扫码" in text(wrong)
    right = {"field": "out", "time": "10:30", "reason": "05", "memo": "走的时候忘了扫码"}
    assert world.client("wang").post(f"/record/visits/{key}/times", data=right).status_code == 303
    row = asked_for(key)
    assert "10:30" in text(world.client("zhou").get("/corrections"))
    assert world.client("zhou").post(f"/corrections/{row.id}", data={"says": "yes"}).status_code == 422
    assert world.client("zhou").post(f"/corrections/{row.id}", data={"says": "yes", "action": "A"}).status_code == 303
    assert visit(key).left_at == yesterday(10, 30)
    shown = text(world.client("zhou").get(f"/visits/{key}"))
    assert "改过的时间" in shown and "周建国 定的" in shown
    kin = now().scalars(sa.select(Kin.id).where(Kin.person_id == world.person("limin").id)).one()
    assert world.client("limin").post(f"/family/{kin}/visits/{key}", data={"says": "no"}).status_code == 303
    assert "KIN_DOUBT" in codes(key)
    assert "您说过：有疑问" in text(world.client("limin").get(f"/family/{kin}"))
    assert now().scalar(sa.select(KinWord.agrees)) is False


def test_one_word_settles_a_group_and_what_must_be_mended_comes_back(app, world):
    key = came(world, method="card_missing")
    ids_ = [str(exception(key, code).id) for code in codes(key)]
    client = world.client("zhou")
    assert client.post("/exceptions", data={"key": ids_, "reason": "09"}).status_code == 303
    assert codes(key) == set()
    assert client.post("/exceptions", data={"key": ["x"], "reason": "09"}).status_code == 404


def test_a_call_back_is_answered_on_its_page(app, world):
    came(world, leave=10)
    with db.transaction():
        rows = calling_back.draw_station(world.place("songling").id, clock.today(), seed="s")
    surprise = next(row for row in rows if row.kind == "surprise")
    client = world.client("zhou")
    assert "抽到的" in text(client.get("/call-backs"))
    assert client.post(f"/call-backs/{surprise.id}", data={"way": "phone"}).status_code == 422
    said = {"way": "phone", "outcome": "well", "words": "来过，挺好"}
    assert client.post(f"/call-backs/{surprise.id}", data=said).status_code == 303
    assert "来过，挺好" in text(client.get(f"/visits/{surprise.visit_id}"))


def test_the_elders_word_by_card_on_the_page(app, world):
    card, _token = card_of(world)
    key = came(world, leave=10)
    client = world.client("wang")
    assert "不能代签" in text(client.get(f"/visits/{key}/word"))
    assert client.post(f"/visits/{key}/word", data={"way": "card", "number": card.number, "face": "good"}).status_code == 303
    row = now().scalars(sa.select(Attestation)).one()
    assert (row.way, row.face, row.resident_id, row.counts) == ("card", "good", world.resident("李秀兰").id, True)
    assert "老人的卡" in text(world.client("zhou").get(f"/visits/{key}"))


def test_the_station_rings_and_writes_the_words_down(app, world):
    key = came(world, leave=10)
    client = world.client("zhou")
    assert client.post(f"/visits/{key}/phoned", data={"whom": "李秀兰", "words": ""}).status_code == 422
    assert client.post(f"/visits/{key}/phoned", data={"whom": "李秀兰", "words": "来过，做了饭"}).status_code == 303
    assert now().scalars(sa.select(Attestation.way)).one() == "phone"


def test_a_late_correction_waits_for_the_street_on_the_page(app, world, monkeypatch):
    from webapp.visits import correcting

    key = came(world)
    monkeypatch.setattr(correcting, "_too_late", lambda *_: True)
    ask(world, key)
    row = asked_for(key)
    assert world.client("zhou").post(f"/corrections/{row.id}", data={"says": "yes", "action": "A"}).status_code == 422
    assert world.client("zhou").post(f"/corrections/{row.id}/open", data={"why": "老人作证了"}).status_code == 403
    assert world.client("wu").post(f"/corrections/{row.id}/open", data={"why": "老人作证了"}).status_code == 303
    assert world.client("zhou").post(f"/corrections/{row.id}", data={"says": "yes", "action": "A"}).status_code == 303


def test_whoever_decides_sees_the_photo_that_came_with_it(app, world):
    out = io.BytesIO()
    Image.effect_noise((80, 60), 40).save(out, "JPEG")
    with db.transaction():
        sha256 = files.take(out.getvalue())
    key = came(world)
    ask(world, key, photos=[{"field": "photo", "sha256": sha256, "size": len(out.getvalue()), "type": "image/jpeg"}])
    there = f"/corrections/{asked_for(key).id}/photos/{sha256}"
    assert there in text(world.client("zhou").get(f"/corrections/{asked_for(key).id}"))
    assert world.client("zhou").get(there).mimetype == "image/jpeg"
    assert world.client("he").get(there).status_code == 404
    assert world.client("zhou").get(there.replace(sha256, "0" * 64)).status_code == 404


def test_what_kin_doubt_stands_beside_the_finding(app, world):
    key = came(world, leave=10)
    kin = now().scalars(sa.select(Kin.id)).first()
    world.client("limin").post(f"/family/{kin}/visits/{key}", data={"says": "no", "words": "妈妈说没看到人"})
    assert "妈妈说没看到人" in text(world.client("zhou").get("/exceptions"))
