"""What people type at the doors: name and password, codes, PINs; and what a phone sends when it is enrolled."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from wtforms import PasswordField, StringField
from wtforms.validators import Length

from webapp.kit.refusal import Refusal
from webapp.kit.words import _, _l
from webapp.web import forms
from webapp.web.forms import PlainForm, TextField, YesField

LONGEST_PASSWORD = 200
BIGGEST_GEN = 2**31 - 1


def figures(text: Any) -> Any:
    """Only the digits of what was typed: "１２３４ 5678" → "12345678"; other letters stay, so that they are refused."""
    if not isinstance(text, str):
        return text
    return "".join(c for c in unicodedata.normalize("NFKC", forms.clean(text)) if not c.isspace() and c != "-")


class DigitsField(StringField):
    """A code of digits, typed in any way people write digits."""

    def __init__(self, label: Any = None, validators: Any = (), **kwargs: Any) -> None:
        super().__init__(label, [*validators, forms.at_most(20)], filters=[figures], **kwargs)


class SignInForm(PlainForm):
    """Name or phone, and the password."""

    name = TextField(_l("名字或手机号"), [forms.required()], most=60)
    password = PasswordField(_l("密码"), [forms.required(), Length(max=LONGEST_PASSWORD, message=_l("密码没有这么长"))])


class ResetForm(PlainForm):
    """The code from above and a new password."""

    code = DigitsField(_l("8位数的码"), [forms.required()])
    password = PasswordField(
        _l("新密码"),
        [forms.required(), Length(max=LONGEST_PASSWORD, message=_l("密码太长了，少设几位"))],
        description=_l("8位以上，不要用常见的"),
    )


class PinForm(PlainForm):
    """Six digits."""

    pin = PasswordField(_l("6位密码"), [forms.required(), Length(max=20, message=_l("请填6位数字"))], filters=[figures])


class EnrolForm(PlainForm):
    """A slip's code and the PIN chosen for this phone."""

    slip = DigitsField(_l("站长给的8位数"), [forms.required()])
    pin = DigitsField(_l("给这部手机设6位密码"), [forms.required()], description=_l("只有您自己知道，打开手机里的记录时要用"))
    label = TextField(_l("手机叫什么"), [forms.optional()], most=40)


class OpenPhoneForm(PlainForm):
    """What kind of phone a slip is for."""

    shared = YesField(_l("几个人合用的手机"))


@dataclass(frozen=True)
class Enrolling:
    """What a phone sends: its slip, public key (P-256, base64url), PIN, generation, and what to call it."""

    slip: str
    x: str
    y: str
    pin: str
    gen: int
    label: str


def read_phone(sent: Any) -> Enrolling:
    """What POST /devices brought: {slip, jwk, pin, gen, label}. Refuses what is missing or not a point on P-256."""
    if not isinstance(sent, dict):
        raise Refusal("enrol_shape", "没看懂这一步，请返回再试一次")
    slip, pin, gen, label = (sent.get(name) for name in ("slip", "pin", "gen", "label"))
    if not isinstance(slip, str) or not 0 < len(slip) <= 40:
        raise Refusal("slip_missing", "请填站长给的8位数", field="slip")
    if not isinstance(pin, str) or len(pin) > 20:
        raise Refusal("pin_shape", "请设6位数字", field="pin")
    if not isinstance(gen, int) or isinstance(gen, bool) or not 0 < gen <= BIGGEST_GEN:
        raise Refusal("gen", "手机时间不对，请调一下")
    x, y = _point(sent.get("jwk"))
    said = forms.clean(label)[:40] if isinstance(label, str) else ""
    return Enrolling(figures(slip), x, y, figures(pin), gen, said or _("手机"))


def _point(jwk: Any) -> tuple[str, str]:
    """x and y of a public key that really lies on the curve."""
    try:
        if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256") or "d" in jwk:
            raise ValueError("jwk")
        x, y = (_coordinate(jwk.get(name)) for name in ("x", "y"))
        ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()).public_key()
    except ValueError as error:
        raise Refusal("key", "这个浏览器做不了钥匙，请换一个浏览器") from error
    return jwk["x"], jwk["y"]


def _coordinate(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) != 43 or not text.isascii():
        raise ValueError("coordinate")
    try:
        return base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("coordinate") from error
