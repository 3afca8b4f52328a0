"""Reading printed cards as a phone or a ruler would."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageFilter
from pyzbar import pyzbar

DPI = 400


def picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("L")


def by_zbar(image: Image.Image) -> list[str]:
    return [found.data.decode() for found in pyzbar.decode(image, symbols=[pyzbar.ZBarSymbol.QRCODE])]


def by_zxing(image: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image)]


def scaled(factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


def turned(degrees: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.rotate(degrees, expand=True, fillcolor=120, resample=Image.Resampling.BICUBIC)


HARDSHIPS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a quarter of the size": scaled(0.25),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(3)),
    "aslant": turned(7),
    "lying": turned(90),
    "on its head": turned(183),
    "in the dark": lambda image: image.point(lambda value: value // 6),
    "in the glare": lambda image: image.point(lambda value: 110 + value // 6),
    "small, aslant, unsharp and dim": lambda image: (
        scaled(0.4)(turned(7)(image)).filter(ImageFilter.GaussianBlur(0.8)).point(lambda value: 30 + value // 4)
    ),
}


def words(pdf: bytes, page: int = 0) -> str:
    return poppler("pdftotext", pdf, "-f", str(page + 1), "-l", str(page + 1), "-", "-")


def poppler(tool: str, pdf: bytes, *rest: str) -> str:
    """What one of poppler's tools says of `pdf`; pypdf cannot read the font's embedded two-byte code map."""
    if not shutil.which(tool):
        pytest.fail(f"{tool} is missing: apt-get install poppler-utils")
    return subprocess.run([tool, *rest], input=pdf, capture_output=True, check=True, timeout=120).stdout.decode()


def printed(pdf: bytes, folder: Path) -> list[Image.Image]:
    """The pages as a printer would put them down, grey, 400 dots to the inch."""
    poppler("pdftoppm", pdf, "-r", str(DPI), "-gray", "-", str(folder / "page"))
    return [Image.open(path) for path in sorted(folder.glob("page*.pgm"))]


def lines_across(page: Image.Image, y: float, from_x: float, to_x: float) -> list[float]:
    """Where dark strokes cross the height `y`, mm from the left edge of the page."""
    return _strokes(np.array(page)[round(y / 25.4 * DPI)], from_x, to_x)


def lines_down(page: Image.Image, x: float, from_y: float, to_y: float) -> list[float]:
    return _strokes(np.array(page)[:, round(x / 25.4 * DPI)], from_y, to_y)


def _strokes(values: np.ndarray, start: float, end: float) -> list[float]:
    low = round(start / 25.4 * DPI)
    dark = np.flatnonzero(values[low : round(end / 25.4 * DPI)] < 215) + low
    groups = np.split(dark, np.flatnonzero(np.diff(dark) > 1) + 1) if dark.size else []
    return [float(group.mean() + 0.5) / DPI * 25.4 for group in groups]
