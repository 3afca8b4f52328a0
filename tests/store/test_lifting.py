"""Bodies that phones once made, kept as they were (golden/<kind>.v<schema>.json): every later server reads them.

A golden is written by hand when a schema is new, and never again: a phone that lay in a drawer cannot be changed either.
{id, chain, after: kinds that come first, state: what must become of it, body, photos}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.store.kit import Phone, know, receive, scribble, teach
from tests.world import BEGAN, World
from webapp import FEATURES
from webapp.kit import ids
from webapp.ledger import agreeing
from webapp.ledger.rules import Terms
from webapp.people import models as people
from webapp.store import db, inbox
from webapp.store.arrivals import APPLIED, QUARANTINED, Kept

GOLDEN = Path(__file__).parent / "golden"
HOME, RESIDENT = ids.parse("019a9f10-0000-7000-8000-00000000beef"), ids.parse("019a9f11-0000-7000-8000-00000000beef")
KINDS = {kept.form.keep.kind: kept.form.keep.schema for feature in FEATURES for kept in getattr(feature, "KEPT", ())}
FILES = sorted(path.stem for path in GOLDEN.glob("*.json"))


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return found


def without_golden(kinds: dict[str, int], files: list[str]) -> set[str]:
    """Goldens that are missing: every kind needs one of its present schema."""
    return {f"{kind}.v{schema}" for kind, schema in kinds.items()} - set(files)


def test_every_kind_has_a_golden_of_its_present_schema() -> None:
    assert without_golden(KINDS, FILES) == set(), "write what a phone of today sends into tests/store/golden"


def test_a_kind_or_schema_without_a_golden_is_noticed() -> None:
    assert without_golden(KINDS | {"visits.arrive": 2, "test.new": 1}, FILES) == {"visits.arrive.v2", "test.new.v1"}


def test_no_golden_is_of_a_kind_that_is_gone() -> None:
    assert {name.rpartition(".v")[0] for name in FILES} == set(KINDS)


@pytest.fixture
def phone(app: Flask, world: World) -> Phone:
    """王桂芳's phone; she cares for the household that all goldens name."""
    with db.transaction():
        home = people.settle_household(world.place("songling"), "长春路1号", key=HOME)
        people.take_in(home, "吴桂英", sex="f", tier="A", key=RESIDENT)
        db.session().flush()
        people.pair(home, world.person("wang"), since=BEGAN)
        agreeing.agree(HOME, "家属", "吴桂英", Terms(2000, 20000, 0, 50000), world.account("zhou").id, since=BEGAN.date())
    made = Phone(world.account("wang").id)
    know(app, made)
    return made


def deliver(app: Flask, phone: Phone, name: str) -> inbox.Receipt:
    """Send a golden as the phone that made it would."""
    told, (kind, _dot, schema) = golden(name), name.rpartition(".v")
    facts = {each: told[each] for each in ("id", "chain", "photos")}
    return receive(app, phone.seal(kind, told["body"], schema=int(schema), **facts), phone.public)


@pytest.mark.parametrize("name", FILES)
def test_what_a_phone_once_made_is_read_as_it_was(app: Flask, world: World, phone: Phone, name: str) -> None:
    told = golden(name)
    for first in told["after"]:
        assert deliver(app, phone, f"{first}.v1").state == APPLIED, first
    receipt = deliver(app, phone, name)
    assert receipt.state == told["state"], receipt.say


def test_lifts_go_on_from_one_schema_to_the_next(app: Flask, world: World) -> None:
    """1 said yuan, 2 said fen, 3 says in which purse: whatever the phone's age the verb hears of fen and purse."""
    heard: list[Any] = []
    lift = {1: lambda body: {"fen": body["yuan"] * 100}, 2: lambda body: body | {"source": "cash"}}
    teach(app, "test.spend", lambda act, body: heard.append(body) or scribble(act, body), schema=3, lift=lift)
    phone = Phone(world.account("wang").id)
    know(app, phone)
    sent = ({"yuan": 36}, {"fen": 3600}, {"fen": 3600, "source": "cash"})
    for schema, body in enumerate(sent, 1):
        assert receive(app, phone.seal("test.spend", body, schema=schema), phone.public).state == APPLIED
    assert heard == [{"fen": 3600, "source": "cash"}] * 3


def test_a_lift_never_changes_what_was_stored(app: Flask, world: World) -> None:
    teach(app, "test.spend", scribble, schema=2, lift={1: lambda body: body.pop("words") and body})
    phone = Phone(world.account("wang").id)
    know(app, phone)
    envelope = phone.seal("test.spend", {"words": "好"})
    receive(app, envelope, phone.public)
    db.undo()
    assert inbox.opened(db.reading().scalars(sa.select(Kept)).one()) == envelope


def test_a_phone_newer_than_the_server_waits_until_the_server_knows_its_schema(app: Flask, world: World) -> None:
    heard: list[Any] = []
    teach(app, "test.spend", lambda act, body: heard.append(body))
    phone = Phone(world.account("wang").id)
    know(app, phone)
    envelope = phone.seal("test.spend", {"fen": 3600, "source": "cash"}, schema=3)
    first = receive(app, envelope, phone.public)
    assert (first.state, first.final, first.say) == (QUARANTINED, False, "手机上的版本更新，先放在站里，过后会记上")
    teach(app, "test.spend", lambda act, body: heard.append(body), schema=3)
    with db.transaction() as session:
        inbox.apply_again(session.scalars(sa.select(Kept)).one())
    assert heard == [{"fen": 3600, "source": "cash"}]
    assert receive(app, envelope, phone.public).final
