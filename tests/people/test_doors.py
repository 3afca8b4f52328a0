"""The doors: signing in, enrolling, PIN, grants, invitations, my page, outbox; tried by those who may and those who may not."""

import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from tests.people.test_doors_rules import GOOD
from tests.world import PASSWORD
from webapp.access import Role
from webapp.kit import clock, ids
from webapp.people import accounts, keys, login, models
from webapp.people.models import Account, Device, Grant, Kin, SignIn, Slip
from webapp.store import audit, db, inbox, secrets
from webapp.web.limits import Tries

PIN = "280591"


def deeds():
    """Every audited deed so far, oldest first: (verb, subject, facts)."""
    db.undo()
    bodies = db.reading().scalars(sa.select(audit.Entry.body).order_by(audit.Entry.at, audit.Entry.id)).all()
    db.undo()
    return [(deed["verb"], deed["on"], deed["facts"]) for body in bodies for deed in json.loads(body)["deeds"]]


def verbs():
    return [verb for verb, _on, _facts in deeds()]


def one(ask):
    """A fresh row; the transaction it was read in is over."""
    db.undo()
    found = db.reading().scalars(ask).unique().all()
    db.undo()
    return found[0] if found else None


def write_slip(world, who="wang", purpose=Slip.ENROL, **more):
    with db.transaction():
        _slip, code = Slip.write(purpose, world.account(who), world.account("zhou").id, **more)
    return code


def key():
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (models_b64(value) for value in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def models_b64(value):
    import base64

    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).decode().rstrip("=")


def enrol(world, client, who="wang", jwk=None, code=None, **more):
    code = code or write_slip(world, who, **more)
    return client.post("/devices", json=GOOD | {"slip": code, "jwk": jwk or key(), "pin": PIN})


def phone(world, who="wang", **more):
    """A browser with a phone just enrolled for `who`."""
    client = world.client()
    assert enrol(world, client, who, **more).status_code == 201
    return client


def age(unlocked=timedelta(0), seen=timedelta(0)):
    """Let time pass on every phone: the PIN was given so long ago."""
    with db.transaction() as session:
        session.execute(sa.update(SignIn).where(SignIn.device_id.is_not(None)).values(unlocked_at=clock.now() - unlocked))
        session.execute(sa.update(Device).values(seen_at=clock.now() - seen))


def sign_in(client, name="zhou", password=PASSWORD, **more):
    return client.post("/sign-in", data={"name": name, "password": password, **more})


# ---- name and password ----


def test_office_signs_in_by_login_and_lands_where_she_wanted(app, world):
    answer = sign_in(world.client(), next="/people?page=2")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/people?page=2")
    assert verbs()[-1] == "account.sign_in"


def test_office_signs_in_by_her_name_and_by_a_phone_that_is_hers_alone(app, world):
    assert sign_in(world.client(), "周建国").status_code == 303
    with db.transaction():
        world.person("zhou").set_phone("13800001111")
    assert sign_in(world.client(), " 138 0000-1111 ").status_code == 303
    assert sign_in(world.client(), "10000001234").status_code == 422  # a number the others share


def test_the_cookie_outlives_the_browser_and_is_not_for_scripts(app, world):
    cookies = sign_in(world.client()).headers.getlist("Set-Cookie")
    session = next(each for each in cookies if each.startswith("session="))
    assert "Expires=" in session and "HttpOnly" in session and "SameSite=Lax" in session


@pytest.mark.parametrize(
    "there",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "evil", ""],
)
def test_no_next_leads_to_another_house(app, world, there):
    where = sign_in(world.client(), next=there).headers["Location"]
    assert where.startswith("/") and not re.match(r"/[\s/\\]", where)


def test_wrong_and_unknown_are_the_same_page_and_the_same_words(app, world):
    wrong, unknown, caregiver = (
        re.sub('name="csrf_token" value="[^"]+"', "", sign_in(world.client(), name, "not-the-one").text)
        for name in ("zhou", "nobody", "wang")
    )
    assert "名字或密码不对" in wrong
    assert wrong.replace("zhou", "") == unknown.replace("nobody", "") == caregiver.replace("wang", "")


def test_an_unknown_name_costs_a_password_check_too(app, world, monkeypatch):
    tried = []
    monkeypatch.setattr(Account, "opens_with", lambda self, password: tried.append(self.password_hash) or False)
    sign_in(world.client(), "nobody", "whatever")
    assert tried == [models.NO_HASH]
    assert not accounts.hasher.check_needs_rehash(models.NO_HASH), "as much work as any other"


