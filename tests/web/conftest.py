"""A bare app for what asks no database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import app_of, settings


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The app over an empty folder: forms, headers, assets."""
    folder: Path = tmp_path_factory.mktemp("house")
    made = app_of(settings(folder))
    yield made
    made.extensions["db"].engine.dispose()
