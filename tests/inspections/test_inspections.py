"""An inspection from the draw to what was put right: who goes, what is recorded, who accepts, what is published."""

from __future__ import annotations

import hashlib
import re
import subprocess
from datetime import timedelta
from math import log
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.visits.kit import plate_of, send
from tests.world import World
from webapp.access import Role
from webapp.inspections import models
from webapp.inspections.models import Drawing, Finding, Inspection
from webapp.kit import clock, ids
from webapp.messages.models import Task
from webapp.people import models as people
from webapp.store import db
from webapp.store.inbox import APPLIED, QUARANTINED


@pytest.fixture
def second(world: World) -> str:
    """Another supervisor of the street, or nobody could be sent in pairs; her number."""
    with db.transaction() as session:
        who = people.welcome("卢监督", None, phone="10000004321")
        people.open_account(who, Role.INSPECTOR, world.place("street"), login="lu", password="nuan-chao-2026")
        session.flush()
        return who.number


def said(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def check(world: World, who: str = "chu", name: str = "李秀兰", **answers: Any) -> Any:
    """One recorded inspection: (receipt, its id)."""
    key = answers.pop("inspection", ids.new())
    given = {"template": "home_quick", **answers}
    return send(world, "inspections.record", who, inspection=key, household=world.household(name).id, **given), key


def one(key: Any) -> Inspection:
    db.undo()
    return db.reading().get(Inspection, key)


def findings(key: Any) -> list[Finding]:
    db.undo()
    return list(db.reading().scalars(sa.select(Finding).where(Finding.inspection_id == key).order_by(Finding.code)))


def test_a_plate_opens_the_checklist_and_what_is_found_is_weighed_and_told(world: World) -> None:
    chu = world.client("chu")
    _card, token = plate_of(world)
    home = f"/households/{world.household('李秀兰').id}/inspect"
    assert chu.get(f"/c/{token}").headers["Location"] == home
    page = said(chu, home)
    assert "燃气：管子不老化" in page and "单独和老人谈" in page and "有没有身上不明的伤" in page
    form = dict(re.findall(r'name="(inspection|template|household|id|made_at|seal)"[^>]*value="([^"]*)"', chu.get(home).text))
    answer = chu.post(home, data=form | {"rec_02": "yes", "con_02": "no", "saf_11": "no", "opi_01": "4", "found": "管子裂了"})
    assert answer.status_code == 303
    row = one(form["inspection"] and ids.parse(form["inspection"]))
    assert (row.rate, row.band, row.state) == (272, "needs repair", "done"), "3 of 3 + 3 + 5"
    assert {each.code: (each.due - row.day).days for each in findings(row.id)} == {"CON-02": 3, "SAF-11": 1}
    told = db.reading().scalars(sa.select(Task).where(Task.kind == models.TASK)).all()
    assert len(told) == 1 and told[0].place_id == world.place("songling").id
    assert "要马上整改" in said(world.client("zhou"), "/")


def test_only_a_supervisor_of_the_place_records_and_only_once(world: World) -> None:
    receipt, key = check(world, rec_02="yes")
    assert receipt.state == APPLIED and one(key).rate == 1000
    assert check(world, inspection=key, rec_02="no")[0].state == QUARANTINED
    for who in ("wang", "zhou", "jiang"):
        assert check(world, who, rec_02="yes")[0].state == QUARANTINED, who
    assert check(world)[0].state == QUARANTINED, "nothing was looked at"
    assert check(world, template="station", sta_01="yes")[0].state == APPLIED
    receipt, key = check(world, "wu", rec_02="yes")
    assert receipt.state == APPLIED and one(key).paper, "an office types what was written on paper"
    assert one(check(world, template="home_full", rec_05=-3600)[1]).band == "needs repair"


def test_what_is_wrong_is_put_right_with_proof_and_accepted_by_another(world: World) -> None:
    _receipt, key = check(world, saf_11="no", suggestion="墙上贴个电话")
    zhou, chu = world.client("zhou"), world.client("chu")
    finding = findings(key)[0]
    url = f"/inspection-findings/{finding.id}"
    assert chu.post(f"{url}/fix", data={"owner": "我", "proof": "换了新的管子"}).status_code == 403
    assert chu.post(f"{url}/accept", data={"good": "yes"}).status_code == 422, "nothing was reported yet"
    assert "松岭一社区居家养老服务站负责" in said(zhou, f"/inspections/{key}").replace(" ", "")
    assert zhou.post(f"{url}/owner", data={"owner": " "}).status_code == 422
    assert chu.post(f"{url}/owner", data={"owner": "王师傅"}).status_code == 403
    assert zhou.post(f"{url}/owner", data={"owner": "王师傅"}).status_code == 303
    assert "王师傅负责" in said(chu, f"/inspections/{key}")
    answer = zhou.post(f"{url}/fix", data={"owner": "周建国", "proof": "好"})
    assert answer.status_code == 422 and "请写明怎么改的" in answer.text and "周建国" in answer.text
    assert zhou.post(f"{url}/fix", data={"owner": "周建国", "proof": "换了新的管子"}).status_code == 303
    assert zhou.post(f"{url}/accept", data={"good": "yes"}).status_code == 403
    assert chu.post(f"{url}/accept", data={"good": "no", "why": ""}).status_code == 422
    assert chu.post(f"{url}/accept", data={"good": "no", "why": "阀门还漏"}).status_code == 303
    assert "上次没通过：阀门还漏" in said(zhou, f"/inspections/{key}")
    assert zhou.post(f"{url}/fix", data={"owner": "周建国", "proof": "阀门也换了"}).status_code == 303
    assert chu.post(f"{url}/accept", data={"good": "yes"}).status_code == 303
    assert findings(key)[0].state == "verified" and findings(key)[0].returned == 1
    assert db.reading().scalars(sa.select(Task.id).where(Task.kind == models.TASK, Task.cleared_at.is_(None))).all() == []
    assert zhou.post(f"/inspections/{key}/reply", data={"words": "贴好了"}).status_code == 303
    assert zhou.post(f"/inspections/{key}/reply", data={"words": "又贴"}).status_code == 422
    assert "贴好了" in said(chu, f"/inspections/{key}")


def test_who_reported_it_never_accepts_it(world: World) -> None:
    _receipt, key = check(world, con_02="no")
    url = f"/inspection-findings/{findings(key)[0].id}"
    wu = world.client("wu")
    assert wu.post(f"{url}/fix", data={"owner": "吴志强", "proof": "谈过话了"}).status_code == 303
    answer = wu.post(f"{url}/accept", data={"good": "yes"})
    assert answer.status_code == 422 and "要另一位来复查" in answer.text


def again(seed: str, units: list[dict[str, Any]], inspectors: list[str], many: int) -> list[dict[str, Any]]:
    """The draw again, in ten lines that share no code."""

    def late(seed: str, key: str, weight: int) -> float:
        figure = int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8], "big")
        return -log((figure + 1) / (2**64 + 1)) / weight

    weight = {u["id"]: 2 if u["never_inspected"] or u["open_critical"] else 1 for u in units}
    chosen = sorted(weight, key=lambda key: late(seed, key, weight[key]))[:many]
    free = {u["id"]: [each for each in inspectors if each not in u["not"]] for u in units}
    go = {key: sorted(free[key], key=lambda each: late(f"{seed}:{key}", each, 1))[:2] for key in chosen}
    return [{"unit": key, "inspectors": go[key]} for key in chosen]


