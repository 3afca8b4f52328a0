"""The world that is measured: a station of 200 caregivers with three months behind them, in the middle of a day."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from bench.phone import Phone
from webapp.access import Role
from webapp.cards.models import Card
from webapp.kit import clock
from webapp.people import models as people
from webapp.people.models import Account, Consent, Device, Grant, Kin, Place, PlaceKind, SignIn
from webapp.roster.models import Shift
from webapp.sample import commands, frame, history
from webapp.sample.frame import Home
from webapp.store import db, secrets
from webapp.visits.models import OPEN, VOID, Visit

CAREGIVERS, DAYS = 200, 91


@dataclass
class Carer:
    """One caregiver with her phone, her home and today's planned visit."""

    cookie: str
    phone: Phone
    household: uuid.UUID
    shift: uuid.UUID
    planned: uuid.UUID
    token: str
    state: str


@dataclass
class World:
    """What the load needs to know."""

    carers: list[Carer] = field(default_factory=list)
    head: str = ""
    kin: list[tuple[str, uuid.UUID]] = field(default_factory=list)


def build(app: Flask) -> World:
    """Fill an empty, upgraded database."""
    facts: dict[str, Any] = json.loads(commands.FACTS.read_text())
    draw = random.Random(1)
    since = clock.instant(clock.today() - timedelta(days=DAYS + 1), 0)
    builder = frame.Builder(facts, draw, since)
    with db.transaction() as session:
        for _ in builder.build("small"):
            session.flush()
        street = session.scalars(sa.select(Place).where(Place.kind == PlaceKind.STREET)).one()
        station = people.found_place(PlaceKind.STATION, "BENCH", "量一量服务站", street, "0411-0000 9999")
        session.flush()
        builder._office(station, (("bench-head", Role.STATION_HEAD),))
        minute = clock.minute_of(clock.now())
        for n in range(CAREGIVERS):
            start = min(max(minute - 180 + n * 300 // CAREGIVERS, 0), 1320) // 5 * 5
            builder._home(
                station,
                builder._caregiver(station),
                couple=n % 2 == 0,
                no_signal=False,
                relative=False,
                start_min=start,
                minutes=60,
            )
            session.flush()
    commands._backdate(since)
    homes = [home for home in builder.world.homes if home.household.station_id == station.id]
    with db.transaction():
        past = history.Past(builder.world.homes, facts["generator"], draw)
        for _ in past.live(DAYS):
            pass
        past.begin_today()
    commands._measure()
    return _found(app, homes, station.id)


def _found(app: Flask, homes: list[Home], station: uuid.UUID) -> World:
    world = World()
    with db.transaction() as session:
        states: dict[uuid.UUID, str] = dict(
            session.execute(sa.select(Visit.id, Visit.state).where(Visit.day == clock.today())).all()
        )
        for home in homes:
            phone = Phone(home.account.id)
            session.add(Device(id=phone.device, account_id=home.account.id, x=phone.x, y=phone.y, label="bench"))
            shift = session.scalars(
                sa.select(Shift).where(Shift.household_id == home.household.id, Shift.day == clock.today())
            ).one()
            card = session.scalars(
                sa.select(Card).where(Card.household_id == home.household.id, Card.resident_id.is_not(None)).limit(1)
            ).one()
            world.carers.append(
                Carer(
                    cookie(app, home.account, phone.device), phone, home.household.id, shift.id, shift.visit_id, card.token or "",
                    states.get(shift.visit_id, "planned"),
                )
            )  # fmt: skip
        world.head = cookie(app, session.scalars(sa.select(Account).where(Account.login == "bench-head")).one())
        told = sa.select(Consent.kin_id).where(Consent.scope == "money")
        for kin in session.scalars(sa.select(Kin).where(Kin.id.in_(told)).limit(20)):
            account = session.scalars(sa.select(Account).where(Account.person_id == kin.person_id)).one()
            world.kin.append((cookie(app, account), kin.id))
    return world


def cookie(app: Flask, account: Account, device: uuid.UUID | None = None) -> str:
    """A signed-in browser's cookie for the account; `device`: the phone it is on."""
    session, token = db.session(), str(account.id)
    grant = session.scalars(sa.select(Grant).where(Grant.account_id == account.id)).first()
    assert grant is not None
    session.flush()
    session.add(
        SignIn(
            token=secrets.one_way(token), account_id=account.id, grant_id=grant.id, device_id=device,
            until=clock.now() + timedelta(days=1),
        )
    )  # fmt: skip
    signer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    seen = {"_user_id": token, "_fresh": False, "csrf_token": hashlib.sha1(token.encode()).hexdigest()}  # one page was seen
    return f"session={signer.dumps(seen)}"


def forget_arrivals(since: Any) -> None:
    """Take back what the last round of arrivals began, so that the next finds the same shifts waiting."""
    with db.transaction() as session:
        session.execute(
            sa.update(Visit)
            .where(Visit.state == OPEN, Visit.arrived_at >= since)
            .values(state=VOID)
            .execution_options(synchronize_session=False)
        )
