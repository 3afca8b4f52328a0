"""What one changed, another who had read it before does not write over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.store.at_once import meanwhile
from tests.world import World
from webapp.people.models import Place
from webapp.store import db, seen

Deed = Callable[[Place], None]


def later(world: World, deed: Deed) -> Callable[[], int]:
    """`deed` on the station in a transaction of its own: how often it was overtaken."""

    def run() -> int:
        for tries in range(3):
            try:
                with db.transaction():
                    deed(world.place("songling"))
                return tries
            except sa.exc.OperationalError as error:
                if not db.elsewhere(error):
                    raise
        raise AssertionError("overtaken again and again")

    return run


def longer(place: Place) -> None:
    place.name += "二"


def test_nobody_writes_over_what_they_have_not_seen(app: Flask, world: World) -> None:
    before = world.place("songling").name
    with meanwhile(app, later(world, longer)) as tries:
        longer(world.place("songling"))
    assert tries == [int(app.extensions["db"].engine.dialect.name == "postgresql")]
    assert world.place("songling").name == before + "二二"


def test_who_changes_something_else_in_the_same_row_is_in_nobodys_way(app: Flask, world: World) -> None:
    def ring(place: Place) -> None:
        place.phone = "10000009999"

    with meanwhile(app, later(world, ring)) as tries:
        longer(world.place("songling"))
    assert tries == [0]
    found = world.place("songling")
    assert found.name.endswith("二") and found.phone == "10000009999"


def test_what_the_session_itself_changed_is_seen(app: Flask, world: World) -> None:
    with db.transaction() as session:
        place = world.place("songling")
        longer(place)
        session.flush()
        longer(place)
        session.execute(sa.update(Place).where(Place.id == place.id).values(name="新的"))
        longer(place)
    assert world.place("songling").name == "新的二"


def test_who_misread_a_row_never_writes_it(app: Flask, world: World) -> None:
    if app.extensions["db"].engine.dialect.name != "postgresql":
        assert not sa.event.contains(app.extensions["db"].writer, "before_flush", seen.check), "SQLite has one writer"
        return

    def misread(place: Place) -> None:
        db.hold(place)
        db.commit(db.session())  # whoever held it holds it no more
        sa.orm.attributes.set_committed_value(place, "name", "从没叫过")
        longer(place)

    with pytest.raises(AssertionError, match="again and again"):
        later(world, misread)()
