"""One cell, one fact: names, births, identity numbers, phones, tiers. Pure; unclear cells raise `Unclear`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal

import openpyxl.utils.datetime
from stdnum import numdb
from stdnum.cn import ric

from webapp.kit.words import _l
from webapp.people.sheets.facts import Birth, Cell, Kin

Sex = Literal["male", "female"]

BLANK = frozenset(
    {"", "-", "--", "---", "—", "——", "/", "//", "\\", "无", "没有", "暂无", "不详", "未知", "空", "未填"}
    | {"N/A", "NULL", "None", "nan"}
)
DITTO = frozenset({"同上", '"', "〃", "′′", "”", "“"})
SHEET_ERROR = re.compile(r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!)")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad\x00-\x08\x0e-\x1f]")
_GUARD = re.compile(r'="(.*)"', re.S)
_MIDDLE_DOTS = str.maketrans("•・‧∙●", "·····")


class Unclear(Exception):
    """The cell cannot be read. `say` tells her what to do; `suggestion` is a likely value or empty."""

    def __init__(self, code: str, say: object, suggestion: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.say = say
        self.suggestion = suggestion


def plain(value: Cell) -> str:
    """The cell as one line of text: full-width made half-width, white space single, export guards taken off.

    Whole floats lose their ".0"; dates become ISO. Never raises.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if not isinstance(value, str):
        return str(value)
    if value.isascii() and value.isalnum():
        return value
    text = unicodedata.normalize("NFKC", value)
    text = " ".join(_INVISIBLE.sub("", text).split())
    if guarded := _GUARD.fullmatch(text):
        text = guarded[1].strip()
    return text.lstrip("'`").strip()


def lines(value: Cell) -> list[str]:
    """Like `plain`, but the lines of the cell stay apart; blank ones go."""
    parts = value.splitlines() if isinstance(value, str) else [value]
    return [text for text in map(plain, parts) if text]


def filled(value: Cell) -> str:
    """`plain`, with 无, /, - and their like counted as empty."""
    text = plain(value)
    return "" if text in BLANK else text


def key(text: str) -> str:
    """For comparing words: no white space, no case."""
    return re.sub(r"\s+", "", plain(text)).casefold()


# --- names --------------------

_HAN = r"\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\ue000-\uf8ff\U00020000-\U0003ffff"
_NAME = re.compile(rf"[{_HAN}](?:[{_HAN}·]{{0,28}}[{_HAN}])|[A-Za-z][A-Za-z.'· -]{{0,38}}[A-Za-z.]")
_BETWEEN_NAMES = re.compile(r"[、,,;;/\n|&]+")
_NOTE = re.compile(r"\(([^()]*)\)?")
_PASSED = re.compile(r"已故|去世|病故|死亡|亡故|过世")


@dataclass(frozen=True)
class Named:
    """A name and the note that stood behind it in brackets (配偶)."""

    name: str
    note: str = ""

    @property
    def passed_away(self) -> bool:
        """Whether the note says that the person has died."""
        return bool(_PASSED.search(self.note))


def names(value: Cell) -> list[Named]:
    """The names in one cell: 张福贵、刘淑珍 and 张福贵 刘淑珍(配偶) are two, 张 三 is one. Raises Unclear."""
    joined = "、".join(lines(value))
    found = [_named(part) for piece in _BETWEEN_NAMES.split(joined) for part in _by_space(piece)]
    for one in found:
        _refuse_odd_name(one.name)
    return found


def _by_space(piece: str) -> list[str]:
    """Spaces part names only where every part could be one; 张 三 is laid out, not parted."""
    dotted = re.sub(r"\s*·\s*", "·", piece.translate(_MIDDLE_DOTS).strip())
    notes = _NOTE.sub(lambda found: found[0].replace(" ", ""), dotted)
    parts = re.sub(r"\s+\(", "(", notes).split()
    whole = all(re.fullmatch(rf"[{_HAN}·]{{2,}}(\(.*)?", part) for part in parts)
    if len(parts) > 1 and whole:
        return parts
    return [notes] if notes else []


