"""What one card says, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["resident", "plate", "badge", "shoe", "sewin"]
Side = Literal["front", "back"]


@dataclass(frozen=True)
class CardFace:
    """All that one card says. Empty words are left out; nothing is looked up.

    `url` is the card's address, lower case up to /c/, then the token in capitals and digits. `blood_type`,
    `allergies` and `other_words` come only with consent: whoever fills them in has asked. `portrait` is a
    JPEG, PNG or WebP; without it the tile shows the first character of `name`.
    """

    kind: Kind
    number: str
    url: str
    organisation: str = ""
    name: str = ""
    role: str = ""
    duty_name: str = ""
    duty_phone: str = ""
    duty_always: bool = True
    head_phone: str = ""
    portrait: bytes | None = None
    allergies: str = ""
    blood_type: str = ""
    other_words: str = ""
    footer: str = ""
    sample: bool = False
