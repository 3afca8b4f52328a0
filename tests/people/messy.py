"""A clerk's spreadsheet of 500 households with every habit seen in the trade and exactly twenty planted faults.

Deterministic: the same call makes the same file. All people, numbers and streets are made up.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field
from datetime import date, datetime

import xlsxwriter
from stdnum.cn import ric

STATIONS = ("松岭一社区", "松岭二社区", "望海社区", "槐荫社区", "泉水社区", "北坡社区", "桥头社区")
TODAY = date(2026, 11, 21)
HOUSEHOLDS = 500
WIDTH = 17
HEADS = (
    [
        "序号",
        "服务站",
        "户 号",
        "家庭住址",
        "养护对象",
        "",
        "",
        "",
        "",
        "类别",
        "注意事项",
        "家属",
        "",
        "",
        "与户主关系",
        "养护员",
        "备注",
    ],
    ["", "", "", "", "姓名", "性 别", "出生年月", "身份证号码（18位）", "联系电话", "", "", "姓名", "关系", "电话", "", "", ""],
)
NO, STATION, HOUSE, ADDRESS, NAME, SEX, BIRTH, ID, PHONE, TIER, ALERTS, KIN, KIN_REL, KIN_PHONE, RELATION, CAREGIVER, NOTE = (
    range(WIDTH)
)
HOUSEHOLD_COLUMNS = (NO, STATION, HOUSE, ADDRESS, TIER, CAREGIVER)

_SURNAMES = "张王李赵刘陈杨黄周吴徐孙马朱胡林郭何高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁于蒋蔡余杜叶程苏魏吕丁任沈"
_FIRST = "福秀玉桂德淑凤金永国建志文春明兰庆长树占"
_SECOND = "贵珍英华山兰芳林海生香荣芝云发祥清梅成才"


@dataclass
class Person:
    """One elder before he is written down."""

    name: str
    male: bool
    born: date
    number: str
    phone: str


@dataclass(frozen=True)
class Truth:
    """What the clerk meant by one person of a sound row."""

    name: str
    station: str
    tier: str
    phones: tuple[str, ...]
    number: str
    born: date
    house: int


@dataclass
class Messy:
    """The file as rows of cells (0-based), its merged blocks, and what a reader has to find (1-based rows)."""

    rows: list[list[object]] = field(default_factory=list)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    faults: set[tuple[int, str]] = field(default_factory=set)
    questions: set[tuple[int, str]] = field(default_factory=set)
    truth: dict[tuple[int, int], Truth] = field(default_factory=dict)
    """(row, part) → the person, for the rows with nothing planted."""

    def xlsx(self) -> bytes:
        """As her program saves it."""
        out = io.BytesIO()
        book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
        page = book.add_worksheet("花名册")
        book.add_worksheet("Sheet2")
        day = book.add_format({"num_format": "yyyy/m/d"})
        for top, left, bottom, right in self.merges:
            page.merge_range(top, left, bottom, right, "")
        for r, row in enumerate(self.rows):
            for c, value in enumerate(row):
                if value in ("", None):
                    continue
                if isinstance(value, datetime):
                    page.write_datetime(r, c, value, day)
                else:
                    page.write(r, c, value)
        book.close()
        return out.getvalue()

    def csv(self, encoding: str, delimiter: str = ",") -> bytes:
        """As her program saves it as text: merged cells keep the first value, numbers come as they were shown."""
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter).writerows([[_shown(value) for value in row] for row in self.rows])
        return out.getvalue().encode(encoding)


def national_id(born: date, male: bool, order: int, area: str = "210203") -> str:
    """An 18-character number with a right check digit."""
    serial = order % 500 * 2 + (1 if male else 0)
    number = f"{area}{born:%Y%m%d}{serial:03d}"
    return number + ric.calc_check_digit(number + "0")


def messy(seed: int = 20261121) -> Messy:
    """The file with everything in it."""
    luck = random.Random(seed)
    file = Messy()
    file.rows.append(["松岭街道居家养老院养护对象花名册（虚构）"] + [""] * (WIDTH - 1))
    file.rows.append(["填报单位：松岭街道管理中心", *[""] * 9, "2026年11月", *[""] * 6])
    file.merges.append((0, 0, 0, WIDTH - 1))
    _write_head(file)
    house = 0
    for n, station in enumerate(STATIONS):
        count = HOUSEHOLDS // len(STATIONS) + (n < HOUSEHOLDS % len(STATIONS))
        for _ in range(count):
            _write_household(file, luck, house, station)
            house += 1
        file.rows.append(["", "小  计", "", f"{count}户", *[""] * 13])
        file.rows.append([""] * WIDTH)
        if n == 3:
            file.rows += [list(line) for line in HEADS]
    file.rows.append(["合　计", "", HOUSEHOLDS, *[""] * 14])
    file.rows.append(["填表人：王某    审核：      负责人（签字）：", *[""] * 16])
    file.rows.append(["注：A类300元，B类200元，C类100元，D类自费。", *[""] * 16])
    return file


def _write_head(file: Messy) -> None:
    top = len(file.rows)
    file.rows += [list(line) for line in HEADS]
    file.merges += [(top, NAME, top, PHONE), (top, KIN, top, KIN_PHONE)]
    file.merges += [(top, c, top + 1, c) for c in range(WIDTH) if not HEADS[1][c]]


def _person(luck: random.Random, n: int) -> Person:
    """Names of people without a number are never repeated; the n-th person is told apart by n."""
    male = n % 2 == 0
    given = _FIRST[n // 50 % 20] + _SECOND[(n // 1000 + n % 3) % 20]
    born = date(1931 + luck.randrange(30), 1 + luck.randrange(12), 1 + luck.randrange(28))
    phone = f"1{luck.choice('3589')}{luck.randrange(10**9):09d}"
    return Person(_SURNAMES[n % 50] + given, male, born, national_id(born, male, n), phone)


def _write_household(file: Messy, luck: random.Random, house: int, station: str) -> None:
    members = 2 if house % 2 else 1
    people = [_person(luck, house * 2 + n) for n in range(members)]
    top = len(file.rows)
    row = _household_cells(house, station)
    if members == 2 and house % 10 == 9:
        file.rows.append(_pair_row(row, people, house))
    else:
        for n, person in enumerate(people):
            cells = row if n == 0 else [""] * WIDTH
            file.rows.append(_person_row(list(cells), person, house * 2 + n))
            file.rows[-1][RELATION] = "户主" if n == 0 else "配偶"
        if members == 2:
            file.merges += [(top, c, top + 1, c) for c in HOUSEHOLD_COLUMNS]
    _write_kin(file.rows[top], luck, house)
    if house in _SPOILS:
        _spoil(file, top, house, people[0])
    else:
        _tell_truth(file, top, house, station, people)


def _tell_truth(file: Messy, top: int, house: int, station: str, people: list[Person]) -> None:
    pair = len(file.rows) - top < len(people)
    for n, person in enumerate(people):
        spot = (top + 1, n) if pair else (top + 1 + n, 0)
        phone = people[0].phone if pair else _phone_meant(person.phone, house * 2 + n)
        tier = "ABCDB"[house % 5]
        phones = (phone,) if phone else ()
        file.truth[spot] = Truth(person.name, station, tier, phones, person.number, person.born, house)


def _household_cells(house: int, station: str) -> list[object]:
    row: list[object] = [""] * WIDTH
    short = station.removesuffix("社区")
    row[NO] = house + 1
    row[STATION] = (station, short, f"{station}居家养老服务站", f" {station}\u3000", f"{short}社区居委会")[house % 5]
    row[HOUSE] = f"H{house + 1:04d}"
    row[ADDRESS] = (f"松岭街{house + 1}号", f"松岭街{house + 1}号２－１", f"松岭街 {house + 1} 号１单元")[house % 3]
    row[TIER] = ("A类", "b", "Ｃ类", "D", "B 类（200元）")[house % 5]
    row[CAREGIVER] = f"李娜{'甲乙丙丁'[house % 4]}"
    return row


def _person_row(row: list[object], person: Person, n: int) -> list[object]:
    row[NAME] = (person.name, person.name.replace(person.name[0], person.name[0] + "\u3000", 1), f" {person.name} ")[n % 3]
    row[SEX] = ("男" if person.male else "女", "男性" if person.male else "女性", "")[n % 3]
    row[BIRTH] = _birth_written(person.born, n)
    row[ID] = _id_written(person.number, n)
    row[PHONE] = _phone_written(person.phone, n)
    row[ALERTS] = ("无", "青霉素过敏、怕狗", "", "独居；听力差")[n % 4]
    return row


def _pair_row(row: list[object], people: list[Person], house: int) -> list[object]:
    """Two names in one cell with two numbers."""
    first, second = people
    row[NAME] = (f"{first.name}、{second.name}", f"{first.name} {second.name}(配偶)", f"{first.name}\n{second.name}")[house % 3]
    row[SEX] = "男、女"
    row[ID] = f"{first.number}、{second.number.lower()}"
    row[PHONE] = first.phone
    return row


def _birth_written(born: date, n: int) -> object:
    yy = f"{born.year % 100:02d}"
    forms: tuple[object, ...] = (
        f"{yy}年{born.month}月",
        f"{born.year}.{born.month}.{born.day}",
        f"{yy}.{born.month:02d}",
        datetime(born.year, born.month, born.day),
        (born - date(1899, 12, 30)).days,
        f"{born.year}年{born.month}月{born.day}日",
        f"{born:%Y%m%d}",
        int(f"{born:%Y%m}"),
        f"{born.year}/{born.month}/{born.day}",
        "",
    )
    return forms[n % len(forms)]


def _id_written(number: str, n: int) -> object:
    if number[6:8] == "19" and n % 11 == 5:
        return number[:6] + number[8:17]
    forms = (number, number.lower(), f"{number[:6]} {number[6:14]} {number[14:]}", f"'{number}", number)
    return forms[n % 5] if n % 7 else ""


def _phone_written(phone: str, n: int) -> object:
    forms: tuple[object, ...] = (
        phone,
        float(phone),
        f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        f"{phone} 0411-8460{n % 10000:04d}",
        f"{phone}、13900{n % 100000:06d}",
        f"{float(phone):.10E}".replace("E+", "E"),
        "无",
        phone.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        f"(0411)8460{n % 10000:04d}",
    )
    return forms[n % len(forms)]


def _phone_meant(phone: str, n: int) -> str:
    """The first number that `_phone_written` puts into the cell."""
    return {6: "", 8: f"0411-8460{n % 10000:04d}"}.get(n % 9, phone)


def _write_kin(row: list[object], luck: random.Random, house: int) -> None:
    phone = f"138{luck.randrange(10**8):08d}"
    if house % 4 == 0:
        row[KIN] = f"张伟（儿子）{phone}"
    elif house % 4 == 1:
        row[KIN], row[KIN_REL], row[KIN_PHONE] = "王芳", "女儿", phone
    elif house % 4 == 2:
        row[KIN], row[KIN_REL], row[KIN_PHONE] = "李强、李敏", "儿子、女儿", f"{phone}、13700001111"


def _spoil(file: Messy, row: int, house: int, person: Person) -> None:
    kind, code, column, value = _SPOILS[house]
    cells = file.rows[row]
    made = value(person) if callable(value) else value
    if code == "id_twice":
        earlier = next(other for other in file.rows if other[HOUSE] == "H0005")
        made = earlier[ID]
    cells[column] = made
    if column == BIRTH:
        cells[ID] = made_id if (made_id := person.number) and code == "id_birth_differs" else ""
    if column in (ID, SEX) and code != "id_sex_differs":
        cells[BIRTH] = cells[SEX] = ""
    if code == "id_sex_differs":
        cells[ID] = person.number
    (file.faults if kind == "fault" else file.questions).add((row + 1, code))


def _wrong_check(person: Person) -> str:
    return person.number[:17] + ("0" if person.number[17] != "0" else "1")


_SPOILS: dict[int, tuple[str, str, int, object]] = {
    6: ("fault", "id_check", ID, _wrong_check),
    22: ("fault", "id_check", ID, lambda person: _wrong_check(person).lower()),
    36: ("fault", "id_digits_lost", ID, lambda person: float(person.number[:15] + "000")),
    54: ("fault", "id_digits_lost", ID, "2.10203E+17"),
    70: ("fault", "id_length", ID, lambda person: person.number[:16]),
    86: ("fault", "id_odd", ID, lambda person: person.number[:10] + "B" + person.number[11:]),
    102: ("fault", "id_birth_differs", BIRTH, lambda person: f"{person.born.year + 1}-{person.born.month:02d}"),
    118: ("fault", "id_sex_differs", SEX, lambda person: "女" if person.male else "男"),
    134: ("fault", "phone_odd", PHONE, "1380013800"),
    150: ("fault", "phone_no_area", PHONE, "84601234"),
    166: ("fault", "phone_digits_lost", PHONE, "1.38E+10"),
    182: ("fault", "tier_odd", TIER, "一类"),
    198: ("fault", "station_unknown", STATION, "望梅社区"),
    214: ("fault", "station_missing", STATION, ""),
    230: ("fault", "address_missing", ADDRESS, ""),
    246: ("fault", "birth_odd", BIRTH, "1942.13.5"),
    262: ("fault", "birth_calendar", BIRTH, "民国31年3月"),
    278: ("fault", "id_twice", ID, ""),
    294: ("fault", "name_missing", NAME, ""),
    310: ("fault", "name_masked", NAME, "张**"),
    326: ("question", "month_1_or_10", BIRTH, 1942.1),
    342: ("question", "young", BIRTH, "1975年3月"),
    358: ("question", "two_names", NAME, "买力克 阿依夏"),
}
"""House → what is spoilt there. All of them hold one person, so each fault stands alone."""


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.year}/{value.month}/{value.day}"
    if isinstance(value, float):
        return f"{value:.5E}" if value >= 1e12 else str(int(value)) if value.is_integer() else repr(value)
    return str(value)