def _named(part: str) -> Named:
    notes = "".join(_NOTE.findall(part)).strip()
    name = _NOTE.sub("", part).strip(" .。:")
    if re.search(rf"[{_HAN}]", name):
        name = name.replace(" ", "").replace(".", "·")
    return Named(name, notes)


def _refuse_odd_name(name: str) -> None:
    if "*" in name or re.search(r"某|[xX×○Oo]{2,}$", name) and not name.isascii():
        raise Unclear("name_masked", _l("姓名被遮住了，请填全名"))
    if not _NAME.fullmatch(name):
        raise Unclear("name_odd", _l("这不像一个姓名，请看一看"))


# --- sex, tier --------------------

_SEX: dict[str, Sex] = {
    "男": "male", "男性": "male", "男士": "male", "m": "male", "male": "male",
    "女": "female", "女性": "female", "女士": "female", "f": "female", "female": "female",
}  # fmt: skip
_TIER_WORDS = re.compile(r"\(.*?\)|类|级|档|型|等|次|:|\s|\d+元.*")


def sexes(value: Cell) -> list[Sex]:
    """男、女 in one cell are two; blank gives none. Raises Unclear."""
    found = []
    for part in re.split(r"[、,;/\s]+", filled(value)):
        if part:
            if part.casefold() not in _SEX:
                raise Unclear("sex_odd", _l("性别只填“男”或“女”"))
            found.append(_SEX[part.casefold()])
    return found


def tier(value: Cell) -> str:
    """A, B, C or D from A类, a, B 类(200元); blank gives "". Raises Unclear for 一类 and all else."""
    text = filled(value)
    letter = _TIER_WORDS.sub("", text).upper()
    if text and letter not in {"A", "B", "C", "D"}:
        raise Unclear("tier_odd", _l("类别只有A、B、C、D四种"))
    return letter


def alerts(value: Cell) -> tuple[str, ...]:
    """The words of a 注意事项 cell, one by one and each once: 青霉素过敏、怕狗."""
    words = (word.strip(" .。") for line in lines(value) for word in re.split(r"[、,;。]", line))
    return tuple(dict.fromkeys(word for word in words if word not in BLANK and word not in {"正常", "健康", "无特殊"}))


# --- births --------------------

_DIGITS = {han: str(n) for n, han in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
    "O": "0",
    "o": "0",
}
_TENS = re.compile(r"([一二三])?十([一二三四五六七八九])?(?=[月日号])")
_SEP = r"\s*[-./\\年,、]\s*"
_DAY = re.compile(
    rf"(\d{{4}}|\d{{2}}){_SEP}(\d{{1,2}})\s*[-./\\月,、]\s*(\d{{1,2}})\s*[日号]?\s*(?:出?生)?(?:\s+\d{{1,2}}:\d\d.*)?"
)
_MONTH = re.compile(rf"(\d{{4}}|\d{{2}}){_SEP}(\d{{1,2}})\s*月?份?\s*(?:出?生)?[.]?")
_PACKED = re.compile(r"((?:18|19|20)\d\d)(\d\d)(\d\d)?")
_SHORT = re.compile(r"(\d\d)(\d\d)(\d\d)")
_YEAR = re.compile(r"(\d{4})\s*年?(?:出?生)?|(\d{2})\s*年(?:出?生)?")
_SERIAL = range(1000, 80_000)


def births(value: Cell, today: date, *, loose: bool, staff: bool = False) -> list[Birth]:
    """The births a cell can mean: none when blank, one as a rule, two for 1942.1 (January, or October without its 0).

    `loose`: the cell is a number or came through CSV, where a trailing 0 may have been dropped. Raises Unclear.
    """
    if isinstance(value, datetime | date):
        return [_likely(Birth(value.year, value.month, value.day), today)]
    if isinstance(value, bool | time | timedelta):
        raise _birth_odd()
    text = _arabic(filled(value))
    if not text:
        return []
    if re.search(r"民国|农历|阴历|光绪|宣统|正月|腊月|冬月|初", text):
        raise Unclear("birth_calendar", _l("请填公历的出生日期"))
    found = _birth(text, lambda yy: _century(yy, today, staff))
    if found is None:
        raise _birth_odd()
    first = _likely(found, today)
    if loose and re.fullmatch(r"\d{2,4}\.1", text):
        return [first, Birth(first.year, 10)]
    return [first]


