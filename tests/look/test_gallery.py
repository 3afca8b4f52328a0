"""Every part on every kind of screen: readable, reachable, quiet. Pictures land in the run's temp folder."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from babel.messages.pofile import read_po
from jinja2 import Environment
from playwright.sync_api import Browser, Page

from . import stage

CAREGIVERS = ["gallery", "today", "visit", "book", "money", "scan"]
SCREENS = [*CAREGIVERS, "live", "review", "found", "errors/404", "errors/409"]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}}
SMALL = """() => {
  const out = [];
  for (const el of document.querySelectorAll('main a, main button, main summary, nav a, nav summary')) {
    const box = el.getBoundingClientRect(), inline = getComputedStyle(el).display === 'inline';
    if (box.width && !inline && Math.min(box.width, box.height) < 47.5) out.push(el.outerHTML.slice(0, 90));
  }
  return out;
}"""
WIDER = "() => document.documentElement.scrollWidth - window.innerWidth"


def opened(browser: Browser, url: str, name: str, width: int, scheme: str = "light", **asked: str) -> Page:
    """The page `name` on a screen `width` pixels wide; anything its console says fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 780}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: pytest.fail(f"{name}: {message.text}"))
    page.on("pageerror", lambda error: pytest.fail(f"{name}: {error}"))
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    page.goto(f"{url}/{name}?{query}")
    return page


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_has_no_barrier(browser: Browser, url: str, tmp_path: Path, name: str, scheme: str, width: int) -> None:
    page = opened(browser, url, name, width, scheme)
    page.screenshot(path=tmp_path / f"{name.replace('/', '-')}-{width}-{scheme}.png", full_page=True)
    found = Axe().run(page, options=RULES)
    page.context.close()
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scale", ["100", "160"])
@pytest.mark.parametrize("width", [320, 390, 768, 1000])
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_never_scrolls_sideways(browser: Browser, url: str, name: str, width: int, scale: str) -> None:
    page = opened(browser, url, name, width, scale=scale)
    wider = page.evaluate(WIDER)
    page.context.close()
    assert wider <= 0


@pytest.mark.parametrize("name", SCREENS)
def test_on_a_phone_nothing_to_tap_is_under_48(browser: Browser, url: str, name: str) -> None:
    page = opened(browser, url, name, 360)
    small = page.evaluate(SMALL)
    page.context.close()
    assert small == []


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_fits_in_english(browser: Browser, url: str, name: str) -> None:
    page = opened(browser, url, name, 320, lang="en", scale="125")
    wider = page.evaluate(WIDER)
    page.context.close()
    assert wider <= 0


def test_a_tile_is_pressed_by_keyboard_and_shows_it(browser: Browser, url: str) -> None:
    page = opened(browser, url, "visit", 360)
    box = page.get_by_role("checkbox", name="买菜")
    box.focus()
    before = page.locator(".tile", has_text="买菜").locator("span").evaluate("el => getComputedStyle(el).borderColor")
    page.keyboard.press("Space")
    assert box.is_checked()
    page.wait_for_timeout(300)
    after = page.locator(".tile", has_text="买菜").locator("span").evaluate("el => getComputedStyle(el).borderColor")
    page.context.close()
    assert before != after


def test_the_other_places_of_an_office_bar_open_without_a_script(browser: Browser, url: str) -> None:
    page = opened(browser, url, "live", 360)
    page.get_by_text("更多").click()
    place = page.get_by_role("link", name="设置")
    box = place.bounding_box()
    page.context.close()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["y"] >= 0


def test_paper_shows_no_controls(browser: Browser, url: str) -> None:
    page = opened(browser, url, "review", 1200)
    page.emulate_media(media="print")
    shown = page.locator(".bar:visible, .button:visible").count()
    page.context.close()
    assert shown == 0


def test_the_css_stays_under_nine_kilobytes() -> None:
    assert len(gzip.compress(stage.sheet(), 9)) < 9 * 1024


def test_every_sentence_of_the_shell_has_english() -> None:
    with stage.WORDS.open("rb") as source:
        known = {message.id for message in read_po(source, locale="en") if message.string}
    env: Environment = stage.environment()
    files = [*stage.ROOT.glob("templates/*.html"), *stage.ROOT.glob("templates/errors/*.html")]
    found = [env.extract_translations(path.read_text(encoding="utf-8")) for path in files]  # type: ignore[attr-defined]
    said = {words[0] if isinstance(words, tuple) else words for each in found for _line, _function, words in each}
    assert said - known == set()


def test_no_shell_template_carries_inline_code() -> None:
    inline = re.compile(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|<script(?![^>]*\ssrc=)")
    files = [*stage.ROOT.glob("templates/*.html"), *stage.ROOT.glob("templates/errors/*.html")]
    assert [path.name for path in files if inline.search(path.read_text(encoding="utf-8"))] == []