def test_what_was_typed_comes_back_without_the_password(app, world):
    page = sign_in(world.client(), "周建国了", "geheim-geheim").text
    assert "周建国了" in page and "geheim-geheim" not in page


def test_a_refused_sign_in_is_audited_without_what_was_typed(app, world):
    sign_in(world.client(), "zhou", "x-wrong")
    sign_in(world.client(), "hunter2secret", "x-wrong")
    (_, known, facts), (_, unknown, _) = [deed for deed in deeds() if deed[0] == "account.sign_in_refused"]
    assert known == f"account:{world.account('zhou').id}" and unknown == "account:unknown"
    assert "zhou" not in json.dumps(facts) and "hunter2secret" not in json.dumps(deeds())


def test_wrong_tries_wait_longer_each_time_and_a_right_one_forgets_them(app, world):
    client, waits = world.client(), []
    for _ in range(8):
        answer = sign_in(client, "zhou", "no")
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            with db.transaction() as session:  # let the wait pass
                session.execute(sa.update(Tries).values(until=Tries_back(waits[-1])))
            answer = sign_in(client, "zhou", "no")
        assert answer.status_code == 422
    assert waits == sorted(waits) and waits[-1] > waits[0] >= 1
    with db.transaction() as session:
        session.execute(sa.update(Tries).values(until=Tries_back(900)))
    assert sign_in(client).status_code == 303
    assert sign_in(world.client(), "zhou", "no").status_code == 422


def Tries_back(seconds):
    """Every counter as if its last wrong try lay `seconds` further back."""
    return clock.now() + timedelta(hours=1) - timedelta(seconds=seconds + 1)


def test_a_waiting_page_keeps_the_name_and_does_not_try_the_password(app, world, monkeypatch):
    client = world.client()
    for _ in range(5):
        sign_in(client, "zhou", "no")
    monkeypatch.setattr(Account, "opens_with", lambda *_: pytest.fail("tried"))
    answer = sign_in(client, "zhou")
    assert answer.status_code == 429 and 'value="zhou"' in answer.text and "请等一会儿再来" in answer.text


def test_guessing_at_one_name_does_not_slow_another(app, world):
    for _ in range(6):
        sign_in(world.client(), "zhou", "no")
    assert sign_in(world.client(), "he").status_code == 303


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "\u202e\u200f", "😀" * 20, "a\x00b", "'; drop table account;--"])
@pytest.mark.parametrize("password", ["", "x" * 201, "密码\x00\ud7ff"])
def test_odd_names_and_passwords_are_answered_in_words(app, world, name, password):
    answer = sign_in(world.client(), name, password)
    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text


def test_an_ended_account_opens_nothing(app, world):
    with db.transaction():
        world.account("zhou").end()
    assert sign_in(world.client()).status_code == 422
    assert world.client("zhou").get("/me").status_code == 303


def test_whoever_signs_in_on_a_browser_signs_the_former_one_out(app, world):
    client = world.client("zhou")
    assert sign_in(client, "he").status_code == 303
    assert "何卫东" in client.get("/me").text
    assert world.client("zhou").get("/me").status_code == 303


def test_signing_out_ends_the_row_so_a_stolen_cookie_is_worth_nothing(app, world):
    client, thief = world.client("zhou"), world.client("zhou")
    assert client.post("/sign-out").status_code == 303
    assert thief.get("/me").status_code == 303
    assert "没交的内容还在手机里" in client.get("/sign-in").text


def test_signing_out_by_a_link_does_nothing(app, world):
    assert world.client("zhou").get("/sign-out").status_code in (404, 405, 422)
    assert world.client("zhou").get("/me").status_code == 200


def test_a_form_without_its_token_is_refused_in_words(app, world):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = sign_in(world.client())
    assert answer.status_code == 422 and "放太久了" in answer.text


# ---- several grants ----


def two_roles(world, who="zhou", role=Role.LIAISON):
    with db.transaction():
        models.grant(world.account(who), role, world.place("wanghai"))


def test_who_has_several_roles_chooses_one(app, world):
    two_roles(world)
    client = world.client()
    assert sign_in(client, next="/me").headers["Location"] == "/grant?next=/me"
    key = re.findall(r'name="grant" value="([^"]+)"', client.get("/grant").text)[1]
    assert client.post("/grant", data={"grant": key, "next": "/me"}).headers["Location"] == "/me"
    assert "联络员" in client.get("/me").text
    assert verbs()[-1] == "account.act_under"


def test_nobody_chooses_a_role_that_is_not_theirs(app, world):
    theirs = one(sa.select(Grant).where(Grant.account_id == world.account("zheng").id)).id
    for wrong in (str(theirs), "", "rubbish"):
        assert world.client("zhou").post("/grant", data={"grant": wrong}).status_code == 422


