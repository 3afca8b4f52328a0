"""The clerk's sheet, end to end: brought, read, mended, imported twice."""

from __future__ import annotations

import io
import re

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from tests.people import messy
from tests.people.browsers import hidden, post, said
from webapp.kit import clock
from webapp.people import models as people
from webapp.people.bringing import clear
from webapp.people.models import (
    Account,
    Alert,
    Assignment,
    Grant,
    HomeCareUnit,
    Household,
    Kin,
    Person,
    PlaceKind,
    Resident,
    SheetImport,
)
from webapp.store import audit, db, jobs

TABLES = (Household, Resident, Person, Kin, Alert, HomeCareUnit, Assignment, Account, Grant)


@pytest.fixture
def wu(world):
    """The street's manager, whose stations are all those of the messy file."""
    with db.transaction() as session:
        street = world.place("street")
        for n, name in enumerate(messy.STATIONS):
            if not session.scalar(sa.select(people.Place.id).where(people.Place.name.startswith(name[:4]))):
                people.found_place(PlaceKind.STATION, f"station{n}", f"{name}居家养老服务站", street)
    return world.client("wu")


def bring(client, data: bytes, filename: str = "花名册.xlsx", kind: str = "households"):
    """Upload a sheet; the address of its import."""
    answer = post(client, "/import", kind=kind, sheet=(io.BytesIO(data), filename))
    assert answer.status_code == 303, said(answer)
    return answer.headers["Location"]


def answered(client, url: str) -> None:
    """Answer every question with its first choice."""
    page = said(client.get(url))
    names = dict.fromkeys(re.findall(r'name="(answer-[^"]+)" value="([^"]+)"', page))
    first: dict[str, str] = {}
    for name, value in names:
        first.setdefault(name, value)
    client.post(url + "/answers", data=first)


def run(client, url: str, **typed: str) -> str:
    """Import, the page going on by itself until it is over; what it says at the end."""
    assert client.post(url + "/run", data=typed).status_code == 303
    for _ in range(200):
        piece = said(client.post(url + "/more", headers={"HX-Request": "true"}))
        if "hx-post" not in piece:
            return piece
    raise AssertionError("never over")


def counts() -> dict[str, int]:
    """How many rows each table has."""
    db.undo()
    found = {table.__tablename__: db.reading().scalar(sa.select(sa.func.count()).select_from(table)) for table in TABLES}
    db.undo()
    return found


def state() -> str:
    """Everything an import could touch, sealed values opened, in one text."""
    db.undo()
    lines = []
    for resident in db.reading().scalars(sa.select(Resident).order_by(Resident.number)):
        alerts = sorted((alert.words, alert.until is None) for alert in resident.alerts)
        lines.append((resident.number, resident.name, resident.sex, resident.birth_date, resident.birth_precision, resident.tier,
                      resident.relation, resident.phones, resident.national_id, resident.household.number,
                      resident.household.address, alerts))  # fmt: skip
    for person in db.reading().scalars(sa.select(Person).order_by(Person.number)):
        lines.append((person.number, person.name, person.phones, person.station_id))
    db.undo()
    return repr(lines)


def faults_of(page: str) -> list[str]:
    """The cells that the page of a dry run lists."""
    table = page.split("哪一格")[1].split("</table>")[0]
    return re.findall(r"<tr><td><strong>([A-Z]*\d+)</strong>", table)


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_500_messy_households_show_their_20_faults_and_come_in_once(wu, form):
    file = messy.messy()
    data = file.xlsx() if form == "xlsx" else file.csv("gb18030")
    before = counts()
    url = bring(wu, data, f"花名册.{form}")
    page = said(wu.get(url))
    cells = faults_of(page)
    assert len(cells) == 20 and {int(re.sub(r"\D", "", cell)) for cell in cells} == {row for row, _code in file.faults}
    assert counts() == before, "a dry run writes nothing"

    assert wu.post(url + "/run").status_code == 422
    answered(wu, url)
    assert "0个问题" in said(wu.get(url))
    said_first = run(wu, url, skip="y")
    after = counts()
    assert f"新来{after['household'] - before['household']}户，{after['resident'] - before['resident']}位老人" in said_first
    assert after["resident"] - before["resident"] == _good_people(file)
    kept = state()
    assert all(truth.name in kept for truth in file.truth.values())

    again = bring(wu, data, f"花名册.{form}")
    answered(wu, again)
    said_again = run(wu, again, skip="y")
    assert "新来" not in said_again and f"改了0位，没变{_good_people(file)}位" in said_again
    assert counts() == after and state() == kept