def test_a_draw_is_published_and_anybody_draws_it_again(world: World, second: str) -> None:
    wu = world.client("wu")
    assert "3 户" in said(wu, "/inspections/draw")
    assert wu.post("/inspections/draw", data={"many": "9", "template": "home_quick"}).status_code == 422
    there = wu.post("/inspections/draw", data={"many": "2", "template": "home_quick"}).headers["Location"]
    found = wu.get(f"{there}/list.json").json
    assert again(found["seed"], found["units"], found["inspectors"], found["many"]) == found["drawn"] and len(found["drawn"]) == 2
    assert all(second in each["inspectors"] for each in found["drawn"])
    assert "李秀兰" not in wu.get(f"{there}/list.json").text and "您去" in said(world.client("chu"), "/inspections")
    planned = db.reading().scalars(sa.select(Inspection).where(Inspection.draw_id.is_not(None))).first()
    home = db.reading().get(people.Household, planned.household_id).name
    assert "抽到您检查" in said(world.client("chu"), f"/households/{planned.household_id}/inspect"), home
    with pytest.raises(sa.exc.DatabaseError), db.transaction() as session:
        session.execute(sa.update(Drawing).values(seed="mine"))


def test_who_was_there_within_ninety_days_is_not_drawn_for_that_home(world: World, second: str) -> None:
    check(world, rec_02="yes")
    answer = world.client("wu").post("/inspections/draw", data={"many": "3", "template": "home_quick"})
    assert answer.status_code == 422 and "没有够两位" in answer.text


