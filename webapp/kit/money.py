"""Money is whole fen (0.01 yuan), an int everywhere. Never a float."""

from __future__ import annotations

import re
import unicodedata

LIMIT = 100_000_000_00  # a hundred million yuan: beyond it somebody leant on the keypad
_GROUPS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_YUAN = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,2}))?")


def parse(text: str) -> int:
    """Fen from what a person types: "36.5" → 3650, full-width figures and ¥ allowed. Raises ValueError otherwise.

    A comma stands between thousands: "36,5" is asked about, never read as 365.
    """
    plain = unicodedata.normalize("NFKC", text).replace("。", ".").replace("¥", "").replace("元", "").strip()
    found = _YUAN.fullmatch(_GROUPS.sub("", plain))
    if not found:
        raise ValueError(text)
    sign, yuan, cents = found.groups()
    fen = int(yuan) * 100 + int((cents or "0").ljust(2, "0"))
    return -fen if sign else fen


def show(fen: int) -> str:
    """3650 → "36.50", -123456 → "−1,234.56" (true minus sign)."""
    yuan, cents = divmod(abs(fen), 100)
    return f"{'−' if fen < 0 else ''}{yuan:,}.{cents:02d}"


def plain(fen: int) -> str:
    """3650 → "36.50", for form values and exports: no grouping, ASCII minus."""
    yuan, cents = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{yuan}.{cents:02d}"
