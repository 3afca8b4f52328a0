"""Draw the app's icons from icon.svg: icon-192.png, icon-512.png, maskable-512.png, favicon.ico.

python static/img/draw_icons.py        (wants Playwright and a Chromium; CHROMIUM names another one)
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).resolve().parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def main() -> None:
    """Write the four files beside icon.svg."""
    svg = (HERE / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        big = drawn(browser, svg, 512)
        save(big, "icon-512.png")
        save(drawn(browser, svg, 192), "icon-192.png")
        save(drawn(browser, maskable(svg), 512), "maskable-512.png")
        small = [drawn(browser, svg, side) for side in (16, 32, 48)]
        browser.close()
    small[-1].save(HERE / "favicon.ico", sizes=[(16, 16), (32, 32), (48, 48)], append_images=small[:-1])


def drawn(browser: Browser, svg: str, side: int) -> Image.Image:
    """The drawing as a square picture, `side` pixels wide, clear outside its ground."""
    page = browser.new_page(viewport={"width": side, "height": side})
    page.set_content(f"<style>*{{margin:0}}svg{{display:block;width:{side}px}}</style>{svg}")
    shot = page.screenshot(omit_background=True)
    page.close()
    return Image.open(io.BytesIO(shot))


def maskable(svg: str) -> str:
    """The same drawing on a ground to the edge: a phone may cut any shape out of it."""
    square = svg.replace(' rx="112"', "")
    return square.replace('<g fill="none"', '<g fill="none" transform="translate(51 51) scale(.8)"')


def save(picture: Image.Image, name: str) -> None:
    """Write a small PNG: 64 colours are plenty for three."""
    picture.convert("RGBA").quantize(64, method=Image.Quantize.FASTOCTREE).save(HERE / name, optimize=True)


if __name__ == "__main__":
    main()
