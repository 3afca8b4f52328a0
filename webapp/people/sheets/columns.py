"""Which column is what: the words clerks write into heads, as data, and the guess made from them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import openpyxl.utils

from webapp.kit.words import _l
from webapp.people.sheets.cells import plain
from webapp.people.sheets.facts import Column, Columns, Kind, Sheet

MARK_TITLE = "要改的地方"
"""Head of the column that `mark` adds; never read as hers."""


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


WORDS: Mapping[str, tuple[str, ...]] = {
    "station": _words(
        "服务站 所属服务站 居家养老服务站 站点 所属站点 养老服务站 社区 所属社区 所在社区 "
        "社区名称 居委会 社区居委会 所属居委会 村居 村居社区 村社区 站名 工作站 工作单位 单位"
    ),
    "household_no": _words("户号 户编号 家庭编号 住户编号 户序号 户次 户籍编号"),
    "head": _words("户主 户主姓名 户主名 户主名字"),
    "address": _words(
        "地址 住址 家庭住址 家庭地址 居住地址 现住址 现居住地址 居住地 详细地址 实际居住地址 "
        "常住地址 楼门牌号 门牌号 住处 家庭详细住址 实际居住地"
    ),
    "name": _words(
        "姓名 名字 老人姓名 老人 养护对象 养护对象姓名 被养护人 被养护人姓名 服务对象 "
        "服务对象姓名 成员姓名 家庭成员 家庭成员姓名 本人姓名 老年人姓名 员工姓名 人员姓名"
    ),
    "sex": _words("性别 老人性别 男女"),
    "birth": _words("出生日期 出生年月 出生年月日 出生 生日 出生时间 生年月日 出生日 老人出生日期"),
    "national_id": _words(
        "身份证号 身份证号码 身份证 公民身份号码 证件号码 证件号 身份号码 居民身份证号码 "
        "老人身份证号 身份证编号 有效证件号"
    ),
    "phone": _words(
        "电话 联系电话 手机 手机号 手机号码 电话号码 联系方式 老人电话 老人手机 本人电话 "
        "家庭电话 座机 固定电话 住宅电话 移动电话 老人联系电话 联系手机"
    ),
    "tier": _words(
        "类别 类型 补贴类别 养护类别 档次 补贴档次 等级 补贴等级 老人类别 享受类别 分类 档 类 "
        "享受补贴类别 养护补贴类别"
    ),
    "alerts": _words("注意事项 注意 特殊情况 重要提醒 提醒 风险提示 禁忌 特别提醒 需注意"),
    "allergies": _words("过敏 过敏史 药物过敏 药物过敏史 过敏情况"),
    "illnesses": _words(
        "健康状况 身体状况 病史 既往病史 疾病 主要疾病 健康情况 身体情况 患病情况 慢性病 既往史"
    ),
    "relation": _words("与户主关系 家庭关系 与户主的关系 户主关系"),
    "kin_name": _words(
        "家属 家属姓名 紧急联系人 紧急联系人姓名 联系人 联系人姓名 监护人 监护人姓名 子女 "
        "子女姓名 亲属 亲属姓名 家庭联系人 赡养人 赡养人姓名 家属及电话 紧急联系人及电话 "
        "家属姓名及电话 紧急联系人姓名及电话 子女姓名及电话 子女及电话 联系人及电话 "
        "联系人姓名及电话"
    ),
    "kin_relation": _words(
        "关系 与老人关系 与老人的关系 家属关系 联系人关系 与本人关系 称谓 亲属关系 "
        "与联系人关系 与紧急联系人关系 紧急联系人关系 与老人何关系"
    ),
    "kin_phone": _words(
        "家属电话 家属联系电话 家属手机 紧急联系人电话 紧急联系电话 联系人电话 监护人电话 "
        "子女电话 亲属电话 家属联系方式 子女联系方式 子女联系电话 紧急电话 联系人手机 "
        "家属手机号 紧急联系方式 监护人联系电话 紧急联系人联系电话 赡养人电话"
    ),
    "caregiver": _words(
        "养护员 养护员姓名 护理员 护理员姓名 服务员 服务人员 服务人员姓名 负责养护员 照护员 "
        "养老护理员 包户养护员 护工"
    ),
    "role": _words("岗位 职务 角色 职位 工作岗位 身份 人员类别 人员类型 工种 职责"),
}  # fmt: skip
"""Field → every head that means just it."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "kin": _words(
        "家属 紧急联系人 联系人 监护人 子女 亲属 赡养人 家属信息 家属情况 联系人信息 "
        "家属联系方式 紧急联系人信息 子女情况 监护人信息 子女信息"
    ),
    "caregiver": _words("养护员 护理员 服务人员 照护员 养护员信息 护理员信息 服务员"),
    "other": _words("家庭医生 医生 配偶 志愿者 联络员 站长 负责人"),
    "head": _words("户主 户主信息"),
}  # fmt: skip
"""Words that stand above a group of columns and say whose name and phone follow."""

