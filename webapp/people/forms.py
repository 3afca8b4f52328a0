"""What may be typed about people and places. Unclear cells of a sheet and unclear fields are read by the same eyes."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

from flask import current_app
from wtforms import FieldList, FileField, Form, FormField, HiddenField, StringField, ValidationError
from wtforms.validators import InputRequired, StopValidation

from webapp.access import ROLE_WORDS, Actor, Role
from webapp.kit import clock, ids, show
from webapp.kit.settings import Settings
from webapp.kit.show import WEEKDAYS
from webapp.kit.words import _, _l
from webapp.people.models import Kin
from webapp.people.rules import SYSTEMS, Point, point
from webapp.people.sheets import cells
from webapp.people.sheets.cells import NationalId, Unclear
from webapp.people.sheets.facts import Birth
from webapp.web.forms import (
    ChoiceField,
    ChoicesField,
    KeyField,
    NumberField,
    PhotoField,
    PlainForm,
    TextField,
    YesField,
    between,
    clean,
)

TIERS = ("A", "B", "C", "D")
SEXES = (("f", _l("女")), ("m", _l("男")))
LEVELS = (("watch", _l("要留心")), ("danger", _l("有危险")))
ALERTS = (("allergy", _l("过敏")), ("fall", _l("怕摔")), ("hearing", _l("听不清")), ("other", _l("其他")))
SPOTS = (("home", _l("家")), ("child", _l("子女家")), ("hospital", _l("医院")), ("other", _l("其他")))
NEAR = (("neighbour", _l("邻居")), ("key", _l("拿钥匙的人")))
MAPS = tuple(zip(SYSTEMS, (_l("手机定位"), _l("高德、腾讯、微信"), _l("百度")), strict=True))
_SCOPE_WORDS = (_l("上门"), _l("日记"), _l("账目"), _l("健康"), _l("照片"), _l("外出去哪里"))
SCOPES = tuple(zip(Kin.SCOPES, _SCOPE_WORDS, strict=True))
HOW = (
    ("老人当面说的", _l("老人当面说的")),
    ("老人签了字", _l("老人签了字")),
    ("老人电话里说的", _l("老人电话里说的")),
    ("监护人替老人答的", _l("监护人替老人答的")),
)
REASONS = (("打电话联系", _l("打电话联系")), ("核对身份", _l("核对身份")), ("办手续", _l("办手续")), ("", _l("别的原因")))
BLOOD = (("", _l("不清楚")), ("A", "A"), ("B", "B"), ("AB", "AB"), ("O", "O"))


class Needed(InputRequired):
    """Must be filled in, and not with blanks or marks that nobody sees."""

    def __init__(self, say: Any = None) -> None:
        super().__init__(say or _l("这里要填"))

    def __call__(self, form: Any, field: Any) -> None:
        """Raise StopValidation when nothing is there."""
        super().__call__(form, field)
        if field.data in (None, "", (), []) and not field.errors:
            raise StopValidation(str(self.message))


required = Needed


def wrong(field: Any, say: str) -> None:
    """Say one more thing beside a field."""
    field.errors = (*field.errors, say)


class FreshForm(PlainForm):
    """A form that makes something; its hidden key lets a double tap make one thing."""

    key = KeyField(default=ids.new)


class EditForm(PlainForm):
    """A form that changes something; it carries what it was opened on, so that nobody's change is overwritten unseen."""

    seen = HiddenField()


class ReadField(StringField):
    """A line that is read into a fact; what was typed stays, and what cannot be read is said beside it."""

    typed = ""

    def read(self, text: str) -> Any:
        """The fact in a cleaned, non-empty text. Raises Unclear."""
        raise NotImplementedError

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = str(clean(valuelist[0]))[:200] if valuelist else ""
        self.data = None
        if not self.typed:
            return
        try:
            self.data = self.read(self.typed)
        except Unclear as unclear:
            raise ValueError(str(unclear.say)) from unclear

    def _value(self) -> str:
        return self.typed or str(self.data or "")


