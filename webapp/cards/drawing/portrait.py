"""The portrait, cut to its tile."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from webapp.cards.drawing.face import CardFace
from webapp.cards.drawing.ink import INCH
from webapp.cards.drawing.pens import Area
from webapp.kit.refusal import Refusal

_DPI = 300


def portrait(face: CardFace, area: Area) -> bytes:
    """The portrait cut to the tile at printing size, a JPEG without any of its notes."""
    size = (round(area.width / INCH * _DPI), round(area.height / INCH * _DPI))
    try:
        with Image.open(io.BytesIO(face.portrait or b""), formats=("JPEG", "PNG", "WEBP")) as image:
            image.draft("RGB", (size[0] * 2, size[1] * 2))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise Refusal("cards.portrait", "%(name)s的照片打不开，请换一张", name=face.name) from error
    out = io.BytesIO()
    ImageOps.fit(upright, size, Image.Resampling.LANCZOS, centering=(0.5, 0.35)).save(out, "JPEG", quality=88)
    return out.getvalue()
