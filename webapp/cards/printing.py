"""Cards as they come out of the printer: one drawing in millimetres, two pens (a picture, a sheet of A4).

Pure: it knows no database and no request. The words follow the language in force, so cards that go out to
Chinese streets are drawn under `force_locale("zh")`, whoever presses the button.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import Literal, NamedTuple, Protocol

import qrcode
from fpdf import FPDF
from fpdf.enums import Duplex, TextMode
from fpdf.fonts import TTFFont
from fpdf.prefs import ViewerPreferences
from PIL import Image, ImageDraw, ImageFont, ImageOps
from pylopdf_fonts_zh_cn import sans_path
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.util import QRData

from webapp.cards.number import spoken
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _

Kind = Literal["resident", "plate", "badge", "shoe", "sewin"]
Side = Literal["front", "back"]

_MM = 25.4  # millimetres in an inch
_INK, _SOFT, _LINE, _WHITE = "#1d1b18", "#5c564d", "#e6dfd3", "#ffffff"
_PINE, _PINE_SOFT, _AMBER = "#0f5b46", "#e3f0ea", "#8a5a00"
_BLEED = 1.0  # colour runs this far over the cut, so that a slip of the knife leaves no white edge
_LEADING = 1.28  # line to line, in type sizes
_ASCENT = 0.88  # from the top of the em square down to the baseline
_BOLDER = 1 / 45  # the font has one weight: a stroke this wide (of the size) on either side reads as bold
_PORTRAIT_DPI = 300
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]")
_WORD = re.compile(r"[A-Za-z0-9@.+'-]+ ?|.[，。、：；！？）》”·・•]?")
_URL = re.compile(r"(?P<place>https?://[a-z0-9.:-]+/c/)(?P<token>[0-9A-Z]{16,64})")


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


@dataclass(frozen=True)
class Sheet:
    """How one kind lies on A4 portrait: size of a piece and gaps in mm, pieces across and down."""

    width: float
    height: float
    across: int
    down: int
    gap_x: float
    gap_y: float
    two_sided: bool = False

    @property
    def places(self) -> int:
        """Pieces to a page."""
        return self.across * self.down

    def corner(self, place: int, side: Side = "front") -> tuple[float, float]:
        """Left and top, mm from the page's corner, of piece `place` (0 first, row by row).

        Backs are mirrored left to right: turned over its long edge, the sheet brings front and back together.
        """
        row, column = divmod(place, self.across)
        if side == "back":
            column = self.across - 1 - column
        return self.left + column * (self.width + self.gap_x), self.top + row * (self.height + self.gap_y)

    @property
    def left(self) -> float:
        """Width of the margin either side, mm."""
        return (A4[0] - self.across * self.width - (self.across - 1) * self.gap_x) / 2

    @property
    def top(self) -> float:
        """Height of the margin above and below, mm."""
        return (A4[1] - self.down * self.height - (self.down - 1) * self.gap_y) / 2


A4 = (210.0, 297.0)
SHEETS: dict[Kind, Sheet] = {
    "resident": Sheet(85.6, 54, across=2, down=5, gap_x=4, gap_y=2, two_sided=True),
    "plate": Sheet(85.6, 54, across=2, down=5, gap_x=4, gap_y=2),
    "badge": Sheet(85.6, 54, across=2, down=5, gap_x=4, gap_y=2, two_sided=True),
    "sewin": Sheet(60, 20, across=3, down=12, gap_x=3, gap_y=2),
    "shoe": Sheet(45, 20, across=4, down=12, gap_x=2, gap_y=2),
}


def card_png(face: CardFace, side: Side = "front", dpi: int = 300) -> bytes:
    """One side as a PNG, true to size at `dpi` (150 or more keeps the code readable), edge to edge.

    Refuses, with a sentence that names the person, letters the font lacks, words that do not fit and a
    portrait that is no picture. A kind without a back and an address that is no card's are mistakes of the
    caller (ValueError).
    """
    sheet = SHEETS[face.kind]
    pen = _Picture(sheet.width, sheet.height, dpi)
    _draw(pen, face, side)
    return pen.png()


def sheet_pdf(faces: Iterable[CardFace], kind: Kind, double_sided: bool = True) -> bytes:
    """All `faces` of one kind as A4 pages with cut lines, true to size; vector codes, searchable text.

    With `double_sided`, kinds that have a back come front, back, front, back, registered for printing on both
    sides turned over the long edge. Refuses what `card_png` refuses; a face of another kind or no face at all
    is a ValueError.
    """
    sheet = SHEETS[kind]
    sides: tuple[Side, ...] = ("front", "back") if double_sided and sheet.two_sided else ("front",)
    pdf = _document(len(sides) == 2)
    for leaf, batch in enumerate(_batches(faces, sheet.places), start=1):
        for side in sides:
            pdf.add_page()
            _cut_lines(pdf, sheet)
            _margin_note(pdf, leaf, side, len(sides) == 2)
            for place, face in enumerate(batch):
                if face.kind != kind:
                    raise ValueError(f"a {face.kind} on a sheet of {kind}")
                _draw(_Paper(pdf, *sheet.corner(place, side)), face, side)
                _outline(pdf, sheet, place, side)
    if not pdf.pages:
        raise ValueError("no cards to print")
    return bytes(pdf.output())


def unprintable(text: str) -> str:
    """The letters of `text` that the card font cannot draw, each once, in order; "" if none."""
    missing = (c for c in _clean(text) if c != " " and ord(c) not in _letters())
    return "".join(dict.fromkeys(missing))


# --- what stands where ---


class _Area(NamedTuple):
    """A place on the card, mm from its left upper corner."""

    x: float
    y: float
    width: float
    height: float


class _Pen(Protocol):
    """What the drawing asks of paper or picture; all lengths in mm, the origin is the card's corner."""

    def box(self, area: _Area, fill: str, radius: float = 0) -> None: ...

    def text(self, x: float, baseline: float, words: str, size: float, colour: str, bold: bool) -> None: ...

    def picture(self, area: _Area, jpeg: bytes) -> None: ...

    def code(self, x: float, y: float, side: float, modules: list[list[bool]]) -> None: ...

    def stamp(self, x: float, baseline: float, words: str, size: float) -> None: ...


