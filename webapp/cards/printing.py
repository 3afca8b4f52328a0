"""Cards as they come out of the printer: single pictures, and sheets of A4 with cut marks.

Pure: it knows no database and no request. The words follow the language in force, so cards that go out to
Chinese streets are drawn under `words.in_chinese()`, whoever presses the button.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from fpdf import FPDF
from fpdf.enums import Duplex
from fpdf.prefs import ViewerPreferences
from pylopdf_fonts_zh_cn import sans_path

from webapp.cards.drawing.face import CardFace, Kind, Side
from webapp.cards.drawing.ink import INK, SOFT
from webapp.cards.drawing.layout import draw
from webapp.cards.drawing.letters import unprintable
from webapp.cards.drawing.pens import Paper, Picture
from webapp.cards.drawing.sheet import A4, SHEETS, Sheet
from webapp.kit import clock
from webapp.kit.words import _

__all__ = ["A4", "SHEETS", "CardFace", "Kind", "Sheet", "Side", "card_png", "sheet_pdf", "unprintable"]


def card_png(face: CardFace, side: Side = "front", dpi: int = 300) -> bytes:
    """One side as a PNG, true to size at `dpi` (150 or more keeps the code readable), edge to edge.

    Refuses, with a sentence that names the person, letters the font lacks, words that do not fit and a
    portrait that is no picture. A kind without a back and an address that is no card's are mistakes of the
    caller (ValueError).
    """
    sheet = SHEETS[face.kind]
    pen = Picture(sheet.width, sheet.height, dpi)
    draw(pen, face, side)
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
                draw(Paper(pdf, *sheet.corner(place, side)), face, side)
                _outline(pdf, sheet, place, side)
    if not pdf.pages:
        raise ValueError("no cards to print")
    return bytes(pdf.output())


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
    pdf.set_draw_color(INK)
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
    pdf.set_draw_color(SOFT)
    pdf.set_line_width(0.2)
    pdf.set_font("card", size=8)
    pdf.set_text_color(SOFT)
    with pdf.rotation(90, 6.5, 280):
        pdf.text(6.5, 280, " · ".join(words))
    pdf.line(6.5, 20, 6.5, 120)
    for end in (20, 120):
        pdf.line(5.3, end, 7.7, end)


def _batches(faces: Iterable[CardFace], size: int) -> Iterator[list[CardFace]]:
    rest = iter(faces)
    while batch := list(islice(rest, size)):
        yield batch