def test_a_pin_never_opens_an_office_role(app, world):
    with db.transaction():
        models.grant(world.account("wang"), Role.STATION_HEAD, world.place("songling"))
    client = phone(world)
    office = one(sa.select(Grant).where(Grant.account_id == world.account("wang").id, Grant.role == Role.STATION_HEAD)).id
    assert client.post("/grant", data={"grant": str(office)}).status_code == 422
    assert "站长" not in re.sub(r"<a [^>]*>.*?</a>", "", client.get("/grant").text.split("<form", 1)[1])


# ---- enrolling ----


def test_a_slip_opens_a_phone_and_signs_in(app, world):
    client = world.client()
    answer = enrol(world, client)
    assert answer.status_code == 201
    assert answer.json["account"] == str(world.account("wang").id)
    assert secrets.beacon_time(answer.json["beacon"]) and ids.parse(answer.json["epoch"]) and ids.parse(answer.json["device"])
    assert "王桂芳" in client.get("/me").text
    assert verbs()[-2:] == ["device.enrol", "account.sign_in"]


def test_the_key_enrolled_is_the_one_deliveries_are_checked_with(app, world):
    jwk = key()
    device = enrol(world, world.client(), jwk=jwk).json["device"]
    found = keys.find_key(ids.parse(device))
    assert (found.x, found.y, found.account_id) == (jwk["x"], jwk["y"], world.account("wang").id)


def test_a_phone_that_is_stopped_is_signed_in_nowhere(app, world):
    client = phone(world)
    assert client.get("/me").status_code == 200
    with db.transaction() as session:
        session.execute(sa.update(Device).values(revoked_at=clock.now()))
    assert client.get("/me").status_code == 303


def test_a_new_phone_stops_the_old_one_and_its_sign_ins(app, world):
    old = phone(world)
    first = one(sa.select(Device)).id
    phone(world)
    assert old.get("/me").status_code == 303
    assert keys.find_key(first).revoked_at is not None
    assert "device.revoke" in verbs()


def test_a_code_works_once(app, world):
    code = write_slip(world)
    assert enrol(world, world.client(), code=code).status_code == 201
    again = enrol(world, world.client(), code=code)
    assert (again.status_code, again.json["say"]) == (422, "这个码不对，请看清再输")
    assert verbs()[-1] == "slip.wrong"


def test_an_answer_lost_on_the_way_is_given_again(app, world):
    jwk, code, client = key(), write_slip(world), world.client()
    first = enrol(world, client, jwk=jwk, code=code).json["device"]
    assert enrol(world, client, jwk=jwk, code=code).json["device"] == first
    other_pin = client.post("/devices", json=GOOD | {"slip": code, "jwk": jwk, "pin": "730914"})
    assert other_pin.status_code == 422


def test_an_old_code_is_refused_as_old(app, world):
    code = write_slip(world)
    with db.transaction() as session:
        session.execute(sa.update(Slip).values(until=clock.now()))
    answer = enrol(world, world.client(), code=code)
    assert answer.status_code == 422 and "过时了" in answer.json["say"]


def test_a_second_slip_strikes_the_first_through(app, world):
    first = write_slip(world)
    write_slip(world)
    assert enrol(world, world.client(), code=first).status_code == 422


def test_a_reset_code_opens_no_phone(app, world):
    code = write_slip(world, "zhou", Slip.RESET)
    assert enrol(world, world.client(), code=code).status_code == 422


@pytest.mark.parametrize("pin", ["111111", "123456", "987654", "12345", "1234567", "abcdef", "", "😀😀😀😀😀😀"])
def test_a_weak_pin_is_refused_and_the_code_still_works(app, world, pin):
    code, client = write_slip(world), world.client()
    assert client.post("/devices", json=GOOD | {"slip": code, "pin": pin}).status_code == 422
    assert enrol(world, client, code=code).status_code == 201


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"slip": "\\ud800"}', b"\xff\xfe", b"nul\x00"])
def test_rubbish_sent_as_a_phone_is_answered_in_words(app, world, body):
    answer = world.client().post("/devices", data=body, content_type="application/json")
    assert answer.status_code in (400, 422) and answer.json["say"]


def test_guessing_codes_waits(app, world):
    client = world.client()
    answers = [enrol(world, client, code=f"{n:08d}").status_code for n in range(12)]
    assert answers[0] == 422 and answers[-1] == 429