def _good_people(file: messy.Messy) -> int:
    """Everybody of a sound row, and of the rows with a question; one of these is two people by its answer."""
    return len(file.truth) + len(file.questions) + sum(code == "two_names" for _row, code in file.questions)


def test_the_mended_file_brings_in_the_rest_and_changes_only_what_was_mended(wu):
    file = messy.messy()
    url = bring(wu, file.xlsx())
    answered(wu, url)
    run(wu, url, skip="y")
    before = counts()
    spoilt = next(row for row, code in file.faults if code == "tier_odd")
    file.rows[spoilt - 1][messy.TIER] = "A类"
    url = bring(wu, file.xlsx())
    answered(wu, url)
    assert "新来1户，1位老人" in run(wu, url, skip="y")
    assert counts()["household"] == before["household"] + 1


def test_her_own_file_comes_back_marked(wu):
    file = messy.messy()
    url = bring(wu, file.xlsx())
    answer = wu.get(url + "/marked")
    page = load_workbook(io.BytesIO(answer.data)).active
    titles = {page.cell(row, column).value for row in (3, 4) for column in range(1, page.max_column + 1)}
    assert "要改的地方" in titles
    amber = {cell.row for row in page.iter_rows() for cell in row if cell.fill.fill_type == "solid" and cell.comment}
    assert {row for row, _code in file.faults} <= amber
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]


# --- a small sheet of her own --------------------

HEAD = "服务站,家庭住址,姓名,身份证号,电话,类别,家属,关系,家属电话,养护员,注意事项\n"


def small(*rows: str, head: str = HEAD) -> bytes:
    """A CSV with one row for each text."""
    return (head + "\n".join(rows) + "\n").encode()


ROW = "松岭一社区,民政街20号,周文秀,,13800138000、0411-84601234,A,周小燕,女儿,13800138001,钱桂兰,怕狗"


@pytest.fixture
def zhou(world):
    """The head of one station."""
    return world.client("zhou")


def test_what_the_sheet_says_is_in_the_books(world, zhou):
    said_last = run(zhou, bring(zhou, small(ROW), "a.csv"))
    assert "新来1户，1位老人" in said_last and "配了1户的养护员" in said_last
    db.undo()
    wen = world.resident("周文秀")
    assert (wen.phones, wen.tier, wen.household.address) == (("13800138000", "0411-84601234"), "A", "民政街20号")
    assert [(alert.words, alert.level) for alert in wen.alerts] == [("怕狗", "watch")]
    kin = db.session().scalars(sa.select(Kin).where(Kin.resident_id == wen.id)).one()
    assert (kin.person.name, kin.relation, kin.person.phone, kin.scopes) == ("周小燕", "女儿", "13800138001", set())
    assert db.session().scalar(sa.select(HomeCareUnit.caregiver_id).where(HomeCareUnit.household_id == wen.household_id)) == (
        world.person("qian").id
    )


def test_a_second_sheet_changes_what_it_says_and_forgets_nothing(world, zhou):
    run(zhou, bring(zhou, small(ROW), "a.csv"))
    changed = "松岭一社区,民政街21号,周文秀,,13800138000,B,周小燕,女儿,13900139000,,青霉素过敏"
    page = said(zhou.get(bring(zhou, small(changed), "b.csv")))
    assert re.search(r"要改的 <strong class=\"figure\">1</strong>", page)
    assert "改了1位" in run(zhou, bring(zhou, small(changed), "b.csv"))
    db.undo()
    wen = world.resident("周文秀")
    assert (wen.tier, wen.household.address) == ("B", "民政街21号")
    assert wen.phones == ("13800138000", "0411-84601234")
    assert {alert.words for alert in wen.alerts} == {"怕狗", "青霉素过敏"}
    kin = db.session().scalars(sa.select(Kin).where(Kin.resident_id == wen.id)).one()
    assert kin.person.phones == ("13900139000", "13800138001")
    assert "没变1位" in run(zhou, bring(zhou, small(changed), "b.csv"))


def test_a_second_member_comes_into_the_household_that_is_there(world, zhou):
    run(zhou, bring(zhou, small(ROW), "a.csv"))
    before = counts()["household"]
    run(zhou, bring(zhou, small("松岭一社区,民政街20号,赵福山,,,A,,,,,"), "b.csv"))
    db.undo()
    assert counts()["household"] == before
    assert world.resident("赵福山").household_id == world.resident("周文秀").household_id


