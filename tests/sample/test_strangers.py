"""No page a stranger can reach says anything personal about anybody of the demo world."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.house import rooms
from tests.sample.test_sample import empty_lite  # noqa: F401
from webapp.applications.models import Application
from webapp.cards import models as cards
from webapp.cards.models import Card, Sighting
from webapp.health.models import EmergencySheet
from webapp.logs.models import Log
from webapp.people.models import Alert, Contact, Household, Person, Place, Resident
from webapp.requests.models import Need, ServiceRequest
from webapp.sample import commands
from webapp.store import db
from webapp.voices.models import ChangeOfCaregiver, Complaint, Opinion

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
    said = [
        *session.scalars(sa.select(Complaint)),
        *session.scalars(sa.select(ServiceRequest)),
        *session.scalars(sa.select(Need)),
    ]
    said += [*session.scalars(sa.select(Opinion)), *session.scalars(sa.select(ChangeOfCaregiver))]
    found |= {each.words for each in said}
    found |= set(session.scalars(sa.select(Log.story).where(Log.story.is_not(None))))
    for sheet in session.scalars(sa.select(EmergencySheet)):
        found |= {sheet.illnesses or "", sheet.medicines or ""}
    found |= {each.phone for each in session.scalars(sa.select(Application))}
    return {each for each in found if len(each) >= SHORT and each != "—"}


def printed() -> dict[str, set[str]]:
    """By the token of each card: the allergies its bearer let be printed on it, which a helper reads at once."""
    found: dict[str, set[str]] = {}
    ask = sa.select(Card, Alert.words).join(Resident, Resident.id == Card.resident_id)
    ask = ask.join(Alert, Alert.resident_id == Resident.id)
    for card, words in db.reading().execute(ask.where(Resident.card_consent_on.is_not(None), Alert.kind == "allergy")):
        found.setdefault(card.token or "", set()).add(words)
    return found


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
    said, allowed, stranger = personal(), printed(), app.test_client()
    pages = doors(app, tokens, keys) | {each for each in followed(tokens)}
    assert len(said) > 100 and len(pages) > 60 and allowed
    assert {"/open", "/open/status", "/say", "/say/answer", "/published/inspections"} <= pages
    found, read = set(), set()
    for path in sorted(pages):
        answer = stranger.get(path, follow_redirects=False)
        assert answer.status_code < 500, path
        found |= {(path, each) for each in said if each in text_of(answer)}
        read |= {(path, each) for token, words in allowed.items() if path.startswith(f"/c/{token}/rescue") for each in words}
    for path, typed in typed_in().items():
        for words in typed:
            answer = stranger.post(path, data=words)
            assert answer.status_code in (200, 303, 422), path
            found |= {(path, each) for each in said - set(words.values()) if each in text_of(answer)}
    assert read & found, "what was let be printed is read by a helper"
    assert bool(found - read) is bool(leak), sorted(found - read)[:10]


def text_of(answer: Any) -> str:
    return answer.get_data(as_text=True) if answer.mimetype in ("text/html", "application/json", "text/plain") else ""


def followed(tokens: list[str]) -> list[str]:
    """Addresses that follow something: a report, a complaint by its number."""
    session = db.reading()
    seen = [f"/c/{tokens[0]}?r={row.id}" for row in session.scalars(sa.select(Sighting))]
    return seen + [f"/say/answer?number={row.number}{tongue}" for row in session.scalars(sa.select(Complaint)) for tongue in
                   ("", "&lang=en")]  # fmt: skip


def typed_in() -> dict[str, list[dict[str, str]]]:
    """What a stranger may type: applications looked up with and without the right telephone, a complaint judged."""
    session = db.reading()
    asked = [{"number": row.number, "phone": phone} for row in session.scalars(sa.select(Application))
             for phone in (row.phone, "13900000000")]  # fmt: skip
    judged = [{"number": row.number, "says": "yes"} for row in session.scalars(sa.select(Complaint))]
    return {"/open/status": asked, "/say/answer": judged, "/say": [{}], "/sign-in": [{"name": "head", "password": "x"}]}


def _station(card: Card) -> uuid.UUID:
    return db.session().get_one(Resident, card.resident_id).household.station_id