def _draw(pen: _Pen, face: CardFace, side: Side) -> None:
    drawing = _DRAWINGS.get((face.kind, side))
    if drawing is None:
        raise ValueError(f"a {face.kind} has no {side}")
    drawing(_Card(pen, face))


def _resident_front(card: _Card) -> None:
    face = card.face
    card.head(_("身份卡"))
    card.tile(_Area(4, 13, 14, 17))
    card.write(_Area(21, 12.6, 60.6, 8.8), face.name, (7.4, 2.4), bold=True, breaks_at="·")
    card.number(_Area(21, 23.4, 32, 4.4))
    card.stamp(_Area(0, 10, 54, 44))
    card.write(_Area(4, 32.6, 49, 3.4), _duty(face), (3.1, 1.8), _SOFT)
    card.write(_Area(4, 36.2, 49, 6.6), face.duty_phone, (6, 2.6), bold=True)
    card.write(_Area(4, 43.7, 49, 3.2), _("老人走失，请扫码或打电话"), (2.9, 1.8), _SOFT)
    card.write(_Area(4, 47.6, 49, 3.2), _head_of_station(face), (2.9, 1.8), _SOFT)
    card.code(54.1, 22.5, 30)


def _resident_back(card: _Card) -> None:
    face = card.face
    card.band(_PINE_SOFT)
    card.write(_Area(4, 2.2, 77.6, 5.6), _("这位老人可能需要帮助"), (4.6, 2.4), _PINE, bold=True)
    card.write(_Area(4, 12, 77.6, 4.2), _what_to_do(face), (3.4, 2), bold=True)
    card.stamp(_Area(0, 10, 85.6, 36))
    rows = _for_a_rescuer(face)
    if rows:
        card.rows(_Area(4, 19, 77.6, 26), rows)
    else:
        card.write(_Area(4, 22, 77.6, 4.6), _duty(face), (3.8, 2), _SOFT)
        card.write(_Area(4, 28, 77.6, 12), face.duty_phone, (9.5, 3), bold=True)
    card.pen.box(_Area(4, 46.2, 77.6, 0.15), _LINE)
    card.write(_Area(4, 47.6, 36, 3.4), _("急救 120 · 报警 110"), (3, 2), bold=True)
    card.write(_Area(41, 47.6, 40.6, 3.4), face.footer, (2.6, 1.4), _SOFT, align="right")


