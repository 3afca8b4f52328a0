"""One furnished house on SQLite for all the rules that walk the map."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests import world as cast
from tests.conftest import settings
from tests.house import rooms
from tests.house.rooms import Side
from tests.people.browsers import Apart
from webapp import create_app
from webapp.store import db, migrate


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, dict[str, Side]]]:
    """The app with the cast and one of everything in two homes; tests leave it as they found it."""
    folder = tmp_path_factory.mktemp("furnished")
    app = create_app(settings(folder))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    app.test_client_class = Apart
    with app.app_context():
        migrate.upgrade(db.database().engine)
        cast.build()
        sides = rooms.furnish(cast.World(app))
        db.undo()
    yield app, sides
    app.extensions["db"].engine.dispose()