def test_without_scripts_the_phone_opens_without_a_key(app, world):
    client = world.client()
    answer = client.post("/enrol", data={"slip": write_slip(world), "pin": PIN, "label": ""})
    assert answer.status_code == 303 and "王桂芳" in client.get("/me").text
    device = one(sa.select(Device))
    with pytest.raises(inbox.UnknownDevice):
        inbox.authorise({"device": str(device.id), "sig": "A" * 86, "hash": "00" * 32})


@pytest.mark.parametrize(
    ("slip", "pin"), [("", ""), ("12345678", PIN), ("x" * 99, "😀"), ("１２３４５６７８", "\u202e1"), ("1\x002", "000000")]
)
def test_the_plain_enrolment_says_what_is_wrong_beside_the_field(app, world, slip, pin):
    answer = world.client().post("/enrol", data={"slip": slip, "pin": pin})
    assert answer.status_code == 422 and 'class="wrong"' in answer.text


def test_the_enrolment_page_takes_the_code_from_the_picture(app, world):
    page = world.client().get("/enrol?code=12345678").text
    assert 'value="12345678"' in page and "data-wechat" in page and 'name="csrf-token"' in page
    assert world.client().get("/enrol?code=%00%E2%80%AE<script>").status_code == 200


# ---- the head opens a phone ----


def test_the_head_sees_a_code_that_opens_the_phone(app, world):
    person = world.person("wang").id
    page = world.client("zhou").post(f"/people/{person}/phone", data={"shared": "y"}).text
    code = re.search(r'<p class="figure"[^>]*>(\d{4}) (\d{4})</p>', page)
    assert "<svg" in page and "用到" in page
    assert enrol(world, world.client(), code="".join(code.groups())).status_code == 201
    assert one(sa.select(Device)).shared is True


def test_the_page_says_when_the_phone_is_open(app, world):
    person = world.person("wang").id
    head = world.client("zhou")
    page = head.post(f"/people/{person}/phone").text
    asks = re.search(r'hx-get="([^"]+)"', page)[1]
    assert "还有10分钟" in page
    code = "".join(re.search(r'<p class="figure"[^>]*>(\d{4}) (\d{4})</p>', page).groups())
    enrol(world, world.client(), code=code)
    piece = head.get(asks, headers={"HX-Request": "true"}).text
    assert "开通好了" in piece and "hx-get" not in piece and "<html" not in piece


@pytest.mark.parametrize(
    ("who", "status"), [("he", 404), ("wang", 403), ("limin", 403), ("jiang", 403), ("shen", 403), ("wu", 200)]
)
def test_only_her_own_office_opens_a_caregivers_phone(app, world, who, status):
    person = world.person("wang").id
    assert world.client(who).get(f"/people/{person}/phone").status_code == status
    assert world.client(who).post(f"/people/{person}/phone").status_code == status


def test_nobody_with_a_password_gets_a_phone_slip(app, world):
    assert world.client("zhou").post(f"/people/{world.person('chen').id}/phone").status_code == 422


def test_what_an_old_phone_left_out_is_named(app, world):
    phone(world)
    device = one(sa.select(Device))
    with db.transaction() as session:
        for number in (1, 2, 5, 9):
            session.add(kept(world, device=device, number=number))
    page = world.client("zhou").get(f"/people/{world.person('wang').id}/phone").text
    assert "交来过4条" in page and "5条没到" in page and "3-4、6-8" in page


def kept(world, who="wang", device=None, number=None, state=inbox.APPLIED, say=None):
    return inbox.Kept(
        id=ids.new(), hash=b"h" * 32, kind="visits.arrive", author_id=world.account(who).id,
        device_id=device and device.id, gen=device and device.gen, dseq=number, made_at=clock.now(),
        received_at=clock.now(), state=state, say=say, raw=b"",
    )  # fmt: skip


def test_the_head_stops_a_phone_and_another_head_cannot(app, world):
    client = phone(world)
    person, device = world.person("wang").id, one(sa.select(Device)).id
    assert world.client("he").post(f"/people/{person}/phone/{device}/revoke").status_code == 404
    assert client.get("/me").status_code == 200
    assert world.client("zhou").post(f"/people/{person}/phone/{device}/revoke").status_code == 303
    assert client.get("/me").status_code == 303


# ---- the PIN ----


def test_an_own_phone_asks_for_its_pin_the_next_day_and_goes_on(app, world):
    client = phone(world)
    assert client.get("/me").status_code == 200
    age(timedelta(days=1))
    locked = client.get("/outbox")
    assert (locked.status_code, locked.headers["Location"]) == (303, "/pin?next=/outbox")
    assert "王桂芳" in client.get("/pin?next=/outbox").text
    opened = client.post("/pin", data={"pin": PIN, "next": "/outbox"})
    assert (opened.status_code, opened.headers["Location"]) == (303, "/outbox")
    assert client.get("/outbox").status_code == 200


