"""The pages of people: who may, who may not, and what comes of bad input."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from tests.people.browsers import hidden, post, said
from webapp.access import Role
from webapp.kit import clock, ids
from webapp.people import models as people
from webapp.people import queries
from webapp.people.models import Alert, Consent, Contact, Grant, Household, Kin, Look, Person, Place, Resident, Spot
from webapp.store import audit, db


@pytest.fixture
def zhou(world):
    """The head of Songling, at her desk."""
    return world.client("zhou")


@pytest.fixture
def li(world):
    """李秀兰's household."""
    return world.household("李秀兰")


PAGES = ("/people", "/people?q=lxl", "/people?unpaired=1", "/households/new", "/staff", "/people/new", "/places", "/import")


@pytest.mark.parametrize("url", PAGES)
def test_every_desk_page_opens_for_the_head_and_not_for_a_caregiver(world, zhou, url):
    assert zhou.get(url).status_code == 200
    assert world.client("wang").get(url).status_code == 403
    assert world.client().get(url).status_code == 303


HOME_PAGES = ("", "/edit", "/spots", "/contacts", "/caregiver", "/looks", "/residents/new")
RESIDENT_PAGES = ("", "/edit", "/end", "/alerts", "/portrait", "/kin")


@pytest.mark.parametrize("tail", HOME_PAGES)
def test_a_household_is_there_for_its_head_and_not_there_for_the_next(world, zhou, li, tail):
    assert zhou.get(f"/households/{li.id}{tail}").status_code == 200
    assert world.client("he").get(f"/households/{li.id}{tail}").status_code == 404
    assert world.client("wang").get(f"/households/{li.id}{tail}").status_code == 403


@pytest.mark.parametrize("tail", RESIDENT_PAGES)
def test_a_resident_is_there_for_the_own_head_and_not_there_for_the_next(world, zhou, tail):
    key = world.resident("李秀兰").id
    assert zhou.get(f"/residents/{key}{tail}").status_code == 200
    assert world.client("he").get(f"/residents/{key}{tail}").status_code == 404


@pytest.mark.parametrize("name", ["wu", "zheng", "feng"])
def test_street_and_district_reach_down(world, li, name):
    assert world.client(name).get(f"/households/{li.id}").status_code == 200


@pytest.mark.parametrize("name", ["jiang", "wei"])
def test_auditor_and_liaison_see_masks_and_nothing_that_tells_who(world, li, name):
    for url in (f"/households/{li.id}", f"/residents/{world.resident('李秀兰').id}", "/people"):
        page = said(world.client(name).get(url))
        assert "李**" in page
        for secret in ("李秀兰", "和平里", "青霉素", "9999", "李敏", "王桂芳"):
            assert secret not in page, (url, secret)
    assert "李" not in said(world.client(name).get("/people?q=lxl")).split('id="households"')[0].split("找到的")[1]


def test_the_list_asks_few_questions_and_no_more_with_more_rows(app, world, zhou):
    few = _statements(app, lambda: zhou.get("/people"))
    with db.transaction():
        station = world.place("songling")
        for n in range(20):
            home = people.settle_household(station, f"民政街{n}号")
            people.warn(people.take_in(home, f"赵桂{'甲乙丙丁戊己庚辛壬癸'[n % 10]}"), "怕狗")
    many = _statements(app, lambda: zhou.get("/people"))
    assert len(many) == len(few) <= 7, "\n".join(many)


@pytest.mark.parametrize("url", ["/households/{li}", "/residents/{lan}"])
def test_a_household_and_a_resident_cost_few_statements(app, world, zhou, li, url):
    url = url.format(li=li.id, lan=world.resident("李秀兰").id)
    zhou.get(url)
    asked = _statements(app, lambda: zhou.get(url))
    assert len(asked) <= 13, "\n".join(asked)