def _badge_front(card: _Card) -> None:
    face = card.face
    card.head(_("工作证"))
    card.tile(_Area(4, 13, 18, 22))
    card.write(_Area(25, 12.6, 56.6, 9), face.name, (7.4, 2.4), bold=True, breaks_at="·")
    card.write(_Area(25, 23.2, 28, 4.4), face.role or _("养护员"), (3.8, 1.8), _PINE, bold=True)
    card.number(_Area(25, 30, 28, 4.4))
    card.stamp(_Area(0, 10, 54, 44))
    card.write(_Area(4, 37.4, 49, 3), _("扫一扫，核对身份"), (2.8, 1.8), _SOFT)
    card.write(_Area(4, 41.2, 49, 3), face.duty_name, (2.8, 1.8), _SOFT)
    card.write(_Area(4, 45, 49, 5.6), face.duty_phone, (4.8, 2.4), bold=True)
    card.code(54.1, 22.5, 30)


def _badge_back(card: _Card) -> None:
    face = card.face
    card.band(_PINE_SOFT)
    card.write(_Area(4, 2.2, 77.6, 5.6), face.organisation, (4.2, 2), _PINE, bold=True)
    card.stamp(_Area(0, 10, 85.6, 36))
    card.write(_Area(4, 13, 77.6, 26), face.other_words, (3.6, 2))
    card.pen.box(_Area(4, 46.2, 77.6, 0.15), _LINE)
    card.write(_Area(4, 47.6, 42, 3.4), _lost_badge(face), (3, 1.8), bold=True)
    card.write(_Area(47, 47.6, 34.6, 3.4), face.footer, (2.6, 1.4), _SOFT, align="right")


def _plate(card: _Card) -> None:
    """Hangs inside the home, seen by everyone who comes in: number and code, no word about who lives here."""
    card.pen.box(_Area(2, 2, 81.6, 50), _PINE, radius=4)
    card.pen.box(_Area(2.7, 2.7, 80.2, 48.6), _WHITE, radius=3.3)
    first, second = spoken(card.face.number).split(" ")
    card.write(_Area(51.5, 13.5, 29, 14), first, (12, 6), bold=True)
    card.write(_Area(51.5, 27, 29, 14), second, (12, 6), bold=True)
    card.stamp(_Area(51.5, 41.5, 25, 9))
    card.code(4, 4, 46)


def _sewin(card: _Card) -> None:
    face = card.face
    card.stamp(_Area(20, 0, 40, 20))
    card.write(_Area(20.5, 1.6, 37.5, 4.6), face.name, (4.2, 1.8), bold=True, breaks_at="·")
    card.write(_Area(20.5, 6.9, 37.5, 2.6), _("老人走失，请扫码或打电话"), (2.4, 1.4), _SOFT)
    card.write(_Area(20.5, 9.9, 37.5, 4.2), face.duty_phone, (3.8, 1.8), bold=True)
    card.number(_Area(20.5, 15, 37.5, 3.2))
    card.code(0.4, 0.4, 19.2)


def _shoe(card: _Card) -> None:
    """Seen by anybody in a corridor: a way to help, no name."""
    words = _("老人走失，请扫码或打电话")
    card.stamp(_Area(20, 0, 25, 20))
    card.write(_Area(20.3, 1.8, 23.5, 6), words, (2.5, 1.4), _SOFT, breaks_at="，")
    card.write(_Area(20.3, 8.8, 23.5, 3.6), card.face.duty_phone, (3.2, 1.6), bold=True)
    card.number(_Area(20.3, 14.4, 23.5, 3))
    card.code(0.4, 0.4, 19.2)


_DRAWINGS: dict[tuple[Kind, Side], Callable[[_Card], None]] = {
    ("resident", "front"): _resident_front,
    ("resident", "back"): _resident_back,
    ("badge", "front"): _badge_front,
    ("badge", "back"): _badge_back,
    ("plate", "front"): _plate,
    ("sewin", "front"): _sewin,
    ("shoe", "front"): _shoe,
}