class NameField(ReadField):
    """A person's name: letters of any script, dots and spaces."""

    def read(self, text: str) -> str:
        plain = " ".join(unicodedata.normalize("NFKC", text).split())
        letters = all(unicodedata.category(char)[0] in "LM" or char in " ·.'-" for char in plain)
        if not letters or not any(char.isalpha() for char in plain):
            raise Unclear("name_odd", _l("这不像一个姓名，请看一看"))
        if len(plain) > 40:
            raise Unclear("name_long", _l("太长了，少写几个字"))
        return plain.replace(" ", "") if not plain.isascii() else plain


class PhonesField(ReadField):
    """One phone or several; data is a tuple, the first is primary."""

    def read(self, text: str) -> tuple[str, ...]:
        chosen: Settings = current_app.extensions["settings"]
        phones = cells.phones(text, allow_sample=chosen.sample)
        if not phones:
            raise Unclear("phone_odd", _l("电话看不懂，请写数字"))
        return phones[:4]


class BirthField(ReadField):
    """A birth date as far as it is known: 1942-03-05, 1942年3月, 1942."""

    def read(self, text: str) -> Birth:
        return cells.births(text, clock.today(), loose=False)[0]


class NationalIdField(ReadField):
    """A national ID; data is a NationalId."""

    def read(self, text: str) -> NationalId:
        found = cells.national_ids(text)
        if len(found) != 1:
            raise Unclear("id_odd", _l("身份证号里有别的字，请看一看"))
        return found[0]


class PointField(ReadField):
    """Latitude and longitude, pasted or typed."""

    def read(self, text: str) -> Point:
        found = point(text)
        if found is None:
            raise Unclear("point", _l("看不懂，请写成38.914, 121.614这样"))
        return found


class DayField(ReadField):
    """A day, from the browser's calendar or typed."""

    def read(self, text: str) -> date:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise Unclear("day", _l("日期请写成2026-03-05这样")) from None
        if not 2000 <= day.year <= 2100:
            raise Unclear("day_far", _l("这个日期太远了，请看一看"))
        return day


class MinuteField(ReadField):
    """A time of the day; data is minutes since midnight, 24:00 is 1440."""

    def read(self, text: str) -> int:
        hour, _colon, minute = unicodedata.normalize("NFKC", text).replace("点", ":").partition(":")
        if not (hour.isdecimal() and (minute or "0").isdecimal() and len(hour) <= 2 and len(minute) <= 2):
            raise Unclear("minute", _l("时间请写成8:00这样"))
        value = int(hour) * 60 + int(minute or 0)
        if value > 1440 or int(minute or 0) > 59:
            raise Unclear("minute", _l("时间请写成8:00这样"))
        return value

    def _value(self) -> str:
        return self.typed or ("" if self.data is None else show.minute(self.data) if self.data < 1440 else "24:00")


class HouseholdForm(EditForm):
    """A household: address, station, whether phones work there."""

    station = ChoiceField(_l("服务站"), [required(_l("请选一个"))])
    address = TextField(_l("住址"), [required()], most=120, description=_l("写到几单元几号，门口好找"))
    no_signal = YesField(_l("家里手机没信号"))


class NewHouseholdForm(HouseholdForm, FreshForm):
    """A new household."""


class ResidentForm(EditForm):
    """A resident."""

    name = NameField(_l("姓名"), [required()])
    sex = ChoiceField(_l("性别"), choices=(*SEXES, ("", _l("不清楚"))))
    birth = BirthField(_l("出生日期"), description=_l("不知道日子，写到年月也行，比如1942年3月"))
    national_id = NationalIdField(_l("身份证号"), render_kw={"autocomplete": "off"})
    phones = PhonesField(_l("电话"), description=_l("有两个就都写上，第一个先打"), render_kw={"inputmode": "tel"})
    tier = ChoiceField(_l("类别"), choices=[*((tier, tier) for tier in TIERS), ("", _l("还没定"))])
    relation = TextField(_l("与户主关系"), most=20)
    blood_type = ChoiceField(_l("血型"), choices=BLOOD)
    card_consent = YesField(_l("老人同意把过敏和血型印在卡上"))

    def validate(self, extra_validators: Any = None) -> bool:
        """Also: the national ID must agree with birth and sex. What it tells fills what is left blank."""
        good = bool(super().validate(extra_validators))
        told = self.national_id.data
        if not isinstance(told, NationalId):
            return good
        if self.birth.data and not self.birth.data.agrees(told.birth):
            wrong(self.birth, _("出生日期和身份证号对不上"))
            good = False
        if self.sex.data and self.sex.data != told.sex[0]:
            wrong(self.sex, _("性别和身份证号对不上"))
            good = False
        self.birth.data, self.sex.data = told.birth, self.sex.data or told.sex[0]
        return good