def _statements(app, deed) -> list[str]:
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    engine = app.extensions["db"].engine
    sa.event.listen(engine, "before_cursor_execute", note)
    deed()
    sa.event.remove(engine, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize("words", ["李秀", "lxl", "LXL", "R00001"])
def test_search_finds_by_name_initials_and_number(zhou, words):
    assert "李秀兰" in said(zhou.get("/people", query_string={"q": words})).split('id="households"')[0]


def test_the_list_is_paged_by_number(app, world, zhou):
    with db.transaction():
        for n in range(40):
            people.take_in(people.settle_household(world.place("songling"), f"民政街{n}号"), "赵桂花")
    first = said(zhou.get("/people"))
    after = re.search(r"/people\?after=(H\d+)", first)
    assert after and first.count("<tr>") == 31
    second = said(zhou.get(f"/people?after={after[1]}"))
    assert second.count("<tr>") == 13 and f"<small>{after[1]}" not in second


def test_a_piece_comes_alone_when_htmx_asks(zhou):
    page = said(zhou.get("/people", headers={"HX-Request": "true"}))
    assert page.lstrip().startswith('<div id="households"') and "<html" not in page


# --- looks and numbers --------------------


def test_looking_is_written_down_once_in_a_while_and_can_be_read(world, zhou, li):
    for _ in range(3):
        zhou.get(f"/households/{li.id}")
    db.settle()
    rows = db.session().scalars(sa.select(Look).where(Look.household_id == li.id)).all()
    assert [(row.what, row.role) for row in rows] == [("household", "station_head")]
    assert "周建国" in said(zhou.get(f"/households/{li.id}/looks"))


def test_numbers_are_masked_until_a_reason_is_given(world, zhou):
    key = world.resident("李秀兰").id
    page = said(zhou.get(f"/residents/{key}"))
    assert "100****9999" in page and "10000009999" not in page and "210204194405060024" not in page
    none = zhou.post(f"/residents/{key}/reveal", data={"field": "phone"})
    assert none.status_code == 422 and "请写明为什么要看" in said(none)
    shown = zhou.post(f"/residents/{key}/reveal", data={"field": "national_id", "why": "核对身份"})
    assert "210204194405060024" in said(shown) and shown.headers["Cache-Control"] == "no-store"
    body = db.session().scalars(sa.select(audit.Entry.body).where(audit.Entry.verb == "people.reveal")).one()
    assert "national_id" in body and "210204194405060024" not in body
    look = db.session().scalars(sa.select(Look).where(Look.what == "reveal_national_id")).one()
    assert look.reason == "核对身份"


def test_a_number_is_not_revealed_out_of_reach_or_to_a_reviewer(world):
    key = world.resident("李秀兰").id
    typed = {"field": "phone", "why": "核对身份"}
    assert world.client("he").post(f"/residents/{key}/reveal", data=typed).status_code == 404
    assert world.client("feng").post(f"/residents/{key}/reveal", data=typed).status_code == 403


# --- households --------------------


def test_a_household_is_settled_and_a_double_tap_settles_one(world, zhou):
    page = said(zhou.get("/households/new"))
    typed = {"key": hidden(page, "key"), "station": str(world.place("songling").id), "address": "民政街20号3单元301"}
    first, second = (zhou.post("/households/new", data=typed) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    made = db.session().scalars(sa.select(Household).where(Household.id == ids.parse(typed["key"]))).one()
    assert made.address == typed["address"]


def test_a_household_is_not_settled_at_another_station(world, zhou):
    answer = post(zhou, "/households/new", station=str(world.place("wanghai").id), address="民政街20号")
    assert answer.status_code == 422 and "请选一个" in said(answer) and "民政街20号" in said(answer)


def test_an_address_is_changed(world, zhou, li):
    answer = post(zhou, f"/households/{li.id}/edit", station=str(li.station_id), address="和平里4号楼", no_signal="y")
    assert answer.status_code == 303
    db.settle()
    assert (world.household("李秀兰").address, world.household("李秀兰").no_signal) == ("和平里4号楼", True)


def test_what_somebody_changed_meanwhile_is_not_overwritten_unseen(world, zhou, li):
    url, station = f"/households/{li.id}/edit", str(li.station_id)
    seen = hidden(said(zhou.get(url)), "seen")
    zhou.post(url, data={"seen": seen, "station": station, "address": "先改的"})
    late = zhou.post(url, data={"seen": seen, "station": station, "address": "后改的"})
    assert late.status_code == 409 and "先改的" in said(late) and "后改的" in said(late)
    again = zhou.post(url, data={"seen": hidden(said(late), "seen"), "station": station, "address": "后改的"})
    assert again.status_code == 303


def test_a_second_tap_on_a_change_is_no_conflict(world, zhou, li):
    url = f"/households/{li.id}/edit"
    typed = {"seen": hidden(said(zhou.get(url)), "seen"), "station": str(li.station_id), "address": "和平里9号"}
    assert [zhou.post(url, data=typed).status_code for _ in range(2)] == [303, 303]


def test_a_pasted_place_is_converted_to_what_phones_say(world, zhou, li):
    answer = post(
        zhou,
        f"/households/{li.id}/spots",
        kind="child",
        name="女儿家",
        place="116.410244，39.916404",
        system="gcj02",
        radius="150",
    )
    assert answer.status_code == 303
    spot = db.session().scalars(sa.select(Spot).where(Spot.name == "女儿家")).one()
    assert abs(spot.lat_e6 - 39_915_000) < 5 and abs(spot.lon_e6 - 116_404_000) < 5
    assert zhou.post(f"/spots/{spot.id}/drop").status_code == 303
    assert world.client("he").post(f"/spots/{spot.id}/drop").status_code == 404


def test_a_neighbour_is_added_and_taken_away(world, zhou, li):
    post(zhou, f"/households/{li.id}/contacts", kind="neighbour", name="吴阿姨", phone="13800138000")
    contact = db.session().scalars(sa.select(Contact)).one()
    assert contact.phone == "13800138000" and "吴阿姨" in said(zhou.get(f"/households/{li.id}"))
    assert world.client("he").post(f"/contacts/{contact.id}/drop").status_code == 404
    assert zhou.post(f"/contacts/{contact.id}/drop").status_code == 303


def test_the_caregiver_is_changed_and_a_fifth_household_refused_beside_the_field(world, zhou, li):
    qian, wang = world.person("qian"), world.person("wang")
    assert post(zhou, f"/households/{li.id}/caregiver", caregiver=str(qian.id)).status_code == 303
    assert "以前的养护员" in said(zhou.get(f"/households/{li.id}"))
    with db.transaction():
        for n in range(3):
            people.pair(people.settle_household(world.place("songling"), f"{n}号"), wang)
    full = post(zhou, f"/households/{li.id}/caregiver", caregiver=str(wang.id))
    assert full.status_code == 422 and "她已经照看4户了" in said(full)
    stranger = post(zhou, f"/households/{li.id}/caregiver", caregiver=str(world.person("zhao").id))
    assert stranger.status_code == 422


# --- residents --------------------


def test_a_resident_is_taken_in_with_what_the_number_tells(world, zhou, li):
    answer = post(
        zhou,
        f"/households/{li.id}/residents/new",
        name="周文秀",
        national_id="210203194209150403",
        phones="13800138000、0411-84601234",
    )
    assert answer.status_code == 303
    made = db.session().scalars(sa.select(Resident).where(Resident.name == "周文秀")).one()
    assert (str(made.birth_date), made.sex, made.phones) == ("1942-09-15", "f", ("13800138000", "0411-84601234"))
    assert "李秀兰 · 周文秀" in said(zhou.get("/people"))


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", "", "这里要填"),
        ("name", "\u200f\u202e", "这里要填"),
        ("name", "😀😀", "这不像一个姓名"),
        ("name", "张" * 60, "太长了"),
        ("name", "12345", "这不像一个姓名"),
        ("birth", "2199-01-01", "出生日期"),
        ("birth", "1780-01-01", "出生日期"),
        ("birth", "四月初八", "请填公历的出生日期"),
        ("national_id", "210204194405060025", "有一位写错了"),
        ("national_id", "2102041944", "现在是10位"),
        ("phones", "1380013800", "现在是10位"),
        ("phones", "没有", "电话看不懂"),
        ("tier", "Z", "请选一个"),
        ("sex", "x", "请选一个"),
        ("relation", "女" * 21, "太长了"),
    ],
)
def test_bad_input_is_said_beside_the_field_and_kept(world, zhou, li, field, typed, words):
    good = {"name": "周文秀", "relation": "老伴"}
    answer = post(zhou, f"/households/{li.id}/residents/new", **{**good, field: typed})
    page = said(answer)
    assert answer.status_code == 422 and words in page
    assert re.search(rf'<p class="wrong" id="{field}-wrong">', page)
    assert ("周文秀" if field != "name" else "老伴") in page
    assert db.session().scalar(sa.select(Resident.id).where(Resident.name == "周文秀")) is None


