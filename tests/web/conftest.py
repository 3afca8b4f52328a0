"""A bare app for what asks no database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import settings
from webapp import create_app


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The app over an empty folder: forms, headers, assets."""
    folder: Path = tmp_path_factory.mktemp("house")
    made = create_app(settings(folder))
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    yield made
    made.extensions["db"].engine.dispose()