def _birth_odd() -> Unclear:
    return Unclear("birth_odd", _l("出生日期看不懂，请写成1942-03-05"))


def _arabic(text: str) -> str:
    """一九四二年三月十五日 → 1942年3月15日."""
    if not re.search(r"[一二三四五六七八九十〇零○]", text):
        return text
    text = _TENS.sub(lambda f: f"{_DIGITS[f[1]] if f[1] else '1'}{_DIGITS[f[2]] if f[2] else '0'}", text)
    return "".join(_DIGITS.get(char, char) for char in text)


def _birth(text: str, century: Callable[[int], int]) -> Birth | None:
    def year(digits: str) -> int:
        return int(digits) if len(digits) == 4 else century(int(digits))

    if text.isdecimal() and len(text) in (4, 5) and int(text) in _SERIAL and not 1850 <= int(text) <= 2100:
        moment = openpyxl.utils.datetime.from_excel(int(text))
        return Birth(moment.year, moment.month, moment.day) if isinstance(moment, datetime) else None
    if hit := _DAY.fullmatch(text):
        return Birth(year(hit[1]), int(hit[2]), int(hit[3]))
    if hit := _MONTH.fullmatch(text):
        return Birth(year(hit[1]), int(hit[2]))
    if hit := _PACKED.fullmatch(text):
        return Birth(int(hit[1]), int(hit[2]), int(hit[3]) if hit[3] else None)
    if hit := _SHORT.fullmatch(text):
        return Birth(year(hit[1]), int(hit[2]), int(hit[3]))
    if hit := _YEAR.fullmatch(text):
        return Birth(year(hit[1] or hit[2]))
    return None


def _century(yy: int, today: date, staff: bool) -> int:
    """42 is 1942. An elder of 2042 will not be in a sheet; a caregiver born in 2003 will."""
    return 2000 + yy if staff and 2000 + yy <= today.year - 14 else 1900 + yy


def _likely(birth: Birth, today: date) -> Birth:
    try:
        day = date(birth.year, birth.month or 1, birth.day or 1)
    except ValueError:
        raise _birth_odd() from None
    if day > today or today.year - birth.year > 120:
        raise Unclear("birth_unlikely", _l("这个出生日期不太对，请核一核"))
    return birth


# --- identity numbers --------------------

_ID_LIKE = re.compile(r"\d[\d ]{12,22}[\dX]|[\dA-Z]+")
_EXPONENT = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.I)


@dataclass(frozen=True)
class NationalId:
    """A checked 18-character number and what it tells."""

    number: str
    birth: Birth
    sex: Sex
    area_known: bool


def national_ids(value: Cell) -> list[NationalId]:
    """The identity numbers of one cell; blank gives none. 15-digit ones become 18. Raises Unclear."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 10**15:
        raise _digits_lost()  # a spreadsheet keeps 15 digits of a number; the last three are made-up zeros
    text = filled(value).upper().replace("×", "X")
    if _EXPONENT.fullmatch(text):
        raise _digits_lost()
    parts = [re.sub(r"[-. ]", "", part) for part in re.split(r"[、,;/|\n()]+|(?<=[\dX]{15})\s+(?=\d{15})", text)]
    return [_national_id(part) for part in parts if part]


def _digits_lost() -> Unclear:
    return Unclear("id_digits_lost", _l("身份证号后几位丢了，把这列改成文本再填"))


def _national_id(text: str) -> NationalId:
    if not re.fullmatch(r"\d*X?", text):
        raise Unclear("id_odd", _l("身份证号里有别的字，请看一看"))
    if len(text) not in (15, 18):
        raise Unclear("id_length", _l("身份证号应是18位，现在是%(count)d位", count=len(text)))
    number = _eighteen(text) if len(text) == 15 else text
    if len(number) != 18 or "X" in number[:17]:
        raise Unclear("id_odd", _l("身份证号里有别的字，请看一看"))
    if ric.calc_check_digit(number) != number[17]:
        if number.endswith("000"):
            raise _digits_lost()
        raise Unclear("id_check", _l("身份证号有一位写错了，请对一对"))
    return _told(number)


def _eighteen(old: str) -> str:
    """The 15-digit number of before 1999 in today's form."""
    if not old.isdecimal():
        return ""
    open_number = old[:6] + "19" + old[6:] + "0"
    return open_number[:17] + ric.calc_check_digit(open_number)