def test_nul_and_direction_marks_are_dropped_and_not_stored(world, zhou, li):
    post(zhou, f"/residents/{world.resident('李秀兰').id}/alerts", words="怕\x00狗\u202e", kind="other", level="watch")
    assert db.session().scalars(sa.select(Alert.words).where(Alert.words.contains("狗"))).one() == "怕狗"


def test_a_number_that_somebody_has_is_refused(world, zhou, li):
    with db.transaction():
        world.resident("张福贵").set_national_id("210203194209150403")
    answer = post(zhou, f"/households/{li.id}/residents/new", name="周文秀", national_id="210203194209150403")
    assert answer.status_code == 422 and "已经登记过了" in said(answer)


def test_blank_numbers_stay_when_a_resident_is_changed(world, zhou):
    lan = world.resident("李秀兰")
    typed = {"name": "李秀兰", "sex": "f", "birth": "1944-05-06", "tier": "B", "card_consent": "y"}
    assert post(zhou, f"/residents/{lan.id}/edit", **typed).status_code == 303
    db.settle()
    lan = world.resident("李秀兰")
    assert (lan.phone, lan.national_id, lan.tier) == ("10000009999", "210204194405060024", "B")
    assert lan.card_consent_on == clock.today()


def test_an_alert_comes_and_goes(world, zhou):
    key = world.resident("李秀兰").id
    post(zhou, f"/residents/{key}/alerts", words="怕狗", kind="other", level="watch")
    alert = db.session().scalars(sa.select(Alert).where(Alert.words == "怕狗")).one()
    assert world.client("he").post(f"/alerts/{alert.id}/end").status_code == 404
    assert zhou.post(f"/alerts/{alert.id}/end").status_code == 303
    db.settle()
    assert db.session().get_one(Alert, alert.id).until is not None


