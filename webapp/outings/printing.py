"""寻人: one A4 page to print and hand around. Whom, where last seen, in which clothes, which number to ring.

Pure: it knows no database and no request. No illness, no address: it lies about in the street.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime

from fpdf import FPDF
from PIL import Image, ImageOps
from pylopdf_fonts_zh_cn import sans_path

from webapp.cards.drawing.letters import clean, say
from webapp.kit import clock, show

INK, SOFT, RED, TINT = "#1d1b18", "#5c564d", "#a3261b", "#f8e4e1"
LEFT, RIGHT = 16.0, 194.0
FACE = (70.0, 93.0)
DPI = 200


@dataclass(frozen=True)
class Paper:
    """What stands on the page; phone: the one number beside 110."""

    name: str
    sex: str | None
    born: date | None
    seen_at: datetime
    seen_where: str
    clothes: str
    words: str
    phone: str
    station: str
    sample: bool = False


def pdf(paper: Paper, face: bytes | None) -> bytes:
    """The page. face: a portrait by consent, or None: then its place is left for a photo that kin bring."""
    made = FPDF(orientation="portrait", unit="mm", format="A4")
    made.set_auto_page_break(False)
    made.set_margin(0)
    made.add_font("card", fname=str(sans_path()))
    made.set_lang("zh-CN")
    made.set_title("寻人")
    made.set_creation_date(clock.now())
    made.add_page()
    say(made, LEFT, 42, "寻人", 96, RED, 100)
    say(made, 122, 30, "见到请马上打电话", 22, INK, RIGHT - 122)
    say(made, 122, 42, "先陪着老人，别让老人走开", 15, SOFT, RIGHT - 122)
    _face(made, face)
    _facts(made, paper)
    _numbers(made, paper)
    return bytes(made.output())


def _face(made: FPDF, face: bytes | None) -> None:
    wide, high = FACE
    cut = _cut(face) if face else None
    if cut is not None:
        made.image(io.BytesIO(cut), LEFT, 54, wide, high)
        return
    made.set_draw_color(SOFT)
    made.set_dash_pattern(dash=2, gap=2)
    made.rect(LEFT, 54, wide, high)
    made.set_dash_pattern()
    say(made, LEFT + 21, 102, "贴照片处", 18, SOFT, wide - 24)


def _cut(face: bytes) -> bytes | None:
    size = (round(FACE[0] / 25.4 * DPI), round(FACE[1] / 25.4 * DPI))
    try:
        with Image.open(io.BytesIO(face), formats=("JPEG", "PNG", "WEBP")) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None  # a page without a face is better than none
    out = io.BytesIO()
    ImageOps.fit(upright, size, Image.Resampling.LANCZOS, centering=(0.5, 0.35)).save(out, "JPEG", quality=88)
    return out.getvalue()


def _facts(made: FPDF, paper: Paper) -> None:
    """Beside the face who it is, below it where and how they were last seen."""
    left = LEFT + FACE[0] + 8
    say(made, left, 76, clean(paper.name), 54, INK, RIGHT - left)
    about = ["女" if paper.sex == "f" else "男" if paper.sex == "m" else ""]
    if paper.born:
        about.append(f"{(clock.today() - paper.born).days * 4 // 1461}岁")
    say(made, left, 94, " · ".join(filter(None, about)), 32, INK, RIGHT - left)
    say(made, left, 112, "最后看到", 15, SOFT, RIGHT - left)
    say(made, left, 124, show.day(clock.day_of(paper.seen_at), weekday=True), 24, INK, RIGHT - left)
    say(made, left, 138, f"{show.time(paper.seen_at)} 前后", 30, INK, RIGHT - left)
    top = 166.0
    for title, text in (("地点", paper.seen_where), ("衣着", paper.clothes), ("好认的地方", paper.words)):
        if text:
            say(made, LEFT, top, title, 15, SOFT, 34)
            top = _lines(made, LEFT + 36, top, clean(text), RIGHT - LEFT - 36) + 5


def _lines(made: FPDF, left: float, base: float, text: str, most: float) -> float:
    """At most two lines of large print; returns where the next thing begins."""
    made.set_font("card", size=26)
    first = len(text)
    while first and made.get_string_width(text[:first]) > most:
        first -= 1
    say(made, left, base, text[:first], 26, INK, most)
    if rest := text[first:]:
        base += 12
        say(made, left, base, rest, 26, INK, most)
    return base + 11


def _numbers(made: FPDF, paper: Paper) -> None:
    top = 230.0
    made.set_fill_color(TINT)
    made.rect(LEFT, top, RIGHT - LEFT, 44, style="F", round_corners=True, corner_radius=4)
    say(made, LEFT + 6, top + 13, "打这个电话，或打110", 20, INK, RIGHT - LEFT - 12)
    say(made, LEFT + 6, top + 36, paper.phone, 58, RED, RIGHT - LEFT - 12)
    printed = f"{paper.station} · {show.day(clock.today())} {show.time(clock.now())} 印。老人身上的卡，扫一下也能联系"
    say(made, LEFT, top + 54, ("虚构数据，只作演示" + " · " if paper.sample else "") + printed, 11, SOFT, RIGHT - LEFT)