IN_GROUP: Mapping[str, Mapping[str, str]] = {
    "kin": {
        "name": "kin_name",
        "phone": "kin_phone",
        "relation": "kin_relation",
        "kin_relation": "kin_relation",
    },
    "caregiver": {"name": "caregiver"},
    "head": {"name": "head"},
    "other": {},
}

FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "households": ("station", "household_no", "head", "address", "name", "sex", "birth", "national_id", "phone", "tier",
                   "alerts", "allergies", "illnesses", "relation", "kin_name", "kin_relation", "kin_phone", "caregiver"),
    "staff": ("station", "name", "sex", "birth", "national_id", "phone", "role"),
}  # fmt: skip

REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "households": ("name", "station", "address"),
    "staff": ("name", "phone", "role", "station"),
}

TITLES: Mapping[str, object] = {
    "station": _l("服务站"),
    "household_no": _l("户号"),
    "head": _l("户主"),
    "address": _l("住址"),
    "name": _l("姓名"),
    "sex": _l("性别"),
    "birth": _l("出生日期"),
    "national_id": _l("身份证号"),
    "phone": _l("电话"),
    "tier": _l("类别"),
    "alerts": _l("注意事项"),
    "allergies": _l("过敏"),
    "illnesses": _l("病史"),
    "relation": _l("与户主关系"),
    "kin_name": _l("家属姓名"),
    "kin_relation": _l("家属关系"),
    "kin_phone": _l("家属电话"),
    "caregiver": _l("养护员"),
    "role": _l("岗位"),
}
"""Field → what a page calls it when it asks which column is which."""

ROLES: Mapping[str, tuple[str, ...]] = {
    "caregiver": _words("养护员 护理员 接替养护员 接替人员 养老护理员 照护员 服务员"),
    "station_head": _words("站长 服务站站长 居委会主任 副站长"),
    "street_manager": _words("院长 副院长 街道院长 街道副院长 街道管理中心院长 街道管理中心副院长 街道经办员 经办员"),
    "family_doctor": _words("医生 家庭医生 社区医生 护士 大夫 社区护士"),
    "inspector": _words("监督员"),
    "liaison": _words("联络员 志愿者"),
}
"""Role code → the words for it. District and administrator roles are given by hand, never by a sheet."""

_SOMEONE_ELSE = re.compile(r"家属|联系人|监护|子女|亲属|紧急|赡养|养护员|护理员|医生|配偶|站长|负责人|志愿者|年龄")
_LOOSE = (
    ("身份证", "national_id"),
    ("出生", "birth"),
    ("电话", "phone"),
    ("手机", "phone"),
    ("住址", "address"),
    ("地址", "address"),
)
_BRACKETS = re.compile(r"\(.*?\)|\[.*?\]|【.*?】")
_EXACT = {word: name for name, words in WORDS.items() for word in words}
_GROUP = {word: name for name, words in GROUPS.items() for word in words}