def _duty(face: CardFace) -> str:
    if face.duty_name and face.duty_always:
        return f"{face.duty_name} · {_('白天黑夜都有人')}"
    return face.duty_name


def _head_of_station(face: CardFace) -> str:
    return _("站长 %(phone)s", phone=face.head_phone) if face.head_phone else ""


def _what_to_do(face: CardFace) -> str:
    if not face.duty_phone:
        return _("请扫正面的码，陪老人等一等")
    return _("请打 %(phone)s 或扫正面的码，陪老人等一等", phone=face.duty_phone)


def _for_a_rescuer(face: CardFace) -> list[tuple[str, str]]:
    asked = [(_("过敏"), face.allergies), (_("血型"), face.blood_type), (_("请留意"), face.other_words)]
    return [(label, _clean(words)) for label, words in asked if words.strip()]


def _lost_badge(face: CardFace) -> str:
    return _("捡到了请打 %(phone)s，谢谢您", phone=face.duty_phone) if face.duty_phone else ""


class _Card:
    """A face in the making: puts its words, its tile and its code where a drawing wants them."""

    def __init__(self, pen: _Pen, face: CardFace) -> None:
        self.pen, self.face = pen, face

    def band(self, fill: str) -> None:
        """The coloured strip along the upper edge, 10 mm."""
        self.pen.box(_Area(-_BLEED, -_BLEED, 85.6 + 2 * _BLEED, 10 + _BLEED), fill)

    def head(self, what: str) -> None:
        """The strip with the organisation and what this card is."""
        self.band(_PINE)
        if self.face.sample:
            what = f"{what} · {_('样张')}"
        self.write(_Area(4, 1.6, 56, 6.8), self.face.organisation, (3.8, 2), _WHITE, bold=True)
        self.write(_Area(61, 1.6, 20.6, 6.8), what, (3, 1.6), _WHITE, align="right")

    def tile(self, area: _Area) -> None:
        """The portrait, or the first character of the name."""
        if self.face.portrait is not None:
            self.pen.picture(area, _portrait(self.face, area))
            return
        first = _clean(self.face.name)[:1]
        self.pen.box(area, _PINE_SOFT, radius=1.6)
        self.write(area, first, (area.width * 0.62, 4), _PINE, bold=True, align="centre")

    def number(self, area: _Area) -> None:
        words = _("号码 %(number)s", number=spoken(self.face.number))
        self.write(area, words, (area.height * 0.84, 1.4))

    def code(self, x: float, y: float, side: float) -> None:
        self.pen.code(x, y, side, _modules(self.face.url))

    def stamp(self, area: _Area) -> None:
        """样张 across a made-up card. Beside the code, never over it: the demo's cards are scanned too."""
        if not self.face.sample:
            return
        words = _("样张")
        size = min(area.height * 0.8, area.width * 0.8 / _em(words))
        x = area.x + (area.width - _em(words) * size) / 2
        self.pen.stamp(x, area.y + area.height / 2 + size * 0.38, words, size)

    def write(
        self,
        area: _Area,
        words: str,
        sizes: tuple[float, float],
        colour: str = _INK,
        *,
        bold: bool = False,
        align: Literal["left", "right", "centre"] = "left",
        breaks_at: str = "",
    ) -> None:
        """`words` inside `area`, as large as they fit between `sizes` (mm, most and least), at mid-height."""
        words = self._drawable(words)
        if not words:
            return
        size, lines = self._fit(words, area, sizes, breaks_at)
        height = ((len(lines) - 1) * _LEADING + 1) * size
        baseline = area.y + max(0.0, (area.height - height) / 2) + _ASCENT * size
        for line in lines:
            spare = area.width - _em(line) * size
            x = area.x + {"left": 0.0, "right": spare, "centre": spare / 2}[align]
            self.pen.text(x, baseline, line, size, colour, bold)
            baseline += _LEADING * size

    def rows(self, area: _Area, rows: list[tuple[str, str]]) -> None:
        """Labels left, words right, as large as the room allows: what a rescuer must not have to hunt for."""
        indent = max(_em(label) for label, _words in rows) + 0.9
        for size in _sizes(4.2, 2.1):
            broken = [_wrap(self._drawable(words), area.width / size - indent) for _label, words in rows]
            lines = sum(map(len, broken)) * _LEADING + (len(rows) - 1) * 0.5
            if all(broken) and lines * size <= area.height:
                break
        else:
            raise self._too_long(max((words for _label, words in rows), key=len))
        y = area.y
        for (label, _words), wrapped in zip(rows, broken, strict=True):
            self.write(_Area(area.x, y, indent * size, size), label, (size, size), _PINE, bold=True)
            for line in wrapped:
                self.pen.text(area.x + indent * size, y + _ASCENT * size, line, size, _INK, False)
                y += size * _LEADING
            y += size * 0.5

    def _drawable(self, words: str) -> str:
        words = _clean(words)
        if missing := unprintable(words):
            say = _("%(name)s的卡上有印不出的字：%(letters)s，请换一个写法", name=self.face.name, letters=missing)
            raise Refusal("cards.no_letter", say, name=self.face.name, letters=missing)
        return words

    def _fit(self, words: str, area: _Area, sizes: tuple[float, float], breaks_at: str) -> tuple[float, list[str]]:
        for size in _sizes(*sizes):
            lines = _wrap(words, area.width / size, breaks_at)
            if lines and ((len(lines) - 1) * _LEADING + 1) * size <= area.height + 0.01:
                return size, lines
        raise self._too_long(words)

    def _too_long(self, words: str) -> Refusal:
        say = _("%(name)s的卡上这句太长，少写几个字：%(words)s", name=self.face.name, words=words)
        return Refusal("cards.too_long", say, name=self.face.name, words=words)