def test_the_last_resident_discharged_ends_household_and_unit(world, zhou, li):
    facts = {"kind": "away", "told_by": "女儿", "on": clock.today().isoformat()}
    post(zhou, f"/residents/{world.resident('李秀兰').id}/end", **facts)
    db.settle()
    assert db.session().get_one(Household, li.id).ended_on == clock.today()
    assert queries.main_caregiver(li.id) is None


# --- portrait --------------------


def _jpeg() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (80, 80), "green").save(out, "JPEG")
    out.seek(0)
    return out


def test_a_portrait_needs_consent_and_is_shown_only_within_reach(world, zhou):
    url = f"/residents/{world.resident('李秀兰').id}/portrait"
    refused = zhou.post(url, data={"photo": (_jpeg(), "a.jpg")})
    assert refused.status_code == 422 and "老人同意了才能放" in said(refused)
    assert zhou.post(url, data={"photo": (_jpeg(), "a.jpg"), "agreed": "y"}).status_code == 303
    assert world.client("wang").get(url + ".jpg").status_code == 200
    assert world.client("zhao").get(url + ".jpg").status_code == 404
    assert world.client("jiang").get(url + ".jpg").status_code == 403
    assert zhou.post(url + "/drop").status_code == 303
    assert zhou.get(url + ".jpg").status_code == 404


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff broken", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"x" * 8_000_001])
def test_a_file_that_is_no_photo_is_said_beside_it(world, zhou, data):
    url = f"/residents/{world.resident('李秀兰').id}/portrait"
    answer = zhou.post(url, data={"photo": (io.BytesIO(data), "a.jpg"), "agreed": "y"})
    assert answer.status_code == 422 and 'id="photo-wrong"' in said(answer)


# --- kin --------------------


def test_kin_see_nothing_until_the_resident_says_so_scope_by_scope(world, zhou):
    lan = world.resident("李秀兰")
    post(zhou, f"/residents/{lan.id}/kin", name="李强", relation="儿子", phone="13800138001")
    kin = db.session().scalars(sa.select(Kin).join(Person).where(Person.phone_tail == "8001")).one()
    assert kin.scopes == set()
    silent = post(zhou, f"/kin/{kin.id}", scopes=["visits"])
    assert silent.status_code == 422 and "请选一个" in said(silent)
    assert post(zhou, f"/kin/{kin.id}", scopes=["visits", "money"], how="老人当面说的").status_code == 303
    db.settle()
    rows = db.session().scalars(sa.select(Consent).where(Consent.kin_id == kin.id)).all()
    assert {row.scope for row in rows} == {"visits", "money"}
    assert {row.by_id for row in rows} == {world.account("zhou").id}
    post(zhou, f"/kin/{kin.id}", scopes=["visits"], how="老人电话里说的")
    db.settle()
    assert db.session().get_one(Kin, kin.id).scopes == {"visits"}
    assert world.client("he").get(f"/kin/{kin.id}").status_code == 404
    assert zhou.post(f"/kin/{kin.id}/end").status_code == 303


