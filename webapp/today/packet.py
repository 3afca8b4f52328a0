"""What a caregiver's phone keeps for a day without network: her pages, whole, and which card opens which of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, jsonify, request, url_for
from flask.wrappers import Response

from webapp.access import Actor, within
from webapp.cards.models import Card
from webapp.inspections import queries as inspections
from webapp.inspections.models import PLANNED
from webapp.kit import clock
from webapp.people.latch import PRIVATE_VERBS
from webapp.people.models import Household, Resident
from webapp.store import copies, db, rulebook
from webapp.today import queries
from webapp.today.queries import Stop
from webapp.visits.models import DONE, VOID
from webapp.web import page
from webapp.web.guard import allow, me
from webapp.web.headers import HEADERS

bp = Blueprint("packet", __name__)

HOLD = uuid.UUID("00000000-0000-7000-8000-00000000f111")
"""Stands in a kept page where the phone puts the visit it is about."""
HOLD_NEXT = "/hold-next"
"""Stands where the phone puts the page to go back to."""
DAYS = 2
"""Today and tomorrow: the morning may begin where there is no signal."""


@dataclass(frozen=True)
class Leaf:
    """One page of the packet. `day`: the only day it is right for; `hold`: what the phone fills in."""

    path: str
    ask: str
    day: date | None = None
    hold: dict[str, str] = field(default_factory=dict)

    @property
    def private(self) -> bool:
        """Whether reading it asks for a PIN given lately, as it does at the server."""
        endpoint, _values = current_app.url_map.bind_to_environ(request.environ).match(self.path, "GET")
        return getattr(current_app.view_functions[endpoint], "verb", None) in PRIVATE_VERBS


@bp.get("/inspections/packet")
@allow("inspections.record")
def checklists() -> Response:
    """For a supervisor's phone: what is to be inspected, each checklist she was drawn for, and one for a plate she meets."""
    who = me()
    mine = [each.household_id for each in inspections.lines(who, PLANNED) if each.mine and each.household_id]
    return _packed([*_checklists(mine)], [])


def _checklists(homes: Sequence[uuid.UUID]) -> Iterator[Leaf]:
    for endpoint in ("inspections.index", "inspections.scan", "doors.outbox", "doors.me"):
        yield Leaf(url_for(endpoint), url_for(endpoint))
    yield _held(url_for("inspections.plate"))
    for home in dict.fromkeys(homes):
        yield Leaf(url_for("inspections.home", household_id=home), url_for("inspections.home", household_id=home))


@bp.get("/today/packet")
@allow("visits.record")
def packet() -> Response:
    """Everything in one answer: one request, and the pages' likeness is packed away."""
    who, today = me(), clock.today()
    days = {today + timedelta(days=n): queries.day_of(who, today + timedelta(days=n)) for n in range(DAYS)}
    homes = _homes(who, days.values())
    shown = {each.resident_id: each.path for each in _portraits(who, homes)}
    return _packed([*_leaves(days, homes)], [*shown.values()])


def _packed(leaves: Sequence[Leaf], shown: Sequence[str]) -> Response:
    who, today = me(), clock.today()
    lock = rulebook.current("doors", today, who.place_id)
    answers = [(leaf, page.whole(leaf.ask)) for leaf in leaves]
    pictures = [(path, page.whole(path)) for path in shown]
    return jsonify(
        account=str(who.account_id),
        made_at=clock.to_wire(clock.now()),
        day=today.isoformat(),
        until=(today + timedelta(days=DAYS - 1)).isoformat(),
        seal=copies.sealing_key(device) if (device := getattr(who, "device_id", None)) else None,
        shared=bool(getattr(who, "shared", False)),
        lock={name: lock[name] for name in ("idle_minutes", "private_minutes")},
        headers={name: HEADERS[name] for name in ("Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options")},
        pages=[_page(leaf, answer) for leaf, answer in answers if answer.status_code == 200],
        pictures=[_picture(path, answer) for path, answer in pictures if answer.status_code == 200],
        missing=[leaf.path for leaf, answer in answers if answer.status_code != 200],
    )


