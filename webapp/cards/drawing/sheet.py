"""How cards of each kind lie on A4, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.cards.drawing.face import Kind, Side


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