def test_what_is_published_names_nobody(world: World) -> None:
    check(world, saf_11="no", found="李秀兰家的管子裂了")
    page = said(world.client(), "/published/inspections")
    assert "松岭一社区" in page and "0.0%" in page and "要整改" in page
    assert not re.search("李秀兰|和平里|管子", page)
    assert "李**" in said(world.client("jiang"), "/inspections") and "李秀兰" in said(world.client("chu"), "/inspections")


def test_a_finding_left_lying_is_shown_as_late(world: World) -> None:
    _receipt, key = check(world, saf_11="no")
    with db.transaction() as session:
        session.execute(sa.update(Finding).values(due=clock.today() - timedelta(days=1)))
    assert "超期了" in said(world.client("zhou"), f"/inspections/{key}") and "超期没改" in said(
        world.client("zhou"), "/inspections"
    )


# -- by surprise, and without network --


def test_a_plate_says_whose_home_it_is_when_the_phone_could_not(world: World) -> None:
    card, token = plate_of(world, "张福贵")
    number = card.number
    home = world.household("张福贵").id
    for told in ({"token": token}, {"number": number}):
        key = ids.new()
        receipt = send(world, "inspections.record", "chu", inspection=key, template="home_quick", rec_02="yes", **told)
        assert receipt.state == APPLIED, receipt.say
        assert one(key).household_id == home
    for told in ({"token": "Z" * 26}, {"number": "1234567"}, {}):
        lost = send(world, "inspections.record", "chu", inspection=ids.new(), template="home_quick", rec_02="yes", **told)
        assert lost.state == QUARANTINED and "没找到要检查的地方" in lost.say


def test_scanning_or_typing_a_plate_opens_its_checklist(world: World) -> None:
    card, token = plate_of(world)
    number, home, chu = card.number, world.household("李秀兰").id, world.client("chu")
    assert "扫家里的门牌" in chu.get("/inspections/scan").text
    for told in ({"token": token}, {"number": number}):
        answer = chu.post("/inspections/scan", data=told)
        assert (answer.status_code, answer.location) == (303, f"/households/{home}/inspect")
    wrong = chu.post("/inspections/scan", data={"number": "1234567"})
    assert wrong.status_code == 422 and "不是您这里的门牌" in wrong.text and 'value="1234567"' in wrong.text
    assert world.client("zhou").get("/inspections/scan").status_code == 403
    blank = chu.get("/inspections/plate")
    assert "刚扫的这一户" in blank.text and 'name="token"' in blank.text
    assert chu.post("/inspections/plate", data={"template": "home_quick"}).status_code == 422


def test_a_supervisors_phone_takes_along_what_she_was_drawn_for(world: World, second: str) -> None:
    assert second
    wu, chu = world.client("wu"), world.client("chu")
    assert wu.post("/inspections/draw", data={"many": "3", "template": "home_full"}).status_code == 303
    packet = chu.get("/inspections/packet").json
    pages = {page["path"]: page for page in packet["pages"]}
    homes = {str(world.household(name).id) for name in ("李秀兰", "张福贵", "孙德胜")}
    assert packet["missing"] == []
    assert {path for path in pages if path.endswith("/inspect")} == {f"/households/{home}/inspect" for home in homes}
    assert {"/inspections", "/inspections/scan", "/inspections/plate", "/outbox", "/me"} <= set(pages)
    plate = pages["/inspections/plate"]
    assert plate["hold"]["visit"] in plate["html"], "the phone mints the inspection's id"
    assert world.client("wang").get("/inspections/packet").status_code == 403
    assert "data-packet" not in chu.get("/inspections").text, "only an enrolled phone keeps pages"


def test_the_checklist_is_printed_large_with_every_item_whole(world: World) -> None:
    chu, home = world.client("chu"), world.household("李秀兰").id
    held = models.settings(clock.today())
    for template in ("home_quick", "home_full"):
        answer = chu.get(f"/households/{home}/inspect.pdf?template={template}")
        assert answer.mimetype == "application/pdf"
        told = subprocess.run(["pdftotext", "-layout", "-", "-"], input=answer.data, capture_output=True, check=True, timeout=60)
        words = re.sub(r"\s+", "", told.stdout.decode())
        items = {each["code"]: each for each in held["items"]}
        chosen = next(each for each in held["templates"] if each["code"] == template)
        assert all(f"{code}{re.sub(' ', '', items[code]['zh'])}" in words for code in chosen["items"])
        assert "李秀兰" in words and "□做到了" in words and "单独和老人谈过" in words
    assert chu.get(f"/places/{world.place('songling').id}/inspect.pdf").status_code == 200
    assert chu.get(f"/households/{home}/inspect.pdf?template=station").status_code == 404
    assert world.client("zhou").get(f"/households/{home}/inspect.pdf").status_code == 403
