"""Where a run plays: a made-up station with caregivers, households and enrolled phones, and the real server over it."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from tests.faults import databases
from tests.faults.databases import Database
from tests.faults.server import Server, free_port
from tests.store.kit import Phone
from webapp import create_app
from webapp.access import Role
from webapp.cards.models import Card
from webapp.kit import clock, settings
from webapp.people import models as people
from webapp.people.models import Account, Device, Grant, PlaceKind, Resident, SignIn
from webapp.roster.models import Shift
from webapp.sample import commands, frame
from webapp.store import backup, db, migrate, secrets

SPARE = 12
"""Enrolled devices of each caregiver: a wiped phone goes on with the next."""
LIVED = timedelta(days=800)
"""How long everybody has been assigned: a phone four hundred days behind was assigned then."""
MEBI = 1024 * 1024


@dataclass
class Home:
    """A household as its caregiver's phone knows it, her devices, and a signed-in browser's cookie."""

    account: uuid.UUID
    household: uuid.UUID
    resident: uuid.UUID
    shift: uuid.UUID
    planned: uuid.UUID
    token: str
    lat_e6: int
    lon_e6: int
    cookie: str
    devices: list[Phone] = field(default_factory=list)


@dataclass
class Stage:
    """One run's database, folder, server and cast."""

    folder: Path
    database: Database
    app: Flask
    server: Server
    homes: list[Home]
    small_disk: int
    """Mebibytes of the disk under DATA_DIR when it is one of its own, which can be filled and grown; else 0."""

    def grow(self, mebi: int) -> None:
        """Make the small disk larger."""
        self.small_disk += mebi
        subprocess.run(["mount", "-o", f"remount,size={self.small_disk}m", str(self.folder / "data")], check=True)

    def back_up(self) -> Path:
        """A backup, while the server goes on writing."""
        with self.app.app_context():
            return backup.make(self.folder / "kept")

    def restore(self, copy: Path) -> None:
        """The database is lost; a backup takes its place. The server must not run."""
        self.let_go()
        self.database.lose()
        with self.app.app_context():
            assert backup.put_back(copy) == []
        self.let_go()

    def let_go(self) -> None:
        """Close what this process holds of the database."""
        self.app.extensions["db"].engine.dispose()


@contextlib.contextmanager
def stage(
    kind: str, *, homes: int, disk_mebi: int = 0, seed: int = 1, bug: str = "", workers: int = 2, moves_clock: bool = False
) -> Iterator[Stage]:
    """Lay the world on a database of `kind`, serve it, and clear all away. `disk_mebi`: of DATA_DIR, if mounting is allowed.

    `bug`: a planted one (tests/faults/bugs.py) that the server shall have.
    """
    folder = Path(tempfile.mkdtemp(prefix="nuanchao-faults-"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "data").mkdir()
        small = disk_mebi if disk_mebi and _mounted(folder / "data", disk_mebi, undo) else 0
        database = databases.make(kind, folder / "data" if kind == "sqlite" else folder)
        undo.callback(database.close)
        env = {"DATA_DIR": str(folder / "data"), "DATABASE_URL": database.url, "PORT": str(free_port())}
        app = create_app(settings.read(env))
        undo.callback(app.extensions["db"].engine.dispose)
        laid = lay(app, homes, seed)
        app.extensions["db"].engine.dispose()
        server = Server(folder, env, bug=bug, workers=workers, moves_clock=moves_clock)
        undo.callback(server.stop)
        server.start()
        yield Stage(folder, database, app, server, laid, small)


def _mounted(folder: Path, mebi: int, undo: contextlib.ExitStack) -> bool:
    """A small disk of its own at `folder`; False where mounting is not allowed."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebi}m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode == 0:
        undo.callback(subprocess.run, ["umount", "-l", str(folder)], check=False)
    return done.returncode == 0


def lay(app: Flask, homes: int, seed: int) -> list[Home]:
    """A station with so many caregivers of one household each, in an empty database; their phones enrolled."""
    facts: dict[str, Any] = json.loads(commands.FACTS.read_text())
    builder = frame.Builder(facts, random.Random(seed), clock.now() - LIVED)
    with app.app_context():
        migrate.upgrade(db.database().engine)
        with db.transaction() as session:
            district = people.found_place(PlaceKind.DISTRICT, "FD", "试验区")
            session.flush()
            street = people.found_place(PlaceKind.STREET, "FS", "试验街道", district, "0411-0000 1234")
            session.flush()
            station = people.found_place(PlaceKind.STATION, "FAULT", "试验服务站", street, "0411-0000 9999")
            session.flush()
            builder._office(station, (("fault-head", Role.STATION_HEAD),))
            for n in range(homes):
                carer = builder._caregiver(station)
                builder._home(
                    station,
                    carer,
                    couple=n % 3 == 0,
                    no_signal=n % 4 == 0,
                    relative=False,
                    start_min=480 + n * 5 % 600,
                    minutes=60,
                )
                session.flush()
        commands._backdate(clock.now() - LIVED)
        with db.transaction() as session:
            session.execute(sa.update(people.HomeCareUnit).values(since=clock.now() - LIVED))
            made = [_home(app, home.household.id, home.account, home.spot) for home in builder.world.homes]
        commands._measure()
        return made


def _home(app: Flask, household: uuid.UUID, account: Account, spot: Any) -> Home:
    session = db.session()
    shift = session.scalars(sa.select(Shift).where(Shift.household_id == household, Shift.day == clock.today())).one()
    card = session.scalars(sa.select(Card).where(Card.household_id == household, Card.resident_id.is_not(None)).limit(1)).one()
    resident = session.scalars(sa.select(Resident.id).where(Resident.household_id == household).limit(1)).one()
    devices = [Phone(account.id) for _ in range(SPARE)]
    for gen, phone in enumerate(devices, 1):
        key = phone.public
        session.add(Device(id=phone.device, account_id=account.id, label="试验手机", x=key.x, y=key.y, gen=gen))
    return Home(
        account.id, household, resident, shift.id, shift.visit_id, card.token or "", spot.lat_e6, spot.lon_e6,
        _cookie(app, account), devices,
    )  # fmt: skip


def _cookie(app: Flask, account: Account) -> str:
    session, token = db.session(), f"fault-{account.id}"
    grant = session.scalars(sa.select(Grant).where(Grant.account_id == account.id)).first()
    assert grant is not None
    until = clock.now() + timedelta(days=60)
    session.add(SignIn(token=secrets.one_way(token), account_id=account.id, grant_id=grant.id, until=until))
    signer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return f"session={signer.dumps({'_user_id': token, '_fresh': True})}"