def test_a_sheet_replaces_no_caregiver(world, zhou):
    """Who may enter is decided on the household's page, not by an old sheet."""
    with db.transaction():
        world.resident("李秀兰").set_national_id("210203194209150403")
    row = "松岭一社区,和平里3号楼2单元402,李秀兰,210203194209150403,,A,,,,钱桂兰,"
    page = said(zhou.get(bring(zhou, small(row), "a.csv")))
    assert "这些养护员先不配：钱桂兰" in page


def test_two_people_of_one_name_are_asked_about(world, zhou):
    url = bring(zhou, small("松岭一社区,民政街20号,李秀兰,,,A,,,,,"), "a.csv")
    page = said(zhou.get(url))
    assert "已有一位李秀兰，是同一个人吗？" in page
    name = re.search(r'name="(answer-[^"]+)"', page)[1]
    zhou.post(url + "/answers", data={name: "different"})
    assert "新来1户，1位老人" in run(zhou, url)


def test_a_number_registered_at_another_station_is_a_fault_without_a_name(world, zhou):
    number = messy.national_id(clock.today().replace(year=1940, day=1), True, 7)
    with db.transaction():
        world.resident("孙德胜").set_national_id(number)
    page = said(zhou.get(bring(zhou, small(f"松岭一社区,民政街20号,孙大胜,{number},,A,,,,,"), "a.csv")))
    assert "在别的站登记过" in page and "孙德胜" not in page


def test_a_head_brings_in_nobody_at_another_station(zhou):
    page = said(zhou.get(bring(zhou, small("望海社区,民政街20号,周文秀,,,A,,,,,"), "a.csv")))
    assert "没有这个服务站" in page


def test_columns_she_points_at_are_remembered(zhou):
    head = "在哪个站,住哪儿,叫啥,注意事项\n"
    data = small("松岭一社区,民政街20号,周文秀,怕狗", head=head.replace("叫啥", "姓名"))
    url = bring(zhou, data, "a.csv")
    assert "还缺几列" in said(zhou.get(url))
    twice = zhou.post(url + "/columns", data={"column-name": "2", "column-address": "2"})
    assert twice.status_code == 422 and "指到了同一列" in said(twice)
    zhou.post(url + "/columns", data={"column-station": "0", "column-address": "1", "column-name": "2", "column-alerts": "3"})
    assert "没有要改的地方" in said(zhou.get(url))
    assert "没有要改的地方" in said(zhou.get(bring(zhou, data, "b.csv")))


