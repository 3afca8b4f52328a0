"""One browser and one stage for all looks; Chinese letters from the font the app prints with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright
from pylopdf_fonts_zh_cn import sans_path

from . import stage

FONTS = """<fontconfig><dir>{folder}</dir><cachedir>{cache}</cachedir>
<alias><family>system-ui</family><prefer><family>Noto Sans SC</family></prefer></alias>
<alias><family>sans-serif</family><prefer><family>Noto Sans SC</family></prefer></alias></fontconfig>"""


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with stage.raised() as address:
        yield address


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, playwright_: Playwright) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("fonts")
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS.format(folder=Path(sans_path()).parent, cache=folder / "cache"), encoding="utf-8")
    started = playwright_.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
        env={**os.environ, "FONTCONFIG_FILE": str(fonts)},
    )
    yield started
    started.close()