class NewResidentForm(ResidentForm, FreshForm):
    """A new resident."""


class AlertForm(FreshForm):
    """What whoever enters must know."""

    words = TextField(_l("写几个字"), [required()], most=60, description=_l("比如：青霉素过敏、起身要扶、怕狗"))
    kind = ChoiceField(_l("哪一种"), [required(_l("请选一个"))], choices=ALERTS)
    level = ChoiceField(_l("多要紧"), [required(_l("请选一个"))], choices=LEVELS, default="watch")


class ContactForm(FreshForm):
    """Somebody near (N08)."""

    kind = ChoiceField(_l("是谁"), [required(_l("请选一个"))], choices=NEAR)
    name = NameField(_l("姓名"), [required()])
    phone = PhonesField(_l("电话"), [required()], render_kw={"inputmode": "tel"})


class SpotForm(FreshForm):
    """A point where the household is visited."""

    kind = ChoiceField(_l("是哪里"), [required(_l("请选一个"))], choices=SPOTS, default="home")
    name = TextField(_l("叫什么"), most=40, description=_l("比如：女儿家、中心医院"))
    place = PointField(_l("位置"), [required()], description=_l("从地图上复制，比如38.914, 121.614"))
    system = ChoiceField(_l("从哪儿复制的"), [required(_l("请选一个"))], choices=MAPS, default="gcj02")
    radius = NumberField(_l("多近算到了（米）"), [required(), between(30, 1000)])


class ConsentForm(PlainForm):
    """What the resident lets a relative see, and how the resident said so."""

    scopes = ChoicesField(_l("老人同意给看什么"), choices=SCOPES)
    how = ChoiceField(_l("老人怎么说的"), [required(_l("请选一个"))], choices=HOW)


class KinForm(FreshForm):
    """A relative."""

    name = NameField(_l("姓名"), [required()])
    relation = TextField(_l("是老人的什么人"), [required()], most=20, description=_l("比如：女儿、侄子"))
    phone = PhonesField(_l("电话"), [required()], render_kw={"inputmode": "tel"})
    scopes = ChoicesField(_l("老人同意给看什么"), choices=SCOPES)
    how = ChoiceField(_l("老人怎么说的"), choices=(*HOW, ("", _l("还没问"))))

    def validate_how(self, field: Any) -> None:
        """Consent without saying how is none."""
        if self.scopes.data and not field.data:
            raise ValidationError(_("请选老人怎么说的"))


class PairForm(FreshForm):
    """The household's main caregiver."""

    caregiver = ChoiceField(_l("养护员"), [required(_l("请选一个"))])
    relative = YesField(_l("她是老人的子女或亲戚"))


class PortraitForm(PlainForm):
    """One portrait, by consent."""

    photo = PhotoField(_l("选一张照片"), most=1)
    agreed = YesField(_l("老人同意用这张照片"), [required(_l("老人同意了才能放"))])


class RevealForm(PlainForm):
    """Why a masked number is looked at."""

    field = HiddenField()
    why = ChoiceField(_l("为什么要看"), choices=REASONS)
    reason = TextField(_l("别的原因，写几个字"), most=100)


class StaffForm(EditForm):
    """Somebody of the staff."""

    name = NameField(_l("姓名"), [required()])
    phones = PhonesField(_l("手机号"), render_kw={"inputmode": "tel"})
    sex = ChoiceField(_l("性别"), choices=(*SEXES, ("", _l("不清楚"))))
    birth = BirthField(_l("出生日期"))
    national_id = NationalIdField(_l("身份证号"), render_kw={"autocomplete": "off"})


class GrantForm(FreshForm):
    """A role at a place, with an optional end."""

    role = ChoiceField(_l("岗位"), [required(_l("请选一个"))])
    place = ChoiceField(_l("在哪里"), [required(_l("请选一个"))])
    until = DayField(_l("做到哪天"), description=_l("一直做就空着"), render_kw={"type": "date"})

    def offer(self, roles: list[Role], places: list[tuple[str, str]]) -> None:
        """Offer what the actor may give."""
        self.role.choices = [(role.value, ROLE_WORDS[role]) for role in roles]
        self.place.choices = places
        if len(places) == 1 and not self.is_submitted():
            self.place.data = places[0][0]

    def validate_until(self, field: Any) -> None:
        """The last day lies ahead."""
        if field.data and field.data < clock.today():
            raise ValidationError(_("这一天已经过了"))