@pytest.mark.parametrize(
    ("data", "filename", "words"),
    [
        (b"", "a.xlsx", "请选一个文件|是空的"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "a.xls", "请另存为xlsx再传"),
        (b"PK\x03\x04 broken", "a.xlsx", "不是表格"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a.csv", "不是表格|没找到表头"),
        (b"x" * (20 * 1024 * 1024 + 1), "a.csv", "太大了"),
        ("随便,写写\n1,2\n".encode(), "../../a.csv", "没找到表头"),
    ],
)
def test_a_file_that_is_no_sheet_is_said_beside_it(zhou, data, filename, words):
    answer = post(zhou, "/import", kind="households", sheet=(io.BytesIO(data), filename))
    assert answer.status_code == 422 and re.search(words, said(answer)) and 'id="sheet-wrong"' in said(answer)


def test_an_import_is_its_bringers_alone_and_goes_after_a_day(world, zhou):
    url = bring(zhou, small(ROW), "a.csv")
    for tail in ("", "/marked"):
        assert world.client("wu").get(url + tail).status_code == 404
    for tail in ("/columns", "/answers", "/run", "/more"):
        assert world.client("wu").post(url + tail).status_code == 404
        assert world.client("wang").post(url + tail).status_code == 403
    with db.transaction() as session:
        session.execute(sa.update(SheetImport).values(until=clock.now()))
        clear()
    gone = zhou.get(url)
    assert gone.status_code == 404 and "已经收走了" in said(gone)


def test_the_sheet_on_disk_cannot_be_read_without_the_keys(app, tmp_path, zhou):
    bring(zhou, small(ROW), "a.csv")
    (kept,) = (app.extensions["settings"].data_dir / "imports").iterdir()
    assert "周文秀".encode() not in kept.read_bytes()


def test_an_import_that_is_left_is_carried_on_by_the_clock(world, zhou):
    url = bring(
        zhou,
        small(*(f"松岭一社区,民政街{n}号,周{chr(0x4E00 + n)}秀,,138{n:08d},A,,,,," for n in range(60))),
        "a.csv",
    )
    zhou.post(url + "/run")
    assert "正在导" in said(zhou.get(url))
    db.undo()
    while jobs.run_due():
        pass
    assert "导好了" in said(zhou.get(url))
    db.undo()
    assert audit.verify(db.reading()) == []


def test_a_double_tap_on_import_imports_once(zhou):
    url = bring(zhou, small(ROW), "a.csv")
    assert [zhou.post(url + "/run").status_code for _ in range(2)] == [303, 303]
    db.undo()
    assert len(db.reading().scalars(sa.select(Resident).where(Resident.name == "周文秀")).all()) == 1


def test_a_double_tap_on_the_upload_brings_one_sheet(zhou):
    page = said(zhou.get("/import"))
    where = {
        zhou.post(
            "/import", data={"key": hidden(page, "key"), "kind": "households", "sheet": (io.BytesIO(small(ROW)), "a.csv")}
        ).headers["Location"]
        for _ in range(2)
    }
    assert len(where) == 1


# --- staff --------------------

STAFF = "姓名,手机号,岗位,服务站\n"


def test_staff_come_in_with_account_and_role_once(world, zhou):
    data = small("孙玉兰,13800138000,养护员,松岭一社区", "钱桂兰,10000005678,养护员,松岭一社区", head=STAFF)
    url = bring(zhou, data, "人员.csv", "staff")
    page = said(zhou.get(url))
    assert "手机应是11位" in page, "the made-up phone of the test world is refused outside the demo"
    data = small("孙玉兰,13800138000,养护员,松岭一社区", head=STAFF)
    assert "新来1位" in run(zhou, bring(zhou, data, "人员.csv", "staff"))
    db.undo()
    account = db.session().scalars(sa.select(Account).join(Person).where(Person.name == "孙玉兰")).one()
    grant = db.session().scalars(sa.select(Grant).where(Grant.account_id == account.id)).one()
    assert (grant.role, grant.place_id, account.password_hash) == ("caregiver", world.place("songling").id, None)
    assert "没变1位" in run(zhou, bring(zhou, data, "人员.csv", "staff"))


def test_a_sheet_makes_nobody_an_equal(zhou):
    page = said(zhou.get(bring(zhou, small("孙玉兰,13800138000,站长,松岭一社区", head=STAFF), "人员.csv", "staff")))
    assert "这个岗位要请上一级来开" in page and faults_of(page) == ["C2"]


def test_a_street_manager_by_sheet_sits_at_the_street(world):
    zheng = world.client("zheng")
    data = small("孙玉兰,13800138000,院长,松岭一社区", head=STAFF)
    run(zheng, bring(zheng, data, "人员.csv", "staff"))
    db.undo()
    grant = db.session().scalars(sa.select(Grant).join(Account).join(Person).where(Person.name == "孙玉兰")).one()
    assert (grant.role, grant.place_id) == ("street_manager", world.place("street").id)
    assert "没变1位" in run(zheng, bring(zheng, data, "人员.csv", "staff"))


# --- commands --------------------


def test_the_command_imports_and_says_what_to_mend(app, tmp_path, world):
    file = tmp_path / "a.csv"
    file.write_bytes(small(ROW, "松岭一社区,,没有住址,,,A,,,,,"))
    runner = app.test_cli_runner()
    db.undo()
    refused = runner.invoke(args=["people", "import", str(file), "--station", "songling"])
    assert refused.exit_code == 1 and "没写住址" in refused.output
    skipped = runner.invoke(args=["people", "import", str(file), "--station", "songling", "--skip"])
    assert skipped.exit_code == 0 and "new 1" in skipped.output
    again = runner.invoke(args=["people", "import", str(file), "--station", "songling", "--skip"])
    assert "same 1" in again.output and "new" not in again.output


def test_the_first_administrator_is_made_by_command(app, world):
    runner = app.test_cli_runner()
    db.undo()
    args = ["people", "add-admin", "root2", "--name", "管理员", "--password", "nuan-chao-2026"]
    assert runner.invoke(args=args).exit_code == 0
    twice = runner.invoke(args=args)
    assert twice.exit_code == 1 and "有人用了" in twice.output
    weak = runner.invoke(args=["people", "add-admin", "root3", "--name", "管理员", "--password", "12345678"])
    assert weak.exit_code == 1