# --- words and their widths ---


def _sizes(most: float, least: float) -> Iterator[float]:
    """From `most` down to `least` by a tenth of a millimetre."""
    steps = int((most - least) / 0.1 + 1e-6)
    yield from (most - step * 0.1 for step in range(steps + 1))


def _wrap(words: str, ems: float, breaks_at: str = "") -> list[str]:
    """`words` in lines no wider than `ems` type sizes; [] when a single piece is wider.

    Where `breaks_at` occurs it is the only place to break: a name of several parts is not cut inside one.
    """
    if breaks_at and breaks_at in words:
        pieces = [part for part in re.split(f"(?<={breaks_at})", words) if part]
    else:
        pieces = _WORD.findall(words)
    lines = [""]
    for piece in pieces:
        if _em(piece.rstrip()) > ems:
            return []
        if _em((lines[-1] + piece).rstrip()) > ems:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def _clean(words: str) -> str:
    """One line, composed letters, nothing invisible."""
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", words)).split())


def _em(words: str) -> float:
    """Width in type sizes."""
    return sum(_advance(letter) for letter in words)


@lru_cache(maxsize=8192)
def _advance(letter: str) -> float:
    return _font(1000).getlength(letter) / 1000


@cache
def _letters() -> frozenset[int]:
    """Code points the font has a shape for."""
    pdf = FPDF()
    pdf.add_font("card", fname=str(sans_path()))
    font = pdf.fonts["card"]
    assert isinstance(font, TTFFont)
    return frozenset(font.cmap)


@lru_cache(maxsize=64)
def _font(pixels: float) -> ImageFont.FreeTypeFont:
    """Opening the font parses 8 MB, so the sizes in use stay open."""
    return ImageFont.truetype(str(sans_path()), pixels, layout_engine=ImageFont.Layout.BASIC)


# --- the code and the portrait ---


def _modules(url: str) -> list[list[bool]]:
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


def _portrait(face: CardFace, area: _Area) -> bytes:
    """The portrait cut to the tile at printing size, a JPEG without any of its notes."""
    size = (round(area.width / _MM * _PORTRAIT_DPI), round(area.height / _MM * _PORTRAIT_DPI))
    try:
        with Image.open(io.BytesIO(face.portrait or b""), formats=("JPEG", "PNG", "WEBP")) as image:
            image.draft("RGB", (size[0] * 2, size[1] * 2))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        say = _("%(name)s的照片打不开，请换一张", name=face.name)
        raise Refusal("cards.portrait", say, name=face.name) from error
    out = io.BytesIO()
    ImageOps.fit(upright, size, Image.Resampling.LANCZOS, centering=(0.5, 0.35)).save(out, "JPEG", quality=88)
    return out.getvalue()