def test_a_scope_that_does_not_exist_is_refused(world, zhou):
    kin = db.session().scalars(sa.select(Kin)).first()
    assert post(zhou, f"/kin/{kin.id}", scopes=["bank"], how="老人当面说的").status_code == 422


# --- staff --------------------


def test_a_head_takes_a_caregiver_on_and_a_double_tap_takes_one(world, zhou):
    page = said(zhou.get("/people/new"))
    typed = {
        "key": hidden(page, "key"),
        "name": "孙玉兰",
        "phones": "13800138000",
        "role": "caregiver",
        "place": str(world.place("songling").id),
    }
    answers = [zhou.post("/people/new", data=typed) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert db.session().scalars(sa.select(Person.name).where(Person.name == "孙玉兰")).all() == ["孙玉兰"]
    shown = said(zhou.get(answers[1].headers["Location"]))
    assert "孙玉兰" in shown and "养护员" in shown and "138****8000" in shown


@pytest.mark.parametrize("role", ["station_head", "district_officer", "administrator", "kin", "nobody"])
def test_nobody_makes_an_equal_or_somebody_above(world, zhou, role):
    answer = post(zhou, "/people/new", name="孙玉兰", phones="13800138000", role=role, place=str(world.place("songling").id))
    assert answer.status_code == 422 and 'id="role-wrong"' in said(answer)
    assert db.session().scalar(sa.select(Person.id).where(Person.name == "孙玉兰")) is None


def test_a_role_sits_where_it_belongs_and_ends_when_it_should(world):
    wu, street = world.client("wu"), world.place("street")
    wrong = post(wu, "/people/new", name="孙玉兰", phones="13800138000", role="station_head", place=str(street.id))
    assert wrong.status_code == 422 and 'id="place-wrong"' in said(wrong)
    until = (clock.today() + timedelta(days=30)).isoformat()
    made = post(
        wu,
        "/people/new",
        name="孙玉兰",
        phones="13800138000",
        role="station_head",
        place=str(world.place("songling").id),
        until=until,
        login="sunyulan",
    )
    assert made.status_code == 303
    grant = db.session().scalars(sa.select(Grant).where(Grant.until.is_not(None))).one()
    assert clock.day_of(grant.until - timedelta(seconds=1)).isoformat() == until


def test_a_login_that_is_taken_and_a_day_that_is_over_are_said(world):
    wu, place = world.client("wu"), str(world.place("songling").id)
    typed = {"name": "孙玉兰", "phones": "13800138000", "role": "station_head", "place": place}
    assert 'id="login-wrong"' in said(post(wu, "/people/new", **typed, login="zhou"))
    assert 'id="until-wrong"' in said(post(wu, "/people/new", **typed, until="2020-01-01"))
    assert 'id="until-wrong"' in said(post(wu, "/people/new", **typed, until="明天"))


def test_an_account_ends_only_below_and_not_while_she_holds_households(world, zhou):
    wang, qian = world.person("wang"), world.person("qian")
    held = zhou.post(f"/people/{wang.id}/end")
    assert held.status_code == 422 and "请先给这几户换人" in said(held)
    assert zhou.post(f"/people/{qian.id}/end").status_code == 303
    assert world.client("qian").get("/me").status_code == 303
    assert zhou.post(f"/people/{world.person('zhou').id}/end").status_code == 422
    assert world.client("he").post(f"/people/{wang.id}/end").status_code == 404


def test_a_role_is_given_and_ended(world, zhou):
    qian, place = world.person("qian"), str(world.place("songling").id)
    assert post(zhou, f"/people/{qian.id}/roles", role="liaison", place=place).status_code == 303
    grant = (
        db.session()
        .scalars(sa.select(Grant).where(Grant.role == Role.LIAISON, Grant.account_id == world.account("qian").id))
        .one()
    )
    assert zhou.post(f"/people/{qian.id}/roles/{grant.id}/end").status_code == 303
    assert zhou.post(f"/people/{qian.id}/roles/{grant.id}/end").status_code == 422
    assert zhou.post(f"/people/{qian.id}/roles/{ids.new()}/end").status_code == 404


def test_the_administrator_sees_staff_and_no_residents(world, li):
    shen = world.client("shen")
    assert shen.get("/staff").status_code == 200
    assert shen.get(f"/people/{world.person('wu').id}").status_code == 200
    assert shen.get("/people").status_code == 403 and shen.get(f"/households/{li.id}").status_code == 403


# --- places and duty --------------------


def test_a_station_is_founded_under_its_street_once(world):
    wu = world.client("wu")
    typed = {"parent": str(world.place("street").id), "name": "桥头社区居家养老服务站", "code": "qiaotou"}
    assert post(wu, "/places/new", **typed).status_code == 303
    made = db.session().scalars(sa.select(Place).where(Place.code == "qiaotou")).one()
    assert (made.kind, made.street_id, made.district_id) == ("station", world.place("street").id, world.place("district").id)
    assert 'id="code-wrong"' in said(post(wu, "/places/new", **typed))
    assert 'id="code-wrong"' in said(post(wu, "/places/new", **{**typed, "code": "桥头"}))
    assert world.client("zhou").get("/places/new").status_code == 403


def _line(n: int, **typed: str) -> dict[str, str]:
    return {f"rows-{n}-{name}": value for name, value in typed.items()}


def test_a_duty_table_is_kept_and_its_holes_are_named_in_words(world):
    wu, street = world.client("wu"), world.place("street")
    url = f"/places/{street.id}/duty"
    assert "白天夜里都有人接电话" in said(wu.get(url))
    day = _line(
        0,
        days="work",
        since="8:00",
        until="20:00",
        name="值班室",
        phone="0411-0000 1234",
        next_name="吴志强",
        next_phone="10000001234",
    )
    assert post(wu, url, **day).status_code == 303
    page = said(wu.get(url))
    assert "周一 0:00 到 8:00" in page and "周六 0:00 到 24:00" in page and page.count('value="值班室"') == 1
    night = _line(1, days="all", since="20:00", until="8:00", name="夜班", phone="0411-0000 1234")
    weekend = _line(2, days="end", since="8:00", until="20:00", name="周末班", phone="0411-0000 1234")
    assert post(wu, url, **day, **night, **weekend).status_code == 303
    assert "白天夜里都有人接电话" in said(wu.get(url))


def test_a_half_filled_duty_line_is_said_and_kept(world, zhou):
    url = f"/places/{world.place('songling').id}/duty"
    answer = post(zhou, url, **_line(0, days="all", since="8点半", until="25:00", name="值班室"))
    page = said(answer)
    assert answer.status_code == 422 and "时间请写成8:00这样" in page and "这里要填" in page and 'value="25:00"' in page
    assert world.client("he").get(url).status_code == 404


def test_open_lists_of_station_street_and_district_are_told(world, li):
    with db.transaction() as session:
        people.change_household(world.household("李秀兰"), "和平里5号", no_signal=False)
        told = session.info["told"]
        assert {f"people:{world.place(code).id}" for code in ("songling", "street", "district")} <= told


def test_a_day_that_has_not_come_is_no_end(world, zhou):
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    answer = post(zhou, f"/residents/{world.resident('李秀兰').id}/end", on=tomorrow)
    assert answer.status_code == 422 and "请写今天或以前的日子" in said(answer)


def test_a_role_that_is_held_is_not_given_twice(world, zhou):
    place = str(world.place("songling").id)
    again = post(zhou, f"/people/{world.person('qian').id}/roles", role="caregiver", place=place)
    assert again.status_code == 422 and "这个岗位已经有了" in said(again)


def test_a_key_that_is_somebodys_id_makes_nothing_and_breaks_nothing(world, zhou, li):
    typed = {"key": str(li.id), "station": str(li.station_id), "address": "民政街99号"}
    answer = zhou.post("/households/new", data=typed)
    assert answer.status_code == 422 and "民政街99号" in said(answer)
    assert world.household("李秀兰").address == "和平里3号楼2单元402"


def test_only_rooms_that_open_are_shown(world, li):
    assert "身份卡" in said(world.client("zhou").get(f"/households/{li.id}"))
    assert "身份卡" not in said(world.client("jiang").get(f"/households/{li.id}"))


@pytest.mark.parametrize("tail", ["", "/portrait"])
def test_every_page_speaks_english_too(world, zhou, tail):
    zhou.set_cookie("lang", "en")
    page = said(zhou.get(f"/residents/{world.resident('李秀兰').id}{tail}"))
    assert 'lang="en"' in page and "要注意的事" not in page and "老人的照片" not in page
