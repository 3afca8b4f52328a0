"""What phones say they still hold, stopped and replaced phones, and late records of an ended account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.deliveries.acts import enrolled, kept, post, spend
from tests.store.kit import Phone, counted
from tests.world import World
from webapp.kit import clock
from webapp.people.models import Account, Device, HomeCareUnit, Slip
from webapp.store import db


def device(phone: Phone) -> Device:
    db.undo()
    return db.reading().get_one(Device, phone.device)


def page(world: World, who: str, path: str) -> str:
    answer = world.client(who).get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.get_data(as_text=True))


def test_a_phone_says_how_many_records_it_still_holds(app: Flask, world: World) -> None:
    phone = enrolled(world)
    post(app, spend(phone, world), X_Unsent="3")
    row = device(phone)
    assert row.unsent == 3 and row.unsent_at is not None
    with db.transaction() as session:
        session.execute(sa.update(Device).values(unsent_at=clock.now() - timedelta(days=1)))
    for who, path in (
        ("zhou", f"/people/{world.person('wang').id}"),
        ("wang", "/me/devices"),
        ("zhou", f"/people/{world.person('wang').id}/phone"),
    ):
        assert "手机里还有 3 条没交（昨天 " in page(world, who, path), path
    post(app, spend(phone, world), X_Unsent="0")
    assert "手机里没有没交的" in page(world, "zhou", f"/people/{world.person('wang').id}")


@pytest.mark.parametrize("told", ["", "-1", "1.5", "１", "100000", "x", "1e3", "+2", "0x1"])
def test_anything_but_a_whole_number_is_ignored(app: Flask, world: World, told: str) -> None:
    phone = enrolled(world)
    assert post(app, spend(phone, world), X_Unsent=told.encode().decode("latin-1")).status_code == 201
    assert device(phone).unsent is None


def test_a_number_costs_one_statement_and_only_when_it_changed(app: Flask, world: World) -> None:
    phone = enrolled(world)
    post(app, spend(phone, world))

    def cost(**headers: str) -> list[str]:
        envelope = spend(phone, world)
        with counted() as sent:
            assert post(app, envelope, **headers).json["state"] == "applied"
        return sent

    plain, changed, same = cost(), cost(X_Unsent="2"), cost(X_Unsent="2")
    assert (len(changed) - len(plain), len(same) - len(plain)) == (1, 0)
    assert not any(each.startswith("UPDATE device") for each in same)


def test_a_record_that_could_not_be_kept_leaves_the_number_too(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = enrolled(world)

    def full(*_args: Any, **_told: Any) -> None:
        raise OSError(28, "No space left")

    monkeypatch.setattr("webapp.store.inbox._apply", full)
    assert post(app, spend(phone, world), X_Unsent="4").status_code == 503
    assert device(phone).unsent is None


def test_the_persons_page_tells_what_came_and_which_numbers_did_not(app: Flask, world: World) -> None:
    phone = enrolled(world)
    made = [spend(phone, world) for _n in range(6)]
    for each in (made[0], made[2], made[5]):
        post(app, each)
    for who, path in (("zhou", f"/people/{world.person('wang').id}"), ("wang", "/me/devices")):
        told = page(world, who, path)
        assert "交来过3条" in told and "中间有3条没到：第2、4-5条" in told, path


def test_a_second_content_is_not_a_missing_number(app: Flask, world: World) -> None:
    phone = enrolled(world)
    first = spend(phone, world)
    post(app, first)
    post(app, phone.seal("ledger.spend", first["body"] | {"amount_fen": 5}, id=first["id"]))
    post(app, spend(phone, world))
    assert "没到" not in page(world, "zhou", f"/people/{world.person('wang').id}")


def test_a_stopped_phones_later_records_are_held_and_its_sign_ins_end(app: Flask, world: World) -> None:
    phone = enrolled(world)
    person = world.person("wang").id
    there = f"/people/{person}"
    answer = world.client("zhou").post(f"/people/{person}/phone/{phone.device}/revoke?next={there}")
    assert (answer.status_code, answer.headers["Location"]) == (303, there)
    told = post(app, spend(phone, world)).json
    assert (told["state"], kept(told["seq"]).reason) == ("quarantined", "revoked_device")
    world.client("zhou").post(f"/deliveries/{told['seq']}/again")
    assert kept(told["seq"]).state == "applied"


def replaced(world: World, phone: Phone) -> None:
    """A new phone is set up for 王桂芳."""
    with db.transaction():
        wang = world.account("wang")
        _slip, code = Slip.write(Slip.ENROL, wang, wang.id)
        Device.enrol(code, "864203", x="x", y="y", gen=2, label="新手机")


def test_a_replaced_phone_that_still_holds_some_is_on_the_heads_list_until_they_come(app: Flask, world: World) -> None:
    phone = enrolled(world, label="旧红米")
    post(app, spend(phone, world), X_Unsent="1")
    last = spend(phone, world)
    assert "旧手机还有没交的" not in page(world, "zhou", "/deliveries")
    replaced(world, phone)
    for path in ("/deliveries", "/"):
        told = page(world, "zhou", path)
        assert "旧手机还有没交的" in told and "旧红米" in told, path
    assert "旧红米" not in page(world, "he", "/deliveries") and "旧红米" not in page(world, "feng", "/deliveries")
    post(app, last, X_Unsent="0")
    assert "旧红米" not in page(world, "zhou", "/deliveries")


def test_a_replaced_phone_with_gaps_is_on_the_heads_list_until_they_are_filled(app: Flask, world: World) -> None:
    phone = enrolled(world, label="旧红米")
    one, two, three = (spend(phone, world) for _n in range(3))
    post(app, one)
    post(app, three)
    replaced(world, phone)
    assert device(phone).missing == 1 and "第2条" in page(world, "zhou", "/deliveries")
    post(app, two)
    assert "旧红米" not in page(world, "zhou", "/deliveries")


def test_a_lost_phone_is_waited_for_no_longer_when_the_head_says_so(app: Flask, world: World) -> None:
    phone = enrolled(world, label="旧红米")
    post(app, spend(phone, world), X_Unsent="2")
    url = f"/deliveries/phones/{phone.device}/waive"
    assert world.client("zhou").post(url).status_code == 422  # in use
    replaced(world, phone)
    assert world.client("he").post(url).status_code == 404
    assert world.client("zhou").post(url).status_code == 303
    assert "旧红米" not in page(world, "zhou", "/deliveries")
    assert post(app, spend(phone, world)).json["state"] == "quarantined"


def test_a_new_phone_says_what_it_holds_when_it_is_set_up(app: Flask, world: World) -> None:
    with db.transaction():
        wang = world.account("wang")
        _slip, code = Slip.write(Slip.ENROL, wang, wang.id)
    key = Phone(wang.id).public
    sent = {
        "slip": code,
        "pin": "864203",
        "gen": 29395200,
        "label": "新",
        "jwk": {"kty": "EC", "crv": "P-256", "x": key.x, "y": key.y},
    }
    answer = app.test_client().post("/devices", json=sent, headers={"X-Unsent": "7"})
    assert answer.status_code == 201, answer.json
    db.undo()
    assert db.reading().scalars(sa.select(Device.unsent)).one() == 7


# ---- an ended account ----


@pytest.fixture
def ended(app: Flask, world: World) -> Phone:
    """王桂芳's phone after her account was ended, with a record made before."""
    phone = enrolled(world)
    with db.transaction() as session:
        session.execute(sa.update(HomeCareUnit).values(until=clock.now()))
        session.scalars(sa.select(Account).where(Account.login == "wang")).one().end()
    return phone


def test_late_records_of_an_ended_account_are_stored_and_can_be_booked(app: Flask, world: World, ended: Phone) -> None:
    envelope = spend(ended, world)
    first, again = post(app, envelope), post(app, envelope)
    assert (first.status_code, again.status_code, first.json["state"]) == (201, 200, "quarantined")
    told = page(world, "zhou", f"/deliveries/{first.json['seq']}")
    assert "王桂芳" in told and "从停用的手机来的" in told
    world.client("zhou").post(f"/deliveries/{first.json['seq']}/again")
    assert post(app, envelope).json["state"] == "applied"


def test_an_ended_account_reads_nothing(app: Flask, world: World, ended: Phone) -> None:
    seq = post(app, spend(ended, world)).json["seq"]
    client = world.client("wang")
    for path in ("/", "/deliveries", f"/deliveries/{seq}", "/me", "/outbox", "/book"):
        assert client.get(path).status_code == 303, path
        assert "/sign-in" in client.get(path).headers["Location"], path
        assert client.get(path, headers={"HX-Request": "true"}).status_code == 401, path
