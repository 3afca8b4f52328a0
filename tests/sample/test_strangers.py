"""No page a stranger can reach says anything personal about anybody of the demo world."""

from __future__ import annotations

import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.house import rooms
from tests.people.browsers import Apart
from tests.sample.test_sample import empty_lite  # noqa: F401
from webapp.cards import models as cards
from webapp.cards.models import Card
from webapp.people.models import Alert, Contact, Household, Person, Place, Resident
from webapp.sample import commands
from webapp.store import db
from webapp.voices.models import Complaint

SHORT = 2
"""A name of one character would be found everywhere."""


def personal() -> set[str]:
    """Names, addresses, telephones, numbers, alerts and words of everybody in the demo world."""
    session, found = db.reading(), set[str]()
    people = [*session.scalars(sa.select(Person)), *session.scalars(sa.select(Resident)), *session.scalars(sa.select(Contact))]
    for one in people:
        found |= {one.name, one.phone or "", getattr(one, "national_id", "") or "", getattr(one, "number", "") or ""}
        found.add("".join(filter(str.isdigit, one.phone or "")))
    for home in session.scalars(sa.select(Household)):
        found |= {home.name, home.address, home.number}
    found |= set(session.scalars(sa.select(Alert.words)))
    found |= {each.words for each in session.scalars(sa.select(Complaint))}
    return {each for each in found if len(each) >= SHORT and each != "—"}


def doors(app: Flask, tokens: list[str], ids: list[uuid.UUID]) -> set[str]:
    """Every address whose door is open, with every live token and with keys that exist."""
    found = set()
    for rule in rooms.rules_of(app):
        if rooms.verb_of(app, rule) is not None or "GET" not in (rule.methods or ()):
            continue
        for n, token in enumerate(tokens):
            given = {name: token if name in ("token", "code", "key") else rooms.WORDS.get(name, str(ids[n % len(ids)]))
                     for name in rule.arguments}  # fmt: skip
            built = app.url_map.bind("127.0.0.1").build(rule.endpoint, given, method="GET", force_external=False)
            found |= {built, f"{built}?lang=en"}
            if not rule.arguments:
                break
    return found


@pytest.mark.parametrize("leak", [None, "name"])
def test_no_page_that_a_stranger_can_reach_says_anything_personal(
    empty_lite: Flask, monkeypatch: pytest.MonkeyPatch, leak: str | None  # noqa: F811
) -> None:  # fmt: skip
    app = empty_lite
    commands.build("small", None)
    app.test_client_class = Apart
    with db.transaction() as session:
        live = [card for card in session.scalars(sa.select(Card)) if card.live and card.token]
        tokens = [card.token or "" for card in live] + ["Z" * 26, "x"]
        keys = [card.id for card in live]
        for card in live:
            if card.resident_id:
                cards.report(card, card.station_id or _station(card), "菜市场门口", "13800001111")
                break
        if leak:
            elder = session.scalars(sa.select(Resident).limit(1)).one()
            session.get_one(Place, elder.household.station_id).name = f"{elder.name}的服务站"
    said, stranger = personal(), app.test_client()
    pages = doors(app, tokens, keys)
    assert len(said) > 60 and len(pages) > 60
    found = set()
    for path in sorted(pages):
        answer = stranger.get(path, follow_redirects=False)
        assert answer.status_code < 500, path
        text = answer.get_data(as_text=True) if answer.mimetype in ("text/html", "application/json", "text/plain") else ""
        found |= {(path, each) for each in said if each in text}
    assert bool(found) is bool(leak), sorted(found)[:10]


def _station(card: Card) -> uuid.UUID:
    return db.session().get_one(Resident, card.resident_id).household.station_id