# --- the two pens ---


class _Picture:
    """Draws on pixels."""

    def __init__(self, width: float, height: float, dpi: int) -> None:
        self._dpi = dpi
        self._image = Image.new("RGB", (self._px(width), self._px(height)), _WHITE)
        self._draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        out = io.BytesIO()
        self._image.save(out, "PNG", dpi=(self._dpi, self._dpi), compress_level=6)
        return out.getvalue()

    def box(self, area: _Area, fill: str, radius: float = 0) -> None:
        left, top, right, bottom = self._edges(area)
        if not radius:
            self._draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=fill)
            return
        smooth = 4
        mask = Image.new("L", ((right - left) * smooth, (bottom - top) * smooth))
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, mask.width - 1, mask.height - 1), radius=radius / _MM * self._dpi * smooth, fill=255
        )
        mask = mask.resize((right - left, bottom - top), Image.Resampling.BOX)
        self._image.paste(fill, (left, top), mask)

    def text(self, x: float, baseline: float, words: str, size: float, colour: str, bold: bool) -> None:
        pixels = size / _MM * self._dpi
        self._draw.text(
            (x / _MM * self._dpi, baseline / _MM * self._dpi),
            words,
            font=_font(round(pixels, 1)),
            fill=colour,
            anchor="ls",
            stroke_width=pixels * _BOLDER if bold else 0,
            stroke_fill=colour,
        )

    def picture(self, area: _Area, jpeg: bytes) -> None:
        left, top, right, bottom = self._edges(area)
        with Image.open(io.BytesIO(jpeg)) as image:
            fitted = image.resize((right - left, bottom - top), Image.Resampling.LANCZOS)
        self._image.paste(fitted, (left, top))

    def code(self, x: float, y: float, side: float, modules: list[list[bool]]) -> None:
        count = len(modules)
        symbol = Image.new("1", (count, count), 1)
        symbol.putdata([0 if dark else 255 for row in modules for dark in row])
        left, top, right, bottom = self._edges(_Area(x, y, side, side))
        self._image.paste(symbol.resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top))

    def stamp(self, x: float, baseline: float, words: str, size: float) -> None:
        mask = Image.new("L", self._image.size)
        at = (x / _MM * self._dpi, baseline / _MM * self._dpi)
        ImageDraw.Draw(mask).text(at, words, font=_font(round(size / _MM * self._dpi, 1)), fill=46, anchor="ls")
        self._image.paste(_AMBER, (0, 0), mask)

    def _edges(self, area: _Area) -> tuple[int, int, int, int]:
        return (
            self._px(area.x),
            self._px(area.y),
            self._px(area.x + area.width),
            self._px(area.y + area.height),
        )

    def _px(self, mm: float) -> int:
        return round(mm / _MM * self._dpi)


class _Paper:
    """Draws on a PDF page, its origin at (`left`, `top`) mm of the page."""

    def __init__(self, pdf: FPDF, left: float, top: float) -> None:
        self._pdf, self._left, self._top = pdf, left, top

    def box(self, area: _Area, fill: str, radius: float = 0) -> None:
        self._pdf.set_fill_color(fill)
        self._pdf.rect(
            self._left + area.x,
            self._top + area.y,
            area.width,
            area.height,
            style="F",
            round_corners=radius > 0,
            corner_radius=radius,
        )

    def text(self, x: float, baseline: float, words: str, size: float, colour: str, bold: bool) -> None:
        pdf = self._pdf
        pdf.set_font("card", size=size * pdf.k)
        pdf.set_text_color(colour)
        if not bold:
            pdf.text(self._left + x, self._top + baseline, words)
            return
        # FPDF.text() writes the line width as points whatever the unit, hence the extra pdf.k.
        stroke = 2 * _BOLDER * size * pdf.k
        with pdf.local_context(text_mode=TextMode.FILL_STROKE, draw_color=colour, line_width=stroke):
            pdf.text(self._left + x, self._top + baseline, words)

    def picture(self, area: _Area, jpeg: bytes) -> None:
        self._pdf.image(io.BytesIO(jpeg), self._left + area.x, self._top + area.y, area.width, area.height)

    def code(self, x: float, y: float, side: float, modules: list[list[bool]]) -> None:
        self.box(_Area(x, y, side, side), _WHITE)
        self._pdf.set_fill_color("#000000")
        module = side / len(modules)
        # Rows overlap by a hair: viewers that smooth each box by itself show a white thread between them.
        for row, start, length in _runs(modules):
            self._pdf.rect(
                self._left + x + start * module,
                self._top + y + row * module,
                length * module,
                module * 1.02,
                style="F",
            )

    def stamp(self, x: float, baseline: float, words: str, size: float) -> None:
        pdf = self._pdf
        pdf.set_font("card", size=size * pdf.k)
        pdf.set_text_color(_AMBER)
        with pdf.local_context(fill_opacity=0.18):
            pdf.text(self._left + x, self._top + baseline, words)


