"""Every part on every kind of screen: readable, reachable, quiet. Pictures land in the run's temp folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

SCREENS = ["gallery", "review", "errors/404", "errors/409"]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}}
TEMPLATES = Path(__file__).parents[2] / "templates"
SMALL = """() => {
  const out = [];
  for (const el of document.querySelectorAll('main a, main button, main summary, nav a, nav summary')) {
    const box = el.getBoundingClientRect(), inline = getComputedStyle(el).display === 'inline';
    if (box.width && !inline && Math.min(box.width, box.height) < 47.5) out.push(el.outerHTML.slice(0, 90));
  }
  return out;
}"""
WIDER = "() => document.documentElement.scrollWidth - window.innerWidth"


def opened(browser: Browser, url: str, name: str, width: int, scheme: str = "light", lang: str = "zh-CN", **asked: str) -> Page:
    """The page `name` on a screen `width` pixels wide; anything its console says fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 780}, color_scheme=scheme, locale=lang)  # type: ignore[arg-type]
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    page.goto(f"{url}/{name}?{query}")
    assert not said, said  # never raised inside the callback: that would end Playwright for all later tests
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
    page = opened(browser, url, "gallery", 360)
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
    page = opened(browser, url, "review", 360)
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


def test_no_shell_template_carries_inline_code() -> None:
    inline = re.compile(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|<script(?![^>]*\ssrc=)")
    files = [*TEMPLATES.glob("*.html"), *TEMPLATES.glob("errors/*.html")]
    assert [path.name for path in files if inline.search(path.read_text(encoding="utf-8"))] == []
