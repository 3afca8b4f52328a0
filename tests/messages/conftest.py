"""A clock to put forward, and a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from tests.messages.kit import Clock, Gateway
from webapp.kit import clock


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Ten in the morning of a Wednesday, and it stays ten."""
    made = Clock()
    monkeypatch.setattr(clock, "now", made.now)
    return made


@pytest.fixture
def gateway(app: Flask) -> Iterator[Gateway]:
    """A group robot the installation sends to."""
    made = Gateway()
    app.extensions["settings"] = replace(app.extensions["settings"], outgoing="robot", outgoing_url=made.url, outgoing_key="k")
    yield made
    made.shut()
