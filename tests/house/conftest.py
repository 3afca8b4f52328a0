"""One furnished house on SQLite for all the rules that walk the map."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests import world as cast
from tests.conftest import app_of, settings
from tests.house import rooms
from tests.house.rooms import Side
from webapp.store import db, migrate


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, dict[str, Side]]]:
    """The app with the cast and one of everything in two homes; tests leave it as they found it."""
    folder = tmp_path_factory.mktemp("furnished")
    app = app_of(settings(folder), PROPAGATE_EXCEPTIONS=False)
    with app.app_context():
        migrate.upgrade(db.database().engine)
        cast.build()
        sides = rooms.furnish(cast.World(app))
        db.undo()
    yield app, sides
    app.extensions["db"].engine.dispose()
