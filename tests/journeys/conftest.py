"""A real server, a real browser at phone size, and a camera that holds a card before the lens."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image, ImageFilter
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from werkzeug.serving import make_server

from tests.world import HOME

CHROMIUM = "/usr/bin/chromium"
expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong
QUIET = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
PHONE = {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1200, "height": 800}}


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    """The app on a port of its own; its address."""
    app.config["WTF_CSRF_ENABLED"] = True
    made = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join(10)


@pytest.fixture
def browser(playwright_: Playwright) -> Iterator[Browser]:
    """A browser without a camera."""
    launched = playwright_.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield launched
    launched.close()


@pytest.fixture
def camera(playwright_: Playwright, tmp_path: Path) -> Iterator[Callable[[bytes], Browser]]:
    """Launch a browser whose camera sees the given picture of a card, held by a shaking hand."""
    launched: list[Browser] = []

    def launch(card_png: bytes) -> Browser:
        path = tmp_path / "card.mjpeg"
        film(path, card_png)
        launched.append(
            playwright_.chromium.launch(
                executable_path=CHROMIUM,
                args=[
                    *QUIET,
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-video-capture={path}",
                ],
            )
        )
        return launched[-1]

    yield launch
    for each in launched:
        each.close()


def film(path: Path, card_png: bytes, frames: int = 30, size: tuple[int, int] = (1280, 720)) -> None:
    """A motion JPEG (JPEG files end to end; Chromium loops it) of a card in a shaking hand, sometimes blurred."""
    shown = Image.open(io.BytesIO(card_png)).convert("RGB").resize((760, 480))
    hand, out = random.Random(1), io.BytesIO()
    for n in range(frames):
        frame = Image.new("RGB", size, (96, 92, 88))
        held = shown.rotate(hand.uniform(-6, 6), expand=True, fillcolor=(96, 92, 88), resample=Image.Resampling.BICUBIC)
        frame.paste(
            held, ((size[0] - held.width) // 2 + hand.randint(-20, 20), (size[1] - held.height) // 2 + hand.randint(-20, 20))
        )
        if n % 3:
            frame = frame.filter(ImageFilter.GaussianBlur(1.2))
        frame.save(out, "JPEG", quality=80, subsampling="4:2:0")
    path.write_bytes(out.getvalue())


def phone(browser: Browser, server: str, **more: object) -> BrowserContext:
    """A phone in the resident's home: 360 px, Chinese, camera and place allowed."""
    return browser.new_context(
        base_url=server,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        permissions=["camera", "geolocation"],
        geolocation={"latitude": HOME[0] / 1e6, "longitude": HOME[1] / 1e6, "accuracy": 12},
        **{**PHONE, **more},  # type: ignore[arg-type]
    )


def desk(browser: Browser, server: str, **more: object) -> BrowserContext:
    """A desk in the station: 1200 px, Chinese."""
    return browser.new_context(base_url=server, locale="zh-CN", timezone_id="Asia/Shanghai", **{**DESK, **more})  # type: ignore[arg-type]


def watch(page: Page) -> list[str]:
    """Collect what goes wrong in a page: errors, blocked code, answers of 500 and more."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error {error}"))
    page.on("console", lambda message: wrong.append(f"console {message.text}") if message.type == "error" else None)
    page.on("response", lambda response: wrong.append(f"{response.status} {response.url}") if response.status >= 500 else None)
    return wrong


def come_in(context: BrowserContext, server: str, app: Flask, name: str) -> None:
    """Sign the context in as one of the cast, by the cookie the sign-in page would set."""
    with app.test_request_context():
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        value = serializer.dumps({"_user_id": f"token-{name}", "_fresh": True})
    context.add_cookies([{"name": "session", "value": value, "url": server}])
