"""The QR code of a card."""

from __future__ import annotations

import re

import qrcode
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.util import QRData

_URL = re.compile(r"(?P<place>https?://[a-z0-9.:-]+/c/)(?P<token>[0-9A-Z]{16,64})")


def modules(url: str) -> list[list[bool]]:
    """The QR symbol of `url` with its quiet zone of 4 modules, True is dark; a quarter may be damaged.

    Two segments: the address in lower case as bytes, because some scanners refuse capitals; the token,
    capitals and digits, at two letters to 11 bits. QRData finds the mode of each by itself.
    """
    found = _URL.fullmatch(url)
    if not found:
        raise ValueError("not a card's address")
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=4)
    code.add_data(QRData(found["place"].encode()))
    code.add_data(QRData(found["token"]))
    code.make(fit=True)
    return [[bool(dark) for dark in row] for row in code.get_matrix()]