def _homes(who: Actor, days: Any) -> list[uuid.UUID]:
    """The households she may enter now, and those of her visits."""
    ask = within(who, sa.select(Household.id)).where(Household.ended_on.is_(None)).order_by(Household.number)
    found = list(db.session().scalars(ask))
    return [*dict.fromkeys([*found, *(stop.household.id for stops in days for stop in stops)])]


def _leaves(days: dict[date, list[Stop]], homes: Sequence[uuid.UUID]) -> Iterator[Leaf]:
    for day in days:
        yield Leaf("/", url_for("today.start", day=day.isoformat()), day)
    for endpoint in ("today.scan", "ledger.index", "doors.outbox", "doors.me", "away.mine", "roster.mine", "proof.mine"):
        yield Leaf(url_for(endpoint), url_for(endpoint))
    yield _held(url_for("today.unplanned"))
    for key in dict.fromkeys(stop.visit_id for stops in days.values() for stop in stops):
        yield Leaf(url_for("today.visit", visit_id=key), url_for("today.visit", visit_id=key))
    for key in dict.fromkeys(stop.household.id for stops in days.values() for stop in stops if stop.relief):
        yield Leaf(url_for("today.handover", household_id=key), url_for("today.handover", household_id=key))
    for home in homes:
        yield _held(url_for("today.household", household_id=home))
        for endpoint in ("ledger.book", "logs.history", "outings.home", "outings.report"):
            yield Leaf(url_for(endpoint, household_id=home), url_for(endpoint, household_id=home))
        for endpoint in ("ledger.spend", "ledger.receive", "visits.nobody"):
            yield _held(url_for(endpoint, household_id=home), following=True)


def _held(path: str, *, following: bool = False) -> Leaf:
    hold = {"visit": str(HOLD)} | ({"next": HOLD_NEXT} if following else {})
    return Leaf(path, f"{path}?" + "&".join(f"{name}={value}" for name, value in hold.items()), hold=hold)


def _page(leaf: Leaf, answer: Response) -> dict[str, Any]:
    return {
        "path": leaf.path,
        "day": leaf.day.isoformat() if leaf.day else None,
        "hold": leaf.hold,
        "private": leaf.private,
        "html": answer.get_data(as_text=True),
    }


@dataclass(frozen=True)
class Portrait:
    """Where a resident's portrait is to be had."""

    resident_id: uuid.UUID
    path: str


def _portraits(who: Actor, homes: Sequence[uuid.UUID]) -> list[Portrait]:
    ask = within(who, sa.select(Resident.id)).where(
        Resident.household_id.in_(homes), Resident.portrait.is_not(None), Resident.portrait_consent_on.is_not(None)
    )
    return [Portrait(key, url_for("people.portrait", resident_id=key)) for key in db.session().scalars(ask)]


def _picture(path: str, answer: Response) -> dict[str, str]:
    answer.direct_passthrough = False
    return {"path": path, "type": answer.mimetype or "", "data": base64.b64encode(answer.get_data()).decode()}


def scannable(who: Actor, day: date) -> dict[str, Any]:
    """For the scan page: her cards by salted digest of token and of number, and each home's visits that are not over.

    The salt is new on every page: what one phone keeps opens nothing elsewhere.
    """
    salt = secrets.token_hex(16)
    stops = [(each, on) for on in (day, day + timedelta(days=1)) for each in queries.day_of(who, on)]
    homes = _homes(who, [[stop for stop, _on in stops]])
    cards = db.session().execute(
        sa.select(Card.token_digest, Card.number, Card.household_id, Resident.name)
        .outerjoin(Resident, Resident.id == Card.resident_id)
        .where(Card.household_id.in_(homes), Card.revoked_at.is_(None))
    )
    known = {}
    for digest, number, home, whose in cards:
        bearer = (str(home), whose or "")
        known[_mac(salt, digest)] = known[_mac(salt, hashlib.sha256(number.encode()).digest())] = bearer
    visits: dict[str, list[list[str]]] = {}
    for stop, on in stops:
        if stop.state not in (DONE, VOID):
            visits.setdefault(str(stop.household.id), []).append([on.isoformat(), str(stop.visit_id)])
    return {"salt": salt, "cards": known, "visits": visits}


def _mac(salt: str, digest: bytes) -> str:
    return hmac.digest(salt.encode(), digest, "sha256").hex()[:32]