def test_a_piece_is_told_to_go_to_the_pin_by_header(app, world):
    client = phone(world)
    age(timedelta(days=1))
    answer = client.get("/outbox", headers={"HX-Request": "true", "Referer": "http://localhost/me?x=1"})
    assert (
        answer.status_code == 401
        and answer.headers["HX-Redirect"] == "/pin?next=/me?x%3D1"
        or answer.headers["HX-Redirect"].startswith("/pin?next=/me")
    )


def test_a_locked_phone_still_takes_records_and_serves_its_files(app, world):
    client = phone(world)
    age(timedelta(days=1))
    marks = {"id": str(ids.new()), "made_at": "x", "seal": "x"}
    assert "/pin" not in (client.post("/me/scale", data=marks).headers.get("Location") or "")
    assert client.post("/inbox", data=b"{}").status_code == 400
    assert client.get("/inbox/kinds").status_code == 200
    assert client.get("/sign-in").status_code == 303
    assert client.post("/me/scale", data={"scale": "125"}).headers["Location"].startswith("/pin")


def test_an_open_visit_keeps_the_phone_open(app, world, monkeypatch):
    client = phone(world)
    age(timedelta(days=1))
    wang = world.account("wang").id
    monkeypatch.setattr(login, "OPEN_WORK", [lambda who: who.account_id == wang])
    assert client.get("/outbox").status_code == 200
    monkeypatch.setattr(login, "OPEN_WORK", [lambda who: False])
    assert client.get("/outbox").status_code == 303


def test_a_shared_phone_locks_when_nobody_touches_it(app, world):
    client = phone(world, shared=True)
    age(timedelta(minutes=6))
    assert client.get("/outbox").status_code == 200  # touched when it was enrolled a moment ago
    with client.session_transaction() as cookie:
        cookie["used"] = int(clock.now().timestamp()) - 301
    assert client.get("/outbox").status_code == 303


def test_what_a_page_fetches_by_itself_is_no_touch(app, world):
    client = phone(world, shared=True)
    long_ago = int(clock.now().timestamp()) - 200
    with client.session_transaction() as cookie:
        cookie["used"] = long_ago
    client.get("/outbox", headers={"HX-Request": "true"})
    with client.session_transaction() as cookie:
        assert cookie["used"] == long_ago
    client.get("/outbox")
    with client.session_transaction() as cookie:
        assert cookie["used"] > long_ago


def test_office_and_kin_are_never_asked_for_a_pin(app, world):
    for who in ("zhou", "limin"):
        client = world.client(who)
        assert client.get("/me").status_code == 200
        assert client.get("/pin").headers["Location"] == "/sign-in"


def test_a_wrong_pin_says_how_many_are_left_and_is_audited(app, world):
    client = phone(world)
    age(timedelta(days=1))
    answer = client.post("/pin", data={"pin": "000000"})
    assert answer.status_code == 422 and "还能试9次" in answer.text and "000000" not in answer.text
    verb, _on, facts = deeds()[-1]
    assert (verb, facts) == ("device.pin_wrong", {"tries": 1})


def test_ten_wrong_pins_end_the_sign_ins_of_the_phone_for_good(app, world):
    client = phone(world)
    for n in range(9):
        assert client.post("/pin", data={"pin": f"00000{n}"}).status_code == 422
    last = client.post("/pin", data={"pin": "000009"})
    assert (last.status_code, last.headers["Location"]) == (303, "/sign-in")
    assert client.get("/me").status_code == 303
    page = client.get("/sign-in").text
    assert "密码错了10次" in page and "王桂芳" not in page
    right = client.post("/pin", data={"pin": PIN, "phone": str(one(sa.select(Device)).id)})
    assert right.headers["Location"] == "/sign-in" and client.get("/me").status_code == 303
    assert verbs().count("device.pin_wrong") == 10 and "device.pin_end" in verbs()
    assert keys.find_key(one(sa.select(Device)).id).revoked_at is None  # what is unsent can still be delivered


def test_the_right_pin_comes_too_late_after_ten_wrong_ones(app, world):
    phone(world)
    device = one(sa.select(Device))
    with db.transaction():
        assert [device.tried(False) for _ in range(10)] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
        assert device.tried(True) == 0


def test_a_right_pin_starts_the_count_afresh(app, world):
    client = phone(world)
    for _ in range(8):
        client.post("/pin", data={"pin": "000000"})
    assert client.post("/pin", data={"pin": PIN}).status_code == 303
    assert "还能试9次" in client.post("/pin", data={"pin": "000000"}).text