def _told(number: str) -> NationalId:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise Unclear("id_check", _l("身份证号有一位写错了，请对一对")) from None
    sex: Sex = "male" if int(number[16]) % 2 else "female"
    return NationalId(number, Birth(born.year, born.month, born.day), sex, _area_known(number[:6]))


@lru_cache(maxsize=4096)
def _area_known(area: str) -> bool:
    """The library's list is old and holds no new districts: a miss means little."""
    return any(props for _part, props in numdb.get("cn/loc").info(area))


# --- phones --------------------

_MOBILE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d(?:[- ]?\d{4}){2})(?!\d)")
_SAMPLE = re.compile(r"(?<!\d)(1000000\d{4})(?!\d)")
_LAND = re.compile(r"(?<!\d)\(?(0(?:10|2\d|[3-9]\d{2}))\)?[- ]?(\d{3,4}[- ]?\d{4})(?!\d)(?:\s*(?:转|-)\s*\d{1,5})?")
_GLUED = re.compile(r"(?<!\d)(1[3-9]\d{9})(?=1[3-9]\d{9}(?!\d))")
_JAVA_FLOAT = re.compile(r"(\d\.\d{1,10})E(10|11)")


def phones(value: Cell, *, allow_sample: bool = False) -> tuple[str, ...]:
    """Every phone of the cell in order, each once; blank gives none. Raises Unclear for digits that are no phone.

    Mobiles as 11 digits, land lines as 0411-84601234. A number kept as 1.3800138E10 is whole and is read; one shown
    as 1.38E+10 has lost its digits and is refused.
    """
    text = _unfloated(";".join(lines(value)))
    found: list[tuple[int, str]] = []
    for pattern in (_GLUED, _MOBILE, _LAND, *((_SAMPLE,) if allow_sample else ())):
        found += [(hit.start(), _dialled(hit)) for hit in pattern.finditer(text)]
        text = pattern.sub(lambda hit: ";" * len(hit[0]), text)
    if re.search(r"\d{2,}", text):
        raise _phone_odd(text)
    return tuple(dict.fromkeys(number for _place, number in sorted(found)))


def _unfloated(text: str) -> str:
    if hit := _JAVA_FLOAT.fullmatch(text):
        return str(int(round(float(hit[0]))))
    if _EXPONENT.fullmatch(text):
        raise Unclear("phone_digits_lost", _l("电话的后几位丢了，请重新填"))
    return text


def _dialled(hit: re.Match[str]) -> str:
    parts = [re.sub(r"\D", "", part) for part in hit.groups()]
    return "-".join(parts)


def _phone_odd(rest: str) -> Unclear:
    digits = max(re.findall(r"\d+", rest.replace(" ", "").replace("-", "")), key=len)
    if len(digits) in (7, 8) and digits[0] != "1":
        return Unclear("phone_no_area", _l("座机请带上区号，比如0411-84601234"))
    return Unclear("phone_odd", _l("电话不对，手机应是11位，现在是%(count)d位", count=len(digits)))


# --- kin --------------------

_RELATION = re.compile(
    r"大儿子|二儿子|小儿子|大女儿|二女儿|小女儿|长子|次子|三子|长女|次女|三女|儿子|女儿|儿媳妇?|女婿|孙子|孙女|外孙女?|"
    r"配偶|老伴|丈夫|妻子|侄子|侄女|外甥女?|弟弟|哥哥|妹妹|姐姐|兄弟|姐妹|亲属|邻居|朋友|父子|父女|母子|母女|夫妻|子|女|媳"
)