def letter(column: int) -> str:
    """What her program calls a 0-based column: 0 is A."""
    return openpyxl.utils.get_column_letter(column + 1)


def word_of(text: object) -> str:
    """A head word without white space, brackets, stars and colons."""
    squeezed = re.sub(r"\s+", "", plain(text if isinstance(text, str) else ""))
    return (_BRACKETS.sub("", squeezed) or squeezed).strip("*:★☆●.。、,#")


def is_group(text: str) -> bool:
    """Whether this word stands above a group (家属)."""
    return word_of(text) in _GROUP


def recognise(words: Sequence[str]) -> str | None:
    """The field a column with these head words holds, or None."""
    clean = [word for word in map(word_of, words) if word]
    if not clean:
        return None
    for above in clean[:-1]:
        if group := _GROUP.get(above):
            own = _field_of(clean[-1])
            return IN_GROUP[group].get(own, own if own in IN_GROUP[group].values() else None) if own else None
    return _field_of(clean[-1]) or _field_of("".join(clean)) or (_field_of(clean[0]) if len(clean) > 1 else None)


def guess_columns(sheet: Sheet, kind: Kind, remembered: Mapping[str, Columns] | None = None) -> dict[str, int]:
    """Field → column for what the head says; a layout remembered under `fingerprint(sheet)` wins.

    A second telephone right of a relative or the caregiver is theirs. Columns not understood are left out.
    """
    if remembered and (known := remembered.get(fingerprint(sheet))):
        return {name: column for name, column in known.items() if name in FIELDS[kind]}
    found: dict[str, int] = {}
    owner = "name"
    for column in sheet.columns:
        name = recognise(column.words)
        owner = _owner(column.words, name, owner)
        name = _whose(name, owner, found)
        if name in FIELDS[kind] and name not in found:
            found[name] = column.index
    if "name" not in found and "head" in found:
        found["name"] = found.pop("head")
    return found


def missing_columns(columns: Columns, kind: Kind, *, station_known: bool = False) -> tuple[str, ...]:
    """The required fields that have no column; the station may be known from elsewhere."""
    return tuple(name for name in REQUIRED[kind] if name not in columns and not (name == "station" and station_known))


def fingerprint(sheet: Sheet) -> str:
    """The same for every sheet with the same head in the same columns, whatever stands below it."""
    told = "\n".join(f"{column.index}:{'/'.join(map(word_of, column.words))}" for column in sheet.columns)
    return hashlib.sha256(told.encode()).hexdigest()


def _field_of(word: str) -> str | None:
    if word in _EXACT:
        return _EXACT[word]
    bare = re.sub(r"^(老人|本人|养护对象|被养护人|服务对象|户内|家庭)", "", word)
    if bare in _EXACT:
        return _EXACT[bare]
    if _SOMEONE_ELSE.search(word) or len(word) > 16:
        return None
    return next((name for part, name in _LOOSE if part in word), None)


def _owner(words: Sequence[str], name: str | None, owner: str) -> str:
    if name in ("name", "kin_name", "caregiver"):
        return name
    if name is None and any(_SOMEONE_ELSE.search(word_of(word)) and not word_of(word).endswith("年龄") for word in words):
        return "other"
    return owner


def _whose(name: str | None, owner: str, found: Mapping[str, int]) -> str | None:
    if name == "phone" and "phone" in found:
        return "kin_phone" if owner == "kin_name" else None
    if name == "phone" and owner in ("caregiver", "other"):
        return None
    if name == "phone" and owner == "kin_name" and "kin_phone" not in found:
        return "kin_phone"
    return name


def known_heads(columns: Sequence[Column]) -> int:
    """How many different fields these head columns name; what the search for the head counts."""
    return len({name for name in (recognise(column.words) for column in columns) if name})