@pytest.mark.parametrize("pin", ["", "x" * 21, "😀", "\u202e", "12345", "1\x00"])
def test_odd_pins_are_answered_in_words(app, world, pin):
    answer = phone(world).post("/pin", data={"pin": pin})
    assert answer.status_code == 422 and 'class="wrong"' in answer.text


def test_after_signing_out_the_phone_opens_again_by_its_pin(app, world):
    client = phone(world)
    client.post("/sign-out")
    where = re.search(r'href="(/pin[^"]+)"', client.get("/sign-in").text)[1].replace("&amp;", "&")
    device = str(one(sa.select(Device)).id)
    assert client.get(where).status_code == 200
    assert client.post("/pin", data={"pin": PIN, "phone": device, "next": "/me"}).headers["Location"] == "/me"
    assert "王桂芳" in client.get("/me").text


def test_another_browser_cannot_try_the_pin_of_a_phone(app, world):
    phone(world)
    device = str(one(sa.select(Device)).id)
    stranger = world.client()
    assert stranger.post("/pin", data={"pin": PIN, "phone": device}).headers["Location"] == "/sign-in"
    stranger.set_cookie("phones", f"{device}.forged")
    assert stranger.post("/pin", data={"pin": PIN, "phone": device}).headers["Location"] == "/sign-in"


def test_two_people_take_turns_on_one_shared_phone(app, world):
    client = phone(world, shared=True)
    assert enrol(world, client, "qian", shared=True).status_code == 201
    wang = one(sa.select(Device).where(Device.account_id == world.account("wang").id)).id
    assert "王桂芳" in client.get("/pin").text
    client.post("/pin", data={"pin": PIN, "phone": str(wang), "next": "/me"})
    page = client.get("/me").text
    assert "王桂芳" in page and "钱桂兰" not in page


def test_a_phone_left_in_a_drawer_for_a_month_needs_a_new_slip(app, world):
    client = phone(world)
    client.post("/sign-out")
    age(seen=timedelta(days=31))
    assert "王桂芳" not in client.get("/sign-in").text


# ---- passwords from above ----


def test_the_level_above_gives_a_code_that_sets_a_new_password_once(app, world):
    chen = world.person("chen").id
    page = world.client("zhou").post(f"/people/{chen}/reset").text
    code = "".join(re.search(r'<p class="figure"[^>]*>(\d{4}) (\d{4})</p>', page).groups())
    old = world.client("chen")
    client = world.client()
    done = client.post("/reset", data={"code": f"{code[:4]} {code[4:]}", "password": "a-new-nest-7"})
    assert (done.status_code, done.headers["Location"]) == (303, "/sign-in")
    assert old.get("/me").status_code == 303
    assert sign_in(world.client(), "chen").status_code == 422
    assert sign_in(world.client(), "chen", "a-new-nest-7").status_code == 303
    assert client.post("/reset", data={"code": code, "password": "a-new-nest-8"}).status_code == 422
    assert {"slip.reset", "account.reset"} <= set(verbs())


@pytest.mark.parametrize(
    ("who", "whom", "status"),
    [
        ("zhou", "chen", 200),
        ("zhou", "zhou", 404),
        ("zhou", "he", 404),
        ("zhou", "wu", 404),
        ("zhou", "zheng", 404),
        ("he", "chen", 404),
        ("wu", "zhou", 200),
        ("wu", "he", 200),
        ("wu", "zheng", 404),
        ("zheng", "wu", 200),
        ("zheng", "feng", 200),
        ("zheng", "shen", 404),
        ("shen", "zheng", 200),
        ("shen", "shen", 404),
        ("zhou", "wang", 422),
        ("wang", "chen", 403),
        ("limin", "chen", 403),
        ("jiang", "chen", 403),
    ],
)
def test_a_reset_code_is_never_for_equal_or_higher_roles(app, world, who, whom, status):
    assert world.client(who).post(f"/people/{world.person(whom).id}/reset").status_code == status


def test_who_holds_a_higher_role_besides_is_out_of_reach(app, world):
    with db.transaction():
        models.grant(world.account("chen"), Role.STREET_MANAGER, world.place("street"))
    assert world.client("zhou").post(f"/people/{world.person('chen').id}/reset").status_code == 404


@pytest.mark.parametrize("password", ["short", "12345678", "PASSWORD", "x" * 201, "", "       "])
def test_a_weak_new_password_leaves_the_code_alive(app, world, password):
    code = write_slip(world, "chen", Slip.RESET)
    answer = world.client().post("/reset", data={"code": code, "password": password})
    assert answer.status_code == 422 and 'class="wrong"' in answer.text and code in answer.text
    assert world.client().post("/reset", data={"code": code, "password": "a-new-nest-7"}).status_code == 303