def kin_of(value: Cell, relation: Cell, phone: Cell, *, allow_sample: bool) -> tuple[Kin, ...]:
    """The relatives of one row from up to three cells; 张伟(儿子)13800138000 in one cell is read too. Raises Unclear."""
    text = filled(value)
    own = phones(phone, allow_sample=allow_sample)
    told = phones(_digits_of(text), allow_sample=allow_sample) if re.search(r"\d{7,}", text) else ()
    bare = re.sub(r"(?:电话|手机)?[::]?\+?\(?\d[\d -]{5,}\d", " ", text)
    people = [_kin_named(part) for part in re.split(r"[、,;/]", bare) if part.strip()]
    relations = [word for word in re.split(r"[、,;/\s]+", filled(relation)) if word]
    numbers = tuple(dict.fromkeys(own + told))
    if not people and numbers:
        return (Kin("", relations[0] if relations else "", numbers),)
    return tuple(_kin(n, one, people, relations, numbers) for n, one in enumerate(people))


def _digits_of(text: str) -> str:
    return " ; ".join(re.findall(r"[+(]?\d[\d() -]{5,}\d", text))


def _kin_named(part: str) -> tuple[str, str]:
    """Name and relation of 张伟(儿子), 儿子:张伟, 儿子张伟, 张伟 儿子."""
    note = "".join(_NOTE.findall(part))
    bare = _NOTE.sub(" ", part).replace(":", " ").strip()
    if lead := re.match(rf"({_RELATION.pattern})\s+(\S.*)|((?:大|二|小)?(?:儿子|女儿|老伴|女婿|儿媳))(\S{{2,}})", bare):
        return (lead[2] or lead[4]).replace(" ", ""), lead[1] or lead[3]
    if trail := re.fullmatch(rf"(\S.*?)\s+({_RELATION.pattern})", bare):
        return trail[1].replace(" ", ""), trail[2]
    if _RELATION.fullmatch(bare):
        return "", bare
    return bare.replace(" ", "")[:40], note[:12]


def _kin(
    n: int,
    one: tuple[str, str],
    people: list[tuple[str, str]],
    relations: list[str],
    numbers: tuple[str, ...],
) -> Kin:
    """Several relatives share out relations and phones by their order; a lone one takes all."""
    name, told = one
    relation = relations[n] if n < len(relations) else ""
    if len(people) == 1:
        return Kin(name, relation or told, numbers)
    mine = numbers[n : n + 1] if n < len(people) - 1 else numbers[n:]
    return Kin(name, relation or told, mine)


# --- stations --------------------

_STATION_TAIL = re.compile(r"(居家养老院?服务站|居家养老院?|养老服务站|服务站|居民委员会|居委会|村委会|社区|站)$")


class Stations:
    """Finds a station by what clerks write: 望海, 望海社区, 望海社区居家养老服务站."""

    def __init__(self, stations: Sequence[str]) -> None:
        self._exact = {key(name): name for name in stations}
        self._stems: dict[str, list[str]] = {}
        for name in stations:
            self._stems.setdefault(_stem(name), []).append(name)

    def find(self, text: str) -> str | None:
        """The one station meant by `text`, or None."""
        if exact := self._exact.get(key(text)):
            return exact
        candidates = self._stems.get(_stem(text), [])
        return candidates[0] if len(candidates) == 1 else None

    def named_in(self, text: str) -> str | None:
        """The one station whose name occurs inside `text` (a caption, a worksheet's name), or None."""
        squeezed = key(text)
        found = [name for name in self._exact.values() if key(name) in squeezed]
        return found[0] if len(found) == 1 else self.find(text)

    def nearest(self, text: str) -> str:
        """The station most like `text`, or ""."""
        close = get_close_matches(_stem(text), list(self._stems), n=1, cutoff=0.5)
        return self._stems[close[0]][0] if close else ""


def _stem(name: str) -> str:
    stem, before = key(name), ""
    while stem != before:
        before, stem = stem, _STATION_TAIL.sub("", stem) or stem
    return stem