class NewStaffForm(StaffForm, GrantForm):
    """Somebody new, with a first role; office roles may have a name to sign in with."""

    login = TextField(_l("登录名"), most=40, description=_l("办公室的人用；养护员不用填"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.phones.flags.__dict__["required"] = True

    def validate_phones(self, field: Any) -> None:
        """Whoever works here can be rung."""
        if not field.data and not field.errors:
            raise ValidationError(_("这里要填"))


class PlaceForm(FreshForm):
    """A new place under another."""

    parent = ChoiceField(_l("归哪里管"), [required(_l("请选一个"))])
    name = TextField(_l("名称"), [required()])
    code = TextField(_l("编号"), [required()], most=20, description=_l("字母和数字，全区不重样"))
    phone = TextField(_l("对外电话"), most=30, render_kw={"inputmode": "tel"})

    def validate_code(self, field: Any) -> None:
        """Typed in commands: ASCII."""
        if not field.data.isascii() or not field.data.replace("-", "").isalnum():
            raise ValidationError(_("编号只用字母、数字和横线"))


DAYS: dict[str, tuple[int, ...]] = {"all": tuple(range(7)), "work": tuple(range(5)), "end": (5, 6)} | {
    str(day): (day,) for day in range(7)
}
DAY_WORDS = (
    ("all", _l("每天")),
    ("work", _l("周一到周五")),
    ("end", _l("周六周日")),
    *((str(n), words) for n, words in enumerate(WEEKDAYS)),
)


class DutyRow(Form):
    """One stretch of duty on one or several days of the week."""

    days = ChoiceField(_l("哪几天"), choices=(("", "—"), *DAY_WORDS))
    since = MinuteField(_l("从"), render_kw={"placeholder": "8:00", "inputmode": "numeric"})
    until = MinuteField(_l("到"), render_kw={"placeholder": "20:00", "inputmode": "numeric"})
    name = TextField(_l("谁值班"), most=40)
    phone = TextField(_l("电话"), most=30, render_kw={"inputmode": "tel"})
    next_name = TextField(_l("没接就打给"), most=40)
    next_phone = TextField(_l("他的电话"), most=30, render_kw={"inputmode": "tel"})

    @property
    def blank(self) -> bool:
        """Whether the line was left empty."""
        return not (self.days.data or self.name.data or self.phone.data or self.since.typed or self.until.typed)

    def validate(self, extra_validators: Any = None) -> bool:
        """A line that says something says days, times, a name and a phone that can be dialled."""
        good = bool(super().validate(extra_validators))
        if self.blank:
            return good
        for field in (self.days, self.since, self.until, self.name, self.phone):
            if field.data in (None, "") and not field.errors:
                wrong(field, _("这里要填"))
                good = False
        for field in (self.phone, self.next_phone):
            if field.data and sum(char.isdigit() for char in field.data) < 3:
                wrong(field, _("电话看不懂，请写数字"))
                good = False
        return good


class DutyForm(EditForm):
    """The week of a place's number; two empty lines always wait at the end."""

    rows = FieldList(FormField(DutyRow), max_entries=20)


class UploadForm(FreshForm):
    """The clerk's own sheet."""

    kind = ChoiceField(
        _l("表里是什么人"),
        [required(_l("请选一个"))],
        choices=(("households", _l("老人花名册")), ("staff", _l("人员名单"))),
        default="households",
    )
    sheet = FileField(
        _l("选表格"),
        [required(_l("请选一个文件"))],
        description=_l("xlsx或csv，就用您平时那张，不用改样子"),
        render_kw={"accept": ".xlsx,.csv,.xls"},
    )


def seats(actor: Actor, places: Any) -> list[tuple[str, str]]:
    """Choices of places, the actor's own first."""
    own = [place for place in places if place.id == actor.place_id]
    return [(str(place.id), place.name) for place in (*own, *(place for place in places if place.id != actor.place_id))]