@pytest.mark.parametrize("code", ["", "1", "x" * 30, "😀", "12345678", "\x00", "\u202e12345678"])
def test_odd_codes_are_answered_in_words(app, world, code):
    answer = world.client().post("/reset", data={"code": code, "password": "a-new-nest-7"})
    assert answer.status_code == 422 and 'class="wrong"' in answer.text


# ---- kin ----


def kin_id(world, who="limin"):
    return one(sa.select(Kin).where(Kin.person_id == world.person(who).id)).id


def invited(world, who="limin"):
    page = world.client("zhou").post(f"/kin/{kin_id(world, who)}/invite").text
    return re.search(r"/i/([\w-]+)", page)[0]


def test_looking_at_an_invitation_uses_nothing_up_and_the_button_signs_in(app, world):
    link, client = invited(world), world.client()
    for _ in range(3):
        page = client.get(link)
        assert page.status_code == 200 and "李敏" not in page.text and "李秀兰" not in page.text
    assert client.post(link).headers["Location"] == "/"
    assert "李敏" in client.get("/me").text
    row = one(sa.select(SignIn).order_by(SignIn.made_at.desc()))
    assert timedelta(days=89) < row.until - clock.now() <= timedelta(days=90)
    assert "kin.accept" in verbs()


def test_an_invitation_opens_once_but_goes_on_on_the_same_phone(app, world):
    link, client = invited(world), world.client()
    client.post(link)
    assert client.get(link).headers["Location"] == "/"
    assert client.post(link).headers["Location"] == "/"
    assert world.client().get(link).status_code == 422
    assert world.client().post(link).status_code == 422


@pytest.mark.parametrize("code", ["nothing", "x" * 2000, "%00", "%F0%9F%98%80", "..%2F..%2Fetc"])
def test_an_unknown_invitation_says_what_to_do(app, world, code):
    answer = world.client().get(f"/i/{code}")
    assert answer.status_code in (404, 422)


def test_only_the_station_of_the_resident_invites(app, world):
    key = kin_id(world)
    for who, status in (("he", 404), ("wang", 403), ("limin", 403), ("jiang", 403), ("wu", 200), ("zhou", 200)):
        assert world.client(who).post(f"/kin/{key}/invite").status_code == status


def test_a_relative_without_an_account_gets_one_once(app, world):
    with db.transaction():
        person = models.welcome("李小妹")
        models.relate(world.resident("李秀兰"), person, "侄女")
        person_id = person.id
    key = one(sa.select(Kin).where(Kin.person_id == person_id)).id
    for _ in range(2):
        page = world.client("zhou").post(f"/kin/{key}/invite")
        assert page.status_code == 200
    assert world.client().post(re.search(r"/i/[\w-]+", page.text)[0]).headers["Location"] == "/"


def test_a_forwarded_link_opens_nothing_but_what_kin_may(app, world):
    with db.transaction():
        models.relate(world.resident("李秀兰"), world.person("he"), "女婿")
    client = world.client()
    client.post(invited(world, "he"))
    office = one(sa.select(Grant).where(Grant.account_id == world.account("he").id, Grant.role == Role.STATION_HEAD)).id
    assert client.post("/grant", data={"grant": str(office)}).status_code == 422
    assert client.get("/access").status_code == 403


def test_somebody_signed_in_is_warned_before_taking_a_relatives_link(app, world):
    assert "周建国" in world.client("zhou").get(invited(world)).text


# ---- my page ----


def test_my_page_shows_who_i_am_and_where_i_am_signed_in(app, world):
    page = world.client("zhou").get("/me").text
    assert "周建国" in page and "站长" in page and "松岭一社区" in page and "就是这里" in page


def test_i_end_my_sign_ins_elsewhere_and_nobody_elses(app, world):
    here = world.client()
    sign_in(here)
    elsewhere = one(sa.select(SignIn).where(SignIn.token == secrets.one_way("token-zhou"))).id
    others = one(sa.select(SignIn).where(SignIn.token == secrets.one_way("token-he"))).id
    assert here.post(f"/me/sign-ins/{others}/end").status_code == 404
    assert here.post(f"/me/sign-ins/{elsewhere}/end").status_code == 303
    assert world.client("zhou").get("/me").status_code == 303
    assert world.client("he").get("/me").status_code == 200
    assert here.post(f"/me/sign-ins/{elsewhere}/end").status_code == 404