def _runs(modules: list[list[bool]]) -> Iterator[tuple[int, int, int]]:
    """Row, first column and length of every stretch of dark modules."""
    for row, line in enumerate(modules):
        text = "".join("#" if dark else " " for dark in line)
        for found in re.finditer("#+", text):
            yield row, found.start(), len(found.group())


# --- the sheet ---


def _document(two_sided: bool) -> FPDF:
    pdf = FPDF(orientation="portrait", unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.add_font("card", fname=str(sans_path()))
    pdf.set_lang("zh-CN")
    pdf.set_title(_("卡片"))
    pdf.set_creation_date(clock.now())
    # What printing goes wrong by: "fit to page" and the short edge. The dialog opens with neither.
    pdf.viewer_preferences = ViewerPreferences(
        print_scaling="None", duplex=Duplex.DUPLEX_FLIP_LONG_EDGE if two_sided else Duplex.SIMPLEX
    )
    return pdf


def _cut_lines(pdf: FPDF, sheet: Sheet) -> None:
    """Short marks in the margins, for a ruler or guillotine laid across the whole sheet."""
    pdf.set_draw_color(_INK)
    pdf.set_line_width(0.1)
    right, bottom = A4[0] - sheet.left, A4[1] - sheet.top
    for column in range(sheet.across):
        x = sheet.corner(column)[0]
        for edge in (x, x + sheet.width):
            pdf.line(edge, sheet.top - 4, edge, sheet.top - 1.5)
            pdf.line(edge, bottom + 1.5, edge, bottom + 4)
    for row in range(sheet.down):
        y = sheet.corner(row * sheet.across)[1]
        for edge in (y, y + sheet.height):
            pdf.line(sheet.left - 4, edge, sheet.left - 1.5, edge)
            pdf.line(right + 1.5, edge, right + 4, edge)


def _outline(pdf: FPDF, sheet: Sheet, place: int, side: Side) -> None:
    """A hairline on the cut itself, for scissors."""
    pdf.set_draw_color("#a39b8d")
    pdf.set_line_width(0.1)
    pdf.rect(*sheet.corner(place, side), sheet.width, sheet.height, style="D")


def _margin_note(pdf: FPDF, leaf: int, side: Side, two_sided: bool) -> None:
    """Up the left margin: which page this is, how to print it, and a line to lay a ruler on."""
    words = [_("第 %(leaf)s 张", leaf=leaf)]
    if two_sided:
        words += [_("正面") if side == "front" else _("反面"), _("双面打印，沿长边翻")]
    words += [_("按实际大小打印，不要缩放"), _("右边这条线长 100 毫米")]
    pdf.set_draw_color(_SOFT)
    pdf.set_line_width(0.2)
    pdf.set_font("card", size=8)
    pdf.set_text_color(_SOFT)
    with pdf.rotation(90, 6.5, 280):
        pdf.text(6.5, 280, " · ".join(words))
    pdf.line(6.5, 20, 6.5, 120)
    for end in (20, 120):
        pdf.line(5.3, end, 7.7, end)


def _batches(faces: Iterable[CardFace], size: int) -> Iterator[list[CardFace]]:
    rest = iter(faces)
    while batch := list(islice(rest, size)):
        yield batch
