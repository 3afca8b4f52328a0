"""A face in the making: words as large as they fit, the tile, the code, the stamp of a made-up card."""

from __future__ import annotations

from typing import Literal

from webapp.cards.drawing.face import CardFace
from webapp.cards.drawing.ink import INK, PINE, PINE_SOFT, WHITE
from webapp.cards.drawing.letters import clean, em, shrinking, unprintable, wrap
from webapp.cards.drawing.pens import Area, Pen
from webapp.cards.drawing.portrait import portrait
from webapp.cards.drawing.symbol import modules
from webapp.cards.number import spoken
from webapp.kit.refusal import Refusal
from webapp.kit.words import _

BLEED = 1.0  # colour runs this far over the cut, so that a slip of the knife leaves no white edge
LEADING = 1.28  # line to line, in type sizes
ASCENT = 0.88  # from the top of the em square down to the baseline


class Canvas:
    """A face in the making: puts its words, its tile and its code where a drawing wants them."""

    def __init__(self, pen: Pen, face: CardFace) -> None:
        self.pen, self.face = pen, face

    def band(self, fill: str) -> None:
        """The coloured strip along the upper edge, 10 mm."""
        self.pen.box(Area(-BLEED, -BLEED, 85.6 + 2 * BLEED, 10 + BLEED), fill)

    def head(self, what: str) -> None:
        """The strip with the organisation and what this card is."""
        self.band(PINE)
        if self.face.sample:
            what = f"{what} · {_('样张')}"
        self.write(Area(4, 1.6, 56, 6.8), self.face.organisation, (3.8, 2), WHITE, bold=True)
        self.write(Area(61, 1.6, 20.6, 6.8), what, (3, 1.6), WHITE, align="right")

    def tile(self, area: Area) -> None:
        """The portrait, or the first character of the name."""
        if self.face.portrait is not None:
            self.pen.picture(area, portrait(self.face, area))
            return
        first = clean(self.face.name)[:1]
        self.pen.box(area, PINE_SOFT, radius=1.6)
        self.write(area, first, (area.width * 0.62, 4), PINE, bold=True, align="centre")

    def number(self, area: Area) -> None:
        words = _("号码 %(number)s", number=spoken(self.face.number))
        self.write(area, words, (area.height * 0.84, 1.4))

    def code(self, x: float, y: float, side: float) -> None:
        self.pen.code(x, y, side, modules(self.face.url))

    def stamp(self, area: Area) -> None:
        """样张 across a made-up card. Beside the code, never over it: the demo's cards are scanned too."""
        if not self.face.sample:
            return
        words = _("样张")
        size = min(area.height * 0.8, area.width * 0.8 / em(words))
        x = area.x + (area.width - em(words) * size) / 2
        self.pen.stamp(x, area.y + area.height / 2 + size * 0.38, words, size)

    def write(
        self,
        area: Area,
        words: str,
        sizes: tuple[float, float],
        colour: str = INK,
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
        height = ((len(lines) - 1) * LEADING + 1) * size
        baseline = area.y + max(0.0, (area.height - height) / 2) + ASCENT * size
        for line in lines:
            spare = area.width - em(line) * size
            x = area.x + {"left": 0.0, "right": spare, "centre": spare / 2}[align]
            self.pen.text(x, baseline, line, size, colour, bold)
            baseline += LEADING * size

    def rows(self, area: Area, rows: list[tuple[str, str]]) -> None:
        """Labels left, words right, as large as the room allows: what a rescuer must not have to hunt for."""
        indent = max(em(label) for label, _words in rows) + 0.9
        for size in shrinking(4.2, 2.1):
            broken = [wrap(self._drawable(words), area.width / size - indent) for _label, words in rows]
            lines = sum(map(len, broken)) * LEADING + (len(rows) - 1) * 0.5
            if all(broken) and lines * size <= area.height:
                break
        else:
            raise self._too_long(max((words for _label, words in rows), key=len))
        y = area.y
        for (label, _words), wrapped in zip(rows, broken, strict=True):
            self.write(Area(area.x, y, indent * size, size), label, (size, size), PINE, bold=True)
            for line in wrapped:
                self.pen.text(area.x + indent * size, y + ASCENT * size, line, size, INK, False)
                y += size * LEADING
            y += size * 0.5

    def _drawable(self, words: str) -> str:
        words = clean(words)
        if missing := unprintable(words):
            say = "%(name)s的卡上有印不出的字：%(letters)s，请换一个写法"
            raise Refusal("cards.no_letter", say, name=self.face.name, letters=missing)
        return words

    def _fit(self, words: str, area: Area, sizes: tuple[float, float], breaks_at: str) -> tuple[float, list[str]]:
        for size in shrinking(*sizes):
            lines = wrap(words, area.width / size, breaks_at)
            if lines and ((len(lines) - 1) * LEADING + 1) * size <= area.height + 0.01:
                return size, lines
        raise self._too_long(words)

    def _too_long(self, words: str) -> Refusal:
        say = "%(name)s的卡上这句太长，少写几个字：%(words)s"
        return Refusal("cards.too_long", say, name=self.face.name, words=words)