@pytest.mark.parametrize(("size", "kept"), [("125", True), ("160", True), ("9", False), ("", False), ("125; drop", False)])
def test_the_text_size_stays(app, world, size, kept):
    client = world.client("zhou")
    assert client.post("/me/scale", data={"scale": size}).status_code == 303
    assert (f'class="scale-{size}"' in client.get("/me").text) is kept
    assert (one(sa.select(Account).where(Account.login == "zhou")).scale == int(size if kept else 100)) is True


def test_i_stop_my_own_phone_and_nobody_elses(app, world):
    client = phone(world)
    device = one(sa.select(Device)).id
    assert world.client("qian").post(f"/me/devices/{device}/revoke").status_code == 404
    assert client.get("/me/devices").status_code == 200
    client.post(f"/me/devices/{device}/revoke")
    assert client.get("/me/devices").status_code == 303
    assert "停用了" in world.client("wang").get("/me/devices").text


def test_the_outbox_names_what_the_station_holds_of_mine_alone(app, world):
    with db.transaction() as session:
        mine = kept(world, state=inbox.QUARANTINED, say="这部手机已停用，先放在站里核对")
        session.add_all([mine, kept(world, state=inbox.WAITING), kept(world, "qian", state=inbox.QUARANTINED, say="别人的")])
        twice = kept(world)
        twice.twice = True
        session.add(twice)
        session.flush()
        session.add(inbox.Conflict(id=twice.id, hash=b"o" * 32, received_at=clock.now(), raw=b""))
        number = mine.seq
    page = world.client("wang").get("/outbox").text
    assert "先放在站里核对" in page and f"收条号 {number}" in page
    assert "等前面一条到了" in page and "记了两样内容" in page and "别人的</small>" not in page
    assert "data-outbox-list" in page and "data-rescue" in page and "data-send-now" in page


def test_the_table_of_who_may_what_is_for_those_who_may_see_it(app, world):
    page = world.client("zheng").get("/access").text
    assert "给养护员开通手机" in page and "养护员" in page
    for who in ("wang", "limin", "chen"):
        assert world.client(who).get("/access").status_code == 403


@pytest.mark.parametrize("path", ["/me", "/me/devices", "/outbox", "/access", "/grant"])
def test_a_stranger_is_sent_to_sign_in(app, world, path):
    answer = world.client().get(path)
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize(("who", "path"), [("zhou", "/me"), ("wang", "/outbox"), ("wang", "/me/devices"), ("zheng", "/access")])
def test_a_page_asks_few_questions(app, world, who, path):
    asked = []
    engine = db.database().engine
    sa.event.listen(engine, "before_cursor_execute", lambda *args: args[2] == "begin" or asked.append(args[2]))
    assert world.client(who).get(path).status_code == 200
    assert len(asked) <= 6, asked


def test_the_heads_page_asks_few_questions_however_many_phones(app, world):
    for _ in range(3):
        phone(world)
    asked = []
    person = world.person("wang").id
    sa.event.listen(db.database().engine, "before_cursor_execute", lambda *args: args[2] == "begin" or asked.append(args[2]))
    assert world.client("zhou").get(f"/people/{person}/phone").status_code == 200
    assert len(asked) <= 6, asked


def test_the_sign_in_page_is_small(app, world):
    client = world.client()
    page = client.get("/sign-in", headers={"Accept-Encoding": "gzip"})
    found = set(re.findall(r'(?:href|src)="(/assets/[^"#]+)', __import__("gzip").decompress(page.data).decode()))
    sizes = [len(client.get(each, headers={"Accept-Encoding": "gzip"}).data) for each in found]
    assert 1 + len(found) <= 4 and len(page.data) + sum(sizes) <= 30 * 1024, (found, sizes)


def test_every_page_of_the_doors_speaks_english(app, world):
    client = world.client("zhou")
    client.set_cookie("lang", "en")
    person = world.person("wang").id
    for path in ("/me", "/me/devices", "/outbox", "/grant", f"/people/{person}/phone", "/reset", "/enrol"):
        main = client.get(path).text.split("<main", 1)[1]
        text = re.sub(r"<[^>]+>", " ", main).replace("中文", "")
        for own in ("周建国", "王桂芳", "松岭一社区居家养老服务站"):
            text = text.replace(own, "")
        assert not re.findall(r"[\u4e00-\u9fff]+", text), path


def test_after_all_this_the_audit_chain_is_sound(app, world):
    sign_in(world.client(), "zhou", "no")
    client = phone(world)
    client.post("/pin", data={"pin": "000000"})
    db.undo()
    assert audit.verify(db.reading()) == []
